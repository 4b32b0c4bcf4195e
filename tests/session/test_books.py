"""Books in a session: live when proven, closed when contradicted, healed by a snapshot."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import pytest

from krakenwire.events import (
    BookCrossed,
    BookLive,
    BookLost,
    Discarded,
    FrameRejected,
    Gap,
    GapReason,
    InstrumentChanged,
    Level3Update,
    OrderBookUpdate,
    ResyncNeeded,
    SchemaDrift,
    TradingStatus,
)
from krakenwire.session import Session
from krakenwire.state.book import BookStatus
from krakenwire.wire.control import (
    SubscribeReply,
    UnsubscribeReply,
)
from krakenwire.wire.enums import PairStatus
from krakenwire.wire.market import InstrumentUpdate
from tests.session.exchange import Exchange
from tests.session.order_exchange import Order, OrderExchange
from tests.session.say import ack, is_live, kinds, session_with
from tests.vectors.samples import FRAMES, altered


def test_book_follows() -> None:
    """A snapshot makes a book live; an update changes it and carries the best prices."""
    exchange = Exchange()
    session = Session(now=0.0)
    assert kinds(session.receive(exchange.snapshot(), now=1.0)) == [BookLive, OrderBookUpdate]
    (update,) = session.receive(exchange.update(bids={"1000.5": "2"}), now=2.0)
    assert isinstance(update, OrderBookUpdate)
    assert (update.best_bid, update.best_ask, update.spread) == (
        Decimal("1000.5"),
        Decimal("1001.0"),
        Decimal("0.5"),
    )
    assert update.verified
    assert not update.snapshot


@pytest.mark.fault("J7", "J13")
def test_bad_book_entry() -> None:
    """A bad book entry loses its own book and no other."""
    one, other = Exchange(), Exchange("ETH/USD")
    session = session_with(one.snapshot(), other.snapshot())
    broken = one.update(bids={"1000.5": "1"}).replace(b'"qty"', b'"qt"')
    events = session.receive(broken, now=2.0)
    assert kinds(events) == [SchemaDrift, FrameRejected, Gap, BookLost, ResyncNeeded]
    assert not is_live(session)
    assert is_live(session, "ETH/USD")


@pytest.mark.fault("B1", "B4")
@pytest.mark.parametrize("damage", ["drop", "digit", "checksum"])
def test_lost_and_healed(damage: str) -> None:
    """A book that fails its checksum is closed with the evidence, others stay, and a snapshot heals it."""
    exchange, other = Exchange(), Exchange("ETH/USD")
    session = session_with(exchange.snapshot(), other.snapshot())
    frame = exchange.update(bids={"1000.5": "1"})
    if damage == "drop":
        frame = exchange.update(asks={"1001": "7"})
    elif damage == "digit":
        frame = frame.replace(b"1.00000000", b"1.00000001")
    else:
        frame = frame.replace(b'"checksum":', b'"checksum":1')
    gap, lost, resync = session.receive(frame, now=2.0)
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.symbol, gap.since) == (GapReason.CHECKSUM, "BTC/USD", 1.0)
    assert isinstance(lost, BookLost)
    assert lost.expected != lost.computed
    assert isinstance(resync, ResyncNeeded)
    assert not is_live(session)
    assert is_live(session, "ETH/USD")
    assert kinds(session.receive(exchange.update(bids={"1000": "3"}), now=3.0)) == [Discarded]
    assert kinds(session.receive(exchange.snapshot(), now=4.0)) == [BookLive, OrderBookUpdate]


@pytest.mark.fault("B2", "B8")
def test_harmless_repetition() -> None:
    """A repeated update and the removal of a price that is not there leave the book verified."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    frame = exchange.update(bids={"1000.5": "1"})
    assert (
        kinds(session.receive(frame, now=1.0)) == kinds(session.receive(frame, now=1.0)) == [OrderBookUpdate]
    )
    assert kinds(session.receive(exchange.update(bids={"3.0": "0"}), now=1.0)) == [OrderBookUpdate]
    assert is_live(session)


@pytest.mark.fault("B6")
@pytest.mark.parametrize("expected", [True, False])
def test_update_before_snapshot(*, expected: bool) -> None:
    """An update without snapshot makes no book, and asks once for one, even if the book was expected."""
    exchange = Exchange()
    session = Session(now=0.0)
    if expected:
        session.expect_book("BTC/USD", 10)
    frame = exchange.update(bids={"1000.5": "1"})
    assert kinds(session.receive(frame, now=1.0)) == [Discarded, ResyncNeeded]
    assert kinds(session.receive(frame, now=1.0)) == [Discarded]
    assert not is_live(session)


