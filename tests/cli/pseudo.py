"""The program on a pseudo-terminal, as somebody at a keyboard has it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from typing import Self

UNWANTED = {"NO_COLOR", "COLUMNS", "LINES"}


class Terminal:
    """A program of this interpreter on a terminal of its own. Leaving it ends the program, if it has not ended."""

    def __init__(
        self, *arguments: str, size: tuple[int, int] = (80, 24), env: dict[str, str] | None = None
    ) -> None:
        self.output = b""
        """Everything that it wrote."""
        self.code: int | None = None
        """Its exit code, once it has ended."""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            # Exactly these names: libraries may have put others into the environment where Python does not see them.
            left = {name: value for name, value in os.environ.items() if name not in UNWANTED}
            whole = left | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"} | (env or {})
            os.execve(sys.executable, [sys.executable, *arguments], whole)  # noqa: S606 (our own interpreter)
        columns, rows = size
        fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.code is None:
            os.kill(self._pid, 9)
            self._wait()
        os.close(self._terminal)

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", "replace")

    def until(self, word: str, seconds: float = 20.0) -> None:
        """Read until this was written.

        Raises: AssertionError, if it is not within so long.
        """
        begin, end = len(self.output), time.monotonic() + seconds
        while word.encode() not in self.output[max(0, begin - len(word)) :]:
            assert time.monotonic() < end, f"no {word!r} in {self.text[-2000:]!r}"
            if not self._read(0.1) and self.code is not None:
                raise AssertionError(f"ended with {self.code} before {word!r}: {self.text[-2000:]!r}")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._terminal, keys.encode())

    def signal(self, number: int) -> None:
        os.kill(self._pid, number)

    def end(self, seconds: float = 20.0) -> int:
        """Read until the program has ended; its exit code."""
        end = time.monotonic() + seconds
        while self._read(0.1):
            assert time.monotonic() < end, "it does not end"
        if self.code is None:
            self._wait()
        assert self.code is not None
        return self.code

    def _wait(self) -> None:
        _, status = os.waitpid(self._pid, 0)
        self.code = os.waitstatus_to_exitcode(status)

    def _read(self, seconds: float) -> bool:
        """Take what was written within so long. False: the program has closed its terminal."""
        ready, _, _ = select.select([self._terminal], [], [], seconds)
        if not ready:
            return True
        try:
            read = os.read(self._terminal, 1 << 16)
        except OSError:
            # How Linux tells that nobody has the other side any more.
            return False
        self.output += read
        return bool(read)
