"""A Level 3 book, order by order, that says at every message whether it is proven.

Sources: channel `level3` and Kraken's level3 checksum guide. A message is applied whole, each side is cut
to the subscribed number of price levels, and only then is the CRC-32 of every order in the ten best levels
a side compared: asks from the lowest price up, then bids from the highest price down, and within a level in
queue order.

The queue is in order of arrival. A change at the same price keeps its place, a change of the price goes to
the tail of the new level. Kraken does not say whether timestamps could order a queue otherwise; after a
failed checksum `matches_by_timestamp` tells whether they would have.

`replace` takes a snapshot, `apply` an update. Both return None if the book is now proven, else a `Doubt`.
Unlike levels, orders are not absolute: a second `add`, or an event of an order that is not there, proves a
loss that the checksum may be too shallow to see. Such a book stays wrong until the next snapshot, whatever
later checksums say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import product, zip_longest
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from krakenwire.state.checksum import (
    MAX_DECIMALS,
    Decimals,
    digits_of,
    fits,
    fraction_digits,
    may_be_rounded,
    padded,
    plain_token,
    uneven,
)
from krakenwire.state.proof import Doubt, ProvenView
from krakenwire.state.queues import OrderLevel, OrderSide, Queue
from krakenwire.wire.book import PROVEN_LEVELS, Level3Data, Level3Order
from krakenwire.wire.enums import Level3Event
from krakenwire.wire.numbers import LossyText
from krakenwire.wire.timestamps import parse_ns

Orders = tuple[Level3Order, ...]


class Level3View(ProvenView[OrderLevel], frozen=True):
    """A Level 3 book at one moment; it does not change any more."""


class QueueDifference(Struct, frozen=True):
    """One of the ten best price levels whose orders are not as they were when the book was last verified."""

    side: str
    """`bid` or `ask`."""
    position: int
    """1 is the best."""
    verified: OrderLevel | None
    now: OrderLevel | None


class Level3Book:
    """The orders of one symbol on one connection, and the proof of those in the ten best levels a side."""

    def __init__(self, symbol: str, depth: int, decimals: Decimals | None = None) -> None:
        self.symbol = symbol
        self.depth = depth
        """Price levels a side that the subscription covers."""
        self.decimals: Decimals | None = None
        """Fraction digits: from `instrument` if given, else counted in the snapshot; None while unknown."""
        self._given = decimals
        self._asks = OrderSide(descending=False, depth=depth)
        self._bids = OrderSide(descending=True, depth=depth)
        self._use(decimals)
        self._sure = decimals is not None
        """Whether they are given or were seen twice. The checksum deletes the point, so one order alone does not show where it stood."""
        self._rounded = False
        """Whether a number since the snapshot had more digits than the float that it went through."""
        self.verified = False
        self.checksum: int | None = None
        self.timestamp: str | None = None
        self._asks_crc = 0
        self._bids_text = b""
        self._computed = 0
        self._contradiction: str | None = None
        self._proven_asks: list[OrderLevel] = []
        self._proven_bids: list[OrderLevel] = []

    @property
    def matches_by_timestamp(self) -> bool:
        """Whether queues in order of the orders' timestamps would have the checksum that was last sent.

        A diagnosis for after a failure: True says that the orders are right and only their places are not.
        """
        if self.checksum is None or not self._asks.exact:
            return False
        text = [
            _by_timestamp(queue) for side in (self._asks, self._bids) for queue in side.queues[:PROVEN_LEVELS]
        ]
        return crc32(b"".join(text)) == self.checksum

    # ---------------------------------------------------------------- messages

    def apply(self, data: Level3Data) -> Doubt | None:
        """Take an update. None: the book is proven."""
        try:
            asks, bids = self._read(data.asks), self._read(data.bids)
        except ValueError as exc:
            self._contradiction = self._contradiction or str(exc)
            return self._judge(data)
        if self.decimals is not None:
            self._sure = self._sure or any(order.event != Level3Event.DELETE for order in (*asks, *bids))
        elif not self._asks.places and not self._bids.places:
            rows = [
                tuple(order for order in side if order.event != Level3Event.DELETE) for side in (asks, bids)
            ]
            decimals, reason = self._decimals_of(data, *rows)
            if decimals is None:
                self._play(asks, bids)
                return self._unproven(data, reason)
            self._learn(decimals, sum(map(len, rows)))
            asks, bids = self._filled(asks), self._filled(bids)
        self._play(asks, bids)
        return self._judge(data)

    def replace(self, data: Level3Data) -> Doubt | None:
        """Forget everything and take a snapshot. None: the book is proven."""
        self._asks.clear()
        self._bids.clear()
        self._contradiction = None
        self._use(None)
        self._sure = self._rounded = False
        try:
            # A row of a snapshot is an order at the tail of its queue, whatever event it may carry.
            asks, bids = _read_rows(data.asks), _read_rows(data.bids)
        except ValueError as exc:
            self._contradiction = str(exc)
            self._use(self._given)
            return self._judge(data)
        decimals, reason = self._decimals_of(data, asks, bids)
        if decimals is not None:
            self._learn(decimals, len(asks) + len(bids))
            asks, bids = self._filled(asks), self._filled(bids)
        self._play(asks, bids)
        return self._judge(data) if decimals is not None else self._unproven(data, reason)

    def set_given_decimals(self, decimals: Decimals) -> bool:
        """Learn the pair's precisions from `instrument`. False: the orders held contradict them, resync."""
        self._given = decimals
        self._sure = self._sure or self.decimals == decimals
        return self.decimals in (None, decimals)

    def view(self, depth: int | None = None) -> Level3View:
        """An immutable copy of the best `depth` levels a side, or of all."""
        bids, asks = (
            tuple([queue.level for queue in side.queues[:depth]]) for side in (self._bids, self._asks)
        )
        shown = min(depth or self.depth, self.depth)
        return Level3View(self.symbol, shown, bids, asks, self.checksum, self.timestamp, self.verified)

    def equals(self, other: Level3Book) -> bool:
        """Whether both hold the same orders at the same places."""
        return all(
            [list(queue.orders) for queue in mine.queues] == [list(queue.orders) for queue in theirs.queues]
            and [queue.text for queue in mine.queues] == [queue.text for queue in theirs.queues]
            for mine, theirs in ((self._asks, other._asks), (self._bids, other._bids))
        )

    def explain(self) -> tuple[QueueDifference, ...]:
        """Which of the ten best levels differ from when this book was last verified. Meant for after a failure."""
        found = []
        for side, before, queues in (
            ("ask", self._proven_asks, self._asks.queues),
            ("bid", self._proven_bids, self._bids.queues),
        ):
            after = [queue.level for queue in queues[:PROVEN_LEVELS]]
            for at, (old, new) in enumerate(zip_longest(before, after), 1):
                if old != new:
                    found.append(QueueDifference(side, at, old, new))
        return tuple(found)

    # ---------------------------------------------------------------- reading

    def _read(self, orders: Orders) -> Orders:
        """The orders of an update in plain notation. Raises ValueError naming what cannot be taken."""
        return tuple([self._read_change(order) for order in orders])

    def _read_change(self, order: Level3Order) -> Level3Order:
        if order.event == Level3Event.DELETE:
            # An order is removed by its id. The quantity tells what was removed, not what is left.
            plain_token(order.limit_price_text)
            return order
        if order.event not in (Level3Event.ADD, Level3Event.MODIFY):
            raise ValueError(f"event {order.event!r:.60} of order {order.order_id!r:.60}")
        price, qty = order.limit_price_text, order.order_qty_text
        if (
            self.decimals is not None
            and price.__class__ is str
            and qty.__class__ is str
            and self._price.fullmatch(price)
            and self._qty.fullmatch(qty)
        ):
            return order
        order = _read_order(order)
        if self.decimals is None:
            return order
        if not _even((order,), self.decimals):
            raise ValueError(uneven(self.decimals))
        return self._filled((order,))[0]

    def _decimals_of(self, data: Level3Data, asks: Orders, bids: Orders) -> tuple[Decimals | None, str]:
        """The fraction digits of an empty book's first orders, or None and why they cannot be known."""
        orders = (*asks, *bids)
        if self._given is not None:
            return (self._given, "") if _even(orders, self._given) else (None, uneven(self._given))
        if not orders:
            return (None, "an empty book with a checksum") if data.checksum else ((0, 0), "")
        if any(_lost_digits(order) for order in orders):
            found = _search(data.checksum, asks, bids, self.depth)
            return (found, "") if found else (None, "digits were lost and the checksum does not tell them")
        first = (fraction_digits(orders[0].limit_price_text), fraction_digits(orders[0].order_qty_text))
        return (first, "") if _even(orders, first) else (None, "tokens have uneven fraction digits")

    def _learn(self, decimals: Decimals, orders: int) -> None:
        """Take the fraction digits that so many orders have shown."""
        self._sure = self._given is not None or orders > 1
        self._use(decimals)

    def _filled(self, orders: Orders) -> Orders:
        """The orders with the digits that they lost."""
        if self.decimals is None or not any(map(_lost_digits, orders)):
            return orders
        price, qty = self.decimals
        self._rounded = self._rounded or any(
            may_be_rounded(order.limit_price_text, price) or may_be_rounded(order.order_qty_text, qty)
            for order in orders
        )
        return _pad(orders, self.decimals)

    def _use(self, decimals: Decimals | None) -> None:
        self.decimals = decimals
        self._asks.exact = self._bids.exact = decimals is not None
        if decimals is not None:
            self._price, self._qty = _plain_pattern(decimals[0]), _plain_pattern(decimals[1])

    # ---------------------------------------------------------------- proof

    def _play(self, asks: Orders, bids: Orders) -> None:
        """Take all orders, passing over those that contradict the book, and cut both sides."""
        for side, orders in ((self._asks, asks), (self._bids, bids)):
            for order in orders:
                known = order.order_id in self._asks.places or order.order_id in self._bids.places
                appended = order.event is None or order.event == Level3Event.ADD
                if appended and known:
                    problem = f"add of known order {order.order_id!r:.60}"
                elif not side.take(order):
                    problem = f"{order.event} of unknown order {order.order_id!r:.60}"
                else:
                    continue
                self._contradiction = self._contradiction or problem
        self._asks.cut()
        self._bids.cut()

    def _judge(self, data: Level3Data) -> Doubt | None:
        """Compare the checksum and remember what was sent."""
        asks, bids = self._asks.touched, self._bids.touched
        if asks or bids:
            if asks:
                self._asks_crc = crc32(self._asks.text())
            if bids:
                self._bids_text = self._bids.text()
            self._computed = crc32(self._bids_text, self._asks_crc)
        self.timestamp, self.checksum = data.timestamp, data.checksum
        proven, self.verified = self.verified, False
        computed = self._computed if self.decimals is not None else None
        empty = not self._asks.places and not self._bids.places
        if empty and not self._sure:
            self._use(self._given)
        doubt = self._doubt(data, computed, sure=self._sure or empty)
        if doubt is not None:
            return doubt
        if asks or not proven:
            self._proven_asks = [queue.level for queue in self._asks.queues[:PROVEN_LEVELS]]
        if bids or not proven:
            self._proven_bids = [queue.level for queue in self._bids.queues[:PROVEN_LEVELS]]
        self.verified = True
        return None

    def _doubt(self, data: Level3Data, computed: int | None, *, sure: bool) -> Doubt | None:
        if self._contradiction is not None:
            return Doubt(wrong=True, reason=self._contradiction, expected=data.checksum, computed=computed)
        if computed is None:
            return self._unproven(data, "digits of the book are not known")
        if data.checksum is None:
            return self._unproven(data, "no checksum was sent")
        if data.checksum == computed:
            return None if sure else self._unproven(data, "one order alone does not show its fraction digits")
        if self._rounded:
            return self._unproven(data, "a number has more digits than a float")
        return Doubt(wrong=True, reason="checksum", expected=data.checksum, computed=computed)

    def _unproven(self, data: Level3Data, reason: str) -> Doubt:
        self.timestamp, self.checksum, self.verified = data.timestamp, data.checksum, False
        if self._contradiction is not None:
            return Doubt(wrong=True, reason=self._contradiction, expected=data.checksum)
        return Doubt(wrong=False, reason=reason, expected=data.checksum)


