"""`krakenwire demo`: a simulated exchange, a client of it over a real socket, and what both do when something goes wrong."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable
from itertools import cycle
from typing import Any

import click

from krakenwire import events as ev
from krakenwire.cli.counts import DATA
from krakenwire.cli.ending import Ending, run
from krakenwire.cli.exits import Exit
from krakenwire.cli.follow import Follow
from krakenwire.cli.lines import number, said
from krakenwire.cli.operating import Operation, operated, operating_options
from krakenwire.cli.options import Verb, screen_option
from krakenwire.cli.output import Output
from krakenwire.cli.places import Place, place_of, simulated
from krakenwire.cli.records import now
from krakenwire.cli.stream import form_of
from krakenwire.cli.terminal import paint
from krakenwire.cli.watch import DEPTH, board_of, everything_of, look_at
from krakenwire.net.client import Client, connect
from krakenwire.sim.background import Simulated
from krakenwire.text import counted, seconds, shown
from krakenwire.tui import Board, missing, unfit
from krakenwire.wire.market import TickerUpdate
from krakenwire.wire.subscriptions import (
    BookSubscription,
    OhlcSubscription,
    Subscription,
    TickerSubscription,
    TradeSubscription,
)

SYMBOLS = ("BTC/USD", "ETH/USD", "SOL/USD")
LOSER = "BTC/USD"
"""Whose updates are lost on the way."""

LENGTH = 15.0
"""Seconds, unless told otherwise."""

INCIDENTS = (
    (1 / 3, "three updates of one book are lost on the way", f"at 0 s: drop book {LOSER} update 3 times"),
    (2 / 3, "the connection is cut", "at 0 s: cut"),
)
"""What goes wrong: after which part of the whole time, in words, and for the exchange."""

BETWEEN = 15.0
"""Seconds between two incidents on the dashboard, while nobody says how long it runs."""

PAUSE = 1.0
"""Seconds between two looks at the market, for people."""

WANTED: list[Subscription] = [
    BookSubscription(symbol=SYMBOLS, depth=10),
    TradeSubscription(symbol=SYMBOLS),
    TickerSubscription(symbol=SYMBOLS),
    OhlcSubscription(symbol=SYMBOLS, interval=1),
]


@click.command(
    cls=Verb,
    examples=[
        ("krakenwire demo", "On a terminal: the dashboard, until q. Elsewhere: lines, fifteen seconds."),
        ("krakenwire demo --plain --duration 60", "Lines on a terminal, too, and longer."),
        (
            "krakenwire demo --duration 5 -o ndjson | tail -1",
            "What was verified and what was lost, for programs.",
        ),
    ],
    exits=[Exit.OK, Exit.FAILED, Exit.USAGE, Exit.NETWORK, Exit.INTERRUPTED, Exit.TERMINATED],
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long it runs; the incidents come after a third and two thirds of it.  [default: 15 for lines, the dashboard "
    "until q]",
)
@click.option("--plain", is_flag=True, help="Lines instead of the dashboard, also on a terminal.")
@operating_options
@screen_option
def demo(*, duration: float | None, plain: bool, output: str, **operation: Any) -> Exit:
    """Watch a client survive a bad day. Neither network nor account is needed.

    A simulated exchange starts on a port of this machine; nothing in it is a real price. The client connects to it over a real
    socket, as it would to Kraken, and follows books, trades, tickers and candles of three markets. Then updates are lost on the
    way: one book fails its checksum and cannot be read until it was taken anew, while the others go on. Then the connection is cut:
    everything says so, and comes back.

    On a terminal this is the dashboard (krakenwire watch shows it for real markets), and the account trades, too. Elsewhere, with
    --plain or with -o, it is lines: the market is looked at once a second; every incident and its healing is told at once. -o ndjson
    prints every event and ends with a summary, -o json prints only the summary.
    """
    looks = output == "screen" and not plain and unfit() is None
    form = "table" if output == "screen" else output
    if looks and (reason := missing()) is not None:
        looks = False
        print(paint("hint: ", "bold", sys.stderr), reason, file=sys.stderr)

    async def work(ending: Ending) -> Exit:
        if looks:
            with simulated() as exchange:
                return await _dashboard(ending, exchange, duration, Operation(**operation))
        with simulated(SYMBOLS) as exchange:
            return await _show(ending, exchange, duration or LENGTH, form, Operation(**operation))

    return run(work)


async def _dashboard(
    ending: Ending, exchange: Simulated, duration: float | None, operation: Operation
) -> Exit:
    place, symbols = place_of(exchange), tuple(exchange.exchange.markets)
    board = board_of(place, symbols, DEPTH, private=True)
    task = asyncio.ensure_future(_bad_days(exchange, board, duration))
    try:
        return await look_at(
            ending,
            place,
            everything_of(symbols, DEPTH, private=True),
            operation,
            duration=duration,
            board=board,
        )
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _bad_days(exchange: Simulated, board: Board, duration: float | None) -> None:
    """The incidents at their times; without an end of the whole, one after the other for ever."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for turn, (part, words, script) in enumerate(cycle(INCIDENTS), 1):
        if duration is not None and turn > len(INCIDENTS):
            return
        at = began + (turn * BETWEEN if duration is None else part * duration)
        await asyncio.sleep(at - loop.time())
        board.journal.note(loop.time(), "demo", words, bad=False)
        exchange.fault(script)


