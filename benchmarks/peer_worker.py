"""One library in a process of its own: reads what to run from stdin, answers one JSON line per run.

    python -m benchmarks.peer_worker NAME WORKLOADS.json

A line on stdin is the name of a workload. The answer is `{"seconds": per frame}`, or `{"error": text}` if
the library could not do it or ended with other best prices than the workload says.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.peer_adapters import ADAPTERS, Adapter, same_price


async def run(adapter: Adapter, workload: dict[str, Any]) -> float:
    """Seconds per frame of one run from fresh state; the snapshots are not timed."""
    await adapter.start(workload["pairs"])
    setup, frames = workload[adapter.protocol]
    await adapter.take(adapter.route(setup))
    routed = adapter.route(frames)
    gc.collect()
    started = perf_counter()
    await adapter.take(routed)
    elapsed = perf_counter() - started
    best = adapter.best()
    await adapter.stop()
    for symbol, (bid, ask) in best.items():
        wanted = workload["best"][symbol]
        if not (same_price(bid, wanted[0]) and same_price(ask, wanted[1])):
            raise AssertionError(
                f"{symbol} ended at {bid} / {ask}, the exchange at {wanted[0]} / {wanted[1]}"
            )
    return elapsed / len(frames)


def main() -> None:
    """The command."""
    name, path = sys.argv[1:]
    workloads = json.loads(Path(path).read_text(encoding="utf-8"))
    # Libraries print at will; the answers get a channel of their own.
    answers, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            answer: dict[str, Any] = {"seconds": asyncio.run(run(ADAPTERS[name](), workloads[line.strip()]))}
        except Exception as exc:  # noqa: BLE001 - whatever a library does is a result, and is printed as one
            answer = {"error": f"{type(exc).__name__}: {exc}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
