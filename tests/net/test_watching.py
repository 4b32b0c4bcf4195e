"""Silence that is a fault and silence that is none, trades that were missed, and consumers that misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from krakenwire import (
    BookSubscription,
    CallbackFailed,
    CallbackSlow,
    CallbackTimeout,
    Gap,
    GapReason,
    StreamQuiet,
    TradeSubscription,
    TradeUpdate,
)
from krakenwire.net.transport import HttpReply
from krakenwire.sim import Exchange, listing
from krakenwire.sim.tape import Trade
from tests.net.memory import MemoryLink
from tests.net.virtual import VirtualLoop, run
from tests.net.world import World, collecting, dropping, is_about


@pytest.mark.fault("B13")
def test_muted_book_is_taken_anew_with_evidence() -> None:
    """A book that stands still while its market trades is taken anew, with the evidence; no other symbol and no connection is touched."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        symbols = tuple(world.exchange.markets)
        async with (
            world.client() as kraken,
            kraken.book(symbols) as books,
            collecting(kraken, "stream_quiet") as told,
        ):
            kraken.subscribe(TradeSubscription(symbol=symbols))
            await asyncio.sleep(100)
            assert [event for event in told if event.evidence] == []
            world.link.change = dropping('"book"', '"update"', "BTC/USD")
            async with collecting(kraken, "gap") as gaps:
                await world.until(lambda: any(event.evidence for event in told), 60)
                world.link.change = lambda frame: frame
                await world.until(lambda: books["BTC/USD"].verified)
                await asyncio.sleep(60)
            assert {(gap.channel, gap.symbol) for gap in gaps} == {("book", "BTC/USD")}
            assert len(world.opened()) == 1
            assert told[-1] == StreamQuiet("book", "BTC/USD", False, told[-1].since)

    run(main())


@pytest.mark.fault("B13")
def test_quiet_market_is_not_reported_lost() -> None:
    """A market in which nothing happens for an hour is neither taken anew nor reconnected, and its book stays readable."""

    async def main() -> None:
        quiet = listing("QQQ/USD", "10.00", rate=0.0005, levels=20, size=10)
        world = World(Exchange(seed=2, markets=[quiet, "ETH/USD"]))
        async with world.client() as kraken, kraken.book(["QQQ/USD", "ETH/USD"]) as books:
            await asyncio.sleep(3600)
            assert books["QQQ/USD"].verified
            assert len(world.transport.requests) == 1
            assert len(world.opened()) == 1

    run(main())


@pytest.mark.fault("B14")
def test_heartbeats_without_data_cost_the_connection() -> None:
    """When everything that used to speak stops together and heartbeats go on, the connection is renewed, and the reason is said."""

    async def main() -> None:
        world = World(Exchange(seed=3))
        symbols = list(world.exchange.markets)
        async with (
            world.client() as kraken,
            kraken.book(symbols) as books,
            collecting(kraken, "connection_changed") as changes,
        ):
            await asyncio.sleep(100)
            stopped = world.now
            world.link.change = lambda frame: frame if is_about(frame, "heartbeat") else None
            await world.until(lambda: len(world.opened()) == 2)
            assert 30 <= world.now - stopped < 42
            assert any("data_stall" in change.reason for change in changes)
            await world.until(lambda: all(books[symbol].verified for symbol in symbols))

    run(main())


@pytest.mark.fault("B21")
def test_late_messages_are_told() -> None:
    """Data that comes five seconds late is called lagging, with how much, until it is in time again; nothing is reconnected for it."""

    async def main() -> None:
        world = World(Exchange(seed=3))
        async with (
            world.client() as kraken,
            kraken.book("BTC/USD") as book,
            collecting(kraken, "feed_lagging") as told,
        ):
            await asyncio.sleep(30)
            assert told == []
            lag = kraken.status()[0].lag
            assert lag is not None
            assert lag < 0.1
            late: list[tuple[float, bytes]] = []

            def delay(frame: bytes) -> bytes | None:
                if b"heartbeat" in frame:
                    return frame
                late.append((world.now + 5, frame))
                return None

            link = world.link
            link.change = delay
            for _ in range(3000):
                await asyncio.sleep(0.01)
                due = [frame for at, frame in late if at <= world.now]
                late = [row for row in late if row[0] > world.now]
                link.change = lambda frame: frame
                link.give(due)
                link.change = delay
            assert told[0].lagging
            lag = kraken.status()[0].lag
            assert lag is not None
            assert 4.5 < lag < 5.5
            link.change = lambda frame: frame
            link.give([frame for _, frame in late])
            await asyncio.sleep(10)
            assert [event.lagging for event in told] == [True, False]
            assert len(world.opened()) == 1
            assert book.verified

    run(main())


