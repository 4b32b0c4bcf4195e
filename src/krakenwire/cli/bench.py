"""`krakenwire bench`: how fast this installation is on this machine, as ratios to bare decoding."""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

import click

from krakenwire.cli.bare import decode_bare
from krakenwire.cli.errors import CommandError
from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Verb, output_option
from krakenwire.cli.terminal import Progress, paint
from krakenwire.handler import KrakenV2MessageHandler
from krakenwire.sim import Exchange
from krakenwire.sim.catalog import DEFAULT
from krakenwire.state.side import COMPILED
from krakenwire.text import counted, seconds
from krakenwire.wire.encoding import encode
from krakenwire.wire.subscriptions import (
    BookSubscription,
    OhlcSubscription,
    Subscribe,
    TickerSubscription,
    TradeSubscription,
)

LENGTH = 5.0
"""Seconds, unless told otherwise."""

FRAMES = 10_000
"""Of one round."""

STEP = 0.01
"""Seconds of the exchange between two looks at what it says."""

BARE = "bare"
WORDS = {
    BARE: "bare decoding",
    "handler": "the handler, books proven",
}
"""What is timed."""


@click.command(
    cls=Verb,
    examples=[
        ("krakenwire bench", "Five seconds of measuring."),
        ("krakenwire bench --duration 20 -o json | jq .ratios.handler.median", "One figure, for programs."),
    ],
    exits=[Exit.OK, Exit.FAILED, Exit.USAGE, Exit.INTEGRITY, Exit.INTERRUPTED, Exit.TERMINATED],
    see=["docs/performance.md"],
)
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    default=LENGTH,
    show_default=True,
    help="How long it measures; one round at least.",
)
@output_option
def bench(duration: float, output: str) -> Exit:
    """Measure the speed of the handler on this machine.

    A simulated exchange makes frames of books, trades, tickers and candles of five markets; each round takes the same frames through
    bare decoding, which makes typed messages of them and nothing else, and through the handler, which proves every book. What counts is
    the ratio within a round: it hardly depends on the machine, frames a second do. Neither network nor account is needed. Ctrl-C ends it
    with the rounds made so far.
    """
    setup, frames = _frames()
    rounds: list[dict[str, float]] = []
    progress = Progress("measuring", None)
    code = Exit.OK
    ends = time.monotonic() + duration
    try:
        _round(setup, frames)  # warms up
        while not rounds or time.monotonic() < ends:
            rounds.append(_round(setup, frames))
            progress.show(None, len(rounds) * len(frames))
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    finally:
        progress.clear()
    if not rounds:
        raise CommandError("interrupted", "interrupted before one round was over", exit_code=Exit.INTERRUPTED)
    told = _result(rounds, len(frames))
    if output == "table":
        _print(told)
    else:
        print(json.dumps(told, indent=2 if output == "json" else None))
    return code


def _frames() -> tuple[list[bytes], list[bytes]]:
    """Frames with which everything begins, and those that are timed. The same ones on every machine."""
    exchange = Exchange(seed=1)
    client = exchange.connect(now=0.0)
    for params in (
        BookSubscription(symbol=DEFAULT),
        TradeSubscription(symbol=DEFAULT),
        TickerSubscription(symbol=DEFAULT),
        OhlcSubscription(symbol=DEFAULT, interval=1),
    ):
        exchange.receive(client, encode(Subscribe(params)), now=0.0)
    setup = exchange.take_outgoing(client)
    frames: list[bytes] = []
    step = 0
    while len(frames) < FRAMES:
        step += 1
        exchange.advance(step * STEP)
        frames += exchange.take_outgoing(client)
    return setup, frames[:FRAMES]


def _round(setup: Sequence[bytes], frames: Sequence[bytes]) -> dict[str, float]:
    """Seconds that each way takes for the frames."""
    handler = KrakenV2MessageHandler()
    lost: list[Any] = []
    handler.register_callback("book", _nothing)
    handler.register_callback("book_lost", lost.append)
    for frame in setup:
        handler.process(frame)
    before = handler.get_statistics()["total_messages"]
    ways: dict[str, Callable[[bytes], object]] = {BARE: decode_bare, "handler": handler.process}
    taken = {name: _timed(way, frames) for name, way in ways.items()}
    if lost or handler.get_statistics()["total_messages"] != before + len(frames):
        raise CommandError(
            "integrity",
            "the handler did not do its work, so its speed means nothing",
            exit_code=Exit.INTEGRITY,
        )
    return taken


def _nothing(_event: object) -> None:
    """A callback that costs nothing but its call."""


def _timed(way: Callable[[bytes], object], frames: Sequence[bytes]) -> float:
    gc.collect()
    began = time.perf_counter()
    for frame in frames:
        way(frame)
    return time.perf_counter() - began


def _result(rounds: Sequence[dict[str, float]], frames: int) -> dict[str, Any]:
    """What was measured, for programs."""
    ratios = {}
    for name in WORDS:
        found = [taken[name] / taken[BARE] for taken in rounds]
        ratios[name] = {
            "median": round(median(found), 3),
            "least": round(min(found), 3),
            "largest": round(max(found), 3),
        }
    return {
        "rounds": len(rounds),
        "frames": frames,
        "seconds": round(sum(sum(taken.values()) for taken in rounds), 3),
        "compiled": COMPILED,
        "python": ".".join(map(str, sys.version_info[:3])),
        "frames_per_second": {
            name: round(frames / median(taken[name] for taken in rounds)) for name in WORDS
        },
        "ratios": ratios,
    }


def _print(told: dict[str, Any]) -> None:
    kind = "compiled" if told["compiled"] else "pure Python"
    made = f"{counted(told['rounds'], 'round')} of {told['frames']:,} frames in {seconds(told['seconds'])}"
    print(paint(f"{made}, {kind}, Python {told['python']}", "bold", sys.stdout))
    for name, words in WORDS.items():
        ratio, rate = told["ratios"][name], told["frames_per_second"][name]
        spread = "" if name == BARE else f"  ({ratio['least']:.2f} to {ratio['largest']:.2f})"
        print(f"  {words:<26} {ratio['median']:>5.2f} x  {rate:>9,} frames/s{spread}")
