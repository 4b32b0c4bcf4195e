"""Channel `level3` of the simulated exchange: orders, queues and windows."""

from __future__ import annotations

import json
from decimal import Decimal
from random import Random
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.sim.engine import Order, Side
from krakenwire.sim.feeds.level3 import Level3Feed, queue_checksum
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Pair
from tests.vectors.books import V7, V7_ASKS, V7_BIDS, levels_of

AT = 1_795_334_400_123_456_000
Row = tuple[str, str, str]
"""Order id, price, quantity."""


class Reader:
    """A client by the plain rules: `add` at the tail, `modify` in place, `delete` by id, then cut to so many price levels."""

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.frames: list[Any] = []
        self.sides: dict[str, dict[Decimal, list[Row]]] = {"bids": {}, "asks": {}}

    def send(self, frame: bytes, label: Any, at: int) -> None:
        message = json.loads(frame, parse_float=str, parse_int=str)
        self.frames.append(message)
        (data,) = message["data"]
        for name, levels in self.sides.items():
            if message["type"] == "snapshot":
                levels.clear()
            for entry in data[name]:
                self._take(levels, entry)
            for price in self.best(name)[self.depth :]:
                del levels[price]
        assert str(self.checksum()) == data["checksum"]

    def _take(self, levels: dict[Decimal, list[Row]], entry: Any) -> None:
        row = (entry["order_id"], entry["limit_price"], entry["order_qty"])
        price = Decimal(row[1])
        held = [known for known in levels.get(price, []) if known[0] == row[0]]
        if entry.get("event", "add") == "add":
            assert not held
            levels.setdefault(price, []).append(row)
            return
        (known,) = held
        queue = levels[price]
        if entry["event"] == "modify":
            assert known != row
            queue[queue.index(known)] = row
        else:
            assert known == row  # a removal names the quantity that goes
            queue.remove(known)
            if not queue:
                del levels[price]

    def best(self, name: str) -> list[Decimal]:
        return sorted(self.sides[name], reverse=name == "bids")

    def rows(self, name: str, depth: int) -> list[Row]:
        return [row for price in self.best(name)[:depth] for row in self.sides[name][price]]

    def checksum(self) -> int:
        rows = self.rows("asks", 10) + self.rows("bids", 10)
        return crc32("".join(t.replace(".", "").lstrip("0") for row in rows for t in row[1:]).encode())


def followed(depth: int) -> tuple[Market, Reader]:
    """An empty market with a reader."""
    made, reader = Market(Pair(symbol="BTC/USD", price_precision=1)), Reader(depth)
    feed = Level3Feed(made, depth)
    feed.subscribers.append(reader)
    made.streams.append(feed)
    return made, reader


def events(reader: Reader, side: str) -> list[tuple[str, str]]:
    """Event and order of the last frame."""
    return [(entry["event"], entry["order_id"]) for entry in reader.frames[-1]["data"][0][side]]


def test_known_checksum() -> None:
    """The orders that Kraken published with their checksum have that checksum here, computed from integers."""
    made = Market(Pair(symbol="BTC/USD", price_precision=1))
    for side, orders in ((Side.BUY, V7_BIDS), (Side.SELL, V7_ASKS)):
        for price, qty in levels_of(orders):
            made.place(side, int(Decimal(qty).scaleb(8)), int(Decimal(price).scaleb(1)), at=AT)
    assert queue_checksum(made) == V7


def test_partial_fill_is_a_modify_and_a_complete_one_a_delete() -> None:
    """A fill that leaves something keeps the order's place and timestamp; one that leaves nothing removes it with the quantity it had."""
    made, reader = followed(10)
    first, second = (made.place(Side.SELL, 5, 100, at=AT) for _ in range(2))
    made.publish(AT)
    stamp = reader.frames[-1]["data"][0]["asks"][1]["timestamp"]
    made.place(Side.BUY, 7, None, at=AT + 1_000_000)
    made.publish(AT + 1_000_000)
    assert events(reader, "asks") == [("delete", first.order_id), ("modify", second.order_id)]
    gone, left = reader.frames[-1]["data"][0]["asks"]
    assert (gone["order_qty"], left["order_qty"], left["timestamp"]) == ("0.00000005", "0.00000003", stamp)


def test_risen_level_brings_its_whole_queue_with_old_timestamps() -> None:
    """Orders of a level that moves up come as adds in queue order, with the timestamps they had all the time."""
    made, reader = followed(10)
    window = [made.place(Side.SELL, 7, 100 + n, at=AT) for n in range(10)]
    below = [made.place(Side.SELL, 7, 110, at=AT + n * 1_000_000) for n in range(3)]
    made.publish(AT)
    made.cancel(window[4])
    made.publish(AT + 60_000_000_000)
    assert events(reader, "asks") == [("delete", window[4].order_id), *(("add", o.order_id) for o in below)]
    assert [entry["timestamp"][-10:] for entry in reader.frames[-1]["data"][0]["asks"][1:]] == [
        "123456010Z",
        "124456011Z",
        "125456012Z",
    ]


def test_lost_place_is_a_delete_and_an_add() -> None:
    """An order that goes to the tail of its own queue is removed and added; so is one that gets another price."""
    made, reader = followed(10)
    first, second = (made.place(Side.BUY, 5, 100, at=AT) for _ in range(2))
    made.publish(AT)
    made.move(first, 100, 6, at=AT)
    made.publish(AT)
    assert events(reader, "bids") == [("delete", first.order_id), ("add", first.order_id)]
    made.move(second, 99, 5, at=AT)
    made.publish(AT)
    assert events(reader, "bids") == [("delete", second.order_id), ("add", second.order_id)]
    assert [row[0] for row in reader.rows("bids", 10)] == [first.order_id, second.order_id]


def test_order_that_comes_and_goes_between_two_messages_is_never_told() -> None:
    """What was placed and cancelled within one publication makes no message."""
    made, reader = followed(10)
    made.cancel(made.place(Side.BUY, 5, 100, at=AT))
    made.publish(AT)
    assert reader.frames == []


@pytest.mark.parametrize("depth", [10, 100])
@given(seed=st.integers(0, 10**9))
def test_reader_of_the_frames_has_the_queues_of_the_engine(depth: int, seed: int) -> None:
    """Whatever happens in the market, a client that follows the rules holds the engine's queues, each frame's checksum is that of
    his book, no add is of an order he has, and no change of one he has not.
    """
    made, reader = followed(depth)
    random = Random(seed)
    for _ in range(80):
        for _ in range(random.choice([1, 1, 4, 20])):
            change_anything(made, random)
        made.publish(AT)
        for name, side in zip(("bids", "asks"), made.engine.sides, strict=True):
            assert reader.rows(name, depth) == [
                (order.order_id, made.pair.price(order.price), made.pair.qty(order.qty))
                for level in side.window(depth)
                for order in level.orders.values()
            ]


def change_anything(made: Market, random: Random) -> None:
    """A new order, or another quantity, another price or the end of an old one."""
    action = random.random()
    orders = list(made.engine.orders.values())
    if action < 0.6 or not orders:
        price = random.choice([None, *range(1, 60)])
        made.place(Side(random.randint(0, 1)), random.randint(1, 10**10), price, at=AT)
        return
    order: Order = random.choice(orders)
    if action < 0.75:
        made.cancel(order)
    elif action < 0.87:
        made.resize(order, random.randint(1, 10**10))
    elif not made.engine.crosses(order.side, price := random.choice([order.price, *range(1, 60)])):
        made.move(order, price, random.randint(1, 10**10), at=AT)
