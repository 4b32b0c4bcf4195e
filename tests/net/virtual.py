"""An event loop whose time is the test's own: nothing waits for real, and an hour takes as long as what happens in it.

When nothing is ready the clock jumps to the next timer. When there is no timer either, nothing will ever happen again, and that is an
error.
"""

from __future__ import annotations

import asyncio
import selectors
import traceback
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


class _Jumping(selectors.BaseSelector):
    """The real selector, asked without waiting; where it would wait, time passes."""

    def __init__(self) -> None:
        self._real = selectors.DefaultSelector()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = self._real.select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            raise RuntimeError("nothing is scheduled: everybody waits for ever")
        self.now += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop that starts at time zero."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)
        self.troubles: list[str] = []
        """What the loop complained about: an exception nobody saw, a task that was lost."""
        self.set_exception_handler(self._complained)

    def time(self) -> float:
        return self._jumping.now

    def _complained(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        trace = "" if error is None else "".join(traceback.format_exception(error))
        self.troubles.append(f"{context.get('message')} {trace}")

    def stand_still(self, seconds: float) -> None:
        """Let time pass in which nothing in this process could run."""
        self._jumping.now += seconds


def run(main: Coroutine[Any, Any, T], *, debug: bool = False) -> T:
    """Run to the end on virtual time.

    Raises: AssertionError, if a task is left behind or the loop complained.
    """
    loop = VirtualLoop()
    loop.set_debug(debug)
    try:
        result = loop.run_until_complete(main)
        left = [task.get_name() for task in asyncio.all_tasks(loop)]
        assert left == [], left
        loop.run_until_complete(loop.shutdown_asyncgens())
        assert loop.troubles == [], "\n".join(loop.troubles)
        return result
    finally:
        loop.close()
