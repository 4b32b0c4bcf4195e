"""The totals of one capture or of several, and the verdict on them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from krakenwire.cli.exits import Exit
from krakenwire.text import counted, percent, seconds


class Tally(Struct, frozen=True):
    """What can be added up."""

    frames: int = 0
    books_verified: int = 0
    books_failed: int = 0
    books_unverifiable: int = 0
    books_discarded: int = 0
    """Of the unverifiable ones, those that came while there was no book to change."""
    blind_intervals: int = 0
    blind_seconds: float = 0.0
    trades_complete: int = 0
    frames_in_sequence: int = 0
    frames_out_of_sequence: int = 0
    """Executions and balances frames after a gap, or without a number."""
    repeated: int = 0
    sequence_gaps: int = 0
    trade_gaps: int = 0
    refused: int = 0
    """Frames of which at least one entry could not be used."""
    breaks: int = 0
    """Lines after which anything may be missing: a new connection, a precision that changed."""
    truncated: int = 0
    """Captures that end inside a line."""
    unread: int = 0
    """Captures that could not be read, or not to the end."""

    def __add__(self, other: Tally) -> Tally:
        return Tally(*(mine + theirs for mine, theirs in zip(_values(self), _values(other), strict=True)))

    def as_dict(self) -> dict[str, Any]:
        """The totals as programs get them."""
        told: dict[str, Any] = asdict(self)
        told["blind_seconds"] = round(self.blind_seconds, 6)
        return {"verdict": self.verdict, **told}

    @property
    def books(self) -> int:
        """Book and level3 messages."""
        return self.books_verified + self.books_failed + self.books_unverifiable

    @property
    def failures(self) -> list[str]:
        """What failed its proof, is missing or was refused."""
        found = []
        if self.books_failed:
            intervals = counted(self.blind_intervals, "interval")
            found.append(f"{intervals} blind for {seconds(self.blind_seconds)}")
        if self.trade_gaps:
            found.append(counted(self.trade_gaps, "gap") + " in trade ids")
        if self.sequence_gaps:
            found.append(counted(self.sequence_gaps, "gap") + " in sequences")
        if self.refused:
            found.append(counted(self.refused, "frame") + " refused")
        return found

    @property
    def doubts(self) -> list[str]:
        """What failed nothing, and yet is not proven."""
        found = []
        if self.books_unverifiable:
            found.append(counted(self.books_unverifiable, "book message"))
        if self.frames_out_of_sequence:
            found.append(counted(self.frames_out_of_sequence, "frame") + " out of sequence")
        if self.breaks:
            found.append(counted(self.breaks, "break"))
        if self.truncated:
            found.append("a last line that is cut short")
        if self.unread:
            found.append(f"{counted(self.unread, 'file')} not read to the end")
        return found

    @property
    def proven(self) -> int:
        """Whatever was proven, counted together."""
        return self.books_verified + self.trades_complete + self.frames_in_sequence

    @property
    def verdict(self) -> str:
        """`failed`, `not_all_proven` or `all_proven`, for programs."""
        if self.failures:
            return "failed"
        return "all_proven" if self.proven and not self.doubts else "not_all_proven"

    def exit_code(self, *, strict: bool) -> Exit:
        """How the command ends. `strict`: what is not proven counts like what failed."""
        accepted = {"all_proven"} if strict else {"all_proven", "not_all_proven"}
        return Exit.OK if self.verdict in accepted else Exit.INTEGRITY

    def conclusion(self) -> tuple[str, str]:
        """The last line of a report, and its colour."""
        share = ""
        if self.books:
            share = f"verified {percent(self.books_verified, self.books)} of book messages · "
        elif self.trades_complete:
            share = f"{counted(self.trades_complete, 'trade')} complete · "
        elif self.frames_in_sequence:
            share = f"{counted(self.frames_in_sequence, 'frame')} in sequence · "
        if self.failures:
            return f"{share}not clean: {', '.join(self.failures)}", "red"
        if self.doubts:
            return f"{share}nothing failed, but not proven: {', '.join(self.doubts)}", "yellow"
        if not self.proven:
            return "nothing failed, but nothing was proven either", "yellow"
        return f"{share}all is well", "green"


def _values(tally: Tally) -> tuple[Any, ...]:
    return tuple(getattr(tally, name) for name in tally.__struct_fields__)
