"""Whatever a client asks about orders, and whatever faults do, every request is answered, money adds up, and the exchange goes on."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from krakenwire.sim.channels import ORDER_METHODS
from krakenwire.sim.connection import Connection
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.requests import Request
from tests.sim.drive import Honest
from tests.sim.test_hostile import VALUES
from tests.sim.traders import Trader, reply_of, rows_of, trader

LIMIT = {"order_qty": 1.0, "limit_price": 100.0}
ORDER: dict[str, Any] = {"order_type": "limit", "side": "buy", "order_qty": 1, "limit_price": 141.5}
PLAUSIBLE: Any = st.sampled_from(
    (
        *(1, 0.02, 141.2, -1, 0, 1e23, 1e-8, True, None, [], {}, ["OXXXXX"], [1, 2], [ORDER, ORDER]),
        *(
            "buy",
            "limit",
            "market",
            "iceberg",
            "stop-loss-limit",
            "trailing-stop",
            "gtd",
            "ioc",
            "pct",
            "all",
        ),
        *("2026-11-22T08:00:05Z", "2026-11-22T08:00:01.000Z", "SOL/USD", "ETH/USD"),
        *({"price": 141.0}, {"price": 1, "price_type": "pct"}, {"order_type": "limit", "limit_price": 150}),
    )
)
NAMES = (
    *("order_type", "side", "order_qty", "cash_order_qty", "limit_price", "limit_price_type", "triggers"),
    *("time_in_force", "expire_time", "effective_time", "cl_ord_id", "order_userref", "post_only", "margin"),
    *("display_qty", "fee_preference", "stp_type", "conditional", "deadline", "validate", "no_mpp", "orders"),
    *(
        "order_id",
        "timeout",
        "trigger_price",
        "trigger_price_type",
        "symbol",
        "channel",
        "snapshot",
        "users",
        "x",
    ),
)
CHANGES: Any = st.dictionaries(st.sampled_from(NAMES), PLAUSIBLE | VALUES, max_size=4)


@given(
    requests=st.lists(
        st.tuples(
            st.sampled_from([*sorted(ORDER_METHODS), "subscribe", "unsubscribe"]), CHANGES, st.booleans()
        ),
        min_size=1,
        max_size=6,
    )
)
def test_any_request_about_orders_is_answered(requests: list[tuple[str, dict[str, Any], bool]]) -> None:
    """Every request gets at least one answer, no answer breaks off, nobody overdraws, and money is neither made nor lost."""
    made = trader(funds={"USD": 900, "SOL": 3})
    made.follow()
    made.follow("balances")
    for method, changes, named in requests:
        params: dict[str, Any] = {"symbol": "SOL/USD", **ORDER} if method == "add_order" else {}
        if named and made.account.orders:
            params |= {"order_id": next(iter(made.account.orders))}
        told = made.say(json.dumps({"method": method, "params": params | changes | {"token": made.token}}))
        replies = [frame for frame in told if "method" in frame]
        assert replies
        assert all(reply["success"] is ("error" not in reply) for reply in replies)
    made.wait(8)
    ledger = made.accounts.ledger
    for asset in ("USD", "SOL"):
        balance = made.account.balances[asset]
        assert balance + ledger.crowd[asset] + ledger.fees[asset] == ledger.paid_in[asset]
        assert made.account.available(asset) >= 0


class Refusing(Honest):
    """Faults that refuse every new order, and cut a connection at its first report of a fill."""

    def refusal(self, connection: Connection, request: Request, symbol: str) -> str | None:
        return "EGeneral:Temporary lockout" if (request.method, symbol) == ("add_order", "SOL/USD") else None

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        connection.emit(frame, label, at)
        if b'"exec_type":"trade"' in frame:
            connection.close(None)


def test_faults_may_refuse_orders() -> None:
    """Faults may refuse an order in any words; then there is none."""
    made = trader()
    made.exchange.faults = Refusing()
    assert reply_of(made.add(**LIMIT))["error"] == "EGeneral:Temporary lockout"
    assert not made.account.orders
    assert reply_of(made.order("cancel_all"))["success"]


def test_connection_cut_in_the_middle_of_a_fill() -> None:
    """A connection that is cut by a report takes nothing away from the account, nor from its other connections."""
    made = trader()
    other = Trader(made.accounts, made.exchange, "other")
    other.token = made.token
    for each in (made, other):
        each.follow()
    victim = made.exchange.connections[made.id]

    class Cutting(Honest):
        def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
            connection.emit(frame, label, at)
            if connection is victim and b'"exec_type":"trade"' in frame:
                connection.close(None)

    made.exchange.faults = Cutting()
    told = made.add(order_type="market", order_qty=0.1)
    assert [row["exec_type"] for row in rows_of(told)][-1] == "trade"
    assert [row["exec_type"] for row in rows_of(other.take())][-1] == "filled"
    assert len(made.account.listeners) == 1
    assert made.account.closed[-1].status == "filled"
