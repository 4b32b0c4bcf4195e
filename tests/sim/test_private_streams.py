"""Channels `executions` and `balances`: acknowledgements, snapshots, options, numbers; and who hears what."""

from __future__ import annotations

from typing import Any

import pytest

from krakenwire.sim import Accounts, Exchange, Host, Rules
from tests.sim.drive import AT_ONCE, Client
from tests.sim.traders import Reader, Trader, reply_of, rows_of, trader

LIMIT = {"order_qty": 1.0, "limit_price": 100.0}


def frames_of(frames: list[Any], channel: str) -> list[Any]:
    return [frame for frame in frames if frame.get("channel") == channel]


def test_acknowledgements_and_empty_snapshots() -> None:
    """The answers have the recorded fields; a snapshot with nothing to tell comes with number one."""
    made = trader(funds={})
    told = made.follow()
    assert reply_of(told)["result"] == {
        "channel": "executions",
        "maxratecount": 180,
        "snap_orders": True,
        "snap_trades": False,
        "snapshot": True,
        "warnings": [
            "cancel_reason is deprecated, use reason",
            "stop_price is deprecated, use triggers.price",
            "trigger is deprecated use triggers.reference",
            "triggered_price is deprecated use triggers.last_price",
        ],
    }
    assert frames_of(told, "executions") == [
        {"channel": "executions", "type": "snapshot", "data": [], "sequence": 1}
    ]
    told = made.follow("balances")
    assert reply_of(told)["result"] == {"channel": "balances", "snapshot": True}
    assert frames_of(told, "balances")[0]["data"] == []


def test_snapshot_of_balances() -> None:
    """One row an asset with its wallet, digits by the asset's precision."""
    made = trader(funds={"USD": 1_000, "BTC": 2})
    made.exchange.receive(
        made.id, f'{{"method":"subscribe","params":{{"channel":"balances","token":"{made.token}"}}}}', now=0
    )
    frame = made.exchange.take_outgoing(made.id)[-1].decode()
    assert frame == (
        '{"channel":"balances","type":"snapshot","data":[{"asset":"USD","asset_class":"currency","balance":1000.0000,'
        '"wallets":[{"type":"spot","id":"main","balance":1000.0000}]},{"asset":"BTC","asset_class":"currency",'
        '"balance":2.0000000000,"wallets":[{"type":"spot","id":"main","balance":2.0000000000}]}],"sequence":1}'
    )


def test_a_trade_is_two_entries_of_the_ledger() -> None:
    """One frame an asset, both with the fill's id; old balance plus amount minus fee is the new one."""
    made = trader(funds={"USD": 1_000})
    made.follow()
    made.follow("balances")
    told = made.add(order_type="market", order_qty=0.1)
    fill = next(row for row in rows_of(told) if row["exec_type"] == "trade")
    base, quote = rows_of(told, "balances")
    assert [base["asset"], quote["asset"]] == ["SOL", "USD"]
    assert {base["ref_id"], quote["ref_id"]} == {fill["exec_id"]}
    assert (base["amount"], base["fee"], base["balance"]) == (0.1, 0, 0.1)
    assert quote["balance"] == pytest.approx(1_000 + quote["amount"] - quote["fee"])
    assert quote["amount"] == pytest.approx(-fill["cost"], abs=1e-4)
    assert quote["fee"] == pytest.approx(fill["fees"][0]["qty"], abs=1e-4)
    assert base["ledger_id"] != quote["ledger_id"]


def test_deposit_and_withdrawal() -> None:
    """Money that comes and goes is told with its kind."""
    made = trader(funds={})
    made.follow("balances")
    made.accounts.pay(made.account, "USD", "12.5", now=0.0)
    made.accounts.pay(made.account, "USD", -2, now=0.0)
    rows = rows_of(made.take(), "balances")
    assert [(row["type"], row["category"], row["amount"], row["balance"]) for row in rows] == [
        ("deposit", "deposit", 12.5, 12.5),
        ("withdrawal", "withdrawal", -2, 10.5),
    ]


def test_numbers_have_no_holes_and_count_each_channel_alone() -> None:
    """Every frame of a channel has the next number, whatever happens on the other one; a new subscription begins at one."""
    made = trader()
    told = made.follow() + made.follow("balances")
    for _ in range(5):
        told += made.add(order_type="market", order_qty=0.1)
    for channel in ("executions", "balances"):
        numbers = [frame["sequence"] for frame in frames_of(told, channel)]
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) > 10
    assert reply_of(made.order("unsubscribe", channel="executions"))["result"] == {"channel": "executions"}
    assert frames_of(made.add(**LIMIT), "executions") == []
    (snapshot,) = frames_of(made.follow(), "executions")
    assert (snapshot["sequence"], len(snapshot["data"])) == (1, 1)


