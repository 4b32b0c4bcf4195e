"""Moments in which two things happen at once, and breaks that belong to many."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from krakenwire import (
    BookStatus,
    Client,
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
from tests.net.memory import MemoryLink
from tests.net.test_late_readers import Trading
from tests.net.virtual import run
from tests.net.world import World, collecting


@pytest.mark.fault("N11", "N12")
def test_what_was_received_when_sending_fails_is_read_before_the_end() -> None:
    """Frames that had come when a link breaks are delivered, and the `Gap` comes after them: a fill is not lost because sending failed."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        async with world.client(waits=Waits(first_retry=20.0)) as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            snapshots = await _held_up(world, kraken)
            link = world.link

            async def reset(_: bytes) -> None:
                link.give(snapshots)
                raise LinkClosed("reset")

            link.send = reset  # type: ignore[assignment]
            async with collecting(kraken) as events:
                kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
                await asyncio.sleep(0.5)
                assert book.status is BookStatus.STALE
                names = [type(event).__name__ for event in events]
                assert "OrderBookUpdate" in names[: names.index("Gap")]
                assert "OrderBookUpdate" not in names[names.index("Gap") :]

    run(main())


@pytest.mark.fault("N16")
def test_frame_that_comes_when_the_link_is_given_up_counts_no_more() -> None:
    """A snapshot that comes in the moment in which a link is given up makes no book live: nothing comes after the `Gap`."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        async with world.client(waits=Waits(first_retry=20.0)) as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            snapshots = await _held_up(world, kraken)
            link = world.link
            began = world.now
            link.deaf = True
            async with collecting(kraken) as events:
                kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
                # Both fall on one moment; the frame comes first and is read last.
                world.loop.call_at(began + 5.0, link.give, snapshots)
                await asyncio.sleep(5.1)
                assert book.status is BookStatus.STALE
                names = [type(event).__name__ for event in events]
                assert "OrderBookUpdate" not in names[names.index("Gap") :]

    run(main())


async def _held_up(world: World, kraken: Client) -> list[bytes]:
    """The snapshot of a book that is being taken anew, which has not come yet."""
    snapshots: list[bytes] = []
    world.link.change = lambda frame: _kept(frame, snapshots)
    kraken.resync("book", "BTC/USD")
    await world.until(lambda: bool(snapshots))
    world.link.change = lambda frame: frame
    return snapshots


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


@pytest.mark.fault("M1")
@pytest.mark.parametrize("where", ["send", "fetch"])
def test_what_a_foreign_transport_says_of_a_secret_is_not_passed_on(
    where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A transport of the caller's own whose error tells the frame, or the signed request, puts neither token nor key into a log, an event
    or an error; and the connection goes on trying.
    """
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []

    async def main() -> str:
        trading = Trading(12)
        transport = trading.world.transport
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, told: shown.append(repr(told)))

        def opened(link: MemoryLink) -> None:
            async def fail(frame: bytes) -> None:
                raise RuntimeError(f"cannot send {frame!r}")

            if where == "send" and len(transport.opened) == 1:
                link.send = fail  # type: ignore[method-assign]

        fetch = transport.fetch

        async def fetched(url: str, **more: Any) -> Any:
            if where == "fetch" and len(transport.fetched) < 1:
                transport.fetched.append(url)
                raise RuntimeError(f"cannot send {more!r}")
            return await fetch(url, **more)

        transport.on_open = opened
        transport.fetch = fetched  # type: ignore[method-assign]
        async with (
            trading.client() as kraken,
            collecting(kraken) as events,
            collecting(kraken, "error") as errors,
            kraken.balances() as balances,
        ):
            event = await balances.next(60)
            while isinstance(event, Gap):
                event = await balances.next(60)
            shown.extend(map(repr, [*events, *errors, *map(str, errors), kraken.status()]))
        return trading.key.key

    key = run(main())
    told = "\n".join([*shown, caplog.text])
    assert key not in told
    assert '"token"' not in told
    assert "cannot send" not in told
