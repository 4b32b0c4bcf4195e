"""One side of a Level 3 book: price levels in order of price, each a queue of orders in order of arrival.

A level is a dict from order id to order. A dict keeps the order of insertion, and replacing a value keeps
its place; that is the queue rule: a new order goes to the tail, a changed one keeps its place, and a
removal costs the same anywhere. The digits for the checksum are made once an order, and joined once a level
until the level changes.

The key of a level is its price without the point, an exact integer, negative for bids. While the fraction
digits of the pair are not known, the price itself is the key, and there are no digits.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Context, Decimal
from functools import reduce

from msgspec import Struct

from krakenwire.wire.book import PROVEN_LEVELS, Level3Order
from krakenwire.wire.enums import Level3Event

Key = int | Decimal

# A quantity has at most 64 digits, so no sum of the orders that fit into memory is ever rounded.
_EXACT = Context(prec=200)

_ADD, _DELETE = Level3Event.ADD, Level3Event.DELETE


class OrderLevel(Struct, frozen=True):
    """The orders at one price, first in the queue first."""

    price_text: str
    """Price in plain notation, in quote currency."""
    orders: tuple[Level3Order, ...]
    """Each as last received, so `event` tells what last happened to it."""

    @property
    def price(self) -> Decimal:
        """Price in quote currency, with the digits received."""
        return Decimal(self.price_text)

    @property
    def qty(self) -> Decimal:
        """Visible quantity of all orders together, in base currency, exact."""
        return reduce(_EXACT.add, (order.order_qty for order in self.orders))


class Queue:
    """The orders at one price, first come first."""

    __slots__ = ("_digits", "key", "made_level", "made_text", "orders", "price_text")

    def __init__(self, key: Key, price_text: str) -> None:
        self.key = key
        self.price_text = price_text
        self.orders: dict[str, Level3Order] = {}
        self._digits: dict[str, bytes] = {}
        # Both until the level changes. Ten levels are looked at for every message, so these may be read without a call.
        self.made_text: bytes | None = None
        self.made_level: OrderLevel | None = None

    @property
    def level(self) -> OrderLevel:
        """The level as it stands; it does not change any more."""
        if self.made_level is None:
            self.made_level = OrderLevel(self.price_text, tuple(self.orders.values()))
        return self.made_level

    @property
    def text(self) -> bytes:
        """What this level adds to the checksum's input."""
        if self.made_text is None:
            self.made_text = b"".join(self._digits.values())
        return self.made_text

    def put(self, order: Level3Order, *, exact: bool) -> None:
        """Add an order at the tail, or change it in its place."""
        self.orders[order.order_id] = order
        if exact:
            qty = order.order_qty_text.replace(".", "").lstrip("0")
            self._digits[order.order_id] = f"{abs(self.key)}{qty}".encode()
        self.made_text = self.made_level = None

    def remove(self, order_id: str) -> None:
        """Take an order out of the queue."""
        del self.orders[order_id]
        self._digits.pop(order_id, None)
        self.made_text = self.made_level = None

    def digits(self, order_id: str) -> bytes:
        """What one order adds to the checksum's input."""
        return self._digits[order_id]


class OrderSide:
    """Bids (`descending`) or asks of one book."""

    __slots__ = ("_descending", "depth", "exact", "keys", "places", "queues", "touched")

    def __init__(self, *, descending: bool, depth: int) -> None:
        self._descending = descending
        self.depth = depth
        self.exact = False
        """True while every token is plain text with the fraction digits of the pair."""
        self.keys: list[Key] = []
        self.queues: list[Queue] = []
        self.places: dict[str, Queue] = {}
        """Where each order stands."""
        self.touched = True
        """Whether one of the ten best levels changed since the checksum's input was made."""

    def clear(self) -> None:
        """Forget every order."""
        self.keys, self.queues, self.places = [], [], {}
        self.touched = True

    def take(self, order: Level3Order) -> bool:
        """Do what an order's event says. False if a changed or removed order is not on this side."""
        if order.event is None or order.event == _ADD:
            self.append(order)
            return True
        queue = self.places.get(order.order_id)
        if queue is None:
            return False
        if order.event == _DELETE:
            self._remove(queue, order.order_id)
        elif queue.price_text == order.limit_price_text or queue.key == self._key(order.limit_price_text):
            queue.put(order, exact=self.exact)
            self._touch(bisect_left(self.keys, queue.key))
        else:
            self._remove(queue, order.order_id)
            self.append(order)
        return True

    def append(self, order: Level3Order) -> None:
        """Put an order at the tail of its level."""
        key = self._key(order.limit_price_text)
        at = bisect_left(self.keys, key)
        if at == len(self.keys) or self.keys[at] != key:
            self.keys.insert(at, key)
            self.queues.insert(at, Queue(key, order.limit_price_text))
        queue = self.queues[at]
        queue.put(order, exact=self.exact)
        self.places[order.order_id] = queue
        self._touch(at)

    def cut(self) -> None:
        """Drop whole levels beyond the depth, with their orders. Kraken sends no removal for them."""
        if len(self.keys) <= self.depth:
            return
        for queue in self.queues[self.depth :]:
            for order_id in queue.orders:
                del self.places[order_id]
        del self.keys[self.depth :], self.queues[self.depth :]

    def text(self) -> bytes:
        """The checksum's input of this side, from now on not touched."""
        self.touched = False
        return b"".join([queue.made_text or queue.text for queue in self.queues[:PROVEN_LEVELS]])

    def best(self) -> list[OrderLevel]:
        """The ten best levels as they stand."""
        return [queue.made_level or queue.level for queue in self.queues[:PROVEN_LEVELS]]

    def _key(self, price: str) -> Key:
        if self.exact:
            whole = int(price.replace(".", ""))
            return -whole if self._descending else whole
        key = Decimal(price)
        # A minus sign alone would round what has more than 28 digits.
        return key.copy_negate() if self._descending else key

    def _remove(self, queue: Queue, order_id: str) -> None:
        del self.places[order_id]
        queue.remove(order_id)
        at = bisect_left(self.keys, queue.key)
        if not queue.orders:
            del self.keys[at], self.queues[at]
        self._touch(at)

    def _touch(self, at: int) -> None:
        if at < PROVEN_LEVELS:
            self.touched = True
