"""Rows of channel `executions`: who says which fields when.

The fields are those of recordings where there are any (`pending_new`, `new`, `canceled`, `amended`, fills); of the other reports the
documents show what they are about, and the rest follows the recorded ones.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Raw

from krakenwire.sim.clock import micros
from krakenwire.sim.engine import Side
from krakenwire.sim.pair import Pair
from krakenwire.sim.private.money import ZERO, number, rounded
from krakenwire.sim.private.order import OwnOrder, Trigger
from krakenwire.sim.private.wanted import Conditional
from krakenwire.sim.tape import Trade
from krakenwire.wire.enums import ExecType, FeePreference, OrderStatus, OrderType, PriceType
from krakenwire.wire.timestamps import format_ns

Row = dict[str, Any]

_ENDS = frozenset({ExecType.CANCELED, ExecType.EXPIRED})


def _price(order: OwnOrder, value: Decimal) -> Raw:
    return number(value, order.pair.price_precision)


def _offset(order: OwnOrder, value: Decimal, kind: PriceType) -> Raw:
    """A price, or an offset with the digits it was given."""
    return _price(order, value) if kind is PriceType.STATIC else Raw(f"{value:f}".encode())


def _qty(order: OwnOrder, value: Decimal) -> Raw:
    return number(value, order.pair.qty_precision)


def _cost(order: OwnOrder, value: Decimal) -> Raw:
    return number(value, order.pair.cost_precision)


def _names(order: OwnOrder) -> Row:
    """The client's own id; zero stands for none."""
    if order.terms.cl_ord_id is not None:
        return {"cl_ord_id": order.terms.cl_ord_id}
    return {"order_userref": order.terms.order_userref or 0}


def side_text(side: Side) -> str:
    """A side as the wire writes it."""
    return "buy" if side is Side.BUY else "sell"


def described(order: OwnOrder) -> Row:
    """Everything that an order is: the first report of it."""
    terms = order.terms
    row: Row = {
        "order_id": order.order_id,
        "symbol": order.pair.symbol,
        "order_qty": _qty(order, order.order_qty),
    }
    if terms.cash_order_qty is not None:
        row["cash_order_qty"] = _cost(order, terms.cash_order_qty)
    if order.display_qty is not None:
        row["display_qty"] = _qty(order, order.display_qty)
    row |= {
        "cum_cost": _cost(order, order.told_cost),
        "time_in_force": terms.time_in_force.value.upper(),
        "exec_type": order.exec_type.value,
        "side": side_text(terms.side),
        "order_type": terms.order_type.value,
        **_names(order),
        **_limit(order),
        **_trigger_members(order),
    }
    row |= {name: True for name in ("post_only",) if getattr(terms, name)}
    if terms.effective_at is not None:
        row["effective_time"] = format_ns(terms.effective_at, 0)
    if terms.expire_at is not None:
        row["expire_time"] = format_ns(terms.expire_at, 0)
    if order.conditional is not None:
        row["contingent"] = _contingent(order, order.conditional)
    for name, value in (("ord_ref_id", order.ord_ref_id), ("sender_sub_id", terms.sender_sub_id)):
        if value is not None:
            row[name] = value
    return row | {
        "order_status": order.status.value,
        "fee_usd_equiv": _cost(order, order.fee_usd),
        "fee_ccy_pref": "fcib" if terms.fee_preference is FeePreference.BASE else "fciq",
        "timestamp": micros(order.reported_at),
    }


def snapshot_row(order: OwnOrder) -> Row:
    """An open order as it stands. A row of type `trade` would be a fill, so after a fill it says `new`."""
    row = described(order)
    if order.exec_type is ExecType.TRADE:
        row["exec_type"] = ExecType.NEW.value
    if order.exec_type is not ExecType.PENDING_NEW:
        row |= {"cum_qty": _qty(order, order.cum_qty), "avg_price": _price(order, order.avg_price)}
    if order.display_qty is not None and order.resting is not None:
        row["display_qty_remain"] = _qty(order, order.shown)
    if order.amended:
        row["amended"] = True
    return row


def brief(order: OwnOrder, **told: Any) -> Row:
    """What every later report says, around what it tells besides."""
    return {
        "timestamp": micros(order.reported_at),
        "order_status": order.status.value,
        "exec_type": order.exec_type.value,
        **told,
        **_names(order),
        "order_id": order.order_id,
    }


def taken(order: OwnOrder) -> Row:
    """The order is live."""
    return brief(order, **({"post_only": True} if order.terms.post_only else {}))


def totals(order: OwnOrder) -> Row:
    """The order is over, by fills, by a cancellation or by time."""
    row = brief(
        order,
        cum_qty=_qty(order, order.cum_qty),
        cum_cost=_cost(order, order.told_cost),
        fee_usd_equiv=_cost(order, order.fee_usd),
        avg_price=_price(order, order.avg_price),
    )
    if order.exec_type in _ENDS and order.reason is not None:
        row |= {"cancel_reason": order.reason, "reason": order.reason, "order_id": row.pop("order_id")}
    return row


