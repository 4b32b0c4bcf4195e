"""What a book does about faults that are not in its numbers: crossed prices, another precision, frames in another order."""

from __future__ import annotations

from decimal import Decimal

import pytest

from krakenwire.events import (
    BookCrossed,
    BookLive,
    BookLost,
    Gap,
    GapReason,
    InstrumentChanged,
    OrderBookUpdate,
    ResyncNeeded,
)
from krakenwire.wire.market import InstrumentUpdate
from krakenwire.wire.subscriptions import BookSubscription, InstrumentSubscription
from tests.session.exchange import Exchange
from tests.session.say import granted, is_live, kinds, session_with


@pytest.mark.fault("B10")
@pytest.mark.parametrize("bid", ["1001", "1001.5"], ids=["locked", "crossed"])
def test_crossed_book_is_flagged(bid: str) -> None:
    """A locked or crossed book whose checksum matches says so in its update and its view, is served, and says when it is over."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    update, crossed = session.receive(exchange.update(bids={bid: "1"}), now=2.0)
    assert isinstance(update, OrderBookUpdate)
    assert isinstance(crossed, BookCrossed)
    assert (update.verified, update.crossed, update.book.view().crossed) == (True, True, True)
    (update,) = session.receive(exchange.update(bids={bid: "0"}), now=3.0)
    assert isinstance(update, OrderBookUpdate)
    assert (update.crossed, update.book.view().crossed) == (False, False)


@pytest.mark.fault("B10", "J12")
def test_one_sided_book_is_not_crossed() -> None:
    """A book that is empty on one side is not crossed, in either way of asking."""
    exchange = Exchange()
    exchange.asks.clear()
    session = session_with(exchange.snapshot())
    (update,) = session.receive(exchange.update(bids={"1000.5": "1"}), now=2.0)
    assert isinstance(update, OrderBookUpdate)
    assert (update.crossed, update.book.view().crossed) == (False, False)


@pytest.mark.fault("B12")
def test_rebuilt_under_the_new_precision() -> None:
    """After a change of precision the book is lost at once, old digits are refused, and a snapshot in the new ones makes it live."""
    old = Exchange(decimals=(1, 8))
    new = Exchange(decimals=(2, 8))
    session = session_with(old.instrument(), old.snapshot())
    events = session.receive(new.instrument(), now=2.0)
    assert kinds(events) == [InstrumentUpdate, InstrumentChanged, Gap, BookLost, ResyncNeeded]
    gap = events[2]
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.since) == (GapReason.PRECISION_CHANGED, 1.0)
    assert not is_live(session)
    (late,) = session.receive(old.snapshot(), now=3.0)
    assert isinstance(late, OrderBookUpdate)
    assert not late.verified
    assert kinds(session.receive(new.snapshot(), now=4.0)) == [BookLive, OrderBookUpdate]
    assert session.book("BTC/USD").bids[0].price_text == "1000.00"


@pytest.mark.fault("B12")
def test_missed_change_of_precision() -> None:
    """A snapshot with other digits than `instrument` told shows that an update of `instrument` was missed: it is taken anew, and the book
    is live as soon as it has told.
    """
    old, new = Exchange(decimals=(1, 8)), Exchange(decimals=(2, 8))
    session = session_with()
    session.subscribe(InstrumentSubscription(), now=1.0)
    session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=1.0)
    granted(session)
    session.receive(old.instrument(), now=2.0)
    events = session.receive(new.snapshot(), now=3.0)
    assert kinds(events) == [OrderBookUpdate, ResyncNeeded]
    assert [event.channel for event in events if isinstance(event, ResyncNeeded)] == ["instrument"]
    assert [request["params"]["channel"] for request in granted(session)] == ["instrument"]
    assert not is_live(session)
    session.receive(new.instrument(), now=4.0)
    session.receive(new.snapshot(), now=5.0)
    assert is_live(session)


@pytest.mark.fault("B12")
def test_other_change_of_the_pair() -> None:
    """A pair told again with the same precisions leaves its book alone."""
    exchange = Exchange()
    session = session_with(exchange.instrument(), exchange.snapshot())
    session.receive(exchange.instrument().replace(b'"qty_min":1', b'"qty_min":2'), now=2.0)
    assert is_live(session)


@pytest.mark.fault("B3")
def test_two_updates_swapped() -> None:
    """Two updates in the wrong order are found by the first of them whose checksum cannot be right yet."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    first, second = exchange.update(bids={"1000.5": "1"}), exchange.update(asks={"1000.9": "2"})
    assert kinds(session.receive(second, now=2.0)) == [Gap, BookLost, ResyncNeeded]
    session.receive(first, now=2.0)
    assert not is_live(session)


@pytest.mark.fault("B8")
def test_unknown_removal_is_counted() -> None:
    """The removal of a price that is not there is ignored and counted on its book."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    (update,) = session.receive(exchange.update(bids={"3.0": "0"}), now=2.0)
    assert isinstance(update, OrderBookUpdate)
    assert (update.verified, update.best_bid) == (True, Decimal("1000.0"))
    book = session.books.get("book", "BTC/USD")
    assert book is not None
    assert book.levels.unknown_removals == 1
