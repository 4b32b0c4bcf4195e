"""Memory over very many frames: `python -m benchmarks.memory`.

Ten million valid frames of one endless connection go through `handler.process` with statistics, sequence
tracking and a plain callback; the resident memory is read every half million. Frames are made in blocks in
a process of their own, so that what grows here is the handler's. With `--hostile` a share of the frames is
what a broken or malicious peer sends: unknown channels, symbols, fields and values, junk bytes, bad
numbers, replies to nothing; all of them different, so that anything remembered per name grows.
"""

from __future__ import annotations

import argparse
import gc
import json
import multiprocessing
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.hostile import Hostile
from benchmarks.subject import new_handler, nothing, require
from benchmarks.tables import machine, table
from benchmarks.timing import Progress
from benchmarks.workload import Feed

BLOCK = 20_000
SAMPLES = 20
"""Readings in one run."""


def resident() -> float:
    """Resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def produce(pipe: Any, frames: int, hostile: float, seed: int) -> None:
    """Write the set-up frames, then blocks of frames; runs in its own process."""
    feed = Feed(seed=seed)
    pipe.send(feed.setup())
    enemy = Hostile(seed)
    left = frames
    while left:
        count = min(BLOCK, left)
        block = list(feed.frames(count - int(count * hostile)))
        pipe.send(enemy.mix(block, int(count * hostile)))
        left -= count
    pipe.close()


def blocks(frames: int, hostile: float, seed: int) -> Iterator[list[bytes]]:
    """Blocks from the producer; the first is the set-up."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=produce, args=(sender, frames, hostile, seed), daemon=True)
    process.start()
    sender.close()
    try:
        while True:
            yield receiver.recv()
    except EOFError:
        process.join()


def run(frames: int, hostile: float, seed: int) -> dict[str, Any]:
    """Feed everything; the readings and the handler's last words."""
    handler = new_handler()
    handler.register_callback("*", nothing)
    step = max(BLOCK, frames // SAMPLES)
    readings: list[tuple[int, float, float]] = []
    done, due = 0, step
    progress = Progress(max(1, frames // BLOCK))
    source = blocks(frames, hostile, seed)
    for frame in next(source):
        handler.process(frame)
    started = perf_counter()
    for block in source:
        for frame in block:
            handler.process(frame)
        done += len(block)
        progress.step(f"{done:,} frames, {resident():.1f} MiB")
        if done >= due:
            gc.collect()
            readings.append((done, resident(), perf_counter() - started))
            due += step
    progress.close()
    return {"readings": readings, "statistics": handler.get_statistics()}


def report(result: dict[str, Any], hostile: float) -> dict[str, Any]:
    """Print the readings and the growth after the first quarter, when caches and buffers are full."""
    readings = result["readings"]
    rows = [[f"{count:,}", f"{size:.1f}", f"{seconds:.0f}"] for count, size, seconds in readings]
    print(table(["frames", "resident MiB", "seconds"], rows))
    warm = readings[max(0, len(readings) // 4 - 1)]
    growth, span = readings[-1][1] - warm[1], readings[-1][0] - warm[0]
    print(f"\ngrowth after {warm[0]:,} frames: {growth:+.2f} MiB over {span:,} frames")
    statistics = result["statistics"]
    if not hostile:
        for name in ("error_count", "duplicate_count", "sequence_gaps"):
            require(
                fact=statistics[name] == 0, otherwise=f"{name} is {statistics[name]}: frames were refused"
            )
    else:
        print(f"errors counted: {statistics['error_count']:,}")
    print(f"messages counted: {statistics['total_messages']:,}")
    return {"growth_mib": growth, "growth_over_frames": span, "readings": readings}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory", description="Memory over many frames."
    )
    parser.add_argument("--frames", type=int, default=10_000_000, help="how many (default %(default)s)")
    parser.add_argument(
        "--hostile", type=float, default=0.0, metavar="SHARE", help="share of hostile frames, 0 to 1"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    options = parser.parse_args()
    if not Path("/proc/self/statm").exists():
        sys.exit("this benchmark reads /proc, which this system does not have")
    print("  ".join(f"{key}: {value}" for key, value in machine().items()))
    print(f"{options.frames:,} frames, hostile share {options.hostile:g}, seed {options.seed}\n")
    figures = report(run(options.frames, options.hostile, options.seed), options.hostile)
    if options.json:
        options.json.write_text(
            json.dumps({"machine": machine()} | figures, indent=2) + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
