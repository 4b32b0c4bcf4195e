"""`krakenwire verify`: how much of a recorded stream can be proven."""

from __future__ import annotations

import json
import sys
from collections import Counter
from typing import Any

import click

from krakenwire.capture import Capture, CaptureError, FileClock, open_capture
from krakenwire.cli import table
from krakenwire.cli.errors import CommandError, tell
from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Verb, any_file, output_option
from krakenwire.cli.report import Report
from krakenwire.cli.tally import Tally
from krakenwire.cli.terminal import Progress, discard_output, paint, width
from krakenwire.handler import KrakenV2MessageHandler
from krakenwire.text import counted, shown
from krakenwire.wire.book import BOOK_DEPTHS

LONG = 8 * 1024 * 1024
"""Bytes from which on a progress bar is worth its line."""

_STEP = 1024
"""Frames between two looks at the progress. If none of the first so many is one, the file is no capture."""


class Result:
    """What became of one file: a report, an error, or both where the file could be read in part."""

    def __init__(self, name: str, report: Report, error: CommandError | None) -> None:
        self.name = name
        self.report = report
        self.error = error
        self.readable = report.frames > report.refused
        """Whether there is anything to report."""
        self.tally = report.tally() if self.readable else Tally()
        if error is not None:
            self.tally += Tally(unread=1)

    @property
    def title(self) -> str:
        """The name, for people."""
        return "standard input" if self.name == "-" else shown(self.name)

    def exit_code(self, *, strict: bool) -> Exit:
        """The worse of verdict and error."""
        found = self.tally.exit_code(strict=strict)
        return found if self.error is None else max(found, self.error.exit_code)

    def as_dict(self) -> dict[str, Any]:
        """The report, the error, or the report up to the error."""
        told: dict[str, Any] = {"file": shown(self.name)}
        if self.readable:
            told |= self.tally.as_dict() | self.report.as_dict()
        return told if self.error is None else told | self.error.envelope()


@click.command(
    cls=Verb,
    examples=[
        ("krakenwire verify yesterday.jsonl", "The report for people."),
        ("krakenwire verify *.jsonl.gz -o json | jq .books_failed", "One object over all files."),
        ("cat part1.jsonl part2.jsonl | krakenwire verify -", "Two parts of one recording."),
        (
            "krakenwire verify --strict --depth BTC/USD=25 cut.jsonl",
            "For a recording without its acknowledgements.",
        ),
    ],
    exits=[Exit.OK, Exit.FAILED, Exit.USAGE, Exit.INTEGRITY, Exit.INTERRUPTED, Exit.TERMINATED],
)
@click.argument("files", nargs=-1, required=True, metavar="FILE...", shell_complete=any_file)
@click.option(
    "--strict",
    is_flag=True,
    help="What can be neither proven nor refuted counts as failed: unverifiable books, frames out of sequence, a new "
    "connection, a last line cut short, a file in which nothing carries a proof.",
)
@click.option(
    "--depth",
    "depths",
    multiple=True,
    metavar="SYMBOL=LEVELS",
    help="Subscribed depth of a book, in levels a side, where the capture does not hold the acknowledgement that states "
    "it. May be given several times.",
)
@output_option
def verify(files: tuple[str, ...], output: str, depths: tuple[str, ...], *, strict: bool) -> Exit:
    """Say how much of a recorded stream can be proven.

    FILE is a capture: one raw frame a line, as the socket gave it. A file named .json holds one frame or an array of frames.
    Anything may be compressed with gzip; - is standard input. Each file is read on its own, from an empty state.

    Book messages are verified, failed or unverifiable by their checksum; trades are complete by their ids; executions and
    balances are in sequence by their numbers. All other channels are unprovable. Time is the largest timestamp in the file.

    Exit code 6 means that a book failed, that a number is missing, or that a frame was refused. What is merely not proven is
    named in the last line and ends with 0, unless --strict is given. So does a last line that is cut short: a recorder that was
    stopped leaves one, and everything before it was judged. With several files the highest code counts.
    """
    known = _depths(depths)
    for_people = output == "table"
    results: list[Result] = []
    worst = Exit.OK
    try:
        for name in files:
            result = _read(name, known)
            results.append(result)
            worst = max(worst, result.exit_code(strict=strict))
            if for_people:
                _print(result, more=len(files) > 1)
            elif output == "ndjson":
                print(json.dumps(result.as_dict()), flush=True)
            if worst is Exit.INTERRUPTED:
                break
        if output == "json":
            print(json.dumps(_one_object(results), indent=2))
        elif for_people and len(files) > 1:
            _print_total(results)
    except BrokenPipeError:
        # Whoever read the report has seen enough; what was found still counts.
        discard_output()
    return worst