def _plain_pattern(decimals: int) -> re.Pattern[str]:
    """A positive plain token with these fraction digits."""
    return re.compile(rf"(?=[0.]*[1-9])[0-9]{{1,40}}{rf'[.][0-9]{{{decimals}}}' if decimals else ''}")


def _read_order(order: Level3Order) -> Level3Order:
    """The same order in plain notation; tokens that lost their digits are marked. Raises ValueError."""
    price, own_price = plain_token(order.limit_price_text)
    qty, own_qty = plain_token(order.order_qty_text)
    if not price.strip("0.") or not qty.strip("0."):
        raise ValueError(f"a price or a quantity of zero in order {order.order_id!r:.60}")
    if price is order.limit_price_text and qty is order.order_qty_text:
        return order
    return replace(
        order,
        limit_price_text=price if own_price else LossyText(price),
        order_qty_text=qty if own_qty else LossyText(qty),
    )


def _read_rows(orders: Orders) -> Orders:
    return tuple(
        _read_order(order if order.event is None else replace(order, event=None)) for order in orders
    )


def _lost_digits(order: Level3Order) -> bool:
    if order.event == Level3Event.DELETE:
        return False  # its tokens are not used
    return type(order.limit_price_text) is LossyText or type(order.order_qty_text) is LossyText


