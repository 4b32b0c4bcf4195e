"""Bare decoding: the frames of `krakenwire bench` into one tagged union with exact numbers, and nothing else. It is the unit of its
ratios.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder


class _Level(Struct, frozen=True):
    price: Decimal
    qty: Decimal


class _BookRow(Struct, frozen=True):
    symbol: str
    bids: tuple[_Level, ...]
    asks: tuple[_Level, ...]
    checksum: int
    timestamp: str | None = None


class _TickerRow(Struct, frozen=True):
    symbol: str
    bid: Decimal
    bid_qty: Decimal
    ask: Decimal
    ask_qty: Decimal
    last: Decimal
    volume: Decimal
    vwap: Decimal
    low: Decimal
    high: Decimal
    change: Decimal
    change_pct: Decimal
    timestamp: str | None = None


class _TradeRow(Struct, frozen=True):
    symbol: str
    side: str
    price: Decimal
    qty: Decimal
    ord_type: str
    trade_id: int
    timestamp: str


class _CandleRow(Struct, frozen=True):
    symbol: str
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    vwap: Decimal
    volume: Decimal
    trades: int
    interval_begin: str
    interval: int
    timestamp: str | None = None


class _Frame(Struct, frozen=True, tag_field="channel"):
    pass


class _Book(_Frame, frozen=True, tag="book"):
    type: str
    data: tuple[_BookRow, ...]


class _Ticker(_Frame, frozen=True, tag="ticker"):
    type: str
    data: tuple[_TickerRow, ...]


class _Trade(_Frame, frozen=True, tag="trade"):
    type: str
    data: tuple[_TradeRow, ...]


class _Candle(_Frame, frozen=True, tag="ohlc"):
    type: str
    data: tuple[_CandleRow, ...]


class _Heartbeat(_Frame, frozen=True, tag="heartbeat"):
    pass


decode_bare = Decoder(_Book | _Ticker | _Trade | _Candle | _Heartbeat).decode
"""One frame, decoded."""
