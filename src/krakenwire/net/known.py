"""What a link and its connection tell each other and the client: events, endings, and what is learnt from one link for the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from krakenwire.errors import KrakenWireError
from krakenwire.handler.counts import ChannelTimes
from krakenwire.net.consumers import Inbox
from krakenwire.net.lag import Lag
from krakenwire.net.watch import Watch
from krakenwire.session import Session
from krakenwire.state.budget import Budget

BLAMED_TIMES = 2
BLAMED_SECONDS = 300.0
"""How often one subscription's trouble may cost a connection on which others are well."""


class Hub(Protocol):
    """What a link tells the client."""

    @property
    def publish(self) -> Callable[[list[Any]], None]:
        """Hands events to whoever wants them. Never waits."""

    def settled(self, events: list[Any]) -> list[Any]:
        """What an answer came to, as it is to be told: a subscription that this connection has no room for may go to another."""

    def refused(self, frame: bytes) -> None:
        """A frame of which nothing could be used."""

    def note(self, error: KrakenWireError) -> None:
        """Something went wrong that is tried again."""

    @property
    def blocking(self) -> list[Inbox]:
        """Consumers for whom the reader waits when they are full."""

    async def room(self) -> None:
        """Wait until none of them is full."""


class End(Exception):
    """Why a link ends. `gone`: there is nobody to say goodbye to. `error`: and nothing is tried again. `closed`: the client was closed."""

    def __init__(
        self, reason: str, *, gone: bool = False, error: KrakenWireError | None = None, closed: bool = False
    ) -> None:
        super().__init__(reason)
        self.closed = closed
        self.reason = reason
        self.gone = gone
        self.error = error


class Known:
    """What a connection learns from its links and keeps from one to the next."""

    def __init__(self, name: str, session: Session) -> None:
        self.system: str | None = None
        """State of Kraken's engine; None before the first `status`."""
        self.counts: dict[str, ChannelTimes] = {}
        self.errors = 0
        """Frames of which nothing could be used."""
        self.stalls = 0
        """How often the event loop stood still for a quarter of a second or longer."""
        self.lag = Lag(name)
        self.watch = Watch(session)
        self.blamed = Budget(BLAMED_TIMES, BLAMED_SECONDS)
        self.isolated = False
        """Whether it has one disputed book and nothing else, so that its trouble is expected, and no reason to connect again and again."""
