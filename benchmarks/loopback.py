"""The whole client over loopback with TLS: `python -m benchmarks.loopback`.

A separate process (`benchmarks.sender`) has the frames encoded beforehand; here is one client process with one connection. Each stage is a
run that stops after it, so that the share of every stage is measured and not guessed:

- `transport`: frames are received, and dropped;
- `decode`: and decoded;
- `book`: and taken by a session, which applies and proves them;
- `client`: the whole client, and nobody wants its events;
- `callback`: the whole client, and a plain callback with every event.

A run counts only if every book frame was verified and every book ends where the exchange's does. Rounds are interleaved. What a frame
costs is the processor time of this process, user and system together: that is what one core can do, however busy the other one is.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import krakenwire
from benchmarks.sender import CERTIFICATE
from benchmarks.subject import NotMeasured, require
from benchmarks.tables import machine, table
from krakenwire import OrderBookUpdate, StatusUpdate
from krakenwire.net.sockets import SocketTransport
from krakenwire.session import Session
from krakenwire.wire.codec import Codec
from krakenwire.wire.subscriptions import (
    BookSubscription,
    InstrumentSubscription,
    OhlcSubscription,
    TickerSubscription,
    TradeSubscription,
)

AUTHORITY = str(CERTIFICATE.with_name("authority.pem"))
STAGES = ("transport", "decode", "book", "client", "callback")
FRAMES_A_SECOND = 150_000
PACED = 20_000
P99_MICROSECONDS = 250
WARMING = 0.1
"""Share of a paced run before latencies are taken."""

SETTLE = 0.2
"""Seconds between the last answer to a subscription and the first frame, or between runs."""

CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_setaffinity") else []

Run = tuple[float, float]


class Peer:
    """The sender's process."""

    def __init__(self, frames: int, seed: int, *, apart: bool = True) -> None:
        command = [sys.executable, "-m", "benchmarks.sender", "--frames", str(frames), "--seed", str(seed)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if apart:
            part(self.process.pid)
        self.facts: dict[str, Any] = self.read()

    def read(self) -> Any:
        """The next line of JSON."""
        line = self.process.stdout.readline() if self.process.stdout else ""
        require(fact=bool(line), otherwise="the sender ended")
        return json.loads(line)

    def go(self, rate: float) -> None:
        """Let it send."""
        print(rate, file=self.process.stdin, flush=True)

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()

    def url(self, path: str) -> str:
        return f"wss://127.0.0.1:{self.facts['port']}{path}"


def part(pid: int) -> None:
    """Give the sender a core of its own, so that this process has one, too; where the system lets us."""
    if len(CORES) > 1:
        os.sched_setaffinity(pid, CORES[1:])
        os.sched_setaffinity(0, CORES[:1])


class Clock:
    """Wall and processor seconds between `start` and `stop`."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def start(self) -> None:
        gc.collect()
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def stop(self) -> Run:
        return time.perf_counter() - self.wall, time.process_time() - self.cpu


async def bare(
    peer: Peer, prepare: Callable[[bytes], object], take: Callable[[bytes], object], check: Callable[[], None]
) -> Run:
    """The real transport alone; `prepare` takes the set-up frames, `take` those that are measured."""
    transport, clock = SocketTransport(cafile=AUTHORITY), Clock()
    link = await transport.open(peer.url("/raw"))
    receive = link.receive
    for _ in range(peer.facts["setup"]):
        prepare(await receive())
    clock.start()
    peer.go(0)
    for _ in range(peer.facts["frames"]):
        take(await receive())
    run = clock.stop()
    await asyncio.to_thread(peer.read)
    await link.close()
    check()
    return run


async def transport_stage(peer: Peer) -> Run:
    """Received and dropped."""
    return await bare(peer, len, len, lambda: None)


async def decode_stage(peer: Peer) -> Run:
    """And decoded."""
    return await bare(peer, len, Codec().fast, lambda: None)


async def book_stage(peer: Peer) -> Run:
    """And taken by a session. `peer.facts` learns how many events that makes."""
    session = Session(now=0.0)
    events = 0

    def take(frame: bytes) -> None:
        nonlocal events
        events += len(session.receive(frame, now=0.0))

    def check() -> None:
        peer.facts["events"] = events
        check_books(peer.facts, session.book)

    return await bare(peer, lambda frame: session.receive(frame, now=0.0), take, check)


async def client_stage(peer: Peer) -> Run:
    """The whole client; nobody wants its events, but one who waits for the last."""
    return await full(peer, 0, lambda _kraken, _done: None)


async def callback_stage(peer: Peer) -> Run:
    """The whole client with a callback for everything."""
    events = 0

    def register(kraken: krakenwire.Client, done: asyncio.Event) -> None:
        def callback(event: object) -> None:
            nonlocal events
            events += 1
            if type(event) is StatusUpdate:
                done.set()

        kraken.on("*", callback)

    run = await full(peer, 0, register)
    require(
        fact=events >= peer.facts.get("events", peer.facts["frames"]), otherwise=f"only {events} callbacks"
    )
    return run


async def full(
    peer: Peer,
    rate: float,
    register: Callable[[krakenwire.Client, asyncio.Event], None],
    finish: Callable[[Any], None] = lambda _: None,
) -> Run:
    """The client subscribes everything, takes everything, and proves that it did. `finish` gets the times at which frames were sent."""
    facts, clock, done = peer.facts, Clock(), asyncio.Event()
    async with krakenwire.connect(
        public_url=peer.url("/v2"), cafile=AUTHORITY, backfill=False, gate=krakenwire.ConnectGate()
    ) as kraken:
        subscribe(kraken, facts["depths"])
        await live(kraken, facts)
        register(kraken, done)
        kraken.on("status", lambda _: done.set())
        clock.start()
        peer.go(rate)
        await done.wait()
        run = clock.stop()
        finish(await asyncio.to_thread(peer.read))
        check_client(kraken, facts)
        await asyncio.sleep(SETTLE)
    return run


def subscribe(kraken: krakenwire.Client, depths: dict[str, int]) -> None:
    """Everything that the workload has."""
    symbols = tuple(depths)
    kraken.subscribe(InstrumentSubscription())
    for depth in sorted(set(depths.values())):
        kraken.subscribe(
            BookSubscription(symbol=tuple([name for name in symbols if depths[name] == depth]), depth=depth)
        )
    kraken.subscribe(TickerSubscription(symbol=symbols))
    kraken.subscribe(TradeSubscription(symbol=symbols))
    kraken.subscribe(OhlcSubscription(symbol=symbols))


async def live(kraken: krakenwire.Client, facts: dict[str, Any]) -> None:
    """Wait until every snapshot is there."""
    expected = facts["setup"] // 2
    async with asyncio.timeout(30):
        while sum(_data(kraken.statistics()).values()) < expected:  # noqa: ASYNC110 (nobody tells it)
            await asyncio.sleep(0.02)
    await asyncio.sleep(SETTLE)


def _data(statistics: dict[str, Any]) -> dict[str, int]:
    counts = statistics["messages_by_channel"]
    return {name: counts[name] for name in counts if name not in {"subscribe", "pong", "status", "heartbeat"}}


def check_client(kraken: krakenwire.Client, facts: dict[str, Any]) -> None:
    """Every frame was counted, every book frame verified, and every book ends as it should."""
    statistics = kraken.statistics()
    books = facts["counts"]["book"] + len(facts["books"])
    found = statistics["messages_by_channel"].get("book")
    require(fact=found == books, otherwise=f"{found} of {books} book frames")
    held: dict[str, Any] = {symbol: kraken.held_book("book", symbol) for symbol in facts["books"]}
    verified = sum(book.entry.verified for book in held.values())
    require(fact=verified == books, otherwise=f"{verified} of {books} book frames verified")
    for name in ("error_count", "duplicate_count", "sequence_gaps", "trade_gaps", "discarded_count"):
        require(fact=statistics[name] == 0, otherwise=f"{name} is {statistics[name]}")
    require(fact=statistics["connects"] == 1, otherwise=f"{statistics['connects']} connections")
    check_books(facts, lambda symbol: held[symbol].view())


def check_books(facts: dict[str, Any], book: Callable[[str], Any]) -> None:
    """Every book is live, proven, and ends where the exchange's does."""
    for symbol, (bid, ask, checksum) in facts["books"].items():
        view = book(symbol)
        found = (view.best_bid, view.best_ask, view.checksum, view.verified)
        require(
            fact=found == (Decimal(bid), Decimal(ask), checksum, True), otherwise=f"{symbol} ended as {found}"
        )


# -------------------------------------------------------------------- latency


async def latency(peer: Peer, rate: float, texts: dict[str, int]) -> tuple[list[float], float]:
    """Microseconds from just before a book frame was written to its callback, and this process's share of a core. `texts`: which frame
    has which timestamp.
    """
    taken: list[tuple[str | None, int]] = []
    delays: list[float] = []

    def register(kraken: krakenwire.Client, _done: asyncio.Event) -> None:
        clock, note = time.monotonic_ns, taken.append

        def callback(event: object) -> None:
            if type(event) is OrderBookUpdate:
                note((event.timestamp, clock()))

        kraken.on("*", callback)

    def finish(writes: list[tuple[int, int]]) -> None:
        delays.extend(_delays(taken, writes, texts))

    wall, cpu = await full(peer, rate, register, finish)
    require(
        fact=len(taken) == peer.facts["counts"]["book"], otherwise=f"{len(taken)} callbacks with a book frame"
    )
    return delays, cpu / wall


def _delays(
    taken: list[tuple[str | None, int]], writes: list[tuple[int, int]], texts: dict[str, int]
) -> list[float]:
    """Frames and writes are in the same order, so the two lists are walked together."""
    found, number = [], 0
    warm = WARMING * (max(texts.values()) + 1)
    for text, at in taken:
        index = texts[text or ""]
        while number + 1 < len(writes) and writes[number + 1][0] <= index:
            number += 1
        if index >= warm:
            found.append((at - writes[number][1]) / 1000)
    return found


def timestamps(frames: int, seed: int) -> dict[str, int]:
    """Which frame of the workload a timestamp of a book belongs to: they all differ."""
    from benchmarks.workload import generate  # noqa: PLC0415 (only this part needs the frames themselves)

    found = {}
    for index, frame in enumerate(generate(frames, seed=seed).frames):
        if frame.startswith(b'{"channel":"book"'):
            text = frame[frame.rindex(b'"timestamp":"') + 13 : -4].decode()
            require(fact=text not in found, otherwise=f"{text} twice")
            found[text] = index
    return found


# -------------------------------------------------------------------- the command

RUNS: dict[str, Callable[[Peer], Awaitable[Run]]] = {
    "transport": transport_stage,
    "decode": decode_stage,
    "book": book_stage,
    "client": client_stage,
    "callback": callback_stage,
}


def measure(peer: Peer, stages: list[str], rounds: int) -> dict[str, list[Run]]:
    """Every stage once a round; the first round warms up if there are more."""
    found: dict[str, list[Run]] = {stage: [] for stage in stages}
    for number in range(rounds + (rounds > 1)):
        shift = number % len(stages)
        for stage in stages[shift:] + stages[:shift]:
            run = asyncio.run(_once(RUNS[stage], peer))
            if number or rounds == 1:
                found[stage].append(run)
    return found


async def _once(stage: Callable[[Peer], Awaitable[Run]], peer: Peer) -> Run:
    return await stage(peer)


def show_stages(peer: Peer, found: dict[str, list[Run]]) -> dict[str, Any]:
    """The cost of each stage, and the rate of the last."""
    frames = peer.facts["frames"]
    rows, before, figures = [], 0.0, {}
    total = median([cpu for _, cpu in list(found.values())[-1]])
    for stage, runs in found.items():
        cpus = [1e6 * cpu / frames for _, cpu in runs]
        middle = median(cpus)
        own = middle - before
        rows.append(
            [
                stage,
                f"{min(cpus):.2f}",
                f"{middle:.2f}",
                f"{own:.2f}",
                f"{100 * own / (1e6 * total / frames):.0f} %",
                f"{1e6 / middle:,.0f}",
                f"{median([frames / wall for wall, _ in runs]):,.0f}",
            ]
        )
        figures[stage] = {"cpu_microseconds": cpus, "wall_seconds": [wall for wall, _ in runs]}
        before = middle
    head = [
        "up to",
        "least us",
        "median us",
        "its own",
        "share",
        "frames/s of a core",
        "frames/s by the clock",
    ]
    print(table(head, rows))
    return figures


def show_latency(rounds: list[tuple[list[float], float]]) -> dict[str, Any]:
    """Percentiles of each round, and their medians."""
    rows, figures = [], []
    for delays, share in rounds:
        cuts = quantiles(delays, n=1000)
        row = [cuts[499], cuts[899], cuts[989], cuts[998], max(delays)]
        figures.append(row)
        rows.append([f"{len(delays):,}", *(f"{value:.0f}" for value in row), f"{100 * share:.0f} %"])
    middle = [median(column) for column in zip(*figures, strict=True)]
    rows.append(["median", *(f"{value:.0f}" for value in middle), ""])
    print(table(["book frames", "p50 us", "p90", "p99", "p99.9", "largest", "of a core"], rows))
    return {"p50": middle[0], "p99": middle[2], "rounds": figures}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.loopback", description="The client, end to end."
    )
    parser.add_argument("--frames", type=int, default=60_000, help="frames of a run (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=9, help="counted rounds (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stages", default=",".join(STAGES), help="default: %(default)s")
    parser.add_argument("--rate", type=int, default=PACED, help="frames a second when paced; 0: not at all")
    parser.add_argument("--paced-frames", type=int, default=60_000)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    options = parser.parse_args()
    print("  ".join(f"{key}: {value}" for key, value in machine().items()))
    document: dict[str, Any] = {"machine": machine()}
    verdicts = []
    stages = [stage for stage in options.stages.split(",") if stage]
    try:
        if stages:
            figures, rate = _throughput(options, stages)
            document["stages"] = figures
            if stages[-1] == "callback":
                verdicts.append(
                    (
                        f"at least {FRAMES_A_SECOND:,} verified frames/s of a core",
                        rate >= FRAMES_A_SECOND,
                        f"{rate:,.0f}",
                    )
                )
        if options.rate:
            found = _latency(options)
            document["latency"] = found
            verdicts.append(
                (
                    f"p99 at most {P99_MICROSECONDS} us at {options.rate:,} frames/s",
                    found["p99"] <= P99_MICROSECONDS,
                    f"{found['p99']:.0f} us",
                )
            )
    except NotMeasured as exc:
        sys.exit(f"not measured: {exc}")
    for title, met, figure in verdicts:
        print(f"goal: {title}: {figure}, {'met' if met else 'MISSED'}")
    if options.json:
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def _throughput(options: argparse.Namespace, stages: list[str]) -> tuple[dict[str, Any], float]:
    peer = Peer(options.frames, options.seed)
    try:
        facts = peer.facts
        print(
            f"{facts['frames']:,} frames of {facts['average_bytes']:.0f} bytes, {options.rounds} rounds, seed {options.seed};"
            " one connection, TLS over loopback, as fast as they are taken\n"
        )
        found = measure(peer, stages, options.rounds)
        figures = show_stages(peer, found)
        verified = facts["counts"]["book"] + len(facts["books"])
        print(f"\nverified in each run from `book` on: {verified:,} of {verified:,} book frames\n")
        last = found[stages[-1]]
        return figures, facts["frames"] / median([cpu for _, cpu in last])
    finally:
        peer.stop()


def _latency(options: argparse.Namespace) -> dict[str, Any]:
    texts = timestamps(options.paced_frames, options.seed)
    gc.collect()
    gc.freeze()
    peer = Peer(options.paced_frames, options.seed)
    try:
        print(f"From the write of a book frame to its callback, {options.rate:,} frames/s\n")
        found = [asyncio.run(latency(peer, options.rate, texts)) for _ in range(options.rounds)]
        return show_latency(found)
    finally:
        peer.stop()


if __name__ == "__main__":
    main()
