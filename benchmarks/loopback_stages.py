"""The stages of the loopback benchmark: runs that stop after the transport, the decoder, the books, the client, its callback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import krakenwire
from benchmarks.loopback_peer import Clock, Peer, Run
from benchmarks.sender import CERTIFICATE
from benchmarks.subject import require
from krakenwire import StatusUpdate
from krakenwire.net.sockets import SocketTransport
from krakenwire.session import Session
from krakenwire.wire.codec import Codec
from krakenwire.wire.subscriptions import (
    BookSubscription,
    InstrumentSubscription,
    OhlcSubscription,
    TickerSubscription,
    TradeSubscription,
)

AUTHORITY = str(CERTIFICATE.with_name("authority.pem"))
SETTLE = 0.2
"""Seconds between the last answer to a subscription and the first frame, or between runs."""


async def bare(
    peer: Peer, prepare: Callable[[bytes], object], take: Callable[[bytes], object], check: Callable[[], None]
) -> Run:
    """The real transport alone; `prepare` takes the set-up frames, `take` those that are measured."""
    transport, clock = SocketTransport(cafile=AUTHORITY), Clock()
    link = await transport.open(peer.url("/raw"))
    receive = link.receive
    for _ in range(peer.facts["setup"]):
        prepare(await receive())
    clock.start()
    peer.go(0)
    for _ in range(peer.facts["frames"]):
        take(await receive())
    run = clock.stop()
    await asyncio.to_thread(peer.read)
    await link.close()
    check()
    return run


async def transport_stage(peer: Peer) -> Run:
    """Received and dropped."""
    return await bare(peer, len, len, lambda: None)


async def decode_stage(peer: Peer) -> Run:
    """And decoded."""
    return await bare(peer, len, Codec().fast, lambda: None)


async def book_stage(peer: Peer) -> Run:
    """And taken by a session. `peer.facts` learns how many events that makes."""
    session = Session(now=0.0)
    events = 0

    def take(frame: bytes) -> None:
        nonlocal events
        events += len(session.receive(frame, now=0.0))

    def check() -> None:
        peer.facts["events"] = events
        check_books(peer.facts, session.book)

    return await bare(peer, lambda frame: session.receive(frame, now=0.0), take, check)


async def client_stage(peer: Peer) -> Run:
    """The whole client; nobody wants its events, but one who waits for the last."""
    return await full(peer, 0, lambda _kraken, _done: None)


async def callback_stage(peer: Peer) -> Run:
    """The whole client with a callback for everything."""
    events = 0

    def register(kraken: krakenwire.Client, done: asyncio.Event) -> None:
        def callback(event: object) -> None:
            nonlocal events
            events += 1
            if type(event) is StatusUpdate:
                done.set()

        kraken.on("*", callback)

    run = await full(peer, 0, register)
    require(
        fact=events >= peer.facts.get("events", peer.facts["frames"]), otherwise=f"only {events} callbacks"
    )
    return run


async def full(
    peer: Peer,
    rate: float,
    register: Callable[[krakenwire.Client, asyncio.Event], None],
    finish: Callable[[Any], None] = lambda _: None,
) -> Run:
    """The client subscribes everything, takes everything, and proves that it did. `finish` gets the times at which frames were sent."""
    facts, clock, done = peer.facts, Clock(), asyncio.Event()
    async with krakenwire.connect(
        public_url=peer.url("/v2"), cafile=AUTHORITY, backfill=False, gate=krakenwire.ConnectGate()
    ) as kraken:
        subscribe(kraken, facts["depths"])
        await live(kraken, facts)
        register(kraken, done)
        kraken.on("status", lambda _: done.set())
        clock.start()
        peer.go(rate)
        await done.wait()
        run = clock.stop()
        finish(await asyncio.to_thread(peer.read))
        check_client(kraken, facts)
        await asyncio.sleep(SETTLE)
    return run


def subscribe(kraken: krakenwire.Client, depths: dict[str, int]) -> None:
    """Everything that the workload has."""
    symbols = tuple(depths)
    kraken.subscribe(InstrumentSubscription())
    for depth in sorted(set(depths.values())):
        kraken.subscribe(
            BookSubscription(symbol=tuple([name for name in symbols if depths[name] == depth]), depth=depth)
        )
    kraken.subscribe(TickerSubscription(symbol=symbols))
    kraken.subscribe(TradeSubscription(symbol=symbols))
    kraken.subscribe(OhlcSubscription(symbol=symbols))


async def live(kraken: krakenwire.Client, facts: dict[str, Any]) -> None:
    """Wait until every snapshot is there."""
    expected = facts["setup"] // 2
    async with asyncio.timeout(30):
        while sum(_data(kraken.statistics()).values()) < expected:  # noqa: ASYNC110 (nobody tells it)
            await asyncio.sleep(0.02)
    await asyncio.sleep(SETTLE)


def _data(statistics: dict[str, Any]) -> dict[str, int]:
    counts = statistics["messages_by_channel"]
    return {name: counts[name] for name in counts if name not in {"subscribe", "pong", "status", "heartbeat"}}


def check_client(kraken: krakenwire.Client, facts: dict[str, Any]) -> None:
    """Every frame was counted, every book frame verified, and every book ends as it should."""
    statistics = kraken.statistics()
    books = facts["counts"]["book"] + len(facts["books"])
    found = statistics["messages_by_channel"].get("book")
    require(fact=found == books, otherwise=f"{found} of {books} book frames")
    held: dict[str, Any] = {symbol: kraken.held_book("book", symbol) for symbol in facts["books"]}
    verified = sum(book.entry.verified for book in held.values())
    require(fact=verified == books, otherwise=f"{verified} of {books} book frames verified")
    for name in ("error_count", "duplicate_count", "sequence_gaps", "trade_gaps", "discarded_count"):
        require(fact=statistics[name] == 0, otherwise=f"{name} is {statistics[name]}")
    require(fact=statistics["connects"] == 1, otherwise=f"{statistics['connects']} connections")
    check_books(facts, lambda symbol: held[symbol].view())


def check_books(facts: dict[str, Any], book: Callable[[str], Any]) -> None:
    """Every book is live, proven, and ends where the exchange's does."""
    for symbol, (bid, ask, checksum) in facts["books"].items():
        view = book(symbol)
        found = (view.best_bid, view.best_ask, view.checksum, view.verified)
        require(
            fact=found == (Decimal(bid), Decimal(ask), checksum, True), otherwise=f"{symbol} ended as {found}"
        )


RUNS: dict[str, Callable[[Peer], Awaitable[Run]]] = {
    "transport": transport_stage,
    "decode": decode_stage,
    "book": book_stage,
    "client": client_stage,
    "callback": callback_stage,
}