@pytest.mark.fault("B15")
def test_short_outage_is_bridged_by_the_snapshot() -> None:
    """Trades of an outage shorter than fifty trades come with the next snapshot: no id is missing, none comes twice."""

    async def main() -> None:
        world = World(Exchange(seed=4))
        async with world.client() as kraken, kraken.trade("ETH/USD") as trades:
            await asyncio.sleep(10)
            for _ in range(5):
                await world.until(lambda: bool(world.transport.links))
                world.link.end("cut")
                await asyncio.sleep(8)
            await asyncio.sleep(20)
            events = [await anext(trades) for _ in range(trades.waiting)]
            ids = [event.trade_id for event in events if isinstance(event, TradeUpdate)]
            assert ids == list(range(ids[0], ids[0] + len(ids)))
            assert {event.reason for event in events if isinstance(event, Gap)} == {GapReason.CONNECTION_LOST}
            assert world.transport.fetched == []

    run(main())


def rest_trades(world: World, url: str) -> HttpReply:
    """As Kraken's REST interface answers: trades after a time, the oldest first, a thousand at most."""
    query = dict(pair.split("=") for pair in url.partition("?")[2].split("&"))
    symbol, since = query["pair"].replace("%2F", "/"), int(query["since"])
    market = world.exchange.markets[symbol]

    def row(trade: Trade) -> str:
        price = f"{trade.price / 10**market.pair.price_precision:.{market.pair.price_precision}f}"
        qty = f"{trade.qty / 10**market.pair.qty_precision:.{market.pair.qty_precision}f}"
        seconds = f"{trade.at // 10**9}.{trade.at % 10**9:09d}"
        side = "b" if trade.side.name.lower() in {"buy", "bid"} else "s"
        return f'["{price}","{qty}",{seconds},"{side}","{trade.ord_type[0]}","",{trade.trade_id}]'

    rows = [trade for trade in market.tape.trades if trade.at > since][: int(query["count"])]
    last = rows[-1].at if rows else since
    body = f'{{"error":[],"result":{{"{symbol}":[{",".join(map(row, rows))}],"last":"{last}"}}}}'
    return HttpReply(200, body.encode())


@pytest.mark.fault("B15")
def test_long_outage_is_filled_from_rest() -> None:
    """Where the snapshot does not reach back, a gap names the ids, and exactly those come from REST, marked so, each once."""

    async def main() -> None:
        world = World(Exchange(seed=5))
        world.transport.answer = lambda url, _: rest_trades(world, url)
        async with world.client() as kraken, kraken.trade("BTC/USD") as trades:
            await asyncio.sleep(10)
            world.transport.refuse = lambda _: _failed()
            world.link.end("cut")
            await asyncio.sleep(45)
            world.transport.refuse = lambda _: None
            await asyncio.sleep(60)
            events = [await anext(trades) for _ in range(trades.waiting)]
            (gap,) = [event for event in events if isinstance(event, Gap) and event.first is not None]
            rest = [event for event in events if isinstance(event, TradeUpdate) and event.source == "rest"]
            assert gap.first is not None
            assert gap.last is not None
            assert [trade.trade_id for trade in rest] == list(range(gap.first, gap.last + 1))
            live = [event for event in events if isinstance(event, TradeUpdate) and event.source == "live"]
            ids = sorted(trade.trade_id for trade in rest + live)
            assert ids == list(range(ids[0], ids[0] + len(ids)))
            truth = {trade.trade_id: trade for trade in world.exchange.markets["BTC/USD"].tape.trades}
            precision = world.exchange.markets["BTC/USD"].pair.price_precision
            for trade in rest:
                assert int(trade.price.scaleb(precision)) == truth[trade.trade_id].price
                assert trade.timestamp.endswith("Z")

    run(main())


