"""Requests about orders that are refused, in Kraken's words; and what they cost of the allowance."""

from __future__ import annotations

from typing import Any

import pytest

from krakenwire.sim import INTERMEDIATE, PRO, STARTER, Accounts, Exchange, Host, Permissions, Tier, listing
from krakenwire.sim.clock import SECOND
from krakenwire.sim.private.rates import RateCounter, penalty
from krakenwire.wire.enums import PairStatus, SystemStatus
from krakenwire.wire.refusals import ErrorKind, classify_error
from tests.sim.drive import AT_ONCE, Client
from tests.sim.traders import Trader, reply_of, trader

LIMIT = {"order_qty": 1.0, "limit_price": 100.0}
TRIGGERS = {"price": 120.0}
NUMBER = "Limit_price field must be a number_float"


def error(frames: list[Any]) -> str:
    reply = reply_of(frames)
    assert reply["success"] is False
    return str(reply["error"])


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"leverage": 5} | LIMIT, "Unsupported field: 'leverage' for the given msg type: add_order"),
        ({"order_qty": 1, "limit_price": "100"}, NUMBER),
        ({"order_qty": 1, "limit_price": True}, NUMBER),
        (
            {"order_type": "market", "cash_order_qty": "7"},
            "Cash_order_qty field must be a number_float",
        ),
        ({"symbol": "XBT/USD"} | LIMIT, "Currency pair not supported XBT/USD"),
        ({"order_qty": 1, "limit_price": 100.001}, "EOrder:Tick size check failed"),
        ({"order_qty": 1, "limit_price": 0}, "EOrder:Invalid price"),
        ({"order_qty": 1, "limit_price": -5}, "EOrder:Invalid price"),
        ({"side": "sell", "order_qty": 1, "limit_price": 1e20}, "EOrder:Invalid price"),
        (
            {"order_type": "stop-loss", "order_qty": 1, "triggers": {"price": -150, "price_type": "pct"}},
            "EOrder:Invalid price",
        ),
        (
            {"order_type": "stop-loss", "order_qty": 1, "triggers": {"price": 1e9, "price_type": "quote"}},
            "EOrder:Invalid price",
        ),
        ({"order_qty": 0.01, "limit_price": 100.0}, "EGeneral:Invalid arguments:volume minimum not met"),
        ({"order_qty": 0.1, "limit_price": 1.0}, "EOrder:Cost minimum not met"),
        ({"order_type": "market", "cash_order_qty": 0.1}, "EOrder:Cost minimum not met"),
        ({"order_qty": 5_000, "limit_price": 100.0}, "EOrder:Insufficient funds"),
        ({"side": "sell", "order_qty": 501, "limit_price": 900.0}, "EOrder:Insufficient funds"),
        (LIMIT | {"margin": True}, "EOrder:Cannot open position"),
        (LIMIT | {"reduce_only": True}, "EOrder:Reduce only:No position exists"),
        ({"order_type": "settle-position", "order_qty": 1}, "EOrder:Unknown position"),
        (
            {"order_type": "stop-loss", "order_qty": 1, "triggers": TRIGGERS | {"reference": "index"}},
            "EGeneral:Invalid arguments:Index unavailable",
        ),
        (LIMIT | {"deadline": "2026-11-22T07:59:59.000Z"}, "EService:Deadline elapsed"),
        (LIMIT | {"deadline": "2026-11-22T08:00:00.200Z"}, "EGeneral:Invalid arguments:deadline"),
        (LIMIT | {"deadline": "2026-11-22T08:02:00.000Z"}, "EGeneral:Invalid arguments:deadline"),
        (LIMIT | {"cl_ord_id": "a", "order_userref": 1}, "EGeneral:Invalid arguments:cl_ord_id"),
        (LIMIT | {"cl_ord_id": "longer than eighteen characters"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"order_qty": 1}, "EGeneral:Invalid arguments:limit_price"),
        ({"limit_price": 100.0}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_qty": 1.0000000001, "limit_price": 100.0}, "EGeneral:Invalid arguments:order_qty"),
        (LIMIT | {"cash_order_qty": 5}, "EGeneral:Invalid arguments:order_qty"),
        (LIMIT | {"side": "up"}, "EGeneral:Invalid arguments:side"),
        (LIMIT | {"time_in_force": "gtd"}, "EGeneral:Invalid arguments:expire_time"),
        (
            {"order_type": "market", "order_qty": 1, "time_in_force": "fok"},
            "EGeneral:Invalid arguments:time_in_force",
        ),
        ({"order_type": "market", "order_qty": 1, "post_only": True}, "EGeneral:Invalid arguments:post_only"),
        (LIMIT | {"order_type": "iceberg"}, "EGeneral:Invalid arguments:display_qty"),
        (
            {"order_type": "iceberg", "order_qty": 100, "limit_price": 100.0, "display_qty": 6},
            "EGeneral:Invalid arguments:display_qty",
        ),
        ({"order_type": "stop-loss", "order_qty": 1}, "EGeneral:Invalid arguments:triggers"),
        (
            {"order_type": "trailing-stop", "order_qty": 1, "triggers": TRIGGERS},
            "EGeneral:Invalid arguments:triggers.price",
        ),
        (
            LIMIT | {"conditional": {"order_type": "market"}},
            "EGeneral:Invalid arguments:conditional.order_type",
        ),
    ],
)
def test_wrong_order_is_refused(params: dict[str, Any], words: str) -> None:
    """An order that cannot be is refused in the known words where there are any, and there is no order."""
    exchange = Exchange(seed=5, markets=[_without_index()], rules=AT_ONCE)
    made = trader_of(exchange)
    assert error(made.add(**params)) == words
    assert not made.account.orders
    assert made.account.available("USD") == 100_000


