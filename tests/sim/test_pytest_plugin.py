"""The pytest plugin, as a project that uses it has it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = 'pytest_plugins = ["krakenwire.sim.pytest_plugin"]'

BLOCKING = """
import json
import socket
import urllib.request

import pytest

pytestmark = pytest.mark.kraken_sim(markets=["SOL/USD"])


def test_http(kraken_sim):
    with urllib.request.urlopen(kraken_sim.urls.rest + "/0/public/SystemStatus") as answer:
        assert json.load(answer)["result"]["status"] == "online"


@pytest.mark.kraken_sim(seed=9, markets=["XRP/USD"], faults="at 0 s: refuse http 502", speed=5)
def test_options(kraken_sim):
    assert kraken_sim.seed == 9
    assert list(kraken_sim.exchange.markets) == ["XRP/USD"]
    with pytest.raises(urllib.error.HTTPError, match="502"):
        urllib.request.urlopen(kraken_sim.urls.rest + "/0/public/Time")
    assert kraken_sim.truth.faults[0].what == "refuse http 502"
"""

ASYNC = """
import aiohttp


async def test_socket(kraken_sim):
    assert kraken_sim.seed == 4
    async with aiohttp.ClientSession() as session, session.ws_connect(kraken_sim.urls.public) as ws:
        assert (await ws.receive_json())["channel"] == "status"
"""

FAILING = """
def test_fails(kraken_sim):
    assert not kraken_sim.urls.public


import pytest

@pytest.mark.kraken_sim(7)
def test_wrong_marker(kraken_sim):
    pass
"""


def test_fixture_in_blocking_tests(pytester: pytest.Pytester) -> None:
    """A test without any loop has a running exchange, with the options of the nearest marker; nothing is left behind."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(BLOCKING)
    pytester.runpytest_subprocess("-p", "no:asyncio", "-W", "error", "--strict-markers").assert_outcomes(
        passed=2
    )


def test_fixture_in_async_tests(pytester: pytest.Pytester) -> None:
    """A test in a loop of its own has one, too; the seed of the command line counts where the test names none."""
    pytester.makepyfile(ASYNC)
    done = pytester.runpytest_subprocess(
        "-p",
        "krakenwire.sim.pytest_plugin",
        "--kraken-sim-seed=4",
        "-W",
        "error",
        "-o",
        "asyncio_mode=auto",
        "-o",
        "asyncio_default_fixture_loop_scope=function",
    )
    done.assert_outcomes(passed=1)


def test_failure_shows_the_seed(pytester: pytest.Pytester) -> None:
    """A test that fails shows the seed and the address; a marker without names is refused with the reason."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(FAILING)
    done = pytester.runpytest_subprocess()
    done.assert_outcomes(failed=1, errors=1)
    done.stdout.fnmatch_lines(["*simulated exchange*", "seed 0, ws://127.0.0.1:*/v2"])
    done.stdout.fnmatch_lines(["*the marker kraken_sim takes options by name only*"])


def test_not_loaded_by_itself(pytester: pytest.Pytester) -> None:
    """Whoever does not ask for the plugin has no such fixture and no such option."""
    pytester.makepyfile("def test_x(kraken_sim): ...")
    done = pytester.runpytest_subprocess()
    done.stdout.fnmatch_lines(["*fixture 'kraken_sim' not found*"])
    assert "kraken-sim-seed" not in pytester.runpytest_subprocess("--help").stdout.str()


def test_page_shows_what_works(pytester: pytest.Pytester) -> None:
    """The conftest and the test that the page of the simulator shows work as they stand."""
    page = (Path(__file__).parents[2] / "docs/simulator.md").read_text(encoding="utf-8")
    conftest, test = re.findall(
        r"^```\n(.*?)^```$", page.split("## With pytest")[1], re.MULTILINE | re.DOTALL
    )[:2]
    pytester.makeconftest(conftest)
    bot = 'import pytest\n\ndef run_my_bot(environment):\n    assert environment["KRAKEN_WS_L3_URL"].endswith("/l3/v2")\n\n'
    pytester.makepyfile(bot + test)
    pytester.runpytest_subprocess("-p", "no:asyncio", "-W", "error", "--strict-markers").assert_outcomes(
        passed=1
    )
