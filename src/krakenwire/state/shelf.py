"""The books of one channel on one connection: which of them can be read, and why the others cannot.

A book is wanted until its first snapshot, then LIVE or UNVERIFIED. A contradiction makes it RESYNCING, a lost connection STALE, an
unsubscription CLOSED; a snapshot makes it readable again from any of these. Depth: what was requested or acknowledged, else what the
caller expects, else the smallest that Kraken offers and the snapshot fits into.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Generic, TypeVar

from krakenwire.state.ledger import Entry

B = TypeVar("B")

BOOKS_KEPT = 8192
"""Books of one connection, several times the markets that Kraken has. Further ones are refused."""


class BookStatus(StrEnum):
    """Where a book is in its life. Only LIVE can be read without asking for unverified data."""

    WANTED = "wanted"
    LIVE = "live"
    UNVERIFIED = "unverified"
    RESYNCING = "resyncing"
    STALE = "stale"
    CLOSED = "closed"


class Slot(Generic[B]):
    """One symbol: its book, its status and what is known of its subscription."""

    __slots__ = ("book", "depth", "entry", "inferred", "reason", "status", "symbol", "told", "verified_at")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.book: B | None = None
        self.status = BookStatus.WANTED
        self.reason = "no snapshot yet"
        self.depth: int | None = None
        """As requested, acknowledged or expected; None: not known."""
        self.inferred: int | None = None
        """The depth that was concluded from the last snapshot, if nobody told it."""
        self.told = False
        """Whether the caller knows that this book cannot be followed."""
        self.verified_at: float | None = None
        self.entry: Entry | None = None
        """Its counts in the ledger, while LIVE; looked up once, not at every update."""

    @property
    def readable(self) -> bool:
        """True while updates are taken."""
        return self.status is BookStatus.LIVE or self.status is BookStatus.UNVERIFIED

    def stop(self, status: BookStatus, reason: str) -> None:
        """The book cannot be read any more, until a snapshot."""
        self.status, self.reason = status, reason


class Shelf(Generic[B]):
    """All books of one channel."""

    def __init__(self, channel: str, depths: tuple[int, ...]) -> None:
        self.channel = channel
        self.slots: dict[str, Slot[B]] = {}
        self._depths = depths

    def get(self, symbol: str) -> Slot[B] | None:
        """What is known of one symbol."""
        return self.slots.get(symbol)

    def open(self, symbol: str) -> Slot[B] | None:
        """The slot of a symbol, made if there is none. None: there are too many."""
        slot = self.slots.get(symbol)
        if slot is None and len(self.slots) < BOOKS_KEPT:
            slot = self.slots[symbol] = Slot(symbol)
        return slot

    def expect(self, symbol: str, depth: int | None) -> None:
        """The subscribed depth is known from a request, an acknowledgement or the caller."""
        slot = self.open(symbol)
        if slot is not None and depth is not None:
            slot.depth, slot.inferred = depth, None

    def depth_for(self, slot: Slot[B], levels: int) -> int:
        """The depth to hold a snapshot of so many levels a side under."""
        if slot.depth is not None:
            return slot.depth
        fitting = [depth for depth in self._depths if depth >= max(levels, slot.inferred or 0)]
        slot.inferred = fitting[0] if fitting else max(levels, self._depths[-1])
        return slot.inferred

    def larger(self, slot: Slot[B]) -> int | None:
        """The next depth to try for a book whose depth was only inferred; None if there is none, or it is known."""
        if slot.depth is not None or slot.inferred is None:
            return None
        return next((depth for depth in self._depths if depth > slot.inferred), None)

    def make_stale(self, reason: str) -> None:
        """The connection is gone: no book of it can be read."""
        for slot in self.slots.values():
            if slot.status is not BookStatus.CLOSED:
                slot.stop(BookStatus.STALE, reason)
            # A new connection has new subscriptions; what was inferred is inferred again.
            slot.inferred = None
            slot.told = False
