"""The private streams of a connection: who hears what, numbered."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct

from krakenwire.sim.connection import Connection
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.private.account import Account
from krakenwire.sim.private.reports import Row, snapshot_row
from krakenwire.sim.private.statements import balance_rows
from krakenwire.wire.enums import ExecType

_encode = msgspec.json.Encoder().encode

ALWAYS_TOLD = frozenset({ExecType.NEW, ExecType.FILLED, ExecType.CANCELED, ExecType.EXPIRED, ExecType.TRADE})
"""What a stream without order status tells. Whether fills are among it is not known; nobody is served by a stream without them."""
EXECUTIONS_WARNINGS = (
    "cancel_reason is deprecated, use reason",
    "stop_price is deprecated, use triggers.price",
    "trigger is deprecated use triggers.reference",
    "triggered_price is deprecated use triggers.last_price",
)


class Options(Struct, frozen=True, kw_only=True):
    """What a subscription asked for."""

    orders: bool = True
    """`executions`: open orders in the snapshot."""
    trades: bool = False
    """`executions`: the last fills in the snapshot."""
    snapshot: bool = True
    """`balances`: whether one is wanted."""
    order_status: bool = True
    ratecounter: bool = False
    everybody: bool = False
    """The subaccounts too, and no snapshot."""


Post = Callable[[Connection, bytes, Label, int], None]
"""Takes frames: at once, or when the answer to the request behind them is out."""


class PrivateStream:
    """One channel on one connection. Its numbers begin at 1 and have no holes."""

    def __init__(
        self, connection: Connection, channel: str, account: Account, options: Options, post: Post
    ) -> None:
        self.connection = connection
        self._post = post
        self.channel = channel
        self.account = account
        self.options = options
        self.sequence = 0
        self.started = False
        """False between the acknowledgement and the snapshot: nothing is told then."""
        self.ended = False

    @property
    def wants_snapshot(self) -> bool:
        if self.options.everybody:
            return False
        if self.channel == "balances":
            return self.options.snapshot
        return self.options.orders or self.options.trades

    def start(self, at: int) -> None:
        """Begin, with a snapshot if one is wanted."""
        if self.ended:
            return
        self.started = True
        if self.wants_snapshot:
            self._send("snapshot", self._snapshot(at), at)

    def tell(self, account: Account, row: Row, at: int, symbol: str | None = None) -> None:
        """Something happened to an account: one frame, if this stream covers it. `symbol`: the pair whose rate counter belongs to it."""
        if not self.started or not (account is self.account or self.options.everybody):
            return
        if self.channel == "executions":
            if not self.options.order_status and row["exec_type"] not in ALWAYS_TOLD:
                return
            if symbol is not None:
                row = self._counted(account, row, symbol, at)
        if self.options.everybody:
            row = row | {"user": account.name}
        self._send("update", [row], at)

    def _counted(self, account: Account, row: Row, symbol: str, at: int) -> Row:
        if not self.options.ratecounter:
            return row
        value = f"{account.counter(symbol).value(at):.2f}"
        return row | {"ratecount": Raw(value.encode())}

    def _snapshot(self, at: int) -> Iterable[Row]:
        if self.channel == "balances":
            return balance_rows(self.account)
        rows: list[Row] = []
        if self.options.orders:
            rows += [
                self._counted(self.account, snapshot_row(order), order.pair.symbol, at)
                for order in self.account.orders.values()
            ]
        if self.options.trades:
            rows += [dict(row) for row in self.account.fills]
        return rows

    def _send(self, kind: str, rows: Iterable[Row], at: int) -> None:
        self.sequence += 1
        frame: dict[str, Any] = {
            "channel": self.channel,
            "type": kind,
            "data": list(rows),
            "sequence": self.sequence,
        }
        self._post(self.connection, _encode(frame), Label(self.channel, kind), at)
