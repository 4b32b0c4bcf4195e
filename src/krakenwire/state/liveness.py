"""Whether the other side is still there, by what was heard of it and when.

Kraken sends a heartbeat about once a second once anything is subscribed, so silence is told from quiet within seconds. A pause of the
caller is not Kraken's silence: what waits unread in the socket was said in time.
"""

from __future__ import annotations

import math


class Liveness:
    """When to ask whether the peer is alive, and when to give it up. Watches only once something is subscribed."""

    __slots__ = ("_asked", "_dead", "_quiet", "_told", "since", "watching")

    def __init__(self, *, quiet: float, dead: float, now: float) -> None:
        self._quiet = quiet
        self._dead = dead
        self.since = now
        """From when on silence counts: the last frame, or the end of the caller's own pause."""
        self.watching = False
        self._asked = False
        self._told = False

    @property
    def deadline(self) -> float:
        """When to look again; infinite while nothing is watched or everything is said."""
        if not self.watching or self._told:
            return math.inf
        return self.since + (self._dead if self._asked else self._quiet)

    def heard(self, now: float) -> None:
        """Something came, or the caller was away until now."""
        self.since = now
        self._asked = self._told = False

    def quiet(self, now: float) -> bool:
        """True once in every silence: it is time to ask with a `ping`."""
        if not self.watching or self._asked or now < self.since + self._quiet:
            return False
        self._asked = True
        return True

    def dead(self, now: float) -> bool:
        """True once in every silence: the peer is to be given up."""
        if not self.watching or self._told or now < self.since + self._dead:
            return False
        self._told = True
        return True
