"""What a program sees of the client: streams, callbacks, status, and their end."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from typing import Any

import pytest

from krakenwire import (
    BookNotLive,
    BookSubscription,
    CapacityExceeded,
    ConnectFailed,
    ConnectionState,
    Gap,
    OrderBookUpdate,
    RequestRejected,
    SubscriptionRejected,
    TradeSubscription,
    TradeUpdate,
    Trust,
    UsageError,
    Waits,
    connect,
)
from krakenwire.net import ConnectFailure
from krakenwire.sim import Exchange
from tests.net.memory import MemoryLink, MemoryTransport
from tests.net.virtual import run
from tests.net.world import World, collecting


def test_book_is_read_as_designed() -> None:
    """The book of one symbol gives verified views while it is entered, and is unsubscribed when it is left."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        async with world.client() as kraken:
            assert world.transport.opened == []
            async with kraken.book("BTC/USD", depth=25) as book:
                assert book.status == "wanted"
                with pytest.raises(BookNotLive):
                    _ = book.best_bid
                views = []
                async for view in book:
                    views.append(view)
                    assert view.best_bid is not None
                    assert view.best_ask is not None
                    assert view.best_bid < view.best_ask
                    if len(views) == 50:
                        break
                assert book.verified
                assert book.status == "live"
                assert book.age == 0.0
                assert book.checksum == book.require_verified().checksum
                assert len(book.bids) == 25
                assert book.best_bid == book.view().best_bid == book["BTC/USD"].best_bid
            (info,) = kraken.status()
            assert info.subscriptions <= 1
            await asyncio.sleep(10)
            (info,) = kraken.status()
            assert info.state is ConnectionState.IDLE
            assert book.status == "closed"
        requests = [json.loads(frame) for frame in world.transport.requests]
        methods = [(request["method"], request["params"]["channel"]) for request in requests]
        assert methods == [("subscribe", "book"), ("unsubscribe", "book")]

    run(main(), debug=True)


def test_many_symbols_in_one_stream() -> None:
    """A stream of many books gives views of all of them, and each is asked for by its symbol."""

    async def main() -> None:
        exchange = Exchange(seed=2)
        world = World(exchange)
        async with world.client() as kraken, kraken.book(exchange.markets, depth=10) as books:
            seen = set()
            async for view in books:
                seen.add(view.symbol)
                if seen == set(exchange.markets):
                    break
            assert books["BTC/USD"].verified
            with pytest.raises(UsageError, match="many books"):
                _ = books.best_bid
            with pytest.raises(KeyError):
                _ = books["NO/USD"]

    run(main(), debug=True)


def test_conflated_views_are_the_latest() -> None:
    """A reader that sleeps gets one view of the book as it is now, not of every state it missed."""

    async def main() -> None:
        world = World(Exchange(seed=3))
        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            await anext(book)
            await asyncio.sleep(30)
            view = await anext(book)
            assert view.checksum == book.checksum
            assert book.waiting == 0

    run(main())


def test_trades_are_complete_and_a_stream_without_entering_works() -> None:
    """Trades follow each other without holes, also for a reader that never entered the stream."""

    async def main() -> None:
        world = World(Exchange(seed=4))
        async with world.client() as kraken:
            ids = []
            async for trade in kraken.trade("BTC/USD"):
                assert isinstance(trade, TradeUpdate)
                ids.append(trade.trade_id)
                if len(ids) == 200:
                    break
            assert ids == list(range(ids[0], ids[0] + 200))

    run(main())


def test_two_readers_share_a_subscription() -> None:
    """Two streams of one market get every event each, from one subscription that ends with the second of them."""

    async def main() -> None:
        world = World(Exchange(seed=5))
        async with world.client() as kraken:
            first, second = kraken.trade("BTC/USD").open(), kraken.trade("BTC/USD").open()
            await asyncio.sleep(10)
            assert [(await anext(first)) for _ in range(60)] == [(await anext(second)) for _ in range(60)]
            await first.close()
            await asyncio.sleep(1)
            assert len(world.transport.requests) == 1
            await second.close()
            await asyncio.sleep(1)
            assert len(world.transport.requests) == 2

    run(main())


