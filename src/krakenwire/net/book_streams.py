"""Streams of books: not the changes but the book itself, always the latest, and only while it is proven."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Generic, TypeVar

from krakenwire.errors import BookNotLive, UsageError
from krakenwire.events import BookLost, Gap, Level3Update, OrderBookUpdate
from krakenwire.net.consumers import Inbox
from krakenwire.net.streams import Source, Stream
from krakenwire.state.book import Book, BookStatus
from krakenwire.state.level2 import BookView
from krakenwire.state.level3 import Level3View
from krakenwire.wire.subscriptions import Subscription

V = TypeVar("V", BookView, Level3View)


class Views(Inbox):
    """The books that changed since they were last read. A view is made when it is read, so it is never older than that."""

    def __init__(self) -> None:
        super().__init__()
        self._changed: dict[str, Book[Any]] = {}
        self.interruptions = 0
        self.depth: int | None = None

    def put(self, event: Any) -> None:
        kind = type(event)
        if kind is OrderBookUpdate or kind is Level3Update:
            if event.verified:
                self._changed[event.symbol] = event.book
                if self._waiter is not None:
                    self._wake()
        elif kind is Gap or kind is BookLost:
            self.interruptions += kind is Gap
            self._changed.pop(event.symbol, None)

    def __len__(self) -> int:
        return len(self._changed)

    def take(self) -> Any:
        while self._changed:
            book = self._changed.pop(next(iter(self._changed)))
            if book.status is BookStatus.LIVE:
                return book.view(self.depth)
        return None


class BookStream(Stream[V], Generic[V]):
    """The books of one or many symbols. Iterating gives a verified view of each that changed, always the latest; while a book is being
    taken anew there is none of it.

    With one symbol the stream is also that book: `best_bid`, `bids`, `view()` and so on are its own, and whatever reads levels raises
    `BookNotLive` unless a checksum proved them. With many, `stream[symbol]` is the book of one.
    """

    def __init__(
        self, source: Source, params: Subscription, views: Views, updates: Callable[[], Stream[Any]]
    ) -> None:
        self._views = views
        super().__init__(source, params, views)
        self._views.depth = self._depth = int(getattr(params, "depth", 0)) or None
        self._updates = updates

    def updates(self) -> Stream[Any]:
        """The same books as changes: `OrderBookUpdate` or `Level3Update`, every one, with each `Gap` and `BookLost` in its place."""
        return self._updates()

    @property
    def interruptions(self) -> int:
        """How often a book of this stream could not be followed for a while: its gaps."""
        return self._views.interruptions

    def __getitem__(self, symbol: str) -> Book[V]:
        """The live book of one symbol. It goes on changing; take a `view()` to keep.

        Raises: KeyError, if it is not of this stream; BookNotLive, before it is entered.
        """
        if symbol not in self._feed.symbols:
            raise KeyError(symbol)
        self._source.check_thread()
        book = self._source.held_book(self._feed.channel, symbol)
        if book is None:
            raise BookNotLive(symbol, "unknown", "it is not subscribed")
        return book

    @property
    def symbol(self) -> str:
        """Its only symbol.

        Raises: UsageError, if it has many.
        """
        if len(self._feed.symbols) != 1:
            raise UsageError("this stream has many books; ask for one by its symbol, stream[symbol]")
        return self._feed.symbols[0]

    @property
    def _book(self) -> Book[V]:
        return self[self.symbol]

    @property
    def status(self) -> BookStatus:
        """Where the book is in its life; only `live` can be read."""
        try:
            return self._book.status
        except BookNotLive:
            return BookStatus.CLOSED

    @property
    def verified(self) -> bool:
        """Whether the ten best levels a side are proven by Kraken's checksum right now."""
        return self.status is BookStatus.LIVE

    @property
    def age(self) -> float | None:
        """Seconds since the last proof; None if there was none."""
        try:
            at = self._book.verified_at
        except BookNotLive:
            return None
        return None if at is None else asyncio.get_running_loop().time() - at

    @property
    def checksum(self) -> int | None:
        """The checksum of the last message."""
        return self._book.checksum

    @property
    def bids(self) -> tuple[Any, ...]:
        """Buy side, best first. Raises BookNotLive."""
        return self.view().bids

    @property
    def asks(self) -> tuple[Any, ...]:
        """Sell side, best first. Raises BookNotLive."""
        return self.view().asks

    @property
    def best_bid(self) -> Decimal | None:
        """Highest buy price; None while nobody buys. Raises BookNotLive."""
        return self._book.best_bid

    @property
    def best_ask(self) -> Decimal | None:
        """Lowest sell price; None while nobody sells. Raises BookNotLive."""
        return self._book.best_ask

    def view(self, depth: int | None = None) -> V:
        """An immutable copy.

        Raises: BookNotLive, unless a checksum proved the book.
        """
        return self._book.view(self._depth if depth is None else depth)

    def require_verified(self) -> Book[V]:
        """The live book itself.

        Raises: BookNotLive, unless a checksum proved it.
        """
        return self._book.require_verified()
