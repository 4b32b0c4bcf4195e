"""An event of a live stream as one JSON object: Kraken's names, every number with the digits of the wire, as text."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import msgspec

from krakenwire import events as ev
from krakenwire.handler.routes import KINDS
from krakenwire.wire.control import Heartbeat, ReplyEnvelope, StatusUpdate
from krakenwire.wire.timestamps import format_ns

UNTOLD = (Heartbeat, ReplyEnvelope, StatusUpdate, ev.Discarded, ev.ResyncNeeded, ev.ReconnectNeeded)
"""What concerns the protocol alone; what follows from it is told by other events."""

CLOCKS = ("since", "retry_at")
"""Fields on the loop's clock, which means nothing to anybody outside."""

KEPT = 4096
"""Characters of a refused or unknown frame that are told."""


def is_told(event: Any) -> bool:
    """Whether an event says something to whoever reads a stream."""
    return not isinstance(event, UNTOLD)


def name_of(event: Any) -> str:
    """The name that callbacks for such an event are registered under."""
    return next(name for name, kind in KINDS.items() if isinstance(event, kind))


def record(event: Any, *, sim: bool) -> str:
    """An event as JSON. The live book is not part of it."""
    names = zip(event.__struct_fields__, event.__struct_encode_fields__, strict=True)
    told = {label: getattr(event, name) for name, label in names if name != "book"}
    for label in CLOCKS:
        if isinstance(told.get(label), float):
            told[label] = wall(told[label])
    if isinstance(event, ev.FrameRejected):
        told["frame"] = event.frame[:KEPT].decode(errors="replace")
    elif isinstance(event, ev.Unknown):
        told["raw"] = event.raw[:KEPT]
    first: dict[str, Any] = {"event": name_of(event)} | ({"sim": True} if sim else {})
    return json.dumps(first | {label: _plain(value) for label, value in told.items()})


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)


def wall(at: float) -> str:
    """An instant of the loop's clock as UTC."""
    return format_ns(time.time_ns() + round((at - asyncio.get_running_loop().time()) * 1e9), 3)


def now() -> str:
    """The time of day, UTC, as facts that carry none are told."""
    return format_ns(time.time_ns())[11:-1]
