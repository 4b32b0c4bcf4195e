"""Short ways to feed a session and to read its answer."""

from __future__ import annotations

from collections.abc import Sequence

from krakenwire.errors import BookNotLive
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
