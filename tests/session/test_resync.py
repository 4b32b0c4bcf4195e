"""A session that asks: subscriptions, resyncs within budgets, disputes, and answers that are missing, late or odd."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from krakenwire.errors import BookNotLive, UsageError
from krakenwire.events import (
    BookDisputed,
    BookLive,
    BookLost,
    Discarded,
    Event,
    Gap,
    GapReason,
    OrderBookUpdate,
    PeerSilent,
    ReconnectNeeded,
    ReplyMissing,
    ReplyOdd,
    ResyncNeeded,
    SubscriptionRejected,
)
from krakenwire.session import Session
from krakenwire.session.limits import Limits
from krakenwire.state.book import BookStatus
from krakenwire.state.requests import FIRST_REQ_ID
from krakenwire.wire.enums import OrderType, Side
from krakenwire.wire.orders import AddOrder, AddOrderParams, CancelAll, CancelOrder, CancelOrderParams
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BookSubscription,
    ExecutionsSubscription,
    Ping,
    TickerSubscription,
)
from tests.session.exchange import Exchange
from tests.session.say import ack, is_live, kinds, refused
from tests.session.server import Server
from tests.vectors import account
from tests.vectors.samples import FRAMES

CANARY = "token-canary-5b1e"


def following(*symbols: str, depth: int = 10, session: Session | None = None) -> Server:
    """A server whose books the session asked for and holds live."""
    server = Server(*symbols, session=session)
    server.session.subscribe(BookSubscription(symbol=tuple(server.markets), depth=depth), now=server.now)
    server.converse()
    assert all(is_live(server.session, symbol) for symbol in server.markets)
    return server


def of(kind: type, events: list[Event]) -> list[Any]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


def methods(server: Server) -> list[str]:
    """What was asked, in order."""
    return [request["method"] for request in server.asked]


def lose_an_update(server: Server, symbol: str = "BTC/USD") -> list[Event]:
    """One update never arrives; the next one shows it. What the session said then, and until it was healed."""
    server.markets[symbol].update(asks={"1001": "7"})
    return server.update(symbol, bids={"1000.5": "1"})


# -------------------------------------------------------------------- subscribing


def test_subscribe_many_symbols() -> None:
    """Symbols with like parameters share one request, every one of them is answered, and each brings its book."""
    server = following("BTC/USD", "ETH/USD", "SOL/USD", depth=25)
    (request,) = server.asked
    assert request["req_id"] == FIRST_REQ_ID
    assert request["params"] == {
        "channel": "book",
        "symbol": ["BTC/USD", "ETH/USD", "SOL/USD"],
        "snapshot": True,
        "depth": 25,
    }
    assert server.session.book("ETH/USD").depth == 25
    assert server.session.take_outgoing(now=2.0) == []


@pytest.mark.fault("S1", "S5")
def test_one_symbol_refused() -> None:
    """A refused symbol is told with Kraken's words and never asked for again; the others run."""
    server = Server("BTC/USD")
    server.session.subscribe(BookSubscription(symbol=("BTC/USD", "XBT/USD")), now=1.0)
    (rejected,) = of(SubscriptionRejected, server.converse())
    assert (rejected.channel, rejected.symbol, rejected.retried) == ("book", "XBT/USD", False)
    assert rejected.reason == "Currency pair not supported XBT/USD"
    assert is_live(server.session)
    server.wait(120.0)
    assert methods(server).count("subscribe") == 1
    with pytest.raises(BookNotLive, match="Currency pair not supported"):
        server.session.book("XBT/USD")


def test_unsubscribe() -> None:
    """What is not wanted any more is unsubscribed with its depth, and its book is closed."""
    server = following(depth=100)
    assert server.session.unsubscribe("book", "BTC/USD", now=2.0)
    server.converse()
    assert server.asked[-1]["params"] == {"channel": "book", "symbol": ["BTC/USD"], "depth": 100}
    assert not is_live(server.session)
    assert not server.session.unsubscribe("book", "BTC/USD", now=2.0)


