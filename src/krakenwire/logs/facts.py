"""What a client reports, as log records: connections that come and go, gaps, lost books, refusals. Data is none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec

from krakenwire.events import ConnectionState
from krakenwire.net.client import Client

logger = logging.getLogger("krakenwire")

TOLD = {
    "connection_changed": logging.INFO,
    "status": logging.INFO,
    "gap": logging.WARNING,
    "book_lost": logging.WARNING,
    "book_live": logging.INFO,
    "book_disputed": logging.ERROR,
    "resync_needed": logging.INFO,
    "reconnect_needed": logging.WARNING,
    "peer_silent": logging.WARNING,
    "subscription_rejected": logging.WARNING,
    "frame_rejected": logging.WARNING,
    "schema_drift": logging.WARNING,
    "unknown": logging.WARNING,
    "reply_missing": logging.WARNING,
    "stream_quiet": logging.INFO,
    "feed_lagging": logging.WARNING,
    "trading_status": logging.INFO,
}
"""Events by their names as for callbacks, and the level of each."""

LEFT_OUT = frozenset({"frame", "raw", "differences"})
"""Fields that are no facts but evidence, and long."""

UNWELL = frozenset({ConnectionState.DOWN, ConnectionState.FAILED})


@contextmanager
def following(client: Client) -> Iterator[None]:
    """Log what a client reports while this is entered."""
    callbacks = [(name, _teller(name, level)) for name, level in TOLD.items()]
    for name, callback in callbacks:
        client.on(name, callback, facts=False)
    try:
        yield
    finally:
        for name, callback in callbacks:
            client.off(name, callback)


def _teller(name: str, level: int) -> Callable[[Any], None]:
    def tell(event: Any) -> None:
        grave = logging.ERROR if getattr(event, "state", None) in UNWELL else level
        held = {key: getattr(event, key) for key in event.__struct_fields__ if key not in LEFT_OUT}
        facts = {
            key: told for key, told in msgspec.to_builtins(held).items() if told is not None and told != ""
        }
        words = " ".join([f"{key}={value}" for key, value in facts.items()])
        logger.log(grave, "%s %s", name, words, extra={"event": name, "facts": facts})

    return tell
