"""`--metrics PORT`: figures and health of a command's client, for Prometheus and for orchestrators."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import click
from msgspec import Struct

from krakenwire.cli.errors import CommandError
from krakenwire.cli.exits import Exit
from krakenwire.errors import UsageError
from krakenwire.metrics.server import HOST, serve
from krakenwire.net.client import Client


class Metering(Struct, frozen=True):
    """Where figures are to be served. `port` is None if nowhere."""

    port: int | None
    host: str


def metrics_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--metrics` and `--metrics-host`, the same for every command with a client; the command is called with one `metering`."""

    def metered(*args: Any, metrics: int | None, metrics_host: str, **options: Any) -> Any:
        return command(*args, metering=Metering(metrics, metrics_host), **options)

    metered.__doc__ = command.__doc__
    metered.__name__ = command.__name__
    metered.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    with_host = click.option(
        "--metrics-host",
        metavar="ADDRESS",
        default=HOST,
        show_default=True,
        help="Where --metrics listens. Another address than loopback lets the network read the figures.",
    )(metered)
    return click.option(
        "--metrics",
        type=click.IntRange(0, 65_535),
        metavar="PORT",
        help="Serve /metrics for Prometheus, /healthz and /readyz; 0: a free port, which stderr names.  [default: not at all]",
    )(with_host)


@asynccontextmanager
async def metered(client: Client, metering: Metering) -> AsyncIterator[None]:
    """Serve a client's figures while this is entered, if they were asked for. stderr says where; a port that is taken does no harm.

    Raises: CommandError, if prometheus-client is not installed.
    """
    if metering.port is None:
        yield
        return
    try:
        server = serve(client, port=metering.port, host=metering.host)
    except UsageError as exc:
        raise CommandError("usage", exc.rule, exit_code=Exit.USAGE) from None
    async with server:
        if server.error is None:
            print(f"metrics: {server.url}/metrics", file=sys.stderr, flush=True)
        else:
            reason = server.error.strerror or server.error
            print(
                f"no metrics: {metering.host}:{metering.port} is not to be had ({reason}); the feed goes on",
                file=sys.stderr,
            )
        yield
