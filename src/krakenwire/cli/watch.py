"""`krakenwire watch`: the dashboard on a terminal; elsewhere the lines of `krakenwire stream`."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any

import click

from krakenwire.cli.configuration import configuration
from krakenwire.cli.ending import Ending, run
from krakenwire.cli.errors import CommandError
from krakenwire.cli.exits import Exit
from krakenwire.cli.follow import Follow
from krakenwire.cli.operating import Operation, keep_off_screen, operated, operating_options
from krakenwire.cli.options import Verb, configured, screen_option
from krakenwire.cli.output import Output
from krakenwire.cli.places import Place, place_options, reach
from krakenwire.cli.stream import print_all
from krakenwire.cli.symbols import complete
from krakenwire.cli.trader import trade
from krakenwire.errors import UsageError
from krakenwire.net.client import Client, connect
from krakenwire.tui import SIM, Board, View, badge_of, missing, show, unfit
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ExecutionsSubscription,
    OhlcSubscription,
    Subscription,
    TickerSubscription,
    TradeSubscription,
)

DEPTH = 25
"""Levels a side of every book, unless told otherwise."""


@click.command(
    cls=Verb,
    examples=[
        ("krakenwire watch BTC/USD ETH/USD", "Two markets of Kraken; q ends it, ? explains the screen."),
        (
            "krakenwire watch BTC/USD --sim",
            "A simulated market and account: neither network nor key is needed.",
        ),
        (
            "krakenwire watch BTC/USD --depth 100 --url ws://127.0.0.1:8080",
            "An exchange of your own (krakenwire sim).",
        ),
        (
            "krakenwire watch BTC/USD --duration 60 | tee minute.log",
            "Without a terminal: lines, for one minute.",
        ),
    ],
    exits=[
        Exit.OK,
        Exit.FAILED,
        Exit.USAGE,
        Exit.AUTH,
        Exit.NETWORK,
        Exit.REFUSED,
        Exit.INTERRUPTED,
        Exit.TERMINATED,
    ],
)
@click.argument("symbols", nargs=-1, metavar="SYMBOL...", required=True, shell_complete=complete)
@click.option(
    "--depth",
    type=int,
    metavar="LEVELS",
    help=f"Levels a side of every book.  [default: the configured one, or {DEPTH}]",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End after so long.  [default: never]",
)
@click.option("--plain", is_flag=True, help="Lines instead of the dashboard, also on a terminal.")
@click.option("--no-account", is_flag=True, help="Markets only, also with an API key.")
@place_options
@operating_options
@screen_option
def watch(
    *,
    symbols: tuple[str, ...],
    depth: int | None,
    duration: float | None,
    plain: bool,
    no_account: bool,
    url: str | None,
    cafile: str | None,
    output: str,
    sim: bool,
    **operation: Any,
) -> Exit:
    """Show markets, and your account, on a dashboard.

    SYMBOL is written as in BTC/USD. Books as ladders, trades, tickers, candles, and how the client is; with an API key, or --sim,
    also open orders, fills and balances.

    Every panel says whether it is live and how old it is. What cannot be relied on is dimmed, and the prices of a book that
    contradicts Kraken are dashes until it was taken anew. The keys stand in the last line; ? explains them.

    Where there is no terminal, or it can only print lines, every event is a line, as krakenwire stream prints it; so it is with
    --plain and with -o. The dashboard needs the package textual: pip install 'krakenwire[tui]'.
    """
    names = tuple(dict.fromkeys(symbols))
    levels = _levels(depth)
    try:
        BookSubscription(symbol=names, depth=levels)
    except UsageError as exc:
        raise click.BadParameter(exc.rule, param_hint=f"--{exc.field}") from None
    lines = plain or output != "screen" or unfit() is not None
    form = "table" if output == "screen" else output
    if not lines and (reason := missing()) is not None:
        raise CommandError("usage", reason, "or give --plain, for lines", exit_code=Exit.USAGE)

    async def work(ending: Ending) -> Exit:
        with reach(sim=sim, url=url, cafile=cafile, symbols=names, key=not no_account) as place:
            private = not no_account and place.credentials is not None
            wanted = everything_of(names, levels, private=private)
            told = Operation(**operation)
            if lines:
                return await _lines(ending, place, wanted, told, duration=duration, output=form)
            board = board_of(place, names, levels, private=private)
            return await look_at(ending, place, wanted, told, duration=duration, board=board)

    return run(work)


def _levels(depth: int | None) -> int:
    """Levels a side, as given, configured, or enough to fill a screen."""
    found: int = configured("depth", "--depth", depth)
    return found if any("depth" in source for source in configuration().given) else DEPTH


def everything_of(symbols: Sequence[str], depth: int, *, private: bool) -> list[Subscription]:
    """What the dashboard shows of these symbols, and of the account."""
    names = tuple(symbols)
    account: list[Subscription] = [
        ExecutionsSubscription(snap_orders=True, snap_trades=True),
        BalancesSubscription(),
    ]
    return [
        BookSubscription(symbol=names, depth=depth),
        TradeSubscription(symbol=names),
        TickerSubscription(symbol=names),
        OhlcSubscription(symbol=names, interval=1),
        *(account if private else []),
    ]


async def _lines(
    ending: Ending,
    place: Place,
    wanted: Sequence[Subscription],
    operation: Operation,
    *,
    duration: float | None,
    output: str,
) -> Exit:
    """Every event as `krakenwire stream` prints it. As there without --strict, gaps and a refused symbol among others are told, no more."""
    code = await print_all(ending, place, wanted, operation, output=output, duration=duration, count=None)
    return code if code >= Exit.INTERRUPTED else Exit.OK


class Feeding(Follow):
    """Every event goes to a board, nothing is printed."""

    def __init__(self, ending: Ending, board: Board) -> None:
        super().__init__(ending, Output(), self._feed)
        self._board = board

    def _feed(self, event: Any) -> None:
        self._board.take(event, asyncio.get_running_loop().time())

    def _is_told(self, event: Any) -> bool:
        del event
        return True  # the board knows itself what concerns it

    def _failed(self, error: Any) -> None:
        self._board.trouble(error, asyncio.get_running_loop().time())
        super()._failed(error)


async def look_at(
    ending: Ending,
    place: Place,
    wanted: Sequence[Subscription],
    operation: Operation,
    *,
    duration: float | None,
    board: Board,
) -> Exit:
    """The dashboard, until somebody has seen enough. The account of a simulated exchange trades meanwhile."""
    keep_off_screen(operation)
    loop = asyncio.get_running_loop()
    follow = Feeding(ending, board)
    tasks: list[asyncio.Future[Any]] = []
    if place.exchange is not None and board.account is not None:
        tasks.append(asyncio.ensure_future(trade(place.exchange)))
    try:
        async with connect(**place.options()) as client, operated(client, operation):
            view = View(
                board,
                client,
                clock=loop.time,
                wall=time.time_ns,
                change_depth=lambda symbol, levels: _deepen(client, symbol, levels),
            )
            shown = asyncio.ensure_future(show(view))
            shown.add_done_callback(lambda _: ending.end())
            tasks.append(shown)
            await follow.run(client, wanted, duration=duration, count=None)
            counts, passed = follow.counts, follow.passed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    if follow.connects:
        print(place.mark + counts.line(passed), file=sys.stderr)
    if follow.error is not None:
        raise follow.error
    if not shown.cancelled() and shown.result() == "interrupt":
        signal.raise_signal(signal.SIGINT)
    return Exit.OK


def board_of(place: Place, symbols: Sequence[str], depth: int, *, private: bool) -> Board:
    """An empty board of these symbols."""
    badge = SIM if place.sim else badge_of(place.hosts)
    return Board(symbols, badge, began=asyncio.get_running_loop().time(), depth=depth, private=private)


def _deepen(client: Client, symbol: str, depth: int) -> str:
    """Ask for another depth of one book; returns what to tell, or nothing."""
    client.unsubscribe("book", symbol)
    try:
        client.subscribe(BookSubscription(symbol=(symbol,), depth=depth))
    except UsageError as exc:
        return exc.rule
    return ""