@pytest.mark.fault("B15")
def test_fill_that_fails_leaves_the_gap() -> None:
    """When REST answers nonsense the gap stays a gap, attempts end, and the live feed does not notice."""

    async def main() -> None:
        world = World(Exchange(seed=5))
        for body in (
            b"<html>",
            b'{"error":["EGeneral:Internal error"]}',
            b'{"error":[],"result":{"X":[[]],"last":"1"}}',
        ):
            world.transport.answer = lambda _url, _body, body=body: HttpReply(200, body)  # type: ignore[misc]
            async with world.client() as kraken, kraken.trade("BTC/USD") as trades:
                await asyncio.sleep(10)
                world.transport.refuse = lambda _: _failed()
                world.link.end("cut")
                await asyncio.sleep(45)
                world.transport.refuse = lambda _: None
                await asyncio.sleep(100)
                fetched = len(world.transport.fetched)
                assert fetched <= 3
                events = [await anext(trades) for _ in range(trades.waiting)]
                assert all(event.source == "live" for event in events if isinstance(event, TradeUpdate))
            world.transport.fetched.clear()

    run(main())


def _failed() -> Any:
    from krakenwire import ConnectFailed, ConnectFailure

    return ConnectFailed(ConnectFailure.REFUSED, "as ordered")


# ---------------------------------------------------------------- consumers


@pytest.mark.fault("C4")
@pytest.mark.parametrize("policy", ["buffer", "conflate"])
def test_consumer_too_slow_for_ever_costs_nobody_anything(policy: str) -> None:
    """For an hour a callback takes a second an event: memory is bounded, its losses are told, all others get everything in time."""

    async def main() -> None:
        world = World(Exchange(seed=6, markets=["SOL/USD", "XRP/USD"]))
        slow: list[Any] = []

        async def slowly(event: Any) -> None:
            slow.append(event)
            await asyncio.sleep(1)

        async with world.client(queue_limit=100) as kraken, kraken.book("SOL/USD") as book:
            kraken.on("book", slowly, policy=policy)
            fast: list[Any] = []
            kraken.on("book", fast.append)
            kraken.subscribe(BookSubscription(symbol=("SOL/USD", "XRP/USD")))
            await asyncio.sleep(3600)
            assert len(world.opened()) == 1
            assert book.verified
            assert len(fast) > 1000
            assert not [event for event in fast if isinstance(event, Gap)]
            dropped = sum(event.dropped or 0 for event in slow if isinstance(event, Gap))
            if policy == "buffer":
                seen = len([event for event in slow if not isinstance(event, Gap)])
                assert 0 <= len(fast) - seen - dropped <= 150
            else:
                assert dropped == 0
                assert fast[-1].timestamp >= slow[-1].timestamp >= fast[-60].timestamp

    run(main())


@pytest.mark.fault("C4")
def test_blocking_consumer_gets_everything() -> None:
    """Who asks for it gets every event, at the price that nothing is read meanwhile; time so lost is not called Kraken's silence."""

    async def main() -> None:
        world = World(Exchange(seed=7, markets=["SOL/USD"]))
        got: list[Any] = []

        async def slowly(event: Any) -> None:
            got.append(event)
            await asyncio.sleep(0.2)

        async with world.client(callback_timeout=None) as kraken:
            kraken.on("book", slowly, policy="block", limit=5)
            kraken.subscribe(BookSubscription(symbol=("SOL/USD",)))
            await asyncio.sleep(300)
            assert len(got) > 500
            assert not [event for event in got if isinstance(event, Gap)]
            assert len(world.opened()) == 1
            kraken.off("book", slowly)
            await asyncio.sleep(30)
            assert kraken.statistics()["total_messages"] > 500

    run(main())


