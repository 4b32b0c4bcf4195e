"""`wire/control.py`: status, heartbeat, pong and every reply to a subscription decode to what is written
beside them.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from krakenwire.wire.control import ControlReply, ErrorNotice, Heartbeat, StatusMessage, SubscribeReply
from krakenwire.wire.enums import Channel, Method
from krakenwire.wire.refusals import ErrorKind
from tests.vectors import control
from tests.vectors.vector import Vector, digits

FRAMES = msgspec.json.Decoder(StatusMessage | Heartbeat)
REPLIES = msgspec.json.Decoder(ControlReply)
NOTICES = msgspec.json.Decoder(ErrorNotice)
ENCODER = msgspec.json.Encoder(decimal_format="number")


@pytest.mark.parametrize("vector", control.MARKET_VECTORS, ids=lambda vector: vector.name)
def test_decodes_frames(vector: Vector) -> None:
    """Each frame of a channel decodes to exactly the message written beside it, and again after encoding."""
    assert digits(FRAMES.decode(vector.frame)) == digits(vector.message)
    assert digits(FRAMES.decode(ENCODER.encode(vector.message))) == digits(vector.message)


@pytest.mark.parametrize("vector", control.REPLY_VECTORS, ids=lambda vector: vector.name)
def test_decodes_replies(vector: Vector) -> None:
    """Each reply decodes to exactly the message written beside it, and again after encoding."""
    assert digits(REPLIES.decode(vector.frame)) == digits(vector.message)
    assert digits(REPLIES.decode(ENCODER.encode(vector.message))) == digits(vector.message)


@pytest.mark.conformance
def test_recorded_frames(conformance_data: Path) -> None:
    """Every recorded status, heartbeat and reply that is not about orders decodes under the strict types."""
    ours = {"subscribe", "unsubscribe", "pong", "ping", "error"}
    seen = 0
    for file in sorted((conformance_data / "kraken_v2").rglob("*.json*")):
        text = file.read_bytes()
        for frame in text.splitlines() if file.suffix == ".jsonl" else [text]:
            parsed = json.loads(frame)
            if parsed.get("method") in ours:
                assert REPLIES.decode(frame).method == parsed["method"]
                seen += 1
            elif parsed.get("channel") in {"status", "heartbeat"}:
                FRAMES.decode(frame)
                seen += 1
    assert seen >= 295


def test_connection_id_beyond_63_bits() -> None:
    """A connection id above 2^63 keeps every digit."""
    assert control.STATUS.message.data[0].connection_id == 18000000000000000001 > 2**63


def test_absent_and_empty_notices_differ() -> None:
    """A status that knows of no maintenance differs from one that cannot tell of any."""
    empty, absent = (vector.message.data[0] for vector in (control.STATUS, control.STATUS_CHANGE))
    assert (empty.upcoming_maintenance, absent.upcoming_maintenance) == ((), None)


@pytest.mark.parametrize(
    ("vector", "channel", "symbol"),
    [
        (control.GRANTED[1], Channel.BOOK, "SOL/USD"),
        (control.GRANTED[6], Channel.EXECUTIONS, None),
        (control.UNSUBSCRIBED[0], Channel.BOOK, "SOL/USD"),
        (control.UNSUBSCRIBED[2], None, "SOL/USD"),
        (control.REFUSED_SYMBOL, None, "XBT/EUR"),
        (control.REFUSED_SESSION, Channel.EXECUTIONS, None),
        (control.REFUSED_NOTHING_NAMED, None, None),
    ],
    ids=lambda value: value.name if isinstance(value, Vector) else str(value),
)
def test_what_a_reply_is_about(vector: Vector, channel: Channel | None, symbol: str | None) -> None:
    """Channel and symbol are found where Kraken put them: in the result, or at the top level of a refusal."""
    assert (vector.message.channel_name, vector.message.symbol_name) == (channel, symbol)


@pytest.mark.parametrize("vector", control.REPLY_VECTORS, ids=lambda vector: vector.name)
def test_refusals_are_told_from_grants(vector: Vector) -> None:
    """Exactly the replies with an error count as refused, and only they have a kind of error."""
    refused = b'"error":' in vector.frame
    assert vector.message.rejected is refused
    assert (vector.message.error_kind is not None) is refused


def test_refusal_without_a_word() -> None:
    """A refusal without text is still a refusal; a reply that says nothing is none."""
    silent = REPLIES.decode(b'{"method":"subscribe","success":false}')
    assert (silent.rejected, silent.error_kind) == (True, ErrorKind.UNKNOWN)
    assert REPLIES.decode(b'{"method":"subscribe","error":"x"}').rejected
    assert not REPLIES.decode(b'{"method":"subscribe"}').rejected


@pytest.mark.parametrize("vector", control.REPLY_VECTORS, ids=lambda vector: vector.name)
def test_replies_know_their_method(vector: Vector) -> None:
    """A reply names the method it answers, as Kraken wrote it."""
    assert vector.message.method is Method(json.loads(vector.frame)["method"])


def test_warnings() -> None:
    """Notices of deprecation are at hand on every subscription reply, and empty where there are none."""
    assert control.GRANTED[3].message.warnings == ("timestamp is deprecated, use interval_begin",)
    assert control.REFUSED_SYMBOL.message.warnings == ()


def test_req_id_of_any_size() -> None:
    """A number of ours comes back whole, zero and 2^53 included, and one that was not ours does not break
    the reply.
    """
    for number in (0, -1, 2**53, 2**64, 10**30):
        assert REPLIES.decode(b'{"method":"pong","req_id":%d}' % number).req_id == number


@pytest.mark.fault("J17")
@pytest.mark.parametrize(
    ("frame", "text", "kind"),
    [
        (b'{"error":"Exceeded msg rate"}', "Exceeded msg rate", ErrorKind.RATE),
        (b'{"Error":"Exceeded msg rate"}', "Exceeded msg rate", ErrorKind.RATE),
        (b'{"error":"ESession:Invalid session","extra":1}', "ESession:Invalid session", ErrorKind.AUTH),
        (b'{"error":"EService:Unavailable"}', "EService:Unavailable", ErrorKind.MAINTENANCE),
        (b'{"error":""}', "", ErrorKind.UNKNOWN),
        (b'{"error":"Something new","req_id":4}', "Something new", ErrorKind.UNKNOWN),
    ],
)
def test_errors_without_method(frame: bytes, text: str, kind: ErrorKind) -> None:
    """An error that answers nobody is read in either spelling and classified."""
    notice = NOTICES.decode(frame)
    assert (notice.text, notice.kind) == (text, kind)


@pytest.mark.fault("J17")
@pytest.mark.parametrize(
    "frame", [b"{}", b'{"req_id":1}', b'{"error":null}', b'{"error":7}', b'{"message":"x"}']
)
def test_no_error_no_notice(frame: bytes) -> None:
    """An object that holds no error text is no error notice."""
    with pytest.raises(msgspec.ValidationError):
        NOTICES.decode(frame)


@pytest.mark.fault("J6")
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"post_only"', b'"napping"'),
        (b'"approaching_30m"', b'"napping"'),
        (b'"spot_trading"', b'"napping"'),
        (b'"cancel_open_orders"', b'"napping"'),
        (b'"identified"', b'"napping"'),
    ],
)
def test_unknown_status_values(old: bytes, new: bytes) -> None:
    """A word that Kraken adds to its status vocabulary is kept as text; the rest of the status is read."""
    update = FRAMES.decode(control.STATUS_FULL.frame.replace(old, new)).data[0]
    assert "unknown: 'napping'" in repr(update)
    assert update.connection_id == 7


@pytest.mark.fault("J6")
def test_unknown_channel_in_an_ack() -> None:
    """An ack for a channel we do not know is read, the channel flagged."""
    reply = REPLIES.decode(b'{"method":"subscribe","success":true,"result":{"channel":"spread"}}')
    assert (reply.channel_name, reply.channel_name.known) == ("spread", False)


@pytest.mark.fault("J7")
@pytest.mark.parametrize(
    "frame",
    [
        b'{"channel":"status","data":[{"system":"online"}]}',
        b'{"channel":"status","type":"update"}',
        b'{"channel":"status","type":"update","data":[{"version":"2"}]}',
        b'{"type":"update","data":[{"system":"online"}]}',
    ],
)
def test_required_status_fields(frame: bytes) -> None:
    """A status without channel, type, data or system does not decode."""
    with pytest.raises(msgspec.ValidationError, match="missing required field"):
        FRAMES.decode(frame)


@pytest.mark.fault("J7")
def test_required_ack_fields() -> None:
    """An ack whose result names no channel does not decode: nobody could tell what was granted."""
    with pytest.raises(msgspec.ValidationError, match="missing required field `channel`"):
        REPLIES.decode(b'{"method":"subscribe","success":true,"result":{"symbol":"SOL/USD"}}')


@pytest.mark.fault("J8")
@pytest.mark.parametrize(
    "frame",
    [
        b'{"channel":"status","type":"update","data":{}}',
        b'{"channel":"status","type":"update","data":[{"system":1}]}',
        b'{"channel":"status","type":"update","data":[{"system":null}]}',
        b'{"channel":"status","type":"update","data":[{"system":"online","connection_id":"7"}]}',
        b'{"channel":"status","type":"update","data":[{"system":"online","connection_id":7.0}]}',
        b'{"channel":"status","type":"update","data":[{"system":"online","emergency":{}}]}',
        b'{"channel":"status","type":7,"data":[]}',
        b'{"channel":7}',
    ],
)
def test_wrong_types_in_frames(frame: bytes) -> None:
    """A status with a value of the wrong type is refused."""
    with pytest.raises(msgspec.ValidationError):
        FRAMES.decode(frame)


@pytest.mark.fault("J8")
@pytest.mark.parametrize(
    "frame",
    [
        b'{"method":"subscribe","success":1}',
        b'{"method":"subscribe","success":"true"}',
        b'{"method":"subscribe","req_id":"7"}',
        b'{"method":"subscribe","req_id":7.0}',
        b'{"method":"subscribe","req_id":true}',
        b'{"method":"subscribe","result":[]}',
        b'{"method":"subscribe","result":{"channel":"book","depth":"10"}}',
        b'{"method":"subscribe","result":{"channel":"book","depth":10.0}}',
        b'{"method":"subscribe","result":{"channel":"book","warnings":"old"}}',
        b'{"method":"subscribe","error":7}',
        b'{"method":7}',
        b"[]",
        b"7",
    ],
)
def test_wrong_types_in_replies(frame: bytes) -> None:
    """A reply with a value of the wrong type is refused."""
    with pytest.raises(msgspec.ValidationError):
        REPLIES.decode(frame)


@pytest.mark.fault("J5")
@pytest.mark.parametrize(
    "vector", [*control.MARKET_VECTORS, *control.REPLY_VECTORS], ids=lambda vector: vector.name
)
def test_unknown_fields_are_noticed(vector: Vector) -> None:
    """The strict types refuse a field they do not know, and name it: that is how drift is noticed."""
    decoder: msgspec.json.Decoder[object] = FRAMES if vector in control.MARKET_VECTORS else REPLIES
    with pytest.raises(msgspec.ValidationError, match="unknown field `brand_new`"):
        decoder.decode(vector.frame[:-1] + b',"brand_new":1}')


def test_a_reply_is_frozen() -> None:
    """Nobody downstream can change what Kraken said."""
    with pytest.raises(AttributeError):
        SubscribeReply(success=True).success = False  # type: ignore[misc]
