"""One book over two connections: the proven one is served, both failing is told, and disagreement is kept."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from krakenwire import BookNotLive, ConnectGate, TwinBook, UsageError
from krakenwire.net import connect
from krakenwire.sim import Exchange, listing
from tests.net.memory import MemoryLink, MemoryTransport
from tests.net.virtual import run

MARKET = listing("BTC/USD", "81776.7", rate=8)
CHECKSUM = re.compile(rb'"checksum":\d+')


@asynccontextmanager
async def twins(seed: int) -> AsyncIterator[tuple[TwinBook, list[MemoryTransport]]]:
    """Two clients of one exchange, each over a transport of its own, and a book over both, which is proven on both."""
    exchange = Exchange(seed=seed, markets=[MARKET])
    transports = [MemoryTransport(exchange), MemoryTransport(exchange)]
    one, two = (connect(each, gate=ConnectGate(), dice=random.Random(7)) for each in transports)
    async with one as first, two as second, TwinBook(first.book("BTC/USD"), second.book("BTC/USD")) as book:
        await asyncio.sleep(2)
        yield book, transports


def lie(frame: bytes) -> bytes:
    return CHECKSUM.sub(b'"checksum":1', frame) if b'"channel":"book"' in frame else frame


def change(transport: MemoryTransport, changed: Callable[[bytes], bytes | None]) -> None:
    """Every link there is, and every later one."""

    def opened(link: MemoryLink) -> None:
        link.change = changed

    transport.on_open = opened
    for link in transport.links:
        link.change = changed


def silence(frame: bytes) -> bytes | None:
    return None if b'"channel":"book"' in frame else frame


@pytest.mark.fault("B20")
def test_two_connections_agree() -> None:
    """Over ten minutes of a lively market two connections are never taken to disagree, and either is the state of the exchange."""

    async def main() -> None:
        async with twins(1) as (book, transports):
            for _ in range(600):
                await asyncio.sleep(1)
                assert book.agree
                assert book.view(10) == book.served.view(10)
            assert list(book.disagreements) == []
            assert [len(transport.links) for transport in transports] == [1, 1]

    run(main(), debug=False)


@pytest.mark.fault("B20")
@pytest.mark.parametrize("bad", [0, 1])
def test_the_proven_one_is_served(bad: int) -> None:
    """While one connection lies the other's book is served; within about a second the disagreement is kept, once; then they agree again."""

    async def main() -> None:
        async with twins(2) as (book, transports):
            change(transports[bad], lie)
            began = asyncio.get_running_loop().time()
            while not book.disagreements:
                await asyncio.sleep(0.05)
                assert asyncio.get_running_loop().time() - began < 2
                assert book.view().bids
            told = book.disagreements[0]
            assert (told.statuses[1 - bad], told.symbol) == ("live", "BTC/USD")
            assert told.statuses[bad] != "live"
            assert told.checksums[bad] is None
            change(transports[bad], lambda frame: frame)
            await asyncio.sleep(400)
            assert book.agree
            assert len(book.disagreements) == 1

    run(main())


@pytest.mark.fault("B20", "B13")
def test_the_fresher_of_two_proven_ones_is_served() -> None:
    """A connection that brings nothing of the book any more still has a proof of it, an old one: the other is served, and that is kept."""

    async def main() -> None:
        async with twins(3) as (book, transports):
            change(transports[0], silence)
            await asyncio.sleep(10)
            assert not book.agree
            assert (book.served.age or 0.0) < 2
            (told,) = book.disagreements
            assert told.statuses == ("live", "live")
            assert None not in told.checksums
            assert told.checksums[0] != told.checksums[1]

    run(main())


@pytest.mark.fault("B20")
def test_neither_is_served_when_both_fail() -> None:
    """When a checksum contradicts both, nothing can be read; when the lie ends it can."""

    async def main() -> None:
        async with twins(4) as (book, transports):
            for transport in transports:
                change(transport, lie)
            await asyncio.sleep(5)
            with pytest.raises(BookNotLive, match="neither"):
                book.view()
            for transport in transports:
                change(transport, lambda frame: frame)
            await asyncio.sleep(400)
            assert book.view().bids

    run(main())


def test_twins_are_of_one_symbol() -> None:
    """Streams of different symbols, or of many, make no pair."""

    async def main() -> None:
        async with connect(MemoryTransport(Exchange(seed=5)), gate=ConnectGate()) as kraken:
            with pytest.raises(UsageError, match="one symbol"):
                TwinBook(kraken.book("BTC/USD"), kraken.book("ETH/USD"))
            with pytest.raises(UsageError, match="many books"):
                TwinBook(kraken.book(["BTC/USD", "ETH/USD"]), kraken.book("ETH/USD"))

    run(main())
