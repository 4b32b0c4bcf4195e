"""`state/orders.py`: orders are put together from reports, and nothing is guessed about them."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state.orders import (
    MAX_UNMERGED,
    UNKNOWN,
    FillDuplicate,
    Order,
    OrderForgotten,
    Orders,
    OrderVanished,
)
from krakenwire.wire.account import ContingentReport, ExecutionReport, TriggerReport
from krakenwire.wire.enums import ExecType, OrderStatus, OrderType, Side, TriggerStatus
from tests.vectors.vector import digits

D = Decimal


def report(order_id: str, exec_type: str, status: str, **told: Any) -> ExecutionReport:
    return ExecutionReport(
        order_id=order_id,
        exec_type=ExecType(exec_type),
        order_status=OrderStatus(status),
        timestamp=told.pop("timestamp", "2026-11-22T08:01:00.100200Z"),
        **told,
    )


def pending(order_id: str = "O1", **told: Any) -> ExecutionReport:
    fields: dict[str, Any] = {"symbol": "SOL/USD", "side": Side.BUY, "order_type": OrderType.LIMIT}
    fields |= {"order_qty_text": "2.00000000", "limit_price_text": "141.00", "cl_ord_id": "my-1"}
    return report(order_id, "pending_new", "pending_new", **(fields | told))


def fill(
    order_id: str, exec_id: str | None, status: str = "partially_filled", **told: Any
) -> ExecutionReport:
    fields: dict[str, Any] = {"last_qty_text": "1", "last_price_text": "141.00", "exec_id": exec_id}
    return report(order_id, "trade", status, **(fields | told))


def the(orders: Orders, order_id: str = "O1") -> Order:
    found = orders.get(order_id)
    assert found is not None
    return found


def test_sparse_reports_add_up_to_an_order() -> None:
    """A field that a report leaves out keeps its value through the whole life of the order."""
    orders = Orders()
    assert orders.apply(pending()) == []
    assert the(orders).cum_qty is None
    orders.apply(report("O1", "new", "new", cl_ord_id="my-1"))
    orders.apply(fill("O1", "T1", cum_qty_text="2.00000000", cum_cost_text="282.00", avg_price_text="141.00"))
    assert the(orders).status is OrderStatus.PARTIALLY_FILLED
    orders.apply(
        report("O1", "filled", "filled", cum_qty_text="2.00000000", timestamp="2026-11-22T08:01:04.000001Z")
    )
    after = the(orders)
    assert (after.status, after.symbol, after.limit_price) == (OrderStatus.FILLED, "SOL/USD", D("141.00"))
    assert (str(after.cum_qty), after.avg_price, after.timestamp[-8:]) == ("2.00000000", D(141), ".000001Z")
    assert orders.open_orders() == ()
    assert orders.closed_orders() == (after,)


def test_zero_and_false_are_values() -> None:
    """What is said to be zero, false or empty replaces what was there."""
    orders = Orders()
    orders.apply(pending(cum_qty_text="1", amended=True, reason="x"))
    orders.apply(report("O1", "restated", "new", cum_qty_text="0", amended=False, reason=""))
    assert (the(orders).cum_qty, the(orders).amended, the(orders).reason) == (D(0), False, "")


@pytest.mark.parametrize("status", ["filled", "partially_filled"])
def test_a_fill_never_completes_an_order(status: str) -> None:
    """Even a fill of the whole quantity, under whatever status, leaves the order open."""
    orders = Orders()
    orders.apply(pending())
    orders.apply(fill("O1", "T1", status, last_qty_text="2.00000000", cum_qty_text="2.00000000"))
    assert the(orders).status is OrderStatus.PARTIALLY_FILLED
    assert the(orders).is_open


@pytest.mark.parametrize("status", ["filled", "canceled", "expired"])
def test_a_closed_order_is_not_reopened_by_an_update(status: str) -> None:
    """A late fill is taken in, and the order stays closed."""
    orders = Orders()
    orders.apply(pending())
    orders.apply(report("O1", status, status))
    orders.apply(fill("O1", "T1", cum_qty_text="1"))
    assert the(orders).status == status
    assert the(orders).cum_qty == 1
    assert orders.open_orders() == ()


def test_a_fill_counts_once() -> None:
    """A fill that comes again is named a duplicate and changes nothing."""
    orders = Orders()
    orders.apply(pending())
    once = fill("O1", "T1", cum_qty_text="1")
    assert orders.apply(once) == []
    assert orders.apply(fill("O1", "T1", cum_qty_text="2")) == [FillDuplicate("O1", "T1")]
    assert the(orders).cum_qty == 1
    assert orders.apply(fill("O1", "T2", cum_qty_text="2")) == []
    assert the(orders).cum_qty == 2


def test_a_fill_without_identity_is_not_dropped() -> None:
    """Two fills that cannot be told apart are both taken in: losing one would be worse."""
    orders = Orders()
    for _ in range(2):
        assert orders.apply(fill("O1", None)) == []


def test_parts_of_a_trigger_are_merged_like_the_order() -> None:
    """A report that tells only the trigger's new status keeps its price."""
    orders = Orders()
    orders.apply(
        pending(triggers=TriggerReport(price_text="9"), contingent=ContingentReport(limit_price_text="5"))
    )
    orders.apply(
        report(
            "O1",
            "status",
            "new",
            triggers=TriggerReport(status=TriggerStatus.TRIGGERED),
            contingent=ContingentReport(trigger_price_text="6"),
        )
    )
    assert the(orders).triggers == TriggerReport(price_text="9", status=TriggerStatus.TRIGGERED)
    assert the(orders).contingent == ContingentReport(limit_price_text="5", trigger_price_text="6")


