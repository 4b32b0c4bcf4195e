"""How many fraction digits the tokens of one book have, how that is known, and what a checksum therefore proves.

The checksum deletes the decimal point, so it proves nothing of a token whose fraction digits are not known from elsewhere: from
`instrument`, or because every token of the book has as many. Digits that a float has dropped are given back where that is possible;
where the float may have changed the number itself, a wrong checksum is nobody's contradiction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from zlib import crc32

from krakenwire.state.checksum import (
    MAX_DECIMALS,
    Decimals,
    Tokens,
    digits_of,
    fits,
    fraction_digits,
    lost_digits,
    may_be_rounded,
    padded_tokens,
    uneven,
)
from krakenwire.state.proof import Doubt


class Precision:
    """The fraction digits of one book, as far as they are known. `row` is what it is made of: a level or an order."""

    __slots__ = ("_given", "_rounded", "_row", "decimals", "sure")

    def __init__(self, row: str, given: Decimals | None) -> None:
        self._row = row
        self._given = given
        self.decimals = given
        """None while unknown."""
        self.sure = given is not None
        """Whether they are given or were seen twice: one level alone does not show where its point stood."""
        self._rounded = False
        """Whether a number since the snapshot had more digits than the float that it went through."""

    def begin(self) -> None:
        """A snapshot comes; what was counted in the levels before it is forgotten."""
        self.decimals = None
        self.sure = self._rounded = False

    def emptied(self) -> None:
        """Nothing is left in the book that contradicts other digits."""
        if not self.sure:
            self.decimals = self._given

    def give(self, decimals: Decimals) -> bool:
        """Learn the pair's precisions from `instrument`. False if the tokens held contradict them: take a new snapshot."""
        self._given = decimals
        self.sure = self.sure or self.decimals == decimals
        return self.decimals in (None, decimals)

    def count(self, first: Tokens, rows: int) -> Decimals:
        """The fraction digits of the first of so many rows, taken for those of all unless others are given."""
        return self._learn(self._given or (fraction_digits(first[0]), fraction_digits(first[1])), rows)

    def read(self, rows: list[Tokens], best: Callable[[], list[Tokens]], checksum: int | None) -> str | None:
        """Learn from the first rows of an empty book, strictly. Returns why the digits cannot be known, or None.

        `best` gives what the checksum covers, in its order.
        """
        decimals, doubt = _decimals_of(rows, best, checksum, self._given)
        if decimals is None:
            self.decimals = None
            return doubt
        self._learn(decimals, len(rows))
        return None

    def fits(self, rows: Iterable[Tokens]) -> bool:
        """Whether further rows have these fraction digits, or lost their own and can be given them."""
        return self.decimals is None or even(rows, self.decimals)

    def seen(self) -> None:
        """Further rows that fit were taken."""
        self.sure = self.sure or self.decimals is not None

    def filled(self, tokens: Tokens) -> Tokens:
        """Tokens that fit, with the digits that they lost."""
        decimals = self.decimals
        if decimals is None or not lost_digits(tokens):
            return tokens
        price, qty = tokens
        if may_be_rounded(price, decimals[0]) or may_be_rounded(qty, decimals[1]):
            self._rounded = True
        return padded_tokens(tokens, decimals)

    def verdict(self, checksum: int | None, computed: int, *, empty: bool) -> Doubt | None:
        """What a checksum proves. None: the book."""
        if self.decimals is None and (checksum or not empty):
            unknown = "an empty book with a checksum" if empty else "digits of the book are not known"
            return Doubt(wrong=False, reason=unknown, expected=checksum)
        if checksum is None:
            return Doubt(wrong=False, reason="no checksum was sent")
        if checksum != computed:
            if self._rounded:
                return Doubt(wrong=False, reason="a number has more digits than a float", expected=checksum)
            return Doubt(wrong=True, reason="checksum", expected=checksum, computed=computed)
        if not self.sure and not empty:
            alone = f"one {self._row} alone does not show its fraction digits"
            return Doubt(wrong=False, reason=alone, expected=checksum)
        return None

    def _learn(self, decimals: Decimals, rows: int) -> Decimals:
        self.sure = self._given is not None or rows > 1
        self.decimals = decimals
        return decimals


def even(rows: Iterable[Tokens], decimals: Decimals) -> bool:
    """True if every token has these fraction digits, or has lost its own and can be given them."""
    return all(fits(price, decimals[0]) and fits(qty, decimals[1]) for price, qty in rows)


def _decimals_of(
    rows: list[Tokens], best: Callable[[], list[Tokens]], checksum: int | None, given: Decimals | None
) -> tuple[Decimals | None, str]:
    """The fraction digits to read a snapshot with, or None and why they cannot be known.

    `best` gives what the checksum covers, in its order. `given` are the pair's precisions, if `instrument` told them.
    """
    if given is not None:
        return (given, "") if even(rows, given) else (None, uneven(given))
    if not rows:
        # The checksum of an empty book is 0 with any digits; the first token will tell them.
        return (None, "an empty book with a checksum") if checksum else ((0, 0), "")
    if any(map(lost_digits, rows)):
        found = _search(rows, best(), checksum)
        return (found, "") if found else (None, "digits were lost and the checksum does not tell them")
    first = (fraction_digits(rows[0][0]), fraction_digits(rows[0][1]))
    return (first, "") if even(rows, first) else (None, "tokens have uneven fraction digits")


def _search(rows: list[Tokens], best: list[Tokens], checksum: int | None) -> Decimals | None:
    """The one pair of fraction digits under which a snapshot has the checksum that was sent with it."""
    prices, quantities = (
        [n for n in range(MAX_DECIMALS + 1) if all(fits(text, n) for text in texts)]
        for texts in zip(*rows, strict=True)
    )
    found = []
    for decimals in product(prices, quantities):
        text = "".join([digits_of(*padded_tokens(tokens, decimals)) for tokens in best])
        if crc32(text.encode()) == checksum:
            found.append(decimals)
    return found[0] if len(found) == 1 else None
