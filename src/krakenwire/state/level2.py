"""A Level 2 book that says at every message whether it is proven.

Sources: channel `book` and Kraken's book checksum guide. A message is applied whole, each side is cut to the subscribed depth, and only
then is the CRC-32 of the ten best levels a side compared: asks from the lowest price up, then bids from the highest price down.

`replace` takes a snapshot, `apply` an update. Both return None if the book is now proven, else a `Doubt`: either the book cannot be
proven (digits lost, no checksum sent), or it is wrong. What to do about a wrong book is the session's business.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import product, zip_longest
from zlib import crc32

from msgspec import Struct

from krakenwire.state.checksum import (
    MAX_DECIMALS,
    Decimals,
    digits_of,
    fits,
    fraction_digits,
    may_be_rounded,
    padded,
    plain_token,
    uneven,
)
from krakenwire.state.ladder import Ladder
from krakenwire.state.proof import Doubt, ProvenView
from krakenwire.wire.book import PROVEN_LEVELS, BookData, BookLevel
from krakenwire.wire.numbers import LossyText


class Difference(Struct, frozen=True):
    """One of the ten best levels that is not as it was when the book was last verified."""

    side: str
    """`bid` or `ask`."""
    position: int
    """1 is the best."""
    verified: BookLevel | None
    now: BookLevel | None


class BookView(ProvenView[BookLevel], frozen=True):
    """A Level 2 book at one moment; it does not change any more."""

    @property
    def spread(self) -> Decimal | None:
        """Best ask minus best bid; None while a side is empty."""
        return self.asks[0].price - self.bids[0].price if self.asks and self.bids else None


class Level2Book:
    """The levels of one symbol on one connection, and the proof of the ten best."""

    def __init__(self, symbol: str, depth: int, *, decimals: Decimals | None = None) -> None:
        self.symbol = symbol
        self.decimals = decimals
        """Fraction digits: from `instrument` if given, else counted in the snapshot; None while unknown."""
        self._given = decimals
        self._sure = decimals is not None
        """Whether they are given or were seen twice. The checksum deletes the point, so one level alone does not show where it stood."""
        self._rounded = False
        """Whether a number since the snapshot had more digits than the float that it went through."""
        self._asks = Ladder(descending=False, depth=depth)
        self._bids = Ladder(descending=True, depth=depth)
        if decimals is not None:
            self._use(decimals)
        self.verified = False
        self.checksum: int | None = None
        self.timestamp: str | None = None
        self.unknown_removals = 0
        """Removals of prices that were not there. Kraken never sends one, so each hints at a loss; the checksum decides."""
        self._asks_crc = 0
        self._bids_text = b""
        self._computed = 0
        self._proven_asks: list[BookLevel] = []
        self._proven_bids: list[BookLevel] = []

    @property
    def depth(self) -> int:
        """Levels a side that the subscription covers."""
        return self._asks.depth

    @property
    def best(self) -> tuple[BookLevel | None, BookLevel | None]:
        """The best buy and the best sell level; None where a side is empty."""
        bids, asks = self._bids.levels, self._asks.levels
        return bids[0] if bids else None, asks[0] if asks else None

    @property
    def crossed(self) -> bool:
        """True if the best bid is not below the best ask. The exchange may say so; it is served as it is."""
        return bool(self._bids.levels and self._asks.levels and -self._bids.keys[0] >= self._asks.keys[0])

    # ---------------------------------------------------------------- messages

    def apply(self, data: BookData) -> Doubt | None:
        """Take an update. None: the book is proven."""
        if not self._sure:
            return self._apply_slowly(data)
        asks = bids = False
        try:
            if data.asks and (asks := self._asks.change(data.asks)):
                self._asks_crc = crc32(b"".join(self._asks.digits[:PROVEN_LEVELS]))
            if data.bids and (bids := self._bids.change(data.bids)):
                self._bids_text = b"".join(self._bids.digits[:PROVEN_LEVELS])
        except (ValueError, TypeError, LookupError):
            return self._apply_slowly(data)
        self.timestamp = data.timestamp
        self.checksum = checksum = data.checksum
        if asks or bids:
            self._computed = crc32(self._bids_text, self._asks_crc)
        if self._computed == checksum:
            if not self.verified:
                self._remember()
            elif asks:
                self._proven_asks = self._asks.levels[:PROVEN_LEVELS]
            if bids:
                self._proven_bids = self._bids.levels[:PROVEN_LEVELS]
            return None
        return self._judge(data)

    def replace(self, snapshot: BookData) -> Doubt | None:
        """Forget everything and take a snapshot. None: the book is proven."""
        self._asks.clear()
        self._bids.clear()
        self.decimals = self._given
        self.verified = self._sure = self._rounded = False
        try:
            asks, bids = _read(snapshot.asks), _read(snapshot.bids)
        except ValueError as exc:
            return Doubt(wrong=True, reason=str(exc), expected=snapshot.checksum)
        decimals, doubt = self._decimals_of(snapshot, asks, bids)
        if decimals is None:
            self.decimals = None
            self._put(asks, bids)
            return self._unproven(snapshot, doubt)
        self._learn(decimals, len(asks) + len(bids))
        self._asks.fill(self._filled(asks, decimals))
        self._bids.fill(self._filled(bids, decimals))
        return self._check(snapshot)

    def set_given_decimals(self, decimals: Decimals) -> bool:
        """Learn the pair's precisions from `instrument`. False if the levels held contradict them: take a new snapshot."""
        self._given = decimals
        self._sure = self._sure or self.decimals == decimals
        return self.decimals in (None, decimals)

    def view(self, depth: int | None = None) -> BookView:
        """An immutable copy of the best `depth` levels a side, or of all."""
        levels = slice(depth)
        return BookView(
            self.symbol,
            min(depth or self.depth, self.depth),
            tuple(self._bids.levels[levels]),
            tuple(self._asks.levels[levels]),
            self.checksum,
            self.timestamp,
            self.verified,
        )

    def equals(self, other: Level2Book) -> bool:
        """Whether both hold the same levels, digit for digit."""
        return (
            self.decimals == other.decimals
            and self._asks.digits == other._asks.digits
            and self._bids.digits == other._bids.digits
        )

    def explain(self) -> tuple[Difference, ...]:
        """Which of the ten best levels differ from when this book was last verified. Meant for after a failure."""
        found = []
        for side, before, ladder in (
            ("ask", self._proven_asks, self._asks),
            ("bid", self._proven_bids, self._bids),
        ):
            for at, (old, new) in enumerate(zip_longest(before, ladder.levels[:PROVEN_LEVELS]), 1):
                if old != new:
                    found.append(Difference(side, at, old, new))
        return tuple(found)

    # ---------------------------------------------------------------- the slow way

    def _apply_slowly(self, data: BookData) -> Doubt | None:
        """Read a message strictly: odd spellings, prices of more than 15 digits, removals of unknown prices, and plain errors."""
        try:
            asks, bids = _read(data.asks), _read(data.bids)
        except ValueError as exc:
            return self._lost(Doubt(wrong=True, reason=str(exc), expected=data.checksum))
        decimals = self.decimals
        if decimals is None:
            doubt = "digits of the book are not known"
            if not self._asks.levels and not self._bids.levels:
                decimals, doubt = self._decimals_of(data, asks, bids)
            if decimals is None:
                self._put(asks, bids)
                return self._unproven(data, doubt)
            self._learn(decimals, len(asks) + len(bids))
        elif not _even((*asks, *bids), decimals):
            return self._lost(Doubt(wrong=True, reason=uneven(decimals), expected=data.checksum))
        elif asks or bids:
            self._sure = True
        self._put(self._filled(asks, decimals), self._filled(bids, decimals))
        return self._check(data)

    def _put(self, asks: tuple[BookLevel, ...], bids: tuple[BookLevel, ...]) -> None:
        exact = self.decimals is not None
        for ladder, levels in ((self._asks, asks), (self._bids, bids)):
            for level in levels:
                self.unknown_removals += not ladder.put(level, exact=exact)
            ladder.cut()

    def _decimals_of(
        self, data: BookData, asks: tuple[BookLevel, ...], bids: tuple[BookLevel, ...]
    ) -> tuple[Decimals | None, str]:
        """The fraction digits to read a snapshot with, or None and why they cannot be known."""
        levels = (*asks, *bids)
        if self._given is not None:
            return (self._given, "") if _even(levels, self._given) else (None, uneven(self._given))
        if not levels:
            # The checksum of an empty book is 0 with any digits; the first token will tell them.
            return ((0, 0), "") if data.checksum == 0 else (None, "an empty book with a checksum")
        if any(_lost_digits(level) for level in levels):
            found = _search(data, asks, bids, self.depth)
            return (found, "") if found else (None, "digits were lost and the checksum does not tell them")
        first = (fraction_digits(levels[0].price_text), fraction_digits(levels[0].qty_text))
        return (first, "") if _even(levels, first) else (None, "tokens have uneven fraction digits")

    def _learn(self, decimals: Decimals, levels: int) -> None:
        """Take the fraction digits that so many levels have shown."""
        self._sure = self._given is not None or levels > 1
        self._use(decimals)

    def _filled(self, levels: tuple[BookLevel, ...], decimals: Decimals) -> tuple[BookLevel, ...]:
        """The levels with the digits that they lost."""
        self._rounded = self._rounded or any(
            may_be_rounded(level.price_text, decimals[0]) or may_be_rounded(level.qty_text, decimals[1])
            for level in levels
        )
        return _pad(levels, decimals)

    def _use(self, decimals: Decimals) -> None:
        self.decimals = decimals
        self._asks.set_decimals(*decimals)
        self._bids.set_decimals(*decimals)

    # ---------------------------------------------------------------- proof

    def _check(self, data: BookData) -> Doubt | None:
        """Compute everything anew and compare."""
        self._asks_crc = crc32(b"".join(self._asks.digits[:PROVEN_LEVELS]))
        self._bids_text = b"".join(self._bids.digits[:PROVEN_LEVELS])
        self._computed = crc32(self._bids_text, self._asks_crc)
        empty = not self._asks.levels and not self._bids.levels
        if empty and not self._sure:
            self.decimals = self._given
        self.timestamp, self.checksum = data.timestamp, data.checksum
        if data.checksum == self._computed and (self._sure or empty):
            self._remember()
            return None
        return self._judge(data)

    def _remember(self) -> None:
        self.verified = True
        self._proven_asks = self._asks.levels[:PROVEN_LEVELS]
        self._proven_bids = self._bids.levels[:PROVEN_LEVELS]

    def _judge(self, data: BookData) -> Doubt:
        if self.decimals is None and (self._asks.levels or self._bids.levels):
            return self._unproven(data, "digits of the book are not known")
        if data.checksum is None:
            return self._unproven(data, "no checksum was sent")
        if data.checksum == self._computed:
            return self._unproven(data, "one level alone does not show its fraction digits")
        if self._rounded:
            return self._unproven(data, "a number has more digits than a float")
        return self._lost(
            Doubt(wrong=True, reason="checksum", expected=data.checksum, computed=self._computed)
        )

    def _unproven(self, data: BookData, reason: str) -> Doubt:
        self.timestamp, self.checksum = data.timestamp, data.checksum
        return self._lost(Doubt(wrong=False, reason=reason, expected=data.checksum))

    def _lost(self, doubt: Doubt) -> Doubt:
        self.verified = False
        return doubt


