"""Recorded frames: one raw frame a line."""

from krakenwire.capture.clock import FileClock
from krakenwire.capture.reader import LONGEST_LINE, Capture, CaptureError, open_capture

__all__ = ["LONGEST_LINE", "Capture", "CaptureError", "FileClock", "open_capture"]
