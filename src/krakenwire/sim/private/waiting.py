"""Orders that wait for a price."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

from krakenwire.sim.private.money import amount
from krakenwire.sim.private.order import OwnOrder
from krakenwire.sim.tape import Trade

if TYPE_CHECKING:
    from krakenwire.sim.market import Market

Later = Callable[[int, Callable[[int], None]], None]
Fire = Callable[[OwnOrder, Decimal, int], None]


class Waiting:
    """Waiting orders by market. They look at every trade, but act only when the order that traded has found its place.

    The index price of a market is its last price here: both references mean the same.
    """

    def __init__(self, later: Later, fire: Fire) -> None:
        self._later = later
        self._fire = fire
        self._orders: dict[str, dict[str, OwnOrder]] = {}
        self._prices: dict[str, list[Decimal]] = {}
        """Prices since the last look, by market."""

    def add(self, order: OwnOrder, last: Decimal, at: int) -> None:
        """Wait from now on. A trigger that the last price meets already fires at once."""
        self._orders.setdefault(order.pair.symbol, {})[order.order_id] = order
        if order.trigger is not None and order.trigger.met(last):
            self._later(at, lambda now: self._spring(order, last, now))

    def discard(self, order: OwnOrder) -> None:
        self._orders.get(order.pair.symbol, {}).pop(order.order_id, None)

    def heard(self, market: Market, trade: Trade) -> None:
        """A trade happened."""
        symbol = market.pair.symbol
        if not self._orders.get(symbol):
            return
        prices = self._prices.setdefault(symbol, [])
        if not prices:
            self._later(trade.at, lambda now: self._look(symbol, now))
        prices.append(amount(trade.price, market.pair.price_precision))

    def _look(self, symbol: str, at: int) -> None:
        prices = self._prices.pop(symbol, [])
        for price in prices:
            for order in tuple(self._orders.get(symbol, {}).values()):
                if order.trigger is not None and order.trigger.met(price):
                    self._spring(order, price, at)

    def _spring(self, order: OwnOrder, price: Decimal, at: int) -> None:
        if self._orders.get(order.pair.symbol, {}).pop(order.order_id, None) is not None:
            self._fire(order, price, at)
