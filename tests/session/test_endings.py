"""How subscriptions end, and what is told when one that is wanted is taken anew: nothing stays live that Kraken no longer sends."""

from __future__ import annotations

import json

import pytest

from krakenwire.errors import BookNotLive
from krakenwire.events import BookLost, Gap, GapReason, ResyncNeeded
from krakenwire.session import Session
from krakenwire.session.limits import Limits
from krakenwire.state.ledger import State
from krakenwire.wire.control import UnsubscribeReply
from krakenwire.wire.enums import EventTrigger
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BookSubscription,
    ExecutionsSubscription,
    OhlcSubscription,
    TickerSubscription,
    TradeSubscription,
)
from tests.session.exchange import Exchange
from tests.session.say import granted, is_live, kinds, refused, session_with, status
from tests.session.server import Server
from tests.vectors import account
from tests.vectors.samples import FRAMES

BOOK = BookSubscription(symbol=("BTC/USD",))
TICKER = TickerSubscription(symbol=("BTC/USD",))


def following() -> Server:
    """A server whose one book the session asked for and holds live."""
    server = Server()
    server.session.subscribe(BOOK, now=1.0)
    server.converse()
    assert is_live(server.session)
    return server


def private() -> Session:
    """A session that follows executions by its own request."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("t"))
    session.subscribe(ExecutionsSubscription(), now=1.0)
    granted(session)
    session.receive(account.EMPTY_SNAPSHOT.frame, now=1.0)
    return session


def wanted(
    session: Session, channel: str, symbol: str | None
) -> list[tuple[float, float | None, str | None]]:
    """When a subscription was wanted, by the ledger."""
    return [
        (line.start, line.end, line.cause) for line in session.ledger.intervals(channel, symbol, State.WANTED)
    ]


# -------------------------------------------------------------------- the end


def test_unsubscription_refused() -> None:
    """A book whose unsubscription is refused because Kraken holds none is closed all the same, and wanted no more."""
    server = following()
    server.subscribed.clear()
    server.session.unsubscribe("book", "BTC/USD", now=2.0)
    server.converse()
    with pytest.raises(BookNotLive, match="closed"):
        server.session.book("BTC/USD")
    assert wanted(server.session, "book", "BTC/USD") == [(1.0, 1.0, "Subscription Not Found")]


@pytest.mark.fault("S5")
def test_refused_is_not_wanted() -> None:
    """A subscription that Kraken refuses for good is wanted no more, so it does not count against what is verified."""
    session = Session(now=0.0)
    session.subscribe(TickerSubscription(symbol=("X/Y",)), now=1.0)
    refused(session, "Currency pair not supported X/Y", now=2.0)
    assert wanted(session, "ticker", "X/Y") == [(1.0, 2.0, "Currency pair not supported X/Y")]


def test_unsubscribed_and_then_lost() -> None:
    """A subscription that was being ended when the connection went is over: wanted no more, its book closed."""
    server = following()
    server.session.unsubscribe("book", "BTC/USD", now=2.0)
    server.session.connection_lost(now=3.0)
    assert wanted(server.session, "book", "BTC/USD") == [(1.0, 3.0, "unsubscribed")]
    with pytest.raises(BookNotLive, match="closed"):
        server.session.book("BTC/USD")


def test_one_of_two_intervals_ends() -> None:
    """When one interval of a market is unsubscribed the other goes on: its next break is told, and it is wanted still."""
    session = Session(now=0.0)
    for interval in (1, 5):
        session.subscribe(OhlcSubscription(symbol=("BTC/USD",), interval=interval), now=1.0)
    granted(session)
    session.receive(FRAMES["ohlc"], now=2.0)
    session.unsubscribe("ohlc", "BTC/USD", 5, now=3.0)
    assert [request["params"]["interval"] for request in granted(session, now=3.0)] == [5]
    (gap,) = session.connection_lost(now=4.0)
    assert gap == Gap("ohlc", "BTC/USD", GapReason.CONNECTION_LOST, since=2.0)
    assert wanted(session, "ohlc", "BTC/USD") == [(1.0, None, None)]


def test_nothing_is_asked_after_the_end() -> None:
    """A resync that waits for its budget is forgotten with its subscription; nothing subscribes again what was ended."""
    session = private()
    for number in (5, 10, 15, 20):
        session.receive(b'{"channel":"executions","type":"update","data":[],"sequence":%d}' % number, now=2.0)
    session.unsubscribe("executions", now=3.0)
    assert [request["method"] for request in granted(session, now=3.0)] == ["unsubscribe"]
    session.receive(b'{"channel":"heartbeat"}', now=100.0)
    assert session.tick(now=100.0) == []
    assert session.take_outgoing(now=100.0) == []


def test_book_that_waits_for_its_budget_is_ended() -> None:
    """The same for a book: after its end nobody is told that it has to be taken anew."""
    server = Server("BTC/USD", "ETH/USD", session=Session(now=0.0, limits=Limits(resyncs_connection=1)))
    server.session.subscribe(BookSubscription(symbol=("BTC/USD", "ETH/USD")), now=1.0)
    server.converse()
    for symbol in ("BTC/USD", "ETH/USD"):
        server.session.resync("book", symbol, now=1.0)
    server.session.unsubscribe("book", "ETH/USD", now=1.0)
    server.converse()
    asked = len(server.asked)
    assert ResyncNeeded not in kinds(server.wait(100.0))
    assert len(server.asked) == asked


def test_loss_while_being_ended() -> None:
    """A book that is lost after it was unsubscribed is told as lost, and not asked for again."""
    server = following()
    server.session.unsubscribe("book", "BTC/USD", now=2.0)
    server.markets["BTC/USD"].update(asks={"1001": "7"})
    frame = server.markets["BTC/USD"].update(bids={"1000.5": "1"})
    assert kinds(server.session.receive(frame, now=2.0)) == [Gap, BookLost]
    server.converse()
    assert server.subscribed == set()


# -------------------------------------------------------------------- taken anew


def test_another_depth_is_refused() -> None:
    """A book that was ended to be held deeper cannot be read as live when the deeper one is refused."""
    server = following()
    session = server.session
    session.subscribe(BookSubscription(symbol=("BTC/USD",), depth=25), now=2.0)
    (frame,) = session.take_outgoing(now=2.0)
    (answer,) = server.answers(json.loads(frame))
    assert kinds(session.receive(answer, now=2.0)) == [UnsubscribeReply, Gap, BookLost]
    assert not is_live(session)
    assert session.ledger.intervals("book", "BTC/USD")[-1].cause == "taken anew"
    refused(session, "Subscription depth not supported", now=2.0)
    with pytest.raises(BookNotLive, match="depth not supported"):
        session.book("BTC/USD")


def test_ticker_taken_anew() -> None:
    """Another trigger ends the stream for a while: the break is told, once."""
    session = Session(now=0.0)
    session.subscribe(TICKER, now=1.0)
    granted(session)
    session.receive(FRAMES["ticker"], now=2.0)
    session.subscribe(TickerSubscription(symbol=("BTC/USD",), event_trigger=EventTrigger.BBO), now=3.0)
    (frame,) = session.take_outgoing(now=3.0)
    number = json.loads(frame)["req_id"]
    result = '{"channel":"ticker","symbol":"BTC/USD","event_trigger":"trades"}'
    answer = f'{{"method":"unsubscribe","success":true,"req_id":{number},"result":{result}}}'
    events = session.receive(answer, now=4.0)
    assert events[1:] == [Gap("ticker", "BTC/USD", GapReason.RESYNC, since=2.0)]
    assert session.connection_lost(now=5.0) == []


def test_orders_taken_anew() -> None:
    """While executions are taken anew on request, the break is told and orders are not called live."""
    session = private()
    assert session.account.orders.live
    session.resync("executions", now=2.0)
    (frame,) = session.take_outgoing(now=2.0)
    number = json.loads(frame)["req_id"]
    answer = f'{{"method":"unsubscribe","success":true,"req_id":{number}}}'
    assert session.receive(answer, now=2.0)[1:] == [Gap("executions", None, GapReason.RESYNC, since=1.0)]
    assert not session.account.orders.live


def test_every_interval_is_taken_anew() -> None:
    """Candles of a market are taken anew in each interval that is subscribed."""
    session = Session(now=0.0)
    for interval in (1, 5):
        session.subscribe(OhlcSubscription(symbol=("BTC/USD",), interval=interval), now=1.0)
    granted(session)
    (needed,) = session.resync("ohlc", "BTC/USD", now=2.0)
    assert isinstance(needed, ResyncNeeded)
    assert needed.requested
    assert [(r["method"], r["params"]["interval"]) for r in granted(session)] == [
        ("unsubscribe", 1),
        ("unsubscribe", 5),
    ]


def test_late_snapshot_does_not_count_for_the_next_subscription() -> None:
    """A snapshot between the unsubscription and its answer belongs to the old subscription: the new one's is still waited for."""
    server = following()
    session = server.session
    session.resync("book", "BTC/USD", now=1.0)
    (frame,) = session.take_outgoing(now=1.0)
    session.receive(server.markets["BTC/USD"].snapshot(), now=1.0)
    server.withheld.add("BTC/USD")
    for answer in server.answers(json.loads(frame)):
        session.receive(answer, now=1.0)
    server.converse()
    server.wait(10.1)
    assert [request["method"] for request in server.asked[-2:]] == ["unsubscribe", "subscribe"]


