"""What went wrong in a capture, in sentences: why a book failed, how long it was blind, what is missing, what was refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from krakenwire.cli.book_stream import Blind, BookStream, Changed, Failure
from krakenwire.cli.report import Report
from krakenwire.cli.streams import Missing, Stream
from krakenwire.text import counted, seconds

LISTED = 5
"""Gaps, refused lines and the like that are listed; the rest is counted."""

Line = tuple[str, str | None]
"""A line of text and its colour."""


def troubles(stream: Stream) -> Iterator[str]:
    """What there is to say below the row of a stream."""
    if isinstance(stream, BookStream):
        if stream.failure is not None:
            yield from _failure(stream.failure)
            if "inferred depth" in stream.failure.reason and stream.channel == "book":
                yield "the depth was concluded from the snapshot; if you know it, state it with --depth"
        if stream.doubt is not None:
            yield f"unverifiable: {stream.doubt}"
        first = None if stream.failure is None else stream.failure.line
        yield from _listed(
            [_blind(blind, first) for blind in stream.intervals_kept], stream.intervals, "interval"
        )
    yield from _listed([_missing(missing) for missing in stream.missing_kept], stream.gaps, "gap")


def oddities(report: Report) -> Iterator[Line]:
    """What belongs to no stream, each line under its word."""
    breaks = [
        f"line {line:,}: {reason}; something may be missing before it" for line, reason in report.breaks_kept
    ]
    refused = [f"line {line:,}: {reason}" for line, reason in report.refused_kept]
    unknown = [f"{name}, {counted(count, 'frame')}" for name, count in report.unknown.most_common()]
    drift = [f"field {field} is not known to this version" for field in sorted(report.drift)]
    for word, texts, count, style in (
        ("break", breaks, report.breaks, "yellow"),
        ("refused", refused, report.refused, "red"),
        ("unknown", unknown, len(unknown), "yellow"),
        ("drift", drift, len(drift), "yellow"),
    ):
        for text in _listed(texts, count, ""):
            yield f"{word:<7}  {text}", style
    if report.truncated_line is not None:
        yield (
            f"cut      the file ends inside line {report.truncated_line:,}; all before it was read",
            "yellow",
        )


def _failure(failure: Failure) -> Iterator[str]:
    at = f" · {failure.timestamp}" if failure.timestamp else ""
    yield f"first failure: line {failure.line:,}{at} · {failure.reason}"
    if failure.computed is not None:
        yield f"expected {failure.expected}, computed {failure.computed}"
    if failure.proven_line is None:
        yield "nothing had proven this book before"
        return
    ago = "" if failure.seconds_since_proof is None else f", {seconds(failure.seconds_since_proof)} before"
    updates = counted(failure.updates_since_proof, "update")
    since = f"{updates} since the last proof (line {failure.proven_line:,}{ago}) changed"
    changes = list(_listed([_changed(one) for one in failure.changed], len(failure.changed), ""))
    yield f"{since}:" if changes else f"{since} none of the ten best levels"
    yield from ("  " + text for text in changes)
    if failure.computed is not None:
        yield "either that update is not as it was sent, or one before it was lost"


def _changed(changed: Changed) -> str:
    if changed.now is None:
        return f"{changed.side} {changed.price} x {changed.proven} left, was level {changed.level}"
    place = f"{changed.side} {changed.price} x {changed.now}"
    if changed.proven is None:
        return f"{place} entered as level {changed.level}"
    was = "in another order" if changed.proven == changed.now else f"x {changed.proven}"
    return f"{place} at level {changed.level}, was {was}"


def _blind(blind: Blind, explained: int | None) -> str:
    """One interval. Where it began has been told of the one whose failure was `explained`."""
    began = "" if blind.from_line == explained else f"lost at line {blind.from_line:,} ({blind.reason}), "
    dropped = f" · {counted(blind.discarded, 'update')} discarded" if blind.discarded else ""
    if blind.healed_by is None:
        return f"{began}not healed: blind to the end, {seconds(blind.seconds)}{dropped}"
    return f"{began}healed by {_A[blind.healed_by]} at line {blind.to_line:,} · blind {seconds(blind.seconds)}{dropped}"


_A = {"snapshot": "a snapshot", "update": "an update"}


def _missing(missing: Missing) -> str:
    if missing.first is None or missing.last is None:
        return f"before line {missing.line:,}: the numbering began anew"
    if missing.first == missing.last:
        return f"before line {missing.line:,}: number {missing.first} is missing"
    return f"before line {missing.line:,}: numbers {missing.first} to {missing.last} are missing"


def _listed(texts: Sequence[str], count: int, what: str) -> Iterator[str]:
    """The first few, and how many there are besides."""
    yield from texts[:LISTED]
    if count > LISTED:
        more = count - LISTED
        yield f"and {counted(more, 'more ' + what)}" if what else f"and {more:,} more"
