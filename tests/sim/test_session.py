"""Our own session and the simulated exchange judge each other: everything proven, nothing reported lost."""

from __future__ import annotations

import pytest

from krakenwire.events import Event, TradeUpdate
from krakenwire.sim import Exchange, Host, Listing, Rules, invented, listing
from krakenwire.wire.subscriptions import (
    BookSubscription,
    InstrumentSubscription,
    Level3Subscription,
    OhlcSubscription,
    TickerSubscription,
    TradeSubscription,
)
from tests.sim.drive import Pairing

MARKETS: list[str | Listing] = [
    "BTC/USD",
    "ETH/USD",
    "SOL/USD",
    "DOGE/USD",
    "ETH/BTC",
    "PEPE/USD",
    "PAXG/USD",
    "XMN/USD",
    listing("THIN/USD", "1.05", rate=6, levels=4, withdrawals=0.02),
    listing("TINY/USD", "0.00000007", qty_decimals=0, rate=4, levels=3, size=5, withdrawals=0.01),
    listing("WHOLE/USD", "81234", rate=6, levels=40, qty_decimals=4),
    *invented(9, rate=2.0),
]
QUIET = {"StatusUpdate", "SubscribeReply", "BookLive", "Heartbeat"}
"""What is no data and no trouble."""


@pytest.mark.parametrize("seed", range(2))
def test_public_channels(seed: int) -> None:
    """Five minutes of all public channels, of books at every depth, in all kinds of markets: every book is verified at every message,
    every trade follows the one before, and no gap, drift, refusal or revision is reported.
    """
    exchange = Exchange(seed=seed, markets=MARKETS)
    pairing = Pairing(exchange)
    session, symbols = pairing.session, tuple(exchange.markets)
    first: set[str] = set()
    incomplete: list[Event] = []

    def look(event: Event) -> None:
        if isinstance(event, TradeUpdate) and not event.complete:
            (incomplete if event.symbol in first else []).append(event)
            first.add(event.symbol)

    pairing.seen = look
    for at, depth in enumerate((10, 25, 100, 500, 1000)):
        session.subscribe(BookSubscription(symbol=symbols[at::5], depth=depth), now=0.0)
    session.subscribe(TradeSubscription(symbol=symbols), now=0.0)
    session.subscribe(TickerSubscription(symbol=symbols), now=0.0)
    session.subscribe(InstrumentSubscription(), now=0.0)
    for interval in (1, 60):
        session.subscribe(OhlcSubscription(symbol=symbols, interval=interval), now=0.0)
    pairing.run(300)
    events = pairing.events
    data = {"OrderBookUpdate", "TradeUpdate", "TickerUpdate", "OHLCUpdate", "InstrumentUpdate"}
    assert events.keys() == QUIET | data
    assert incomplete == []
    assert events["BookLive"] == len(symbols)
    assert events["OrderBookUpdate"] > 7_000
    for symbol, market in exchange.markets.items():
        view = session.book(symbol)
        depth = view.depth
        held = [[(f"{level.price:f}", f"{level.qty:f}") for level in side] for side in (view.bids, view.asks)]
        assert held == [
            [(market.pair.price(level.price), market.pair.qty(level.total)) for level in side.window(depth)]
            for side in market.engine.sides
        ]


def test_level3() -> None:
    """Five minutes of level3 at every depth in all kinds of markets: every queue is verified at every message, and nothing is lost."""
    exchange = Exchange(seed=5, markets=MARKETS, rules=Rules(level3_rate=2_000))
    pairing = Pairing(exchange, Host.LEVEL3)
    symbols = tuple(exchange.markets)
    for at, depth in enumerate((10, 100, 1000)):
        pairing.session.subscribe(Level3Subscription(symbol=symbols[at::3], depth=depth), now=0.0)
    pairing.run(300)
    events = pairing.events
    assert events.keys() == QUIET | {"Level3Update"}
    assert events["BookLive"] == len(symbols)
    assert events["Level3Update"] > 7_000
    for symbol, market in exchange.markets.items():
        view = pairing.session.level3_book(symbol)
        for side, levels in ((market.engine.bids, view.bids), (market.engine.asks, view.asks)):
            assert [[order.order_id for order in level.orders] for level in levels] == [
                list(level.orders) for level in side.window(view.depth)
            ]


def test_level3_within_its_allowance() -> None:
    """A session that asks for more level3 symbols at once than the second allows gets the rest later; no book is lost by it."""
    exchange = Exchange(seed=1, markets=invented(60, rate=0.5))
    pairing = Pairing(exchange, Host.LEVEL3)
    pairing.session.subscribe(Level3Subscription(symbol=tuple(exchange.markets), depth=10), now=0.0)
    pairing.run(120)
    assert pairing.events["SubscriptionRejected"] >= 20
    assert pairing.events["BookLive"] == 60
    assert pairing.events["BookLost"] == 0


def test_every_market_of_a_large_exchange() -> None:
    """Book, trades and ticker of 200 markets on one connection, all live and verified."""
    exchange = Exchange(seed=1, markets=invented(200, rate=0.3))
    pairing = Pairing(exchange)
    symbols = tuple(exchange.markets)
    for params in (BookSubscription, TradeSubscription, TickerSubscription):
        for at in range(0, len(symbols), 100):
            pairing.session.subscribe(params(symbol=symbols[at : at + 100]), now=0.0)
    pairing.run(60)
    assert pairing.events["BookLive"] == 200
    assert pairing.events.keys() == QUIET | {"OrderBookUpdate", "TradeUpdate", "TickerUpdate"}