@pytest.mark.fault("B6")
def test_update_after_unsubscribe() -> None:
    """After an unsubscription late updates are discarded without asking; a new subscription begins anew."""
    exchange = Exchange()
    session = session_with(ack("subscribe"), exchange.snapshot())
    assert kinds(session.receive(ack("unsubscribe"), now=1.0)) == [UnsubscribeReply]
    assert not is_live(session)
    assert kinds(session.receive(exchange.update(bids={"1000.5": "1"}), now=1.0)) == [Discarded]
    assert kinds(session.receive(ack("subscribe"), now=1.0)) == [SubscribeReply]
    session.receive(exchange.snapshot(), now=1.0)
    assert is_live(session)


@pytest.mark.fault("B1", "B6")
@pytest.mark.parametrize(
    "snapshot", [b"{", b'{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD"}]}']
)
def test_healing_snapshot_lost(snapshot: bytes) -> None:
    """If the snapshot of a resubscription is lost or unusable, the next update asks again, once."""
    exchange = Exchange()
    session = session_with(ack("subscribe"), exchange.snapshot())
    exchange.update(bids={"1000.5": "1"})
    assert BookLost in kinds(session.receive(exchange.update(asks={"1001": "7"}), now=2.0))
    for frame in (ack("unsubscribe"), ack("subscribe"), snapshot):
        session.receive(frame, now=3.0)
    frame = exchange.update(bids={"1000.5": "2"})
    assert kinds(session.receive(frame, now=4.0)) == [Discarded, ResyncNeeded]
    assert kinds(session.receive(frame, now=4.0)) == [Discarded]


@pytest.mark.fault("B7")
def test_second_snapshot_without_proof() -> None:
    """The same holds for a second snapshot that has no checksum: that something was missed is told, though nothing is proven."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    exchange.update(bids={"1000.5": "1"})
    bare = re.sub(rb'"checksum":\d+,', b"", exchange.snapshot())
    gap, update = session.receive(bare, now=2.0)
    assert gap == Gap("book", "BTC/USD", GapReason.SNAPSHOT_DIFFERS, since=1.0)
    assert isinstance(update, OrderBookUpdate)
    assert not update.verified


@pytest.mark.fault("B7")
@pytest.mark.parametrize("missed", [True, False])
def test_second_snapshot(*, missed: bool) -> None:
    """A second snapshot replaces the book; if it differs from what was held, something had been missed, and a gap says so."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    if missed:
        exchange.update(bids={"1000.5": "1"})
    events = session.receive(exchange.snapshot(), now=2.0)
    assert kinds(events) == ([Gap, OrderBookUpdate] if missed else [OrderBookUpdate])
    assert not missed or events[0] == Gap("book", "BTC/USD", GapReason.SNAPSHOT_DIFFERS, since=1.0)
    assert session.book("BTC/USD").best_bid == Decimal("1000.5" if missed else "1000.0")


@pytest.mark.fault("B19")
def test_halted_market() -> None:
    """A market that is halted is an event; its book goes on being served, with the status beside it."""
    exchange = Exchange()
    session = session_with(FRAMES["instrument"], exchange.snapshot())
    halted = altered("instrument", ("data", "pairs", 0, "status"), "cancel_only")
    events = session.receive(halted, now=2.0)
    assert kinds(events) == [InstrumentUpdate, InstrumentChanged, TradingStatus]
    (status,) = [event for event in events if isinstance(event, TradingStatus)]
    assert (status.before, status.status) == (PairStatus.ONLINE, PairStatus.CANCEL_ONLY)
    book = session.books.get("book", "BTC/USD")
    assert book is not None
    assert (book.verified, book.trading_status) == (True, PairStatus.CANCEL_ONLY)


@pytest.mark.fault("B10")
def test_crossed_book() -> None:
    """A crossed book whose checksum matches is served and named."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    events = session.receive(exchange.update(bids={"1001.5": "1"}), now=2.0)
    assert kinds(events) == [OrderBookUpdate, BookCrossed]
    assert is_live(session)


@pytest.mark.fault("B12")
def test_precision_changed() -> None:
    """A pair's new precision ends its book until a snapshot in the new digits."""
    session = session_with(FRAMES["instrument"], Exchange().snapshot())
    assert is_live(session)
    events = session.receive(altered("instrument", ("data", "pairs", 0, "price_precision"), 2), now=2.0)
    assert kinds(events) == [InstrumentUpdate, InstrumentChanged, Gap, BookLost, ResyncNeeded]
    assert not is_live(session)


