"""Frames to messages. The hot path is one strict decoder; everything else happens when it refuses.

`Codec.fast` gives the message or raises a `ValueError` or `RecursionError`. `Codec.slow` then says what the
frame is: a reply, an error, something unknown, a message with fields we do not know, or a message of which
only some entries can be used. What is no JSON, or no v2 frame, is a `DecodeError`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, reduce
from operator import or_
from typing import Any, cast, get_args

import msgspec
from msgspec import Struct

from krakenwire.errors import DecodeError
from krakenwire.wire.account import BalancesMessage, ExecutionsMessage
from krakenwire.wire.book import BookMessage, Level3Message
from krakenwire.wire.control import ErrorNotice, Heartbeat, ReplyEnvelope, StatusMessage
from krakenwire.wire.drift import DriftedField, permissive, unknown_fields
from krakenwire.wire.encoding import encode
from krakenwire.wire.enums import MessageType
from krakenwire.wire.market import InstrumentMessage, OHLCMessage, TickerMessage, TradeMessage
from krakenwire.wire.numbers import numbers_problem
from krakenwire.wire.order_replies import Reply
from krakenwire.wire.parsed import prepare, to_json
from krakenwire.wire.salvage import read_message
from krakenwire.wire.screening import Frame, RejectedEntry, problems, untyped
from krakenwire.wire.screens import SCREENS

__all__ = ["Codec", "Decoded", "Frame", "Message", "UnknownFrame", "decode", "encode", "is_ascii", "plain"]

Message = (
    BookMessage
    | Level3Message
    | TickerMessage
    | TradeMessage
    | OHLCMessage
    | InstrumentMessage
    | ExecutionsMessage
    | BalancesMessage
    | StatusMessage
    | Heartbeat
)
"""Every frame that belongs to a channel, told apart by `channel`."""

CHANNELS: dict[str, type[Struct]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Message)}
METHODS: dict[str, type[Struct]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Reply)}

MAX_RAW = 64 * 1024
"""Characters kept of a frame we do not know."""

MAX_REBUILDS = 10
"""How often a session's decoder is built again: once a channel is all there is to gain."""

_LOOKED_AT = 32
_SAMPLE = 128
_MAX_NAME = 200
_TYPES = (MessageType.SNAPSHOT, MessageType.UPDATE)


class UnknownFrame(Struct, frozen=True, forbid_unknown_fields=True):
    """A frame of a channel or method that this version does not know."""

    name: str
    kind: str
    """`channel` or `method`."""
    raw: str
    """The frame as received, cut at 64 KiB."""


class Decoded(Struct, frozen=True, forbid_unknown_fields=True):
    """What the slow path found in a frame."""

    message: Any
    """A message, reply, `ErrorNotice` or `UnknownFrame`; None if nothing of the frame can be used."""
    drift: tuple[DriftedField, ...] = ()
    rejected: tuple[RejectedEntry, ...] = ()
    """Entries that are not in `message`, because they cannot be used."""

    @property
    def channel(self) -> str:
        """Name under which the frame is counted: its channel, `reply`, or `unknown`."""
        if self.message is None:
            return self.rejected[0].channel if self.rejected else "unknown"
        if isinstance(self.message, (UnknownFrame, ErrorNotice)):
            return "unknown"
        return "reply" if isinstance(self.message, ReplyEnvelope) else str(self.message.__struct_config__.tag)


@lru_cache(maxsize=256)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, float_hook=str.strip)


