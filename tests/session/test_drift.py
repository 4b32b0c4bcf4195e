"""A channel that drifted: its frames are read as fast as before, and what else is unknown in them is found."""

from __future__ import annotations

from typing import Any

import pytest

from krakenwire.errors import DecodeError
from krakenwire.events import FrameRejected, OrderBookUpdate, SchemaDrift
from krakenwire.session import Session
from krakenwire.wire.codec import Codec
from tests.session.exchange import Exchange
from tests.session.say import is_live, kinds, session_with
from tests.vectors import account
from tests.vectors.samples import FRAMES

CHANNELS = {
    **{channel: FRAMES[channel] for channel in ("ticker", "trade", "ohlc", "level3")},
    "executions": account.PENDING_NEW.frame,
    "balances": account.LEDGER_ENTRY.frame,
}


def with_field(frame: bytes, field: str) -> bytes:
    """The frame with one more field in its first entry."""
    assert frame.count(b'"data":[{') == 1
    return frame.replace(b'"data":[{', b'"data":[{' + field.encode() + b",")


def told(events: list[Any]) -> list[str]:
    """The unknown fields that are told."""
    return [event.field for event in events if isinstance(event, SchemaDrift)]


def names(events: list[Any]) -> list[str]:
    """The types of the events by name: what stems from a drifted frame is of a subclass."""
    return [type(event).__name__ for event in events]


def refuse(*_: object) -> Any:
    raise DecodeError("the slow way was taken", None, json=False)


@pytest.mark.fault("J5")
@pytest.mark.parametrize("channel", CHANNELS)
def test_the_fast_way_goes_on(channel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first unknown field of a channel, frames with and without it bring what they brought before, the fast way."""
    frame = CHANNELS[channel]
    wanted = [
        names(session_with().receive(frame, now=2.0)),
        names(session_with(frame).receive(frame, now=2.0)),
    ]
    session = Session(now=0.0)
    drifted = with_field(frame, '"mood":"good"')
    assert names(session.receive(drifted, now=2.0)) == ["SchemaDrift", *wanted[0]]
    monkeypatch.setattr(Codec, "slow", refuse)
    assert names(session.receive(drifted, now=2.0)) == wanted[1]
    assert names(session.receive(frame, now=2.0)) == wanted[1]
    assert session.channel == channel


@pytest.mark.fault("J5")
def test_books_go_on() -> None:
    """The books of a drifted channel are verified as before, and a field that is new in a level is found."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    for number, field in enumerate(('"mood":1', '"mood":1', '"tone":{"a":[]}')):
        update = with_field(exchange.update(bids={"1000": str(20 + number)}), field)
        *drift, event = session.receive(update, now=2.0)
        assert isinstance(event, OrderBookUpdate)
        assert event.verified
        assert told(drift) == [["data[].mood"], [], ["data[].tone"]][number]
    inner = exchange.update(bids={"1000": "30"}).replace(b'{"price":', b'{"orders":2,"price":')
    assert told(session.receive(inner, now=2.0)) == ["data[].bids[].orders"]
    assert is_live(session)
    wrong = with_field(exchange.update(bids={"1000": "31"}), '"mood":1').replace(
        b'"checksum":', b'"checksum":1'
    )
    session.receive(wrong, now=3.0)
    assert not is_live(session)


@pytest.mark.fault("J5")
@pytest.mark.parametrize("channel", ["ticker", "book"])
def test_a_sample_is_looked_at(channel: str) -> None:
    """Of the frames after the first drift the first 32 are looked at for other unknown fields, then every 128th."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())

    def frame(field: str) -> bytes:
        plain = FRAMES["ticker"] if channel == "ticker" else exchange.update(bids={"1000": "5"})
        return with_field(plain, field)

    assert told(session.receive(frame('"first":1'), now=2.0)) == ["data[].first"]
    found = [
        number
        for number in range(1, 300)
        if told(session.receive(frame(f'"n{number}":1' if number > 30 else '"first":1'), now=2.0))
    ]
    assert found == [31, 32, 128, 256]


@pytest.mark.fault("J1", "J5")
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bad_text_in_a_field_that_is_skipped(kind: Any) -> None:
    """Bytes that are no text are found wherever they stand, also in a field that nobody reads; good text of any script is taken."""
    session = session_with(with_field(FRAMES["ticker"], '"mood":"x"'))
    good = with_field(FRAMES["ticker"], '"mood":"\u00fc"')
    assert names(session.receive(kind(good), now=2.0)) == ["TickerUpdate"]
    bad = with_field(FRAMES["ticker"], '"mood":"x"').replace(b'"x"', b'"\xff"')
    rejected, *_ = session.receive(kind(bad), now=2.0)
    assert isinstance(rejected, FrameRejected)
    assert not rejected.json


@pytest.mark.fault("J5", "J8", "J9")
@pytest.mark.parametrize(
    ("channel", "old", "new"),
    [
        ("trade", b'"qty":0.10', b'"qty":"1_0"'),
        ("ohlc", b'"open":74000.1', b'"open":" 1 "'),
        ("ticker", b'"bid":74000.1', b'"bid":"NaN"'),
        ("ticker", b'"bid":74000.1', b'"bid":-1.5'),
        ("level3", b'"order_qty":1.50000000', b'"order_qty":1e99'),
        ("executions", b'"order_qty":', b'"display_qty":"1_0","order_qty":'),
        ("balances", b'"fee":', b'"fee":"\xd9\xa1","x":'),
    ],
)
def test_numbers_are_checked_as_before(channel: str, old: bytes, new: bytes) -> None:
    """An odd string or a number out of bounds is refused in a channel that drifted, too."""
    drifted = with_field(CHANNELS[channel], '"mood":"good"')
    session = session_with(drifted)
    assert drifted.count(old) == 1
    events = session.receive(drifted.replace(old, new), now=2.0)
    assert FrameRejected in kinds(events)