def _read(levels: tuple[BookLevel, ...]) -> tuple[BookLevel, ...]:
    """The same levels with plain text in them. Raises ValueError naming the price or quantity that is not a number."""
    return tuple(_read_level(level) for level in levels)


def _read_level(level: BookLevel) -> BookLevel:
    price, own_price = plain_token(level.price_text)
    qty, own_qty = plain_token(level.qty_text)
    if not price.strip("0."):
        raise ValueError("a price of zero")
    if own_price and own_qty:
        return level if price is level.price_text and qty is level.qty_text else BookLevel(price, qty)
    return BookLevel(price if own_price else LossyText(price), qty if own_qty else LossyText(qty))


def _lost_digits(level: BookLevel) -> bool:
    return type(level.price_text) is LossyText or type(level.qty_text) is LossyText


def _even(levels: tuple[BookLevel, ...], decimals: Decimals) -> bool:
    """True if every token has these fraction digits, or has lost its own and can be given them."""
    return all(fits(level.price_text, decimals[0]) and fits(level.qty_text, decimals[1]) for level in levels)


def _pad(levels: tuple[BookLevel, ...], decimals: Decimals) -> tuple[BookLevel, ...]:
    if not any(_lost_digits(level) for level in levels):
        return levels
    return tuple(
        BookLevel(padded(level.price_text, decimals[0]), padded(level.qty_text, decimals[1]))
        for level in levels
    )


def _search(
    data: BookData, asks: tuple[BookLevel, ...], bids: tuple[BookLevel, ...], depth: int
) -> Decimals | None:
    """The one pair of fraction digits under which a snapshot has the checksum that was sent with it."""
    best = (*asks[: min(depth, PROVEN_LEVELS)], *bids[: min(depth, PROVEN_LEVELS)])
    found: list[Decimals] = []
    for decimals in product(range(MAX_DECIMALS + 1), range(MAX_DECIMALS + 1)):
        if _even((*asks, *bids), decimals):
            text = "".join(digits_of(level.price_text, level.qty_text) for level in _pad(best, decimals))
            if crc32(text.encode()) == data.checksum:
                found.append(decimals)
    return found[0] if len(found) == 1 else None
