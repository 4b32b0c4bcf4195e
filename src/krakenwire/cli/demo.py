"""`krakenwire demo`: a small recorded market, played through the handler. No network, no account."""

from __future__ import annotations

import json
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, cast

import click
import msgspec

from krakenwire import events as ev
from krakenwire.capture import FileClock, open_capture
from krakenwire.cli import table
from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Verb, output_option
from krakenwire.cli.picture import Screen, has_room
from krakenwire.cli.report import Report
from krakenwire.cli.scene import Scene
from krakenwire.cli.terminal import is_terminal, paint, width
from krakenwire.cli.text import shown
from krakenwire.errors import BookNotLive
from krakenwire.handler import KrakenV2MessageHandler, create_kraken_v2_handler
from krakenwire.wire.market import TickerUpdate

SAMPLE = Path(__file__).with_name("sample.jsonl.gz")

EVERY_NS = 1_000_000_000
"""Market time between two lines of a book, where there is no terminal to draw on."""


@click.command(
    cls=Verb,
    examples=[
        ("krakenwire demo", "Watch it, at twice the speed of the recording."),
        ("krakenwire demo --speed 0 | less", "Everything at once, as lines."),
        ("krakenwire demo -o ndjson | tail -1", "What was verified and what was lost, for programs."),
    ],
    exits=[Exit.OK, Exit.FAILED, Exit.USAGE, Exit.INTERRUPTED],
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    metavar="FACTOR",
    help="How many times as fast as it was recorded; 0: as fast as it goes.  [default: 2 on a terminal, else 0]",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="FRAMES",
    help="Stop after so many frames.  [default: all]",
)
@output_option
def demo(speed: float | None, count: int | None, output: str) -> Exit:
    """Play a sample capture through the handler.

    Twenty seconds of an invented market with three books: nothing in it is a real price. One update was lost on the way, so that
    one book fails its checksum, is not readable for a moment, and is healed by a new snapshot, while the others go on.

    On a terminal the books are drawn in place; elsewhere there is one line a second of market time for each. -o ndjson prints
    every event and ends with a summary, -o json prints only the summary.
    """
    watched = is_terminal(sys.stdout)
    factor = speed if speed is not None else 2.0 if watched else 0.0
    handler = create_kraken_v2_handler()
    report = Report(handler, FileClock())
    scene = Scene(handler, report)
    view: View
    if output in {"json", "ndjson"}:
        view = Records(quiet=output == "json")
    elif output == "auto" and watched and has_room():
        view = Screen(scene, f"speed {factor:g}" if factor else "full speed")
    else:
        view = Lines(scene)
    code = Exit.OK
    try:
        _play(report, view, factor, count)
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    finally:
        view.leave()
    report.end(b"", ended=True)
    if isinstance(view, Records):
        print(
            json.dumps(
                {
                    "event": "summary",
                    "sim": True,
                    **report.tally().as_dict(),
                    **report.as_dict(),
                    "statistics": handler.get_statistics(),
                }
            )
        )
    else:
        _conclude(handler, report)
    return code


class View(Protocol):
    """Whoever looks at the market."""

    def take(self, events: list[Any]) -> None:
        """Show what one frame gave."""

    def leave(self) -> None:
        """Nothing more comes."""


def _play(report: Report, view: View, factor: float, count: int | None) -> None:
    started = time.monotonic()
    with open_capture(str(SAMPLE)) as capture:
        for line, frame in islice(capture, count):
            view.take(report.read(line, frame))
            first = report.clock.first_ns
            if factor and first is not None:
                ahead = started + (report.clock.ns - first) / 1e9 / factor - time.monotonic()
                if ahead > 0:
                    time.sleep(ahead)


class Lines:
    """One line a second of market time for each book, and one for each fact at once."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._due = 0

    def take(self, events: list[Any]) -> None:
        scene = self._scene
        for text, style in scene.take(events):
            self._print(text, style)
        now = scene.report.clock.ns
        if now < self._due or not scene.symbols:
            return
        self._due = now + EVERY_NS
        for symbol in scene.symbols:
            book = scene.book(symbol, 1)
            name = f"{shown(symbol):<8}"
            if isinstance(book, BookNotLive):
                self._print(f"{name} {book.status}: {shown(book.reason)}; not to be read", "red")
                continue
            bid, ask = (side[0] if side else "-" for side in (book.bids, book.asks))
            self._print(f"{name} {bid!s:>25} | {ask!s:<25}  verified")
        if scene.trades:
            trade = scene.trades[-1]
            told = f"{shown(trade.side.value)} {trade.qty:f} @ {trade.price:f}  #{trade.trade_id}"
            proof = "complete" if trade.complete else "first seen"
            self._print(f"{shown(trade.symbol):<8} {told}  {proof}", "dim")
        if scene.tickers:
            ticker = next(reversed(scene.tickers.values()))
            self._print(
                f"{shown(ticker.symbol):<8} last {ticker.last}, {ticker.volume} in 24 hours  unprovable",
                "dim",
            )

    def leave(self) -> None:
        """Lines need no leaving."""

    def _print(self, text: str, style: str | None = None) -> None:
        print(f"SIM {self._scene.time}  {paint(text, style, sys.stdout)}")


class Records:
    """One JSON object an event; all numbers with the digits of the wire, as text."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def take(self, events: list[Any]) -> None:
        if self._quiet:
            return
        for event in events:
            name = RECORDED.get(event.__class__)
            if name is not None:
                print(json.dumps({"event": name, **_record(event)}))

    def leave(self) -> None:
        """The summary follows."""


RECORDED: dict[type, str] = {
    ev.OrderBookUpdate: "book",
    ev.TradeUpdate: "trade",
    ev.OHLCUpdate: "ohlc",
    TickerUpdate: "ticker",
    ev.BookLive: "book_live",
    ev.BookLost: "book_lost",
    ev.Gap: "gap",
    ev.Discarded: "discarded",
}
"""The events that are printed as JSON, and their names."""


def _record(event: Any) -> dict[str, Any]:
    """An event as plain values under Kraken's names; the live book is not part of it."""
    names = zip(event.__struct_fields__, event.__struct_encode_fields__, strict=True)
    told = {shown: getattr(event, name) for name, shown in names if name != "book"}
    return cast("dict[str, Any]", msgspec.to_builtins(told))


def _conclude(handler: KrakenV2MessageHandler, report: Report) -> None:
    """What the recording proved, and the handler's own numbers."""
    print()
    for text, style in table.lines("SIM sample", report, width(sys.stdout)):
        print(paint(text, style, sys.stdout))
    print(paint(*report.tally().conclusion(), sys.stdout))
    statistics = handler.get_statistics()
    print(f"\n{paint('statistics of the handler', 'bold', sys.stdout)}")
    counts = {name: value for name, value in statistics.items() if isinstance(value, int)}
    wide = max(map(len, (*counts, *statistics["messages_by_channel"])))
    for name, value in counts.items():
        print(f"  {name:<{wide}} {value:>8,}")
    print(paint(f"  {'channel':<{wide}} messages  µs each", "dim", sys.stdout))
    for channel, number in statistics["messages_by_channel"].items():
        micros = statistics["avg_processing_times"][channel] * 1e6
        print(f"  {shown(channel):<{wide}} {number:>8,}  {micros:>7.1f}")