@pytest.mark.fault("B5", "S12")
def test_snapshot_of_an_ended_book() -> None:
    """A snapshot that was still on its way when its book was unsubscribed does not begin the book again: nothing would follow it."""
    server = following()
    server.session.unsubscribe("book", "BTC/USD", now=2.0)
    server.converse()
    late = server.give(server.markets["BTC/USD"].snapshot())
    assert [type(event) for event in late] == [Discarded]
    assert not is_live(server.session)
    server.session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=3.0)
    server.converse()
    assert is_live(server.session)


@pytest.mark.fault("S12")
def test_late_answer_to_an_unsubscription() -> None:
    """An unsubscription that is answered when its subscription was taken again says nothing of it: the book stays live."""
    server = following()
    session, market = server.session, server.markets["BTC/USD"]
    session.resync("book", "BTC/USD", now=2.0)
    (first,) = map(json.loads, session.take_outgoing(now=2.0))
    session.receive(b'{"channel":"heartbeat"}', now=8.0)
    session.tick(now=8.0)
    refused(session, "Subscription Not Found", now=8.0)
    (again,) = map(json.loads, session.take_outgoing(now=8.0))
    session.receive(market.snapshot(), now=8.1)
    assert (first["method"], again["method"], is_live(session)) == ("unsubscribe", "subscribe", True)
    for request in (first, again):
        result = {"channel": "book", "symbol": "BTC/USD", "depth": 10}
        reply = {"method": request["method"], "req_id": request["req_id"], "success": True, "result": result}
        events = session.receive(json.dumps(reply), now=9.0)
        assert not [event for event in events if isinstance(event, Gap | BookLost)]
    assert is_live(session)
    assert session.take_outgoing(now=9.0) == []


def test_no_book_waits_for_what_nobody_asked() -> None:
    """An update of a book that cannot be read, while nothing is under way that would heal it, has it taken anew, once."""
    server = following()
    book = server.session.books.get("book", "BTC/USD")
    assert book is not None
    book.stop(BookStatus.RESYNCING, "as if an answer had been mistaken")
    market = server.markets["BTC/USD"]
    first = server.session.receive(market.update(bids={"999": "1"}), now=2.0)
    second = server.session.receive(market.update(bids={"999": "2"}), now=2.0)
    assert [kinds(first), kinds(second)] == [[Discarded, ResyncNeeded], [Discarded]]
    server.converse()
    assert is_live(server.session)


def test_snapshot_of_an_ended_book_for_a_caller_who_asks() -> None:
    """Where the caller does the asking, a snapshot tells that he asked again: it begins the book."""
    server = Server(session=Session(now=0.0, asks=False))
    market = server.markets["BTC/USD"]
    subscribed, ended = (
        b'{"method":"%s","success":true,"result":{"channel":"book","symbol":"BTC/USD","depth":10}}' % method
        for method in (b"subscribe", b"unsubscribe")
    )
    server.give(subscribed, market.snapshot(), ended)
    assert not is_live(server.session)
    server.give(market.snapshot())
    assert is_live(server.session)


def test_another_depth() -> None:
    """Wanting another depth ends the subscription under its old depth and takes it under the new one."""
    server = following(depth=10)
    server.session.subscribe(BookSubscription(symbol=("BTC/USD",), depth=25), now=2.0)
    server.converse()
    assert [(r["method"], r["params"]["depth"]) for r in server.asked[1:]] == [
        ("unsubscribe", 10),
        ("subscribe", 25),
    ]
    assert server.session.book("BTC/USD").depth == 25


@pytest.mark.fault("S12")
def test_last_wish_wins() -> None:
    """Wishes that change while an answer is under way are settled in their last state."""
    session = Session(now=0.0)
    server = Server(session=session)
    book = BookSubscription(symbol=("BTC/USD",))
    session.subscribe(book, now=1.0)
    (first,) = session.take_outgoing(now=1.0)
    session.unsubscribe("book", "BTC/USD", now=1.0)
    session.subscribe(book, now=1.0)
    session.unsubscribe("book", "BTC/USD", now=1.0)
    assert session.take_outgoing(now=1.0) == []
    for frame in server.answers(json.loads(first)):
        session.receive(frame, now=1.0)
    server.converse()
    assert methods(server) == ["subscribe", "unsubscribe"]
    assert server.subscribed == set()


