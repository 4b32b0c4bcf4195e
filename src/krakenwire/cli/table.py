"""The report of a capture for people: one row a stream, and under it what went wrong there."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from krakenwire.cli.book_stream import BookStream
from krakenwire.cli.explain import Line, oddities, troubles
from krakenwire.cli.report import Report
from krakenwire.cli.streams import Stream
from krakenwire.text import counted, seconds
from krakenwire.wire.timestamps import format_ns

ROWS = 20
"""Rows of each channel; beyond them, streams without trouble share one."""

_ORDER = ("book", "level3", "trade", "executions", "balances", "ticker", "ohlc", "instrument")
_ASIDE = {"status": "status messages", "heartbeat": "heartbeats", "reply": "replies", "error": "errors"}
_HEADS = ("channel", "symbol", "frames")
_INDENT = 9
_WIDEST_SYMBOL = 24


class Row(NamedTuple):
    """Channel, symbol and frames; then numbers with their words; then sentences."""

    head: tuple[str, str, str]
    counts: list[tuple[int, str]]
    style: str | None = None
    below: tuple[str, ...] = ()


def lines(name: str, report: Report, width: int | None) -> Iterator[Line]:
    """Everything but the verdict. `width`: columns to fold to; None leaves lines whole."""
    for text, style in _unfolded(name, report):
        if width is None or len(text) <= width:
            yield text, style
            continue
        inner = len(text) - len(text.lstrip()) + 2
        for folded in textwrap.wrap(text, width, subsequent_indent=" " * inner, break_on_hyphens=False):
            yield folded, style


def _unfolded(name: str, report: Report) -> Iterator[Line]:
    clock = report.clock
    told = ""
    if clock.first_ns is not None:
        moment = format_ns(clock.first_ns, 0).replace("T", " ").replace("Z", " UTC")
        told = f"  from {moment} for {seconds((clock.ns - clock.first_ns) / 1e9)}"
    yield f"{name}  {counted(report.frames, 'frame')}{told}", "bold"
    yield from _printed([row for channel in _channels(report) for row in _rows(channel, report.streams)])
    aside = [stream for stream in report.streams if stream.channel in _ASIDE]
    if aside:
        yield f"  also     {', '.join(_aside(stream) for stream in aside)}", "dim"
    for text, style in oddities(report):
        yield f"  {text}", style


def _channels(report: Report) -> list[str]:
    met = {stream.channel for stream in report.streams} - set(_ASIDE)
    return [channel for channel in _ORDER if channel in met] + sorted(met - set(_ORDER))


def _aside(stream: Stream) -> str:
    notes = "".join(f" ({number:,} {word})" for word, number in stream.notes.items() if number)
    return f"{counted(stream.frames, stream.channel, _ASIDE[stream.channel])}{notes}"


def _rows(channel: str, streams: Iterable[Stream]) -> Iterator[Row]:
    """Streams with trouble first. Many without any become one row."""
    own = [stream for stream in streams if stream.channel == channel]
    own.sort(key=lambda stream: (not stream.troubled, stream.symbol or ""))
    shown = len(own)
    if shown > ROWS + 1:
        shown = max(ROWS, sum(stream.troubled for stream in own))
    for stream in own[:shown]:
        counts = stream.counts() + [(number, word) for word, number in stream.notes.items()]
        head = (channel, stream.symbol or "", f"{stream.frames:,}")
        yield Row(head, counts, _style(stream), tuple(troubles(stream)))
    if rest := own[shown:]:
        columns = zip(*(stream.counts() for stream in rest), strict=True)
        total = [(sum(number for number, _ in column), column[0][1]) for column in columns]
        yield Row((channel, f"{len(rest):,} more", f"{sum(stream.frames for stream in rest):,}"), total)


def _style(stream: Stream) -> str | None:
    failed = stream.gaps or (isinstance(stream, BookStream) and stream.failed)
    return "red" if failed else "yellow" if stream.troubled else None


def _printed(rows: Sequence[Row]) -> Iterator[Line]:
    """Rows in columns, numbers to the right."""
    if not rows:
        return
    wide = [max(len(row.head[at]) for row in [Row(_HEADS, []), *rows]) for at in range(3)]
    wide[1] = min(wide[1], _WIDEST_SYMBOL)
    cells = range(max(len(row.counts) for row in rows))
    numbers = [max(len(f"{row.counts[at][0]:,}") for row in rows if at < len(row.counts)) for at in cells]
    words = [max(len(row.counts[at][1]) for row in rows if at < len(row.counts)) for at in cells]
    yield _head(_HEADS, wide), "dim"
    for row in rows:
        told = [
            f"{number:>{numbers[at]},} {word.replace('_', ' '):<{words[at]}}"
            for at, (number, word) in enumerate(row.counts)
        ]
        yield f"{_head(row.head, wide)}   {'  '.join(told)}".rstrip(), row.style
        for text in row.below:
            yield " " * _INDENT + text, None


def _head(head: tuple[str, str, str], wide: Sequence[int]) -> str:
    return f"  {head[0]:<{wide[0]}}  {head[1]:<{wide[1]}}  {head[2]:>{wide[2]}}"
