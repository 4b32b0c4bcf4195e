"""Channel `ticker`: best prices and the figures of 24 hours, at every trade or at every change of a best price."""

from __future__ import annotations

from krakenwire.sim.candles import rounded
from krakenwire.sim.clock import micros
from krakenwire.sim.engine import BookSide
from krakenwire.sim.feeds.feed import Feed
from krakenwire.sim.market import Market


class TickerFeed(Feed):
    """The ticker of one market under one trigger, `trades` or `bbo`.

    Documents promise a number for every figure and do not say which of an empty side or an untraded market: here it is zero, but for the
    last price, which is that of the last trade however old.
    """

    channel = "ticker"

    def __init__(self, market: Market, trigger: str) -> None:
        super().__init__(market.pair.symbol)
        self.market = market
        self.trigger = trigger
        self._best = self._best_prices()

    def snapshot(self, at: int) -> bytes:
        return self._frame("snapshot", at)

    def publish(self, market: Market, at: int) -> None:
        if self.trigger == "trades":
            due = bool(market.fresh)
        else:
            best = self._best_prices()
            due, self._best = best != self._best, best
        if due:
            self.send(self._frame("update", at), at)

    def rescaled(self) -> None:
        self._best = self._best_prices()

    def _best_prices(self) -> tuple[int | None, int | None]:
        engine = self.market.engine
        return engine.bids.best(), engine.asks.best()

    def _frame(self, kind: str, at: int) -> bytes:
        market = self.market
        price, qty = market.pair.price, market.pair.qty
        bid, bid_qty = _top(market.engine.bids)
        ask, ask_qty = _top(market.engine.asks)
        day = market.candles.day.at(at)
        last = market.tape.last_price
        if day is None:
            figures = (0, 0, 0, 0, 0, 0, 0)
        else:
            change = day.close - day.open
            percent = rounded(abs(change) * 10_000, day.open) * (-1 if change < 0 else 1)
            figures = (day.volume, day.vwap, day.low, day.high, change, percent, day.trades)
        volume, vwap, low, high, change, percent, trades = figures
        sign = "-" if percent < 0 else ""
        return (
            f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{market.pair.symbol}","bid":{price(bid)},"bid_qty":{qty(bid_qty)},'
            f'"ask":{price(ask)},"ask_qty":{qty(ask_qty)},"last":{price(last)},"volume":{qty(volume)},"vwap":{price(vwap)},'
            f'"low":{price(low)},"high":{price(high)},"change":{price(change)},'
            f'"change_pct":{sign}{abs(percent) // 100}.{abs(percent) % 100:02d},"trades":{trades},"timestamp":"{micros(at)}"}}]}}'
        ).encode()


def _top(side: BookSide) -> tuple[int, int]:
    """Best price and the quantity there; zeros of an empty side."""
    if not side.keys:
        return 0, 0
    level = side.levels[side.keys[0]]
    return level.price, level.total
