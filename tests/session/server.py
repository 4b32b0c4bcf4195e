"""The other side of a session for tests: answers `subscribe` and `unsubscribe` for books as Kraken does, and can misbehave."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from krakenwire.events import Event
from krakenwire.session import Session
from tests.session.exchange import Exchange


class Server:
    """Books of several symbols on one connection, and a session that talks to them in time that the test turns."""

    def __init__(self, *symbols: str, session: Session | None = None) -> None:
        self.markets = {symbol: Exchange(symbol) for symbol in symbols or ("BTC/USD",)}
        self.session = Session(now=0.0) if session is None else session
        self.subscribed: set[str] = set()
        self.asked: list[dict[str, Any]] = []
        """Every request that came, in order."""
        self.lies: set[str] = set()
        """Symbols whose checksums are wrong, always."""
        self.mute = False
        """No request is answered any more."""
        self.withheld: set[str] = set()
        """Symbols whose snapshot is not sent."""
        self.now = 1.0

    # ---------------------------------------------------------------- what the test does

    def give(self, *frames: bytes) -> list[Event]:
        """Frames to the session, then everything that follows: requests taken and answered, until nothing is said any more."""
        events: list[Event] = []
        for frame in frames:
            events += self.session.receive(self._told(frame), now=self.now)
        return events + self.converse()

    def update(self, symbol: str = "BTC/USD", **changes: dict[str, str]) -> list[Event]:
        """Change a book and tell it, if it is subscribed."""
        frame = self.markets[symbol].update(**changes)
        return self.give(frame) if symbol in self.subscribed else []

    def converse(self) -> list[Event]:
        """Answer whatever the session asks, until it asks nothing."""
        events: list[Event] = []
        while requests := self.session.take_outgoing(now=self.now):
            for request in requests:
                for frame in self.answers(json.loads(request)):
                    events += self.session.receive(frame, now=self.now)
        return events

    def wait(self, seconds: float) -> list[Event]:
        """Let time pass; the session is woken whenever it asked to be, and hears a heartbeat every second."""
        events: list[Event] = []
        until = self.now + seconds
        while self.now < until:
            deadline = self.session.deadline
            self.now = min(
                until, self.now + 1.0, max(self.now, until if deadline is None else deadline) + 1e-6
            )
            if not self.mute:
                events += self.session.receive(b'{"channel":"heartbeat"}', now=self.now)
            events += self.session.tick(now=self.now)
            events += self.converse()
        return events

    # ---------------------------------------------------------------- what Kraken does

    def answers(self, request: dict[str, Any]) -> Iterable[bytes]:
        """Replies and snapshots, one reply a symbol."""
        self.asked.append(request)
        if self.mute:
            return
        if request["method"] == "ping":
            yield json.dumps({"method": "pong", "req_id": request["req_id"]}).encode()
            return
        for symbol in request["params"]["symbol"]:
            reply = self._reply(request, symbol)
            yield json.dumps(reply).encode()
            if request["method"] == "subscribe" and reply["success"] and symbol not in self.withheld:
                yield self._told(self.markets[symbol].snapshot())

    def _reply(self, request: dict[str, Any], symbol: str) -> dict[str, Any]:
        method, params = request["method"], request["params"]
        error = None
        if symbol not in self.markets:
            error = f"Currency pair not supported {symbol}"
        elif method == "subscribe" and symbol in self.subscribed:
            error = "Already subscribed"
        elif method == "unsubscribe" and symbol not in self.subscribed:
            error = "Subscription Not Found"
        elif method == "subscribe":
            self.subscribed.add(symbol)
            self.markets[symbol].depth = params["depth"]
        else:
            self.subscribed.discard(symbol)
        reply: dict[str, Any] = {"method": method, "req_id": request["req_id"], "success": error is None}
        if error is None:
            reply["result"] = {"channel": "book", "depth": params["depth"], "symbol": symbol}
        else:
            reply |= {"error": error, "symbol": symbol}
        return reply

    def _told(self, frame: bytes) -> bytes:
        """A frame as it goes out: with a wrong checksum where this server lies."""
        if any(f'"symbol":"{symbol}"'.encode() in frame for symbol in self.lies):
            return frame.replace(b'"checksum":', b'"checksum":1')
        return frame
