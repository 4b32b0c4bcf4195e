"""A time limit for a coroutine that costs nothing until the coroutine suspends.

Most callbacks never wait for anything; `asyncio.timeout` for each of them would cost more than everything else a frame needs. So a
callback's coroutine is driven in the caller's own task, and only if it suspends is there an object, and a timer, for the rest of it.
It is not moved to a task of its own: `asyncio.timeout` and `TaskGroup` inside it belong to the task they were entered in.

When the time is up the task is cancelled, as `asyncio.timeout` does it: the coroutine may clean up, and may even await something, for as
long again. After that it is closed by force.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from inspect import CO_ITERABLE_COROUTINE
from types import CoroutineType, GeneratorType
from typing import Any

from krakenwire.errors import UsageError

DONE = object()
"""What `next` gives for a coroutine that ended without suspending."""

EXPIRED = TimeoutError()
"""Went wrong: the time was up. Compare by identity; the coroutine may raise a `TimeoutError` of its own."""


class Rest:
    """What is left of a coroutine that has suspended.

    Await it, once, in the task in which the coroutine began: it gives what went wrong, or None. It raises only what is not the
    coroutine's own doing: the cancellation of the caller, and what ends the program. A cancellation of the caller always comes
    through, whatever the coroutine makes of it.
    """

    __slots__ = ("_cancelled", "_coroutine", "_expired", "_seconds", "_timer", "_waiting")

    def __init__(
        self, coroutine: Coroutine[Any, Any, object], waiting: object, seconds: float | None
    ) -> None:
        self._coroutine = coroutine
        self._waiting = waiting
        self._seconds = seconds
        self._cancelled = False
        self._expired = 0
        self._timer: asyncio.TimerHandle | None = None

    def __await__(self) -> Generator[Any, Any, BaseException | None]:
        task = _current_task()
        if task is None:
            self._coroutine.close()
            return RuntimeError("a callback can wait only in a task of asyncio")
        before = task.cancelling()
        self._arm(task)
        failure = None
        try:
            yield from self._drive()
        except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 (it is the answer)
            failure = exc
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for _ in range(self._expired):
                task.uncancel()
        if self._cancelled and task.cancelling() > before:
            if isinstance(failure, asyncio.CancelledError):
                raise failure
            raise asyncio.CancelledError from failure
        return EXPIRED if self._expired else failure

    def _drive(self) -> Generator[Any, Any, None]:
        try:
            while True:
                try:
                    value = yield self._waiting
                except BaseException as exc:  # noqa: BLE001 (handed on to the coroutine, which decides)
                    if isinstance(exc, asyncio.CancelledError):
                        self._cancelled = True
                        if self._expired > 1:
                            self._coroutine.close()
                            return
                    self._waiting = self._coroutine.throw(exc)
                else:
                    self._waiting = self._coroutine.send(value)
        except StopIteration:
            return

    def _arm(self, task: asyncio.Task[Any]) -> None:
        if self._seconds is not None:
            self._timer = task.get_loop().call_later(self._seconds, self._expire, task)

    def _expire(self, task: asyncio.Task[Any]) -> None:
        self._expired += 1
        self._timer = None
        if self._expired == 1:
            self._arm(task)
        task.cancel()


def begin(result: object, seconds: float | None) -> Rest | None:
    """Run what a callback returned up to its first suspension. None: it is finished, or it was nothing to await."""
    if type(result) is CoroutineType:
        coroutine: Coroutine[Any, Any, object] = result
    elif is_awaitable(result):
        coroutine = _await(result)
    else:
        return None
    # `next` with a default costs half of what `send` with its StopIteration does.
    waiting = next(coroutine.__await__(), DONE)
    return None if waiting is DONE else Rest(coroutine, waiting, seconds)


def refuse(result: object, _seconds: float | None) -> None:
    """The same where nothing can be awaited. A future or task is under way by itself; anything else would never run.

    Raises: UsageError.
    """
    if isinstance(result, CoroutineType):
        result.close()
    elif asyncio.isfuture(result) or not is_awaitable(result):
        return
    raise UsageError("returned something to await, which process() cannot; await process_message() instead")


def is_awaitable(result: object) -> bool:
    """Whether it can be awaited: a coroutine, a future, a task, anything with `__await__`."""
    if isinstance(result, GeneratorType):
        return bool(result.gi_code.co_flags & CO_ITERABLE_COROUTINE)
    return hasattr(type(result), "__await__")


async def _await(awaitable: Any) -> None:
    await awaitable


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None
