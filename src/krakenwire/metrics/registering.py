"""`krakenwire.metrics.register()`: the counters of a client or a handler as Prometheus metrics."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from krakenwire.errors import UsageError
from krakenwire.handler.handler import KrakenV2MessageHandler
from krakenwire.metrics import readings
from krakenwire.metrics.names import VALUES
from krakenwire.net.client import Client
from krakenwire.net.facts import Facts

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from krakenwire.metrics.collector import Collector

MAX_SYMBOLS = 200
"""Symbols with series of their own, if they are asked for. Each has about seven."""

INSTALL = "metrics need prometheus-client: pip install 'krakenwire[metrics]'"


def register(
    source: Client | KrakenV2MessageHandler,
    registry: CollectorRegistry | None = None,
    *,
    per_symbol: bool = False,
    max_symbols: int = MAX_SYMBOLS,
    mode: str | None = None,
) -> Collector:
    """Expose what a client or a handler counts. Nothing is counted for it: the figures are read when somebody scrapes.

    `registry`: None: the default one of prometheus-client. It may be scraped from any thread; while the client's event loop does not
    answer, `krakenwire_up` is 0 and everything else is left out. `per_symbol`: series by symbol, for the first `max_symbols`
    symbols; all further ones share the symbol `_other`. `mode`: `live` or `sim`; None: by the client's URLs, and `unknown` for a handler.

    Of a handler, gaps and other facts are counted from now on, everything else since its construction. To undo it:
    `registry.unregister(collector)`.

    Raises: UsageError, if prometheus-client is not installed, or the registry has these metrics already.
    """
    made = collector(source, per_symbol=per_symbol, max_symbols=max_symbols, mode=mode)
    from prometheus_client import REGISTRY  # noqa: PLC0415 (an extra)

    from krakenwire.metrics.collector import registered  # noqa: PLC0415 (as above)

    registered(made, REGISTRY if registry is None else registry)
    return made


def collector(
    source: Client | KrakenV2MessageHandler,
    *,
    per_symbol: bool = False,
    max_symbols: int = MAX_SYMBOLS,
    mode: str | None = None,
) -> Collector:
    """What a registry takes.

    Raises: UsageError.
    """
    try:
        from krakenwire.metrics.collector import Collector  # noqa: PLC0415 (it imports an extra)
    except ModuleNotFoundError as exc:
        if (exc.name or "").partition(".")[0] != "prometheus_client":
            raise
        raise UsageError(INSTALL) from None
    if max_symbols < 0:
        raise UsageError("must be at least 0", field="max_symbols")
    if mode not in {None, *VALUES["mode"]}:
        raise UsageError(f"must be one of {', '.join(VALUES['mode'])}", field="mode")
    symbols = readings.Symbols(max_symbols) if per_symbol else None
    if isinstance(source, Client):
        return _of_client(Collector, source, symbols, mode)
    return _of_handler(Collector, source, symbols, mode or "unknown")


def _of_client(
    make: type[Collector], client: Client, symbols: readings.Symbols | None, mode: str | None
) -> Collector:
    measures = client.measures
    told = mode or ("live" if measures.hosts.real else "sim")

    def read() -> readings.Readings:
        now = 0.0 if client.loop is None else client.loop.time()
        return readings.of_client(measures, now, told, symbols)

    def loop() -> asyncio.AbstractEventLoop | None:
        return client.loop

    return make(read, loop, lambda: readings.unknown(told))


def _of_handler(
    make: type[Collector], handler: KrakenV2MessageHandler, symbols: readings.Symbols | None, mode: str
) -> Collector:
    facts = Facts()
    register_callback: Any = handler.register_callback
    for name, take in facts.takers().items():
        register_callback(name, take, facts=False)

    def read() -> readings.Readings:
        return handler.measure(
            lambda session, feed, callbacks, now: readings.of_session(
                session, feed.times(), feed.errors, callbacks, facts, now=now, mode=mode, symbols=symbols
            )
        )

    return make(read, lambda: None, lambda: readings.unknown(mode))
