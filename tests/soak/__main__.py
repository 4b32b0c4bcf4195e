"""`make soak SEEDS=0-999`: plays the scenarios of these seeds, and prints every one in which a promise was broken.

A failing seed is printed with the one command that plays it again, exactly. `--shrink` looks for the smallest script that still fails;
`--keep` writes it to `regressions.jsonl`, which `make test` plays.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

import msgspec
from msgspec.structs import replace

from tests.soak.farm import HASH_SEED, REGRESSIONS, played, shrunk
from tests.soak.play import Outcome, play
from tests.soak.swarm import SECONDS, Scenario, scenario


def _seeds(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _report(found: Scenario, outcome: Outcome, *, dense: bool) -> None:
    print(f"\nseed {found.seed}: {len(outcome.broken)} promises broken")
    for line in (*found.script, *found.habits):
        print(f"    {line}")
    for line in outcome.broken[:10]:
        print(f"  {line}")
    print(f"again: make soak SEEDS={found.seed}{' DENSE=1' if dense else ''}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("seeds", type=_seeds, help="one seed, or first-last")
    parser.add_argument("--dense", action="store_true", help="lively markets")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="virtual seconds of a seed")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--shrink", action="store_true", help="look for the smallest script that fails")
    parser.add_argument("--keep", action="store_true", help="keep what fails as a regression")
    options = parser.parse_args(arguments)
    if os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        again = [sys.executable, "-m", "tests.soak", *(sys.argv[1:] if arguments is None else arguments)]
        return subprocess.run(again, env={**os.environ, "PYTHONHASHSEED": HASH_SEED}, check=False).returncode
    scenarios = [scenario(seed, dense=options.dense, seconds=options.seconds) for seed in options.seeds]
    began, totals, failed = time.monotonic(), [0.0, 0, 0, 0], 0
    for found, outcome in played(scenarios, 1 if len(scenarios) == 1 else options.processes):
        for number, value in enumerate((outcome.seconds, outcome.frames, outcome.checked, outcome.faults)):
            totals[number] += value
        if outcome.broken:
            failed += 1
            _report(found, outcome, dense=options.dense)
            if options.shrink or options.keep:
                least = shrunk(found)
                print("smallest:", msgspec.json.encode(least).decode(), *play(least).broken[:3], sep="\n  ")
            if options.keep:
                kept_line = msgspec.json.encode(replace(least, about=play(least).broken[0][:200]))
                with REGRESSIONS.open("ab") as file:
                    file.write(kept_line + b"\n")
        elif len(scenarios) == 1:
            print(*found.script, *found.habits, f"kept every promise; digest {outcome.digest:08x}", sep="\n")
    seconds, frames, checked, faults = totals
    minutes = (time.monotonic() - began) / 60
    print(
        f"\n{len(scenarios)} seeds, {failed} failed; {seconds / 3600:.1f} virtual hours in {minutes:.1f} minutes:"
        f" {seconds / 3600 / minutes:.0f} virtual hours a minute; {frames} frames, {checked} books compared, {faults} faults"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
