"""The time of a served exchange: it follows the real one, at its own speed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from krakenwire.sim.exchange import Exchange

PACE = 0.001
"""Real seconds between two looks at what is due, at least."""

CROWDED = 0.01
"""Real seconds until a slow reader is looked at again."""

SLICE = 0.05
"""Seconds of work that market is made at once, about: after a pause or under too much work, clients are heard in between."""


class Pace:
    """Moves time and hands out what there is.

    `hand_out`: gives clients what waits for them, and tells whether frames still wait for a slow reader.
    """

    def __init__(self, exchange: Exchange, speed: float, hand_out: Callable[[], bool]) -> None:
        self._exchange = exchange
        self._speed = speed
        self._hand_out = hand_out
        self._due = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop
        self._began = 0.0
        self._step = SLICE
        """Seconds of market that are made at once, at most: as many as this machine makes in a slice, learnt on the way."""
        self.now = 0.0
        """The present, in seconds since the exchange began."""

    def begin(self) -> None:
        """From now on time passes."""
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time() - self.now / self._speed

    def wake(self) -> None:
        """Something may be due earlier now."""
        self._due.set()

    def look(self) -> float:
        """Bring the exchange to the present, which is returned; what follows from that is handed out at once."""
        self.move()
        self._exchange.advance(self.now)
        self._due.set()
        return self.now

    def move(self) -> float:
        """Bring the present nearer to the real one, which is returned: all the way, unless much is due on it."""
        real = (self._loop.time() - self._began) * self._speed
        due = self._exchange.deadline
        limit = real if due is None else max(due, self.now) + self._step
        self.now = max(self.now, min(real, limit))
        return real

    async def run(self) -> None:
        """For ever."""
        while True:
            self._due.clear()
            real = self.move()
            # The thread's own time: on a busy machine the clock runs on while nothing is made.
            began = time.thread_time()
            self._exchange.advance(self.now)
            slow = time.thread_time() - began > SLICE
            self._step = self._step / 2 if slow else min(2 * self._step, SLICE * self._speed)
            crowded = self._hand_out()
            due = self._exchange.deadline
            wait = None if due is None else (due - self.now) / self._speed
            if crowded:
                wait = CROWDED if wait is None else min(wait, CROWDED)
            if self.now < real or (wait is not None and wait <= PACE):
                await asyncio.sleep(PACE)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._due.wait()
