"""What systemd is told, read from a real datagram socket, in the file system and in the abstract namespace."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from krakenwire import BookSubscription, ConnectGate, connect
from krakenwire.metrics.systemd import Notifier, reporting, watchdog_seconds
from krakenwire.sim.background import Simulated


@contextlib.contextmanager
def listening(where: str) -> Iterator[socket.socket]:
    """Systemd's end of the socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0" + where[1:] if where.startswith("@") else where)
        end.settimeout(5)
        yield end


def places(tmp_path: Path) -> list[str]:
    """Both kinds of addresses."""
    return [str(tmp_path / "notify"), f"@krakenwire-test-{os.getpid()}"]


def told(end: socket.socket) -> list[str]:
    """Every line that waits there."""
    lines: list[str] = []
    end.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            lines += end.recv(4096).decode().split("\n")
    return lines


@pytest.mark.parametrize("kind", [0, 1], ids=["file", "abstract"])
async def test_life_of_a_service(kind: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """READY comes once every subscription is live, WATCHDOG twice in its time, STATUS when it changes, STOPPING at the end."""
    where = places(tmp_path)[kind]
    monkeypatch.setenv("NOTIFY_SOCKET", where)
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    with listening(where) as systemd, Simulated(markets=["BTC/USD"]) as exchange:
        async with connect(public_url=exchange.urls.public, gate=ConnectGate()) as kraken:
            async with reporting(kraken):
                await asyncio.sleep(0.2)
                before = told(systemd)
                assert "READY=1" not in before
                assert "STATUS=0 of 0 subscriptions live" in before
                kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
                await asyncio.sleep(0.6)
                after = told(systemd)
                assert after.count("READY=1") == 1
                assert after[-1] == "WATCHDOG=1"
                assert 6 <= after.count("WATCHDOG=1") <= 13
                assert "STATUS=1 of 1 subscriptions live" in after
            assert told(systemd) == ["STOPPING=1", "STATUS=stopping"]


async def test_blocked_loop_does_not_answer_the_watchdog(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the loop is blocked the watchdog hears nothing, so systemd restarts a program that is blocked for good."""
    where = places(tmp_path)[0]
    monkeypatch.setenv("NOTIFY_SOCKET", where)
    monkeypatch.setenv("WATCHDOG_USEC", "100000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    with listening(where) as systemd:
        async with connect(stall_limit=None) as kraken, reporting(kraken):
            await asyncio.sleep(0.12)
            assert "WATCHDOG=1" in told(systemd)
            time.sleep(0.3)  # noqa: ASYNC251 (the loop is blocked on purpose)
            assert told(systemd) == []


@pytest.mark.parametrize("address", ["", "relative", "/does/not/exist", "@nobody-listens-there"])
async def test_nobody_listens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a socket, or with one that nobody reads, nothing is told and nothing fails."""
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    assert Notifier().tell("READY=1") is False
    async with connect(stall_limit=None) as kraken, reporting(kraken):
        await asyncio.sleep(0)


def test_full_socket_holds_nobody_up(tmp_path: Path) -> None:
    """A reader that does not read costs its messages, and no time."""
    where = places(tmp_path)[0]
    with listening(where):
        notifier, began = Notifier(where), time.monotonic()
        answers = [notifier.tell("STATUS=" + "x" * 4_000) for _ in range(2_000)]
        assert answers[0] is True
        assert answers[-1] is False
        assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [("30000000", "", 15.0), ("30000000", "1", None), ("", "", None), ("0", "", None), ("x", "", None)],
)
def test_watchdog_of_the_environment(
    usec: str, pid: str, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the watchdog's time is used, and only if it watches this process."""
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.setenv("WATCHDOG_PID", pid)
    assert watchdog_seconds() == seconds
