"""`--metrics` and the log of commands, as whoever runs them uses them."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from krakenwire.cli.exits import Exit
from krakenwire.sim.background import Simulated
from tests.cli.call import call, command
from tests.metrics.exposition import series, value
from tests.metrics.test_systemd import listening, told

WANTED = (
    "stream",
    "executions",
    "--metrics",
    "0",
    "--log-format",
    "json",
    "--log-level",
    "debug",
    "-o",
    "ndjson",
)


def get(url: str) -> tuple[int, str]:
    """An answer over HTTP."""
    with urllib.request.urlopen(url, timeout=5) as reply:  # noqa: S310 (of the loopback)
        return reply.status, reply.read().decode()


@pytest.mark.fault("M1", "M4")
def test_metrics_and_log_of_a_program(tmp_path: Path) -> None:
    """A program with a key serves its figures at the address that stderr names and writes one JSON object a log line; systemd hears of
    it, mode says `sim`, and neither key nor token is in anything it says.
    """
    where = str(tmp_path / "notify")
    with Simulated(markets=["BTC/USD"]) as exchange, listening(where) as systemd:
        environment = {
            **os.environ,
            **exchange.environment,
            "NOTIFY_SOCKET": where,
            "PYTHONASYNCIODEBUG": "1",
        }
        with subprocess.Popen(
            command(*WANTED), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            before = []
            for line in process.stderr:
                before.append(line)
                if match := re.fullmatch(r"metrics: (http://127\.0\.0\.1:\d+)/metrics\n", line):
                    break
            assert match
            while b"READY=1" not in systemd.recv(4096):
                pass
            status, ready = get(match[1] + "/readyz")
            _, page = get(match[1] + "/metrics")
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=20)
            assert "STOPPING=1" in told(systemd)
        tokens = exchange.call(lambda there, _: list(vars(there.tokens)["_issued"]))
    assert process.returncode == Exit.INTERRUPTED
    assert (status, json.loads(ready)["live"]) == (200, 1)
    assert value(series(page), "krakenwire_subscriptions_live", channel="executions") == 1
    assert 'mode="sim"' in page
    lines = [json.loads(line) for line in [*before[:-1], *err.splitlines()] if line.startswith("{")]
    assert {line["event"] for line in lines if "event" in line} >= {"connection_changed", "status"}
    assert any(line["logger"] == "asyncio" for line in lines)
    said = "".join([page, ready, out, err, *before])
    secrets = [exchange.key.key, exchange.key.secret.reveal(), *tokens]
    assert len(secrets) == 3
    assert [secret for secret in secrets if secret in said] == []


@pytest.mark.fault("M5")
def test_port_that_is_taken_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the port is taken the command goes on, and says so in one line."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = call(capsys, "stream", "trade", "BTC/USD", "--sim", "--count", "5", "--metrics", port)
    assert ended.code == Exit.OK
    assert len(ended.out.splitlines()) == 5
    (line,) = [line for line in ended.err.splitlines() if "metrics" in line]
    assert line.startswith(f"no metrics: 127.0.0.1:{port} is not to be had")


@pytest.mark.parametrize("verb", [("stream", "book", "BTC/USD", "--sim"), ("demo",)], ids=["stream", "demo"])
def test_log_by_option_or_environment(
    verb: tuple[str, ...], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an option there is no log; with one, or with KRAKENWIRE_LOG_FORMAT, it is on stderr and stdout stays data."""
    silent = call(capsys, *verb, "--duration", "1", "-o", "ndjson")
    assert "connection_changed connection" not in silent.err
    text = call(capsys, *verb, "--duration", "1", "-o", "ndjson", "--log-level", "info")
    assert re.search(r"^\S+Z INFO    krakenwire: connection_changed ", text.err, re.MULTILINE)
    monkeypatch.setenv("KRAKENWIRE_LOG_FORMAT", "json")
    told = call(capsys, *verb, "--duration", "1", "-o", "ndjson")
    lines = [json.loads(line) for line in told.err.splitlines() if line.startswith("{")]
    assert any(line.get("event") == "connection_changed" for line in lines)
    assert all(isinstance(json.loads(line), dict) for line in told.out.splitlines())


def test_metrics_need_their_extra(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without prometheus-client the command names what to install and ends with 2 before it connects."""
    for name in ("krakenwire.metrics.collector", "prometheus_client"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    ended = call(capsys, "stream", "trade", "BTC/USD", "--sim", "--metrics", "0")
    assert ended.code == Exit.USAGE
    assert "pip install 'krakenwire[metrics]'" in ended.err
    assert ended.out == ""


def test_loop_is_free_of_what_was_set_up() -> None:
    """After commands in this process the loggers have no handler of theirs left."""
    import logging

    from krakenwire.logs import LogHandler

    asyncio.run(asyncio.sleep(0))
    names = ("krakenwire", "aiohttp", "asyncio")
    assert not [
        each for name in names for each in logging.getLogger(name).handlers if isinstance(each, LogHandler)
    ]
