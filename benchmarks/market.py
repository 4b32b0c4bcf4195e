"""One simulated market: a full-depth book, and what a subscriber with a limited depth is told about it.

The model is the exchange's side of channel `book`. It holds more levels than anybody subscribes to. Every
change is made to the full book; the message is the difference between the subscriber's window before and
after, in Kraken's manner:

- a level that leaves the book is sent with quantity zero, followed in the same message by the level that
  scrolls in;
- a level pushed out of the window by a better one is not mentioned;
- the checksum covers the ten best levels a side after the whole message.

Prices and quantities are integers (ticks, and units of 1e-8), so nothing here shares a line of thought
with the library.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from random import Random
from zlib import crc32

QTY_DECIMALS = 8
QTY_UNIT = 10**QTY_DECIMALS

# One entry of a message: (ticks, units); units 0 removes the level.
Entry = tuple[int, int]

# Most changes happen near the best price, the rest anywhere in the window: in recordings at depth 25, six to
# seven of ten updates touch the ten best levels.
NEAR_SHARE = 0.6
NEAR_SCALE = 6.0
REMOVAL_SHARE = 0.4
TWO_SIDED_SHARE = 0.005


@dataclass(frozen=True)
class Pair:
    """A symbol, its price digits, where its price starts, and the depth it is subscribed with."""

    symbol: str
    decimals: int
    ticks: int
    depth: int

    def price(self, ticks: int) -> str:
        """`ticks` as wire text: every price of a pair has the same number of decimals."""
        whole, fraction = divmod(ticks, 10**self.decimals)
        return f"{whole}.{fraction:0{self.decimals}d}"


def quantity(units: int) -> str:
    """`units` as wire text with eight decimals."""
    return f"{units // QTY_UNIT}.{units % QTY_UNIT:08d}"


class Side:
    """Bids or asks at full depth, best first. Keys of bids are negative ticks, so both sides are sorted
    ascending.
    """

    def __init__(self, random: Random, *, sign: int, best: int, depth: int) -> None:
        self.random = random
        self.sign = sign
        self.depth = depth
        self.reserve = max(20, depth // 4)
        self.keys = [sign * best]
        self.units: dict[int, int] = {sign * best: self.new_units()}
        self.replenish()

    def new_units(self) -> int:
        """A quantity as markets have them: dust, round figures, odd figures."""
        draw = self.random.random()
        if draw < 0.15:
            return 5100
        if draw < 0.40:
            return (1 + int(self.random.random() * 400)) * 1_000_000
        return 1 + int(self.random.random() ** 3 * 300 * QTY_UNIT)

    def best(self) -> int:
        return abs(self.keys[0])

    def replenish(self) -> None:
        """Keep the levels below the window in number; nobody is told about them."""
        while len(self.keys) < self.depth + self.reserve:
            key = self.keys[-1] + 1 + int(self.random.random() * 4)
            if self.sign < 0 and key >= 0:
                return
            self.keys.append(key)
            self.units[key] = self.new_units()
        while len(self.keys) > self.depth + 3 * self.reserve:
            del self.units[self.keys.pop()]

    def place(self) -> int:
        """An index in the window."""
        window = min(self.depth, len(self.keys))
        if self.random.random() < NEAR_SHARE:
            return min(int(self.random.expovariate(1 / NEAR_SCALE)), window - 1)
        return int(self.random.random() * window)

    def remove(self, index: int) -> list[Entry]:
        """Take a level out: its removal, and the level that scrolls into the window."""
        key = self.keys.pop(index)
        del self.units[key]
        entries = [(abs(key), 0)]
        if len(self.keys) >= self.depth:
            seen = self.keys[self.depth - 1]
            entries.append((abs(seen), self.units[seen]))
        if len(self.keys) < self.depth + 5:
            self.replenish()
        return entries

    def modify(self, index: int) -> Entry:
        """Give a level another quantity."""
        key = self.keys[index]
        self.units[key] = units = self.new_units()
        return abs(key), units

    def insert(self, key: int) -> Entry:
        """Add a level, which may push another out of the window; nothing is said about that one."""
        self.keys.insert(bisect_left(self.keys, key), key)
        self.units[key] = units = self.new_units()
        if len(self.keys) > self.depth + 3 * self.reserve:
            self.replenish()
        return abs(key), units

    def add_or_modify(self, index: int) -> Entry:
        """Add a level behind the one at `index` where a price is free and it stays in view, else change the
        one there.
        """
        keys = self.keys
        if index + 1 < min(self.depth, len(keys)):
            gap = keys[index + 1] - keys[index]
            if gap > 1 and self.random.random() < 0.75:
                return self.insert(keys[index] + 1 + int(self.random.random() * (gap - 1)))
        return self.modify(index)

    def window(self) -> list[Entry]:
        return [(abs(key), self.units[key]) for key in self.keys[: self.depth]]

    def digits(self) -> str:
        """The ten best levels as the checksum sees them: without point and leading zeros, which leaves the
        integers.
        """
        units = self.units
        return "".join([f"{abs(key)}{units[key]}" for key in self.keys[:10]])


class Market:
    """Both sides of one pair, never crossed, its price bound to stay near where it began."""

    def __init__(self, pair: Pair, random: Random) -> None:
        self.pair = pair
        self.random = random
        self.leash = max(8, pair.ticks // 50)
        self.bids = Side(random, sign=-1, best=pair.ticks, depth=pair.depth)
        self.asks = Side(random, sign=1, best=pair.ticks + 1 + int(random.random() * 3), depth=pair.depth)

    def checksum(self) -> int:
        return crc32((self.asks.digits() + self.bids.digits()).encode())

    def update(self) -> tuple[list[Entry], list[Entry]]:
        """Two level changes: the entries for bids and for asks."""
        draw = self.random.random()
        side, other = (self.bids, self.asks) if self.random.random() < 0.5 else (self.asks, self.bids)
        if draw < TWO_SIDED_SHARE:
            entries, others = [side.modify(0)], [other.modify(0)]
        elif draw < TWO_SIDED_SHARE + REMOVAL_SHARE and len(side.keys) > side.depth:
            entries, others = side.remove(self.removable(side)), []
        else:
            entries, others = self.two_changes(side), []
        return (entries, others) if side is self.bids else (others, entries)

    def spread(self) -> int:
        return self.asks.keys[0] + self.bids.keys[0]

    def removable(self, side: Side) -> int:
        """An index whose removal leaves the spread narrow and the price near where it began."""
        index = side.place()
        if index == 0:
            spread = self.spread() + side.keys[1] - side.keys[0]
            if spread > 5 + self.pair.ticks // 2000 or self.drift(side) > self.leash:
                return 4
        return index

    def drift(self, side: Side) -> int:
        """How far the best price of `side` has gone from the start, counted away from the spread."""
        return side.keys[0] - side.sign * self.pair.ticks

    def two_changes(self, side: Side) -> list[Entry]:
        """A level added or changed, and another changed."""
        spread = self.spread()
        index = side.place()
        if index == 0 and spread > 1 and -self.drift(side) < self.leash and self.random.random() < 0.6:
            step = 1 + int(self.random.random() * min(spread - 1, 6))
            first = side.insert(side.keys[0] - step)
        else:
            first = side.add_or_modify(index)
        # The second change must leave the first in view: it may not add a level, because that could push the
        # first one out.
        window = min(side.depth, len(side.keys))
        index = side.place()
        if abs(side.keys[index]) == first[0]:
            index = (index + 1) % window
        return [first, side.modify(index)]
