"""Reading what a scraper gets, with the parser of prometheus-client."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from krakenwire.metrics import register

Series = dict[str, dict[frozenset[tuple[str, str]], float]]


def series(text: str) -> Series:
    """Values by name of sample and labels."""
    found: Series = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = frozenset(sample.labels.items())
            assert labels not in found.setdefault(sample.name, {}), f"twice: {sample.name} {sample.labels}"
            found[sample.name][labels] = sample.value
    return found


def value(found: Series, name: str, **labels: str) -> float:
    """One sample."""
    return found[name][frozenset(labels.items())]


class Page:
    """The page of one client or handler, in a registry of its own."""

    def __init__(self, source: Any, **options: Any) -> None:
        self.registry = CollectorRegistry()
        self.collector = register(source, self.registry, **options)

    def text(self) -> str:
        """The page as it is now."""
        return generate_latest(self.registry).decode()

    def read(self) -> Series:
        """Its values."""
        return series(self.text())
