"""Metrics and health over real sockets: what scrapers and orchestrators get, and that none of them disturbs the feed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import msgspec
import pytest

from krakenwire import (
    BookSubscription,
    Client,
    ConnectGate,
    Credentials,
    ExecutionsSubscription,
    OrderBookUpdate,
    TradeSubscription,
    UsageError,
    connect,
)
from krakenwire.metrics import MetricsServer, serve
from krakenwire.metrics.server import CONNECTIONS
from krakenwire.sim.background import Simulated
from tests.metrics.exposition import Series, series, value
from tests.net.waiting import until

SYMBOLS = ("BTC/USD", "ETH/USD")


@pytest.fixture
def exchange() -> Iterator[Simulated]:
    """A running exchange."""
    with Simulated(seed=1, markets=SYMBOLS, speed=5) as simulated:
        yield simulated


@contextlib.asynccontextmanager
async def client_of(exchange: Simulated, **options: Any) -> AsyncIterator[Client]:
    """A client that follows books and trades."""
    urls = exchange.urls
    async with connect(
        public_url=urls.public,
        private_url=urls.private,
        level3_url=urls.level3,
        rest_url=urls.rest,
        credentials=Credentials(exchange.key.key, exchange.key.secret),
        gate=ConnectGate(),
        **options,
    ) as kraken:
        kraken.subscribe(BookSubscription(symbol=SYMBOLS))
        kraken.subscribe(TradeSubscription(symbol=SYMBOLS))
        yield kraken


async def ask(server: MetricsServer, path: str, **headers: str) -> tuple[int, str, str]:
    """Status, type and text of an answer."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}{path}", headers=headers, timeout=aiohttp.ClientTimeout(5)) as reply,
    ):
        return reply.status, reply.headers["Content-Type"], await reply.text()


def is_open(connection: socket.socket) -> bool:
    """Whether the server has not cut it."""
    try:
        while connection.recv(65_536):
            pass
    except BlockingIOError:
        return True
    except ConnectionError:
        return False
    return False


async def scraped(server: MetricsServer) -> Series:
    """What a scraper reads."""
    _, _, text = await ask(server, "/metrics")
    return series(text)


async def ready(server: MetricsServer, *, within: float = 5.0) -> dict[str, Any]:
    """Ask until everything is ready.

    Raises: AssertionError, if it does not come about.
    """
    began = time.monotonic()
    while True:
        status, _, text = await ask(server, "/readyz")
        answer: dict[str, Any] = msgspec.json.decode(text)
        assert answer["ready"] == (status == 200)
        if answer["ready"]:
            return answer
        assert time.monotonic() - began < within, text
        await asyncio.sleep(0.02)


async def test_scraper_gets_the_figures(exchange: Simulated) -> None:
    """Over a socket, `/metrics` has the client's figures in both forms of the exposition, and `/healthz` says that it lives."""
    async with client_of(exchange) as kraken, serve(kraken, port=0) as server:
        await ready(server)
        found = await scraped(server)
        assert value(found, "krakenwire_subscriptions_live", channel="book") == 2
        assert value(found, "krakenwire_checks_total", channel="book", result="verified") >= 2
        status, kind, text = await ask(
            server, "/metrics", Accept="application/openmetrics-text; version=1.0.0"
        )
        assert (status, kind.split(";")[0]) == (200, "application/openmetrics-text")
        assert text.endswith("# EOF\n")
        status, _, text = await ask(server, "/healthz")
        assert (status, msgspec.json.decode(text)["alive"]) == (200, True)
        status, _, _ = await ask(server, "/other")
        assert status == 404


async def test_readiness_names_what_is_not_there(exchange: Simulated) -> None:
    """Not ready before the first snapshot and while the connection is away, with the name of each subscription; ready when all are live."""
    async with client_of(exchange) as kraken, serve(kraken, port=0) as server:
        kraken.subscribe(ExecutionsSubscription())
        found = server.readiness()
        assert (found.ready, found.subscriptions, found.live) == (False, 5, 0)
        named = {(each.channel, each.symbol) for each in found.waiting}
        assert named == {(name, symbol) for name in ("book", "trade") for symbol in SYMBOLS} | {
            ("executions", None)
        }
        answer = await ready(server)
        assert (answer["live"], answer["waiting"]) == (5, [])
        connects = kraken.statistics()["connects"]
        exchange.fault("at 0 s: cut")
        missed = set()
        while kraken.statistics()["connects"] < connects + 2:
            missed |= {each.channel for each in server.readiness().waiting}
            await asyncio.sleep(0)
        assert missed == {"book", "trade", "executions"}
        await ready(server)


