"""When to connect again: soon after the first failure, more and more patiently after that, and never so often that Kraken bans the address.

Kraken bans an address for ten minutes after about 150 attempts in ten minutes. The budget is shared by everything in the process, because
the address is.
"""

from __future__ import annotations

import random
import threading

from msgspec import Struct

from krakenwire.state.budget import Budget

RESERVED = 10
"""Attempts of the budget that only private connections may use: orders matter more than prices."""


class Waits(Struct, frozen=True, kw_only=True):
    """Seconds and counts of connecting. The defaults fit Kraken; change them for an exchange of your own."""

    connect: float = 10.0
    """For name, TCP, TLS and upgrade together."""
    write: float = 5.0
    """Until a request is on its way; a peer that does not read is given up."""
    first_retry: float = 0.25
    """The first retry comes after 0 to so many seconds."""
    retries: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
    """Later retries come after 0 to so many seconds; the last figure repeats."""
    useful: float = 30.0
    """A connection that delivered for so long makes the next retry a first one."""
    maintenance: float = 5.0
    """A retry comes no earlier while Kraken's engine is not online, or after it said that it is restarting."""
    hold: float = 600.0
    """After too many attempts, unless the answer names another time."""
    forbidden: float = 30.0
    """Between attempts that this address is not allowed."""
    forbidden_tries: int = 3
    """So many of them, then no more."""
    down: int = 10
    """Failures in a row after which a connection is called down."""
    goodbye: float = 1.5
    """For a link to end in good order; what has not ended then is cut and cancelled."""
    linger: float = 5.0
    """A connection that nothing needs any more is kept for so long."""
    stop: float = 4.0
    """For closing everything; what is left then is cut."""


class ConnectGate:
    """Who may try to connect now. One for the whole process, so that all connections share the budget and every hold; clients may run in
    several threads.
    """

    def __init__(self, *, limit: int = 100, seconds: float = 600.0) -> None:
        self._all = Budget(limit, seconds)
        self._public = Budget(max(1, limit - RESERVED), seconds)
        self._held_until = 0.0
        self._lock = threading.Lock()
        self.attempts = 0
        """Attempts since construction."""

    def spend(self, now: float, *, private: bool = False) -> float:
        """Take one attempt; returns 0, or the seconds to wait until there may be one, and then none was taken."""
        with self._lock:
            free_at = max(self._held_until, self._all.free_at(now))
            if not private:
                free_at = max(free_at, self._public.free_at(now))
            if free_at > now:
                return free_at - now
            self._all.spend(now)
            if not private:
                self._public.spend(now)
            self.attempts += 1
            return 0.0

    def left(self, now: float) -> int:
        """Attempts that anybody may make now."""
        return 0 if self._held_until > now else self._all.left(now)

    def hold(self, until: float) -> None:
        """Kraken counted too many attempts: nobody tries before then."""
        self._held_until = max(self._held_until, until)


PROCESS_GATE = ConnectGate()
"""The gate of everything that is given none of its own. Its clock is that of the event loop, which is one for a machine."""


class Backoff:
    """How long one connection waits. `failures` counts those since it last was useful."""

    def __init__(self, waits: Waits, dice: random.Random) -> None:
        self._waits = waits
        self._dice = dice
        self.failures = 0

    def next(self, *, floor: float = 0.0) -> float:
        """Seconds until the next attempt, after one more failure. Full jitter: anything from 0, so that many that fell together rise
        apart.
        """
        waits = self._waits
        steps = (waits.first_retry, *waits.retries)
        most = steps[min(self.failures, len(steps) - 1)]
        self.failures += 1
        return floor + self._dice.uniform(0.0, most)

    def useful(self) -> None:
        """The connection stood and delivered for long enough."""
        self.failures = 0
