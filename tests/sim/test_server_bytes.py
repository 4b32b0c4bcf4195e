"""Faults below the frames, over real sockets: what `connection.raw` and `Server.instead` do, byte by byte."""

from __future__ import annotations

import asyncio
import ssl
import time

import aiohttp
import pytest

from krakenwire.sim import Exchange, Host
from krakenwire.sim.certificate import throw_away
from krakenwire.sim.raw import (
    Act,
    Answer,
    Bytes,
    Cut,
    Deaf,
    End,
    Fragments,
    Instead,
    Late,
    Opcode,
    Slow,
    close_frame,
    fragments,
    websocket_frame,
)
from krakenwire.sim.server import Server
from tests.sim.sockets import BOOK, bare, becomes, connected, serving, the_connection

STATUS_HEAD = b"\x81\x7e"


async def opened(server: Server, *acts: Act, seconds: float = 5.0) -> bytes:
    """What a client gets after the head of its upgrade until the end of the stream, if these acts follow at once."""
    async with bare(server) as client:
        head = await client.upgrade()
        assert head.startswith(b"HTTP/1.1 101 ")
        await settle(server)
        assert the_connection(server).raw(*acts)
        return await client.read(seconds)


async def settle(server: Server) -> None:
    """Wait until the client is known and has its status."""
    await becomes(lambda: server.exchange.connections)


def test_frames_are_as_told() -> None:
    """A frame has the bits, the mask, the opcode and the length that were asked for, whether or not they are legal."""
    assert websocket_frame(b"{}") == b"\x81\x02{}"
    assert websocket_frame(b"x" * 126)[:4] == b"\x81\x7e\x00\x7e"
    assert websocket_frame(b"x" * 65536)[:10] == b"\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"
    assert websocket_frame(b"", Opcode.PING, fin=False, reserved=5) == b"\x59\x00"
    assert websocket_frame(b"ab", mask=b"\x01\x02\x03\x04") == b"\x81\x82\x01\x02\x03\x04``"
    assert websocket_frame(b"", length=1 << 62) == b"\x81\x7f\x40" + bytes(7)
    assert close_frame(1012, "restart") == b"\x88\x09\x03\xf4restart"
    assert close_frame(None) == b"\x88\x00"
    assert fragments(b"abcde", 2) == b"\x01\x02ab\x00\x02cd\x80\x01e"
    assert fragments(b"abc", 2, ping=True) == b"\x01\x02ab\x89\x00\x80\x01c"
    assert fragments(b"", 2) == b"\x81\x00"


def test_in_memory_there_are_no_bytes() -> None:
    """Without a socket a fault is told that nothing was done, so that it can do something else."""
    exchange = Exchange(markets=())
    number = exchange.connect(now=0.0)
    assert not exchange.connections[number].raw(Cut())
    assert len(exchange.take_outgoing(number)) == 1


@pytest.mark.parametrize("how", [End.FIN, End.TORN])
async def test_end_without_a_close_frame(how: End) -> None:
    """TCP ends after the frames before it, and no close frame is sent."""
    async with serving() as server:
        got = await opened(server, Cut(how))
        assert got.startswith(STATUS_HEAD)
        assert got.endswith(b"}")


async def test_reset() -> None:
    """TCP is reset."""
    async with serving() as server:
        with pytest.raises(ConnectionResetError):
            await opened(server, Cut(End.RST))


async def test_cut_in_the_middle_of_a_frame() -> None:
    """Half a frame and the end: whatever was sent before is whole, then come exactly the bytes asked for."""
    half = websocket_frame(b'{"channel":"heartbeat"}')[:9]
    async with serving() as server:
        got = await opened(server, Bytes(half), Cut())
        assert got.endswith(b"}" + half)


async def test_peer_that_vanishes() -> None:
    """A silent connection stays open, says nothing more, answers no ping, and is no client of the exchange any more."""
    async with serving(speed=20) as server, connected(server.urls.public, autoping=False) as socket:
        await socket.ask(BOOK)
        await socket.until(channel="book")
        the_connection(server).raw(Cut(End.SILENT))
        await becomes(lambda: not server.exchange.connections)
        await socket.ws.ping()
        with pytest.raises(TimeoutError):
            await socket.until(method="pong", seconds=0.3)


