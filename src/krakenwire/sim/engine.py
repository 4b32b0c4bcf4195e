"""Price-time priority: the resting orders of one market, and what happens when they meet.

Prices and quantities are integers: units of the last digit that the market shows (`market.Market` knows how many digits that are). Both
sides are sorted by a key, best first: the price for asks, the negative price for bids, so that one rule serves both. A level holds its
orders in a dictionary, which keeps the order of arrival: the queue.

Every change is written into the `Journal`: what a level or an order was before the first change since the journal was last emptied.
Feeds compare that with what it is now, so a message may cover one change or a hundred.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from enum import IntEnum
from typing import NamedTuple

from krakenwire.sim.pair import Scaling


class Side(IntEnum):
    """Which way an order goes. The other one is `1 - side`."""

    BUY = 0
    SELL = 1


class Order:
    """One order. While it rests it stands in the queue of its level; `qty` is what can still be filled and is shown."""

    __slots__ = ("hidden", "key", "order_id", "owner", "price", "qty", "resting", "shows", "side", "stamp")

    def __init__(
        self, order_id: str, side: Side, price: int, qty: int, *, stamp: int, owner: object = None
    ) -> None:
        self.order_id = order_id
        self.side = side
        self.price = price
        self.key = -price if side is Side.BUY else price
        self.qty = qty
        self.stamp = stamp
        """When it got its place in the queue, ns since 1970."""
        self.owner = owner
        """Whoever has to be told about it; None for the order flow of the exchange itself."""
        self.resting = False
        self.shows = 0
        """The visible slice of an iceberg order; zero for all others."""
        self.hidden = 0
        """What an iceberg order has behind its slice."""

    def __repr__(self) -> str:
        return f"Order({self.order_id}, {self.side.name}, {self.qty}@{self.price})"


class Fill(NamedTuple):
    """Two orders met. The price is the maker's."""

    taker: Order
    maker: Order
    price: int
    qty: int


class Was(NamedTuple):
    """How an order stood before the journal's first note of it."""

    key: int | None
    """None: it did not rest."""
    qty: int
    requeued: bool
    """It lost its place since, so that even at the same price it is another entry of the queue."""


_ABSENT = Was(None, 0, requeued=False)


class Level:
    """One price with its queue. `total` is the sum of what its orders show."""

    __slots__ = ("digits", "orders", "price", "total")

    def __init__(self, price: int) -> None:
        self.price = price
        self.orders: dict[str, Order] = {}
        self.total = 0
        self.digits: str | None = None
        """Price and total as the level 2 checksum reads them, if they were needed since the last change."""


class BookSide:
    """All levels of one side, best first."""

    __slots__ = ("keys", "levels")

    def __init__(self) -> None:
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def best(self) -> int | None:
        """The best price; None if the side is empty."""
        return abs(self.keys[0]) if self.keys else None

    def window(self, depth: int) -> list[Level]:
        """The best `depth` levels, best first."""
        levels = self.levels
        return [levels[key] for key in self.keys[:depth]]


class Journal:
    """What changed since the journal was last emptied."""

    __slots__ = ("fills", "levels", "orders", "repeats")

    def __init__(self) -> None:
        self.levels: tuple[dict[int, int], dict[int, int]] = ({}, {})
        """Per side: the key of every level that changed, and its total before."""
        self.orders: dict[Order, Was] = {}
        """Every order that changed, in the order of the last time it joined a queue."""
        self.fills: list[Fill] = []
        self.repeats: list[tuple[Side, int, int]] = []
        """Totals that levels had in between: side, key, total. A message tells them before the last one."""

    def clear(self) -> None:
        for changed in self.levels:
            changed.clear()
        self.orders.clear()
        self.fills.clear()
        self.repeats.clear()

    def mark(self, sides: tuple[BookSide, BookSide]) -> None:
        """Note the present totals of all changed levels, so that they are told although more changes follow."""
        for side in Side:
            levels = sides[side].levels
            for key in self.levels[side]:
                level = levels.get(key)
                self.repeats.append((side, key, 0 if level is None else level.total))


