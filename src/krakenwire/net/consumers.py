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

EVERY_ONE_IS_NEWS = frozenset({"executions", "balances", "*"})
"""Fills and ledger entries follow each other, of one symbol or of none; to keep the latest only would lose the others without a word."""

LOST_KEPT = 1_000
"""Channels and symbols whose loss is told apart; of all further ones it is told by channel."""

TURN_SECONDS = 0.001
"""How long a consumer takes events without a pause, before everything else in the loop has its turn."""

EVENTS_IN_A_ROW = 256
"""Nor more events than that, on a clock that stands still. The reader reads fewer frames in its own turn: a queue must not fill up while
its consumer is fast enough.
"""


class Policy(StrEnum):
    """What a queue does when it is full."""

    CONFLATE = "conflate"
    BUFFER = "buffer"
    BLOCK = "block"


class Inbox:
    """What waits for one consumer, and the end of it. One task at a time may wait for it."""

    policy = Policy.CONFLATE
    dropped = 0
    """Events lost so far because the consumer was too slow."""

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._taken = 0
        self._turn = 0.0
        self.error: BaseException | None = None
        """Why there will be nothing more; None if the consumer itself was closed."""

    def put(self, event: Any) -> None:
        """Take an event. Never waits."""
        raise NotImplementedError

    def take(self) -> Any:
        """The next event, or None while there is none. Never waits."""
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
        loop = asyncio.get_running_loop()
        self._taken += 1
        if self._taken >= EVENTS_IN_A_ROW or loop.time() - self._turn > TURN_SECONDS:
            await asyncio.sleep(0)
            self._taken, self._turn = 0, loop.time()
        while True:
            event = self.take()
            if event is not None:
                return event
            if self._closed:
                if self.error is not None:
                    raise self.error
                raise StopAsyncIteration
            if self._waiter is not None:
                raise RuntimeError("another task is waiting for this consumer already")
            waiter = self._waiter = loop.create_future()
            try:
                await waiter
            finally:
                if self._waiter is waiter:
                    self._waiter = None
            self._taken, self._turn = 0, loop.time()

    def _wake(self) -> None:
        # Woken once: what is put before the consumer runs need not look again.
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)


class Buffer(Inbox):
    """Every event in its order; beyond the bound the oldest go, and a `Gap` stands in their place."""

    policy = Policy.BUFFER

    def __init__(self, limit: int = QUEUE_LIMIT) -> None:
        super().__init__()
        self._limit = limit
        self._events: deque[Any] = deque()
        self._lost: dict[tuple[str, str | None], Gap] = {}

    def put(self, event: Any) -> None:
        if len(self._events) >= self._limit:
            self._drop(self._events.popleft())
        self._events.append(event)
        if self._waiter is not None:
            self._wake()

    def __len__(self) -> int:
        return len(self._events)

    def take(self) -> Any:
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
        ids: list[int] = []
        if channel == "trade":
            # Fetched trades come after later ones, and a gap that is dropped names trades as well.
            named = [getattr(event, name, None) for name in ("trade_id", "first", "last")]
            named += [] if before is None else [before.first, before.last]
            ids = [each for each in named if each is not None]
        count = 1 if before is None or before.dropped is None else before.dropped + 1
        self._lost[channel, symbol] = Gap(
            channel,
            symbol,
            GapReason.SLOW_CONSUMER,
            min(ids, default=None),
            max(ids, default=None),
            dropped=count,
        )


class Blocking(Buffer):
    """Every event in its order; at the bound the reader waits."""

    policy = Policy.BLOCK

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

    def take(self) -> Any:
        event = super().take()
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
            gone = [
                each
                for each in self._events
                if each[0] is not Gap and each[1] == channel and symbol in (None, each[2])
            ]
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

    def take(self) -> Any:
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
        self._dropped_before = 0
        """Events lost by queues that nobody reads any more."""

    @property
    def dropped(self) -> int:
        """Events that slow consumers lost so far."""
        return self._dropped_before + sum(made.dropped for made in list(self._made))

    def depths(self) -> list[tuple[Policy, int]]:
        """Of each queue in use its policy and how many events wait in it."""
        return [(made.policy, len(made)) for made in list(self._made)]

    def make(self, about: str, policy: Policy | str = Policy.BUFFER, limit: int | None = None) -> Inbox:
        """A new queue for events of a channel, of a fact, or (`*`) of everything.

        Raises: UsageError, if there is no such policy or it does not fit the events, or the limit makes no sense.
        """
        if policy not in tuple(Policy):
            raise UsageError(f"must be one of {', '.join(Policy)}", field="policy")
        if policy == Policy.CONFLATE and about in EVERY_ONE_IS_NEWS:
            what = "an event of any kind" if about == "*" else f"an event of {about}"
            raise UsageError(
                f"{what} is not made needless by a later one: use buffer or block", field="policy"
            )
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
        if made in self._made:
            self._made.discard(made)
            self._dropped_before += made.dropped
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
