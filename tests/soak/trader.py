"""Somebody who trades on the account that the client under test follows, over a connection of his own."""

from __future__ import annotations

import json
import random
from typing import Any

from krakenwire.sim import Exchange, Host
from krakenwire.sim.connection import ConnectionId
from krakenwire.sim.private.account import ApiKey
from krakenwire.sim.private.accounts import Accounts
from krakenwire.wire.enums import SystemStatus


class Trader:
    """Places, cancels and takes, a little every few seconds."""

    def __init__(self, exchange: Exchange, symbols: tuple[str, ...], dice: random.Random) -> None:
        self._exchange = exchange
        self._symbols = symbols
        self._dice = dice
        assets = {asset: 1_000_000 for symbol in symbols for asset in symbol.split("/")}
        self.accounts = Accounts(exchange)
        self.account = self.accounts.open("trader", assets)
        self.key: ApiKey = self.accounts.new_key(self.account)
        self._connection: ConnectionId | None = None

    def act(self, now: float) -> None:
        """Do something, or nothing."""
        exchange = self._exchange
        if self._dice.random() < 0.6 or exchange.system is not SystemStatus.ONLINE:
            return
        if self._connection is None or exchange.closing(self._connection) is not None:
            if self._connection is not None:
                exchange.disconnect(self._connection)
            self._connection = exchange.connect(Host.PRIVATE, now=now)
        draw = self._dice.random()
        if draw < 0.1:
            self._ask(now, "cancel_all")
        else:
            self._place(now, takes=draw < 0.4)
        exchange.take_outgoing(self._connection)

    def _place(self, now: float, *, takes: bool) -> None:
        symbol = self._dice.choice(self._symbols)
        market = self._exchange.markets[symbol]
        side = self._dice.choice(("buy", "sell"))
        best = (market.engine.bids if side == "buy" else market.engine.asks).best()
        if best is None:
            return
        step = market.pair.price_increment * self._dice.randint(0, 3)
        price = max(market.pair.price_increment, best - step if side == "buy" else best + step)
        qty = 20.0 / float(market.pair.price(price))
        terms = (
            {"order_type": "market"}
            if takes
            else {"order_type": "limit", "limit_price": float(market.pair.price(price))}
        )
        self._ask(
            now,
            "add_order",
            symbol=symbol,
            side=side,
            order_qty=round(qty, market.pair.qty_precision),
            **terms,
        )

    def _ask(self, now: float, method: str, **params: Any) -> None:
        if self._connection is not None:
            told = {"method": method, "params": {**params, "token": self.accounts.issue(self.key)}}
            self._exchange.receive(self._connection, json.dumps(told), now=now)
