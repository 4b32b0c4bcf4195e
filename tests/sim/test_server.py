"""The simulated exchange behind a real port: its hosts, its HTTP, its time, and how it ends."""

from __future__ import annotations

import asyncio
import json
import socket as sockets
import ssl
import time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from krakenwire.errors import UsageError
from krakenwire.events import OrderBookUpdate
from krakenwire.handler import create_kraken_v2_handler
from krakenwire.sim import Exchange, Listing, Rules, invented
from krakenwire.sim.certificate import throw_away
from krakenwire.sim.faults import FaultScript
from krakenwire.sim.raw import Bytes, Cut, Deaf, End, Instead, Late
from krakenwire.sim.server import Server
from krakenwire.sim.truth import TruthLog
from krakenwire.sim.wire import RESET
from krakenwire.wire.enums import SystemStatus
from tests.sim.sockets import BOOK, QUICK, UPGRADE, bare, becomes, connected, serving, the_connection

PRIVATE_ELSEWHERE = "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com"
PUBLIC_ELSEWHERE = "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com"


def trusting(authority: bytes) -> ssl.SSLContext:
    """A client's context that trusts this authority and no other."""
    return ssl.create_default_context(cadata=authority.decode())


async def test_books_over_a_real_socket_are_verified() -> None:
    """Our handler proves every book message that comes over the socket, and holds a state that the exchange had."""
    truth = TruthLog()
    exchange = Exchange(seed=1, rules=QUICK, truth=truth)
    handler = create_kraken_v2_handler()
    seen: list[OrderBookUpdate] = []
    handler.register_callback("book", seen.append)
    symbols = list(exchange.markets)
    async with serving(exchange, speed=20) as server, connected(server.urls.public) as socket:
        await socket.ask({"method": "subscribe", "params": {"channel": "book", "symbol": symbols}})
        while len(seen) < 500:
            assert handler.process(await socket.ws.receive_str(timeout=5))
        view = handler.book("ETH/USD", 10)
    assert all(update.verified for update in seen)
    assert {update.symbol for update in seen} == set(symbols)
    bids, asks = (
        tuple((str(level.price), str(level.qty)) for level in side) for side in (view.bids, view.asks)
    )
    assert (bids, asks) in [state.texts(10) for state in truth.states["ETH/USD"]]
    assert handler.get_statistics()["error_count"] == 0


@pytest.mark.parametrize(
    ("url", "name", "refused"),
    [
        ("public", None, PRIVATE_ELSEWHERE),
        ("private", None, PUBLIC_ELSEWHERE),
        ("public", "ws.localhost", PRIVATE_ELSEWHERE),
        ("public", "ws-auth.localhost:80", PUBLIC_ELSEWHERE),
        ("public", "beta-ws-auth.localhost", PUBLIC_ELSEWHERE),
    ],
)
async def test_paths_and_names_are_hosts(url: str, name: str | None, refused: str) -> None:
    """Kraken's hosts are told apart by path, and under `/v2` by the name of the host; each refuses what belongs to another."""
    channel = "executions" if refused is PRIVATE_ELSEWHERE else "book"
    headers = None if name is None else {"Host": name}
    async with serving() as server, connected(getattr(server.urls, url), headers=headers) as socket:
        assert (await socket.next())["data"][0]["system"] == "online"
        request: dict[str, Any] = {"method": "subscribe", "params": {"channel": channel, "token": "x"}}
        if channel == "book":
            request["params"] = {"channel": channel, "symbol": ["SOL/USD"]}
        await socket.ask(request)
        assert (await socket.until(method="subscribe"))["error"] == refused