async def test_refused_subscription_is_no_obstacle(exchange: Simulated) -> None:
    """What Kraken refuses for good is not waited for, and is counted."""
    async with client_of(exchange) as kraken, serve(kraken, port=0) as server:
        kraken.subscribe(TradeSubscription(symbol=("NO/USD",)))
        await until(lambda: server.readiness().refused)
        answer = await ready(server)
        assert (answer["subscriptions"], answer["refused"]) == (4, 1)


@pytest.mark.fault("M5")
async def test_busy_port_costs_one_warning(exchange: Simulated, caplog: pytest.LogCaptureFixture) -> None:
    """Where the port is taken the feed goes on without metrics, and one warning says so."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with client_of(exchange) as kraken, serve(kraken, port=port) as server:
            assert server.url is None
            assert server.error is not None
            async for event in kraken.events():
                if isinstance(event, OrderBookUpdate):
                    break
        lines = [
            each for each in caplog.records if each.levelno >= logging.WARNING and each.name == "krakenwire"
        ]
        assert len(lines) == 1
        assert str(port) in lines[0].getMessage()


@pytest.mark.fault("M5")
async def test_scrapers_that_hang_disturb_nobody(exchange: Simulated) -> None:
    """While forty scrapers connect, ask and never read, or never ask, the feed brings every update and others are answered."""
    async with (
        client_of(exchange, stall_limit=0.2) as kraken,
        serve(kraken, port=0, per_symbol=True) as server,
    ):
        assert server.url is not None
        port = int(server.url.rpartition(":")[2])
        await ready(server)
        hanging = []
        for number in range(40):
            each = socket.socket()
            each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
            each.connect(("127.0.0.1", port))
            each.setblocking(False)
            asking = (b"", b"GET /metrics HTTP/1.1\r\n", b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)[
                number % 3
            ]
            each.sendall(asking)
            hanging.append(each)
            if number % 10 == 0:
                await asyncio.sleep(0.05)
        before = await scraped(server)
        await asyncio.sleep(1.1)
        after = await scraped(server)
        frames = [value(each, "krakenwire_frames_total", channel="book") for each in (before, after)]
        assert frames[1] > frames[0]
        assert sum(after["krakenwire_gaps_total"].values()) == 0
        assert value(after, "krakenwire_reconnects_total", role="public") == 0
        assert value(after, "krakenwire_event_loop_stalls_total", cause="blocked") == 0
        # What was on its way to a connection that was cut arrives before its end does.
        for _ in range(200):
            if sum(is_open(each) for each in hanging) <= CONNECTIONS:
                break
            await asyncio.sleep(0.05)
        else:
            pytest.fail("more connections stay open than the server holds")
        began = time.monotonic()
        await server.stop()
        assert time.monotonic() - began < 2
        for each in hanging:
            each.close()
        assert kraken.measures.queues.dropped == 0


@pytest.mark.fault("M5")
async def test_scrapes_while_closing(exchange: Simulated) -> None:
    """Scrapes that arrive while client and server close are answered or refused; both close in time, whichever is first."""

    async def hammer(server: MetricsServer, port: int) -> int:
        answers = 0
        async with aiohttp.ClientSession() as session:
            while True:
                try:
                    async with session.get(f"http://127.0.0.1:{port}/metrics") as reply:
                        answers += reply.status == 200 and "krakenwire_up" in await reply.text()
                except aiohttp.ClientError:
                    return answers

    for client_first in (True, False):
        async with client_of(exchange) as kraken:
            server = serve(kraken, port=0)
            await server.start()
            assert server.url is not None
            port = int(server.url.rpartition(":")[2])
            hammers = [asyncio.ensure_future(hammer(server, port)) for _ in range(4)]
            await ready(server)
            began = time.monotonic()
            for end in (kraken.close, server.stop) if client_first else (server.stop, kraken.close):
                await end()
            assert time.monotonic() - began < 5
            assert sum(await asyncio.gather(*hammers)) > 0


async def test_page_is_made_once_a_second(exchange: Simulated) -> None:
    """However often it is asked for, the page is made once a second; so a scraper without manners takes no time from the feed."""
    async with client_of(exchange) as kraken, serve(kraken, port=0) as server:
        pages = {(await ask(server, "/metrics"))[2] for _ in range(10)}
        assert len(pages) <= 2


def test_port_is_checked() -> None:
    """A port that is none is a mistake of the caller's."""
    with pytest.raises(UsageError, match="port"):
        serve(connect(), port=70_000)
