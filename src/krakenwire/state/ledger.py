"""When each subscription was connected, acknowledged, delivering and verified, and what ended it.

The states of a subscription are nested: what is verified is delivering, what delivers was acknowledged, and
so on. So opening a state opens those below it, and closing one closes those above it, with the same cause.
`WANTED` is the lowest: it starts with the first thing known of a subscription and ends when the caller no
longer wants it. Every share of time is a share of the wanted time, so an outage counts against us.

Only channels that carry proof can be verified: checksums (book, level3), trade ids (trade), sequence numbers
(executions, balances). The others are *unprovable*: they deliver, and never count as verified.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from enum import Enum, StrEnum, unique

from msgspec import Struct
from msgspec.structs import astuple

from krakenwire.errors import UsageError

PROVABLE = frozenset({"book", "level3", "trade", "executions", "balances"})
MAX_INTERVALS = 256
"""Intervals kept of each state of a subscription; older ones live on as a total."""
MAX_SUBSCRIPTIONS = 10_000


@unique
class State(Enum):
    """How good a subscription is; each state holds the ones before it."""

    WANTED = 0
    CONNECTED = 1
    ACKED = 2
    DELIVERING = 3
    VERIFIED = 4


class Interval(Struct, frozen=True):
    """Time in which a state held, by the caller's clock; `end` and `cause` are None while it lasts."""

    start: float
    end: float | None = None
    cause: str | None = None


class Trust(StrEnum):
    """Answer to the question whether data of a time can be trusted."""

    VERIFIED = "verified"
    PARTLY = "partly"
    UNVERIFIED = "unverified"
    UNPROVABLE = "unprovable"
    UNKNOWN = "unknown"
    """No such subscription."""


class Uncovered(Struct, frozen=True):
    """Part of the time asked for that is not verified, and why."""

    start: float
    end: float
    cause: str


class Verdict(Struct, frozen=True):
    """What can be said about the data of one subscription between two times.

    For an unprovable channel `uncovered` names the parts in which it was not even delivering.
    """

    channel: str
    symbol: str | None
    start: float
    end: float
    trust: Trust
    uncovered: tuple[Uncovered, ...]

    @property
    def verified(self) -> bool:
        """Whether every moment asked for is proven."""
        return self.trust is Trust.VERIFIED


class Totals(Struct, frozen=True):
    """Sums over every subscription, from which shares are drawn."""

    wanted: float
    """Seconds in which subscriptions were wanted."""
    good: float
    """Seconds in which they were as good as their channel can be."""
    provable: float
    """Seconds in which subscriptions with proof were wanted."""
    verified: float
    """Seconds in which they were verified."""
    messages: int
    """Messages that something could prove."""
    messages_verified: int

    @classmethod
    def of(cls, ledgers: Iterable[Ledger], now: float) -> Totals:
        """The sums over several ledgers, up to now."""
        nothing = cls(0.0, 0.0, 0.0, 0.0, 0, 0)
        each = [astuple(nothing), *[astuple(ledger.totals(now)) for ledger in ledgers]]
        return cls(*map(sum, zip(*each, strict=True)))

    @property
    def verified_message_ratio(self) -> float | None:
        """Verified share of the messages that something could prove; None if there was none."""
        return self.messages_verified / self.messages if self.messages else None

    @property
    def verified_time_ratio(self) -> float | None:
        """Verified share of the time in which provable subscriptions were wanted; None if there was none."""
        return self.verified / self.provable if self.provable else None

    @property
    def clean_ratio(self) -> float | None:
        """Share of the wanted time in which subscriptions were as good as their channel can be.

        That is verified where there is proof, and delivering where there is none. None if nothing was wanted.
        """
        return self.good / self.wanted if self.wanted else None


