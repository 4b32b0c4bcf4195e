"""Many scenarios: played in several processes, made smaller where they fail, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import msgspec
from msgspec.structs import replace

from tests.soak.play import Outcome, play
from tests.soak.swarm import Scenario

REGRESSIONS = Path(__file__).parent / "regressions.jsonl"
HASH_SEED = "0"
"""Value of PYTHONHASHSEED under which a seed is the same run everywhere."""


def kept() -> list[Scenario]:
    """The scenarios that failed once."""
    return [msgspec.json.decode(line, type=Scenario) for line in REGRESSIONS.read_bytes().splitlines()]


def played(scenarios: Iterable[Scenario], processes: int) -> Iterator[tuple[Scenario, Outcome]]:
    """Each scenario with what it came to, in their order."""
    if processes == 1:
        yield from map(_both, scenarios)
        return
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        yield from pool.map(_both, scenarios, chunksize=4)


def _both(scenario: Scenario) -> tuple[Scenario, Outcome]:
    return scenario, play(scenario)


def shrunk(scenario: Scenario) -> Scenario:
    """A scenario that fails like this one, from which nothing can be left out."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _smaller(scenario):
            if play(candidate).broken:
                scenario, smaller = candidate, True
                break
    return scenario


def _smaller(scenario: Scenario) -> Iterator[Scenario]:
    for name in ("script", "habits", "extras"):
        items = getattr(scenario, name)
        for at in range(len(items)):
            yield replace(scenario, **{name: items[:at] + items[at + 1 :]})
    if scenario.slow:
        yield replace(scenario, slow=False)
    if scenario.fetches:
        yield replace(scenario, fetches=False)
