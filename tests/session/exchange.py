"""A small exchange for tests: one market, whole, and the frames that Kraken would send for it.

Subscribers see a window of the best `depth` levels a side. A level that enters the window comes with the message that makes room for it;
nothing is said about one that is pushed out; the checksum is that of the ten best levels after the message.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from decimal import Decimal
from zlib import crc32

Levels = dict[Decimal, Decimal]
Entry = tuple[Decimal, Decimal]
Side = tuple[Entry, ...]
TopTen = tuple[Side, Side]
Change = tuple[str, Decimal, Decimal]
"""`bid` or `ask`, price, and the new quantity there; zero removes the level."""

STAMP = "2026-11-22T07:49:37.708706Z"


def digits(token: str) -> str:
    """A token as the checksum sees it."""
    return token.replace(".", "").lstrip("0")


class Exchange:
    """One symbol's market, seen at one depth. `decimals` are the fraction digits of its prices and of its quantities."""

    def __init__(
        self,
        symbol: str = "BTC/USD",
        depth: int = 10,
        levels: int = 10,
        *,
        best_bid: str = "1000",
        step: str = "1",
        decimals: tuple[int, int] = (1, 8),
    ) -> None:
        self.symbol = symbol
        self.depth = depth
        self.decimals = decimals
        best, self.step = Decimal(best_bid), Decimal(step)
        self.bids: Levels = {best - n * self.step: Decimal(n + 1) for n in range(levels)}
        self.asks: Levels = {best + (n + 1) * self.step: Decimal(n + 1) for n in range(levels)}
        self.states: set[TopTen] = set()
        """The ten best levels a side after each frame that was written."""

    # ---------------------------------------------------------------- what there is

    def window(self, depth: int | None = None) -> TopTen:
        """The best levels of both sides, bids first, best level first: as deep as the subscription, or as asked."""
        end = self.depth if depth is None else depth
        bids, asks = sorted(self.bids, reverse=True)[:end], sorted(self.asks)[:end]
        return tuple((p, self.bids[p]) for p in bids), tuple((p, self.asks[p]) for p in asks)

    def top(self) -> TopTen:
        """The ten best levels a side."""
        return self.window(10)

    def price(self, price: Decimal) -> str:
        """A price as on the wire."""
        return f"{price:.{self.decimals[0]}f}"

    def qty(self, qty: Decimal) -> str:
        """A quantity as on the wire."""
        return f"{qty:.{self.decimals[1]}f}"

    def checksum(self) -> int:
        """The checksum of the book as it stands."""
        bids, asks = self.top()
        text = "".join(digits(self.price(price)) + digits(self.qty(qty)) for price, qty in asks + bids)
        return crc32(text.encode())

    # ---------------------------------------------------------------- what is said about it

    def frame(self, kind: str, bids: Levels | Iterable[Entry], asks: Levels | Iterable[Entry]) -> bytes:
        """A frame of these levels with the checksum of the book as it stands."""
        self.states.add(self.top())
        sides = ",".join(
            f'"{side}":['
            + ",".join(
                f'{{"price":{self.price(p)},"qty":{self.qty(q)}}}'
                for p, q in (levels.items() if isinstance(levels, dict) else levels)
            )
            + "]"
            for side, levels in (("bids", bids), ("asks", asks))
        )
        data = f'{{"symbol":"{self.symbol}",{sides},"checksum":{self.checksum()},"timestamp":"{STAMP}"}}'
        return f'{{"channel":"book","type":"{kind}","data":[{data}]}}'.encode()

    def snapshot(self) -> bytes:
        """The whole window."""
        return self.frame("snapshot", *self.window())

    def instrument(self) -> bytes:
        """The frame of channel `instrument` that tells the precisions of this market."""
        price, qty = self.decimals
        pair = (
            f'{{"symbol":"{self.symbol}","base":"A","quote":"B","status":"online","price_precision":{price},'
            f'"qty_precision":{qty},"cost_precision":5,"price_increment":{10**-price:.{price}f},'
            f'"qty_increment":{10**-qty:.{qty}f},"qty_min":1,"cost_min":1,"has_index":true,"marginable":false}}'
        )
        return (
            f'{{"channel":"instrument","type":"snapshot","data":{{"assets":[],"pairs":[{pair}]}}}}'.encode()
        )

    def update(self, bids: dict[str, str] | None = None, asks: dict[str, str] | None = None) -> bytes:
        """Make these changes and say them as they are, with what they bring into the window; quantity zero removes."""
        before = self.window()
        said = [
            [(Decimal(price), Decimal(qty)) for price, qty in (changes or {}).items()]
            for changes in (bids, asks)
        ]
        for side, entries in zip((self.bids, self.asks), said, strict=True):
            _set(side, entries)
        for entries, old, new in zip(said, before, self.window(), strict=True):
            known = {price for price, _ in (*old, *entries)}
            entries += [entry for entry in new if entry[0] not in known]
        return self.frame("update", *said)

    def act(self, changes: Sequence[Change], rng: random.Random | None = None) -> bytes | None:
        """Make these changes; the one frame that Kraken would send for all of them, or None if nobody in the window sees any.

        With `rng` the entries come in any order, and some prices come twice, the last time right.
        """
        before = self.window()
        for kind, price, qty in changes:
            _set(self.bids if kind == "bid" else self.asks, [(price, qty)])
        said = []
        for old, new, market in zip(before, self.window(), (self.bids, self.asks), strict=True):
            entries = [(price, Decimal(0)) for price, _ in old if price not in market]
            entries += [entry for entry in new if entry not in old]
            if rng is not None:
                rng.shuffle(entries)
                early = [(price, Decimal(rng.randint(0, 3))) for price, _ in entries if rng.random() < 0.2]
                entries = early + entries
            said.append(entries)
        return self.frame("update", *said) if said[0] or said[1] else None

    def stream(self, updates: int, seed: int = 1) -> list[bytes]:
        """A snapshot and so many updates: changed, removed and new levels, mostly near the top, some messages with both sides."""
        rng = random.Random(seed)
        frames = [self.snapshot()]
        while len(frames) <= updates:
            changes = [self.any_change(rng) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
            if (frame := self.act(changes)) is not None:
                frames.append(frame)
        return frames

    def any_change(self, rng: random.Random) -> Change:
        side, prices = (
            ("bid", sorted(self.bids, reverse=True)) if rng.random() < 0.5 else ("ask", sorted(self.asks))
        )
        unit = Decimal(1).scaleb(-self.decimals[0])
        half = max(unit, (self.step / 2).quantize(unit))
        price = rng.choice(prices[:6]) + half * rng.choice([0, 0, 1]) * (1 if side == "ask" else -1)
        if price in prices and len(prices) > 5 and rng.random() < 0.4:
            return side, price, Decimal(0)
        scale = -self.decimals[1]
        return side, price, Decimal(rng.randint(1, 9 * 10**-scale)).scaleb(scale)


def _set(side: Levels, entries: Iterable[Entry]) -> None:
    for price, qty in entries:
        if qty:
            side[price] = qty
        else:
            side.pop(price, None)
