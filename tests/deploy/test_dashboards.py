"""The dashboard and the alerts are about series that exist: every metric, label and value in them is one that a client exposes."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from krakenwire import (
    BookSubscription,
    Credentials,
    ExecutionsSubscription,
    OhlcSubscription,
    TradeSubscription,
    connect,
)
from krakenwire.metrics.names import METRICS, VALUES
from krakenwire.sim.background import Simulated
from tests.deploy.promql import used
from tests.metrics.exposition import Page, Series

ROOT = Path(__file__).resolve().parents[2]
BOARD: dict[str, Any] = json.loads((ROOT / "deploy/grafana/krakenwire.json").read_text(encoding="utf-8"))
ALERTS: dict[str, Any] = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text(encoding="utf-8"))
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]
OF_PROMETHEUS = {"job", "instance"}
"""Labels that every scrape adds."""


async def lived(exchange: Simulated) -> Series:
    """What a client exposes that has seen a little of everything."""
    urls = exchange.urls
    async with connect(
        public_url=urls.public,
        private_url=urls.private,
        level3_url=urls.level3,
        rest_url=urls.rest,
        credentials=Credentials(exchange.key.key, exchange.key.secret),
    ) as kraken:
        page = Page(kraken, per_symbol=True)
        kraken.on("book", lambda _: 1 / 0)
        kraken.subscribe(BookSubscription(symbol=("BTC/USD", "NO/USD")))
        kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
        kraken.subscribe(OhlcSubscription(symbol=("BTC/USD",)))
        kraken.subscribe(ExecutionsSubscription())
        async with kraken.trade("BTC/USD"), kraken.ticker("BTC/USD"):
            await asyncio.sleep(1)
            exchange.fault("at 0 s: drop book BTC/USD update 2 times")
            await asyncio.sleep(1)
            exchange.fault("at 0 s: cut")
            await asyncio.sleep(1.5)
            return page.read()


@pytest.fixture(scope="module")
def exposed() -> Iterator[Series]:
    """The exposition."""
    with Simulated(markets=["BTC/USD"], speed=2) as exchange:
        yield asyncio.run(lived(exchange))


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression with the place where it stands."""
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    for variable in BOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], re.sub(r"label_values\((.*), \w+\)", r"\1", variable["query"]["query"])
    for rule in RULES:
        yield rule["alert"], rule["expr"]


@pytest.mark.parametrize(
    ("place", "expression"), list(expressions()), ids=[place for place, _ in expressions()]
)
def test_expression_is_about_what_exists(place: str, expression: str, exposed: Series) -> None:
    """Every series of an expression is exposed by a client at the simulator, with the labels and values that it asks for."""
    found = used(re.sub(r"\$__\w+", "5m", expression))
    assert found.selectors
    labels_there: set[str] = set(OF_PROMETHEUS)
    for metric, asked in found.selectors:
        assert metric in exposed, metric
        there = {label for labels in exposed[metric] for label, _ in labels}
        labels_there |= there
        for label, (sign, text) in asked.items():
            assert label in there | OF_PROMETHEUS, (metric, label)
            if label in OF_PROMETHEUS:
                continue
            for value in text.split("|") if sign in {"=~", "!~"} else [text]:
                assert value in VALUES[label], (metric, label, value)
    assert found.grouping <= labels_there


def test_every_metric_is_exposed_by_a_client(exposed: Series) -> None:
    """A client that has seen a little of everything exposes every metric there is."""
    assert {name for metric in METRICS.values() for name in metric.series} == exposed.keys()


def test_board_can_be_drawn() -> None:
    """Panels have ids of their own, do not overlap, fit the grid, and say in a sentence what they show."""
    taken: set[tuple[int, int]] = set()
    for panel in BOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells
        assert panel["description"].endswith(".")
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])


def test_alerts_say_what_to_do() -> None:
    """Every alert has a name of its own, a severity, a summary and a description, and its texts use labels that it has."""
    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule["alert"].startswith("Krakenwire")
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"].keys() == {"summary", "description"}
        page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
        assert f"`{rule['alert']}`" in page
        found = used(rule["expr"])
        labels = {label for metric, _ in found.selectors for label in label_names(metric)}
        for text in rule["annotations"].values():
            assert text.endswith(".")
            assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels | OF_PROMETHEUS


def label_names(sample: str) -> tuple[str, ...]:
    """The labels of the metric that a sample belongs to."""
    return next(metric.labels for metric in METRICS.values() if sample in metric.series)


@pytest.mark.parametrize(
    ("expression", "metrics", "grouping"),
    [
        ("a", ["a"], set()),
        ('sum by (x, y) (rate(a_total{b="c"}[5m])) / sum(d) > 0.5', ["a_total", "d"], {"x", "y"}),
        ("absent(a) or a == 0 unless on (i) b offset 5m", ["a", "a", "b"], {"i"}),
        ("sum(rate(a[5m])) by (z)", ["a"], {"z"}),
    ],
)
def test_expressions_are_read(expression: str, metrics: list[str], grouping: set[str]) -> None:
    """The reader of expressions finds each series and each grouping, and nothing else."""
    found = used(expression)
    assert [selector.metric for selector in found.selectors] == metrics
    assert found.grouping == grouping


def test_expression_that_is_none_is_refused() -> None:
    """What cannot be read is an error, so an expression is not checked by being misunderstood."""
    for expression in ("sum(a", "a{b=c}", "a ; b"):
        with pytest.raises(ValueError, match=r"missing|no label|not understood"):
            used(expression)
