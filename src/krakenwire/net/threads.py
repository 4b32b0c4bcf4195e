"""Calling what blocks, in a thread that nobody ever has to wait for.

The threads of the event loop's own pool are joined when the program ends: one that hangs would hold it up for ever.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Threads:
    """Runs blocking calls in daemon threads, at most `limit` at one time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running = 0

    async def call(self, function: Callable[[], T]) -> T:
        """What the function returns or raises. A cancelled call is left to itself.

        Raises: OSError, if too many calls hang.
        """
        if self._running >= self._limit:
            raise OSError(f"{self._limit} calls before this one hang")
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[T] = loop.create_future()
        self._running += 1
        threading.Thread(target=self._run, args=(loop, outcome, function), daemon=True).start()
        return await outcome

    def _run(
        self, loop: asyncio.AbstractEventLoop, outcome: asyncio.Future[T], function: Callable[[], T]
    ) -> None:
        try:
            result = function()
        except Exception as exc:  # noqa: BLE001 (it is the answer)
            tell, told = outcome.set_exception, exc
            # A StopIteration cannot be raised into a coroutine.
            failed = RuntimeError(repr(exc)) if isinstance(told, StopIteration) else told
            finish: Callable[[], None] = lambda: tell(failed)  # noqa: E731 (one line, used once)
        else:
            finish = lambda: outcome.set_result(result)  # noqa: E731
        try:
            loop.call_soon_threadsafe(self._told, outcome, finish)
        except RuntimeError:
            self._running -= 1  # the loop is gone, and with it whoever wanted to know

    def _told(self, outcome: asyncio.Future[T], finish: Callable[[], None]) -> None:
        self._running -= 1
        if not outcome.done():
            finish()
