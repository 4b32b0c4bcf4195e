"""`wire/codec.py`: every bad frame becomes a fact about it, or one error."""

from __future__ import annotations

import contextlib
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.errors import DecodeError
from krakenwire.wire.book import BookMessage
from krakenwire.wire.codec import CHANNELS, MAX_RAW, METHODS, Codec, Decoded, UnknownFrame, decode, encode
from krakenwire.wire.control import ErrorNotice, Heartbeat, SubscribeReply
from krakenwire.wire.drift import DriftedField
from krakenwire.wire.market import TickerUpdate, TradeMessage
from krakenwire.wire.numbers import LossyText
from tests.vectors.samples import BROKEN, FRAMES, altered


def result(frame: Any) -> Any:
    """What a fresh codec makes of a frame."""
    found = Codec().decode(frame)
    return found.message if isinstance(found, Decoded) else found


@pytest.mark.fault("J1")
@pytest.mark.parametrize("frame", BROKEN.values(), ids=BROKEN.keys())
def test_malformed(frame: Any) -> None:
    """What is no JSON is one DecodeError that says so; the codec works on."""
    codec = Codec()
    with pytest.raises(DecodeError) as caught:
        codec.decode(frame)
    assert caught.value.json is False
    assert isinstance(codec.decode(FRAMES["heartbeat"]), Heartbeat)


@pytest.mark.fault("J1")
@pytest.mark.parametrize("channel", FRAMES)
def test_truncated_at_every_byte(channel: str) -> None:
    """A frame cut at any byte is no JSON."""
    codec = Codec()
    for cut in range(len(FRAMES[channel])):
        with pytest.raises(DecodeError) as caught:
            codec.decode(FRAMES[channel][:cut])
        assert caught.value.json is False


@pytest.mark.fault("J1")
@given(frame=st.binary(max_size=200) | st.text(max_size=200))
def test_anything(frame: bytes | str) -> None:
    """Whatever bytes come, the only error is a DecodeError."""
    with contextlib.suppress(DecodeError):
        Codec().decode(frame)


@pytest.mark.fault("J2")
@pytest.mark.parametrize(
    "frame", [b"[" * 100_000, b'{"channel":' * 100_000, b'{"a":' * 900 + b"1" + b"}" * 900]
)
def test_deep_nesting(frame: bytes) -> None:
    """Nesting of any depth ends in a DecodeError, not in a RecursionError."""
    with pytest.raises(DecodeError):
        Codec().decode(frame)


@pytest.mark.fault("J2")
def test_deep_nesting_in_an_unknown_field() -> None:
    """An unknown field of any depth is skipped or the frame is refused."""
    deep = b'"new":' + b"[" * 900 + b"]" * 900
    frame = FRAMES["trade"].replace(b'"trade_id":1', b'"trade_id":1.5,' + deep)
    found = Codec().slow(frame)
    assert found.rejected


@pytest.mark.fault("J3")
def test_duplicate_keys() -> None:
    """Of two equal keys the last one wins, as in every JSON reader we know."""
    message = result(FRAMES["trade"].replace(b'"qty":0.10', b'"qty":9,"qty":0.10'))
    assert message.data[0].qty == Decimal("0.10")


@pytest.mark.fault("J4")
@pytest.mark.parametrize(
    ("frame", "name", "kind"),
    [
        (b'{"channel":"futures","data":[]}', "futures", "channel"),
        (b'{"method":"teleport","result":{}}', "teleport", "method"),
    ],
)
def test_unknown(frame: bytes, name: str, kind: str) -> None:
    """An unknown channel or method is delivered as it came, from text and from a dict."""
    assert Codec().slow(frame) == Decoded(UnknownFrame(name, kind, frame.decode()))
    parsed = Codec().from_parsed(json.loads(frame)).message
    assert (parsed.name, parsed.kind) == (name, kind)


@pytest.mark.fault("J4")
def test_unknown_is_capped() -> None:
    """A large unknown frame is kept up to 64 KiB."""
    found = result(b'{"channel":"x","data":"' + b"y" * 200_000 + b'"}')
    assert len(found.raw) == MAX_RAW


@pytest.mark.parametrize("frame", [b"[]", b"1", b"null", b'"x"', b"{}", b'{"channel":5}', b'{"error":5}'])
def test_not_v2(frame: bytes) -> None:
    """JSON that is no v2 frame is a DecodeError that says so."""
    with pytest.raises(DecodeError) as caught:
        Codec().decode(frame)
    assert caught.value.json is True


@pytest.mark.fault("J17")
@pytest.mark.parametrize("name", ["error", "Error"])
def test_error_without_method(name: str) -> None:
    """An error that answers nothing is a notice, in both spellings."""
    found = result(f'{{"{name}":"Exceeded msg rate"}}'.encode())
    assert isinstance(found, ErrorNotice)
    assert found.text == "Exceeded msg rate"


def test_refusal_that_names_its_channel() -> None:
    """A refusal with both `channel` and `method` is a reply, not a frame of the channel."""
    for channel in ("executions", "heartbeat"):
        frame = f'{{"method":"subscribe","channel":"{channel}","success":false,"error":"x","status":"error"}}'
        assert isinstance(result(frame), SubscribeReply)


