"""How late a connection's data is, without asking any wall clock.

The clocks of this machine and of the exchange differ by an amount that nobody knows and that hardly changes. So the smallest difference
between the arrival of a message and its timestamp is taken for that amount and the way here at its best; what is above it is lag.
"""

from __future__ import annotations

from typing import Any

from krakenwire.events import FeedLagging, Level3Update, OrderBookUpdate, TradeUpdate
from krakenwire.wire.timestamps import parse_ns

TIMED = (OrderBookUpdate, Level3Update, TradeUpdate)
"""Events whose timestamp is the moment they tell of. That of a candle is the end of its interval, that of a ticker's first figures as old
as the last trade.
"""

LAGGING_SECONDS = 2.0
"""Lag at which it is told."""

CAUGHT_UP_SECONDS = 1.0
"""Lag at which it is taken back."""

FORGET = 0.0002
"""Seconds that the best difference grows with every second, for clocks that drift apart."""


class Lag:
    """The lag of one connection, from a message every second or so."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._best: float | None = None
        self._at = 0.0
        self._lagging = False
        self.seconds: float | None = None
        """As of the last message looked at; None before the first."""

    def look(self, event: Any, now: float) -> FeedLagging | None:
        """Look at a message that came now. Something is returned when lagging begins or ends."""
        if not isinstance(event, TIMED) or event.snapshot or getattr(event, "source", "live") != "live":
            return None
        ns = parse_ns(event.timestamp)
        if ns is None:
            return None
        difference = now - ns / 1_000_000_000
        best = difference if self._best is None else self._best + FORGET * (now - self._at)
        self._best, self._at = min(best, difference), now
        self.seconds = difference - self._best
        if self._lagging == (self.seconds < (CAUGHT_UP_SECONDS if self._lagging else LAGGING_SECONDS)):
            self._lagging = not self._lagging
            return FeedLagging(self._connection, self._lagging, self.seconds)
        return None