def test_deeper_reader_takes_the_book_anew_for_all() -> None:
    """The deepest reader decides the depth; a shallower one sees its own depth, and the break in between."""

    async def main() -> None:
        world = World(Exchange(seed=6))
        async with world.client() as kraken, kraken.book("BTC/USD", depth=10) as shallow:
            await anext(shallow)
            async with kraken.book("BTC/USD", depth=100) as deep:
                await world.until(lambda: deep.verified and deep["BTC/USD"].depth == 100)
                assert len(deep.view().bids) == 100
                assert len((await anext(shallow)).bids) == 10
                assert shallow.interruptions == 1
            await asyncio.sleep(5)
            assert shallow.verified
            assert shallow.interruptions == 1

    run(main())


def test_contradiction_is_refused() -> None:
    """Two triggers of one ticker cannot be had; the one that was there first is not touched."""

    async def main() -> None:
        world = World(Exchange(seed=6))
        async with world.client() as kraken:
            first = kraken.ticker("BTC/USD").open()
            with pytest.raises(UsageError, match="other parameters"):
                kraken.ticker("BTC/USD", event_trigger="bbo").open()
            assert first.params.event_trigger == "trades"  # type: ignore[union-attr]

    run(main())


@pytest.mark.fault("S1", "S5")
def test_refused_symbols_do_not_disturb_the_others() -> None:
    """Of ten symbols three are refused: the stream names them with Kraken's words, seven run, nothing is asked twice."""

    async def main() -> None:
        exchange = Exchange(seed=7)
        world = World(exchange)
        symbols = [*exchange.markets, "XBT/USD", "NO/USD", "btc/usd"]
        async with world.client() as kraken, kraken.trade(symbols) as trades:
            await asyncio.sleep(30)
            assert set(trades.rejected) == {"XBT/USD", "NO/USD", "btc/usd"}
            assert "Currency pair not supported" in trades.rejected["XBT/USD"].reason
            events = [await anext(trades) for _ in range(trades.waiting)]
            assert sum(isinstance(event, SubscriptionRejected) for event in events) == 3
            assert {event.symbol for event in events if isinstance(event, TradeUpdate)} == set(
                exchange.markets
            )
            assert len(world.transport.requests) == 1
            with pytest.raises(RequestRejected, match="not supported"):
                await anext(kraken.book("NO/USD").open())

    run(main())


@pytest.mark.fault("S7")
def test_connections_by_capacity() -> None:
    """Symbols are spread over as many connections as it takes; all channels of one symbol share theirs; beyond the most, it is told."""

    async def main() -> None:
        exchange = Exchange(seed=8)
        world = World(exchange)
        async with (
            world.client(public_symbols=2, connections=3) as kraken,
            kraken.book(exchange.markets) as books,
            kraken.trade(exchange.markets),
        ):
            await world.until(lambda: all(books[symbol].verified for symbol in exchange.markets))
            assert [info.subscriptions for info in kraken.status()] == [4, 4, 2]
            assert len(world.transport.opened) == 3
            kraken.subscribe(TradeSubscription(symbol=("XBT/USD",)))
            with pytest.raises(CapacityExceeded):
                kraken.subscribe(TradeSubscription(symbol=("A/USD", "B/USD")))

    run(main())