PLACES = [
    (channel, path)
    for channel in FRAMES
    for path in [(), ("data",), ("data", 0), ("data", "pairs", 0), ("data", 0, "bids", 0)]
    if not (channel == "instrument" and path[1:2] == (0,))
    and not (channel != "instrument" and path[1:2] == ("pairs",))
    and not (path[2:3] == ("bids",) and channel not in {"book", "level3"})
    and not (path == ("data",) and channel != "instrument")
    and not (path and channel == "heartbeat")
]


@pytest.mark.fault("J5")
@pytest.mark.parametrize(("channel", "path"), PLACES, ids=str)
@pytest.mark.parametrize("name", ["new", "error", "bid"])
def test_unknown_field_anywhere(channel: str, path: tuple[str | int, ...], name: str) -> None:
    """An unknown field anywhere is named once and skipped, and the hot path takes the next such frame."""
    codec = Codec()
    name = "novel" if name == "bid" and channel == "ticker" else name
    frame = altered(channel, (*path, name), "x")
    found = codec.slow(frame)
    dotted = "".join("[]" if isinstance(step, int) else f".{step}" for step in (*path, name)).lstrip(".")
    assert found.drift == (DriftedField(channel, dotted),)
    assert found.rejected == ()
    assert isinstance(found.message, CHANNELS[channel])
    assert codec.drifting == {channel}
    if channel != "heartbeat":
        again = codec.fast(frame)
        assert encode(again) == encode(found.message)
        assert codec.inspect(frame, again) == found.drift
    assert isinstance(codec.fast(FRAMES[channel]), CHANNELS[channel])


@pytest.mark.fault("J5")
@pytest.mark.parametrize("channel", [name for name in FRAMES if name != "heartbeat"])
def test_unknown_field_method(channel: str) -> None:
    """A channel's frame with an unknown field `method` is still that channel's."""
    found = Codec().slow(altered(channel, ("method",), "subscribe"))
    assert found.drift == (DriftedField(channel, "method"),)
    assert isinstance(found.message, CHANNELS[channel])


@pytest.mark.fault("J5")
def test_inspection_is_a_sample() -> None:
    """The first 32 frames of a drifted channel are inspected, then every 128th."""
    codec = Codec()
    frame = altered("trade", ("new",), 1)
    codec.slow(frame)
    seen = [number for number in range(1, 300) if codec.inspect(frame, codec.fast(frame))]
    assert seen == [*range(1, 33), 128, 256]


@pytest.mark.fault("J5")
def test_unknown_field_of_a_reply() -> None:
    """A reply with an unknown field is still that reply."""
    found = Codec().slow(b'{"method":"pong","req_id":1,"new":1}')
    assert found.drift == (DriftedField("pong", "new"),)
    assert isinstance(found.message, METHODS["pong"])


@pytest.mark.parametrize("frame", [b'{"method":"pong","req_id":"1"}', b'{"method":"add_order","result":[]}'])
def test_reply_that_cannot_be_read(frame: bytes) -> None:
    """A reply with a field of a wrong type is a DecodeError that says where."""
    with pytest.raises(DecodeError) as caught:
        Codec().decode(frame)
    assert caught.value.json is True
    assert caught.value.where is not None


@pytest.mark.fault("J10")
def test_parsed_by_the_caller() -> None:
    """Parsed decimals keep their digits; floats are taken as what they show and marked as lossy in a book."""
    exact = Codec().from_parsed(json.loads(FRAMES["book"], parse_float=Decimal)).message
    assert encode(exact) == encode(Codec().fast(FRAMES["book"]))
    assert not isinstance(exact.data[0].bids[0].qty_text, LossyText)
    lossy = Codec().from_parsed(json.loads(FRAMES["book"])).message
    assert isinstance(lossy, BookMessage)
    assert lossy.data[0].bids[0].qty_text == "1.5"
    assert isinstance(lossy.data[0].bids[0].qty_text, LossyText)
    level3 = Codec().from_parsed(json.loads(FRAMES["level3"])).message
    assert isinstance(level3.data[0].bids[0].limit_price_text, LossyText)
    ticker = Codec().from_parsed(json.loads(FRAMES["ticker"])).message.data[0]
    assert isinstance(ticker, TickerUpdate)
    assert ticker.bid == Decimal("74000.1")


@pytest.mark.parametrize("value", [None, [], 1, "x", {1: 2}, {"channel": object()}, {"channel": {1}}])
def test_parsed_by_the_caller_badly(value: object) -> None:
    """What is no frame is a DecodeError, whatever object it is."""
    with pytest.raises(DecodeError) as caught:
        Codec().from_parsed(value)
    assert caught.value.json is True


@pytest.mark.fault("J13")
def test_decode_is_all_or_nothing() -> None:
    """The function `decode` raises for a frame with a bad entry, and names the place."""
    with pytest.raises(DecodeError) as caught:
        decode(altered("trade", ("data", 1, "qty"), -1))
    assert caught.value.where == "$.data[1]"
    assert isinstance(decode(FRAMES["trade"]), TradeMessage)
