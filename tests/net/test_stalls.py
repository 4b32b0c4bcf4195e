"""What blocks the event loop is named, and costs no connection that is well. On the real clock: virtual time never stands still."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from krakenwire import (
    BookSubscription,
    Client,
    ConnectGate,
    Gap,
    Limits,
    OrderBookUpdate,
    UsageError,
    connect,
)
from krakenwire.net.stalls import Stalls
from krakenwire.sim.background import Simulated
from tests.net.waiting import until

LIMIT = 0.1
QUICK = Limits(quiet=0.4, dead=0.8)
"""Kraken's silence would be a reason to reconnect after 0.8 s."""


@pytest.fixture
def exchange() -> Iterator[Simulated]:
    """A running exchange."""
    with Simulated(seed=2, markets=["BTC/USD"], speed=5) as simulated:
        yield simulated


@contextlib.asynccontextmanager
async def client_of(exchange: Simulated) -> AsyncIterator[Client]:
    """A client that gives up a silent peer early."""
    async with connect(
        public_url=exchange.urls.public, gate=ConnectGate(), limits=QUICK, stall_limit=LIMIT
    ) as kraken:
        yield kraken


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was logged about the loop."""
    return [
        each.getMessage()
        for each in caplog.records
        if each.name == "krakenwire"
        and ("blocked" in each.getMessage() or "stood still" in each.getMessage())
    ]


def a_slow_thing(seconds: float) -> None:
    """What a program should not do in a callback."""
    local = "value-of-a-local-variable"
    time.sleep(seconds)
    assert local


@pytest.mark.fault("C3")
async def test_callback_that_blocks_is_named_and_costs_no_connection(
    exchange: Simulated, caplog: pytest.LogCaptureFixture
) -> None:
    """A callback that blocks the loop for longer than silence is allowed is logged with its stack while it blocks; what Kraken sent
    meanwhile is read before anybody is called silent, so there is no gap and no new connection.
    """
    seen: list[object] = []
    blocked = 0

    def on_book(event: object) -> None:
        nonlocal blocked
        seen.append(event)
        if len(seen) == 5:
            a_slow_thing(3 * QUICK.dead)
            blocked = len(lines(caplog))

    async with client_of(exchange) as kraken:
        kraken.on("book", on_book)
        kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
        await until(lambda: blocked)
        before = len(seen)
        await asyncio.sleep(0.3)
        statistics, received = kraken.statistics(), list(seen)
        stalls = kraken.measures.stalls
    assert blocked == 1
    (line,) = lines(caplog)
    assert "test_stalls.py" in line
    assert "a_slow_thing" in line.partition(" < ")[0]
    assert "on_book" in line
    assert "value-of" not in line
    assert statistics["connects"] == 1
    assert not any(isinstance(event, Gap) for event in received)
    assert len(received) - before > 20, "what came meanwhile was read"
    assert all(event.verified for event in received if isinstance(event, OrderBookUpdate))
    assert stalls is not None
    assert stalls.blocked == 1
    assert stalls.blocked_seconds == pytest.approx(3 * QUICK.dead, abs=0.3)


@pytest.mark.fault("C3")
async def test_peer_that_fell_silent_during_a_stall_is_found(exchange: Simulated) -> None:
    """A peer that stopped speaking while the loop was blocked is not excused for ever: its silence counts from the end of the stall."""
    async with client_of(exchange) as kraken:
        kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
        await until(lambda: kraken.statistics()["messages_by_channel"].get("book", 0) >= 5)
        exchange.fault("at 0 s: drop anything for 60 s")
        a_slow_thing(2 * QUICK.dead)
        began = time.monotonic()
        assert kraken.statistics()["connects"] == 1
        await until(lambda: kraken.status()[0].state != "connected", 3 * QUICK.dead)
        assert time.monotonic() - began > 0.5 * QUICK.dead


async def test_busy_loop_is_no_stall(caplog: pytest.LogCaptureFixture) -> None:
    """A loop that is busy and turns, or blocked for less than the limit, is not reported."""
    stalls = Stalls(0.25)
    stalls.start()
    until = time.monotonic() + 0.8
    while time.monotonic() < until:
        time.sleep(0.05)  # noqa: ASYNC251 (it blocks on purpose, and not for long)
        await asyncio.sleep(0)
    stalls.stop()
    assert (stalls.blocked, lines(caplog)) == (0, [])


async def test_one_place_is_told_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """A place that blocks again and again has one line a minute; another place has its own, and all are counted."""
    stalls = Stalls(0.04)
    stalls.start()
    for _ in range(4):
        a_slow_thing(0.12)
        await asyncio.sleep(0.03)
    time.sleep(0.12)  # noqa: ASYNC251 (it blocks on purpose)
    await asyncio.sleep(0.03)
    stalls.stop()
    assert stalls.blocked == 5
    assert len(lines(caplog)) == 2


PAUSED = """
import asyncio, logging, sys
from krakenwire.net.stalls import Stalls
logging.basicConfig()
async def main():
    stalls = Stalls(0.2)
    stalls.start()
    print("running", flush=True)
    while not stalls.paused:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    stalls.stop()
    print(stalls.blocked, stalls.paused, round(stalls.paused_seconds))
asyncio.run(main())
"""


@pytest.mark.fault("C6")
def test_pause_of_the_process_is_nobodys_callback() -> None:
    """A process that was stopped from outside counts a pause and no stall, and blames no line of code."""
    with subprocess.Popen(
        [sys.executable, "-c", PAUSED], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "running\n"
        os.kill(process.pid, signal.SIGSTOP)
        time.sleep(1.0)
        os.kill(process.pid, signal.SIGCONT)
        out, err = process.communicate(timeout=30)
    assert out.split() == ["0", "1", "1"]
    assert "stood still" in err
    assert "blocked" not in err


async def test_watch_ends_with_its_client() -> None:
    """The thread ends when the client closes, is not made where nobody wants it, and does not outlive its loop."""

    def watching() -> int:
        return sum(thread.name == "krakenwire stalls" for thread in threading.enumerate())

    async with Client(stall_limit=None):
        assert watching() == 0
    async with Client():
        assert watching() == 1
    assert watching() == 0

    async def leave() -> None:
        Stalls(0.02).start()

    await asyncio.to_thread(asyncio.run, leave())
    for _ in range(100):
        await asyncio.sleep(0.01)
        if watching() == 0:
            return
    pytest.fail("the thread outlives its loop")


@pytest.mark.parametrize("limit", [0, -1.0, float("nan")])
def test_limit_is_checked(limit: float) -> None:
    """A limit that is no time is a mistake of the caller's."""
    with pytest.raises(UsageError, match="stall_limit"):
        connect(stall_limit=limit)


def test_log_is_the_librarys(caplog: pytest.LogCaptureFixture) -> None:
    """The lines belong to the logger `krakenwire`, at the level of a warning."""

    async def main() -> None:
        stalls = Stalls(0.04)
        stalls.start()
        a_slow_thing(0.2)
        stalls.stop()

    asyncio.run(main())
    (record,) = [each for each in caplog.records if "blocked" in each.getMessage()]
    assert (record.name, record.levelno) == ("krakenwire", logging.WARNING)
