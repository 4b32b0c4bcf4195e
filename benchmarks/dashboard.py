"""What the dashboard costs: processor time of `krakenwire watch` with 20 symbols, on a terminal, at ten pictures a second.

The program is the real one, on a pseudo-terminal whose output is read and thrown away; the simulated exchange is another process. Its
processor time is read from `/proc` before and after, so this runs on Linux. The figure includes the whole client: sockets, decoding, proof.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

from krakenwire.sim.background import Simulated
from krakenwire.sim.catalog import KNOWN, invented

SYMBOLS = 20
SIZES = ((80, 24), (120, 40), (200, 60))
WARM_UP = 4.0
PAUSE = 0.03
"""Seconds without output between two pictures at least."""

LIMIT = 15.0
"""Percent of one core."""

TICK = os.sysconf("SC_CLK_TCK")


def serve() -> None:
    """The exchange, until its input ends."""
    markets = [*KNOWN, *invented(SYMBOLS - len(KNOWN), rate=5.0)]
    with Simulated(markets=markets) as exchange:
        print(exchange.urls.public, *exchange.exchange.markets, flush=True)
        sys.stdin.read()


def processor_seconds(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def measure(
    url: str, symbols: list[str], size: tuple[int, int], seconds: float
) -> tuple[float, float, float]:
    """Percent of one core, pictures a second, and bytes a second to the terminal."""
    columns, rows = size
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"}
        command = [sys.executable, "-m", "krakenwire", "watch", *symbols, "--url", url, "--no-account"]
        os.execv(sys.executable, command)  # noqa: S606 (our own interpreter with fixed arguments)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    try:
        seen, _ = drain(terminal, WARM_UP)
        before, began = processor_seconds(pid), time.monotonic()
        written, pictures = drain(terminal, seconds)
        used, passed = processor_seconds(pid) - before, time.monotonic() - began
        os.write(terminal, b"q")
        drain(terminal, 2.0)
    finally:
        os.close(terminal)
        os.waitpid(pid, 0)
    if b"LIVE" not in seen:
        sys.exit("the dashboard showed nothing that is live")
    return used / passed * 100, pictures / passed, len(written) / passed


def drain(terminal: int, seconds: float) -> tuple[bytes, int]:
    """Read what the program writes, for so long or until it ends; and how often it wrote something after a pause: its pictures."""
    until, read = time.monotonic() + seconds, bytearray()
    pictures, last = 0, 0.0
    while (left := until - time.monotonic()) > 0:
        ready, _, _ = select.select([terminal], [], [], left)
        if ready:
            try:
                read += os.read(terminal, 1 << 16)
            except OSError:
                break
            now = time.monotonic()
            pictures += now - last > PAUSE
            last = now
    return bytes(read), pictures


def main() -> None:
    """Measure every size of terminal, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--seconds", type=float, default=15.0, help="of each measurement")
    given = parser.parse_args()
    if given.serve:
        serve()
        return
    command = [sys.executable, "-m", "benchmarks.dashboard", "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as exchange:
        assert exchange.stdout is not None and exchange.stdin is not None  # noqa: S101, PT018 (both are pipes)
        url, *symbols = exchange.stdout.readline().split()
        print(
            f"krakenwire watch, {len(symbols)} symbols, every channel of each; limit {LIMIT:.0f} % of one core"
        )
        for size in SIZES:
            share, pictures, written = measure(url, symbols, size, given.seconds)
            print(
                f"{size[0]:>4}x{size[1]:<3} {share:5.1f} % of one core  {pictures:4.1f} pictures/s  {written / 1000:6.1f} kB/s"
            )
        exchange.stdin.close()


if __name__ == "__main__":
    main()
