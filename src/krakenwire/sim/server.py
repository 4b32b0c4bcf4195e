"""The simulated exchange on a port: WebSocket and HTTP, for clients in any language. Where it is found, `places` says."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Self

from aiohttp import WSMsgType, web

from krakenwire.errors import UsageError
from krakenwire.sim.channels import Host
from krakenwire.sim.connection import ConnectionId
from krakenwire.sim.exchange import Exchange
from krakenwire.sim.http_log import server_log
from krakenwire.sim.pace import Pace
from krakenwire.sim.places import PATHS, Urls, host_of, is_loopback
from krakenwire.sim.raw import Act, Answer, Instead
from krakenwire.sim.responses import Nothing, refusal
from krakenwire.sim.seams import Refused
from krakenwire.sim.wire import Wire

REQUEST_LIMIT = 1024 * 1024
"""Bytes of a client's message or HTTP body."""

STOP_SECONDS = 2.0
"""Real seconds that clients and handlers have to end."""


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
        self._pace = Pace(exchange, speed, self._hand_out)

    @property
    def now(self) -> float:
        """The present, in seconds since the exchange began."""
        return self._pace.now

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
        app = web.Application(client_max_size=REQUEST_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(
            app,
            access_log=None,
            logger=server_log(),
            handler_cancellation=True,
            shutdown_timeout=STOP_SECONDS / 2,
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
        self._pace.begin()
        self._driver = asyncio.create_task(self._pace.run(), name="simulated exchange")

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
        return self._pace.look()

    def _hand_out(self) -> bool:
        """Give every client what waits for him; whether some has to wait for a slow reader."""
        crowded = False
        for number in tuple(self._wires):
            crowded |= self._flush(number)
        return crowded

    def _flush(self, number: ConnectionId) -> bool:
        """Give a client what waits for him; whether he has to read first."""
        wire = self._wires.get(number)
        if wire is None:
            return False
        closing = self.exchange.closing(number)
        if wire.full and closing is None:
            return True
        frames = self.exchange.take_outgoing(number)
        if frames:
            self.frames += len(frames)
            wire.send(frames)
        closing = self.exchange.closing(number)
        if closing is not None:
            wire.close(closing.code, closing.reason)
        if wire.ended or wire.silent or closing is not None:
            self._forget(number)
        return False

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
            return Nothing()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Raises: ConnectionError, if the client is gone."""
        self._pace.move()
        upgrade = request.headers.get("Upgrade", "").lower() == "websocket"
        host = host_of(request) if upgrade else None
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
            return await self._say(request, refused.acts) if refused.acts else refusal(refused)
        if upgrade or not request.path.startswith("/0/"):
            return web.Response(status=404, text="no such path; there are /v2, /auth/v2, /l3/v2 and /0/...\n")
        body = await request.read()
        self._pace.move()
        refused = self.exchange.refused_http(request.path_qs, now=self._pace.now)
        if refused is not None:
            response = refusal(refused)
        else:
            status, text = self.exchange.rest(
                request.method, request.path_qs, request.headers, body, now=self._pace.now
            )
            response = web.Response(status=status, body=text)
        response.content_type = "application/json"
        self._pace.wake()
        return response

    def _turned_away(self, request: web.Request, host: Host) -> Refused | None:
        """How an upgrade is refused, by a ban or by faults; None: it is not."""
        refused = self.exchange.refused(host, now=self._pace.now)
        banned = self.exchange.knock(request.remote or "", now=self._pace.now)
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
        self._pace.move()
        number = self.exchange.connect(host, now=self._pace.now)
        self.connects += 1
        self._wires[number] = wire
        self.exchange.connections[number].socket = _Flushed(self, number, wire)
        self._flush(number)
        self._pace.wake()
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
                self._pace.move()
                self.exchange.receive(number, message.data, now=self._pace.now)
                self._flush(number)
                self._pace.wake()
                # Others have their turn between two of many requests; so the end of a TLS socket is heard before much is written to it.
                await asyncio.sleep(0)
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
        return Nothing()

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