# -------------------------------------------------------------------- the connection


@pytest.mark.parametrize("subscription", [TICKER, TradeSubscription(symbol=("BTC/USD",))])
def test_silent_subscription_has_a_gap(subscription: TickerSubscription | TradeSubscription) -> None:
    """A subscription that was granted and brought nothing yet may have missed something, too, when the connection goes."""
    session = Session(now=0.0)
    session.subscribe(subscription, now=1.0)
    granted(session, now=2.0)
    (gap,) = session.connection_lost(now=3.0)
    assert gap == Gap(subscription.channel.value, "BTC/USD", GapReason.CONNECTION_LOST, since=2.0)
    assert session.connection_lost(now=4.0) == []


def test_first_status_of_a_known_new_connection() -> None:
    """A caller who says that the connection is lost asks again on the next one; its `status` does not end that one, too."""
    session = session_with(status(1))
    session.subscribe(BOOK, now=1.0)
    granted(session)
    session.receive(Exchange().snapshot(), now=1.0)
    session.connection_lost(now=2.0)
    assert len(session.take_outgoing(now=3.0)) == 1
    assert len(session.receive(status(2), now=3.0)) == 1
    assert session.take_outgoing(now=3.0) == []
    session.receive(status(3), now=4.0)
    assert len(session.take_outgoing(now=4.0)) == 1