@pytest.mark.fault("C1", "C2", "C15")
def test_callbacks_that_fail_reach_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    """One raises ten thousand times, one hangs: both are told, the log has a handful of lines, and everybody else gets everything."""
    caplog.set_level(logging.INFO)

    async def main() -> None:
        world = World(Exchange(seed=8, markets=["BTC/USD", "ETH/USD"]))
        good: list[Any] = []

        def bad(event: Any) -> None:
            raise ValueError("secret text")

        async def hang(event: Any) -> None:
            await asyncio.sleep(1e9)

        async with (
            world.client() as kraken,
            collecting(kraken, "error") as errors,
            kraken.book("BTC/USD") as book,
        ):
            for callback in (bad, hang, good.append):
                kraken.on("book", callback)
            await asyncio.sleep(600)
            assert book.verified
            assert len(good) > 1000
            kinds = {type(error) for error in errors}
            assert kinds == {CallbackFailed, CallbackTimeout}
            assert sum(isinstance(error, CallbackTimeout) for error in errors) >= 100

    run(main())
    lines = [record.getMessage() for record in caplog.records if record.name == "krakenwire"]
    assert 2 <= len(lines) <= 2 * 11
    assert "secret" not in "".join(lines)


@pytest.mark.fault("C3")
def test_callback_that_blocks_the_loop_is_reported() -> None:
    """A callback that lets nothing run for six seconds is named; what came meanwhile is read before anybody is called silent."""

    async def main() -> None:
        world = World(Exchange(seed=9))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        blocked: list[float] = []

        def block(event: Any) -> None:
            if not blocked or loop.time() - blocked[-1] > 60:
                loop.stand_still(6)
                blocked.append(loop.time())

        async with (
            world.client() as kraken,
            kraken.book("BTC/USD") as book,
            collecting(kraken, "error") as errors,
        ):
            kraken.on("book", block)
            await asyncio.sleep(600)
            assert len(blocked) > 5
            assert {type(error) for error in errors} == {CallbackSlow}
            assert "block" in str(errors[0])
            assert len(world.opened()) == 1
            assert book.interruptions == 0

    run(main())


@pytest.mark.fault("C14")
def test_everything_may_be_called_in_a_callback() -> None:
    """Subscribing, unsubscribing, registering and closing from within callbacks works, and nothing waits for itself."""

    async def main() -> None:
        world = World(Exchange(seed=9))
        done: list[str] = []
        client = world.client()

        async def on_book(event: Any) -> None:
            if not done:
                done.append("book")
                client.unsubscribe("book")
                client.subscribe(TradeSubscription(symbol=("ETH/USD",)))
                client.on("trade", on_trade)
                client.off("book", on_book)

        async def on_trade(event: Any) -> None:
            if len(done) == 1:
                done.append("trade")
                await client.close()
                done.append("closed")

        async with client as kraken:
            kraken.on("book", on_book)
            kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
            await world.until(lambda: "closed" in done)
            assert world.transport.links == []

    run(main(), debug=True)


def test_refused_frames_go_to_whoever_takes_them() -> None:
    """A frame of which nothing could be used goes whole to the callbacks of `refused_frame`, and to nobody else."""

    async def main() -> None:
        world = World(Exchange(seed=10))
        async with world.client() as kraken, collecting(kraken, "refused_frame") as frames:
            kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(2)
            odd = json.dumps([1, "x" * 5000]).encode()
            world.link.give([odd, b"CloudFlare WebSocket proxy restarting"])
            await asyncio.sleep(0.1)
            assert frames == [odd, b"CloudFlare WebSocket proxy restarting"]
            assert kraken.statistics()["error_count"] == 2

    run(main())


@pytest.mark.fault("F3", "J1")
def test_text_that_is_no_utf8_costs_the_connection() -> None:
    """Bytes that are no UTF-8 end the connection; unreadable JSON does so only when it goes on."""

    async def main() -> None:
        world = World(Exchange(seed=11))
        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            world.link.give([b'{"channel":"heartbeat"'])
            await asyncio.sleep(1)
            assert len(world.opened()) == 1
            world.link.give([b'{"channel":"\xff\xfe"}'])
            await asyncio.sleep(2)
            assert len(world.opened()) == 2
            assert book.verified

            def storm(link: MemoryLink) -> None:
                link.give([b"{"] * 10)

            storm(world.link)
            await asyncio.sleep(4)
            assert len(world.opened()) == 3
            await world.until(lambda: book.verified)

    run(main())
