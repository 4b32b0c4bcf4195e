"""The same facts in the older protocol v1 (array frames, numbers as strings), for peers that speak only that.

Prices keep the pair's decimals and quantities eight, so the checksum of a book is the same number in both
protocols.
"""

from __future__ import annotations

from json import dumps

from benchmarks.market import Entry, Market, Pair, quantity
from benchmarks.wire_v2 import Bar, Fill, Quote


class WireV1:
    """Renders frames of v1. Instants are microseconds since the epoch."""

    def status(self, connection_id: int) -> bytes:
        head = f'{{"connectionID":{connection_id},"event":"systemStatus",'
        return (head + '"status":"online","version":"1.9.6"}').encode()

    def heartbeat(self) -> bytes:
        return b'{"event":"heartbeat"}'

    def ack(self, channel: str, pair: Pair | None, micros: int) -> bytes:
        """The acknowledgement of one subscription; v1 carries no instant in it."""
        del micros
        name = f"book-{pair.depth}" if pair and channel == "book" else channel
        return (
            f'{{"channelID":336,"channelName":"{name}","event":"subscriptionStatus","pair":"{_name(pair)}",'
            f'"status":"subscribed","subscription":{{"name":"{channel}"}}}}'
        ).encode()

    def instrument(self, pairs: list[Pair]) -> bytes:
        """v1 has no such channel; a heartbeat keeps the frames of both protocols side by side."""
        del pairs
        return self.heartbeat()

    def book(
        self, kind: str, market: Market, bids: list[Entry], asks: list[Entry], checksum: int, micros: int
    ) -> bytes:
        pair, when = market.pair, _seconds(micros)
        tail = f'"book-{pair.depth}","{_name(pair)}"]'
        if kind == "snapshot":
            sides = f'{{"as":[{_levels(pair, asks, when)}],"bs":[{_levels(pair, bids, when)}]}}'
        else:
            parts = [(name, side) for name, side in (("a", asks), ("b", bids)) if side]
            objects = [f'"{name}":[{_levels(pair, side, when)}]' for name, side in parts]
            objects[-1] += f',"c":"{checksum}"'
            sides = ",".join(f"{{{text}}}" for text in objects)
        return f"[336,{sides},{tail}".encode()

    def ticker(self, kind: str, pair: Pair, quote: Quote, micros: int) -> bytes:
        del kind, micros
        body = {
            "a": [quote.ask, 1, quote.ask_qty],
            "b": [quote.bid, 1, quote.bid_qty],
            "c": [quote.last, quote.bid_qty],
            "v": [quote.volume, quote.volume],
            "p": [quote.vwap, quote.vwap],
            "t": [quote.trades, quote.trades],
            "l": [quote.low, quote.low],
            "h": [quote.high, quote.high],
            "o": [quote.last, quote.last],
        }
        return dumps([340, body, "ticker", _name(pair)], separators=(",", ":")).encode()

    def trade(self, kind: str, pair: Pair, fills: list[Fill], micros: int) -> bytes:
        del kind
        when = _seconds(micros)
        rows = [[fill.price, fill.qty, when, fill.side[0], fill.ord_type[0], ""] for fill in fills]
        return dumps([337, rows, "trade", _name(pair)], separators=(",", ":")).encode()

    def ohlc(self, kind: str, pair: Pair, bar: Bar, micros: int) -> bytes:
        del kind
        end = f"{bar.begin + 60}.000000"
        row = [
            _seconds(micros),
            end,
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.vwap,
            bar.volume,
            bar.trades,
        ]
        return dumps([343, row, "ohlc-1", _name(pair)], separators=(",", ":")).encode()

    def executions(self, kind: str, report: str, sequence: int) -> bytes:
        """Private reports have another shape in v1; comparisons leave them out."""
        raise NotImplementedError


def _name(pair: Pair | None) -> str:
    return pair.symbol.replace("BTC/", "XBT/").replace("DOGE/", "XDG/") if pair else ""


def _seconds(micros: int) -> str:
    seconds, rest = divmod(micros, 1_000_000)
    return f"{seconds}.{rest:06d}"


def _levels(pair: Pair, entries: list[Entry], when: str) -> str:
    return ",".join([f'["{pair.price(ticks)}","{quantity(units)}","{when}"]' for ticks, units in entries])
