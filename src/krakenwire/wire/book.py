"""Channels `book` (Level 2) and `level3`: levels and orders as the wire text that was received.

Prices and quantities stay text until somebody reads them. The checksum is computed over the digits as sent, most levels are
never looked at by a person, and a `Decimal` costs as much as the rest of the decoding. `price` and `qty` make it on access.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from krakenwire.wire.enums import Level3Event, MessageType

BOOK_DEPTHS = (10, 25, 100, 500, 1000)
"""Depths that channel `book` offers, in levels a side."""

LEVEL3_DEPTHS = (10, 100, 1000)
"""Depths that channel `level3` offers, in price levels a side."""

PROVEN_LEVELS = 10
"""Levels a side that Kraken's checksum covers, whatever the depth of the subscription."""


class BookLevel(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One price level of a Level 2 book.

    Source: channel `book`, an element of `bids` or `asks`.
    """

    price_text: Any = field(name="price")
    """Price as on the wire, in quote currency; text once the book has read it."""

    qty_text: Any = field(name="qty")
    """Total quantity at this price as on the wire, in base currency; zero removes the level."""

    @property
    def price(self) -> Decimal:
        """Price in quote currency, with the digits received."""
        return Decimal(self.price_text)

    @property
    def qty(self) -> Decimal:
        """Total quantity at this price in base currency, with the digits received."""
        return Decimal(self.qty_text)

    def __str__(self) -> str:
        return f"{self.price_text} x {self.qty_text}"


class BookData(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Levels of one order book: all of them in a snapshot, the changed ones in an update.

    Source: channel `book`, the one element of `data`.
    """

    symbol: str
    """Pair in v2 spelling, e.g. `BTC/USD`."""

    bids: tuple[BookLevel, ...]
    """Buy levels in Kraken's order; a snapshot has the best first; may be empty."""

    asks: tuple[BookLevel, ...]
    """Sell levels in Kraken's order; a snapshot has the best first; may be empty."""

    checksum: int | None = None
    """CRC-32 of the ten best levels a side after this message, unsigned. Kraken sends it always; without it nothing is proven."""

    timestamp: str | None = None
    """Matching-engine time, RFC 3339 UTC, microseconds. Snapshots before 2026 had none."""


class BookMessage(Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="channel", tag="book"):
    """A frame of channel `book`."""

    type: MessageType
    data: tuple[BookData, ...]
    sequence: int | None = None


class Level3Order(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One resting order, or what happened to it.

    Source: channel `level3`, an element of `bids` or `asks`. Snapshot rows carry no `event`.
    """

    order_id: str
    limit_price_text: Any = field(name="limit_price")
    """Price as on the wire, in quote currency."""

    order_qty_text: Any = field(name="order_qty")
    """Visible remaining quantity as on the wire. In a `delete` it is the quantity removed, not zero."""

    timestamp: str | None = None
    """When the order was inserted or amended, RFC 3339 UTC, nanoseconds. May be minutes older than the message."""

    event: Level3Event | None = None
    """`add`, `modify` or `delete`; None in a snapshot."""

    @property
    def limit_price(self) -> Decimal:
        """Price in quote currency, with the digits received."""
        return Decimal(self.limit_price_text)

    @property
    def order_qty(self) -> Decimal:
        """Visible remaining quantity in base currency, with the digits received."""
        return Decimal(self.order_qty_text)


class Level3Data(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Orders of one book: all of them in a snapshot, the changed ones in an update.

    Source: channel `level3`, the one element of `data`.
    """

    symbol: str
    bids: tuple[Level3Order, ...]
    asks: tuple[Level3Order, ...]
    checksum: int | None = None
    """CRC-32 of every order in the ten best price levels a side, in queue order, unsigned."""

    timestamp: str | None = None
    """Matching-engine time, RFC 3339 UTC, nanoseconds."""


class Level3Message(
    Struct, frozen=True, gc=False, forbid_unknown_fields=True, tag_field="channel", tag="level3"
):
    """A frame of channel `level3`."""

    type: MessageType
    data: tuple[Level3Data, ...]
    sequence: int | None = None
