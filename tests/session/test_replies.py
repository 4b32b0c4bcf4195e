"""What answers come to, however much or little they say."""

from __future__ import annotations

import json

import pytest

from krakenwire.events import BookLive
from krakenwire.session import Session
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import BookSubscription, Level3Subscription
from tests.session.exchange import Exchange
from tests.session.say import ack, granted, is_live
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
