"""The loop over the changes of one side of a book message: the busiest lines of the library.

They exist twice. `Side` here is the meaning; `_side.c` is the same class compiled, for speed, over the same Python lists. It is used where
it could be built, unless `KRAKENWIRE_PURE_PYTHON` is set when the library is imported; everything but the time it takes is the same.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from krakenwire.wire.book import PROVEN_LEVELS, BookLevel


class OddToken(ValueError):
    """A level that the fast way does not take."""


class PythonSide:
    """One side of a book as lists in order of price, best first."""

    __slots__ = (
        "depth",
        "digits",
        "keys",
        "levels",
        "longest",
        "price_decimals",
        "qty_decimals",
        "sign",
        "ten",
        "text",
        "top",
    )

    keys: list[Any]
    """Sort keys, one more than there are levels: the last is greater than any."""
    digits: list[bytes | None]
    """Digits for the checksum; None where nobody has asked for them yet."""
    levels: list[BookLevel]
    ten: list[BookLevel]
    """The ten best levels, in a list that does not change any more."""
    top: BookLevel | None
    """The best level."""
    text: bytes
    """The checksum's input: digits of the ten best levels, best first."""
    depth: int
    sign: int
    """-1 for bids, so that the best has the least key."""
    price_decimals: int
    qty_decimals: int
    longest: int
    """Digits that a price and a quantity may have together; 0: none is taken here."""

    def look(self) -> bool:
        """Look at the ten best levels anew. True if the checksum's input changed."""
        raise NotImplementedError

    def change(self, changes: tuple[BookLevel, ...]) -> bool:
        """Set or remove levels in order, then cut to depth. True if the checksum's input changed.

        Raises: ValueError, TypeError or LookupError, on any token that is not a plain decimal with the book's fraction digits, and on the
        removal of a price that is not there. The side is then half changed; repeating the message from its start is safe.
        """
        keys, digits, levels, sign = self.keys, self.digits, self.levels, self.sign
        price_point, qty_point, longest = -1 - self.price_decimals, -1 - self.qty_decimals, self.longest
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
        self.top = ten[0] if ten else None
        if text == self.text:
            return False
        self.text = text
        return True


def _choose() -> tuple[type[PythonSide], bool]:
    if not os.environ.get("KRAKENWIRE_PURE_PYTHON"):
        try:
            from krakenwire.state import _side  # noqa: PLC0415 (it may not be there)
        except ImportError:
            pass
        else:
            return _side.Side, True
    return PythonSide, False


if TYPE_CHECKING:
    Side = PythonSide
    COMPILED: bool
else:
    Side, COMPILED = _choose()
