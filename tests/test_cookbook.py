"""The programs of the pages that are for copying do what the pages show: each in a process of its own, against a simulated exchange."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from krakenwire.cli.trader import trade
from krakenwire.sim.background import Simulated
from tests.pages import PROGRAMS, ROOT, Block, blocks, missing_line, python_blocks
from tests.running import PATIENCE, Running

MARKETS = ["BTC/USD", "ETH/USD", "SOL/USD"]
SPEED = 5.0
"""Seconds of the exchange in a real one: what a program waits for comes sooner."""


def programs() -> list[Block]:
    return [block for block in python_blocks() if block.page.name in PROGRAMS]


@contextmanager
def exchange(block: Block) -> Iterator[Simulated]:
    """The exchange that the comments above a program describe: its speed, what goes wrong, whether its account trades."""
    told = block.told("simulator")
    speed = next((float(text.split()[1]) for text in told if text.startswith("speed ")), SPEED)
    faults = "\n".join(text for text in told if ":" in text)
    with Simulated(seed=7, markets=MARKETS, speed=speed) as simulated:
        trading = threading.Event()
        if "trades" in told:
            threading.Thread(target=_trade, args=(simulated, trading), daemon=True).start()
        if faults:
            threading.Thread(target=_spoil, args=(simulated, faults, trading), daemon=True).start()
        try:
            yield simulated
        finally:
            trading.set()


def _trade(simulated: Simulated, over: threading.Event) -> None:
    """Trade for the account until it is over."""

    async def until() -> None:
        task = asyncio.ensure_future(trade(simulated))
        await asyncio.to_thread(over.wait)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(until())


def _spoil(simulated: Simulated, faults: str, over: threading.Event) -> None:
    """Let the faults count from when data flows to a client."""
    while not over.is_set():
        if simulated.call(lambda exchange, _: any(c.sent > 20 for c in exchange.connections.values())):
            simulated.fault(faults)
            return
        time.sleep(0.02)


@pytest.mark.parametrize("block", programs(), ids=str)
def test_program(block: Block, tmp_path: Path) -> None:
    """The program prints what the page shows, with whatever numbers, and ends in good order: by itself, or when it is told to."""
    (tmp_path / "program.py").write_text(block.body, encoding="utf-8")
    for name in block.told("file"):
        shutil.copy(ROOT / "docs" / name, tmp_path / name)
    pytest_options = ["-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider"]
    pytest_options += ["-p", "krakenwire.sim.pytest_plugin"]
    runs = "pytest" in block.told("run")
    command = [sys.executable, "-u", *(pytest_options if runs else []), "program.py"]
    stop = signal.SIGTERM if "SIGTERM" in block.told("ends") else signal.SIGINT
    with exchange(block) as simulated:
        paths = [str(ROOT / "tests" / "stand_ins")] if block.told("needs") else []
        environment = os.environ | simulated.environment | {"PYTHONPATH": os.pathsep.join(paths)}
        environment |= {"PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}
        running = Running(command, tmp_path, environment)
        try:
            shown = block.output or ""
            if "itself" in block.told("ends") or not shown:
                running.process.wait(PATIENCE)
            else:
                running.until(shown.removesuffix("closed\n"))
        finally:
            running.end(stop)
    assert missing_line(block.output or "", running.printed) is None, running.printed[-3000:]
    failures = re.findall(
        r"^(?!KeyboardInterrupt|asyncio\.)[\w.]*(?:Error|Exception|Warning)\b.*$",
        running.printed,
        re.MULTILINE,
    )
    assert failures == [], running.printed[-3000:]
    # 0: it ended by itself, or took the signal as a request; else Ctrl-C ended it.
    assert running.process.returncode in {0, -signal.SIGINT}, running.printed[-3000:]


def test_quickstart(tmp_path: Path) -> None:
    """The steps of the quickstart work as they stand: an exchange writes down where it is, and the program finds it there."""
    page = ROOT / "docs" / "quickstart.md"
    environment = Path(sys.prefix)
    if not (environment / "bin" / "krakenwire").exists():
        pytest.skip("krakenwire is not installed in an environment of its own")
    (tmp_path / ".venv").symlink_to(environment)
    (program,) = [block for block in blocks(page) if block.kind == "python"]
    (tmp_path / "best.py").write_text(program.body, encoding="utf-8")
    steps = [block.body.strip() for block in blocks(page)]
    (start,) = [step for step in steps if step.startswith(".venv/bin/krakenwire sim")]
    (use,) = [step for step in steps if step.startswith("env ")]
    exchange = Running(["bash", "-c", f"exec {start}"], tmp_path, os.environ)
    try:
        deadline, written = time.monotonic() + PATIENCE, tmp_path / "exchange.env"
        while not written.exists() or "KRAKEN_API_SECRET=" not in written.read_text(encoding="utf-8"):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        user = Running(["bash", "-c", f"exec {use}"], tmp_path, os.environ | {"PYTHONUNBUFFERED": "1"})
        try:
            user.until(program.output or "")
        finally:
            user.end(signal.SIGINT)
    finally:
        exchange.end(signal.SIGINT)
    assert missing_line(program.output or "", user.printed) is None, user.printed
