"""Books whose checksum stays wrong: each is tried over a connection of its own, and nobody else notices."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest

from krakenwire import BookDisputed, BookLost, BookStatus, ConnectGate, Gap, GapReason, OrderBookUpdate
from krakenwire.sim import Exchange, listing
from tests.net.memory import MemoryLink
from tests.net.virtual import run
from tests.net.world import World, collecting, dropping

CHECKSUM = re.compile(rb'"checksum":\d+')
MARKETS = [
    listing("BTC/USD", "81776.7", rate=2),
    listing("ETH/USD", "3027.80", rate=2),
    listing("SOL/USD", "142.31", rate=2),
    listing("XRP/USD", "2.1234", rate=2),
    listing("ADA/USD", "0.7512", rate=2),
]


class Lies:
    """The exchange states a wrong checksum of these symbols, on every connection."""

    def __init__(self, world: World, *symbols: str) -> None:
        self.symbols = set(symbols)
        world.transport.on_open = self._opened

    def _opened(self, link: MemoryLink) -> None:
        link.change = self._told

    def _told(self, frame: bytes) -> bytes:
        if b'"channel":"book"' in frame and any(symbol.encode() in frame for symbol in self.symbols):
            return CHECKSUM.sub(b'"checksum":1', frame)
        return frame


def asked(link: MemoryLink, symbol: str) -> int:
    """How often the book of a symbol was subscribed or unsubscribed over a link."""
    return sum(symbol.encode() in frame and b'"channel":"book"' in frame for frame in link.sent)


@pytest.mark.fault("B5")
@pytest.mark.parametrize("policy", ["hold", "serve_unverified", "stop"])
def test_disputed_book_gets_a_connection_of_its_own(policy: Any) -> None:
    """An hour of wrong checksums on one symbol: its resyncs go over a second connection, few of them, and other books miss nothing; under
    `hold` it is live again when the lie ends.
    """

    async def main() -> None:
        world = World(Exchange(seed=1, markets=MARKETS))
        lies = Lies(world, "BTC/USD")
        async with (
            world.client(on_checksum_dispute=policy) as kraken,
            collecting(kraken) as events,
            kraken.book(["BTC/USD", "ETH/USD"]) as books,
            kraken.trade("BTC/USD") as trades,
        ):
            await world.until(lambda: len(world.transport.links) == 2, 90)
            home, own = world.transport.links
            before = asked(home, "BTC/USD")
            assert before <= 2 + 2 * 3 + 1
            await asyncio.sleep(3600)
            assert world.transport.links == [home, own]
            assert len(world.opened()) == 2
            assert asked(home, "BTC/USD") - before <= 1
            assert asked(own, "BTC/USD") <= 2 * (1 + 3 + 14)
            assert asked(own, "ETH/USD") == 0
            assert books["ETH/USD"].verified
            assert not books["BTC/USD"].verified
            breaks = [event for event in events if isinstance(event, Gap | BookLost)]
            assert {(event.channel, event.symbol) for event in breaks} == {("book", "BTC/USD")}
            assert trades.waiting > 100
            lies.symbols.clear()
            if policy == "stop":
                assert books["BTC/USD"].status is BookStatus.CLOSED
                return
            assert await world.until(lambda: books["BTC/USD"].verified, 400) < 301
            assert asked(home, "BTC/USD") - before <= 1

    run(main())


@pytest.mark.fault("B5")
def test_served_book_changes_its_connection_at_one_point() -> None:
    """A book served unverified moves with a `Gap` between what came over the old connection and what comes over the new one."""

    async def main() -> None:
        world = World(Exchange(seed=2, markets=MARKETS))
        Lies(world, "BTC/USD")
        async with world.client(on_checksum_dispute="serve_unverified") as kraken:
            async with kraken.book("BTC/USD").updates() as updates:
                await asyncio.sleep(120)
                events: list[Any] = []
                while updates.waiting:
                    events.append(await updates.next())
            (move,) = [
                at
                for at, event in enumerate(events)
                if isinstance(event, Gap) and event.reason is GapReason.NEW_CONNECTION
            ]
            after = [event for event in events[move:] if isinstance(event, OrderBookUpdate)]
            assert after
            assert not any(event.verified for event in after)
            assert {id(event.book) for event in after}.isdisjoint(
                id(event.book) for event in events[:move] if isinstance(event, OrderBookUpdate)
            )

    run(main())


@pytest.mark.fault("B5")
@pytest.mark.parametrize(
    "options",
    [{"isolate_disputed": False}, {"connections": 1}],
    ids=["not wanted", "no more connections"],
)
def test_disputed_book_stays_where_it_is(options: dict[str, Any]) -> None:
    """Without the option, or where no more connections are allowed, a disputed book is tried where it is, within its budgets."""

    async def main() -> None:
        world = World(Exchange(seed=3, markets=MARKETS))
        Lies(world, "BTC/USD")
        async with world.client(**options) as kraken, kraken.book(["BTC/USD", "ETH/USD"]) as books:
            await asyncio.sleep(600)
            assert len(world.opened()) == 1
            assert books["BTC/USD"].status is BookStatus.DISPUTED
            assert books["ETH/USD"].verified
            assert asked(world.link, "BTC/USD") <= 2 * (1 + 3 + 3)

    run(main())


@pytest.mark.fault("B5", "N17")
def test_own_connection_waits_for_the_budget_of_the_process() -> None:
    """The connection of a disputed book is an attempt like any other: where the budget is spent it waits, and nobody else does."""

    async def main() -> None:
        world = World(Exchange(seed=4, markets=MARKETS))
        Lies(world, "BTC/USD")
        gate = ConnectGate(limit=11, seconds=600)  # ten of them for private connections
        async with world.client(gate=gate) as kraken, kraken.book(["BTC/USD", "ETH/USD"]) as books:
            await asyncio.sleep(590)
            assert len(world.opened()) == 1
            assert books["ETH/USD"].verified
            assert books["BTC/USD"].status is BookStatus.WANTED
            await asyncio.sleep(60)
            assert len(world.opened()) == 2

    run(main())


@pytest.mark.fault("B5", "N17")
def test_own_connection_is_not_renewed_without_end() -> None:
    """A book whose snapshot never comes costs its own connection two renewals in five minutes at most, for it is no reason to blame it."""

    async def main() -> None:
        world = World(Exchange(seed=6, markets=MARKETS))

        def opened(link: MemoryLink) -> None:
            link.change = dropping('"type":"snapshot"', "BTC/USD")

        world.transport.on_open = opened
        async with world.client() as kraken, kraken.book(["BTC/USD", "ETH/USD"]):
            await world.until(lambda: len(world.transport.links) == 2, 300)
            before = len(world.opened())
            await asyncio.sleep(1500)
            assert len(world.opened()) - before <= 2 * 5 + 1

    run(main())


@pytest.mark.fault("B5")
def test_connections_for_disputed_books_are_bounded() -> None:
    """Three disputed books get connections of their own; the next one does when one of the three is well and has gone home."""

    async def main() -> None:
        world = World(Exchange(seed=5, markets=MARKETS))
        symbols = [market.pair.symbol for market in MARKETS]
        lies = Lies(world, *symbols[:3])
        async with (
            world.client() as kraken,
            collecting(kraken, "book_disputed") as disputed,
            kraken.book(symbols) as books,
        ):
            await asyncio.sleep(240)
            assert len(world.transport.links) == 4
            lies.symbols = {symbols[3]}
            await world.until(lambda: all(books[symbol].verified for symbol in symbols[:3]), 400)
            await asyncio.sleep(400)
            assert [event.symbol for event in disputed if isinstance(event, BookDisputed)][-1] == symbols[3]
            assert len(world.opened()) == 4
            on_own = [
                symbol for link in world.transport.links[1:] for symbol in symbols if asked(link, symbol)
            ]
            assert symbols[3] in on_own
            assert all(books[symbol].verified for symbol in [*symbols[:3], symbols[4]])
            lies.symbols.clear()
            await world.until(lambda: books[symbols[3]].verified, 400)

    run(main())
