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
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import krakenwire
from benchmarks.loopback_peer import Peer, Run
from benchmarks.loopback_stages import RUNS, full
from benchmarks.subject import NotMeasured, require
from benchmarks.tables import machine, table
from krakenwire import OrderBookUpdate

STAGES = ("transport", "decode", "book", "client", "callback")
FRAMES_A_SECOND = 150_000
PACED = 20_000
P99_MICROSECONDS = 250
WARMING = 0.1
"""Share of a paced run before latencies are taken."""


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
