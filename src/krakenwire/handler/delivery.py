"""Calling callbacks: in order, apart from each other, and without losing any.

The rarer half of a call is here; the frequent one is `feed.Feed.run`. What follows a callback that suspended or failed, what overlaps with
another call, and facts that no frame brought, all go through the lanes of `turns`.
"""

from __future__ import annotations

import asyncio
import contextvars
import math
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from krakenwire.errors import KrakenWireError, UsageError
from krakenwire.handler.counts import ChannelTimes
from krakenwire.handler.reports import Reports
from krakenwire.handler.routes import Callback, Routes
from krakenwire.handler.timeout import Rest, begin, refuse
from krakenwire.handler.turns import WAITING_LIMIT, Call, Entry, Turns, release

Settle = Callable[[object, float | None], Rest | None]
"""What to do with what a callback returned: `begin` where it can be awaited, `refuse` where it cannot."""

PATIENCE = 0.9
"""A call waits for the callback before it so much of a callback's time limit. If nothing moves for so long, that callback may be waiting
for this very call; then its events are left for the call before it, and it returns."""

LONGEST_PATIENCE = 4.5
"""The same in seconds, where callbacks have no time limit."""


class Remainder(NamedTuple):
    """Where the frequent half of a call stopped."""

    events: list[Any]
    event: Any
    """The one of them that is at its callbacks."""
    callbacks: tuple[Callback, ...]
    callback: Callback
    """The one of them that suspended or failed."""
    left: Rest | BaseException
    """What is left of it: the rest of its coroutine, or what it raised."""


