"""`wire/screening.py`: what the types let through and nobody may calculate with is refused."""

from __future__ import annotations

import contextlib
import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.wire import screening
from krakenwire.wire.codec import CHANNELS
from krakenwire.wire.enums import MessageType
from krakenwire.wire.numbers import number_problem
from krakenwire.wire.screening import (
    entry_problem,
    problem_ohlc,
    problem_ticker,
    problem_trade,
    problems,
    text_problem,
    untyped,
)
from tests.vectors.samples import FRAMES

QUICK: dict[str, Any] = {"ticker": problem_ticker, "trade": problem_trade, "ohlc": problem_ohlc}
ODD = [
    '"1_000"',
    '" 1 "',
    '"NaN"',
    '"sNaN"',
    '"-Infinity"',
    '"\u0661"',
    '""',
    '"0x1"',
    '".5"',
    '"1."',
    '"+1"',
]
FAR = ["1e999999999", "1e-999999999", "1e25", "1e-25", "1." + "1" * 40, "9" * 26, "1" * 100_000]


def read(channel: str, frame: bytes) -> Any:
    return msgspec.json.Decoder(CHANNELS[channel], float_hook=str).decode(frame)


def swapped(channel: str, name: str, number: str) -> bytes:
    """The sample frame with another text in place of one number."""
    tree = untyped.decode(FRAMES[channel])
    old = f'"{name}":{tree["data"][0][name]}'.encode()
    assert FRAMES[channel].count(old) == 1
    return FRAMES[channel].replace(old, f'"{name}":{number}'.encode())


FIELDS = [
    ("ticker", name)
    for name in ("bid", "bid_qty", "ask", "ask_qty", "last", "volume", "vwap", "low", "high", "change")
]
FIELDS += [("ticker", "change_pct"), ("trade", "price"), ("trade", "qty")]
FIELDS += [("ohlc", name) for name in ("open", "high", "low", "close", "volume", "vwap")]


@pytest.mark.parametrize("channel", QUICK)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda frame: frame.decode()])
def test_good_frames_pass(channel: str, kind: Any) -> None:
    """A frame as Kraken sends it has no problem, in whatever type it comes."""
    assert QUICK[channel](kind(FRAMES[channel]), read(channel, FRAMES[channel])) is None


