"""A client and the exchange under random faults, seeded, and a judge that knows what really happened.

Everything that goes wrong is drawn from one number. At the end comes a quiet time in which everything has to heal. What is judged: no book
is ever shown that the exchange did not have, in the order in which it had them; no trade is missing that no gap names, and none comes
twice; everything wanted lives at the end; nothing grows or hammers.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import Any

from krakenwire import (
    BookStatus,
    BookSubscription,
    Client,
    ConnectFailed,
    ConnectFailure,
    ConnectionState,
    Credentials,
    Gap,
    Level3Subscription,
    Level3Update,
    OrderBookUpdate,
    TradeSubscription,
    TradeUpdate,
)
from krakenwire.net.transport import HttpReply
from krakenwire.sim import Exchange, listing
from krakenwire.sim.truth import TruthLog
from krakenwire.wire.enums import SystemStatus
from tests.net.memory import MemoryLink
from tests.net.virtual import VirtualLoop, run
from tests.net.world import World

QUIET = 150.0
DISPUTE = 310.0
"""A book that was damaged more often than its budget allows is tried again after five minutes at the latest."""

MARKETS = [
    listing("AAA/USD", "81776.7", rate=2, levels=60, spacing=3, size=800),
    listing("BBB/USD", "0.00001234", qty_decimals=5, rate=1, levels=30, spacing=1, size=150),
    listing("CCC/USD", "12.5", rate=0.3, levels=12, spacing=2, size=120),
]
DENSE = ("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "PEPE/USD")
RETRIED = [
    ConnectFailure.NAME,
    ConnectFailure.REFUSED,
    ConnectFailure.TIMEOUT,
    ConnectFailure.UNAVAILABLE,
    ConnectFailure.HANDSHAKE,
]


class Judge:
    """Sees every event as it is published, and compares it with the truth."""

    def __init__(self, truth: TruthLog) -> None:
        self._truth = truth
        self._number: dict[str, int] = defaultdict(int)
        self._queued: dict[str, int] = defaultdict(int)
        self._last: dict[str, int] = {}
        self._seen: dict[str, set[int]] = defaultdict(set)
        self._named: dict[str, set[int]] = defaultdict(set)
        self.views = 0

    def take(self, event: Any) -> None:
        """One event, at the moment it is published."""
        if isinstance(event, OrderBookUpdate) and event.verified:
            self._book(event)
        elif isinstance(event, Level3Update) and event.verified:
            self._level3(event)
        elif isinstance(event, TradeUpdate):
            self._trade(event)
        elif isinstance(event, Gap) and event.channel == "trade" and event.first is not None:
            assert event.symbol is not None
            assert event.last is not None
            self._named[event.symbol].update(range(event.first, event.last + 1))

    def _book(self, event: OrderBookUpdate) -> None:
        view = event.book.view(10)
        assert view.checksum is not None
        state = self._truth.find(event.symbol, view.checksum, self._number[event.symbol])
        assert state is not None, (
            f"{event.symbol} never was like this after state {self._number[event.symbol]}"
        )
        sides = tuple(
            tuple((level.price_text, level.qty_text) for level in side) for side in (view.bids, view.asks)
        )
        assert sides == state.texts(10)
        self._number[event.symbol] = state.number
        self.views += 1

    def _level3(self, event: Level3Update) -> None:
        states, since = self._truth.states[event.symbol], self._queued[event.symbol]
        later = islice(states, max(0, since - states[0].number), None)
        state = next((state for state in later if state.queue_checksum == event.checksum), None)
        assert state is not None, f"the queues of {event.symbol} never were like this after state {since}"
        view = event.book.view(10)
        bids, asks = state.texts(10)
        assert [order.price_text for order in view.bids[:1]] == [price for price, _ in bids[:1]]
        assert [order.price_text for order in view.asks[:1]] == [price for price, _ in asks[:1]]
        self._queued[event.symbol] = state.number
        self.views += 1

    def _trade(self, event: TradeUpdate) -> None:
        seen = self._seen[event.symbol]
        assert event.trade_id not in seen, f"trade {event.trade_id} came twice"
        seen.add(event.trade_id)
        if event.source == "live":
            last = self._last.get(event.symbol)
            if last is not None:
                assert event.trade_id > last
                missing = set(range(last + 1, event.trade_id)) - self._named[event.symbol]
                assert not missing, f"nobody named the trades {sorted(missing)[:5]}"
            self._last[event.symbol] = event.trade_id

    def finish(self, exchange: Exchange) -> None:
        """After the quiet time: the last trade is known."""
        for symbol, last in self._last.items():
            assert last == exchange.markets[symbol].tape.next_id - 1


class Trouble:
    """Makes trouble, one after the other."""

    def __init__(self, world: World, client: Client, dice: random.Random) -> None:
        self._world = world
        self._client = client
        self._dice = dice
        self.told: list[str] = []

    async def make(self) -> None:
        """One random trouble."""
        name = self._dice.choice([name for name in dir(self) if name.startswith("t_")])
        self.told.append(f"{self._world.now:.3f} {name}")
        await getattr(self, name)()

    def over(self) -> None:
        """From now on everything is well."""
        self._world.transport.refuse = lambda _: None
        self._world.transport.on_open = lambda _: None
        for link in self._world.transport.links:
            link.change = lambda frame: frame
            link.deaf = False
            link.release()
        self._world.exchange.set_system(SystemStatus.ONLINE, now=self._world.now)

    def _link(self) -> MemoryLink | None:
        links = self._world.transport.links
        return self._dice.choice(links) if links else None

    async def t_cut(self) -> None:
        if link := self._link():
            link.end("cut", self._dice.choice([None, 1000, 1001, 1012, 1013]))

    async def t_silence(self) -> None:
        if link := self._link():
            link.silent = True

    async def t_deaf(self) -> None:
        if link := self._link():
            link.deaf = True
            await asyncio.sleep(self._dice.uniform(0, 8))
            link.deaf = False

    async def t_late(self) -> None:
        if link := self._link():
            link.held = []
            await asyncio.sleep(self._dice.uniform(0, 8))
            link.release()

    async def t_refusals(self) -> None:
        kind = self._dice.choice(RETRIED)
        self._world.transport.refuse = lambda _: ConnectFailed(kind, "as ordered")
        if link := self._link():
            link.end("cut")
        await asyncio.sleep(self._dice.uniform(0, 60))
        self._world.transport.refuse = lambda _: None

    async def t_standstill(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.stand_still(self._dice.uniform(0, 20))

    async def t_lost_frames(self) -> None:
        await self._changing(lambda frame, dice: None if dice.random() < 0.1 else frame)

    async def t_lost_answers(self) -> None:
        await self._changing(
            lambda frame, dice: None if b'"method"' in frame and dice.random() < 0.7 else frame
        )

    async def t_lost_snapshots(self) -> None:
        await self._changing(
            lambda frame, dice: None if b'"snapshot","data"' in frame and dice.random() < 0.7 else frame
        )

    async def t_damage(self) -> None:
        def damage(frame: bytes, dice: random.Random) -> bytes | None:
            if not frame.startswith(b'{"channel":"book"') or dice.random() > 0.2:
                return frame
            digits = [place for place, byte in enumerate(frame) if 48 <= byte <= 57]
            place = dice.choice(digits)
            return frame[:place] + str(dice.randrange(10)).encode() + frame[place + 1 :]

        await self._changing(damage)

    async def t_junk(self) -> None:
        if link := self._link():
            junk = [
                b"",
                b"{",
                b"[]",
                b"null",
                b'{"channel":"book"}',
                b'{"error":"Exceeded msg rate"}',
                b'{"method":"x"}',
            ]
            link.give([self._dice.choice(junk) for _ in range(self._dice.randrange(1, 12))])

    async def t_maintenance(self) -> None:
        self._world.exchange.set_system(SystemStatus.MAINTENANCE, now=self._world.now)
        await asyncio.sleep(self._dice.uniform(0, 30))
        self._world.exchange.set_system(SystemStatus.ONLINE, now=self._world.now)

    async def t_change_of_mind(self) -> None:
        symbol = self._dice.choice(list(self._world.exchange.markets))
        self._client.unsubscribe("book", symbol)
        await asyncio.sleep(self._dice.choice([0, 0.01, 0.1, 7]))
        self._client.subscribe(BookSubscription(symbol=(symbol,), depth=10))

    async def t_no_tokens(self) -> None:
        self._world.exchange.tokens.revoke()
        self._world.refusal = HttpReply(503, b"")
        if link := self._link():
            link.end("cut")
        await asyncio.sleep(self._dice.uniform(0, 30))
        self._world.refusal = None

    async def t_readers(self) -> None:
        """Readers that come and go, are slow, or just stop."""
        symbol = self._dice.choice(list(self._world.exchange.markets))
        streams: list[Any] = [
            self._client.book(symbol, depth=self._dice.choice([10, 25])),
            self._client.trade(symbol, limit=5),
            self._client.ticker(symbol),
            self._client.ohlc(symbol),
            self._client.level3(list(self._world.exchange.markets)[-1]).updates(),
        ]
        for stream in self._dice.sample(streams, 2):
            stream.open()
            try:
                for _ in range(self._dice.randrange(20)):
                    await stream.next(self._dice.uniform(0, 2))
            except TimeoutError:
                pass
            if self._dice.random() < 0.5:
                await stream.close()

    async def t_resync(self) -> None:
        self._client.resync("book", self._dice.choice(list(self._world.exchange.markets)))

    async def _changing(self, change: Any) -> None:
        """Let frames of whatever links there are be changed for a while."""
        dice = self._dice

        def begin(link: MemoryLink) -> None:
            link.change = lambda frame: change(frame, dice)

        self._world.transport.on_open = begin
        for link in self._world.transport.links:
            begin(link)
        await asyncio.sleep(dice.uniform(0, 30))
        self._world.transport.on_open = lambda _: None
        for link in self._world.transport.links:
            link.change = lambda frame: frame


def swarm(seed: int, minutes: float = 10.0, *, dense: bool = False) -> Judge:
    """So many minutes of random trouble, a quiet time, and the verdict. `dense`: in lively, deep markets.

    Raises: AssertionError, with the seed and what was done.
    """
    told: list[str] = []

    async def main() -> Judge:
        dice = random.Random(seed)
        truth = TruthLog(frames=False, limit=None, queues=True)
        exchange = Exchange(seed=seed, markets=DENSE if dense else MARKETS, truth=truth)
        world = World(exchange)
        judge = Judge(truth)
        symbols = tuple(exchange.markets)
        client = world.client(
            dice=random.Random(seed),
            public_symbols=dice.choice([1, 2, 10]),
            backfill=False,
            credentials=Credentials("key", "AAAA"),
        )
        async with client as kraken:
            kraken._router.name("*", judge.take, facts=True)
            kraken.subscribe(BookSubscription(symbol=symbols))
            kraken.subscribe(TradeSubscription(symbol=symbols))
            kraken.subscribe(Level3Subscription(symbol=symbols[-1:]))
            trouble = Trouble(world, kraken, dice)
            trouble.told = told
            while world.now < minutes * 60 - QUIET:
                await asyncio.sleep(dice.expovariate(1 / 8))
                await trouble.make()
            trouble.over()
            await asyncio.sleep(QUIET)
            books = [kraken.held_book("book", symbol) for symbol in symbols]
            if any(book is not None and book.status is BookStatus.DISPUTED for book in books):
                await asyncio.sleep(DISPUTE)
            for symbol in symbols:
                book = kraken.held_book("book", symbol)
                assert book is not None
                assert book.verified, f"{symbol} is {book.status}: {book.reason}"
            queues = kraken.held_book("level3", symbols[-1])
            assert queues is not None
            assert queues.verified, f"level3 is {queues.status}: {queues.reason}"
            assert all(info.state is ConnectionState.CONNECTED for info in kraken.status())
            attempts = [at for at, _ in world.transport.opened]
            assert max(sum(at <= other < at + 600 for other in attempts) for at in attempts) <= 100
            began = world.now
        assert world.now - began < 5
        judge.finish(exchange)
        return judge

    try:
        return run(main())
    except AssertionError as exc:
        raise AssertionError(f"seed {seed}: {exc}; " + ", ".join(told[-12:])) from exc


def _one(seed: int, minutes: float, dense: bool) -> tuple[int, str]:
    """Views that were judged, and what went wrong."""
    logging.disable()
    try:
        return swarm(seed, minutes, dense=dense).views, ""
    except Exception as exc:  # noqa: BLE001 (whatever it is, its seed has to be known)
        return 0, f"seed {seed}: {type(exc).__name__}: {exc}"


def main(arguments: list[str] | None = None) -> int:
    """Many seeds on two processors. Returns 1 if one of them failed; it fails again whenever it is run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first", type=int)
    parser.add_argument("after", type=int, help="the seed after the last one")
    parser.add_argument("--minutes", type=float, default=10.0, help="virtual minutes of a seed")
    parser.add_argument("--dense", action="store_true", help="lively, deep markets")
    options = parser.parse_args(arguments)
    began, views, failures = time.monotonic(), 0, []
    seeds = range(options.first, options.after)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        for seen, failure in pool.map(
            _one, seeds, [options.minutes] * len(seeds), [options.dense] * len(seeds), chunksize=5
        ):
            views += seen
            if failure:
                failures.append(failure)
                print(failure, flush=True)
    minutes = (time.monotonic() - began) / 60
    hours = len(seeds) * options.minutes / 60
    print(
        f"{len(seeds)} seeds, {hours:.0f} virtual hours, {hours / minutes:.0f} a minute; "
        f"{views:,} states of books judged; {len(failures)} seeds failed"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
