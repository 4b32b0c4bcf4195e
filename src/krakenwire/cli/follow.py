"""Following a live stream: events to their lines, until somebody has seen enough or there is no use in waiting."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from krakenwire.cli import symbols
from krakenwire.cli.counts import DATA, Counts
from krakenwire.cli.ending import Ending
from krakenwire.cli.errors import CommandError
from krakenwire.cli.exits import Exit
from krakenwire.cli.keys import KEY_HINT
from krakenwire.cli.output import Output
from krakenwire.cli.records import is_told
from krakenwire.cli.terminal import paint
from krakenwire.errors import (
    AuthFailed,
    CapacityExceeded,
    ConnectFailed,
    KrakenWireError,
    TokenUnavailable,
    UsageError,
)
from krakenwire.events import ConnectionChanged, ConnectionState, SubscriptionRejected
from krakenwire.net.client import Client
from krakenwire.net.transport import ConnectFailure
from krakenwire.text import shown
from krakenwire.wire.refusals import ErrorKind
from krakenwire.wire.subscriptions import Subscription

FIRST_TRIES = 3
"""Attempts at an exchange that never was reached; later, when it once was, there is no end to them."""

UNWELCOME = frozenset({ConnectFailure.RATE_LIMITED, ConnectFailure.FORBIDDEN})
"""Answers after which more attempts make it worse, and after which a client waits for minutes."""

HINTS = {
    ConnectFailure.NAME: "check the name, and that this machine can look up names; krakenwire doctor looks closer",
    ConnectFailure.REFUSED: "check the address and the port; krakenwire doctor looks closer",
    ConnectFailure.TIMEOUT: "check the network, or a proxy (HTTPS_PROXY); krakenwire doctor looks closer",
    ConnectFailure.CERTIFICATE: "check the clock of this machine and who answers there; an exchange of your own needs --cafile",
    ConnectFailure.PROXY: "check HTTPS_PROXY and the login in it",
    ConnectFailure.RATE_LIMITED: "too many attempts from this address: wait ten minutes, and connect less often",
    ConnectFailure.FORBIDDEN: "Kraken does not serve this address or region",
    ConnectFailure.UNAVAILABLE: "Kraken has trouble or is under maintenance: https://status.kraken.com",
    ConnectFailure.HANDSHAKE: "whoever answers there speaks no WebSocket; is a proxy in between?",
    ConnectFailure.TRANSPORT: "the transport is not one of krakenwire's; its own error is the cause",
    ConnectFailure.RESOURCES: "raise the limit of open files (ulimit -n), or end other programs",
}
"""What to do about each way in which connecting fails."""


class Follow:
    """Everything that a client reports, counted and printed as `form` writes it (None: not at all)."""

    def __init__(self, ending: Ending, output: Output, form: Callable[[Any], str | None]) -> None:
        self.counts = Counts()
        self.refused: list[SubscriptionRejected] = []
        """Subscriptions that Kraken refused for good."""
        self.error: CommandError | None = None
        """Why it ended, if not because somebody had seen enough."""
        self.connects = 0
        self._ending = ending
        self._output = output
        self._form = form
        self._began = time.monotonic()
        self._client: Client | None = None
        self._troubled: set[str] = set()
        """Connections that were lost, or not made at once."""

    @property
    def passed(self) -> float:
        """Seconds since construction."""
        return time.monotonic() - self._began

    async def run(
        self,
        client: Client,
        wanted: Sequence[Subscription],
        *,
        duration: float | None,
        count: int | None,
    ) -> None:
        """Subscribe, and follow for so long or so many events of data.

        Raises: CommandError, before anything is connected: no key, or parameters that contradict each other. OSError, if the output
        cannot be written.
        """
        self._client = client
        client.on_error(self._failed)
        symbols = sum(len(getattr(params, "symbol", ())) for params in wanted)
        async with client.events() as events:
            for params in wanted:
                subscribe(client, params)
            tasks = [
                asyncio.ensure_future(self._read(events, count, symbols)),
                asyncio.ensure_future(self._output.run()),
                asyncio.ensure_future(self._ending.wait(duration)),
            ]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                self._ending.hangs = tasks[1] not in done and not await self._output.finish()
                done = {task for task in tasks if task.done()}  # the last lines may have failed meanwhile
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
        self.connects = client.statistics()["connects"]
        if self.connects == 0 and self.error is None and self._ending.signal is None:
            self.error = CommandError(
                "network",
                "the exchange was not reached in time",
                HINTS[ConnectFailure.TIMEOUT],
                retryable=True,
                exit_code=Exit.NETWORK,
            )
        for task in done:
            task.result()

    async def _read(self, events: Any, count: int | None, symbols: int) -> None:
        async for event in events:
            self.counts.take(event)
            if self._is_told(event):
                text = self._form(event)
                if text is not None:
                    self._output.put(text)
            if isinstance(event, SubscriptionRejected) and not event.retried:
                self.refused.append(event)
                # That an account goes on does not help whoever asked for markets.
                if not symbols or sum(each.symbol is not None for each in self.refused) >= symbols:
                    self.error = refusal(event)
                    return
            if count is not None and type(event) in DATA and self.counts.events >= count:
                return
            await self._output.room()

    def _is_told(self, event: Any) -> bool:
        """That a connection is made, and that none is needed any more, is nothing to tell: that it was lost and is back is."""
        if not isinstance(event, ConnectionChanged):
            return is_told(event)
        if event.state is ConnectionState.CONNECTED:
            return event.connection in self._troubled
        if event.state in {ConnectionState.CONNECTING, ConnectionState.IDLE}:
            return False
        self._troubled.add(event.connection)
        return True

    def _failed(self, error: KrakenWireError) -> None:
        """Something went wrong that the client survives; it may be that nothing good can follow."""
        final = isinstance(error, AuthFailed)
        if isinstance(error, TokenUnavailable):
            told = f"no token for private channels: {shown(error)}; it is asked for again"
            print(paint("warning:", "yellow", sys.stderr), told, file=sys.stderr)
        if isinstance(error, ConnectFailed) and self._client is not None:
            known = self._client.status()
            final = any(info.state is ConnectionState.FAILED for info in known)
            tries = 1 if error.kind in UNWELCOME else FIRST_TRIES
            final |= any(info.connects == 0 and info.failures >= tries for info in known)
        if final and self.error is None:
            self.error = explained(error)
            self._ending.end()


def subscribe(client: Client, params: Subscription) -> None:
    """Want a subscription.

    Raises: CommandError.
    """
    try:
        client.subscribe(params)
    except UsageError as exc:
        if exc.field in {"credentials", "key", "secret"}:
            raise CommandError("auth", str(exc), KEY_HINT, exit_code=Exit.AUTH) from None
        raise CommandError("usage", str(exc), exit_code=Exit.USAGE) from None
    except CapacityExceeded as exc:
        raise CommandError("usage", str(exc), "follow fewer in one command", exit_code=Exit.USAGE) from None


def explained(error: KrakenWireError) -> CommandError:
    """An error of the client as one of a command."""
    if isinstance(error, AuthFailed):
        message = f'Kraken does not accept the key: "{error.reason}"'
        return CommandError("auth", message, error.hint, exit_code=Exit.AUTH)
    if isinstance(error, ConnectFailed):
        kind = ConnectFailure(error.kind)
        return CommandError(
            "network",
            f"the exchange cannot be reached: {error.reason}",
            HINTS[kind],
            retryable=kind not in {ConnectFailure.CERTIFICATE, ConnectFailure.FORBIDDEN},
            exit_code=Exit.NETWORK,
        )
    return CommandError("failed", str(error))


def refusal(event: SubscriptionRejected) -> CommandError:
    """A subscription that Kraken refused, in its own words."""
    about = " ".join(part for part in (event.channel, event.symbol) if part is not None)
    code = Exit.AUTH if event.kind in {ErrorKind.AUTH, ErrorKind.PERMISSION} else Exit.REFUSED
    return CommandError(
        "refused",
        f'Kraken refused {about or "the subscription"}: "{event.reason}"',
        _hint(event),
        retryable=event.kind in {ErrorKind.RATE, ErrorKind.MAINTENANCE},
        exit_code=code,
    )


def _hint(event: SubscriptionRejected) -> str | None:
    if event.kind is ErrorKind.PERMISSION:
        return "the API key lacks a permission; krakenwire doctor says which"
    if event.kind is not ErrorKind.UNKNOWN_SYMBOL or event.symbol is None:
        return None
    return symbols.hint(event.symbol)