async def test_level3_has_its_own_path() -> None:
    """Level3 with a token of the exchange is served below `/l3/v2`, and by the name ws-l3."""
    async with serving() as server:
        token = server.exchange.tokens.issue(server.exchange.at)
        params = {"channel": "level3", "symbol": ["SOL/USD"], "token": token}
        for url, headers in (
            (server.urls.level3, None),
            (server.urls.public, {"Host": "ws-l3.localhost"}),
        ):
            async with connected(url, headers=headers) as socket:
                await socket.ask({"method": "subscribe", "params": params})
                assert (await socket.until(channel="level3"))["type"] == "snapshot"


async def test_http_is_answered_on_the_same_port() -> None:
    """Kraken's HTTP paths are answered as JSON on the port of the sockets; other paths say what there is."""
    async with serving() as server, aiohttp.ClientSession() as session:
        rest = server.urls.rest
        for asked in (
            session.get(f"{rest}/0/public/SystemStatus"),
            session.post(f"{rest}/0/public/SystemStatus"),
        ):
            async with asked as answer:
                assert answer.content_type == "application/json"
                assert (await answer.json())["result"]["status"] == "online"
        async with session.get(f"{rest}/0/public/Nothing") as answer:
            assert (await answer.json())["error"] == ["EGeneral:Unknown method"]
        async with session.get(f"{rest}/index.html") as answer:
            assert answer.status == 404
            assert "/l3/v2" in await answer.text()
        assert server.requests == 4
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(f"{server.urls.public}/more")
        assert caught.value.status == 404


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_tls_with_a_throw_away_certificate(host: str) -> None:
    """With its authority trusted, WebSocket and HTTP are served over TLS; without, no client accepts the certificate."""
    certificate = throw_away()
    async with serving(tls=certificate.context, host="127.0.0.1") as server:
        public = server.urls.public.replace("127.0.0.1", host)
        assert public.startswith("wss://")
        context = trusting(certificate.authority)
        async with connected(public, ssl=context) as socket:
            await socket.ask(BOOK)
            assert (await socket.until(channel="book"))["type"] == "snapshot"
        async with aiohttp.ClientSession() as session:
            url = f"{server.urls.rest}/0/public/Time".replace("127.0.0.1", host)
            async with session.get(url, ssl=context) as answer:
                assert "unixtime" in (await answer.json())["result"]
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await session.get(url)


def test_no_certificate_is_like_another() -> None:
    """Every start makes an authority of its own; a name that is asked for besides is in the certificate."""
    first, second = throw_away(), throw_away(["sim.example"])
    assert first.authority != second.authority
    assert b"PRIVATE" not in first.authority


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where certificates cannot be made, the error says what to install and what works without."""
    monkeypatch.setitem(__import__("sys").modules, "cryptography", None)
    with pytest.raises(UsageError, match=r"pip install 'krakenwire\[tls\]'.*plain text"):
        throw_away()


async def test_time_passes_at_its_speed() -> None:
    """Sixty times as fast: heartbeats come after a sixtieth of a second, and the exchange's clock says so."""
    async with serving(speed=60) as server, connected(server.urls.public) as socket:
        await socket.ask(BOOK)
        began = time.monotonic()
        for _ in range(30):
            await socket.until(channel="heartbeat")
        assert 0.4 < time.monotonic() - began < 3
        assert 29 < server.now < 240
        assert abs((server.exchange.at - server.exchange.epoch) / 1e9 - server.now) < 5


