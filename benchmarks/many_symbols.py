"""Everything that Kraken lists, in one client process: `python -m benchmarks.many_symbols`.

The simulated exchange runs in a process of its own and is reached over loopback. The client subscribes `book` of depth 10, `trade` and
`ticker` of every symbol, with one callback for all events. What is measured: how long until everything is live, from a cold start and
after every connection was cut at the same moment; and, once it is, the share of a core and the memory of the client's process.

A book is live when a checksum has proven it, a ticker with its first data, trades when their subscription is granted: after a cut the last
trades may be known already, and no data comes before the next one. A run counts only if every book frame was
verified and the only gaps are those of the cut.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import krakenwire
from benchmarks.subject import NotMeasured, require
from benchmarks.tables import machine, table
from krakenwire import BookLost, BookSubscription, Gap, TickerSubscription, TradeSubscription
from krakenwire.net.plan import PUBLIC_SYMBOLS

LIVE_SECONDS = 60.0
LOOK = 0.05
"""Seconds between two looks at whether everything is live."""


class Watcher:
    """The callback: counts every event, and knows which subscriptions have had data since `reset`."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.live: set[tuple[str, str]] = set()
        self.lost: list[object] = []

    def __call__(self, event: Any) -> None:
        name = type(event).__name__
        self.counts[name] += 1
        if name == "OrderBookUpdate" and event.verified:
            self.live.add(("book", event.symbol))
        elif name == "TickerUpdate":
            self.live.add(("ticker", event.symbol))
        elif name == "SubscribeReply" and event.result.channel == "trade":
            self.live.add(("trade", event.result.symbol))
        elif isinstance(event, Gap | BookLost):
            self.lost.append(event)
            self.live.discard((event.channel, event.symbol or ""))


def resident() -> float:
    """MiB of this process in memory; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


class Exchange:
    """The process of the simulated exchange."""

    def __init__(self, symbols: int, rate: float, seed: int) -> None:
        command = [sys.executable, "-m", "benchmarks.many_symbols", "--exchange"]
        command += ["--symbols", str(symbols), "--rate", str(rate), "--seed", str(seed)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.facts = self._read()

    def tell(self, word: str) -> Any:
        """`cut`: every connection ends, without a word. `count`: frames so far and seconds of processor time."""
        print(word, file=self.process.stdin, flush=True)
        return self._read()

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()

    def _read(self) -> Any:
        line = self.process.stdout.readline() if self.process.stdout else ""
        require(fact=bool(line), otherwise="the exchange ended")
        return json.loads(line)


def serve(symbols: int, rate: float, seed: int) -> None:
    """The exchange's side."""
    from krakenwire.sim.background import Simulated  # noqa: PLC0415 (only that process needs an exchange)
    from krakenwire.sim.catalog import invented  # noqa: PLC0415

    markets = invented(symbols, rate=rate)
    with Simulated(seed=seed, markets=markets) as exchange:
        names = [market.pair.symbol for market in markets]
        print(json.dumps({"url": exchange.urls.public, "symbols": names}), flush=True)
        for line in sys.stdin:
            if line.strip() == "cut":
                exchange.fault("at 0 s: cut")
            print(json.dumps([exchange.server.frames, time.process_time()]), flush=True)


async def everything_live(watcher: Watcher, expected: int, since: float) -> float:
    """Seconds from `since` until every subscription has had its first data."""
    async with asyncio.timeout(4 * LIVE_SECONDS):
        while len(watcher.live) < expected:  # noqa: ASYNC110 (a look costs less than a test at every event)
            await asyncio.sleep(LOOK)
    return time.monotonic() - since


async def measure(exchange: Exchange, seconds: float) -> dict[str, Any]:
    """A cold start, a steady while, a reconnect, and another while."""
    names = tuple(exchange.facts["symbols"])
    watcher, expected = Watcher(), 3 * len(names)
    gc.collect()
    before = resident()
    found: dict[str, Any] = {}
    began = time.monotonic()
    async with krakenwire.connect(
        public_url=exchange.facts["url"], backfill=False, gate=krakenwire.ConnectGate()
    ) as kraken:
        kraken.on("*", watcher, limit=100_000)
        kraken.subscribe(BookSubscription(symbol=names, depth=10))
        kraken.subscribe(TickerSubscription(symbol=names))
        kraken.subscribe(TradeSubscription(symbol=names))
        found["cold"] = await everything_live(watcher, expected, began)
        check(kraken, watcher, names, cuts=0)
        found["steady"] = await steady(exchange, watcher, seconds)
        check(kraken, watcher, names, cuts=0)
        cut = time.monotonic()
        await asyncio.to_thread(exchange.tell, "cut")
        async with asyncio.timeout(LIVE_SECONDS):
            while not watcher.lost:  # noqa: ASYNC110 (a look costs less than a test at every event)
                await asyncio.sleep(LOOK)
        found["reconnect"] = await everything_live(watcher, expected, cut)
        found["after"] = await steady(exchange, watcher, seconds)
        check(kraken, watcher, names, cuts=1)
        found["connections"] = sum(info.subscriptions > 0 for info in kraken.status())
        found["books"] = kraken.statistics()["messages_by_channel"]["book"]
    found["memory"] = [before, found["steady"]["resident"], found["after"]["resident"]]
    return found


