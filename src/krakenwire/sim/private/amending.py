"""Changes of an open order: in place by its owner, in place by the engine, or by another order that replaces it."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from krakenwire.sim.engine import Side
from krakenwire.sim.private.admission import POST_ONLY_ORDER, check_trigger
from krakenwire.sim.private.fields import invalid
from krakenwire.sim.private.money import amount, units
from krakenwire.sim.private.order import OwnOrder, last_price
from krakenwire.sim.private.trading import USER_REQUESTED, Trading
from krakenwire.sim.private.wanted import Terms, Triggers, check_cost, check_display, check_price, check_qty
from krakenwire.sim.requests import Refusal
from krakenwire.wire.enums import ExecType, FeePreference, OrderStatus, OrderType, PriceType
from krakenwire.wire.order_terms import TRAILING_TYPES, TRIGGERED_TYPES
from krakenwire.wire.refusals import INVALID_ORDER, SERVICE_UNAVAILABLE

WOULD_TAKE = f"EOrder:{POST_ONLY_ORDER}"
"""The words for an amendment that would take although it must not are not known; these follow the reason of a new order."""


class Changes(Struct, frozen=True, kw_only=True):
    """What shall be different. None: it stays."""

    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    limit_price_type: PriceType | None = None
    trigger_price: Decimal | None = None
    trigger_price_type: PriceType | None = None
    display_qty: Decimal | None = None
    post_only: bool = False


def amend(trading: Trading, order: OwnOrder, changes: Changes, at: int) -> bool:
    """Change an order in place; whether that cancelled what was left of it. Raises: Refusal, and then nothing has changed."""
    mode = order.market.mode
    if not mode.places:
        raise Refusal(mode.refusal or SERVICE_UNAVAILABLE)
    if changes.order_qty is not None and changes.order_qty <= order.cum_qty:
        order.order_qty = order.cum_qty
        _tell(trading, order, ExecType.AMENDED, USER_REQUESTED, at)
        trading.end(order, ExecType.CANCELED, USER_REQUESTED, at)
        return True
    _check(order, changes)
    apply(trading, order, changes, at, kind=ExecType.AMENDED, reason=USER_REQUESTED)
    return False


def apply(
    trading: Trading, order: OwnOrder, changes: Changes, at: int, *, kind: ExecType, reason: str
) -> None:
    """Make changes that are allowed, tell of them, and let the market know."""
    display = order.display_qty if changes.display_qty is None else changes.display_qty
    resliced = display != order.display_qty
    if changes.order_qty is not None:
        order.order_qty = changes.order_qty
    order.display_qty = display if display is None else min(display, order.order_qty)
    if changes.limit_price is not None:
        order.limit_price = changes.limit_price
        order.terms = replace(
            order.terms, limit_price_type=changes.limit_price_type or order.terms.limit_price_type
        )
    order.step_limit()
    if changes.trigger_price is not None and order.trigger is not None:
        asked = order.trigger.asked
        order.trigger.change(_triggers(asked, changes), last_price(order.market))
    _tell(trading, order, kind, reason, at)
    trading.place_anew(order, at, resliced=resliced)


def _tell(trading: Trading, order: OwnOrder, kind: ExecType, reason: str, at: int) -> None:
    order.changed_at, order.amended, order.reason = at, True, reason
    trading.report(order, kind, order.live_status, at)


def _triggers(asked: Triggers, changes: Changes) -> Triggers:
    """The trigger with its new price. The type stays, unless another one is named."""
    assert changes.trigger_price is not None  # noqa: S101 - only such changes come here
    kind = changes.trigger_price_type or asked.price_type
    return Triggers(price=changes.trigger_price, price_type=kind, reference=asked.reference)


def _check(order: OwnOrder, changes: Changes) -> None:
    """Raises: Refusal of changes that this order cannot have."""
    pair = order.pair
    limit = order.limit_price if changes.limit_price is None else changes.limit_price
    qty = order.order_qty if changes.order_qty is None else changes.order_qty
    offset = order.terms.order_type is OrderType.TRAILING_STOP_LIMIT and not order.active
    if changes.limit_price is not None and not order.terms.limited:
        raise invalid("limit_price")
    if changes.limit_price_type is not None and not offset:
        raise invalid("limit_price_type")
    if changes.limit_price is not None and not offset:
        check_price(changes.limit_price, pair)
    if changes.order_qty is not None:
        check_qty(qty, None if offset else limit, pair)
    elif changes.limit_price is not None and not offset:
        check_cost(qty * changes.limit_price, pair)
    if changes.display_qty is not None:
        if order.terms.display_qty is None:
            raise invalid("display_qty")
        check_display(changes.display_qty, qty - order.cum_qty, pair)
    if changes.trigger_price is not None:
        _check_trigger(order, changes)
    if order.active:
        _check_market(order, changes, qty, limit)


def _check_trigger(order: OwnOrder, changes: Changes) -> None:
    trigger = order.trigger
    if trigger is None or order.active:
        raise invalid("trigger_price")
    asked = _triggers(trigger.asked, changes)
    if asked.price_type is PriceType.STATIC:
        if order.terms.order_type in TRAILING_TYPES:
            raise invalid("trigger_price")
        check_price(asked.price, order.pair)
    elif order.terms.order_type in TRAILING_TYPES and asked.price <= 0:
        raise invalid("trigger_price")
    check_trigger(asked, order.terms.order_type, order.terms.side, order.market)


def _check_market(order: OwnOrder, changes: Changes, qty: Decimal, limit: Decimal | None) -> None:
    """What an order that takes part in the market has to have: enough funds, and no price that takes where that is not allowed."""
    account, pair, market = order.account, order.pair, order.market
    left = qty - order.cum_qty
    selling = order.terms.side is Side.SELL
    needed = left if selling else left * (limit or 0) * (1 + account.taker_fee)
    account.require(order.held_asset, needed, order)
    ticks = units(limit or Decimal(0), pair.price_precision)
    if market.engine.crosses(order.terms.side, ticks):
        if not market.mode.takes:
            raise Refusal(market.mode.refusal or SERVICE_UNAVAILABLE)
        if changes.post_only or order.terms.post_only:
            raise Refusal(WOULD_TAKE)


# ---------------------------------------------------------------- another order in its place


class Edit(Struct, frozen=True, kw_only=True):
    """What shall be different in the new order."""

    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    display_qty: Decimal | None = None
    fee_preference: FeePreference | None = None
    post_only: bool | None = None
    order_userref: int | None = None


def edited(order: OwnOrder, edit: Edit) -> Terms:
    """The terms of the order that takes the place of this one: what is left of it, with these changes.

    Raises: Refusal. Waiting orders, orders with a conditional order and quantities below what is filled are excluded by the documents.
    """
    terms, pair = order.terms, order.pair
    if terms.order_type in TRIGGERED_TYPES or order.conditional is not None:
        raise Refusal(INVALID_ORDER)
    qty = order.remaining if edit.order_qty is None else edit.order_qty - order.cum_qty
    limit = order.limit_price if edit.limit_price is None else edit.limit_price
    if edit.limit_price is not None:
        if not terms.limited:
            raise invalid("limit_price")
        check_price(edit.limit_price, pair)
    if qty <= 0:
        raise Refusal(INVALID_ORDER)
    check_qty(qty, limit, pair)
    display = order.display_qty if edit.display_qty is None else edit.display_qty
    if display is not None:
        if terms.display_qty is None:
            raise invalid("display_qty")
        display = min(display, qty)
        check_display(display, qty, pair)
    return replace(
        terms,
        order_qty=amount(units(qty, pair.qty_precision), pair.qty_precision),
        limit_price=limit,
        display_qty=display,
        fee_preference=edit.fee_preference or terms.fee_preference,
        post_only=terms.post_only if edit.post_only is None else edit.post_only,
        order_userref=terms.order_userref if edit.order_userref is None else edit.order_userref,
        cl_ord_id=None if edit.order_userref is not None else terms.cl_ord_id,
        effective_at=terms.effective_at if order.status is OrderStatus.PENDING_NEW else None,
        warnings=(),
    )