def test_callbacks_and_merged_stream_see_the_same() -> None:
    """Callbacks, plain and async, and the merged stream get the same events, each from a queue of its own."""

    async def main() -> None:
        world = World(Exchange(seed=9))
        async with world.client() as kraken:
            merged: list[Any] = []
            waited: list[Any] = []

            async def slowly(event: Any) -> None:
                await asyncio.sleep(0.001)
                waited.append(event)

            async def read() -> None:
                merged.extend([event async for event in kraken.events()])

            reader = asyncio.ensure_future(read())
            kraken.on("book", slowly)
            async with collecting(kraken, "orderbook") as plain:
                kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
                await asyncio.sleep(20)
                world.link.end("cut")
                await asyncio.sleep(20)
            assert any(isinstance(event, Gap) for event in plain)
            assert waited[: len(plain)] == plain
        await reader
        assert [event for event in merged if isinstance(event, OrderBookUpdate | Gap)][: len(plain)] == plain

    run(main(), debug=True)


@pytest.mark.fault("C5")
def test_waiting_in_vain_tells_why() -> None:
    """Whoever waits for an event with a limit is told what for, how long, and how the connection stands that should bring it."""

    async def main() -> None:
        world = World(Exchange(seed=8))
        world.transport.refuse = lambda _host: ConnectFailed(ConnectFailure.NAME, "no address for the name")
        async with world.client() as kraken, kraken.ohlc(("BTC/USD", "ETH/USD"), interval=5) as candles:
            with pytest.raises(TimeoutError) as told:
                await candles.next(seconds=3.0)
        assert str(told.value).startswith("nothing of ohlc BTC/USD, ETH/USD within 3 s; public-1 is ")
        assert "no address for the name" in str(told.value)

    run(main())


def test_closing_the_client_is_no_gap() -> None:
    """A client that is closed tells of no gap: whoever closes it knows that nothing comes any more, and may be alarmed by gaps."""

    async def main() -> None:
        world = World(Exchange(seed=9))
        async with world.client() as kraken, collecting(kraken) as events:
            kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
            async with kraken.book("BTC/USD") as book:
                await book.next()
                await asyncio.sleep(30)
                await kraken.close()
        assert any(isinstance(event, TradeUpdate) for event in events)
        assert not [event for event in events if isinstance(event, Gap)]

    run(main())


def test_abandoned_readers_leave_nothing_behind() -> None:
    """A reader that is cancelled, broken off or forgotten is unsubscribed, and the connection closes when nobody is left."""

    async def main() -> None:
        world = World(Exchange(seed=10))
        async with world.client() as kraken:

            async def read() -> None:
                async for _ in kraken.trade("BTC/USD"):
                    pass

            task = asyncio.ensure_future(read())
            forgotten = kraken.book("ETH/USD").open()
            await asyncio.sleep(5)
            assert kraken.status()[0].subscriptions == 2
            task.cancel()
            await asyncio.wait([task])
            del task, forgotten
            gc.collect()
            await asyncio.sleep(1)
            assert kraken.status()[0].subscriptions == 0
            await asyncio.sleep(10)
            assert kraken.status()[0].state is ConnectionState.IDLE
            assert world.transport.links == []
            trades = kraken.trade("BTC/USD")  # and it opens again, and says what it left out
            assert isinstance(await trades.next(5), Gap)
            assert isinstance(await trades.next(5), TradeUpdate)

    run(main(), debug=True)


@pytest.mark.fault("C12")
def test_foreign_thread_is_told() -> None:
    """A call from another thread, or before the client is entered, raises and changes nothing."""

    async def main() -> None:
        world = World(Exchange(seed=11))
        client = world.client()
        with pytest.raises(UsageError, match="enter"):
            client.status()
        async with client as kraken:
            book = kraken.book("BTC/USD")
            caught: list[Exception] = []

            def call() -> None:
                for foreign in (kraken.status, book.open, lambda: kraken.on("trade", print)):
                    try:
                        foreign()
                    except UsageError as exc:
                        caught.append(exc)

            thread = threading.Thread(target=call)
            thread.start()
            thread.join()
            assert len(caught) == 3
            assert kraken.status() == ()
        with pytest.raises(UsageError, match="closed"):
            kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
        with pytest.raises(UsageError, match="once"):
            await client.__aenter__()

    run(main())


