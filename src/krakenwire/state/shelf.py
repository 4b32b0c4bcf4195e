"""The books of one channel on one connection, and the depth each is held under.

Depth: what was requested or acknowledged, else what the caller expects, else the smallest that Kraken offers and the snapshot fits into.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic

from krakenwire.state.book import Book, BookStatus, V

BOOKS_KEPT = 8192
"""Books of one connection, several times the markets that Kraken has. Further ones are refused."""


class Shelf(Generic[V]):
    """All books of one channel."""

    def __init__(self, channel: str, depths: tuple[int, ...], clock: Callable[[], float]) -> None:
        self.channel = channel
        self.books: dict[str, Book[V]] = {}
        self._depths = depths
        self._clock = clock

    def get(self, symbol: str) -> Book[V] | None:
        """What is known of one symbol."""
        return self.books.get(symbol)

    def open(self, symbol: str) -> Book[V] | None:
        """The book of a symbol, made if there is none. None: there are too many."""
        book = self.books.get(symbol)
        if book is None and len(self.books) < BOOKS_KEPT:
            book = self.books[symbol] = Book(self.channel, symbol, self._clock)
        return book

    def expect(self, symbol: str, depth: int | None) -> None:
        """The subscribed depth is known from a request, an acknowledgement or the caller. One that is no depth is not believed."""
        book = self.open(symbol)
        if book is not None and depth is not None and depth > 0:
            book.stated_depth, book.inferred_depth = depth, None

    def depth_for(self, book: Book[V], levels: int) -> int:
        """The depth to hold a snapshot of so many levels a side under."""
        if book.stated_depth is not None:
            return book.stated_depth
        fitting = [depth for depth in self._depths if depth >= max(levels, book.inferred_depth or 0)]
        book.inferred_depth = fitting[0] if fitting else max(levels, self._depths[-1])
        return book.inferred_depth

    def larger(self, book: Book[V]) -> int | None:
        """The next depth to try for a book whose depth was only inferred; None if there is none, or it is known."""
        if book.stated_depth is not None or book.inferred_depth is None:
            return None
        return next((depth for depth in self._depths if depth > book.inferred_depth), None)

    def make_stale(self, reason: str) -> None:
        """The connection is gone: no book of it can be read."""
        for book in self.books.values():
            if book.status is not BookStatus.CLOSED:
                book.stop(BookStatus.STALE, reason)
            # A new connection has new subscriptions; what was inferred is inferred again.
            book.inferred_depth = None
            book.told = False
