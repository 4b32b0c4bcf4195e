"""Whatever Kraken sends, and whatever a program hands in as a frame, nothing is raised and the next frame is handled."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from krakenwire import KrakenV2MessageHandler, OrderBookUpdate
from krakenwire.session import Session
from tests.session.exchange import Exchange
from tests.session.order_exchange import OrderExchange
from tests.vectors import control
from tests.vectors.samples import FRAMES

SAMPLES = [*FRAMES.values(), Exchange(levels=3).snapshot(), OrderExchange(levels=2).snapshot()]
REPLIES = [vector.frame for vector in control.REPLY_VECTORS]
EVERY_FRAME = [*SAMPLES, *REPLIES]
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 1e300, 2**64, 10**4000, "", "NaN", "\ud800", "x" * 5000, "1e-9"),
    *([], {}, [[]], [{}], [None], {"a": 1}, float("nan")),
)

# ---------------------------------------------------------------- strategies


def as_view(frame: bytes) -> memoryview:
    """A frame as some sockets give it."""
    return memoryview(frame)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        ["book", "level3", "ticker", "trade", "snapshot", "update", "BTC/USD", "subscribe", "1.0"]
    )
)
KEYS = st.sampled_from(
    [
        "channel",
        "type",
        "data",
        "symbol",
        "bids",
        "asks",
        "price",
        "qty",
        "checksum",
        "method",
        "result",
        "error",
    ]
) | st.text(max_size=8)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)
ENVELOPES = st.fixed_dictionaries(
    {
        "channel": st.sampled_from(sorted(FRAMES)),
        "type": st.sampled_from(["snapshot", "update"]) | JSON,
        "data": JSON,
    }
)
OBJECTS = st.one_of(
    JSON,
    ENVELOPES,
    st.decimals(),
    st.dictionaries(st.integers() | st.tuples(st.integers()), JSON, max_size=2),
    st.dictionaries(KEYS, st.decimals() | st.binary(max_size=3) | st.sets(st.integers(), max_size=2)),
    st.binary(max_size=60).map(bytearray),
    st.binary(max_size=60).map(as_view),
    st.sampled_from([object(), int, ..., json, (), frozenset[int](), 1j]),
)


def paths(tree: object, at: tuple[str | int, ...] = ()) -> Iterable[tuple[str | int, ...]]:
    """Every place of a parsed frame."""
    yield at
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from paths(value, (*at, key))


def replaced(tree: Any, path: tuple[str | int, ...], value: object) -> Any:
    """The same tree with another value in one place."""
    if not path:
        return value
    copied = tree.copy()
    copied[path[0]] = replaced(tree[path[0]], path[1:], value)
    return copied


def still_works(session: Session) -> bool:
    """Whether a book of another market goes live and is verified."""
    *_, update = session.receive(Exchange("NEVER/SEEN").snapshot(), now=2.0)
    return isinstance(update, OrderBookUpdate) and update.verified


# ---------------------------------------------------------------- frames


@pytest.mark.fault("J1", "J7", "J8")
@given(st.lists(st.binary(max_size=200) | st.text(max_size=200), max_size=20))
def test_any_input(frames: list[bytes | str]) -> None:
    """No bytes and no text make `receive` raise, and each is answered by an event."""
    session = Session(now=0.0)
    for frame in frames:
        assert session.receive(frame, now=1.0)
    assert still_works(session)


@pytest.mark.fault("J1", "J4", "J7", "J8")
@given(st.lists(JSON | ENVELOPES, max_size=5))
def test_any_json(values: list[Any]) -> None:
    """No JSON value, as text or parsed, makes `receive` raise; what is no frame is answered by an event."""
    session = Session(now=0.0)
    for value in values:
        for events in (session.receive(json.dumps(value), now=1.0), session.receive_parsed(value, now=1.0)):
            assert events or (isinstance(value, dict) and "data" in value)
    assert still_works(session)


@pytest.mark.fault("J1", "J7", "J8", "J9")
@given(st.data())
def test_mutated_frames(data: st.DataObject) -> None:
    """No frame of any channel with bytes replaced, removed or inserted makes `receive` raise."""
    session = Session(now=0.0)
    for _ in range(10):
        frame = data.draw(st.sampled_from(EVERY_FRAME))
        start = data.draw(st.integers(0, len(frame)))
        end = data.draw(st.integers(start, min(len(frame), start + 8)))
        put = data.draw(st.binary(max_size=4) | st.sampled_from([b"null", b"1e999", b'"NaN"', b"[]", b"-1"]))
        session.receive(frame, now=1.0)
        session.receive(frame[:start] + put + frame[end:], now=1.0)
    assert still_works(session)


@pytest.mark.fault("J7", "J8", "J9", "J11", "J12")
@pytest.mark.parametrize("frame", EVERY_FRAME)
def test_odd_values(frame: bytes) -> None:
    """Whatever value stands in whatever place of a frame, `receive` does not raise and goes on working."""
    tree = json.loads(frame)
    session = Session(now=0.0)
    for path in paths(tree):
        for value in ODD_VALUES:
            session.receive(json.dumps(replaced(tree, path, value)), now=1.0)
    assert still_works(session)


@pytest.mark.fault("J7", "J8", "J9")
@given(st.data())
def test_any_value_anywhere(data: st.DataObject) -> None:
    """Any JSON value in any place of any frame, parsed or not, is taken without raising."""
    session = Session(now=0.0)
    tree = json.loads(data.draw(st.sampled_from(EVERY_FRAME)))
    for _ in range(3):
        path = data.draw(st.sampled_from(list(paths(tree))))
        tree = replaced(tree, path, data.draw(JSON))
        session.receive(json.dumps(tree), now=1.0)
        session.receive_parsed(tree, now=1.0)
    assert still_works(session)


# ---------------------------------------------------------------- the handler


class OwnText(str):
    """A text of a type of the caller's own, as some libraries hand out."""

    __slots__ = ()


