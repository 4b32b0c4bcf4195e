"""`wire/screens.py`: what the types let through and nobody may calculate with is refused, quickly."""

from __future__ import annotations

import contextlib
import re
import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.wire import screens
from krakenwire.wire.codec import CHANNELS
from krakenwire.wire.drift import permissive
from krakenwire.wire.numbers import number_problem
from krakenwire.wire.screening import problems, untyped
from krakenwire.wire.screens import SCREENS, problem_ohlc, problem_ticker, problem_trade
from tests.vectors import account
from tests.vectors.samples import FRAMES

QUICK: dict[str, Any] = {"ticker": problem_ticker, "trade": problem_trade, "ohlc": problem_ohlc}
NUMBER = re.compile(rb"(?<=[:\[,])-?[0-9]+\.[0-9]+(?=[,}\]])")
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
    '"1,2"',
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
    monkeypatch.setattr(screens, "problems", None)
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


@pytest.mark.fault("J8")
@pytest.mark.parametrize("channel", [str(kind.__struct_config__.tag) for kind in SCREENS])
def test_several_numbers_in_one_string(channel: str) -> None:
    """A string with several numbers in it is not taken for as many, in any channel."""
    frame = NUMBER.sub(b'"1,2"', FRAMES[channel], count=1)
    assert frame != FRAMES[channel]
    assert SCREENS[CHANNELS[channel]](frame, read(channel, frame)) is not None


SCREENED = {
    **{name: frame for name, frame in FRAMES.items() if CHANNELS[name] in SCREENS},
    **{vector.name: vector.frame for vector in account.VECTORS},
}
IN_PLACE = [
    text.encode()
    for text in [*ODD, *FAR[:-1], "-1.5", "0.0", "7", '"12.50"', "null", "true", "[]", "1e-8", '"-3"']
]
UNKNOWN = [
    b'"new":"a",',
    b'"new":{"b":"c"},',
    b'"new":1.5,',
    b'"new":[],',
    b'"qty":"1.5","new":"x",',
    b'"new":"\\"",',
]


@pytest.mark.fault("J5", "J8", "J9")
@pytest.mark.parametrize("name", SCREENED)
@given(data=st.data())
def test_quick_checks_agree_with_the_exact_one(name: str, data: st.DataObject) -> None:
    """The quick check of a channel passes exactly the frames that the exact one passes, whether fields are unknown or not."""
    frame = SCREENED[name]
    kind = CHANNELS[untyped.decode(frame)["channel"]]
    if data.draw(st.booleans()):
        kind = permissive(kind)
        places = [found.end() for found in re.finditer(rb"{", frame)]
        at = data.draw(st.sampled_from(places))
        frame = frame[:at] + data.draw(st.sampled_from(UNKNOWN)) + frame[at:]
    for _ in range(data.draw(st.integers(0, 2))):
        numbers = list(NUMBER.finditer(frame))
        if numbers:
            number = data.draw(st.sampled_from(numbers))
            frame = frame[: number.start()] + data.draw(st.sampled_from(IN_PLACE)) + frame[number.end() :]
    try:
        message = msgspec.json.Decoder(kind, float_hook=str).decode(frame)
    except (ValueError, RecursionError):
        return
    quick = SCREENS[CHANNELS[str(kind.__struct_config__.tag)]]
    assert (quick(frame, message) is None) == (problems(frame, message) is None)


@pytest.mark.parametrize("name", SCREENED)
def test_quick_checks_need_no_exact_one(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A frame as Kraken sends it passes the quick check alone, and so it does with unknown fields in it."""
    frame = SCREENED[name]
    kind = CHANNELS[untyped.decode(frame)["channel"]]
    quick = SCREENS[kind]
    monkeypatch.setattr(screens, "problems", None)
    assert quick(frame, msgspec.json.Decoder(kind, float_hook=str).decode(frame)) is None
    drifted = frame.replace(b'"data":[{', b'"data":[{"new":{"a":"b"},')
    assert quick(drifted, msgspec.json.Decoder(permissive(kind), float_hook=str).decode(drifted)) is None