REPORTS = st.builds(
    lambda kind, status, told: report("O1", kind, status, **told),
    st.sampled_from(["new", "amended", "restated", "filled", "canceled"]),
    st.sampled_from(["new", "partially_filled", "filled", "canceled", "triggered"]),
    st.fixed_dictionaries(
        {},
        optional={
            "cum_qty_text": st.sampled_from(["0.0", "1.50", "2"]),
            "limit_price_text": st.sampled_from(["141.00", "142.00"]),
            "reason": st.sampled_from(["", "x"]),
            "amended": st.booleans(),
            "triggers": st.builds(TriggerReport, price_text=st.sampled_from([None, "9.0"])),
            "timestamp": st.sampled_from(["t1", "t2"]),
        },
    ),
)


@given(reports=st.lists(REPORTS, min_size=1, max_size=12))
def test_when_an_order_is_read_changes_nothing(reports: list[ExecutionReport]) -> None:
    """An order that is read after every report and one that is read at the end are the same, and few reports ever wait."""
    watched, unread = Orders(), Orders()
    for each in reports:
        watched.apply(each)
        assert the(watched).timestamp == each.timestamp
        unread.apply(each)
        (told,) = (unread._open | unread._closed).values()
        assert len(told._reports) < MAX_UNMERGED
    assert digits(the(unread)) == digits(the(watched))
    assert the(unread).is_open == bool(unread.open_orders()) == bool(watched.open_orders())


def test_views_do_not_change() -> None:
    """An order handed out stays as it was; a new report makes a new one."""
    orders = Orders()
    orders.apply(pending())
    view = the(orders)
    orders.apply(report("O1", "new", "new"))
    assert view.status is OrderStatus.PENDING_NEW
    with pytest.raises(AttributeError):
        view.status = OrderStatus.NEW  # type: ignore[misc]


