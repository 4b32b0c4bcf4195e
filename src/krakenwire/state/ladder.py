"""One side of a Level 2 book: levels kept in order of price, best first.

`fill` and `change`, which `Side` has, are the fast ways. They take only what Kraken sends every day; anything else raises, and the book
reads the whole message again, slowly and strictly, with `put`. Repeating a message from its start is safe: its levels are absolute.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal
from typing import Any

from krakenwire.state.checksum import PLAIN_DIGITS, Decimals, digits_of
from krakenwire.state.side import OddToken, Side
from krakenwire.wire.book import BookLevel
from krakenwire.wire.numbers import MAX_DIGITS, MAX_EXPONENT


class Ladder(Side):
    """Bids (`descending`) or asks of one book."""

    __slots__ = ("_decimals", "unknown_removals")

    def __init__(self, *, descending: bool, depth: int) -> None:
        self.sign = -1 if descending else 1
        self.depth = depth
        self.unknown_removals = 0
        """Removals of prices that were not there. One that the fast way had done when it gave up counts as well."""
        self.use(None)

    def __getstate__(self) -> dict[str, Any]:
        names = ("sign", "depth", "unknown_removals", "_decimals", "levels", "text")
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.sign, self.depth = state["sign"], state["depth"]
        self.unknown_removals = state["unknown_removals"]
        self.use(state["_decimals"])
        if not self.load(tuple(state["levels"])):
            self.text = state["text"]

    def use(self, decimals: Decimals | None) -> None:
        """Forget every level, and fix the fraction digits that all tokens must have from now on; None while they are not known."""
        self._decimals = decimals
        self.price_decimals, self.qty_decimals = decimals or (0, 0)
        # A price and a quantity with no more digits than this together are both within bounds. Tokens without a point are no text.
        least, most = sorted((self.price_decimals, self.qty_decimals))
        self.longest = min(MAX_DIGITS, MAX_EXPONENT + least) if 0 < least <= most <= PLAIN_DIGITS else 0
        self.load(())

    def fill(self, snapshot: tuple[BookLevel, ...]) -> None:
        """Take a whole snapshot in bulk.

        Raises: OddToken, and holds nothing, unless every token is a plain decimal with the book's fraction digits, no price and no quantity
        is zero, and the levels are in order, best first.
        """
        if not self.load(snapshot):
            self.load(())
            raise OddToken
        self.cut()

    def put(self, level: BookLevel) -> None:
        """Set or remove one level that the book has read strictly. `cut` and `look` follow when the message is read."""
        key = self._key(level)
        at = bisect_left(self, key, key=self._key)
        found = at < len(self) and self._key(self[at]) == key
        if level.qty_text.strip("0."):
            self.splice(at, found, level)
        elif found:
            self.splice(at, found, None)
        else:
            self.unknown_removals += 1

    def look(self) -> None:
        """Make the checksum's input anew."""
        self.text = b"".join(digits_of(level.price_text, level.qty_text).encode() for level in self.ten)

    def _key(self, level: BookLevel) -> Decimal:
        """Exact at any length; a minus sign alone would round what has more than 28 digits."""
        price = level.price
        return price.copy_negate() if self.sign < 0 else price
