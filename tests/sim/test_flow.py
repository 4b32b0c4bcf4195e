"""The order flow: markets that live for ever, each in its own way, and never leave their digits."""

from __future__ import annotations

from random import Random

import pytest

from krakenwire.sim import Exchange, Listing, listing
from krakenwire.sim.clock import EPOCH, SECOND
from krakenwire.sim.engine import Side
from krakenwire.sim.flow import Character, Flow
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Pair
from krakenwire.sim.truth import TruthLog

KINDS = [
    listing("DEAR/USD", "98765.4", rate=6, levels=100),
    listing("CHEAP/USD", "0.00001234", rate=6, levels=30),
    listing("TINY/USD", "0.00000007", qty_decimals=0, rate=6, levels=3, size=5),
    listing("WHOLE/USD", "1234", rate=6, levels=50, qty_decimals=2),
    listing("STEPS/USD", "100.00", step=25, rate=6, levels=20),
    listing("THIN/USD", "1.05", rate=6, levels=2, withdrawals=0.05),
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.pair.symbol)
def test_market_stays_itself(kind: Listing) -> None:
    """After an hour the market trades near where it began, on its own price steps, with about as many orders as it should have,
    and never had a crossed book or a quantity below its minimum.
    """
    market = Market(kind.pair)
    flow = Flow(market, kind.price, kind.character, Random(7))
    flow.open(EPOCH)
    market.publish(EPOCH)
    at, first, fills = EPOCH, market.tape.next_id, 0
    while at < EPOCH + 3600 * SECOND:
        at += flow.pause()
        flow.act(at)
        bid, ask = market.engine.bids.best(), market.engine.asks.best()
        assert bid is None or ask is None or bid < ask
        fills += len(market.fresh)
        market.publish(at)
    assert fills == market.tape.next_id - first > 1_000
    assert kind.price / 3 < market.tape.last_price < 3 * kind.price
    step = kind.pair.price_increment
    assert all(order.price % step == 0 and order.price > 0 for order in market.engine.orders.values())
    assert len(market.engine.orders) < 3 * kind.character.levels * kind.character.crowd + 20
    assert len(flow.orders[0]) + len(flow.orders[1]) < 4 * kind.character.levels * kind.character.crowd + 40


def test_all_kinds_of_books_occur() -> None:
    """A market whose makers go away has books with one side, with none, and with both; others have none of that."""
    truth = TruthLog(limit=None, frames=False)
    exchange = Exchange(seed=1, markets=[*KINDS], truth=truth)
    exchange.advance(1_800.0)
    shapes = {(bool(state.bids), bool(state.asks)) for state in truth.states["THIN/USD"]}
    assert shapes == {(True, True), (True, False), (False, True), (False, False)}
    assert all(state.bids and state.asks for state in truth.states["DEAR/USD"])


def test_deep_market_fills_the_deepest_window() -> None:
    """The deepest market has more than the thousand levels a side that can be subscribed to."""
    exchange = Exchange(markets=["BTC/USD"])
    exchange.advance(60.0)
    assert all(len(side.keys) > 1_000 for side in exchange.markets["BTC/USD"].engine.sides)


def test_pace_changes() -> None:
    """A market is lively at times and quiet at others: the busiest ten seconds have several times the messages of the calmest."""
    truth = TruthLog(limit=None, frames=False)
    exchange = Exchange(seed=1, markets=[listing("MOODY/USD", "10.00", rate=10, levels=20)], truth=truth)
    exchange.advance(600.0)
    tens: dict[int, int] = {}
    for state in truth.states["MOODY/USD"]:
        ten = (state.at - EPOCH) // (10 * SECOND)
        tens[ten] = tens.get(ten, 0) + 1
    counts = sorted(tens.values())
    assert counts[-1] > 4 * counts[0]


def test_past_is_there_from_the_beginning() -> None:
    """An exchange begins with trades, candles of every interval and figures of a day, and with orders older than itself."""
    exchange = Exchange(markets=["SOL/USD"])
    market = exchange.markets["SOL/USD"]
    assert len(market.tape.latest(50)) == 50
    assert all(market.candles.series.values())
    assert market.candles.day.at(exchange.at) is not None
    stamps = [order.stamp for order in market.engine.orders.values()]
    assert min(stamps) < EPOCH - 60 * SECOND
    for side in market.engine.sides:
        for level in side.levels.values():
            queue = [order.stamp for order in level.orders.values()]
            assert queue == sorted(queue)


def test_seeds_do_not_meet() -> None:
    """A market is the same whatever other markets are listed beside it."""
    alone, among = Exchange(seed=9, markets=["SOL/USD"]), Exchange(seed=9, markets=["BTC/USD", "SOL/USD"])
    for exchange in (alone, among):
        exchange.advance(60.0)
    one, other = (exchange.markets["SOL/USD"] for exchange in (alone, among))
    assert list(one.tape.trades) == list(other.tape.trades)
    assert list(one.engine.orders) == list(other.engine.orders)


def test_flow_takes_no_side_alone() -> None:
    """Takers buy and sell, at the market and with limits."""
    market = Market(Pair(symbol="SOL/USD", price_precision=2))
    flow = Flow(market, 14_122, Character(), Random(2))
    flow.open(EPOCH)
    for step in range(3_000):
        flow.act(EPOCH + step * SECOND)
        market.publish(EPOCH + step * SECOND)
    kinds = {(trade.side, trade.ord_type) for trade in market.tape.trades}
    assert kinds == {(side, kind) for side in Side for kind in ("limit", "market")}
