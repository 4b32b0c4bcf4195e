"""One order of an account, from its first report to its last."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from msgspec.structs import replace

from krakenwire.sim.engine import Order, Side
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Pair
from krakenwire.sim.private.money import ZERO, amount, rounded, units
from krakenwire.sim.private.wanted import Conditional, Terms, Triggers
from krakenwire.wire.enums import ExecType, OrderStatus, OrderType, PriceType, TriggerStatus
from krakenwire.wire.order_terms import TRAILING_TYPES

if TYPE_CHECKING:
    from krakenwire.sim.private.account import Account

_STOPS = frozenset({OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT}) | TRAILING_TYPES
_HUNDRED = Decimal(100)


def last_price(market: Market) -> Decimal:
    """The price of the last trade, exact; zero if there never was one."""
    return amount(market.tape.last_price, market.pair.price_precision)


class Trigger:
    """What a waiting order waits for. Prices are exact, in the quote currency."""

    def __init__(self, asked: Triggers, kind: OrderType, side: Side, last: Decimal) -> None:
        self.asked = asked
        self.kind = kind
        # A stop sells into a falling market and buys into a rising one; a take-profit does the opposite.
        self.rises = (side is Side.BUY) == (kind in _STOPS)
        """Whether a rising price fires it."""
        self.peak = last
        """The best price since it waits; trailing orders follow it."""
        self.status = TriggerStatus.UNTRIGGERED
        self.fired_at: int | None = None
        self.fired_by: Decimal | None = None
        """The price that fired it."""
        self._placed_at = last

    @property
    def trailing(self) -> bool:
        return self.kind in TRAILING_TYPES

    @property
    def level(self) -> Decimal:
        """The price at which it fires."""
        price, kind = self.asked.price, self.asked.price_type
        if kind is PriceType.STATIC:
            return price
        base = self.peak if self.trailing else self._placed_at
        if self.trailing and not self.rises:
            price = -price
        return base + (base * price / _HUNDRED if kind is PriceType.PCT else price)

    def met(self, price: Decimal) -> bool:
        """Whether this trade fires it. Trailing orders take note of the price."""
        if price >= self.level if self.rises else price <= self.level:
            return True
        if self.trailing:
            self.peak = min(self.peak, price) if self.rises else max(self.peak, price)
        return False

    def fire(self, price: Decimal, at: int) -> None:
        self.status = TriggerStatus.TRIGGERED
        self.fired_by, self.fired_at = price, at

    def change(self, asked: Triggers, last: Decimal) -> None:
        """Wait for something else from now on."""
        self.asked, self._placed_at, self.peak = asked, last, last


class OwnOrder:
    """An order with an owner. Quantities and prices are exact; `cum_cost` is the exact sum over its fills."""

    def __init__(self, account: Account, market: Market, terms: Terms, order_id: str, at: int) -> None:
        self.account = account
        self.market = market
        self.terms = terms
        self.order_id = order_id
        self.created_at = at
        self.changed_at = at
        """Its creation, or its last amendment: what its age counts from."""
        self.order_qty = terms.order_qty or ZERO
        self.limit_price = terms.limit_price
        self.display_qty = terms.display_qty
        self.shown = ZERO
        """What is left of the visible slice of a resting iceberg order."""
        self.conditional: Conditional | None = terms.conditional
        self.ord_ref_id: str | None = None
        self.trigger: Trigger | None = None
        self.active = False
        """Whether it takes part in the market: it neither waits for its start nor for its trigger."""
        self.resting: Order | None = None
        """Its entry in the book."""
        self.status = OrderStatus.PENDING_NEW
        self.exec_type = ExecType.PENDING_NEW
        self.reported_at = at
        self.amended = False
        self.reason: str | None = None
        self.cum_qty = ZERO
        self.cum_cost = ZERO
        self.told_cost = ZERO
        """Sum of the costs of its fills as they were reported."""
        self.fee_usd = ZERO
        """Sum of its fees, in US dollars."""

    @property
    def pair(self) -> Pair:
        return self.market.pair

    @property
    def open(self) -> bool:
        return self.status in {OrderStatus.PENDING_NEW, OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}

    @property
    def remaining(self) -> Decimal:
        return self.order_qty - self.cum_qty

    @property
    def live_status(self) -> OrderStatus:
        """The status of an open order, by what is filled."""
        return OrderStatus.PARTIALLY_FILLED if self.cum_qty else OrderStatus.NEW

    @property
    def avg_price(self) -> Decimal:
        return rounded(self.cum_cost / self.cum_qty, self.pair.price_precision) if self.cum_qty else ZERO

    @property
    def held(self) -> Decimal:
        """What the rest of it needs, in `held_asset`: what it sells, or what it may pay with its fee.

        Only orders that take part in the market hold anything.
        """
        if not self.open or not self.active:
            return ZERO
        if self.terms.side is Side.SELL:
            return self.remaining
        return self.remaining * (self.limit_price or ZERO) * (1 + self.account.taker_fee)

    @property
    def held_asset(self) -> str:
        return self.pair.base if self.terms.side is Side.SELL else self.pair.quote

    def ticks(self) -> int | None:
        """The limit in units of the pair; None: any price. A limit that came from an offset is put on a step that is no worse."""
        if self.limit_price is None:
            return None
        step = self.pair.price_increment
        exact = units(self.limit_price, self.pair.price_precision)
        if amount(exact, self.pair.price_precision) == self.limit_price and exact % step == 0:
            return exact
        down = exact // step * step
        return max(step, down if self.terms.side is Side.BUY else down + step)

    def step_limit(self) -> None:
        """Put the limit on a step of the market, unless it is an offset yet."""
        offset = self.terms.order_type is OrderType.TRAILING_STOP_LIMIT and (
            self.trigger is None or self.trigger.fired_at is None
        )
        ticks = None if offset else self.ticks()
        if ticks is not None:
            self.limit_price = amount(ticks, self.pair.price_precision)

    def step_prices(self) -> bool:
        """Put every price on a step of the market; whether that changed one."""
        before = (self.limit_price, self.trigger and self.trigger.asked)
        self.step_limit()
        if self.trigger is not None and self.trigger.asked.price_type is PriceType.STATIC:
            price = rounded(self.trigger.asked.price, self.pair.price_precision)
            self.trigger.asked = replace(self.trigger.asked, price=price)
        return before != (self.limit_price, self.trigger and self.trigger.asked)

    def fits(self) -> bool:
        """Whether its quantities can be written with the digits of the market."""
        digits = self.pair.qty_precision
        return all(
            amount(units(qty, digits), digits) == qty for qty in (self.remaining, self.display_qty or ZERO)
        )

    def left(self) -> int:
        """What is not filled, in units of the pair."""
        return units(self.remaining, self.pair.qty_precision)
