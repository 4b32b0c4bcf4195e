"""What a session asks: everything once, nothing in vain, and the caller's own requests unharmed."""

from __future__ import annotations

import json

import pytest

from krakenwire.errors import UsageError
from krakenwire.session import Session
from krakenwire.state.requests import FIRST_REQ_ID, MAX_PENDING
from krakenwire.wire.orders import CancelAll
from krakenwire.wire.subscriptions import Ping, TickerSubscription
from tests.session.say import ack, granted
from tests.vectors.samples import FRAMES


def ids(frames: list[bytes]) -> list[int]:
    """The numbers of these requests."""
    return [json.loads(frame)["req_id"] for frame in frames]


def test_ticker_snapshot_is_seen() -> None:
    """A ticker whose snapshot came is waited for no more: it is not taken anew, and the connection is not blamed."""
    session = Session(now=0.0)
    session.subscribe(TickerSubscription(symbol=("BTC/USD",)), now=1.0)
    granted(session)
    session.receive(FRAMES["ticker"].replace(b'"update"', b'"snapshot"'), now=1.0)
    session.receive(b'{"channel":"heartbeat"}', now=12.0)
    assert session.tick(now=12.0) == []
    assert session.take_outgoing(now=12.0) == []


@pytest.mark.parametrize("sent", [True, False])
def test_number_in_use(*, sent: bool) -> None:
    """A number that a request without an answer has is refused at once; nothing that waits is lost by it."""
    session = Session(now=0.0)
    session.request(Ping(req_id=5), now=1.0)
    taken = session.take_outgoing(now=1.0) if sent else []
    with pytest.raises(UsageError, match="not answered yet"):
        session.request(Ping(req_id=5), now=1.0)
    ours = session.request(Ping(), now=1.0)
    assert ids(taken + session.take_outgoing(now=1.0)) == [5, ours]


def test_number_of_ours() -> None:
    """A caller cannot take a number that the session may give to a request of its own."""
    with pytest.raises(UsageError, match="less than"):
        Session(now=0.0).request(Ping(req_id=FIRST_REQ_ID), now=1.0)


def test_more_than_can_be_pending() -> None:
    """When too many requests are unanswered the rest waits; taking never fails, and nothing is lost."""
    session = Session(now=0.0)
    sent = 0
    while sent < MAX_PENDING:
        for _ in range(1000):
            session.request(Ping(), now=1.0)
        sent += len(session.take_outgoing(now=1.0))
    late = session.request(Ping(), now=2.0)
    session.subscribe(TickerSubscription(symbol=("BTC/USD",)), now=2.0)
    assert session.take_outgoing(now=2.0) == []
    session.tick(now=6.0)
    assert ids(session.take_outgoing(now=6.0)) == [late, late + 1]


def test_ping_beside_a_full_queue() -> None:
    """A queue full of requests that wait for a token does not keep the session from asking whether Kraken is there."""
    session = Session(now=0.0, authenticates=True)
    session.take_outgoing(now=0.0)
    session.receive(ack("subscribe"), now=0.0)
    for _ in range(1000):
        session.request(CancelAll(), now=0.0)
    assert session.tick(now=3.0) == []
    assert [json.loads(frame)["method"] for frame in session.take_outgoing(now=3.0)] == ["ping"]


def test_session_that_asks_nothing() -> None:
    """With `asks=False` no ping is added to what the caller sends."""
    session = Session(now=0.0, asks=False)
    session.take_outgoing(now=0.0)
    session.receive(ack("subscribe"), now=0.0)
    session.tick(now=3.0)
    assert session.take_outgoing(now=3.0) == []
