"""What is known of each connection, as a value to keep."""

from __future__ import annotations

from msgspec import Struct

from krakenwire.events import ConnectionState
from krakenwire.net.connection import Connection
from krakenwire.net.plan import Role


class ConnectionInfo(Struct, frozen=True):
    """One connection, as of now."""

    name: str
    role: str
    """`public`, `private` or `level3`."""
    state: ConnectionState
    reason: str
    """Why it is not connected."""
    system: str | None
    """Kraken's engine, by its last word; None before the first `status`."""
    connected_for: float | None
    """Seconds; None while it is not."""
    heard_age: float | None
    """Seconds since the last message; None while it is not connected."""
    failures: int
    """In a row."""
    retry_in: float | None
    """Seconds until the next attempt; None if none is due."""
    connects: int
    """Links opened so far."""
    subscriptions: int
    rate: float
    """Requests a second that it allows itself."""
    lag: float | None
    """Seconds that data comes later than at its best; None before it is known."""


def info(connection: Connection, role: Role, now: float) -> ConnectionInfo:
    """What is known of a connection now."""
    since, retry_at = connection.connected_at, connection.retry_at
    return ConnectionInfo(
        name=connection.name,
        role=role.value,
        state=connection.state,
        reason=connection.reason,
        system=connection.known.system,
        connected_for=None if since is None else now - since,
        heard_age=None if since is None else now - max(since, connection.session.heard_at),
        failures=connection.failures,
        retry_in=None if retry_at is None else max(0.0, retry_at - now),
        connects=connection.connects,
        subscriptions=len(connection.session.desk.subscriptions),
        rate=connection.pacer.rate,
        lag=connection.known.lag.seconds,
    )
