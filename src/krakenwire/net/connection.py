"""One connection's life: open, live, end, wait, open again.

The protocol is the session's; what happens on a link while it stands is the business of `live`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from krakenwire.errors import ConnectFailed, ConnectionLost, KrakenWireError
from krakenwire.events import ConnectionChanged, ConnectionState, Event
from krakenwire.net.backoff import Backoff, ConnectGate, Waits
from krakenwire.net.cancelling import is_ours
from krakenwire.net.known import End, Hub, Known
from krakenwire.net.live import LiveLink
from krakenwire.net.pacing import Pacer
from krakenwire.net.transport import ConnectFailure, Link, Transport
from krakenwire.session import Session
from krakenwire.wire.orders import Request
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import Subscription

ONLINE = frozenset({None, "online"})
WAITS = frozenset({ConnectionState.WAITING, ConnectionState.DOWN})


class Owner(Hub, Protocol):
    """What a connection tells the client."""

    def failed(self, connection: Connection, error: KrakenWireError) -> None:
        """The connection is over for good."""


class Connection:
    """One session and the links it has one after the other. It is open while anything is subscribed."""

    def __init__(
        self,
        name: str,
        url: str,
        session: Session,
        *,
        hub: Owner,
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
        self.error: KrakenWireError | None = None
        """Why it FAILED."""
        self._not_before: float | None = None
        """When there may be another attempt; also after nothing needed it for a while."""
        self.connected_at: float | None = None
        self.connects = 0
        """Links opened since construction."""
        self.known = Known(name, session)
        self._hub = hub
        self._transport = transport
        self._gate = gate
        self._waits = waits
        self._backoff = Backoff(waits, dice)
        self.pacer = pacer
        self._tokens = tokens
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._live: LiveLink | None = None
        self._linger: asyncio.TimerHandle | None = None
        self._forbidden = 0
        self._stopping = False

    @property
    def retry_at(self) -> float | None:
        """When it is tried again; None: it is not, or it stands."""
        return self._not_before if self.state in WAITS else None

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
        self._start()
        self._wake()

    def unsubscribe(self, channel: str, symbol: str | None, interval: int | None) -> None:
        """Want a subscription no more; when none is left the connection ends a little later."""
        self.session.unsubscribe(channel, symbol, interval, now=self._loop.time())
        self._wake()
        if not self._needed and self._linger is None:
            self._linger = self._loop.call_later(self._waits.linger, self._lingered)

    def greet(self, params: Subscription, symbol: str | None, put: Callable[[Event], None]) -> None:
        """Tell a new reader what is held of a subscription; where that may not be current, it is taken anew."""
        late = self.session.late(params, symbol)
        for event in late.events:
            put(event)
        if late.missing:
            self.resync(params.channel.value, symbol)

    @property
    def stands(self) -> bool:
        """Whether what is asked now is sent now, but for a token."""
        return self._live is not None

    def request(self, request: Request) -> int:
        """Send a request, once; returns its number.

        Raises: UsageError, if too many wait.
        """
        number = self.session.request(request, now=self._loop.time())
        self._wake()
        return number

    def let_go(self, channel: str, symbol: str) -> None:
        """A book goes on elsewhere: from this moment on nothing more of it comes from here."""
        self.session.books.ended(channel, symbol, "it has another connection now")

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

    def _start(self) -> None:
        if self._task is None and self._needed and not self._stopping:
            self.error = None
            self._task = self._loop.create_task(self._run(), name=f"krakenwire {self.name}")

    async def _run(self) -> None:
        try:
            while self._needed and self.error is None:
                await self._turn()
                link = await self._open()
                if link is not None:
                    await self._keep(link)
        except Exception as exc:  # noqa: BLE001 (the outermost task: it must not die unseen)
            self._loop.call_exception_handler({"message": f"{self.name} failed", "exception": exc})
            self._fail(ConnectionLost(f"internal error: {type(exc).__name__}"))
        finally:
            self._task = None
            if self.error is None:
                self._change(ConnectionState.IDLE, "stopped" if self._stopping else "nothing needs it")
                self._start()  # it may have been wanted again while it was given up
        if self.error is not None:
            self._hub.failed(self, self.error)

    async def _turn(self) -> None:
        """Wait until there may be an attempt."""
        if self._not_before is not None:
            if self.state is ConnectionState.IDLE:
                self._change(self.state_waiting, "the last attempt was not long ago")
            await asyncio.sleep(self._not_before - self._loop.time())
        while wait := self._gate.spend(self._loop.time(), private=self.private):
            self._not_before = self._loop.time() + wait
            self._change(self.state_waiting, "too many attempts in this process")
            await asyncio.sleep(wait)

    @property
    def state_waiting(self) -> ConnectionState:
        """WAITING, or DOWN after many failures."""
        return ConnectionState.DOWN if self.failures >= self._waits.down else ConnectionState.WAITING

    async def _open(self) -> Link | None:
        self._not_before = None
        self._change(ConnectionState.CONNECTING, "")
        limit = asyncio.timeout(self._waits.connect)
        try:
            async with limit:
                link: Any = await self._transport.open(self.url)
            if link is not None:
                return link  # type: ignore[no-any-return]
            failed = _foreign("it opened nothing")
        except ConnectFailed as exc:
            failed = exc
        except TimeoutError as exc:
            took = f"nothing in {self._waits.connect:g} s" if limit.expired() else "no answer in time"
            failed = ConnectFailed(ConnectFailure.TIMEOUT, took)
            failed.__cause__ = exc
        except (Exception, asyncio.CancelledError) as exc:
            if is_ours(exc):
                raise
            failed = _foreign(f"it raised {type(exc).__name__}")
            failed.__cause__ = exc
        self._failed(failed)
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
        return 0.0 if self.known.system in ONLINE else self._waits.maintenance

    def _wait_for_turn(self, reason: str, floor: float) -> None:
        self._not_before = self._loop.time() + self._backoff.next(floor=floor)
        self._change(self.state_waiting, reason)

    def _fail(self, error: KrakenWireError) -> None:
        self.error = error
        self._change(ConnectionState.FAILED, str(error))

    async def _keep(self, link: Link) -> None:
        """Keep an open link until it ends, for whatever reason."""
        loop = self._loop
        self.connects += 1
        self.connected_at, self._forbidden = loop.time(), 0
        self._change(ConnectionState.CONNECTED, "")
        live = self._live = LiveLink(
            self.name,
            link,
            self.session,
            self.known,
            hub=self._hub,
            waits=self._waits,
            pacer=self.pacer,
            tokens=self._tokens,
        )
        end = End("stopped", closed=True)
        try:
            end = await live.ended
        finally:
            self._live = self.connected_at = None
            since = live.useful_since
            if since is not None and loop.time() - since >= self._waits.useful:
                self._backoff.useful()
            await live.part(end)
        if end.error is not None:
            self._fail(end.error)
        elif self._needed:
            self._wait_for_turn(end.reason, self._floor())

    def _lingered(self) -> None:
        self._linger = None
        if self._needed:
            return
        if self._live is not None:
            self._live.finish(End("nothing needs it"))
        elif self._task is not None:
            self._task.cancel()

    def _wake(self) -> None:
        if self._live is not None:
            self._live.wake()

    def _change(self, state: ConnectionState, reason: str) -> None:
        if (state, reason) != (self.state, self.reason):
            self.state, self.reason = state, reason
            self._hub.publish([ConnectionChanged(self.name, state, reason, self.failures, self.retry_at)])


def _foreign(reason: str) -> ConnectFailed:
    """A transport of the caller's own failed. Its text is not shown: it may hold what it was given."""
    return ConnectFailed(ConnectFailure.TRANSPORT, f"the transport could not connect: {reason}")
