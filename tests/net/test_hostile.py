"""What a program does at the worst moment: nothing hangs for it, nothing is left behind, and nobody else is blamed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from krakenwire import (
    BookSubscription,
    ConnectFailed,
    ConnectionState,
    Gap,
    GapReason,
    TradeSubscription,
    TradeUpdate,
)
from krakenwire.sim import Exchange, listing
from tests.net.virtual import VirtualLoop, run
from tests.net.world import World, collecting

LIVELY = [listing("BTC/USD", "81776.7", rate=20)]


@pytest.mark.fault("C5", "C7")
def test_close_that_is_cancelled_ends_every_reader() -> None:
    """Whoever loses patience with `close()` leaves no reader waiting and no callback's task behind."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        kraken = world.client()
        await kraken.__aenter__()
        kraken.on("trade", lambda _: None)
        trades = kraken.trade("BTC/USD").open()

        async def read() -> int:
            return len([event async for event in trades])

        reader = asyncio.ensure_future(read())
        await asyncio.sleep(5)

        async def never(*_: Any) -> None:
            await asyncio.sleep(1e9)

        world.link.close = never  # type: ignore[method-assign]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await kraken.close()
        await asyncio.wait_for(reader, 1)
        await asyncio.sleep(10)

    run(main())


@pytest.mark.fault("C5", "C2")
def test_callback_that_is_taken_off_is_ended_with_the_client() -> None:
    """A callback that hangs in what it got before `off` does not outlive the client."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        async with world.client(callback_timeout=None) as kraken:
            began = asyncio.Event()

            async def hang(_: Any) -> None:
                began.set()
                await asyncio.sleep(1e9)

            kraken.on("trade", hang)
            kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
            await began.wait()
            assert kraken.off("trade", hang)

    run(main())


@pytest.mark.fault("C4")
def test_reader_that_holds_up_the_feed_is_not_the_exchange_falling_silent() -> None:
    """While the program lets nothing be read, by a queue that blocks, the peer is not called silent: what it said is read afterwards."""

    async def main() -> None:
        world = World(Exchange(seed=1, markets=LIVELY))
        async with world.client() as kraken, collecting(kraken, "connection_changed") as changes:
            async with kraken.trade("BTC/USD", policy="block", limit=10) as trades:
                for _ in range(100):
                    await trades.next()
                await asyncio.sleep(20)
                for _ in range(300):
                    assert type(await trades.next()) is TradeUpdate
            assert [change.state for change in changes] == [
                ConnectionState.CONNECTING,
                ConnectionState.CONNECTED,
            ]

    run(main())


@pytest.mark.fault("B15")
@pytest.mark.parametrize(
    "error", [RuntimeError("the-canary"), ConnectFailed("refused", "x"), asyncio.CancelledError()]
)
def test_trades_that_cannot_be_fetched_are_told_to_be_missing(error: BaseException) -> None:
    """When REST gives no trades for a gap, however that fails, the error callbacks are told once, and the next gap is tried again."""

    async def main() -> None:
        world = World(Exchange(seed=1, markets=LIVELY))
        fetch, broken = world.transport.fetch, True

        async def fail(url: str, **options: Any) -> Any:
            if broken:
                raise error
            return await fetch(url, **options)

        world.transport.fetch = fail  # type: ignore[method-assign]
        async with (
            world.client() as kraken,
            collecting(kraken, "error") as errors,
            collecting(kraken, "trade") as events,
        ):
            kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(10)
            for works in (False, True):
                broken = not works
                link, keep = world.link, world.link.change
                link.change = lambda frame: None if b'"channel":"trade"' in frame else frame
                await asyncio.sleep(5)
                link.change = keep
                await asyncio.sleep(60)
                assert len(errors) == 1
            gaps = [event for event in events if type(event) is Gap and event.reason is GapReason.TRADE_ID]
            fetched = {
                event.trade_id for event in events if type(event) is TradeUpdate and event.source == "rest"
            }
            assert len(gaps) == 2
            assert gaps[1].first is not None
            assert gaps[1].last is not None
            assert fetched == set(range(gaps[1].first, gaps[1].last + 1))
            assert f"{gaps[0].first} to {gaps[0].last}" in str(errors[0])
            assert "canary" not in str(errors[0])

    run(main())


@pytest.mark.fault("C6", "B14")
def test_program_that_stood_still_does_not_blame_the_connection() -> None:
    """After 45 s in which nothing of this process ran, the connection on which everything spoke until then is not called stalled."""

    async def main() -> None:
        symbols = [f"X{number}/USD" for number in range(6)]
        world = World(Exchange(seed=1, markets=[listing(symbol, "12.5", rate=10) for symbol in symbols]))
        async with world.client() as kraken, collecting(kraken, "connection_changed") as changes:
            kraken.subscribe(BookSubscription(symbol=tuple(symbols)))
            await asyncio.sleep(100)
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            loop.stand_still(45)
            await asyncio.sleep(60)
            assert not [change for change in changes if "data_stall" in change.reason]

    run(main())
