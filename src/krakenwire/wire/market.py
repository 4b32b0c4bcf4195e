"""Channels `ticker`, `trade`, `ohlc` and `instrument`.

Every number is an exact `Decimal` with the digits received. Kraken's documents call them floats; on the wire they are JSON
numbers whose trailing zeros are part of the value.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from krakenwire.wire.enums import AssetClass, AssetStatus, MessageType, OrderType, PairStatus, Side
from krakenwire.wire.numbers import Number, OptionalNumber

OHLC_INTERVALS = (1, 5, 15, 30, 60, 240, 1440, 10080, 21600)
"""Candle lengths that channel `ohlc` offers, in minutes."""


class TickerUpdate(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Best prices and 24-hour figures of one market. Each replaces the one before; nothing on the wire can prove it.

    Source: channel `ticker`, the one element of `data`. What Kraken sends for a market that never traded or has an empty side
    is not documented, so every figure may be None. Figures are kept as the text received, and made exact decimals on access: eleven
    of them cost as much as everything else that happens to a frame, and a program reads two or three.
    """

    symbol: str
    bid_text: Any = field(name="bid")
    bid = OptionalNumber()
    """Best buy price, quote currency."""
    bid_qty_text: Any = field(name="bid_qty")
    bid_qty = OptionalNumber()
    """Quantity at the best buy price, base currency."""
    ask_text: Any = field(name="ask")
    ask = OptionalNumber()
    """Best sell price, quote currency."""
    ask_qty_text: Any = field(name="ask_qty")
    ask_qty = OptionalNumber()
    """Quantity at the best sell price, base currency."""
    last_text: Any = field(name="last")
    last = OptionalNumber()
    """Price of the last trade; meaningful only if there was one within 24 hours."""
    volume_text: Any = field(name="volume")
    volume = OptionalNumber()
    """24-hour volume, base currency."""
    vwap_text: Any = field(name="vwap")
    vwap = OptionalNumber()
    """24-hour volume-weighted average price."""
    low_text: Any = field(name="low")
    low = OptionalNumber()
    """24-hour low."""
    high_text: Any = field(name="high")
    high = OptionalNumber()
    """24-hour high."""
    change_text: Any = field(name="change")
    change = OptionalNumber()
    """24-hour change, quote currency."""
    change_pct_text: Any = field(name="change_pct")
    change_pct = OptionalNumber()
    """24-hour change in percentage points: -0.51 is minus half a percent."""
    trades: int | None = None
    """Number of trades in 24 hours; on the wire since September 2026."""
    timestamp: str | None = None
    """RFC 3339 UTC, microseconds; absent before 2026."""

    @property
    def spread(self) -> Decimal | None:
        """Best ask minus best bid; None while a side is empty."""
        bid, ask = self.bid, self.ask
        return None if ask is None or bid is None else ask - bid

    @property
    def mid(self) -> Decimal | None:
        """Half-way between best bid and best ask; None while a side is empty."""
        bid, ask = self.bid, self.ask
        return None if ask is None or bid is None else (ask + bid) / 2


class TickerMessage(
    Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="channel", tag="ticker"
):
    """A frame of channel `ticker`."""

    type: MessageType
    data: tuple[TickerUpdate, ...]
    sequence: int | None = None


class Trade(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One execution between two orders of a market.

    Source: channel `trade`, an element of `data`.
    """

    symbol: str
    side: Side
    """The taker's side."""
    price_text: Any = field(name="price")
    price = Number()
    """Quote currency."""
    qty_text: Any = field(name="qty")
    qty = Number()
    """Base currency."""
    ord_type: OrderType
    """The taker's order type."""
    trade_id: int
    """Sequence number of the trade in its market; consecutive in every recording known."""
    timestamp: str
    """RFC 3339 UTC, microseconds; several trades may share one."""


class TradeMessage(
    Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="channel", tag="trade"
):
    """A frame of channel `trade`: the last 50 trades, oldest first, or the new ones."""

    type: MessageType
    data: tuple[Trade, ...]
    sequence: int | None = None


class Candle(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One candle. An open candle is sent again with every trade; an interval without trades is simply missing.

    Source: channel `ohlc`, an element of `data`. Key: symbol, interval, interval_begin.
    """

    symbol: str
    open_text: Any = field(name="open")
    open = Number()
    high_text: Any = field(name="high")
    high = Number()
    low_text: Any = field(name="low")
    low = Number()
    close_text: Any = field(name="close")
    close = Number()
    trades: int
    """Number of trades in the interval."""
    volume_text: Any = field(name="volume")
    volume = Number()
    """Base currency."""
    vwap_text: Any = field(name="vwap")
    vwap = Number()
    """Volume-weighted average price of the interval."""
    interval_begin: str
    """Start of the interval, RFC 3339 UTC, nanoseconds."""
    interval: int
    """Length in minutes."""
    timestamp: str | None = None
    """Deprecated by Kraken. In reality the end of the interval, although the documents call it the start."""


class OHLCMessage(Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="channel", tag="ohlc"):
    """A frame of channel `ohlc`: recent candles, oldest first, or the open one."""

    type: MessageType
    data: tuple[Candle, ...]
    timestamp: str | None = None
    """When Kraken sent it, RFC 3339 UTC, nanoseconds."""
    sequence: int | None = None


class Asset(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename={"asset_class": "class"}):
    """One asset of channel `instrument`."""

    id: str
    status: AssetStatus | None = None
    """Missing on a tokenized asset in one recording."""
    precision: int | None = None
    """Decimals of the ledger."""
    precision_display: int | None = None
    """Decimals that Kraken suggests for display."""
    borrowable: bool | None = None
    collateral_value: Decimal | None = None
    margin_rate: Decimal | None = None
    multiplier: Decimal | None = None
    """Shares for one token; tokenized assets only."""
    asset_class: AssetClass | None = None
    underlying_symbol: str | None = None
    max_collateral_usd_value: Decimal | None = None


class Pair(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One market of channel `instrument`: its status, precisions and limits."""

    symbol: str
    base: str
    quote: str
    status: PairStatus
    price_precision: int
    """Fraction digits of every price of this market on the wire."""
    qty_precision: int
    """Fraction digits of every quantity of this market on the wire."""
    cost_precision: int
    price_increment: Decimal
    """Smallest step between two prices."""
    qty_increment: Decimal
    qty_min: Decimal
    """Smallest order, base currency."""
    cost_min: Decimal | None = None
    """Smallest order, quote currency. A string in Kraken's documents, a number on the wire; both are taken."""
    has_index: bool | None = None
    marginable: bool | None = None
    margin_initial: Decimal | None = None
    """Fraction, 0.2 is 20 %; only if marginable. The documents say percent."""
    position_limit_long: int | None = None
    position_limit_short: int | None = None
    tick_size: Decimal | None = None
    """Deprecated twin of `price_increment`."""
    ws_display_price_precision: int | None = None
    """Seen in one fixture of autumn 2026; not documented."""


class InstrumentUpdate(Struct, frozen=True, forbid_unknown_fields=True):
    """Assets and markets: all of them in a snapshot, the changed ones in an update.

    Source: channel `instrument`, the object in `data`.
    """

    assets: tuple[Asset, ...]
    pairs: tuple[Pair, ...]


class InstrumentMessage(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="channel", tag="instrument"
):
    """A frame of channel `instrument`."""

    type: MessageType
    data: InstrumentUpdate
    sequence: int | None = None
