"""krakenwire beside other libraries: `python -m benchmarks.peers`.

Makes an environment of its own (`.bench-venv`, pinned versions), generates one workload in both protocols,
and lets every library run it in its own process, in interleaved rounds. Each process measures itself: from
the received text to a book that is up to date and a callback that was called, without socket. A run counts
only if the best prices of all books end where the exchange's do.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Collection
from pathlib import Path
from statistics import median
from typing import IO, Any, cast

from benchmarks.tables import machine, table
from benchmarks.timing import Progress
from benchmarks.wire_v1 import WireV1
from benchmarks.workload import BOOK_ONLY, PUBLIC, Workload, generate

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".bench-venv"
PINS = {
    "python-kraken-sdk": ["python-kraken-sdk==3.5.1"],
    "cryptofeed": ["cryptofeed==2.4.1"],
    "ccxt": ["ccxt==4.5.90", "orjson>=3.10,<4"],
}
CLAIMS = {"python-kraken-sdk": 15.0, "cryptofeed": 3.0, "ccxt": 1.0}
"""How many times longer a library should take than `process()` on the mixed workload, at least."""

COLUMNS = ("mixed", "d10", "d100", "d1000", "snapshot")


def python() -> Path:
    """The interpreter of the environment."""
    folder = "Scripts" if os.name == "nt" else "bin"
    return ENVIRONMENT / folder / ("python.exe" if os.name == "nt" else "python")


def install(names: Collection[str] = tuple(PINS)) -> dict[str, str]:
    """Fill the environment with krakenwire and these libraries; the reason for each that could not be installed."""
    if not python().exists():
        print(f"creating {ENVIRONMENT.name}", file=sys.stderr)
        venv.create(ENVIRONMENT, with_pip=True)
    failed = {}
    pins = {name: pin for name, pin in PINS.items() if name in names}
    wanted = {"krakenwire": ["--editable", str(ROOT)], **pins}
    for name, requirements in wanted.items():
        stamp = ENVIRONMENT / f".{name}"
        key = "\n".join(requirements)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == key:
            continue
        print(f"installing {name}", file=sys.stderr)
        pip = [str(python()), "-m", "pip", "--disable-pip-version-check", "--quiet"]
        command = [*pip, "install", *requirements]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or ["no reason given"]
            failed[name] = next(
                (line for line in reversed(lines) if "error" in line.lower()), lines[-1]
            ).strip()
        else:
            stamp.write_text(key, encoding="utf-8")
    return failed


def workloads(frames: int, seed: int) -> dict[str, Any]:
    """Every workload in both protocols; the book-only ones are shorter, as some take 0.5 ms a frame."""
    few = max(200, frames // 5)
    return {
        "mixed": _both(frames, None, PUBLIC, seed),
        "d10": _both(few, 10, BOOK_ONLY, seed),
        "d100": _both(few, 100, BOOK_ONLY, seed),
        "d1000": _both(few, 1000, BOOK_ONLY, seed),
        "snapshot": _snapshot(seed),
    }


def _both(frames: int, depth: int | None, mix: tuple[tuple[str, float], ...], seed: int) -> dict[str, Any]:
    new = generate(frames, depth=depth, mix=mix, seed=seed)
    old = generate(frames, depth=depth, mix=mix, seed=seed, wire=WireV1())
    return _plain(new, new.setup, new.frames) | {"v1": [_texts(old.setup), _texts(old.frames)]}


def _snapshot(seed: int) -> dict[str, Any]:
    """One frame: the snapshot of one book at depth 1000."""
    new = generate(0, symbols=1, depth=1000, mix=BOOK_ONLY, seed=seed)
    old = generate(0, symbols=1, depth=1000, mix=BOOK_ONLY, seed=seed, wire=WireV1())
    twin = {"v1": [_texts(old.setup[:-1]), _texts(old.setup[-1:])]}
    return _plain(new, new.setup[:-1], new.setup[-1:]) | twin


def _plain(workload: Workload, setup: list[bytes], frames: list[bytes]) -> dict[str, Any]:
    return {
        "pairs": [{"symbol": p.symbol, "decimals": p.decimals, "depth": p.depth} for p in workload.pairs],
        "v2": [_texts(setup), _texts(frames)],
        "best": {symbol: best[:2] for symbol, best in workload.books.items()},
    }


def _texts(frames: list[bytes]) -> list[str]:
    return [frame.decode() for frame in frames]


class Worker:
    """One library in its process; seconds per frame for every workload, or the reason why not."""

    def __init__(self, name: str, path: Path) -> None:
        self.name = name
        self.seconds: dict[str, list[float]] = {column: [] for column in COLUMNS}
        self.problem = ""
        self.process = subprocess.Popen(
            [str(python()), "-m", "benchmarks.peer_worker", name, str(path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.input, self.output = cast("IO[str]", self.process.stdin), cast("IO[str]", self.process.stdout)

    def run(self, column: str) -> None:
        if self.problem:
            return
        try:
            self.input.write(column + "\n")
            self.input.flush()
            line = self.output.readline()
        except BrokenPipeError:
            line = ""
        answer: dict[str, Any] = json.loads(line) if line else {"error": "its process ended"}
        if "error" in answer:
            self.problem = f"{column}: {answer['error']}"
        else:
            self.seconds[column].append(answer["seconds"])

    def median(self, column: str) -> float:
        return median(self.seconds[column])

    def close(self) -> None:
        self.input.close()
        self.process.wait(timeout=30)


def compare(names: list[str], path: Path, rounds: int) -> list[Worker]:
    """Every library runs every workload once a round; the first round warms up."""
    workers = [Worker(name, path) for name in names]
    progress = Progress((rounds + 1) * len(COLUMNS) * len(workers))
    for number in range(rounds + 1):
        for column in COLUMNS:
            for worker in workers:
                worker.run(column)
                progress.step(f"{worker.name} {column}")
        if number == 0:
            for worker in workers:
                worker.seconds = {column: [] for column in COLUMNS}
    progress.close()
    for worker in workers:
        worker.close()
    return workers


def report(workers: list[Worker], failed: dict[str, str]) -> dict[str, Any]:
    """Print the ratios, the goals, the times and the features; the figures as data."""
    ours = next((worker for worker in workers if worker.name == "krakenwire" and not worker.problem), None)
    ratio_rows, time_rows, figures = [], [], {}
    for worker in workers:
        if worker.problem:
            continue
        medians = {column: worker.median(column) for column in COLUMNS}
        figures[worker.name] = medians
        times = [f"{medians[column] * 1e6:.1f}" for column in COLUMNS[:-1]] + [
            f"{medians['snapshot'] * 1e3:.2f}"
        ]
        time_rows.append([worker.name, *times])
        if ours and worker is not ours:
            ratio_rows.append([worker.name, *(f"{medians[c] / ours.median(c):.1f}x" for c in COLUMNS)])
    heads = ["mixed", "depth 10", "depth 100", "depth 1000", "snapshot 1000"]
    print("How many times longer the others take than krakenwire's process()\n")
    print(table(["library", *heads], ratio_rows) if ours else "krakenwire itself did not run")
    print()
    _print_goals(figures)
    print("\nMicroseconds a frame (the snapshot in milliseconds), medians\n")
    print(table(["library", *heads], time_rows))
    print("\nWhat each does in that time: docs/comparison.md")
    problems = failed | {worker.name: worker.problem for worker in workers if worker.problem}
    for name, reason in problems.items():
        print(f"\n{name}: {reason}")
    return {"machine": machine(), "seconds": figures, "problems": problems}


def _print_goals(figures: dict[str, dict[str, float]]) -> None:
    for name, goal in CLAIMS.items():
        if name in figures and "krakenwire" in figures:
            times = figures[name]["mixed"] / figures["krakenwire"]["mixed"]
            verdict = "met" if times >= goal else "MISSED"
            print(f"goal: at least {goal:g}x faster than {name} on mixed: {times:.1f}x, {verdict}")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers", description="krakenwire beside others."
    )
    parser.add_argument("--frames", type=int, default=20_000, help="frames of the mixed workload")
    parser.add_argument("--rounds", type=int, default=7, help="counted rounds (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few frames and rounds, to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    options = parser.parse_args()
    frames, rounds = (3_000, 2) if options.quick else (options.frames, options.rounds)
    failed = install()
    names = [name for name in ("krakenwire", *PINS) if name not in failed]
    if "ccxt" in names:
        names.append("ccxt, checksum on")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "workloads.json"
        path.write_text(json.dumps(workloads(frames, options.seed)), encoding="utf-8")
        workers = compare(names, path, rounds)
    print("  ".join(f"{key}: {value}" for key, value in machine().items()))
    pins = ", ".join(pin for group in PINS.values() for pin in group)
    print(f"{frames} frames, {rounds} rounds, seed {options.seed}; {pins}\n")
    figures = report(workers, failed)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
