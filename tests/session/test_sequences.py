"""Numbers of private frames in a session: what begins them anew, and what a jump, a repetition or a missing number means."""

from __future__ import annotations

import pytest

from krakenwire.events import Event, ExecutionUpdate, Gap, ResyncNeeded
from krakenwire.session import Session
from tests.session.say import kinds

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
@pytest.mark.parametrize("number", [1, 3, 9])
def test_snapshot_begins_anew(number: int) -> None:
    """A snapshot of any number is delivered, heals a hole, and is what the next number has to follow."""
    session = Session(now=0.0)
    hear(session, frame("snapshot", 1), frame("update", 2))
    assert kinds(hear(session, frame("update", 5))) == [Gap, ResyncNeeded, ExecutionUpdate]
    events = hear(session, frame("snapshot", number), frame("update", number + 1))
    assert in_sequence(events) == [True, True]


@pytest.mark.fault("B17", "B2")
def test_repeated_number() -> None:
    """A number that came before is dropped and counted, whatever the frame holds."""
    session = Session(now=0.0)
    hear(session, frame("snapshot", 4), frame("update", 5))
    assert hear(session, frame("update", 5), frame("update", 4), frame("update", 1)) == []
    assert session.sequences.duplicates == 3


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