def _without_index() -> Any:
    made = listing("SOL/USD", "141.22", rate=8, levels=150, spacing=1.5, size=2500)
    pair = type(made.pair)(symbol="SOL/USD", price_precision=2, qty_min=2_000_000, has_index=False)
    return type(made)(pair=pair, price=made.price, character=made.character)


def trader_of(exchange: Exchange) -> Trader:
    return Trader(Accounts(exchange), exchange)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("limit_price", "1e400"),
        ("limit_price", "1e999999999"),
        ("order_qty", "9" * 45),
        ("order_qty", "1e-300"),
    ],
)
def test_hostile_numbers_cost_nothing(text: str, number: str) -> None:
    """A number beyond reason is refused without being computed with."""
    made = trader()
    other = "order_qty" if text == "limit_price" else "limit_price"
    request = (
        '{"method":"add_order","params":{"order_type":"limit","side":"buy","symbol":"SOL/USD",'
        f'"{text}":{number},"{other}":1,"token":"{made.token}"}}}}'
    )
    assert error(made.say(request)) == f"EGeneral:Invalid arguments:{text}"


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("cancel_order", {"order_id": ["OXXXXX-XXXXX-XXXXXX"]}, "EOrder:Unknown order"),
        ("cancel_order", {}, "EGeneral:Invalid arguments:order_id"),
        ("cancel_order", {"order_id": "OXXXXX"}, "Order_id field must be an array of strings"),
        ("amend_order", {"order_id": "OXXXXX", "order_qty": 1}, "EOrder:Unknown order"),
        ("amend_order", {"order_id": "OXXXXX", "limit_price": "1"}, NUMBER),
        ("amend_order", {"order_qty": 1}, "EGeneral:Invalid arguments:order_id"),
        ("amend_order", {"order_id": "OXXXXX"}, "EGeneral:Invalid arguments:order_qty"),
        ("edit_order", {"order_id": "OXXXXX", "symbol": "SOL/USD"}, "EOrder:Unknown order"),
        ("batch_cancel", {"orders": ["OXXXXX"]}, "EGeneral:Invalid arguments:orders"),
        ("batch_cancel", {"orders": ["O"] * 51}, "EGeneral:Invalid arguments:orders"),
        ("batch_add", {"symbol": "SOL/USD", "orders": [{}]}, "EGeneral:Invalid arguments:orders"),
        ("cancel_all_orders_after", {"timeout": 86_400}, "EGeneral:Invalid arguments:timeout"),
        ("cancel_all_orders_after", {"timeout": 1.5}, "Timeout field must be an integer"),
        (
            "cancel_all",
            {"symbol": "SOL/USD"},
            "Unsupported field: 'symbol' for the given msg type: cancel_all",
        ),
    ],
)
def test_wrong_request_is_refused(method: str, params: dict[str, Any], words: str) -> None:
    """Requests about orders that do not exist, or that say too little or too much, are refused."""
    assert error(trader().order(method, **params)) == words


