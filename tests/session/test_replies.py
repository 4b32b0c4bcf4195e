"""What answers come to, however much or little they say."""

from __future__ import annotations

import json

import pytest

from krakenwire.events import BookLive, Event, ReconnectNeeded, SubscriptionRejected
from krakenwire.session import Session
from krakenwire.wire.control import SubscribeReply
from krakenwire.wire.orders import CancelAll
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BookSubscription,
    ExecutionsSubscription,
    Level3Subscription,
    Subscribe,
    Subscription,
    TickerSubscription,
    Unsubscribe,
    ending,
)
from tests.session.exchange import Exchange
from tests.session.say import ack, granted, is_live, kinds, refused
from tests.session.server import Server

LEVEL3 = (
    b'{"channel":"level3","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[],"asks":[],"checksum":0}]}'
)


@pytest.mark.parametrize("depth", [-5, 0, 7, 25, 2**63])
def test_another_depth_is_granted(depth: int) -> None:
    """If Kraken grants another depth than was asked for, nothing is raised and it is not asked for ever anew."""
    session = Session(now=0.0)
    session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=1.0)
    assert len(granted(session, depth=depth)) == 1
    assert session.take_outgoing(now=1.0) == []
    session.receive(Exchange(depth=25, levels=25).snapshot(), now=1.0)
    assert session.book("BTC/USD").depth == (25 if depth == 25 else 10)


@pytest.mark.parametrize("depth", [-5, 0])
def test_depth_that_is_none(depth: int) -> None:
    """A depth of nothing in somebody's acknowledgement is not believed: the book lives under the depth its snapshot shows."""
    session = Session(now=0.0)
    exchange = Exchange()
    session.receive(ack("subscribe", depth=depth), now=1.0)
    session.receive(exchange.snapshot(), now=1.0)
    session.receive(exchange.update(bids={"1000.5": "1"}), now=1.0)
    assert is_live(session)


def test_level3_depth_is_the_one_asked_for() -> None:
    """Kraken's answer to a level3 subscription names no depth; the book is held under the one that was asked for."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("t"))
    session.subscribe(Level3Subscription(symbol=("BTC/USD",), depth=1000), now=1.0)
    granted(session)
    assert session.receive(LEVEL3, now=1.0)[0] == BookLive("level3", "BTC/USD", 1000)


def test_answer_without_result() -> None:
    """An answer that says no more than `success` grants what was asked for, depth and all."""
    server = Server()
    server.session.subscribe(BookSubscription(symbol=("BTC/USD",), depth=100), now=1.0)
    (request,) = server.session.take_outgoing(now=1.0)
    number = json.loads(request)["req_id"]
    server.session.receive(f'{{"method":"subscribe","success":true,"req_id":{number}}}', now=1.0)
    server.session.receive(server.markets["BTC/USD"].snapshot(), now=1.0)
    assert server.session.book("BTC/USD").depth == 100


@pytest.mark.fault("S6", "S8")
def test_rate_and_token_are_counted_apart() -> None:
    """A refusal for the rate does not use up the one attempt with a fresh token, nor the second one without an answer."""
    session = Session(now=0.0, authenticates=True)
    session.subscribe(ExecutionsSubscription(), now=0.0)
    verdicts = []
    for now, error in ((0.0, "Exceeded msg rate"), (2.0, "ESession:Invalid session")):
        session.supply_token(Secret("t"))
        verdicts += [
            e.retried for e in refused(session, error, now=now) if isinstance(e, SubscriptionRejected)
        ]
    session.supply_token(Secret("t"))
    assert len(session.take_outgoing(now=3.0)) == 1
    assert session.tick(now=9.0) == []
    assert len(session.take_outgoing(now=9.0)) == 1
    assert verdicts == [True, True]


def test_token_refused_for_an_order() -> None:
    """A token that Kraken refuses is forgotten, whatever the request was."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("t"))
    number = session.request(CancelAll(), now=1.0)
    session.take_outgoing(now=1.0)
    session.receive(
        f'{{"method":"cancel_all","req_id":{number},"success":false,"error":"ESession:Invalid session"}}',
        now=1.0,
    )
    session.request(CancelAll(), now=2.0)
    assert session.take_outgoing(now=2.0) == []
    assert session.wants_token(now=2.0)


def test_rate_wait_outlives_the_connection() -> None:
    """A subscription that has to wait for its rate when the connection goes is asked for after that wait, because `deadline` says so."""
    session = Session(now=0.0)
    session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=1.0)
    refused(session, "Exceeded msg rate", now=1.0)
    session.connection_lost(now=1.5)
    assert session.take_outgoing(now=1.5) == []
    assert session.deadline == 2.0
    session.tick(now=2.0)
    assert len(session.take_outgoing(now=2.0)) == 1


