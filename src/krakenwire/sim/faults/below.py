"""Faults below the frames: what a script can do to the bytes of a connection.

Where there is a socket, the acts of `raw` are done to it. In memory there are no bytes; then what a client would notice is done with frames
and closings: a connection that breaks in the middle of a frame loses that frame and ends, one that is stalled is late, one that vanished
says and hears nothing more. What no client can notice there (pieces, fragments, a slow line) does nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from weakref import WeakKeyDictionary, WeakSet

from krakenwire.sim.connection import Connection
from krakenwire.sim.faults.stage import Stage
from krakenwire.sim.faults.statement import Action, Verb
from krakenwire.sim.feeds.feed import Label
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
    websocket_frame,
)

GARBAGE = 16
"""Bytes of garbage, unless a script says how many."""

ODD_FRAMES: dict[str, bytes] = {
    "reserved": websocket_frame(b"{}", reserved=4),
    "opcode": websocket_frame(b"{}", 3),
    "masked": websocket_frame(b'{"channel":"heartbeat"}', mask=b"\x01\x02\x03\x04"),
    "oversized": websocket_frame(b"{}", length=1 << 62),
    "utf8": websocket_frame(b'{"channel":"\xff\xfe"}'),
    "binary": websocket_frame(b'{"channel":"heartbeat"}', Opcode.BINARY),
    "continuation": websocket_frame(b"{}", Opcode.CONTINUATION),
    "unfinished": websocket_frame(b'{"channel":', fin=False),
    "ping": websocket_frame(bytes(125), Opcode.PING),
    "pong": websocket_frame(b"unasked", Opcode.PONG),
    "longping": websocket_frame(bytes(126), Opcode.PING),
    "halfclose": websocket_frame(b"\x03", Opcode.CLOSE),
}
"""Frames that are rare or illegal, by name: `frame NAME`."""

_HARMLESS = frozenset({"masked", "ping", "pong"})
"""Those that a client may take and go on."""

JUNK = {
    "junk": (Bytes(b"\x00\xff this is no HTTP\r\n\r\n"), Cut()),
    "half": (Bytes(b"HTTP/1.1 101 Switching Pro"), Cut(End.SILENT)),
    "silent": (Cut(End.SILENT),),
    "end": (Cut(),),
    "reset": (Cut(End.RST),),
}
"""What comes in place of an upgrade, by name: `spoil connects NAME`."""


class Below:
    """The bytes of every connection."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._vanished: WeakSet[Connection] = WeakSet()
        self._late: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self._deaf: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
        self._happenings: dict[Verb, Callable[[Action, Connection, int], None]] = {
            Verb.END: self._end,
            Verb.GOODBYE: self._goodbye,
            Verb.GARBAGE: self._spoil,
            Verb.FRAME: self._spoil,
            Verb.BYTES: self._spoil,
            Verb.LATE: self._hold_back,
            Verb.SLOW: self._pace,
            Verb.FRAGMENT: self._pace,
            Verb.DEAF: self._stop_hearing,
        }

    def happen(self, action: Action, connection: Connection, at: int) -> None:
        """Do something to a connection."""
        self._happenings[action.verb](action, connection, at)

    # ---------------------------------------------------------------- frames

    def break_up(self, action: Action, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame goes out in parts."""
        whole = websocket_frame(frame)
        half = len(whole) // 2
        match action.verb:
            case Verb.SPLIT:
                size = int(action.words[0])
                parts = [Bytes(whole[start : start + size]) for start in range(0, len(whole), size)]
                if connection.raw(*parts):
                    connection.went(frame, label, at)
                else:
                    connection.emit(frame, label, at)
            case Verb.STALL:
                if connection.raw(Bytes(whole[:half]), Late(action.seconds or 0.0), Bytes(whole[half:])):
                    connection.went(frame, label, at)
                else:
                    self._late[connection] = self._stage.seconds(at) + (action.seconds or 0.0)
                    self.emit(connection, frame, label, at)
            case _:
                end = End(action.words[0]) if action.words else End.FIN
                if not connection.raw(Bytes(whole[:half]), Cut(end)):
                    self._cut(connection, end)

    def emit(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame goes out, unless its connection is late or has vanished; only in memory this has to be decided here."""
        if connection in self._vanished:
            return
        until = self._late.get(connection)
        if until is None:
            connection.emit(frame, label, at)
        elif self._stage.seconds(at) >= until:
            del self._late[connection]
            connection.emit(frame, label, at)
        else:
            self._stage.exchange.schedule(
                self._stage.instant(until), lambda at: connection.emit(frame, label, at)
            )

    def hears(self, connection: Connection, frame: bytes | str, at: int) -> bool:
        """Whether a connection hears what its client says now. What a deaf one does not hear it hears later."""
        if connection in self._vanished:
            return False
        until = self._deaf.get(connection)
        if until is None:
            return True
        if self._stage.seconds(at) >= until:
            del self._deaf[connection]
            return True
        if until != float("inf"):
            exchange = self._stage.exchange
            exchange.schedule(self._stage.instant(until), lambda at: connection.receive(frame, at))
        return False

    # ---------------------------------------------------------------- happenings

    def _end(self, action: Action, connection: Connection, at: int) -> None:  # noqa: ARG002 (one form for all)
        end = End(action.words[0])
        if not connection.raw(Cut(end)):
            self._cut(connection, end)

    def _cut(self, connection: Connection, end: End) -> None:
        if end is End.SILENT:
            self._vanished.add(connection)
        else:
            connection.close(None)

    def _goodbye(self, action: Action, connection: Connection, at: int) -> None:  # noqa: ARG002
        """A close frame, and TCP stays open."""
        code = int(action.words[0]) if action.words else 1000
        if not connection.raw(Bytes(close_frame(code)), Cut(End.SILENT)):
            connection.close(code)

    def _spoil(self, action: Action, connection: Connection, at: int) -> None:  # noqa: ARG002
        """Bytes that are not what they should be: no client can go on after most of them."""
        harmless = action.verb is Verb.FRAME and action.words[0] in _HARMLESS
        if not connection.raw(Bytes(spoilt(action, self._stage.dice))) and not harmless:
            connection.close(None)

    def _hold_back(self, action: Action, connection: Connection, at: int) -> None:
        if not connection.raw(Late(action.seconds or 0.0)):
            self._late[connection] = self._stage.seconds(at) + (action.seconds or 0.0)

    def _pace(self, action: Action, connection: Connection, at: int) -> None:
        before, after = paced(action)
        if connection.raw(before) and action.lasts is not None:
            until = self._stage.instant(self._stage.seconds(at) + action.lasts)

            def end(_: int) -> None:
                connection.raw(after)

            self._stage.exchange.schedule(until, end)

    def _stop_hearing(self, action: Action, connection: Connection, at: int) -> None:
        if not connection.raw(Deaf(action.lasts)):
            forever = action.lasts is None
            self._deaf[connection] = (
                float("inf") if forever else self._stage.seconds(at) + (action.lasts or 0)
            )


def spoilt(action: Action, dice: Random) -> bytes:
    """The bytes of `garbage`, `frame` and `bytes`."""
    if action.verb is Verb.GARBAGE:
        return dice.randbytes(int(action.words[0]) if action.words else GARBAGE)
    return ODD_FRAMES[action.words[0]] if action.verb is Verb.FRAME else bytes.fromhex(action.words[0])


def paced(action: Action) -> tuple[Act, Act]:
    """How the bytes of a connection come from now on, and what ends that."""
    number = int(action.words[0])
    if action.verb is Verb.SLOW:
        return Slow(number), Slow(None)
    return Fragments(number, ping="ping" in action.words), Fragments(None)
