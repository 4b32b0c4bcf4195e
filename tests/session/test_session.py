"""What a session says about each frame: one event for each entry, and every break as an event in its stream."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from krakenwire.events import (
    BalanceUpdate,
    BookLive,
    CandleRevised,
    Discarded,
    ExecutionUpdate,
    FrameRejected,
    Gap,
    GapReason,
    OHLCUpdate,
    OrderBookUpdate,
    ReconnectNeeded,
    ResyncNeeded,
    SchemaDrift,
    TradeUpdate,
    Unknown,
)
from krakenwire.session import Session
from krakenwire.wire.control import (
    ErrorNotice,
    Heartbeat,
    StatusUpdate,
)
from krakenwire.wire.market import InstrumentUpdate, TickerUpdate
from tests.session.exchange import Exchange
from tests.session.say import is_live, kinds, session_with, status
from tests.vectors import account
from tests.vectors.samples import FRAMES, altered

DATA = ("data", 0)


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("ticker", [TickerUpdate]),
        ("trade", [TradeUpdate, TradeUpdate]),
        ("ohlc", [OHLCUpdate]),
        ("instrument", [InstrumentUpdate]),
        ("status", [StatusUpdate]),
        ("heartbeat", [Heartbeat]),
        ("book", [Discarded, ResyncNeeded]),
        ("level3", [Discarded, ResyncNeeded]),
    ],
)
def test_one_event_an_entry(channel: str, expected: list[type]) -> None:
    """Every entry of a frame becomes one event of its channel; a book without snapshot becomes none."""
    assert kinds(Session(now=0.0).receive(FRAMES[channel], now=1.0)) == expected


@pytest.mark.parametrize(("channel", "kind"), [("executions", ExecutionUpdate), ("balances", BalanceUpdate)])
def test_private_entries(channel: str, kind: type[ExecutionUpdate | BalanceUpdate]) -> None:
    """Rows of private channels say whether they came in sequence."""
    events = Session(now=0.0).receive(FRAMES[channel], now=1.0)
    rows = [event for event in events if isinstance(event, kind)]
    assert rows
    assert all(row.in_sequence is not None for row in rows)


@pytest.mark.fault("J1")
@pytest.mark.parametrize(
    "bad", [b"", b" ", b"{", b"{}{}", b'{"a":1,}', b"\xff", b"\xef\xbb\xbf{}", b"[" * 100_000]
)
def test_unreadable_frame(bad: bytes) -> None:
    """A frame that is no JSON is a gap in every stream that proves nothing; books stay readable."""
    exchange = Exchange()
    session = session_with(exchange.snapshot(), FRAMES["ticker"], FRAMES["ohlc"], FRAMES["trade"])
    rejected, *gaps = session.receive(bad, now=2.0)
    assert isinstance(rejected, FrameRejected)
    assert not rejected.json
    assert {gap.channel for gap in gaps if isinstance(gap, Gap)} == {"ticker", "ohlc"}
    assert len(gaps) == 2
    assert is_live(session)


@pytest.mark.fault("J1")
def test_unreadable_frames_in_a_row() -> None:
    """A stream is cut once: the next unreadable frame tells it again only if the stream was heard since, or granted anew."""
    granted = b'{"method":"subscribe","success":true,"result":{"channel":"instrument"}}'
    session = session_with(FRAMES["ticker"], FRAMES["ohlc"], granted)

    def cut(now: float) -> dict[str, float | None]:
        return {gap.channel: gap.since for gap in session.receive(b"{", now=now) if isinstance(gap, Gap)}

    assert cut(2.0) == {"instrument": 1.0, "ohlc": 1.0, "ticker": 1.0}
    assert cut(3.0) == {}
    session.receive(FRAMES["ticker"], now=3.0)
    assert cut(3.0) == {"ticker": 3.0}
    session.receive(granted, now=4.0)
    assert cut(4.0) == {"instrument": 1.0}
    assert cut(5.0) == {}
    lost = {gap.channel: gap.since for gap in session.connection_lost(now=5.0) if isinstance(gap, Gap)}
    assert lost == {"instrument": 1.0, "ohlc": 1.0, "ticker": 3.0}
    session.receive(granted, now=6.0)
    assert cut(6.0) == {"instrument": 6.0}


@pytest.mark.fault("J1")
def test_ten_unreadable_frames() -> None:
    """Ten unreadable frames within ten seconds ask for a new connection; ten in a longer time do not."""
    slow, quick = Session(now=0.0), Session(now=0.0)
    assert not any(ReconnectNeeded in kinds(slow.receive(b"{", now=2.0 * n)) for n in range(30))
    asked = [ReconnectNeeded in kinds(quick.receive(b"{", now=0.5 * n)) for n in range(10)]
    assert asked == [False] * 9 + [True]


def test_json_but_not_v2() -> None:
    """A frame that is JSON but not v2 is refused alone: no v2 frame was lost with it."""
    session = session_with(FRAMES["ticker"])
    (event,) = session.receive(b"[1,2]", now=2.0)
    assert isinstance(event, FrameRejected)
    assert event.json


@pytest.mark.fault("J4", "J5", "J17")
def test_strangers() -> None:
    """Unknown channels, fields and errors are events; an unknown field is told once and the entry is used."""
    session = Session(now=0.0)
    assert kinds(session.receive(b'{"channel":"new","data":[]}', now=1.0)) == [Unknown]
    assert kinds(session.receive(b'{"error":"Exceeded msg rate"}', now=1.0)) == [ErrorNotice]
    drifted = altered("ticker", (*DATA, "mood"), 1)
    drift, ticker = session.receive(drifted, now=1.0)
    assert isinstance(drift, SchemaDrift)
    assert isinstance(ticker, TickerUpdate)
    (again,) = session.receive(drifted, now=1.0)
    assert isinstance(again, TickerUpdate)


@pytest.mark.fault("J13")
def test_good_beside_bad() -> None:
    """A bad entry is a gap of its stream; the good entry beside it is delivered."""
    events = Session(now=0.0).receive(altered("trade", (*DATA, "price"), ...), now=1.0)
    assert {FrameRejected, Gap, TradeUpdate} == set(kinds(events))


@pytest.mark.fault("B15")
def test_trade_ids() -> None:
    """A hole in trade ids is a gap that names them; a repeated trade is not told again."""
    session = session_with(FRAMES["trade"])
    assert session.receive(FRAMES["trade"], now=2.0) == []
    later = (
        FRAMES["trade"].replace(b'"trade_id":1', b'"trade_id":5').replace(b'"trade_id":2', b'"trade_id":6')
    )
    gap, first, second = session.receive(later, now=3.0)
    assert isinstance(gap, Gap)
    assert (gap.reason, gap.first, gap.last) == (GapReason.TRADE_ID, 3, 4)
    assert isinstance(first, TradeUpdate)
    assert isinstance(second, TradeUpdate)
    assert second.complete


@pytest.mark.fault("B16")
def test_candle_revised() -> None:
    """A candle changed after a later one had begun is named before it is delivered."""
    later = FRAMES["ohlc"].replace(b"07:49:00", b"07:50:00")
    session = session_with(FRAMES["ohlc"], later)
    revision, candle = session.receive(altered("ohlc", (*DATA, "trades"), 4), now=2.0)
    assert isinstance(revision, CandleRevised)
    assert isinstance(candle, OHLCUpdate)
    assert candle.revised


@pytest.mark.fault("B17")
def test_private_sequence() -> None:
    """A jump of a private sequence is a gap; rows are not in sequence until the next snapshot."""
    session = session_with(account.EMPTY_SNAPSHOT.frame)
    (row,) = session.receive(account.PENDING_NEW.frame, now=2.0)
    assert isinstance(row, ExecutionUpdate)
    assert row.in_sequence
    assert session.receive(account.PENDING_NEW.frame, now=3.0) == []
    gap, resync, row = session.receive(account.FILL.frame, now=4.0)
    assert gap == Gap("executions", None, GapReason.SEQUENCE, 3, 3, since=2.0)
    assert isinstance(resync, ResyncNeeded)
    assert isinstance(row, ExecutionUpdate)
    assert not row.in_sequence
    (row,) = session.receive(account.CANCELED.frame, now=5.0)
    assert isinstance(row, ExecutionUpdate)
    assert not row.in_sequence
    session.receive(account.EMPTY_SNAPSHOT.frame.replace(b":1}", b":6}"), now=6.0)
    (row,) = session.receive(account.NEW.frame.replace(b":3}", b":7}"), now=7.0)
    assert isinstance(row, ExecutionUpdate)
    assert row.in_sequence


def test_new_connection() -> None:
    """Another connection id breaks every stream and makes books stale until a snapshot."""
    exchange = Exchange()
    session = session_with(status(1), exchange.snapshot(), FRAMES["ticker"], FRAMES["trade"])
    assert kinds(session.receive(status(1), now=2.0)) == [StatusUpdate]
    session.receive(exchange.update(bids={"1000": "4"}), now=2.5)
    events = session.receive(status(2), now=3.0)
    gaps = [event for event in events if isinstance(event, Gap)]
    assert {gap.channel for gap in gaps} == {"book", "ticker", "trade"}
    assert {gap.reason for gap in gaps} == {GapReason.NEW_CONNECTION}
    assert {gap.channel: gap.since for gap in gaps} == {"book": 2.5, "ticker": 1.0, "trade": 1.0}
    assert not is_live(session)
    update = exchange.update(bids={"1000.5": "1"})
    assert kinds(session.receive(update, now=4.0)) == [Discarded, ResyncNeeded]
    assert kinds(session.receive(update, now=4.0)) == [Discarded]
    session.receive(exchange.snapshot(), now=5.0)
    assert is_live(session)


def test_parsed_frame() -> None:
    """A frame that the caller has parsed is taken as well; what is no frame is refused."""
    session = Session(now=0.0)
    assert kinds(session.receive_parsed({"channel": "heartbeat"}, now=1.0)) == [Heartbeat]
    assert kinds(session.receive_parsed(object(), now=1.0)) == [FrameRejected]
    assert kinds(session.receive_parsed(json.loads(Exchange().snapshot(), parse_float=Decimal), now=1.0)) == [
        BookLive,
        OrderBookUpdate,
    ]


def test_huge_trade_id() -> None:
    """A hole of any size in trade ids is told without counting through it."""
    session = session_with(FRAMES["trade"])
    far = FRAMES["trade"].replace(b'"trade_id":1', b'"trade_id":9223372036854775806')
    events = session.receive(far.replace(b'"trade_id":2', b'"trade_id":9223372036854775807'), now=2.0)
    assert TradeUpdate in kinds(events)
    assert Gap in kinds(events)


@pytest.mark.fault("J2")
def test_parsed_frame_that_python_cannot_write() -> None:
    """A parsed frame that is too deep, or has a number too long to write out, is refused and raises nothing."""
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(100_000):
        inner["a"] = inner = {}
    for value in (deep, {"channel": "ticker", "type": "update", "data": [deep]}, {"q": 10**6000}):
        (event, *_) = Session(now=0.0).receive_parsed(value, now=1.0)
        assert isinstance(event, FrameRejected)
