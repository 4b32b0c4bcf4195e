"""The real transport: WebSocket and HTTP over TLS, by aiohttp.

What the library would do of its own accord and must not: follow a redirect of the upgrade to another host, wait for a peer that said
goodbye, answer every ping of a flood, give up on a quiet peer (the session's own deadlines do that). What it leaves to us: telling
refusals apart (`failures`).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from krakenwire.errors import ConnectFailed, UsageError
from krakenwire.net.failures import FORBIDDEN, failure_of, retry_after, system_failure
from krakenwire.net.proxies import Proxy, environment_proxy
from krakenwire.net.resolver import LOOKUPS_LIMIT, Resolver
from krakenwire.net.threads import Threads
from krakenwire.net.transport import (
    BODY_LIMIT,
    FRAME_LIMIT,
    ConnectFailure,
    HttpReply,
    Link,
    LinkClosed,
    check_url,
    is_loopback,
)
from krakenwire.state.budget import Budget

PONGS_A_SECOND = 10
"""Pings beyond it are counted and not answered."""

CLOSE_SECONDS = 1.0
"""Seconds that a goodbye may take to be written."""

# Looked up once: members of an enum are dear to find, and a message asks for its type.
TEXT, BINARY = aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY
PING, PONG, CLOSE, ERROR = (
    aiohttp.WSMsgType.PING,
    aiohttp.WSMsgType.PONG,
    aiohttp.WSMsgType.CLOSE,
    aiohttp.WSMsgType.ERROR,
)

EXCERPT = 200
"""Characters of an answer that a refusal shows."""


class SocketTransport:
    """Links over real sockets.

    `proxy`: URL of an HTTP proxy; None: as the environment says (`HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY`) at each attempt, but never on the
    way to this machine itself. `cafile`: certificates to trust instead of the system's, for an exchange of your own. There is no way to
    switch the check off.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        cafile: str | None = None,
        resolver: Resolver | None = None,
        frame_limit: int = FRAME_LIMIT,
    ) -> None:
        self._proxy = None if proxy is None else Proxy.at(proxy)
        self._threads = Threads(LOOKUPS_LIMIT)
        self._cafile = cafile
        self._resolver = Resolver() if resolver is None else resolver
        self._frame_limit = frame_limit
        self._ssl: ssl.SSLContext | None = None

    async def open(self, url: str) -> Link:
        """A new WebSocket.

        Raises: ConnectFailed, UsageError.
        """
        check_url(url)
        gate = _Gate()
        proxy = await self._proxy_to(url)
        session = self._session(url, gate, proxy)
        try:
            socket_: Any = await session.ws_connect(
                url,
                **_through(proxy),
                timeout=aiohttp.ClientWSTimeout(ws_receive=None, ws_close=CLOSE_SECONDS),
                autoclose=False,
                autoping=False,
                compress=0,
                max_msg_size=self._frame_limit,
                decode_text=False,
            )
        except BaseException as exc:
            await session.close()
            failure = failure_of(exc, gate.excerpt)
            if failure is None:
                raise
            raise failure from None  # the cause may name a proxy with its password
        return SocketLink(session, socket_, gate.reply)

    async def fetch(
        self,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = BODY_LIMIT,
    ) -> HttpReply:
        """An HTTP request over a connection of its own; a redirect is an answer like any other.

        Raises: ConnectFailed, UsageError.
        """
        check_url(url, schemes=("https", "http"))
        try:
            proxy = await self._proxy_to(url)
            async with (
                self._session(url, None, proxy) as session,
                session.request(
                    "GET" if body is None else "POST",
                    url,
                    data=body,
                    headers=headers,
                    **_through(proxy),
                    allow_redirects=False,
                ) as reply,
            ):
                text = await _read(reply, limit)
                return HttpReply(reply.status, text, retry_after(reply.headers))
        except BaseException as exc:
            failure = failure_of(exc)
            if failure is None:
                raise
            raise failure from None  # the request that a cause may hold has the signature in it

    async def close(self) -> None:
        """Nothing is shared between links."""

    async def _proxy_to(self, url: str) -> Proxy | None:
        """The proxy on the way to a URL; None: there is none.

        Raises: ConnectFailed, if the environment names one that cannot be used; it is not gone around.
        """
        parts = urlsplit(url)
        host = parts.hostname or ""
        if self._proxy is not None or is_loopback(host):
            return self._proxy
        try:
            named = await self._threads.call(functools.partial(environment_proxy, host, parts.port or 443))
            return None if named is None else Proxy.at(named)
        except UsageError:
            raise ConnectFailed(
                ConnectFailure.PROXY, "the environment names one that is no HTTP proxy"
            ) from None
        except OSError as exc:
            raise system_failure(exc) from None

    def _session(self, url: str, gate: _Gate | None, proxy: Proxy | None) -> aiohttp.ClientSession:
        if self._ssl is None:
            self._ssl = ssl.create_default_context(cafile=self._cafile)
        # A tunnel is asked for with a login of its own; a request that is not encrypted is read by the proxy itself.
        secure = urlsplit(url).scheme in {"wss", "https"}
        login = {} if proxy is None or secure else proxy.headers()
        connector = aiohttp.TCPConnector(resolver=self._resolver, ssl=self._ssl, force_close=gate is None)
        return aiohttp.ClientSession(
            connector=connector,
            middlewares=() if gate is None else (gate,),
            trust_env=False,  # it would also send a password of ~/.netrc
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"User-Agent": "krakenwire"} | login,
            ws_response_class=_WebSocket,
        )


