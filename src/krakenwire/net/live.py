"""One link while it lives: three things that never wait for each other.

The reader does nothing but read and hand on, so that silence is told from a slow program. The writer sends what the session wants sent,
at a pace Kraken takes (`writer`). The timer looks at the session's deadlines, after everything that was received has been read: time in
which this program could not read is excused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from krakenwire.errors import AuthFailed
from krakenwire.events import Event, Gap, PeerSilent, ReconnectNeeded, StatusUpdate, SubscriptionRejected
from krakenwire.handler.counts import TIMED, ChannelTimes
from krakenwire.handler.feed import WATCHED
from krakenwire.net.backoff import Waits
from krakenwire.net.known import End, Hub, Known
from krakenwire.net.pacing import Pacer
from krakenwire.net.transport import Link, LinkClosed
from krakenwire.net.watch import LOOK_SECONDS
from krakenwire.net.writer import Writer
from krakenwire.session import Session
from krakenwire.wire.control import SubscribeReply
from krakenwire.wire.refusals import ErrorKind
from krakenwire.wire.secret import Secret

READS_IN_A_ROW = 64
"""Frames read before everything else in the loop has its turn."""

STALL = 0.25
"""Seconds that a timer may be late before the loop counts as having stood still."""

DRAIN_SECONDS = 0.25
"""For reading what had come when sending failed."""

CUT_SHARE = 4
"""Of the time for a goodbye, the part that whoever was cancelled for missing it has for cleaning up."""

STOP_SHARE = 0.4
"""Of the time for closing a client, the most that the goodbye of a link takes: with the cut after it, one half."""

SETTLE_ROUNDS = 50
"""Turns of the loop that a timer waits while frames are still being read."""

TELLING = WATCHED | {"heartbeat"}
"""Frames after which the next deadline is looked at, for they come at least once a second and never fast."""


class LiveLink:
    """The tasks and timers of one open link. `ended` tells why it is to end; then call `part`."""

    def __init__(
        self,
        name: str,
        link: Link,
        session: Session,
        known: Known,
        *,
        hub: Hub,
        waits: Waits,
        pacer: Pacer,
        tokens: Callable[[], Awaitable[Secret]],
    ) -> None:
        self._name = name
        self._link = link
        self._session = session
        self._known = known
        self._hub = hub
        self._waits = waits
        self._pacer = pacer
        self._loop = loop = asyncio.get_running_loop()
        self.ended: asyncio.Future[End] = loop.create_future()
        self.useful_since: float | None = None
        """When its first subscription was granted."""
        self._ending = False
        """Whether the link is to end, so that what it still brings does not count."""
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._reads = 0
        self._held_up = False
        """Whether the reader waits for a consumer, so that nothing can be heard."""
        self._last: tuple[list[Event], float] = [], 0.0
        """The last events of data, and when they came."""
        self._writer = Writer(
            link,
            session,
            hub,
            waits=waits,
            pacer=pacer,
            tokens=tokens,
            taken=self._arm,
            token_ended=self._task_ended,
        )
        self._tasks = [loop.create_task(self._read()), loop.create_task(self._write())]
        for task in self._tasks:
            task.add_done_callback(self._task_ended)
        self._look_at = loop.time() + LOOK_SECONDS
        self._watch_timer = loop.call_at(self._look_at, self._look)
        self.wake()
        self._arm()

    # ---------------------------------------------------------------- its end

    def finish(self, end: End) -> None:
        """The link is to end. From now on nothing of it counts, and whoever reads what it brought is told at once."""
        if not self._ending and not self.ended.done():
            self._ending = True
            self._writer.stop()
            self.ended.set_result(end)
            self._hub.publish(self._session.connection_lost(now=self._loop.time()))

    async def part(self, end: End) -> None:
        """The link is over: nothing of it is left behind, and whoever reads what it brought is told."""
        told, self._ending = self._ending, True
        self._writer.stop()
        self._watch_timer.cancel()
        if self._timer is not None:
            self._timer.cancel()
        if self._writer.token_task is not None:
            self._tasks.append(self._writer.token_task)
        for task in self._tasks:
            task.cancel()
        if end.gone:
            self._abort()
        self._known.watch.reset()
        if not told:
            events = self._session.connection_lost(now=self._loop.time())
            # Who closes the client knows that nothing comes any more; a program that is alarmed by gaps is not to be by that.
            self._hub.publish([event for event in events if not (end.closed and isinstance(event, Gap))])
        self._tasks.append(self._loop.create_task(self._close(), name=f"krakenwire {self._name} goodbye"))
        await self._wait(min(self._waits.goodbye, self._waits.stop * STOP_SHARE))

    async def _close(self) -> None:
        """Say goodbye. What fails in a transport of the caller's own is shown, and costs nothing more."""
        try:
            await self._link.close()
        except Exception as exc:  # noqa: BLE001 (whatever it is, the link is over)
            self._failed_to_close(exc)

    def _abort(self) -> None:
        """End it at once; as with a goodbye, who fails in that costs nothing more."""
        try:
            self._link.abort()
        except Exception as exc:  # noqa: BLE001 (see above)
            self._failed_to_close(exc)

    def _failed_to_close(self, exc: Exception) -> None:
        self._loop.call_exception_handler({"message": f"{self._name} failed to close", "exception": exc})

    async def _wait(self, seconds: float) -> None:
        """Wait until every task has ended, but not for long: whoever does not end is cut and cancelled, and waited for no more."""
        try:
            _, pending = await asyncio.wait(self._tasks, timeout=seconds)
        except asyncio.CancelledError:
            await self._cut(set(self._tasks), seconds)
            raise
        await self._cut(pending, seconds)

    async def _cut(self, pending: set[asyncio.Task[None]], seconds: float) -> None:
        if any(not task.done() for task in pending):
            self._abort()
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=seconds / CUT_SHARE)

    def _task_ended(self, task: asyncio.Task[None]) -> None:
        """A task of the link is over. If it failed the mistake is ours, or of a transport that is not: it is shown, and costs this link and
        no more.
        """
        if task.cancelled():
            # Where the link is to end anyway this does nothing.
            self.finish(End("something that it waited for was cancelled"))
        elif isinstance(error := task.exception(), AuthFailed):
            self.finish(End("no token", error=error))
        elif error is not None:
            self._loop.call_exception_handler({"message": f"{self._name} failed", "exception": error})
            self.finish(End(f"internal error: {type(error).__name__}"))

    # ---------------------------------------------------------------- reading

    async def _read(self) -> None:
        try:
            await self._read_frames()
        except LinkClosed as exc:
            self.finish(End(exc.reason, gone=exc.code is None))

    async def _read_frames(self) -> None:
        """Every frame, one after the other, to the session and on."""
        receive, clock, session = self._link.receive, self._loop.time, self._session
        desk, counts, publish, blocking = (
            session.desk,
            self._known.counts,
            self._hub.publish,
            self._hub.blocking,
        )
        while True:
            frame = await receive()
            if self._ending:
                return  # it was told that something may be missing from here on
            self._reads += 1
            now = clock()
            events = session.receive(frame, now=now)
            channel, refused = session.channel, session.refused
            if not refused:
                count = counts.get(channel)
                if count is None:
                    count = counts[channel] = ChannelTimes()
                if count.messages % TIMED == 0:
                    count.seconds += clock() - now
                    count.timed += 1
                count.messages += 1
            if refused or channel in TELLING:
                self._attend(frame, events)
                if self.ended.done():
                    return
            else:
                if events:
                    publish(events)
                self._last = events, now
            if desk.due_at < self._timer_at or desk.ignored_since is not None:
                self.wake()
            if blocking:
                await self._wait_for_room()
            if self._reads % READS_IN_A_ROW == 0:
                self._arm()
                await asyncio.sleep(0)

    async def _wait_for_room(self) -> None:
        """Wait for consumers who asked for that. What the exchange says meanwhile is read late, and that is not its fault."""
        began, self._held_up = self._loop.time(), True
        await self._hub.room()
        waited, self._held_up = self._loop.time() - began, False
        if waited > STALL:
            self._session.excuse(waited, now=began + waited)
            self._look_later()

    def _attend(self, frame: bytes, events: list[Event]) -> None:
        """A frame that says something about the connection itself, or cannot be used."""
        self._hub.publish(self._hub.settled(events))
        if self._session.refused:
            self._known.errors += 1
            self._hub.refused(frame)
            if not _is_utf8(frame):
                # It breaks the rules of WebSocket, so the next byte cannot be trusted either.
                self.finish(End("sent text that is not UTF-8"))
        elif self._session.channel == "heartbeat":
            self._look_at_lag()
        self._act(events)
        # From the first answer or data on, silence has a deadline, too.
        self._arm()

    def _look_at_lag(self) -> None:
        """The last message before a heartbeat tells how late data is."""
        events, now = self._last
        told = self._known.lag.look(events[0], now) if events else None
        self._last = [], now
        if told is not None:
            self._hub.publish([told])

    def _act(self, events: list[Event]) -> None:
        """What events say about the connection itself."""
        for event in events:
            match event:
                case SubscribeReply() if not event.rejected and self.useful_since is None:
                    self.useful_since = self._loop.time()
                case SubscriptionRejected(kind=ErrorKind.RATE):
                    self._pacer.slow(self._loop.time())
                case StatusUpdate():
                    self._known.system = event.system.value
                case PeerSilent():
                    self.finish(End("silent", gone=True))
                case ReconnectNeeded() if self._may_blame():
                    self.finish(End(event.reason))
                case _:
                    pass

    def _may_blame(self) -> bool:
        """One subscription's trouble costs a connection on which others are well only now and then."""
        now = self._loop.time()
        recent = sum(now - at < self._waits.useful for at in self._session.last_heard().values())
        return (recent < 2 and not self._known.isolated) or self._known.blamed.spend(now)

    # ---------------------------------------------------------------- writing

    def wake(self) -> None:
        """Something may have to be sent, or to be looked at earlier than thought."""
        if not self._ending:
            self._writer.wake()
            self._arm()

    async def _write(self) -> None:
        try:
            await self._writer.run()
        except LinkClosed as exc:
            # What was received before is read first, and ends with the same.
            await asyncio.wait(self._tasks[:1], timeout=DRAIN_SECONDS)
            self.finish(End(exc.reason, gone=True))
        except TimeoutError:
            self.finish(End("does not read what is sent", gone=True))

    # ---------------------------------------------------------------- timers

    def _arm(self) -> None:
        """Make sure that the timer goes off at the session's deadline. It may be early; then it is set again."""
        at = self._session.deadline
        if at is None or at >= self._timer_at or self._ending:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._due)

    def _due(self) -> None:
        if self._ending:
            return
        now = self._loop.time()
        late = now - self._timer_at
        if late > STALL:
            # Nothing in this process ran: what the exchange said meanwhile has not been read.
            self._known.stalls += 1
            self._session.excuse(late, now=now)
        self._timer = self._loop.call_later(0, self._settle, self._reads, SETTLE_ROUNDS)

    def _settle(self, reads: int, rounds: int) -> None:
        """Wait for what was received to be read before anybody is called late."""
        if self._ending:
            return
        if self._held_up:
            self._timer = self._loop.call_later(STALL, self._settle, self._reads, SETTLE_ROUNDS)
            return
        if self._reads != reads and rounds:
            self._timer = self._loop.call_later(0, self._settle, self._reads, rounds - 1)
            return
        # A loop may call a timer a little early, by the resolution of its clock.
        now = max(self._loop.time(), self._timer_at)
        self._timer, self._timer_at = None, float("inf")
        events = self._session.tick(now=now)
        if events:
            self._hub.publish(events)
            self._act(events)
        self.wake()

    def _look_later(self) -> None:
        self._watch_timer.cancel()
        self._look_at = self._loop.time() + LOOK_SECONDS
        self._watch_timer = self._loop.call_at(self._look_at, self._look)

    def _look(self) -> None:
        """Which streams have fallen silent, every few seconds."""
        if self._ending:
            return
        now, due = self._loop.time(), self._look_at
        self._look_later()
        if self._held_up or now - due > STALL:
            return  # what came meanwhile has not been read
        found = self._known.watch.look(now)
        if found.events:
            self._hub.publish(found.events)
        for channel, symbol in found.anew:
            self._hub.publish(self._session.resync(channel, symbol, now=now))
            self.wake()
        if found.stalled:
            self.finish(End("data_stall: heartbeats go on, all data stopped", gone=False))


def _is_utf8(frame: bytes) -> bool:
    try:
        frame.decode()
    except UnicodeDecodeError:
        return False
    return True
