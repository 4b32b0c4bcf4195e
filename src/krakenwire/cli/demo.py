"""`krakenwire demo`: a small recorded market, played through the handler. No network, no account."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from krakenwire.capture import read
from krakenwire.errors import BookNotLive
from krakenwire.handler import KrakenV2MessageHandler, create_kraken_v2_handler

SAMPLE = Path(__file__).with_name("sample.jsonl.gz")

EVERY = 250
"""Frames between two pictures of the books."""


@click.command()
@click.option(
    "--speed", type=click.FloatRange(min=0), default=1.0, help="Pictures a second; 0: as fast as it goes."
)
def demo(speed: float) -> None:
    """Play a sample capture through the handler: live verified books, then the statistics.

    The market is invented; nothing in it is a real price.

    Example: krakenwire demo --speed 0
    """
    handler = create_kraken_v2_handler()
    symbols: dict[str, None] = {}
    handler.register_callback("book", lambda event: symbols.setdefault(event.symbol), facts=False)
    for line in read(str(SAMPLE)):
        handler.process(line.frame)
        if line.number % EVERY == 0:
            click.echo(f"SIM  frame {line.number:,}")
            for symbol in symbols:
                click.echo(_line(handler, symbol))
            if speed and sys.stdout.isatty():
                time.sleep(1 / speed)
    _summary(handler)


def _line(handler: KrakenV2MessageHandler, symbol: str) -> str:
    try:
        view = handler.book(symbol, 1)
    except BookNotLive as exc:
        return f"  {symbol:<10} {exc.status}: {exc.reason}"
    bid = str(view.bids[0]) if view.bids else "-"
    ask = str(view.asks[0]) if view.asks else "-"
    return f"  {symbol:<10} {bid:>28} | {ask:<28} spread {view.spread}  verified, checksum {view.checksum}"


def _summary(handler: KrakenV2MessageHandler) -> None:
    statistics = handler.get_statistics()
    click.echo("\nstatistics")
    for name in ("total_messages", "error_count", "duplicate_count", "sequence_gaps", "trade_gaps"):
        click.echo(f"  {name:<16} {statistics[name]:,}")
    for channel, count in statistics["messages_by_channel"].items():
        micros = statistics["avg_processing_times"][channel] * 1e6
        click.echo(f"  {channel:<16} {count:,} messages, {micros:.1f} µs each")
