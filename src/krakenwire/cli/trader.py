"""Somebody who trades for the account of a simulated exchange, so that its private channels have something to tell."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import cycle

from krakenwire.sim.background import Simulated
from krakenwire.sim.channels import Host
from krakenwire.sim.exchange import Exchange
from krakenwire.sim.market import Market
from krakenwire.wire.encoding import encode
from krakenwire.wire.enums import OrderType, Side
from krakenwire.wire.orders import AddOrder, AddOrderParams
from krakenwire.wire.secret import Secret

PAUSE = 1.0
"""Seconds between two orders."""

WORTH = 50
"""Of an order, in the quote currency."""


async def trade(simulated: Simulated) -> None:
    """Buy and sell in the first market, one small order after the other, until cancelled."""
    symbol = next(iter(simulated.exchange.markets))
    number = simulated.call(lambda exchange, now: exchange.connect(Host.PRIVATE, now=now))
    for side in cycle(Side):
        await asyncio.sleep(PAUSE)

        token = simulated.call(lambda _exchange, _now: Secret(simulated.accounts.issue(simulated.key)))

        def ask(exchange: Exchange, now: float, side: Side = side, token: Secret = token) -> None:
            order = _order(exchange.markets[symbol], side, token)
            exchange.receive(number, order, now=now)
            exchange.take_outgoing(
                number
            )  # the answer; what follows from it is told on the account's channels

        simulated.call(ask)


def _order(market: Market, side: Side, token: Secret) -> bytes:
    """The request for a market order."""
    pair = market.pair
    qty = round(WORTH / Decimal(pair.price(market.tape.last_price)), pair.qty_precision)
    params = AddOrderParams(
        order_type=OrderType.MARKET, side=side, symbol=pair.symbol, order_qty=qty, token=token
    )
    return encode(AddOrder(params))
