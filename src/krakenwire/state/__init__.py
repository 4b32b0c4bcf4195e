"""What a session knows between two messages: books, sequences, trades, candles. Each returns facts and never
raises for what Kraken sent.
"""
