"""Callbacks behind queues: one task each, so that a slow one costs nobody else anything, and the reader least of all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from krakenwire.errors import KrakenWireError, UsageError
from krakenwire.handler.reports import Reports
from krakenwire.handler.routes import ALIASES, KINDS, Callback, check_callable, name_of
from krakenwire.handler.timeout import begin
from krakenwire.net.consumers import EVENTS_IN_A_ROW, TURN_SECONDS, Inbox, Queues
from krakenwire.net.router import Router

ERROR = "error"
REFUSED_FRAME = "refused_frame"

SLOW_SECONDS = 0.1
"""A callback that lets nothing else run for so long is reported."""


class CallTimes:
    """The calls of every callback of one name. An event loop has its turn between two sums, so they are up to a millisecond behind."""

    __slots__ = ("calls", "seconds")

    def __init__(self) -> None:
        self.calls = 0
        self.seconds = 0.0
        """In callbacks, time that they awaited something included."""


class CallbackTask:
    """Takes events out of an inbox and calls one function with each, awaiting it within its time."""

    def __init__(
        self,
        callback: Callback,
        inbox: Inbox,
        *,
        timeout: float | None,
        slow: float,
        reports: Reports,
        times: CallTimes,
        tell: Callable[[KrakenWireError], None],
    ) -> None:
        self.callback = callback
        self.inbox = inbox
        self._timeout = timeout
        self._slow = slow
        self._reports = reports
        self._times = times
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self.task = self._loop.create_task(self._run(), name=f"krakenwire {name_of(callback)}")

    async def _run(self) -> None:
        while True:
            try:
                event = await self.inbox.get()
            except StopAsyncIteration:
                return
            await self._deliver(event)

    async def _deliver(self, event: Any) -> None:
        """Call with an event and with all that wait behind it. The clock is read once for each: the end of one call is the beginning of
        the next. Only the cancellation of this task comes through.
        """
        callback, take, clock, slow = self.callback, self.inbox.take, self._loop.time, self._slow
        before = turn = now = clock()
        calls = 0
        while event is not None:
            failure: BaseException | None = None
            rest = None
            try:
                result = callback(event)
                if result is not None:
                    rest = begin(result, self._timeout)
            except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 (it must not reach anybody else)
                failure = exc
            now = clock()
            if now - before > slow and failure is None:
                self._was_slow(event, now - before, now)
            if rest is not None:
                failure = await rest
                now = clock()
            if failure is not None:
                self._has_failed(event, failure, now)
            calls += 1
            if now - turn > TURN_SECONDS or calls == EVENTS_IN_A_ROW:
                self._count(calls, now - turn)
                await asyncio.sleep(0)
                now = turn = clock()
                calls = 0
            before = now
            event = take()
        self._count(calls, now - turn)

    def _count(self, calls: int, seconds: float) -> None:
        self._times.calls += calls
        self._times.seconds += seconds

    def _was_slow(self, event: Any, seconds: float, now: float) -> None:
        report = self._reports.slow(self.callback, event, seconds, now)
        if report is not None and not isinstance(event, KrakenWireError):
            self._tell(report)

    def _has_failed(self, event: Any, failure: BaseException, now: float) -> None:
        report = self._reports.failed(failure, self.callback, event, now, self._timeout)
        if not isinstance(event, KrakenWireError):
            self._tell(report)


class Callbacks:
    """Every registered callback, by name and function."""

    def __init__(self, router: Router, queues: Queues, timeout: float | None) -> None:
        self._router = router
        self._queues = queues
        self._timeout = timeout
        self.reports = Reports()
        self.times: dict[str, CallTimes] = {}
        """By the name that callbacks were registered under; those that are gone are in it, too."""
        self._tasks: list[tuple[str, CallbackTask]] = []
        self._leaving: set[asyncio.Task[None]] = set()
        """Of those that were taken off, who still have something to deliver."""

    def add(self, name: str, callback: Callback, inbox: Inbox, *, facts: bool) -> None:
        """Call a function with everything of a name.

        Raises: UsageError, if there is no such name, or calling it could do nothing.
        """
        name = name_of_events(name)
        check_callable(callback)
        task = CallbackTask(
            callback,
            inbox,
            timeout=self._timeout,
            slow=SLOW_SECONDS,
            reports=self.reports,
            times=self.times.setdefault(name, CallTimes()),
            tell=self.tell,
        )
        self._tasks.append((name, task))
        self._router.name(name, inbox.put, facts=facts)

    def remove(self, name: str, callback: Callback) -> bool:
        """Undo `add`; what waits is still delivered. False: it was not registered."""
        name = name_of_events(name)
        found = [row for row in self._tasks if row[0] == name and row[1].callback == callback]
        for row in found:
            self._tasks.remove(row)
            self._router.unname(row[1].inbox.put)
            self._queues.forget(row[1].inbox)
            self._leaving.add(row[1].task)
            row[1].task.add_done_callback(self._leaving.discard)
        return bool(found)

    def note(self, error: KrakenWireError, now: float) -> None:
        """Something went wrong that is survived: a line in the log now and then, and the error callbacks."""
        self.reports.note(error, now)
        self.tell(error)

    def tell(self, error: KrakenWireError) -> None:
        """Tell the error callbacks."""
        self._put(ERROR, error)

    def refused(self, frame: bytes) -> None:
        """Hand a frame of which nothing could be used to whoever takes such frames."""
        self._put(REFUSED_FRAME, frame)

    def tasks(self) -> list[asyncio.Task[None]]:
        """Their tasks, each of which ends after its queue has."""
        return [*[task.task for _, task in self._tasks], *self._leaving]

    def _put(self, name: str, what: object) -> None:
        for registered, task in self._tasks:
            if registered == name:
                task.inbox.put(what)


def name_of_events(name: str) -> str:
    """The name itself, or what it is an alias of. Beside the handler's names: `error`, and `refused_frame` for frames nobody can use.

    Raises: UsageError, if there is no such name.
    """
    if name in {ERROR, REFUSED_FRAME, "*"}:
        return name
    canonical = ALIASES.get(name, name)
    if canonical not in KINDS:
        raise UsageError(f"no events are called {name!r:.60}; there are *, {', '.join(KINDS)}", field="name")
    return canonical
