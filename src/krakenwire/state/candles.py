"""Recent candles of each market and length: which message begins one, changes one, or says nothing new.

The key of a candle is symbol, interval and start; a later message replaces an earlier one. Nothing on the
wire says that a candle is closed: it counts as closed once a later one has begun. A start that is missing
is no loss, because an interval without trades has no candle.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from krakenwire.wire.market import Candle
from krakenwire.wire.timestamps import parse_ns

CANDLES_KEPT = 16
"""Candles kept of each series, the latest ones."""

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
    """Its start cannot be read, or there are too many series: nothing is known about it."""


class CandleVerdict(Struct, frozen=True):
    """The fact, and the values that the message replaced or repeated."""

    fact: CandleFact
    previous: Candle | None = None


_NEW = CandleVerdict(CandleFact.NEW)
_LATE = CandleVerdict(CandleFact.LATE)
_UNTRACKED = CandleVerdict(CandleFact.UNTRACKED)


class CandleLog:
    """The latest candles of each series."""

    def __init__(self) -> None:
        # Per series the candles by start, in nanoseconds: one instant may be written with 6 digits or 9.
        self._series: dict[tuple[str, int], dict[int, Candle]] = {}

    def judge(self, candle: Candle) -> CandleVerdict:
        """Takes one candle, in the order received, and keeps it in place of the one it replaces.

        Its numbers must be finite: `wire/numbers.py` refuses others before they come here.
        """
        begin = parse_ns(candle.interval_begin)
        key = (candle.symbol, candle.interval)
        series = self._series.get(key)
        if begin is None or (series is None and len(self._series) >= SERIES_LIMIT):
            return _UNTRACKED
        if series is None:
            self._series[key] = {begin: candle}
            return _NEW
        latest = max(series)
        previous = series.get(begin)
        series[begin] = candle
        if previous is not None:
            return CandleVerdict(_compare(previous, candle, closed=begin < latest), previous)
        if len(series) > CANDLES_KEPT:
            del series[min(series)]
        return _LATE if begin < latest else _NEW

    def candles(self, symbol: str, interval: int) -> tuple[Candle, ...]:
        """What is held of one series, oldest first."""
        return tuple(candle for _, candle in sorted(self._series.get((symbol, interval), {}).items()))

    def forget(self, symbol: str, interval: int) -> None:
        """Drops one series, for instance after an unsubscription."""
        self._series.pop((symbol, interval), None)


def _values(candle: Candle) -> tuple[object, ...]:
    """What makes two messages of one candle the same; the spelling of its times does not."""
    return (candle.open, candle.high, candle.low, candle.close, candle.trades, candle.volume, candle.vwap)


def _compare(previous: Candle, candle: Candle, *, closed: bool) -> CandleFact:
    if _values(previous) == _values(candle):
        return CandleFact.REPEATED
    if closed or candle.trades < previous.trades or candle.volume < previous.volume:
        return CandleFact.REVISED
    return CandleFact.UPDATED