def _even(orders: Iterable[Level3Order], decimals: Decimals) -> bool:
    """True if every token has these fraction digits, or has lost its own and can be given them."""
    return all(
        fits(order.limit_price_text, decimals[0]) and fits(order.order_qty_text, decimals[1])
        for order in orders
    )


def _pad(orders: Orders, decimals: Decimals) -> Orders:
    return tuple(
        replace(
            order,
            limit_price_text=padded(order.limit_price_text, decimals[0]),
            order_qty_text=padded(order.order_qty_text, decimals[1]),
        )
        if _lost_digits(order)
        else order
        for order in orders
    )


def _search(checksum: int | None, asks: Orders, bids: Orders, depth: int) -> Decimals | None:
    """The one pair of fraction digits under which a snapshot has the checksum that was sent with it."""
    tokens = [(order.limit_price_text, order.order_qty_text) for order in (*asks, *bids)]
    prices, quantities = (
        [n for n in range(MAX_DECIMALS + 1) if all(fits(text, n) for text in texts)]
        for texts in zip(*tokens, strict=True)
    )
    best = (*_best(asks, depth, descending=False), *_best(bids, depth, descending=True))
    found = []
    for decimals in product(prices, quantities):
        rows = _pad(best, decimals)
        text = "".join([digits_of(order.limit_price_text, order.order_qty_text) for order in rows])
        if crc32(text.encode()) == checksum:
            found.append(decimals)
    return found[0] if len(found) == 1 else None


def _best(orders: Orders, depth: int, *, descending: bool) -> Orders:
    """The orders in the ten best levels of one side, in order."""
    side = OrderSide(descending=descending, depth=min(depth, PROVEN_LEVELS))
    for order in orders:
        if order.order_id not in side.places:
            side.append(order)
    side.cut()
    return tuple(order for queue in side.queues for order in queue.orders.values())


def _by_timestamp(queue: Queue) -> bytes:
    """A level's digits with its orders sorted by timestamp, stably; unreadable ones go last."""

    def when(order: Level3Order) -> tuple[bool, int]:
        ns = parse_ns(order.timestamp)
        return ns is None, ns or 0

    return b"".join(queue.digits(order.order_id) for order in sorted(queue.orders.values(), key=when))
