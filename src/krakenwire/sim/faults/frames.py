"""What becomes of a frame that a fault takes, and of those behind it."""

from __future__ import annotations

from krakenwire.sim.connection import Connection, ConnectionId
from krakenwire.sim.faults.below import Below
from krakenwire.sim.faults.damage import DAMAGES, truncated
from krakenwire.sim.faults.stage import Stage, nanoseconds
from krakenwire.sim.faults.statement import IN_PARTS, Action, Verb
from krakenwire.sim.feeds.feed import Label


class Frames:
    """Frames that are kept, late or held, by connection."""

    def __init__(self, stage: Stage, below: Below) -> None:
        self._stage = stage
        self._below = below
        self._held: dict[ConnectionId, float] = {}
        self._swapped: dict[tuple[ConnectionId, Action], tuple[bytes, Label]] = {}

    def suffer(self, action: Action, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """An action takes this frame."""
        self._stage.tell(action, connection, label, at)
        dice = self._stage.dice
        match action.verb:
            case Verb.DROP:
                pass
            case Verb.DUPLICATE:
                self.emit(connection, frame, label, at)
                self.emit(connection, frame, label, at)
            case Verb.SWAP:
                self._swap(action, connection, frame, label, at)
            case Verb.DELAY:
                self._later(connection, frame, label, at + nanoseconds(action.seconds))
            case Verb.HOLD:
                until = self._stage.seconds(at) + (action.seconds or 0.0)
                self._held[connection.id] = max(until, self._held.get(connection.id, 0.0))
                self.emit(connection, frame, label, at)
            case Verb.TRUNCATE:
                self.emit(connection, truncated(frame, dice), label, at)
            case Verb.CORRUPT:
                self.emit(connection, DAMAGES[action.words[0]](frame, dice), label, at)
            case verb if verb in IN_PARTS:
                self._below.break_up(action, connection, frame, label, at)
            case _:
                self.emit(connection, (action.text or "").encode(), label, at)

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """No action takes this frame; it may be what a swapped one waits for."""
        self.emit(connection, frame, label, at)
        if self._swapped:
            self._bring_swapped(connection, label, at)

    def emit(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame goes out, now or when what is held does."""
        held = self._held.get(connection.id)
        if held is not None and self._stage.seconds(at) < held:
            self._later(connection, frame, label, self._stage.instant(held))
            return
        if held is not None:
            del self._held[connection.id]
        self._below.emit(connection, frame, label, at)

    def _swap(self, action: Action, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """Keep a frame until the next one; if one is kept already, this is the next one."""
        before = self._swapped.pop((connection.id, action), None)
        if before is None:
            self._swapped[connection.id, action] = (frame, label)
            return
        self.emit(connection, frame, label, at)
        self.emit(connection, *before, at)

    def _bring_swapped(self, connection: Connection, label: Label, at: int) -> None:
        for key in [key for key in self._swapped if key[0] == connection.id]:
            if key[1].target is not None and key[1].target.covers(label):
                self.emit(connection, *self._swapped.pop(key), at)

    def _later(self, connection: Connection, frame: bytes, label: Label, until: int) -> None:
        self._stage.exchange.schedule(until, lambda at: self._below.emit(connection, frame, label, at))