def test_snapshot_of_orders_and_fills() -> None:
    """Open orders with all their fields, and the last fifty fills, newest first, without totals."""
    made = trader()
    made.add(**LIMIT, cl_ord_id="mine")
    made.order("amend_order", cl_ord_id="mine", order_qty=2.0)
    for _ in range(60):
        made.add(order_type="market", order_qty=0.02)
        made.add(order_type="market", order_qty=0.02, side="sell")
        made.wait(2)
    made.take()
    (frame,) = frames_of(made.follow(snap_trades=True), "executions")
    order, *fills = frame["data"]
    assert (order["exec_type"], order["order_status"], order["cl_ord_id"]) == ("amended", "new", "mine")
    assert (order["order_qty"], order["amended"], order["limit_price"]) == (2, True, 100)
    assert len(fills) == 50
    assert {(fill["exec_type"], fill["order_status"]) for fill in fills} == {("trade", "filled")}
    stamps = [fill["timestamp"] for fill in fills]
    assert stamps == sorted(stamps, reverse=True)
    assert not any("cum_qty" in fill for fill in fills)


def test_no_snapshot_when_none_is_wanted() -> None:
    """Without orders and trades there is no snapshot, and the first report has number one."""
    made = trader()
    told = made.follow(snap_orders=False)
    assert reply_of(told)["result"]["snapshot"] is False
    assert frames_of(told, "executions") == []
    first = frames_of(made.add(**LIMIT), "executions")[0]
    assert (first["type"], first["sequence"]) == ("update", 1)


def test_stream_without_order_status() -> None:
    """It tells what became live, was filled, cancelled or expired, and the fills; nothing in between."""
    made = trader()
    made.follow(order_status=False)
    told = made.add(**LIMIT, cl_ord_id="mine") + made.order("amend_order", cl_ord_id="mine", order_qty=2.0)
    told += made.order("cancel_order", cl_ord_id=["mine"])
    told += made.add(order_type="market", order_qty=0.1)
    kinds = [row["exec_type"] for row in rows_of(told)]
    assert kinds == ["new", "canceled", "new", "trade", "filled"]


def test_rate_counter_in_reports() -> None:
    """With `ratecounter` every report carries where the counter of its pair stands."""
    made = trader()
    made.follow(ratecounter=True)
    assert [row["ratecount"] for row in rows_of(made.add(**LIMIT, cl_ord_id="a"))] == [1, 1]
    told = made.order("amend_order", cl_ord_id="a", order_qty=2.0)
    assert [row["ratecount"] for row in rows_of(told)] == [5]
    told = made.order("cancel_order", cl_ord_id=["a"])
    assert [row["ratecount"] for row in rows_of(told)] == [13]


def test_second_subscription_is_refused() -> None:
    """Each private channel once a connection; ending one that is not there is refused too. Both name the channel."""
    made = trader()
    made.follow()
    reply = reply_of(made.follow())
    assert (reply["error"], reply["channel"], reply["status"]) == (
        "Already subscribed",
        "executions",
        "error",
    )
    reply = reply_of(made.order("unsubscribe", channel="balances"))
    assert (reply["error"], reply["channel"]) == ("Subscription Not Found", "balances")
    reply = reply_of(made.follow("balances", depth=10))
    assert reply["error"] == "Unsupported field: 'depth' for the given msg type: subscribe"


def test_nothing_between_the_acknowledgement_and_the_snapshot() -> None:
    """What happens before the snapshot is in the snapshot and told nowhere else."""
    exchange = Exchange(seed=5, markets=["SOL/USD"], rules=Rules(snapshot_delay=(0.4, 0.4)))
    made = Trader(Accounts(exchange), exchange)
    assert len(made.follow()) == 1
    assert frames_of(made.add(**LIMIT), "executions") == []
    (frame,) = frames_of(made.wait(0.5), "executions")
    assert (frame["type"], frame["sequence"], len(frame["data"])) == ("snapshot", 1, 1)


def test_every_connection_of_an_account_hears_its_orders() -> None:
    """Reports go to all connections of the account with numbers of their own, and to nobody else."""
    made = trader()
    other = Trader(made.accounts, made.exchange, "other")
    second = Client(made.exchange, Host.PRIVATE)
    second.take()
    second.ask("subscribe", channel="executions", token=made.token, snap_orders=False)
    made.follow()
    other.follow()
    made.add(**LIMIT)
    assert [frame["sequence"] for frame in frames_of(second.take(), "executions")] == [1, 2]
    assert other.take() == []


def test_master_hears_its_subaccounts() -> None:
    """With `users: all` reports and entries of subaccounts come too, each with the name, and no snapshot."""
    made = trader()
    sub = Trader(made.accounts, made.exchange, "sub", master=made.account)
    told = made.follow(users="all") + made.follow("balances", users="all")
    assert [frame["type"] for frame in told if "type" in frame] == []
    sub.add(order_type="market", order_qty=0.1)
    told = made.take()
    assert {row["user"] for row in rows_of(told) + rows_of(told, "balances")} == {"sub"}
    assert len(rows_of(told, "balances")) == 2
    assert {row["user"] for row in rows_of(made.add(**LIMIT))} == {"trader"}


