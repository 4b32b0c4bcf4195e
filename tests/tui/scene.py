"""Pictures of a real client before the simulated exchange, on virtual time: the same every time, with whatever went wrong before."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any

from krakenwire.errors import ConnectFailed
from krakenwire.net import Client, ConnectGate, Credentials, connect
from krakenwire.sim import Exchange, Host
from krakenwire.sim.background import BALANCES
from krakenwire.sim.clock import EPOCH
from krakenwire.sim.faults import FaultScript
from krakenwire.sim.private.account import ApiKey
from krakenwire.sim.private.accounts import Accounts
from krakenwire.tui.badge import SIM, Badge
from krakenwire.tui.board import Board
from krakenwire.tui.panels.frame import Moment
from krakenwire.wire.encoding import encode
from krakenwire.wire.enums import OrderType, Side
from krakenwire.wire.orders import AddOrder, AddOrderParams
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ExecutionsSubscription,
    OhlcSubscription,
    Subscription,
    TickerSubscription,
    TradeSubscription,
)
from tests.net.memory import MemoryTransport
from tests.net.virtual import run

SYMBOLS = ("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "DOGE/USD", "ADA/USD", "LTC/EUR", "PEPE/USD")

Still = tuple[Board, Moment]


class Scene:
    """A client, its board, and the exchange behind them, while they run."""

    def __init__(self, symbols: Sequence[str], *, private: bool, depth: int, seed: int, badge: Badge) -> None:
        self.exchange = Exchange(seed=seed, markets=symbols)
        self.accounts = Accounts(self.exchange, seed=seed)
        self.key: ApiKey = self.accounts.new_key(self.accounts.open("trader", BALANCES))
        self.script = FaultScript("", seed=seed).install(self.exchange)
        self.transport = MemoryTransport(self.exchange)
        self.client: Client = connect(
            self.transport,
            credentials=Credentials(self.key.key, self.key.secret) if private else None,
            gate=ConnectGate(),
            dice=random.Random(seed),
        )
        self.symbols = tuple(symbols)
        self.depth = depth
        self.private = private
        self.board = Board(symbols, badge, began=self.now, depth=depth, private=private)

    @property
    def now(self) -> float:
        """On the loop's clock."""
        return asyncio.get_running_loop().time()

    @property
    def wall_ns(self) -> int:
        """Of the exchange."""
        return EPOCH + round(self.now * 1e9)

    async def pass_(self, seconds: float, *, look: float = 0.1) -> None:
        """Let time pass, and look as often as the program does."""
        until = self.now + seconds
        while self.now < until - 1e-9:
            await asyncio.sleep(min(look, until - self.now))
            self.board.look(self.client, self.now, self.wall_ns, levels=100)

    def fault(self, script: str) -> None:
        """Let something go wrong, in the words of a fault script whose times count from now."""
        self.script.add(script, since=self.now)

    def order(self, side: Side, symbol: str, worth: int, *, away: float | None = None) -> None:
        """An order of the account: at the market, or with a limit so far from the last price, as a share of it."""
        market = self.exchange.markets[symbol]
        pair = market.pair
        last = Decimal(pair.price(market.tape.last_price))
        limit = None if away is None else round(last * (1 + Decimal(str(away))), pair.price_precision)
        params = AddOrderParams(
            order_type=OrderType.MARKET if away is None else OrderType.LIMIT,
            side=side,
            symbol=symbol,
            order_qty=round(worth / last, pair.qty_precision),
            limit_price=limit,
            token=Secret(self.accounts.issue(self.key)),
        )
        number = self.exchange.connect(Host.PRIVATE, now=self.now)
        self.exchange.receive(number, encode(AddOrder(params)), now=self.now)
        answer = self.exchange.take_outgoing(number)
        assert b'"success":true' in answer[-1], answer
        self.exchange.disconnect(number)

    def refusal(self, host: Host) -> ConnectFailed | None:
        """How the fault script answers an attempt to connect, as a transport tells it."""
        refused = self.exchange.refused(host, now=self.now)
        return (
            None
            if refused is None
            else ConnectFailed("unavailable", f"status {refused.status}", status=refused.status)
        )

    def still(self) -> Still:
        """The picture of this moment."""
        self.board.look(self.client, self.now, self.wall_ns)
        return self.board.still(self.client, self.now, self.wall_ns), self.moment()

    def moment(self, **more: Any) -> Moment:
        """The present."""
        return Moment(self.now, self.wall_ns, **more)

    def wanted(self) -> list[Subscription]:
        """What the program subscribes."""
        wanted: list[Subscription] = [
            BookSubscription(symbol=self.symbols, depth=self.depth),
            TradeSubscription(symbol=self.symbols),
            TickerSubscription(symbol=self.symbols),
            OhlcSubscription(symbol=self.symbols, interval=1),
        ]
        if self.private:
            wanted += [ExecutionsSubscription(snap_orders=True, snap_trades=True), BalancesSubscription()]
        return wanted


def play(
    story: Callable[[Scene], Awaitable[Still | None]],
    *,
    symbols: Sequence[str] = SYMBOLS,
    private: bool = False,
    depth: int = 10,
    seed: int = 7,
    badge: Badge = SIM,
) -> Still:
    """Let a story happen to a client, and keep the picture at its end, or the one that it returns."""

    async def main() -> Still:
        scene = Scene(symbols, private=private, depth=depth, seed=seed, badge=badge)
        async with scene.client as client:
            client.on("*", lambda event: scene.board.take(event, scene.now))
            for params in scene.wanted():
                client.subscribe(params)
            kept = await story(scene)
            return scene.still() if kept is None else kept

    return run(main())