def test_inferred_depth() -> None:
    """If the depth was only inferred, a mismatch tries the next larger one at the next snapshot."""
    exchange = Exchange(depth=25, levels=10)
    (live, _) = (session := Session(now=0.0)).receive(exchange.snapshot(), now=1.0)
    assert live == BookLive("book", "BTC/USD", 10)
    assert kinds(session.receive(exchange.update(bids={"1000.5": "1"}), now=2.0)) == [OrderBookUpdate]
    _, lost, _ = session.receive(exchange.update(bids={"1000.5": "0"}), now=3.0)
    assert isinstance(lost, BookLost)
    assert "trying 25" in lost.reason
    assert session.receive(exchange.snapshot(), now=4.0)[0] == BookLive("book", "BTC/USD", 25)


@pytest.mark.fault("B9")
def test_acknowledged_depth() -> None:
    """The depth that Kraken acknowledged is the one the book is held under."""
    exchange = Exchange(depth=25, levels=10)
    session = session_with(ack("subscribe", depth=25), exchange.snapshot())
    session.receive(exchange.update(bids={"1000.5": "1"}), now=2.0)
    assert kinds(session.receive(exchange.update(bids={"1000.5": "0"}), now=3.0)) == [OrderBookUpdate]


def test_level3_snapshot() -> None:
    """An empty level3 snapshot with checksum zero is a live level3 book."""
    frame = b'{"channel":"level3","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":0}]}'
    events = Session(now=0.0).receive(frame, now=1.0)
    assert kinds(events) == [BookLive, Level3Update]


def test_level3_depth_counts_prices() -> None:
    """The depth of a level3 book that nobody stated is inferred from its prices, however many orders stand at each."""
    exchange = OrderExchange(depth=10, levels=10)
    exchange.bids += [Order(f"C{n}", Decimal(1000 - n % 3), Decimal(1)) for n in range(95)]
    live, *_ = Session(now=0.0).receive(exchange.snapshot(), now=1.0)
    assert live == BookLive("level3", "BTC/USD", 10)


def test_level3_lost() -> None:
    """A level3 book that fails its checksum is lost until the next snapshot."""
    frame = b'{"channel":"level3","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":0}]}'
    session = session_with(frame)
    assert kinds(session.receive(FRAMES["level3"], now=2.0)) == [Gap, BookLost, ResyncNeeded]
    assert kinds(session.receive(FRAMES["level3"], now=3.0)) == [Discarded]
    assert kinds(session.receive(frame, now=4.0)) == [BookLive, Level3Update]


@pytest.mark.fault("B12", "B19")
def test_market_that_returns() -> None:
    """A market that vanishes and is listed again in other digits is told both times, and its live book is taken anew."""
    none = b'{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[]}}'
    session = session_with(FRAMES["instrument"], Exchange().snapshot(), none)
    assert is_live(session)
    events = session.receive(altered("instrument", ("data", "pairs", 0, "price_precision"), 2), now=2.0)
    assert kinds(events) == [InstrumentUpdate, InstrumentChanged, TradingStatus, Gap, BookLost, ResyncNeeded]
    assert (events[2].before, events[2].status) == (None, PairStatus.ONLINE)  # type: ignore[union-attr]


@pytest.mark.fault("J10")
def test_digits_known_after_the_snapshot() -> None:
    """A book that is unproven because its digits were lost is taken anew, once, when `instrument` tells them."""
    exchange = Exchange()
    parsed = json.loads(exchange.snapshot())
    parsed["data"][0] |= {"asks": [], "checksum": 1}
    session = session_with(ack("subscribe"))
    session.receive_parsed(parsed, now=1.0)
    book = session.books.get("book", "BTC/USD")
    assert book is not None
    assert book.status is BookStatus.UNVERIFIED
    assert kinds(session.receive(exchange.instrument(), now=2.0)) == [InstrumentUpdate, ResyncNeeded]
    assert kinds(session.receive(exchange.instrument(), now=2.0)) == [InstrumentUpdate]
    assert book.read(unverified=True).bids
    session.receive_parsed(json.loads(exchange.snapshot()), now=3.0)
    assert is_live(session)
