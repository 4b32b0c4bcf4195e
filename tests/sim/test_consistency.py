"""The channels of one market agree with each other: read from the frames alone, at every message."""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from krakenwire.sim import Exchange, Host, Listing, listing
from tests.sim.drive import AT_ONCE, Forgetful

MARKETS: list[str | Listing] = [
    "SOL/USD",
    "PEPE/USD",
    "XMN/USD",
    listing("THIN/USD", "1.05", rate=6, levels=4, withdrawals=0.03),
]


def listen(seconds: float, *channels: tuple[str, dict[str, Any]], seed: int = 2) -> list[Any]:
    """All frames of these channels of all markets, in the order in which they were made. Numbers are texts."""
    exchange = Exchange(seed=seed, markets=MARKETS, rules=AT_ONCE)
    frames: list[Any] = []

    class Wire(Forgetful):
        """Notes frames of all connections in one list."""

        def meant(self, connection: Any, frame: bytes, label: Any, at: int) -> None:
            frames.append(json.loads(frame, parse_float=Decimal))

    exchange.truth = Wire()
    public, level3 = exchange.connect(Host.PUBLIC, now=0.0), exchange.connect(Host.LEVEL3, now=0.0)
    token = exchange.tokens.issue(exchange.at)
    for name, more in channels:
        params = {"channel": name, "symbol": list(exchange.markets), "snapshot": True, **more}
        if name == "level3":
            params["token"] = token
        frame = json.dumps({"method": "subscribe", "params": params})
        exchange.receive(level3 if name == "level3" else public, frame, now=0.0)
    exchange.advance(seconds)
    return [frame for frame in frames if frame.get("channel") in {name for name, _ in channels}]


def levels(side: dict[Decimal, Decimal], entries: Any, depth: int, *, descending: bool) -> None:
    """Apply the entries of a book message to a side."""
    for entry in entries:
        side[entry["price"]] = entry["qty"]
        if not entry["qty"]:
            del side[entry["price"]]
    for price in sorted(side, reverse=descending)[depth:]:
        del side[price]


def test_level2_is_level3_summed() -> None:
    """After every pair of messages the book has, at each price of the window, the sum of the orders that level3 tells there."""
    books: dict[Any, dict[Decimal, Decimal]] = defaultdict(dict)
    orders: dict[Any, dict[str, tuple[Decimal, Decimal]]] = defaultdict(dict)
    compared = 0
    stamps: dict[tuple[str, str], str] = {}
    for frame in listen(300, ("book", {"depth": 10}), ("level3", {"depth": 10})):
        data, channel = frame["data"][0], frame["channel"]
        symbol = data["symbol"]
        stamps[symbol, channel] = data["timestamp"][:26]
        for name in ("bids", "asks"):
            if channel == "book":
                levels(books[symbol, name], data[name], 10, descending=name == "bids")
                continue
            held = orders[symbol, name]
            for entry in data[name]:
                if entry.get("event") == "delete":
                    del held[entry["order_id"]]
                else:
                    held[entry["order_id"]] = (entry["limit_price"], entry["order_qty"])
            best = sorted({price for price, _ in held.values()}, reverse=name == "bids")[:10]
            for order_id, (price, _) in list(held.items()):
                if price not in best:
                    del held[order_id]
        if stamps.get((symbol, "book")) == stamps.get((symbol, "level3")):
            for name in ("bids", "asks"):
                summed: dict[Decimal, Decimal] = defaultdict(Decimal)
                for price, qty in orders[symbol, name].values():
                    summed[price] += qty
                assert books[symbol, name] == summed
            compared += 1
    assert compared > 1_000


