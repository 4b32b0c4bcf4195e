"""A Level 2 book that says at every message whether it is proven.

Sources: channel `book` and Kraken's book checksum guide. A message is applied whole, each side is cut to the subscribed depth, and only
then is the CRC-32 of the ten best levels a side compared: asks from the lowest price up, then bids from the highest price down.

`replace` takes a snapshot, `apply` an update. Both return None if the book is now proven, else a `Doubt`: either the book cannot be
proven (digits lost, no checksum sent), or it is wrong. What to do about a wrong book is the session's business.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import zip_longest
from zlib import crc32

from msgspec import Struct

from krakenwire.state.checksum import Decimals, Tokens, read_tokens, uneven
from krakenwire.state.ladder import Ladder
from krakenwire.state.precision import Precision
from krakenwire.state.proof import Doubt, ProvenView
from krakenwire.state.side import apply
from krakenwire.wire.book import PROVEN_LEVELS, BookData, BookLevel

Levels = tuple[BookLevel, ...]


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

    __slots__ = (
        "_computed",
        "_last",
        "_precision",
        "_proven",
        "asks",
        "bids",
        "symbol",
        "verified",
    )

    def __init__(self, symbol: str, depth: int, *, decimals: Decimals | None = None) -> None:
        self.symbol = symbol
        self._precision = Precision("level", decimals)
        self.asks = Ladder(descending=False, depth=depth)
        self.bids = Ladder(descending=True, depth=depth)
        self._use(decimals)
        self.verified = False
        self._last: BookData | None = None
        self._computed = 0
        self._proven: tuple[list[BookLevel], list[BookLevel]] = ([], [])
        """The ten best asks and bids when the book was last verified; kept from the failure on."""

    @property
    def depth(self) -> int:
        """Levels a side that the subscription covers."""
        return self.asks.depth

    @property
    def checksum(self) -> int | None:
        """The checksum that Kraken sent with the last message."""
        return None if self._last is None else self._last.checksum

    @property
    def timestamp(self) -> str | None:
        """Matching-engine time of the last message, as received."""
        return None if self._last is None else self._last.timestamp

    @property
    def decimals(self) -> Decimals | None:
        """Fraction digits: from `instrument` if given, else counted in the snapshot; None while unknown."""
        return self._precision.decimals

    @property
    def crossed(self) -> bool:
        """True if the best bid is not below the best ask. The exchange may say so; it is served as it is."""
        ask, bid = self.asks.top, self.bids.top
        return ask is not None and bid is not None and bid.price >= ask.price

    @property
    def unknown_removals(self) -> int:
        """Removals of prices that were not there. Kraken never sends one, so each hints at a loss; the checksum decides."""
        return self.asks.unknown_removals + self.bids.unknown_removals

    # ---------------------------------------------------------------- messages

    def apply(self, data: BookData) -> Doubt | None:
        """Take an update. None: the book is proven."""
        if not self.verified:
            return self._apply_slowly(data)
        asks, bids = self.asks, self.bids
        try:
            computed = apply(asks, bids, data)
        except (ValueError, TypeError, LookupError):
            self._remember(data)
            return self._apply_slowly(data)
        self._last = data
        if computed == data.checksum:
            return None
        self._computed = computed
        self._remember(data)
        for tokens in _tokens((*data.asks, *data.bids, *asks.ten, *bids.ten)):
            # A float that looks like a plain number took the fast way, and may have been rounded all the same.
            self._precision.filled(tokens)
        return self._judge(data)

    def replace(self, snapshot: BookData) -> Doubt | None:
        """Forget everything and take a snapshot. None: the book is proven."""
        if self.verified:
            self._proven = (self.asks.ten, self.bids.ten)
        self.verified = False
        self._precision.begin()
        try:
            first = (snapshot.asks or snapshot.bids)[0]
            rows = len(snapshot.asks) + len(snapshot.bids)
            self._use(self._precision.count((first.price_text, first.qty_text), rows))
            self.asks.fill(snapshot.asks)
            self.bids.fill(snapshot.bids)
        except (ValueError, TypeError, LookupError, AttributeError):
            return self._replace_slowly(snapshot)
        return self._check(snapshot)

    def set_given_decimals(self, decimals: Decimals) -> bool:
        """Learn the pair's precisions from `instrument`. False if the levels held contradict them: take a new snapshot."""
        return self._precision.give(decimals)

    def view(self, depth: int | None = None) -> BookView:
        """An immutable copy of the best `depth` levels a side, or of all."""
        return BookView(
            self.symbol,
            min(depth or self.depth, self.depth),
            tuple(self.bids.levels[:depth]),
            tuple(self.asks.levels[:depth]),
            self.checksum,
            self.timestamp,
            self.verified,
        )

    def equals(self, other: Level2Book) -> bool:
        """Whether both hold the same levels, digit for digit."""
        return (
            self.decimals == other.decimals
            and self.asks.levels == other.asks.levels
            and self.bids.levels == other.bids.levels
        )

    def explain(self) -> tuple[Difference, ...]:
        """Which of the ten best levels differ from when this book was last verified. Meant for after a failure."""
        if self.verified:
            return ()
        found = []
        for side, proven, ladder in (
            ("ask", self._proven[0], self.asks),
            ("bid", self._proven[1], self.bids),
        ):
            for at, (old, new) in enumerate(zip_longest(proven, ladder.ten), 1):
                if old != new:
                    found.append(Difference(side, at, old, new))
        return tuple(found)

    # ---------------------------------------------------------------- the slow way

    def _apply_slowly(self, data: BookData) -> Doubt | None:
        """Read an update strictly: odd spellings, removals of unknown prices, and plain errors."""
        try:
            asks, bids = _read(data.asks), _read(data.bids)
        except ValueError as exc:
            return self._doubted(data, Doubt(wrong=True, reason=str(exc), expected=data.checksum))
        if self.decimals is None and not self.asks and not self.bids:
            return self._take(data, asks, bids)
        if self.decimals is not None and not self._precision.fits(_tokens(asks + bids)):
            reason = uneven(self.decimals)
            return self._doubted(data, Doubt(wrong=True, reason=reason, expected=data.checksum))
        if asks or bids:
            self._precision.seen()
        self._put(asks, bids)
        return self._check(data)

    def _replace_slowly(self, snapshot: BookData) -> Doubt | None:
        """Read a snapshot strictly."""
        self._precision.begin()
        try:
            asks, bids = _read(snapshot.asks), _read(snapshot.bids)
        except ValueError as exc:
            self._precision.emptied()
            self._use(self.decimals)
            return self._doubted(snapshot, Doubt(wrong=True, reason=str(exc), expected=snapshot.checksum))
        return self._take(snapshot, asks, bids)

    def _take(self, data: BookData, asks: Levels, bids: Levels) -> Doubt | None:
        """Put levels into an empty book, with the fraction digits that they tell."""
        best = asks[:PROVEN_LEVELS] + bids[:PROVEN_LEVELS]
        unknown = self._precision.read(_tokens(asks + bids), lambda: _tokens(best), data.checksum)
        self._use(self.decimals)
        self._put(asks, bids)
        if unknown is not None:
            return self._doubted(data, Doubt(wrong=False, reason=unknown, expected=data.checksum))
        return self._check(data)

    def _put(self, asks: Levels, bids: Levels) -> None:
        for ladder, levels in ((self.asks, asks), (self.bids, bids)):
            for level in levels:
                tokens = (level.price_text, level.qty_text)
                filled = self._precision.filled(tokens)
                ladder.put(level if filled is tokens else BookLevel(*filled))
            ladder.cut()
            ladder.look()

    def _use(self, decimals: Decimals | None) -> None:
        self.asks.use(decimals)
        self.bids.use(decimals)

    # ---------------------------------------------------------------- proof

    def _remember(self, data: BookData) -> None:
        """Keep the ten best levels of before a message that has failed."""
        asks, bids = self.asks, self.bids
        self._proven = (asks.before if data.asks else asks.ten, bids.before if data.bids else bids.ten)

    def _check(self, data: BookData) -> Doubt | None:
        """Compute everything anew and compare."""
        self._computed = crc32(self.asks.text + self.bids.text)
        return self._judge(data)

    def _judge(self, data: BookData) -> Doubt | None:
        """What a message has made of the book, beyond the everyday case of one that was proven and still is."""
        empty = not self.asks and not self.bids
        if empty:
            self._precision.emptied()
            self._use(self.decimals)
        return self._doubted(data, self._precision.verdict(data.checksum, self._computed, empty=empty))

    def _doubted(self, data: BookData, doubt: Doubt | None) -> Doubt | None:
        self._last = data
        self.verified = doubt is None
        return doubt


def _read(levels: Levels) -> Levels:
    """The same levels with plain text in them. Raises ValueError naming the price or quantity that is not a number."""
    return tuple(_read_level(level) for level in levels)


def _read_level(level: BookLevel) -> BookLevel:
    price, qty = read_tokens(level.price_text, level.qty_text)
    if not price.strip("0."):
        raise ValueError("a price of zero")
    return level if price is level.price_text and qty is level.qty_text else BookLevel(price, qty)


def _tokens(levels: Levels) -> list[Tokens]:
    return [(level.price_text, level.qty_text) for level in levels]
