"""How often something worth a metric was told. Only kinds of events that never come fast are listened to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from krakenwire.events import SubscriptionRejected

KEYS_KEPT = 1_000
"""Names counted of one kind. Channels come from the wire in some of them, so further ones count as one."""

OTHER = "other"


class Facts:
    """Counts since construction."""

    def __init__(self) -> None:
        self.gaps: Counter[str] = Counter()
        """By reason; without those that only one slow consumer saw."""
        self.books_lost: Counter[str] = Counter()
        """By channel, as all below."""
        self.books_disputed: Counter[str] = Counter()
        self.resyncs: Counter[str] = Counter()
        self.rejected: Counter[str] = Counter()
        """Frames, or entries of them, that could not be used."""
        self.refused: Counter[str] = Counter()
        """Subscriptions that Kraken refused for good."""
        self.drift: Counter[str] = Counter()
        """Reports of fields that this version does not know."""
        self.unknown = 0
        """Frames of a channel or method that this version does not know."""

    def takers(self) -> dict[str, Callable[[Any], None]]:
        """Who counts, by the name of the events that have to come there."""
        return {
            "gap": lambda event: self._add(self.gaps, event.reason.value),
            "book_lost": lambda event: self._add(self.books_lost, event.channel),
            "book_disputed": lambda event: self._add(self.books_disputed, event.channel),
            "resync_needed": lambda event: self._add(self.resyncs, event.channel),
            "frame_rejected": lambda event: self._add(self.rejected, event.channel),
            "schema_drift": lambda event: self._add(self.drift, event.channel),
            "subscription_rejected": self._refused,
            "unknown": self._unknown,
        }

    def _refused(self, event: SubscriptionRejected) -> None:
        if not event.retried:
            self._add(self.refused, event.channel)

    def _unknown(self, _: object) -> None:
        self.unknown += 1

    @staticmethod
    def _add(counts: Counter[str], key: str | None) -> None:
        name = key or OTHER
        counts[name if name in counts or len(counts) < KEYS_KEPT else OTHER] += 1