def _depths(given: tuple[str, ...]) -> dict[str, int]:
    known: dict[str, int] = {}
    for text in given:
        symbol, equals, levels = text.rpartition("=")
        if not symbol or not equals or not levels.isdecimal() or int(levels) not in BOOK_DEPTHS:
            legal = ", ".join(map(str, BOOK_DEPTHS))
            raise click.BadParameter(
                f"{text!r} is not SYMBOL=LEVELS with one of {legal}, for instance BTC/USD=25",
                param_hint="--depth",
            )
        known[symbol] = int(levels)
    return known


# -------------------------------------------------------------------- one file


def _read(name: str, depths: dict[str, int]) -> Result:
    clock = FileClock()
    handler = KrakenV2MessageHandler(clock=clock, enable_statistics=False)
    for symbol, depth in depths.items():
        handler.expect_book(symbol, depth)
    report = Report(handler, clock)
    error = None
    try:
        with open_capture(name) as capture:
            _feed(capture, report)
        if report.frames == report.refused:
            error = _no_frames(capture.name, report)
    except CaptureError as exc:
        error = CommandError(exc.kind, exc.message, exc.hint)
    except KeyboardInterrupt:
        error = CommandError(
            "interrupted",
            f"interrupted after line {report.line:,} of {name}",
            "the report covers what was read until then",
            retryable=True,
            exit_code=Exit.INTERRUPTED,
        )
    if error is not None:
        report.end(b"", ended=True)
    return Result(name, report, error)


def _feed(capture: Capture, report: Report) -> None:
    """Every frame of an open capture."""
    progress = Progress(shown(capture.name), capture.size)
    progress.on = progress.on and (capture.size is None or capture.size >= LONG)
    read = report.read
    frame = b""
    try:
        for count, (line, frame) in enumerate(capture, 1):
            read(line, frame)
            if not count % _STEP:
                progress.show(capture.position, count)
                if report.refused == count:
                    return
    finally:
        progress.clear()
    report.end(frame, ended=capture.ended)
    if capture.cut is not None:
        report.truncated_line = capture.cut


def _no_frames(name: str, report: Report) -> CommandError:
    """The file is empty, or something else than a capture."""
    hint = "a capture holds one raw frame a line, as the socket gave it; a frame over several lines belongs in a .json"
    if not report.refused:
        cut = "" if report.truncated_line is None else f": it ends inside line {report.truncated_line:,}"
        return CommandError("no_frames", f"{name} holds no frames{cut}", hint)
    line, reason = report.refused_kept[0]
    if reason.endswith("not an object"):
        hint = "protocol version 1 sends arrays; krakenwire reads version 2"
    return CommandError("no_frames", f"{name} holds no frames: line {line:,} is refused: {reason}", hint)


def _print(result: Result, *, more: bool) -> None:
    """The report on stdout, the error on stderr; `more`: another report will follow."""
    if result.readable:
        for text, style in table.lines(result.title, result.report, width(sys.stdout)):
            print(paint(text, style, sys.stdout))
        print(paint(*result.tally.conclusion(), sys.stdout))
        if more:
            print()
    sys.stdout.flush()
    if result.error is not None:
        tell(result.error, as_json=False)


# -------------------------------------------------------------------- all files


def _total(results: list[Result]) -> Tally:
    return sum((result.tally for result in results), Tally())


def _print_total(results: list[Result]) -> None:
    total = _total(results)
    unread = f", {total.unread:,} not read to the end" if total.unread else ""
    print(f"{counted(len(results), 'file')}{unread}  {counted(total.frames, 'frame')}")
    if total.frames:
        print(paint(*total.conclusion(), sys.stdout))


def _one_object(results: list[Result]) -> dict[str, Any]:
    """One file: its report. Several: the same totals over all of them, and the reports under `files`."""
    if len(results) == 1:
        return results[0].as_dict()
    by_symbol: dict[str, dict[str, Counter[str]]] = {}
    for result in results:
        for stream in result.report.streams if result.readable else ():
            if stream.symbol is not None:
                counts = by_symbol.setdefault(stream.symbol, {}).setdefault(stream.channel, Counter())
                counts.update(stream.numbers())
    return _total(results).as_dict() | {
        "by_symbol": by_symbol,
        "files": [result.as_dict() for result in results],
    }
