"""What the handler counts, and how often it may speak about it. Every table here is bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping

NAMES_KEPT = 1_000
"""Callbacks that are counted by name. All further ones are counted as one."""

OTHERS = "others"
"""The name they share."""

KINDS_KEPT = 1_000
"""Kinds of trouble whose last report is remembered. All further ones share one report a minute."""

REPORT_SECONDS = 60.0
"""A kind of trouble is reported once in so long, with how often it happened."""


TIMED = 8
"""One frame of so many of a channel has its time taken, the first of them among these: the clock costs a thirtieth of what a frame does."""


class ChannelTimes:
    """One channel: its frames and the seconds that some of them took."""

    __slots__ = ("callback_seconds", "messages", "seconds", "timed", "waited_seconds")

    def __init__(self) -> None:
        self.messages = 0
        self.timed = 0
        """Frames that `seconds` and `callback_seconds` are about."""
        self.seconds = 0.0
        """For decoding, state and proof."""
        self.callback_seconds = 0.0
        """For callbacks, as far as none of them suspended."""
        self.waited_seconds = 0.0
        """For callbacks from the first suspension on; of every frame, because this time is taken anyway."""

    @property
    def average(self) -> float:
        """Seconds per frame for decoding, state and proof."""
        return self.seconds / self.timed

    @property
    def callback_average(self) -> float:
        """Seconds per frame for callbacks."""
        return self.callback_seconds / self.timed + self.waited_seconds / self.messages


class Throttle:
    """Lets so many reports of a kind through in `REPORT_SECONDS`."""

    def __init__(self, reports: int = 1) -> None:
        self._most = reports
        self._since: dict[Hashable, float] = {}
        """When the time of a kind began that is running or was the last."""
        self._admitted: Counter[Hashable] = Counter()
        """Reports in that time."""
        self._count: Counter[Hashable] = Counter()
        """What happened and was not reported yet."""

    def admit(self, kind: Hashable, now: float) -> int:
        """How often it has happened since it was last reported, this time included. 0: it must not be reported now."""
        if kind not in self._since and len(self._since) >= KINDS_KEPT:
            kind = OTHERS
        self._count[kind] += 1
        since = self._since.get(kind)
        if since is None or now - since >= REPORT_SECONDS:
            self._since[kind], self._admitted[kind] = now, 0
        elif self._admitted[kind] >= self._most:
            return 0
        self._admitted[kind] += 1
        return self._count.pop(kind)

    def overdue(self, now: float) -> list[tuple[Hashable, int]]:
        """Kinds whose time is over with something unreported, and how often that happened. It counts as reported."""
        found = [kind for kind in self._count if now - self._since[kind] >= REPORT_SECONDS]
        return [(kind, self._count.pop(kind)) for kind in found]


class CallbackCounts:
    """What went wrong in callbacks, in all and by name."""

    def __init__(self) -> None:
        self.total: Counter[str] = Counter()
        self._by_name: dict[str, Counter[str]] = {}

    def add(self, name: str, trouble: str) -> None:
        """One more `errors`, `timeouts` or `slow`."""
        if name not in self._by_name and len(self._by_name) >= NAMES_KEPT:
            name = OTHERS
        self._by_name.setdefault(name, Counter())[trouble] += 1
        self.total[trouble] += 1

    def by_name(self) -> Mapping[str, Mapping[str, int]]:
        """A copy; a callback with nothing wrong is not in it."""
        return {name: dict(counts) for name, counts in self._by_name.items()}
