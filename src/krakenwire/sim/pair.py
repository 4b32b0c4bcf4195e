"""What a market trades and with how many digits: integers of the engine to numbers of the wire and back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import NamedTuple

from msgspec import Struct

from krakenwire.wire.enums import PairStatus


@lru_cache(maxsize=64)
def writer(decimals: int) -> Callable[[int], str]:
    """A function that writes integers of the last digit as JSON numbers: `writer(2)(1234)` is `12.34`."""
    if not decimals:
        return str

    def write(units: int) -> str:
        digits = str(units).zfill(decimals + 1 + (units < 0))
        return f"{digits[:-decimals]}.{digits[-decimals:]}"

    return write


class Scaling(NamedTuple):
    """How integers change where a pair gets other digits: `count * up // down`; up or down is a power of ten, the other one is 1."""

    price_up: int
    price_down: int
    qty_up: int
    qty_down: int

    @property
    def changes(self) -> bool:
        """Whether any number changes."""
        return self != (1, 1, 1, 1)


class Pair(Struct, frozen=True, kw_only=True, dict=True):
    """One market of channel `instrument`. Prices and quantities of the exchange are integers of the last digit."""

    symbol: str
    price_precision: int
    qty_precision: int = 8
    cost_precision: int = 5
    price_increment: int = 1
    """Smallest step between two prices, in units of the last price digit."""
    qty_min: int = 1
    """Smallest order, in units of the last quantity digit."""
    cost_min: Decimal = Decimal("0.50")
    status: PairStatus = PairStatus.ONLINE
    has_index: bool = True
    margin_initial: Decimal | None = None
    """Fraction, 0.2 is 20 %; None: not marginable."""
    position_limits: tuple[int, int] = (0, 0)
    """Units of the base currency, long and short; only if marginable."""
    tokenized: bool = False
    """The base is a share of a company (xStocks): listed only to those who ask for them."""

    @property
    def base(self) -> str:
        return self.symbol.partition("/")[0]

    @property
    def quote(self) -> str:
        return self.symbol.partition("/")[2]

    def scaling(self, other: Pair) -> Scaling:
        """What makes integers of this pair those of the same pair under other terms."""
        price = other.price_precision - self.price_precision
        qty = other.qty_precision - self.qty_precision
        return Scaling(10 ** max(0, price), 10 ** max(0, -price), 10 ** max(0, qty), 10 ** max(0, -qty))

    @cached_property
    def price(self) -> Callable[[int], str]:
        """Writes a price. The same ones come again and again, so they are remembered."""
        return lru_cache(maxsize=1024)(writer(self.price_precision))

    @cached_property
    def qty(self) -> Callable[[int], str]:
        """Writes a quantity."""
        return writer(self.qty_precision)