# -------------------------------------------------------------------- resync


@pytest.mark.fault("B1", "B3")
def test_resync() -> None:
    """A book that lost an update is taken anew: unsubscribe, answer, subscribe, answer, snapshot. No other symbol is touched."""
    server = following("BTC/USD", "ETH/USD", depth=25)
    events = lose_an_update(server)
    assert kinds(events)[:3] == [Gap, BookLost, ResyncNeeded]
    assert of(ResyncNeeded, events)[0].requested
    assert kinds(events)[-2:] == [BookLive, OrderBookUpdate]
    assert [(r["method"], r["params"]["symbol"], r["params"]["depth"]) for r in server.asked[1:]] == [
        ("unsubscribe", ["BTC/USD"], 25),
        ("subscribe", ["BTC/USD"], 25),
    ]
    assert is_live(server.session)
    assert not [event for event in events if getattr(event, "symbol", None) == "ETH/USD"]


@pytest.mark.fault("B1")
def test_unreadable_until_the_snapshot() -> None:
    """From the mismatch to the snapshot nobody can read the book, and what still arrives of it changes nothing."""
    server = following()
    server.markets["BTC/USD"].update(asks={"1001": "7"})
    server.session.receive(server.markets["BTC/USD"].update(bids={"1000.5": "1"}), now=2.0)
    (unsubscribe,) = server.session.take_outgoing(now=2.0)
    server.session.receive(server.markets["BTC/USD"].update(bids={"1000.5": "2"}), now=2.0)
    assert not is_live(server.session)
    (granted,) = server.answers(json.loads(unsubscribe))
    server.session.receive(granted, now=2.0)
    assert not is_live(server.session)
    (subscribe,) = server.session.take_outgoing(now=2.0)
    granted, snapshot = server.answers(json.loads(subscribe))
    server.session.receive(granted, now=2.0)
    assert not is_live(server.session)
    server.session.receive(snapshot, now=2.0)
    assert is_live(server.session)


def test_snapshot_heals_before_anything_was_sent() -> None:
    """If nobody takes the requests and the caller heals the book by himself, they are needless and never sent."""
    session = Session(now=0.0)
    exchange = Exchange()
    for frame in (ack("subscribe"), exchange.snapshot()):
        session.receive(frame, now=1.0)
    exchange.update(asks={"1001": "7"})
    session.receive(exchange.update(bids={"1000.5": "1"}), now=2.0)
    assert session.desk.waiting
    for frame in (ack("unsubscribe"), ack("subscribe"), exchange.snapshot()):
        session.receive(frame, now=3.0)
    assert is_live(session)
    assert session.take_outgoing(now=4.0) == []


def test_session_that_does_not_ask() -> None:
    """With `asks=False` the caller is told and nothing waits to be sent."""
    session = Session(now=0.0, asks=False)
    exchange = Exchange()
    session.receive(exchange.snapshot(), now=1.0)
    exchange.update(asks={"1001": "7"})
    (needed,) = of(ResyncNeeded, session.receive(exchange.update(bids={"1000.5": "1"}), now=2.0))
    assert not needed.requested
    assert session.take_outgoing(now=2.0) == []


def test_larger_depth_after_an_inferred_one() -> None:
    """A mismatch under an inferred depth asks for the next larger one, and unsubscribes under the depth it was held at."""
    session = Session(now=0.0)
    exchange = Exchange(depth=25)
    session.receive(exchange.snapshot(), now=1.0)
    session.receive(exchange.update(bids={"1000.5": "1"}), now=1.0)
    session.receive(exchange.update(bids={"1000.5": "0"}), now=1.0)
    (unsubscribe,) = session.take_outgoing(now=1.0)
    assert json.loads(unsubscribe)["params"]["depth"] == 10
    session.receive(
        ack("unsubscribe").replace(b'"success"', b'"req_id":%d,"success"' % FIRST_REQ_ID), now=1.0
    )
    (subscribe,) = session.take_outgoing(now=1.0)
    assert json.loads(subscribe)["params"]["depth"] == 25


