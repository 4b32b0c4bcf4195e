"""What both kinds of book say about their proof."""

from __future__ import annotations

from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from krakenwire.wire.book import PROVEN_LEVELS


class _Priced(Protocol):
    @property
    def price(self) -> Decimal: ...


L = TypeVar("L", bound=_Priced)


class Doubt(Struct, frozen=True):
    """Why a book is not proven after a message."""

    wrong: bool
    """True: the book contradicts the message and must not be used. False: nothing speaks against it, nothing proves it."""
    reason: str
    expected: int | None = None
    """Kraken's checksum."""
    computed: int | None = None
    """Ours, over the same message."""


class ProvenView(Struct, Generic[L], frozen=True):
    """A book at one moment; it does not change any more."""

    symbol: str
    depth: int
    """Price levels a side."""
    bids: tuple[L, ...]
    """Best first."""
    asks: tuple[L, ...]
    """Best first."""
    checksum: int | None
    """The checksum that Kraken sent with the last message."""
    timestamp: str | None
    """Matching-engine time of the last message, as received."""
    verified: bool

    @property
    def proven_depth(self) -> int:
        """Price levels a side that are proven: at most ten, whatever the depth; 0 if the book is not verified."""
        return min(PROVEN_LEVELS, self.depth) if self.verified else 0

    @property
    def best_bid(self) -> Decimal | None:
        """Highest buy price; None while nobody buys."""
        return self.bids[0].price if self.bids else None

    @property
    def best_ask(self) -> Decimal | None:
        """Lowest sell price; None while nobody sells."""
        return self.asks[0].price if self.asks else None

    @property
    def crossed(self) -> bool:
        """Whether the best bid is not below the best ask. Kraken may say so; it is served as it is."""
        return bool(self.bids and self.asks) and self.bids[0].price >= self.asks[0].price