async def test_long_pause_is_made_up_in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a minute in which the process could not run, no client is left unheard until the market has caught up."""
    exchange = Exchange(seed=2, markets=invented(20, rate=20), rules=QUICK)
    async with serving(exchange) as server, connected(server.urls.public) as socket:
        await socket.next()
        server._pace._began -= 60
        before = server.now
        await socket.ask({"method": "ping", "req_id": 5})
        assert (await socket.until(method="pong"))["req_id"] == 5
        assert server.now - before < 30
        await socket.ask(BOOK | {"params": {"channel": "book", "symbol": list(exchange.markets)}})
        while server.now < before + 60:
            await socket.next()


async def test_speed_beyond_any_machine_leaves_no_client_unheard() -> None:
    """An exchange that shall run a thousand million times as fast runs as fast as it can, answers meanwhile, and stops when it is told."""
    exchange = Exchange(seed=2, markets=invented(5, rate=20), rules=QUICK)
    server = Server(exchange, speed=1e9)
    await server.start()
    place = server.urls.rest + "/0/public/SystemStatus"
    async with aiohttp.ClientSession() as session:
        for _ in range(20):
            async with session.get(place, timeout=aiohttp.ClientTimeout(5)) as answer:
                assert (await answer.json())["result"]["status"] == "online"
    assert server.now > 1
    began = time.monotonic()
    await server.stop()
    assert time.monotonic() - began < 4


async def test_quiet_exchange_waits() -> None:
    """Where nothing is due, nothing runs: the task that drives the exchange sleeps until a client comes."""
    exchange = Exchange(markets=())
    async with serving(exchange) as server:
        turns = 0
        move = server._pace.move

        def counted() -> float:
            nonlocal turns
            turns += 1
            return move()

        server._pace.move = counted  # type: ignore[method-assign]
        await asyncio.sleep(0.2)
        assert turns <= 1
        async with connected(server.urls.public) as socket:
            assert (await socket.next())["channel"] == "status"


async def test_protocol_pings_are_answered() -> None:
    """A ping of the transport is answered with its own bytes, and is no activity that the exchange counts."""
    async with serving() as server, connected(server.urls.public, autoping=False) as socket:
        await socket.next()
        await socket.ws.ping(b"are you there")
        message = await socket.ws.receive(timeout=5)
        assert (message.type, message.data) == (aiohttp.WSMsgType.PONG, b"are you there")


async def test_client_says_goodbye() -> None:
    """A close frame is answered with one, the socket ends, and the exchange forgets the client."""
    async with serving() as server, connected(server.urls.public) as socket:
        await socket.next()
        assert await socket.ws.close(code=1000)
        assert socket.ws.close_code == 1000
        await becomes(lambda: not server.exchange.connections)


async def test_client_vanishes() -> None:
    """A client that is gone without a word is forgotten."""
    async with serving() as server:
        async with bare(server) as client:
            await client.upgrade()
            await becomes(lambda: len(server.exchange.connections) == 1)
        await becomes(lambda: not server.exchange.connections)


async def test_idle_client_is_closed() -> None:
    """A client that asks for nothing gets a close frame after a minute of the exchange, with its reason."""
    async with serving(speed=120) as server, connected(server.urls.public) as socket:
        await socket.next()
        message = await socket.ws.receive(timeout=5)
        assert (message.type, message.data, message.extra) == (aiohttp.WSMsgType.CLOSE, 1000, "idle")
        assert server.exchange.connections == {}


@pytest.mark.parametrize(
    "junk", [b"\xc1\x80\x00\x00\x00\x00", b"\x83\x80\x00\x00\x00\x00", b"\x88\x81\x00\x00\x00\x00x"]
)
async def test_client_breaks_the_rules_of_websocket(junk: bytes) -> None:
    """Reserved bits, unknown opcodes and broken close frames end that client's connection and nothing else."""
    async with serving() as server, connected(server.urls.public) as other, bare(server) as client:
        await other.next()
        await client.upgrade()
        client.writer.write(junk)
        assert b"status" in await client.read()
        await other.ask({"method": "ping"})
        assert (await other.until(method="pong"))["method"] == "pong"
        assert len(server.exchange.connections) == 1


