"""What can be done to the bytes below a connection, for faults that frames cannot show.

A fault calls `connection.raw(...)` with any of these acts; they happen after everything that was sent before, in their order. Where there
is a socket, `wire.Wire` does them. In memory there are no bytes: `raw` then returns False, and the fault does what comes nearest with
frames and closings. What a client gets instead of its upgrade or of an HTTP answer is told by `Server.instead`.

All seconds are seconds of the exchange.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, StrEnum
from typing import Protocol

from msgspec import Struct


class Opcode(IntEnum):
    """Kinds of WebSocket frames."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class End(StrEnum):
    """How a connection ends below WebSocket."""

    FIN = "fin"
    """TCP ends in good order, and TLS before it; no close frame."""
    TORN = "torn"
    """TCP ends at once and TLS does not say goodbye: what waits is lost."""
    RST = "rst"
    """As torn, but TCP is reset."""
    SILENT = "silent"
    """It does not: nothing comes any more, what the client says goes nowhere, and the socket stays open. As if the peer had vanished."""


class Bytes(Struct, frozen=True):
    """These bytes are written as they are. `below_tls`: into the TCP stream under the encryption, where there is one."""

    data: bytes
    below_tls: bool = False


class Cut(Struct, frozen=True):
    """The connection ends."""

    how: End = End.FIN


class Late(Struct, frozen=True):
    """Whatever is sent from here on is held back for so long, then comes all at once."""

    seconds: float


class Slow(Struct, frozen=True):
    """From here on only so many bytes a second get through; None: all of them again."""

    bytes_per_second: int | None


class Fragments(Struct, frozen=True):
    """From here on messages are sent in fragments of so many bytes; None: whole again. `ping`: with a ping between every two."""

    size: int | None
    ping: bool = False


class Deaf(Struct, frozen=True):
    """Nothing that the client sends is read for so long, so that its buffers fill; None: ever again."""

    seconds: float | None = None


Act = Bytes | Cut | Late | Slow | Fragments | Deaf


class Answer(Struct, frozen=True):
    """An HTTP answer instead of the exchange's own, or instead of the upgrade."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    after: float = 0.0
    """Seconds until it comes."""


Instead = Answer | Sequence[Act]
"""What a client gets instead of what it asked for: another answer, or plain bytes and an end."""


class Socket(Protocol):
    """The bytes of one connection."""

    def act(self, act: Act) -> None:
        """Do this after what was sent before."""


def websocket_frame(
    payload: bytes,
    opcode: int = Opcode.TEXT,
    *,
    fin: bool = True,
    reserved: int = 0,
    mask: bytes | None = None,
    length: int | None = None,
) -> bytes:
    """A WebSocket frame, legal or not.

    `reserved`: the three reserved bits. `mask`: four bytes, which no server may use. `length`: what the header claims; None: the truth.
    """
    claimed = len(payload) if length is None else length
    masked = 0 if mask is None else 0x80
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    if claimed < 126:
        head += bytes([masked | claimed])
    elif claimed < 1 << 16:
        head += bytes([masked | 126]) + claimed.to_bytes(2, "big")
    else:
        head += bytes([masked | 127]) + claimed.to_bytes(8, "big")
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def close_frame(code: int | None, reason: str = "") -> bytes:
    """A close frame; the reason is cut to what fits."""
    payload = b"" if code is None else code.to_bytes(2, "big") + reason.encode()[:123]
    return websocket_frame(payload, Opcode.CLOSE)


def fragments(payload: bytes, size: int, *, ping: bool = False) -> bytes:
    """A text message in fragments of so many bytes, with a ping between every two if asked for."""
    parts = [payload[start : start + size] for start in range(0, len(payload), size)] or [b""]
    between = websocket_frame(b"", Opcode.PING) if ping else b""
    last = len(parts) - 1
    return between.join(
        websocket_frame(part, Opcode.CONTINUATION if number else Opcode.TEXT, fin=number == last)
        for number, part in enumerate(parts)
    )
