"""Frames of protocol v2 as Kraken writes them: compact JSON, digits padded to the pair's precision.

Pure text making, no randomness: `wire_v1` renders the same facts in the older protocol, for peers that
speak only that.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks.market import Entry, Market, Pair, quantity


class Quote(NamedTuple):
    """What a ticker says, as wire text where it is a number."""

    bid: str
    bid_qty: str
    ask: str
    ask_qty: str
    last: str
    volume: str
    vwap: str
    low: str
    high: str
    change: str
    change_pct: str
    trades: int


class Fill(NamedTuple):
    """One public trade."""

    side: str
    price: str
    qty: str
    ord_type: str
    trade_id: int


class Bar(NamedTuple):
    """One candle of one minute; `begin` is in seconds since the epoch."""

    open: str
    high: str
    low: str
    close: str
    vwap: str
    volume: str
    trades: int
    begin: int


def stamp(micros: int) -> str:
    """Microseconds since the epoch as Kraken writes an instant."""
    seconds, rest = divmod(micros, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


class WireV2:
    """Renders frames of v2. Instants are microseconds since the epoch."""

    def __init__(self) -> None:
        self._second = -1
        self._prefix = ""

    def time(self, micros: int) -> str:
        seconds, rest = divmod(micros, 1_000_000)
        if seconds != self._second:
            self._second, self._prefix = seconds, stamp(seconds * 1_000_000)[:20]
        return f"{self._prefix}{rest:06d}Z"

    def status(self, connection_id: int) -> bytes:
        return (
            '{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",'
            f'"api_version":"v2","connection_id":{connection_id},"upcoming_maintenance":[],"emergency":[]}}]}}'
        ).encode()

    def heartbeat(self) -> bytes:
        return b'{"channel":"heartbeat"}'

    def ack(self, channel: str, pair: Pair | None, micros: int) -> bytes:
        """The acknowledgement of one subscription; channels of the whole connection have no pair."""
        symbol = f',"symbol":"{pair.symbol}"' if pair else ""
        result = {
            "ticker": f'"channel":"ticker","event_trigger":"trades","snapshot":true{symbol}',
            "book": f'"channel":"book","depth":{pair.depth if pair else 10},"snapshot":true{symbol}',
            "trade": f'"channel":"trade","snapshot":true{symbol}',
            "ohlc": '"channel":"ohlc","interval":1,"snapshot":true'
            f'{symbol},"warnings":["timestamp is deprecated, use interval_begin"]',
            "instrument": '"channel":"instrument","snapshot":true,'
            '"warnings":["tick_size is deprecated, use price_increment"]',
            "executions": '"channel":"executions","maxratecount":180,"snap_orders":true,"snap_trades":false,'
            '"snapshot":true',
        }[channel]
        return (
            f'{{"method":"subscribe","result":{{{result}}},"success":true,'
            f'"time_in":"{self.time(micros)}","time_out":"{self.time(micros + 41)}"}}'
        ).encode()

    def instrument(self, pairs: list[Pair]) -> bytes:
        rows = ",".join(_instrument_row(pair) for pair in pairs)
        asset = (
            '{"id":"USD","status":"enabled","precision":4,"precision_display":2,"borrowable":true,'
            '"collateral_value":1.00,"margin_rate":0.025000}'
        )
        data = f'{{"assets":[{asset}],"pairs":[{rows}]}}'
        return f'{{"channel":"instrument","type":"snapshot","data":{data}}}'.encode()

    def book(
        self, kind: str, market: Market, bids: list[Entry], asks: list[Entry], checksum: int, micros: int
    ) -> bytes:
        pair = market.pair
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{pair.symbol}",'
            f'"bids":[{_levels(pair, bids)}],"asks":[{_levels(pair, asks)}],"checksum":{checksum},'
            f'"timestamp":"{self.time(micros)}"}}]}}'
        ).encode()

    def ticker(self, kind: str, pair: Pair, quote: Quote, micros: int) -> bytes:
        return (
            f'{{"channel":"ticker","type":"{kind}","data":[{{"symbol":"{pair.symbol}","bid":{quote.bid},'
            f'"bid_qty":{quote.bid_qty},"ask":{quote.ask},"ask_qty":{quote.ask_qty},"last":{quote.last},'
            f'"volume":{quote.volume},"vwap":{quote.vwap},"low":{quote.low},"high":{quote.high},"change":{quote.change},"change_pct":{quote.change_pct},'
            f'"trades":{quote.trades},"timestamp":"{self.time(micros)}"}}]}}'
        ).encode()

    def trade(self, kind: str, pair: Pair, fills: list[Fill], micros: int) -> bytes:
        when = self.time(micros)
        rows = ",".join(
            f'{{"symbol":"{pair.symbol}","side":"{fill.side}","price":{fill.price},"qty":{fill.qty},'
            f'"ord_type":"{fill.ord_type}","trade_id":{fill.trade_id},"timestamp":"{when}"}}'
            for fill in fills
        )
        return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'.encode()

    def ohlc(self, kind: str, pair: Pair, bar: Bar, micros: int) -> bytes:
        begin, end = stamp(bar.begin * 1_000_000), stamp((bar.begin + 60) * 1_000_000)
        return (
            f'{{"channel":"ohlc","type":"{kind}","timestamp":"{self.time(micros)[:-1]}566Z",'
            f'"data":[{{"symbol":"{pair.symbol}","open":{bar.open},"high":{bar.high},"low":{bar.low},'
            f'"close":{bar.close},"trades":{bar.trades},"volume":{bar.volume},"vwap":{bar.vwap},'
            f'"interval_begin":"{begin[:-1]}000Z","interval":1,"timestamp":"{end}"}}]}}'
        ).encode()

    def executions(self, kind: str, report: str, sequence: int) -> bytes:
        return f'{{"channel":"executions","type":"{kind}","data":[{report}],"sequence":{sequence}}}'.encode()


def _levels(pair: Pair, entries: list[Entry]) -> str:
    return ",".join([f'{{"price":{pair.price(ticks)},"qty":{quantity(units)}}}' for ticks, units in entries])


def _instrument_row(pair: Pair) -> str:
    base, quote = pair.symbol.split("/")
    step = pair.price(1)
    return (
        f'{{"symbol":"{pair.symbol}","base":"{base}","quote":"{quote}","status":"online","qty_precision":8,'
        f'"qty_increment":0.00000001,"price_precision":{pair.decimals},"cost_precision":{pair.decimals + 3},'
        f'"marginable":false,"has_index":true,"cost_min":0.50,"tick_size":{step},"price_increment":{step},'
        f'"qty_min":0.00005000}}'
    )