@pytest.mark.parametrize("changes", [{"limit_price": 99.001}, {"order_qty": 0.1}, {"order_qty": 9000.0}])
def test_refused_amendment_changes_nothing(changes: dict[str, Any]) -> None:
    """An amendment that the order cannot have leaves it as it was."""
    made = trader_of(Exchange(seed=5, markets=[_without_index()], rules=AT_ONCE))
    made.add(**LIMIT)
    (order,) = made.account.orders.values()
    assert order.resting is not None
    before = (order.order_qty, order.limit_price, order.resting.qty, order.resting.price, order.held)
    words = error(made.order("amend_order", order_id=order.order_id, **changes | _too_small(changes)))
    assert words in {
        "EOrder:Tick size check failed",
        "EOrder:Order minimum not met",
        "EOrder:Insufficient funds",
    }
    assert before == (order.order_qty, order.limit_price, order.resting.qty, order.resting.price, order.held)


def test_amended_price_is_held_to_the_smallest_cost() -> None:
    """A price alone may make an order worth too little, too."""
    made = trader()
    made.add(order_qty=0.02, limit_price=100.0)
    (order_id,) = made.account.orders
    words = error(made.order("amend_order", order_id=order_id, limit_price=24.99))
    assert words == "EOrder:Cost minimum not met"
    assert reply_of(made.order("amend_order", order_id=order_id, limit_price=25.00))["success"]


def _too_small(changes: dict[str, Any]) -> dict[str, Any]:
    return {"order_qty": 0.01} if changes.get("order_qty") == 0.1 else {}


def test_second_order_of_one_name_is_refused() -> None:
    """A client's id names one open order; when that is over it may be used again."""
    made = trader()
    assert reply_of(made.add(**LIMIT, cl_ord_id="mine"))["success"]
    assert error(made.add(**LIMIT, cl_ord_id="mine")) == "EGeneral:Invalid arguments:cl_ord_id"
    made.order("cancel_order", cl_ord_id=["mine"])
    assert reply_of(made.add(**LIMIT, cl_ord_id="mine"))["success"]


def test_order_that_cannot_be_edited() -> None:
    """Waiting orders and orders with a conditional one cannot be edited."""
    made = trader()
    waiting = reply_of(made.add(order_type="stop-loss", order_qty=1, triggers={"price": 190.0}))["result"][
        "order_id"
    ]
    pair = reply_of(made.add(**LIMIT, conditional={"order_type": "limit", "limit_price": 190.0}))["result"][
        "order_id"
    ]
    for order_id in (waiting, pair):
        words = error(made.order("edit_order", order_id=order_id, symbol="SOL/USD", order_qty=2))
        assert words == "EOrder:Invalid order"


# ---------------------------------------------------------------- states, rights


