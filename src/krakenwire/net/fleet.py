"""The connections of a client: how each is made, what they share, and the tokens they are given."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Hashable
from typing import Any

from krakenwire.errors import AuthFailed, UsageError
from krakenwire.events import BookDisputed, Gap, GapReason
from krakenwire.net.backoff import ConnectGate, Waits
from krakenwire.net.connection import Connection, Owner
from krakenwire.net.hosts import Hosts
from krakenwire.net.pacing import Pacer
from krakenwire.net.plan import Plan, Role
from krakenwire.net.switch import DeadMansSwitch
from krakenwire.net.token import TokenDesk, source_of
from krakenwire.net.transport import Transport
from krakenwire.session import Limits, Session
from krakenwire.state.subscriptions import PRIVATE
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import ExecutionsSubscription, Subscription


class Fleet:
    """Makes connections as the plan needs them, all to one exchange and with one set of credentials.

    Raises: UsageError, if an option makes no sense.
    """

    def __init__(
        self,
        hub: Owner,
        transport: Transport,
        hosts: Hosts,
        *,
        credentials: Any,
        limits: Limits,
        waits: Waits,
        on_checksum_dispute: str,
        gate: ConnectGate,
        dice: random.Random,
        wall: Callable[[], int],
        symbols: dict[Role, int],
        connections: int,
    ) -> None:
        self.hosts = hosts
        self.transport = transport
        self.waits = waits
        self.gate = gate
        self._hub = hub
        self._credentials = credentials
        self._limits = limits
        self._dispute = on_checksum_dispute
        # A mistake shows here, not at the first connection.
        Session(on_checksum_dispute=on_checksum_dispute, limits=limits)
        self._dice = dice
        self._wall = wall
        self.plan = Plan(
            self._make,
            public_symbols=symbols[Role.PUBLIC],
            level3_symbols=symbols[Role.LEVEL3],
            connections=connections,
        )
        self._tokens: TokenDesk | None = None
        self._switch: DeadMansSwitch | None = None
        self._level3_pacer = Pacer(rate=1.0, burst=1.0)

    def want(self, owner: Hashable, params: Subscription) -> None:
        """An owner wants subscriptions from now on.

        Raises: UsageError, if they contradict others, or are private and there are no credentials; CapacityExceeded.
        """
        if params.channel.value in PRIVATE and self._tokens is None:
            source = source_of(self._credentials, self.transport, self.hosts.rest, self._wall)
            if source is None:
                raise UsageError(
                    "needs an API key: set KRAKEN_API_KEY and KRAKEN_API_SECRET, or give credentials=",
                    field="credentials",
                )
            self._tokens = TokenDesk(source)
        self.plan.want(owner, params)

    def hold_private(self, switch: DeadMansSwitch) -> Connection:
        """Keep a connection to the account for its dead man's switch, and follow the orders over it, as whoever guards them has to.

        Raises: UsageError, if there is a switch already, or there are no credentials.
        """
        if self._switch is not None:
            raise UsageError("there is one dead man's switch for the account, and it is in use")
        key = ("executions", None, None)
        held = self.plan.params(key)
        self.want(
            switch, ExecutionsSubscription(snap_orders=True, snap_trades=True) if held is None else held
        )
        self._switch = switch
        connection = self.plan.where(*key)
        assert connection is not None  # noqa: S101 (it was wanted just now)
        return connection

    def let_private_go(self, switch: DeadMansSwitch) -> None:
        """Undo `hold_private`."""
        self._switch = None
        self.plan.drop(switch)

    def leave_switch(self) -> None:
        """The client is closed: a switch that is armed is renewed no more."""
        if self._switch is not None:
            self._switch.stop()

    def disputed(self, event: BookDisputed) -> None:
        """A book stays wrong after every resync: it goes on, as soon as this frame is dealt with, over a connection of its own."""
        asyncio.get_running_loop().call_soon(self._isolate, event.channel, event.symbol)

    def _isolate(self, channel: str, symbol: str) -> None:
        moved = self.plan.isolate(channel, symbol)
        self._hub.publish([Gap(*key[:2], GapReason.NEW_CONNECTION) for key in moved])

    def _make(self, role: Role, number: int) -> Connection:
        private = role is not Role.PUBLIC
        session = Session(
            now=asyncio.get_running_loop().time(),
            alone=True,
            authenticates=private,
            on_checksum_dispute=self._dispute,
            limits=self._limits,
        )
        return Connection(
            f"{role}-{number}",
            self.hosts.of(role),
            session,
            hub=self._hub,
            transport=self.transport,
            gate=self.gate,
            waits=self.waits,
            dice=self._dice,
            pacer=self._level3_pacer if role is Role.LEVEL3 else Pacer(),
            tokens=self._token,
            private=private,
        )

    async def _token(self) -> Secret:
        if self._tokens is None:
            raise AuthFailed("no credentials")
        return await self._tokens.get()
