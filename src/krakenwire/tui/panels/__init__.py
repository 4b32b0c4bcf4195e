"""Painters: each makes rows of text of what a board holds, for so many cells, and knows no terminal."""
