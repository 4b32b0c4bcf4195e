"""A small exchange for tests: one order book that writes the frames Kraken would send for it."""

from __future__ import annotations

import random
from decimal import Decimal
from zlib import crc32

Levels = dict[Decimal, Decimal]
TopTen = tuple[tuple[tuple[Decimal, Decimal], ...], tuple[tuple[Decimal, Decimal], ...]]
STAMP = "2026-11-22T07:49:37.708706Z"


def digits(token: str) -> str:
    """A token as the checksum sees it."""
    return token.replace(".", "").lstrip("0")


class Exchange:
    """One symbol's book at one depth. Prices have one fraction digit, quantities eight."""

    def __init__(self, symbol: str = "BTC/USD", depth: int = 10, levels: int = 10) -> None:
        self.symbol = symbol
        self.depth = depth
        self.bids: Levels = {Decimal(1000 - n): Decimal(n + 1) for n in range(levels)}
        self.asks: Levels = {Decimal(1001 + n): Decimal(n + 1) for n in range(levels)}
        self.states: set[TopTen] = set()

    def best(self) -> tuple[list[Decimal], list[Decimal]]:
        """Prices of both sides, best first."""
        return sorted(self.bids, reverse=True), sorted(self.asks)

    def top(self) -> TopTen:
        """The ten best levels a side."""
        bids, asks = self.best()
        return tuple((p, self.bids[p]) for p in bids[:10]), tuple((p, self.asks[p]) for p in asks[:10])

    def checksum(self) -> int:
        """The checksum of the book as it stands."""
        bids, asks = self.top()
        text = "".join(digits(f"{price:.1f}") + digits(f"{qty:.8f}") for price, qty in asks + bids)
        return crc32(text.encode())

    def frame(self, kind: str, bids: Levels, asks: Levels) -> bytes:
        """A frame of these levels with the checksum of the book as it stands."""
        self.states.add(self.top())
        sides = ",".join(
            f'"{side}":[' + ",".join(f'{{"price":{p:.1f},"qty":{q:.8f}}}' for p, q in levels.items()) + "]"
            for side, levels in (("bids", bids), ("asks", asks))
        )
        data = f'{{"symbol":"{self.symbol}",{sides},"checksum":{self.checksum()},"timestamp":"{STAMP}"}}'
        return f'{{"channel":"book","type":"{kind}","data":[{data}]}}'.encode()

    def snapshot(self) -> bytes:
        """The whole book."""
        return self.frame("snapshot", self.bids, self.asks)

    def update(self, bids: dict[str, str] | None = None, asks: dict[str, str] | None = None) -> bytes:
        """Change levels and report the change; quantity zero removes."""
        changed: list[Levels] = []
        for levels, changes in ((self.bids, bids or {}), (self.asks, asks or {})):
            exact = {Decimal(price): Decimal(qty) for price, qty in changes.items()}
            changed.append(exact)
            for price, qty in exact.items():
                if qty:
                    levels[price] = qty
                else:
                    levels.pop(price, None)
        all_bids, all_asks = self.best()
        for price in all_bids[self.depth :]:
            del self.bids[price]
        for price in all_asks[self.depth :]:
            del self.asks[price]
        return self.frame("update", changed[0], changed[1])

    def stream(self, updates: int, seed: int = 1) -> list[bytes]:
        """A snapshot and so many updates: changed, removed and new levels, mostly near the top."""
        rng = random.Random(seed)
        frames = [self.snapshot()]
        for _ in range(updates):
            qty = f"{rng.randint(1, 9)}.{rng.randint(0, 99999999):08d}"
            if rng.random() < 0.5:
                price = str(rng.choice(sorted(self.bids)[-6:]) - Decimal(rng.choice(["0", "0.5"])))
                gone = rng.random() < 0.25 and Decimal(price) in self.bids and len(self.bids) > 5
                frames.append(self.update(bids={price: "0" if gone else qty}))
            else:
                price = str(rng.choice(sorted(self.asks)[:6]) + Decimal(rng.choice(["0", "0.5"])))
                gone = rng.random() < 0.25 and Decimal(price) in self.asks and len(self.asks) > 5
                frames.append(self.update(asks={price: "0" if gone else qty}))
        return frames
