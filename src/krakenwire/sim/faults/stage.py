"""What every fault has at hand: the exchange it acts on, its dice, and the log into which it is written."""

from __future__ import annotations

from random import Random

from krakenwire.sim.clock import SECOND
from krakenwire.sim.connection import Connection
from krakenwire.sim.exchange import Exchange
from krakenwire.sim.faults.statement import Action
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.truth import TruthLog


class Stage:
    """Where a script plays."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.installed: Exchange | None = None

    @property
    def exchange(self) -> Exchange:
        """The exchange."""
        assert self.installed is not None  # noqa: S101 (nothing acts before `install`)
        return self.installed

    def connections(self, action: Action, connection: Connection | None) -> list[Connection]:
        """Whom it concerns: the connection whose frame triggered it, else all, as far as the host is right."""
        chosen = list(self.exchange.connections.values()) if connection is None else [connection]
        return [each for each in chosen if action.host in {None, each.host} and each.closing is None]

    def tell(self, action: Action, connection: Connection | None, label: Label | None, at: int) -> None:
        """Write into the truth log that an action acted."""
        if isinstance(self.exchange.truth, TruthLog):
            self.exchange.truth.faulted(str(action), connection, label, at)

    def seconds(self, at: int) -> float:
        """An instant in seconds since the exchange began."""
        return (at - self.exchange.epoch) / SECOND

    def instant(self, seconds: float) -> int:
        """The other way round."""
        return self.exchange.epoch + round(seconds * SECOND)


def nanoseconds(seconds: float | None) -> int:
    """A time of a script; without one, none."""
    return round((seconds or 0.0) * SECOND)
