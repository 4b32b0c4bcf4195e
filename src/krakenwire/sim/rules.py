"""How the simulated exchange treats its clients."""

from __future__ import annotations

from msgspec import Struct


class Rules(Struct, frozen=True, kw_only=True):
    """How the exchange treats its clients. Kraken publishes few of these figures."""

    snapshot_delay: tuple[float, float] = (0.013, 0.1)
    """Seconds from an acknowledgement to its snapshot: from, to. Recordings show 0.013 to 0.47."""
    heartbeat_always: bool = True
    """Heartbeats come whatever else comes, as recordings show. False: only after a second without data, as the documents say."""
    idle_limit: float = 60.0
    """Seconds after which a connection is closed that holds no subscription and asks nothing."""
    message_rate: float | None = None
    """Requests a second that a connection may make for long; None: as many as it likes."""
    message_burst: int = 50
    """Requests at once."""
    connects: int = 150
    """Connections that an address may make in ten minutes before it is banned for as long."""
    outgoing_limit: int = 1_000_000
    """Frames that wait for a client; one more and he is cut off. What Kraken does with a client who does not read is not known."""
    level3_symbols: int = 200
    """Symbols of a level3 connection."""
    level3_rate: int = 200
    """What the level3 subscriptions of one second may cost: 5, 25 or 100 a symbol, by depth. 500 for professional accounts."""
    version: str = "2.0.10"
    """Build of the service, as `status` tells it."""
