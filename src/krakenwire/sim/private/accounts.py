"""The accounts of an exchange: what it answers on its private host.

exchange = Exchange(markets=["BTC/USD"])
accounts = Accounts(exchange)
account = accounts.open("trader", {"USD": 10_000})
key = accounts.new_key(account)
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from decimal import Decimal, localcontext
from random import Random
from typing import Any

from krakenwire.errors import UsageError
from krakenwire.sim.connection import Connection, ConnectionId
from krakenwire.sim.exchange import Exchange
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.market import Market
from krakenwire.sim.private import amending
from krakenwire.sim.private.account import Account, ApiKey, Permissions
from krakenwire.sim.private.answers import Grant
from krakenwire.sim.private.fields import Fields, invalid
from krakenwire.sim.private.ledger import Ledger
from krakenwire.sim.private.methods import Methods
from krakenwire.sim.private.money import EXACT
from krakenwire.sim.private.rates import PRO, Tier
from krakenwire.sim.private.streams import EXECUTIONS_WARNINGS, Options, PrivateStream
from krakenwire.sim.private.switch import DeadMansSwitch
from krakenwire.sim.private.trading import Trading
from krakenwire.sim.requests import Refusal, Request
from krakenwire.wire.enums import ExecType
from krakenwire.wire.refusals import (
    ALREADY_SUBSCRIBED,
    INVALID_SESSION,
    PERMISSION_DENIED,
    SUBSCRIPTION_NOT_FOUND,
)
from krakenwire.wire.secret import Secret

MAKER_FEE, TAKER_FEE = Decimal("0.0025"), Decimal("0.004")
"""Fractions of the cost: what a new client pays."""

_PARAMETERS = {
    "executions": {
        *("channel", "snap_orders", "snap_trades", "order_status", "ratecounter", "rebased", "users"),
        *("snapshot", "snapshot_trades", "token"),
    },
    "balances": {"channel", "snapshot", "rebased", "users", "token"},
}


class Accounts:
    """All accounts. Making one opens the private side of its exchange.

    The same seed, the same calls: the same ids and keys.
    """

    def __init__(self, exchange: Exchange, *, seed: int = 0) -> None:
        self._exchange = exchange
        self._random = Random(f"{seed}/accounts")
        self.ledger = Ledger(Random(f"{seed}/ledger"))
        self._trading = Trading(exchange, self.ledger)
        self._switch = DeadMansSwitch(self._trading)
        self._methods = Methods(self._trading, self._switch, self._random)
        self.accounts: dict[str, Account] = {}
        """Accounts by name."""
        self.keys: dict[str, ApiKey] = {}
        """Keys by their public part."""
        self._streams: dict[ConnectionId, dict[str, PrivateStream]] = {}
        self._sessions: dict[tuple[ConnectionId, str], ApiKey] = {}
        """Which key a token of a connection stands for: it outlives the token's fifteen minutes."""
        self._later: list[tuple[Connection, bytes, Label, int]] | None = None
        """Frames that wait for the answer to the request behind them."""
        exchange.private = self

    # ---------------------------------------------------------------- accounts and keys

    def open(
        self,
        name: str,
        balances: Mapping[str, Decimal | int | str] | None = None,
        *,
        tier: Tier = PRO,
        maker_fee: Decimal = MAKER_FEE,
        taker_fee: Decimal = TAKER_FEE,
        master: Account | None = None,
    ) -> Account:
        """A new account with what it holds. `master`: it is a subaccount of that one.

        Raises: UsageError, if there is one of that name.
        """
        if name in self.accounts:
            raise UsageError(f"there is an account {name!r} already", field="name")
        account = Account(name, tier=tier, maker_fee=maker_fee, taker_fee=taker_fee, master=master)
        self.accounts[name] = account
        for asset, held in (balances or {}).items():
            self._pay(account, asset, Decimal(held))
        return account

    def new_key(
        self, account: Account, permissions: Permissions | None = None, *, nonce_window: int = 0
    ) -> ApiKey:
        """An API key. `nonce_window`: how far below the highest a nonce may be that was not used."""
        key = base64.b64encode(self._random.randbytes(42)).decode()
        secret = Secret(base64.b64encode(self._random.randbytes(64)).decode())
        return self.add_key(account, key, secret, permissions, nonce_window=nonce_window)

    def add_key(
        self,
        account: Account,
        key: str,
        secret: Secret,
        permissions: Permissions | None = None,
        *,
        nonce_window: int = 0,
    ) -> ApiKey:
        """A key with a known secret (Base64), for programs that are configured with one."""
        made = ApiKey(account, key, secret, permissions or Permissions(), nonce_window)
        self.keys[key] = made
        return made

    def revoke(self, key: ApiKey) -> None:
        """The key is no longer good, nor are its tokens, on open connections either."""
        key.revoked = True
        self.keys.pop(key.key, None)
        for token in key.tokens:
            self._exchange.tokens.revoke(token)

    def issue(self, key: ApiKey) -> str:
        """A token for the private and the level3 host, as REST hands them out."""
        token = self._exchange.tokens.issue(self._exchange.at, key)
        key.tokens.append(token)
        return token

    def pay(self, account: Account, asset: str, change: Decimal | int | str, *, now: float) -> None:
        """A deposit, or a withdrawal if negative. Raises: Refusal, if more is withdrawn than is available."""
        self._exchange.advance(now)
        self._pay(account, asset, Decimal(change))

    def _pay(self, account: Account, asset: str, change: Decimal) -> None:
        with localcontext(EXACT):
            self.ledger.pay(account, asset, change, self._exchange.at)

    def restate(
        self, account: Account, order_id: str, changes: amending.Changes, reason: str, *, now: float
    ) -> None:
        """The engine changes an open order by itself, and `executions` tells it as `restated`.

        Nothing is checked. Raises: KeyError, if the order is not open.
        """
        self._exchange.advance(now)
        order = account.orders[order_id]
        with localcontext(EXACT):
            at = self._exchange.at
            amending.apply(self._trading, order, changes, at, kind=ExecType.RESTATED, reason=reason)
            self._exchange.publish(order.market, at)

    # ---------------------------------------------------------------- what the exchange asks

    def take(self, connection: Connection, request: Request) -> None:
        """Answer an order method, or `subscribe` and `unsubscribe` of a private channel. Raises: Refusal."""
        key = self._key(connection, request)
        self._exchange.allow(connection, request, str(request.params.get("symbol", "")))
        if request.method in {"subscribe", "unsubscribe"}:
            self._take_stream(connection, request, key)
            return
        with localcontext(EXACT):
            # The answer to an order and the reports about it come in either order; only the reports keep theirs.
            held: list[tuple[Connection, bytes, Label, int]] | None
            held = self._later = [] if self._random.random() < 0.5 else None
            try:
                answers = self._methods.take(key, request)
                for answer in answers:
                    if isinstance(answer, Grant):
                        connection.grant(request, answer.result, **answer.members)
                    else:
                        connection.refuse(request, answer.error)
            finally:
                self._later = None
                for to, frame, label, at in held or ():
                    to.send(frame, label, at)

    def subscribed(self, connection: Connection) -> bool:
        """Whether the connection holds a private subscription."""
        return bool(self._streams.get(connection.id))

    def left(self, connection: Connection) -> None:
        """The connection is over."""
        for channel in tuple(self._streams.get(connection.id, ())):
            self._end(connection, channel)
        self._streams.pop(connection.id, None)
        for session in [session for session in self._sessions if session[0] == connection.id]:
            del self._sessions[session]

    def removed(self, owner: object, at: int) -> None:
        """The exchange took a resting order of this owner out of its book."""
        self._trading.removed(owner, at)

    def rescaled(self, market: Market, at: int) -> None:
        """Numbers of a market have other digits now."""
        self._trading.rescaled(self.accounts.values(), market, at)

    def key(self, public: str) -> ApiKey | None:
        """The key with this public part."""
        return self.keys.get(public)

    def speaks(self, connection: Connection, token: str) -> bool:
        """Whether a token is somebody's whose key is not revoked."""
        return self._owner(connection, token) is not None

    # ---------------------------------------------------------------- streams

    def _key(self, connection: Connection, request: Request) -> ApiKey:
        """Whose token it is. Raises: Refusal, if it is nobody's or its key is revoked."""
        key = self._owner(connection, request.params["token"])
        if key is None:
            raise self._refusal(request, INVALID_SESSION)
        return key

    def _owner(self, connection: Connection, token: str) -> ApiKey | None:
        """The key that a token speaks for, also long after its time on a connection that used it."""
        session = (connection.id, token)
        owner = self._exchange.tokens.owner(token) or self._sessions.get(session)
        if not isinstance(owner, ApiKey) or owner.revoked:
            return None
        self._sessions[session] = owner
        return owner

    @staticmethod
    def _refusal(request: Request, error: str) -> Refusal:
        """Refused subscriptions name the channel beside the error."""
        if request.method in {"subscribe", "unsubscribe"}:
            return Refusal(error, channel=request.params["channel"], status="error")
        return Refusal(error)

    def _take_stream(self, connection: Connection, request: Request, key: ApiKey) -> None:
        channel = request.params["channel"]
        fields = Fields(request.method, request.params, _PARAMETERS[channel])
        streams = self._streams.setdefault(connection.id, {})
        if request.method == "unsubscribe":
            if channel not in streams:
                raise self._refusal(request, SUBSCRIPTION_NOT_FOUND)
            self._end(connection, channel)
            connection.grant(request, {"channel": channel})
            return
        rights = key.permissions
        if not (rights.query_orders if channel == "executions" else rights.query_funds):
            raise self._refusal(request, PERMISSION_DENIED)
        if channel in streams:
            raise self._refusal(request, ALREADY_SUBSCRIBED)
        options = _options(channel, fields)
        stream = streams[channel] = PrivateStream(connection, channel, key.account, options, self._post)
        key.account.listeners.append(stream)
        connection.hold(request.params["token"])
        connection.grant(request, _acknowledgement(stream))
        if stream.wants_snapshot:
            self._trading.later(request.at + connection.snapshot_delay(), stream.start)
        else:
            stream.start(request.at)

    def _end(self, connection: Connection, channel: str) -> None:
        stream = self._streams[connection.id].pop(channel)
        stream.ended = True
        stream.started = False
        stream.account.listeners.remove(stream)

    def _post(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        if self._later is None:
            connection.send(frame, label, at)
        else:
            self._later.append((connection, frame, label, at))


def _options(channel: str, fields: Fields) -> Options:
    """What a subscription asks for. `snapshot` and `snapshot_trades` of `executions` are older names. Raises: Refusal."""
    users = fields.text("users")
    if users not in {None, "all"}:
        raise invalid("users")
    fields.flag("rebased")
    everybody = users is not None
    if channel == "balances":
        return Options(snapshot=fields.flag("snapshot", default=True), everybody=everybody)
    return Options(
        orders=fields.flag("snap_orders", default=fields.flag("snapshot", default=True)),
        trades=fields.flag("snap_trades", default=fields.flag("snapshot_trades")),
        order_status=fields.flag("order_status", default=True),
        ratecounter=fields.flag("ratecounter"),
        everybody=everybody,
    )


def _acknowledgement(stream: PrivateStream) -> dict[str, Any]:
    if stream.channel == "balances":
        return {"channel": "balances", "snapshot": stream.wants_snapshot}
    return {
        "channel": "executions",
        "maxratecount": int(stream.account.tier.threshold),
        "snap_orders": stream.options.orders,
        "snap_trades": stream.options.trades,
        "snapshot": stream.wants_snapshot,
        "warnings": EXECUTIONS_WARNINGS,
    }