class Codec:
    """The decoder of one session. It remembers which channels drifted.

    `fast` is the bound method of a decoder and changes when a channel drifts, so read it for every frame. It
    leaves numbers and `type` unchecked: that is what `screening` is for.
    """

    __slots__ = ("_counts", "_rebuilds", "_types", "drifting", "fast")

    def __init__(self) -> None:
        self._types = dict(CHANNELS)
        self._rebuilds = 0
        self._counts: dict[str, int] = {}
        self.drifting: set[str] = set()
        """Channels whose frames have had unknown fields; `inspect` is for them."""
        self.fast: Callable[[Frame], Message] = _decoder(Message).decode

    def decode(self, frame: Frame) -> Message | Decoded:
        """The message itself, or what the slow path found.

        Raises: DecodeError if the frame is no JSON, no v2 frame, or a reply that cannot be read.
        """
        try:
            message = self.fast(frame)
        except (ValueError, RecursionError):
            return self.slow(frame)
        if isinstance(message, Heartbeat) or message.type in _TYPES:
            return message
        return self.slow(frame)

    def slow(self, frame: Frame) -> Decoded:
        """What a frame is, looked at entry by entry. Every entry in the message found is within bounds.

        Raises: DecodeError as `decode` does.
        """
        return self._explain(_json(frame), frame)

    def from_parsed(self, value: object) -> Decoded:
        """The same for a frame that the caller has parsed already. Texts of former floats are `LossyText`.

        Raises: DecodeError as `decode` does.
        """
        try:
            tree = prepare(value)
            frame = to_json(tree)
        except (ValueError, RecursionError) as error:
            raise _error(error, json=True) from None
        return self._explain(tree, frame)

    def inspect(self, frame: Frame, message: Message) -> tuple[DriftedField, ...]:
        """Unknown fields of a frame that `fast` took although its channel drifted.

        Looks at the first 32 frames of each channel and at a sample of the rest.
        """
        channel = str(type(message).__struct_config__.tag)
        count = self._counts[channel] = self._counts.get(channel, 0) + 1
        if count > _LOOKED_AT and count % _SAMPLE:
            return ()
        try:
            value = untyped.decode(frame)
        except (ValueError, RecursionError):
            return ()
        return _drift(channel, value, CHANNELS[channel])

    def _explain(self, value: Any, frame: Frame) -> Decoded:
        if not isinstance(value, dict):
            raise DecodeError("not a v2 frame: not an object", json=True)
        channel, method = value.get("channel"), value.get("method")
        if type(method) is str and not (type(channel) is str and "data" in value):
            if method in METHODS:
                return _reply(method, value, frame)
            return Decoded(UnknownFrame(method[:_MAX_NAME], "method", _text(frame)))
        if type(channel) is str:
            if channel in CHANNELS:
                return self._message(channel, value, frame)
            return Decoded(UnknownFrame(channel[:_MAX_NAME], "channel", _text(frame)))
        if "error" not in value and "Error" not in value:
            raise DecodeError("not a v2 frame: neither channel nor method nor error", json=True)
        return Decoded(_typed(ErrorNotice, frame))

    def _message(self, channel: str, value: dict[str, Any], frame: Frame) -> Decoded:
        drift = _drift(channel, value, CHANNELS[channel])
        if drift and channel not in self.drifting:
            self._adopt(channel)
        strict = CHANNELS[channel]
        message, rejected = read_message(channel, permissive(strict) if drift else strict, value, frame)
        return Decoded(message, drift, rejected)

    def _adopt(self, channel: str) -> None:
        """From now on `fast` skips what is unknown in this channel.

        Not for heartbeats: with unknown fields allowed, anything with that tag would be one.
        """
        self.drifting.add(channel)
        if channel == "heartbeat" or self._rebuilds >= MAX_REBUILDS:
            return
        self._rebuilds += 1
        self._types[channel] = permissive(CHANNELS[channel])
        union = reduce(or_, cast("Any", self._types.values()))
        self.fast = _decoder(union).decode


def decode(frame: Frame) -> Message | Reply | ErrorNotice | UnknownFrame:
    """One frame as a message. Fields we do not know are skipped; nothing that cannot be used is.

    Raises: DecodeError if the frame, or any entry of it, is not what Kraken documents.
    """
    try:
        message: Message = _decoder(Message).decode(frame)
    except (ValueError, RecursionError):
        pass
    else:
        if isinstance(message, Heartbeat) or SCREENS.get(type(message), problems)(frame, message) is None:
            return message
    decoded = Codec().slow(frame)
    for entry in decoded.rejected:
        where = None if entry.index is None else f"$.data[{entry.index}]"
        raise DecodeError(entry.reason, where, json=True)
    return cast("Message | Reply | ErrorNotice | UnknownFrame", decoded.message)


def plain(frame: Frame) -> Frame:
    """The frame in a type that the decoder takes: a subclass of `str` it refuses, and a view with holes in it."""
    if isinstance(frame, str):
        return str.__str__(frame)
    return bytes(frame) if isinstance(frame, memoryview) else frame


def is_ascii(frame: Frame) -> bool:
    """Whether a frame has no byte that could be bad UTF-8."""
    return (bytes(frame) if isinstance(frame, memoryview) else frame).isascii()


def _reply(method: str, value: dict[str, Any], frame: Frame) -> Decoded:
    kind = METHODS[method]
    reply = _typed(permissive(kind) if (drift := _drift(method, value, kind)) else kind, frame)
    if (reason := numbers_problem(reply)) is not None:
        raise DecodeError(reason, json=True)
    return Decoded(reply, drift)


def _drift(channel: str, value: object, kind: type[Struct]) -> tuple[DriftedField, ...]:
    return tuple(DriftedField(channel, path) for path in unknown_fields(value, kind))


def _json(frame: Frame) -> Any:
    try:
        return untyped.decode(frame)
    except (ValueError, RecursionError) as error:
        # Also an integer of thousands of digits, which is JSON that nobody reads: what the frame was about is not known either way.
        raise _error(error, json=False) from None


def _typed(kind: type[Struct], frame: Frame) -> Any:
    try:
        return _decoder(kind).decode(frame)
    except (ValueError, RecursionError) as error:
        raise _error(error, json=True) from None


def _error(error: Exception, *, json: bool) -> DecodeError:
    """Our error for the decoder's, whose text ends in the path."""
    reason, _, where = str(error).partition(" - at `")
    return DecodeError(reason, where.rstrip("`") or None, json=json)


def _text(frame: Frame) -> str:
    if isinstance(frame, str):
        return frame[:MAX_RAW]
    return bytes(frame[:MAX_RAW]).decode("utf-8", "replace")
