"""One side of a Level 2 book: levels kept in order of price, with their checksum digits made once.

Three parallel lists, best level first: sort key, digits for the checksum, the level itself. The key is the price as a float (negative
for bids), which orders up to 15 digits exactly; longer prices take a Decimal, which compares exactly with floats. `change` is the
fast way and takes only what Kraken sends every day; anything else raises `OddToken` before it could do harm, and the book
reads the whole message again, slowly and strictly. Repeating a message from its start is safe: its levels are absolute.
"""

from __future__ import annotations

from bisect import bisect_left
from decimal import Decimal

from krakenwire.state.checksum import digits_of
from krakenwire.wire.book import PROVEN_LEVELS, BookLevel

Key = float | Decimal


class OddToken(ValueError):
    """A level that the fast way does not take."""


class Ladder:
    """Bids (`descending`) or asks of one book."""

    __slots__ = ("_descending", "_limit", "_price_point", "_qty_point", "depth", "digits", "keys", "levels")

    def __init__(self, *, descending: bool, depth: int) -> None:
        self._descending = descending
        self.depth = depth
        self.keys: list[Key] = []
        self.digits: list[bytes] = []
        self.levels: list[BookLevel] = []
        self.set_decimals(0, 0)

    def set_decimals(self, price: int, qty: int) -> None:
        """Fix the fraction digits that every token must have."""
        self._price_point = -1 - price
        self._qty_point = -1 - qty
        # From here on a float has not enough digits to tell two neighbouring prices apart.
        self._limit = 10.0 ** (15 - price)

    def clear(self) -> None:
        """Forget every level."""
        self.keys, self.digits, self.levels = [], [], []

    def change(self, changes: tuple[BookLevel, ...]) -> bool:
        """Set or remove levels in order, then cut to depth. True if one of the ten best was touched.

        Raises: OddToken, TypeError or LookupError, on any token that is not a plain decimal with the book's fraction digits, and on
        the removal of a price that is not there. The side is then half changed; see the module's text.
        """
        keys, digits, levels = self.keys, self.digits, self.levels
        price_point, qty_point, limit = self._price_point, self._qty_point, self._limit
        lowest = PROVEN_LEVELS
        for level in changes:
            price = level.price_text
            qty = level.qty_text
            if price[price_point] != "." or qty[qty_point] != ".":
                raise OddToken
            key = float(price)
            if key >= limit:
                raise OddToken
            if self._descending:
                key = -key
            at = bisect_left(keys, key)
            found = at < len(keys) and keys[at] == key
            amount = qty.replace(".", "").lstrip("0")
            if not amount:
                if not found or levels[at].price_text != price:
                    raise OddToken
                del keys[at], digits[at], levels[at]
            else:
                text = (price.replace(".", "").lstrip("0") + amount).encode()
                if not text.isdigit() or not key:
                    raise OddToken
                if found:
                    digits[at] = text
                    levels[at] = level
                else:
                    keys.insert(at, key)
                    digits.insert(at, text)
                    levels.insert(at, level)
            if at < lowest:  # noqa: PLR1730 (a call of min costs more than the rest of the line)
                lowest = at
        depth = self.depth
        if len(keys) > depth:
            del keys[depth:], digits[depth:], levels[depth:]
        return lowest < PROVEN_LEVELS

    def fill(self, snapshot: tuple[BookLevel, ...]) -> None:
        """Take a whole snapshot whose tokens are known to be plain and even, best level first or in any order.

        One pass over sorted lists: a thousand levels inserted one by one would take three times as long.
        """
        self.clear()
        sign = -1.0 if self._descending else 1.0
        floats = [sign * float(level.price_text) for level in snapshot]
        keys: list[Key] = [*floats]
        in_order = all(map(float.__lt__, floats, floats[1:]))
        if not in_order or (floats and max(abs(floats[0]), abs(floats[-1])) >= self._limit):
            for level in snapshot:
                self.put(level, exact=True)
            self.cut()
            return
        self.keys = keys[: self.depth]
        self.levels = list(snapshot[: self.depth])
        self.digits = [digits_of(level.price_text, level.qty_text).encode() for level in self.levels]

    def put(self, level: BookLevel, *, exact: bool) -> bool:
        """Set or remove one level of any plain spelling; does not cut. False if the price to remove was not there."""
        price = level.price_text
        # Every way of reading a price has to come to the same key, else one price could stand twice.
        key: Key = float(price) if exact else Decimal(price)
        if exact and key >= self._limit:
            key = Decimal(price)
        if self._descending:
            key = -key
        at = bisect_left(self.keys, key)
        found = at < len(self.keys) and self.keys[at] == key
        if not level.qty_text.strip("0."):
            if found:
                del self.keys[at], self.digits[at], self.levels[at]
            return found
        text = digits_of(price, level.qty_text).encode() if exact else b""
        if found:
            self.digits[at], self.levels[at] = text, level
        else:
            self.keys.insert(at, key)
            self.digits.insert(at, text)
            self.levels.insert(at, level)
        return True

    def cut(self) -> None:
        """Drop what lies beyond the depth. Kraken sends no removal for it."""
        del self.keys[self.depth :], self.digits[self.depth :], self.levels[self.depth :]