def test_text_of_another_type() -> None:
    """A frame in a subclass of `str`, or in a view with holes, is read like any other."""
    handler = KrakenV2MessageHandler(clock=lambda: 0.0)
    holes = bytes(byte for pair in zip(b'{"channel":"heartbeat"}', b" " * 23, strict=True) for byte in pair)
    assert handler.process(OwnText('{"channel":"heartbeat"}'))
    assert handler.process(memoryview(holes)[::2])


def cyclic() -> dict[str, Any]:
    """A dict that holds itself."""
    value: dict[str, Any] = {"channel": "book", "type": "update"}
    value["data"] = [value]
    return value


@pytest.mark.fault("J1", "J2", "J8")
@given(st.lists(OBJECTS, max_size=5))
@example([cyclic()])
@example([{"channel": "ticker", "type": "update", "data": [{"bid": Decimal("sNaN")}]}])
@example(["\ud800", b"\xed\xa0\x80", {"channel": "\ud800"}, {"\ud800": 1}])
@example([{"q": 10**6000}, {"channel": "trade", "data": 10**6000}])
@example([OwnText('{"channel":"heartbeat"}'), OwnText("{"), memoryview(b'{"channel":"heartbeat"}')[::2]])
def test_handler_takes_any_object(frames: list[Any]) -> None:
    """Whatever object is handed in, `process` and `process_message` answer with a bool."""
    handler = KrakenV2MessageHandler(clock=lambda: 0.0)
    got: list[Any] = []
    handler.register_callback("*", got.append)

    async def run() -> None:
        for frame in frames:
            assert type(await handler.process_message(frame)) is bool

    for frame in frames:
        before = len(got)
        handled = handler.process(frame)
        assert type(handled) is bool
        if not handled:
            # What is refused is never passed over in silence.
            assert len(got) > before
    asyncio.run(run())
    assert handler.process(Exchange("NEVER/SEEN").snapshot())
    assert handler.book("NEVER/SEEN").verified


@pytest.mark.fault("J1")
@pytest.mark.parametrize("frame", EVERY_FRAME)
def test_handler_counts_what_it_refuses(frame: bytes) -> None:
    """A frame cut anywhere is False, an error and no message; whole it is True, a message and no error."""
    handler = KrakenV2MessageHandler(clock=lambda: 0.0)
    for cut in range(len(frame)):
        assert not handler.process(frame[:cut])
    counts = handler.get_statistics()
    assert (counts["error_count"], counts["total_messages"]) == (len(frame), 0)
    assert handler.process(frame)
    counts = handler.get_statistics()
    assert (counts["error_count"], counts["total_messages"]) == (len(frame), 1)