class Delivery:
    """The callbacks of a handler, and whatever waits for them. `lock` guards it and the state."""

    def __init__(
        self,
        lock: threading.RLock,
        clock: Callable[[], float],
        *,
        timeout: float | None,
        slow: float | None,
        stop: bool,
    ) -> None:
        self.lock = lock
        self._clock = clock
        self.timeout = timeout
        self.slow = math.inf if slow is None else slow
        self._patience = LONGEST_PATIENCE if timeout is None else timeout * PATIENCE
        self._stop = stop
        self.routes = Routes()
        self.reports = Reports()
        self.turns = Turns()
        self.busy: list[Any] | Turns | None = None
        """None while nothing is being delivered. The events of the call that is at it, as long as it holds the lock; or the lanes, while
        they are in use."""
        self.inside: contextvars.ContextVar[list[Call]] = contextvars.ContextVar("krakenwire_call")
        self.marking = False
        """Whether every call leaves its mark in the context. Not before a callback has suspended for the first time: it is dear."""

    def check_room(self) -> None:
        """Raises: UsageError, if too many events wait to take another frame."""
        waiting = self.turns.waiting + (len(self.busy) if isinstance(self.busy, list) else 0)
        if waiting >= WAITING_LIMIT:
            raise UsageError(f"{waiting:,} events wait for callbacks; await each call before the next one")

    def set_aside(self, rest: Remainder, times: ChannelTimes) -> Call:
        """What comes after a callback that suspended or failed, as a call that is delivered in turns."""
        call = self._call(handled=True, times=times, inside=self.inside.get() if self.marking else None)
        entry = self.turns.add(call, rest.event)
        entry.callbacks = deque(_after(rest.callbacks, rest.callback))
        self.line_up(call, _after(rest.events, rest.event))
        if isinstance(rest.left, Rest):
            entry.suspended = rest.callback, rest.left
            self.marking = True
        else:
            self._failed(rest.left, rest.callback, rest.event, call)
        return call

    def in_turn(
        self, events: list[Any], settle: Settle, times: ChannelTimes, *, handled: bool
    ) -> bool | Call:
        """Deliver events that must not come before others. A `Call` has to be finished."""
        if self.given_to_outer(events):
            return handled
        call = self._call(handled=handled, times=times)
        self.line_up(call, events)
        self.turns.adopt(call)
        return call if settle is begin else self.deliver_now(call)

    def given_to_outer(self, events: list[Any]) -> bool:
        """Within a callback: its call delivers these events too, after the callback, so that nobody waits for himself."""
        if isinstance(self.busy, list):
            self.busy.extend(events)
            return True
        inside = self.inside.get(None)
        if inside:
            self.line_up(inside[0], events)
        return bool(inside)

    def line_up(self, call: Call | None, events: list[Any]) -> None:
        """Events at the end of their lanes. Without a call they wait for whoever comes next."""
        for event in events:
            if self.routes.of(event):
                self.turns.add(call, event)
        self.settle()

    def settle(self) -> None:
        """Nothing is being delivered any more, unless something is in the lanes."""
        self.busy = self.turns if self.turns.lanes else None

    def left_over(self, times: ChannelTimes) -> Call:
        """A call for what has lost its own."""
        call = self._call(handled=True, times=times)
        self.turns.adopt(call)
        return call

    def _call(self, *, handled: bool, times: ChannelTimes, inside: list[Call] | None = None) -> Call:
        if inside is None:
            inside = []
            self.inside.set(inside)
        return Call(handled=handled, times=times, inside=inside)

    def _leave(self, call: Call) -> None:
        self.turns.leave(call)
        self.settle()

    def deliver_now(self, call: Call) -> bool:
        """Without waiting: what is another call's turn is left to it. The lock is held."""
        try:
            while (entry := self.turns.next(call)) is not None:
                if entry.callbacks is None:
                    entry.callbacks = deque(self.routes.of(entry.event))
                while entry.callbacks:
                    self._call_one(entry.callbacks.popleft(), entry.event, refuse, call)
                self.turns.done(entry)
        finally:
            self._leave(call)
        self._raise_failure(call)
        return call.handled

    async def finish(self, call: Call) -> None:
        """Await the turn of each event, and its callbacks."""
        try:
            while call.entries:
                with self.lock:
                    entry = self.turns.next(call)
                if entry is not None:
                    await self._deliver(entry, call)
                elif not await self._moved(call):
                    break
        finally:
            with self.lock:
                self._leave(call)
        self._raise_failure(call)

    async def _moved(self, call: Call) -> bool:
        """Wait for the turn of a call. False: nothing before it moved, as long as its patience lasts."""
        with self.lock:
            if (before := self.turns.before(call)) is None:
                return True
            waiter = self.turns.wait(call)
        timer = waiter.get_loop().call_later(self._patience, release, waiter)
        try:
            await waiter
        finally:
            timer.cancel()
        with self.lock:
            return before != self.turns.before(call)

    async def _deliver(self, entry: Entry, call: Call) -> None:
        """Call and await the callbacks of one event, one after the other."""
        event, start = entry.event, self._clock()
        if entry.callbacks is None:
            entry.callbacks = deque(self.routes.of(event))
        if entry.suspended is not None:
            (callback, rest), entry.suspended = entry.suspended, None
            await self._await(rest, callback, event, call)
        while entry.callbacks:
            callback = entry.callbacks.popleft()
            begun = self._call_one(callback, event, begin, call)
            if begun is not None:
                await self._await(begun, callback, event, call)
        with self.lock:
            call.times.waited_seconds += self._clock() - start
            self.turns.done(entry)

    def _call_one(self, callback: Callback, event: Any, settle: Settle, call: Call) -> Rest | None:
        start = self._clock()
        rest = None
        try:
            result = callback(event)
            if result is not None:
                rest = settle(result, self.timeout)
        except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 (it must not reach the feed)
            self._failed(exc, callback, event, call)
        seconds = self._clock() - start
        if seconds > self.slow:
            self.too_slow(callback, event, seconds, lambda report: self.turns.add(call, report))
        return rest

    async def _await(self, rest: Rest, callback: Callback, event: Any, call: Call) -> None:
        try:
            failure = await rest
        except asyncio.CancelledError as exc:
            if isinstance(exc.__cause__, Exception):
                self._failed(exc.__cause__, callback, event, call)
            raise
        if failure is not None:
            self._failed(failure, callback, event, call)

    # ---------------------------------------------------------------- what goes wrong

    def _failed(self, error: BaseException, callback: Callback, event: Any, call: Call) -> None:
        with self.lock:
            now = self._clock()
            report = self.reports.failed(error, callback, event, now, self.timeout)
            # Nobody is told that an error callback failed: it would be told again and again.
            if not isinstance(event, KrakenWireError):
                call.failure = call.failure or report
                if self.routes.of(report):
                    self.turns.add(call, report)

    def too_slow(
        self, callback: Callback, event: Any, seconds: float, add: Callable[[KrakenWireError], object]
    ) -> None:
        with self.lock:
            report = self.reports.slow(callback, event, seconds, self._clock())
            if report is not None and not isinstance(event, KrakenWireError) and self.routes.of(report):
                add(report)

    def _raise_failure(self, call: Call) -> None:
        if self._stop and call.failure is not None:
            raise call.failure


def _after(items: Any, item: object) -> Any:
    """What comes after an item, found by identity: no event is twice in a call, no callback twice in a route."""
    position = next(position for position, each in enumerate(items) if each is item)
    return items[position + 1 :]