# ---------------------------------------------------------------- tokens


def test_token_has_to_be_used_in_its_time_and_then_stays_good() -> None:
    """Fifteen minutes after its creation a token is no good, unless something was subscribed to with it on this connection."""
    made, late = trader(), trader()
    made.follow()
    made.wait(1_000)
    assert reply_of(made.add(**LIMIT))["success"]
    late.now = 900.0
    late.id = late.exchange.connect(Host.PRIVATE, now=late.now)
    assert reply_of(late.follow())["error"] == "ESession:Invalid session"
    late.token = late.accounts.issue(late.key)
    assert reply_of(late.follow())["success"]


@pytest.mark.parametrize("token", ["", "no such token", None, 7])
def test_bad_token_is_no_session(token: object) -> None:
    """A token that is unknown or none is refused, for orders and for subscriptions."""
    made = trader()
    assert reply_of(made.ask("cancel_all", token=token))["error"] == "ESession:Invalid session"
    reply = reply_of(made.ask("subscribe", channel="balances", token=token))
    assert (reply["error"], reply["channel"], reply["status"]) == (
        "ESession:Invalid session",
        "balances",
        "error",
    )


def test_token_of_nobody_opens_no_account() -> None:
    """A token that speaks for no key, or for a revoked one, is no session, neither on the private host nor on that of level3."""
    made = trader()
    nobody = made.exchange.tokens.issue(made.exchange.at)
    assert reply_of(made.ask("cancel_all", token=nobody))["error"] == "ESession:Invalid session"
    orders = Client(made.exchange, "level3")
    wanted: dict[str, Any] = {"channel": "level3", "symbol": ["SOL/USD"]}
    refused = reply_of(orders.ask("subscribe", **wanted, token=nobody))
    assert (refused["error"], refused["channel"], refused["status"]) == (
        "ESession:Invalid session",
        "level3",
        "error",
    )
    assert reply_of(orders.ask("subscribe", **wanted, token=made.token))["success"]
    made.key.revoked = True
    later = Client(made.exchange, "level3")
    assert reply_of(later.ask("subscribe", **wanted, token=made.token))["error"] == "ESession:Invalid session"


def test_orders_alone_keep_no_token() -> None:
    """A token outlives its fifteen minutes by a private subscription made with it, not by orders placed with it."""
    made, subscribed = trader(), trader()
    subscribed.follow()
    for each in (made, subscribed):
        assert reply_of(each.order("cancel_all"))["success"]
        for _ in range(31):  # asking keeps the connection open
            each.wait(30)
            each.ask("ping")
    assert reply_of(made.order("cancel_all"))["error"] == "ESession:Invalid session"
    assert reply_of(subscribed.order("cancel_all"))["success"]


def test_connection_without_private_subscription_is_closed() -> None:
    """A private connection is held open by a private subscription, and closed a minute after the last request without one."""
    made, idle = trader(), trader()
    made.follow()
    made.wait(200)
    idle.wait(200)
    assert made.exchange.closing(made.id) is None
    assert idle.exchange.closing(idle.id) is not None


def test_account_lives_on_without_its_connection() -> None:
    """Orders stay when the connection goes, and who comes back finds them, and fills that happened meanwhile."""
    made = trader()
    reader = Reader(made)
    reader.read(0.0)
    made.exchange.disconnect(reader.id)
    market = made.exchange.markets["SOL/USD"]
    best = market.engine.bids.best()
    assert best is not None
    made.add(order_qty=0.5, limit_price=best / 100)
    made.add(**LIMIT)
    made.wait(120)
    assert made.account.fills
    back = Reader(made)
    for _ in range(3):
        back.read(made.now)
    back.check()
    assert back.kinds["trade"] == len(made.account.fills)


def test_same_seed_same_frames() -> None:
    """The same exchange, accounts and requests give the same bytes."""

    def told() -> list[bytes]:
        exchange = Exchange(seed=3, markets=["SOL/USD"], rules=AT_ONCE)
        made = Trader(Accounts(exchange, seed=3), exchange)
        for channel in ("executions", "balances"):
            exchange.receive(
                made.id,
                f'{{"method":"subscribe","params":{{"channel":"{channel}","token":"{made.token}"}}}}',
                now=0.0,
            )
        exchange.receive(
            made.id,
            '{"method":"add_order","params":{"order_type":"market","side":"buy","symbol":"SOL/USD","order_qty":3,'
            f'"token":"{made.token}"}}}}',
            now=1.0,
        )
        exchange.advance(5.0)
        return exchange.take_outgoing(made.id)

    assert told() == told()
    assert len(told()) > 10
