"""Whether a client has what it was asked for: every wanted subscription can be read, or was refused for good."""

from __future__ import annotations

import math
from collections.abc import Iterator

from msgspec import Struct

from krakenwire.events import ConnectionState
from krakenwire.net.connection import Connection
from krakenwire.net.measures import Measures
from krakenwire.state.book import BookStatus
from krakenwire.state.subscriptions import Phase, Wish

NAMED = 1_000
"""Subscriptions that an answer names; of further ones it tells the number."""


class Waiting(Struct, frozen=True):
    """A subscription that is wanted and cannot be read now."""

    channel: str
    symbol: str | None
    why: str


class Readiness(Struct, frozen=True):
    """Whether everything wanted can be read; made for JSON."""

    ready: bool
    subscriptions: int
    """Those that are wanted."""
    live: int
    refused: int
    """Subscriptions that Kraken refused for good; they are not wanted any more."""
    waiting: tuple[Waiting, ...]
    """Those that cannot be read, the first thousand of them."""


def readiness(measures: Measures) -> Readiness:
    """As of now."""
    wanted, waiting = 0, []
    for connection, wish in wishes(measures):
        wanted += 1
        why = obstacle(connection, wish)
        if why is not None:
            waiting.append(Waiting(wish.channel, wish.symbol, why))
    return Readiness(
        ready=not waiting,
        subscriptions=wanted,
        live=wanted - len(waiting),
        refused=measures.facts.refused.total(),
        waiting=tuple(waiting[:NAMED]),
    )


def wishes(measures: Measures) -> Iterator[tuple[Connection, Wish]]:
    """Every wanted subscription, with the connection it belongs to."""
    for made in measures.connections.values():
        for connection in made:
            for wish in connection.session.desk.subscriptions:
                if wish.wanted:
                    yield connection, wish


def obstacle(connection: Connection, wish: Wish) -> str | None:
    """Why a subscription cannot be read now; None if it can."""
    if connection.state is not ConnectionState.CONNECTED:
        return (
            f"{connection.state.value}: {connection.reason}" if connection.reason else connection.state.value
        )
    if wish.phase is not Phase.SUBSCRIBED or wish.again:
        return "subscribing"
    if wish.snapshot_by < math.inf:
        return "no snapshot yet"
    if wish.symbol is not None and wish.channel in {"book", "level3"}:
        book = connection.session.books.get(wish.channel, wish.symbol)
        if book is None or book.status is not BookStatus.LIVE:
            return "no book" if book is None else f"{book.status.value}: {book.reason}"
    return None
