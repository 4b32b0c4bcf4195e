"""Whose turn it is, once a callback has suspended.

While no callback waits for anything there is nothing to arrange: a call delivers its events before the next one can begin. When a
callback suspends, what its call has not delivered yet goes into lanes, one a channel, and so do the events of every later call until the
lanes are empty again. The first entry of a lane is delivered by the call it belongs to; then the call of the next one is woken. So
callbacks run in call order within a channel, in the task of their own call, and no channel waits for another.

An entry may lose its call: the call was cancelled, lost its patience, or was a plain one that cannot wait. Then it belongs to another
call in its lane, or to whoever comes next. Nothing is lost, and nothing overtakes it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

from krakenwire.errors import CallbackFailed
from krakenwire.handler.counts import ChannelTimes
from krakenwire.handler.routes import Callback, lane_of
from krakenwire.handler.timeout import Rest

WAITING_LIMIT = 10_000
"""Events that may wait for callbacks when a frame is handed in. Beyond it somebody hands in frames without awaiting the calls."""


class Entry:
    """An event on its way to its callbacks."""

    __slots__ = ("begun", "call", "callbacks", "event", "lane", "number", "suspended")

    def __init__(self, event: Any, number: int, call: Call | None) -> None:
        self.event = event
        self.lane = lane_of(event)
        self.number = number
        self.call = call
        self.callbacks: deque[Callback] | None = None
        """Those it has not come to yet; None before its turn."""
        self.begun = False
        """Whether a call is delivering it now."""
        self.suspended: tuple[Callback, Rest] | None = None
        """The callback that suspended before there was an entry, and the rest of it."""


class Call:
    """A call that delivers in turns."""

    __slots__ = ("entries", "failure", "handled", "inside", "times", "waiter")

    def __init__(self, *, handled: bool, times: ChannelTimes, inside: list[Call]) -> None:
        self.handled = handled
        """What it will return."""
        self.times = times
        """Where the time of its callbacks is counted."""
        self.inside = inside
        """Holds this call while it lasts; so a call from within one of its callbacks is recognised."""
        self.entries: list[Entry] = []
        """What it has to deliver, in order."""
        self.failure: CallbackFailed | None = None
        """The first failure of a callback it called."""
        self.waiter: asyncio.Future[None] | None = None
        inside.append(self)


class Turns:
    """The lanes of one handler. Not safe by itself: hold the handler's lock."""

    def __init__(self) -> None:
        self.lanes: dict[str, deque[Entry]] = {}
        """Empty while nothing waits."""
        self.waiting = 0
        """Entries in all lanes."""
        self._number = 0
        self._lost = 0
        """Entries that have lost their call."""

    def add(self, call: Call | None, event: Any) -> Entry:
        """An event at the end of its lane, to be delivered by `call`, or by whoever comes next."""
        self._number += 1
        entry = Entry(event, self._number, call)
        self.lanes.setdefault(entry.lane, deque()).append(entry)
        self.waiting += 1
        if call is None:
            self._lost += 1
        else:
            call.entries.append(entry)
        return entry

    def adopt(self, call: Call) -> None:
        """Everything that has lost its call is this one's."""
        if not self._lost:
            return
        for lane in self.lanes.values():
            for entry in lane:
                if entry.call is None:
                    self._give(entry, call)

    def next(self, call: Call) -> Entry | None:
        """The first entry of this call whose turn it is. None: all of them wait for others, or there are none."""
        for entry in call.entries:
            if self.lanes[entry.lane][0] is entry:
                entry.begun = True
                return entry
        return None

    def before(self, call: Call) -> list[int] | None:
        """What a call waits for: the first entry in each of its lanes. None: it need not wait."""
        first = [self.lanes[entry.lane][0] for entry in call.entries]
        return None if any(entry.call is call for entry in first) else [entry.number for entry in first]

    def wait(self, call: Call) -> asyncio.Future[None]:
        """What to await until it is worth another look."""
        call.waiter = asyncio.get_running_loop().create_future()
        return call.waiter

    def done(self, entry: Entry) -> None:
        """All its callbacks were called."""
        call = entry.call
        if call is not None:
            call.entries.remove(entry)
        self._remove_first(entry.lane)
        self._pass_on(entry.lane, call)

    def leave(self, call: Call) -> None:
        """The call is over. What it has not delivered stays where it is, for others."""
        call.waiter = None
        call.inside.clear()
        left = call.entries.copy()
        self._lose(call)
        for lane in dict.fromkeys(entry.lane for entry in left):
            self._pass_on(lane, None)

    def _lose(self, call: Call) -> None:
        """Its entries are nobody's."""
        for entry in call.entries:
            if entry.begun and entry.callbacks is not None and not entry.callbacks:
                self._remove_first(entry.lane)
            else:
                entry.begun, entry.call = False, None
                self._lost += 1
        call.entries = []

    def _remove_first(self, lane: str) -> None:
        self.lanes[lane].popleft()
        self.waiting -= 1
        if not self.lanes[lane]:
            del self.lanes[lane]

    def _pass_on(self, lane: str, own: Call | None) -> None:
        """Wake the first call in a lane. Entries before it that have lost their call are its, or `own`'s if there is no other."""
        lost = []
        heir = own
        for entry in self.lanes.get(lane, ()):
            if entry.call is not None and (entry.call is own or self._wake(entry.call)):
                heir = entry.call
                break
            if entry.call is not None:
                self._lose(entry.call)
            lost.append(entry)
        if heir is not None:
            for entry in lost:
                self._give(entry, heir)

    def _give(self, entry: Entry, call: Call) -> None:
        self._lost -= entry.call is None
        entry.call = call
        call.entries.append(entry)
        call.entries.sort(key=lambda own: own.number)

    @staticmethod
    def _wake(call: Call) -> bool:
        """Let it look again. False: it never will, because its loop was closed under it."""
        if call.waiter is not None:
            try:
                # Its loop may run in another thread.
                call.waiter.get_loop().call_soon_threadsafe(release, call.waiter)
            except RuntimeError:
                return False
            call.waiter = None
        return True


def release(waiter: asyncio.Future[None]) -> None:
    """Let a call look again."""
    if not waiter.done():
        waiter.set_result(None)
