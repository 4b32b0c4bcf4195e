"""The truth log: an oracle that our own session is judged by."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from krakenwire.events import Event, OrderBookUpdate, TradeUpdate
from krakenwire.sim import Exchange
from krakenwire.sim.connection import Connection
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.truth import CONNECTIONS_KEPT, TruthLog
from krakenwire.wire.subscriptions import BookSubscription, TradeSubscription
from tests.sim.drive import AT_ONCE, Client, Honest, Pairing


class Judge:
    """Looks up every book and every trade that a session delivers, in order."""

    def __init__(self, truth: TruthLog) -> None:
        self.truth = truth
        self.at: dict[str, int] = {}
        self.judged = 0
        self.false: list[Event] = []
        self.traded: dict[str, list[int]] = {}

    def __call__(self, event: Event) -> None:
        if isinstance(event, OrderBookUpdate):
            symbol = event.symbol
            assert event.checksum is not None
            state = self.truth.find(symbol, event.checksum, self.at.get(symbol, 0))
            view = event.book.view(self.truth.depth)
            held = tuple(
                tuple((f"{level.price:f}", f"{level.qty:f}") for level in side)
                for side in (view.bids, view.asks)
            )
            if state is None or state.texts() != held:
                self.false.append(event)
            else:
                self.at[symbol] = state.number
                self.judged += 1
        elif isinstance(event, TradeUpdate):
            self.traded.setdefault(event.symbol, []).append(event.trade_id)


def followed(exchange: Exchange, truth: TruthLog) -> tuple[Pairing, Judge]:
    """A session that follows books and trades of all markets, and its judge."""
    pairing, judge = Pairing(exchange), Judge(truth)
    pairing.seen = judge
    symbols = tuple(exchange.markets)
    pairing.session.subscribe(BookSubscription(symbol=symbols, depth=10), now=0.0)
    pairing.session.subscribe(TradeSubscription(symbol=symbols), now=0.0)
    return pairing, judge


def test_every_book_of_a_session_is_one_that_existed() -> None:
    """Each state that a session serves existed, in that order, digit for digit; and of the trades none is missing."""
    truth = TruthLog(limit=None)
    exchange = Exchange(seed=6, markets=["SOL/USD", "PEPE/USD", "XMN/USD"], truth=truth)
    pairing, judge = followed(exchange, truth)
    pairing.run(300)
    assert judge.false == []
    assert judge.judged > 1_000
    for symbol, ids in judge.traded.items():
        assert ids == [trade.trade_id for trade in truth.trades[symbol] if trade.trade_id >= ids[0]]


class Dropping(Honest):
    """Faults that lose some of the data."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lost = 0

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        if label.type == "update" and label.symbol is not None and self.random.random() < 0.02:
            self.lost += 1
            return
        connection.emit(frame, label, at)


@pytest.mark.fault("B1")
def test_lost_frames_never_make_a_false_book() -> None:
    """With two frames of a hundred lost, every book that the session serves still existed, what was lost is told, and it recovers."""
    truth = TruthLog(limit=None)
    exchange = Exchange(seed=6, markets=["SOL/USD", "PEPE/USD"], truth=truth)
    faults = exchange.faults = Dropping(Random(1))
    pairing, judge = followed(exchange, truth)
    pairing.run(600)
    assert judge.false == []
    assert judge.judged > 1_000
    assert pairing.events["BookLost"] > 3
    assert pairing.events["Gap"] > 3
    assert faults.lost > 20
    made, gone = truth.made[pairing.id], truth.gone[pairing.id]
    assert len(made) - len(gone) == faults.lost
    assert [sent.number for sent in gone] == list(range(1, len(gone) + 1))


def test_log_is_bounded() -> None:
    """Whatever happens, of each list only the last entries are kept, and frames of the last connections only."""
    truth = TruthLog(limit=50)
    exchange = Exchange(seed=6, markets=["SOL/USD"], rules=AT_ONCE, truth=truth)
    for _ in range(CONNECTIONS_KEPT + 20):
        made = Client(exchange)
        made.ask("subscribe", channel="book", symbol=["SOL/USD"])
        exchange.disconnect(made.id)
    follower = Client(exchange)
    follower.ask("subscribe", channel="book", symbol=["SOL/USD"])
    follower.wait(120)
    assert len(truth.states["SOL/USD"]) == len(truth.trades["SOL/USD"]) == len(truth.gone[follower.id]) == 50
    assert len(truth.gone) == CONNECTIONS_KEPT
    last = truth.states["SOL/USD"][-1]
    assert truth.find("SOL/USD", last.checksum, last.number) == last
    assert truth.find("SOL/USD", last.checksum, last.number + 1) is None
    assert truth.find("XRP/USD", 0) is None


def test_log_without_frames() -> None:
    """A log may keep states and trades alone."""
    truth = TruthLog(frames=False, queues=True)
    exchange = Exchange(markets=["SOL/USD"], truth=truth)
    Client(exchange).wait(5)
    assert truth.made == truth.gone == {}
    assert truth.states["SOL/USD"][-1].queue_checksum is not None


def numbers(truth: TruthLog, symbol: str) -> Iterator[int]:
    return (state.number for state in truth.states[symbol])


def test_states_are_numbered_without_holes() -> None:
    """Every publication is one state, from the first on."""
    truth = TruthLog(limit=None, frames=False)
    exchange = Exchange(markets=["SOL/USD", "PEPE/USD"], truth=truth)
    exchange.advance(60.0)
    for symbol, market in exchange.markets.items():
        assert list(numbers(truth, symbol)) == list(range(1, market.states + 1))