def test_other_connection_after_silence() -> None:
    """Silence alone is no new connection: a `status` with another id after it still ends what came in between."""
    session = session_with(status(1), Exchange().snapshot())
    session.tick(now=10.0)
    assert not is_live(session)
    session.receive(Exchange().snapshot(), now=11.0)
    assert is_live(session)
    session.receive(status(2), now=12.0)
    assert not is_live(session)


@pytest.mark.fault("J1")
def test_refusals_of_an_old_connection() -> None:
    """Unreadable frames of the connection before are not counted against the next one."""
    session = session_with(*[b"{"] * 9)
    session.connection_lost(now=1.0)
    assert len(session.receive(b"{", now=1.5)) == 1


def test_reply_without_a_subscription() -> None:
    """An unsubscription of what was never seen ends nothing and is passed on."""
    frame = b'{"method":"unsubscribe","success":true,"result":{"channel":"ohlc","symbol":"BTC/USD"}}'
    assert kinds(Session(now=0.0).receive(frame, now=1.0)) == [UnsubscribeReply]


def test_interval_of_an_unsubscription_left_out() -> None:
    """An answer that names no interval is about Kraken's default, one minute."""
    session = session_with(
        b'{"method":"subscribe","success":true,"result":{"channel":"ohlc","symbol":"BTC/USD"}}',
        FRAMES["ohlc"],
        b'{"method":"unsubscribe","success":true,"result":{"channel":"ohlc","symbol":"BTC/USD"}}',
    )
    assert session.connection_lost(now=2.0) == []
