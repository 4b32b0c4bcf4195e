"""Readers who come when the subscription stands already: each gets a first snapshot of its own, true, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from krakenwire import (
    BalanceUpdate,
    BookStream,
    Client,
    Credentials,
    ExecutionsSubscription,
    ExecutionUpdate,
    Gap,
    GapReason,
    InstrumentUpdate,
    Level3Update,
    OrderBookUpdate,
    Stream,
    TickerUpdate,
)
from krakenwire.net import ConnectGate, connect
from krakenwire.sim import Exchange, Host, listing
from krakenwire.sim.private.accounts import Accounts
from krakenwire.wire.enums import PairStatus
from tests.net.memory import MemoryLink, MemoryTransport
from tests.net.virtual import run
from tests.net.world import World, dropping

SYMBOL = "BTC/USD"
QUIET = listing(SYMBOL, "81776.7", rate=0.0001)


class Trading:
    """An exchange with an account on it, and somebody who trades on that account over a connection of his own."""

    def __init__(self, seed: int = 1) -> None:
        self.exchange = Exchange(seed=seed, markets=[SYMBOL])
        self.accounts = Accounts(self.exchange)
        self.account = self.accounts.open("trader", {"USD": 1_000_000, "BTC": 1_000})
        self.key = self.accounts.new_key(self.account)
        self.world = World(self.exchange)
        self.world.transport.answer = lambda url, body: None
        self.own = self.exchange.connect(Host.PRIVATE, now=self.world.now)

    def client(self, transport: MemoryTransport | None = None) -> Client:
        """A client of this account, over the transport of the world or one of its own."""
        return connect(
            self.world.transport if transport is None else transport,
            credentials=Credentials(self.key.key, self.key.secret),
            gate=ConnectGate(),
            dice=random.Random(7),
        )

    def order(self, side: str, *, away: int | None) -> None:
        """A limit order so many steps behind the best price of its own side; None: one that is filled at once."""
        market = self.exchange.markets[SYMBOL]
        best = (market.engine.bids if side == "buy" else market.engine.asks).best()
        assert best is not None
        steps = (away or 0) * market.pair.price_increment
        price = float(market.pair.price(best - steps if side == "buy" else best + steps))
        terms: dict[str, Any] = {"order_type": "limit", "limit_price": price}
        self.ask(
            "add_order",
            symbol=SYMBOL,
            side=side,
            order_qty=0.01,
            **({"order_type": "market"} if away is None else terms),
        )

    def ask(self, method: str, **params: Any) -> None:
        told = {"method": method, "params": {**params, "token": self.accounts.issue(self.key)}}
        self.exchange.receive(self.own, json.dumps(told), now=self.world.now)


async def first(stream: Stream[Any], seconds: float = 20.0) -> list[Any]:
    """What comes at once, and what comes right behind it."""
    events = [await stream.next(seconds)]
    while stream.waiting:
        events.append(await stream.next(1))
    return events


def rows(events: list[Any]) -> list[tuple[Any, ...]]:
    """What a snapshot of executions says of each order and fill."""
    return sorted(
        (
            each.order_id,
            each.exec_id or "",
            each.order_status,
            each.exec_type,
            each.limit_price,
            each.order_qty,
        )
        for each in events
    )


def test_second_reader_of_executions_gets_open_orders_and_fills() -> None:
    """A reader of executions who comes late gets what a subscription of his own would have brought, and the first one notices nothing."""

    async def main() -> None:
        trading = Trading()
        async with trading.client() as kraken, kraken.executions() as early:
            for away in (50, 60, None, 70, None):
                trading.order("buy", away=away)
                await asyncio.sleep(0.2)
            seen = await first(early)
            assert sum(event.is_fill for event in seen) >= 2
            async with kraken.executions() as late:
                told = await first(late, 0.1)
                assert all(type(event) is ExecutionUpdate and event.snapshot for event in told)
                assert all(event.in_sequence for event in told)
                async with (
                    trading.client(MemoryTransport(trading.exchange)) as other,
                    other.executions() as fresh,
                ):
                    assert rows(told) == rows(await first(fresh))
                trading.order("buy", away=80)
                news = await early.next(2)
                assert type(news) is ExecutionUpdate
                assert not news.snapshot
                assert await late.next(2) == news

    run(main(), debug=True)


def test_reader_who_comes_again_gets_the_fills_again() -> None:
    """A second stream of executions, opened after the first was closed, tells the fills that the first one told, each once."""

    async def main() -> None:
        trading = Trading(2)
        async with trading.client() as kraken:
            fills: list[list[str | None]] = []
            for _ in range(2):
                async with kraken.executions() as stream:
                    await asyncio.sleep(1)
                    trading.order("buy", away=None)
                    await asyncio.sleep(1)
                    fills.append([event.exec_id for event in await first(stream) if event.is_fill])
            assert fills[0]
            assert fills[1][: len(fills[0])] == fills[0]
            assert len(set(fills[1])) == len(fills[1]) > len(fills[0])

    run(main())


def test_reader_of_orders_alone_gets_no_fills() -> None:
    """A late reader gets what its subscription asks for: without `snap_trades` open orders and no fills, without both nothing."""

    async def main() -> None:
        trading = Trading(3)
        for params, kinds in (
            (ExecutionsSubscription(snap_orders=True, snap_trades=False), {False}),
            (ExecutionsSubscription(snap_orders=False, snap_trades=True), {True}),
        ):
            async with trading.client() as kraken, kraken.stream(params) as early:
                trading.order("buy", away=None)
                trading.order("buy", away=50)
                await asyncio.sleep(1)
                assert await first(early)
                async with kraken.stream(params) as late:
                    assert {event.is_fill for event in await first(late, 0.1)} == kinds

    run(main())


def test_second_reader_of_balances_gets_them_as_they_are_now() -> None:
    """A late reader of balances gets every asset once, with what is held after the last entry of the ledger."""

    async def main() -> None:
        trading = Trading(4)
        async with trading.client() as kraken, kraken.balances() as early:
            await asyncio.sleep(1)
            trading.order("buy", away=None)
            await asyncio.sleep(1)
            held = {event.asset: event.balance for event in await first(early)}
            async with kraken.balances() as late:
                told = await first(late, 0.1)
            assert all(
                type(event) is BalanceUpdate and event.snapshot and event.in_sequence for event in told
            )
            assert not any(event.is_ledger_entry for event in told)
            assert {event.asset: event.balance for event in told} == held
            assert len(told) == len(held) == 2
            assert held["BTC"] > 1_000

    run(main())


@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_account_that_is_not_whole_is_asked_for_anew(channel: str) -> None:
    """A reader who comes while reports are known to be missing gets no snapshot of what is held, but a true one, asked for."""

    async def main() -> None:
        trading = Trading(5)

        def opened(link: MemoryLink) -> None:
            link.change = spoil

        def spoil(frame: bytes) -> bytes:
            """The first snapshot has a row that cannot be used. Another would have it too, so nobody asks for one."""
            if b'"type":"snapshot"' not in frame:
                return frame
            trading.world.transport.links[-1].change = lambda frame: frame
            return frame.replace(b'"data":[', b'"data":[{},').replace(b"{},]", b"{}]")

        trading.order("buy", away=60)
        trading.world.transport.on_open = opened
        async with trading.client() as kraken, kraken.stream(_params(kraken, channel)) as early:
            await asyncio.sleep(1)
            trading.order("buy", away=50)
            await asyncio.sleep(1)
            await first(early)
            before = len(trading.world.transport.requests)
            async with kraken.stream(_params(kraken, channel)) as late:
                events: list[Any] = []
                while not any(getattr(event, "in_sequence", False) for event in events):
                    events.append(await late.next(30))
                proven = [event for event in events if getattr(event, "in_sequence", False)]
                assert all(event.snapshot for event in proven)
                assert not any(getattr(event, "in_sequence", False) for event in events[: -len(proven)])
            assert len(trading.world.transport.requests) > before

    run(main())


def _params(kraken: Client, channel: str) -> Any:
    return (kraken.executions() if channel == "executions" else kraken.balances()).params


def test_second_reader_of_a_quiet_ticker_gets_the_last_one() -> None:
    """In a market in which nothing happens a late reader of the ticker gets the last one at once; nothing is asked for."""

    async def main() -> None:
        world = World(Exchange(seed=6, markets=[QUIET]))
        async with world.client() as kraken, kraken.ticker(SYMBOL) as early:
            last = await early.next(5)
            await asyncio.sleep(100)
            before = len(world.transport.requests)
            async with kraken.ticker([SYMBOL, "ETH/USD"]) as late:
                assert await late.next(0.1) == last
            assert [frame for frame in world.transport.requests[before:] if SYMBOL.encode() in frame] == []

    run(main())


def test_ticker_that_may_be_old_is_asked_for_anew() -> None:
    """After a ticker that could not be used the one before it is not given to a late reader; a new snapshot is."""

    async def main() -> None:
        world = World(Exchange(seed=7, markets=[QUIET]))
        async with world.client() as kraken, kraken.ticker(SYMBOL) as early:
            assert type(await early.next(5)) is TickerUpdate
            world.link.give([b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD"}]}'])
            gap = await early.next(5)
            assert isinstance(gap, Gap)
            assert gap.reason is GapReason.FRAME_REFUSED
            async with kraken.ticker(SYMBOL) as late:
                events = [await late.next(20)]
                while type(events[-1]) is not TickerUpdate:
                    events.append(await late.next(20))
            assert [type(event) for event in events] == [Gap, TickerUpdate]
            assert sum(b'"unsubscribe"' in frame for frame in world.transport.requests) == 1

    run(main())


def test_second_reader_of_instrument_gets_the_whole_list() -> None:
    """A late reader of the list of markets gets all of it, with what changed since, and no reader is asked to wait for the next change."""

    async def main() -> None:
        world = World(Exchange(seed=8, markets=["BTC/USD", "ETH/USD"]))
        async with world.client() as kraken, kraken.instrument() as early:
            whole = await early.next(5)
            assert isinstance(whole, InstrumentUpdate)
            world.exchange.change_pair("ETH/USD", now=world.now, status=PairStatus.CANCEL_ONLY)
            changed = await early.next(5)
            async with kraken.instrument() as late:
                told = await late.next(0.1)
            assert isinstance(told, InstrumentUpdate)
            assert isinstance(changed, InstrumentUpdate)
            now = {pair.symbol: pair for pair in (*whole.pairs, *changed.pairs)}
            assert {pair.symbol: pair for pair in told.pairs} == now
            assert now["ETH/USD"].status is PairStatus.CANCEL_ONLY
            assert {asset.id for asset in told.assets} == {asset.id for asset in whole.assets}

    run(main())


@pytest.mark.parametrize("channel", ["book", "level3"])
def test_second_reader_of_changes_gets_the_book_first(channel: str) -> None:
    """A late reader of the changes of a book gets all its levels first, and with the changes after them has the book itself."""

    async def main() -> None:
        trading = Trading(9)
        async with trading.client() as kraken:
            made: BookStream[Any] = kraken.book(SYMBOL) if channel == "book" else kraken.level3(SYMBOL)
            async with made as book:
                await trading.world.until(lambda: book.verified)
                async with book.updates() as late:
                    event = await late.next(0.1)
                    assert type(event) is (OrderBookUpdate if channel == "book" else Level3Update)
                    assert event.snapshot
                    assert event.verified
                    view = book.view()
                    count = (
                        len(view.bids) if channel == "book" else sum(len(each.orders) for each in view.bids)
                    )
                    assert len(event.bids) == count
                    assert not (await late.next(30)).snapshot

    run(main())


@pytest.mark.parametrize("channel", ["ticker", "instrument", "balances", "executions"])
@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.03, 0.06, 0.1, 1.0])
def test_no_reader_is_left_waiting_or_told_what_is_old(channel: str, seconds: float) -> None:
    """Whenever a second reader comes, before, between or after answer and snapshot, and over a lost connection: it gets a snapshot, and
    nothing from before the break without a `Gap` after it.
    """

    async def main() -> None:
        trading = Trading(10)
        async with trading.client() as kraken:
            trading.order("buy", away=50)

            def make() -> Stream[Any]:
                return kraken.ticker(SYMBOL) if channel == "ticker" else getattr(kraken, channel)()

            async with make() as early:
                await asyncio.sleep(seconds)
                async with make() as late:
                    for stream in (early, late):
                        assert type(await stream.next(10)) is not Gap
                trading.world.transport.links[-1].end("cut")
                async with make() as third:
                    events = [await third.next(30)]
                    while type(events[-1]) is Gap:
                        events.append(await third.next(30))
                    if type(events[0]) is not Gap:
                        # Given before the break was known: then the break comes behind it, and a snapshot behind that.
                        while type(await third.next(30)) is not Gap:
                            pass
                        if channel != "executions":
                            assert type(await third.next(30)) is not Gap

    run(main())


def test_lost_snapshot_leaves_nobody_waiting() -> None:
    """Where the snapshot of a subscription is lost, early and late readers both get the one that is asked for after it."""

    async def main() -> None:
        trading = Trading(11)

        def opened(link: MemoryLink) -> None:
            link.change = dropping('"type":"snapshot"', times=1)

        trading.world.transport.on_open = opened
        async with trading.client() as kraken, kraken.balances() as early:
            await asyncio.sleep(1)
            async with kraken.balances() as late:
                for stream in (early, late):
                    event = await stream.next(30)
                    while type(event) is Gap:
                        event = await stream.next(30)
                    assert isinstance(event, BalanceUpdate)
                    assert event.snapshot

    run(main())
