"""What became of each stream of a capture: one channel of one symbol, or of the whole connection.

The words are those of the proof: a book message is verified, failed or unverifiable; a trade complete; an executions or balances frame in
sequence; everything else is unprovable, because nothing on the wire could prove it. Books are in `book_stream`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

KEPT = 20
"""Gaps, blind intervals and the like that are kept of each stream; the rest is counted."""


class Missing(Struct, frozen=True):
    """Numbers that never came, found at a line. `first` and `last` are None where the numbering started anew."""

    line: int
    first: int | None
    last: int | None


class Stream:
    """A stream whose messages nothing on the wire proves."""

    __slots__ = (
        "channel",
        "frames",
        "gaps",
        "line",
        "missing",
        "missing_kept",
        "notes",
        "repeated",
        "symbol",
    )

    def __init__(self, channel: str, symbol: str | None) -> None:
        self.channel = channel
        self.symbol = symbol
        self.frames = 0
        self.line = 0
        """The last line that belonged to it."""
        self.repeated = 0
        """What came a second time and was dropped."""
        self.gaps = 0
        self.missing = 0
        """Numbers that never came."""
        self.missing_kept: list[Missing] = []
        self.notes: Counter[str] = Counter()
        """What else is worth a number, by its word."""

    def take(self, line: int) -> bool:
        """Count the frame of an entry. False: another entry of it was counted before."""
        if self.line == line:
            return False
        self.line = line
        self.frames += 1
        return True

    def gap(self, line: int, first: int | None, last: int | None) -> None:
        """Numbers are missing."""
        self.gaps += 1
        if first is not None and last is not None:
            self.missing += last - first + 1
        if len(self.missing_kept) < KEPT:
            self.missing_kept.append(Missing(line, first, last))

    @property
    def troubled(self) -> bool:
        """Whether a reader should look here first."""
        return bool(self.gaps)

    def counts(self) -> list[tuple[int, str]]:
        """The numbers of its row, in order."""
        return [(self.frames, "unprovable")]

    def numbers(self) -> dict[str, float]:
        """Everything that can be added up over several captures."""
        told: dict[str, float] = {"frames": self.frames}
        told |= {word: number for number, word in self.counts()}
        return told | {"repeated": self.repeated, "gaps": self.gaps, "missing": self.missing, **self.notes}

    def as_dict(self) -> dict[str, Any]:
        """The stream as programs get it."""
        return self.numbers() | {"first_gaps": [asdict(missing) for missing in self.missing_kept]}


class NumberedStream(Stream):
    """Trades, which are proven one by one, or executions and balances, which are proven by the frame."""

    __slots__ = ("proven", "word")

    def __init__(self, channel: str, symbol: str | None) -> None:
        super().__init__(channel, symbol)
        self.word = "complete" if channel == "trade" else "in_sequence"
        self.proven = 0

    def counts(self) -> list[tuple[int, str]]:
        return [(self.proven, self.word), (self.missing, "missing"), (self.repeated, "repeated")]