async def test_goodbye_and_then_nothing() -> None:
    """A close frame may be the last thing, with TCP left open: the client waits for an end that never comes."""
    async with serving() as server, bare(server) as client:
        await client.upgrade()
        await settle(server)
        the_connection(server).raw(Bytes(close_frame(1012)), Cut(End.SILENT))
        got = await client.reader.readuntil(b"\x88\x02\x03\xf4")
        assert got.startswith(STATUS_HEAD)
        client.writer.write(b"\x88\x82\x00\x00\x00\x00\x03\xf4")
        with pytest.raises(TimeoutError):
            await client.read(0.3)


async def test_late_bytes() -> None:
    """What is late comes all at once, in its order, after so many seconds of the exchange."""
    async with serving(speed=10) as server, connected(server.urls.public) as socket:
        await socket.ask(BOOK)
        await socket.until(channel="book")
        the_connection(server).raw(Late(4))
        began = time.monotonic()
        times: list[float] = []
        for number in range(1, 4):
            await socket.ask({"method": "ping", "req_id": number})
        while len(times) < 3:
            pong = await socket.until(method="pong")
            times.append(time.monotonic() - began)
            assert pong["req_id"] == len(times)
        assert 0.3 < times[0] < 2
        assert times[2] - times[0] < 0.2


async def test_late_bytes_before_the_end() -> None:
    """An end that comes after late bytes waits for them."""
    async with serving(speed=10) as server:
        began = time.monotonic()
        got = await opened(server, Late(3), Bytes(b"last"), Cut())
        assert got.endswith(b"last")
        assert time.monotonic() - began > 0.25


async def test_trickle() -> None:
    """A slow connection lets so many bytes a second through; when it is fast again, the rest comes at once."""
    async with serving() as server, bare(server) as client:
        await client.upgrade()
        await settle(server)
        connection = the_connection(server)
        status = await client.reader.readuntil(b"}]}")
        assert status.startswith(STATUS_HEAD)
        connection.raw(Slow(100), Bytes(bytes(1000)))
        await asyncio.sleep(0.5)
        first = await client.reader.read(1000)
        assert 10 <= len(first) <= 90
        connection.raw(Slow(None))
        async with asyncio.timeout(5):
            assert len(await client.reader.readexactly(1000 - len(first))) == 1000 - len(first)


@pytest.mark.parametrize("ping", [False, True])
async def test_fragments(ping: bool) -> None:
    """Messages in fragments, with pings between them, are whole messages to a client."""
    async with serving() as server, connected(server.urls.public) as socket:
        await socket.next()
        the_connection(server).raw(Fragments(7, ping=ping))
        await socket.ask(BOOK)
        assert (await socket.until(channel="book"))["type"] == "snapshot"
        the_connection(server).raw(Fragments(None))
        await socket.ask({"method": "ping"})
        await socket.until(method="pong")


async def test_deaf() -> None:
    """While the exchange does not read, it hears nothing; what was said is heard when it reads again."""
    async with serving() as server, connected(server.urls.public) as socket:
        await socket.next()
        the_connection(server).raw(Deaf(0.3))
        began = time.monotonic()
        await socket.ask({"method": "ping"})
        await socket.until(method="pong")
        assert time.monotonic() - began > 0.25


async def test_deaf_for_ever() -> None:
    """A peer that never reads lets the client's buffers fill: what he writes stays with him."""
    async with serving() as server, bare(server) as client:
        await client.upgrade()
        await settle(server)
        the_connection(server).raw(Deaf())
        client.writer.write(bytes(20_000_000))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await client.writer.drain()


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (Bytes(websocket_frame(b"x", reserved=2)), 1002),
        (Bytes(websocket_frame(b"x", 3)), 1002),
        (Bytes(websocket_frame(b"x" * 10, Opcode.TEXT, length=1 << 62)), 1009),
        (Bytes(websocket_frame(b"\x03", Opcode.CLOSE)), 1002),
    ],
)
async def test_frames_that_no_client_takes(act: Bytes, code: int) -> None:
    """Illegal frames reach the client as they are: it ends the connection with the code that belongs to them."""
    async with serving() as server, connected(server.urls.public) as socket:
        await socket.next()
        the_connection(server).raw(act)
        message = await socket.ws.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.ERROR
        assert socket.ws.close_code == code


