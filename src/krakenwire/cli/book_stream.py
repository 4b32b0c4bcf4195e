"""What became of one book of a capture: proven or not at every message, and blind in between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from krakenwire.cli.streams import KEPT, Stream
from krakenwire.events import BookLost
from krakenwire.state.level2 import Difference
from krakenwire.state.level3 import QueueDifference
from krakenwire.state.queues import OrderLevel
from krakenwire.text import counted, shown
from krakenwire.wire.book import BookLevel
from krakenwire.wire.timestamps import parse_ns


class Blind(Struct):
    """An interval in which a book could not be read. Unhealed, it lasts to the end of the capture."""

    reason: str
    from_line: int
    from_timestamp: str | None
    to_line: int | None = None
    to_timestamp: str | None = None
    seconds: float = 0.0
    healed_by: str | None = None
    """`snapshot` or `update`."""
    discarded: int = 0
    """Updates that came meanwhile."""


class Changed(Struct, frozen=True):
    """A price whose place or quantity among the ten best is not as it was when the book was last proven."""

    side: str
    """`bid` or `ask`."""
    price: str
    level: int
    """Where it stands, or stood if it is gone; 1 is the best."""
    proven: str | None
    """The quantity then; None if it was not among the ten best."""
    now: str | None
    """The quantity now; None if it is not among the ten best."""


class Failure(Struct, frozen=True):
    """The first message of a book that failed."""

    line: int
    timestamp: str | None
    reason: str
    expected: int | None
    computed: int | None
    proven_line: int | None
    """The last line that proved the book; None if none did."""
    seconds_since_proof: float | None
    updates_since_proof: int
    """Messages of this book since then, the failed one included."""
    changed: list[Changed]
    """Which levels these messages changed."""


class BookStream(Stream):
    """A Level 2 or level3 book, proven at every message. Times are nanoseconds since 1970."""

    __slots__ = (
        "_blind_since",
        "blind",
        "blind_seconds",
        "depth",
        "discarded",
        "doubt",
        "failed",
        "failure",
        "intervals",
        "intervals_kept",
        "proven_line",
        "proven_timestamp",
        "unproven_run",
        "unverifiable",
        "verified",
    )

    def __init__(self, channel: str, symbol: str | None) -> None:
        super().__init__(channel, symbol)
        self.depth: int | None = None
        """Levels a side, as stated or concluded; None while no snapshot was proven."""
        self.verified = 0
        self.failed = 0
        self.unverifiable = 0
        self.discarded = 0
        """Of the unverifiable ones, those that came while there was no book to change."""
        self.doubt: str | None = None
        """Why the first message that could not be proven could not."""
        self.failure: Failure | None = None
        self.blind: Blind | None = None
        """The interval that is not over yet."""
        self.intervals = 0
        self.intervals_kept: list[Blind] = []
        self.blind_seconds = 0.0
        self.proven_line: int | None = None
        self.proven_timestamp: str | None = None
        self.unproven_run = 0
        """Messages since the last proof that neither proved the book nor refuted it."""
        self._blind_since = 0

    def lose(self, event: BookLost, line: int, now: int) -> None:
        """A message failed its proof, or cannot be used. What a break began already is no failure of a message."""
        if self.blind is not None and self.blind.from_line == line:
            return
        self.take(line)
        self.failed += 1
        if self.failure is None:
            self.failure = self._explained(event, line, now)
        self.begin_blind(event.reason, line, event.timestamp, now)

    def begin_blind(self, reason: str, line: int, timestamp: str | None, now: int) -> None:
        """The book cannot be read from here on."""
        if self.blind is not None:
            return
        stamp = None if timestamp is None else shown(timestamp)
        self.blind = Blind(shown(reason), line, stamp)
        self._blind_since = _instant(timestamp, now)
        self.intervals += 1
        if len(self.intervals_kept) < KEPT:
            self.intervals_kept.append(self.blind)

    def heal(self, healed_by: str, line: int, timestamp: str | None, now: int) -> None:
        """The book is proven again."""
        if self.blind is not None:
            self.blind.to_line = line
            self.blind.to_timestamp = None if timestamp is None else shown(timestamp)
            self.blind.healed_by = healed_by
            self._end_blind(_instant(timestamp, now))

    def end(self, now: int) -> None:
        """The capture is over."""
        if self.blind is not None:
            self._end_blind(now)

    def _end_blind(self, now: int) -> None:
        if self.blind is not None:
            self.blind.seconds = max(0, now - self._blind_since) / 1e9
            self.blind_seconds += self.blind.seconds
            self.blind = None

    def _explained(self, event: BookLost, line: int, now: int) -> Failure:
        since = None
        if self.proven_line is not None:
            proven = parse_ns(self.proven_timestamp)
            since = None if proven is None else max(0, _instant(event.timestamp, now) - proven) / 1e9
        return Failure(
            line,
            None if event.timestamp is None else shown(event.timestamp),
            shown(event.reason),
            event.expected,
            event.computed,
            self.proven_line,
            since,
            self.unproven_run + 1,
            _changes(event.differences),
        )

    @property
    def troubled(self) -> bool:
        return bool(self.failed or self.unverifiable or self.intervals or self.gaps)

    def counts(self) -> list[tuple[int, str]]:
        return [
            (self.verified, "verified"),
            (self.failed, "failed"),
            (self.unverifiable, "unverifiable"),
        ]

    def numbers(self) -> dict[str, float]:
        return super().numbers() | {
            "discarded": self.discarded,
            "blind_intervals": self.intervals,
            "blind_seconds": round(self.blind_seconds, 6),
        }

    def as_dict(self) -> dict[str, Any]:
        return super().as_dict() | {
            "depth": self.depth,
            "unverifiable_because": self.doubt,
            "first_failure": None if self.failure is None else _failure(self.failure),
            "first_intervals": [asdict(blind) for blind in self.intervals_kept],
        }


def _failure(failure: Failure) -> dict[str, Any]:
    return asdict(failure) | {"changed": [asdict(changed) for changed in failure.changed]}


def _instant(timestamp: str | None, now: int) -> int:
    found = parse_ns(timestamp)
    return now if found is None else found


def _changes(differences: Sequence[Difference | QueueDifference]) -> list[Changed]:
    """Differences by position, told by price: a level that was removed moves all those behind it, and yet is one change."""
    found = []
    for side in ("ask", "bid"):
        own = [difference for difference in differences if difference.side == side]
        proven = {level.price: (at.position, level) for at in own if (level := at.verified) is not None}
        now = {level.price: (at.position, level) for at in own if (level := at.now) is not None}
        for price in proven | now:
            before, after = proven.get(price), now.get(price)
            place, level = after or before or (0, None)
            if level is not None and (before is None or after is None or before[1] != after[1]):
                text = shown(level.price_text)
                found.append(Changed(side, text, place, _quantity(before), _quantity(after)))
    return sorted(found, key=lambda changed: (changed.side, changed.level))


def _quantity(place: tuple[int, BookLevel | OrderLevel] | None) -> str | None:
    """The quantity of a level of either kind of book, with the digits received."""
    if place is None:
        return None
    level = place[1]
    if isinstance(level, OrderLevel):
        return shown(f"{level.qty:f} in {counted(len(level.orders), 'order')}")
    return shown(level.qty_text)
