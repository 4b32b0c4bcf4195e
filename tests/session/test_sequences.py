"""Numbers of private frames in a session: what begins them anew, and what a jump, a repetition or a missing number means."""

from __future__ import annotations

import json

import pytest

from krakenwire.events import Event, ExecutionUpdate, Gap, InstrumentUpdate, OrderBookUpdate, ResyncNeeded
from krakenwire.session import Session
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import ExecutionsSubscription
from tests.session.exchange import Exchange
from tests.session.say import granted, kinds
from tests.vectors.samples import FRAMES

ROW = (
    b'{"channel":"executions","type":"%s","data":[{"order_id":"O%d","exec_type":"new","order_status":"new",'
    b'"timestamp":"2026-11-22T08:01:00.100200Z"}]%s}'
)
ACK = b'{"method":"subscribe","result":{"channel":"executions","snapshot":true},"success":true}'


def frame(kind: str, number: int | None) -> bytes:
    """A frame with one report and this number, or none."""
    tail = b"" if number is None else b',"sequence":%d' % number
    return ROW % (kind.encode(), number or 0, tail)


def hear(session: Session, *frames: bytes) -> list[Event]:
    """Everything that these frames bring."""
    return [event for each in frames for event in session.receive(each, now=1.0)]


def in_sequence(events: list[Event]) -> list[bool]:
    """What the reports among the events say about their proof."""
    return [event.in_sequence for event in events if isinstance(event, ExecutionUpdate)]


@pytest.mark.fault("B17")
@pytest.mark.parametrize("number", [1, 2, 3, 50])
def test_answer_begins_anew(number: int) -> None:
    """After an answer to `subscribe` any number is the first one, neither a repetition nor a hole."""
    session = Session(now=0.0)
    hear(session, ACK, frame("snapshot", 1), frame("update", 2), frame("update", 3))
    events = hear(session, ACK, frame("update", number), frame("update", number + 1))
    assert in_sequence(events) == [True, True]
    assert not [event for event in events if isinstance(event, Gap)]


