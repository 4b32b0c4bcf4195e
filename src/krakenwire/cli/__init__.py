"""The command line."""

from krakenwire.cli.start import main

__all__ = ["main"]
