"""The simulated exchange on a port: WebSocket and HTTP, for clients in any language.

The paths are Kraken's. Its three WebSocket hosts are three paths here, or three host names where names can be given:

========  ==========  =============================
host      path        or `/v2` under the host name
========  ==========  =============================
public    `/v2`
private   `/auth/v2`  `ws-auth.localhost`
level3    `/l3/v2`    `ws-l3.localhost`
========  ==========  =============================

HTTP is below `/0`, as at `https://api.kraken.com`.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, Self

from aiohttp import WSMsgType, web
from msgspec import Struct

from krakenwire.errors import UsageError
from krakenwire.sim.channels import Host
from krakenwire.sim.connection import ConnectionId
from krakenwire.sim.exchange import Exchange, Refused
from krakenwire.sim.raw import Act, Answer, Instead
from krakenwire.sim.wire import Wire

PATHS = {"/v2": Host.PUBLIC, "/auth/v2": Host.PRIVATE, "/l3/v2": Host.LEVEL3}

NAMES = {
    "ws-auth": Host.PRIVATE,
    "beta-ws-auth": Host.PRIVATE,
    "ws-l3": Host.LEVEL3,
}
"""First labels of the host name that make `/v2` another host than the public one."""

REQUEST_LIMIT = 1024 * 1024
"""Bytes of a client's message or HTTP body."""

PACE = 0.001
"""Real seconds between two looks at what is due, at least."""

CROWDED = 0.01
"""Real seconds until a slow reader is looked at again."""

SLICE = 0.05
"""Real seconds of market that are made at once, at most: after a pause or under too much work, clients are heard in between."""

STOP_SECONDS = 2.0
"""Real seconds that clients and handlers have to end."""


class Urls(Struct, frozen=True):
    """Where a running exchange is."""

    public: str
    private: str
    level3: str
    rest: str
    """Without the path: what stands before `/0/private/GetWebSocketsToken`."""


