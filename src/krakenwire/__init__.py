"""Kraken Spot WebSocket v2 for Python: frames in, typed, exact, proven events out."""

from krakenwire.errors import (
    BookNotLive,
    CallbackTimeout,
    ConnectionLost,
    DecodeError,
    KrakenWireError,
    RequestRejected,
    UsageError,
)

__version__ = "0.1.0"

__all__ = [
    "BookNotLive",
    "CallbackTimeout",
    "ConnectionLost",
    "DecodeError",
    "KrakenWireError",
    "RequestRejected",
    "UsageError",
]