class Engine:
    """The two sides of one market."""

    def __init__(self) -> None:
        self.bids = BookSide()
        self.asks = BookSide()
        self.sides = (self.bids, self.asks)
        self.orders: dict[str, Order] = {}
        """Every resting order by its id."""
        self.journal = Journal()

    def crosses(self, side: Side, price: int) -> bool:
        """Whether an order at this limit would meet a resting one."""
        keys = self.sides[1 - side].keys
        return bool(keys) and (price >= keys[0] if side is Side.BUY else price <= -keys[0])

    def match(self, taker: Order, limit: int | None) -> None:
        """Fill the order from the other side as far as its limit allows; None takes any price. What is left stays in `taker.qty`."""
        book = self.sides[1 - taker.side]
        worst = None if limit is None else (limit if taker.side is Side.BUY else -limit)
        journal, keys = self.journal, book.keys
        changed = journal.levels[1 - taker.side]
        while taker.qty and keys:
            key = keys[0]
            if worst is not None and key > worst:
                break
            level = book.levels[key]
            changed.setdefault(key, level.total)
            level.digits = None
            while taker.qty and level.orders:
                maker = next(iter(level.orders.values()))
                journal.orders.setdefault(maker, Was(key, maker.qty, requeued=False))
                qty = min(taker.qty, maker.qty)
                taker.qty -= qty
                maker.qty -= qty
                level.total -= qty
                if maker.hidden and not maker.qty:
                    self._refill(maker, level, taker.stamp)
                elif not maker.qty:
                    del level.orders[maker.order_id], self.orders[maker.order_id]
                    maker.resting = False
                journal.fills.append(Fill(taker, maker, level.price, qty))
            if not level.orders:
                del keys[0], book.levels[key]

    def _refill(self, order: Order, level: Level, stamp: int) -> None:
        """An iceberg order shows its next slice, at the tail of its level: it can be met again at once."""
        order.qty = min(order.shows, order.hidden)
        order.hidden -= order.qty
        order.stamp = stamp
        level.total += order.qty
        level.orders[order.order_id] = level.orders.pop(order.order_id)
        was = self.journal.orders.pop(order)
        self.journal.orders[order] = was if was.key is None else was._replace(requeued=True)

    def rest(self, order: Order) -> None:
        """Put an order at the tail of its level. It must not cross: match it first."""
        book = self.sides[order.side]
        key = order.key
        level = book.levels.get(key)
        if level is None:
            level = book.levels[key] = Level(order.price)
            insort(book.keys, key)
        self.journal.levels[order.side].setdefault(key, level.total)
        was = self.journal.orders.pop(order, _ABSENT)
        self.journal.orders[order] = was if was.key is None else was._replace(requeued=True)
        level.orders[order.order_id] = order
        level.total += order.qty
        level.digits = None
        order.resting = True
        self.orders[order.order_id] = order

    def remove(self, order: Order) -> None:
        """Take a resting order out of its queue."""
        book = self.sides[order.side]
        key = order.key
        level = book.levels[key]
        self.journal.levels[order.side].setdefault(key, level.total)
        self.journal.orders.setdefault(order, Was(key, order.qty, requeued=False))
        del level.orders[order.order_id], self.orders[order.order_id]
        order.resting = False
        level.total -= order.qty
        level.digits = None
        if not level.orders:
            del book.levels[key]
            del book.keys[bisect_left(book.keys, key)]

    def resize(self, order: Order, qty: int) -> None:
        """Change the quantity of a resting order; it keeps its place. `qty` is above zero."""
        level = self.sides[order.side].levels[order.key]
        self.journal.levels[order.side].setdefault(order.key, level.total)
        self.journal.orders.setdefault(order, Was(order.key, order.qty, requeued=False))
        level.total += qty - order.qty
        level.digits = None
        order.qty = qty

    def misfits(self, scaling: Scaling) -> list[Order]:
        """Resting orders that have no room for their digits after this."""
        return [
            order
            for order in self.orders.values()
            if order.price % scaling.price_down
            or any(qty % scaling.qty_down for qty in (order.qty, order.hidden, order.shows))
        ]

    def rescale(self, scaling: Scaling) -> None:
        """Prices and quantities get other digits. There are no misfits any more, and the journal is empty."""
        up, down, more, less = scaling
        for book in self.sides:
            levels = [book.levels[key] for key in book.keys]
            book.levels.clear()
            book.keys[:] = [key * up // down for key in book.keys]
            for key, level in zip(book.keys, levels, strict=True):
                book.levels[key] = level
                level.price = abs(key)
                level.digits = None
                level.total = level.total * more // less
                for order in level.orders.values():
                    order.price, order.key = level.price, key
                    order.qty = order.qty * more // less
                    order.hidden = order.hidden * more // less
                    order.shows = order.shows * more // less

    def move(self, order: Order, price: int, qty: int, *, stamp: int) -> None:
        """Give a resting order another price or a new place at the tail. The new price must not cross."""
        self.remove(order)
        order.price = price
        order.key = -price if order.side is Side.BUY else price
        order.qty = qty
        order.stamp = stamp
        self.rest(order)