class Server:
    """Serves an exchange, which nobody else may advance meanwhile.

    `host` and `port`: where to listen; port 0 is one that the system picks. `tls`: with this context instead of plain. `speed`: seconds
    of the exchange in a real one. `buffer_limit`: bytes that may wait for a client; then the exchange keeps his frames, up to
    `Rules.outgoing_limit`.
    `allow_remote`: whether other machines may be able to connect.

    Raises: UsageError for a speed that is not positive, or an address that is not of this machine alone.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        speed: float = 1.0,
        buffer_limit: int = 4 * 1024 * 1024,
        allow_remote: bool = False,
    ) -> None:
        if not 0 < speed < float("inf"):
            raise UsageError("must be greater than zero", field="speed")
        if not (allow_remote or is_loopback(host)):
            raise UsageError(
                f"{host} can be reached from other machines; allow_remote=True allows that", field="host"
            )
        self.exchange = exchange
        self.connects = 0
        """WebSocket connections so far."""
        self.frames = 0
        """Frames sent so far."""
        self.requests = 0
        """HTTP requests so far, upgrades aside."""
        self.instead: Callable[[Host | None, str], Instead | None] = lambda _host, _path: None
        """What somebody gets who wants to connect to a host, or without a host: who asks this path by HTTP. None: what he asked for."""
        self._host = host
        self._port = port
        self._tls = tls
        self._speed = speed
        self._buffer_limit = buffer_limit
        self._wires: dict[ConnectionId, Wire] = {}
        self._plain: set[Wire] = set()
        """Sockets on which faults answer in place of the exchange."""
        self._runner: web.AppRunner | None = None
        self._driver: asyncio.Task[None] | None = None
        self._due = asyncio.Event()
        self._crowded = False
        """Whether frames wait for a slow reader."""
        self._loop: asyncio.AbstractEventLoop
        self._began = 0.0
        self._now = 0.0

    @property
    def now(self) -> float:
        """The present, in seconds since the exchange began."""
        return self._now

    @property
    def urls(self) -> Urls:
        """Where clients connect to; the port is known once it listens."""
        # Where it listens on every address, its own is one of them.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self._host, self._host)  # noqa: S104 (compared)
        place = f"[{host}]" if ":" in host else host
        place = f"{place}:{self._port}"
        s = "s" if self._tls else ""
        public, private, level3 = (f"ws{s}://{place}{path}" for path in PATHS)
        return Urls(public, private, level3, f"http{s}://{place}")

    # ---------------------------------------------------------------- life

    async def start(self) -> None:
        """Listen.

        Raises: OSError, if the address or the port is not to be had.
        """
        self._loop = asyncio.get_running_loop()
        app = web.Application(client_max_size=REQUEST_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=STOP_SECONDS / 2
        )
        await runner.setup()
        site = web.TCPSite(runner, self._host, self._port, ssl_context=self._tls)
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self._runner = runner
        self._port = runner.addresses[0][1]
        self._began = self._loop.time() - self._now / self._speed
        self._driver = asyncio.create_task(self._drive(), name="simulated exchange")

    async def stop(self) -> None:
        """Say goodbye to every client and end, within a few seconds, whatever they do."""
        runner, driver = self._runner, self._driver
        if runner is None or driver is None:
            return
        self._runner = self._driver = None
        driver.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await driver
        for wire in self._plain:
            wire.abort()
        for wire in self._wires.values():
            wire.close(1001, "going away")
        await runner.cleanup()
        for wire in self._wires.values():
            wire.abort()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # ---------------------------------------------------------------- time

    def look(self) -> float:
        """Bring the exchange to the present, which is returned: call it before doing something to the exchange. What follows from that is
        handed out at once.
        """
        self._move()
        self.exchange.advance(self._now)
        self._due.set()
        return self._now

    async def _drive(self) -> None:
        """The one task that moves time and hands out what there is."""
        while True:
            self._due.clear()
            self._crowded = False
            real = self._move()
            self.exchange.advance(self._now)
            self._hand_out()
            due = self.exchange.deadline
            wait = None if due is None else (due - self._now) / self._speed
            if self._crowded:
                wait = CROWDED if wait is None else min(wait, CROWDED)
            if self._now < real or (wait is not None and wait <= PACE):
                await asyncio.sleep(PACE)
            else:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._due.wait()

    def _move(self) -> float:
        """Bring the present nearer to the real one, which is returned: all the way, unless much is due on it."""
        real = (self._loop.time() - self._began) * self._speed
        due = self.exchange.deadline
        limit = real if due is None else max(due, self._now) + SLICE * self._speed
        self._now = max(self._now, min(real, limit))
        return real

    def _hand_out(self) -> None:
        for number in tuple(self._wires):
            self._flush(number)

    def _flush(self, number: ConnectionId) -> None:
        """Give a client what waits for him."""
        wire = self._wires.get(number)
        if wire is None:
            return
        closing = self.exchange.closing(number)
        if wire.full and closing is None:
            self._crowded = True
            return
        frames = self.exchange.take_outgoing(number)
        if frames:
            self.frames += len(frames)
            wire.send(frames)
        closing = self.exchange.closing(number)
        if closing is not None:
            wire.close(closing.code, closing.reason)
        if wire.ended or wire.silent or closing is not None:
            self._forget(number)

    def _forget(self, number: ConnectionId) -> None:
        wire = self._wires.pop(number, None)
        if wire is not None:
            self._plain.add(wire)
            self.exchange.disconnect(number)

    # ---------------------------------------------------------------- clients

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        """Any request. Who leaves before his answer gets none, and nobody is told: clients may do that."""
        try:
            return await self._answer(request)
        except ConnectionError:
            return _Nothing()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Raises: ConnectionError, if the client is gone."""
        self._move()
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        host = _host(request) if upgrade else None
        if not upgrade:
            self.requests += 1
        instead = self.instead(host, request.path)
        if isinstance(instead, Answer):
            if instead.after:
                await asyncio.sleep(instead.after / self._speed)
            return web.Response(status=instead.status, headers=instead.headers, body=instead.body)
        if instead is not None:
            return await self._say(request, instead)
        if host is not None:
            refused = self._turned_away(request, host)
            if refused is None:
                return await self._websocket(request, host)
            return await self._say(request, refused.acts) if refused.acts else _refusal(refused)
        if upgrade or not request.path.startswith("/0/"):
            return web.Response(status=404, text="no such path; there are /v2, /auth/v2, /l3/v2 and /0/...\n")
        body = await request.read()
        self._move()
        refused = self.exchange.refused_http(request.path_qs, now=self._now)
        if refused is not None:
            response = _refusal(refused)
        else:
            status, text = self.exchange.rest(
                request.method, request.path_qs, request.headers, body, now=self._now
            )
            response = web.Response(status=status, body=text)
        response.content_type = "application/json"
        self._due.set()
        return response

    def _turned_away(self, request: web.Request, host: Host) -> Refused | None:
        """How an upgrade is refused, by a ban or by faults; None: it is not."""
        refused = self.exchange.refused(host, now=self._now)
        banned = self.exchange.knock(request.remote or "", now=self._now)
        if refused is None and banned is not None:
            refused = Refused(429, retry_after=banned)
        return refused

    async def _websocket(self, request: web.Request, host: Host) -> web.StreamResponse:
        """One client from its upgrade to its end."""
        ws = web.WebSocketResponse(
            autoclose=False,
            autoping=False,
            compress=False,
            max_msg_size=REQUEST_LIMIT,
            timeout=STOP_SECONDS / 2,
        )
        await ws.prepare(request)
        wire = self._wire(request)
        self._move()
        number = self.exchange.connect(host, now=self._now)
        self.connects += 1
        self._wires[number] = wire
        self.exchange.connections[number].socket = _Flushed(self, number, wire)
        self._flush(number)
        self._due.set()
        try:
            await self._listen(ws, number, wire)
        finally:
            self._forget(number)
            self._plain.discard(wire)
            if not wire.ended:
                wire.abort()
        return ws

    async def _listen(self, ws: web.WebSocketResponse[Any], number: ConnectionId, wire: Wire) -> None:
        """Until the client is gone."""
        while True:
            message = await ws.receive()
            kind = message.type
            if kind is WSMsgType.TEXT and number in self._wires:
                self._move()
                self.exchange.receive(number, message.data, now=self._now)
                self._flush(number)
                self._due.set()
            elif kind is WSMsgType.PING:
                wire.pong(message.data)
            elif kind is WSMsgType.CLOSE:
                if wire.silent:
                    await asyncio.Event().wait()  # the end of the socket cancels it
                wire.answer_close(message.data or None)
                return
            elif kind not in {WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PONG}:
                return

    async def _say(self, request: web.Request, acts: Sequence[Act]) -> web.StreamResponse:
        """Bytes in place of an answer."""
        wire = self._wire(request)
        self._plain.add(wire)
        try:
            for act in acts:
                wire.act(act)
            if not wire.ended:
                await asyncio.Event().wait()  # the end of the socket cancels it
        finally:
            self._plain.discard(wire)
            if not wire.ended:
                wire.abort()
        return _Nothing()

    def _wire(self, request: web.Request) -> Wire:
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("gone already")
        return Wire(transport, limit=self._buffer_limit, speed=self._speed)


class _Flushed:
    """A wire that first gets the frames which its connection has waiting, so that an act comes after them."""

    def __init__(self, server: Server, number: ConnectionId, wire: Wire) -> None:
        self._server = server
        self._number = number
        self._wire = wire

    def act(self, act: Act) -> None:
        frames = self._server.exchange.take_outgoing(self._number)
        if frames:
            self._server.frames += len(frames)
            self._wire.send(frames)
        self._wire.act(act)


class _Nothing(web.StreamResponse):
    """No answer: everything that was to be said is said."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Writes nothing."""
        del request
        self.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        """Writes nothing."""


def _refusal(refused: Refused) -> web.Response:
    """A refusal, with how long to wait if it tells."""
    wait = refused.retry_after
    headers = {} if wait is None else {"Retry-After": str(ceil(wait))}
    return web.Response(status=refused.status, headers=headers, body=refused.body)


def _host(request: web.Request) -> Host | None:
    """Which host an upgrade asks for; None: none of ours."""
    host = PATHS.get(request.path)
    if host is Host.PUBLIC:
        return NAMES.get(request.host.partition(".")[0].lower(), host)
    return host


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
