"""Markets to choose from: well-known ones by name, and any number of invented ones."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from krakenwire.errors import UsageError
from krakenwire.sim.flow import Character
from krakenwire.sim.pair import Pair


class Listing(Struct, frozen=True, kw_only=True):
    """A market and how it begins."""

    pair: Pair
    price: int
    """Where the price begins, in units of the last digit."""
    character: Character = Character()


def listing(symbol: str, price: str, *, qty_decimals: int = 8, step: int = 1, **character: float) -> Listing:
    """A market that begins at this price and shows as many decimals as the price has."""
    exact = Decimal(price)
    decimals = -int(exact.as_tuple().exponent)
    pair = Pair(symbol=symbol, price_precision=decimals, qty_precision=qty_decimals, price_increment=step)
    return Listing(pair=pair, price=int(exact.scaleb(decimals)), character=Character(**character))  # type: ignore[arg-type]


class Floor(Struct, frozen=True):
    """What a market takes: its smallest order, decimals and least of a cost, and margin: the part paid in, the limits long and short."""

    qty: str
    cost_decimals: int = 5
    cost: str = "0.50"
    margin: tuple[str, int, int] | None = None


_FLOORS = {
    "BTC/USD": Floor("0.00005", margin=("0.20", 300, 240)),
    "ETH/USD": Floor("0.002", margin=("0.20", 2_700, 1_700)),
    "SOL/USD": Floor("0.02", margin=("0.25", 37_000, 24_000)),
    "XRP/USD": Floor("2", 8, margin=("0.20", 2_000_000, 1_200_000)),
    "DOGE/USD": Floor("60", 9, margin=("0.20", 10_700_000, 6_100_000)),
    "ADA/USD": Floor("10", 6, margin=("0.33", 1_400_000, 1_200_000)),
    "LTC/EUR": Floor("0.05", 5, "0.45", ("0.33", 3_400, 1_800)),
    "ETH/BTC": Floor("0.002", 10, "0.00002", ("0.20", 1_000, 600)),
    "USDT/USD": Floor("5", 8, margin=("0.50", 3_200_000, 4_600_000)),
    "PEPE/USD": Floor("400000"),
    "PAXG/USD": Floor("0.002", 6, margin=("0.33", 85, 79)),
    "XMN/USD": Floor("0.4"),
}
"""Near what Kraken told of such markets in 2024, orders by their worth today."""


def _floored(made: Listing) -> Listing:
    """A known market under its terms. Those without margin have no index price here."""
    floor, pair = _FLOORS[made.pair.symbol], made.pair
    initial, long, short = floor.margin or ("0", 0, 0)
    pair = replace(
        pair,
        qty_min=int(Decimal(floor.qty).scaleb(pair.qty_precision)),
        cost_precision=floor.cost_decimals,
        cost_min=Decimal(floor.cost),
        has_index=floor.margin is not None,
        margin_initial=None if floor.margin is None else Decimal(initial),
        position_limits=(long, short),
    )
    return replace(made, pair=pair)


KNOWN = {
    item.pair.symbol: _floored(item)
    for item in (
        listing("BTC/USD", "81776.7", rate=20, levels=2400, spacing=6, size=8000),
        listing("ETH/USD", "3027.80", rate=12, levels=400, spacing=4, size=5000),
        listing("SOL/USD", "141.22", rate=8, levels=150, spacing=1.5, size=2500),
        listing("XRP/USD", "2.41234", rate=8, levels=150, spacing=6, size=1500),
        listing("DOGE/USD", "0.1421379", rate=5, levels=80, spacing=40, size=700),
        listing("ADA/USD", "0.583120", rate=4, levels=60, spacing=20, size=500),
        listing("LTC/EUR", "84.31", rate=2, levels=40, spacing=2, size=600),
        listing("ETH/BTC", "0.03702", rate=3, levels=60, spacing=1.2, size=0.2),
        listing("USDT/USD", "0.99983", rate=3, levels=90, spacing=1, size=20000),
        listing("PEPE/USD", "0.00001234", qty_decimals=5, rate=2, levels=30, spacing=1, size=150),
        listing("PAXG/USD", "4120.55", rate=0.5, levels=6, spacing=60, size=900),
        listing("XMN/USD", "12.5", rate=0.2, levels=3, spacing=2, size=120, withdrawals=0.02),
    )
}
"""Lively and quiet, deep and thin, dear and cheap."""

DEFAULT = ("BTC/USD", "ETH/USD", "SOL/USD", "XRP/USD", "PEPE/USD")


def find(market: str | Listing) -> Listing:
    """A listing as given, or a known one by its name.

    Raises: UsageError for a name that is not known.
    """
    if isinstance(market, Listing):
        return market
    if market not in KNOWN:
        raise UsageError(f"no simulated market is called {market!r}; known are {', '.join(KNOWN)}")
    return KNOWN[market]


def invented(count: int, *, rate: float = 1.0) -> list[Listing]:
    """So many markets under invented names, of all kinds of prices and digits."""
    made = []
    for number in range(count):
        decimals = number % 9
        digits = 2_000 + number * 7_919 % 300_000
        text = f"{Decimal(digits).scaleb(-decimals):f}"
        made.append(
            listing(f"T{number:04d}/USD", text, rate=rate, levels=20 + number % 30, size=500, history=30)
        )
    return made
