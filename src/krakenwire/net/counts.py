"""What a connection counts of each channel."""

from __future__ import annotations

TIMED = 8
"""One message of so many has its time taken: reading the clock for each would be a tenth of what the reader itself costs."""


class ChannelCount:
    """One channel: its messages, and the seconds that decoding, state and proof took for some of them."""

    __slots__ = ("messages", "seconds", "timed")

    def __init__(self) -> None:
        self.messages = 0
        self.seconds = 0.0
        self.timed = 0
        """How many messages took these seconds; the first is always among them."""
