"""The statistics: the described keys, right sums, and what the options switch off."""

from __future__ import annotations

import json
from collections import UserDict
from types import MappingProxyType
from typing import Any

import pytest

from krakenwire import FrameRejected, create_kraken_v2_handler
from tests.handler.frames import HEARTBEAT, Clock, balances, book, granted, status, ticker, trade, trades

DESCRIBED = (
    "total_messages",
    "messages_by_channel",
    "error_count",
    "duplicate_count",
    "sequence_gaps",
    "avg_processing_times",
)
UPDATE = (
    b'{"channel":"balances","type":"update","data":[{"ledger_id":"L1","ref_id":"T1","timestamp":"2026-11-22T08:01:04.000090Z",'
    b'"type":"trade","asset":"SOL","asset_class":"currency","category":"trade","wallet_type":"spot","wallet_id":"main",'
    b'"amount":-2.5,"fee":0.0,"balance":10.0}],"sequence":%d}'
)
BAD_ENTRY = b'{"channel":"ticker","type":"update","data":[{"symbol":"SOL/USD"}]}'


def test_described_keys_come_first() -> None:
    """The keys of the description are there, in its order, before anything else; a new handler has counted nothing."""
    statistics = create_kraken_v2_handler().get_statistics()
    assert tuple(statistics)[:6] == DESCRIBED
    assert [statistics[key] for key in DESCRIBED] == [0, {}, 0, 0, 0, {}]


def test_every_handled_frame_is_counted_once() -> None:
    """The total is the sum over the channels, whatever became of the frames."""
    handler = create_kraken_v2_handler()
    frames: list[Any] = [
        HEARTBEAT,
        ticker(1),
        book(),
        trades(1, 2),
        trade(2),
        balances(1),
        UPDATE % 2,
        UPDATE % 2,
        UPDATE % 7,
    ]
    frames += [
        status(1),
        granted("executions"),
        BAD_ENTRY,
        b'{"channel":"new"}',
        b'{"method":"new"}',
        b'{"error":"x"}',
    ]
    for frame in frames:
        assert handler.process(frame)
    for frame in (b"", "no json", None):
        assert not handler.process(frame)
    statistics = handler.get_statistics()
    assert statistics["messages_by_channel"] == {
        "heartbeat": 1,
        "ticker": 2,
        "book": 1,
        "trade": 2,
        "balances": 4,
        "status": 1,
        "reply": 1,
        "unknown": 3,
    }
    assert statistics["total_messages"] == len(frames) == sum(statistics["messages_by_channel"].values())
    assert statistics["error_count"] == 3
    assert statistics["rejected_entries"] == 1
    # A sequence number, a trade, and a ledger entry that came again under another number.
    assert statistics["duplicate_count"] == 3
    assert statistics["sequence_gaps"] == 1
    assert statistics["trade_gaps"] == 0
    assert set(statistics["avg_processing_times"]) == set(statistics["messages_by_channel"])


def test_ready_for_json() -> None:
    """The statistics can be written as JSON as they are, sequence and connection status included."""
    handler = create_kraken_v2_handler()
    handler.register_callback("heartbeat", lambda _: 1 / 0)
    for frame in (status(1), balances(1), UPDATE % 5, HEARTBEAT):
        handler.process(frame)
    read = json.loads(json.dumps(handler.get_statistics()))
    assert read["sequences"]["balances"] == {
        "expected": 6,
        "received": 2,
        "duplicates": 0,
        "gaps": 1,
        "buffered": 0,
    }
    assert read["connection"]["connection_id"] == 1
    assert list(read["callbacks"].values()) == [{"errors": 1}]


def test_times_are_seconds_per_frame() -> None:
    """Processing times measure the library alone, callback times the callbacks alone, both per timed frame of the channel."""
    clock = Clock()
    handler = create_kraken_v2_handler(clock=clock)

    def takes_two(_event: Any) -> None:
        clock.now += 2

    handler.register_callback("heartbeat", takes_two)
    handler.register_callback("heartbeat", lambda _: takes_two(None))
    for _ in range(3):
        handler.process(HEARTBEAT)
    handler.process(ticker(1))
    statistics = handler.get_statistics()
    assert statistics["avg_processing_times"] == {"heartbeat": 0, "ticker": 0}
    assert statistics["avg_callback_times"] == {"heartbeat": 4, "ticker": 0}


def test_statistics_off() -> None:
    """With `enable_statistics=False` frames are not counted by channel; errors, duplicates and gaps still are."""
    handler = create_kraken_v2_handler(enable_statistics=False)
    for frame in (HEARTBEAT, balances(1), UPDATE % 2, UPDATE % 2, UPDATE % 7, status(1), "no json"):
        handler.process(frame)
    statistics = handler.get_statistics()
    assert [statistics[key] for key in DESCRIBED] == [0, {}, 1, 2, 1, {}]
    assert handler.get_connection_status().last_message_age is not None


