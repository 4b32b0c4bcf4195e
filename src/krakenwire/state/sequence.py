"""Sequence numbers of a stream: what is in order, what came twice, what is missing.

Kraken numbers the messages of a subscription 1, 2, 3, … on the channels `executions` and `balances`. A
number says nothing beyond its own subscription and connection, so a snapshot or a reset starts from
whatever number comes next.

A message that is ahead is held until the hole before it is filled. Holding is bounded twice: a key holds at
most `buffer_limit` messages, and each at most `hold_seconds`. Beyond either bound the hole is declared a
gap, once, and what follows is released in order. On one TCP stream a hole can never fill, so there a limit
of 0 is right: the gap is declared and the message released in the same call.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

from msgspec import Struct

from krakenwire.errors import UsageError

M = TypeVar("M")

KEY_LIMIT = 4096
"""Keys a tracker follows. Messages of further keys are passed on at once and counted in `untracked`."""

_ANY = -1
"""Expected where any number will do. No message has it."""


class SequenceGap(Struct, frozen=True):
    """The numbers from `expected` up to, but without, `got` never came."""

    key: Hashable
    expected: int
    got: int

    @property
    def missing(self) -> int:
        """How many messages never came."""
        return self.got - self.expected


class SequenceResult(Struct, Generic[M], frozen=True):
    """What became of one message. Nothing released and no duplicate: it is held until the hole is filled."""

    released: tuple[M, ...]
    """Messages to process now, in order. A gap, if any, lies before the first of them."""
    duplicate: bool = False
    """The number was seen before; the message is dropped."""
    gap: SequenceGap | None = None
    tracked: bool = True
    """False: there were too many keys to follow this one, so the order is not proven."""


class SequenceStatus(Struct, frozen=True):
    """Counts of one key since it was first seen."""

    expected: int | None
    """The next number in order; None after a reset: any number will do."""
    received: int
    """All messages, duplicates included."""
    duplicates: int
    gaps: int
    buffered: int
    """Messages held now."""


class _Stream(Generic[M]):
    """One key: the next number and the messages that are ahead of it."""

    __slots__ = ("duplicates", "expected", "gaps", "held", "received")

    def __init__(self) -> None:
        self.expected = _ANY
        self.received = 0
        self.duplicates = 0
        self.gaps = 0
        # In order of arrival, so the first entry has waited longest.
        self.held: dict[int, tuple[M, float]] = {}

    def release(self) -> list[M]:
        """The held messages that are in order now."""
        released: list[M] = []
        while self.expected in self.held:
            released.append(self.held.pop(self.expected)[0])
            self.expected += 1
        return released

    def skip(self, key: Hashable) -> SequenceResult[M]:
        """Gives up the hole before the lowest held number. Something must be held, and ahead."""
        gap = SequenceGap(key, self.expected, min(self.held))
        self.gaps += 1
        self.expected = gap.got
        return SequenceResult(tuple(self.release()), gap=gap)


class SequenceTracker(Generic[M]):
    """Puts numbered messages in order, per key, and says what came twice or never.

    - `track` each message and process what it releases;
    - if `buffer_limit` is not 0, call `expire` no later than `deadline`: time is the caller's, in seconds.

    `received`, `duplicates` and `gaps` count since construction. `discarded` counts held messages that a
    snapshot or a reset made obsolete, `untracked` messages of keys beyond KEY_LIMIT.
    """

    def __init__(self, *, buffer_limit: int = 100, hold_seconds: float = 5.0) -> None:
        if type(buffer_limit) is not int or buffer_limit < 0:
            raise UsageError("must be an integer, 0 or more", field="buffer_limit")
        if not hold_seconds > 0:  # also refuses NaN
            raise UsageError("must be more than 0 seconds", field="hold_seconds")
        self._buffer_limit = buffer_limit
        self._hold_seconds = hold_seconds
        self._streams: dict[Hashable, _Stream[M]] = {}
        self._waiting: dict[Hashable, _Stream[M]] = {}
        self.received = 0
        self.duplicates = 0
        self.gaps = 0
        self.discarded = 0
        self.untracked = 0

    def track(
        self, key: Hashable, sequence: int, message: M, *, now: float = 0.0, snapshot: bool = False
    ) -> SequenceResult[M]:
        """Takes one message. A snapshot is never a duplicate: it is the new base, and discards what is held.

        Raises: UsageError if `sequence` is not an integer of 0 or more.
        """
        if type(sequence) is not int or sequence < 0:
            raise UsageError("must be an integer, 0 or more", field="sequence")
        self.received += 1
        stream = self._streams.get(key)
        if stream is None:
            if len(self._streams) >= KEY_LIMIT:
                self.untracked += 1
                return SequenceResult((message,), tracked=False)
            stream = self._streams[key] = _Stream()
        stream.received += 1
        if snapshot:
            self._start_anew(key, stream)
        if stream.expected in {sequence, _ANY}:
            stream.expected = sequence + 1
            if not stream.held:
                return SequenceResult((message,))
            result: SequenceResult[M] = SequenceResult((message, *stream.release()))
        elif sequence < stream.expected or sequence in stream.held:
            stream.duplicates += 1
            self.duplicates += 1
            return SequenceResult((), duplicate=True)
        else:
            stream.held[sequence] = (message, now)
            if len(stream.held) <= self._buffer_limit:
                self._waiting[key] = stream
                return SequenceResult(())
            self.gaps += 1
            result = stream.skip(key)
        if not stream.held:
            self._waiting.pop(key, None)
        return result

    def advance(self, key: Hashable, sequence: int) -> bool:
        """Takes the number of one message if it is the next in order and nothing is held: then it needs no more than that.

        False: nothing was done, `track` it.
        """
        stream = self._streams.get(key)
        if stream is None or stream.expected != sequence or stream.held or sequence < 0:
            return False
        stream.expected = sequence + 1
        stream.received += 1
        self.received += 1
        return True

    def expire(self, now: float) -> tuple[SequenceResult[M], ...]:
        """Gives up every hole behind which a message was held for `hold_seconds`: one result per hole."""
        given_up: list[SequenceResult[M]] = []
        for key, stream in list(self._waiting.items()):
            while stream.held and self._due(stream) <= now:
                given_up.append(stream.skip(key))
                self.gaps += 1
            if not stream.held:
                del self._waiting[key]
        return tuple(given_up)

    @property
    def deadline(self) -> float | None:
        """When to call `expire`, on the caller's clock; None while nothing is held."""
        return min((self._due(stream) for stream in self._waiting.values()), default=None)

    def reset(self, key: Hashable) -> None:
        """Any number may come next for this key. Its counts stay, what was held is discarded."""
        stream = self._streams.get(key)
        if stream is not None:
            self._start_anew(key, stream)

    def reset_all(self) -> None:
        """As `reset`, for every key: right after a reconnect."""
        for key, stream in self._streams.items():
            self._start_anew(key, stream)

    def forget(self, key: Hashable) -> None:
        """Drops a key with its counts and makes room for another."""
        self.reset(key)
        self._streams.pop(key, None)

    def status(self) -> dict[Hashable, SequenceStatus]:
        """The counts of every key followed."""
        return {
            key: SequenceStatus(
                expected=None if stream.expected == _ANY else stream.expected,
                received=stream.received,
                duplicates=stream.duplicates,
                gaps=stream.gaps,
                buffered=len(stream.held),
            )
            for key, stream in self._streams.items()
        }

    def _due(self, stream: _Stream[M]) -> float:
        """When the message that has waited longest may wait no more."""
        return next(iter(stream.held.values()))[1] + self._hold_seconds

    def _start_anew(self, key: Hashable, stream: _Stream[M]) -> None:
        self.discarded += len(stream.held)
        stream.held.clear()
        stream.expected = _ANY
        self._waiting.pop(key, None)
