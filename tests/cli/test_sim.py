"""`krakenwire sim` as the program it is: addresses first, a summary last, and an end in good order."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from krakenwire.cli.exits import Exit
from tests.cli.call import call, command


@contextmanager
def started(*arguments: object) -> Iterator[tuple[subprocess.Popen[str], Any]]:
    """The running program and the object that it printed when it was ready."""
    with subprocess.Popen(
        command("sim", "--symbols", "SOL/USD", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as program:
        try:
            assert program.stdout is not None
            yield program, json.loads(program.stdout.readline())
        finally:
            program.kill()


async def first_frame(url: str, **options: Any) -> Any:
    """The first frame that a client gets."""
    async with aiohttp.ClientSession() as session, session.ws_connect(url, **options) as ws:
        frame = await ws.receive_json(timeout=10)
    await asyncio.sleep(0.1)  # the client's TLS ends after its session
    return frame


@pytest.mark.fault("C7")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, Exit.INTERRUPTED), (signal.SIGTERM, Exit.TERMINATED)]
)
def test_runs_until_a_signal(number: signal.Signals, code: Exit) -> None:
    """It prints where it is when clients can connect, serves them, and ends on a signal with a summary and the code that belongs to it."""
    with started("-o", "ndjson", "--seed", 7, "--tls") as (program, ready):
        assert (ready["event"], ready["sim"], ready["seed"], ready["markets"]) == (
            "ready",
            True,
            7,
            ["SOL/USD"],
        )
        certificate = Path(ready["certificate"])
        context = __import__("ssl").create_default_context(cafile=certificate)
        url = ready["environment"]["KRAKEN_WS_PUBLIC_URL"]
        assert asyncio.run(first_frame(url, ssl=context))["channel"] == "status"
        began = time.monotonic()
        program.send_signal(number)
        out, err = program.communicate(timeout=10)
        assert time.monotonic() - began < 5
        assert program.returncode == code
        assert err == ""
        summary = json.loads(out)
        assert (summary["event"], summary["connections"], summary["frames"]) == ("summary", 1, 1)
        assert not certificate.exists()


@pytest.mark.parametrize("output", ["table", "json"])
def test_ends_by_itself(output: str, capsys: pytest.CaptureFixture[str]) -> None:
    """After --duration it ends with 0. JSON is one object; for people every line but the pasted ones says SIM."""
    ended = call(capsys, "sim", "--symbols", "SOL/USD,XRP/USD", "--duration", "0.1", "-o", output)
    assert (ended.code, ended.err) == (Exit.OK, "")
    if output == "json":
        assert ended.json["markets"] == ["SOL/USD", "XRP/USD"]
        return
    lines = ended.out.splitlines()
    assert lines[0] == "SIM simulated exchange, seed 0: SOL/USD, XRP/USD"
    assert lines[-1].startswith("SIM ran 0.")
    assert lines[-1].endswith("0 connections · 0 frames · 0 HTTP requests · 0 faults")
    given = dict(line.split("=", 1) for line in lines if line.startswith("KRAKEN_"))
    assert given["KRAKEN_WS_L3_URL"].endswith("/l3/v2")
    assert set(given) == {
        "KRAKEN_WS_PUBLIC_URL",
        "KRAKEN_WS_AUTH_URL",
        "KRAKEN_WS_L3_URL",
        "KRAKEN_SPOT_URL",
        "KRAKEN_API_KEY",
        "KRAKEN_API_SECRET",
    }


def test_invented_markets(capsys: pytest.CaptureFixture[str]) -> None:
    """--markets adds invented ones to those named; without a name there are no others."""
    alone = call(capsys, "sim", "--markets", 3, "--duration", "0.01", "-o", "json").json["markets"]
    assert alone == ["T0000/USD", "T0001/USD", "T0002/USD"]
    told = call(
        capsys, "sim", "--markets", 12, "--symbols", "XMN/USD", "--duration", "0.01", "-o", "table"
    ).out
    assert "XMN/USD, T0000/USD" in told
    assert "and 5 more" in told


def test_faults_come_from_a_file(tmp_path: Path) -> None:
    """A script in a file acts; the summary counts what acted."""
    script = tmp_path / "faults.txt"
    script.write_text("# the first one\nat 0 s: refuse connects 503\n")
    with started("-o", "ndjson", "--faults", script) as (program, ready):
        url = ready["environment"]["KRAKEN_WS_PUBLIC_URL"]
        with pytest.raises(aiohttp.WSServerHandshakeError):
            asyncio.run(first_frame(url))
        assert asyncio.run(first_frame(url))["channel"] == "status"
        program.send_signal(signal.SIGINT)
        out, _ = program.communicate(timeout=10)
        assert json.loads(out)["faults"] == 1


@pytest.mark.fault("M4")
def test_other_machines_have_to_be_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    """An address that is not surely of this machine alone, as this odd one is not, needs a flag and brings a warning then."""
    refused = call(capsys, "sim", "--host", "127.1")
    assert refused.code == Exit.USAGE
    assert "--allow-remote" in refused.err
    host = ["--host", "127.1", "--allow-remote"]
    allowed = call(capsys, "sim", "--symbols", "SOL/USD", *host, "--duration", "0.01")
    assert allowed.code == Exit.OK
    assert allowed.err.startswith("warning: whoever can reach this machine")


def test_wrong_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot run says why and what to do instead, with the code that belongs to it."""
    script = tmp_path / "faults.txt"
    script.write_text("at 1 s: drip book\n")
    wrong = call(capsys, "sim", "--faults", script)
    assert wrong.code == Exit.USAGE
    assert "line 1: 'drip'" in wrong.err
    assert "drop" in wrong.err
    absent = call(capsys, "sim", "--faults", tmp_path / "none", "-o", "json")
    assert (absent.code, absent.json["error"]) == (Exit.FAILED, "input")
    unknown = call(capsys, "sim", "--symbols", "XBT/USD")
    assert unknown.code == Exit.USAGE
    assert "known are BTC/USD" in unknown.err
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        busy = call(capsys, "sim", "--symbols", "SOL/USD", "--port", port, "-o", "json")
    assert (busy.code, busy.json["error"], busy.json["retryable"]) == (Exit.FAILED, "address", True)
