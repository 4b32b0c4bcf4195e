"""Candles and the figures of a day are made of trades, all of them and nothing else."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby

from hypothesis import given
from hypothesis import strategies as st

from krakenwire.sim.candles import DAY, KEPT, MINUTE, Candle, Candles
from krakenwire.sim.clock import EPOCH, SECOND
from krakenwire.sim.engine import Side
from krakenwire.sim.pair import Scaling
from krakenwire.sim.tape import Trade
from krakenwire.wire.market import OHLC_INTERVALS

PAUSES = st.sampled_from([0, 1, 30, 59, 61, 3_000, 50_000, 90_000])
"""Seconds: within a minute, across minutes, across days."""
TRADES = st.lists(st.tuples(PAUSES, st.integers(1, 1_000), st.integers(1, 10**9)), min_size=1, max_size=40)


def traded(rows: list[tuple[int, int, int]]) -> list[Trade]:
    """Trades with these pauses before them, prices and quantities."""
    made: list[Trade] = []
    at = EPOCH
    for pause, price, qty in rows:
        at += pause * SECOND
        made.append(Trade(len(made) + 1, Side.BUY, price, qty, "limit", at))
    return made


def told(candle: Candle) -> tuple[int, ...]:
    return (candle.open, candle.high, candle.low, candle.close, candle.trades, candle.volume, candle.cost)


def summed(trades: list[Trade]) -> tuple[int, ...]:
    """The same figures from the trades themselves."""
    prices = [trade.price for trade in trades]
    volume, cost = sum(t.qty for t in trades), sum(t.qty * t.price for t in trades)
    return (prices[0], max(prices), min(prices), prices[-1], len(trades), volume, cost)


@given(rows=TRADES)
def test_candles_are_their_trades(rows: list[tuple[int, int, int]]) -> None:
    """In every interval there is a candle exactly where there were trades, and it has their first, highest, lowest and last price,
    their number, volume and cost.
    """
    candles, trades = Candles(), traded(rows)
    for _, together in groupby(trades, key=lambda trade: trade.at):
        candles.add(list(together))
    for interval in OHLC_INTERVALS:
        length = interval * MINUTE
        expected = [
            (begin, *summed(list(inside)))
            for begin, inside in groupby(trades, key=lambda t: t.at // length * length)
        ]
        assert [(c.begin, *told(c)) for c in candles.series[interval]] == expected[-KEPT:]


@given(rows=TRADES, later=st.sampled_from([0, 1, 4_000, 80_000, 90_000]))
def test_day_is_its_trades(rows: list[tuple[int, int, int]], later: int) -> None:
    """The figures of 24 hours are those of the trades whose minute began less than 24 hours ago, whenever they are asked for."""
    candles, trades = Candles(), traded(rows)
    for trade in trades:
        candles.add([trade])
        if trade.qty % 2:
            candles.day.at(trade.at)
    now = trades[-1].at + later * SECOND
    inside = [trade for trade in trades if trade.at // MINUTE * MINUTE > now - DAY]
    day = candles.day.at(now)
    assert (None if day is None else told(day)) == (summed(inside) if inside else None)


@given(rows=TRADES)
def test_vwap_is_rounded_half_up(rows: list[tuple[int, int, int]]) -> None:
    """The average price by volume is the exact quotient, rounded to the last digit."""
    trades = traded([(0, price, qty) for _, price, qty in rows])
    candles = Candles()
    candles.add(trades)
    exact = Fraction(sum(t.qty * t.price for t in trades), sum(t.qty for t in trades))
    assert candles.series[1][-1].vwap == (exact + Fraction(1, 2)).__floor__()


def test_rescaled_candles_keep_their_order() -> None:
    """With fewer digits low, open, close and high stay in order; with more digits nothing is lost."""
    candles = Candles()
    candles.add(traded([(0, 1049, 5), (0, 1051, 1), (0, 1044, 2)]))
    candles.rescale(Scaling(10, 1, 1, 1))
    assert told(candles.series[1][-1])[:4] == (10490, 10510, 10440, 10440)
    candles.rescale(Scaling(1, 1000, 1, 1))
    assert told(candles.series[1][-1])[:4] == (10, 11, 10, 10)


def test_volumes_have_the_digits_of_quantities() -> None:
    """Other digits of quantities change volumes, of a candle and of the day, and no price, the average included."""
    candles = Candles()
    candles.add(traded([(0, 1049, 50), (0, 1051, 10)]))
    before = candles.series[1][-1].vwap
    candles.rescale(Scaling(1, 1, 1, 10))
    day = candles.day.at(candles.series[1][-1].begin)
    assert day is not None
    assert (candles.series[1][-1].volume, day.volume, candles.series[1][-1].vwap) == (6, 6, before)