async def test_slow_reader_is_bounded_and_loses_its_connection() -> None:
    """What waits for a client that does not read is bounded; then his connection ends, and nobody else's."""
    rules = Rules(snapshot_delay=(0.0, 0.0), outgoing_limit=200)
    exchange = Exchange(seed=4, markets=invented(50, rate=10), rules=rules)
    symbols = list(exchange.markets)
    options: dict[str, Any] = {"speed": 50, "buffer_limit": 50_000}
    async with serving(exchange, **options) as server, connected(server.urls.public) as good:
        await good.ask({"method": "subscribe", "params": {"channel": "book", "symbol": symbols[:1]}})
        async with bare(server) as slow:
            slow.writer.transport.get_extra_info("socket").setsockopt(
                sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1
            )
            await slow.upgrade()
            slow.writer.transport.pause_reading()  # type: ignore[attr-defined]
            await good.until(channel="heartbeat")
            kept = next(each for each in exchange.connections.values() if not len(each.subscriptions))
            request = {"method": "subscribe", "params": {"channel": "book", "symbol": symbols, "depth": 1000}}
            slow.writer.write(masked(json.dumps(request).encode()))
            most = 0
            while kept.closing is None:
                most = max(most, len(kept.outgoing))
                await good.next()
            assert most <= 200
            assert (kept.closing.code, kept.closing.reason) == (1008, "slow consumer")
        assert len(exchange.connections) == 1
        await good.until(channel="book")


async def test_reader_that_pauses_misses_nothing() -> None:
    """A client who gets nothing for a while and then goes on gets every frame, in order; what waits meanwhile is with the exchange."""
    exchange = Exchange(seed=4, markets=invented(20, rate=10), rules=QUICK)
    handler = create_kraken_v2_handler()
    async with (
        serving(exchange, speed=10, buffer_limit=10_000) as server,
        connected(server.urls.public) as socket,
    ):
        request = {"channel": "book", "symbol": list(exchange.markets), "depth": 100}
        await socket.ask({"method": "subscribe", "params": request})
        await socket.until(channel="book", type="update")
        await socket.ask({"method": "unsubscribe", "params": request})
        await socket.until(method="unsubscribe")
        the_connection(server).raw(Late(5))
        await socket.ask({"method": "subscribe", "params": request})
        await becomes(lambda: len(the_connection(server).outgoing) >= 200)
        while handler.get_statistics()["messages_by_channel"].get("book", 0) < 400:
            assert handler.process(await socket.ws.receive_str(timeout=5))
        assert [handler.book(symbol, 10).symbol for symbol in exchange.markets] == list(exchange.markets)
    assert handler.get_statistics()["error_count"] == 0


@pytest.mark.parametrize("tls", [False, True])
async def test_half_open_client_that_does_not_read_is_let_go(
    caplog: pytest.LogCaptureFixture, tls: bool
) -> None:
    """A client that ended his half, while more waits than he reads, is gone a second later, and nothing is written to him meanwhile."""
    certificate = throw_away()
    exchange = Exchange(seed=4, markets=invented(50, rate=10), rules=QUICK)
    ours = {"tls": certificate.context, "speed": 20} if tls else {"speed": 20}
    theirs = trusting(certificate.authority) if tls else None
    async with serving(exchange, buffer_limit=10**8, **ours) as server, bare(server, theirs) as client:
        await client.upgrade()
        plug = client.writer.transport.get_extra_info("socket")
        plug.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 1)
        client.writer.transport.pause_reading()  # type: ignore[attr-defined]
        request = {"channel": "book", "symbol": list(exchange.markets), "depth": 1000}
        for _ in range(3):
            for method in ("subscribe", "unsubscribe"):
                client.writer.write(masked(json.dumps({"method": method, "params": request}).encode()))
                await asyncio.sleep(0.1)
        client.writer.write(masked(json.dumps({"method": "subscribe", "params": request}).encode()))
        (wire,) = server._wires.values()
        await becomes(lambda: wire._transport.get_write_buffer_size() > 300_000)
        plug.shutdown(sockets.SHUT_WR)
        await becomes(lambda: not exchange.connections, seconds=5)
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == []


