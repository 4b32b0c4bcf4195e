"""What whoever runs a long command wants of it: figures for Prometheus, health for an orchestrator, and a log. One decorator and one
context for every command with a client.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import click
from msgspec import Struct

from krakenwire.cli.errors import CommandError
from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Named, configured
from krakenwire.errors import UsageError
from krakenwire.logs import configure, following
from krakenwire.logs.lines import LEVELS
from krakenwire.metrics.server import HOST, MetricsServer, serve
from krakenwire.metrics.systemd import reporting
from krakenwire.net.client import Client


class Operation(Struct, frozen=True):
    """What the options of `operating_options` say. All of it off by default."""

    metrics: int | None = None
    """Port; None: no server."""
    metrics_host: str = HOST
    log_format: str | None = None
    log_level: str | None = None
    """If neither of the two is given here or configured, there is no log."""


def operating_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--metrics`, `--metrics-host`, `--log-format` and `--log-level`. The command takes them as they are named, for `Operation`."""
    for option in (
        click.option(
            "--log-level",
            type=Named(LEVELS),
            help="Log to stderr what is so grave, or graver.  [default: no log; info with --log-format]",
        ),
        click.option(
            "--log-format",
            type=Named(("text", "json")),
            help="Log to stderr, one line or one object a record.  [default: no log; text with --log-level]",
        ),
        click.option(
            "--metrics-host",
            metavar="ADDRESS",
            default=HOST,
            show_default=True,
            help="Where --metrics listens. Another address than loopback lets the network read the figures.",
        ),
        click.option(
            "--metrics",
            type=click.IntRange(0, 65_535),
            metavar="PORT",
            help="Serve /metrics for Prometheus, /healthz and /readyz; 0: a free port, which stderr names.  "
            "[default: not at all]",
        ),
    ):
        command = option(command)
    return command


@asynccontextmanager
async def operated(client: Client, operation: Operation) -> AsyncIterator[None]:
    """Do what was asked for while this is entered; and report to systemd, if it started this process.

    Raises: CommandError, if prometheus-client is needed and not installed.
    """
    async with AsyncExitStack() as stack:
        form, level = _log(operation)
        logs = form is not None or level is not None
        if logs:
            stack.callback(configure(form or "text", level or "info").detach)
            stack.enter_context(following(client))
        if operation.metrics is not None:
            server = _server(client, operation.metrics, operation.metrics_host)
            await stack.enter_async_context(server)
            _tell(server, operation, logs=logs)
        await stack.enter_async_context(reporting(client))
        yield


def _log(operation: Operation) -> tuple[Any, Any]:
    """Format and level of the log, as given or configured. Both None: there is no log."""
    form = configured("log.format", "--log-format", operation.log_format)
    return form, configured("log.level", "--log-level", operation.log_level)


def keep_off_screen(operation: Operation) -> None:
    """Raises: CommandError, if there would be a log on the terminal that a dashboard is painted on."""
    if any(each is not None for each in _log(operation)):
        raise CommandError(
            "usage",
            "a log on this terminal would be painted over the dashboard",
            "without a log (krakenwire config show --origin says who wants it), or in lines: --plain 2> krakenwire.log",
            exit_code=Exit.USAGE,
        )


def _server(client: Client, port: int, host: str) -> MetricsServer:
    try:
        return serve(client, port=port, host=host)
    except UsageError as exc:
        raise CommandError("usage", exc.rule, exit_code=Exit.USAGE) from None


def _tell(server: MetricsServer, operation: Operation, *, logs: bool) -> None:
    if server.error is None:
        print(f"metrics: {server.url}/metrics", file=sys.stderr, flush=True)
    elif not logs:  # the log has it
        reason = server.error.strerror or type(server.error).__name__
        place = f"{operation.metrics_host}:{operation.metrics}"
        print(f"no metrics: {place} is not to be had ({reason}); the feed goes on", file=sys.stderr)
