"""Snapshots that come and cannot be used: the connection is not to blame, and nothing is asked for ever."""

from __future__ import annotations

import pytest

from krakenwire.events import (
    BookDisputed,
    BookLive,
    Event,
    ExecutionUpdate,
    FrameRejected,
    Gap,
    ReconnectNeeded,
    ResyncNeeded,
)
from krakenwire.session import Session
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BookSubscription,
    ExecutionsSubscription,
    InstrumentSubscription,
    Subscription,
    TickerSubscription,
)
from tests.session.exchange import Exchange
from tests.session.say import granted, is_live, kinds
from tests.vectors import account
from tests.vectors.samples import FRAMES

BTC = ("BTC/USD",)


def answered(session: Session, snapshot: bytes, seconds: float = 120.0) -> tuple[list[Event], int]:
    """Grant whatever is asked and send this snapshot after every subscription. Returns what was said and how often it was sent."""
    events: list[Event] = []
    sent = 0
    now = 1.0
    while now < seconds:
        now += 0.5
        events += session.tick(now=now)
        session.receive(b'{"channel":"heartbeat"}', now=now)
        for request in granted(session, now=now):
            if request["method"] == "subscribe":
                sent += 1
                events += session.receive(snapshot, now=now)
    return events, sent


@pytest.mark.fault("J7", "J13", "S3")
@pytest.mark.parametrize(
    ("params", "snapshot"),
    [
        (
            TickerSubscription(symbol=BTC),
            FRAMES["ticker"].replace(b'"update"', b'"snapshot"').replace(b'"bid"', b'"b"'),
        ),
        (
            InstrumentSubscription(),
            b'{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[{}]}}',
        ),
        (ExecutionsSubscription(), account.EMPTY_SNAPSHOT.frame.replace(b"[]", b"[{}]")),
    ],
)
def test_useless_snapshot(params: Subscription, snapshot: bytes) -> None:
    """A snapshot of which nothing can be used is refused and is a gap; asking again would bring it again, so nobody does."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("t"))
    session.subscribe(params, now=1.0)
    events, sent = answered(session, snapshot)
    assert sent == 1
    assert FrameRejected in kinds(events)
    symbol = BTC[0] if isinstance(params, TickerSubscription) else None
    (gap,) = [event for event in events if isinstance(event, Gap)]
    assert (gap.channel, gap.symbol) == (params.channel.value, symbol)
    assert ReconnectNeeded not in kinds(events)


@pytest.mark.fault("J7", "B5")
def test_useless_book_snapshot() -> None:
    """A book whose snapshots cannot be used is disputed like one whose snapshots are wrong, and others are not disturbed for it."""
    session = Session(now=0.0)
    exchange = Exchange()
    session.subscribe(BookSubscription(symbol=BTC), now=1.0)
    events, sent = answered(session, exchange.snapshot().replace(b'"qty"', b'"q"'), 50.0)
    assert sent == 4
    assert BookDisputed in kinds(events)
    assert ReconnectNeeded not in kinds(events)
    events, _ = answered(session, exchange.snapshot())
    assert BookLive in kinds(events)
    assert is_live(session)


@pytest.mark.fault("J13", "B17")
def test_snapshot_with_one_useless_row() -> None:
    """A private snapshot with a bad row is delivered without it, and is not asked for again and again; the caller is told once."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("t"))
    session.subscribe(ExecutionsSubscription(), now=1.0)
    row = account.PENDING_NEW.frame.replace(b'"update"', b'"snapshot"').replace(b'"data":[', b'"data":[{},')
    events, sent = answered(session, row)
    assert sent == 1
    assert [kind for kind in kinds(events) if kind is not FrameRejected] == [
        ExecutionUpdate,
        Gap,
        ResyncNeeded,
    ]
    assert not session.account.orders.live
