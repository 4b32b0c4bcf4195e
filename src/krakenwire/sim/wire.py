"""One client's socket: frames of the exchange become bytes, and acts of `raw` are done to them.

Frames are framed here and written to the transport directly, in the order in which they were made, so that a fault between two of them is
exact. A wire on which much waits for a slow reader says so; frames then stay with the exchange, which bounds them.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable

from krakenwire.sim.halves import Halves
from krakenwire.sim.raw import (
    Act,
    Bytes,
    Cut,
    Deaf,
    End,
    Fragments,
    Late,
    Opcode,
    Slow,
    close_frame,
    fragments,
    websocket_frame,
)

CLOSE_SECONDS = 1.0
"""Real seconds that a client has to answer a close frame."""

SLOW_STEP = 0.05
"""Real seconds between two pieces of a slow connection."""

RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""SO_LINGER with no time: closing resets."""


class Wire:
    """The bytes of a connection. `limit`: bytes after which it is full; `speed`: seconds of the exchange in a real one."""

    def __init__(self, transport: asyncio.Transport, *, limit: int, speed: float = 1.0) -> None:
        self._transport = transport
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._speed = speed
        self._timers: set[asyncio.TimerHandle] = set()
        self._held = bytearray()
        """Bytes that are late or slow."""
        self._late_until: float | None = None
        self._rate: int | None = None
        self._allowance = 0.0
        self._fragments = Fragments(None)
        self._ends_with: Cut | None = None
        """How it ends once what is held is gone."""
        self._said_goodbye = False
        self._left = False
        """The client ended his half."""
        behind = transport.get_protocol()
        if isinstance(behind, asyncio.Protocol):
            transport.set_protocol(Halves(behind, self._hear_end))
        self.silent = False
        """Nothing gets through in either direction."""
        self.ended = False

    # ---------------------------------------------------------------- what goes out

    @property
    def full(self) -> bool:
        """Whether so much waits for the client that he shall not get more yet."""
        return not self._dumb and self._transport.get_write_buffer_size() + len(self._held) >= self._limit

    def send(self, frames: list[bytes]) -> None:
        """Text messages."""
        size, ping = self._fragments.size, self._fragments.ping
        if size is None:
            self._write(b"".join([part for frame in frames for part in (_head(len(frame)), frame)]))
        else:
            self._write(b"".join([fragments(frame, size, ping=ping) for frame in frames]))

    def pong(self, payload: bytes) -> None:
        """Answer a ping of the transport."""
        self._write(websocket_frame(payload, Opcode.PONG))

    def close(self, code: int | None, reason: str = "") -> None:
        """End it with a close frame, after what was sent; without a code, as if the cable were cut.

        The client has a second to answer.
        """
        if code is None:
            self.act(Cut(End.FIN))
            return
        if not self._said_goodbye:
            self._said_goodbye = True
            self._write(close_frame(code, reason))
            late = 0.0 if self._late_until is None else self._late_until - self._loop.time()
            self._after(CLOSE_SECONDS + late, self.abort)

    def answer_close(self, code: int | None) -> None:
        """The client said goodbye, or answered ours."""
        if not self._said_goodbye:
            self._said_goodbye = True
            self._write(close_frame(code))
        self.act(Cut(End.FIN))

    def _hear_end(self) -> None:
        """A client that ended his half and reads no more would keep the other half open for ever."""
        self._left = True
        self._after(CLOSE_SECONDS, self.abort)

    def abort(self) -> None:
        """End it now, whatever waits."""
        self.ended = True
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._held.clear()
        self._transport.abort()

    # ---------------------------------------------------------------- acts

    def act(self, act: Act) -> None:
        """Do this after what was sent before."""
        if self.ended or self.silent:
            return
        match act:
            case Bytes(data, below_tls):
                if below_tls:
                    self._write_below(data)
                else:
                    self._write(data)
            case Cut():
                self._cut(act)
            case Late(seconds):
                self._hold(seconds / self._speed)
            case Slow(bytes_per_second):
                self._slow(bytes_per_second)
            case Fragments():
                self._fragments = act
            case Deaf(seconds):
                self._transport.pause_reading()
                self._set(socket.SO_RCVBUF, 1)  # as small as the system allows
                if seconds is not None:
                    self._after(seconds / self._speed, self._transport.resume_reading)

    def _cut(self, cut: Cut) -> None:
        if cut.how is End.SILENT:
            self.silent = True
            self._held.clear()
        elif cut.how is End.RST:
            self._set(socket.SO_LINGER, RESET)
            self.abort()
        elif cut.how is End.TORN:
            self.abort()
        elif self._held:
            self._ends_with = cut
        else:
            self.ended = True
            self._transport.close()
            self._after(CLOSE_SECONDS, self.abort)  # a client that does not read would keep it open

    def _hold(self, seconds: float) -> None:
        self._late_until = self._loop.time() + seconds
        self._after(seconds, self._release)

    def _release(self) -> None:
        if self._late_until is not None and self._loop.time() >= self._late_until - 0.001:
            self._late_until = None
            if self._rate is None:
                self._flush(len(self._held))

    def _slow(self, bytes_per_second: int | None) -> None:
        before, self._rate = self._rate, bytes_per_second
        if bytes_per_second is None:
            if self._late_until is None:
                self._flush(len(self._held))
        elif before is None:
            self._allowance = 0.0
            self._after(SLOW_STEP, self._trickle)

    def _trickle(self) -> None:
        if self._rate is None or self.ended:
            return
        if self._late_until is None:
            self._allowance += self._rate * self._speed * SLOW_STEP
            whole = int(self._allowance)
            self._allowance -= whole
            self._flush(whole)
        self._after(SLOW_STEP, self._trickle)

    # ---------------------------------------------------------------- bytes

    @property
    def _dumb(self) -> bool:
        """Whether nothing can be said any more. A transport that the client closed says so before anybody else knows."""
        return self.ended or self.silent or self._left or self._transport.is_closing()

    def _write(self, data: bytes) -> None:
        if self._dumb or not data:
            return
        if self._late_until is not None or self._rate is not None:
            self._held += data
        else:
            self._transport.write(data)

    def _flush(self, count: int) -> None:
        if count and self._held and not self._dumb:
            self._transport.write(bytes(self._held[:count]))
            del self._held[:count]
        if not self._held and self._ends_with is not None:
            self._cut(self._ends_with)

    def _write_below(self, data: bytes) -> None:
        """Past the encryption, into the socket itself. What it does not take at once is lost: the stream is broken anyway."""
        try:
            os.write(self._socket().fileno(), data)
        except OSError:
            self.abort()

    def _set(self, option: int, value: int | bytes) -> None:
        """An option of the socket. One that the client has closed has none any more, before anybody else knows."""
        with contextlib.suppress(OSError):
            self._socket().setsockopt(socket.SOL_SOCKET, option, value)

    def _socket(self) -> socket.socket:
        found: socket.socket = self._transport.get_extra_info("socket")
        return found

    def _after(self, seconds: float, action: Callable[[], object]) -> None:
        """Timers end with the connection."""

        def run() -> None:
            self._timers.discard(handle)
            action()

        handle = self._loop.call_later(seconds, run)
        self._timers.add(handle)


def _head(length: int) -> bytes:
    """The header of a whole text message."""
    if length < 126:
        return bytes((0x81, length))
    if length < 1 << 16:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")
