"""Orders of an account in a real market: what is reported, in which fields and digits, and what becomes of them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from krakenwire.sim import Accounts, Exchange
from krakenwire.sim.engine import Side
from krakenwire.sim.market import Market
from krakenwire.sim.private.amending import Changes
from krakenwire.wire.timestamps import format_ns
from tests.sim.drive import AT_ONCE
from tests.sim.traders import Trader, price_of, reply_of, rows_of, trader

EXACT = msgspec.json.Decoder(float_hook=str)


def market_of(made: Trader) -> Market:
    return made.exchange.markets["SOL/USD"]


def resting_price(made: Trader, away: int = 50) -> float:
    """A bid far below the market."""
    return price_of(market_of(made), Side.BUY, -away)


def rest(made: Trader, **params: Any) -> str:
    """The id of a new order that rests."""
    told = made.add(**({"order_qty": 2.0, "limit_price": resting_price(made)} | params))
    return str(reply_of(told)["result"]["order_id"])


def kinds(frames: list[Any]) -> list[str]:
    return [row["exec_type"] for row in rows_of(frames)]


def trade_at(made: Trader, price: float, qty: float = 0.1) -> None:
    """The crowd trades at a price: everything better is taken away first."""
    market = market_of(made)
    ticks = round(price * 100)
    for side in Side:
        for entry in list(market.engine.orders.values()):
            if entry.side is side and entry.owner is None:
                market.cancel(entry)
    market.place(Side.SELL, int(qty * 10**8), ticks, at=made.exchange.at)
    market.place(Side.BUY, int(qty * 10**8), ticks, at=made.exchange.at)
    made.exchange.publish(market, made.exchange.at)
    made.exchange.advance(made.now)


# ---------------------------------------------------------------- reports


def test_reports_of_a_limit_order_have_the_recorded_fields() -> None:
    """From pending_new to canceled every report has exactly the fields and digits of the recorded ones."""
    made = trader()
    made.follow()
    made.exchange.take_outgoing(made.id)
    order_id = rest_raw(made)
    made.exchange.receive(
        made.id,
        msgspec.json.encode(
            {"method": "amend_order", "params": {"order_id": order_id, "order_qty": 1.5, "token": made.token}}
        ),
        now=0.0,
    )
    made.exchange.receive(
        made.id,
        msgspec.json.encode(
            {"method": "cancel_order", "params": {"order_id": [order_id], "token": made.token}}
        ),
        now=0.0,
    )
    frames = [EXACT.decode(frame) for frame in made.exchange.take_outgoing(made.id)]
    pending, new, amended, canceled = rows_of([f for f in frames if f.get("channel") == "executions"])
    stamp = "2026-11-22T08:00:00.000000Z"
    assert pending == {
        "order_id": order_id,
        "symbol": "SOL/USD",
        "order_qty": "2.00000000",
        "cum_cost": "0.00000",
        "time_in_force": "GTC",
        "exec_type": "pending_new",
        "side": "buy",
        "order_type": "limit",
        "order_userref": 0,
        "limit_price_type": "static",
        "limit_price": "100.00",
        "stop_price": "0.00",
        "order_status": "pending_new",
        "fee_usd_equiv": "0.00000",
        "fee_ccy_pref": "fciq",
        "timestamp": stamp,
    }
    brief = {"timestamp": stamp, "order_status": "new", "order_userref": 0, "order_id": order_id}
    assert new == brief | {"exec_type": "new"}
    assert amended == brief | {
        "exec_type": "amended",
        "cum_qty": "0.00000000",
        "reason": "User requested",
        "amended": True,
        "order_qty": "1.50000000",
        "limit_price": "100.00",
        "limit_price_type": "static",
    }
    assert canceled == brief | {
        "order_status": "canceled",
        "exec_type": "canceled",
        "cum_qty": "0.00000000",
        "cum_cost": "0.00000",
        "fee_usd_equiv": "0.00000",
        "avg_price": "0.00",
        "cancel_reason": "User requested",
        "reason": "User requested",
    }


def rest_raw(made: Trader) -> str:
    request = (
        '{"method":"add_order","params":{"order_type":"limit","side":"buy","symbol":"SOL/USD","order_qty":2,'
        f'"limit_price":100.00,"token":"{made.token}"}}}}'
    )
    made.exchange.receive(made.id, request, now=0.0)
    return next(iter(made.account.orders))


def test_reports_of_a_fill() -> None:
    """A fill is a `trade` that says partially_filled even if it completes the order; `filled` is a report of its own."""
    made = trader()
    made.follow()
    told = made.add(order_type="market", order_qty=1.5, cl_ord_id="mine")
    pending, new, *fills, filled = rows_of(told)
    assert [pending["exec_type"], new["exec_type"], filled["exec_type"]] == ["pending_new", "new", "filled"]
    tape = market_of(made).tape.latest(len(fills))
    for row, trade in zip(fills, tape, strict=True):
        assert (row["exec_type"], row["order_status"]) == ("trade", "partially_filled")
        assert (row["trade_id"], row["liquidity_ind"], row["side"]) == (trade.trade_id, "t", "buy")
        assert row["last_price"] * 100 == pytest.approx(trade.price)
    assert filled["order_status"] == "filled"
    assert filled["cum_qty"] == 1.5 == sum(row["last_qty"] for row in fills)
    assert filled["avg_price"] == pytest.approx(filled["cum_cost"] / 1.5, abs=0.005)
    assert "limit_price" not in pending
    assert {row["cl_ord_id"] for row in rows_of(told)} == {"mine"}


def test_fees_follow_the_side_of_the_book() -> None:
    """A taker pays the taker's fee of the cost, a maker the maker's, both in the quote currency."""
    made = trader()
    made.follow()
    taker = rows_of(made.add(order_type="market", order_qty=1))[2]
    assert taker["fees"] == [{"asset": "USD", "qty": pytest.approx(taker["cost"] * 0.004, abs=1e-5)}]
    made.add(order_qty=1.0, limit_price=price_of(market_of(made), Side.BUY))
    maker = next(row for row in rows_of(made.wait(60)) if row["exec_type"] == "trade")
    assert maker["liquidity_ind"] == "m"
    assert maker["fees"] == [{"asset": "USD", "qty": pytest.approx(maker["cost"] * 0.0025, abs=1e-5)}]


def test_fee_in_dollars_of_a_pair_without_dollars() -> None:
    """Where the quote currency is not the dollar, the fee is told in dollars by the last price of the quote currency."""
    made = trader("ETH/BTC", "BTC/USD", funds={"BTC": 50})
    made.follow()
    fill = rows_of(made.add(symbol="ETH/BTC", order_type="market", order_qty=20.0))[2]
    (fee,) = fill["fees"]
    assert fee["asset"] == "BTC"
    last = made.exchange.markets["BTC/USD"].tape.last_price / 10
    assert fill["fee_usd_equiv"] == pytest.approx(fee["qty"] * last, abs=1)


# ---------------------------------------------------------------- kinds of orders


def test_post_only_order_that_would_take_is_cancelled() -> None:
    """It is reported as pending, then as cancelled for the recorded reason, and nothing trades."""
    made = trader()
    made.follow()
    price = price_of(market_of(made), Side.SELL)
    told = made.add(order_qty=1.0, limit_price=price, post_only=True)
    assert reply_of(told)["success"]
    assert kinds(told) == ["pending_new", "canceled"]
    assert rows_of(told)[-1]["reason"] == "Post only order"
    assert rows_of(told)[0]["post_only"] is True
    assert kinds(made.add(order_qty=1.0, limit_price=resting_price(made), post_only=True)) == [
        "pending_new",
        "new",
    ]


def test_what_an_immediate_order_leaves_is_cancelled() -> None:
    """Immediate or cancel fills what it can and cancels the rest; fill or kill does all or nothing."""
    made = trader()
    made.follow()
    level = market_of(made).engine.asks.window(1)[0]
    there, price = level.total / 10**8, level.price / 100
    told = made.add(order_qty=there + 5, limit_price=price, time_in_force="fok")
    assert kinds(told) == ["pending_new", "canceled"]
    told = made.add(order_qty=there + 5, limit_price=price, time_in_force="ioc")
    assert kinds(told)[-1] == "canceled"
    assert rows_of(told)[-1]["cum_qty"] == pytest.approx(there)
    assert rows_of(told)[0]["time_in_force"] == "IOC"
    level = market_of(made).engine.asks.window(1)[0]
    told = made.add(
        order_qty=round(level.total / 10**8, 8), limit_price=level.price / 100, time_in_force="fok"
    )
    assert kinds(told)[-1] == "filled"


def test_good_till_date_expires() -> None:
    """At its time what is left of the order is expired and gone from the book."""
    made = trader()
    made.follow()
    rest(made, time_in_force="gtd", expire_time="2026-11-22T08:00:09Z")
    assert kinds(made.wait(8.9)) == []
    (row,) = rows_of(made.wait(0.2))
    assert (row["exec_type"], row["order_status"], row["timestamp"]) == (
        "expired",
        "expired",
        "2026-11-22T08:00:09.000000Z",
    )
    assert not made.account.orders


def test_scheduled_order_begins_in_its_time() -> None:
    """It is pending until then, holds nothing, and is live from then on."""
    made = trader()
    made.follow()
    told = made.add(order_qty=2.0, limit_price=resting_price(made), effective_time="2026-11-22T08:00:05Z")
    assert kinds(told) == ["pending_new"]
    assert rows_of(told)[0]["effective_time"] == "2026-11-22T08:00:05Z"
    assert made.account.held("USD") == 0
    assert kinds(made.wait(4.9)) == []
    assert kinds(made.wait(0.2)) == ["new"]
    assert made.account.held("USD") > 0


def test_cash_order_spends_what_it_says() -> None:
    """A market buy in the quote currency buys as much as the amount pays for and never spends more."""
    made = trader()
    made.follow()
    told = made.add(order_type="market", cash_order_qty=500.0)
    assert rows_of(told)[0]["cash_order_qty"] == 500
    filled = rows_of(told)[-1]
    assert filled["exec_type"] == "filled"
    assert 499.9 < filled["cum_cost"] <= 500


def test_iceberg_shows_its_slices_one_after_the_other() -> None:
    """The book shows one slice; when it is filled the next one comes to the tail of the queue, until all is filled."""
    made = trader()
    made.follow()
    market = market_of(made)
    price = price_of(market, Side.BUY, 1)
    if market.engine.crosses(Side.BUY, round(price * 100)):
        price = price_of(market, Side.BUY)
    rest(made, order_type="iceberg", order_qty=5.0, limit_price=price, display_qty=2.0)
    (order,) = made.account.orders.values()
    entry = order.resting
    assert entry is not None
    assert (entry.qty, entry.hidden) == (2 * 10**8, 3 * 10**8)
    behind = market.place(Side.BUY, 10**8, entry.price, at=made.exchange.at)
    ahead = sum(o.qty for o in market.engine.bids.levels[entry.key].orders.values()) - 3 * 10**8
    market.place(Side.SELL, ahead + int(2.5 * 10**8), entry.price, at=made.exchange.at, rests=False)
    made.exchange.publish(market, made.exchange.at)
    rows = rows_of(made.take())
    assert [row["exec_type"] for row in rows] == ["trade", "iceberg_refill"]
    assert rows[1]["display_qty_remain"] == 2
    assert behind.qty == 5 * 10**7  # the slice behind it came after it, so this one was met next
    market.place(Side.SELL, 5 * 10**7 + 3 * 10**8, entry.price, at=made.exchange.at, rests=False)
    made.exchange.publish(market, made.exchange.at)
    rows = rows_of(made.take())
    assert [row["exec_type"] for row in rows] == ["trade", "iceberg_refill", "trade", "filled"]
    assert not made.account.orders


@pytest.mark.parametrize(
    ("order_type", "side", "level", "harmless", "met"),
    [
        ("stop-loss", "sell", 130.00, 135.00, 129.99),
        ("stop-loss", "buy", 150.00, 145.00, 150.00),
        ("take-profit", "sell", 150.00, 149.99, 150.00),
        ("take-profit", "buy", 130.00, 131.00, 129.00),
    ],
)
def test_waiting_order_fires_on_the_right_side(
    order_type: str, side: str, level: float, harmless: float, met: float
) -> None:
    """A stop fires where the market goes against its side, a take-profit where it goes with it; until then it is in no book."""
    made = trader()
    made.follow()
    told = made.add(order_type=order_type, side=side, order_qty=0.1, triggers={"price": level})
    pending = rows_of(told)[0]
    assert pending["triggers"] == {
        "price": level,
        "price_type": "static",
        "reference": "last",
        "status": "untriggered",
    }
    assert (pending["stop_price"], pending["trigger"]) == (level, "last")
    (order,) = made.account.orders.values()
    trade_at(made, harmless)
    assert rows_of(made.take()) == []
    assert order.resting is None
    trade_at(made, met)
    rows = rows_of(made.take())
    assert rows[0]["exec_type"] == "status"
    assert rows[0]["triggers"]["status"] == "triggered"
    assert rows[0]["triggered_price"] == rows[0]["triggers"]["last_price"] == met


def test_trailing_stop_follows_the_best_price() -> None:
    """Its level moves with the market and never back; it fires when the market turns by the distance."""
    made = trader()
    made.follow()
    made.add(
        order_type="trailing-stop-limit",
        side="sell",
        order_qty=0.1,
        limit_price=-1.00,
        triggers={"price": 5.00, "price_type": "quote"},
    )
    (order,) = made.account.orders.values()
    for price in (145.00, 160.00, 156.00):
        trade_at(made, price)
    assert order.trigger is not None
    assert order.trigger.level == Decimal("155.00")
    trade_at(made, 155.00)
    fired = next(row for row in rows_of(made.take()) if row["exec_type"] == "status")
    assert (fired["triggers"]["actual_price"], fired["triggers"]["peak_price"]) == (155, 160)
    assert (fired["limit_price"], fired["limit_price_type"]) == (154, "static")
    assert order.resting is not None


def test_fill_creates_the_conditional_order() -> None:
    """Every fill of the primary order creates an order of its size on the other side that names it."""
    made = trader()
    made.follow()
    told = made.add(
        order_type="market",
        order_qty=1.0,
        conditional={"order_type": "stop-loss", "trigger_price": 120.0},
    )
    primary = rows_of(told)[0]
    assert primary["contingent"] == {
        "order_type": "stop-loss",
        "trigger_price": 120,
        "trigger_price_type": "static",
    }
    told += made.wait(0.001)
    fills = [row for row in rows_of(told) if row["exec_type"] == "trade"]
    born = [row for row in rows_of(told) if row["exec_type"] == "pending_new"][1:]
    assert [row["order_qty"] for row in born] == [row["last_qty"] for row in fills]
    assert {(row["side"], row["ord_ref_id"]) for row in born} == {("sell", primary["order_id"])}


@pytest.mark.parametrize(
    ("policy", "cancelled"),
    [("cancel_newest", ["new"]), ("cancel_oldest", ["old"]), ("cancel_both", ["new", "old"])],
)
def test_nobody_trades_with_himself(policy: str, cancelled: list[str]) -> None:
    """Of two orders of one client that would meet, the newer, the older or both go; none fills the other."""
    made = trader()
    made.follow()
    best = price_of(market_of(made), Side.SELL, 1)
    if market_of(made).engine.crosses(Side.SELL, round(best * 100)):
        best = price_of(market_of(made), Side.SELL)
        for entry in list(market_of(made).engine.asks.levels[round(best * 100)].orders.values()):
            market_of(made).cancel(entry)
    made.add(side="sell", order_qty=1.0, limit_price=best, cl_ord_id="old")
    told = made.add(order_qty=1.0, limit_price=best, stp_type=policy, cl_ord_id="new")
    gone = [row["cl_ord_id"] for row in rows_of(told) if row["exec_type"] == "canceled"]
    assert sorted(gone) == cancelled
    assert "trade" not in kinds(told)
    assert [order.terms.cl_ord_id for order in made.account.orders.values()] == [
        name for name in ("old", "new") if name not in cancelled
    ]


# ---------------------------------------------------------------- changes


def test_less_quantity_keeps_the_place_and_more_loses_it() -> None:
    """A smaller quantity leaves the order where it is in its queue; a larger one puts it to the tail."""
    made = trader()
    market, price = market_of(made), resting_price(made)
    order_id = rest(made, limit_price=price)
    (order,) = made.account.orders.values()
    assert order.resting is not None
    other = market.place(Side.BUY, 10**8, order.resting.price, at=made.exchange.at)
    queue = market.engine.bids.levels[other.key].orders
    names = list(queue)
    made.order("amend_order", order_id=order_id, order_qty=1.0)
    assert list(queue) == names
    made.order("amend_order", order_id=order_id, order_qty=3.0)
    assert list(queue) == [*(name for name in names if name != order_id), order_id]


def test_amended_price_may_take() -> None:
    """A price that meets the other side trades at once under the same id; with `post_only` the amendment is refused."""
    made = trader()
    made.follow()
    order_id = rest(made, order_qty=0.5)
    price = price_of(market_of(made), Side.SELL)
    refused = reply_of(made.order("amend_order", order_id=order_id, limit_price=price, post_only=True))
    assert refused["error"] == "EOrder:Post only order"
    told = made.order("amend_order", order_id=order_id, limit_price=price)
    assert reply_of(told)["result"].keys() == {"amend_id", "order_id"}
    assert kinds(told) == ["amended", "trade", "filled"]
    assert {row["order_id"] for row in rows_of(told)} == {order_id}


def test_amend_below_what_is_filled_cancels_the_rest() -> None:
    """The quantity becomes what is filled, and what is left is cancelled."""
    made = trader()
    made.follow()
    level = market_of(made).engine.asks.window(1)[0]
    there = level.total / 10**8
    made.add(order_qty=round(there + 5, 8), limit_price=level.price / 100, cl_ord_id="mine")
    told = made.order("amend_order", cl_ord_id="mine", order_qty=round(there / 2, 8))
    assert kinds(told) == ["amended", "canceled"]
    assert reply_of(told)["result"]["cl_ord_id"] == "mine"
    assert rows_of(told)[0]["order_qty"] == pytest.approx(there)


def test_edit_is_another_order() -> None:
    """The old order is cancelled, a new one with a new id takes what is left of it and everything that was not changed."""
    made = trader()
    made.follow()
    order_id = rest(made, order_userref=7)
    told = made.order("edit_order", order_id=order_id, symbol="SOL/USD", order_qty=3.0)
    result = reply_of(told)["result"]
    assert result["original_order_id"] == order_id != result["order_id"]
    assert kinds(told) == ["canceled", "pending_new", "new"]
    assert rows_of(told)[1]["order_userref"] == 7
    assert [order.order_qty for order in made.account.orders.values()] == [3]


def test_engine_restates_an_order() -> None:
    """A change by the engine is told as `restated`, with its reason."""
    made = trader()
    made.follow()
    order_id = rest(made)
    changes = Changes(order_qty=Decimal("1.00000000"))
    made.accounts.restate(made.account, order_id, changes, "Liquidity", now=0.0)
    (row,) = rows_of(made.take())
    assert (row["exec_type"], row["reason"], row["amended"], row["order_qty"]) == (
        "restated",
        "Liquidity",
        True,
        1,
    )


def test_market_with_fewer_digits_cancels_what_it_cannot_write() -> None:
    """A resting order between the remaining prices is cancelled and reported; one that waits is restated."""
    made = trader()
    made.follow()
    rest(made, limit_price=100.05)
    made.add(order_type="stop-loss", side="sell", order_qty=0.1, triggers={"price": 100.05})
    made.exchange.change_pair("SOL/USD", price_precision=1, now=0.0)
    gone, restated = rows_of(made.take())
    assert (gone["exec_type"], gone["reason"]) == ("canceled", "Precision changed")
    assert (restated["exec_type"], restated["triggers"]["price"]) == ("restated", 100.1)


def test_market_with_fewer_digits_of_quantities_cancels_what_it_cannot_write() -> None:
    """Orders whose quantity, or visible slice, has no room any more are cancelled, waiting ones too; the others trade on."""
    made = trader()
    made.follow()
    rest(made, order_qty=1.0000001)
    kept = rest(made, order_qty=2.5)
    made.add(order_type="stop-loss", side="sell", order_qty=0.1000001, triggers={"price": 100.05})
    made.add(order_type="iceberg", side="buy", order_qty=1, display_qty=0.5000001, limit_price=100.0)
    made.exchange.change_pair("SOL/USD", qty_precision=6, now=0.0)
    assert [(row["exec_type"], row["reason"]) for row in rows_of(made.take())] == [
        ("canceled", "Precision changed")
    ] * 3
    assert set(made.account.orders) == {kept}
    order = made.account.orders[kept]
    assert order.resting is not None
    assert (order.resting.qty, order.left()) == (2_500_000, 2_500_000)


# ---------------------------------------------------------------- cancellations


def test_one_answer_for_each_cancelled_order() -> None:
    """Every order named is answered by itself under one number, by the name it was called, and unknown ones are refused."""
    made = trader()
    first = rest(made)
    rest(made, cl_ord_id="mine")
    for _ in range(2):
        rest(made, order_userref=9)
    told = made.ask(
        "cancel_order",
        req_id=5,
        order_id=[first, "OXXXXX-XXXXX-XXXXXX"],
        cl_ord_id=["mine"],
        order_userref=[9],
        token=made.token,
    )
    assert [reply["req_id"] for reply in told] == [5] * 5
    results = [reply["result"] for reply in told if reply["success"]]
    assert {"order_id": first} in results
    assert {"cl_ord_id": "mine"} in results
    assert len(results) == 4
    assert [reply["error"] for reply in told if not reply["success"]] == ["EOrder:Unknown order"]
    assert not made.account.orders


def test_everything_is_cancelled_and_counted() -> None:
    """`cancel_all` counts what it cancelled, waiting orders too; with nothing to cancel it succeeds with zero."""
    made = trader()
    rest(made)
    made.add(order_type="stop-loss", side="sell", order_qty=0.1, triggers={"price": 100.0})
    assert reply_of(made.order("cancel_all"))["result"] == {"count": 2}
    assert reply_of(made.order("cancel_all"))["result"] == {"count": 0}


def test_batch_cancel_counts_at_the_top_level() -> None:
    """The recorded form: no result, the number of orders beside it; numbers of the client may be named as text."""
    made = trader()
    first = rest(made)
    rest(made, order_userref=31)
    rest(made, cl_ord_id="mine")
    reply = reply_of(
        made.order("batch_cancel", orders=[first, "31", "OXXXXX-XXXXX-XXXXXX"], cl_ord_id=["mine"])
    )
    assert reply["orders_cancelled"] == 3
    assert "result" not in reply


def test_dead_mans_switch() -> None:
    """It cancels everything at its time unless it is renewed, and belongs to the account, not to the connection."""
    made = trader()
    made.follow()
    rest(made)
    made.now = 0.5
    reply = reply_of(made.order("cancel_all_orders_after", timeout=10))
    assert reply["result"] == {"currentTime": "2026-11-22T08:00:01Z", "triggerTime": "2026-11-22T08:00:11Z"}
    made.wait(8)
    assert reply_of(made.order("cancel_all_orders_after", timeout=10))["result"]["triggerTime"].endswith(
        "19Z"
    )
    assert rows_of(made.wait(10)) == []
    (row,) = rows_of(made.wait(0.6))
    assert (row["exec_type"], row["reason"]) == ("canceled", "CancelAllOrdersAfter Timeout")
    rest(made)
    made.order("cancel_all_orders_after", timeout=5)
    assert reply_of(made.order("cancel_all_orders_after", timeout=0))["result"]["triggerTime"] == "0"
    made.wait(20)
    assert len(made.account.orders) == 1
    made.order("cancel_all_orders_after", timeout=5)
    made.exchange.disconnect(made.id)
    made.exchange.advance(made.now + 7)
    assert not made.account.orders


# ---------------------------------------------------------------- batches, checks


def test_batch_is_answered_in_the_order_of_the_request() -> None:
    """The result is a list; an order that the engine refuses is named in it with the reason, and the others go on."""
    made = trader(funds={"USD": 500})
    price = resting_price(made)
    orders = [
        {"order_type": "limit", "side": "buy", "order_qty": 1, "limit_price": price, "cl_ord_id": "a"},
        {"order_type": "limit", "side": "buy", "order_qty": 900, "limit_price": price, "cl_ord_id": "b"},
        {"order_type": "limit", "side": "buy", "order_qty": 1, "limit_price": price, "order_userref": 4},
    ]
    first, second, third = reply_of(made.order("batch_add", symbol="SOL/USD", orders=orders))["result"]
    assert first.keys() == {"order_id", "cl_ord_id"}
    assert second == {"success": False, "error": "EOrder:Insufficient funds", "cl_ord_id": "b"}
    assert third.keys() == {"order_id", "order_userref"}
    assert len(made.account.orders) == 2


def test_batch_with_one_wrong_order_is_refused_whole() -> None:
    """What the gateway finds wrong in one order refuses all of them."""
    made = trader()
    good = {"order_type": "limit", "side": "buy", "order_qty": 1, "limit_price": 100.0}
    reply = reply_of(
        made.order("batch_add", symbol="SOL/USD", orders=[good, good | {"limit_price": 100.001}])
    )
    assert reply["error"] == "EOrder:Tick size check failed"
    assert not made.account.orders


@pytest.mark.parametrize("method", ["add_order", "batch_add"])
def test_validated_order_is_none(method: str) -> None:
    """With `validate` everything is checked and nothing happens."""
    made = trader()
    made.follow()
    order = {"order_type": "limit", "side": "buy", "order_qty": 1, "limit_price": 100.0}
    params = {"orders": [order, order]} if method == "batch_add" else order
    told = made.order(method, symbol="SOL/USD", validate=True, **params)
    assert reply_of(told)["success"]
    assert rows_of(told) == []
    assert not made.account.orders


def test_answer_and_reports_come_in_either_order() -> None:
    """Sometimes the reply is first and sometimes the reports; nobody may rely on one of them."""
    made = trader()
    made.follow()
    firsts = {"method" in made.add(order_qty=0.1, limit_price=100.0)[0] for _ in range(30)}
    assert firsts == {True, False}


def test_what_orders_hold_cannot_be_spent_twice() -> None:
    """An open buy holds its cost and fee, an open sell its quantity; a cancelled one holds nothing."""
    made = trader(funds={"USD": 1_000, "SOL": 2})
    order_id = rest(made, order_qty=5.0, limit_price=100.0)
    assert made.account.available("USD") == 1_000 - Decimal(500) * Decimal("1.004")
    refused = reply_of(made.add(order_qty=5.0, limit_price=100.0))
    assert refused["error"] == "EOrder:Insufficient funds"
    rest(made, side="sell", order_qty=1.5, limit_price=200.0)
    refused = reply_of(made.add(side="sell", order_qty=1.0, limit_price=200.0))
    assert refused["error"] == "EOrder:Insufficient funds"
    made.order("cancel_order", order_id=[order_id])
    assert reply_of(made.add(order_qty=5.0, limit_price=100.0))["success"]
    refused = reply_of(made.add(order_type="market", order_qty=5.0))
    assert refused["error"] == "EOrder:Insufficient funds"


def test_two_accounts_trade_with_each_other() -> None:
    """One's maker fill and the other's taker fill are the same public trade, and what one pays the other gets."""
    exchange = Exchange(seed=5, markets=["SOL/USD"], rules=AT_ONCE)
    accounts = Accounts(exchange)
    one, two = (Trader(accounts, exchange, name) for name in ("one", "two"))
    market = exchange.markets["SOL/USD"]
    for entry in list(market.engine.orders.values()):
        market.cancel(entry)
    for each in (one, two):
        each.follow()
        each.follow("balances")
    one.add(side="sell", order_qty=2.0, limit_price=140.0)
    taken = two.add(order_qty=2.0, limit_price=141.0)
    (maker,) = [row for row in rows_of(one.take()) if row["exec_type"] == "trade"]
    (taker,) = [row for row in rows_of(taken) if row["exec_type"] == "trade"]
    assert maker["trade_id"] == taker["trade_id"]
    assert maker["last_price"] == 140
    assert one.account.balances["USD"] == 100_000 + Decimal(280) * (1 - Decimal("0.0025"))
    assert two.account.balances["USD"] == 100_000 - Decimal(280) * (1 + Decimal("0.004"))
    assert format_ns(market.tape.trades[-1].at) == maker["timestamp"]
