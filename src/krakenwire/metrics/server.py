"""Where Prometheus and orchestrators ask: `/metrics`, `/healthz` and `/readyz`, served from the client's own event loop.

It runs in the loop on purpose: an answer of `/healthz` then proves that the loop turns. Whoever asks cannot hold up the feed. A page is
made once a second at most, however often it is asked for; answers are written by the loop as fast as they are read and no faster; and
when too many connections are open, the oldest is cut.
"""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import TYPE_CHECKING, Self

import msgspec
from aiohttp import web

from krakenwire.errors import UsageError
from krakenwire.metrics.health import Readiness, readiness
from krakenwire.metrics.readings import VERSION
from krakenwire.metrics.registering import MAX_SYMBOLS, collector
from krakenwire.net.client import Client

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

logger = logging.getLogger("krakenwire")

HOST = "127.0.0.1"

OPENMETRICS = "application/openmetrics-text"
"""The newer form of a page, for those who accept it."""

FRESH_SECONDS = 1.0
"""How old a page may be."""

CONNECTIONS = 16
"""Connections open at one time. One more, and the oldest is cut, so that scrapers that hang lock nobody out."""

STOP_SECONDS = 0.5
"""What an answer that is being written has left when the server stops."""


class MetricsServer:
    """The server of one client. Make it with `serve()`."""

    def __init__(
        self,
        client: Client,
        *,
        port: int,
        host: str,
        registry: CollectorRegistry | None,
        per_symbol: bool,
        max_symbols: int,
    ) -> None:
        self._client = client
        self._asked = host, port
        self._collector = collector(client, per_symbol=per_symbol, max_symbols=max_symbols)
        self._given = registry
        self._registry: CollectorRegistry | None = None
        self._runner: web.ServerRunner | None = None
        self._pages: dict[str, tuple[bytes, str]] = {}
        self._made_at = float("-inf")
        self.error: OSError | None = None
        """Why it does not listen; None if it does."""

    @property
    def url(self) -> str | None:
        """Where it listens, as `http://127.0.0.1:9464`; None while it does not."""
        if self._runner is None or not self._runner.addresses:
            return None
        host, port = self._runner.addresses[0][:2]
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    async def start(self) -> None:
        """Listen. A port that is not to be had is no reason to end a feed: one warning says so, and `error` why.

        Raises: UsageError, if `registry` has these metrics already.
        """
        from prometheus_client import CollectorRegistry  # noqa: PLC0415 (an extra)

        from krakenwire.metrics.collector import registered  # noqa: PLC0415 (it imports the extra)

        if self._runner is not None:
            return
        self._registry = CollectorRegistry() if self._given is None else self._given
        registered(self._collector, self._registry)
        self._runner = web.ServerRunner(
            _Door(self._answer, access_log=None), handle_signals=False, shutdown_timeout=STOP_SECONDS
        )
        await self._runner.setup()
        host, port = self._asked
        try:
            await web.TCPSite(self._runner, host, port).start()
        except OSError as exc:
            self.error = exc
            logger.warning("metrics are not served on %s:%d: %s; the feed goes on", host, port, exc.strerror)
            await self.stop()

    async def stop(self) -> None:
        """Listen no more. Whoever is being answered has half a second left."""
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()
        if self._registry is not None:
            self._registry.unregister(self._collector)
            self._registry = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def readiness(self) -> Readiness:
        """What `/readyz` answers."""
        return readiness(self._client.measures)

    # ---------------------------------------------------------------- inside

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/metrics":
            return self._metrics(request.headers.get("Accept", ""))
        if request.path == "/healthz":
            return _json(200, {"alive": True, "version": VERSION})
        if request.path == "/readyz":
            found = self.readiness()
            return _json(200 if found.ready else 503, found)
        return _json(404, {"paths": ["/metrics", "/healthz", "/readyz"]})

    def _metrics(self, accept: str) -> web.Response:
        from krakenwire.metrics.collector import page  # noqa: PLC0415 (it imports an extra)

        now = asyncio.get_running_loop().time()
        if now - self._made_at >= FRESH_SECONDS:
            self._pages.clear()
            self._made_at = now
        if self._registry is None:
            return _json(503, {"alive": False, "version": VERSION})
        form = OPENMETRICS if OPENMETRICS in accept else "text/plain"
        if form not in self._pages:
            self._pages[form] = page(self._registry, form)
        body, kind = self._pages[form]
        return web.Response(body=body, headers={"Content-Type": kind})


class _Door(web.Server):
    """Keeps the number of open connections down."""

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        super().connection_made(handler, transport)
        there = self.connections
        for each in there[: max(0, len(there) - CONNECTIONS)]:
            if each.transport is not None:
                each.transport.abort()


def _json(status: int, told: object) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(told), content_type="application/json")


def serve(
    client: Client,
    *,
    port: int,
    host: str = HOST,
    registry: CollectorRegistry | None = None,
    per_symbol: bool = False,
    max_symbols: int = MAX_SYMBOLS,
) -> MetricsServer:
    """Serve a client's metrics and health while this is entered:

        async with krakenwire.metrics.serve(client, port=9464) as server:
            print(server.url)

    `port`: 0: one that is free. `host`: another address than loopback makes the figures readable from the network; they hold no secret, and
    nobody is asked who he is. `registry`: metrics of your own, to which the client's are added; None: the client's alone. `per_symbol`,
    `max_symbols`: as for `register`.

    Raises: UsageError, if prometheus-client is not installed or an option makes no sense.
    """
    if not 0 <= port <= 65_535:
        raise UsageError("must be a port, 0 to 65535", field="port")
    return MetricsServer(
        client, port=port, host=host, registry=registry, per_symbol=per_symbol, max_symbols=max_symbols
    )
