"""One simulated market order by order: channel `level3` as a subscriber with a limited depth is told about
it.

As in `market`, every change is made to the full book and the message is what changes in the window: a
level that scrolls into view brings all its orders as `add`, in queue order and with their own instants; a
level pushed out is not mentioned. The checksum covers every order of the ten best levels a side. About 60
% of the events add an order and 38 % delete one, as recorded.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from random import Random
from typing import NamedTuple
from zlib import crc32

from benchmarks.market import Pair

ADD_SHARE = 0.5
MODIFY_SHARE = 0.01


@dataclass
class Order:
    """A resting order; `ticks` and `units` are integers, `born` nanoseconds since the epoch."""

    order_id: str
    ticks: int
    units: int
    born: int


class Change(NamedTuple):
    """One event of a message, with the order as it is said in it."""

    event: str
    order_id: str
    ticks: int
    units: int
    born: int


class QueueSide:
    """Price levels of one side, best first; keys of bids are negative ticks."""

    def __init__(self, market: QueueMarket, *, sign: int, best: int, depth: int) -> None:
        self.market = market
        self.sign = sign
        self.depth = depth
        self.keys: list[int] = []
        self.queues: dict[int, list[Order]] = {}
        for step in range(depth + 20):
            for _ in range(1 + step % 3):
                self.rest(sign * best + 2 * step, 0)

    def rest(self, key: int, now: int) -> Order:
        """A new order at the tail of its level."""
        if key not in self.queues:
            self.keys.insert(bisect_left(self.keys, key), key)
            self.queues[key] = []
        order = self.market.new_order(abs(key), now)
        self.queues[key].append(order)
        return order

    def add(self, now: int) -> list[Change]:
        index = self.place()
        key = self.keys[index]
        if index and self.market.random.random() < 0.4:
            key -= 1
        return [said("add", self.rest(key, now))]

    def modify(self) -> list[Change]:
        order = self.queues[self.keys[self.place()]][0]
        order.units = 1 + order.units // 2
        return [said("modify", order)]

    def delete(self, now: int) -> list[Change]:
        """Take the first order of a level out; if the level ends, the next one scrolls into view."""
        index = self.place()
        key = self.keys[index]
        queue = self.queues[key]
        if index == 0 and len(queue) == 1:
            return self.add(now)
        changes = [said("delete", queue.pop(0))]
        if not queue:
            del self.queues[self.keys.pop(index)]
            changes += [said("add", order) for order in self.queues[self.keys[self.depth - 1]]]
            self.rest(self.keys[-1] + 2, now)
        return changes

    def place(self) -> int:
        return int(self.market.random.random() ** 2 * self.depth)

    def orders(self) -> list[Order]:
        """Every order in the window, best level first, in queue order."""
        return [order for key in self.keys[: self.depth] for order in self.queues[key]]

    def digits(self) -> str:
        return "".join(f"{order.ticks}{order.units}" for key in self.keys[:10] for order in self.queues[key])


class QueueMarket:
    """Both sides of one pair, order by order."""

    def __init__(self, pair: Pair, random: Random, number: int) -> None:
        self.pair = pair
        self.random = random
        self.prefix = f"O{number:05d}"
        self.count = 0
        self.bids = QueueSide(self, sign=-1, best=pair.ticks, depth=pair.depth)
        self.asks = QueueSide(self, sign=1, best=pair.ticks + 1, depth=pair.depth)

    def new_order(self, ticks: int, now: int) -> Order:
        self.count += 1
        draw = int(self.random.random() * 10**9)
        identity = f"{self.prefix}-{self.count // 100_000:05d}-{self.count % 100_000:06d}"
        return Order(identity, ticks, 1 + draw * 3, now)

    def checksum(self) -> int:
        return crc32((self.asks.digits() + self.bids.digits()).encode())

    def update(self, now: int) -> tuple[list[Change], list[Change]]:
        """One event, and what it brings into view: the changes of bids and of asks."""
        draw = self.random.random()
        side = self.bids if self.random.random() < 0.5 else self.asks
        if draw < MODIFY_SHARE:
            changes = side.modify()
        elif draw < MODIFY_SHARE + ADD_SHARE:
            changes = side.add(now)
        else:
            changes = side.delete(now)
        return (changes, []) if side is self.bids else ([], changes)


def said(event: str, order: Order) -> Change:
    """An event about `order` as it stands."""
    return Change(event, order.order_id, order.ticks, order.units, order.born)
