"""One side of a Level 2 book: levels kept in order of price, with their checksum digits made once.

Three parallel lists, best level first: sort key, digits for the checksum, the level itself. The key is the price without its point, an
exact integer, negative for bids, so one order of the lists and one cut serve both sides. While the fraction digits of the pair are not
known, the price itself is the key and there are no digits.

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

NO_KEY = 10 ** (2 * MAX_DIGITS)
"""Greater than every key."""


class OddToken(ValueError):
    """A level that the fast way does not take."""


class Ladder:
    """Bids (`descending`) or asks of one book."""

    __slots__ = (
        "_decimals",
        "_digits",
        "_parts",
        "_sign",
        "depth",
        "keys",
        "levels",
        "moved",
        "ten",
        "text",
        "top",
        "unknown_removals",
    )

    def __init__(self, *, descending: bool, depth: int) -> None:
        self._sign = -1 if descending else 1
        self.depth = depth
        self.unknown_removals = 0
        """Removals of prices that were not there. One that the fast way had done when it gave up counts as well."""
        self.use(None)

    def use(self, decimals: Decimals | None) -> None:
        """Forget every level, and fix the fraction digits that all tokens must have from now on; None while they are not known."""
        self._decimals = decimals
        self.keys: list[Any] = [NO_KEY]
        """One more than there are levels: the last is greater than any."""
        self._digits: list[bytes | None] = []
        """None where nobody has asked for them yet."""
        self.levels: list[BookLevel] = []
        """Best first."""
        self.text = b""
        """The checksum's input: digits of the ten best levels, best first."""
        self.ten: list[BookLevel] = []
        """These levels, in a list that does not change any more."""
        self.top: BookLevel | None = None
        """The best level."""
        self.moved = True
        """Whether it may be another one since the book looked at it."""
        price, qty = decimals or (0, 0)
        # A price and a quantity with no more digits than this together are both within bounds. Tokens without a point are no text.
        usual = 0 < min(price, qty) <= max(price, qty) <= PLAIN_DIGITS
        longest = min(MAX_DIGITS, MAX_EXPONENT + min(price, qty)) if usual else 0
        self._parts = (self.keys, self._digits, self.levels, self._sign, -1 - price, -1 - qty, longest)

    def change(self, changes: tuple[BookLevel, ...]) -> bool:
        """Set or remove levels in order, then cut to depth. True if the checksum's input changed.

        Raises: OddToken, ValueError, TypeError or LookupError, on any token that is not a plain decimal with the book's fraction digits,
        and on the removal of a price that is not there. The side is then half changed; see the module's text.
        """
        keys, digits, levels, sign, price_point, qty_point, longest = self._parts
        grown = False
        for level in changes:
            price = level.price_text
            qty = level.qty_text
            if price[price_point] != "." or qty[qty_point] != "." or price < "0" or qty < "0":
                raise OddToken
            whole = price.replace(".", "", 1).lstrip("0")
            key = int(whole) * sign
            at = bisect_left(keys, key)
            amount = qty.replace(".", "", 1).lstrip("0")
            if not amount:
                if levels[at].price_text != price:
                    raise OddToken
                del keys[at], digits[at], levels[at]
                continue
            text = (whole + amount).encode()
            # Whatever else stood in the tokens (a second point, an underscore, a blank) is no ASCII digit.
            if not text.isdigit() or len(text) > longest:
                raise OddToken
            if keys[at] == key:
                digits[at] = text
                levels[at] = level
            else:
                keys.insert(at, key)
                digits.insert(at, text)
                levels.insert(at, level)
                grown = True
        if grown:
            depth = self.depth
            while len(levels) > depth:
                del keys[depth], digits[depth], levels[depth]
        best: Any = digits if self.depth <= PROVEN_LEVELS else digits[:PROVEN_LEVELS]
        try:
            text = b"".join(best)
        except TypeError:
            return self.look()
        self.ten = ten = levels[:PROVEN_LEVELS]
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
        self.ten = self.levels[:PROVEN_LEVELS]
        self.top = next(iter(self.ten), None)
        self.moved = True
        for at in range(len(self.levels))[:PROVEN_LEVELS]:
            if self._digits[at] is None:
                # Nobody has needed them so far.
                level = self.levels[at]
                self._digits[at] = digits_of(level.price_text, level.qty_text).encode()
        best: list[Any] = self._digits[:PROVEN_LEVELS]
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
        keys = [int(whole) * self._sign for whole in joined.replace(".", "").split(",")]
        if keys != sorted({*keys}):
            raise OddToken
        self.keys[:0], self.levels[:], self._digits[:] = keys, snapshot, [None] * len(snapshot)
        self.cut()
        self.look()

    def put(self, level: BookLevel) -> None:
        """Set or remove one level that the book has read strictly; does not cut."""
        price = level.price_text
        key: Any = Decimal(price) if self._decimals is None else int(price.replace(".", ""))
        if self._sign < 0:
            # A minus sign alone would round what has more than 28 digits.
            key = key.copy_negate() if self._decimals is None else -key
        at = bisect_left(self.keys, key)
        found: bool = self.keys[at] == key
        if not level.qty_text.strip("0."):
            if found:
                del self.keys[at], self._digits[at], self.levels[at]
            else:
                self.unknown_removals += 1
        elif found:
            self._digits[at], self.levels[at] = None, level
        else:
            self.keys.insert(at, key)
            self._digits.insert(at, None)
            self.levels.insert(at, level)

    def cut(self) -> None:
        """Drop what lies beyond the depth. Kraken sends no removal for it."""
        depth = self.depth
        del self.keys[depth:-1], self._digits[depth:], self.levels[depth:]


@lru_cache(maxsize=64)
def _bulk(decimals: int) -> Callable[[str], object]:
    """Matches tokens with these fraction digits, none of them zero, that are joined with commas; all within bounds."""
    if not 0 < decimals <= PLAIN_DIGITS:
        return lambda _joined: None
    token = rf"(?=[0.]*+[1-9])[0-9]{{1,{PLAIN_DIGITS}}}+\.[0-9]{{{decimals}}}"
    return re.compile(rf"{token}(?:,{token})*+").fullmatch