class Timeline:
    """Intervals of one state, oldest first. They never overlap; the oldest become a total."""

    __slots__ = ("_limit", "_past", "cause", "forgotten", "last_forgotten", "since", "summed")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._past: deque[Interval] = deque()
        self.since: float | None = None
        self.cause: str | None = None
        """What ended the last interval that was closed."""
        self.forgotten = 0
        self.last_forgotten: Interval | None = None
        self.summed = 0.0
        """Seconds of every closed interval, the forgotten ones too."""

    def open(self, now: float) -> None:
        if self.since is None:
            self.since = now

    def close(self, now: float, cause: str) -> None:
        if self.since is None:
            return
        self._past.append(Interval(self.since, now, cause))
        self.summed += now - self.since
        self.since, self.cause = None, cause
        if len(self._past) > self._limit:
            self.forgotten += 1
            self.last_forgotten = self._past.popleft()

    def total(self, now: float) -> float:
        """Seconds in this state up to `now`."""
        return self.summed + (0.0 if self.since is None else max(0.0, now - self.since))

    def intervals(self) -> tuple[Interval, ...]:
        return (*self._past, *(() if self.since is None else (Interval(self.since),)))


class Entry:
    """One subscription. The counters are for the one who handles its messages to add to."""

    __slots__ = (
        "_at",
        "_lines",
        "channel",
        "failed",
        "messages",
        "provable",
        "symbol",
        "unverified",
        "verified",
    )

    def __init__(self, channel: str, symbol: str | None, *, limit: int) -> None:
        self.channel = channel
        self.symbol = symbol
        self.provable = channel in PROVABLE
        self.messages = 0
        self.verified = 0
        self.unverified = 0
        self.failed = 0
        self._lines = {state: Timeline(limit) for state in State}
        self._at: float | None = None

    def __getitem__(self, state: State) -> Timeline:
        return self._lines[state]

    def open(self, state: State, now: float) -> None:
        """The state holds from now on, and with it those below it."""
        now = self._forward(now)
        if state is State.VERIFIED and not self.provable:
            state = State.DELIVERING
        for each, line in self._lines.items():
            if each.value <= state.value:
                line.open(now)

    def close(self, state: State, now: float, cause: str) -> None:
        """The state has ended, and with it those above it."""
        now = self._forward(now)
        for each, line in self._lines.items():
            if each.value >= state.value:
                line.close(now, cause)

    def _forward(self, now: float) -> float:
        # A break is dated to the last good message, which may lie before the change booked last; time that
        # ran backwards would make intervals overlap.
        self._at = now if self._at is None else max(now, self._at)
        return self._at


