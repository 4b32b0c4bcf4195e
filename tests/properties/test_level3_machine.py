"""A level3 book against all orders of a market: every queue that Kraken shows is held in its order, and no other is called verified."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from krakenwire.events import BookLive, BookLost, Level3Update
from krakenwire.session import Session
from krakenwire.state.book import Book, BookStatus
from krakenwire.state.level3 import Level3View
from krakenwire.wire.book import LEVEL3_DEPTHS
from tests.session.order_exchange import Change, Order, OrderExchange

MARKETS = (((1, 8), "1000.0", "0.5"), ((8, 8), "0.00012340", "0.00000001"), ((0, 0), "63000", "1"))
SIDES = st.sampled_from(["bid", "ask"])
QUANTITIES = st.integers(1, 3) | st.integers(1, 10**12)


def ack(depth: int) -> bytes:
    """A granted subscription that states its depth."""
    result = f'{{"channel":"level3","depth":{depth},"snapshot":true,"symbol":"X/Y"}}'
    return f'{{"method":"subscribe","result":{result},"success":true}}'.encode()


class Level3Machine(RuleBasedStateMachine):
    """All orders of a market, a session that listens to it, and faults on the way from one to the other."""

    @initialize(
        depth=st.sampled_from((*LEVEL3_DEPTHS[:1] * 4, *LEVEL3_DEPTHS)),
        market=st.sampled_from(MARKETS),
        fill=st.sampled_from(["none", "one", "few", "window", "more"]),
    )
    def begin(self, depth: int, market: tuple[tuple[int, int], str, str], fill: str) -> None:
        decimals, best_bid, step = market
        levels = {"none": 0, "one": 1, "few": 3, "window": depth, "more": depth + 3}[fill]
        self.exchange = OrderExchange("X/Y", depth, levels, best_bid=best_bid, step=step, decimals=decimals)
        self.session = Session(now=0.0)
        self.session.receive(ack(depth), now=0.0)
        self.last: bytes | None = None
        self.ids = 0
        self.snapshot()

    @property
    def book(self) -> Book[Level3View]:
        book = self.session.books.level3.get("X/Y")
        assert book is not None
        return book

    # ---------------------------------------------------------------- what the market does

    @rule(side=SIDES, place=st.integers(0, 14), qty=QUANTITIES)
    def order_comes(self, side: str, place: int, qty: int) -> None:
        self.say([self.new(side, place, qty)])

    @rule(side=SIDES, place=st.integers(0, 12), quantities=st.lists(QUANTITIES, min_size=2, max_size=5))
    def several_come(self, side: str, place: int, quantities: list[int]) -> None:
        self.say([self.new(side, place + n % 2, qty) for n, qty in enumerate(quantities)])

    @rule(side=SIDES, index=st.integers(0, 40), qty=QUANTITIES)
    def order_is_filled(self, side: str, index: int, qty: int) -> None:
        self.say([Change(side, order._replace(qty=self.exact(qty))) for order in self.some(side, index)])

    @rule(side=SIDES, index=st.integers(0, 40), place=st.integers(0, 12))
    def order_is_moved(self, side: str, index: int, place: int) -> None:
        price = self.price(side, place)
        self.say([Change(side, order._replace(price=price)) for order in self.some(side, index)])

    @rule(index=st.integers(0, 40), many=st.integers(1, 3))
    def orders_go(self, index: int, many: int) -> None:
        self.say(
            [
                Change(side, order._replace(qty=Decimal(0)))
                for side in ("bid", "ask")
                for order in self.some(side, index, many)
            ]
        )

    @rule()
    def snapshot(self) -> None:
        events = self.session.receive(self.exchange.snapshot(), now=1.0)
        bids, asks = self.exchange.window()
        self.whole = True
        self.sure = len(bids) + len(asks) > 1
        self.last = None
        assert next(e for e in events if isinstance(e, Level3Update)).verified is (
            self.sure or not (bids or asks)
        )

    # ---------------------------------------------------------------- what goes wrong on the way

    @rule(side=SIDES, place=st.integers(0, 12), qty=QUANTITIES, index=st.integers(0, 9), gone=st.booleans())
    def frame_lost(self, side: str, place: int, qty: int, index: int, gone: bool) -> None:
        change = [Change(side, o._replace(qty=Decimal(0))) for o in self.some(side, index)] if gone else []
        if self.exchange.act(change or [self.new(side, place, qty)]) is not None:
            self.whole = False

    @precondition(lambda self: self.last is not None and b'"event":"add"' in self.last)
    @rule()
    def frame_repeated(self) -> None:
        assert self.last is not None
        events = self.session.receive(self.last, now=2.0)
        if self.whole and self.sure:
            # Orders are not absolute: a second `add` proves that something is wrong.
            assert any(isinstance(event, BookLost) for event in events)
        self.whole = False

    @rule(
        side=SIDES,
        place=st.integers(0, 12),
        at=st.floats(0, 0.999),
        put=st.sampled_from([b"", b"0", b"9", b".", b"e", b'"', b"-", b"}"]),
        cut=st.integers(0, 1),
    )
    def frame_damaged(self, side: str, place: int, at: float, put: bytes, cut: int) -> None:
        frame = self.exchange.act([self.new(side, place, 7)])
        if frame is None:
            return
        spot = int(at * len(frame))
        self.whole = False
        self.session.receive(frame[:spot] + put + frame[spot + cut :], now=2.0)

    # ---------------------------------------------------------------- short ways

    def exact(self, qty: int) -> Decimal:
        return Decimal(qty).scaleb(-self.exchange.decimals[1])

    def price(self, side: str, place: int) -> Decimal:
        away = place * self.exchange.step
        best = self.exchange.best_bid
        return best - away if side == "bid" else best + self.exchange.step + away

    def new(self, side: str, place: int, qty: int) -> Change:
        self.ids += 1
        return Change(side, Order(f"n{self.ids}", self.price(side, place), self.exact(qty)))

    def some(self, side: str, index: int, many: int = 1) -> list[Order]:
        orders = self.exchange.bids if side == "bid" else self.exchange.asks
        return [orders[(index + n) % len(orders)] for n in range(min(many, len(orders)))]

    def say(self, changes: list[Change]) -> None:
        frame = self.exchange.act(changes)
        if frame is None:
            return
        events = self.session.receive(frame, now=2.0)
        if self.whole and self.sure:
            (update,) = [event for event in events if not isinstance(event, BookLive)]
            assert isinstance(update, Level3Update)
            assert update.verified
        self.last = frame

    # ---------------------------------------------------------------- what must hold at every moment

    @invariant()
    def what_is_verified_was_there(self) -> None:
        if self.book.status is BookStatus.LIVE:
            view = self.book.view()
            shown = tuple(
                tuple((x.price, tuple(o.order_qty for o in x.orders)) for x in side[:10])
                for side in (view.bids, view.asks)
            )
            assert shown in self.exchange.states

    @invariant()
    def what_was_delivered_whole_is_held_whole(self) -> None:
        if self.whole and self.sure:
            view = self.book.view()
            held = tuple(
                [Order(o.order_id, o.limit_price, o.order_qty) for x in side for o in x.orders]
                for side in (view.bids, view.asks)
            )
            assert held == self.exchange.window()
            assert [x.qty for x in view.asks] == [sum(x) for _, x in self.exchange.top(view.depth)[1]]


TestLevel3 = pytest.mark.fault("B1", "B2", "B4", "B9", "B11", "J12")(Level3Machine.TestCase)
TestLevel3.settings = settings(stateful_step_count=20)
