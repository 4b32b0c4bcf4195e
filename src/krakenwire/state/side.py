"""The loop over the changes of one side of a book message: the busiest lines of the library.

They exist twice. `Side` and `apply` here are the meaning; `_side.c` has the same compiled, for speed. It is used where it could be built,
unless `KRAKENWIRE_PURE_PYTHON` is set when the library is imported; everything but the time it takes is the same.
"""

from __future__ import annotations

import os
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from zlib import crc32

from krakenwire.state.checksum import digits_of
from krakenwire.wire.book import PROVEN_LEVELS, BookData, BookLevel

NO_KEY = 2**63 - 1
"""Greater than every key: the last of the keys, and the best of an empty side."""

KEY_DIGITS = 18
"""Digits of the longest price that is taken here: it fits a signed integer of 64 bits, and `NO_KEY` is greater."""


class OddToken(ValueError):
    """A level that the fast way does not take."""


class PythonSide:
    """One side of a book: a sequence of levels in order of price, best first.

    A level's sort key is its price without the point, an exact integer, negative for bids, so that one order and one cut serve both sides.
    """

    __slots__ = (
        "_digits",
        "_keys",
        "_levels",
        "_plain",
        "before",
        "depth",
        "longest",
        "price_decimals",
        "qty_decimals",
        "sign",
        "text",
    )

    _keys: list[int]
    """One more than there are levels: the last is `NO_KEY`."""
    _digits: list[bytes | None]
    """Digits for the checksum; None where nobody has asked for them yet."""
    _levels: list[BookLevel]
    _plain: bool
    """Whether every level is one that `change` could have taken, so that the keys are right."""
    before: list[BookLevel]
    """The ten best levels before the last change."""
    text: bytes
    """The checksum's input: digits of the ten best levels, best first. Whoever calls `splice` sets it afterwards."""
    depth: int
    sign: int
    """-1 for bids, so that the best has the least key."""
    price_decimals: int
    qty_decimals: int
    longest: int
    """Digits that a price and a quantity may have together; 0: none is taken here."""

    def __len__(self) -> int:
        return len(self._levels)

    def __getitem__(self, at: int) -> BookLevel:
        return self._levels[at]

    def __iter__(self) -> Iterator[BookLevel]:
        return iter(self._levels)

    @property
    def levels(self) -> list[BookLevel]:
        """All levels, best first: a new list."""
        return self._levels[:]

    @property
    def ten(self) -> list[BookLevel]:
        """The ten best levels: a new list."""
        return self._levels[:PROVEN_LEVELS]

    @property
    def top(self) -> BookLevel | None:
        """The best level."""
        return self._levels[0] if self._levels else None

    @property
    def best(self) -> int:
        """The sort key of the best level; `NO_KEY` if there is none, `-NO_KEY` if it is not known, because some level is not plain."""
        return self._keys[0] if self._plain else -NO_KEY

    def change(self, changes: tuple[BookLevel, ...]) -> None:
        """Set or remove levels in order, then cut to depth.

        Raises: ValueError, TypeError or LookupError, on any token that is not a plain decimal with the book's fraction digits, and on the
        removal of a price that is not there. The side is then half changed; repeating the message from its start is safe.
        """
        keys, digits, levels, sign = self._keys, self._digits, self._levels, self.sign
        self.before = levels[:PROVEN_LEVELS]
        if not self._plain:
            raise OddToken
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
            text = (whole + amount).encode()
            # Whatever else stood in the tokens (a second point, an underscore, a blank) is no ASCII digit.
            if not text.isdigit() or len(text) > longest or len(whole) > KEY_DIGITS:
                raise OddToken
            if not amount:
                if keys[at] != key:
                    raise OddToken
                del keys[at], digits[at], levels[at]
            elif keys[at] == key:
                digits[at] = text
                levels[at] = level
            else:
                keys.insert(at, key)
                digits.insert(at, text)
                levels.insert(at, level)
                grown = True
        depth = self.depth
        while grown and len(levels) > depth:
            del keys[depth], digits[depth], levels[depth]
        best: Any = digits if self.depth <= PROVEN_LEVELS else digits[:PROVEN_LEVELS]
        try:
            self.text = b"".join(best)
        except TypeError:
            self.text = self._made_text()

    def load(self, levels: tuple[BookLevel, ...]) -> bool:
        """Hold these levels and no others; does not cut.

        False: they are not all plain decimals above zero with the book's fraction digits, or not in order, best first. `change` takes
        nothing then, until the next `load`.
        """
        self._levels = [*levels]
        self._digits = [None] * len(levels)
        self._keys = [0] * len(levels) + [NO_KEY]
        self.before = []
        self._plain = not levels or self._read_keys(levels)
        self.text = self._made_text() if self._plain else b""
        return self._plain

    def splice(self, at: int, found: bool, level: BookLevel | None) -> None:  # noqa: FBT001 (the compiled one has no keywords)
        """Put a level before the one at this index, or in its place if it was `found` there; None: remove it."""
        if at + found > len(self._levels):
            raise IndexError("no such level")
        keys: list[int] = []
        if level is not None:
            keys = self._plain_keys((level,)) if self._plain else []
            self._plain = bool(keys)
        self._keys[at : at + found] = keys or ([] if level is None else [0])
        self._digits[at : at + found] = [] if level is None else [None]
        self._levels[at : at + found] = [] if level is None else [level]

    def cut(self) -> None:
        """Drop what lies beyond the depth. Kraken sends no removal for it."""
        depth = self.depth
        if len(self._levels) > depth:
            del self._keys[depth:-1], self._digits[depth:], self._levels[depth:]
            if self._plain and depth < PROVEN_LEVELS:
                self.text = self._made_text()

    def _made_text(self) -> bytes:
        """The checksum's input, with the digits that nobody has needed so far."""
        for at, digits in enumerate(self._digits[:PROVEN_LEVELS]):
            if digits is None:
                level = self._levels[at]
                self._digits[at] = digits_of(level.price_text, level.qty_text).encode()
        best: list[Any] = self._digits[:PROVEN_LEVELS]
        return b"".join(best)

    def _read_keys(self, levels: tuple[BookLevel, ...]) -> bool:
        """Fill in the keys of a whole side in bulk. False, if one of its tokens is odd or out of order."""
        keys = self._plain_keys(levels)
        self._keys[:-1] = keys
        return bool(keys) and keys == sorted({*keys})

    def _plain_keys(self, levels: tuple[BookLevel, ...]) -> list[int]:
        """The key of each level; nothing if one of them is odd."""
        prices = [level.price_text for level in levels]
        quantities = [level.qty_text for level in levels]
        if not self.longest or {*map(type, prices), *map(type, quantities)} != {str}:
            return []
        joined, amounts = ",".join(prices), ",".join(quantities)
        if not (_bulk(self.price_decimals)(joined) and _bulk(self.qty_decimals)(amounts)):
            return []
        keys = [int(whole) * self.sign for whole in joined.replace(".", "").split(",")]
        if max(map(abs, keys)) >= 10**KEY_DIGITS:
            return []
        if max(map(len, prices)) + max(map(len, quantities)) - 2 > self.longest:
            # Leading zeros do not count.
            texts = map(digits_of, prices, quantities)
            if max(map(len, texts)) > self.longest:
                return []
        return keys