@pytest.mark.fault("S6", "S11")
@pytest.mark.parametrize(
    "error",
    ["EService:Unavailable", "EService:Busy", "EService:Deadline elapsed", "EGeneral:Internal error:7"],
)
@pytest.mark.parametrize("params", [BookSubscription(symbol=("BTC/USD",)), ExecutionsSubscription()])
def test_refusal_of_the_moment_is_no_last_word(error: str, params: Subscription) -> None:
    """What the engine does not take now is told as asked for again, and is, more and more patiently, however long the engine is down."""
    session = Session(now=0.0, authenticates=True)
    session.subscribe(params, now=0.0)
    now, waits = 0.0, []
    for _ in range(1100):
        session.supply_token(Secret("t"))
        events = refused(session, error, now=now)
        (told,) = [event for event in events if isinstance(event, SubscriptionRejected)]
        assert told.retried
        wish = session.desk.subscriptions.get(params.channel.value, told.symbol)
        assert wish is not None
        waits.append(wish.not_before - now)
        now = wish.not_before
        session.tick(now=now)
    assert waits[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert waits[-1] == 60


@pytest.mark.fault("S6", "S12")
def test_unsubscription_that_is_refused_for_the_moment_is_asked_again() -> None:
    """While the engine takes no unsubscription Kraken holds the subscription still, so it is neither forgotten nor asked for anew."""
    server = Server()
    server.session.subscribe(BookSubscription(symbol=("BTC/USD",)), now=1.0)
    server.converse()
    server.session.unsubscribe("book", now=1.0)
    refused(server.session, "EService:Unavailable", now=1.0)
    assert server.session.take_outgoing(now=1.5) == []
    (again,) = server.session.take_outgoing(now=2.0)
    assert json.loads(again)["method"] == "unsubscribe"


def test_requests_of_the_caller_count() -> None:
    """What the caller subscribes and ends with requests of his own is known as well: a wish ends with such an answer, too."""
    server = Server()
    book = BookSubscription(symbol=("BTC/USD",), depth=25)
    server.session.request(Subscribe(book), now=1.0)
    server.converse()
    server.session.subscribe(book, now=1.0)
    server.converse()
    assert is_live(server.session)
    server.session.request(Unsubscribe(ending(book)), now=1.0)
    server.converse()
    assert not is_live(server.session)
    assert [request["method"] for request in server.asked] == ["subscribe", "unsubscribe"]


def test_parameters_of_others_are_kept() -> None:
    """What somebody else subscribed for all users is taken anew for all users."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("t"))
    result = '{"channel":"executions","users":"all","ratecounter":true,"order_status":false}'
    session.receive(f'{{"method":"subscribe","success":true,"result":{result}}}', now=1.0)
    session.resync("executions", now=1.0)
    granted(session)
    (request,) = session.take_outgoing(now=1.0)
    params = json.loads(request)["params"]
    assert (params["users"], params["ratecounter"], params["order_status"]) == ("all", True, False)


@pytest.mark.parametrize("field", ["users", "execution_venue", "event_trigger"])
@pytest.mark.parametrize("channel", ["executions", "balances", "instrument", "ticker"])
def test_strange_acknowledgement(channel: str, field: str) -> None:
    """An acknowledgement with values that no request may have raises nothing."""
    result = f'{{"channel":"{channel}","symbol":"BTC/USD","{field}":"odd"}}'
    frame = f'{{"method":"subscribe","success":true,"result":{result}}}'
    assert kinds(Session(now=0.0).receive(frame, now=1.0)) == [SubscribeReply]


@pytest.mark.fault("S4")
def test_contradictory_answers() -> None:
    """Kraken that holds a subscription when asked for it and none when it is ended is not asked in a circle: there is a pause in it."""
    session = Session(now=0.0)
    session.subscribe(TickerSubscription(symbol=("BTC/USD",)), now=1.0)
    asked = 0
    events: list[Event] = []
    for step in range(200):
        now = 1.0 + step * 0.05
        events += session.tick(now=now)
        for frame in session.take_outgoing(now=now):
            asked += 1
            request = json.loads(frame)
            error = "Already subscribed" if request["method"] == "subscribe" else "Subscription Not Found"
            reply = {"method": request["method"], "req_id": request["req_id"], "success": False}
            events += session.receive(json.dumps(reply | {"error": error, "symbol": "BTC/USD"}), now=now)
    assert asked <= 12
    assert any(isinstance(event, ReconnectNeeded) for event in events)
