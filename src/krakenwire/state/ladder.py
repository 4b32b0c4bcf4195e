"""One side of a Level 2 book: levels kept in order of price, with their checksum digits made once.

Three parallel lists in ascending order of price: sort key, digits for the checksum, the level itself. So the best ask is the first of its
side and the best bid the last of its own; slices fixed at the start say where the best ten lie. The key is the digits of the price,
right-aligned: all prices of a book have equally many fraction digits, so such texts order as the numbers do, exactly and at any length.
While the fraction digits of the pair are not known, the price itself is the key and there are no digits.

`change` and `fill` are the fast ways. They take only what Kraken sends every day; anything else raises, and the book reads the whole
message again, slowly and strictly. Repeating a message from its start is safe: its levels are absolute.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from krakenwire.state.checksum import PLAIN_DIGITS, Decimals, digits_of
from krakenwire.wire.book import PROVEN_LEVELS, BookLevel
from krakenwire.wire.numbers import MAX_DIGITS, MAX_EXPONENT

KEY_WIDTH = MAX_DIGITS
"""No price has more digits."""

NO_KEY, NO_PRICE = "~", Decimal("Infinity")
"""Greater than every key."""


class OddToken(ValueError):
    """A level that the fast way does not take."""


class Ladder:
    """Bids (`descending`) or asks of one book."""

    __slots__ = (
        "_best",
        "_decimals",
        "_digits",
        "_parts",
        "_worst",
        "before",
        "depth",
        "descending",
        "keys",
        "levels",
        "moved",
        "ten",
        "text",
        "top",
    )

    def __init__(self, *, descending: bool, depth: int) -> None:
        self.descending = descending
        self.depth = depth
        self._best = slice(None, -1 - PROVEN_LEVELS, -1) if descending else slice(PROVEN_LEVELS)
        self._worst = 0 if descending else depth
        self.use(None)

    def use(self, decimals: Decimals | None) -> None:
        """Forget every level, and fix the fraction digits that all tokens must have from now on; None while they are not known."""
        self._decimals = decimals
        self.keys: list[Any] = [NO_PRICE if decimals is None else NO_KEY]
        """One more than there are levels: the last is greater than any."""
        self._digits: list[bytes | None] = []
        """None where nobody has asked for them yet."""
        self.levels: list[BookLevel] = []
        """In ascending order of price."""
        self.text = b""
        """The checksum's input: digits of the ten best levels, best first."""
        self.ten: list[BookLevel] = []
        """These levels."""
        self.before: list[BookLevel] = []
        """What they were before the last message that had something for this side."""
        self.top: BookLevel | None = None
        """The best level."""
        self.moved = True
        """Whether it may be another one since the book looked at it."""
        price, qty = decimals or (0, 0)
        # A price and a quantity with no more digits than this together are both within bounds. Tokens without a point are no text.
        usual = 0 < min(price, qty) <= max(price, qty) <= PLAIN_DIGITS
        longest = min(MAX_DIGITS, MAX_EXPONENT + min(price, qty)) if usual else 0
        self._parts = (self.keys, self._digits, self.levels, -1 - price, -1 - qty, longest)

    def change(self, changes: tuple[BookLevel, ...]) -> bool:  # noqa: PLR0912 (in one piece, because every call costs)
        """Set or remove levels in order, then cut to depth. True if the checksum's input changed.

        Raises: OddToken, ValueError, TypeError or LookupError, on any token that is not a plain decimal with the book's fraction digits,
        and on the removal of a price that is not there. The side is then half changed; see the module's text.
        """
        keys, digits, levels, price_point, qty_point, longest = self._parts
        grown = False
        for level in changes:
            price = level.price_text
            qty = level.qty_text
            if price[price_point] != "." or qty[qty_point] != ".":
                raise OddToken
            whole = price.replace(".", "", 1).lstrip("0")
            key = whole.rjust(KEY_WIDTH)
            at = bisect_left(keys, key)
            amount = qty.replace(".", "", 1).lstrip("0")
            if amount:
                text = (whole + amount).encode()
                # Whatever else stood in the tokens (a second point, a sign, an underscore) is no ASCII digit.
                if not text.isdigit() or not whole or len(text) > longest:
                    raise OddToken
                if keys[at] == key:
                    digits[at] = text
                    levels[at] = level
                else:
                    keys.insert(at, key)
                    digits.insert(at, text)
                    levels.insert(at, level)
                    grown = True
            elif levels[at].price_text == price:
                del keys[at], digits[at], levels[at]
            else:
                raise OddToken
        if grown:
            depth, worst = self.depth, self._worst
            while len(levels) > depth:
                del keys[worst], digits[worst], levels[worst]
        best: list[Any] = digits[self._best]
        try:
            text = b"".join(best)
        except TypeError:
            return self.look()
        self.before = self.ten
        self.ten = ten = levels[self._best]
        top = ten[0] if ten else None
        if top is not self.top:
            self.top = top
            self.moved = True
        if text == self.text:
            return False
        self.text = text
        return True

    def look(self) -> bool:
        """Look at the ten best levels anew. True if the checksum's input changed."""
        self.before, self.ten = self.ten, self.levels[self._best]
        self.top = next(iter(self.ten), None)
        self.moved = True
        for at in range(len(self.levels))[self._best]:
            if self._digits[at] is None:
                # Nobody has needed them so far.
                level = self.levels[at]
                self._digits[at] = digits_of(level.price_text, level.qty_text).encode()
        best: list[Any] = self._digits[self._best]
        before, self.text = self.text, b"".join(best)
        return before != self.text

    def fill(self, snapshot: tuple[BookLevel, ...]) -> None:
        """Take a whole snapshot in bulk. The side must be empty.

        Raises: OddToken, TypeError or AttributeError, and takes nothing, unless every token is a plain decimal with the book's fraction
        digits, no price and no quantity is zero, and the levels are in order, best first.
        """
        if not snapshot:
            return
        levels = [*reversed(snapshot)] if self.descending else [*snapshot]
        prices = [level.price_text for level in levels]
        quantities = [level.qty_text for level in levels]
        if self._decimals is None or {*map(type, prices), *map(type, quantities)} != {str}:
            raise OddToken
        joined = ",".join(prices)
        if not (_bulk(self._decimals[0])(joined) and _bulk(self._decimals[1])(",".join(quantities))):
            raise OddToken
        keys = [whole.lstrip("0").rjust(KEY_WIDTH) for whole in joined.replace(".", "").split(",")]
        if keys != sorted({*keys}):
            raise OddToken
        self.keys[:0], self.levels[:], self._digits[:] = keys, levels, [None] * len(levels)
        self.cut()
        self.look()

    def put(self, level: BookLevel) -> bool:
        """Set or remove one level that the book has read strictly; does not cut. False if the price to remove was not there."""
        price = level.price_text
        key: Any = Decimal(price)
        if self._decimals is not None:
            key = price.replace(".", "").lstrip("0").rjust(KEY_WIDTH)
        at = bisect_left(self.keys, key)
        found: bool = self.keys[at] == key
        if not level.qty_text.strip("0."):
            if found:
                del self.keys[at], self._digits[at], self.levels[at]
            return found
        if found:
            self._digits[at], self.levels[at] = None, level
        else:
            self.keys.insert(at, key)
            self._digits.insert(at, None)
            self.levels.insert(at, level)
        return True

    def cut(self) -> None:
        """Drop what lies beyond the depth. Kraken sends no removal for it."""
        excess = len(self.levels) - self.depth
        if excess > 0:
            beyond = slice(excess) if self.descending else slice(self.depth, self.depth + excess)
            del self.keys[beyond], self._digits[beyond], self.levels[beyond]

    def best(self, depth: int | None = None) -> list[BookLevel]:
        """The best `depth` levels, or all, best first."""
        if not self.descending:
            return self.levels[:depth]
        return self.levels[::-1] if depth is None else self.levels[: -1 - depth : -1]


@lru_cache(maxsize=64)
def _bulk(decimals: int) -> Callable[[str], object]:
    """Matches tokens with these fraction digits, none of them zero, that are joined with commas; all within bounds."""
    if not 0 < decimals <= PLAIN_DIGITS:
        return lambda _joined: None
    token = rf"(?=[0.]*+[1-9])[0-9]{{1,{PLAIN_DIGITS}}}+\.[0-9]{{{decimals}}}"
    return re.compile(rf"{token}(?:,{token})*+").fullmatch