def test_resync_on_request() -> None:
    """The caller can take one book anew; until its snapshot it cannot be read."""
    server = following("BTC/USD", "ETH/USD")
    events = server.session.resync("book", "BTC/USD", now=2.0)
    assert (kinds(events), events[0]) == (
        [Gap, BookLost, ResyncNeeded],
        Gap("book", "BTC/USD", GapReason.RESYNC, since=1.0),
    )
    assert not is_live(server.session)
    server.converse()
    assert is_live(server.session)


@pytest.mark.fault("B6")
def test_acknowledged_and_no_snapshot() -> None:
    """An update of an acknowledged book that has no snapshot takes it anew at once, because its depth is known."""
    session = Session(now=0.0)
    session.receive(ack("subscribe", depth=25), now=1.0)
    events = session.receive(Exchange().update(bids={"1000.5": "1"}), now=1.0)
    assert of(ResyncNeeded, events)[0].requested
    (unsubscribe,) = session.take_outgoing(now=1.0)
    assert json.loads(unsubscribe)["params"]["depth"] == 25


# -------------------------------------------------------------------- budgets and disputes


@pytest.mark.fault("B5")
def test_lying_server_for_an_hour() -> None:
    """A symbol whose checksum is always wrong is disputed after three resyncs and tried at 1, 2, 5, 5 … minutes; others never notice."""
    server = following("BTC/USD", "ETH/USD")
    server.lies.add("BTC/USD")
    events = server.update("BTC/USD", bids={"1000.5": "1"})
    assert len(of(BookLost, events)) == 4
    (disputed,) = of(BookDisputed, events)
    assert (disputed.policy, disputed.retry_at) == ("hold", pytest.approx(61.0))
    book = server.session.books.get("book", "BTC/USD")
    assert book is not None
    assert book.status is BookStatus.DISPUTED
    asked_at = []
    hour: list[Event] = []
    while server.now < 3600:
        before = len(server.asked)
        hour += server.wait(1.0)
        if server.now % 10 < 1:
            hour += server.update("ETH/USD", bids={"1000.5": str(1 + int(server.now))})
        if any(request["method"] == "subscribe" for request in server.asked[before:]):
            asked_at.append(round(server.now))
        assert is_live(server.session, "ETH/USD")
        assert not is_live(server.session, "BTC/USD")
    assert asked_at[:4] == pytest.approx([62, 182, 482, 782], abs=6)
    assert len(asked_at) <= 15
    assert not [
        event for event in hour if getattr(event, "symbol", None) == "ETH/USD" and isinstance(event, Gap)
    ]
    assert not of(ReconnectNeeded, hour)
    server.lies.clear()
    assert BookLive in kinds(server.wait(301.0))


@pytest.mark.fault("B5")
def test_disputed_book_served_on_request() -> None:
    """With `serve_unverified` a disputed book is followed and every update says that it is not verified."""
    session = Session(now=0.0, on_checksum_dispute="serve_unverified")
    server = following(session=session)
    server.lies.add("BTC/USD")
    server.update(bids={"1000.5": "1"})
    (update,) = server.update(bids={"1000.5": "2"})
    assert isinstance(update, OrderBookUpdate)
    assert not update.verified
    assert not is_live(session)
    assert not update.book.read(unverified=True).verified
    with pytest.raises(BookNotLive):
        update.book.view()
    server.lies.clear()
    assert BookLive in kinds(server.wait(61.0))