@pytest.mark.fault("B17")
def test_late_answer_begins_nothing() -> None:
    """An answer that comes after its snapshot does not begin the count anew: a hole behind it is a hole."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("token"))
    session.subscribe(ExecutionsSubscription(), now=0.0)
    (request,) = session.take_outgoing(now=0.0)
    late = ACK[:-1] + b',"req_id":%d}' % json.loads(request)["req_id"]
    assert in_sequence(hear(session, frame("snapshot", 1), frame("update", 2))) == [True, True]
    events = hear(session, late, frame("update", 4))
    assert in_sequence(events) == [False]
    assert [event.first for event in events if isinstance(event, Gap)] == [3]


@pytest.mark.fault("B17")
@pytest.mark.parametrize("number", [1, 3, 9])
def test_snapshot_begins_anew(number: int) -> None:
    """A snapshot of any number is delivered, heals a hole, and is what the next number has to follow."""
    session = Session(now=0.0)
    hear(session, frame("snapshot", 1), frame("update", 2))
    assert kinds(hear(session, frame("update", 5))) == [Gap, ResyncNeeded, ExecutionUpdate]
    events = hear(session, frame("snapshot", number), frame("update", number + 1))
    assert in_sequence(events) == [True, True]


@pytest.mark.fault("B17")
def test_hole_in_a_public_channel() -> None:
    """A hole in the numbers of a public channel is a gap there, and says nothing about the orders."""
    session = Session(now=0.0)
    hear(session, frame("snapshot", 1))
    numbered = [FRAMES["ohlc"][:-1] + b',"sequence":%d}' % number for number in (7, 9)]
    gaps = [event for event in hear(session, *numbered) if isinstance(event, Gap)]
    assert [(gap.channel, gap.first, gap.last) for gap in gaps] == [("ohlc", 8, 8)]
    assert session.account.orders.live


@pytest.mark.fault("B17", "B2")
def test_repeated_number() -> None:
    """A number that came before is dropped and counted, whatever the frame holds."""
    session = Session(now=0.0)
    hear(session, frame("snapshot", 4), frame("update", 5))
    assert hear(session, frame("update", 5), frame("update", 4), frame("update", 1)) == []
    assert session.sequences.tracker.duplicates == 3


@pytest.mark.fault("B17")
def test_no_number() -> None:
    """A report without a number is delivered and not called in sequence: nothing proves that none is missing."""
    session = Session(now=0.0)
    assert in_sequence(hear(session, frame("snapshot", 1), frame("update", None))) == [True, False]


@pytest.mark.fault("B17")
def test_new_connection_begins_anew() -> None:
    """After a lost connection the first number is a base again."""
    session = Session(now=0.0)
    hear(session, frame("snapshot", 1), frame("update", 2))
    session.connection_lost(now=2.0)
    assert in_sequence(hear(session, frame("update", 1), frame("update", 2))) == [True, True]


@pytest.mark.fault("B17")
def test_tracking_switched_off() -> None:
    """Without tracking nothing is dropped and nothing is called missing."""
    session = Session(now=0.0, track_sequences=False)
    events = hear(session, frame("snapshot", 1), frame("update", 7), frame("update", 7))
    assert kinds(events) == [ExecutionUpdate] * 3


TWICE: dict[str, tuple[bytes, int]] = {
    "ticker": (
        FRAMES["ticker"].replace(
            b'"data":[', b'"data":[' + FRAMES["ticker"].partition(b'"data":[')[2][:-2] + b","
        ),
        2,
    ),
    "trade": (FRAMES["trade"], 2),
    "ohlc": (
        FRAMES["ohlc"].replace(
            b'"data":[', b'"data":[' + FRAMES["ohlc"].partition(b'"data":[')[2][:-2] + b","
        ),
        2,
    ),
}


@pytest.mark.fault("B17", "B2")
@pytest.mark.parametrize("channel", TWICE)
def test_two_entries_of_one_symbol(channel: str) -> None:
    """A number is judged once a frame: its second entry of a symbol is no repetition, and a repeated frame is dropped whole."""
    frame, entries = TWICE[channel]
    session = Session(now=0.0)
    numbered = frame[:-1] + b',"sequence":7}'
    assert len(session.receive(numbered, now=1.0)) == entries
    assert session.receive(numbered, now=1.0) == []
    assert session.sequences.tracker.duplicates == 1
    later = (
        (frame[:-1] + b',"sequence":9}')
        .replace(b'"trade_id":2', b'"trade_id":4')
        .replace(b'"trade_id":1', b'"trade_id":3')
    )
    gap, resync, *rows = session.receive(later, now=2.0)
    assert isinstance(gap, Gap)
    assert (gap.channel, gap.first, gap.last, gap.since) == (channel, 8, 8, 1.0)
    assert isinstance(resync, ResyncNeeded)
    assert len(rows) == entries


@pytest.mark.fault("B17", "B2")
def test_two_updates_of_one_book() -> None:
    """Two updates of one book in a numbered frame are both applied; the frame sent again changes nothing."""
    exchange = Exchange()
    session = Session(now=0.0)
    session.receive(exchange.snapshot(), now=1.0)
    first, second = exchange.update(bids={"1000": "7"}), exchange.update(bids={"1000": "8"})
    entries = [each.partition(b'"data":[')[2][:-2] for each in (first, second)]
    head = first.partition(b'"data":[')[0] + b'"data":['
    both = head + b",".join(entries) + b'],"sequence":3}'
    updates = session.receive(both, now=2.0)
    assert [event.verified for event in updates if isinstance(event, OrderBookUpdate)] == [True, True]
    assert session.receive(both, now=3.0) == []
    assert session.book("BTC/USD").bids[0].qty == 8


@pytest.mark.fault("B17", "B2")
def test_numbered_instrument_frames() -> None:
    """A numbered frame of a channel without symbols is judged by its channel alone."""
    session = Session(now=0.0)
    numbered = FRAMES["instrument"][:-1] + b',"sequence":%d}'
    assert kinds(session.receive(numbered % 4, now=1.0)) == [InstrumentUpdate]
    assert session.receive(numbered % 4, now=1.0) == []
    assert kinds(session.receive(numbered % 6, now=1.0))[:2] == [Gap, ResyncNeeded]


@pytest.mark.fault("B17", "S3")
def test_nothing_is_in_sequence_before_its_snapshot() -> None:
    """Where a snapshot was asked for and did not come, what follows the answer is not called in sequence until one comes."""
    session = Session(now=0.0, authenticates=True)
    session.supply_token(Secret("token"))
    session.subscribe(ExecutionsSubscription(snap_orders=True, snap_trades=True), now=1.0)
    granted(session, snapshot=True)
    assert in_sequence(hear(session, frame("update", 2), frame("update", 3))) == [False, False]
    assert in_sequence(hear(session, frame("snapshot", 4), frame("update", 5))) == [True, True]
