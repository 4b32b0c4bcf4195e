"""How commands end that somebody has seen enough of: in good order at the first Ctrl-C, at once at the second. Being terminated is the same
with another exit code.

`main` answers the signals for every command. A plain function gets a `KeyboardInterrupt` where it stands; what runs a loop asks its
`Ending`, and is never interrupted in the middle of a step.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from krakenwire.cli.exits import Exit

SIGNALS: dict[int, Exit] = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}
"""Signals that end a command, and the exit codes that say so."""

STOP_SECONDS = 4.5
"""From the first signal to the end, at most; whatever hangs then is left."""


class Signals:
    """Answers the signals of the process."""

    def __init__(self) -> None:
        self.code: Exit | None = None
        """That of the first signal; None: none came."""
        self.tell: Callable[[], None] | None = None
        """Who is told of the first signal instead of being interrupted by it."""
        self._watchdog: threading.Timer | None = None
        self._over = False

    def answer(self, number: int, frame: FrameType | None) -> None:
        """A signal came. This runs in the main thread between any two steps of it."""
        del frame
        if self.code is not None or self._over:
            self._cut()
        self.code = SIGNALS[number]
        self._watchdog = threading.Timer(STOP_SECONDS, self._cut)
        self._watchdog.daemon = True
        self._watchdog.start()
        if self.tell is None:
            raise KeyboardInterrupt
        self.tell()

    def _cut(self) -> None:
        os._exit(self.code or Exit.INTERRUPTED)

    def end(self, code: int) -> int:
        """The command is over: nobody needs to be cut off, and a signal that comes now ends what is left at once. The exit code of the
        process, which a signal decides.
        """
        self._over = True
        if self._watchdog is not None:
            self._watchdog.cancel()
        return code if self.code is None else self.code


_now: list[Signals] = []
"""Those of the running command."""


@contextmanager
def answered(*, program: bool) -> Iterator[Signals]:
    """Answer signals while this is entered; a `program` answers them to its very end."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals
        return
    before = {number: signal.signal(number, signals.answer) for number in SIGNALS}
    _now.append(signals)
    try:
        yield signals
    finally:
        _now.remove(signals)
        if not program:
            for number, handler in before.items():
                signal.signal(number, handler)


class Ending:
    """Whether a command is to end. For the loop that runs it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over = asyncio.Event()
        self._signals = _now[-1] if _now else Signals()
        self.hangs = False
        """Whether a thread is left that writes to a reader who does not read: then the process must not wait for it."""

    @property
    def signal(self) -> Exit | None:
        """The code of the signal that came; None: none did."""
        return self._signals.code

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

    def interrupt(self) -> None:
        """A signal came, between any two steps: the loop is only touched from outside."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.end)

    async def watch(self, work: Callable[[Ending], Awaitable[Exit]]) -> Exit:
        """Run the command."""
        self._loop = asyncio.get_running_loop()
        if self.signal is not None:
            self.end()
        try:
            code = await work(self)
        finally:
            self._loop = None
        return code if self.signal is None else self.signal

    @contextmanager
    def told(self) -> Iterator[None]:
        """Signals come here, and interrupt nothing."""
        self._signals.tell = self.interrupt
        try:
            yield
        finally:
            self._signals.tell = None


def run(work: Callable[[Ending], Awaitable[Exit]]) -> Exit:
    """Run a command in a loop of its own. A signal that ended it decides its exit code."""
    ending = Ending()
    with ending.told():
        code = asyncio.run(ending.watch(work))
        if ending.hangs:
            sys.stderr.flush()
            os._exit(code)
    return code
