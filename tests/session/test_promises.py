"""What the session promises whatever arrives: it never raises, and what it calls verified the exchange once had."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.events import BookLost, OrderBookUpdate, ResyncNeeded
from krakenwire.session import Session
from krakenwire.state.book import BookStatus
from tests.session.exchange import Exchange, TopTen
from tests.vectors import control
from tests.vectors.samples import FRAMES

SAMPLES = [*FRAMES.values(), Exchange().snapshot()]
REPLIES = [vector.frame for vector in control.REPLY_VECTORS]
REPLACEMENTS = b'0"e'
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 1e300, 2**64, 10**4000, "", "NaN", "\ud800", "x" * 5000, "1e-9"),
    *([], {}, [[]], [{}], [None], {"a": 1}, float("nan")),
)


def serve(frames: Iterable[bytes], after: int = 0) -> Iterable[TopTen]:
    """The ten best levels of every readable book after each frame, from the given one on."""
    session = Session(now=0.0)
    for at, frame in enumerate(frames):
        session.receive(frame, now=float(at))
        if at < after:
            continue
        for book in session.books.level2.books.values():
            if book.status is BookStatus.LIVE:
                view = session.book(book.symbol)
                assert view.verified
                yield (
                    tuple((level.price, level.qty) for level in view.bids[:10]),
                    tuple((level.price, level.qty) for level in view.asks[:10]),
                )


@pytest.mark.fault("J1", "J7", "J8")
@given(st.lists(st.binary(max_size=200) | st.text(max_size=200), max_size=20))
def test_any_input(frames: list[bytes | str]) -> None:
    """No bytes and no text make `receive` raise."""
    session = Session(now=0.0)
    for frame in frames:
        assert session.receive(frame, now=1.0)


@pytest.mark.fault("J1", "J7", "J8", "J9")
@given(st.data())
def test_mutated_frames(data: st.DataObject) -> None:
    """No frame of any channel with bytes replaced, removed or inserted makes `receive` raise."""
    session = Session(now=0.0)
    for _ in range(10):
        frame = data.draw(st.sampled_from(SAMPLES))
        start = data.draw(st.integers(0, len(frame)))
        end = data.draw(st.integers(start, min(len(frame), start + 8)))
        put = data.draw(st.binary(max_size=4) | st.sampled_from([b"null", b"1e999", b'"NaN"', b"[]", b"-1"]))
        session.receive(frame, now=1.0)
        session.receive(frame[:start] + put + frame[end:], now=1.0)


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


@pytest.mark.fault("J7", "J8", "J9", "J11", "J12")
@pytest.mark.parametrize("frame", [*SAMPLES, *REPLIES])
def test_odd_values(frame: bytes) -> None:
    """Whatever value stands in whatever place of a frame, `receive` does not raise and goes on working."""
    tree = json.loads(frame)
    session = Session(now=0.0)
    for path in paths(tree):
        for value in ODD_VALUES:
            session.receive(json.dumps(replaced(tree, path, value)), now=1.0)
    exchange = Exchange("SOL/USD")
    (_, update) = session.receive(exchange.snapshot(), now=2.0)
    assert isinstance(update, OrderBookUpdate)
    assert update.verified


@pytest.mark.fault("B4")
def test_every_byte_flipped() -> None:
    """Whichever byte of a book stream is replaced, every book served is one the exchange had."""
    exchange = Exchange()
    frames = exchange.stream(30)
    for at, frame in enumerate(frames):
        for position, old in enumerate(frame):
            for new in REPLACEMENTS:
                if new == old:
                    continue
                broken = bytearray(frame)
                broken[position] = new
                stream = [*frames[:at], bytes(broken), *frames[at + 1 : at + 3]]
                assert set(serve(stream, after=at)) <= exchange.states


@pytest.mark.fault("B1", "B2", "B3")
def test_dropped_repeated_swapped() -> None:
    """Whichever frame is missing, repeated or swapped, every book served is one the exchange had."""
    exchange = Exchange()
    frames = exchange.stream(30)
    assert len(set(serve(frames))) > 20
    for at in range(len(frames)):
        dropped = frames[:at] + frames[at + 1 :]
        repeated = frames[: at + 1] + frames[at:]
        swapped = frames[:at] + frames[at : at + 2][::-1] + frames[at + 2 :]
        for stream in (dropped, repeated, swapped):
            assert set(serve(stream)) <= exchange.states


@pytest.mark.fault("B1")
@given(st.sets(st.integers(1, 30)), st.integers(1, 5))
def test_any_subset_dropped(missing: set[int], seed: int) -> None:
    """Whatever subset of a stream is missing, every book served is one the exchange had."""
    exchange = Exchange()
    frames = exchange.stream(30, seed)
    assert set(serve(f for at, f in enumerate(frames) if at not in missing)) <= exchange.states


RECORDED = {
    "kraken_btcusd_sample": 2052,
    "kraken_ethusd_sample": 1129,
    "kraken_xrpusd_sample": 1147,
    "kraken_btcusd_l2": 301,
}


@pytest.mark.conformance
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_streams(name: str, conformance_data: Path) -> None:
    """Every book message of the recorded streams becomes a verified update, no book is lost, and no resync is asked for."""
    session = Session(now=0.0)
    verified = 0
    for line in (
        (conformance_data / "kraken_v2/jdardash__crossbook" / f"{name}.jsonl").read_bytes().splitlines()
    ):
        events = session.receive(line, now=1.0)
        assert not [event for event in events if isinstance(event, BookLost | ResyncNeeded)]
        updates = [event for event in events if isinstance(event, OrderBookUpdate)]
        assert len(updates) == (json.loads(line).get("channel") == "book")
        verified += sum(update.verified for update in updates)
    assert verified == RECORDED[name]