@pytest.mark.parametrize(
    ("status", "add", "passive", "cancel"),
    [
        ("online", None, None, None),
        ("post_only", "EService:Market in post_only mode", None, None),
        ("cancel_only", "EService:Market in cancel_only mode", "EService:Market in cancel_only mode", None),
        ("maintenance", "EService:Unavailable", "EService:Unavailable", "EService:Unavailable"),
    ],
)
def test_state_of_the_engine_decides_what_is_taken(
    status: str, add: str | None, passive: str | None, cancel: str | None
) -> None:
    """In every state exactly what it allows is taken, and the rest is refused in its words."""
    made = trader()
    order_id = reply_of(made.add(**LIMIT))["result"]["order_id"]
    made.exchange.set_system(SystemStatus(status), now=0.0)
    made.take()
    assert reply_of(made.add(**LIMIT)).get("error") == add
    assert reply_of(made.add(**LIMIT, post_only=True)).get("error") == passive
    amended = reply_of(made.order("amend_order", order_id=order_id, order_qty=2.0))
    assert amended.get("error") == passive
    assert reply_of(made.order("cancel_order", order_id=[order_id])).get("error") == cancel


def test_state_of_the_pair_decides_too() -> None:
    """A limit-only market takes limit orders and no market orders; a delisted one takes nothing."""
    made = trader()
    made.exchange.change_pair("SOL/USD", status=PairStatus.LIMIT_ONLY, now=0.0)
    assert error(made.add(order_type="market", order_qty=1)) == "EService:Market in limit_only mode"
    assert reply_of(made.add(**LIMIT))["success"]
    made.exchange.change_pair("SOL/USD", status=PairStatus.DELISTED, now=0.0)
    assert error(made.add(**LIMIT)) == "EService:Unavailable"


def test_switch_waits_for_a_closed_market() -> None:
    """A dead man's switch that falls during maintenance cancels when the engine is back."""
    made = trader()
    made.add(**LIMIT)
    made.order("cancel_all_orders_after", timeout=5)
    made.exchange.set_system(SystemStatus.MAINTENANCE, now=1.0)
    made.now = 1.0
    made.wait(60)
    assert len(made.account.orders) == 1
    made.exchange.set_system(SystemStatus.CANCEL_ONLY, now=61.0)
    made.wait(2)
    assert not made.account.orders


@pytest.mark.parametrize(
    ("missing", "method", "params"),
    [
        ("trade", "add_order", {"symbol": "SOL/USD", "order_type": "limit", "side": "buy"} | LIMIT),
        ("trade", "amend_order", {"order_id": "O", "order_qty": 1}),
        ("query_orders", "subscribe", {"channel": "executions"}),
        ("query_funds", "subscribe", {"channel": "balances"}),
    ],
)
def test_key_without_a_right(missing: str, method: str, params: dict[str, Any]) -> None:
    """A token may do what its key may; the rest is refused as permission denied."""
    made = trader(permissions=Permissions(**{missing: False}))
    reply = reply_of(made.order(method, **params))
    assert reply["error"] == "EGeneral:Permission denied"
    if method == "subscribe":
        assert (reply["channel"], reply["status"]) == (params["channel"], "error")


def test_key_that_may_only_cancel() -> None:
    """Cancelling has a right of its own, which creating orders includes."""
    made = trader(permissions=Permissions(trade=False))
    assert reply_of(made.order("cancel_all"))["success"]
    made = trader(permissions=Permissions(cancel=False))
    assert reply_of(made.order("cancel_all"))["success"]
    made = trader(permissions=Permissions(cancel=False, trade=False))
    assert error(made.order("cancel_all")) == "EGeneral:Permission denied"


def test_revoked_key_is_no_session_any_more() -> None:
    """When a key is revoked its tokens are worth nothing, on open connections either."""
    made = trader()
    assert reply_of(made.add(**LIMIT))["success"]
    unused = made.accounts.issue(made.key)
    made.accounts.revoke(made.key)
    assert error(made.add(**LIMIT)) == "ESession:Invalid session"
    level3 = Client(made.exchange, Host.LEVEL3)
    level3.take()
    told = level3.ask("subscribe", channel="level3", symbol=["SOL/USD"], token=unused)
    assert error(told) == "ESession:Invalid session"


# ---------------------------------------------------------------- allowance


def test_worked_example_of_the_documents() -> None:
    """Add, amend after 7 s, cancel 36 s after that: 1 + 3 + 4 without decay."""
    counter = RateCounter(125, 0.0)
    counter.charge(1, 0)
    counter.charge(1 + penalty("amend", 7 * SECOND), 7 * SECOND)
    counter.charge(penalty("cancel", 36 * SECOND), 43 * SECOND)
    assert counter.value(43 * SECOND) == 8


