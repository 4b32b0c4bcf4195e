"""`wire/salvage.py`: of a frame with bad entries the good ones are kept, and the bad ones named."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal

import pytest

from krakenwire.errors import DecodeError
from krakenwire.wire.codec import Codec, Decoded
from tests.vectors.samples import FRAMES, altered


@pytest.mark.fault("J7")
@pytest.mark.parametrize("name", ["symbol", "side", "price", "qty", "ord_type", "trade_id", "timestamp"])
def test_missing_field(name: str) -> None:
    """An entry without a required field is refused with its symbol; the other entries are kept."""
    found = Codec().slow(altered("trade", ("data", 0, name), ...))
    (rejected,) = found.rejected
    assert name in rejected.reason
    assert (rejected.channel, rejected.index) == ("trade", 0)
    assert rejected.symbol == (None if name == "symbol" else "BTC/USD")
    assert [trade.trade_id for trade in found.message.data] == [2]


WRONG: list[tuple[str, object]] = [
    ("price", None),
    ("price", True),
    ("price", []),
    ("price", "1_000"),
    ("price", "NaN"),
    ("price", 0),
    ("qty", -1),
    ("symbol", 1),
    ("symbol", Decimal("1.5")),
    ("side", None),
    ("trade_id", "1"),
    ("trade_id", Decimal("1.0")),
    ("trade_id", True),
]


@pytest.mark.fault("J8", "J13")
@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
def test_wrong_type(name: str, value: object) -> None:
    """An entry with a field of a wrong type is refused, alone, from text and from a dict."""
    frame = altered("trade", ("data", 0, name), value)
    for found in (Codec().slow(frame), Codec().from_parsed(json.loads(frame, parse_float=Decimal))):
        assert [entry.index for entry in found.rejected] == [0]
        assert [trade.trade_id for trade in found.message.data] == [2]


@pytest.mark.fault("J13")
def test_nothing_left() -> None:
    """If no entry can be used there is no message."""
    found = Codec().slow(altered("ticker", ("data", 0, "bid"), True))
    assert found.message is None
    assert found.rejected[0].symbol == "BTC/USD"


@pytest.mark.fault("J13")
def test_bad_pair_of_many() -> None:
    """A bad pair does not take the rest of the instruments with it."""
    found = Codec().slow(altered("instrument", ("data", "pairs", 0, "status"), 1))
    assert [asset.id for asset in found.message.data.assets] == ["BTC"]
    assert found.message.data.pairs == ()
    assert found.rejected[0].symbol == "BTC/USD"


@pytest.mark.fault("J13")
@pytest.mark.parametrize("value", ["replay", None, 1, ...])
def test_type_is_not_guessed(value: object) -> None:
    """A frame that is neither snapshot nor update is refused whole, with the symbols in it."""
    found = Codec().decode(altered("trade", ("type",), value))
    assert isinstance(found, Decoded)
    assert found.message is None
    assert [entry.symbol for entry in found.rejected] == ["BTC/USD", "BTC/USD"]


@pytest.mark.fault("J7")
@pytest.mark.parametrize("value", [None, 1, "x", {}, ...])
@pytest.mark.parametrize("channel", [name for name in FRAMES if name != "heartbeat"])
def test_data_of_a_wrong_shape(channel: str, value: object) -> None:
    """A frame whose `data` is no list is refused whole."""
    found = Codec().slow(altered(channel, ("data",), value))
    assert found.message is None
    assert len(found.rejected) == 1


@pytest.mark.fault("J9")
@pytest.mark.parametrize("number", [b"1e999999999", b"1" * 100_000, b"0." + b"1" * 100_000, b"1e-999999999"])
def test_hostile_numbers(number: bytes) -> None:
    """No number out of bounds is in a message of the slow path."""
    for channel, old in (("trade", b'"qty":0.10'), ("book", b'"qty":1.50000000')):
        frame = FRAMES[channel].replace(old, b'"qty":' + number)
        # An integer of very many digits is not even read.
        with contextlib.suppress(DecodeError):
            assert Codec().slow(frame).rejected


@pytest.mark.fault("J8")
@pytest.mark.parametrize("value", [True, None, [], {}, "1_0", "NaN", float("nan")])
def test_level_of_a_wrong_type(value: object) -> None:
    """A level whose price or quantity is no number takes its book with it, from text and from a dict."""
    tree = json.loads(FRAMES["book"], parse_float=Decimal)
    tree["data"][0]["bids"][0]["qty"] = value
    found = Codec().from_parsed(tree)
    assert found.message is None
    assert found.rejected[0].symbol == "BTC/USD"


@pytest.mark.fault("J12")
@pytest.mark.parametrize("channel", ["trade", "book", "executions", "balances"])
def test_empty_data(channel: str) -> None:
    """A frame without entries is legal."""
    found = Codec().slow(altered(channel, ("data",), []))
    assert found.rejected == ()
    assert found.message.data == ()
