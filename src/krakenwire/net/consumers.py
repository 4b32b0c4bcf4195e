"""Queues between the reader and whoever wants events: bounded, each with a policy of its own, so that no consumer costs another anything.

| policy | what happens when the consumer is slower than the feed |
|---|---|
| `conflate` | only the latest of each symbol waits; what it replaces was the same thing, older |
| `buffer` | the oldest are dropped, and a `Gap` in their place says of what, and how many |
| `block` | the reader waits; only for those who ask for it, because then Kraken may end the connection |
"""

from __future__ import annotations

import asyncio
import weakref
from collections import deque
from collections.abc import Callable
from enum import StrEnum
from typing import Any

from krakenwire.errors import UsageError
from krakenwire.events import Gap, GapReason
from krakenwire.handler.routes import lane_of

QUEUE_LIMIT = 10_000
"""Events that wait for one consumer, unless it asks for another bound."""

LOST_KEPT = 1_000
"""Channels and symbols whose loss is told apart; of all further ones it is told by channel."""

GETS_IN_A_ROW = 32
"""Events that a consumer takes before everything else in the loop has its turn."""


class Policy(StrEnum):
    """What a queue does when it is full."""

    CONFLATE = "conflate"
    BUFFER = "buffer"
    BLOCK = "block"


class Inbox:
    """What waits for one consumer, and the end of it. One task at a time may wait for it."""

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._gets = 0
        self.error: BaseException | None = None
        """Why there will be nothing more; None if the consumer itself was closed."""

    def put(self, event: Any) -> None:
        """Take an event. Never waits."""
        raise NotImplementedError

    def _next(self) -> Any:
        """The next event, or None while there is none."""
        raise NotImplementedError

    def __len__(self) -> int:
        raise NotImplementedError

    @property
    def full(self) -> bool:
        """Whether the reader has to wait for this consumer."""
        return False

    def end(self, error: BaseException | None = None) -> None:
        """Nothing more comes. What waits is still delivered."""
        if not self._closed:
            self._closed, self.error = True, error
            self._wake()

    async def get(self) -> Any:
        """The next event.

        Raises: StopAsyncIteration at the end, or the error that ended it.
        """
        self._gets += 1
        if self._gets % GETS_IN_A_ROW == 0:
            await asyncio.sleep(0)
        while True:
            event = self._next()
            if event is not None:
                return event
            if self._closed:
                if self.error is not None:
                    raise self.error
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("another task is waiting for this consumer already")
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def _wake(self) -> None:
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Buffer(Inbox):
    """Every event in its order; beyond the bound the oldest go, and a `Gap` stands in their place."""

    def __init__(self, limit: int = QUEUE_LIMIT) -> None:
        super().__init__()
        self._limit = limit
        self._events: deque[Any] = deque()
        self._lost: dict[tuple[str, str | None], Gap] = {}
        self.dropped = 0
        """Events lost so far."""

    def put(self, event: Any) -> None:
        if len(self._events) >= self._limit:
            self._drop(self._events.popleft())
        self._events.append(event)
        if self._waiter is not None:
            self._wake()

    def __len__(self) -> int:
        return len(self._events)

    def _next(self) -> Any:
        if self._lost:
            # All that was dropped came before what is left.
            return self._lost.pop(next(iter(self._lost)))
        return self._events.popleft() if self._events else None

    def _drop(self, event: Any) -> None:
        self.dropped += 1
        channel, symbol = lane_of(event), getattr(event, "symbol", None)
        if (channel, symbol) not in self._lost and len(self._lost) >= LOST_KEPT:
            symbol = None  # symbols can be invented without end; channels cannot
        before = self._lost.get((channel, symbol))
        number = getattr(event, "trade_id", None)
        first = number if before is None else before.first
        count = 1 if before is None or before.dropped is None else before.dropped + 1
        self._lost[channel, symbol] = Gap(
            channel, symbol, GapReason.SLOW_CONSUMER, first, number, dropped=count
        )


class Blocking(Buffer):
    """Every event in its order; at the bound the reader waits."""

    def __init__(self, room: Callable[[], None], limit: int = QUEUE_LIMIT) -> None:
        super().__init__(limit)
        self._room = room
        """Told when there is room again."""

    def put(self, event: Any) -> None:
        # A frame may have more events than there is room for; what is taken in excess is bounded by one frame.
        self._events.append(event)
        self._wake()

    @property
    def full(self) -> bool:
        return not self._closed and len(self._events) >= self._limit

    def end(self, error: BaseException | None = None) -> None:
        super().end(error)
        self._room()

    def _next(self) -> Any:
        event = super()._next()
        if len(self._events) == self._limit - 1:
            self._room()
        return event


class Conflating(Inbox):
    """The latest event of each symbol; a break in its stream comes before what follows it."""

    def __init__(self) -> None:
        super().__init__()
        self._events: dict[Any, Any] = {}
        self.replaced = 0
        """Events that a later one took the place of."""

    def put(self, event: Any) -> None:
        kind, channel, symbol = type(event), lane_of(event), getattr(event, "symbol", None)
        key = (kind, channel, symbol, getattr(event, "interval", None))
        if kind is Gap:
            # What came before the break must not come after it, and what comes after it must not take that place.
            gone = [each for each in self._events if each[1:3] == (channel, symbol) and each[0] is not Gap]
            for each in gone:
                del self._events[each]
            self._events.setdefault(key, event)
        else:
            self.replaced += key in self._events
            self._events[key] = event
        if self._waiter is not None:
            self._wake()

    def __len__(self) -> int:
        return len(self._events)

    def _next(self) -> Any:
        if not self._events:
            return None
        return self._events.pop(next(iter(self._events)))


class Queues:
    """Makes queues, and knows those that are still in use."""

    def __init__(self, limit: int) -> None:
        _check(limit, "queue_limit")
        self._limit = limit
        self._made: weakref.WeakSet[Inbox] = weakref.WeakSet()
        self._room = asyncio.Event()
        self.blocking: list[Inbox] = []
        """Those for which the reader waits when they are full."""

    def make(self, policy: Policy | str = Policy.BUFFER, limit: int | None = None) -> Inbox:
        """A new queue.

        Raises: UsageError, if there is no such policy, or the limit makes no sense.
        """
        if policy not in tuple(Policy):
            raise UsageError(f"must be one of {', '.join(Policy)}", field="policy")
        if limit is not None:
            _check(limit, "limit")
        made: Inbox
        if policy == Policy.CONFLATE:
            made = Conflating()
        elif policy == Policy.BUFFER:
            made = Buffer(limit or self._limit)
        else:
            made = Blocking(self._room.set, limit or self._limit)
            self.blocking.append(made)
        return self.add(made)

    def add(self, made: Inbox) -> Inbox:
        """A queue that was made elsewhere; it is ended with all others."""
        self._made.add(made)
        return made

    def forget(self, made: Inbox) -> None:
        """Nobody reads it any more."""
        made.end()
        if made in self.blocking:
            self.blocking.remove(made)
            self._room.set()

    def end(self) -> None:
        """Nothing more comes into any of them."""
        for made in list(self._made):
            made.end()

    async def room(self) -> None:
        """Wait until none is full for which the reader has to wait."""
        while any(made.full for made in self.blocking):
            self._room.clear()
            await self._room.wait()


def _check(limit: int, field: str) -> None:
    if limit < 2:
        raise UsageError("must be at least 2", field=field)