def test_statistics_and_trust() -> None:
    """Statistics are ready for JSON and add up over connections; the ledger answers for the time of an outage."""

    async def main() -> None:
        exchange = Exchange(seed=12)
        world = World(exchange)
        async with world.client(public_symbols=1) as kraken, kraken.book(["BTC/USD", "ETH/USD"]) as books:
            await world.until(lambda: all(books[s].verified for s in ("BTC/USD", "ETH/USD")))
            began = world.now
            await asyncio.sleep(10)
            first = world.now
            assert kraken.trust("book", "BTC/USD", began, first).trust is Trust.VERIFIED
            (link,) = [
                each for each in world.transport.links if any(b"BTC/USD" in frame for frame in each.sent)
            ]
            link.end("cut")
            await asyncio.sleep(10)
            assert kraken.trust("book", "BTC/USD", began, world.now).trust is Trust.PARTLY
            assert kraken.trust("book", "ETH/USD", began, world.now).trust is Trust.VERIFIED
            assert kraken.trust("book", "NO/USD", began, world.now).trust is Trust.UNKNOWN
            statistics = json.loads(json.dumps(kraken.statistics()))
            assert statistics["total_messages"] == sum(statistics["messages_by_channel"].values())
            assert statistics["connects"] == 3
            assert 0.9 < statistics["verified_time_ratio"] < 1

    run(main())


def test_closing_ends_everything_at_once() -> None:
    """Closing in any state takes less than five seconds and ends every iterator, also with callbacks that never end."""

    async def main(seconds: float) -> None:
        world = World(Exchange(seed=13))
        client = world.client(callback_timeout=None)
        async with client as kraken:

            async def hang(_: Any) -> None:
                await asyncio.sleep(1e9)

            async def read() -> int:
                return len([event async for event in kraken.trade("BTC/USD")])

            kraken.on("trade", hang)
            kraken.on("trade", lambda _: None)
            reader = asyncio.ensure_future(read())
            await asyncio.sleep(seconds)
            began = world.now
        assert world.now - began < 5
        await reader
        assert world.transport.links == []

    for seconds in (0.0, 0.01, 0.03, 0.05, 1.0, 7.0):
        run(main(seconds), debug=True)


