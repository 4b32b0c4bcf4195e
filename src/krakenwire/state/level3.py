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
from itertools import zip_longest
from zlib import crc32

from msgspec import Struct
from msgspec.structs import replace

from krakenwire.state.checksum import PLAIN_DIGITS, Decimals, Tokens, plain_token, read_tokens, uneven
from krakenwire.state.precision import Precision
from krakenwire.state.proof import Doubt, ProvenView
from krakenwire.state.queues import OrderLevel, OrderSide, Queue
from krakenwire.wire.book import PROVEN_LEVELS, Level3Data, Level3Order
from krakenwire.wire.enums import Level3Event
from krakenwire.wire.timestamps import parse_ns

Orders = tuple[Level3Order, ...]

# A look at a member of an enumeration costs more than one at a name of the module.
_ADD, _MODIFY, _DELETE = Level3Event.ADD, Level3Event.MODIFY, Level3Event.DELETE


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
        self._precision = Precision("order", decimals)
        self._asks = OrderSide(descending=False, depth=depth)
        self._bids = OrderSide(descending=True, depth=depth)
        self._use()
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
    def decimals(self) -> Decimals | None:
        """Fraction digits: from `instrument` if given, else counted in the snapshot; None while unknown."""
        return self._precision.decimals

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
        if self.decimals is None and not self._asks.places and not self._bids.places:
            return self._take(data, asks, bids)
        if not self._precision.sure and _tokens(asks + bids):
            self._precision.seen()
        self._play(asks, bids)
        return self._judge(data)

    def replace(self, data: Level3Data) -> Doubt | None:
        """Forget everything and take a snapshot. None: the book is proven."""
        self._asks.clear()
        self._bids.clear()
        self._contradiction = None
        self._precision.begin()
        try:
            # A row of a snapshot is an order at the tail of its queue, whatever event it may carry.
            asks, bids = _read_rows(data.asks), _read_rows(data.bids)
        except ValueError as exc:
            self._contradiction = str(exc)
            self._precision.emptied()
            self._use()
            return self._judge(data)
        return self._take(data, asks, bids)

    def set_given_decimals(self, decimals: Decimals) -> bool:
        """Learn the pair's precisions from `instrument`. False: the orders held contradict them, resync."""
        return self._precision.give(decimals)

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
        for side, before, after in (
            ("ask", self._proven_asks, self._asks.best()),
            ("bid", self._proven_bids, self._bids.best()),
        ):
            for at, (old, new) in enumerate(zip_longest(before, after), 1):
                if old != new:
                    found.append(QueueDifference(side, at, old, new))
        return tuple(found)

    # ---------------------------------------------------------------- reading

    def _read(self, orders: Orders) -> Orders:
        """The orders of an update in plain notation. Raises ValueError naming what cannot be taken."""
        return tuple([self._read_change(order) for order in orders])

    def _read_change(self, order: Level3Order) -> Level3Order:
        if order.event == _DELETE:
            # An order is removed by its id. The quantity tells what was removed, not what is left.
            plain_token(order.limit_price_text)
            return order
        if order.event not in (_ADD, _MODIFY):
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
        if self.decimals is not None and not self._precision.fits(_tokens((order,))):
            raise ValueError(uneven(self.decimals))
        return order

    def _take(self, data: Level3Data, asks: Orders, bids: Orders) -> Doubt | None:
        """Put orders into an empty book, with the fraction digits that they tell."""
        unknown = self._precision.read(
            _tokens(asks + bids),
            lambda: _best(asks, self.depth, descending=False) + _best(bids, self.depth, descending=True),
            data.checksum,
        )
        self._use()
        self._play(asks, bids)
        return self._judge(data) if unknown is None else self._unproven(data, unknown)

    def _use(self) -> None:
        """Read tokens with the fraction digits that are known now."""
        decimals = self.decimals
        self._asks.exact = self._bids.exact = decimals is not None
        if decimals is not None:
            self._price, self._qty = _plain_pattern(decimals[0]), _plain_pattern(decimals[1])

    # ---------------------------------------------------------------- proof

    def _play(self, asks: Orders, bids: Orders) -> None:
        """Take all orders, passing over those that contradict the book, and cut both sides."""
        for side, orders in ((self._asks, asks), (self._bids, bids)):
            for order in orders:
                known = order.order_id in self._asks.places or order.order_id in self._bids.places
                appended = order.event is None or order.event == _ADD
                if appended and known:
                    problem = f"add of known order {order.order_id!r:.60}"
                elif not side.take(self._filled(order)):
                    problem = f"{order.event} of unknown order {order.order_id!r:.60}"
                else:
                    continue
                self._contradiction = self._contradiction or problem
        self._asks.cut()
        self._bids.cut()

    def _filled(self, order: Level3Order) -> Level3Order:
        """The order with the digits that it lost; those of a removal are not used."""
        if order.event == _DELETE:
            return order
        price, qty = order.limit_price_text, order.order_qty_text
        if price.__class__ is str and qty.__class__ is str:
            return order
        tokens = self._precision.filled((price, qty))
        if tokens[0] is price and tokens[1] is qty:
            return order
        return replace(order, limit_price_text=tokens[0], order_qty_text=tokens[1])

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
        if empty:
            self._precision.emptied()
            self._use()
        if self._contradiction is not None:
            return Doubt(wrong=True, reason=self._contradiction, expected=data.checksum, computed=computed)
        doubt = self._precision.verdict(data.checksum, self._computed, empty=empty)
        if doubt is not None:
            return doubt
        if asks or not proven:
            self._proven_asks = self._asks.best()
        if bids or not proven:
            self._proven_bids = self._bids.best()
        self.verified = True
        return None

    def _unproven(self, data: Level3Data, reason: str) -> Doubt:
        self.timestamp, self.checksum, self.verified = data.timestamp, data.checksum, False
        if self._contradiction is not None:
            return Doubt(wrong=True, reason=self._contradiction, expected=data.checksum)
        return Doubt(wrong=False, reason=reason, expected=data.checksum)