@pytest.mark.parametrize("banned", [False, True])
async def test_too_many_connections(banned: bool) -> None:
    """Who connects too often in ten minutes is refused with 429 and the seconds that it lasts."""
    rules = Rules(connects=3 if banned else 4)
    async with serving(Exchange(markets=(), rules=rules)) as server, aiohttp.ClientSession() as session:
        for _ in range(3):
            async with session.ws_connect(server.urls.public):
                pass
        if not banned:
            async with session.ws_connect(server.urls.private):
                return
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(server.urls.private)
        assert caught.value.status == 429
        assert caught.value.headers is not None
        assert 590 < int(caught.value.headers["Retry-After"]) <= 600


def masked(payload: bytes) -> bytes:
    """A client's text message under a mask of zeros."""
    assert 126 <= len(payload) < 1 << 16
    return b"\x81\xfe" + len(payload).to_bytes(2, "big") + b"\x00\x00\x00\x00" + payload


async def test_port_that_is_taken() -> None:
    """A port that somebody else has is an error at the start, and nothing is left behind."""
    async with serving() as server:
        port = int(server.urls.rest.rpartition(":")[2])
        other = Server(Exchange(markets=()), port=port)
        with pytest.raises(OSError, match="address already in use"):
            await other.start()
        await other.stop()


@pytest.mark.fault("M4")
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "sim.example"])  # noqa: S104 (refused)
async def test_other_machines_have_to_be_allowed(host: str) -> None:
    """An address that other machines can reach is refused unless it is asked for in so many words."""
    with pytest.raises(UsageError, match="can be reached from other machines"):
        Server(Exchange(markets=()), host=host)
    assert Server(Exchange(markets=()), host=host, allow_remote=True).urls.public.endswith("/v2")


@pytest.mark.parametrize("speed", [0, -1, float("inf"), float("nan")])
def test_speed_is_positive(speed: float) -> None:
    """Time has to pass, forwards and at a finite speed."""
    with pytest.raises(UsageError, match="speed"):
        Server(Exchange(markets=()), speed=speed)


async def test_status_change_reaches_every_client() -> None:
    """A change of the engine's status that a test makes in the exchange is sent without further ado."""
    async with (
        serving() as server,
        connected(server.urls.public) as one,
        connected(server.urls.private) as two,
    ):
        for socket in (one, two):
            await socket.next()
        server.exchange.set_system(SystemStatus.MAINTENANCE, now=server.now)
        for socket in (one, two):
            assert (await socket.until(channel="status"))["data"][0]["system"] == "maintenance"


class TestStop:
    """Stopping in any state takes no five seconds and leaves nothing behind (`serving` counts the tasks)."""

    async def test_clients_are_told(self) -> None:
        """Every client gets close code 1001."""
        server = Server(Exchange(markets=(), rules=QUICK))
        await server.start()
        async with connected(server.urls.public) as socket:
            await socket.next()
            began = time.monotonic()
            stopping = asyncio.create_task(server.stop())
            message = await socket.ws.receive(timeout=5)
            assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1001)
            await stopping
            assert time.monotonic() - began < 1
        await server.stop()

    async def test_clients_that_do_not_answer(self) -> None:
        """Clients that are silent, deaf, half connected or in the middle of a request do not hold it up."""
        before = asyncio.all_tasks()
        server = Server(Exchange(markets=(), rules=QUICK))
        await server.start()
        async with (
            bare(server) as deaf,
            bare(server) as never_read,
            bare(server) as half,
            bare(server) as nothing,
            bare(server) as posting,
        ):
            await deaf.upgrade()
            await becomes(lambda: server.exchange.connections)
            the_connection(server).raw(Deaf())
            await never_read.upgrade()
            never_read.writer.transport.pause_reading()  # type: ignore[attr-defined]
            half.writer.write(b"GET /v2 HTT")
            del nothing
            posting.writer.write(b"POST /0/public/Time HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
            await asyncio.sleep(0.05)
            began = time.monotonic()
            await server.stop()
            assert time.monotonic() - began < 4
            assert asyncio.all_tasks() == before

    async def test_after_tls_handshakes_that_hang(self) -> None:
        """A client that connects by TCP and never begins TLS does not hold it up either."""
        server = Server(Exchange(markets=()), tls=throw_away().context)
        await server.start()
        async with bare(server):
            began = time.monotonic()
            await server.stop()
            assert time.monotonic() - began < 4


async def test_debug_mode_is_clean(
    recwarn: pytest.WarningsRecorder, caplog: pytest.LogCaptureFixture
) -> None:
    """A loop in debug mode finds nothing to complain about while clients come, trade messages and go."""
    asyncio.get_running_loop().set_debug(True)
    listing: list[str | Listing] = ["SOL/USD"]
    async with serving(Exchange(markets=listing, rules=Rules())) as server:
        for _ in range(3):
            async with connected(server.urls.public) as socket:
                await socket.ask(BOOK)
                await socket.until(channel="book")
    complaints = [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}]
    assert (complaints, list(recwarn)) == ([], [])


