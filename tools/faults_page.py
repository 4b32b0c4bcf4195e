"""Writes `docs/faults.md`: every fault of the matrix, the tests that show what becomes of it, and how long the client needs after it.

The times are virtual seconds, measured by playing the cases of `tests/soak/cases.py` with several seeds: the same code writes the same
page.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from tests.soak.cases import by_id
from tests.soak.farm import HASH_SEED, played
from tools.fault_ids import FAULTS
from tools.faults import TESTS, collect

PAGE = Path(__file__).resolve().parent.parent / "docs" / "faults.md"
SEEDS = range(1, 6)
NAMES_SHOWN = 3

HEAD = """# Faults

What can go wrong between Kraken and a program, and the tests that show what krakenwire does about it. `make faults-page` writes this page.

Levels: L0 the core, without socket and clock; L1 the client against the simulated exchange, in memory, on virtual time; L2 real sockets
on loopback; L3 whole processes; CI the build. Where *later* stands no test names the id yet: groups R and D, and C8, belong to parts that
do not exist, a recorder and a fan-out to other programs. Recovery is the time from a book, or an account, that cannot be relied on to one
that can, in virtual seconds, over {seeds} seeds of each case: half of the occurrences take no longer than p50, ninety-nine of a hundred no
longer than p99. It includes the time that the fault itself lasts. A dash: nothing was lost.

| id | level | fault | tests | recoveries | p50 | p99 |
|---|---|---|---|---|---|---|
"""


def measured() -> dict[str, list[float]]:
    """Seconds of every recovery, by fault id.

    Raises: SystemExit, if a promise was broken.
    """
    cases = [(fault_id, case) for fault_id, case in by_id()]
    wanted = [(fault_id, case.scenario(seed)) for fault_id, case in cases for seed in SEEDS]
    seconds: dict[str, list[float]] = defaultdict(list)
    outcomes = played([scenario for _, scenario in wanted], 2)
    for (fault_id, _), (scenario, outcome) in zip(wanted, outcomes, strict=True):
        if outcome.broken:
            sys.exit(f"{fault_id}, seed {scenario.seed}: {outcome.broken[0]}")
        seconds[fault_id] += [took for _, took in outcome.recoveries]
    return seconds


def quantile(values: list[float], share: float) -> float:
    """The smallest value that so large a share of all does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def row(fault_id: str, tests: list[str], times: list[float] | None) -> str:
    """One line of the table."""
    fault = FAULTS[fault_id]
    shown = ", ".join(f"`{name}`" for name in tests[:NAMES_SHOWN]) or "later"
    more = f" and {len(tests) - NAMES_SHOWN} more" if len(tests) > NAMES_SHOWN else ""
    if times is None:
        told = ["", "", ""]
    elif not times:
        told = ["0", "-", "-"]
    else:
        told = [str(len(times)), *(f"{quantile(times, share):.2f}" for share in (0.5, 0.99))]
    return f"| {fault_id} | {fault.level} | {fault.title} | {shown}{more} | {' | '.join(told)} |"


def main() -> int:
    """Write the page."""
    if os.environ.get("PYTHONHASHSEED") != HASH_SEED:
        again = [sys.executable, "-m", "tools.faults_page"]
        return subprocess.run(again, env={**os.environ, "PYTHONHASHSEED": HASH_SEED}, check=False).returncode
    times, coverage = measured(), collect(TESTS)
    rows = [row(fault_id, coverage.tests.get(fault_id, []), times.get(fault_id)) for fault_id in FAULTS]
    PAGE.write_text(HEAD.format(seeds=len(SEEDS)) + "\n".join(rows) + "\n", encoding="utf-8")
    print(f"{PAGE.name}: {len(rows)} faults, {sum(map(len, times.values()))} recoveries measured")
    return 0


if __name__ == "__main__":
    sys.exit(main())
