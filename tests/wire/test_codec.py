"""`wire/codec.py`: every frame becomes its message, and every message its frame, digit for digit."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from krakenwire.errors import UsageError
from krakenwire.wire.book import BookLevel
from krakenwire.wire.codec import CHANNELS, Codec, Decoded, decode, encode
from krakenwire.wire.enums import MessageType, OrderType, Side
from krakenwire.wire.market import Trade, TradeMessage
from krakenwire.wire.screening import RejectedEntry
from tests.vectors import account, control, orders
from tests.vectors.samples import FRAMES
from tests.vectors.vector import Vector, digits

VECTORS: list[Vector] = [
    *account.VECTORS,
    *control.MARKET_VECTORS,
    *control.REPLY_VECTORS,
    *orders.REPLIES,
]


PAIR = Codec().fast(FRAMES["instrument"]).data.pairs[0]  # type: ignore[union-attr]


def result(frame: Any) -> Any:
    """What a fresh codec makes of a frame."""
    found = Codec().decode(frame)
    return found.message if isinstance(found, Decoded) else found


def test_samples_cover_all_channels() -> None:
    """There is a sample frame of each of the ten channels."""
    assert set(FRAMES) == set(CHANNELS)


@pytest.mark.parametrize("channel", FRAMES)
@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, lambda frame: frame.decode()])
def test_fast(channel: str, kind: Any) -> None:
    """The hot path takes every channel, in every type that a socket gives."""
    message = Codec().fast(kind(FRAMES[channel]))
    assert type(message) is CHANNELS[channel]


@pytest.mark.parametrize("channel", FRAMES)
def test_slow_agrees_with_fast(channel: str) -> None:
    """The slow path finds the same in a good frame, with nothing to remark."""
    slow = Codec().slow(FRAMES[channel])
    fast = Codec().fast(FRAMES[channel])
    assert (slow.drift, slow.rejected) == ((), ())
    assert slow.message == fast
    assert decode(FRAMES[channel]) == fast


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vectors(vector: Vector) -> None:
    """Every message and reply of the vectors is read digit for digit."""
    assert digits(result(vector.frame)) == digits(vector.message)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector.name)
def test_vectors_survive_encoding(vector: Vector) -> None:
    """Encoding and decoding again loses neither a field nor a digit."""
    assert digits(result(encode(vector.message))) == digits(vector.message)


@pytest.mark.parametrize("channel", FRAMES)
def test_samples_survive_encoding(channel: str) -> None:
    """A frame encoded again has the same fields and the digits received, zeros included."""
    again = encode(Codec().fast(FRAMES[channel]))
    first = json.loads(FRAMES[channel], parse_float=str, parse_int=str)
    second = json.loads(again, parse_float=str, parse_int=str)
    if channel == "instrument":
        first["data"]["pairs"][0]["cost_min"] = "0.5"
    assert first == second
    assert again.startswith(b'{"channel":')


@given(
    number=st.decimals(min_value=0, max_value=10**20, places=8).filter(lambda number: number > 0),
    places=st.integers(0, 18),
)
def test_digits_survive(number: Decimal, places: int) -> None:
    """Whatever number stands in a message, encoding and decoding keep its digits and its exponent."""
    exact = number.scaleb(8 - places) if places > 8 else number
    trade = Trade("A/B", Side("buy"), f"{exact:f}", f"{exact:f}", OrderType.LIMIT, 1, "t")
    again = decode(encode(TradeMessage(MessageType.UPDATE, (trade,))))
    assert isinstance(again, TradeMessage)
    assert again.data[0].price.as_tuple() == exact.as_tuple()


@pytest.mark.fault("J10")
@pytest.mark.parametrize("text", ["1e-8", "0.00000000", "1.50", "100", "1E-7"])
def test_digits_as_sent(text: str) -> None:
    """Numbers keep the digits received: as text in a book, as exact decimals elsewhere."""
    message = result(FRAMES["trade"].replace(b'"qty":0.10', b'"qty":' + text.encode()))
    assert message.data[0].qty.as_tuple() == Decimal(text).as_tuple()
    book = result(FRAMES["book"].replace(b'"qty":1.50000000', b'"qty":' + text.encode()))
    assert str(book.data[0].bids[0].qty_text) == text


def test_encode_writes_plain_notation() -> None:
    """No decimal leaves in exponent form, and what is kept as it came leaves as it came."""
    pair = replace(PAIR, price_increment=Decimal("1E-7"), qty_increment=Decimal("0E-8"))
    assert b'"price_increment":0.0000001,"qty_increment":0.00000000' in encode(pair)
    assert encode(BookLevel("1.50", 7)) == b'{"price":1.50,"qty":7}'


@pytest.mark.parametrize("level", [BookLevel('1,"x":2', "1"), BookLevel(True, "1"), BookLevel("NaN", "1")])
def test_encode_refuses_texts_that_are_no_numbers(level: BookLevel) -> None:
    """A level's text cannot smuggle anything into a frame."""
    with pytest.raises(UsageError):
        encode(level)


def test_encode_refuses_numbers_out_of_bounds() -> None:
    """A number of a billion digits is not written out."""
    for entry in (
        replace(PAIR, price_increment=Decimal("1e999999999")),
        Trade("A/B", Side("buy"), "1e999999999", "1", OrderType.LIMIT, 1, "t"),
    ):
        with pytest.raises(UsageError):
            encode(entry)


@pytest.mark.parametrize("vector", orders.REQUESTS, ids=lambda vector: vector.name)
def test_requests_are_written_as_documented(vector: Vector) -> None:
    """Each request is encoded to what the vector's frame says, secrets in clear."""
    assert json.loads(encode(vector.message), parse_float=Decimal) == json.loads(
        vector.frame, parse_float=Decimal
    )


@pytest.mark.conformance
def test_recorded_frames(conformance_data: Path) -> None:
    """Every recorded frame is read, none has drifted, and the hot path takes all but replies. Only the
    candles without prices of one fixture are refused.
    """
    seen = 0
    refused: tuple[RejectedEntry, ...] = ()
    for file in sorted((conformance_data / "kraken_v2").rglob("*.jsonl")):
        codec = Codec()
        for line in file.read_bytes().splitlines():
            if not line.startswith((b'{"channel":', b'{"method":')):
                continue
            found = codec.decode(line)
            seen += 1
            if isinstance(found, Decoded):
                refused += found.rejected
                assert found.drift == ()
                assert found.rejected or b'"method":' in line
    assert seen > 5000
    assert {entry.reason for entry in refused} == {"Object missing required field `open`"}
