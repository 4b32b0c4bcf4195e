"""Recorded frames: one raw frame a line."""

from krakenwire.capture.reader import CaptureError, Line, read

__all__ = ["CaptureError", "Line", "read"]
