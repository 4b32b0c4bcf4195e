"""What a program reads from: one object for each `kraken.book(…)`, `kraken.trade(…)` and their like.

A stream holds its subscription while it is entered, and gives it back when it is left, closed, or forgotten. Behind it is a queue of its
own, so that two streams of the same market do not wait for each other.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import Callable
from decimal import Decimal
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from krakenwire.errors import BookNotLive, UsageError
from krakenwire.events import BookLost, Gap, Level3Update, OrderBookUpdate, SubscriptionRejected
from krakenwire.net.consumers import Inbox
from krakenwire.net.feeds import Feed
from krakenwire.state.book import Book, BookStatus
from krakenwire.state.level2 import BookView
from krakenwire.state.level3 import Level3View
from krakenwire.wire.subscriptions import Subscription

E = TypeVar("E")
V = TypeVar("V", BookView, Level3View)


class Source(Protocol):
    """What a stream needs of the client."""

    def attach(self, feed: Feed) -> None:
        """Subscribe, and let events come."""

    def detach(self, feed: Feed) -> None:
        """Undo `attach`."""

    def attach_all(self, inbox: Inbox) -> None:
        """Let everything come into a queue."""

    def forget(self, inbox: Inbox) -> None:
        """Nobody reads a queue any more. May be called from any thread."""

    def held_book(self, channel: str, symbol: str) -> Book[Any] | None:
        """The live book of a subscription."""

    def check_thread(self) -> None:
        """Raises: UsageError, from a foreign thread or process."""


class Stream(Generic[E]):
    """Events of one subscription. `async with` subscribes and unsubscribes; `async for` without it does so by itself.

    Iterating gives the channel's events and every `Gap` in their place, also one that says this reader was too slow. It ends when the
    stream or the client is closed.

    Raises, while iterating: RequestRejected, if Kraken refused every symbol; ConnectFailed or AuthFailed, if retrying is over.
    """

    def __init__(self, source: Source, params: Subscription, inbox: Inbox) -> None:
        self._source = source
        self._feed = Feed(params, inbox)
        self._finalizer: weakref.finalize[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._feed.channel} {', '.join(self._feed.symbols)[:60]}>"

    @property
    def params(self) -> Subscription:
        """What is subscribed."""
        return self._feed.params

    @property
    def rejected(self) -> dict[str | None, SubscriptionRejected]:
        """Symbols that Kraken refused for good, with its words."""
        return dict(self._feed.rejected)

    @property
    def waiting(self) -> int:
        """Events that wait to be read."""
        return len(self._feed.inbox)

    def open(self) -> Self:
        """Subscribe now, without `async with`.

        Raises: UsageError, CapacityExceeded.
        """
        self._source.check_thread()
        if self._finalizer is None:
            self._source.attach(self._feed)
            self._finalizer = weakref.finalize(
                self, _let_go, asyncio.get_running_loop(), threading.get_ident(), self._source, self._feed
            )
            self._finalizer.atexit = False
        return self

    async def close(self) -> None:
        """Unsubscribe, unless others want the same. What waits can still be read."""
        self._source.check_thread()
        if self._finalizer is not None:
            self._finalizer.detach()
            self._source.detach(self._feed)
        self._feed.inbox.end()

    async def __aenter__(self) -> Self:
        return self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def __aiter__(self) -> Self:
        return self.open()

    async def __anext__(self) -> E:
        return await self._feed.inbox.get()  # type: ignore[no-any-return]

    async def next(self, seconds: float | None = None) -> E:
        """The next event.

        Raises: TimeoutError, if there is none within `seconds`; StopAsyncIteration at the end.
        """
        self.open()
        async with asyncio.timeout(seconds):
            return await self.__anext__()


def _let_go(loop: asyncio.AbstractEventLoop, thread: int, source: Source, feed: Feed) -> None:
    """A stream was forgotten; the collector may say so in any thread, and after the loop has ended."""
    if loop.is_closed():
        return
    if threading.get_ident() == thread:
        source.detach(feed)
    else:
        loop.call_soon_threadsafe(source.detach, feed)


class EventStream:
    """Everything that every connection reports. Iterate it; it ends when it is closed, left or forgotten, or with the client."""

    def __init__(self, source: Source, inbox: Inbox) -> None:
        self._source = source
        self._inbox = inbox
        self._finalizer: weakref.finalize[..., Any] | None = None

    async def __aenter__(self) -> Self:
        return self.__aiter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        self._source.check_thread()
        if self._finalizer is None:
            self._source.attach_all(self._inbox)
            self._finalizer = weakref.finalize(self, self._source.forget, self._inbox)
            self._finalizer.atexit = False
        return self

    async def __anext__(self) -> Any:
        return await self._inbox.get()

    def close(self) -> None:
        """No more events; what waits can still be read."""
        self._source.forget(self._inbox)


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

    def show(self, book: Book[Any]) -> None:
        """A book that is live already."""
        if book.verified:
            self._changed[book.symbol] = book
            self._wake()

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

    def open(self) -> Self:
        first = self._finalizer is None
        super().open()
        if first:
            for symbol in self._feed.symbols:
                book = self._source.held_book(self._feed.channel, symbol)
                if book is not None:
                    self._views.show(book)
        return self

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
    def _book(self) -> Book[V]:
        if len(self._feed.symbols) != 1:
            raise UsageError("this stream has many books; ask for one by its symbol, stream[symbol]")
        return self[self._feed.symbols[0]]

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
