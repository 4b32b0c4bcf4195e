"""The sender's process of the loopback benchmark, and the clock of this one."""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from typing import Any

from benchmarks.subject import require

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []

Run = tuple[float, float]


class Peer:
    """The sender's process."""

    def __init__(self, frames: int, seed: int, *, apart: bool = True) -> None:
        command = [sys.executable, "-m", "benchmarks.sender", "--frames", str(frames), "--seed", str(seed)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if apart:
            part(self.process.pid)
        self.facts: dict[str, Any] = self.read()

    def read(self) -> Any:
        """The next line of JSON."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        require(fact=bool(line), otherwise="the sender ended")
        return json.loads(line)

    def go(self, rate: float) -> None:
        """Let it send."""
        print(rate, file=self.process.stdin, flush=True)

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()

    def url(self, path: str) -> str:
        return f"wss://127.0.0.1:{self.facts['port']}{path}"


def part(pid: int) -> None:
    """Give the sender a core of its own, so that this process has one, too; where the system lets us."""
    if len(CORES) > 1:
        os.sched_setaffinity(pid, CORES[1:])
        os.sched_setaffinity(0, CORES[:1])


class Clock:
    """Wall and processor seconds between `start` and `stop`."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def start(self) -> None:
        gc.collect()
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self) -> Run:
        return time.perf_counter() - self.wall, time.process_time() - self.cpu
