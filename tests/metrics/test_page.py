"""The page about metrics names every one of them, with the kind and the labels that it has."""

from __future__ import annotations

import re
from pathlib import Path

from krakenwire.metrics.names import METRICS

PAGE = Path(__file__).resolve().parents[2] / "docs/metrics.md"


def rows() -> dict[str, tuple[str, set[str]]]:
    """Kind and labels by name, as the page has them."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.split("|")][1:-1]
        if len(cells) == 5 and cells[0].startswith("`krakenwire_"):
            for name in re.findall(r"`(\w+)`", cells[0]):
                assert name not in found, f"{name} stands there twice"
                found[name] = cells[1], set(re.findall(r"`(\w+)`", cells[2]))
    return found


def test_page_has_every_metric_as_it_is() -> None:
    """Each series is in the table once, with its kind and labels, and nothing else is."""
    real = {
        name: ("gauge" if metric.kind == "info" else metric.kind, set(metric.labels))
        for metric in METRICS.values()
        for name in metric.series
    }
    assert rows() == real
