"""How often an address may connect: about 150 times in ten minutes; then it is banned for ten minutes."""

from __future__ import annotations

from collections import deque

from krakenwire.sim.clock import SECOND

PERIOD = 600 * SECOND
ADDRESSES_KEPT = 10_000
"""Addresses remembered; the ones heard of longest ago are forgotten first."""


class Door:
    """Attempts to connect, by address."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._attempts: dict[str, deque[int]] = {}
        self._banned: dict[str, int] = {}

    def knock(self, address: str, at: int) -> int | None:
        """An attempt to connect: None if it may, else how long the ban lasts, ns. An attempt during a ban does not prolong it."""
        until = self._banned.get(address, at)
        if until > at:
            return until - at
        self._banned.pop(address, None)
        attempts = self._attempts.pop(address, None) or deque()
        self._attempts[address] = attempts
        while attempts and attempts[0] <= at - PERIOD:
            attempts.popleft()
        if len(attempts) >= self.limit:
            attempts.clear()
            self._banned[address] = at + PERIOD
            return PERIOD
        attempts.append(at)
        for known in (self._attempts, self._banned):
            if len(known) > ADDRESSES_KEPT:
                del known[next(iter(known))]
        return None
