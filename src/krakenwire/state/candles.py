"""Recent candles of each market and length: which message begins one, changes one, or says nothing new.

The key of a candle is symbol, interval and start; a later message replaces an earlier one. Nothing on the
wire says that a candle is closed: it counts as closed once a later one has begun. A start that is missing
is no loss, because an interval without trades has no candle. No candle starts after the frame that brings it
was sent: one that does is a mistake, and must not close the real ones.
"""

from __future__ import annotations

import math
from decimal import Decimal
from enum import StrEnum

from krakenwire.wire.market import Candle
from krakenwire.wire.timestamps import parse_ns

CANDLES_KEPT = 16
"""Candles kept of each series, the latest ones."""

_MINUTE = 60_000_000_000

SERIES_LIMIT = 16_384
"""Series (symbol and interval) a log follows, more than Kraken offers. Further ones are not kept."""


class CandleFact(StrEnum):
    """What one candle message says, given those before it."""

    NEW = "new"
    """The first message of a candle that starts after all others."""
    UPDATED = "updated"
    """The open candle moved on."""
    REPEATED = "repeated"
    """The same values again."""
    REVISED = "revised"
    """A closed candle changed, or trades or volume of the open one went back."""
    LATE = "late"
    """A candle that is not held, although a later one has begun."""
    UNTRACKED = "untracked"
    """Its start cannot be read or lies in the future, or there are too many series: nothing is known about it."""


_NEW, _UPDATED, _REPEATED, _REVISED = (
    CandleFact.NEW,
    CandleFact.UPDATED,
    CandleFact.REPEATED,
    CandleFact.REVISED,
)


class _Series:
    """The latest candles of one symbol and interval."""

    __slots__ = ("begin", "candles", "latest")

    def __init__(self, begin: int, candle: Candle) -> None:
        self.begin = begin
        """Start of the latest candle, in nanoseconds."""
        self.latest = candle
        # By start: one instant may be written with 6 digits or 9.
        self.candles = {begin: candle}


class CandleLog:
    """The latest candles of each series."""

    def __init__(self) -> None:
        self._series: dict[tuple[str, int], _Series] = {}

    def judge(self, candle: Candle, sent: str | None = None) -> CandleFact:
        """Takes one candle, in the order received, and keeps it in place of the one it replaces.

        `sent`: when Kraken sent it, as its frame says. Its numbers must be finite: `wire/numbers.py` refuses others before they come here.
        """
        series = self._series.get((candle.symbol, candle.interval))
        if series is not None and (previous := series.latest).interval_begin == candle.interval_begin:
            # Nearly every message is about the candle that is open now, and its start needs no reading.
            series.latest = series.candles[series.begin] = candle
            return _compared(previous, candle, closed=False)
        begin, latest = parse_ns(candle.interval_begin), _latest_begin(sent, candle.interval)
        if begin is None or begin > latest:
            return CandleFact.UNTRACKED
        if series is not None and series.begin > latest:
            series = self._without(series, latest, candle)
        if series is None:
            if len(self._series) >= SERIES_LIMIT:
                return CandleFact.UNTRACKED
            self._series[candle.symbol, candle.interval] = _Series(begin, candle)
            return _NEW
        return self._place(series, begin, candle)

    def _without(self, series: _Series, latest: float, candle: Candle) -> _Series | None:
        """The series without candles that start later than any can; None if nothing is left of it."""
        held = {begin: each for begin, each in series.candles.items() if begin <= latest}
        if not held:
            self.forget(candle.symbol, candle.interval)
            return None
        series.candles, series.begin = held, max(held)
        series.latest = held[series.begin]
        return series

    def _place(self, series: _Series, begin: int, candle: Candle) -> CandleFact:
        held = series.candles
        replaced = held.get(begin)
        held[begin] = candle
        closed = begin < series.begin
        if not closed:
            series.begin, series.latest = begin, candle
        if replaced is not None:
            return _compared(replaced, candle, closed=closed)
        if len(held) > CANDLES_KEPT:
            del held[min(held)]
        return CandleFact.LATE if closed else _NEW

    def candles(self, symbol: str, interval: int) -> tuple[Candle, ...]:
        """What is held of one series, oldest first."""
        series = self._series.get((symbol, interval))
        return () if series is None else tuple(candle for _, candle in sorted(series.candles.items()))

    def forget(self, symbol: str, interval: int) -> None:
        """Drops one series, for instance after an unsubscription."""
        self._series.pop((symbol, interval), None)


def _latest_begin(sent: str | None, interval: int) -> float:
    """The latest start that a candle sent at this time can have, in nanoseconds. One interval more is granted: clocks differ."""
    at = parse_ns(sent)
    return math.inf if at is None else at + max(0, interval) * _MINUTE


def _compared(previous: Candle, candle: Candle, *, closed: bool) -> CandleFact:
    if candle.trades == previous.trades and _values(candle) == _values(previous):
        return _REPEATED
    back = candle.trades < previous.trades or Decimal(candle.volume_text) < Decimal(previous.volume_text)
    return _REVISED if closed or back else _UPDATED


def _values(candle: Candle) -> tuple[object, ...]:
    """What makes two messages of one candle the same, besides its trades; the spelling of its times does not."""
    return (candle.open, candle.high, candle.low, candle.close, candle.volume, candle.vwap)