@pytest.mark.parametrize("channel", QUICK)
def test_good_frames_need_no_exact_check(channel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick check alone passes a frame as Kraken sends it, with or without a sequence."""
    monkeypatch.setattr(screening, "problems", None)
    for tail in (b"}", b',"sequence":7}'):
        frame = FRAMES[channel][:-1] + tail
        assert QUICK[channel](frame, read(channel, frame)) is None


@pytest.mark.fault("J8")
@pytest.mark.parametrize(("channel", "name"), FIELDS)
@pytest.mark.parametrize("number", ODD)
def test_odd_strings(channel: str, name: str, number: str) -> None:
    """A string that is not written as a plain number never counts as one, in any field."""
    frame = swapped(channel, name, number)
    try:
        message = read(channel, frame)
    except msgspec.ValidationError:
        return
    (rejected,) = QUICK[channel](frame, message)
    assert rejected.reason == f"{name}: not a number"
    assert (rejected.symbol, rejected.index) == ("BTC/USD", 0)


@pytest.mark.fault("J8")
@pytest.mark.parametrize(("channel", "name"), FIELDS)
def test_numeric_strings(channel: str, name: str) -> None:
    """A string that is written as a plain number counts as one."""
    frame = swapped(channel, name, '"12.50"')
    message = read(channel, frame)
    assert QUICK[channel](frame, message) is None
    assert getattr(message.data[0], name).as_tuple() == Decimal("12.50").as_tuple()


@pytest.mark.fault("J9")
@pytest.mark.parametrize(("channel", "name"), FIELDS)
@pytest.mark.parametrize("number", FAR, ids=lambda number: number[:15])
def test_bounds(channel: str, name: str, number: str) -> None:
    """A number out of bounds is refused in any field, in milliseconds."""
    frame = swapped(channel, name, number)
    start = time.perf_counter()
    with contextlib.suppress(msgspec.ValidationError):
        assert QUICK[channel](frame, read(channel, frame)) is not None
    assert time.perf_counter() - start < 0.5


@pytest.mark.fault("J9")
@pytest.mark.parametrize(("channel", "name"), FIELDS)
def test_signs(channel: str, name: str) -> None:
    """No price or quantity is negative; a change may be."""
    frame = swapped(channel, name, "-0.5")
    found = QUICK[channel](frame, read(channel, frame))
    assert (found is None) == name.startswith("change")


@pytest.mark.fault("J9")
@pytest.mark.parametrize(("channel", "name"), FIELDS)
def test_zero(channel: str, name: str) -> None:
    """A price of zero is refused, except in a ticker; a quantity of zero is not."""
    frame = swapped(channel, name, "0.0")
    found = QUICK[channel](frame, read(channel, frame))
    prices = {("trade", "price"), *(("ohlc", price) for price in ("open", "high", "low", "close"))}
    assert (found is not None) == ((channel, name) in prices)


@pytest.mark.fault("J9")
def test_a_missing_hyphen_hides_no_sign() -> None:
    """A timestamp without hyphens does not make room for a minus sign."""
    frame = swapped("ticker", "bid", "-1.5").replace(b"2026-11-22", b"202601-122")
    assert problem_ticker(frame, read("ticker", frame)) is not None
    assert (
        problem_ticker(frame.replace(b"-1.5", b"1.5"), read("ticker", frame.replace(b"-1.5", b"1.5"))) is None
    )


@pytest.mark.fault("J13")
def test_the_bad_entry_is_named() -> None:
    """Of several entries only the bad one is listed, with its place."""
    frame = FRAMES["trade"].replace(b'"qty":0.20', b'"qty":-0.20')
    (rejected,) = problem_trade(frame, read("trade", frame))  # type: ignore[misc]
    assert (rejected.index, rejected.reason) == (1, "qty: negative")


@pytest.mark.parametrize("channel", QUICK)
def test_type(channel: str) -> None:
    """A frame that is neither snapshot nor update is refused whole."""
    frame = FRAMES[channel].replace(b'"type":"update"', b'"type":"replay"')
    (rejected,) = QUICK[channel](frame, read(channel, frame))
    assert rejected.index is None


@pytest.mark.fault("J9")
@given(value=st.decimals(allow_nan=False, allow_infinity=False))
def test_quick_agrees_with_exact(value: Decimal) -> None:
    """The quick check passes no number that the exact one refuses, but for zeros, whose size does no harm."""
    frame = swapped("trade", "qty", str(value))
    found = problem_trade(frame, read("trade", frame))
    wanted = number_problem(value) is not None or value < 0
    assert (found is not None) == wanted or (value == 0 and found is None)


@pytest.mark.fault("J8", "J9")
@pytest.mark.parametrize("value", [True, None, [], {}, "1_0", " 1", "NaN", "1e99", 10**30, 1.5, "-"])
def test_level_texts(value: object) -> None:
    """A level's text is a plain number within bounds, or it is refused."""
    assert text_problem(value) is not None


@pytest.mark.parametrize("value", ["1", "1.50", "1e-8", 7, "0.00000000"])
def test_level_texts_that_are_numbers(value: object) -> None:
    """Every spelling of a number that JSON has is taken."""
    assert text_problem(value) is None


@pytest.mark.parametrize("channel", [name for name in FRAMES if name not in {"heartbeat", "status"}])
def test_exact_check_passes_samples(channel: str) -> None:
    """The exact check finds nothing in a frame of any channel as Kraken sends it."""
    assert problems(FRAMES[channel], read_any(channel)) is None


def read_any(channel: str) -> Any:
    return msgspec.json.Decoder(CHANNELS[channel], float_hook=str).decode(FRAMES[channel])


@pytest.mark.fault("J9")
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"price":74000.1', b'"price":-1', "bids[0].price: negative"),
        (b'"price":74000.1', b'"price":0.0', "bids[0].price: zero"),
        (b'"qty":1.50000000', b'"qty":-1', "bids[0].qty: negative"),
        (b'"qty":1.50000000', b'"qty":true', "bids[0].qty: expected a number, got bool"),
    ],
)
def test_book_levels(old: bytes, new: bytes, reason: str) -> None:
    """The exact check names the level of a book that cannot be used."""
    frame = FRAMES["book"].replace(old, new)
    data = msgspec.json.Decoder(CHANNELS["book"], float_hook=str).decode(frame).data[0]  # type: ignore[attr-defined]
    assert entry_problem(data, {}, MessageType.UPDATE) == reason
