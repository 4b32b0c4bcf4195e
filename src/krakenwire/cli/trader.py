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

RESTING = ((Side.BUY, Decimal("0.98")), (Side.SELL, Decimal("1.02")))
"""Orders that wait in the book from the beginning: their sides, and their prices as parts of the last one."""


async def trade(simulated: Simulated, *, pause: float = PAUSE) -> None:
    """Leave an order on each side of the first market, then buy and sell there, one small order after the other, until cancelled."""
    symbol = next(iter(simulated.exchange.markets))

    def ask(side: Side, part: Decimal | None = None) -> None:
        token = simulated.call(lambda _exchange, _now: Secret(simulated.accounts.issue(simulated.key)))

        def send(exchange: Exchange, now: float) -> None:
            # A connection for each order: a fault that cuts connections must not end the trading.
            number = exchange.connect(Host.PRIVATE, now=now)
            exchange.receive(number, _order(exchange.markets[symbol], side, token, part), now=now)
            # Nobody reads the answer; what follows from it is told on the account's channels.
            exchange.disconnect(number)

        simulated.call(send)

    for side, part in RESTING:
        ask(side, part)
    for side in cycle(Side):
        await asyncio.sleep(pause)
        ask(side)


def _order(market: Market, side: Side, token: Secret, part: Decimal | None) -> bytes:
    """The request for a market order, or for one with a limit that is this part of the last price."""
    pair = market.pair
    last = Decimal(pair.price(market.tape.last_price))
    params = AddOrderParams(
        order_type=OrderType.MARKET if part is None else OrderType.LIMIT,
        side=side,
        symbol=pair.symbol,
        order_qty=round(WORTH / last, pair.qty_precision),
        limit_price=None if part is None else round(last * part, pair.price_precision),
        token=token,
    )
    return encode(AddOrder(params))