@pytest.mark.fault("B5")
def test_disputed_book_stopped_on_request() -> None:
    """With `stop` a disputed book is unsubscribed and closed for good."""
    server = following(session=Session(now=0.0, on_checksum_dispute="stop"))
    server.lies.add("BTC/USD")
    (disputed,) = of(BookDisputed, server.update(bids={"1000.5": "1"}))
    assert disputed.retry_at is None
    assert methods(server)[-1] == "unsubscribe"
    asked = len(server.asked)
    server.wait(1000.0)
    assert server.subscribed == set()
    assert len(server.asked) == asked
    with pytest.raises(BookNotLive, match="disputed"):
        server.session.book("BTC/USD")


def test_unknown_policy() -> None:
    """A policy that does not exist is refused with those that do."""
    with pytest.raises(UsageError, match="hold, serve_unverified, stop"):
        Session(on_checksum_dispute="ignore")


@pytest.mark.fault("B5")
def test_budget_of_the_connection() -> None:
    """When too many books of one connection are lost, the rest wait until the budget allows, and all are healed."""
    symbols = [f"T{n:02d}/USD" for n in range(8)]
    server = following(*symbols, session=Session(now=0.0, limits=Limits(resyncs_connection=5)))
    for symbol in symbols:
        lose_an_update(server, symbol)
    assert sum(is_live(server.session, symbol) for symbol in symbols) == 5
    server.wait(61.0)
    assert all(is_live(server.session, symbol) for symbol in symbols)


@pytest.mark.fault("B11")
def test_level3_without_token() -> None:
    """A lost level3 book cannot be asked for without a token: the caller is told, and nothing waits to be sent."""
    frame = b'{"channel":"level3","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":0}]}'
    session = Session(now=0.0)
    session.receive(frame, now=1.0)
    (needed,) = of(ResyncNeeded, session.receive(FRAMES["level3"], now=1.0))
    assert not needed.requested
    assert session.take_outgoing(now=1.0) == []


# -------------------------------------------------------------------- answers


@pytest.mark.fault("S2")
def test_no_answer() -> None:
    """A subscription without an answer is asked for once more with a new number; then the connection is to blame."""
    server = Server()
    server.mute = True
    server.session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=1.0)
    server.converse()
    events = server.wait(5.1)
    assert not of(ReconnectNeeded, events)
    assert [request["req_id"] for request in server.asked] == [FIRST_REQ_ID, FIRST_REQ_ID + 1]
    assert len(of(ReconnectNeeded, server.wait(5.1))) == 1


@pytest.mark.fault("S3")
def test_no_snapshot() -> None:
    """A granted subscription without a snapshot is taken anew once; then the connection is to blame."""
    server = Server()
    server.withheld.add("BTC/USD")
    server.session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=1.0)
    server.converse()
    assert not of(ReconnectNeeded, server.wait(10.1))
    assert methods(server) == ["subscribe", "unsubscribe", "subscribe"]
    (needed,) = of(ReconnectNeeded, server.wait(10.1))
    assert needed.reason == "book BTC/USD: subscribed, and no snapshot"


@pytest.mark.fault("S4")
@pytest.mark.parametrize("held", [True, False])
def test_already_subscribed(*, held: bool) -> None:
    """`Already subscribed` is fine beside a snapshot of this connection; without one the book is taken anew."""
    server = Server()
    if held:
        server.session.receive(ack("subscribe"), now=1.0)
        server.session.receive(server.markets["BTC/USD"].snapshot(), now=1.0)
        server.session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=1.0)
        assert server.session.take_outgoing(now=1.0) == []
        return
    server.subscribed.add("BTC/USD")
    server.session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=1.0)
    server.converse()
    assert methods(server) == ["subscribe", "unsubscribe", "subscribe"]
    assert is_live(server.session)


@pytest.mark.fault("J14")
def test_odd_answers() -> None:
    """Late, repeated and unknown answers are told and counted, and touch no other request."""
    server = following("BTC/USD", "ETH/USD")
    repeated = ack("subscribe").replace(b'"success"', b'"req_id":%d,"success"' % FIRST_REQ_ID)
    unknown = repeated.replace(b"%d" % FIRST_REQ_ID, b"%d" % (FIRST_REQ_ID + 77))
    assert [event.verdict for event in of(ReplyOdd, server.give(repeated, unknown))] == [
        "repeated",
        "unknown",
    ]
    assert is_live(server.session)
    assert is_live(server.session, "ETH/USD")
    foreign = repeated.replace(b"%d" % FIRST_REQ_ID, b"7")
    assert not of(ReplyOdd, server.give(foreign))


