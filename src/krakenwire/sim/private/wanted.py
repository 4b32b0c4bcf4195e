"""What a client wants an order to be: the checks that need no account and no book."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct

from krakenwire.sim.clock import SECOND
from krakenwire.sim.engine import Side
from krakenwire.sim.pair import Pair
from krakenwire.sim.private.fields import Fields, invalid
from krakenwire.sim.private.money import amount, units
from krakenwire.sim.requests import Refusal
from krakenwire.wire.enums import (
    FeePreference,
    OrderType,
    PriceType,
    StpType,
    TimeInForce,
    TriggerReference,
)
from krakenwire.wire.enums import Side as Way
from krakenwire.wire.order_terms import CONDITIONAL_TYPES, LIMITED_TYPES, TRAILING_TYPES, TRIGGERED_TYPES
from krakenwire.wire.refusals import (
    CANNOT_OPEN_POSITION,
    COST_MINIMUM,
    INDEX_UNAVAILABLE,
    INVALID_PRICE,
    MARGIN_ALLOWANCE,
    ORDER_MINIMUM,
    REDUCE_ONLY_NO_POSITION,
    TICK_SIZE,
    UNKNOWN_POSITION,
    VOLUME_MINIMUM,
)

SLICES = 15
"""An iceberg order shows at least this part of itself."""
LONGEST = 31 * 86_400 * SECOND
"""How far ahead an order may expire: about one month."""
MOST_UNITS = 10**18
"""Prices and quantities are at most so many of the last digit of their pair."""

ORDER_FIELDS = frozenset(
    {
        *("order_type", "side", "order_qty", "cash_order_qty", "limit_price", "limit_price_type"),
        *("triggers", "time_in_force", "expire_time", "effective_time", "cl_ord_id"),
        *("order_userref", "post_only", "reduce_only", "margin", "display_qty", "fee_preference"),
        *("stp_type", "sender_sub_id", "conditional", "no_mpp", "stop_price", "trigger"),
    }
)
"""What an order may say of itself, alone or in a batch."""
TRIGGER_FIELDS = ("reference", "price", "price_type")
CONDITIONAL_FIELDS = {
    *("order_type", "limit_price", "limit_price_type", "trigger_price", "trigger_price_type"),
    *("stop_price",),
}
WARNINGS = {
    "no_mpp": "no_mpp is deprecated",
    "stop_price": "stop_price is deprecated, use triggers.price",
    "trigger": "trigger is deprecated use triggers.reference",
}
"""Parameters that are taken and ignored, and what the reply says of them."""


class Triggers(Struct, frozen=True, kw_only=True):
    """When a waiting order becomes active."""

    price: Decimal
    price_type: PriceType = PriceType.STATIC
    reference: TriggerReference = TriggerReference.LAST


class Conditional(Struct, frozen=True, kw_only=True):
    """The order that every fill creates."""

    order_type: OrderType
    limit_price: Decimal | None = None
    limit_price_type: PriceType | None = None
    triggers: Triggers | None = None


class Terms(Struct, frozen=True, kw_only=True):
    """An order as it was asked for. Prices and quantities fit the pair."""

    order_type: OrderType
    side: Side
    order_qty: Decimal | None = None
    cash_order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    limit_price_type: PriceType | None = None
    triggers: Triggers | None = None
    time_in_force: TimeInForce = TimeInForce.GTC
    expire_at: int | None = None
    effective_at: int | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    post_only: bool = False
    display_qty: Decimal | None = None
    fee_preference: FeePreference = FeePreference.QUOTE
    """As recorded orders show it, buys and sells alike: fees are in the quote currency, whatever is preferred."""
    stp_type: StpType = StpType.CANCEL_NEWEST
    sender_sub_id: str | None = None
    conditional: Conditional | None = None
    warnings: tuple[str, ...] = ()

    @property
    def limited(self) -> bool:
        return self.order_type in LIMITED_TYPES


def read_terms(method: str, params: Mapping[str, Any], pair: Pair, at: int) -> Terms:
    """The order that these parameters describe. Raises: Refusal."""
    fields = Fields(method, params, ORDER_FIELDS)
    kind = fields.choice("order_type", OrderType)
    way = fields.choice("side", Way)
    if kind is None or way is None:
        raise invalid("order_type" if kind is None else "side")
    _refuse_positions(fields, kind, pair)
    if "limit_price" in fields and kind not in LIMITED_TYPES:
        raise invalid("limit_price")
    terms = Terms(
        order_type=kind,
        side=Side.BUY if way is Way.BUY else Side.SELL,
        order_qty=fields.positive("order_qty"),
        cash_order_qty=fields.positive("cash_order_qty"),
        limit_price=fields.number("limit_price") if kind in LIMITED_TYPES else None,
        limit_price_type=fields.choice("limit_price_type", PriceType),
        triggers=read_triggers(method, fields.part("triggers"), kind, pair),
        time_in_force=fields.choice("time_in_force", TimeInForce) or TimeInForce.GTC,
        expire_at=fields.instant("expire_time"),
        effective_at=fields.instant("effective_time"),
        cl_ord_id=fields.client_id("cl_ord_id"),
        order_userref=fields.whole("order_userref"),
        post_only=fields.flag("post_only"),
        display_qty=fields.positive("display_qty"),
        fee_preference=fields.choice("fee_preference", FeePreference) or FeePreference.QUOTE,
        stp_type=fields.choice("stp_type", StpType) or StpType.CANCEL_NEWEST,
        sender_sub_id=fields.client_id("sender_sub_id"),
        conditional=_conditional(method, fields.part("conditional"), pair),
        warnings=tuple(words for name, words in WARNINGS.items() if name in fields),
    )
    _check_prices(terms, pair)
    _check_size(terms, pair)
    _check_time(terms, at)
    if terms.cl_ord_id is not None and terms.order_userref is not None:
        raise invalid("cl_ord_id")
    return terms


def _refuse_positions(fields: Fields, kind: OrderType, pair: Pair) -> None:
    """There is no margin trading here, so nobody has a position or may open one."""
    if kind is OrderType.SETTLE_POSITION:
        raise Refusal(UNKNOWN_POSITION)
    if fields.flag("reduce_only"):
        raise Refusal(REDUCE_ONLY_NO_POSITION)
    if fields.flag("margin"):
        raise Refusal(CANNOT_OPEN_POSITION if pair.margin_initial is None else MARGIN_ALLOWANCE)


def read_triggers(
    method: str, part: Mapping[str, Any] | None, kind: OrderType, pair: Pair
) -> Triggers | None:
    """The trigger that an order of this kind needs; None if it needs none. Raises: Refusal."""
    if kind not in TRIGGERED_TYPES:
        if part is not None:
            raise invalid("triggers")
        return None
    fields = Fields(method, part or {}, TRIGGER_FIELDS)
    price = fields.number("price")
    reference = fields.choice("reference", TriggerReference, TriggerReference.LAST)
    price_type = fields.choice("price_type", PriceType, PriceType.STATIC)
    if price is None or reference is None or price_type is None:
        raise invalid("triggers")
    if reference is TriggerReference.INDEX and not pair.has_index:
        raise Refusal(INDEX_UNAVAILABLE)
    return _trigger(kind, price, price_type, reference, pair)


def _trigger(
    kind: OrderType, price: Decimal, price_type: PriceType, reference: TriggerReference, pair: Pair
) -> Triggers:
    if kind in TRAILING_TYPES and (price <= 0 or price_type is PriceType.STATIC):
        raise invalid("triggers.price")
    if price_type is PriceType.STATIC:
        check_price(price, pair)
    return Triggers(price=price, price_type=price_type, reference=reference)


def _conditional(method: str, part: Mapping[str, Any] | None, pair: Pair) -> Conditional | None:
    if part is None:
        return None
    fields = Fields(method, part, CONDITIONAL_FIELDS)
    kind = fields.choice("order_type", OrderType)
    if kind not in CONDITIONAL_TYPES or kind is None:
        raise invalid("conditional.order_type")
    triggers = None
    if kind in TRIGGERED_TYPES:
        price = fields.number("trigger_price")
        price_type = fields.choice("trigger_price_type", PriceType, PriceType.STATIC)
        if price is None or price_type is None:
            raise invalid("conditional.trigger_price")
        triggers = _trigger(kind, price, price_type, TriggerReference.LAST, pair)
    limit = fields.number("limit_price") if kind in LIMITED_TYPES else None
    if kind in LIMITED_TYPES and limit is None:
        raise invalid("conditional.limit_price")
    limit_type = fields.choice("limit_price_type", PriceType)
    if limit is not None and kind is not OrderType.TRAILING_STOP_LIMIT:
        check_price(limit, pair)
    return Conditional(order_type=kind, limit_price=limit, limit_price_type=limit_type, triggers=triggers)


def check_price(price: Decimal, pair: Pair) -> None:
    """Raises: Refusal of a price that no order of this pair can have."""
    ticks = units(price, pair.price_precision)
    if price <= 0 or ticks > MOST_UNITS:
        raise Refusal(INVALID_PRICE)
    if amount(ticks, pair.price_precision) != price or ticks % pair.price_increment:
        raise Refusal(TICK_SIZE)


def check_qty(qty: Decimal, price: Decimal | None, pair: Pair, minimum: str = ORDER_MINIMUM) -> None:
    """Raises: Refusal of a quantity too small, too fine, or of too little worth at this price."""
    count = units(qty, pair.qty_precision)
    if amount(count, pair.qty_precision) != qty or count > MOST_UNITS:
        raise invalid("order_qty")
    if count < pair.qty_min:
        raise Refusal(minimum)
    if price is not None:
        check_cost(qty * price, pair)


def check_cost(cost: Decimal, pair: Pair) -> None:
    """Raises: Refusal of an order of too little worth."""
    if cost < pair.cost_min:
        raise Refusal(COST_MINIMUM)


def _check_size(terms: Terms, pair: Pair) -> None:
    if (terms.order_qty is None) == (terms.cash_order_qty is None):
        raise invalid("order_qty")
    if terms.cash_order_qty is not None:
        if terms.order_type is not OrderType.MARKET or terms.side is not Side.BUY:
            raise invalid("cash_order_qty")
        check_cost(terms.cash_order_qty, pair)
        return
    assert terms.order_qty is not None  # noqa: S101 - one of the two is given
    worth = terms.limit_price if terms.order_type is not OrderType.TRAILING_STOP_LIMIT else None
    # The words for a new order that is too small are those of a recording; for other requests the documented ones.
    check_qty(terms.order_qty, worth, pair, VOLUME_MINIMUM)
    if (terms.order_type is OrderType.ICEBERG) != (terms.display_qty is not None):
        raise invalid("display_qty")
    if terms.display_qty is not None:
        check_display(terms.display_qty, terms.order_qty, pair)


def check_display(display: Decimal, qty: Decimal, pair: Pair) -> None:
    """Raises: Refusal of a visible slice that is too fine, too small, or larger than the order."""
    fine = amount(units(display, pair.qty_precision), pair.qty_precision) != display
    if fine or display * SLICES < qty or display > qty:
        raise invalid("display_qty")


def _check_prices(terms: Terms, pair: Pair) -> None:
    trailing = terms.order_type is OrderType.TRAILING_STOP_LIMIT
    if terms.limited and terms.limit_price is None:
        raise invalid("limit_price")
    if terms.limit_price_type is not None and not trailing:
        raise invalid("limit_price_type")
    if terms.limit_price is not None and not trailing:
        check_price(terms.limit_price, pair)
    if terms.post_only and not terms.limited:
        raise invalid("post_only")


def _check_time(terms: Terms, at: int) -> None:
    force = terms.time_in_force
    if (force is TimeInForce.GTD) != (terms.expire_at is not None):
        raise invalid("expire_time")
    if terms.expire_at is not None and not at < terms.expire_at <= at + LONGEST:
        raise invalid("expire_time")
    if terms.effective_at is not None and not at < terms.effective_at <= at + LONGEST:
        raise invalid("effective_time")
    if terms.effective_at is not None and terms.cash_order_qty is not None:
        # Nobody knows yet how much the amount will buy then.
        raise invalid("effective_time")
    if force is TimeInForce.FOK and terms.order_type is not OrderType.LIMIT:
        raise invalid("time_in_force")
    if terms.post_only and force in {TimeInForce.IOC, TimeInForce.FOK}:
        raise invalid("post_only")
