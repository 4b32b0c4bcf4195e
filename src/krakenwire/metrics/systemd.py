"""Telling systemd how this process is: `READY`, `WATCHDOG`, `STATUS` and `STOPPING`, one datagram each.

systemd names a socket in `NOTIFY_SOCKET`, and in `WATCHDOG_USEC` the time after which it restarts a process that said nothing. The
watchdog is answered from the event loop, so a loop that is blocked for good is restarted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from krakenwire.metrics.health import readiness
from krakenwire.net.client import Client

LOOK_SECONDS = 1.0
"""Between two looks at the client."""


class Notifier:
    """Sends to the socket that systemd named; if it named none, to nobody."""

    def __init__(self, address: str | None = None) -> None:
        named = os.environ.get("NOTIFY_SOCKET", "") if address is None else address
        # A name that begins with @ is in the abstract namespace, where names begin with a zero byte.
        self._address = "\0" + named[1:] if named.startswith("@") else named

    @property
    def listening(self) -> bool:
        """Whether anybody wants to know."""
        return self._address.startswith(("/", "\0"))

    def tell(self, *lines: str) -> bool:
        """Send lines such as `READY=1`. False: nobody took them, which is no reason to end."""
        if not self.listening:
            return False
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
            out.settimeout(0.0)  # nobody who does not read may hold up a feed
            out.sendto("\n".join(lines).encode(), self._address)
            return True
        return False


def watchdog_seconds() -> float | None:
    """How often to answer the watchdog: twice in its time. None: there is none, or it watches another process."""
    try:
        seconds = int(os.environ.get("WATCHDOG_USEC", "")) / 1_000_000
        process = int(os.environ.get("WATCHDOG_PID", "") or os.getpid())
    except ValueError:
        return None
    return seconds / 2 if seconds > 0 and process == os.getpid() else None


@asynccontextmanager
async def reporting(client: Client, notifier: Notifier | None = None) -> AsyncIterator[None]:
    """Report a client while this is entered: ready as soon as every wanted subscription can be read, then its state whenever it changes."""
    notifier = Notifier() if notifier is None else notifier
    if not notifier.listening:
        yield
        return
    task = asyncio.ensure_future(_report(client, notifier))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        notifier.tell("STOPPING=1", "STATUS=stopping")


async def _report(client: Client, notifier: Notifier) -> None:
    watchdog = watchdog_seconds()
    wait = LOOK_SECONDS if watchdog is None else min(LOOK_SECONDS, watchdog)
    ready, told = False, ""
    while True:
        found = readiness(client.measures)
        lines = [] if watchdog is None else ["WATCHDOG=1"]
        if found.ready and found.subscriptions + found.refused and not ready:
            ready = True
            lines.append("READY=1")
        status = f"STATUS={found.live} of {found.subscriptions} subscriptions live"
        if status != told:
            told = status
            lines.append(status)
        if lines:
            notifier.tell(*lines)
        await asyncio.sleep(wait)
