"""Accounts that trade on the simulated exchange, and our own session that reads what they are told."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from typing import Any

from krakenwire.events import ExecutionUpdate, TradeUpdate
from krakenwire.session import Session
from krakenwire.sim import PRO, Account, Accounts, Exchange, Host, Permissions, Tier
from krakenwire.sim.engine import Side
from krakenwire.sim.market import Market
from krakenwire.sim.private.order import OwnOrder
from krakenwire.wire.order_replies import OrderReply
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ExecutionsSubscription,
    Level3Subscription,
    TradeSubscription,
)
from tests.sim.drive import AT_ONCE, Client

FUNDS = {"USD": 100_000, "BTC": 50, "SOL": 500, "ETH": 500, "PEPE": 100_000_000}


class Trader(Client):
    """An account with a key and one private connection."""

    def __init__(
        self,
        accounts: Accounts,
        exchange: Exchange,
        name: str = "trader",
        funds: dict[str, int] | None = None,
        *,
        tier: Tier = PRO,
        permissions: Permissions | None = None,
        now: float = 0.0,
        master: Account | None = None,
    ) -> None:
        super().__init__(exchange, Host.PRIVATE, now)
        self.accounts = accounts
        self.account = accounts.open(name, FUNDS if funds is None else funds, tier=tier, master=master)
        self.key = accounts.new_key(self.account, permissions)
        self.token = accounts.issue(self.key)
        self.take()

    def order(self, method: str, **params: Any) -> list[Any]:
        """Ask with the token; everything that waits then."""
        return self.ask(method, token=self.token, **params)

    def add(self, **params: Any) -> list[Any]:
        """Place an order on SOL/USD, limit and buy unless it says otherwise."""
        return self.order(
            "add_order", **({"symbol": "SOL/USD", "order_type": "limit", "side": "buy"} | params)
        )

    def follow(self, channel: str = "executions", **params: Any) -> list[Any]:
        return self.order("subscribe", channel=channel, **params)


def trader(*markets: str, seed: int = 5, **options: Any) -> Trader:
    """A trader alone with the crowd."""
    exchange = Exchange(seed=seed, markets=markets or ("SOL/USD",), rules=AT_ONCE)
    return Trader(Accounts(exchange, seed=seed), exchange, **options)


def reply_of(frames: list[Any]) -> Any:
    """The one reply among frames."""
    (reply,) = [frame for frame in frames if "method" in frame]
    return reply


def rows_of(frames: list[Any], channel: str = "executions") -> list[Any]:
    """The rows of a channel, in order."""
    return [row for frame in frames if frame.get("channel") == channel for row in frame["data"]]


def price_of(market: Market, side: Side, ticks: int = 0) -> float:
    """The best price of a side, so many steps further into the other one (or away from it, if negative)."""
    best = market.engine.sides[side].best()
    assert best is not None
    moved = best + (ticks if side is Side.BUY else -ticks) * market.pair.price_increment
    return float(market.pair.price(max(market.pair.price_increment, moved)))


class Reader:
    """Our own session on the private host: it subscribes to both channels and reads every frame."""

    EXPECTED = frozenset(
        {"StatusUpdate", "SubscribeReply", "Heartbeat", "ExecutionUpdate", "BalanceUpdate"},
    )

    def __init__(self, trader: Trader) -> None:
        self.trader = trader
        self.exchange = trader.exchange
        self.session = Session(now=trader.now, authenticates=True)
        self.id = self.exchange.connect(Host.PRIVATE, now=trader.now)
        self.session.supply_token(Secret(trader.accounts.issue(trader.key)))
        self.session.subscribe(ExecutionsSubscription(snap_trades=True), now=trader.now)
        self.session.subscribe(BalancesSubscription(), now=trader.now)
        self.events: Counter[str] = Counter()
        self.kinds: Counter[str] = Counter()
        """Reports by what happened to the order."""
        self.replies: list[Any] = []
        """Answers to orders, if the session placed any."""
        self.fills: dict[str, list[Any]] = {}
        """Fills as events told them, by order."""

    def read(self, now: float) -> None:
        """Take in everything that waits."""
        for request in self.session.take_outgoing(now=now):
            self.exchange.receive(self.id, request, now=now)
        for frame in self.exchange.take_outgoing(self.id):
            for event in self.session.receive(frame, now=now):
                self.events[type(event).__name__] += 1
                if isinstance(event, OrderReply):
                    self.replies.append(event)
                if isinstance(event, ExecutionUpdate):
                    self.kinds[event.exec_type] += 1
                    if event.is_fill:
                        self.fills.setdefault(event.order_id, []).append(event)
        for event in self.session.tick(now=now):
            self.events[type(event).__name__] += 1

    def check(self) -> None:
        """What the session knows is what the exchange knows, and it had nothing to complain about."""
        assert set(self.events) <= self.EXPECTED, self.events
        account = self.trader.account
        told = {order.order_id: order for order in self.session.account.orders.open_orders()}
        assert told.keys() == account.orders.keys()
        for order_id, order in account.orders.items():
            _same(told[order_id], order)
        for order in account.closed:
            known = self.session.account.orders.get(order.order_id)
            if known is not None:
                assert known.status == order.status
                assert known.cum_qty == order.cum_qty
            fills = self.fills.get(order.order_id, [])
            if order.created_at >= self.exchange.connections[self.id].opened_at:
                assert sum((fill.last_qty for fill in fills), Decimal(0)) == order.cum_qty
                assert sum((fill.cost for fill in fills), Decimal(0)) == order.told_cost
        held = {balance.asset: balance.balance for balance in self.session.account.balances.all()}
        assert held == account.balances


class Watcher:
    """Our own session on a host of market data: it proves every book and remembers every trade."""

    EXPECTED = frozenset(
        {
            "StatusUpdate",
            "SubscribeReply",
            "Heartbeat",
            "BookLive",
            "OrderBookUpdate",
            "Level3Update",
            "TradeUpdate",
        }
    )

    def __init__(self, exchange: Exchange, host: str, token: str) -> None:
        self.exchange = exchange
        self.session = Session(now=0.0, authenticates=True)
        self.id = exchange.connect(host, now=0.0)
        self.session.supply_token(Secret(token))
        symbols = tuple(exchange.markets)
        # A book whose market gets other digits has to be taken anew; that is another test's matter.
        books = tuple(symbol for symbol in symbols if symbol != "ETH/USD")
        if host == Host.PUBLIC:
            self.session.subscribe(TradeSubscription(symbol=symbols, snapshot=True), now=0.0)
            self.session.subscribe(BookSubscription(symbol=books, depth=25), now=0.0)
        else:
            self.session.subscribe(Level3Subscription(symbol=books, depth=10), now=0.0)
        self.trades: dict[tuple[str, int], TradeUpdate] = {}
        self.events: Counter[str] = Counter()

    def read(self, now: float) -> None:
        for request in self.session.take_outgoing(now=now):
            self.exchange.receive(self.id, request, now=now)
        for frame in self.exchange.take_outgoing(self.id):
            for event in self.session.receive(frame, now=now):
                self.events[type(event).__name__] += 1
                if isinstance(event, TradeUpdate):
                    self.trades[event.symbol, event.trade_id] = event
        for event in self.session.tick(now=now):
            self.events[type(event).__name__] += 1

    def check(self) -> None:
        assert set(self.events) <= self.EXPECTED, self.events


def _same(told: Any, order: OwnOrder) -> None:
    assert told.status == order.status
    assert told.order_qty == order.order_qty
    assert (told.cum_qty or 0) == order.cum_qty
    assert told.limit_price == order.limit_price
    if order.display_qty is not None:
        assert told.display_qty == order.display_qty
