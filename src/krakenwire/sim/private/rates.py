"""What orders cost of an account's allowance: a counter for each pair, filled by requests, emptied by time."""

from __future__ import annotations

from bisect import bisect_right

from msgspec import Struct

from krakenwire.sim.clock import SECOND
from krakenwire.sim.requests import Refusal
from krakenwire.wire.refusals import ORDER_RATE_LIMIT


class Tier(Struct, frozen=True):
    """How much an account may do in one pair."""

    name: str
    threshold: float
    decay: float
    """A second."""
    open_orders: int
    """In one pair, at most."""
    rest_calls: float
    """What the counter of REST calls may reach."""
    rest_decay: float
    """A second."""


STARTER = Tier("starter", 60, 1.0, 60, 15, 0.33)
INTERMEDIATE = Tier("intermediate", 125, 2.34, 80, 20, 0.5)
PRO = Tier("pro", 180, 3.75, 225, 20, 1.0)

_AGES = (5, 10, 15, 45, 90, 300)
"""Seconds at which the next bin begins; a bin holds its first instant."""
_PENALTIES = {
    "amend": (3, 2, 1, 0, 0, 0, 0),
    "edit": (6, 5, 4, 2, 1, 0, 0),
    "cancel": (8, 6, 5, 4, 2, 1, 0),
}


def penalty(deed: str, age: int) -> int:
    """What it costs to `amend`, `edit` or `cancel` an order of this age, ns since its creation or last amendment."""
    return _PENALTIES[deed][bisect_right(_AGES, age / SECOND)]


class RateCounter:
    """One counter. It decays continuously and never falls below zero."""

    def __init__(self, threshold: float, decay: float) -> None:
        self._threshold = threshold
        self._decay = decay
        self._value = 0.0
        self._at = 0

    def value(self, at: int) -> float:
        """Where it stands."""
        return max(0.0, self._value - (at - self._at) / SECOND * self._decay)

    def full(self, at: int) -> bool:
        return self.value(at) >= self._threshold

    def add(self, cost: float, at: int) -> None:
        self._value, self._at = self.value(at) + cost, at

    def charge(self, cost: float, at: int) -> None:
        """Raises: Refusal, if the threshold is reached already. The request that reaches it passes."""
        if self.full(at):
            raise Refusal(ORDER_RATE_LIMIT)
        self.add(cost, at)
