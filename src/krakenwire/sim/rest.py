"""HTTP requests of the exchange: status and body, without the socket.

Like Kraken's, an answer is `{"error":[…],"result":…}` with status 200, also when it is a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from krakenwire.sim.clock import SECOND
from krakenwire.wire.timestamps import format_ns

if TYPE_CHECKING:
    from krakenwire.sim.exchange import Exchange

UNKNOWN_METHOD = "EGeneral:Unknown method"


def _time(exchange: Exchange) -> Any:
    return {"unixtime": exchange.at // SECOND, "rfc1123": format_ns(exchange.at, 0)}


def _system_status(exchange: Exchange) -> Any:
    return {"status": exchange.system.value, "timestamp": format_ns(exchange.at, 0)}


PUBLIC: dict[str, Callable[[Exchange], Any]] = {
    "/0/public/Time": _time,
    "/0/public/SystemStatus": _system_status,
}


def answer(
    exchange: Exchange,
    method: str,  # noqa: ARG001 - Kraken takes GET and POST for public questions alike
    path: str,
    headers: Mapping[str, str],  # noqa: ARG001 - signatures are for private questions
    body: bytes,  # noqa: ARG001 - as above
) -> tuple[int, bytes]:
    """Status and body of the answer."""
    asked = PUBLIC.get(path.partition("?")[0])
    if asked is None:
        return 200, msgspec.json.encode({"error": [UNKNOWN_METHOD]})
    return 200, msgspec.json.encode({"error": [], "result": asked(exchange)})