def _plain_pattern(decimals: int) -> re.Pattern[str]:
    """A positive plain token with these fraction digits, within bounds whatever its digits."""
    if decimals > PLAIN_DIGITS:
        return re.compile("(?!)")
    fraction = rf"[.][0-9]{{{decimals}}}" if decimals else ""
    return re.compile(rf"(?=[0.]*[1-9])[0-9]{{1,{PLAIN_DIGITS}}}{fraction}")


def _read_order(order: Level3Order) -> Level3Order:
    """The same order in plain notation; tokens that lost their digits are marked. Raises ValueError."""
    price, qty = read_tokens(order.limit_price_text, order.order_qty_text)
    if not price.strip("0.") or not qty.strip("0."):
        raise ValueError(f"a price or a quantity of zero in order {order.order_id!r:.60}")
    if price is order.limit_price_text and qty is order.order_qty_text:
        return order
    return replace(order, limit_price_text=price, order_qty_text=qty)


def _read_rows(orders: Orders) -> Orders:
    return tuple(
        _read_order(order if order.event is None else replace(order, event=None)) for order in orders
    )


def _tokens(orders: Orders) -> list[Tokens]:
    """Prices and quantities of orders; those of a removal are not used."""
    return [(order.limit_price_text, order.order_qty_text) for order in orders if order.event != _DELETE]


def _best(orders: Orders, depth: int, *, descending: bool) -> list[Tokens]:
    """Prices and quantities of the orders in the ten best levels of one side, in order."""
    side = OrderSide(descending=descending, depth=min(depth, PROVEN_LEVELS))
    for order in orders:
        if order.event != _DELETE and order.order_id not in side.places:
            side.append(order)
    side.cut()
    return [tokens for queue in side.queues for tokens in _tokens(tuple(queue.orders.values()))]


def _by_timestamp(queue: Queue) -> bytes:
    """A level's digits with its orders sorted by timestamp, stably; unreadable ones go last."""

    def when(order: Level3Order) -> tuple[bool, int]:
        ns = parse_ns(order.timestamp)
        return ns is None, ns or 0

    return b"".join(queue.digits(order.order_id) for order in sorted(queue.orders.values(), key=when))
