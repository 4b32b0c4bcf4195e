"""The whole client over real sockets and TLS, on the real clock, against the simulated exchange. Few and short: the rest is on virtual
time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from krakenwire import (
    AuthFailed,
    BookStream,
    BookView,
    Client,
    ConnectGate,
    Credentials,
    Gap,
    Limits,
    Waits,
    connect,
)
from krakenwire.sim import Exchange, Host
from tests.net.peer import AUTHORITY, CLOSE, PING, Peer, frame, serving

KEYS = Credentials("key", "AAAA")
FAST = Waits(first_retry=0.01, retries=(0.05,), connect=1.0)


class Served:
    """The exchange behind a socket: `/v2`, `/private` and `/level3` are its hosts, everything else is REST."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.began = time.monotonic()
        self.trouble: Callable[[Peer], Any] | None = None
        """What happens instead of the next frames to a client; None: nothing."""
        self.connected = 0

    def now(self) -> float:
        """The exchange's time."""
        return time.monotonic() - self.began

    async def serve(self, peer: Peer) -> None:
        """One client."""
        self.connected += 1
        await peer.upgrade()
        path = peer.request.split(b" ")[1]
        host = {b"/private": Host.PRIVATE, b"/level3": Host.LEVEL3}.get(path, Host.PUBLIC)
        number = self.exchange.connect(host, now=self.now())
        listening = asyncio.ensure_future(self._listen(peer, number))
        try:
            while True:
                self.exchange.advance(self.now())
                trouble, self.trouble = self.trouble, None
                if trouble is not None:
                    await trouble(peer)
                frames = self.exchange.take_outgoing(number)
                await peer.say(b"".join(frame(each) for each in frames))
                await asyncio.sleep(0.005)
        finally:
            listening.cancel()
            self.exchange.disconnect(number)

    async def _listen(self, peer: Peer, number: Any) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                opcode, payload = await peer.hear()
                if opcode == 1:
                    self.exchange.receive(number, payload, now=self.now())


@contextlib.asynccontextmanager
async def served(seed: int, **options: Any) -> AsyncIterator[tuple[Served, Client]]:
    """An exchange over TLS, and a client of it."""
    there = Served(Exchange(seed=seed))
    async with serving(there.serve, "good") as address:
        client = connect(
            public_url=f"wss://{address}/v2",
            private_url=f"wss://{address}/private",
            cafile=AUTHORITY,
            gate=ConnectGate(),
            dice=random.Random(1),
            waits=FAST,
            **options,
        )
        async with client as kraken:
            yield there, kraken


async def back(there: Served, before: int, book: BookStream[BookView]) -> None:
    """Wait until the client has connected anew and its book is proven."""
    async with asyncio.timeout(5):
        while there.connected == before:
            await book.next()
        while not book.verified:
            await book.next()


async def _reset(peer: Peer) -> None:
    peer.cut(reset=True)


async def _close_and_stay(peer: Peer) -> None:
    await peer.say(frame((1012).to_bytes(2, "big"), CLOSE))
    await asyncio.sleep(3600)


async def _break(peer: Peer) -> None:
    await peer.say(frame(b"x", reserved=4))
    await asyncio.sleep(3600)


async def _half(peer: Peer) -> None:
    await peer.say(frame(b'{"channel":"heartbeat"}')[:9])
    peer.cut()


@pytest.mark.fault("N10", "N11", "N12", "N14", "F5")
async def test_book_over_tls_comes_back_from_every_ending() -> None:
    """A book over TLS is verified, and is so again within a second after a reset, a close frame, a broken frame and half a frame."""
    async with (
        served(1) as (there, kraken),
        kraken.book("BTC/USD", depth=25) as book,
        book.updates() as updates,
    ):
        view = await book.next(5)
        assert len(view.bids) == 25
        for trouble in (_reset, _close_and_stay, _break, _half):
            before, there.trouble = there.connected, trouble
            await back(there, before, book)
        assert there.connected == 5
        events = [await anext(updates) for _ in range(updates.waiting)]
        assert sum(isinstance(event, Gap) for event in events) == 4


@pytest.mark.fault("N13", "N15")
async def test_silent_peer_over_tls_is_given_up_in_time() -> None:
    """A peer that stays and says nothing, or trickles bytes of a message without end, is given up within the limits."""

    async def trickle(peer: Peer) -> None:
        await peer.say(bytes([0x81, 127]) + (1000).to_bytes(8, "big"))
        while True:
            await peer.say(b"x")
            await asyncio.sleep(0.05)

    limits = Limits(quiet=0.6, dead=1.2)
    async with served(2, limits=limits) as (there, kraken), kraken.book("BTC/USD") as book:
        await book.next(5)
        for trouble in (lambda _: asyncio.sleep(3600), trickle):
            before, there.trouble = there.connected, trouble
            began = time.monotonic()
            await back(there, before, book)
            assert 0.9 < time.monotonic() - began < 2.5


@pytest.mark.fault("F7")
async def test_flood_of_pings_delays_nothing() -> None:
    """Ten thousand pings at once cost neither the connection nor a checksum."""

    async def flood(peer: Peer) -> None:
        await peer.say(frame(b"p" * 125, PING) * 10_000)

    async with served(3) as (there, kraken), kraken.book("BTC/USD") as book:
        await book.next(5)
        there.trouble = flood
        for _ in range(20):
            await book.next(5)
        assert there.connected == 1
        assert book.interruptions == 0


@pytest.mark.fault("S9", "S10")
async def test_token_over_https() -> None:
    """A token is asked for over HTTPS with the key in a header; a refusal ends the private stream with Kraken's words."""
    asked: list[bytes] = []

    async def rest(peer: Peer) -> None:
        asked.append(await peer.ask())
        await peer.answer("200 OK", json.dumps({"error": ["EGeneral:Permission denied"]}).encode())

    async with (
        serving(rest, "good") as address,
        served(4, credentials=KEYS, rest_url=f"https://{address}") as (there, kraken),
    ):
        with pytest.raises(AuthFailed, match="permission"):
            await kraken.balances().next(5)
        assert there.connected == 1
    assert asked[0].startswith(b"POST /0/private/GetWebSocketsToken")
    assert b"API-Key: key" in asked[0]
    assert len(asked) == 1
