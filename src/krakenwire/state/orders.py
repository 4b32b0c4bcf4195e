"""The caller's orders, put together from sparse reports: the memory behind channel `executions`.

A report tells only what changed; a field it leaves out keeps its value. The fill that completes an order and
the report that it is complete are two reports, so a fill never closes an order.

After an interruption a snapshot tells which orders are open. One that was open before and is not in it was
filled, cancelled or expired meanwhile, and nothing says which: its status becomes `UNKNOWN`, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct, structs

from krakenwire.wire.account import ContingentReport, ExecutionReport, TriggerReport
from krakenwire.wire.enums import (
    ExecType,
    FeeCurrencyPreference,
    OrderStatus,
    OrderType,
    PositionStatus,
    PriceType,
    ReportedTimeInForce,
    Side,
)

UNKNOWN = OrderStatus("unknown")
"""Status of an order that vanished while nobody was listening. Ours, not Kraken's."""

CLOSED = frozenset({OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED})
"""Statuses that an update does not take back; a snapshot may."""

MAX_OPEN = 10_000
MAX_CLOSED = 1_000
MAX_FILLS = 10_000
"""Fills whose identity is remembered."""


class Order(Struct, frozen=True, kw_only=True):
    """One order as far as reports have told it. None means *never said*, not zero.

    Source: channel `executions`, reports of one `order_id`; the fields mean what they mean there.
    """

    order_id: str
    status: OrderStatus
    """`UNKNOWN` if the order vanished during an interruption."""
    exec_type: ExecType
    """What happened last."""
    timestamp: str
    """When it happened, RFC 3339 UTC."""
    symbol: str | None = None
    side: Side | None = None
    order_type: OrderType | None = None
    order_qty: Decimal | None = None
    cash_order_qty: Decimal | None = None
    display_qty: Decimal | None = None
    display_qty_remain: Decimal | None = None
    limit_price: Decimal | None = None
    limit_price_type: PriceType | None = None
    time_in_force: ReportedTimeInForce | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    margin: bool | None = None
    no_mpp: bool | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    effective_time: str | None = None
    expire_time: str | None = None
    cum_qty: Decimal | None = None
    cum_cost: Decimal | None = None
    avg_price: Decimal | None = None
    fee_usd_equiv: Decimal | None = None
    fee_ccy_pref: FeeCurrencyPreference | None = None
    position_status: PositionStatus | None = None
    reason: str | None = None
    amended: bool | None = None
    triggers: TriggerReport | None = None
    contingent: ContingentReport | None = None
    ord_ref_id: str | None = None
    ext_ord_id: str | None = None
    sender_sub_id: str | None = None
    user: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether the order was open by the last report; False also if nobody knows."""
        return self.status not in CLOSED and self.status != UNKNOWN


class OrderChanged(Struct, frozen=True):
    """A report was merged. `before` is None for an order not known so far."""

    before: Order | None
    after: Order


class FillSeen(Struct, frozen=True):
    """A fill that was not seen before."""

    report: ExecutionReport


class FillDuplicate(Struct, frozen=True):
    """A fill that was seen before; nothing of it was taken in."""

    order_id: str
    exec_id: str


class OrderVanished(Struct, frozen=True):
    """An order was open before an interruption and is not after it. What became of it, nobody said."""

    order_id: str
    cl_ord_id: str | None
    symbol: str | None
    last_status: OrderStatus
    fills: tuple[ExecutionReport, ...] = ()
    """Fills of it that the snapshot told and that were new. Kraken lists the last 50 of all orders, so none
    here does not mean that there was none."""


class OrderForgotten(Struct, frozen=True):
    """More orders are open than are kept; this one is no longer followed, though it may be open."""

    order: Order


OrderFact = OrderChanged | FillSeen | FillDuplicate | OrderVanished | OrderForgotten

# What a report says of the order itself; status, exec_type and the fields of one fill are dealt with by name.
_MERGED = tuple(
    name for name in Order.__struct_fields__ if name not in {"order_id", "status", "exec_type", "timestamp"}
)


class Orders:
    """Open and recently closed orders. Bounded; never raises for what was received."""

    def __init__(
        self, *, max_open: int = MAX_OPEN, max_closed: int = MAX_CLOSED, max_fills: int = MAX_FILLS
    ) -> None:
        self._max_open = max_open
        self._max_closed = max_closed
        self._max_fills = max_fills
        self._open: dict[str, Order] = {}
        self._closed: dict[str, Order] = {}
        self._fills: dict[str, None] = {}
        self.live = False
        """Whether nothing was missed since the last snapshot. While False, orders read as they last were."""

    def get(self, order_id: str) -> Order | None:
        found = self._open.get(order_id)
        return self._closed.get(order_id) if found is None else found

    def open_orders(self) -> tuple[Order, ...]:
        """Orders open by the last report, first seen first. Look at `live` before trusting them."""
        return tuple(self._open.values())

    def closed_orders(self) -> tuple[Order, ...]:
        """Orders closed or of unknown fate, first closed first; a bounded number of the latest."""
        return tuple(self._closed.values())

    def interrupt(self) -> None:
        """Something may have been missed: orders stay readable but are not live until a snapshot."""
        self.live = False

    def apply(self, report: ExecutionReport) -> list[OrderFact]:
        """Merge one report of an update."""
        facts: list[OrderFact] = []
        if report.is_fill:
            fill = self._fill(report)
            facts.append(fill)
            if isinstance(fill, FillDuplicate):
                return facts
        before = self.get(report.order_id)
        facts.append(OrderChanged(before, self._store(_merged(before, report))))
        return facts + self._forget()

    def snapshot(self, reports: Iterable[ExecutionReport], *, with_orders: bool = True) -> list[OrderFact]:
        """Take in a snapshot and compare it with what was open before.

        `with_orders=False` is for a subscription that asked for no open orders: then none vanishes, and what
        is open stays uncertain, so the orders do not become live.
        """
        facts: list[OrderFact] = []
        fills: dict[str, list[ExecutionReport]] = {}
        named: set[str] = set()
        for report in reports:
            if report.is_fill:
                # Such a row says `filled` of the fill and has no totals: it tells nothing of the order.
                fill = self._fill(report)
                facts.append(fill)
                if isinstance(fill, FillSeen):
                    fills.setdefault(report.order_id, []).append(report)
                continue
            named.add(report.order_id)
            before = self.get(report.order_id)
            after = _merged(before, report, status=report.order_status)
            facts.append(OrderChanged(before, self._store(after)))
        if with_orders:
            vanished = [order for order in self._open.values() if order.order_id not in named]
            facts += [self._vanish(order, fills.get(order.order_id, [])) for order in vanished]
            self.live = True
        return facts + self._forget()

    def _fill(self, report: ExecutionReport) -> FillSeen | FillDuplicate:
        # A fill without identity is let through: dropping it could lose one.
        if report.exec_id is not None:
            if report.exec_id in self._fills:
                return FillDuplicate(report.order_id, report.exec_id)
            self._fills[report.exec_id] = None
            if len(self._fills) > self._max_fills:
                del self._fills[next(iter(self._fills))]
        return FillSeen(report)

    def _vanish(self, order: Order, fills: list[ExecutionReport]) -> OrderVanished:
        self._store(structs.replace(order, status=UNKNOWN))
        return OrderVanished(order.order_id, order.cl_ord_id, order.symbol, order.status, tuple(fills))

    def _store(self, order: Order) -> Order:
        if order.is_open:
            self._closed.pop(order.order_id, None)
            self._open[order.order_id] = order
        else:
            self._open.pop(order.order_id, None)
            self._closed[order.order_id] = order
            if len(self._closed) > self._max_closed:
                del self._closed[next(iter(self._closed))]
        return order

    def _forget(self) -> list[OrderFact]:
        facts: list[OrderFact] = []
        while len(self._open) > self._max_open:
            facts.append(OrderForgotten(self._open.pop(next(iter(self._open)))))
        return facts


def _merged(before: Order | None, report: ExecutionReport, *, status: OrderStatus | None = None) -> Order:
    """The order after a report. `status` overrules what report and order say of it."""
    told = {name: value for name in _MERGED if (value := getattr(report, name)) is not None}
    if status is None:
        status = _status_after(before, report)
    if before is None:
        return Order(
            order_id=report.order_id,
            status=status,
            exec_type=report.exec_type,
            timestamp=report.timestamp,
            **told,
        )
    for name, old in (("triggers", before.triggers), ("contingent", before.contingent)):
        if old is not None and name in told:
            told[name] = _overlaid(old, told[name])
    return structs.replace(
        before, status=status, exec_type=report.exec_type, timestamp=report.timestamp, **told
    )


def _status_after(before: Order | None, report: ExecutionReport) -> OrderStatus:
    told = report.order_status
    if report.is_fill and told in CLOSED:
        # Only a report of its own completes an order; a fill alone is no proof.
        told = OrderStatus.PARTIALLY_FILLED
    if before is not None and before.status in CLOSED and told not in CLOSED:
        return before.status
    return told


_Part = TypeVar("_Part", TriggerReport, ContingentReport)


def _overlaid(old: _Part, new: _Part) -> _Part:
    told = {name: value for name in new.__struct_fields__ if (value := getattr(new, name)) is not None}
    return structs.replace(old, **told)