def test_fifty_orders_decay() -> None:
    """The other worked example: 50 orders at once are 26.6 after ten seconds, and never less than nothing."""
    counter = RateCounter(INTERMEDIATE.threshold, INTERMEDIATE.decay)
    for _ in range(50):
        counter.charge(1, 0)
    assert counter.value(10 * SECOND) == pytest.approx(26.6)
    assert counter.value(100 * SECOND) == 0


@pytest.mark.parametrize(
    ("deed", "costs"),
    [
        ("amend", (3, 3, 2, 1, 0, 0, 0, 0)),
        ("edit", (6, 6, 5, 4, 2, 1, 0, 0)),
        ("cancel", (8, 8, 6, 5, 4, 2, 1, 0)),
    ],
)
def test_penalties_by_age(deed: str, costs: tuple[int, ...]) -> None:
    """The younger the order, the dearer its change; a bin begins with its first instant."""
    ages = (0, 4.999, 5, 10, 15, 45, 90, 300)
    assert tuple(penalty(deed, int(age * SECOND)) for age in ages) == costs


@pytest.mark.parametrize("tier", [STARTER, INTERMEDIATE, PRO], ids=lambda tier: tier.name)
def test_allowance_is_refused_and_grows_back(tier: Tier) -> None:
    """At the threshold orders of this pair are refused; another pair has its own counter; time empties it."""
    made = trader("SOL/USD", "ETH/USD", tier=tier)
    wrong = {"order_qty": 1.0, "limit_price": 100.001}
    answers = [error(made.add(**wrong)) for _ in range(int(tier.threshold) + 1)]
    assert set(answers[:-1]) == {"EOrder:Tick size check failed"}
    assert answers[-1] == "EOrder:Rate limit exceeded"
    assert classify_error(answers[-1]) is ErrorKind.RATE
    assert error(made.add(symbol="ETH/USD", **wrong)) == "EOrder:Tick size check failed"
    made.wait(1.1 / tier.decay)
    assert error(made.add(**wrong)) == "EOrder:Tick size check failed"


def test_young_cancellations_fill_the_counter() -> None:
    """Cancelling young orders costs eight each; at the threshold it is refused, and a batch that overshoots is carried out."""
    made = trader(tier=STARTER)
    ids = [reply_of(made.add(order_qty=0.1, limit_price=100.0))["result"]["order_id"] for _ in range(20)]
    answers = [reply_of(made.order("cancel_order", order_id=[order_id])).get("error") for order_id in ids[:6]]
    assert answers == [None] * 5 + ["EOrder:Rate limit exceeded"]
    assert error(made.order("batch_cancel", orders=ids[5:])) == "EOrder:Rate limit exceeded"
    made.wait(2)
    assert reply_of(made.order("batch_cancel", orders=ids[5:]))["orders_cancelled"] == 15
    assert made.account.counter("SOL/USD").value(made.exchange.at) > 100


def test_age_counts_from_the_last_amendment() -> None:
    """An old order that was amended a moment ago costs like a young one."""
    made = trader()
    made.follow()
    order_id = reply_of(made.add(**LIMIT))["result"]["order_id"]
    made.wait(400)
    counter = made.account.counter("SOL/USD")
    made.order("amend_order", order_id=order_id, order_qty=2.0)
    assert counter.value(made.exchange.at) == 1
    made.order("cancel_order", order_id=[order_id])
    assert counter.value(made.exchange.at) == 9


def test_open_orders_are_limited() -> None:
    """One pair takes so many open orders of an account and no more."""
    made = trader(tier=STARTER)
    for _ in range(60):
        assert reply_of(made.add(order_qty=0.1, limit_price=100.0))["success"]
        made.wait(2)
    assert error(made.add(order_qty=0.1, limit_price=100.0)) == "EOrder:Orders limit exceeded"
