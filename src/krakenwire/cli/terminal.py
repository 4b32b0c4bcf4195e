"""What the terminal can do, and the few sequences we send it. Nothing here is sent to a pipe or a file."""

from __future__ import annotations

import io
import os
import sys
import time
from pathlib import Path
from typing import TextIO

_STYLES = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
    "badge": "1;7;33",
}

_NAME = 30
"""Columns of a file name beside a progress bar."""

PICTURES_A_SECOND = 10
"""How often something that moves is drawn at most."""


def is_terminal(stream: TextIO) -> bool:
    """Whether somebody is looking, at a terminal that understands more than text."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def paint(text: str, style: str | None, stream: TextIO) -> str:
    """The text in a colour, where there is colour. `NO_COLOR`, set to anything, turns it off; a colour never says what no word says."""
    if style is None or not text or os.environ.get("NO_COLOR") or not is_terminal(stream):
        return text
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m"


def size(stream: TextIO) -> tuple[int, int]:
    """Columns and rows of a terminal."""
    try:
        found = os.get_terminal_size(stream.fileno())
    except OSError:
        return 80, 24
    return found.columns or 80, found.lines or 24


def width(stream: TextIO) -> int | None:
    """Columns to fold text to; None where it goes to a program, which wants whole lines."""
    return size(stream)[0] if is_terminal(stream) else None


def set_up() -> None:
    """Make sure that printing cannot end a command: what an encoding cannot say becomes a question mark, what is closed stays silent."""
    sys.stdout = sys.stdout or _nowhere()
    sys.stderr = sys.stderr or _nowhere()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _nowhere() -> TextIO:
    return Path(os.devnull).open("w", encoding="utf-8")


def discard_output() -> None:
    """Nobody reads any more: from here on output goes nowhere, also what Python still holds for the end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


class Progress:
    """A bar on stderr for long work, drawn only on a terminal and gone when the work is done."""

    def __init__(self, name: str, size: int | None) -> None:
        self.on = is_terminal(sys.stderr)
        short = name.rpartition("/")[2]
        self._name = short if len(short) <= _NAME else "…" + short[1 - _NAME :]
        self._size = size
        self._started = time.monotonic()
        self._drawn = self._started

    def show(self, position: int | None, frames: int) -> None:
        """Draw where the work stands, unless that was just done."""
        now = time.monotonic()
        if not self.on or now - self._drawn < 1 / PICTURES_A_SECOND:
            return
        self._drawn = now
        columns, _ = size(sys.stderr)
        tail = f"  {frames:,} frames"
        bar = ""
        if self._size and position:
            share = min(1.0, position / self._size)
            left = (now - self._started) * (1 - share) / share
            tail = f" {int(share * 100):>3} %{tail}  {left:.0f} s left"
            cells = max(0, min(40, columns - len(tail) - len(self._name) - 2))
            full = int(cells * share)
            bar = paint("━" * full, "cyan", sys.stderr) + paint("─" * (cells - full), "dim", sys.stderr)
        name = self._name[: max(0, columns - len(tail) - 2)]
        sys.stderr.write(f"\r{name} {bar}{tail}\x1b[K")
        sys.stderr.flush()

    def clear(self) -> None:
        """Leave nothing behind."""
        if self.on and self._drawn != self._started:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
