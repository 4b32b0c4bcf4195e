"""Candles and the 24-hour figures of one market, made of its trades and of nothing else.

Both are fed once a publication with the trades of that publication, which all have one instant. Prices, volumes and costs are integers;
a cost is in units of a price times a quantity.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from krakenwire.sim.clock import SECOND
from krakenwire.sim.pair import Scaling
from krakenwire.sim.tape import Trade
from krakenwire.wire.market import OHLC_INTERVALS

KEPT = 12
"""Candles of an interval that are remembered, the open one included: what a snapshot shows."""

MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE


class Candle:
    """The trades of one interval."""

    __slots__ = ("begin", "close", "cost", "high", "low", "open", "trades", "volume")

    def __init__(self, begin: int, price: int) -> None:
        self.begin = begin
        """ns since 1970."""
        self.open = self.high = self.low = self.close = price
        self.trades = self.volume = self.cost = 0

    def add(self, other: Candle) -> None:
        """Take in trades that come after its own."""
        self.high = max(self.high, other.high)
        self.low = min(self.low, other.low)
        self.close = other.close
        self.trades += other.trades
        self.volume += other.volume
        self.cost += other.cost

    @property
    def vwap(self) -> int:
        """Average price by volume, rounded to the last digit."""
        return rounded(self.cost, self.volume)


def rounded(part: int, whole: int) -> int:
    """The quotient of two integers that are not negative, rounded half up; 0 of nothing."""
    return (2 * part + whole) // (2 * whole) if whole else 0


def candle_of(trades: Sequence[Trade]) -> Candle:
    """Trades as one candle that begins when they happened. There is at least one."""
    made = Candle(trades[0].at, trades[0].price)
    for trade in trades:
        price, qty = trade.price, trade.qty
        made.high = max(made.high, price)
        made.low = min(made.low, price)
        made.volume += qty
        made.cost += price * qty
    made.close = trades[-1].price
    made.trades = len(trades)
    return made


class Day:
    """Figures of the last 24 hours, in whole minutes: a minute counts until 24 hours after it began."""

    def __init__(self) -> None:
        self._minutes: deque[Candle] = deque()
        self.trades = self.volume = self.cost = 0
        self._high = self._low = 0

    def add(self, candle: Candle) -> None:
        """Trades of one instant, none of them older than those added before."""
        begin = candle.begin // MINUTE * MINUTE
        if self._minutes and self._minutes[-1].begin == begin:
            self._minutes[-1].add(candle)
        else:
            minute = Candle(begin, candle.open)
            minute.add(candle)
            self._minutes.append(minute)
        self.trades += candle.trades
        self.volume += candle.volume
        self.cost += candle.cost
        first = len(self._minutes) == 1
        self._high = self._minutes[0].high if first else max(self._high, candle.high)
        self._low = self._minutes[0].low if first else min(self._low, candle.low)

    def at(self, now: int) -> Candle | None:
        """The whole day as one candle; None if nothing was traded."""
        minutes, gone = self._minutes, False
        while minutes and minutes[0].begin <= now - DAY:
            old = minutes.popleft()
            self.trades -= old.trades
            self.volume -= old.volume
            self.cost -= old.cost
            gone = gone or old.high == self._high or old.low == self._low
        if not minutes:
            return None
        if gone:
            self._high = max(minute.high for minute in minutes)
            self._low = min(minute.low for minute in minutes)
        day = Candle(minutes[0].begin, minutes[0].open)
        day.high, day.low, day.close = self._high, self._low, minutes[-1].close
        day.trades, day.volume, day.cost = self.trades, self.volume, self.cost
        return day

    def rescale(self, scaling: Scaling) -> None:
        """Prices and quantities get other digits."""
        for minute in self._minutes:
            rescale(minute, scaling)
        self.volume = sum(minute.volume for minute in self._minutes)
        self.cost = sum(minute.cost for minute in self._minutes)
        if self._minutes:
            self._high = max(minute.high for minute in self._minutes)
            self._low = min(minute.low for minute in self._minutes)


class Candles:
    """The candles of every interval that Kraken offers, and the day."""

    def __init__(self) -> None:
        self.series: dict[int, deque[Candle]] = {interval: deque(maxlen=KEPT) for interval in OHLC_INTERVALS}
        """By interval in minutes; the last candle is the open one. Intervals without trades are missing."""
        self.day = Day()

    def add(self, trades: Sequence[Trade]) -> None:
        """Trades of one instant, at least one."""
        made = candle_of(trades)
        at = made.begin
        for interval, series in self.series.items():
            begin = at - at % (interval * MINUTE)
            if not series or series[-1].begin != begin:
                series.append(Candle(begin, made.open))
            series[-1].add(made)
        self.day.add(made)

    def rescale(self, scaling: Scaling) -> None:
        """Prices and quantities get other digits."""
        for series in self.series.values():
            for candle in series:
                rescale(candle, scaling)
        self.day.rescale(scaling)


def rescale(candle: Candle, scaling: Scaling) -> None:
    """Other digits for a candle. Rounding keeps the order of its prices, so open, high, low and close stay what they are."""
    up, down, more, less = scaling
    candle.open, candle.high = rounded(candle.open * up, down), rounded(candle.high * up, down)
    candle.low, candle.close = rounded(candle.low * up, down), rounded(candle.close * up, down)
    candle.volume = rounded(candle.volume * more, less)
    candle.cost = rounded(candle.cost * up * more, down * less)