@pytest.mark.parametrize("seconds", [0.0, 0.03, 1.0, 7.0])
def test_closing_waits_for_nobody_who_resists(seconds: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Closing takes less than five seconds also if callbacks, links and the transport ignore that they are cancelled."""

    async def main() -> None:
        free = asyncio.Event()
        resisted: set[str] = set()

        async def resist(name: str) -> None:
            while not free.is_set():
                try:
                    await free.wait()
                except asyncio.CancelledError:
                    resisted.add(name)

        async def link_close(link: MemoryLink) -> None:
            await resist("link")
            link.abort()

        close = MemoryTransport.close

        async def transport_close(transport: MemoryTransport) -> None:
            await resist("transport")
            await close(transport)

        monkeypatch.setattr(MemoryLink, "close", link_close)
        monkeypatch.setattr(MemoryTransport, "close", transport_close)
        world = World(Exchange(seed=13))
        async with world.client(callback_timeout=None) as kraken:
            kraken.on("trade", lambda _: resist("callback"))
            kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(seconds)
            began = world.now
        assert world.now - began < 5
        assert resisted >= ({"transport"} if seconds < 1 else {"transport", "callback"})
        free.set()
        await asyncio.sleep(1)

    run(main())


@pytest.mark.parametrize("stop", [1.0, 4.0])
def test_link_that_never_closes_costs_nothing(stop: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link whose `close` hangs for ever is cut: the next one is opened in time, closing the client takes its time and no more, and no
    task is left.
    """

    async def main() -> None:
        cut: list[MemoryLink] = []
        abort = MemoryLink.abort

        async def hang(link: MemoryLink) -> None:
            await asyncio.get_running_loop().create_future()

        def aborted(link: MemoryLink) -> None:
            cut.append(link)
            abort(link)

        monkeypatch.setattr(MemoryLink, "close", hang)
        monkeypatch.setattr(MemoryLink, "abort", aborted)
        world = World(Exchange(seed=13))
        async with world.client(waits=Waits(stop=stop)) as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            first = world.link
            first.end("bye", 1001)
            await asyncio.sleep(0)
            await world.until(lambda: not book.verified)
            assert await world.until(lambda: book.verified, 10) < 3
            assert cut == [first]
            second = world.link
            began = world.now
        assert world.now - began < stop
        assert cut == [first, second]
        assert world.transport.links == []

    run(main(), debug=True)


def test_link_that_fails_to_close_is_shown_and_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception out of a link's `close` is shown to the loop's handler, and the connection comes back all the same."""

    async def main() -> list[str]:
        async def fail(link: MemoryLink) -> None:
            link.abort()
            raise LookupError("not mine")

        shown: list[str] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, told: shown.append(str(told["message"])))
        monkeypatch.setattr(MemoryLink, "close", fail)
        world = World(Exchange(seed=13))
        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            world.link.end("bye", 1001)
            await world.until(lambda: len(world.opened()) == 2 and book.verified, 10)
        return shown

    assert run(main()) == ["public-1 failed to close"] * 2


def test_link_and_client_end_at_one_moment() -> None:
    """Closing the client in the very moment in which its link breaks is no error to anybody."""

    async def main() -> None:
        world = World(Exchange(seed=13))
        client = world.client()
        async with client as kraken:
            kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(1)
            closing = asyncio.ensure_future(client.close())
            await asyncio.sleep(0)
            world.link.end("cut")
            await closing

    run(main())


def test_transport_that_cannot_close_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong while the transport closes reaches whoever closes the client."""

    async def main() -> None:
        async def fail(_: MemoryTransport) -> None:
            raise OSError("no")

        monkeypatch.setattr(MemoryTransport, "close", fail)
        client = World(Exchange(seed=13)).client()
        await client.__aenter__()
        with pytest.raises(OSError, match="no"):
            await client.close()

    run(main())


def test_options_are_checked() -> None:
    """A name, an option or an address that makes no sense is refused when it is given."""

    async def main() -> None:
        world = World(Exchange(seed=14))
        async with world.client() as kraken:
            with pytest.raises(UsageError, match="tradee"):
                kraken.on("tradee", print)
            with pytest.raises(UsageError, match="policy"):
                kraken.trade("BTC/USD", policy="hope")
            with pytest.raises(UsageError, match="limit"):
                kraken.events(limit=0)
            for conflated in (
                lambda: kraken.executions(policy="conflate"),
                lambda: kraken.on("balances", print, policy="conflate"),
                lambda: kraken.events(policy="conflate"),
            ):
                with pytest.raises(UsageError, match="made needless"):
                    conflated()
            with pytest.raises(UsageError, match="depth"):
                kraken.book("BTC/USD", depth=7)
        for wrong in ({"public_symbols": 0}, {"queue_limit": 1}, {"on_checksum_dispute": "shrug"}):
            with pytest.raises(UsageError):
                connect(world.transport, **wrong)

    run(main())


@pytest.mark.fault("M3")
@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("ws://127.0.0.1:8080/v2", True),
        ("ws://[::1]/v2", True),
        ("ws://localhost/v2", True),
        ("ws://ws.kraken.com/v2", False),
        ("ws://127.0.0.1.example.com/v2", False),
        ("ws://192.168.1.2/v2", False),
        ("http://ws.kraken.com/v2", False),
        ("wss://user:word@ws.kraken.com/v2", False),
        ("nonsense", False),
    ],
)
def test_unencrypted_is_for_this_machine_only(url: str, allowed: bool) -> None:
    """An address without TLS is taken for this machine and for no other."""
    if allowed:
        connect(public_url=url)
    else:
        with pytest.raises(UsageError, match="url"):
            connect(public_url=url)
