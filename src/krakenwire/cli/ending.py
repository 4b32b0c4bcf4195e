"""How commands end that run until somebody has seen enough: in good order at the first Ctrl-C, at once at the
second.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from types import FrameType

from krakenwire.cli.exits import Exit

SIGNALS: dict[int, Exit] = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}
"""Signals that end a command, and the exit codes that say so."""

STOP_SECONDS = 5.0
"""From the first signal to the end, at most; whatever hangs then is left."""


class Ending:
    """Whether a command is to end. For the loop that runs it."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._watchdog = threading.Timer(STOP_SECONDS, self._cut)
        self._watchdog.daemon = True
        self.signal: Exit | None = None
        """The code of the signal that came; None: none did."""
        self.hangs = False
        """Whether a thread is left that writes to a reader who does not read: then the process must not wait for it."""

    def end(self) -> None:
        """It is enough."""
        self._over.set()

    async def wait(self, seconds: float | None = None) -> None:
        """Until it is enough, or for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self._over.wait()
        except TimeoutError:
            self.end()

    def interrupt(self, number: int, frame: FrameType | None) -> None:
        """A signal came. This runs in the main thread between any two steps of it, so it touches the loop from outside."""
        del frame
        if self.signal is not None:
            self._cut()
        self.signal = SIGNALS[number]
        self._watchdog.start()
        self._loop.call_soon_threadsafe(self.end)

    def _cut(self) -> None:
        os._exit(self.signal or Exit.FAILED)

    def relax(self) -> None:
        """Everything is in order: nobody needs to be cut off."""
        self._watchdog.cancel()


def run(work: Callable[[Ending], Awaitable[Exit]]) -> Exit:
    """Run a command in a loop of its own. A signal that ended it decides its exit code."""
    hangs = False

    async def watched() -> Exit:
        nonlocal hangs
        ending = Ending()
        before = {number: signal.signal(number, ending.interrupt) for number in SIGNALS}
        try:
            code = await work(ending)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            ending.relax()
            hangs = ending.hangs
        return code if ending.signal is None else ending.signal

    code = asyncio.run(watched())
    if hangs:
        sys.stderr.flush()
        os._exit(code)
    return code
