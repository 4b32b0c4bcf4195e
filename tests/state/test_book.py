"""`state/book.py`: what a reader may see of a book, and when."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest

from krakenwire.errors import BookNotLive
from krakenwire.session import Session
from krakenwire.state.book import Book, BookStatus
from krakenwire.state.level3 import Level3Book, Level3View
from krakenwire.wire.book import Level3Data, Level3Order
from tests.session.exchange import Exchange
from tests.session.say import session_with

READS: tuple[str, ...] = ("bids", "asks", "best_bid", "best_ask")


def held(session: Session) -> Book[Any]:
    """The book of the session's one symbol."""
    book = session.books.get("book", "BTC/USD")
    assert book is not None
    return book


def test_live_book() -> None:
    """A live book tells its best prices, its levels and how long ago it was proven."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    book = held(session)
    assert book.require_verified() is book
    assert (book.verified, book.depth, book.checksum) == (True, 10, exchange.checksum())
    assert (book.best_bid, book.best_ask) == (Decimal("1000.0"), Decimal("1001.0"))
    assert (len(book.bids), book.view(3).bids) == (10, book.bids[:3])
    assert book.age == 0.0
    session.receive(b'{"channel":"heartbeat"}', now=4.5)
    assert book.age == 3.5


@pytest.mark.parametrize("status", [status for status in BookStatus if status is not BookStatus.LIVE])
def test_every_other_book(status: BookStatus) -> None:
    """A book that is not live cannot be read by any way that does not say `unverified`, and the error says what it is and why."""
    book = held(session_with(Exchange().snapshot()))
    book.stop(status, "for this test")
    for name in READS:
        with pytest.raises(BookNotLive, match=f"book BTC/USD is {status.value}: for this test"):
            getattr(book, name)
    for read in (book.view, book.read, book.require_verified):
        with pytest.raises(BookNotLive):
            read()
    if status is BookStatus.UNVERIFIED:
        assert book.read(unverified=True).best_bid == Decimal("1000.0")
    else:
        with pytest.raises(BookNotLive):
            book.read(unverified=True)


def test_book_without_snapshot() -> None:
    """A book that was only expected tells its depth and nothing else; asking is no error."""
    session = Session(now=0.0)
    session.expect_book("BTC/USD", 25)
    book = held(session)
    assert (book.status, book.depth, book.age, book.checksum, book.timestamp) == (
        BookStatus.WANTED,
        25,
        None,
        None,
        None,
    )
    assert book.explain() == ()
    assert "BTC/USD" in repr(book)


@pytest.mark.fault("B11")
def test_level3_explains_itself() -> None:
    """A level3 book that failed names the levels whose orders are not as they were when it was last proven."""
    orders = [
        Level3Order("A", "10.5", "1.00"),
        Level3Order("B", "10.5", "2.00"),
        Level3Order("C", "11.0", "3.00"),
    ]
    checksum = crc32(b"10510010520011030095100")
    book = Level3Book("BTC/USD", 10)
    bids = (Level3Order("D", "9.5", "1.00"),)
    assert book.replace(Level3Data("BTC/USD", bids, tuple(orders), checksum)) is None
    assert book.explain() == ()
    changed = Level3Order("B", "10.5", "2.50", event="modify")  # type: ignore[arg-type]
    assert book.apply(Level3Data("BTC/USD", (), (changed,), 7)) is not None
    (difference,) = book.explain()
    assert (difference.side, difference.position) == ("ask", 1)
    assert difference.verified is not None
    assert difference.now is not None
    assert (difference.verified.qty, difference.now.qty) == (Decimal("3.00"), Decimal("3.50"))
    assert isinstance(book.view(), Level3View)
