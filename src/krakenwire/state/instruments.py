"""What may be traded now, with which precision: the memory behind channel `instrument`.

A snapshot names everything there is, an update what changed. Books need two things of it: how many fraction
digits a price and a quantity have, because the checksum is taken over digits, and what may be done in the
market at present, because a book of a halted market is still a book.
"""

from __future__ import annotations

from difflib import get_close_matches

from msgspec import Struct

from krakenwire.wire.market import Asset, InstrumentUpdate, Pair

MAX_PAIRS = 20_000
"""Kraken lists about 1,500 markets; whatever comes beyond this is refused and reported."""

MAX_PRECISION = 24
"""Numbers on the wire have no digit beyond 10^-24, so a precision beyond it cannot be meant."""

# Longer texts are not symbols, and the search for the nearest one takes time with their length.
_LONGEST_GUESS = 40

_NEW_NAMES = {"XBT": "BTC", "XDG": "DOGE"}


class PairChanged(Struct, frozen=True):
    """A market appeared, vanished or changed. `before` or `after` is None where it was or is not listed."""

    symbol: str
    before: Pair | None
    after: Pair | None
    precision_changed: bool
    """Prices or quantities now have another number of fraction digits: a book built before is void.

    A market that vanished and returns is compared with what it was.
    """
    status_changed: bool
    """Something else may be done in it; appearing and vanishing count."""


class PairsRefused(Struct, frozen=True):
    """More markets were listed than are kept. Those beyond are unknown here, though they exist."""

    count: int
    example: str


InstrumentFact = PairChanged | PairsRefused


class Instruments:
    """Assets and markets as Kraken last described them. Bounded; never raises for what was received."""

    def __init__(self, *, max_pairs: int = MAX_PAIRS) -> None:
        self._max_pairs = max_pairs
        self._pairs: dict[str, Pair] = {}
        self._vanished: dict[str, Pair] = {}
        self._assets: dict[str, Asset] = {}
        self._by_letters: dict[str, str] | None = None
        self.complete = False
        """Whether a snapshot was taken in: only then does a missing symbol mean that there is none."""

    def __len__(self) -> int:
        return len(self._pairs)

    def pair(self, symbol: str) -> Pair | None:
        return self._pairs.get(symbol)

    def asset(self, asset: str) -> Asset | None:
        return self._assets.get(asset)

    def pairs(self) -> tuple[Pair, ...]:
        """Every market that is listed."""
        return tuple(self._pairs.values())

    def assets(self) -> tuple[Asset, ...]:
        """Every asset that is listed."""
        return tuple(self._assets.values())

    def precisions(self, symbol: str) -> tuple[int, int] | None:
        """Fraction digits of prices and of quantities; None if not known or not credible."""
        pair = self._pairs.get(symbol)
        if pair is None:
            return None
        told = _precisions(pair)
        return told if all(0 <= digits <= MAX_PRECISION for digits in told) else None

    def apply(self, update: InstrumentUpdate, *, snapshot: bool) -> list[InstrumentFact]:
        """Take in a frame. A snapshot replaces everything; an update replaces what it names."""
        self._by_letters = None
        listed = {pair.symbol: pair for pair in update.pairs}
        before = dict(self._pairs) if snapshot else {symbol: self._pairs.get(symbol) for symbol in listed}
        if snapshot:
            self._pairs, self._assets, self.complete = {}, {}, True
        refused = self._keep(listed)
        for asset in update.assets:
            if asset.id in self._assets or len(self._assets) < self._max_pairs:
                self._assets[asset.id] = asset
        facts: list[InstrumentFact] = []
        for symbol in before | dict.fromkeys(listed):
            fact = self._compare(symbol, before.get(symbol), self._pairs.get(symbol))
            if fact is not None:
                facts.append(fact)
        if refused:
            facts.append(PairsRefused(len(refused), refused[0]))
        return facts

    def suggest(self, symbol: str) -> str | None:
        """The listed symbol that was probably meant: another spelling of it, or else the nearest one."""
        if symbol in self._pairs:
            return symbol
        if len(symbol) > _LONGEST_GUESS:
            return None
        letters = self._letters()
        for guess in _respelled(symbol):
            if guess in letters:
                return letters[guess]
        nearest = get_close_matches(_only_letters(symbol), letters, n=1)
        return letters[nearest[0]] if nearest else None

    def _keep(self, listed: dict[str, Pair]) -> list[str]:
        refused = []
        for symbol, pair in listed.items():
            if symbol in self._pairs or len(self._pairs) < self._max_pairs:
                self._pairs[symbol] = pair
            else:
                refused.append(symbol)
        return refused

    def _compare(self, symbol: str, before: Pair | None, after: Pair | None) -> PairChanged | None:
        if before == after:
            return None
        if before is not None and after is None:
            self._vanished[symbol] = before
            if len(self._vanished) > self._max_pairs:
                del self._vanished[next(iter(self._vanished))]
        reference = self._vanished.pop(symbol, None) if before is None else before
        return PairChanged(
            symbol,
            before,
            after,
            precision_changed=after is not None
            and reference is not None
            and _precisions(reference) != _precisions(after),
            status_changed=before is None or after is None or before.status != after.status,
        )

    def _letters(self) -> dict[str, str]:
        """Symbols by their letters and digits alone, made when first asked for after a change."""
        if self._by_letters is None:
            self._by_letters = {_only_letters(symbol): symbol for symbol in self._pairs}
        return self._by_letters


def _precisions(pair: Pair) -> tuple[int, int]:
    return pair.price_precision, pair.qty_precision


def _only_letters(symbol: str) -> str:
    return "".join(character for character in symbol.upper() if character.isalnum())


def _respelled(symbol: str) -> list[str]:
    """What a symbol may read in v2 spelling, without the slash, likeliest first."""
    plain = _only_letters(symbol)
    guesses = [plain]
    if len(plain) == 8 and plain[0] in "XZ" and plain[4] in "XZ":
        # The oldest names of the REST interface: XXBTZUSD, XETHXXBT.
        guesses.append(plain[1:4] + plain[5:])
    for guess in tuple(guesses):
        for old, new in _NEW_NAMES.items():
            if guess.startswith(old):
                guesses.append(new + guess[len(old) :])
            if guess.endswith(old):
                guesses.append(guess[: -len(old)] + new)
    return guesses
