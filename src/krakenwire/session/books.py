"""The books of a session: updates and snapshots in, events out.

A book that contradicts Kraken is closed to readers at once and stays closed until a snapshot. Nothing here touches another symbol.
"""

from __future__ import annotations

from typing import Any

from krakenwire.events import (
    BookCrossed,
    BookLive,
    BookLost,
    Discarded,
    Event,
    Gap,
    GapReason,
    Level3Update,
    OrderBookUpdate,
    ResyncNeeded,
)
from krakenwire.state.instruments import Instruments
from krakenwire.state.ledger import Ledger, State
from krakenwire.state.level2 import Book
from krakenwire.state.level3 import Level3Book
from krakenwire.state.proof import Doubt
from krakenwire.state.shelf import BookStatus, Shelf, Slot
from krakenwire.wire.book import BOOK_DEPTHS, LEVEL3_DEPTHS, BookMessage
from krakenwire.wire.enums import MessageType

_LIVE = BookStatus.LIVE
_UPDATE = MessageType.UPDATE

_NEVER_ASKED = frozenset({BookStatus.WANTED, BookStatus.STALE})
"""An update of such a book has no snapshot to change, and no `ResyncNeeded` has said so yet."""


class BookKeeper:
    """Level 2 and level3 books of one connection."""

    def __init__(self, instruments: Instruments, ledger: Ledger) -> None:
        self.level2: Shelf[Book] = Shelf("book", BOOK_DEPTHS)
        self.level3: Shelf[Level3Book] = Shelf("level3", LEVEL3_DEPTHS)
        self._shelves: dict[str, Any] = {"book": self.level2, "level3": self.level3}
        self._instruments = instruments
        self._ledger = ledger
        self.discarded = 0
        """Updates of books that have no snapshot, or cannot be read."""

    def update(self, message: BookMessage, now: float) -> list[Event]:
        """The fast way of a plain update of a live book. Anything else: an empty list, and nothing was done."""
        if message.type is not _UPDATE or len(message.data) != 1 or message.sequence is not None:
            return []
        data = message.data[0]
        slot = self.level2.slots.get(data.symbol)
        if slot is None or slot.status is not _LIVE or (book := slot.book) is None:
            return []
        doubt = book.apply(data)
        if doubt is not None:
            return self._doubted(self.level2, slot, data, doubt, now)
        self._count(slot, now)
        return self._update_event(data, book, verified=True, snapshot=False)

    def take(self, channel: str, data: Any, now: float, *, snapshot: bool) -> list[Event]:
        """One entry of a frame, by the general way."""
        shelf = self._shelves[channel]
        slot = shelf.open(data.symbol) if snapshot else shelf.get(data.symbol)
        if slot is None or (not snapshot and slot.status in _NEVER_ASKED):
            return self._without_snapshot(shelf, data.symbol)
        if snapshot:
            return self._replace(shelf, slot, data, now)
        if slot.book is None or not slot.readable:
            self.discarded += 1
            return [Discarded(channel, data.symbol)]
        doubt = slot.book.apply(data)
        if doubt is not None:
            return self._doubted(shelf, slot, data, doubt, now)
        events: list[Event] = []
        if slot.status is not _LIVE:
            events = self._went_live(shelf, slot, now)
        self._count(slot, now)
        return events + self._update_event(data, slot.book, verified=True, snapshot=False)

    def reject(self, channel: str, symbol: str | None, reason: str, now: float) -> list[Event]:
        """An entry that cannot be used may have changed the book: it is lost. Without a symbol the next checksum decides."""
        shelf = self._shelves[channel]
        slot = None if symbol is None else shelf.get(symbol)
        if slot is None or not slot.readable:
            return []
        return self._lost(shelf, slot, Doubt(wrong=True, reason=reason), None, now)

    def learn(self, symbol: str, now: float) -> list[Event]:
        """`instrument` told or changed a pair's precisions. A book built with others is taken anew."""
        decimals = self._instruments.precisions(symbol)
        slot = self.level2.get(symbol)
        if decimals is None or slot is None or slot.book is None or not slot.readable:
            return []
        if slot.book.set_given_decimals(decimals):
            return []
        slot.stop(BookStatus.RESYNCING, "precision changed")
        self._ledger.close("book", symbol, State.VERIFIED, now, cause="precision changed")
        since = slot.verified_at
        return [
            Gap("book", symbol, GapReason.PRECISION_CHANGED, since=since),
            BookLost("book", symbol, "precision changed"),
            ResyncNeeded("book", symbol, "precision changed"),
        ]

    def subscribed(self, channel: str, symbol: str, depth: int | None) -> None:
        """An acknowledgement was seen; it states the depth."""
        shelf = self._shelves.get(channel)
        if shelf is None:
            return
        shelf.expect(symbol, depth)
        slot = shelf.get(symbol)
        if slot is not None and not slot.readable:
            # A snapshot comes next. If it never does, the first update says so.
            slot.stop(BookStatus.WANTED, "no snapshot yet")
            slot.told = False

    def unsubscribed(self, channel: str, symbol: str) -> None:
        """The book ends here; a later snapshot begins a new one."""
        slot = self._shelves[channel].get(symbol) if channel in self._shelves else None
        if slot is not None:
            slot.stop(BookStatus.CLOSED, "unsubscribed")
            slot.depth = slot.inferred = None

    def verified_at(self, channel: str, symbol: str | None, heard_at: float) -> float | None:
        """When a stream was last known to be whole: for a book its last proof, for all else when it was last heard."""
        if symbol is None or channel not in self._shelves:
            return heard_at
        slot = self._shelves[channel].get(symbol)
        return heard_at if slot is None else slot.verified_at

    def make_stale(self, reason: str) -> None:
        """The connection is gone."""
        for shelf in self._shelves.values():
            shelf.make_stale(reason)

    # ---------------------------------------------------------------- what became of a message

    def _replace(self, shelf: Any, slot: Slot[Any], data: Any, now: float) -> list[Event]:
        levels = max(len(data.bids), len(data.asks))
        kind = Book if shelf is self.level2 else Level3Book
        depth = shelf.depth_for(slot, levels)
        book = kind(data.symbol, depth, decimals=self._instruments.precisions(data.symbol))
        slot.book = book
        slot.told = False
        doubt = book.replace(data)
        if doubt is not None:
            # Not readable before, so an unproven snapshot is news only if nothing speaks against it.
            slot.status = BookStatus.UNVERIFIED
            return self._doubted(shelf, slot, data, doubt, now, snapshot=True)
        events = self._went_live(shelf, slot, now)
        self._count(slot, now)
        return events + self._update_event(data, book, verified=True, snapshot=True)

    def _doubted(
        self, shelf: Any, slot: Slot[Any], data: Any, doubt: Doubt, now: float, *, snapshot: bool = False
    ) -> list[Event]:
        if doubt.wrong:
            return self._lost(shelf, slot, doubt, data.timestamp, now)
        if slot.status is _LIVE:
            self._ledger.close(shelf.channel, slot.symbol, State.VERIFIED, now, cause=doubt.reason)
        slot.stop(BookStatus.UNVERIFIED, doubt.reason)
        entry = self._ledger.entry(shelf.channel, slot.symbol)
        entry.messages += 1
        entry.unverified += 1
        return self._update_event(data, slot.book, verified=False, snapshot=snapshot)

    def _lost(
        self, shelf: Any, slot: Slot[Any], doubt: Doubt, timestamp: str | None, now: float
    ) -> list[Event]:
        entry = self._ledger.entry(shelf.channel, slot.symbol)
        entry.messages += 1
        entry.failed += 1
        self._ledger.close(shelf.channel, slot.symbol, State.VERIFIED, now, cause=doubt.reason)
        slot.stop(BookStatus.RESYNCING, doubt.reason)
        reason = doubt.reason
        if (larger := shelf.larger(slot)) is not None:
            # The depth was only our conclusion: a mismatch is our mistake until the next larger one failed too.
            slot.inferred = larger
            reason = f"{reason} under an inferred depth; trying {larger}"
        differences = slot.book.explain() if isinstance(slot.book, Book) else ()
        return [
            Gap(shelf.channel, slot.symbol, GapReason.CHECKSUM, since=slot.verified_at),
            BookLost(
                shelf.channel, slot.symbol, reason, doubt.expected, doubt.computed, differences, timestamp
            ),
            ResyncNeeded(shelf.channel, slot.symbol, reason),
        ]

    def _without_snapshot(self, shelf: Any, symbol: str) -> list[Event]:
        self.discarded += 1
        slot = shelf.open(symbol)
        if slot is None or slot.told:
            return [Discarded(shelf.channel, symbol)]
        slot.told = True
        return [Discarded(shelf.channel, symbol), ResyncNeeded(shelf.channel, symbol, "no snapshot")]

    def _went_live(self, shelf: Any, slot: Slot[Any], now: float) -> list[Event]:
        slot.status, slot.reason = _LIVE, ""
        slot.entry = self._ledger.open(shelf.channel, slot.symbol, State.VERIFIED, now)
        depth = 0 if slot.book is None else slot.book.depth
        return [BookLive(shelf.channel, slot.symbol, depth)]

    @staticmethod
    def _count(slot: Slot[Any], now: float) -> None:
        """One more proven message of a live book."""
        entry = slot.entry
        if entry is not None:
            entry.messages += 1
            entry.verified += 1
        slot.verified_at = now

    @staticmethod
    def _update_event(data: Any, book: Any, *, verified: bool, snapshot: bool) -> list[Event]:
        if not isinstance(book, Book):
            return [
                Level3Update(
                    data.symbol, data.bids, data.asks, data.checksum, data.timestamp, verified, snapshot, book
                )
            ]
        bid, ask = book.best
        update = OrderBookUpdate(
            data.symbol,
            data.bids,
            data.asks,
            bid,
            ask,
            data.checksum,
            data.timestamp,
            verified,
            snapshot,
            book,
        )
        return [update, BookCrossed(data.symbol)] if book.crossed else [update]
