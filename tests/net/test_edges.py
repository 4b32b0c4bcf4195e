"""Moments in which two things happen at once, and breaks that belong to many."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from krakenwire import (
    BookStatus,
    ConnectionState,
    Gap,
    GapReason,
    TickerUpdate,
    TradeSubscription,
    TradeUpdate,
)
from krakenwire.net.backoff import Waits
from krakenwire.net.consumers import Conflating
from krakenwire.net.transport import LinkClosed
from krakenwire.sim import Exchange
from tests.net.virtual import run
from tests.net.world import World, collecting


@pytest.mark.fault("N11", "N16")
def test_frame_that_waits_when_the_link_breaks_counts_no_more() -> None:
    """A snapshot that was received but not read when sending failed makes no book live: the `Gap` was told, and nothing comes after it."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        async with world.client(waits=Waits(first_retry=20.0)) as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            snapshots: list[bytes] = []
            world.link.change = lambda frame: _kept(frame, snapshots)
            kraken.resync("book", "BTC/USD")
            await world.until(lambda: bool(snapshots))
            link = world.link
            link.change = lambda frame: frame

            async def reset(_: bytes) -> None:
                link.give(snapshots)
                raise LinkClosed("reset")

            link.send = reset  # type: ignore[assignment]
            async with collecting(kraken) as events:
                kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
                await asyncio.sleep(0.01)
                assert book.status is not BookStatus.LIVE
                names = [type(event).__name__ for event in events]
                assert "Gap" in names
                assert "OrderBookUpdate" not in names[names.index("Gap") :]

    run(main())


def _kept(frame: bytes, snapshots: list[bytes]) -> bytes | None:
    if b'"channel":"book","type":"snapshot"' not in frame:
        return frame
    snapshots.append(frame)
    return None


@pytest.mark.fault("S12", "C14")
@pytest.mark.parametrize("early", [False, True])
def test_wanted_again_in_the_moment_in_which_nothing_was_needed(early: bool) -> None:
    """A subscription made in the very moment in which an idle connection is given up is served, whichever of the two comes first."""

    async def main() -> None:
        world = World(Exchange(seed=2))
        async with world.client(waits=Waits(linger=5.0, first_retry=60.0, retries=(60.0,))) as kraken:
            kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(1)
            world.link.end("cut")
            await asyncio.sleep(0.1)
            assert kraken.status()[0].state is ConnectionState.WAITING
            again = TradeSubscription(symbol=("ETH/USD",))
            if early:
                world.loop.call_later(5.0, kraken.subscribe, again)
            kraken.unsubscribe("trade")
            if not early:
                world.loop.call_later(5.0, kraken.subscribe, again)
            async with collecting(kraken, "trade") as trades:
                await world.until(lambda: any(isinstance(event, TradeUpdate) for event in trades), 200)

    run(main())


@pytest.mark.fault("J7", "J13")
@pytest.mark.parametrize("channel", ["trade", "ticker", "ohlc"])
def test_break_that_names_no_symbol_reaches_every_reader_of_the_channel(channel: str) -> None:
    """An entry that cannot be used and does not say of which market it was is a `Gap` for every reader of its channel, once, and for no
    other.
    """

    async def main() -> None:
        world = World(Exchange(seed=3))
        async with world.client() as kraken:
            make: Any = getattr(kraken, channel)
            async with (
                make(["BTC/USD", "ETH/USD"]) as two,
                make("SOL/USD") as one,
                kraken.instrument() as other,
            ):
                await asyncio.sleep(2)
                for stream in (two, one, other):
                    await drained(stream)
                world.link.give([b'{"channel":"%s","type":"update","data":[{"qty":1}]}' % channel.encode()])
                await asyncio.sleep(0)
                await asyncio.sleep(0)
                for stream in (two, one):
                    gaps = [event for event in await drained(stream) if isinstance(event, Gap)]
                    assert gaps == [Gap(channel, None, GapReason.FRAME_REFUSED)]
                assert not any(isinstance(event, Gap) for event in await drained(other))

    run(main())


async def drained(stream: Any) -> list[Any]:
    """What waits in a stream."""
    events = []
    while stream.waiting:
        events.append(await stream.next(1))
    return events


def test_break_that_names_no_symbol_stands_before_what_follows_it() -> None:
    """In a conflating queue nothing of any symbol of the channel that came before such a break waits behind it, or after it in front."""
    queue = Conflating()
    old, new = (_ticker("BTC/USD", price) for price in ("1.0", "2.0"))
    gap = Gap("ticker", None, GapReason.FRAME_REFUSED)
    for event in (old, gap, new):
        queue.put(event)
    assert [queue.take() for _ in range(len(queue))] == [gap, new]


def _ticker(symbol: str, price: str) -> TickerUpdate:
    return TickerUpdate(symbol, price, price, price, price, price, price, price, price, price, price, price)
