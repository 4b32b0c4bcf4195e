"""Callbacks behind queues: one task each, so that a slow one costs nobody else anything, and the reader least of all."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from krakenwire.errors import KrakenWireError
from krakenwire.handler.reports import Reports
from krakenwire.handler.routes import Callback, name_of
from krakenwire.handler.timeout import begin
from krakenwire.net.consumers import Inbox


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
        self.busy_since: float | None = None
        """Since when it is at an event, on the loop's clock; None while it waits for one."""
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
            self.busy_since = self._loop.time()
            failure = await self._call(event)
            self.busy_since = None
            if failure is not None:
                now = self._loop.time()
                report = self._reports.failed(failure, self.callback, event, now, self._timeout)
                if not isinstance(event, KrakenWireError):
                    self._tell(report)

    async def _call(self, event: Any) -> BaseException | None:
        """What went wrong, or None. Only the cancellation of this task comes through."""
        before = self._loop.time()
        try:
            rest = begin(self.callback(event), self._timeout)
        except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 (it must not reach anybody else)
            return exc
        seconds = self._loop.time() - before
        if seconds > self._slow:
            slow = self._reports.slow(self.callback, event, seconds, self._loop.time())
            if slow is not None and not isinstance(event, KrakenWireError):
                self._tell(slow)
        return None if rest is None else await rest
