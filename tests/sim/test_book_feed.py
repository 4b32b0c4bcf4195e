"""Channel `book` of the simulated exchange: windows as Kraken makes them, checksums as Kraken computes them."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.sim.engine import Side
from krakenwire.sim.feeds.book import BookFeed, checksum
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Pair
from tests.vectors.books import V1, V1_ASKS, V1_BIDS

AT = 1_795_334_400_123_456_789


class Reader:
    """A client that keeps the book by the plain rules: set, remove, cut to depth; `hasty` cuts after every entry."""

    def __init__(self, depth: int, *, hasty: bool = False) -> None:
        self.depth = depth
        self.hasty = hasty
        self.frames: list[Any] = []
        self.sides: dict[str, dict[Decimal, str]] = {"bids": {}, "asks": {}}

    def send(self, frame: bytes, label: Any, at: int) -> None:
        message = json.loads(frame, parse_float=str, parse_int=str)
        self.frames.append(message)
        (data,) = message["data"]
        for name, levels in self.sides.items():
            if message["type"] == "snapshot":
                levels.clear()
            for entry in data[name]:
                price = Decimal(entry["price"])
                if Decimal(entry["qty"]):
                    levels[price] = entry["price"] + " " + entry["qty"]
                else:
                    del levels[price]  # a removal of a level that is not there never comes
                if self.hasty:
                    self.cut(name)
            self.cut(name)
        assert str(self.checksum()) == data["checksum"]

    def cut(self, name: str) -> None:
        for price in self.best(name)[self.depth :]:
            del self.sides[name][price]

    def best(self, name: str) -> list[Decimal]:
        return sorted(self.sides[name], reverse=name == "bids")

    def checksum(self) -> int:
        tokens = [self.sides[name][price] for name in ("asks", "bids") for price in self.best(name)[:10]]
        return crc32(
            "".join(t.replace(".", "").lstrip("0") for line in tokens for t in line.split()).encode()
        )


def market(price_precision: int = 1) -> Market:
    return Market(Pair(symbol="BTC/USD", price_precision=price_precision))


def test_repeated_price_is_told_in_order() -> None:
    """What a level had at a mark is told before what it has at the end, and the last entry is the true one."""
    made = market()
    feed, reader = BookFeed(made, 10), Reader(10)
    feed.subscribers.append(reader)
    made.streams.append(feed)
    made.place(Side.BUY, 100, 1000, at=AT)
    made.mark()
    made.place(Side.BUY, 50, 1000, at=AT)
    made.publish(AT)
    assert [entry["qty"] for entry in reader.frames[0]["data"][0]["bids"]] == ["0.00000100", "0.00000150"]


def test_pushed_out_levels_are_not_mentioned_and_risen_ones_come_along() -> None:
    """An eleventh level goes without a word, and comes back in the message that removes another."""
    made = market()
    feed, reader = BookFeed(made, 10), Reader(10)
    feed.subscribers.append(reader)
    made.streams.append(feed)
    orders = [made.place(Side.SELL, 7, 100 + n, at=AT) for n in range(10)]
    made.publish(AT)
    made.place(Side.SELL, 7, 99, at=AT)
    made.publish(AT)
    made.cancel(orders[3])
    made.publish(AT)
    assert [
        [(entry["price"], entry["qty"]) for entry in frame["data"][0]["asks"]] for frame in reader.frames[1:]
    ] == [
        [("9.9", "0.00000007")],
        [("10.3", "0.00000000"), ("10.9", "0.00000007")],
    ]


def test_risen_level_is_told_although_its_quantity_is_the_old_one() -> None:
    """A level that changed below the window, to what it was before, is new to those who see it rise."""
    made = market()
    feed, reader = BookFeed(made, 10), Reader(10)
    feed.subscribers.append(reader)
    made.streams.append(feed)
    orders = [made.place(Side.BUY, 7, 1000 - n, at=AT) for n in range(11)]
    made.publish(AT)
    made.cancel(made.place(Side.BUY, 3, 990, at=AT))
    made.cancel(orders[0])
    made.publish(AT)
    assert [(entry["price"], entry["qty"]) for entry in reader.frames[-1]["data"][0]["bids"]] == [
        ("100.0", "0.00000000"),
        ("99.0", "0.00000007"),
    ]


def test_changes_below_the_window_are_silent() -> None:
    """What happens below the subscribed depth makes no message."""
    made = market()
    feed, reader = BookFeed(made, 10), Reader(10)
    for n in range(10):
        made.place(Side.BUY, 7, 1000 - n, at=AT)
    made.publish(AT)
    feed = BookFeed(made, 10)
    feed.subscribers.append(reader)
    made.streams.append(feed)
    made.cancel(made.place(Side.BUY, 7, 900, at=AT))
    made.place(Side.BUY, 9, 901, at=AT)
    made.publish(AT)
    assert reader.frames == []


def test_known_checksum() -> None:
    """A book that Kraken published with its checksum has that checksum here, computed from integers."""
    made = market()
    for side, levels in ((Side.BUY, V1_BIDS), (Side.SELL, V1_ASKS)):
        for price, qty in levels:
            made.place(side, int(Decimal(qty).scaleb(8)), int(Decimal(price).scaleb(1)), at=AT)
    assert checksum(made) == V1


@pytest.mark.parametrize("hasty", [False, True])
@pytest.mark.parametrize("depth", [10, 25])
@given(seed=st.integers(0, 10**9), decimals=st.sampled_from([0, 1, 5]))
def test_reader_of_the_frames_has_the_window_of_the_engine(
    depth: int, seed: int, decimals: int, *, hasty: bool
) -> None:
    """Whatever happens in the market, a client that follows the rules holds the engine's best levels, each frame's checksum is that of
    his book, and no removal comes of a level that he has not; whether he cuts his book after messages or after entries.
    """
    made, random = market(decimals), Random(seed)
    feed, reader = BookFeed(made, depth), Reader(depth, hasty=hasty)
    reader.send(feed.snapshot(AT), feed.snapshot_label, AT)
    feed.subscribers.append(reader)
    made.streams.append(feed)
    for _ in range(80):
        for _ in range(random.choice([1, 1, 4, 20])):
            action = random.random()
            orders = list(made.engine.orders.values())
            if action < 0.6 or not orders:
                price = random.choice([None, *range(1, 80)])
                made.place(Side(random.randint(0, 1)), random.randint(1, 10**10), price, at=AT)
            elif action < 0.9:
                made.cancel(random.choice(orders))
            else:
                made.mark()
        made.publish(AT)
        held = [
            [text for _, text in sorted(reader.sides[name].items(), reverse=name == "bids")]
            for name in ("bids", "asks")
        ]
        assert held == [
            [f"{made.pair.price(level.price)} {made.pair.qty(level.total)}" for level in side.window(depth)]
            for side in made.engine.sides
        ]