@pytest.mark.parametrize("interval", [1, 5])
def test_candle_is_its_trades(interval: int) -> None:
    """Each candle that is told has open, high, low, close, number, volume and average of the trades told since its interval began."""
    inside: dict[Any, list[Any]] = defaultdict(list)
    begun: set[Any] = set()
    told = 0
    for frame in listen(420, ("trade", {}), ("ohlc", {"interval": interval})):
        if frame["type"] == "snapshot":
            continue
        for row in frame["data"]:
            symbol = row["symbol"]
            if frame["channel"] == "trade":
                minute = int(row["timestamp"][14:16])
                key = (symbol, row["timestamp"][:14], minute // interval * interval)
                inside[key].append(row)
                continue
            begin = row["interval_begin"]
            key = (symbol, begin[:14], int(begin[14:16]))
            if begin < "2026-11-22T08:00:00":
                continue  # it holds trades from before we listened
            begun.add(key)
            trades = inside[key]
            prices = [trade["price"] for trade in trades]
            volume = sum(trade["qty"] for trade in trades)
            digits = Decimal(1).scaleb(row["close"].as_tuple().exponent)
            cost = sum(trade["qty"] * trade["price"] for trade in trades)
            assert (row["open"], row["high"], row["low"], row["close"]) == (
                prices[0],
                max(prices),
                min(prices),
                prices[-1],
            )
            assert (row["trades"], row["volume"]) == (len(trades), volume)
            assert row["vwap"] == (cost / volume).quantize(digits, ROUND_HALF_UP)
            told += 1
    assert told > 300
    assert len(begun) >= 3


@pytest.mark.parametrize("trigger", ["trades", "bbo"])
def test_ticker_is_the_book_and_the_trades(trigger: str) -> None:
    """Best prices and their quantities are those of the book, the last price is that of the last trade, and number and volume of a
    day grow by the trades in between; a ticker comes at every trade, or at every change of a best price, and at nothing else.
    """
    books: dict[Any, dict[Decimal, Decimal]] = defaultdict(dict)
    last: dict[str, Any] = {}
    since: dict[str, list[Any]] = defaultdict(list)
    before: dict[str, Any] = {}
    tickers = 0
    frames = listen(200, ("book", {}), ("trade", {}), ("ticker", {"event_trigger": trigger}))
    for frame in frames:
        for row in frame["data"]:
            symbol = row["symbol"]
            if frame["channel"] == "book":
                for name in ("bids", "asks"):
                    levels(books[symbol, name], row[name], 10, descending=name == "bids")
            elif frame["channel"] == "trade":
                last[symbol] = row["price"]
                if frame["type"] == "update":
                    since[symbol].append(row)
            else:
                bids, asks = books[symbol, "bids"], books[symbol, "asks"]
                assert (row["bid"], row["bid_qty"]) == max(bids.items(), default=(0, 0))
                assert (row["ask"], row["ask_qty"]) == min(asks.items(), default=(0, 0))
                assert row["last"] == last[symbol]
                assert row["low"] <= row["last"] <= row["high"]
                old = before.get(symbol)
                if old is not None:
                    fresh = since[symbol]
                    assert (old["bid"], old["ask"]) != (row["bid"], row["ask"]) or trigger == "trades"
                    assert fresh or trigger == "bbo"
                    assert row["trades"] <= old["trades"] + len(fresh)
                    assert row["volume"] <= old["volume"] + sum(trade["qty"] for trade in fresh)
                since[symbol] = []
                before[symbol] = row
                tickers += frame["type"] == "update"
    assert tickers > 250
    if trigger == "trades":
        assert all(not left for left in since.values())


def test_orders_of_the_streams_in_one_publication() -> None:
    """Timestamps never go back on any stream, and trade ids are consecutive from the snapshot on."""
    stamps: dict[Any, str] = {}
    ids: dict[str, int] = {}
    for frame in listen(120, ("book", {}), ("trade", {}), ("ticker", {}), ("level3", {"depth": 10})):
        for row in frame["data"]:
            key = (frame["channel"], row["symbol"])
            assert stamps.get(key, "") <= row["timestamp"]
            stamps[key] = row["timestamp"]
            if frame["channel"] == "trade":
                assert row["trade_id"] == ids.get(row["symbol"], row["trade_id"] - 1) + 1
                ids[row["symbol"]] = row["trade_id"]
    assert len(stamps) == 4 * len(MARKETS)
