"""One connection's life: open, read, answer timers, end, wait, open again. The protocol is the session's; here are the socket and the
clock.

Three things never wait for each other. The reader does nothing but read and hand on, so that silence is told from a slow program. The
writer sends what the session wants sent, at a pace Kraken takes. The timer looks at the session's deadlines, after everything that was
received has been read: time in which this program could not read is excused.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from krakenwire.errors import AuthFailed, ConnectFailed, ConnectionLost, KrakenWireError
from krakenwire.events import (
    ConnectionChanged,
    ConnectionState,
    Event,
    PeerSilent,
    ReconnectNeeded,
    StatusUpdate,
    SubscriptionRejected,
)
from krakenwire.handler.counts import TIMED, ChannelTimes
from krakenwire.handler.feed import WATCHED
from krakenwire.net.backoff import Backoff, ConnectGate, Waits
from krakenwire.net.consumers import Inbox
from krakenwire.net.lag import Lag
from krakenwire.net.pacing import Pacer
from krakenwire.net.token import TokenLater
from krakenwire.net.transport import ConnectFailure, Link, LinkClosed, Transport
from krakenwire.net.watch import LOOK_SECONDS, Watch
from krakenwire.session import Session
from krakenwire.state.budget import Budget
from krakenwire.wire.control import SubscribeReply
from krakenwire.wire.refusals import ErrorKind
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import Subscription

READS_IN_A_ROW = 64
"""Frames read before everything else in the loop has its turn."""

STALL = 0.25
"""Seconds that a timer may be late before the loop counts as having stood still."""

SETTLE_ROUNDS = 50
"""Turns of the loop that a timer waits while frames are still being read."""

BLAMED_TIMES = 2
BLAMED_SECONDS = 300.0
"""How often one subscription's trouble may cost a connection on which others are well."""

ONLINE = frozenset({None, "online"})
TELLING = WATCHED | {"heartbeat"}
"""Frames after which the next deadline is looked at, for they come at least once a second and never fast."""


class Hub(Protocol):
    """What a connection tells the client."""

    @property
    def publish(self) -> Callable[[list[Any]], None]:
        """Hands events to whoever wants them. Never waits."""

    def refused(self, frame: bytes) -> None:
        """A frame of which nothing could be used."""

    def failed(self, connection: Connection, error: KrakenWireError) -> None:
        """The connection is over for good."""

    def note(self, error: KrakenWireError) -> None:
        """Something went wrong that is tried again."""

    @property
    def blocking(self) -> list[Inbox]:
        """Consumers for whom the reader waits when they are full."""

    async def room(self) -> None:
        """Wait until none of them is full."""