class Ledger:
    """The intervals and counters of every subscription, and the shares and answers drawn from them."""

    def __init__(
        self, *, max_intervals: int = MAX_INTERVALS, max_subscriptions: int = MAX_SUBSCRIPTIONS
    ) -> None:
        if max_intervals < 1 or max_subscriptions < 1:
            raise UsageError("the bounds of a ledger are at least 1")
        self._max_intervals = max_intervals
        self._max_subscriptions = max_subscriptions
        self._entries: dict[tuple[str, str | None], Entry] = {}
        self._latest: float | None = None
        self.refused = 0
        """How often a subscription found the ledger full and got an entry that is not in it."""

    def __len__(self) -> int:
        return len(self._entries)

    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entries.values())

    def entry(self, channel: str, symbol: str | None) -> Entry:
        """The entry of a subscription, made if need be.

        In a full ledger it is an entry that nothing else sees; `refused` tells how often that happened.
        """
        key = (channel, symbol)
        found = self._entries.get(key)
        if found is None:
            found = Entry(channel, symbol, limit=self._max_intervals)
            if len(self._entries) < self._max_subscriptions:
                self._entries[key] = found
            else:
                self.refused += 1
        return found

    def open(self, channel: str, symbol: str | None, state: State, now: float) -> Entry:
        """Book that a state holds from now on, and give the entry back for counting."""
        self._seen(now)
        entry = self.entry(channel, symbol)
        entry.open(state, now)
        return entry

    def close(self, channel: str, symbol: str | None, state: State, now: float, *, cause: str) -> None:
        """Book that a state has ended. A subscription that is not in the ledger has nothing to end."""
        self._seen(now)
        entry = self._entries.get((channel, symbol))
        if entry is not None:
            entry.close(state, now, cause)

    def close_all(self, now: float, cause: str) -> None:
        """Book that the connection ended. Whatever was wanted stays wanted."""
        self._seen(now)
        for entry in self._entries.values():
            entry.close(State.CONNECTED, now, cause)

    def intervals(
        self, channel: str, symbol: str | None, state: State = State.VERIFIED
    ) -> tuple[Interval, ...]:
        entry = self._entries.get((channel, symbol))
        return () if entry is None else entry[state].intervals()

    def totals(self, now: float) -> Totals:
        """The sums up to now."""
        entries = self._entries.values()
        provable = [entry for entry in entries if entry.provable]
        return Totals(
            wanted=sum(entry[State.WANTED].total(now) for entry in entries),
            good=sum(entry[_best(entry)].total(now) for entry in entries),
            provable=sum(entry[State.WANTED].total(now) for entry in provable),
            verified=sum(entry[State.VERIFIED].total(now) for entry in provable),
            # A message without verdict counts against us, and a verdict without message still is one.
            messages=sum(max(e.messages, e.verified + e.unverified + e.failed) for e in provable),
            messages_verified=sum(entry.verified for entry in provable),
        )

    def verified_time_ratio(self, now: float) -> float | None:
        """That of the totals."""
        return self.totals(now).verified_time_ratio

    def verified_message_ratio(self) -> float | None:
        """That of the totals."""
        return self.totals(0.0).verified_message_ratio

    def clean_ratio(self, now: float) -> float | None:
        """That of the totals."""
        return self.totals(now).clean_ratio

    def trust(
        self, channel: str, symbol: str | None, start: float, end: float, *, now: float | None = None
    ) -> Verdict:
        """Whether the data between two times is proven, and which parts are not, with their causes.

        An interval that still lasts reaches to `now`, by default the latest time the ledger was told.

        Raises:
            UsageError: `end` lies before `start`.
        """
        if end < start:
            raise UsageError("a time ends before it starts", field="end")
        entry = self._entries.get((channel, symbol))
        if entry is None:
            parts = (Uncovered(start, end, "not subscribed"),)
            return Verdict(channel, symbol, start, end, Trust.UNKNOWN, parts)
        reach = now if now is not None else self._latest if self._latest is not None else start
        uncovered = _uncovered(entry, start, end, reach)
        if not entry.provable:
            trust = Trust.UNPROVABLE
        elif not uncovered:
            trust = Trust.VERIFIED
        elif sum(part.end - part.start for part in uncovered) < end - start:
            trust = Trust.PARTLY
        else:
            trust = Trust.UNVERIFIED
        return Verdict(channel, symbol, start, end, trust, uncovered)

    def _seen(self, now: float) -> None:
        self._latest = now if self._latest is None else max(now, self._latest)


def _best(entry: Entry) -> State:
    return State.VERIFIED if entry.provable else State.DELIVERING


def _uncovered(entry: Entry, start: float, end: float, reach: float) -> tuple[Uncovered, ...]:
    """The parts between two times that the best state of an entry does not cover, in order."""
    line = entry[_best(entry)]
    cause = f"not yet {_best(entry).name.lower()}"
    parts: list[Uncovered] = []
    cursor = start
    lost = line.last_forgotten
    if lost is not None and lost.end is not None and lost.cause is not None:
        cause = lost.cause
        if start < lost.end:
            cursor = min(end, lost.end)
            parts.append(Uncovered(start, cursor, "too long ago: the intervals are no longer kept"))
            if cursor == end:
                return tuple(parts)
    for interval in line.intervals():
        stop = max(interval.start, reach) if interval.end is None else interval.end
        if interval.start > end:
            break
        if start == end and interval.start <= start <= stop:
            # A single moment is covered by an interval that merely touches it; a longer time is not.
            return ()
        if interval.start > cursor:
            parts.append(Uncovered(cursor, interval.start, cause))
        cursor = max(cursor, stop)
        cause = "not yet known" if interval.cause is None else interval.cause
    if cursor < end or start == end:
        parts.append(Uncovered(min(cursor, end), end, cause))
    return tuple(parts)