@pytest.mark.fault("J14", "S13")
def test_order_without_answer() -> None:
    """An order request is sent once. No answer is an unknown outcome, and a late answer says that it is known after all."""
    session = Session(now=0.0, authenticates=True)
    order = AddOrderParams(order_type=OrderType.MARKET, side=Side.BUY, symbol="BTC/USD", order_qty=Decimal(1))
    req_id = session.request(AddOrder(order), now=1.0)
    assert session.take_outgoing(now=1.0) == []
    assert session.wants_token(now=1.0)
    session.supply_token(Secret(CANARY))
    (frame,) = session.take_outgoing(now=2.0)
    assert json.loads(frame)["params"]["token"] == CANARY
    assert CANARY not in repr(vars(session.desk)) + repr(list(session.desk.subscriptions))
    (missing,) = session.tick(now=7.0)
    assert missing == ReplyMissing("add_order", req_id, 1, "no answer", acts=True)
    assert session.take_outgoing(now=8.0) == []
    reply = b'{"method":"add_order","req_id":%d,"success":true,"result":{"order_id":"O1"}}' % req_id
    assert [event.verdict for event in of(ReplyOdd, session.receive(reply, now=9.0))] == ["late"]


@pytest.mark.fault("S13")
def test_order_when_the_connection_goes() -> None:
    """An order request in flight when the connection goes has an unknown outcome and is not sent again; nor is one that waited."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret(CANARY))
    session.request(CancelOrder(CancelOrderParams(order_id=("O1", "O2"))), now=1.0)
    session.take_outgoing(now=1.0)
    session.request(CancelOrder(CancelOrderParams(order_id=("O3",))), now=1.0)
    missing = of(ReplyMissing, session.connection_lost(now=2.0))
    assert [(event.missing, event.reason, event.acts) for event in missing] == [
        (2, "connection lost", True),
        (1, "never sent", False),
    ]
    session.supply_token(Secret(CANARY))
    assert session.take_outgoing(now=3.0) == []


def test_several_answers_to_one_cancel() -> None:
    """A request for two orders waits for two answers."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret(CANARY))
    req_id = session.request(CancelOrder(CancelOrderParams(order_id=("O1", "O2"))), now=1.0)
    session.take_outgoing(now=1.0)
    reply = b'{"method":"cancel_order","req_id":%d,"success":true,"result":{"order_id":"O1"}}' % req_id
    session.receive(reply, now=1.0)
    (missing,) = of(ReplyMissing, session.tick(now=6.0))
    assert missing.missing == 1


# -------------------------------------------------------------------- private channels


def test_private_resync_with_a_token() -> None:
    """A hole in a private sequence asks for the channel anew as soon as a token is there; the token is only in the frame."""
    session = Session(now=0.0, authenticates=True)
    session.receive(account.EMPTY_SNAPSHOT.frame, now=1.0)
    events = session.receive(account.FILL.frame, now=2.0)
    assert of(ResyncNeeded, events)[0].requested
    assert session.wants_token(now=2.0)
    assert session.take_outgoing(now=2.0) == []
    session.supply_token(Secret(CANARY))
    (frame,) = session.take_outgoing(now=2.0)
    assert json.loads(frame) == {
        "method": "unsubscribe",
        "params": {"channel": "executions", "token": CANARY},
        "req_id": FIRST_REQ_ID,
    }


def test_private_subscription_needs_a_token_provider() -> None:
    """A private subscription that could never be sent is refused at once."""
    with pytest.raises(UsageError, match="no token provider"):
        Session(now=0.0).subscribe(ExecutionsSubscription(), now=0.0)


