"""Channel `book`: the best levels of both sides, seen through a window of fixed depth.

What Kraken does with the window: a level that enters it comes in the message that made room for it; of a level that is pushed out nothing
is said; a level that goes away inside it comes with quantity zero. The checksum is that of the ten best levels after the message. Here it
is computed from the integers of the engine, not from the text of the frame.
"""

from __future__ import annotations

from bisect import bisect_right
from zlib import crc32

from krakenwire.sim.clock import micros
from krakenwire.sim.engine import BookSide, Level, Side
from krakenwire.sim.feeds.feed import Feed
from krakenwire.sim.market import Market

CHECKED = 10
"""Levels a side that the checksum covers, whatever the depth."""
Entry = tuple[int, int]
"""Price and quantity; zero removes the level."""


def _digits(level: Level) -> str:
    level.digits = f"{level.price}{level.total}"
    return level.digits


def checksum(market: Market) -> int:
    """CRC-32 of the ten best levels: asks upwards, then bids downwards, digits only, without leading zeros.

    An integer of the last digit has exactly these digits, trailing zeros included.
    """
    engine = market.engine
    levels = engine.asks.window(CHECKED) + engine.bids.window(CHECKED)
    return crc32("".join([level.digits or _digits(level) for level in levels]).encode())


class Window:
    """How far down one side the subscribers see."""

    __slots__ = ("book", "depth", "end", "side")

    def __init__(self, side: Side, book: BookSide, depth: int) -> None:
        self.side = side
        self.book = book
        self.depth = depth
        self.end: float = 0
        """Key of the last level in sight at the last publication; infinite while the side has fewer levels than the window."""
        self.settle()

    def settle(self) -> None:
        """Take the book as it is for what the subscribers have."""
        keys = self.book.keys
        self.end = keys[self.depth - 1] if len(keys) >= self.depth else float("inf")

    def entries(self, changed: dict[int, int], repeats: list[tuple[Side, int, int]]) -> list[Entry]:
        """What has to be said about this side, given the levels that changed with their totals before.

        Removals come first. So a client that cuts its book after every entry, not after every message, holds the same levels in the end.
        """
        if not changed:
            return []
        before = self.end
        self.settle()
        after = self.end
        gone: list[Entry] = []
        came: list[Entry] = []
        levels = self.book.levels
        for key, old in changed.items():
            level = levels.get(key)
            if level is None:
                if not old or key > before:
                    continue
                total = 0
            elif key > after or (level.total == old and key <= before):
                continue
            else:
                total = level.total
            price, said = abs(key), came if total else gone
            told = old if key <= before else 0
            between = [qty for side, at, qty in repeats if at == key and side is self.side]
            for qty in (*between, total):
                if qty != told:
                    said.append((price, qty))
                    told = qty
        if after > before:
            keys = self.book.keys
            risen = keys[bisect_right(keys, before) : self.depth]
            came += [(abs(key), levels[key].total) for key in risen if key not in changed]
        return gone + came


class BookFeed(Feed):
    """One market at one depth."""

    channel = "book"

    def __init__(self, market: Market, depth: int) -> None:
        super().__init__(market.pair.symbol)
        self.market = market
        self.depth = depth
        self.windows = tuple(Window(side, market.engine.sides[side], depth) for side in Side)

    def snapshot(self, at: int) -> bytes:
        bids, asks = (
            [(level.price, level.total) for level in window.book.window(self.depth)]
            for window in self.windows
        )
        return self._frame("snapshot", bids, asks, at)

    def publish(self, market: Market, at: int) -> None:
        journal = market.engine.journal
        buying, selling = self.windows
        bids = buying.entries(journal.levels[Side.BUY], journal.repeats)
        asks = selling.entries(journal.levels[Side.SELL], journal.repeats)
        if bids or asks:
            self.send(self._frame("update", bids, asks, at), at)

    def rescaled(self) -> None:
        for window in self.windows:
            window.settle()

    def _frame(self, kind: str, bids: list[Entry], asks: list[Entry], at: int) -> bytes:
        pair = self.market.pair
        price, qty = pair.price, pair.qty
        rows = [
            ",".join([f'{{"price":{price(p)},"qty":{qty(q)}}}' for p, q in entries])
            for entries in (bids, asks)
        ]
        return (
            f'{{"channel":"book","type":"{kind}","data":[{{"symbol":"{pair.symbol}","bids":[{rows[0]}],"asks":[{rows[1]}],'
            f'"checksum":{checksum(self.market)},"timestamp":"{micros(at)}"}}]}}'
        ).encode()
