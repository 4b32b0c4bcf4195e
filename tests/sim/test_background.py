"""The simulated exchange in a thread of its own."""

from __future__ import annotations

import socket
import threading
import time
from urllib.parse import urlsplit

import aiohttp
import pytest

from krakenwire.errors import UsageError
from krakenwire.sim import Exchange, Rules
from krakenwire.sim.background import Simulated
from krakenwire.sim.faults import At, Every, Probability, When, parse
from krakenwire.wire.enums import SystemStatus
from tests.sim.sockets import BOOK, connected

ONE = ["SOL/USD"]


async def test_books_come_and_faults_go_in() -> None:
    """Beside a running loop: a client connects, a fault counted from now acts on it, and the truth log tells of both."""
    with Simulated(seed=7, markets=ONE) as sim:
        async with connected(sim.urls.public) as client:
            await client.ask(BOOK)
            snapshot = await client.until(channel="book", type="snapshot")
            sim.fault("at 0 s: close 1012")
            assert (await client.ws.receive(timeout=5)).type is not None
            await client.ws.close()
            assert client.ws.close_code == 1012
    assert [fault.what for fault in sim.truth.faults] == ["close 1012"]
    checksum = snapshot["data"][0]["checksum"]
    assert sim.truth.find("SOL/USD", checksum) is not None


async def test_exchange_is_reached_in_its_own_thread() -> None:
    """`call` acts in the thread of the exchange, is given its time, hands back what comes, and raises what is raised."""
    with Simulated(markets=ONE) as sim:
        threads = []

        def act(exchange: Exchange, now: float) -> float:
            threads.append(threading.current_thread())
            exchange.set_system(SystemStatus.CANCEL_ONLY, now=now)
            return now

        async with connected(sim.urls.public) as client:
            await client.next()
            before = sim.call(act)
            assert (await client.until(channel="status"))["data"][0]["system"] == "cancel_only"
        assert threads[0] is not threading.current_thread()
        assert sim.call(lambda _, now: now) > before
        with pytest.raises(ZeroDivisionError):
            sim.call(lambda _, now: now / 0)
        with pytest.raises(UsageError, match="own thread"):
            sim.call(lambda _, __: sim.call(lambda _, now: now))
    with pytest.raises(UsageError, match="does not run"):
        sim.call(lambda _, now: now)


async def test_same_seed_same_market() -> None:
    """The same seed gives the same key and the same first book, whenever it runs; another one gives others."""
    seen = []
    for seed in (7, 7, 8):
        with Simulated(seed=seed, markets=ONE, rules=Rules(snapshot_delay=(0, 0)), speed=0.001) as sim:
            async with connected(sim.urls.public) as client:
                await client.ask(BOOK)
                book = (await client.until(channel="book"))["data"][0]
                seen.append((sim.key.key, book["checksum"], book["bids"]))
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]


def test_its_time_is_the_present() -> None:
    """Unless told otherwise, the exchange's clock shows the present, as programs expect that look at timestamps."""
    sim = Simulated(markets=ONE, faults="at 60 s: cut")
    time.sleep(1.0)  # as long as many markets take to be made
    with sim:
        late, due = sim.call(lambda exchange, now: (time.time_ns() - exchange.at, now))
        assert abs(late) / 1e9 < 0.5
        assert due < 0.5  # nothing of the script is used up
    with Simulated(markets=(), epoch=0) as sim:
        assert sim.call(lambda exchange, _: exchange.at) < 5e9


async def test_environment_is_enough() -> None:
    """The environment holds every address, a key, and with TLS the authority, whose file is gone at the end."""
    with Simulated(markets=(), tls=True) as sim:
        told = sim.environment
        assert sim.authority is not None
        assert sim.authority.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
        assert told["SSL_CERT_FILE"] == str(sim.authority)
        assert told["KRAKEN_WS_AUTH_URL"] == told["KRAKEN_WS_PUBLIC_URL"].replace("/v2", "/auth/v2")
        assert told["KRAKEN_SPOT_URL"].startswith("https://127.0.0.1:")
        assert told["KRAKEN_API_SECRET"] not in repr(sim.key)
        context = __import__("ssl").create_default_context(cafile=told["SSL_CERT_FILE"])
        async with connected(told["KRAKEN_WS_L3_URL"], ssl=context) as client:
            assert (await client.next())["channel"] == "status"
    assert not sim.authority.exists()


async def test_key_gets_a_token_over_http() -> None:
    """The key signs a request for a token, as any client does, and the token opens the private channels."""
    from krakenwire.sim.signed import signature

    path, nonce = "/0/private/GetWebSocketsToken", "1"
    with Simulated(markets=ONE) as sim:
        body = f"nonce={nonce}".encode()
        headers = {
            "API-Key": sim.key.key,
            "API-Sign": signature(sim.key.secret.reveal(), path, nonce, body),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        async with (
            aiohttp.ClientSession() as session,
            session.post(sim.urls.rest + path, data=body, headers=headers) as answer,
        ):
            result = (await answer.json())["result"]
        assert result["expires"] == 900
        async with connected(sim.urls.private) as client:
            params = {"channel": "balances", "token": result["token"]}
            await client.ask({"method": "subscribe", "params": params})
            balances = await client.until(channel="balances")
    assert {row["asset"]: row["balance"] for row in balances["data"]}["USD"] == 100_000


def test_address_that_is_taken() -> None:
    """A port that is taken is an error of `start`, and nothing is left running."""
    before = threading.active_count()
    with Simulated(markets=()) as sim:
        port = urlsplit(sim.urls.rest).port
        assert port is not None
        with pytest.raises(OSError, match="in use"):
            Simulated(markets=(), port=port).start()
    assert threading.active_count() == before
    with pytest.raises(UsageError, match="starts once"):
        sim.start()
    with socket.socket() as free:
        free.bind(("127.0.0.1", port))


def test_wrong_options_are_refused_before_it_runs() -> None:
    """A script with a mistake, an unknown market and an address of other machines are refused at once; nothing was begun."""
    with pytest.raises(UsageError, match="line 1: 'explode'"):
        Simulated(faults="at 1 s: explode")
    with pytest.raises(UsageError, match="no simulated market is called 'XBT/USD'"):
        Simulated(markets=["XBT/USD"])
    with pytest.raises(UsageError, match="other machines"):
        Simulated(host="192.0.2.1")
    Simulated(markets=()).stop()


def test_later_moves_every_time_of_a_statement() -> None:
    """A statement that is added later keeps its length and its period; only when it acts moves."""
    script = (
        "at 1 s: cut\nevery 2 s from 3 s to 9 s: cut\nwhen book from 1 s: cut\nprobability 0.5 to 4 s: cut"
    )
    at, every, when, chance = (statement.later(10).trigger for statement in parse(script))
    assert at == At(11.0)
    assert every == Every(2.0, 13.0, 19.0)
    assert isinstance(when, When)
    assert (when.start, when.end) == (11.0, float("inf"))
    assert chance == Probability(0.5, 10.0, 14.0)
