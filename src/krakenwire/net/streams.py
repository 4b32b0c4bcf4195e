"""What a program reads from: one object for each `kraken.book(…)`, `kraken.trade(…)` and their like.

A stream holds its subscription while it is entered, and gives it back when it is left, closed, or forgotten. Behind it is a queue of its
own, so that two streams of the same market do not wait for each other.
"""

from __future__ import annotations

import asyncio
import threading
import weakref
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from krakenwire.events import SubscriptionRejected
from krakenwire.net.consumers import Inbox
from krakenwire.net.feeds import Feed
from krakenwire.state.book import Book
from krakenwire.wire.subscriptions import Subscription

E = TypeVar("E")


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

    def standing(self, params: Subscription) -> str:
        """How the connections stand that carry a subscription, in a line."""

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

        Raises: TimeoutError, if there is none within `seconds`, with how the connection stands; StopAsyncIteration at the end.
        """
        self.open()
        try:
            async with asyncio.timeout(seconds) as limit:
                return await self.__anext__()
        except TimeoutError:
            if not limit.expired():
                raise
            standing = self._source.standing(self._feed.params)
            what = f"{self._feed.channel} {', '.join(self._feed.symbols)[:60]}".rstrip()
            raise TimeoutError(f"nothing of {what} within {seconds:g} s; {standing}") from None


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
