"""A time limit for a coroutine that costs nothing until the coroutine suspends.

Most callbacks never wait for anything; `asyncio.timeout` for each of them would cost more than everything else a frame needs. So the
coroutine is driven in the caller's own task, and the timer is armed only when it suspends for the first time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class Limited:
    """Await a coroutine for at most `seconds`.

    Raises: TimeoutError when the time is up and the coroutine was cancelled; else whatever the coroutine raises.
    """

    __slots__ = ("_coroutine", "_expired", "_seconds")

    def __init__(self, coroutine: Coroutine[Any, Any, object], seconds: float) -> None:
        self._coroutine = coroutine
        self._seconds = seconds
        self._expired = False

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            waiting = self._coroutine.send(None)
        except StopIteration:
            return
        task = asyncio.current_task()
        timer = asyncio.get_running_loop().call_later(self._seconds, self._expire, task)
        try:
            while True:
                try:
                    value = yield waiting
                except BaseException as exc:  # noqa: BLE001 (handed on to the coroutine, which decides)
                    waiting = self._coroutine.throw(exc)
                else:
                    waiting = self._coroutine.send(value)
        except StopIteration:
            # It ended after all, perhaps by taking our cancellation for an answer.
            if self._expired and task is not None:
                task.uncancel()
                raise TimeoutError from None
        except asyncio.CancelledError:
            # Ours only if nobody else cancelled the task as well.
            if self._expired and task is not None and task.uncancel() <= 0:
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    def _expire(self, task: asyncio.Task[Any] | None) -> None:
        self._expired = True
        if task is not None:
            task.cancel()
