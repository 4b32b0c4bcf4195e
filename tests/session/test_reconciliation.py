"""Wishes, answers and breaks in any order: in the end Kraken holds exactly what was wished last, and every book of it is live."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from krakenwire.events import PeerSilent
from krakenwire.session import Session
from krakenwire.session.limits import Limits
from krakenwire.wire.subscriptions import BookSubscription
from tests.session.say import is_live
from tests.session.server import Server

SYMBOLS = ("BTC/USD", "ETH/USD", "SOL/USD")
symbols = st.sampled_from(SYMBOLS)
depths = st.sampled_from((10, 25))


class Reconciliation(RuleBasedStateMachine):
    """The session against Kraken's side of it, with requests and answers that lie about for any time."""

    def __init__(self) -> None:
        super().__init__()
        self.server = Server(
            *SYMBOLS, session=Session(now=0.0, limits=Limits(resyncs=1000, resyncs_connection=1000))
        )
        self.session = self.server.session
        self.wanted: dict[str, int] = {}
        self.requests: list[dict[str, Any]] = []
        self.frames: list[bytes] = []

    @rule(symbol=symbols, depth=depths)
    def subscribe(self, symbol: str, depth: int) -> None:
        self.session.subscribe(BookSubscription(symbol=(symbol,), depth=depth), now=self.server.now)
        self.wanted[symbol] = depth

    @rule(symbol=symbols)
    def unsubscribe(self, symbol: str) -> None:
        assert self.session.unsubscribe("book", symbol, now=self.server.now) >= (symbol in self.wanted)
        self.wanted.pop(symbol, None)

    @rule(symbol=symbols)
    def ask_for_a_resync(self, symbol: str) -> None:
        if symbol in self.wanted:
            self.session.resync("book", symbol, now=self.server.now)

    @rule()
    def take_requests(self) -> None:
        self.requests += map(json.loads, self.session.take_outgoing(now=self.server.now))

    @rule()
    def kraken_answers_one(self) -> None:
        if self.requests:
            self.frames += self.server.answers(self.requests.pop(0))

    @rule()
    def receive_one(self) -> None:
        if self.frames:
            self.session.receive(self.frames.pop(0), now=self.server.now)

    @rule(symbol=symbols, qty=st.integers(1, 9), lost=st.booleans())
    def the_market_moves(self, symbol: str, qty: int, *, lost: bool) -> None:
        frame = self.server.markets[symbol].update(bids={"1000.5": f"{qty}.5"})
        if symbol in self.server.subscribed and not lost:
            self.frames.append(frame)

    @rule(seconds=st.floats(0.1, 6.0))
    def time_passes(self, seconds: float) -> None:
        self.server.now += seconds
        if any(isinstance(event, PeerSilent) for event in self.session.tick(now=self.server.now)):
            self.connection_lost()

    @rule()
    def connection_lost(self) -> None:
        self.requests.clear()
        self.frames.clear()
        self.server.subscribed.clear()
        self.session.connection_lost(now=self.server.now)

    @invariant()
    def live_books_are_states_the_market_had(self) -> None:
        for symbol in SYMBOLS:
            if is_live(self.session, symbol):
                view = self.session.book(symbol)
                sides = (view.bids, view.asks)
                top = tuple(tuple((level.price, level.qty) for level in side[:10]) for side in sides)
                assert top in self.server.markets[symbol].states

    def teardown(self) -> None:
        """In quiet everything settles within a minute."""
        while self.frames or self.requests:
            self.receive_one()
            self.kraken_answers_one()
            self.session.receive(b'{"channel":"heartbeat"}', now=self.server.now)
        self.server.wait(60.0)
        for symbol in self.server.subscribed:
            self.server.update(symbol, bids={"1000.5": "7.25"})
        self.server.wait(60.0)
        assert self.server.subscribed == set(self.wanted)
        for symbol, depth in self.wanted.items():
            assert self.session.book(symbol).depth == depth
        assert not self.session.desk.waiting


@pytest.mark.fault("S12", "J14")
def test_reconciliation() -> None:
    """Whatever order wishes, answers, losses and breaks come in, it all settles in what was wished last."""
    run_state_machine_as_test(Reconciliation, settings=settings(stateful_step_count=40))
