"""The simulated exchange and our own session in one process, in time that the test turns."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

from krakenwire.events import Event
from krakenwire.session import Session
from krakenwire.sim import Exchange, Host, Rules
from krakenwire.sim.connection import Connection, ConnectionId
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.market import Market
from krakenwire.sim.requests import Request
from krakenwire.wire.secret import Secret

AT_ONCE = Rules(snapshot_delay=(0.0, 0.0))


class Honest:
    """Faults that do nothing; those of a test say what they do instead."""

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        connection.emit(frame, label, at)

    def hear(self, connection: Connection, frame: bytes | str, at: int) -> bytes | str | None:
        return frame

    def refusal(self, connection: Connection, request: Request, symbol: str) -> str | None:
        return None


class Forgetful:
    """A truth log that writes nothing down."""

    def meant(self, connection: Connection, frame: bytes, label: Label, at: int) -> None: ...

    def sent(self, connection: Connection, frame: bytes, label: Label, at: int) -> None: ...

    def published(self, market: Market, at: int) -> None: ...


class Client:
    """A bare client that reads what comes as JSON."""

    def __init__(self, exchange: Exchange, host: str = Host.PUBLIC, now: float = 0.0) -> None:
        self.exchange = exchange
        self.now = now
        self.id: ConnectionId = exchange.connect(host, now=now)

    def ask(self, method: str, req_id: int | None = None, **params: Any) -> list[Any]:
        """Ask and return everything that waits then."""
        request: dict[str, Any] = {"method": method}
        if params:
            request["params"] = params
        if req_id is not None:
            request["req_id"] = req_id
        return self.say(json.dumps(request))

    def say(self, frame: str) -> list[Any]:
        self.exchange.receive(self.id, frame, now=self.now)
        return self.take()

    def wait(self, seconds: float) -> list[Any]:
        self.now += seconds
        self.exchange.advance(self.now)
        return self.take()

    def take(self) -> list[Any]:
        return [json.loads(frame) for frame in self.exchange.take_outgoing(self.id)]


class Pairing:
    """A session connected to an exchange: every frame goes to the session at the moment it was sent."""

    def __init__(self, exchange: Exchange, host: str = Host.PUBLIC) -> None:
        self.exchange = exchange
        self.session = Session(now=0.0, authenticates=host != Host.PUBLIC)
        self.id = exchange.connect(host, now=0.0)
        self.now = 0.0
        self.events: Counter[str] = Counter()
        self.seen: Callable[[Event], None] | None = None
        """Called with every event."""
        if host != Host.PUBLIC:
            self.session.supply_token(Secret(exchange.tokens.issue(exchange.at)))

    def run(self, seconds: float) -> None:
        """Let time pass; both sides are woken whenever they asked to be."""
        until = self.now + seconds
        while True:
            for request in self.session.take_outgoing(now=self.now):
                self.exchange.receive(self.id, request, now=self.now)
            for frame in self.exchange.take_outgoing(self.id):
                for event in self.session.receive(frame, now=self.now):
                    self.events[type(event).__name__] += 1
                    if self.seen is not None:
                        self.seen(event)
            for event in self.session.tick(now=self.now):
                self.events[type(event).__name__] += 1
            if self.now >= until:
                return
            due = [time for time in (self.exchange.deadline, self.session.deadline) if time is not None]
            self.now = min(until, max(self.now + 1e-6, min(due, default=until)))
            self.exchange.advance(self.now)
