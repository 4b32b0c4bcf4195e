"""The other end of a socket, byte by byte: a server on loopback that does what a test writes, and nothing else."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

CERTIFICATES = Path(__file__).parent / "certificates"
AUTHORITY = str(CERTIFICATES / "authority.pem")
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def frame(payload: bytes, opcode: int = TEXT, *, final: bool = True, reserved: int = 0) -> bytes:
    """A frame as a server sends it: unmasked."""
    first = (0x80 if final else 0) | reserved << 4 | opcode
    size = len(payload)
    if size < 126:
        head = bytes([first, size])
    elif size < 65536:
        head = bytes([first, 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, 127]) + size.to_bytes(8, "big")
    return head + payload


class Peer:
    """One client that connected."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.request = b""

    async def ask(self) -> bytes:
        """The head of the client's HTTP request."""
        self.request = await self.reader.readuntil(b"\r\n\r\n")
        return self.request

    async def answer(self, text: str, body: bytes = b"") -> None:
        """An HTTP answer: a status line and headers, one a line."""
        head = text.replace("\n", "\r\n")
        await self.say(f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)

    async def upgrade(self, *, key: bytes | None = None) -> None:
        """Take the request, and become a WebSocket."""
        request = await self.ask()
        lines = dict(line.split(b": ", 1) for line in request.split(b"\r\n")[1:] if b": " in line)
        asked = (
            {name.lower(): value for name, value in lines.items()}[b"sec-websocket-key"]
            if key is None
            else key
        )
        accept = base64.b64encode(hashlib.sha1(asked + GUID).digest())  # noqa: S324 (the protocol says so)
        await self.say(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )

    async def say(self, data: bytes) -> None:
        """Bytes to the client."""
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> tuple[int, bytes]:
        """The client's next frame: opcode and payload."""
        head = await self.reader.readexactly(2)
        size = head[1] & 0x7F
        if size >= 126:
            size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
        mask = await self.reader.readexactly(4)
        payload = await self.reader.readexactly(size)
        return head[0] & 0x0F, bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))

    def cut(self, *, reset: bool = False) -> None:
        """End the TCP connection without a word."""
        if reset:
            self.writer.transport.abort()
        else:
            self.writer.close()


Script = Callable[[Peer], Awaitable[None]]


@contextlib.asynccontextmanager
async def serving(script: Script, certificate: str | None = None) -> AsyncIterator[str]:
    """A server that runs `script` with everybody who connects; gives its address, `127.0.0.1:port`."""
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATES / f"{certificate}.pem")
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await script(Peer(reader, writer))
        writer.transport.abort()
        tasks.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"{host}:{port}"
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.sleep(0)


async def stay(_: Peer) -> None:
    """Say nothing more, and stay."""
    await asyncio.sleep(3600)