@pytest.mark.fault("S8")
def test_token_refused() -> None:
    """A refused token is replaced once; a second refusal is final."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("old"))
    session.subscribe(ExecutionsSubscription(), now=1.0)
    verdicts = []
    for token in ("new", "newer"):
        (frame,) = session.take_outgoing(now=1.0)
        number = json.loads(frame)["req_id"]
        refusal = (
            f'{{"method":"subscribe","success":false,"error":"ESession:Invalid session","req_id":{number}}}'
        )
        verdicts += [event.retried for event in of(SubscriptionRejected, session.receive(refusal, now=1.0))]
        session.supply_token(Secret(token))
    assert verdicts == [True, False]
    assert session.take_outgoing(now=1.0) == []


@pytest.mark.fault("S8")
def test_late_refusal_of_an_old_token() -> None:
    """A refusal that answers a request with an older token, in time or late, leaves the one supplied since in use."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("old"))
    refusal = '{{"method":"cancel_all","success":false,"error":"ESession:Invalid session","req_id":{}}}'
    late = session.request(CancelAll(), now=1.0)
    session.take_outgoing(now=1.0)
    in_time = session.request(CancelAll(), now=5.0)
    session.take_outgoing(now=5.0)
    session.tick(now=7.0)
    session.supply_token(Secret("new"))
    for number in (late, in_time):
        session.receive(refusal.format(number), now=8.0)
    last = session.request(CancelAll(), now=8.0)
    assert b'"new"' in b"".join(session.take_outgoing(now=8.0))
    session.receive(refusal.format(last), now=9.0)
    session.request(CancelAll(), now=9.0)
    assert session.take_outgoing(now=9.0) == []
    assert session.wants_token(now=9.0)


@pytest.mark.fault("S6")
def test_refused_for_its_rate() -> None:
    """A subscription refused for its rate is asked for again, later each time."""
    session = Session(now=0.0)
    session.subscribe(TickerSubscription(symbol=("BTC/USD",)), now=1.0)
    waits = []
    now = 1.0
    for _ in range(3):
        (frame,) = session.take_outgoing(now=now)
        number = json.loads(frame)["req_id"]
        session.receive(
            f'{{"method":"subscribe","success":false,"error":"Exceeded msg rate","req_id":{number}}}', now=now
        )
        assert session.take_outgoing(now=now) == []
        assert session.deadline is not None
        waits.append(session.deadline - now)
        now = session.deadline
        session.tick(now=now)
    assert waits == [1.0, 2.0, 4.0]


# -------------------------------------------------------------------- silence


def test_silence() -> None:
    """After three seconds of silence a ping is sent, after five the peer is given up and every book is stale."""
    server = following()
    server.mute = True
    assert server.wait(3.1) == []
    assert methods(server)[-1] == "ping"
    silent, gap = server.wait(2.0)
    assert silent == PeerSilent(1.0)
    assert isinstance(gap, Gap)
    assert gap.reason is GapReason.SILENT
    assert not is_live(server.session)
    assert server.session.tick(now=100.0) == []


def test_no_silence_without_a_subscription() -> None:
    """Before anything is subscribed Kraken has nothing to say, and nobody is blamed for it."""
    session = Session(now=0.0)
    assert session.deadline is None
    assert session.tick(now=1000.0) == []


def test_own_pause_is_not_silence() -> None:
    """Time in which the caller read nothing is counted against nobody: not the peer, not an answer under way."""
    server = following()
    server.session.request(Ping(), now=1.0)
    server.session.take_outgoing(now=1.0)
    server.session.excuse(100.0, now=101.0)
    assert server.session.tick(now=101.0) == []
    assert server.session.deadline == 104.0


def test_wishes_survive_the_connection() -> None:
    """After a new connection what this session was asked to hold is asked for again; what others subscribed is not."""
    server = following()
    server.give(ack("subscribe", "ETH/USD"))
    server.session.connection_lost(now=2.0)
    server.subscribed.clear()
    server.converse()
    assert server.asked[-1]["params"]["symbol"] == ["BTC/USD"]
    assert is_live(server.session)
