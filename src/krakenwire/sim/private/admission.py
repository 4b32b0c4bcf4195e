"""Whether the engine takes an order: what its market allows at present, how many orders there are, and the money for it."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from krakenwire.sim.engine import Side
from krakenwire.sim.market import Market
from krakenwire.sim.modes import Mode
from krakenwire.sim.private.account import Account
from krakenwire.sim.private.fields import invalid
from krakenwire.sim.private.money import ZERO, units
from krakenwire.sim.private.order import OwnOrder, Trigger, last_price
from krakenwire.sim.private.sight import cost_within, own_in_the_way, within_reach
from krakenwire.sim.private.wanted import Terms, Triggers
from krakenwire.sim.requests import Refusal
from krakenwire.wire.enums import OrderType, TimeInForce
from krakenwire.wire.refusals import INSUFFICIENT_FUNDS, INVALID_PRICE, ORDERS_LIMIT, SERVICE_UNAVAILABLE

POST_ONLY_ORDER = "Post only order"
"""A recorded reason."""
NOT_FILLED = "Order could not be filled immediately"
"""The words for this one are not known."""

FURTHEST = 1_000
"""How many times the last price a trigger may be away. Kraken publishes no figure."""


def check(account: Account, market: Market, terms: Terms, *, instead_of: OwnOrder | None = None) -> None:
    """Raises: Refusal, if the engine does not take this order now. `instead_of`: an order that would go first."""
    if _closed_to(terms, market.mode):
        raise Refusal(market.mode.refusal or SERVICE_UNAVAILABLE)
    if terms.cl_ord_id is not None and account.find(cl_ord_id=terms.cl_ord_id) not in {None, instead_of}:
        raise invalid("cl_ord_id")
    here = sum(order.market is market for order in account.orders.values())
    if here - (instead_of is not None) >= account.tier.open_orders:
        raise Refusal(ORDERS_LIMIT)
    if terms.triggers is not None:
        check_trigger(terms.triggers, terms.order_type, terms.side, market)
    if terms.conditional is not None and terms.conditional.triggers is not None:
        check_trigger(terms.conditional.triggers, terms.conditional.order_type, Side(1 - terms.side), market)
    if terms.triggers is None and terms.effective_at is None:
        asset, needed = _needs(account, market, terms)
        account.require(asset, needed, instead_of)


def obstacle_of(order: OwnOrder) -> str | None:
    """Why an order that should enter the market now cannot; None: it can."""
    market, terms, ticks = order.market, order.terms, order.ticks()
    if _closed_to(terms, market.mode):
        return market.mode.refusal
    asset, needed = _needs(
        order.account, market, replace(terms, order_qty=order.remaining, limit_price=order.limit_price)
    )
    if terms.cash_order_qty is None and needed > order.account.available(asset, order):
        return INSUFFICIENT_FUNDS
    if terms.post_only and ticks is not None and market.engine.crosses(terms.side, ticks):
        return POST_ONLY_ORDER
    if terms.time_in_force is TimeInForce.FOK:
        left = order.left()
        if own_in_the_way(order, left, ticks) or within_reach(market, terms.side, left, ticks) < left:
            return NOT_FILLED
    return None


def check_trigger(triggers: Triggers, kind: OrderType, side: Side, market: Market) -> None:
    """Raises: Refusal, if the market has no price to compare with, or the level is none that a price could reach."""
    last = last_price(market)
    if not last:
        raise invalid("triggers")
    if not 0 < Trigger(triggers, kind, side, last).level < last * FURTHEST:
        raise Refusal(INVALID_PRICE)


def _closed_to(terms: Terms, mode: Mode) -> bool:
    """Whether the state of the market excludes such an order."""
    return (
        not mode.places
        or (not mode.markets and not terms.limited)
        or (not mode.takes and not terms.post_only)
    )


def _needs(account: Account, market: Market, terms: Terms) -> tuple[str, Decimal]:
    """What an order that begins now has to have: an asset, and how much of it."""
    pair = market.pair
    if terms.side is Side.SELL:
        return pair.base, terms.order_qty or ZERO
    if terms.limit_price is not None:
        cost = (terms.order_qty or ZERO) * terms.limit_price
    elif terms.cash_order_qty is not None:
        cost = terms.cash_order_qty
    else:
        cost = cost_within(market, units(terms.order_qty or ZERO, pair.qty_precision))
    return pair.quote, cost * (1 + account.taker_fee)
