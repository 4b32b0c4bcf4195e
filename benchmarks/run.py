"""The speed of every layer, as ratios to bare decoding of the same frames: `python -m benchmarks.run`.

One process, one workload, interleaved rounds; the first round warms up and is not counted. Before anything
is timed, every workload is run once to prove that every book frame in it is verified; after every timed
run the final books are compared.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.subject import Await, Process, Snapshots, layers, prove
from benchmarks.tables import machine, table
from benchmarks.timing import Case, measure, ratio
from benchmarks.workload import BOOK_ONLY, TICKER_ONLY, Workload, generate

SNAPSHOTS_A_RUN = 10
HUNDREDS_A_RUN = 20


@dataclass(frozen=True)
class Claim:
    """A figure with its target: the ratio of two cases, or the milliseconds of one."""

    title: str
    case: str
    base: str | None
    target: float | None

    @property
    def unit(self) -> str:
        return "ms" if self.base is None else "units" if self.base == "unit" else "x"


CLAIMS = (
    Claim("decode to typed messages, nothing else", "decode", "unit", None),
    Claim("core: decode, apply, prove, one plain callback", "core", "unit", 2.5),
    Claim("process() with statistics and sequence", "process", "unit", 3.0),
    Claim("await process_message(), async callback", "await", "unit", 3.4),
    Claim("depth 100 against depth 10", "d100", "d10", None),
    Claim("depth 1000 against depth 10", "d1000", "d10", 1.5),
    Claim("1000 symbols against 10", "s1000", "s10", 1.6),
    Claim("one snapshot of depth 1000", "snapshot", None, 1.5),
    Claim("100 tickers, await process_message()", "tickers", None, 1.0),
)


def workloads(frames: int, seed: int) -> dict[str, Workload]:
    """Mixed; books alone at one depth; many symbols; one deep book; tickers."""
    return {
        "mixed": generate(frames, seed=seed),
        "d10": generate(frames, depth=10, mix=BOOK_ONLY, seed=seed),
        "d100": generate(frames, depth=100, mix=BOOK_ONLY, seed=seed),
        "d1000": generate(frames, depth=1000, mix=BOOK_ONLY, seed=seed),
        "s10": generate(frames, depth=10, seed=seed),
        "s1000": generate(frames, symbols=1000, depth=10, seed=seed),
        "snapshot": generate(0, symbols=1, depth=1000, mix=BOOK_ONLY, seed=seed),
        "tickers": generate(100, mix=TICKER_ONLY, seed=seed),
    }


def cases(loads: dict[str, Workload]) -> list[Case]:
    """Everything that is timed; the order within a round turns."""
    found = layers(loads["mixed"])
    for key in ("d10", "d100", "d1000", "s10", "s1000"):
        found.append(Case(key, f"process, {key}", len(loads[key].frames), _process(loads[key])))
    deep, tickers = loads["snapshot"], loads["tickers"]
    found.append(
        Case(
            "snapshot",
            "snapshot of depth 1000",
            SNAPSHOTS_A_RUN,
            lambda: Snapshots(deep, repeat=SNAPSHOTS_A_RUN),
        )
    )
    found.append(
        Case("tickers", "100 tickers", HUNDREDS_A_RUN, lambda: Await(tickers, repeat=HUNDREDS_A_RUN))
    )
    return found


def _process(workload: Workload) -> Any:
    return lambda: Process(workload)


def judge(claims: tuple[Claim, ...], measured: dict[str, Case]) -> list[dict[str, Any]]:
    """Every claim with its figure, spread and verdict."""
    results = []
    for claim in claims:
        case = measured[claim.case]
        if claim.base is None:
            low, middle, high = (1e3 * value for value in (min(case.seconds), case.median, max(case.seconds)))
        else:
            low, middle, high = ratio(case, measured[claim.base])
        met = None if claim.target is None else middle <= claim.target
        results.append(
            {"claim": claim.title, "figure": middle, "least": low, "largest": high, "unit": claim.unit}
            | {"target": claim.target, "met": met}
        )
    return results


def show(results: list[dict[str, Any]], measured: list[Case]) -> None:
    """Ratios first, then the times they come from."""
    verdict = {True: "met", False: "MISSED", None: ""}
    rows = [
        [
            row["claim"],
            f"{row['figure']:.2f} {row['unit']}",
            f"{row['least']:.2f} to {row['largest']:.2f}",
            f"<= {row['target']:g}" if row["target"] else "",
            verdict[row["met"]],
        ]
        for row in results
    ]
    print(table(["ratios within each round", "median", "least to largest", "target", ""], rows))
    times = [
        [case.title, *(f"{1e6 * value:.2f}" for value in (min(case.seconds), case.median, max(case.seconds)))]
        for case in measured
    ]
    print()
    print(table(["microseconds each", "least", "median", "largest"], times))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description="Speed of every layer.")
    parser.add_argument(
        "--frames", type=int, default=40_000, help="frames of a workload (default %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=9, help="counted rounds (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="few frames and rounds, to see that it works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to FILE as well")
    options = parser.parse_args()
    frames, rounds = (4_000, 3) if options.quick else (options.frames, options.rounds)
    loads = workloads(frames, options.seed)
    proofs = {name: prove(load) for name, load in loads.items()}
    books = sum(proof["verified"] for proof in proofs.values())
    print("  ".join(f"{key}: {value}" for key, value in machine().items()))
    print(
        f"{frames} frames of {loads['mixed'].average_bytes:.0f} bytes, {rounds} rounds, seed {options.seed}"
    )
    print(f"proof before timing: {books} of {books} book frames verified in {len(loads)} workloads\n")
    measured = cases(loads)
    measure(measured, rounds)
    results = judge(CLAIMS, {case.key: case for case in measured})
    show(results, measured)
    if options.json:
        seconds = {case.key: case.seconds for case in measured}
        document = {"machine": machine(), "proofs": proofs, "results": results, "seconds": seconds}
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
