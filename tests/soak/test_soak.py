"""The client through two hundred scenarios of faults, ten virtual minutes each, under an oracle."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.soak.farm import HASH_SEED, kept
from tests.soak.play import play
from tests.soak.swarm import Scenario, scenario

ROOT = Path(__file__).resolve().parent.parent.parent
SEEDS = "0-199"


@pytest.mark.timeout(900)
def test_two_hundred_seeds_keep_every_promise() -> None:
    """Whatever goes wrong in two hundred random scenarios, no promise is broken. A seed that fails is told, with its command."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.soak", SEEDS],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": HASH_SEED},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("kept_scenario", kept(), ids=lambda scenario: f"{scenario.seed}")
def test_what_failed_once_does_not_fail_again(kept_scenario: Scenario) -> None:
    """A scenario in which a promise was broken once keeps every promise now."""
    assert play(kept_scenario).broken == []


def test_a_seed_is_the_same_run_every_time() -> None:
    """Two runs of one seed, in two processes, tell the same events at the same times."""
    code = "from tests.soak.play import play; from tests.soak.swarm import scenario; print(play(scenario(3)).digest)"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": HASH_SEED},
        capture_output=True,
        text=True,
        check=True,
    )
    outcome = play(scenario(3))
    assert outcome.faults > 0
    assert str(outcome.digest) == told.stdout.strip()
