"""`krakenwire stream`: a channel, live, one line an event."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from krakenwire.cli.ending import Ending, run
from krakenwire.cli.errors import tell
from krakenwire.cli.exits import Exit
from krakenwire.cli.follow import Follow, refusal
from krakenwire.cli.lines import line
from krakenwire.cli.operating import Operation, operated, operating_options
from krakenwire.cli.options import Named, Verb, configured, output_option
from krakenwire.cli.output import Output
from krakenwire.cli.places import Place, place_options, reach
from krakenwire.cli.records import record
from krakenwire.cli.symbols import complete
from krakenwire.cli.terminal import paint
from krakenwire.cli.trader import trade
from krakenwire.errors import UsageError
from krakenwire.net.client import connect
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ExecutionsSubscription,
    InstrumentSubscription,
    Level3Subscription,
    OhlcSubscription,
    Subscription,
    TickerSubscription,
    TradeSubscription,
)

WITH_SYMBOLS: dict[str, type[Any]] = {
    "book": BookSubscription,
    "level3": Level3Subscription,
    "ohlc": OhlcSubscription,
    "ticker": TickerSubscription,
    "trade": TradeSubscription,
}
WITHOUT: dict[str, Subscription] = {
    "balances": BalancesSubscription(),
    "executions": ExecutionsSubscription(snap_orders=True, snap_trades=True),
    "instrument": InstrumentSubscription(),
}
KEYED = ("level3", "executions", "balances")
"""Channels that need an API key."""


@click.command(
    cls=Verb,
    examples=[
        ("krakenwire stream trade BTC/USD ETH/USD", "Trades as they happen, until Ctrl-C."),
        ("krakenwire stream book BTC/USD --depth 25 --sim", "A simulated market: no network, no account."),
        ("krakenwire stream ohlc BTC/USD --interval 5 -o ndjson | jq .close", "For programs."),
        ("krakenwire stream executions --duration 60", "Your orders and fills; needs an API key."),
        ("krakenwire stream book BTC/USD --metrics 9464 -o ndjson", "With figures for Prometheus."),
    ],
    exits=[
        Exit.OK,
        Exit.FAILED,
        Exit.USAGE,
        Exit.AUTH,
        Exit.NETWORK,
        Exit.INTEGRITY,
        Exit.REFUSED,
        Exit.INTERRUPTED,
        Exit.TERMINATED,
    ],
)
@click.argument("channel", type=Named([*WITH_SYMBOLS, *WITHOUT]), metavar="CHANNEL")
@click.argument("symbols", nargs=-1, metavar="[SYMBOL...]", shell_complete=complete)
@click.option(
    "--depth",
    type=int,
    metavar="LEVELS",
    help="Levels a side, for book and level3.  [default: 10, or for book the configured one]",
)
@click.option(
    "--interval",
    type=int,
    metavar="MINUTES",
    help="Length of a candle, for ohlc.  [default: the configured one, or 1]",
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="End after so long.  [default: never]",
)
@click.option(
    "--count",
    type=click.IntRange(min=1),
    metavar="EVENTS",
    help="End after so many events of data; facts about them do not count.  [default: never]",
)
@click.option(
    "--strict",
    is_flag=True,
    help="A refused symbol among others counts, and so does every place where something may be missing.",
)
@place_options
@operating_options
@output_option
def stream(
    *,
    channel: str,
    symbols: tuple[str, ...],
    depth: int | None,
    interval: int | None,
    duration: float | None,
    count: int | None,
    url: str | None,
    cafile: str | None,
    output: str,
    sim: bool,
    strict: bool,
    **operation: Any,
) -> Exit:
    """Print what a channel says, as it says it.

    CHANNEL is book, level3, ohlc, ticker, trade, instrument, executions or balances; the last three have no symbols. SYMBOL is
    written as in BTC/USD. level3, executions and balances need an API key, from the environment, a file or standard input.

    One line an event, on stdout, numbers with the digits received. What may be missing, and books that are lost or live again,
    stand in their place among them. -o json prints only the summary, which otherwise goes to stderr. A connection that breaks
    comes back by itself; Ctrl-C ends in good order, a second one at once.

    Exit code 7 means that Kraken refused every symbol. Of several the others go on, and that counts only with --strict; so do
    gaps (6).
    """
    params = _params(channel, symbols, depth, interval)

    async def work(ending: Ending) -> Exit:
        with reach(sim=sim, url=url, cafile=cafile, symbols=symbols, key=channel in KEYED) as place:
            told = Operation(**operation)
            return await print_all(
                ending, place, [params], told, output=output, duration=duration, count=count
            )

    code = run(work)
    return code if strict or code >= Exit.INTERRUPTED else Exit.OK


async def print_all(
    ending: Ending,
    place: Place,
    wanted: Sequence[Subscription],
    operation: Operation,
    *,
    output: str,
    duration: float | None,
    count: int | None,
) -> Exit:
    """Print every event of these subscriptions. The exit code is the strict one: some were refused, or something may be missing."""
    follow = Follow(ending, Output(), form_of(output, place))
    trader = None
    if place.exchange is not None and any(params.channel in {"executions", "balances"} for params in wanted):
        trader = asyncio.ensure_future(trade(place.exchange))
    try:
        async with connect(**place.options()) as client, operated(client, operation):
            await follow.run(client, wanted, duration=duration, count=count)
            counts, passed = follow.counts, follow.passed
    finally:
        if trader is not None:
            trader.cancel()
            await asyncio.wait([trader])
    if output == "json" and follow.error is None and not ending.hangs:
        print(json.dumps(counts.as_dict(sim=place.sim, passed=passed)))
    elif output != "json" and follow.connects:
        print(place.mark + counts.line(passed), file=sys.stderr)
    if follow.error is not None:
        raise follow.error
    codes = [Exit.INTEGRITY if counts.gaps else Exit.OK]
    for event in follow.refused:
        error = refusal(event)
        codes.append(error.exit_code)
        tell(error, as_json=False)
    return max(codes)


def form_of(output: str, place: Place) -> Callable[[Any], str | None]:
    """How events are written in a form of output."""
    if output == "json":
        return lambda _event: None
    if output == "ndjson":
        return lambda event: record(event, sim=place.sim)

    def styled(event: Any) -> str:
        text, style = line(event)
        return place.mark + paint(text, style, sys.stdout)

    return styled


def _params(channel: str, symbols: tuple[str, ...], depth: int | None, interval: int | None) -> Subscription:
    """The subscription that the arguments describe.

    Raises: click.UsageError.
    """
    if depth is not None and channel not in {"book", "level3"}:
        raise click.BadParameter("is for book and level3", param_hint="--depth")
    if interval is not None and channel != "ohlc":
        raise click.BadParameter("is for ohlc", param_hint="--interval")
    if channel in WITHOUT:
        if symbols:
            raise click.UsageError(f"{channel} has no symbols: it brings everything")
        return WITHOUT[channel]
    if not symbols:
        raise click.UsageError(f"{channel} needs at least one symbol, for instance BTC/USD")
    if channel == "book":
        depth = configured("depth", "--depth", depth)
    elif channel == "ohlc":
        interval = configured("interval", "--interval", interval)
    given = {"depth": depth, "interval": interval}
    options = {name: value for name, value in given.items() if value is not None}
    try:
        return WITH_SYMBOLS[channel](symbol=tuple(dict.fromkeys(symbols)), **options)  # type: ignore[no-any-return]
    except UsageError as exc:
        raise click.BadParameter(exc.rule, param_hint=f"--{exc.field}") from None