def _apply(asks: PythonSide, bids: PythonSide, data: BookData) -> int:
    """Take the changes of a message on both sides. Returns the CRC-32 of the book that results.

    Raises: as `change` does.
    """
    if data.bids:
        bids.before = bids.ten
    if data.asks:
        asks.change(data.asks)
    if data.bids:
        bids.change(data.bids)
    if not (asks._plain and bids._plain):
        raise OddToken
    return crc32(asks.text + bids.text)


@lru_cache(maxsize=64)
def _bulk(decimals: int) -> Callable[[str], object]:
    """Matches tokens with these fraction digits, none of them zero, that are joined with commas."""
    token = rf"(?=[0.]*+[1-9])[0-9]++\.[0-9]{{{decimals}}}"
    return re.compile(rf"{token}(?:,{token})*+").fullmatch


def _choose() -> tuple[type[PythonSide], Callable[[PythonSide, PythonSide, BookData], int], bool]:
    if not os.environ.get("KRAKENWIRE_PURE_PYTHON"):
        try:
            from krakenwire.state import _side  # noqa: PLC0415 (it may not be there)
        except ImportError:
            pass
        else:
            return _side.Side, _side.apply, True
    return PythonSide, _apply, False


if TYPE_CHECKING:
    Side = PythonSide
    apply = _apply
    COMPILED: bool
else:
    Side, apply, COMPILED = _choose()
