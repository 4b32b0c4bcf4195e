"""The caller's orders, put together from sparse reports: the memory behind channel `executions`.

A report tells only what changed; a field it leaves out keeps its value. The fill that completes an order and
the report that it is complete are two reports, so a fill never closes an order. Only the status is kept up to date at once: reports are put
together when somebody reads the order.

After an interruption a snapshot tells which orders are open. One that was open before and is not in it was
filled, cancelled or expired meanwhile, and nothing says which: its status becomes `UNKNOWN`, never a guess.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar, cast

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

CLOSED = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED)
"""Statuses that an update does not take back; a snapshot may."""

_FILL, _PARTIALLY_FILLED = ExecType.TRADE, OrderStatus.PARTIALLY_FILLED

_OVER = (*CLOSED, UNKNOWN)

MAX_OPEN = 10_000
MAX_CLOSED = 1_000
MAX_FILLS = 10_000
"""Fills whose identity is remembered."""

MAX_UNMERGED = 6
"""Reports of one order, with which they are merged at the latest. Most orders have fewer, and most are never read."""


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
        return self.status not in _OVER


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


OrderFact = FillDuplicate | OrderVanished | OrderForgotten

# What a report says of the order itself; status, exec_type and the fields of one fill are dealt with by name.
_MERGED = tuple(
    name for name in Order.__struct_fields__ if name not in {"order_id", "status", "exec_type", "timestamp"}
)


class _Told:
    """What was told of one order. Reports are merged when somebody looks, or when there are too many."""

    __slots__ = ("_order", "_reports", "status")

    def __init__(self) -> None:
        self.status = UNKNOWN
        self._order: Order | None = None
        self._reports: list[ExecutionReport] = []

    def add(self, report: ExecutionReport, status: OrderStatus) -> None:
        """Take in a report, after which the order has this status."""
        self.status = status
        self._reports.append(report)
        if len(self._reports) >= MAX_UNMERGED:
            self.order()

    def order(self) -> Order:
        """The order after all reports; there must have been one."""
        for report in self._reports:
            self._order = _merged(self._order, report, self.status)
        self._reports.clear()
        order = cast("Order", self._order)
        if order.status != self.status:
            order = self._order = structs.replace(order, status=self.status)
        return order


class Orders:
    """Open and recently closed orders. Bounded; never raises for what was received."""

    def __init__(
        self, *, max_open: int = MAX_OPEN, max_closed: int = MAX_CLOSED, max_fills: int = MAX_FILLS
    ) -> None:
        self._max_open = max_open
        self._max_closed = max_closed
        self._max_fills = max_fills
        self._open: dict[str, _Told] = {}
        self._closed: dict[str, _Told] = {}
        self._fills: dict[str, None] = {}
        self.live = False
        """Whether nothing was missed since the last snapshot. While False, orders read as they last were."""

    def get(self, order_id: str) -> Order | None:
        told = self._open.get(order_id) or self._closed.get(order_id)
        return None if told is None else told.order()

    def open_orders(self) -> tuple[Order, ...]:
        """Orders open by the last report, first seen first. Look at `live` before trusting them."""
        return tuple([told.order() for told in self._open.values()])

    def closed_orders(self) -> tuple[Order, ...]:
        """Orders closed or of unknown fate, first closed first; a bounded number of the latest."""
        return tuple([told.order() for told in self._closed.values()])

    def interrupt(self) -> None:
        """Something may have been missed: orders stay readable but are not live until a snapshot."""
        self.live = False

    def apply(self, report: ExecutionReport) -> list[OrderFact]:
        """Take in one report of an update. No fact: it is news, and nothing follows from it."""
        if report.exec_type is _FILL and self._seen(report):
            return [FillDuplicate(report.order_id, str(report.exec_id))]
        order_id = report.order_id
        told = self._open.get(order_id) or self._closed.get(order_id) or _Told()
        status = report.order_status
        if status in CLOSED:
            if report.exec_type is _FILL:
                # Only a report of its own completes an order; a fill alone is no proof.
                status = _PARTIALLY_FILLED
        elif told.status in CLOSED:
            status = told.status
        told.add(report, status)
        if status not in _OVER and order_id in self._open:
            return []
        self._keep(order_id, told)
        return self._forget()

    def snapshot(
        self, reports: Iterable[ExecutionReport], *, with_orders: bool = True
    ) -> tuple[list[ExecutionReport], list[OrderFact]]:
        """Take in a snapshot and compare it with what was open before. Returns the reports that are news, too.

        `with_orders=False` is for a subscription that asked for no open orders: then none vanishes, and what
        is open stays uncertain, so the orders do not become live.
        """
        news: list[ExecutionReport] = []
        facts: list[OrderFact] = []
        fills: dict[str, list[ExecutionReport]] = {}
        named: set[str] = set()
        for report in reports:
            order_id = report.order_id
            if not report.is_fill:
                named.add(order_id)
                told = self._open.get(order_id) or self._closed.get(order_id) or _Told()
                told.add(report, report.order_status)
                self._keep(order_id, told)
            elif self._seen(report):
                facts.append(FillDuplicate(order_id, str(report.exec_id)))
                continue
            else:
                # Such a row says `filled` of the fill and has no totals: it tells nothing of the order.
                fills.setdefault(order_id, []).append(report)
            news.append(report)
        if with_orders:
            vanished = [order_id for order_id in self._open if order_id not in named]
            facts += [self._vanish(order_id, fills.get(order_id, [])) for order_id in vanished]
            self.live = True
        return news, facts + self._forget()

    def _seen(self, report: ExecutionReport) -> bool:
        """Whether this fill was seen before; from now on it was."""
        exec_id = report.exec_id
        if exec_id is None:
            return False  # a fill without identity is let through: dropping it could lose one
        if exec_id in self._fills:
            return True
        self._fills[exec_id] = None
        if len(self._fills) > self._max_fills:
            del self._fills[next(iter(self._fills))]
        return False

    def _vanish(self, order_id: str, fills: list[ExecutionReport]) -> OrderVanished:
        told = self._open[order_id]
        order = told.order()
        told.status = UNKNOWN
        self._keep(order_id, told)
        return OrderVanished(order_id, order.cl_ord_id, order.symbol, order.status, tuple(fills))

    def _keep(self, order_id: str, told: _Told) -> None:
        if told.status not in _OVER:
            self._closed.pop(order_id, None)
            self._open[order_id] = told
            return
        self._open.pop(order_id, None)
        self._closed[order_id] = told
        if len(self._closed) > self._max_closed:
            del self._closed[next(iter(self._closed))]

    def _forget(self) -> list[OrderFact]:
        facts: list[OrderFact] = []
        while len(self._open) > self._max_open:
            facts.append(OrderForgotten(self._open.pop(next(iter(self._open))).order()))
        return facts


def _merged(before: Order | None, report: ExecutionReport, status: OrderStatus) -> Order:
    """The order after a report, with this status."""
    told = {name: value for name in _MERGED if (value := getattr(report, name)) is not None}
    told |= {"status": status, "exec_type": report.exec_type, "timestamp": report.timestamp}
    if before is None:
        return Order(order_id=report.order_id, **told)
    for name, old in (("triggers", before.triggers), ("contingent", before.contingent)):
        if old is not None and name in told:
            told[name] = _overlaid(old, told[name])
    return structs.replace(before, **told)


_Part = TypeVar("_Part", TriggerReport, ContingentReport)


def _overlaid(old: _Part, new: _Part) -> _Part:
    told = {name: value for name in new.__struct_fields__ if (value := getattr(new, name)) is not None}
    return structs.replace(old, **told)