class _End(Exception):
    """Why a link ends. `gone`: there is nobody to say goodbye to. `error`: and nothing is tried again."""

    def __init__(self, reason: str, *, gone: bool = False, error: KrakenWireError | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.gone = gone
        self.error = error


class Connection:
    """One session and the links it has one after the other. It is open while anything is subscribed."""

    def __init__(
        self,
        name: str,
        url: str,
        session: Session,
        *,
        hub: Hub,
        transport: Transport,
        gate: ConnectGate,
        waits: Waits,
        dice: random.Random,
        pacer: Pacer,
        tokens: Callable[[], Awaitable[Secret]],
        private: bool,
    ) -> None:
        self.name = name
        self.url = url
        self.session = session
        self.private = private
        self.state = ConnectionState.IDLE
        self.reason = ""
        self.system: str | None = None
        """State of Kraken's engine; None before the first `status`."""
        self.error: KrakenWireError | None = None
        """Why it FAILED."""
        self.retry_at: float | None = None
        self.connected_at: float | None = None
        self.connects = 0
        """Links opened since construction."""
        self.stalls = 0
        """How often the event loop stood still for longer than `STALL`."""
        self.counts: dict[str, ChannelTimes] = {}
        self.errors = 0
        """Frames of which nothing could be used."""
        self._hub = hub
        self._transport = transport
        self._gate = gate
        self._waits = waits
        self._backoff = Backoff(waits, dice)
        self.pacer = pacer
        self._tokens = tokens
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._over: asyncio.Future[_End] | None = None
        self._ending = False
        """Whether the link is to end, so that what it still brings does not count."""
        self._outgoing = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = float("inf")
        self._watch_timer: asyncio.TimerHandle | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._token_task: asyncio.Task[None] | None = None
        self._reads = 0
        self._useful_since: float | None = None
        self._forbidden = 0
        self._blamed = Budget(BLAMED_TIMES, BLAMED_SECONDS)
        self._watch = Watch(session)
        self.lag = Lag(name)
        self._last: tuple[list[Event], float] = [], 0.0
        """The last events of data, and when they came."""
        self._stopping = False

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._backoff.failures

    # ---------------------------------------------------------------- what the client does

    def subscribe(self, params: Subscription) -> None:
        """Want a subscription; the connection opens if need be."""
        self.session.subscribe(params, now=self._loop.time())
        if self._linger is not None:
            self._linger.cancel()
            self._linger = None
        if self._task is None and not self._stopping:
            self.error = None
            self._task = self._loop.create_task(self._run(), name=f"krakenwire {self.name}")
        self._wake()

    def unsubscribe(self, channel: str, symbol: str | None, interval: int | None) -> None:
        """Want a subscription no more; when none is left the connection ends a little later."""
        self.session.unsubscribe(channel, symbol, interval, now=self._loop.time())
        self._wake()
        if not self._needed and self._linger is None:
            self._linger = self._loop.call_later(self._waits.linger, self._lingered)

    def resync(self, channel: str, symbol: str | None) -> None:
        """Take a subscription anew."""
        self._hub.publish(self.session.resync(channel, symbol, now=self._loop.time()))
        self._wake()

    async def stop(self) -> None:
        """End it in good order and for good."""
        self._stopping = True
        if self._linger is not None:
            self._linger.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    # ---------------------------------------------------------------- its life

    @property
    def _needed(self) -> bool:
        return any(wish.wanted for wish in self.session.desk.subscriptions)

    async def _run(self) -> None:
        try:
            while self._needed and self.error is None:
                await self._turn()
                link = await self._open()
                if link is not None:
                    await self._live(link)
        except Exception as exc:  # noqa: BLE001 (the outermost task: it must not die unseen)
            self._loop.call_exception_handler({"message": f"{self.name} failed", "exception": exc})
            self._fail(ConnectionLost(f"internal error: {type(exc).__name__}"))
        finally:
            self._task = None
            if self.error is None:
                self._change(ConnectionState.IDLE, "stopped" if self._stopping else "nothing needs it")
        if self.error is not None:
            self._hub.failed(self, self.error)

    async def _turn(self) -> None:
        """Wait until there may be an attempt."""
        if self.retry_at is not None:
            await asyncio.sleep(self.retry_at - self._loop.time())
        while wait := self._gate.spend(self._loop.time(), private=self.private):
            self.retry_at = self._loop.time() + wait
            self._change(self.state_waiting, "too many attempts in this process")
            await asyncio.sleep(wait)

    @property
    def state_waiting(self) -> ConnectionState:
        """WAITING, or DOWN after many failures."""
        return ConnectionState.DOWN if self.failures >= self._waits.down else ConnectionState.WAITING

    async def _open(self) -> Link | None:
        self.retry_at = None
        self._change(ConnectionState.CONNECTING, "")
        try:
            async with asyncio.timeout(self._waits.connect):
                return await self._transport.open(self.url)
        except TimeoutError:
            self._failed(ConnectFailed(ConnectFailure.TIMEOUT, f"nothing in {self._waits.connect:g} s"))
        except ConnectFailed as exc:
            self._failed(exc)
        return None

    def _failed(self, error: ConnectFailed) -> None:
        """An attempt came to nothing: when is the next one?"""
        now, floor = self._loop.time(), self._floor()
        if error.kind is ConnectFailure.FORBIDDEN:
            self._forbidden += 1
            floor = self._waits.forbidden
        elif error.kind is ConnectFailure.RATE_LIMITED:
            self._gate.hold(now + (error.retry_after or self._waits.hold))
        elif error.retry_after is not None:
            floor = max(floor, error.retry_after)
        if error.kind is ConnectFailure.CERTIFICATE or self._forbidden >= self._waits.forbidden_tries:
            self._forbidden = 0
            self._fail(error)
            return
        self._hub.note(error)
        self._wait_for_turn(str(error), floor)

    def _floor(self) -> float:
        return 0.0 if self.system in ONLINE else self._waits.maintenance

    def _wait_for_turn(self, reason: str, floor: float) -> None:
        self.retry_at = self._loop.time() + self._backoff.next(floor=floor)
        self._change(self.state_waiting, reason)

    def _fail(self, error: KrakenWireError) -> None:
        self.error = error
        self._change(ConnectionState.FAILED, str(error))

    async def _live(self, link: Link) -> None:
        """Read, write and watch until the link ends, for whatever reason."""
        loop = self._loop
        self._over, self._ending = loop.create_future(), False
        self.connects += 1
        self.connected_at, self._useful_since, self._forbidden = loop.time(), None, 0
        self._change(ConnectionState.CONNECTED, "")
        tasks = [loop.create_task(self._read(link)), loop.create_task(self._write(link))]
        for task in tasks:
            task.add_done_callback(self._ended)
        self._wake()
        self._arm()
        self._watch_timer = loop.call_later(LOOK_SECONDS, self._look)
        end = _End("stopped")
        try:
            end = await self._over
        finally:
            await self._part(link, tasks, end)
        if end.error is not None:
            self._fail(end.error)
        elif self._needed:
            self._wait_for_turn(end.reason, self._floor())

    async def _part(self, link: Link, tasks: list[asyncio.Task[None]], end: _End) -> None:
        """The link is over: nothing of it is left behind, and whoever reads what it brought is told."""
        self._over = None
        for handle in (self._timer, self._watch_timer):
            if handle is not None:
                handle.cancel()
        self._timer, self._timer_at = None, float("inf")
        if self._token_task is not None:
            tasks.append(self._token_task)
            self._token_task = None
        for task in tasks:
            task.cancel()
        if end.gone:
            link.abort()
        now = self._loop.time()
        if self._useful_since is not None and now - self._useful_since >= self._waits.useful:
            self._backoff.useful()
        self.connected_at = None
        self._watch.reset()
        if not self._ending:
            self._hub.publish(self.session.connection_lost(now=now))
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
            await link.close()
        except asyncio.CancelledError:
            link.abort()
            await link.close()
            raise

    def _ended(self, task: asyncio.Task[None]) -> None:
        """A task of the link is over. If it failed the mistake is ours: it is shown, and costs this link and no more."""
        if not task.cancelled() and task.exception() is not None:
            error = task.exception()
            self._loop.call_exception_handler({"message": f"{self.name} failed", "exception": error})
            self._finish(_End(f"internal error: {type(error).__name__}"))

    def _finish(self, end: _End) -> None:
        """The link is to end. From now on nothing of it counts, and whoever reads what it brought is told at once."""
        if self._over is not None and not self._ending:
            self._ending = True
            self._over.set_result(end)
            self._hub.publish(self.session.connection_lost(now=self._loop.time()))

    def _lingered(self) -> None:
        self._linger = None
        if self._needed:
            return
        if self._over is not None:
            self._finish(_End("nothing needs it"))
        elif self._task is not None:
            self._task.cancel()

    # ---------------------------------------------------------------- reading

    async def _read(self, link: Link) -> None:
        try:
            await self._read_frames(link)
        except LinkClosed as exc:
            self._finish(_End(exc.reason, gone=exc.code is None))

    async def _read_frames(self, link: Link) -> None:
        """Every frame, one after the other, to the session and on."""
        receive, clock, session, hub = link.receive, self._loop.time, self.session, self._hub
        desk, counts, publish, blocking = session.desk, self.counts, hub.publish, hub.blocking
        while True:
            frame = await receive()
            if self._ending:
                return  # the end is told: what still comes may not follow it
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
            if events:
                publish(events)
            if refused or channel in TELLING:
                self._attend(frame, events)
            else:
                self._last = events, now
            if desk.due_at < self._timer_at or desk.ignored_since is not None:
                self._wake()
            if blocking:
                await hub.room()
                waited = clock() - now
                if waited > STALL:
                    session.excuse(waited, now=now + waited)
            if self._reads % READS_IN_A_ROW == 0:
                self._arm()
                await asyncio.sleep(0)

    def _attend(self, frame: bytes, events: list[Event]) -> None:
        """A frame that says something about the connection itself, or cannot be used."""
        if self.session.refused:
            self.errors += 1
            self._hub.refused(frame)
            if not _is_utf8(frame):
                # It breaks the rules of WebSocket, so the next byte cannot be trusted either.
                self._finish(_End("sent text that is not UTF-8"))
        elif self.session.channel == "heartbeat":
            self._look_at_lag()
        self._act(events)
        # From the first answer or data on, silence has a deadline, too.
        self._arm()

    def _look_at_lag(self) -> None:
        """The last message before a heartbeat tells how late data is."""
        events, now = self._last
        told = self.lag.look(events[0], now) if events else None
        self._last = [], now
        if told is not None:
            self._hub.publish([told])

    def _act(self, events: list[Event]) -> None:
        """What events say about the connection itself."""
        for event in events:
            match event:
                case SubscribeReply() if not event.rejected and self._useful_since is None:
                    self._useful_since = self._loop.time()
                case SubscriptionRejected(kind=ErrorKind.RATE):
                    self.pacer.slow(self._loop.time())
                case StatusUpdate():
                    self.system = event.system.value
                case PeerSilent():
                    self._finish(_End("silent", gone=True))
                case ReconnectNeeded() if self._may_blame():
                    self._finish(_End(event.reason))
                case _:
                    pass

    def _may_blame(self) -> bool:
        """One subscription's trouble costs a connection on which others are well only now and then."""
        now = self._loop.time()
        recent = sum(now - at < self._waits.useful for at in self.session.last_heard().values())
        return recent < 2 or self._blamed.spend(now)

    # ---------------------------------------------------------------- writing

    def _wake(self) -> None:
        """Something may have to be sent, or to be looked at earlier than thought."""
        if self._over is not None and not self._ending:
            self._outgoing.set()
            self._arm()

    async def _write(self, link: Link) -> None:
        try:
            while True:
                await self._outgoing.wait()
                self._outgoing.clear()
                await self._write_waiting(link)
        except LinkClosed as exc:
            self._finish(_End(exc.reason, gone=True))
        except TimeoutError:
            self._finish(_End("does not read what is sent", gone=True))

    async def _write_waiting(self, link: Link) -> None:
        desk, pacer, clock = self.session.desk, self.pacer, self._loop.time
        while desk.waiting and not self._ending:
            if self._token_task is None and self.session.wants_token(now=clock()):
                self._token_task = self._loop.create_task(self._get_token())
                self._token_task.add_done_callback(self._ended)
            ready = pacer.ready(clock())
            if not ready:
                await asyncio.sleep(pacer.wait(clock()))
                continue
            frames = self.session.take_outgoing(now=clock(), limit=ready)
            self._arm()
            if not frames:
                return  # what is left waits for a token, or for its time
            pacer.spend(len(frames))
            for frame in frames:
                async with asyncio.timeout(self._waits.write):
                    await link.send(frame)

    async def _get_token(self) -> None:
        try:
            self.session.supply_token(await self._tokens())
        except TokenLater as exc:
            self._hub.note(exc)
            await asyncio.sleep(exc.wait)
        except AuthFailed as exc:
            self._finish(_End("no token", error=exc))
        self._token_task = None
        self._outgoing.set()

    # ---------------------------------------------------------------- timers

    def _arm(self) -> None:
        """Make sure that the timer goes off at the session's deadline. It may be early; then it is set again."""
        at = self.session.deadline
        if at is None or at >= self._timer_at or self._over is None or self._ending:
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
            self.stalls += 1
            self.session.excuse(late, now=now)
        self._timer = self._loop.call_later(0, self._settle, self._reads, SETTLE_ROUNDS)

    def _settle(self, reads: int, rounds: int) -> None:
        """Wait for what was received to be read before anybody is called late."""
        if self._ending:
            return
        if self._reads != reads and rounds:
            self._timer = self._loop.call_later(0, self._settle, self._reads, rounds - 1)
            return
        # A loop may call a timer a little early, by the resolution of its clock.
        now = max(self._loop.time(), self._timer_at)
        self._timer, self._timer_at = None, float("inf")
        events = self.session.tick(now=now)
        if events:
            self._hub.publish(events)
            self._act(events)
        self._wake()

    def _look(self) -> None:
        """Which streams have fallen silent, every few seconds."""
        if self._ending:
            return
        now = self._loop.time()
        self._watch_timer = self._loop.call_later(LOOK_SECONDS, self._look)
        found = self._watch.look(now)
        if found.events:
            self._hub.publish(found.events)
        for channel, symbol in found.anew:
            self.resync(channel, symbol)
        if found.stalled:
            self._finish(_End("data_stall: heartbeats go on, all data stopped", gone=False))

    def _change(self, state: ConnectionState, reason: str) -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self._hub.publish([ConnectionChanged(self.name, state, reason, self.failures, self.retry_at)])


def _is_utf8(frame: bytes) -> bool:
    try:
        frame.decode()
    except UnicodeDecodeError:
        return False
    return True
