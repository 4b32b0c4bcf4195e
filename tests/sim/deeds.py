"""Random deeds of traders, and what has to be true of the whole world after each of them."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

from krakenwire.sim import Accounts, Exchange, Host
from krakenwire.sim.clock import SECOND
from krakenwire.sim.engine import Side
from krakenwire.sim.market import Market
from krakenwire.sim.private.amending import Changes
from krakenwire.sim.private.money import amount
from krakenwire.sim.private.order import OwnOrder
from krakenwire.wire.enums import OrderStatus, SystemStatus
from krakenwire.wire.timestamps import format_ns
from tests.sim.drive import AT_ONCE
from tests.sim.traders import Reader, Trader, Watcher, price_of

MARKETS = ("SOL/USD", "ETH/BTC", "PEPE/USD", "XMN/USD", "ETH/USD")
QTY = {"SOL/USD": 5.0, "ETH/BTC": 16.0, "PEPE/USD": 2_000_000.0, "XMN/USD": 2.0, "ETH/USD": 0.4}
OVER = (OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED)


class World:
    """Three traders, two of them of one client, in five markets; each has a session that reads along."""

    def __init__(self, seed: int) -> None:
        self.random = Random(f"{seed}/deeds")
        self.exchange = Exchange(seed=seed, markets=MARKETS, rules=AT_ONCE)
        accounts = self.accounts = Accounts(self.exchange, seed=seed)
        first = Trader(accounts, self.exchange, "one")
        second = Trader(accounts, self.exchange, "two", {"USD": 20_000, "SOL": 30})
        third = Trader(accounts, self.exchange, "three", master=first.account)
        self.traders = [first, second, third]
        self.readers = [Reader(trader) for trader in self.traders]
        self.watchers = [Watcher(self.exchange, host, first.token) for host in (Host.PUBLIC, Host.LEVEL3)]
        self.now = 0.0
        self.answers: Counter[str] = Counter()
        self.exchange.advance(0.0)
        self._read()

    # ---------------------------------------------------------------- deeds

    def do(self) -> None:
        """One deed of somebody, a moment later, and everything is looked at."""
        draw = self.random.random
        self.wait(self.random.choice((0.0, 0.1, 0.5, 2.0)) * draw())
        trader = self.random.choice(self.traders)
        deed = self.random.choices(
            (
                self._add,
                self._batch,
                self._amend,
                self._edit,
                self._cancel,
                self._cancel_many,
                self._switch,
                self._state,
            ),
            (50, 5, 20, 8, 10, 3, 1, 2),
        )[0]
        deed(trader)
        self._read()
        self.check()

    def wait(self, seconds: float) -> None:
        """Time passes, in steps that no session takes for silence."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(until, self.now + 1.0)
            self.exchange.advance(self.now)
            self._read()

    def _ask(self, trader: Trader, method: str, **params: Any) -> None:
        trader.now = self.now
        for frame in trader.order(method, **params):
            if "method" in frame:
                self.answers[frame.get("error", method)] += 1

    def _read(self) -> None:
        for trader, reader in zip(self.traders, self.readers, strict=True):
            reader.read(self.now)
            trader.take()
        for watcher in self.watchers:
            watcher.read(self.now)

    def _market(self) -> Market:
        return self.exchange.markets[self.random.choice(MARKETS)]

    def _price(self, market: Market, side: Side) -> float | None:
        return price_of(market, side, self.random.randint(-6, 8)) if market.engine.sides[side].keys else None

    def _terms(self, market: Market) -> dict[str, Any]:
        """Any order that may make sense."""
        pick, chance = self.random.choice, self.random.random
        side = Side(chance() < 0.5)
        qty = round(
            QTY[market.pair.symbol] * self.random.uniform(0.2, 3.0), min(4, market.pair.qty_precision)
        )
        terms: dict[str, Any] = {"side": "buy" if side is Side.BUY else "sell", "order_qty": qty}
        kind = pick(("limit",) * 8 + ("market", "iceberg", "waiting", "waiting"))
        price = self._price(market, side)
        if kind == "market" or price is None:
            terms["order_type"] = "market"
            if side is Side.BUY and chance() < 0.3:
                del terms["order_qty"]
                terms["cash_order_qty"] = 100.0
        elif kind == "waiting":
            terms |= self._waiting(price)
        else:
            terms |= {"order_type": kind, "limit_price": price}
            if kind == "iceberg":
                terms["display_qty"] = round(qty / pick((2, 5, 9)), min(4, market.pair.qty_precision))
            if chance() < 0.3:
                terms["post_only"] = True
            elif kind == "limit" and chance() < 0.3:
                terms["time_in_force"] = pick(("ioc", "fok"))
        if terms.get("time_in_force") is None and chance() < 0.15:
            terms |= {"time_in_force": "gtd", "expire_time": self._soon(8)}
        if chance() < 0.1:
            terms["effective_time"] = self._soon(4)
        if chance() < 0.2:
            terms["cl_ord_id"] = f"own-{self.random.randrange(40)}"
        if chance() < 0.2:
            terms["stp_type"] = pick(("cancel_newest", "cancel_oldest", "cancel_both"))
        if chance() < 0.15:
            terms["conditional"] = {
                "order_type": "trailing-stop",
                "trigger_price": 0.05,
                "trigger_price_type": "pct",
            }
        return terms

    def _soon(self, seconds: int) -> str:
        return format_ns(self.exchange.at + self.random.randint(1, seconds) * SECOND)

    def _waiting(self, price: float) -> dict[str, Any]:
        kind = self.random.choice(("stop-loss", "take-profit", "trailing-stop"))
        distance = self.random.choice((0.01, 0.03, 0.1))
        sign = 1 if kind == "trailing-stop" else self.random.choice((-1, 1))
        terms: dict[str, Any] = {
            "order_type": kind,
            "triggers": {"price": sign * distance, "price_type": "pct"},
        }
        if self.random.random() < 0.4:
            terms["order_type"] += "-limit"
            terms["limit_price"] = 0.0 if kind == "trailing-stop" else price
        return terms

    def _add(self, trader: Trader) -> None:
        market = self._market()
        self._ask(trader, "add_order", symbol=market.pair.symbol, **self._terms(market))

    def _batch(self, trader: Trader) -> None:
        market = self._market()
        orders = [self._terms(market) for _ in range(self.random.randint(2, 5))]
        self._ask(trader, "batch_add", symbol=market.pair.symbol, orders=orders)

    def _any(self, trader: Trader) -> OwnOrder | None:
        orders = list(trader.account.orders.values())
        return self.random.choice(orders) if orders else None

    def _amend(self, trader: Trader) -> None:
        order = self._any(trader)
        if order is None:
            return
        params: dict[str, Any] = {"order_id": order.order_id}
        chance = self.random.random
        if chance() < 0.6:
            params["order_qty"] = round(float(order.order_qty) * self.random.uniform(0.3, 1.6), 3)
        price = self._price(order.market, order.terms.side)
        if order.terms.limited and price is not None and chance() < 0.6:
            params["limit_price"] = price
        if order.display_qty is not None and chance() < 0.5:
            params["display_qty"] = round(float(order.display_qty) * self.random.uniform(0.7, 2.0), 3)
        if order.trigger is not None and chance() < 0.5:
            params |= {"trigger_price": 0.02, "trigger_price_type": "pct"}
        self._ask(trader, "amend_order", **params)

    def _edit(self, trader: Trader) -> None:
        order = self._any(trader)
        if order is None:
            return
        price = self._price(order.market, order.terms.side)
        changes = {} if price is None else {"limit_price": price}
        self._ask(trader, "edit_order", order_id=order.order_id, symbol=order.pair.symbol, **changes)

    def _cancel(self, trader: Trader) -> None:
        order = self._any(trader)
        self._ask(trader, "cancel_order", order_id=[order.order_id if order is not None else "OAAAAA"])

    def _cancel_many(self, trader: Trader) -> None:
        orders = list(trader.account.orders)[:5]
        if len(orders) >= 2 and self.random.random() < 0.7:
            self._ask(trader, "batch_cancel", orders=orders)
        else:
            self._ask(trader, "cancel_all")

    def _switch(self, trader: Trader) -> None:
        self._ask(trader, "cancel_all_orders_after", timeout=self.random.choice((0, 1, 3)))

    def _state(self, trader: Trader) -> None:
        """The engine stops, and comes back by steps; or it changes an order by itself, or a market gets other digits."""
        order = self._any(trader)
        if order is not None and self.random.random() < 0.5:
            less = amount(order.left() // 4, order.pair.qty_precision)
            changes = Changes(order_qty=order.order_qty - less)
            self.accounts.restate(trader.account, order.order_id, changes, "Liquidity", now=self.now)
            return
        if self.random.random() < 0.5:
            market = self.exchange.markets["ETH/USD"]
            digits = 1 if market.pair.price_precision == 2 else 2
            self.exchange.change_pair("ETH/USD", price_precision=digits, now=self.now)
            return
        for status in ("maintenance", "cancel_only", "post_only", "online"):
            self.exchange.set_system(SystemStatus(status), now=self.now)
            for someone in self.traders:
                self._add(someone)
                self._cancel(someone)
            self.wait(0.7)
            self.check()

    # ---------------------------------------------------------------- what has to be true

    def check(self) -> None:
        """Nothing was made or lost, nobody overdrew, every order is where it belongs, and every session knows it all."""
        self._check_money()
        for trader in self.traders:
            self._check_orders(trader)
        for market in self.exchange.markets.values():
            for entry in market.engine.orders.values():
                if isinstance(entry.owner, OwnOrder):
                    assert entry.owner.account.orders[entry.order_id] is entry.owner
                    assert entry.owner.resting is entry
        for reader in self.readers:
            reader.check()
        for watcher in self.watchers:
            watcher.check()

    def _check_money(self) -> None:
        ledger, accounts = self.accounts.ledger, self.accounts.accounts.values()
        for asset in {*ledger.paid_in, *ledger.crowd, *ledger.fees}:
            held = sum((account.balances.get(asset, Decimal(0)) for account in accounts), Decimal(0))
            assert held + ledger.crowd[asset] + ledger.fees[asset] == ledger.paid_in[asset], asset
            for account in accounts:
                assert account.available(asset) >= 0, (account, asset)

    def _check_orders(self, trader: Trader) -> None:
        for order in trader.account.orders.values():
            assert order.open
            assert 0 <= order.cum_qty < order.order_qty
            entry = order.resting
            if entry is not None:
                left = amount(entry.qty + entry.hidden, order.pair.qty_precision)
                assert (entry.resting, left) == (True, order.remaining)
                assert amount(entry.price, order.pair.price_precision) == order.limit_price
            else:
                assert not order.active
        for order in trader.account.closed:
            assert order.status in OVER
            assert order.cum_qty <= order.order_qty
            if order.status is OrderStatus.FILLED:
                assert order.cum_qty == order.order_qty
        for fill in trader.account.fills:
            told = self.watchers[0].trades[fill["symbol"], fill["trade_id"]]
            assert bytes(fill["last_qty"]) == str(told.qty).encode()
            assert bytes(fill["last_price"]) == str(told.price).encode()
            assert fill["timestamp"] == told.timestamp
