"""A pytest plugin: the fixture `kraken_sim`, a running simulated exchange for one test.

It is not loaded by itself: `pytest_plugins = ["krakenwire.sim.pytest_plugin"]` in a conftest, or `-p krakenwire.sim.pytest_plugin`.
The marker `kraken_sim(...)` gives the options of `Simulated`; `--kraken-sim-seed` is the seed of all tests that name none. A test that
fails shows its seed.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from krakenwire.sim.background import Simulated


def pytest_addoption(parser: pytest.Parser) -> None:
    """The seed."""
    group = parser.getgroup("krakenwire")
    group.addoption(
        "--kraken-sim-seed",
        type=int,
        default=0,
        metavar="SEED",
        help="Seed of the simulated exchanges of tests that name none.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """The marker."""
    config.addinivalue_line(
        "markers",
        "kraken_sim(seed, markets, faults, speed, tls, rules, ...): options of the simulated exchange that the fixture "
        "kraken_sim runs",
    )


@pytest.fixture
def kraken_sim(request: pytest.FixtureRequest) -> Iterator[Simulated]:
    """A running simulated exchange: `urls`, `environment`, `key`, `seed`; `fault(script)`; `call(...)`; `truth`."""
    marker = request.node.get_closest_marker("kraken_sim")
    options = {"seed": request.config.getoption("--kraken-sim-seed")} | (marker.kwargs if marker else {})
    if marker is not None and marker.args:
        pytest.fail("the marker kraken_sim takes options by name only", pytrace=False)
    with Simulated(**options) as simulated:
        request.node.add_report_section(
            "setup", "simulated exchange", f"seed {simulated.seed}, {simulated.urls.public}"
        )
        yield simulated
