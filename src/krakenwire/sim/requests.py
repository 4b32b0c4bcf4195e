"""What a client asks, and the words in which it is answered or refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Struct

from krakenwire.sim.clock import MICROSECOND, micros

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder(order="sorted")
"""Members stand in alphabetical order in every recorded reply."""

THOUGHT = 31 * MICROSECOND
"""Between `time_in` and `time_out` of a reply, ns."""

MEMBERS = ("method", "params", "req_id")


class Refusal(Exception):
    """A request is refused, in Kraken's words. `more` are members that the reply has besides."""

    def __init__(self, error: str, **more: Any) -> None:
        super().__init__(error)
        self.error = error
        self.more = more


class Request(Struct, frozen=True):
    """A request as it came: JSON numbers with a fraction are `Decimal`."""

    method: str
    at: int
    """When it came, ns since 1970."""
    params: Any = None
    """A dictionary in every request but `ping`; what it is in a wrong one, nobody knows."""
    req_id: int | None = None
    stray: str | None = None
    """A member that no request has."""
    has_params: bool = False


def read_request(frame: bytes | str, at: int) -> Request | None:
    """None: it is not JSON, or no request."""
    try:
        value = _decoder.decode(frame)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    method, req_id = value.get("method"), value.get("req_id")
    numbered = isinstance(req_id, int) and not isinstance(req_id, bool)
    if not isinstance(method, str) or not (req_id is None or numbered):
        return None
    stray = next((name for name in value if name not in MEMBERS), None)
    return Request(method, at, value.get("params"), req_id, stray, "params" in value)


def reply(request: Request, *, method: str | None = None, **members: Any) -> bytes:
    """A reply to this request, with its number and its time."""
    told = {"method": method or request.method, **members}
    if request.req_id is not None:
        told["req_id"] = request.req_id
    told["time_in"], told["time_out"] = micros(request.at), micros(request.at + THOUGHT)
    return _encoder.encode(told)
