"""The books of a session: updates and snapshots in, events out.

A book that contradicts Kraken is closed to readers at once and stays closed until a snapshot. Nothing here touches another symbol.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

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
from krakenwire.session.recovery import Recovery
from krakenwire.state.book import Book, BookStatus
from krakenwire.state.instruments import Instruments
from krakenwire.state.ledger import Ledger, State
from krakenwire.state.level2 import BookView, Level2Book
from krakenwire.state.level3 import Level3Book, Level3View
from krakenwire.state.proof import Doubt
from krakenwire.state.shelf import Shelf
from krakenwire.wire.book import BOOK_DEPTHS, LEVEL3_DEPTHS, BookMessage, Level3Order
from krakenwire.wire.enums import MessageType

_LIVE = BookStatus.LIVE
_UPDATE = MessageType.UPDATE

_NEVER_ASKED = frozenset({BookStatus.WANTED, BookStatus.STALE})
"""An update of such a book has no snapshot to change, and no `ResyncNeeded` has said so yet."""


class BookKeeper:
    """Level 2 and level3 books of one connection."""

    def __init__(
        self, instruments: Instruments, ledger: Ledger, recovery: Recovery, clock: Callable[[], float]
    ) -> None:
        self.level2: Shelf[BookView] = Shelf("book", BOOK_DEPTHS, clock)
        self.level3: Shelf[Level3View] = Shelf("level3", LEVEL3_DEPTHS, clock)
        self._level2 = self.level2.books
        self._shelves: dict[str, Any] = {"book": self.level2, "level3": self.level3}
        self._instruments = instruments
        self._ledger = ledger
        self.recovery = recovery
        self.discarded = 0
        """Updates of books that have no snapshot, or cannot be read."""

    def update(self, message: BookMessage, now: float) -> list[Event]:
        """The fast way of a plain update of a live book. Anything else: an empty list, and nothing was done."""
        if message.type is not _UPDATE or message.sequence is not None:
            return []
        try:
            (data,) = message.data
            book = self._level2[data.symbol]
        except (ValueError, KeyError):
            return []
        if book.status is not _LIVE:
            return []
        levels = book.levels
        doubt = levels.apply(data)
        if doubt is not None:
            return self._doubted(self.level2, book, data, doubt, now)
        entry: Any = book.entry
        entry.messages += 1
        entry.verified += 1
        book.verified_at = now
        asks, bids = levels.asks, levels.bids
        update = OrderBookUpdate(
            data.symbol,
            data.bids,
            data.asks,
            bids.top,
            asks.top,
            data.checksum,
            data.timestamp,
            True,  # noqa: FBT003 (keywords cost a third of the whole call)
            False,  # noqa: FBT003
            book,
        )
        # The best keys are the best ask and, negative, the best bid. If one is not known, their sum is not above zero either.
        if asks.best + bids.best > 0 or not levels.crossed:
            return [update]
        return [update, BookCrossed(data.symbol)]

    def take(self, channel: str, data: Any, now: float, *, snapshot: bool) -> list[Event]:
        """One entry of a frame, by the general way."""
        shelf = self._shelves[channel]
        book = shelf.open(data.symbol) if snapshot else shelf.get(data.symbol)
        if book is None or (not snapshot and book.status in _NEVER_ASKED):
            return self._without_snapshot(shelf, data.symbol, now)
        if snapshot:
            return self._replace(shelf, book, data, now)
        if book.levels is None or not book.readable:
            return self._discard(book) + self.recovery.forgotten(book, now)
        doubt = book.levels.apply(data)
        if doubt is not None:
            return self._doubted(shelf, book, data, doubt, now)
        events: list[Event] = []
        if book.status is not _LIVE:
            events = self._went_live(shelf, book, now)
        self._count(book, now)
        return events + self._update_event(data, book, verified=True, snapshot=False)

    def refuse(self, channel: str, symbol: str) -> list[Event]:
        """What came of a book is not used: nobody asked for it, or there is nothing that it could change."""
        self.discarded += 1
        return [Discarded(channel, symbol)]

    def get(self, channel: str, symbol: str | None) -> Book[Any] | None:
        """The book of one channel and symbol, if there is one."""
        return None if symbol is None or channel not in self._shelves else self._shelves[channel].get(symbol)

    def give_up(self, book: Book[Any], reason: str, now: float) -> list[Event]:
        """The caller does not want what is held of a book: it is taken anew. Nothing is, where Kraken holds no subscription."""
        if book.status is BookStatus.CLOSED:
            return []
        events: list[Event] = []
        if book.readable:
            events = self._broken(book, Doubt(wrong=True, reason=reason), now, GapReason.RESYNC)
        return events + self.recovery.again(book, reason, now)

    def reject(self, channel: str, symbol: str | None, reason: str, now: float) -> list[Event]:
        """An entry that cannot be used may have changed the book: it is lost. Without a symbol the next checksum decides."""
        shelf = self._shelves[channel]
        book = None if symbol is None else shelf.get(symbol)
        if book is None:
            return []
        if not book.readable:
            return self.recovery.spoiled(book, reason, now)
        return self._failed(shelf, book, Doubt(wrong=True, reason=reason), None, now)

    def learn(self, symbol: str, now: float) -> list[Event]:
        """`instrument` told or changed a pair. A book built with other precisions is taken anew; its trading status is kept beside it."""
        pair, decimals = self._instruments.pair(symbol), self._instruments.precisions(symbol)
        events: list[Event] = []
        for shelf in (self.level2, self.level3):
            book: Book[Any] | None = shelf.get(symbol)
            if book is None:
                continue
            book.trading_status = None if pair is None else pair.status
            if decimals is not None and book.readable and not book.levels.set_given_decimals(decimals):
                events += self._lost(
                    shelf,
                    book,
                    Doubt(wrong=True, reason="precision changed"),
                    now,
                    gap=GapReason.PRECISION_CHANGED,
                )
            elif decimals and book.status is BookStatus.UNVERIFIED and book.levels.decimals is None:
                # Held without its digits, which a snapshot read with these would have.
                events += self.recovery.again(book, "precision known", now)
        return events

    def subscribed(self, channel: str, symbol: str, depth: int | None) -> None:
        """An acknowledgement was seen; it states the depth."""
        shelf = self._shelves.get(channel)
        if shelf is None:
            return
        shelf.expect(symbol, depth)
        book = shelf.get(symbol)
        if book is not None and not book.readable:
            # A snapshot comes next. If it never does, the first update says so.
            book.told = False
            if book.status is not BookStatus.RESYNCING and book.status is not BookStatus.DISPUTED:
                book.stop(BookStatus.WANTED, "no snapshot yet")

    def taken_anew(self, channel: str, symbol: str | None, now: float) -> list[Event]:
        """Kraken does not send a book any more that is wanted: it cannot be read until a snapshot. Nothing if it was lost before."""
        book = self.get(channel, symbol)
        if book is None or not book.readable:
            return []
        return self._broken(book, Doubt(wrong=True, reason="taken anew"), now, GapReason.RESYNC)

    def ended(self, channel: str, symbol: str, reason: str) -> None:
        """The book ends here; a later snapshot begins a new one."""
        book = self._shelves[channel].get(symbol) if channel in self._shelves else None
        if book is not None:
            self.recovery.ended(book)
            if book.status is not BookStatus.CLOSED:  # else it is closed for a better reason
                book.stop(BookStatus.CLOSED, reason)
            book.stated_depth = book.inferred_depth = None

    def refused(self, channel: str, symbol: str, reason: str) -> None:
        """Kraken refuses the subscription for good."""
        book = self._shelves[channel].open(symbol) if channel in self._shelves else None
        if book is not None and not book.readable:
            book.stop(BookStatus.CLOSED, reason)

    def verified_at(self, channel: str, symbol: str | None, heard_at: float) -> float | None:
        """When a stream was last known to be whole: for a book its last proof, for all else when it was last heard."""
        if symbol is None or channel not in self._shelves:
            return heard_at
        book = self._shelves[channel].get(symbol)
        return heard_at if book is None else book.verified_at

    def make_stale(self, reason: str) -> None:
        """The connection is gone."""
        for shelf in self._shelves.values():
            shelf.make_stale(reason)
            for book in shelf.books.values():
                self.recovery.ended(book)

    # ---------------------------------------------------------------- what became of a message

    def _replace(self, shelf: Any, book: Book[Any], data: Any, now: float) -> list[Event]:
        kind = Level2Book if shelf is self.level2 else Level3Book
        depth = shelf.depth_for(book, max(_levels(data.bids), _levels(data.asks)))
        levels = kind(data.symbol, depth, decimals=self._instruments.precisions(data.symbol))
        held, was_live = book.levels, book.status is _LIVE
        book.levels = levels
        book.told = False
        pair = self._instruments.pair(data.symbol)
        book.trading_status = None if pair is None else pair.status
        doubt = levels.replace(data)
        self.recovery.answered(book)
        events: list[Event] = []
        if was_live and not (doubt is not None and doubt.wrong) and not levels.equals(held):
            # A snapshot in the middle of a stream tells that we had missed something, though nothing had shown it.
            events.append(Gap(shelf.channel, book.symbol, GapReason.SNAPSHOT_DIFFERS, since=book.verified_at))
        if doubt is not None:
            if not was_live:
                # Not readable before, so an unproven snapshot is news only if nothing speaks against it.
                book.status = BookStatus.UNVERIFIED
            events += self._doubted(shelf, book, data, doubt, now, snapshot=True)
            if levels.decimals is None and self._instruments.precisions(data.symbol) is not None:
                # The digits have changed, and the update of `instrument` that told so was missed.
                events += self.recovery.learn_anew("instrument", f"{data.symbol}: {doubt.reason}", now)
            return events
        if not was_live:
            events += self._went_live(shelf, book, now)
        self._count(book, now)
        return events + self._update_event(data, book, verified=True, snapshot=True)

    def _doubted(
        self, shelf: Any, book: Book[Any], data: Any, doubt: Doubt, now: float, *, snapshot: bool = False
    ) -> list[Event]:
        if doubt.wrong and not (book.serving and doubt.computed is not None):
            return self._failed(shelf, book, doubt, data.timestamp, now)
        if book.status is _LIVE:
            self._unproven(book, doubt.reason, now)
        book.stop(BookStatus.UNVERIFIED, doubt.reason)
        entry = self._ledger.entry(shelf.channel, book.symbol)
        entry.messages += 1
        entry.unverified += 1
        return self._update_event(data, book, verified=False, snapshot=snapshot)

    def _failed(
        self, shelf: Any, book: Book[Any], doubt: Doubt, timestamp: str | None, now: float
    ) -> list[Event]:
        """A message that the book contradicts."""
        entry = self._ledger.entry(shelf.channel, book.symbol)
        entry.messages += 1
        entry.failed += 1
        return self._lost(shelf, book, doubt, now, timestamp=timestamp)

    def _lost(
        self,
        shelf: Any,
        book: Book[Any],
        doubt: Doubt,
        now: float,
        *,
        gap: GapReason = GapReason.CHECKSUM,
        timestamp: str | None = None,
    ) -> list[Event]:
        reason = doubt.reason
        larger = shelf.larger(book) if gap is GapReason.CHECKSUM else None
        if larger is not None:
            # The depth was only our conclusion: a mismatch is our mistake until the next larger one failed too.
            book.inferred_depth = larger
            reason = f"{reason} under an inferred depth; trying {larger}"
        events = self._broken(book, structs.replace(doubt, reason=reason), now, gap, timestamp)
        return events + self.recovery.ask(book, reason, now, depth=larger)

    def _broken(
        self, book: Book[Any], doubt: Doubt, now: float, gap: GapReason, timestamp: str | None = None
    ) -> list[Event]:
        """From here on the book cannot be read."""
        self._unproven(book, doubt.reason, now)
        book.stop(BookStatus.RESYNCING, doubt.reason)
        return [
            Gap(book.channel, book.symbol, gap, since=book.verified_at),
            BookLost(
                book.channel,
                book.symbol,
                doubt.reason,
                doubt.expected,
                doubt.computed,
                book.explain(),
                timestamp,
            ),
        ]

    def _unproven(self, book: Book[Any], cause: str, now: float) -> None:
        """The proof has ended, and not only now: what is missing came after the last proof."""
        since = now if book.verified_at is None else book.verified_at
        self._ledger.close(book.channel, book.symbol, State.VERIFIED, since, cause=cause)

    def _discard(self, book: Book[Any]) -> list[Event]:
        """A message that cannot be used. Unless the book is over, it counts as one that was not verified."""
        if book.status is not BookStatus.CLOSED:
            self._ledger.entry(book.channel, book.symbol).messages += 1
        return self.refuse(book.channel, book.symbol)

    def _without_snapshot(self, shelf: Any, symbol: str, now: float) -> list[Event]:
        book = shelf.open(symbol)
        if book is None:
            return self.refuse(shelf.channel, symbol)
        events = self._discard(book)
        if book.told:
            return events
        book.told = True
        if book.depth is None:
            # What was subscribed is not known, so it cannot be asked for again.
            return [*events, ResyncNeeded(shelf.channel, symbol, "no snapshot")]
        return events + self.recovery.ask(book, "no snapshot", now)

    def _went_live(self, shelf: Any, book: Book[Any], now: float) -> list[Event]:
        self.recovery.healed(book, now)
        book.status, book.reason = _LIVE, ""
        book.entry = self._ledger.open(shelf.channel, book.symbol, State.VERIFIED, now)
        return [BookLive(shelf.channel, book.symbol, book.depth or 0)]

    @staticmethod
    def _count(book: Book[Any], now: float) -> None:
        """One more proven message of a live book."""
        entry = book.entry
        if entry is not None:
            entry.messages += 1
            entry.verified += 1
        book.verified_at = now

    @staticmethod
    def _update_event(data: Any, book: Book[Any], *, verified: bool, snapshot: bool) -> list[Event]:
        levels = book.levels
        if not isinstance(levels, Level2Book):
            return [
                Level3Update(
                    data.symbol, data.bids, data.asks, data.checksum, data.timestamp, verified, snapshot, book
                )
            ]
        update = OrderBookUpdate(
            data.symbol,
            data.bids,
            data.asks,
            levels.bids.top,
            levels.asks.top,
            data.checksum,
            data.timestamp,
            verified,
            snapshot,
            book,
        )
        return [update, BookCrossed(data.symbol)] if levels.crossed else [update]


def _levels(side: tuple[Any, ...]) -> int:
    """Price levels on one side of a snapshot; of level3, which lists orders, the prices that they have."""
    if side and isinstance(side[0], Level3Order):
        return len({order.limit_price_text for order in side})
    return len(side)
