"""Short ways to feed a session and to read its answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from krakenwire.errors import BookNotLive
from krakenwire.events import Event
from krakenwire.session import Session


def session_with(*frames: bytes) -> Session:
    """A session that has taken these frames."""
    session = Session(now=0.0)
    for frame in frames:
        session.receive(frame, now=1.0)
    return session


def kinds(events: Sequence[object]) -> list[type]:
    """The types of the events, in order."""
    return [type(event) for event in events]


def ack(method: str, symbol: str = "BTC/USD", depth: int = 10) -> bytes:
    """A granted `subscribe` or `unsubscribe` of a book."""
    result = f'{{"channel":"book","depth":{depth},"symbol":"{symbol}"}}'
    return f'{{"method":"{method}","result":{result},"success":true}}'.encode()


def status(connection: int) -> bytes:
    """The first frame of a connection."""
    data = f'{{"system":"online","api_version":"v2","connection_id":{connection},"version":"2.0.10"}}'
    return f'{{"channel":"status","type":"update","data":[{data}]}}'.encode()


def is_live(session: Session, symbol: str = "BTC/USD") -> bool:
    """Whether the book can be read."""
    try:
        return session.book(symbol).verified
    except BookNotLive:
        return False


def granted(session: Session, *, now: float = 1.0, **told: object) -> list[dict[str, Any]]:
    """Grant whatever the session asks now, one answer a symbol, with `told` in the result. Returns the requests."""
    requests = [json.loads(frame) for frame in session.take_outgoing(now=now)]
    for request in requests:
        params = request["params"]
        for symbol in params.get("symbol", (None,)):
            result = {"channel": params["channel"]} | ({} if symbol is None else {"symbol": symbol}) | told
            reply = {"method": request["method"], "req_id": request["req_id"], "success": True}
            session.receive(json.dumps(reply | {"result": result}), now=now)
    return requests


def refused(session: Session, error: str, *, now: float = 1.0) -> list[Event]:
    """Refuse whatever the session asks now, one answer a symbol. Returns what the session said."""
    events: list[Event] = []
    for request in map(json.loads, session.take_outgoing(now=now)):
        for symbol in request["params"].get("symbol", (None,)):
            reply = {"method": request["method"], "req_id": request["req_id"], "success": False}
            about = {"channel": request["params"]["channel"]} if symbol is None else {"symbol": symbol}
            events += session.receive(json.dumps(reply | about | {"error": error}), now=now)
    return events
