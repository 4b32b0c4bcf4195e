"""Which messages tell how late a connection's data is."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from krakenwire.events import OHLCUpdate, TickerUpdate, TradeUpdate
from krakenwire.net.lag import Lag
from krakenwire.wire.enums import OrderType, Side
from krakenwire.wire.timestamps import format_ns

EPOCH = 1_795_334_400
TRADE = TradeUpdate(
    symbol="BTC/USD",
    side=Side.BUY,
    price_text=Decimal(1),
    qty_text=Decimal(1),
    ord_type=OrderType.MARKET,
    trade_id=1,
    timestamp="",
    complete=True,
    snapshot=False,
)
NUMBERS: dict[str, Any] = dict.fromkeys(
    ("open_text", "high_text", "low_text", "close_text", "volume_text", "vwap_text"), 1
)
CANDLE = OHLCUpdate(
    symbol="BTC/USD", trades=1, interval_begin="", interval=1, revised=False, snapshot=False, **NUMBERS
)
FIGURES = (
    *("bid", "bid_qty", "ask", "ask_qty", "last", "volume"),
    *("vwap", "low", "high", "change", "change_pct"),
)
TICKER = TickerUpdate(symbol="BTC/USD", **dict.fromkeys([f"{name}_text" for name in FIGURES]))


def stamped(event: Any, seconds: float) -> Any:
    """The event with a timestamp so many seconds after the epoch."""
    return replace(event, timestamp=format_ns(EPOCH * 10**9 + round(seconds * 1e9)))


@pytest.mark.parametrize(
    ("event", "seconds"),
    [
        (CANDLE, 60.0),  # the end of its interval
        (TICKER, -900.0),  # the last trade of a quiet market
        (replace(TRADE, snapshot=True), -900.0),
        (replace(TRADE, source="rest"), -30.0),
    ],
    ids=["candle", "ticker", "snapshot", "back-fill"],
)
def test_timestamps_of_another_moment_say_nothing(event: Any, seconds: float) -> None:
    """A candle, a ticker, a snapshot or a fetched trade is stamped with another moment than now, and neither makes nor hides a lag."""
    lag = Lag("public-1")
    for second in range(10):
        assert lag.look(stamped(TRADE, second), second) is None
        assert lag.look(stamped(event, second + seconds), second) is None
    assert lag.seconds is not None
    assert lag.seconds < 0.01
    late = lag.look(stamped(TRADE, 10), 15.0)
    assert late is not None
    assert late.lagging
