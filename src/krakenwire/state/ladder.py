"""One side of a Level 2 book: levels kept in order of price, with their checksum digits made once.

Three parallel lists, best level first: sort key, digits for the checksum, the level itself. The key is the price without its point, an
exact integer, negative for bids, so one order of the lists and one cut serve both sides. While the fraction digits of the pair are not
known, the price itself is the key and there are no digits.

`change`, which `Side` has, and `fill` are the fast ways. They take only what Kraken sends every day; anything else raises, and the book
reads the whole message again, slowly and strictly. Repeating a message from its start is safe: its levels are absolute.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from krakenwire.state.checksum import PLAIN_DIGITS, Decimals, digits_of
from krakenwire.state.side import OddToken, PythonSide, Side
from krakenwire.wire.book import PROVEN_LEVELS, BookLevel
from krakenwire.wire.numbers import MAX_DIGITS, MAX_EXPONENT

NO_KEY = 10 ** (2 * MAX_DIGITS)
"""Greater than every key."""


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
        return {name: getattr(self, name) for name in (*PythonSide.__slots__, *Ladder.__slots__)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)

    def use(self, decimals: Decimals | None) -> None:
        """Forget every level, and fix the fraction digits that all tokens must have from now on; None while they are not known."""
        self._decimals = decimals
        self.keys = [NO_KEY]
        self.digits = []
        self.levels = []
        self.text = b""
        self.ten = []
        self.top = None
        self.price_decimals, self.qty_decimals = decimals or (0, 0)
        # A price and a quantity with no more digits than this together are both within bounds. Tokens without a point are no text.
        least, most = sorted((self.price_decimals, self.qty_decimals))
        self.longest = min(MAX_DIGITS, MAX_EXPONENT + least) if 0 < least <= most <= PLAIN_DIGITS else 0

    def look(self) -> bool:
        """Look at the ten best levels anew. True if the checksum's input changed."""
        self.ten = self.levels[:PROVEN_LEVELS]
        self.top = next(iter(self.ten), None)
        for at in range(len(self.levels))[:PROVEN_LEVELS]:
            if self.digits[at] is None:
                # Nobody has needed them so far.
                level = self.levels[at]
                self.digits[at] = digits_of(level.price_text, level.qty_text).encode()
        best: list[Any] = self.digits[:PROVEN_LEVELS]
        before, self.text = self.text, b"".join(best)
        return before != self.text

    def fill(self, snapshot: tuple[BookLevel, ...]) -> None:
        """Take a whole snapshot in bulk. The side must be empty.

        Raises: OddToken, TypeError or AttributeError, and takes nothing, unless every token is a plain decimal with the book's fraction
        digits, no price and no quantity is zero, and the levels are in order, best first.
        """
        if not snapshot:
            return
        prices = [level.price_text for level in snapshot]
        quantities = [level.qty_text for level in snapshot]
        if self._decimals is None or {*map(type, prices), *map(type, quantities)} != {str}:
            raise OddToken
        joined = ",".join(prices)
        if not (_bulk(self._decimals[0])(joined) and _bulk(self._decimals[1])(",".join(quantities))):
            raise OddToken
        keys = [int(whole) * self.sign for whole in joined.replace(".", "").split(",")]
        if keys != sorted({*keys}):
            raise OddToken
        self.keys[:0], self.levels[:], self.digits[:] = keys, snapshot, [None] * len(snapshot)
        self.cut()
        self.look()

    def put(self, level: BookLevel) -> None:
        """Set or remove one level that the book has read strictly; does not cut."""
        price = level.price_text
        key: Any = Decimal(price) if self._decimals is None else int(price.replace(".", ""))
        if self.sign < 0:
            # A minus sign alone would round what has more than 28 digits.
            key = key.copy_negate() if self._decimals is None else -key
        at = bisect_left(self.keys, key)
        found: bool = self.keys[at] == key
        if not level.qty_text.strip("0."):
            if found:
                del self.keys[at], self.digits[at], self.levels[at]
            else:
                self.unknown_removals += 1
        elif found:
            self.digits[at], self.levels[at] = None, level
        else:
            self.keys.insert(at, key)
            self.digits.insert(at, None)
            self.levels.insert(at, level)

    def cut(self) -> None:
        """Drop what lies beyond the depth. Kraken sends no removal for it."""
        depth = self.depth
        del self.keys[depth:-1], self.digits[depth:], self.levels[depth:]


@lru_cache(maxsize=64)
def _bulk(decimals: int) -> Callable[[str], object]:
    """Matches tokens with these fraction digits, none of them zero, that are joined with commas; all within bounds."""
    if not 0 < decimals <= PLAIN_DIGITS:
        return lambda _joined: None
    token = rf"(?=[0.]*+[1-9])[0-9]{{1,{PLAIN_DIGITS}}}+\.[0-9]{{{decimals}}}"
    return re.compile(rf"{token}(?:,{token})*+").fullmatch
