"""What the HTTP library logs about clients of the simulated exchange.

Whoever sends what is no HTTP request gets status 400, and that is his affair: one line a minute at most says that it happens, without a
traceback. A request that fails through a fault of ours is logged in full.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from aiohttp.http_exceptions import HttpProcessingError

EVERY = 60.0
"""Real seconds between two lines about what clients send."""


class ClientErrors(logging.Filter):
    """Lets one line of clients' mistakes through in so long, and everything else as it is."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._told_at = -EVERY
        self._untold = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is logged."""
        exc = record.exc_info[1] if record.exc_info else None
        if not isinstance(exc, HttpProcessingError):
            return True
        now = self._clock()
        if now - self._told_at < EVERY:
            self._untold += 1
            return False
        more = f", and {self._untold} more since the last line" if self._untold else ""
        record.msg, record.args = "A client sent what is no HTTP request (%s)%s", (type(exc).__name__, more)
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.exc_info = record.exc_text = None
        self._told_at, self._untold = now, 0
        return True


def server_log() -> logging.Logger:
    """A logger for one server: its lines go to those of `krakenwire`, and their limit is its own."""
    logger = logging.Logger("krakenwire.sim.server")  # noqa: LOG001 (getLogger would share one limit, and keep it)
    logger.parent = logging.getLogger("krakenwire")
    logger.addFilter(ClientErrors())
    return logger
