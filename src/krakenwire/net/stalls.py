"""Notices from outside when the event loop stands still, and what it stands in.

Nothing inside a loop can tell that the loop is blocked, so a thread asks it a few times a second to take note of the time. Where no answer
comes, the stack of the loop's thread is what blocks it. If this thread could not run either, the whole process stood still (suspended, out
of processor time, or in code that lets no other thread run), which is nobody's callback.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
import threading
import time
import traceback

from krakenwire.errors import UsageError
from krakenwire.handler.counts import Throttle

logger = logging.getLogger("krakenwire")

STALL_SECONDS = 0.25
"""A loop that does not answer for so long is blocked."""

LOOKS = 4
"""Looks in that time. What lasts longer by one look is always noticed; what is shorter than the limit never is."""

STOP_SECONDS = 0.25
"""For the thread to end. It may be writing to a log that nobody reads, and closing must not wait for that."""

FRAMES_TOLD = 12
"""Innermost frames of the stack."""


class Stalls:
    """Watches the loop in whose thread it is started. The counts may be read from any thread."""

    def __init__(self, limit: float = STALL_SECONDS) -> None:
        self._limit = limit
        self._throttle = Throttle()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._asked_at: float | None = None
        """When the loop was asked; None once it has answered."""
        self._told = False
        """Whether the stall that lasts has been counted."""
        self.blocked = 0
        """How often something in the loop let nothing else run."""
        self.blocked_seconds = 0.0
        self.paused = 0
        """How often the whole process stood still."""
        self.paused_seconds = 0.0

    @classmethod
    def wanted(cls, limit: float | None) -> Stalls | None:
        """As the option `stall_limit` of a client asks for; None: nobody watches.

        Raises: UsageError, if it is no time.
        """
        if limit is not None and not limit > 0:
            raise UsageError("must be more than 0 seconds, or None for no watch", field="stall_limit")
        return None if limit is None else cls(limit)

    def start(self) -> None:
        """Watch from now on. In the loop's thread."""
        self._thread = threading.Thread(
            target=self._watch,
            args=(asyncio.get_running_loop(), threading.get_ident()),
            name="krakenwire stalls",
            daemon=True,
        )
        self._thread.start()

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()
        if self._thread is not None:
            self._thread.join(STOP_SECONDS)

    def _watch(self, loop: asyncio.AbstractEventLoop, thread: int) -> None:
        look = self._limit / LOOKS
        last = time.monotonic()
        while not self._over.wait(look):
            now = time.monotonic()
            if now - last > self._limit:
                self._was_paused(now - last, now)
            last = now
            if self._asked_at is None:
                self._asked_at = now
                try:
                    loop.call_soon_threadsafe(self._answer)
                except RuntimeError:
                    return  # the loop is closed
            elif now - self._asked_at > self._limit and not self._told:
                self._tell(thread, now)

    def _answer(self) -> None:
        """In the loop: it turns."""
        asked, self._asked_at = self._asked_at, None
        seconds = 0.0 if asked is None else time.monotonic() - asked
        if seconds > self._limit:
            self.blocked += not self._told
            self.blocked_seconds += seconds
        self._told = False

    def _was_paused(self, seconds: float, now: float) -> None:
        self.paused += 1
        self.paused_seconds += seconds
        if self._asked_at is not None:
            self._asked_at = now  # the loop had no chance to answer
        count = self._throttle.admit("paused", now)
        if count:
            logger.warning("the whole process stood still for %.2f s (%d such pauses)", seconds, count)

    def _tell(self, thread: int, now: float) -> None:
        stack = stack_of(thread)
        if self._asked_at is None:
            return  # it ended meanwhile, so the stack shows something else
        self._told = True
        self.blocked += 1
        count = self._throttle.admit(tuple(stack[:1]), now)
        if count:
            logger.warning(
                "the event loop is blocked for more than %g s, in %s (%d such stalls since the last such line)",
                self._limit,
                " < ".join(stack),
                count,
            )


def stack_of(thread: int) -> list[str]:
    """Where a thread is now, innermost first: file, line and function of each frame, and no value of any variable."""
    frame = sys._current_frames().get(thread)
    if frame is None:
        return []
    walk = itertools.islice(traceback.walk_stack(frame), FRAMES_TOLD)
    return [f"{each.f_code.co_filename}:{line} {each.f_code.co_name}" for each, line in walk]
