"""The small exchange of `exchange.py` order by order: what Kraken would send on channel `level3`."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple
from zlib import crc32

from tests.session.exchange import STAMP, digits


class Order(NamedTuple):
    """A resting order. Changing its price means a new place at the tail of another queue."""

    order_id: str
    price: Decimal
    qty: Decimal


class Change(NamedTuple):
    """What happens to an order: it is new, it has a new price or quantity, or (quantity zero) it goes."""

    side: str
    """`bid` or `ask`."""
    order: Order


Queue = tuple[Decimal, tuple[Decimal, ...]]
TopQueues = tuple[tuple[Queue, ...], tuple[Queue, ...]]
"""Per side, best price first: the price and the quantities there, first in the queue first. Bids first."""


class OrderExchange:
    """One symbol's orders, seen at a depth of so many price levels."""

    def __init__(
        self,
        symbol: str = "BTC/USD",
        depth: int = 10,
        levels: int = 10,
        *,
        best_bid: str = "1000",
        step: str = "1",
        decimals: tuple[int, int] = (1, 8),
    ) -> None:
        self.symbol = symbol
        self.depth = depth
        self.decimals = decimals
        self.best_bid, self.step = Decimal(best_bid), Decimal(step)
        self.bids = [Order(f"B{n}", self.best_bid - n * self.step, Decimal(n + 1)) for n in range(levels)]
        self.asks = [
            Order(f"A{n}", self.best_bid + (n + 1) * self.step, Decimal(n + 1)) for n in range(levels)
        ]
        self.states: set[TopQueues] = set()
        """The ten best levels a side after each frame that was written."""
        self._ids = 0

    def window(self, depth: int | None = None) -> tuple[list[Order], list[Order]]:
        """The orders of the best levels, bids first, best first and within a level in order of arrival."""
        end = self.depth if depth is None else depth
        bids, asks = sorted(self.bids, key=lambda o: -o.price), sorted(self.asks, key=lambda o: o.price)
        best_bids = set(sorted({o.price for o in bids}, reverse=True)[:end])
        best_asks = set(sorted({o.price for o in asks})[:end])
        return [o for o in bids if o.price in best_bids], [o for o in asks if o.price in best_asks]

    def top(self, depth: int = 10) -> TopQueues:
        """Prices and queues of the best levels."""
        bids, asks = self.window(depth)
        return _queues(bids), _queues(asks)

    def checksum(self) -> int:
        """The checksum of the book as it stands."""
        bids, asks = self.window(10)
        text = "".join(digits(self._price(o)) + digits(self._qty(o)) for o in asks + bids)
        return crc32(text.encode())

    def snapshot(self) -> bytes:
        """The whole window."""
        bids, asks = self.window()
        return self._frame("snapshot", [("", o) for o in bids], [("", o) for o in asks])

    def act(self, changes: Sequence[Change]) -> bytes | None:
        """Make these changes; the one frame that Kraken would send for all of them, or None if nobody in the window sees any."""
        before = self.window()
        for change in changes:
            self._make(change)
        said = []
        for old, now, market in zip(before, self.window(), (self.bids, self.asks), strict=True):
            known = {o.order_id: o for o in old}
            shown = {o.order_id for o in now}
            prices = {o.order_id: o.price for o in market}
            entries = [
                ("delete", o) for o in old if o.order_id not in shown and prices.get(o.order_id) != o.price
            ]
            entries += [
                ("modify" if o.order_id in known else "add", o) for o in now if known.get(o.order_id) != o
            ]
            said.append(entries)
        return self._frame("update", *said) if said[0] or said[1] else None

    def stream(self, updates: int, seed: int = 1) -> list[bytes]:
        """A snapshot and so many updates of every kind, mostly near the top."""
        rng = random.Random(seed)
        frames = [self.snapshot()]
        while len(frames) <= updates:
            if (frame := self.act([self.any_change(rng)])) is not None:
                frames.append(frame)
        return frames

    def any_change(self, rng: random.Random) -> Change:
        """A new order, or another quantity, another price or the end of one of the ten best."""
        side, orders = ("bid", self.window(10)[0]) if rng.random() < 0.5 else ("ask", self.window(10)[1])
        action = rng.random()
        scale = self.decimals[1]
        qty = Decimal(rng.randint(1, 9 * 10**scale)).scaleb(-scale)
        away = self.step * rng.randint(0, 5)
        price = self.best_bid - away if side == "bid" else self.best_bid + self.step + away
        if action < 0.5 or len(orders) < 4:
            self._ids += 1
            return Change(side, Order(f"N{self._ids}", price, qty))
        order = rng.choice(orders)
        if action < 0.7:
            return Change(side, order._replace(qty=qty))
        if action < 0.8:
            return Change(side, order._replace(price=price))
        return Change(side, order._replace(qty=Decimal(0)))

    def _make(self, change: Change) -> None:
        orders = self.bids if change.side == "bid" else self.asks
        order = change.order
        at = next((n for n, o in enumerate(orders) if o.order_id == order.order_id), None)
        if at is None:
            orders.append(order)
        elif order.qty and orders[at].price == order.price:
            orders[at] = order
        else:
            del orders[at]
            if order.qty:
                orders.append(order)

    def _frame(
        self, kind: str, bids: Iterable[tuple[str, Order]], asks: Iterable[tuple[str, Order]]
    ) -> bytes:
        self.states.add(self.top())
        sides = ",".join(
            f'"{side}":[' + ",".join(self._row(event, order) for event, order in entries) + "]"
            for side, entries in (("bids", bids), ("asks", asks))
        )
        data = f'{{"symbol":"{self.symbol}",{sides},"checksum":{self.checksum()},"timestamp":"{STAMP}"}}'
        return f'{{"channel":"level3","type":"{kind}","data":[{data}]}}'.encode()

    def _row(self, event: str, order: Order) -> str:
        name = f'"event":"{event}",' if event else ""
        return (
            f'{{{name}"order_id":"{order.order_id}","limit_price":{self._price(order)},'
            f'"order_qty":{self._qty(order)},"timestamp":"{STAMP}"}}'
        )

    def _price(self, order: Order) -> str:
        return f"{order.price:.{self.decimals[0]}f}"

    def _qty(self, order: Order) -> str:
        return f"{order.qty:.{self.decimals[1]}f}"


def _queues(orders: Iterable[Order]) -> tuple[Queue, ...]:
    found: dict[Decimal, tuple[Decimal, ...]] = {}
    for order in orders:
        found[order.price] = (*found.get(order.price, ()), order.qty)
    return tuple(found.items())