class _Gate:
    """Sees the answer to an upgrade before the library acts on it: a redirect ends here."""

    def __init__(self) -> None:
        self.reply: aiohttp.ClientResponse | None = None
        """The upgrade that was granted; it holds the connection."""
        self.excerpt = ""

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        reply = await handler(request)
        if reply.status == 101:
            self.reply = reply
            return reply
        if reply.status in FORBIDDEN:
            with contextlib.suppress(aiohttp.ClientError, asyncio.TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    self.excerpt = (await reply.content.read(EXCERPT)).decode(errors="replace")
        reply.close()
        raise aiohttp.WSServerHandshakeError(
            reply.request_info, (), message="no upgrade", status=reply.status, headers=reply.headers
        )


class _WebSocket(aiohttp.ClientWebSocketResponse[Any]):
    """The library's WebSocket, which keeps the queue of messages that it is made with: `receive` takes one message out of it, and costs as
    much again for what it looks at besides.
    """

    def __init__(self, reader: Any, *args: Any, **options: Any) -> None:
        super().__init__(reader, *args, **options)
        self.read: Callable[[], Awaitable[tuple[Any, ...]]] = reader.read


class SocketLink:
    """One WebSocket. Pings are answered while somebody receives."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        socket_: _WebSocket,
        reply: aiohttp.ClientResponse | None,
    ) -> None:
        self._session = session
        self._socket = socket_
        self._read = socket_.read
        self._reply = reply
        self._pongs = Budget(PONGS_A_SECOND, 1.0)
        self._clock = asyncio.get_running_loop().time
        self.ignored = 0
        """Binary messages, and pings beyond their bound."""

    async def receive(self) -> bytes:
        while True:
            try:
                message: Any = await self._read()
            except Exception:  # noqa: BLE001 (asked again, the library says what it was)
                message = await self._socket.receive()
            kind = message[0]
            if kind is TEXT:
                return message[1]  # type: ignore[no-any-return]
            if kind is PING and self._pongs.spend(self._clock()):
                await self._pong(message.data)
            elif kind in {BINARY, PING}:
                self.ignored += 1
            elif kind is not PONG:
                raise self._ended(message)

    async def send(self, frame: bytes) -> None:
        try:
            await self._socket.send_frame(frame, TEXT)
        except (OSError, aiohttp.ClientError, RuntimeError):
            raise LinkClosed(
                "sending failed"
            ) from None  # what failed may hold the frame, and the frame the token

    async def close(self) -> None:
        # Only the close frame is written: a peer that answers no goodbye is not waited for.
        with contextlib.suppress(OSError, aiohttp.ClientError, RuntimeError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._socket.send_frame((1000).to_bytes(2, "big"), CLOSE)
        self.abort()
        await self._session.close()

    def abort(self) -> None:
        reply, self._reply = self._reply, None
        if reply is None:
            return
        if reply.connection is not None and reply.connection.transport is not None:
            reply.connection.transport.abort()
        reply.close()

    async def _pong(self, payload: bytes) -> None:
        with contextlib.suppress(OSError, aiohttp.ClientError, RuntimeError):
            await self._socket.pong(payload)

    def _ended(self, message: aiohttp.WSMessage) -> LinkClosed:
        if message.type is CLOSE:
            why = f": {message.extra}" if message.extra else ""
            return LinkClosed(f"closed by the exchange ({message.data}){why}", message.data)
        if message.type is ERROR:
            code = getattr(message.data, "code", None)
            return LinkClosed(f"broke the rules of WebSocket: {message.data}", code)
        return LinkClosed("ended without a close frame")


def _through(proxy: Proxy | None) -> dict[str, Any]:
    """How the library is told of a proxy: without the login in its URL, which its warnings would show."""
    return {} if proxy is None else {"proxy": proxy.url, "proxy_headers": proxy.headers()}


async def _read(reply: aiohttp.ClientResponse, limit: int) -> bytes:
    parts = bytearray()
    async for chunk in reply.content.iter_any():
        parts += chunk
        if len(parts) > limit:
            raise ConnectFailed(
                ConnectFailure.HANDSHAKE, f"the answer is longer than {limit} bytes", status=reply.status
            )
    return bytes(parts)
