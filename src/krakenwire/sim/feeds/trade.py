"""Channel `trade`: every fill of one market; those of one publication share a frame."""

from __future__ import annotations

from collections.abc import Iterable

from krakenwire.sim.clock import micros
from krakenwire.sim.engine import Side
from krakenwire.sim.feeds.feed import Feed
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Pair
from krakenwire.sim.tape import Trade

SNAPSHOT = 50
"""Trades in a snapshot at most."""


def trade_row(pair: Pair, trade: Trade) -> str:
    """One trade as JSON."""
    return (
        f'{{"symbol":"{pair.symbol}","side":"{"buy" if trade.side is Side.BUY else "sell"}","price":{pair.price(trade.price)},'
        f'"qty":{pair.qty(trade.qty)},"ord_type":"{trade.ord_type}","trade_id":{trade.trade_id},"timestamp":"{micros(trade.at)}"}}'
    )


class TradeFeed(Feed):
    """The trades of one market."""

    channel = "trade"

    def __init__(self, market: Market) -> None:
        super().__init__(market.pair.symbol)
        self.market = market

    def snapshot(self, at: int) -> bytes:  # noqa: ARG002 - trades have instants of their own
        return self._frame("snapshot", self.market.tape.latest(SNAPSHOT))

    def publish(self, market: Market, at: int) -> None:
        if market.fresh:
            self.send(self._frame("update", market.fresh), at)

    def _frame(self, kind: str, trades: Iterable[Trade]) -> bytes:
        rows = ",".join([trade_row(self.market.pair, trade) for trade in trades])
        return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'.encode()
