"""How long a session waits and how often it asks. Every figure can be set; the defaults are those of the fault matrix."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from krakenwire.errors import UsageError


class DisputePolicy(StrEnum):
    """What becomes of a book whose checksum is wrong after every resync."""

    HOLD = "hold"
    """Nobody can read it until a snapshot proves it."""
    SERVE_UNVERIFIED = "serve_unverified"
    """It is followed and served with `verified=False`."""
    STOP = "stop"
    """It is unsubscribed and closed."""


class Limits(Struct, frozen=True, kw_only=True):
    """Seconds and counts. A session looks at its timers only in `tick`."""

    quiet: float = 3.0
    """Seconds of silence after which a `ping` asks whether the peer is there."""
    dead: float = 5.0
    """Seconds of silence after which the connection is given up."""
    ack: float = 5.0
    """Seconds for every reply to a request."""
    snapshot: float = 10.0
    """Seconds from a granted subscription to its snapshot."""
    resyncs: int = 3
    """Resyncs of one symbol within `resync_seconds`; beyond it the book is disputed."""
    resyncs_connection: int = 30
    """Resyncs of all symbols of a channel within `resync_seconds`; beyond it they wait."""
    level3_resyncs: int = 2
    """As `resyncs`, for level3: its subscriptions cost a rate counter."""
    level3_resyncs_connection: int = 10
    """As `resyncs_connection`, for level3."""
    resync_seconds: float = 60.0
    retry_seconds: tuple[float, ...] = (60.0, 120.0, 300.0)
    """Seconds until a disputed book is tried again; the last figure repeats."""
    rate_seconds: float = 1.0
    """Seconds to wait after Kraken refused a request for its rate or the state of its engine; doubled each time, up to a minute."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            for number in value if isinstance(value, tuple) else (value,):
                if not number > 0:
                    raise UsageError("must be more than 0", field=name)
        if not self.retry_seconds:
            raise UsageError("must name at least one wait", field="retry_seconds")
        if self.quiet >= self.dead:
            raise UsageError("must be less than dead", field="quiet")
