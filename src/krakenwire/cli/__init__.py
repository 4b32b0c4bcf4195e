"""The command line."""

from krakenwire.cli.entry import main

__all__ = ["main"]