@pytest.mark.parametrize("reset", [False, True])
@pytest.mark.parametrize("instead", [None, (Bytes(b"no HTTP"),)])
async def test_who_leaves_during_the_upgrade_is_no_error(
    caplog: pytest.LogCaptureFixture, instead: Instead | None, reset: bool
) -> None:
    """A client whose socket ends right behind its request to upgrade, by FIN or by RST, leaves nothing in the log and no connection."""
    async with serving() as server:
        server.instead = lambda _host, _path: instead
        place = urlsplit(server.urls.rest)
        for _ in range(10):
            with sockets.create_connection((place.hostname, place.port)) as client:
                client.sendall(UPGRADE)
                if reset:
                    client.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, RESET)
            await asyncio.sleep(0.01)
        await becomes(lambda: not server.exchange.connections)
        server.instead = lambda _host, _path: None
        async with connected(server.urls.public) as socket:
            assert (await socket.next())["channel"] == "status"
    assert [record for record in caplog.records if record.levelname in {"ERROR", "CRITICAL"}] == []


async def test_acts_on_a_socket_that_the_client_closed() -> None:
    """Resetting or deafening a client whose socket is closed already, which the exchange has not noticed, raises nothing."""
    for act in (Deaf(), Cut(End.RST)):
        async with serving() as server, bare(server) as client:
            await client.upgrade()
            await becomes(lambda: server.exchange.connections)
            connection = the_connection(server)
            wire = server._wires[connection.id]
            wire._transport.abort()
            await asyncio.sleep(0)  # now the socket is closed; its handler ends later
            connection.raw(act)
            await becomes(lambda: not server.exchange.connections)


async def test_fault_script_is_served() -> None:
    """What a script does to frames, requests and attempts reaches clients over the socket, with status, body and `Retry-After`."""
    exchange = Exchange(seed=3, markets=["SOL/USD"], rules=QUICK)
    script = (
        "at 0 s: refuse connects 503 retry 7 s with come back later\n"
        "at 0 s: refuse subscribe book with EService:Unavailable\n"
        "at 0 s: refuse http 502 retry 2.5 s with {}\n"
        "when reply pong: close 1012"
    )
    FaultScript(script).install(exchange)
    async with serving(exchange) as server, aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(server.urls.public)
        assert caught.value.headers is not None
        assert (caught.value.status, caught.value.headers["Retry-After"]) == (503, "7")
        async with session.get(f"{server.urls.rest}/0/public/Time") as answer:
            told = (answer.status, answer.headers["Retry-After"], answer.content_type, await answer.read())
            assert told == (502, "3", "application/json", b"{}")
        async with connected(server.urls.public) as socket:
            await socket.ask(BOOK)
            assert (await socket.until(method="subscribe"))["error"] == "EService:Unavailable"
            await socket.ask({"method": "ping"})
            await socket.until(method="pong")
            assert (await socket.ws.receive(timeout=5)).data == 1012
