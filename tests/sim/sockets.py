"""The simulated exchange on a real port, with aiohttp's client and bare sockets before it."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from krakenwire.sim import Connection, Exchange, Rules
from krakenwire.sim.server import Server

QUICK = Rules(snapshot_delay=(0.0, 0.0))

UPGRADE = (
    b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
BOOK = {"method": "subscribe", "params": {"channel": "book", "symbol": ["SOL/USD"]}, "req_id": 1}


@asynccontextmanager
async def serving(exchange: Exchange | None = None, **options: Any) -> AsyncIterator[Server]:
    """A running exchange; stopping leaves no task behind."""
    before = asyncio.all_tasks()
    async with Server(exchange or Exchange(seed=3, markets=["SOL/USD"], rules=QUICK), **options) as server:
        yield server
    assert asyncio.all_tasks() == before


class Socket:
    """A WebSocket of aiohttp's client."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse[Any]) -> None:
        self.ws = ws

    async def ask(self, request: dict[str, Any]) -> None:
        await self.ws.send_str(json.dumps(request))

    async def next(self) -> Any:
        """The next message, read."""
        return json.loads(await self.ws.receive_str(timeout=5))

    async def until(self, *, seconds: float = 5.0, **members: Any) -> Any:
        """The next message that has these members."""
        async with asyncio.timeout(seconds):
            while True:
                message = json.loads(await self.ws.receive_str())
                if all(message.get(name) == value for name, value in members.items()):
                    return message


@asynccontextmanager
async def connected(url: str, **options: Any) -> AsyncIterator[Socket]:
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as ws:
        yield Socket(ws)


async def becomes(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until this is so.

    Raises: AssertionError, if it never is.
    """
    for _ in range(int(seconds * 1000)):
        if true():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came about")


def the_connection(server: Server) -> Connection:
    """The only connection of the exchange."""
    (connection,) = server.exchange.connections.values()
    return connection


class Bare:
    """A socket without any protocol; after `upgrade` it is a WebSocket whose bytes are seen as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def upgrade(self) -> bytes:
        """The head of the answer."""
        self.writer.write(UPGRADE)
        return await self.reader.readuntil(b"\r\n\r\n")

    async def read(self, seconds: float = 5.0) -> bytes:
        """Everything until the end of the stream."""
        async with asyncio.timeout(seconds):
            return await self.reader.read()


@asynccontextmanager
async def bare(server: Server, context: ssl.SSLContext | None = None) -> AsyncIterator[Bare]:
    place = urlsplit(server.urls.rest)
    reader, writer = await asyncio.open_connection(
        place.hostname, place.port, ssl=context, server_hostname=place.hostname if context else None
    )
    try:
        yield Bare(reader, writer)
    finally:
        writer.transport.abort()
