"""Channel `ohlc`: the open candle at every trade. An interval without trades has no candle."""

from __future__ import annotations

from collections.abc import Iterable

from krakenwire.sim.candles import MINUTE, Candle
from krakenwire.sim.clock import engine_nanos, micros, nanos
from krakenwire.sim.feeds.feed import Feed
from krakenwire.sim.market import Market

WARNING = "timestamp is deprecated, use interval_begin"


class OhlcFeed(Feed):
    """The candles of one market and one interval, in minutes."""

    channel = "ohlc"

    def __init__(self, market: Market, interval: int) -> None:
        super().__init__(market.pair.symbol)
        self.market = market
        self.interval = interval

    def snapshot(self, at: int) -> bytes:
        return self._frame("snapshot", self.market.candles.series[self.interval], at)

    def publish(self, market: Market, at: int) -> None:
        if market.fresh:
            self.send(self._frame("update", (market.candles.series[self.interval][-1],), at), at)

    def _frame(self, kind: str, candles: Iterable[Candle], at: int) -> bytes:
        rows = ",".join([self._row(candle) for candle in candles])
        return (
            f'{{"channel":"ohlc","type":"{kind}","timestamp":"{engine_nanos(at)}","data":[{rows}]}}'.encode()
        )

    def _row(self, candle: Candle) -> str:
        pair = self.market.pair
        price = pair.price
        end = candle.begin + self.interval * MINUTE
        return (
            f'{{"symbol":"{pair.symbol}","open":{price(candle.open)},"high":{price(candle.high)},"low":{price(candle.low)},'
            f'"close":{price(candle.close)},"trades":{candle.trades},"volume":{pair.qty(candle.volume)},"vwap":{price(candle.vwap)},'
            f'"interval_begin":"{nanos(candle.begin)}","interval":{self.interval},"timestamp":"{micros(end)}"}}'
        )