def changed(order: OwnOrder) -> Row:
    """The order was amended, by its owner or by the engine: all its values as they are now, in the recorded order."""
    row: Row = {
        "timestamp": micros(order.reported_at),
        "exec_type": order.exec_type.value,
        "order_status": order.status.value,
        "cum_qty": _qty(order, order.cum_qty),
        "reason": order.reason,
        "amended": True,
        "order_qty": _qty(order, order.order_qty),
    }
    limit = _limit(order)
    row |= {name: limit[name] for name in ("limit_price", "limit_price_type") if name in limit}
    if order.display_qty is not None:
        row["display_qty"] = _qty(order, order.display_qty)
    if order.trigger is not None:
        row["triggers"] = _triggers(order, order.trigger)
    return row | {**_names(order), "order_id": order.order_id}


def sprung(order: OwnOrder) -> Row:
    """Its trigger fired."""
    row = brief(order)
    if order.trigger is not None:
        row["triggers"] = _triggers(order, order.trigger)
        if order.trigger.fired_by is not None:
            row["triggered_price"] = _price(order, order.trigger.fired_by)
    return row | _limit(order)


def refilled(order: OwnOrder) -> Row:
    """An iceberg order shows its next slice."""
    return brief(order) | {"display_qty_remain": _qty(order, order.shown)}


def fill(order: OwnOrder, trade: Trade, exec_id: str, fee: Decimal, *, maker: bool) -> tuple[Row, Row]:
    """A fill: the report of it, and the row of it in later snapshots."""
    pair = order.pair
    own = {
        "order_id": order.order_id,
        **_names(order),
        "exec_id": exec_id,
        "exec_type": ExecType.TRADE.value,
        "trade_id": trade.trade_id,
        "symbol": pair.symbol,
        "side": side_text(order.terms.side),
        "last_qty": Raw(pair.qty(trade.qty).encode()),
        "last_price": Raw(pair.price(trade.price).encode()),
        "liquidity_ind": "m" if maker else "t",
        "cost": _cost(order, cost_of(pair, trade)),
    }
    kind = {"order_type": order.terms.order_type.value, "timestamp": micros(trade.at)}
    if order.ord_ref_id is not None:
        kind["ord_ref_id"] = order.ord_ref_id
    fees = [{"asset": pair.quote, "qty": _cost(order, fee)}]
    report = {
        **own,
        **kind,
        "order_status": OrderStatus.PARTIALLY_FILLED.value,
        "cum_qty": _qty(order, order.cum_qty),
        "cum_cost": _cost(order, order.told_cost),
        "avg_price": _price(order, order.avg_price),
        "fee_usd_equiv": _cost(order, order.fee_usd),
        "fees": fees,
    }
    filled = {"order_status": OrderStatus.FILLED.value}
    kept = own | filled | kind | {"fee_usd_equiv": _cost(order, fee), "fees": fees}
    return report, kept


def cost_of(pair: Pair, trade: Trade) -> Decimal:
    """What a fill is worth, exactly, in the quote currency."""
    return (Decimal(trade.price) * trade.qty).scaleb(-pair.price_precision - pair.qty_precision)


def told_cost_of(pair: Pair, trade: Trade) -> Decimal:
    """The same with the digits of a report."""
    return rounded(cost_of(pair, trade), pair.cost_precision)


def _limit(order: OwnOrder) -> Row:
    if order.limit_price is None or not order.terms.limited:
        return {}
    kind = order.terms.limit_price_type
    if kind is None:
        kind = _plain(order.terms.order_type)
    if order.active or (order.trigger is not None and order.trigger.fired_at is not None):
        kind = PriceType.STATIC
    return {"limit_price_type": kind.value, "limit_price": _offset(order, order.limit_price, kind)}


def _plain(kind: OrderType) -> PriceType:
    """What a limit price is if nothing is said about it."""
    return PriceType.QUOTE if kind is OrderType.TRAILING_STOP_LIMIT else PriceType.STATIC


def _trigger_members(order: OwnOrder) -> Row:
    """The trigger, and the deprecated fields about it that are still sent."""
    if order.trigger is None:
        return {"stop_price": _price(order, ZERO)}
    return {
        "triggers": _triggers(order, order.trigger),
        "stop_price": _price(order, order.trigger.level),
        "trigger": order.trigger.asked.reference.value,
    }


def _triggers(order: OwnOrder, trigger: Trigger) -> Row:
    row: Row = {
        "price": _offset(order, trigger.asked.price, trigger.asked.price_type),
        "price_type": trigger.asked.price_type.value,
        "reference": trigger.asked.reference.value,
    }
    if trigger.asked.price_type is not PriceType.STATIC or trigger.fired_at is not None:
        row["actual_price"] = _price(order, trigger.level)
    if trigger.trailing:
        row["peak_price"] = _price(order, trigger.peak)
    if trigger.fired_by is not None and trigger.fired_at is not None:
        row |= {"last_price": _price(order, trigger.fired_by), "timestamp": micros(trigger.fired_at)}
    return row | {"status": trigger.status.value}


def _contingent(order: OwnOrder, wanted: Conditional) -> Row:
    row: Row = {"order_type": wanted.order_type.value}
    if wanted.triggers is not None:
        kind = wanted.triggers.price_type
        row |= {
            "trigger_price": _offset(order, wanted.triggers.price, kind),
            "trigger_price_type": kind.value,
        }
    if wanted.limit_price is not None:
        kind = wanted.limit_price_type or _plain(wanted.order_type)
        row |= {"limit_price": _offset(order, wanted.limit_price, kind), "limit_price_type": kind.value}
    return row
