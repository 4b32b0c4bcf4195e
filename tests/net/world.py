"""A client and a simulated exchange in one process, on virtual time."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from krakenwire.net import Client, ConnectGate, connect
from krakenwire.net.token import TOKEN_PATH
from krakenwire.net.transport import HttpReply
from krakenwire.sim import Exchange, Host
from krakenwire.sim.connection import Connection
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.market import Market
from krakenwire.sim.private.account import ApiKey
from krakenwire.sim.requests import Request
from tests.net.memory import MemoryLink, MemoryTransport


class Account:
    """The account side of the exchange, as far as a subscription: an empty snapshot, then nothing."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self.refusal: str | None = None
        """Why nothing is granted; None: everything is."""

    def take(self, connection: Connection, request: Request) -> None:
        self.asked.append(request)
        if self.refusal is not None:
            connection.refuse(request, self.refusal, channel=request.params["channel"])
            return
        channel = request.params["channel"]
        connection.grant(request, {"channel": channel, "snapshot": True})
        if request.method == "subscribe":
            frame = {"channel": channel, "type": "snapshot", "data": [], "sequence": 1}
            connection.send(json.dumps(frame).encode(), Label(channel, "snapshot"), request.at)

    def subscribed(self, connection: Connection) -> bool:
        return True

    def left(self, connection: Connection) -> None:
        return None

    def removed(self, owner: object, at: int) -> None:
        return None

    def rescaled(self, market: Market, at: int) -> None:
        return None

    def key(self, public: str) -> ApiKey | None:
        return None

    def issue(self, key: ApiKey) -> str:
        raise NotImplementedError

    def speaks(self, connection: Connection, token: str) -> bool:
        return True


class World:
    """What a test has at hand."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.transport = MemoryTransport(exchange)
        self.transport.answer = self._answer
        self.refusal: HttpReply | None = None
        """What the token endpoint answers instead of a token."""
        self.loop = asyncio.get_running_loop()
        self.account = Account()
        if exchange.private is None:
            exchange.private = self.account

    def client(self, **options: Any) -> Client:
        """A client of this exchange. Its dice and its gate are its own, so that a test is the same every time."""
        options.setdefault("gate", ConnectGate())
        options.setdefault("dice", random.Random(7))
        options.setdefault(
            "stall_limit", None
        )  # a thread that looks at the real clock has no place in virtual time
        return connect(self.transport, **options)

    @property
    def link(self) -> MemoryLink:
        """The only link there is."""
        (link,) = self.transport.links
        return link

    @property
    def now(self) -> float:
        """The loop's time."""
        return self.loop.time()

    def opened(self, host: Host = Host.PUBLIC) -> list[float]:
        """When a connection to this host was tried."""
        return [at for at, to in self.transport.opened if to is host]

    async def until(self, true: Callable[[], bool], seconds: float = 60.0) -> float:
        """Wait for something; returns how long it took.

        Raises: AssertionError, if it does not come about.
        """
        began = self.now
        while not true():
            assert self.now - began < seconds, f"not within {seconds} s"
            await asyncio.sleep(0.01)
        return self.now - began

    def _answer(self, url: str, body: bytes | None) -> HttpReply | None:
        if not url.endswith(TOKEN_PATH):
            return None
        if self.refusal is not None:
            return self.refusal
        token = self.exchange.tokens.issue(self.exchange.at)
        return HttpReply(200, json.dumps({"error": [], "result": {"token": token, "expires": 900}}).encode())


@asynccontextmanager
async def collecting(client: Client, name: str = "*") -> AsyncIterator[list[Any]]:
    """A list that every event of this name is put into."""
    events: list[Any] = []
    client.on(name, events.append)
    yield events
    client.off(name, events.append)


def is_about(frame: bytes, *words: str) -> bool:
    """Whether a frame holds all these texts."""
    return all(word.encode() in frame for word in words)


def dropping(*words: str, times: int | None = None) -> Callable[[bytes], bytes | None]:
    """A change of frames that loses those that hold all these texts, the first `times` of them."""
    lost = 0

    def change(frame: bytes) -> bytes | None:
        nonlocal lost
        if is_about(frame, *words) and (times is None or lost < times):
            lost += 1
            return None
        return frame

    return change
