"""How late data is: percentiles over the last messages.

The clocks of this machine and of the exchange differ by an unknown amount that hardly changes. The smallest difference seen between the
arrival of a message and its timestamp is taken for that amount and the way here at its best; a delay is what is above it.
"""

from __future__ import annotations

import copy
from collections import deque

from krakenwire.wire.timestamps import parse_ns

KEPT = 2_000
"""Messages over which percentiles are taken."""

EVERY = 8
"""One message of so many is looked at."""


class Delays:
    """Delays of messages above the best one, seconds."""

    def __init__(self) -> None:
        self._differences: deque[float] = deque(maxlen=KEPT)
        self._seen = 0

    def take(self, timestamp: str | None, now: float) -> None:
        """A message that tells when it happened."""
        self._seen += 1
        if self._seen % EVERY:
            return
        ns = parse_ns(timestamp)
        if ns is not None:
            self._differences.append(now - ns / 1e9)

    def percentiles(self, shares: tuple[float, ...]) -> tuple[float, ...] | None:
        """For each share, the delay that so many messages do not exceed; None before there is any message."""
        ordered = sorted(self._differences)
        if not ordered:
            return None
        best = ordered[0]
        return tuple([ordered[min(len(ordered) - 1, int(share * len(ordered)))] - best for share in shares])

    def still(self) -> Delays:
        """A copy that does not change any more."""
        made = copy.copy(self)
        made._differences = copy.copy(self._differences)
        return made
