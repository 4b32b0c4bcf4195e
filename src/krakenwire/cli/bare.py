"""Bare decoding, the unit of every ratio of `krakenwire bench` and of the benchmarks: msgspec decoding the same frames into one tagged
union with `Decimal` numbers, and nothing else.

No validation beyond types, no enums, no memory of what came before. Whatever a handler does is measured
against this, in the same process and the same round, so that the figure survives a change of machine.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.json import Decoder


class Level(Struct, frozen=True):
    """One price level."""

    price: Decimal
    qty: Decimal


class BookRow(Struct, frozen=True):
    """The one element of a book frame."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    checksum: int
    timestamp: str | None = None


class TickerRow(Struct, frozen=True):
    """The one element of a ticker frame."""

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
    trades: int | None = None
    timestamp: str | None = None


class TradeRow(Struct, frozen=True):
    """One public trade."""

    symbol: str
    side: str
    price: Decimal
    qty: Decimal
    ord_type: str
    trade_id: int
    timestamp: str


class CandleRow(Struct, frozen=True):
    """One candle."""

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


class Fee(Struct, frozen=True):
    """A fee of one fill."""

    asset: str
    qty: Decimal


class ReportRow(Struct, frozen=True):
    """One execution report; the fields that the workload uses."""

    order_id: str
    exec_type: str
    order_status: str
    timestamp: str
    symbol: str | None = None
    side: str | None = None
    order_type: str | None = None
    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    limit_price_type: str | None = None
    stop_price: Decimal | None = None
    time_in_force: str | None = None
    cl_ord_id: str | None = None
    cum_qty: Decimal | None = None
    cum_cost: Decimal | None = None
    avg_price: Decimal | None = None
    last_qty: Decimal | None = None
    last_price: Decimal | None = None
    cost: Decimal | None = None
    exec_id: str | None = None
    trade_id: int | None = None
    liquidity_ind: str | None = None
    fees: tuple[Fee, ...] | None = None
    fee_usd_equiv: Decimal | None = None
    fee_ccy_pref: str | None = None
    reason: str | None = None
    cancel_reason: str | None = None


class Frame(Struct, frozen=True, tag_field="channel"):
    """Any frame; the member is chosen by `channel`."""


class Book(Frame, frozen=True, tag="book"):
    """Channel book."""

    type: str
    data: tuple[BookRow, ...]


class Ticker(Frame, frozen=True, tag="ticker"):
    """Channel ticker."""

    type: str
    data: tuple[TickerRow, ...]


class Trade(Frame, frozen=True, tag="trade"):
    """Channel trade."""

    type: str
    data: tuple[TradeRow, ...]


class Ohlc(Frame, frozen=True, tag="ohlc"):
    """Channel ohlc."""

    type: str
    data: tuple[CandleRow, ...]
    timestamp: str | None = None


class Executions(Frame, frozen=True, tag="executions"):
    """Channel executions."""

    type: str
    data: tuple[ReportRow, ...]
    sequence: int


class Heartbeat(Frame, frozen=True, tag="heartbeat"):
    """Channel heartbeat."""


decode_bare = Decoder(Book | Ticker | Trade | Ohlc | Executions | Heartbeat).decode
"""One frame, decoded."""
