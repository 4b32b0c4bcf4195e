"""Disputed books: how often they are tried again, and what the caller may ask for meanwhile."""

from __future__ import annotations

import pytest

from krakenwire.errors import UsageError
from krakenwire.events import BookDisputed, BookLive, BookLost, Gap, ResyncNeeded
from krakenwire.session import Session
from krakenwire.state.book import BookStatus
from krakenwire.wire.subscriptions import BookSubscription
from tests.session.exchange import Exchange
from tests.session.say import ack, is_live, kinds, session_with
from tests.session.server import Server


def disputed(policy: str = "hold") -> Server:
    """A server that lies about its one book until it is disputed."""
    server = Server(session=Session(now=0.0, on_checksum_dispute=policy))
    server.session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=1.0)
    server.converse()
    server.lies.add("BTC/USD")
    assert BookDisputed in kinds(server.update(bids={"1000.5": "1"}))
    return server


@pytest.mark.fault("B5")
@pytest.mark.parametrize("policy", ["hold", "serve_unverified"])
def test_attempts_at_a_disputed_book(policy: str) -> None:
    """A disputed book is tried again at 1, 2, 5, 5, … minutes, whether it is served meanwhile or not."""
    server = disputed(policy)
    asked_at = []
    while server.now < 1200:
        before = len(server.asked)
        server.wait(1.0)
        if any(request["method"] == "subscribe" for request in server.asked[before:]):
            asked_at.append(round(server.now))
    assert asked_at == pytest.approx([61, 181, 481, 781, 1081], abs=6)


@pytest.mark.fault("B5")
def test_disputed_book_taken_anew_on_request() -> None:
    """The caller may have a disputed book tried before its time, within the budget; its time comes no later for that."""
    server = disputed()
    book = server.session.books.get("book", "BTC/USD")
    assert book is not None
    retry_at = book.retry_at
    assert server.session.resync("book", "BTC/USD", now=server.now) == []
    assert book.retry_at == retry_at
    server.wait(100.0)
    server.lies.clear()
    assert kinds(server.session.resync("book", "BTC/USD", now=server.now)) == [ResyncNeeded]
    server.converse()
    assert is_live(server.session)


def test_resync_of_a_book_that_was_disputed() -> None:
    """A book that is live again after a dispute is taken anew on request, and not disputed for the wish."""
    server = disputed()
    server.lies.clear()
    assert BookLive in kinds(server.wait(61.0))
    assert kinds(server.session.resync("book", "BTC/USD", now=server.now)) == [Gap, BookLost, ResyncNeeded]


def test_resync_of_what_is_over() -> None:
    """A book that was unsubscribed cannot be taken anew: nothing is asked for."""
    session = session_with(ack("subscribe"), Exchange().snapshot(), ack("unsubscribe"))
    assert session.resync("book", "BTC/USD", now=2.0) == []
    assert session.take_outgoing(now=2.0) == []


def test_depth_that_is_stated_late() -> None:
    """A depth that the caller states after the snapshot is the one that is asked for."""
    session = session_with(Exchange().snapshot())
    session.expect_book("BTC/USD", 25)
    session.resync("book", "BTC/USD", now=2.0)
    assert b'"depth":25' in session.take_outgoing(now=2.0)[0]


@pytest.mark.parametrize("depth", [-1, 0, 7])
def test_depth_that_does_not_exist(depth: int) -> None:
    """A depth that Kraken does not offer is refused at once, before a book is held under it."""
    with pytest.raises(UsageError, match="one of 10, 25"):
        Session(now=0.0).expect_book("BTC/USD", depth)


def test_stop_without_asking() -> None:
    """With `stop` a session that does not ask closes the disputed book and leaves the unsubscription to the caller."""
    session = Session(now=0.0, asks=False, on_checksum_dispute="stop")
    exchange = Exchange()
    for frame in (ack("subscribe"), exchange.snapshot()):
        session.receive(frame, now=1.0)
    wrong = exchange.snapshot().replace(b'"checksum":', b'"checksum":1')
    assert BookDisputed in [kind for _ in range(4) for kind in kinds(session.receive(wrong, now=1.0))]
    book = session.books.get("book", "BTC/USD")
    assert book is not None
    assert book.status is BookStatus.CLOSED
    assert session.take_outgoing(now=1.0) == []