async def _show(
    ending: Ending, exchange: Simulated, duration: float, output: str, operation: Operation
) -> Exit:
    place, out = place_of(exchange), Output()
    for_people = output == "table"
    async with connect(**place.options()) as client, operated(client, operation):
        look = Look(client, place, out)
        form: Callable[[Any], str | None] = look.form if for_people else form_of(output, place)
        follow = Follow(ending, out, form)
        tasks = [asyncio.ensure_future(_incidents(exchange, duration, look if for_people else None))]
        if for_people:
            look.say(f"an exchange on {exchange.urls.public}, and a client of it", "bold")
            tasks.append(asyncio.ensure_future(look.run()))
        try:
            await follow.run(client, WANTED, duration=duration, count=None)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        statistics, passed = client.statistics(), follow.passed
    if ending.hangs:
        print(place.mark + follow.counts.line(passed), file=sys.stderr)
    elif for_people:
        look.conclude(follow, passed, statistics)
    else:
        summary = follow.counts.as_dict(sim=True, passed=passed)
        print(json.dumps(summary | {"incidents": len(INCIDENTS), "statistics": statistics}))
    if follow.error is not None:
        raise follow.error
    return Exit.OK


async def _incidents(exchange: Simulated, duration: float, look: Look | None) -> None:
    began = time.monotonic()
    for part, words, script in INCIDENTS:
        await asyncio.sleep(began + part * duration - time.monotonic())
        if look is not None:
            look.say(f"incident: {words}", "badge")
        exchange.fault(script)


class Look:
    """What people see: the market once a second, and every fact at once."""

    def __init__(self, client: Client, place: Place, output: Output) -> None:
        self._client = client
        self._place = place
        self._output = output
        self._last: dict[tuple[type, str], Any] = {}
        self._cut: ev.GapReason | None = None
        """Why every stream is broken, as long as it is."""
        self._blind: dict[str, float] = {}
        """Since when a book cannot be read."""

    def say(self, text: str, style: str | None = None) -> None:
        """A line of our own."""
        self._output.put(self._line(text, style))

    def _line(self, text: str, style: str | None) -> str:
        return f"{self._place.mark}{now()[:10]}  {paint(text, style, sys.stdout)}"

    def form(self, event: Any) -> str | None:
        """Data is remembered until it is looked at; a fact is told. Of the many gaps that a lost connection leaves, the first is."""
        kind = type(event)
        if kind in DATA:
            self._last[kind, event.symbol] = event
            return None
        if kind is ev.Gap:
            return self._gap(event)
        if kind is ev.ConnectionChanged and event.state is ev.ConnectionState.CONNECTED:
            self._cut = None
        text, style = said(event)
        if kind is ev.BookLive and event.symbol in self._blind:
            text += f", again after {seconds(time.monotonic() - self._blind.pop(event.symbol))}"
        return self._line(text, style)

    def _gap(self, gap: ev.Gap) -> str | None:
        if gap.channel == "book" and gap.symbol is not None:
            self._blind[gap.symbol] = time.monotonic()
        # Of a checksum the lost book tells, which comes next.
        if gap.reason in {self._cut, ev.GapReason.CHECKSUM}:
            return None
        self._cut = gap.reason
        return self._line(
            f"{'all':<9} GAP   every stream: something may be missing here ({gap.reason.value})", "red"
        )

    async def run(self) -> None:
        """Look at the market once a second, until cancelled."""
        while True:
            await asyncio.sleep(PAUSE)
            for symbol in SYMBOLS:
                self._book(symbol)
            for kind in (ev.TradeUpdate, TickerUpdate, ev.OHLCUpdate):
                found = [event for (each, _), event in self._last.items() if each is kind]
                if found:
                    self.say(brief(found[-1]), "dim")
            self._last.clear()

    def _book(self, symbol: str) -> None:
        name = f"{shown(symbol):<9}"
        book = self._client.held_book("book", symbol)
        if book is None or not book.verified:
            self.say(f"{name} {'gone' if book is None else book.status}: not to be read", "red")
            return
        view = book.view(1)
        bid, ask = (side[0] if side else "-" for side in (view.bids, view.asks))
        self.say(f"{name} {bid!s:>21} | {ask!s:<21} verified")

    def conclude(self, follow: Follow, passed: float, statistics: dict[str, Any]) -> None:
        """What was proven and what was lost, and where the frames came from."""
        print()
        print(self._place.mark + paint(follow.counts.line(passed), "bold", sys.stdout))
        frames = ", ".join(
            f"{channel} {number:,}" for channel, number in statistics["messages_by_channel"].items()
        )
        print(f"{self._place.mark}frames: {statistics['total_messages']:,} ({shown(frames)})")
        lost, connects = follow.counts.books_lost, statistics["connects"]
        print(f"{self._place.mark}books lost and taken anew: {lost} · connections made: {connects}")


def brief(event: ev.TradeUpdate | TickerUpdate | ev.OHLCUpdate) -> str:
    """Data of other channels than books, short enough for eighty columns."""
    name = f"{shown(event.symbol):<9}"
    if isinstance(event, TickerUpdate):
        change = "" if event.change_pct is None else f"  {event.change_pct:+zf} %"
        return f"{name} ticker  last {number(event.last)}{change}  volume {number(event.volume)}"
    if isinstance(event, ev.OHLCUpdate):
        span = f"low {event.low:f}  high {event.high:f}  close {event.close:f}"
        return f"{name} candle  {span}  {counted(event.trades, 'trade')}"
    return said(event)[0]
