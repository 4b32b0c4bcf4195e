"""Taking frames: one at a time, whichever thread they come from.

Most frames have one event, whose callback neither suspends nor fails. `Feed.run` is written for them and spares every step it can. Whatever
is rarer is left to `delivery`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from krakenwire.events import FrameRejected
from krakenwire.handler.counts import TIMED, ChannelTimes
from krakenwire.handler.delivery import Delivery, Remainder, Settle
from krakenwire.handler.outgoing import Outgoing
from krakenwire.handler.status import Connection
from krakenwire.handler.timeout import Rest, begin, refuse
from krakenwire.handler.turns import Call
from krakenwire.session import Session

WATCHED = frozenset({"status", "reply", "unknown"})
"""Names under which frames are counted that say something about the connection itself."""


LONG = 4096
"""Bytes. What such a frame takes to read must not be taken for the time of its callback."""


class Feed:
    """A session and what becomes of its events. `lock` guards all of it."""

    def __init__(
        self,
        session: Session,
        delivery: Delivery,
        outgoing: Outgoing,
        clock: Callable[[], float],
        *,
        counting: bool,
    ) -> None:
        self._session = session
        self._desk = session.desk
        self.outgoing = outgoing
        self._delivery = delivery
        self._routes = delivery.routes
        self._lock = delivery.lock
        self._clock = clock
        self._counting = counting
        self.connection = Connection()
        self.uncounted = ChannelTimes()
        """Where is counted what nobody asks for."""
        self._times: dict[str, ChannelTimes] = {}
        self._watched_times: dict[str, ChannelTimes] = {}
        self.errors = 0
        """Frames of which nothing could be used."""

    def run(self, frame: object, settle: Settle) -> bool | Call:  # noqa: C901, PLR0912, PLR0915 (a call would cost more than any step)
        """Take a frame and call its callbacks, as far as that goes without waiting. A `Call` has to be finished.

        Callbacks are called with the lock held until one suspends: it keeps them in order over all threads.

        Raises: UsageError, if too many events wait for callbacks.
        """
        # Not `with`: it costs twice as much.
        self._lock.acquire()
        try:
            delivery, session, clock = self._delivery, self._session, self._clock
            busy = delivery.busy
            if busy is not None:
                delivery.check_room()
            start = clock()
            if type(frame) is bytes or type(frame) is str:
                events: list[Any] = session.receive(frame, now=start)
                long = len(frame) > LONG
            else:
                events, long = self._receive(frame, start), True
            desk = self._desk
            if desk.ignored_since is not None or start >= desk.due_at:
                self._attend(events, start)
            if session.refused:
                self.errors += 1
                return delivery.in_turn(events, settle, self.uncounted, handled=False)
            try:
                times = self._times[session.channel]
            except KeyError:
                times = self._uncommon(session.channel, events)
            now = start
            timed = times.messages % TIMED == 0
            times.messages += 1
            if timed or long:
                now = clock()
            if timed:
                times.timed += 1
                times.seconds += now - start
            taken = now
            if busy is not None:
                return delivery.in_turn(events, settle, times, handled=True)
            if delivery.marking:
                delivery.inside.set([])
            delivery.busy = events
            left: Rest | BaseException | None = None
            routes = self._routes
            for event in events:
                callbacks = routes.by_type.get(type(event))
                if callbacks is None:
                    callbacks = routes.of(event)
                for callback in callbacks:
                    try:
                        result = callback(event)
                        if result is not None:
                            left = settle(result, delivery.timeout)
                    except (Exception, asyncio.CancelledError) as exc:  # noqa: BLE001 (it must not reach the feed)
                        left = exc
                    before, now = now, clock()
                    if now - before > delivery.slow:
                        delivery.too_slow(callback, event, now - before, events.append)
                    if left is not None:
                        if timed:
                            times.callback_seconds += now - taken
                        call = delivery.set_aside(Remainder(events, event, callbacks, callback, left), times)
                        return call if settle is begin else delivery.deliver_now(call)
            if timed:
                times.callback_seconds += now - taken
            delivery.busy = None
            return True  # noqa: TRY300 (an `else` would be no clearer)
        except BaseException:
            if busy is None:
                delivery.settle()
            raise
        finally:
            self._lock.release()

    @property
    def unsent(self) -> bool:
        """Whether something waits for a sender or a token provider that has to be awaited."""
        return self._desk.ignored_since is not None and self.outgoing.asynchronous

    async def send(self) -> None:
        """Hand what waits to the caller's sender, and await it."""
        errors: list[Any] = []
        await self.outgoing.push_and_wait(self._clock(), errors)
        if not errors:
            return
        with self._lock:
            self._note(errors)
            call = self._delivery.in_turn(errors, begin, self.uncounted, handled=True)
        if isinstance(call, Call):
            await self._delivery.finish(call)

    def tick(self) -> None:
        """Look at every timer. Not while a callback is being awaited: what Kraken said meanwhile was not read, so nobody is late."""
        if self._delivery.busy is None:
            now = self._clock()
            events = self._session.tick(now=now)
            self._push(events, now)
            self.emit(events)

    def _attend(self, events: list[Any], now: float) -> None:
        """A timer has run out, or requests wait to be sent. What Kraken has said is read by now, so nobody is called late unjustly."""
        if now >= self._desk.due_at:
            events += self._session.tick(now=now)
        self._push(events, now)

    def _push(self, events: list[Any], now: float) -> None:
        if self._desk.ignored_since is not None and not self.outgoing.asynchronous:
            errors: list[Any] = []
            self.outgoing.push(now, errors)
            self._note(errors)
            events += errors

    def take_outgoing(self) -> list[bytes]:
        """Frames for a caller who sends them himself."""
        errors: list[Any] = []
        frames = self.outgoing.take(self._clock(), errors)
        if errors:
            self._note(errors)
            self.emit(errors)
        return frames

    def _note(self, errors: list[Any]) -> None:
        """A line in the log now and then, for those who have no error callback."""
        for error in errors:
            self._delivery.reports.note(error, self._clock())

    def times(self) -> dict[str, ChannelTimes]:
        """By name of channel; nothing if nothing is counted."""
        return {**self._times, **self._watched_times} if self._counting else {}

    @property
    def frames(self) -> int:
        """Frames taken or refused."""
        counted = sum(times.messages for times in self.times().values())
        return self.errors + self.uncounted.messages + counted

    def emit(self, events: list[Any]) -> None:
        """Deliver what no frame brought. Where anybody may have to await it, it waits for the next frame, or for `flush`."""
        if not self._delivery.routes.asynchronous:
            self._delivery.in_turn(events, refuse, self.uncounted, handled=True)
        elif not self._delivery.given_to_outer(events):
            self._delivery.line_up(None, events)

    def _receive(self, frame: object, now: float) -> list[Any]:
        """A frame of a rarer type than bytes and str."""
        session = self._session
        if isinstance(frame, Mapping):
            return session.receive_parsed(dict(frame), now=now)
        try:
            if isinstance(frame, (bytes, bytearray, memoryview)):
                return session.receive(bytes(frame), now=now)
            if isinstance(frame, str):
                # A subclass, which the decoder does not take.
                return session.receive(str.__str__(frame), now=now)
            problem = f"expected a frame, got {type(frame).__name__}"
        except ValueError as exc:
            problem = str(exc)
        session.refused = True
        return [FrameRejected(b"", problem, json=False)]

    def _uncommon(self, channel: str, events: list[Any]) -> ChannelTimes:
        """Where to count a frame of a channel seen for the first time, or of one whose frames speak about the connection."""
        if channel in WATCHED:
            self.connection.learn(events)
        table = self._watched_times if channel in WATCHED else self._times
        if channel not in table:
            table[channel] = ChannelTimes() if self._counting else self.uncounted
        return table[channel]