@pytest.mark.fault("B18")
def test_an_order_that_vanished_is_unknown_and_not_cancelled() -> None:
    """Open before an outage, absent after it: the order is named, its status unknown, others untouched."""
    orders = Orders()
    orders.snapshot([])
    orders.apply(pending("O1"))
    orders.apply(pending("O2", cl_ord_id="my-2"))
    orders.interrupt()
    told = report("O2", "new", "new", cum_qty_text="1")
    news, facts = orders.snapshot([told])
    assert news == [told]
    assert facts[-1] == OrderVanished("O1", "my-1", "SOL/USD", OrderStatus.PENDING_NEW)
    assert sum(isinstance(fact, OrderVanished) for fact in facts) == 1
    assert the(orders).status == UNKNOWN
    assert not the(orders).is_open
    assert [order.order_id for order in orders.open_orders()] == ["O2"]
    assert (the(orders, "O2").cum_qty, the(orders, "O2").symbol) == (D(1), "SOL/USD")


@pytest.mark.fault("B18")
def test_fills_of_the_snapshot_come_with_the_order_that_vanished() -> None:
    """New fills are evidence beside the unknown status and do not settle it; old ones are duplicates."""
    orders = Orders()
    orders.snapshot([])
    orders.apply(pending())
    orders.apply(fill("O1", "T1", cum_qty_text="1"))
    orders.interrupt()
    old, new = fill("O1", "T1", "filled"), fill("O1", "T2", "filled")
    foreign = fill("O9", "T9", "filled")
    news, facts = orders.snapshot([new, old, foreign])
    vanished = OrderVanished("O1", "my-1", "SOL/USD", OrderStatus.PARTIALLY_FILLED, (new,))
    assert news == [new, foreign]
    assert facts == [FillDuplicate("O1", "T1"), vanished]
    assert the(orders).status == UNKNOWN
    assert orders.get("O9") is None


@pytest.mark.fault("B18")
def test_a_later_report_settles_an_unknown_order() -> None:
    """When Kraken says what became of it, or that it is open after all, that holds."""
    orders = Orders()
    for status, settled in (("canceled", False), ("new", True)):
        orders.apply(pending(status))
        orders.snapshot([])
        orders.apply(report(status, status, status))
        assert the(orders, status).is_open is settled
        assert the(orders, status).status == status


@pytest.mark.fault("B17")
def test_orders_are_live_only_between_a_snapshot_and_an_interruption() -> None:
    """Nothing is live before a snapshot, after an interruption, or after a snapshot without orders."""
    orders = Orders()
    live = [orders.live]
    orders.snapshot([])
    live.append(orders.live)
    orders.apply(pending())
    orders.interrupt()
    live.append(orders.live)
    assert orders.snapshot([], with_orders=False) == ([], [])
    live.append(orders.live)
    assert live == [False, True, False, False]
    assert the(orders).is_open


def test_a_snapshot_may_reopen_an_order() -> None:
    """What a snapshot lists as open is open, whatever was concluded before."""
    orders = Orders()
    orders.apply(pending())
    orders.apply(report("O1", "canceled", "canceled"))
    orders.snapshot([report("O1", "new", "new")])
    assert the(orders).is_open
    assert orders.closed_orders() == ()


def test_memory_is_bounded() -> None:
    """Closed orders and fills are forgotten oldest first; an open order only with a fact."""
    orders = Orders(max_open=2, max_closed=3, max_fills=4)
    for number in range(10):
        orders.apply(report(f"C{number}", "canceled", "canceled"))
        orders.apply(fill(f"C{number}", f"T{number}"))
    assert [order.order_id for order in orders.closed_orders()] == ["C7", "C8", "C9"]
    assert len(orders._fills) == 4
    orders = Orders(max_open=2)
    orders.apply(pending("A"))
    orders.apply(pending("B"))
    first = the(orders, "A")
    assert orders.apply(pending("C"))[-1] == OrderForgotten(first)
    assert len(orders.open_orders()) == 2


def test_an_unknown_status_is_kept_as_text() -> None:
    """A status that Kraken invents is shown as sent, and the order counts as open."""
    orders = Orders()
    orders.apply(report("O1", "status", "triggered"))
    assert the(orders).status == "triggered"
    assert the(orders).is_open
