"""What is known of a connection that belongs to the caller: what he told, and what Kraken's own messages give away."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from krakenwire.wire.control import ErrorNotice, ReplyEnvelope, StatusUpdate, SubscribeReply
from krakenwire.wire.enums import Channel
from krakenwire.wire.refusals import INVALID_SESSION

PRIVATE = frozenset({Channel.EXECUTIONS, Channel.BALANCES, Channel.LEVEL3})
"""Channels that Kraken grants to a valid token only."""


class ConnectionStatus(Struct, frozen=True):
    """The health of a connection, as far as it is known."""

    connected: bool = False
    """What the caller told last; if he never did, whether a frame came since the last `reset()`."""
    authenticated: bool = False
    """Whether Kraken took a token on this connection, as the caller told or an accepted private subscription showed."""
    system: str | None = None
    """Kraken's engine: `online`, `maintenance`, `cancel_only` or `post_only`; None before the first `status`."""
    connection_id: int | None = None
    """Kraken's number of this connection; None before its `status`."""
    last_message_at: float | None = None
    """When the last frame came, on the handler's clock, seconds; None before the first."""
    last_message_age: float | None = None
    """Seconds since then."""
    reconnects: int = 0
    """How often a connection followed one that was lost."""


class Connection:
    """Keeps the status of one connection after the other."""

    def __init__(self) -> None:
        self._told: bool | None = None
        self._lost = False
        self._frames_before = 0
        """Frames that earlier connections brought."""
        self._authenticated = False
        self._id: int | None = None
        self._system: str | None = None
        self._reconnects = 0

    def tell(self, *, connected: bool | None, authenticated: bool | None) -> None:
        """What only the owner of the socket knows. None: as before."""
        if connected is not None:
            self._told = connected
        if connected:
            self._came_back()
        if authenticated is not None:
            self._authenticated = authenticated

    def lose(self, frames: int) -> None:
        """The connection is gone, and its number and its token with it. `frames`: how many came, on this one and before."""
        self._lost = True
        self._authenticated = False
        self._id = None
        self._frames_before = frames

    def learn(self, events: Iterable[Any]) -> None:
        """What a `status`, a reply or an error says about the connection."""
        for event in events:
            if isinstance(event, StatusUpdate):
                self._on_status(event)
            elif isinstance(event, ReplyEnvelope):
                self._on_reply(event)
            elif isinstance(event, ErrorNotice) and event.text.startswith(INVALID_SESSION):
                self._authenticated = False

    def status(self, now: float, heard_at: float | None, frames: int) -> ConnectionStatus:
        """As of now. `heard_at`: when the last of so many frames came."""
        return ConnectionStatus(
            connected=frames > self._frames_before if self._told is None else self._told,
            authenticated=self._authenticated and self._told is not False,
            system=self._system,
            connection_id=self._id,
            last_message_at=heard_at,
            last_message_age=None if heard_at is None else now - heard_at,
            reconnects=self._reconnects,
        )

    def _on_status(self, event: StatusUpdate) -> None:
        self._system = event.system.value
        if event.connection_id is None:
            return
        if self._id not in {None, event.connection_id}:
            # The connection changed, and nobody told.
            self._lost, self._authenticated = True, False
        self._id = event.connection_id
        self._came_back()

    def _on_reply(self, event: ReplyEnvelope) -> None:
        if (event.error or "").startswith(INVALID_SESSION):
            self._authenticated = False
        elif isinstance(event, SubscribeReply) and not event.rejected and event.channel_name in PRIVATE:
            self._authenticated = True

    def _came_back(self) -> None:
        self._reconnects += self._lost
        self._lost = False
