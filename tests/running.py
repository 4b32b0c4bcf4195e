"""Programs and commands at work, and what they print."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Mapping
from pathlib import Path

from tests.pages import missing_line

PATIENCE = 40.0
"""Seconds until a program has printed what its page shows."""

STOP = 10.0
"""Seconds that it has for its end."""


class Running:
    """A program at work, and what it printed."""

    def __init__(self, command: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(iter(self.process.stdout.readline, ""))

    @property
    def printed(self) -> str:
        return "".join(self.lines)

    def until(self, shown: str) -> bool:
        """Wait until it has printed the like of what is shown, or has ended."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if missing_line(shown, self.printed) is None or self.process.poll() is not None:
                return True
            time.sleep(0.05)
        return False

    def end(self, number: int) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            self.process.wait(STOP)
        finally:
            self.process.kill()
            self._reader.join(STOP)
            assert self.process.stdout is not None
            self.process.stdout.close()
