"""One market's book over two connections: the proven one is served, and where they disagree that is kept.

Two connections say the same a little apart in time. So they agree while the last word of the one is a word that the other said within a
second; a checksum names a state of the ten best levels, and is compared in place of them. Where they do not, the one that was proven last
is served, and if a checksum contradicts both, neither.
"""

from __future__ import annotations

import asyncio
from collections import deque
from types import TracebackType
from typing import Self

from msgspec import Struct

from krakenwire.errors import BookNotLive, UsageError
from krakenwire.events import OrderBookUpdate
from krakenwire.net.book_streams import BookStream
from krakenwire.net.streams import Stream
from krakenwire.state.level2 import BookView

APART_SECONDS = 1.0
"""So far apart may two connections say the same."""

LOOK_SECONDS = 0.25
KEPT = 100
"""Disagreements that are kept."""


class Disagreement(Struct, frozen=True):
    """Two connections said different things of one book, or one could not be proven while the other was."""

    symbol: str
    since: float
    """When they last agreed, on the loop's clock."""
    statuses: tuple[str, str]
    checksums: tuple[int | None, int | None]
    """What each said last."""


class TwinBook:
    """A book over two streams of it, of two clients or two exchanges' addresses. `async with` opens both and closes both.

    Raises: UsageError, if they are not of one symbol each, and of the same.
    """

    def __init__(self, first: BookStream[BookView], second: BookStream[BookView]) -> None:
        self._books = (first, second)
        self.symbol = first.symbol
        if second.symbol != self.symbol:
            raise UsageError("both streams must be of one symbol", field="second")
        self._said: tuple[deque[tuple[float, int]], deque[tuple[float, int]]] = (deque(), deque())
        self._tasks: list[asyncio.Task[None]] = []
        self._streams: list[Stream[OrderBookUpdate]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._agreed_at = 0.0
        self._told = False
        self.disagreements: deque[Disagreement] = deque(maxlen=KEPT)
        """The last of them, oldest first."""

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        for book, said in zip(self._books, self._said, strict=True):
            book.open()
            stream: Stream[OrderBookUpdate] = book.updates().open()
            self._streams.append(stream)
            self._tasks.append(loop.create_task(_listen(stream, said), name="krakenwire twin"))
        self._agreed_at = loop.time()
        self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for stream in self._streams:
            await stream.close()
        for book in self._books:
            await book.close()

    @property
    def served(self) -> BookStream[BookView]:
        """The stream whose book is proven; of two the one that was proven last.

        Raises: BookNotLive, if neither is.
        """
        proven = [book for book in self._books if book.verified]
        if not proven:
            raise BookNotLive(self.symbol, self._books[0].status.value, "neither connection proves it")
        return min(proven, key=lambda book: book.age or 0.0)

    def view(self, depth: int | None = None) -> BookView:
        """An immutable copy of the book that is served.

        Raises: BookNotLive, if neither is proven.
        """
        return self.served.view(depth)

    @property
    def agree(self) -> bool:
        """Whether both are proven, and say the same."""
        first, second = self._books
        if not (first.verified and second.verified):
            return False
        horizon = asyncio.get_running_loop().time() - APART_SECONDS
        recent = [{checksum for at, checksum in said if at >= horizon} for said in self._said]
        return (
            first.checksum == second.checksum or first.checksum in recent[1] or second.checksum in recent[0]
        )

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(LOOK_SECONDS, self._look)
        now = loop.time()
        for said in self._said:
            while said and said[0][0] < now - APART_SECONDS:
                said.popleft()
        if self.agree:
            self._agreed_at, self._told = now, False
        elif (
            now - self._agreed_at >= APART_SECONDS and not self._told and any(b.verified for b in self._books)
        ):
            self._told = True
            first, second = self._books
            self.disagreements.append(
                Disagreement(
                    self.symbol,
                    self._agreed_at,
                    (first.status.value, second.status.value),
                    tuple([book.checksum if book.verified else None for book in self._books]),  # type: ignore[arg-type]
                )
            )


async def _listen(stream: Stream[OrderBookUpdate], said: deque[tuple[float, int]]) -> None:
    """Keep what a connection says, as long as it may be compared."""
    clock = asyncio.get_running_loop().time
    async for update in stream:
        if type(update) is OrderBookUpdate and update.verified and update.checksum is not None:
            said.append((clock(), update.checksum))
