"""The trades of one market, in order. Their ids are consecutive."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from krakenwire.sim.engine import Side
from krakenwire.sim.pair import Scaling

KEPT = 1_000
"""Trades remembered: what REST hands out in one answer. A snapshot needs fifty."""


class Trade(NamedTuple):
    """One fill as the public sees it."""

    trade_id: int
    side: Side
    """The taker's."""
    price: int
    qty: int
    ord_type: str
    """The taker's order type: `limit` or `market`."""
    at: int
    """ns since 1970."""


class Tape:
    """The most recent trades."""

    def __init__(self, first_id: int = 1) -> None:
        self.trades: deque[Trade] = deque(maxlen=KEPT)
        self.next_id = first_id

    @property
    def last_price(self) -> int:
        """The price of the last trade; 0 if there never was one."""
        return self.trades[-1].price if self.trades else 0

    def rescale(self, scaling: Scaling) -> None:
        """Prices and quantities get other digits; what has no room for its digits any more is rounded half up."""
        up, down, more, less = scaling
        self.trades = deque(
            (
                trade._replace(
                    price=(2 * trade.price * up + down) // (2 * down),
                    qty=(2 * trade.qty * more + less) // (2 * less),
                )
                for trade in self.trades
            ),
            maxlen=KEPT,
        )

    def record(self, side: Side, price: int, qty: int, ord_type: str, at: int) -> Trade:
        trade = Trade(self.next_id, side, price, qty, ord_type, at)
        self.next_id += 1
        self.trades.append(trade)
        return trade

    def latest(self, count: int) -> list[Trade]:
        """The last trades, oldest first."""
        return list(self.trades)[-count:]
