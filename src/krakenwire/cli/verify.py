"""`krakenwire verify`: how much of a recorded stream can be proven."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import click

from krakenwire.capture import CaptureError, Line, read
from krakenwire.events import (
    BookLost,
    Event,
    FrameRejected,
    Gap,
    GapReason,
    Level3Update,
    OrderBookUpdate,
    SchemaDrift,
    TradeUpdate,
)
from krakenwire.session import Session
from krakenwire.wire.timestamps import parse_ns

INTEGRITY = 6
"""Exit code: something could not be proven that should have been."""

LONG = 8 * 1024 * 1024
"""Bytes from which on a progress bar is worth its line."""

_REFUSED_KEPT = 20


class Report:
    """What a capture proved, as it is read."""

    def __init__(self) -> None:
        self.frames = 0
        self.counts: dict[str, dict[str, dict[str, int]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(int))
        )
        self.sequence_gaps = 0
        self.trade_gaps = 0
        self.refused: list[dict[str, Any]] = []
        self.refused_count = 0
        self.drift: set[str] = set()
        self.first_failure: dict[str, dict[str, Any]] = {}
        self.truncated: int | None = None
        self._now = 0.0
        self._session = Session()

    def take(self, line: Line) -> None:
        """One frame. The clock of a file is the largest timestamp seen."""
        self.frames += 1
        for event in self._session.receive(line.frame, now=self._now):
            self._count(event, line)

    def _count(self, event: Event, line: Line) -> None:
        stamp = getattr(event, "timestamp", None)
        if isinstance(stamp, str) and (ns := parse_ns(stamp)) is not None:
            self._now = max(self._now, ns / 1e9)
        if isinstance(event, (OrderBookUpdate, Level3Update)):
            kind = "book" if isinstance(event, OrderBookUpdate) else "level3"
            self.counts[event.symbol][kind]["verified" if event.verified else "unverifiable"] += 1
        elif isinstance(event, TradeUpdate):
            self.counts[event.symbol]["trade"]["complete" if event.complete else "not_proven"] += 1
        elif isinstance(event, BookLost):
            self.counts[event.symbol][event.channel]["failed"] += 1
            self.first_failure.setdefault(f"{event.channel} {event.symbol}", _failure(event, line))
        elif isinstance(event, Gap):
            self.sequence_gaps += event.reason is GapReason.SEQUENCE
            self.trade_gaps += event.reason is GapReason.TRADE_ID
        elif isinstance(event, SchemaDrift):
            self.drift.add(f"{event.channel}: {event.field}")
        elif isinstance(event, FrameRejected):
            self._refuse(event, line)

    def _refuse(self, event: FrameRejected, line: Line) -> None:
        if not event.json and not line.ended:
            self.truncated = line.number
            return
        self.refused_count += 1
        if len(self.refused) < _REFUSED_KEPT:
            self.refused.append({"line": line.number, "reason": event.reason})

    def total(self, outcome: str) -> int:
        """Book and level3 messages with one outcome."""
        return sum(
            kinds[kind][outcome]
            for kinds in self.counts.values()
            for kind in ("book", "level3")
            if kind in kinds
        )

    @property
    def clean(self) -> bool:
        """Nothing failed, nothing is missing, nothing was refused."""
        return not (self.total("failed") or self.sequence_gaps or self.trade_gaps or self.refused_count)

    def as_dict(self, name: str) -> dict[str, Any]:
        """The report as one JSON object."""
        return {
            "file": name,
            "frames": self.frames,
            "books_verified": self.total("verified"),
            "books_failed": self.total("failed"),
            "books_unverifiable": self.total("unverifiable"),
            "sequence_gaps": self.sequence_gaps,
            "trade_gaps": self.trade_gaps,
            "refused": self.refused_count,
            "refused_lines": self.refused,
            "truncated_line": self.truncated,
            "drift": sorted(self.drift),
            "first_failure": self.first_failure,
            "by_symbol": {
                symbol: {kind: dict(n) for kind, n in kinds.items()} for symbol, kinds in self.counts.items()
            },
        }


def _failure(event: BookLost, line: Line) -> dict[str, Any]:
    return {
        "line": line.number,
        "timestamp": event.timestamp,
        "reason": event.reason,
        "expected": event.expected,
        "computed": event.computed,
        "differences": [
            f"{d.side} level {d.position}: {d.now or 'nothing'}, last proven {d.verified or 'nothing'}"
            for d in event.differences[:3]
        ],
    }


def _show(name: str, report: Report) -> None:
    """The report for people. Text from the file is escaped."""
    click.echo(f"{name}  {report.frames:,} frames")
    for symbol, kinds in sorted(report.counts.items()):
        for kind, outcomes in kinds.items():
            told = "   ".join(f"{count:,} {outcome.replace('_', ' ')}" for outcome, count in outcomes.items())
            click.echo(f"  {kind:<7} {ascii(symbol)[1:-1]:<12} {told}")
    for what, failure in report.first_failure.items():
        click.echo(
            f"  first failure of {ascii(what)[1:-1]}: line {failure['line']} · {failure['reason']}", nl=False
        )
        click.echo(f" · expected {failure['expected']}, computed {failure['computed']}")
        for difference in failure["differences"]:
            click.echo(f"    {ascii(difference)[1:-1]}")
    for refused in report.refused:
        click.echo(f"  line {refused['line']} refused: {ascii(refused['reason'])[1:-1]}")
    if report.refused_count > len(report.refused):
        click.echo(f"  and {report.refused_count - len(report.refused):,} more")
    if report.truncated is not None:
        click.echo(f"  line {report.truncated} is cut short; everything before it was read")
    for drift in sorted(report.drift):
        click.echo(f"  unknown field {ascii(drift)[1:-1]}")
    if report.sequence_gaps or report.trade_gaps:
        click.echo(f"  {report.sequence_gaps} gaps in sequences, {report.trade_gaps} in trade ids")
    proven, books = (
        report.total("verified"),
        report.total("verified") + report.total("failed") + report.total("unverifiable"),
    )
    share = f"verified {proven / books:.4%} of book messages · " if books else ""
    click.echo(f"{share}{'all is well' if report.clean else 'not clean'}")


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option(
    "-o",
    "--output",
    type=click.Choice(["table", "json", "ndjson"]),
    default="table",
    help="How to print the report.",
)
def verify(files: tuple[str, ...], output: str) -> None:
    """Say how much of a recorded stream can be proven.

    FILE is .jsonl, .jsonl.gz or .json, one raw frame a line; - is standard input.
    Exit code 6 if anything failed, is missing or was refused.

    Example: krakenwire verify yesterday.jsonl -o json
    """
    clean = True
    for name in files:
        report = Report()
        try:
            _read_all(name, report)
        except CaptureError as exc:
            raise click.ClickException(str(exc)) from None
        if not report.frames:
            raise click.ClickException(f"{name} holds no frames")
        clean = clean and report.clean
        if output == "table":
            _show(name, report)
        else:
            click.echo(json.dumps(report.as_dict(name), indent=2 if output == "json" else None))
    if not clean:
        sys.exit(INTEGRITY)


def _read_all(name: str, report: Report) -> None:
    size = Path(name).stat().st_size if Path(name).is_file() else 0
    if size < LONG or not sys.stderr.isatty():
        for line in read(name):
            report.take(line)
        return
    with click.progressbar(length=size, label=name, file=sys.stderr) as bar:
        done = 0
        for line in read(name):
            report.take(line)
            if line.position - done > size // 200:
                bar.update(line.position - done)
                done = line.position
