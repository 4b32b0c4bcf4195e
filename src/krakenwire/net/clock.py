"""The wall clock, which nothing here relies on: every timer is monotonic. It makes nonces, and when it jumps, consumers are told.

Whoever compares Kraken's timestamps with the clock of this machine has to know that it was set, by hand, by a time server or by waking from
sleep (a monotonic clock does not count that time).
"""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_SECONDS = 1.0
"""Between two looks at both clocks."""

JUMP_SECONDS = 0.5
"""A difference between what passed on the two clocks that is told. Clocks that are slewed drift a thousandth of that in a second."""

PAUSE_SECONDS = 0.05
"""If reading both clocks takes longer the process was interrupted between them, and nothing follows from the difference."""


class WallClock:
    """Two clocks, both in nanoseconds: `wall` since 1970, `monotonic` since any moment."""

    def __init__(
        self,
        wall: Callable[[], int] = time.time_ns,
        monotonic: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.wall = wall
        self._monotonic = monotonic
        self._offset: int | None = None

    def look(self) -> float | None:
        """Seconds that the wall clock went further than time, negative if it was set back; None if it did not jump since the last look."""
        before = self._monotonic()
        wall = self.wall()
        after = self._monotonic()
        if after - before > PAUSE_SECONDS * 1e9:
            return None
        was, self._offset = self._offset, wall - after
        if was is None:
            return None
        jump = (self._offset - was) / 1e9
        return jump if abs(jump) > JUMP_SECONDS else None
