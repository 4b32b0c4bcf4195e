"""Lines on their way to stdout. A reader that pauses must not stop the program that reads a socket meanwhile: a thread writes, and what
waits for it is bounded.
"""

from __future__ import annotations

import asyncio
import sys

from krakenwire.net.threads import Threads

WAITING_LIMIT = 1_000
"""Lines that wait to be written. Whoever makes more waits; then the client's own queue fills, and says what it lost."""

LAST_SECONDS = 2.0
"""That a reader has for the last lines."""


class Output:
    """Writes lines in their order. Run `run` beside whatever makes them."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._threads = Threads(1)
        self._some = asyncio.Event()
        self._room = asyncio.Event()
        self._done = asyncio.Event()
        self._done.set()

    def put(self, line: str) -> None:
        """A line to be written. Never waits."""
        self._lines.append(line)
        self._done.clear()
        self._some.set()

    async def room(self) -> None:
        """Wait until few enough lines wait."""
        while len(self._lines) >= WAITING_LIMIT:
            self._room.clear()
            await self._room.wait()

    async def run(self) -> None:
        """Write whatever there is, until cancelled.

        Raises: OSError, if the output cannot be written; BrokenPipeError, if its reader left.
        """
        try:
            while True:
                await self._some.wait()
                self._some.clear()
                text = "".join(f"{line}\n" for line in self._lines)
                self._lines.clear()
                self._room.set()
                await self._threads.call(lambda text=text: _write(text))  # type: ignore[misc]
                if not self._lines:
                    self._done.set()
        finally:
            # Nothing is written any more: nobody has to wait for it, and `run` says why.
            self._done.set()

    async def finish(self) -> bool:
        """Wait for the last lines, or until none can be written. False: whoever should read them does not."""
        try:
            async with asyncio.timeout(LAST_SECONDS):
                await self._done.wait()
        except TimeoutError:
            return False
        return True


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
