"""One market: its engine, and the facts that follow from what happens there.

Whoever trades here, the order flow or an account, calls `place`, `cancel`, `resize` or `move`, and then `Exchange.publish`. What was done
between two publications is one message on every channel; `mark` in between makes prices come twice in it. Trades are on the tape at once,
so that an account's fill has its trade id; subscribers hear everything at `publish`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from krakenwire.sim.candles import Candles
from krakenwire.sim.engine import Engine, Fill, Order, Side
from krakenwire.sim.modes import ONLINE, Mode
from krakenwire.sim.pair import Pair
from krakenwire.sim.tape import Tape, Trade

OrderIds = Callable[[], str]


class Stream(Protocol):
    """Something that makes frames of what happened; asked once a publication."""

    def publish(self, market: Market, at: int) -> None: ...

    def rescaled(self) -> None:
        """Prices or quantities have other digits now."""


Watcher = Callable[["Market", Trade, Fill], None]
"""Told of every fill as it happens: the account side listens here for orders with an owner."""


class Market:
    """The orders and trades of one pair."""

    def __init__(self, pair: Pair, *, first_trade_id: int = 1, id_prefix: str = "AAAAA") -> None:
        self.pair = pair
        self.mode: Mode = ONLINE
        """What may be done here at present. Traders ask; the market does not check."""
        self.engine = Engine()
        self.tape = Tape(first_trade_id)
        self.candles = Candles()
        self.streams: list[Stream] = []
        """Who is asked for frames at every publication; only streams that somebody is subscribed to."""
        self.watchers: list[Watcher] = []
        self.fresh: list[Trade] = []
        """Trades since the last publication."""
        self.updated_at = 0
        """The last publication, ns since 1970."""
        self.states = 0
        """Publications so far: the number of the present state of the book."""
        self._id_prefix = id_prefix
        self._ids = 0
        self._places = 0
        """Places in queues given since the last publication: nanoseconds that tell their timestamps apart."""

    def new_order_id(self) -> str:
        """An id in Kraken's form. They follow a fixed rule but do not look consecutive."""
        self._ids += 1
        mixed = self._ids * 0x9E3779B97F5 & 0xFFFFFFFFFFF
        return f"O{self._id_prefix}-{mixed >> 24:05X}-{mixed & 0xFFFFFF:06X}"

    # ---------------------------------------------------------------- what traders do

    def place(
        self,
        side: Side,
        qty: int,
        price: int | None,
        *,
        at: int,
        rests: bool = True,
        order_id: str | None = None,
        owner: object = None,
        shows: int = 0,
    ) -> Order:
        """Match an order, then let the rest of it rest. Without a price it takes any, and never rests.

        `rests=False`: what is not filled at once is forgotten (immediate or cancel); it is still in `qty` of the order returned.
        `shows`: the visible slice of an iceberg order; as a taker it comes whole.
        """
        order = Order(
            order_id or self.new_order_id(), side, price or 0, qty, stamp=self._stamp(at), owner=owner
        )
        fills = self.engine.journal.fills
        first = len(fills)
        self.engine.match(order, price)
        if len(fills) > first:
            self._trade(fills[first:], "market" if price is None else "limit", at)
        if order.qty and price is not None and rests:
            if shows:
                order.shows, order.hidden = shows, max(0, order.qty - shows)
                order.qty -= order.hidden
            self.engine.rest(order)
        return order

    def cancel(self, order: Order) -> None:
        """Take a resting order out of the book."""
        self.engine.remove(order)

    def resize(self, order: Order, qty: int) -> None:
        """Change what is left of a resting order; it keeps its place in the queue."""
        self.engine.resize(order, qty)

    def move(self, order: Order, price: int, qty: int, *, at: int) -> None:
        """Give a resting order a new place: another price, or the tail of its own queue. It must not cross."""
        self.engine.move(order, price, qty, stamp=self._stamp(at))

    def mark(self) -> None:
        """What changed so far is told as it stands now, although more changes follow in the same message."""
        self.engine.journal.mark(self.engine.sides)

    def _stamp(self, at: int) -> int:
        self._places += 1
        return at + self._places - 1

    def _trade(self, fills: list[Fill], ord_type: str, at: int) -> None:
        for fill in fills:
            trade = self.tape.record(fill.taker.side, fill.price, fill.qty, ord_type, at)
            self.fresh.append(trade)
            for watcher in self.watchers:
                watcher(self, trade, fill)

    # ---------------------------------------------------------------- what subscribers hear

    def publish(self, at: int) -> None:
        """Tell every stream what happened since the last time; nothing, if nothing did."""
        journal = self.engine.journal
        if not journal.orders and not self.fresh:
            return
        self.states += 1
        self.updated_at = at
        if self.fresh:
            self.candles.add(self.fresh)
        for stream in self.streams:
            stream.publish(self, at)
        journal.clear()
        self.fresh.clear()
        self._places = 0

    def remember(self, side: Side, price: int, qty: int, ord_type: str, at: int) -> None:
        """A trade of the time before the exchange began. They have to come in order of time, before anything else."""
        self.candles.add((self.tape.record(side, price, qty, ord_type, at),))

    # ---------------------------------------------------------------- other terms

    def misfits(self, pair: Pair) -> list[Order]:
        """Orders that could not be written with the digits of these terms. They have to be cancelled, and that published, first."""
        return self.engine.misfits(self.pair.scaling(pair))

    def change(self, pair: Pair) -> None:
        """Trade on other terms from now on. Everything must be published.

        Other digits make another state of the book. Numbers of the past are rounded where they have no room.
        """
        scaling = self.pair.scaling(pair)
        self.pair = pair
        if scaling.changes:
            self.states += 1
            self.engine.rescale(scaling)
            self.tape.rescale(scaling)
            self.candles.rescale(scaling)
            for stream in self.streams:
                stream.rescaled()