def test_sequence_tracking_off() -> None:
    """With `enable_sequence_tracking=False` repeated numbers are delivered and holes are no gaps."""
    handler = create_kraken_v2_handler(enable_sequence_tracking=False)
    got: list[Any] = []
    handler.register_callback("balance", got.append)
    for frame in (
        balances(1),
        UPDATE % 2,
        UPDATE.replace(b"L1", b"L2") % 2,
        UPDATE.replace(b"L1", b"L3") % 9,
    ):
        handler.process(frame)
    assert [type(event).__name__ for event in got] == ["BalanceUpdate"] * 4
    statistics = handler.get_statistics()
    assert (statistics["duplicate_count"], statistics["sequence_gaps"], statistics["sequences"]) == (0, 0, {})


def test_sequence_status() -> None:
    """Each numbered stream has its own entry: the next number, and how often it was repeated or broken."""
    handler = create_kraken_v2_handler()
    assert handler.get_sequence_status() == {}
    for frame in (
        balances(1),
        UPDATE % 2,
        UPDATE % 2,
        ticker(1).replace(b'"update"', b'"update","sequence":4'),
    ):
        assert handler.process(frame)
    told = handler.get_sequence_status()
    assert (told["balances"].expected, told["balances"].duplicates) == (3, 1)
    assert told["ticker SOL/USD"].expected == 5


# ---------------------------------------------------------------- frames of every type

PARSED = json.loads(ticker(1))
RECURSIVE: dict[str, Any] = {"channel": "ticker"}
RECURSIVE["data"] = RECURSIVE


@pytest.mark.parametrize(
    "frame",
    [
        ticker(1),
        ticker(1).decode(),
        bytearray(ticker(1)),
        memoryview(ticker(1)),
        memoryview(b"".join(bytes([byte, 0]) for byte in ticker(1)))[::2],
        PARSED,
        MappingProxyType(PARSED),
        UserDict(PARSED),
        type("Text", (str,), {})(ticker(1).decode()),
    ],
    ids=["bytes", "str", "bytearray", "memoryview", "slice", "dict", "proxy", "mapping", "subclass"],
)
async def test_frames_of_every_type(frame: Any) -> None:
    """A frame is the same however it is held: bytes, text, a buffer, or parsed already."""
    handler = create_kraken_v2_handler()
    got: list[Any] = []
    handler.register_callback("ticker", got.append)
    assert handler.process(frame)
    assert await handler.process_message(frame)
    assert [event.symbol for event in got] == ["SOL/USD"] * 2
    assert handler.get_statistics()["messages_by_channel"] == {"ticker": 2}


def released() -> memoryview:
    """A buffer that cannot be read any more."""
    view = memoryview(b"x")
    view.release()
    return view


@pytest.mark.fault("J1", "J8")
@pytest.mark.parametrize(
    "frame",
    [
        None,
        7,
        1.5,
        True,
        [1],
        (1,),
        {1, 2},
        object(),
        {},
        {1: 2},
        {"channel": ["ticker"]},
        RECURSIVE,
        released(),
        b"\xff",
        "\ud800",
    ],
    ids=lambda value: repr(value).partition(" at 0x")[0],
)
async def test_no_frame_at_all(frame: Any) -> None:
    """What is no frame gives False, changes the error count and nothing else, and is told as `FrameRejected`."""
    handler = create_kraken_v2_handler()
    told: list[Any] = []
    handler.register_callback("*", told.append)
    before = handler.get_statistics()
    assert not handler.process(frame)
    assert not await handler.process_message(frame)
    after = handler.get_statistics()
    assert [type(event) for event in told] == [FrameRejected] * 2
    assert {key for key in before if before[key] != after[key]} <= {"error_count", "connection"}
    assert after["error_count"] == 2


def test_one_frame_of_eight_is_timed() -> None:
    """The first frame of a channel and every eighth after it have their time taken; averages are over these."""
    clock = Clock()
    handler = create_kraken_v2_handler(clock=clock, slow_callback=None)
    seconds = iter([3.0, *[100.0] * 7, 5.0, 100.0])

    def takes_its_time(_event: Any) -> None:
        clock.now += next(seconds)

    handler.register_callback("heartbeat", takes_its_time)
    for _ in range(10):
        handler.process(HEARTBEAT)
    assert handler.get_statistics()["avg_callback_times"] == {"heartbeat": 4}


@pytest.mark.fault("C2")
def test_reading_a_long_frame_is_no_slow_callback(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time that a long frame takes to read is not taken for its callback's, whether the frame is timed or not."""
    clock = Clock()
    handler = create_kraken_v2_handler(clock=clock, slow_callback=0.5)
    reports: list[Any] = []
    handler.register_error_callback(reports.append)
    handler.register_callback("unknown", lambda _event: None)
    read = handler._session.receive

    def read_slowly(*arguments: Any, **named: Any) -> Any:
        clock.now += 1
        return read(*arguments, **named)

    monkeypatch.setattr(handler._session, "receive", read_slowly)
    for _ in range(3):
        handler.process(b'{"channel":"news","data":["' + b"x" * 10_000 + b'"]}')
    assert reports == []
