"""Callbacks behind queues: one task each, so that a slow one costs nobody else anything, and the reader least of all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from krakenwire.errors import KrakenWireError
from krakenwire.handler.reports import Reports
from krakenwire.handler.routes import Callback, name_of
from krakenwire.handler.timeout import begin
from krakenwire.net.consumers import EVENTS_IN_A_ROW, TURN_SECONDS, Inbox


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
        tell: Callable[[KrakenWireError], None],
    ) -> None:
        self.callback = callback
        self.inbox = inbox
        self._timeout = timeout
        self._slow = slow
        self._reports = reports
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self.task = self._loop.create_task(self._run(), name=f"krakenwire {name_of(callback)}")

    async def finish(self) -> None:
        """Deliver what waits, and end."""
        self.inbox.end()
        await asyncio.wait([self.task])

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
        before = turn = clock()
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
                await asyncio.sleep(0)
                now = turn = clock()
                calls = 0
            before = now
            event = take()

    def _was_slow(self, event: Any, seconds: float, now: float) -> None:
        report = self._reports.slow(self.callback, event, seconds, now)
        if report is not None and not isinstance(event, KrakenWireError):
            self._tell(report)

    def _has_failed(self, event: Any, failure: BaseException, now: float) -> None:
        report = self._reports.failed(failure, self.callback, event, now, self._timeout)
        if not isinstance(event, KrakenWireError):
            self._tell(report)
