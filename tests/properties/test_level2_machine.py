"""A Level 2 book against the whole market: every window that Kraken shows is held exactly, and no other is ever called verified."""

from __future__ import annotations

import random
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from krakenwire.events import BookLive, OrderBookUpdate
from krakenwire.session import Session
from krakenwire.state.book import Book, BookStatus
from krakenwire.state.level2 import BookView
from krakenwire.wire.book import BOOK_DEPTHS
from tests.session.exchange import Change, Exchange
from tests.session.say import ack

# Fraction digits, best bid and distance of levels: usual, cheap, without a point in prices, without a point at all.
MARKETS = (
    ((1, 8), "63000.0", "1.0"),
    ((8, 8), "0.00012340", "0.00000002"),
    ((0, 8), "63000", "2"),
    ((0, 0), "63000", "2"),
    ((4, 5), "0.5666", "0.0002"),
)
PLACES = st.one_of(st.integers(0, 24), st.integers(-6, -1), st.integers(0, 2100))
"""Half steps from the first best price; from the edge of the window if negative. Levels that stand from the start are two apart."""


class Level2Machine(RuleBasedStateMachine):
    """A market, a session that listens to it, and faults on the way from one to the other."""

    @initialize(
        depth=st.sampled_from((*BOOK_DEPTHS[:2] * 3, *BOOK_DEPTHS[2:])),
        market=st.sampled_from(MARKETS),
        fill=st.sampled_from(["none", "one", "few", "window", "window", "more", "more"]),
        told=st.booleans(),
        stated=st.booleans(),
    )
    def begin(
        self, depth: int, market: tuple[tuple[int, int], str, str], fill: str, told: bool, stated: bool
    ) -> None:
        decimals, best_bid, step = market
        levels = {"none": 0, "one": 1, "few": 3, "window": depth, "more": depth + 5}[fill]
        self.exchange = Exchange("X/Y", depth, levels, best_bid=best_bid, step=step, decimals=decimals)
        self.best_bid = Decimal(best_bid)
        self.session = Session(now=0.0)
        self.told = told
        self.sure = False
        """Whether the fraction digits are told, or shown twice."""
        self.shown = 0
        """Messages that have shown them."""
        self.last: bytes | None = None
        if told:
            self.session.receive(self.exchange.instrument(), now=0.0)
        if stated or levels < depth:
            # Of a window that is not full nobody can know how large it is, unless Kraken or the caller says so.
            self.session.receive(ack("subscribe", "X/Y", depth), now=0.0)
        else:
            self.session.expect_book("X/Y", depth)
        self.snapshot()

    @property
    def book(self) -> Book[BookView]:
        book = self.session.books.level2.get("X/Y")
        assert book is not None
        return book

    def price(self, side: str, place: int) -> Decimal:
        if place < 0:
            place += 2 * self.exchange.depth + 3
        away = place * self.exchange.step / 2
        return max(
            Decimal(1).scaleb(-self.exchange.decimals[0]),
            self.best_bid - away if side == "bid" else self.best_bid + self.exchange.step + away,
        )

    # ---------------------------------------------------------------- what the market does

    @rule(
        changes=st.lists(
            st.tuples(st.sampled_from(["bid", "ask"]), PLACES, st.integers(0, 3) | st.integers(1, 10**12)),
            min_size=1,
            max_size=4,
        ),
        seed=st.integers(0, 3),
    )
    def market_moves(self, changes: list[tuple[str, int, int]], seed: int) -> None:
        self.hear(self.move(changes, seed))

    @rule(
        side=st.sampled_from(["bid", "ask"]),
        at=st.integers(0, 9),
        qty=st.integers(1, 10**12),
        seed=st.integers(0, 5),
    )
    def level_enters_the_window(self, side: str, at: int, qty: int, seed: int) -> None:
        # Between two levels, so that the last of a full window is pushed out. Some seeds remove it before it is set: the slow way.
        self.hear(self.move([(side, 2 * at + 1, qty)], seed))

    @rule(side=st.sampled_from(["bid", "ask"]), at=st.integers(0, 9))
    def level_leaves_the_window(self, side: str, at: int) -> None:
        levels = self.exchange.window()[0 if side == "bid" else 1]
        if at < len(levels):
            self.hear(self.exchange.act([(side, levels[at][0], Decimal(0))]))

    def hear(self, frame: bytes | None) -> None:
        if frame is None:
            return
        events = self.session.receive(frame, now=2.0)
        if self.whole and self.sure:
            update, *facts = [event for event in events if not isinstance(event, BookLive)]
            assert isinstance(update, OrderBookUpdate)
            assert update.verified
            bids, asks = self.exchange.window(1)
            assert update.best_bid == (bids[0][0] if bids else None)
            assert update.best_ask == (asks[0][0] if asks else None)
            crossed = bids and asks and bids[0][0] >= asks[0][0]
            assert bool(facts) == bool(crossed)
        # A second message that agrees on the digits makes them sure.
        self.sure = self.sure or self.shown > 0
        self.shown += 1
        self.last = frame

    @rule(side=st.sampled_from(["bid", "ask"]), seed=st.integers(0, 3))
    def side_empties(self, side: str, seed: int) -> None:
        prices = self.exchange.bids if side == "bid" else self.exchange.asks
        frame = self.exchange.act([(side, price, Decimal(0)) for price in list(prices)], random.Random(seed))
        if frame is not None:
            self.session.receive(frame, now=2.0)
            self.last = frame

    @rule()
    def snapshot(self) -> None:
        bids, asks = self.exchange.window()
        events = self.session.receive(self.exchange.snapshot(), now=1.0)
        self.whole = True
        self.sure = self.told or len(bids) + len(asks) != 1
        # An empty snapshot is proven, and shows no digits.
        self.shown = 0 if not bids and not asks else 1
        update = next(event for event in events if isinstance(event, OrderBookUpdate))
        assert update.verified is self.sure
        self.sure = self.told or len(bids) + len(asks) > 1
        self.last = None

    # ---------------------------------------------------------------- what goes wrong on the way

    @rule(changes=st.lists(st.tuples(st.sampled_from(["bid", "ask"]), PLACES, st.integers(0, 3)), max_size=3))
    def frame_lost(self, changes: list[tuple[str, int, int]]) -> None:
        if self.move(changes, 0) is not None:
            self.whole = False

    @precondition(lambda self: self.last is not None)
    @rule()
    def frame_repeated(self) -> None:
        assert self.last is not None
        events = self.session.receive(self.last, now=2.0)
        if self.whole and self.sure:
            assert isinstance(events[0], OrderBookUpdate)

    @rule(
        changes=st.lists(
            st.tuples(st.sampled_from(["bid", "ask"]), st.integers(0, 12), st.integers(1, 10**12)),
            min_size=1,
            max_size=2,
        ),
        at=st.floats(0, 0.999),
        put=st.sampled_from([b"", b"0", b"9", b".", b"e", b'"', b"-", b"}"]),
        cut=st.integers(0, 1),
    )
    def frame_damaged(self, changes: list[tuple[str, int, int]], at: float, put: bytes, cut: int) -> None:
        frame = self.move(changes, 0)
        if frame is None:
            return
        place = int(at * len(frame))
        damaged = frame[:place] + put + frame[place + cut :]
        # Repeating an update that is not the last one would bring an older state back, and its checksum with it.
        self.last = None
        if damaged != frame:
            self.whole = False
        self.session.receive(damaged, now=2.0)

    def move(self, changes: list[tuple[str, int, int]], seed: int) -> bytes | None:
        scale = -self.exchange.decimals[1]
        exact: list[Change] = [
            (side, self.price(side, place), Decimal(qty).scaleb(scale)) for side, place, qty in changes
        ]
        return self.exchange.act(exact, random.Random(seed) if seed else None)

    # ---------------------------------------------------------------- what must hold at every moment

    @invariant()
    def what_is_verified_was_there(self) -> None:
        if self.book.status is not BookStatus.LIVE:
            return
        view = self.book.view()
        assert view.verified
        shown = tuple(tuple((x.price, x.qty) for x in side[:10]) for side in (view.bids, view.asks))
        assert shown in self.exchange.states

    @invariant()
    def what_was_delivered_whole_is_held_whole(self) -> None:
        if self.whole and self.sure:
            view = self.book.view()
            assert view.depth == self.exchange.depth
            assert view.proven_depth == 10
            shown = tuple(tuple((x.price, x.qty) for x in side) for side in (view.bids, view.asks))
            assert shown == self.exchange.window()
            exact = self.exchange.price, self.exchange.qty
            for level in (*view.bids[:3], *view.asks[:3]):
                assert (level.price_text, level.qty_text) == (exact[0](level.price), exact[1](level.qty))


TestLevel2 = pytest.mark.fault("B1", "B2", "B4", "B8", "B9", "J12")(Level2Machine.TestCase)
TestLevel2.settings = settings(stateful_step_count=20)
