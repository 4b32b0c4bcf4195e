"""What may be done in a market, by the status of the engine and of the pair."""

from __future__ import annotations

from msgspec import Struct

from krakenwire.wire.enums import PairStatus, SystemStatus
from krakenwire.wire.refusals import CANCEL_ONLY_MODE, POST_ONLY_MODE, SERVICE_UNAVAILABLE


class Mode(Struct, frozen=True):
    """What is allowed, and the words in which the rest is refused."""

    places: bool
    """New orders and amendments at all."""
    takes: bool
    """Orders that meet resting ones. False: only post-only limit orders."""
    markets: bool
    """Orders without a limit."""
    cancels: bool
    refusal: str | None = None


ONLINE = Mode(places=True, takes=True, markets=True, cancels=True)
CANCEL_ONLY = Mode(places=False, takes=False, markets=False, cancels=True, refusal=CANCEL_ONLY_MODE)
POST_ONLY = Mode(places=True, takes=False, markets=False, cancels=True, refusal=POST_ONLY_MODE)
LIMIT_ONLY = Mode(
    places=True, takes=True, markets=False, cancels=True, refusal="EService:Market in limit_only mode"
)
CLOSED = Mode(places=False, takes=False, markets=False, cancels=False, refusal=SERVICE_UNAVAILABLE)

_SYSTEM = {
    SystemStatus.ONLINE: ONLINE,
    SystemStatus.CANCEL_ONLY: CANCEL_ONLY,
    SystemStatus.POST_ONLY: POST_ONLY,
    SystemStatus.MAINTENANCE: CLOSED,
}
_PAIR = {
    PairStatus.ONLINE: ONLINE,
    PairStatus.CANCEL_ONLY: CANCEL_ONLY,
    PairStatus.POST_ONLY: POST_ONLY,
    PairStatus.LIMIT_ONLY: LIMIT_ONLY,
    # Reduce-only concerns positions; without them nothing new may be placed.
    PairStatus.REDUCE_ONLY: CANCEL_ONLY,
    PairStatus.MAINTENANCE: CLOSED,
    PairStatus.WORK_IN_PROGRESS: CLOSED,
    PairStatus.DELISTED: CLOSED,
}


def mode_of(system: SystemStatus, pair: PairStatus) -> Mode:
    """The stricter of the two. A status that is not known closes the market."""
    modes = (_SYSTEM.get(system, CLOSED), _PAIR.get(pair, CLOSED))
    return min(modes, key=lambda mode: (mode.cancels, mode.places, mode.takes, mode.markets))
