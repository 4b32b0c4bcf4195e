"""The bridge to prometheus-client. This is the only module that imports it, and it is imported when metrics are asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.exposition import choose_encoder

from krakenwire.errors import UsageError
from krakenwire.metrics.names import METRICS
from krakenwire.metrics.names import Metric as Named
from krakenwire.metrics.readings import Readings

ASK_SECONDS = 2.0
"""How long a thread waits for the event loop to answer. A scrape has ten seconds by default."""


class Collector:
    """Reads the counters of one client or handler whenever somebody scrapes, in any thread."""

    def __init__(
        self,
        read: Callable[[], Readings],
        loop: Callable[[], asyncio.AbstractEventLoop | None],
        unknown: Callable[[], Readings],
    ) -> None:
        self._read = read
        self._loop = loop
        """The loop in which `read` has to be called; None: anywhere."""
        self._unknown = unknown

    def describe(self) -> Iterator[Metric]:
        """The names, so that a registry refuses a second client before the first scrape."""
        return (family(named) for named in METRICS.values())

    def collect(self) -> Iterator[Metric]:
        """Every metric that has a value now."""
        values = self._ask().values
        for named in METRICS.values():
            filled = family(named)
            if named.kind == "summary":
                sums, counts = values.get(f"{named.name}_sum", {}), values.get(f"{named.name}_count", {})
                for labels, total in sums.items():
                    filled.add_metric(labels, count_value=counts[labels], sum_value=total)
            elif named.kind == "info":
                for labels in values[named.name]:
                    filled.add_metric([], dict(zip(named.labels, labels, strict=True)))
            else:
                for labels, value in values[named.name].items():
                    filled.add_metric(labels, value)
            if filled.samples:
                yield filled

    def _ask(self) -> Readings:
        loop = self._loop()
        if loop is None or not loop.is_running() or _running_loop() is loop:
            return self._read()
        future: Future[Readings] = Future()

        def answer() -> None:
            try:
                future.set_result(self._read())
            except Exception as exc:  # noqa: BLE001 (it belongs to the thread that asked)
                future.set_exception(exc)

        loop.call_soon_threadsafe(answer)
        try:
            return future.result(ASK_SECONDS)
        except TimeoutError:
            return self._unknown()


def family(named: Named) -> Any:
    """An empty family of prometheus-client's."""
    if named.kind == "info":
        return InfoMetricFamily(named.name, named.text)
    kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "summary": SummaryMetricFamily}
    return kinds[named.kind](named.name, named.text, labels=named.labels)


def registered(collector: Collector, registry: CollectorRegistry) -> None:
    """Add to a registry.

    Raises: UsageError, if it has these names already.
    """
    try:
        registry.register(collector)
    except ValueError:
        raise UsageError(
            "holds the metrics of a client already; give each client a registry of its own", field="registry"
        ) from None


def page(registry: CollectorRegistry, form: str) -> tuple[bytes, str]:
    """What a scraper gets who accepts this form, and its type."""
    encode, content_type = choose_encoder(form)
    return encode(registry), content_type


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
