"""Seeded frames as Kraken sends them: the one workload of every benchmark.

The mix is 75 % book updates of two level changes, 12 % ticker, 8 % trade, the rest ohlc, heartbeat and
executions; ten symbols, of which six are subscribed at depth 10, three at 100 and one at 1000; 234 bytes a
frame on average. Checksums, windows, trade ids and sequences are right throughout, so a handler that
refuses anything is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from benchmarks.accounts import Account
from benchmarks.market import Entry, Market, Pair, quantity
from benchmarks.wire_v2 import Bar, Fill, Quote, WireV2

# Upper ends of the shares of one draw, per channel.
MIXED = (
    ("book", 0.75),
    ("ticker", 0.87),
    ("trade", 0.95),
    ("ohlc", 0.975),
    ("heartbeat", 0.985),
    ("executions", 1.0),
)
PUBLIC = (("book", 0.75), ("ticker", 0.87), ("trade", 0.95), ("ohlc", 0.98), ("heartbeat", 1.0))
BOOK_ONLY = (("book", 1.0),)
TICKER_ONLY = (("ticker", 1.0),)

MIXED_DEPTHS = (10, 100, 10, 1000, 10, 100, 10, 10, 100, 10)
START = 1_795_334_400_000_000  # 2026-11-22T08:00:00Z in microseconds

_KNOWN = (
    ("BTC/USD", 1, 633_887),
    ("ETH/USD", 2, 302_780),
    ("XRP/USD", 5, 241_234),
    ("SOL/USD", 2, 14_122),
    ("DOGE/USD", 5, 14_213),
    ("ADA/USD", 5, 58_312),
    ("MATIC/USD", 4, 5_668),
    ("PEPE/USD", 5, 812),
    ("DOT/USD", 4, 41_523),
    ("LTC/EUR", 3, 84_310),
)


class Wire(Protocol):
    """How facts become frames: `WireV2`, or `WireV1` for peers that know only the older protocol."""

    def status(self, connection_id: int) -> bytes: ...
    def heartbeat(self) -> bytes: ...
    def ack(self, channel: str, pair: Pair | None, micros: int) -> bytes: ...
    def instrument(self, pairs: list[Pair]) -> bytes: ...
    def book(
        self, kind: str, market: Market, bids: list[Entry], asks: list[Entry], checksum: int, micros: int
    ) -> bytes: ...
    def ticker(self, kind: str, pair: Pair, quote: Quote, micros: int) -> bytes: ...
    def trade(self, kind: str, pair: Pair, fills: list[Fill], micros: int) -> bytes: ...
    def ohlc(self, kind: str, pair: Pair, bar: Bar, micros: int) -> bytes: ...
    def executions(self, kind: str, report: str, sequence: int) -> bytes: ...


def make_pairs(symbols: int, depth: int | None) -> list[Pair]:
    """`symbols` pairs with one to five price decimals, at one depth, or at the mixed depths if None."""
    pairs = []
    for index in range(symbols):
        if index < len(_KNOWN):
            symbol, decimals, ticks = _KNOWN[index]
        else:
            symbol, decimals, ticks = f"T{index:03d}/USD", 1 + index % 5, 900 + index * 7919 % 300_000
        deep = depth or MIXED_DEPTHS[index % len(MIXED_DEPTHS)]
        # A deep book needs room between its price and zero.
        pairs.append(Pair(symbol, decimals, max(ticks, deep * 60 if deep > 10 else 0), deep))
    return pairs


@dataclass
class Workload:
    """Frames to set up (status, acks, snapshots), frames to measure with, and what is true at the end."""

    pairs: list[Pair]
    setup: list[bytes]
    frames: list[bytes]
    counts: Counter[str] = field(default_factory=Counter)
    books: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    """Best bid, best ask and checksum of every symbol after the last frame."""

    @property
    def average_bytes(self) -> float:
        return sum(map(len, self.frames)) / max(1, len(self.frames))


class Feed:
    """An endless connection: `setup()` once, then `frames(n)` as often as wanted; everything stays
    consecutive.
    """

    def __init__(
        self,
        *,
        symbols: int = 10,
        depth: int | None = None,
        mix: tuple[tuple[str, float], ...] = MIXED,
        seed: int = 1,
        wire: Wire | None = None,
    ) -> None:
        self.random = Random(seed)
        self.wire: Wire = wire or WireV2()
        self.mix = mix
        self.channels = {channel for channel, _ in mix}
        self.pairs = make_pairs(symbols, depth)
        self.markets = [Market(pair, self.random) for pair in self.pairs]
        self.trade_ids = [1_000_000 + 1000 * index for index in range(symbols)]
        self.account = Account()
        self.micros = START
        self.counts: Counter[str] = Counter()

    def setup(self) -> list[bytes]:
        """Status, then per channel and symbol the ack and the snapshot."""
        wire, now = self.wire, self.micros
        frames = [
            wire.status(7_204_881_492_680_171_915),
            wire.ack("instrument", None, now),
            wire.instrument(self.pairs),
        ]
        for index, market in enumerate(self.markets):
            for channel in ("book", "ticker", "trade", "ohlc"):
                if channel in self.channels:
                    frames += [wire.ack(channel, market.pair, now), self.snapshot(channel, index)]
        if "executions" in self.channels:
            frames += [
                wire.ack("executions", None, now),
                wire.executions("snapshot", "", self.account.sequence),
            ]
        return frames

    def snapshot(self, channel: str, index: int) -> bytes:
        market, wire, now = self.markets[index], self.wire, self.micros
        match channel:
            case "book":
                return wire.book(
                    "snapshot", market, market.bids.window(), market.asks.window(), market.checksum(), now
                )
            case "ticker":
                return wire.ticker("snapshot", market.pair, self.quote(market), now)
            case "trade":
                return wire.trade("snapshot", market.pair, [self.fill(index) for _ in range(50)], now)
            case _:
                return wire.ohlc("snapshot", market.pair, self.bar(market), now)

    def frames(self, count: int) -> Iterator[bytes]:
        """The next `count` frames after the set-up."""
        random, mix = self.random.random, self.mix
        for _ in range(count):
            self.micros += 1 + int(random() * 400)
            draw = random()
            channel = next(name for name, upto in mix if draw < upto)
            self.counts[channel] += 1
            yield self.frame(channel, int(random() * len(self.markets)))

    def frame(self, channel: str, index: int) -> bytes:
        market, wire, now = self.markets[index], self.wire, self.micros
        match channel:
            case "book":
                bids, asks = market.update()
                return wire.book("update", market, bids, asks, market.checksum(), now)
            case "ticker":
                return wire.ticker("update", market.pair, self.quote(market), now)
            case "trade":
                fills = [self.fill(index) for _ in range(1 if self.random.random() < 0.7 else 2)]
                return wire.trade("update", market.pair, fills, now)
            case "ohlc":
                return wire.ohlc("update", market.pair, self.bar(market), now)
            case "heartbeat":
                return wire.heartbeat()
            case _:
                return wire.executions("update", *self.account.report(market.pair, now))

    def quote(self, market: Market) -> Quote:
        pair, bids, asks = market.pair, market.bids, market.asks
        bid, ask, draw = bids.best(), asks.best(), self.random.random()
        move = bid - pair.ticks
        return Quote(
            bid=pair.price(bid),
            bid_qty=quantity(bids.units[-bid]),
            ask=pair.price(ask),
            ask_qty=quantity(asks.units[ask]),
            last=pair.price(bid if draw < 0.5 else ask),
            volume=quantity(int(draw * 9e12) + 10**11),
            vwap=pair.price(pair.ticks),
            low=pair.price(pair.ticks - pair.ticks // 20),
            high=pair.price(pair.ticks + pair.ticks // 20),
            change=("-" if move < 0 else "") + pair.price(abs(move)),
            change_pct=f"{100 * move / pair.ticks:.2f}",
            trades=20_000 + int(draw * 30_000),
        )

    def fill(self, index: int) -> Fill:
        market, draw = self.markets[index], self.random.random()
        self.trade_ids[index] += 1
        price = market.asks.best() if draw < 0.5 else market.bids.best()
        return Fill(
            side="buy" if draw < 0.5 else "sell",
            price=market.pair.price(price),
            qty=quantity(market.bids.new_units()),
            ord_type="limit" if draw < 0.8 else "market",
            trade_id=self.trade_ids[index],
        )

    def bar(self, market: Market) -> Bar:
        pair, best, draw = market.pair, market.bids.best(), self.random.random()
        return Bar(
            open=pair.price(pair.ticks),
            high=pair.price(max(pair.ticks, best)),
            low=pair.price(min(pair.ticks, best)),
            close=pair.price(best),
            vwap=pair.price((pair.ticks + best) // 2),
            volume=quantity(int(draw * 5e10)),
            trades=1 + int(draw * 90),
            begin=self.micros // 60_000_000 * 60,
        )

    def books(self) -> dict[str, tuple[str, str, int]]:
        """Best bid, best ask and checksum of every symbol now."""
        return {
            market.pair.symbol: (
                market.pair.price(market.bids.best()),
                market.pair.price(market.asks.best()),
                market.checksum(),
            )
            for market in self.markets
        }


def generate(
    frames: int,
    *,
    symbols: int = 10,
    depth: int | None = None,
    mix: tuple[tuple[str, float], ...] = MIXED,
    seed: int = 1,
    wire: Wire | None = None,
) -> Workload:
    """A finite workload; the same arguments give the same bytes."""
    feed = Feed(symbols=symbols, depth=depth, mix=mix, seed=seed, wire=wire)
    setup = feed.setup()
    body = list(feed.frames(frames))
    return Workload(feed.pairs, setup, body, feed.counts, feed.books())
