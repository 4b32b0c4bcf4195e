"""Orders and balances in a session: nothing told twice, nothing assumed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from krakenwire.events import (
    BalanceDiffers,
    BalanceUpdate,
    Event,
    ExecutionUpdate,
    Gap,
    OrderVanished,
    ResyncNeeded,
)
from krakenwire.session import Session
from krakenwire.wire.enums import OrderStatus
from tests.session.say import kinds, session_with
from tests.vectors import account

ROW = (
    b'{"channel":"executions","type":"%s","data":[{"order_id":"O1","symbol":"SOL/USD","side":"buy","order_qty":2.0,'
    b'"exec_type":"%s","order_status":"%s","timestamp":"2026-11-22T08:01:00.100200Z"%s}],"sequence":%d}'
)
FILL = b',"exec_id":"T1","trade_id":7,"last_qty":1.0,"last_price":141.0'


def executions(kind: str, what: str, status: str, sequence: int, extra: bytes = b"") -> bytes:
    """A frame with one report about order O1."""
    return ROW % (kind.encode(), what.encode(), status.encode(), extra, sequence)


def told(session: Session, *frames: bytes, now: float = 2.0) -> list[Event]:
    """Everything these frames bring."""
    return [event for frame in frames for event in session.receive(frame, now=now)]


@pytest.mark.fault("B18")
def test_order_that_vanished() -> None:
    """An order that was open before an interruption and is not after it is told as vanished, and its status is unknown."""
    session = session_with(executions("snapshot", "new", "new", 1))
    live = [session.account.orders.live]
    session.connection_lost(now=2.0)
    live.append(session.account.orders.live)
    assert live == [True, False]
    (vanished,) = told(session, account.EMPTY_SNAPSHOT.frame)
    assert isinstance(vanished, OrderVanished)
    assert (vanished.order_id, vanished.last_status) == ("O1", OrderStatus.NEW)
    order = session.account.orders.get("O1")
    assert order is not None
    assert (order.status, order.is_open) == ("unknown", False)


@pytest.mark.fault("B18", "B17")
def test_fill_told_once() -> None:
    """A fill that a snapshot repeats after a break is not told again; one that happened meanwhile is."""
    session = session_with(account.EMPTY_SNAPSHOT.frame)
    fill = executions("update", "trade", "partially_filled", 2, FILL)
    assert kinds(told(session, fill)) == [ExecutionUpdate]
    session.connection_lost(now=2.0)
    repeated = executions("snapshot", "trade", "filled", 1, FILL)
    assert kinds(told(session, repeated)) == [OrderVanished]
    assert session.account.repeated == 1
    session.connection_lost(now=3.0)
    other = executions("snapshot", "trade", "filled", 1, FILL.replace(b"T1", b"T2"))
    assert kinds(told(session, other)) == [ExecutionUpdate]


@pytest.mark.fault("B17")
def test_hole_makes_orders_uncertain() -> None:
    """From a hole in the sequence until the next snapshot nothing says that the orders are live."""
    session = session_with(executions("snapshot", "new", "new", 1))
    events = told(session, executions("update", "canceled", "canceled", 5))
    assert kinds(events) == [Gap, ResyncNeeded, ExecutionUpdate]
    assert not session.account.orders.live
    told(session, executions("snapshot", "new", "new", 6))
    assert session.account.orders.live


def test_balance() -> None:
    """Ledger entries change the balance, are told once, and are compared with what the balance was."""
    session = session_with(account.BALANCE_SNAPSHOT.frame)
    entry = account.LEDGER_ENTRY.frame
    events = told(session, entry)
    assert kinds(events)[0] is BalanceUpdate
    again = entry.replace(b'"sequence":2', b'"sequence":3')
    assert told(session, again) == []
    (update,) = [event for event in events if isinstance(event, BalanceUpdate)]
    held = session.account.balances.get(update.asset)
    assert held is not None
    assert held.balance == update.balance
    wrong = again.replace(b'"ledger_id":"', b'"ledger_id":"X').replace(b'"sequence":3', b'"sequence":4')
    (differs,) = [event for event in told(session, wrong) if isinstance(event, BalanceDiffers)]
    assert differs.expected != differs.stated
    assert isinstance(differs.expected, Decimal)


@pytest.mark.fault("B18")
def test_snapshot_without_orders() -> None:
    """Where the subscription asked for no open orders a snapshot names none, and none has vanished."""
    session = session_with(executions("snapshot", "new", "new", 1))
    result = b'{"channel":"executions","snap_orders":false,"snap_trades":true}'
    told(session, b'{"method":"subscribe","success":true,"result":%s}' % result)
    assert told(session, account.EMPTY_SNAPSHOT.frame) == []
    order = session.account.orders.get("O1")
    assert order is not None
    assert order.is_open
