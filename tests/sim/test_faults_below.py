"""`sim.faults.below`: what a script does to the bytes of connections, on real sockets and in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import aiohttp
import pytest

from krakenwire.sim import Exchange
from krakenwire.sim.faults import FaultScript
from krakenwire.sim.faults.below import JUNK, ODD_FRAMES
from krakenwire.sim.raw import close_frame
from krakenwire.sim.server import Server
from krakenwire.sim.truth import TruthLog
from tests.sim.drive import AT_ONCE, Client
from tests.sim.sockets import QUICK, Bare, Socket, bare, becomes, connected, serving

PING = b'\x81\x91\x00\x00\x00\x00{"method":"ping"}'
STATUS = b'{"channel":"status"'


def pending(script: str) -> tuple[Exchange, FaultScript]:
    exchange = Exchange(seed=3, markets=["SOL/USD"], rules=QUICK, truth=TruthLog())
    return exchange, FaultScript(script, seed=3).install(exchange)


@asynccontextmanager
async def under(script: str) -> AsyncIterator[tuple[Server, Bare]]:
    """A bare socket that has its status, on an exchange where this goes wrong as its next reply goes out."""
    exchange, _ = pending(script)
    async with serving(exchange) as server, bare(server) as client:
        await client.upgrade()
        await client.reader.readuntil(b"}]}")
        client.writer.write(PING)
        yield server, client


@asynccontextmanager
async def ruled(script: str) -> AsyncIterator[tuple[Server, Socket]]:
    """A client that keeps the rules, likewise."""
    exchange, _ = pending(script)
    async with serving(exchange) as server, connected(server.urls.public, autoping=False) as socket:
        await socket.next()
        await socket.ask({"method": "ping"})
        yield server, socket


async def test_pieces_are_a_whole_message() -> None:
    """A message that arrives byte by byte is the message, and is counted and logged as one that went out."""
    async with ruled("at 0 s: split 1 reply") as (server, socket):
        assert (await socket.next())["method"] == "pong"
        (connection,) = server.exchange.connections.values()
        truth = server.exchange.truth
        assert isinstance(truth, TruthLog)
        assert [sent.label.type for sent in truth.gone[connection.id]] == ["update", "pong"]
        assert connection.sent == 2


async def test_a_message_that_stops_in_its_middle() -> None:
    """Half of the bytes come at once, the other half so much later, with what was said behind them after that."""
    async with under("at 0 s: stall 400 ms reply") as (_, client):
        began = time.monotonic()
        first = await client.reader.read(1000)
        assert first[:1] == b"\x81"
        assert time.monotonic() - began < 0.3
        client.writer.write(PING)
        rest = await client.reader.readuntil(b"}")
        assert time.monotonic() - began > 0.35
        assert len(first) + len(rest) == first[1] + 2
        assert (await client.reader.readuntil(b"}")).startswith(b"\x81")


@pytest.mark.fault("N12")
@pytest.mark.parametrize("end", ["", "torn "])
async def test_half_a_message_and_the_end(end: str) -> None:
    """Exactly half of the bytes of the message arrive, and nothing after them."""
    async with under(f"at 0 s: break {end}reply") as (server, client):
        got = await client.read()
        assert len(got) == (got[1] + 2) // 2
        await becomes(lambda: not server.exchange.connections)


async def test_a_reset() -> None:
    """`end rst` resets TCP."""
    async with under("when reply: end rst") as (_, client):
        with pytest.raises(ConnectionResetError):
            await client.read()


@pytest.mark.fault("N14")
@pytest.mark.parametrize(("action", "last"), [("goodbye 1012", close_frame(1012)), ("end silent", b"}")])
async def test_tcp_stays_open(action: str, last: bytes) -> None:
    """After a goodbye, or without one, the peer says nothing more and does not end TCP."""
    async with under(f"when reply: {action}") as (_, client):
        await client.reader.readuntil(last)
        client.writer.write(PING)
        with pytest.raises(TimeoutError):
            await client.read(0.3)


@pytest.mark.parametrize(
    ("action", "bytes_"),
    [("bytes 8100ff", b"\x81\x00\xff"), *((f"frame {name}", told) for name, told in ODD_FRAMES.items())],
)
async def test_bytes_arrive_as_they_are(action: str, bytes_: bytes) -> None:
    """Bytes of a script, and each odd frame, arrive exactly, after the message before them."""
    async with under(f"when reply: {action}") as (_, client):
        await client.reader.readuntil(b"}")
        async with asyncio.timeout(5):
            assert await client.reader.readexactly(len(bytes_)) == bytes_


@pytest.mark.fault("F1", "F5")
@pytest.mark.parametrize(
    ("action", "code"), [("frame opcode", 1002), ("frame oversized", 1009), ("frame longping", 1002)]
)
async def test_a_client_that_keeps_the_rules_ends_it(action: str, code: int) -> None:
    """An illegal frame ends the connection of a client that keeps the rules, with the code that belongs to it."""
    async with ruled(f"when reply: {action}") as (_, socket):
        await socket.next()
        message = await socket.ws.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.ERROR
        assert socket.ws.close_code == code


async def test_garbage_is_as_long_as_told_and_the_same_every_time() -> None:
    """So many random bytes, which the seed decides."""
    told = []
    for _ in range(2):
        async with under("when reply: garbage 40") as (_, client):
            await client.reader.readuntil(b"}")
            told.append(await client.reader.readexactly(40))
    assert told[0] == told[1]


async def test_a_slow_line_for_a_while() -> None:
    """Only so many bytes a second get through, until the time is over; then the rest comes."""
    async with under("when reply from 0 s to 500 ms: slow 40 for 700 ms") as (_, client):
        await client.reader.readuntil(b"}")
        began = time.monotonic()
        client.writer.write(PING)
        await client.reader.readuntil(b"}")
        assert 0.4 < time.monotonic() - began < 2


async def test_fragments_for_a_while() -> None:
    """Messages come in fragments with pings between them, and whole again afterwards."""
    async with under("when reply from 0 s to 200 ms: fragment 9 ping for 300 ms") as (_, client):
        await client.reader.readuntil(b"}")
        client.writer.write(PING)
        assert (await client.reader.read(1000)).startswith(b"\x01\x09")
        await asyncio.sleep(0.4)
        client.writer.write(PING)
        assert b"\x81" in (await client.reader.read(1000))[:2]


async def test_late_and_deaf() -> None:
    """What is late comes later; a deaf exchange answers later."""
    for action in ("late 300 ms", "deaf for 300 ms"):
        async with ruled(f"when reply from 0 s to 100 ms: {action}") as (_, socket):
            await socket.next()
            began = time.monotonic()
            await socket.ask({"method": "ping"})
            await socket.next()
            assert time.monotonic() - began > 0.2, action


@pytest.mark.fault("N5", "N9")
@pytest.mark.parametrize("junk", sorted(JUNK))
async def test_junk_in_place_of_an_upgrade(junk: str) -> None:
    """Whoever wants to connect gets the junk and no upgrade, once; the next one is let in."""
    exchange, _ = pending(f"at 0 s: spoil connects {junk}")
    async with serving(exchange) as server:
        async with bare(server) as client:
            head = b""
            with suppress(asyncio.IncompleteReadError, ConnectionResetError, TimeoutError):
                async with asyncio.timeout(0.3):
                    head = await client.upgrade()
            assert not head.startswith(b"HTTP/")
        assert not server.exchange.connections
        async with connected(server.urls.public) as socket:
            assert (await socket.next())["channel"] == "status"


def in_memory(script: str) -> Client:
    exchange = Exchange(seed=3, markets=["SOL/USD"], rules=AT_ONCE)
    FaultScript(script, seed=3).install(exchange)
    return Client(exchange)


@pytest.mark.parametrize(
    "action", ["break book", "end fin", "end rst", "garbage", "bytes 00", "frame opcode", "frame unfinished"]
)
def test_in_memory_a_broken_connection_ends(action: str) -> None:
    """Where there are no bytes, what no client can go on after ends the connection, without a close frame."""
    made = in_memory(f"at 2 s: {action}")
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    made.wait(5.0)
    closing = made.exchange.closing(made.id)
    assert closing is not None
    assert closing.code is None


@pytest.mark.parametrize("action", ["split 1 book", "frame ping", "frame masked", "slow 10", "fragment 3"])
def test_in_memory_nobody_notices_pieces(action: str) -> None:
    """What changes no message changes nothing where there are only messages."""
    told = []
    for script in (f"at 2 s: {action}", ""):
        made = in_memory(script)
        made.ask("subscribe", channel="book", symbol=["SOL/USD"])
        told.append(made.wait(5.0))
    assert told[0] == told[1]


@pytest.mark.parametrize("action", ["late 3 s", "stall 3 s anything"])
def test_in_memory_a_stall_is_a_delay(action: str) -> None:
    """Nothing comes for that long, then everything, in its order."""
    made = in_memory(f"at 2 s: {action}")
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    made.wait(2.2)
    assert made.wait(2.0) == []
    late = [frame["data"][0]["timestamp"] for frame in made.wait(3.0) if frame.get("channel") == "book"]
    assert len(late) > 5
    assert late == sorted(late)


def test_in_memory_who_vanished_says_and_hears_nothing() -> None:
    """A silent connection stays, without a word; a deaf one answers when it hears again."""
    made = in_memory("at 2 s: end silent")
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    made.wait(2.5)
    assert made.ask("ping", req_id=1) == []
    assert made.wait(5.0) == []
    assert made.exchange.closing(made.id) is None
    deaf = in_memory("at 2 s: deaf for 2 s")
    deaf.wait(2.5)
    assert deaf.ask("ping", req_id=1) == []
    assert [frame.get("method") for frame in deaf.wait(2.0)] == ["pong"]