class TestInstead:
    """What somebody gets instead of the upgrade or of an HTTP answer."""

    @pytest.mark.parametrize(
        ("status", "headers"),
        [
            (403, {}),
            (429, {"Retry-After": "30"}),
            (503, {"Server": "cloudflare"}),
            (302, {"Location": "wss://elsewhere.example/v2"}),
            (200, {"Content-Type": "text/html"}),
        ],
    )
    async def test_refused_upgrade(self, status: int, headers: dict[str, str]) -> None:
        """An upgrade is answered with any status and any headers, and the exchange sees no client."""
        async with serving() as server:
            asked: list[tuple[Host | None, str]] = []

            def refuse(host: Host | None, path: str) -> Instead:
                asked.append((host, path))
                return Answer(status, tuple(headers.items()), b"<html>no</html>")

            server.instead = refuse
            async with bare(server) as client:
                head = (await client.upgrade()).decode()
            assert head.startswith(f"HTTP/1.1 {status} ")
            assert all(f"{name}: {value}" in head for name, value in headers.items())
            assert asked == [(Host.PUBLIC, "/v2")]
            assert server.connects == 0

    async def test_http_answer(self) -> None:
        """An HTTP request is answered late, with another status and body than the exchange's."""
        async with serving(speed=10) as server, aiohttp.ClientSession() as session:
            server.instead = lambda host, path: (
                Answer(502, body=b"bad gateway", after=2.0) if host is None and path == "/0/x" else None
            )
            began = time.monotonic()
            async with session.get(f"{server.urls.rest}/0/x") as answer:
                assert (answer.status, await answer.read()) == (502, b"bad gateway")
            assert time.monotonic() - began > 0.15
            async with session.get(f"{server.urls.rest}/0/public/Time") as answer:
                assert answer.status == 200

    @pytest.mark.parametrize(
        "told",
        [
            b"",
            b"\x00\xff junk",
            b"HTTP/1.1 101 Swi",
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: no\r\n\r\n",
        ],
    )
    async def test_bytes_of_an_upgrade(self, told: bytes) -> None:
        """Instead of an answer come exactly these bytes and the end: no client takes it for a WebSocket."""
        async with serving() as server:
            server.instead = lambda _host, _path: (Bytes(told), Cut())
            async with bare(server) as client:
                client.writer.write(b"GET /v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
                assert await client.read() == told
            with pytest.raises(aiohttp.ClientError):
                async with connected(server.urls.public):
                    pass

    async def test_upgrade_that_stalls(self) -> None:
        """An upgrade may stop half-way and stay open; stopping the exchange ends it."""
        async with serving() as server:
            server.instead = lambda _host, _path: (Bytes(b"HTTP/1.1 1"), Cut(End.SILENT))
            async with bare(server) as client:
                client.writer.write(b"GET /v2 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\r\n")
                assert await client.reader.readexactly(10) == b"HTTP/1.1 1"
                with pytest.raises(TimeoutError):
                    await client.read(0.2)
                await server.stop()
                assert await client.read() == b""


class TestEncrypted:
    """What only TLS can suffer."""

    async def test_end_in_good_order(self) -> None:
        """FIN says goodbye in TLS: the client sees a plain end."""
        certificate = throw_away()
        async with serving(tls=certificate.context) as server:
            await self._cut(server, certificate.authority, Cut(End.FIN))

    @pytest.mark.parametrize(
        "act", [Cut(End.RST), Bytes(b"\x17\x03\x03\x00\x20" + bytes(32), below_tls=True)]
    )
    async def test_broken_stream(self, act: Act) -> None:
        """A reset, or bytes under the encryption that are none of it, break the stream for the client."""
        certificate = throw_away()
        async with serving(tls=certificate.context) as server:
            with pytest.raises((ConnectionResetError, ssl.SSLError)):
                await self._cut(server, certificate.authority, act)

    @staticmethod
    async def _cut(server: Server, authority: bytes, act: Act) -> None:
        context = ssl.create_default_context(cadata=authority.decode())
        async with bare(server, context) as client:
            await client.upgrade()
            await client.reader.readuntil(b"}]}")
            the_connection(server).raw(act)
            assert await client.read() == b""
