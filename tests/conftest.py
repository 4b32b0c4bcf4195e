"""What every test has at hand: the hypothesis profiles and the place of recorded traffic."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests.canaries import (
    pytest_configure,
    pytest_runtest_logreport,
    pytest_runtest_protocol,
    pytest_runtest_teardown,
    pytest_sessionfinish,
    pytest_terminal_summary,
    pytest_testnodedown,
    pytest_unconfigure,
)

# The hooks by which pytest finds secrets that tests leave behind.
__all__ = [
    "pytest_configure",
    "pytest_runtest_logreport",
    "pytest_runtest_protocol",
    "pytest_runtest_teardown",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "pytest_testnodedown",
    "pytest_unconfigure",
]

ROOT = Path(__file__).resolve().parent.parent

# The suite answers the same on every machine and every run; new examples are the task of `make fuzz`.
settings.register_profile("suite", derandomize=True, deadline=None, database=None)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=5_000,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# Whether a test fails is all that `make mutants` asks; it has no use for the smallest example.
settings.register_profile("mutants", settings.get_profile("suite"), phases=[Phase.explicit, Phase.generate])
settings.load_profile(os.environ.get("KRAKENWIRE_HYPOTHESIS") or "suite")


@pytest.fixture(scope="session")
def conformance_data() -> Path:
    """The folder that holds `kraken_v2/`, recorded Kraken traffic; the test is skipped where it is absent."""
    named = os.environ.get("KRAKENWIRE_CONFORMANCE_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not (folder / "kraken_v2").is_dir():
        pytest.skip(f"no recorded traffic: {folder} has no kraken_v2; see KRAKENWIRE_CONFORMANCE_DATA")
    return folder
