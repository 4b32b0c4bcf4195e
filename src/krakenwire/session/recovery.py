"""What happens to a book that contradicts Kraken: it is taken anew, within budgets, and when that does not help it is disputed. A stream
with a hole in it is taken anew likewise.

A wrong checksum that survives every resync is nobody's provable fault. Asking for ever would cost the connection, and serving the book
would be a lie, so the caller's policy decides, and the book is tried again at 1, 2, 5, 5, … minutes. Nothing here touches another symbol.
"""

from __future__ import annotations

import math
from typing import Any

from krakenwire.events import BookDisputed, Event, ResyncNeeded
from krakenwire.session.desk import Asked, Desk
from krakenwire.session.limits import DisputePolicy
from krakenwire.state.book import Book, BookStatus


class Recovery:
    """Resyncs of one connection, and disputes of its books."""

    def __init__(self, desk: Desk, policy: DisputePolicy) -> None:
        self._desk = desk
        self._policy = policy
        self._disputed: dict[tuple[str, str], Book[Any]] = {}
        self._waiting: dict[tuple[str, str], str] = {}

    def ask(self, book: Book[Any], reason: str, now: float, *, depth: int | None = None) -> list[Event]:
        """Take a book anew that was lost just now; `depth` if it is to be another than it is held under."""
        if book.disputes and now - book.live_since < self._desk.limits.retry_seconds[-1]:
            return self._dispute(book, reason, now)
        self._settle(book)
        return self._resync(book, reason, now, depth=depth)

    def again(self, book: Book[Any], reason: str, now: float) -> list[Event]:
        """Take a book anew because the caller wants it, within the budgets; also one that is disputed."""
        return self._resync(book, reason, now)

    def take_anew(self, channel: str, symbol: str | None, reason: str, now: float) -> list[Event]:
        """Take a subscription without a book anew, within the budgets. It waits for them; there is nothing to dispute."""
        asked = self._desk.resync(channel, symbol, now)
        if asked in {Asked.SPENT, Asked.LATER}:
            self._desk.postpone(channel, symbol, now)
        if asked in {Asked.SPENT, Asked.LATER, Asked.ENDING}:
            return []
        return [ResyncNeeded(channel, symbol, reason, requested=asked is Asked.WAITING)]

    def learn_anew(self, channel: str, reason: str, now: float) -> list[Event]:
        """Take a channel without symbols anew if it is wanted at all: what it told is contradicted elsewhere."""
        return self.take_anew(channel, None, reason, now) if self._desk.wants(channel, None) else []

    def postponed(self, book: Book[Any], now: float) -> list[Event]:
        """The budget of the connection allows another resync."""
        reason = self._waiting.pop((book.channel, book.symbol), None)
        return [] if reason is None or book.status is BookStatus.LIVE else self._resync(book, reason, now)

    def answered(self, book: Book[Any]) -> None:
        """A snapshot came, good or bad."""
        self._desk.delivered(book.channel, book.symbol)

    def spoiled(self, book: Book[Any], reason: str, now: float) -> list[Event]:
        """Something useless came for a book that cannot be read. If it was its snapshot, it is taken anew, as after a wrong one."""
        return self.ask(book, reason, now) if self._desk.spoiled(book.channel, book.symbol) else []

    def forgotten(self, book: Book[Any], now: float) -> list[Event]:
        """An update came of a book that cannot be read. If nothing is under way that would bring its snapshot, it is asked for.

        That should never be so. But whatever order answers, refusals and snapshots come in, no book waits for ever for what nobody asked.
        """
        if book.status is not BookStatus.RESYNCING or not self._desk.rests(book.channel, book.symbol):
            return []
        return self._resync(book, "no snapshot under way", now)

    def healed(self, book: Book[Any], now: float) -> None:
        """A snapshot proved the book."""
        book.live_since = now
        self._waiting.pop((book.channel, book.symbol), None)
        self._disputed.pop((book.channel, book.symbol), None)
        book.retry_at = None
        book.serving = False

    def ended(self, book: Book[Any]) -> None:
        """The book is not wanted any more, or its connection is gone."""
        self._waiting.pop((book.channel, book.symbol), None)
        self._settle(book)

    def tick(self, now: float) -> list[Event]:
        """Try disputed books again whose time has come."""
        events: list[Event] = []
        for book in list(self._disputed.values()):
            if book.retry_at is not None and book.retry_at <= now:
                self._schedule(book, now)
                book.disputes += (
                    book.serving
                )  # a book that is not served is disputed anew when the attempt fails
                events += self._resync(book, f"disputed: {book.reason}", now)
            if book.retry_at is not None:
                self._desk.wake(book.retry_at)
        return events

    def _resync(self, book: Book[Any], reason: str, now: float, *, depth: int | None = None) -> list[Event]:
        held = book.depth if book.stated_depth is None else book.stated_depth
        asked = self._desk.resync(book.channel, book.symbol, now, held=held, depth=depth)
        if asked is Asked.SPENT:
            # A book that is disputed already is tried at its time, not later for having been asked for too often.
            return [] if book.status is BookStatus.DISPUTED else self._dispute(book, reason, now)
        if asked is Asked.LATER:
            self._waiting[book.channel, book.symbol] = reason
        if asked in {Asked.LATER, Asked.ENDING}:
            return []
        return [ResyncNeeded(book.channel, book.symbol, reason, requested=asked is Asked.WAITING)]

    def _dispute(self, book: Book[Any], reason: str, now: float) -> list[Event]:
        if self._policy is DisputePolicy.STOP:
            self._desk.stop(book.channel, book.symbol, now)
            book.stop(BookStatus.CLOSED, f"disputed: {reason}")
        else:
            self._schedule(book, now)
            book.disputes += 1
            book.live_since = math.inf
            self._disputed[book.channel, book.symbol] = book
            book.serving = self._policy is DisputePolicy.SERVE_UNVERIFIED and book.levels is not None
            status = BookStatus.UNVERIFIED if book.serving else BookStatus.DISPUTED
            book.stop(status, reason)
        return [BookDisputed(book.channel, book.symbol, reason, self._policy.value, book.retry_at)]

    def _schedule(self, book: Book[Any], now: float) -> None:
        waits = self._desk.limits.retry_seconds
        book.retry_at = now + waits[min(book.disputes, len(waits) - 1)]
        self._desk.wake(book.retry_at)

    def _settle(self, book: Book[Any]) -> None:
        self._disputed.pop((book.channel, book.symbol), None)
        book.disputes, book.retry_at, book.serving = 0, None, False