async def steady(exchange: Exchange, watcher: Watcher, seconds: float) -> dict[str, float]:
    """What a while costs."""
    frames, other = await asyncio.to_thread(exchange.tell, "count")
    events, cpu, wall = watcher.counts.total(), time.process_time(), time.monotonic()
    await asyncio.sleep(seconds)
    passed, cpu = time.monotonic() - wall, time.process_time() - cpu
    events = watcher.counts.total() - events
    frames_then, other_then = await asyncio.to_thread(exchange.tell, "count")
    return {
        "share": cpu / passed,
        "exchange_share": (other_then - other) / passed,
        "frames": (frames_then - frames) / passed,
        "events": events / passed,
        "resident": resident(),
    }


def check(kraken: krakenwire.Client, watcher: Watcher, names: tuple[str, ...], *, cuts: int) -> None:
    """Every book is live, every book frame was verified, and nothing was lost but by the cut."""
    statistics = kraken.statistics()
    held: list[Any] = [kraken.held_book("book", name) for name in names]
    require(fact=all(book is not None and book.verified for book in held), otherwise="a book is not live")
    verified, books = sum(book.entry.verified for book in held), statistics["messages_by_channel"]["book"]
    require(fact=verified == books, otherwise=f"{verified} of {books} book frames verified")
    # After a cut the last trades are sent again, and dropped.
    for name in ("error_count", "sequence_gaps", "discarded_count"):
        require(fact=statistics[name] == 0, otherwise=f"{name} is {statistics[name]}")
    lost = Counter((type(event).__name__, getattr(event, "reason", "")) for event in watcher.lost)
    gaps = lost.pop(("Gap", krakenwire.GapReason.CONNECTION_LOST), 0)
    lost.pop(("Gap", krakenwire.GapReason.TRADE_ID), None)  # what happened while nobody was connected
    require(fact=not lost and gaps == cuts * 3 * len(names), otherwise=f"lost: {gaps} gaps, {lost}")


def show(found: dict[str, Any], symbols: int) -> None:
    """The tables."""
    rows = [
        [
            title,
            f"{found[key]:.1f} s",
            f"<= {LIVE_SECONDS:.0f} s",
            "met" if found[key] <= LIVE_SECONDS else "MISSED",
        ]
        for title, key in (("from a cold start", "cold"), ("after every connection was cut", "reconnect"))
    ]
    print(table([f"until all {3 * symbols:,} subscriptions are live", "measured", "goal", ""], rows))
    print()
    rows = [
        [
            title,
            f"{part['frames']:,.0f}",
            f"{part['events']:,.0f}",
            f"{100 * part['share']:.0f} %",
            f"{1e6 * part['share'] / part['frames']:.0f}",
            f"{part['resident']:.0f}",
            f"{100 * part['exchange_share']:.0f} %",
        ]
        for title, part in (("after the start", found["steady"]), ("after the cut", found["after"]))
    ]
    head = ["", "frames/s", "events/s", "of a core", "us a frame", "MiB", "exchange"]
    print(table(head, rows))
    print(
        f"\n{found['connections']} connections of up to {PUBLIC_SYMBOLS} symbols; "
        f"{found['memory'][0]:.0f} MiB before the first subscription; {found['books']:,} of {found['books']:,} book frames verified"
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.many_symbols", description="Every market at once."
    )
    parser.add_argument("--symbols", type=int, default=1450, help="default: %(default)s")
    parser.add_argument(
        "--rate", type=float, default=4.0, help="orders a second and symbol (default %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="of each steady while (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    parser.add_argument("--exchange", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.exchange:
        serve(options.symbols, options.rate, options.seed)
        return
    print("  ".join(f"{key}: {value}" for key, value in machine().items()))
    exchange = Exchange(options.symbols, options.rate, options.seed)
    try:
        found = asyncio.run(measure(exchange, options.seconds))
    except NotMeasured as exc:
        sys.exit(f"not measured: {exc}")
    finally:
        exchange.stop()
    print(f"{options.symbols} symbols x (book of depth 10 + trade + ticker), seed {options.seed}\n")
    show(found, options.symbols)
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine(), **found}, indent=2) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
