"""What one connection is subscribed to: requests checked, one answer a symbol, snapshots in their time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krakenwire.sim.channels import CHANNELS, LEVEL3_COST, Channel, Host
from krakenwire.sim.clock import SECOND
from krakenwire.sim.feeds.feed import Feed, Label
from krakenwire.sim.feeds.feeds import Key
from krakenwire.sim.feeds.instrument import WARNING as INSTRUMENT_WARNING
from krakenwire.sim.feeds.instrument import Scope
from krakenwire.sim.requests import Refusal, Request
from krakenwire.wire.enums import ExecutionVenue
from krakenwire.wire.refusals import (
    ALREADY_SUBSCRIBED,
    INVALID_SESSION,
    MESSAGE_RATE,
    PAIR_NOT_SUPPORTED,
    PRIVATE_ON_PUBLIC_HOST,
    PUBLIC_ON_PRIVATE_HOST,
    SUBSCRIPTION_NOT_FOUND,
    TOO_MANY_SYMBOLS,
    UNSUPPORTED_EVENT,
    UNSUPPORTED_FIELD,
)

if TYPE_CHECKING:
    from krakenwire.sim.connection import Connection

LEVEL3_ELSEWHERE = "Private data and trading are unavailable on this endpoint. Try ws-l3.kraken.com"
"""The words for level3 asked of the private host are not known; these follow the known ones."""

INSTRUMENT_PARAMETERS = {"channel", "snapshot", "include_tokenized_assets", "execution_venue"}

Identity = tuple[str, str | None, Any]
"""What cannot be subscribed to twice: channel, symbol, and the option where several may run side by side."""


class Subscription:
    """One stream on one connection."""

    __slots__ = ("ended", "feed", "key")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.feed: Feed | None = None
        """None between the acknowledgement and the snapshot: nothing is sent then."""
        self.ended = False


class Subscriptions:
    """All of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._exchange = connection.exchange
        self._held: dict[Identity, Subscription] = {}
        self._second = -1
        self._spent = 0
        """Cost of the level3 subscriptions of that second."""

    def __len__(self) -> int:
        return len(self._held)

    def take(self, request: Request) -> None:
        """Answer `subscribe` or `unsubscribe`. Raises: Refusal of the whole request."""
        params = request.params
        if not isinstance(params, dict):
            raise Refusal(UNSUPPORTED_EVENT)
        name = params.get("channel")
        if name == "instrument":
            self._take_instrument(params, request)
            return
        channel = CHANNELS.get(name) if isinstance(name, str) else None
        if channel is None:
            raise Refusal(UNSUPPORTED_EVENT)
        self._admit(channel.name, channel.host, request)
        option = self._option(channel, params)
        symbols = params.get("symbol")
        if not isinstance(symbols, list) or not symbols or not all(isinstance(s, str) for s in symbols):
            raise Refusal(UNSUPPORTED_EVENT)
        take = self._begin if request.method == "subscribe" else self._end
        for symbol in symbols:
            try:
                # A recorded refusal of a stray field names the symbol, so there is one for each.
                _refuse_strays(channel.parameters, request)
                self._exchange.allow(self._connection, request, symbol)
                take(channel, symbol, option, request)
            except Refusal as refused:
                self._connection.refuse(request, refused.error, symbol=symbol)

    def close(self) -> None:
        """The connection is over."""
        for identity in list(self._held):
            self._leave(identity)

    # ---------------------------------------------------------------- checks

    def _admit(self, channel: str, host: Host, request: Request) -> None:
        """Raises: Refusal, if this host does not serve the channel, or the token is not good."""
        params, ours = request.params, self._connection.host
        if ours is not host:
            if host is Host.LEVEL3:
                raise Refusal(PRIVATE_ON_PUBLIC_HOST if ours is Host.PUBLIC else LEVEL3_ELSEWHERE)
            raise Refusal(PUBLIC_ON_PRIVATE_HOST)
        if host is not Host.PUBLIC and not self._identified(params.get("token"), request.at):
            raise Refusal(INVALID_SESSION, channel=channel, status="error")
        for name in ("snapshot", "include_tokenized_assets"):
            if not isinstance(params.get(name, False), bool):
                raise Refusal(f"{name.capitalize()} field must be a boolean")

    def _identified(self, token: object, at: int) -> bool:
        """Whether the token is good and, where there are accounts, speaks for a key."""
        private = self._exchange.private
        return self._connection.authorised(token, at) and (
            private is None or private.speaks(self._connection, str(token))
        )

    @staticmethod
    def _option(channel: Channel, params: dict[str, Any]) -> Any:
        if channel.option is None:
            return None
        value = params.get(channel.option.name, channel.option.default)
        if type(value) is not type(channel.option.default) or value not in channel.option.values:
            raise Refusal(channel.option.refusal)
        return value

    def _afford(self, depth: int, at: int) -> None:
        """Raises: Refusal, if the connection has all level3 symbols that it may have, or began too many this second."""
        rules = self._exchange.rules
        if len(self._held) >= rules.level3_symbols:
            raise Refusal(TOO_MANY_SYMBOLS)
        if at // SECOND != self._second:
            self._second, self._spent = at // SECOND, 0
        if self._spent + LEVEL3_COST[depth] > rules.level3_rate:
            raise Refusal(MESSAGE_RATE)
        self._spent += LEVEL3_COST[depth]

    # ---------------------------------------------------------------- one symbol

    def _begin(self, channel: Channel, symbol: str, option: Any, request: Request) -> None:
        if symbol not in self._exchange.markets:
            raise Refusal(f"{PAIR_NOT_SUPPORTED} {symbol}")
        identity = _identity(channel, symbol, option)
        if identity in self._held:
            raise Refusal(ALREADY_SUBSCRIBED)
        if channel.host is Host.LEVEL3:
            self._afford(option, request.at)
            self._connection.hold(request.params["token"])
        subscription = self._held[identity] = Subscription(Key(channel.name, symbol, option))
        snapshot = request.params.get("snapshot", channel.snapshot)
        result = {"channel": channel.name, "snapshot": snapshot, "symbol": symbol}
        _state_option(channel, option, result)
        if channel.warnings:
            result["warnings"] = channel.warnings
        self._connection.grant(request, result, symbol)
        self._deliver(subscription, request, snapshot=snapshot)

    def _end(self, channel: Channel, symbol: str, option: Any, request: Request) -> None:
        identity = _identity(channel, symbol, option)
        held = self._held.get(identity)
        # Level3 states a default depth for the request that ends a subscription; the book does not.
        said = channel.option is not None and (
            channel.option.name in request.params or channel.host is Host.LEVEL3
        )
        if held is None or (said and held.key.option != option):
            raise Refusal(SUBSCRIPTION_NOT_FOUND)
        self._leave(identity)
        result = {"channel": channel.name, "symbol": symbol}
        _state_option(channel, held.key.option, result)
        self._connection.grant(request, result, symbol)

    # ---------------------------------------------------------------- instrument

    def _take_instrument(self, params: dict[str, Any], request: Request) -> None:
        """Answer about the one channel of the public host that has no symbols. Raises: Refusal."""
        self._admit("instrument", Host.PUBLIC, request)
        _refuse_strays(INSTRUMENT_PARAMETERS, request)
        identity = ("instrument", None, None)
        if request.method == "unsubscribe":
            if identity not in self._held:
                raise Refusal(SUBSCRIPTION_NOT_FOUND)
            self._leave(identity)
            self._connection.grant(request, {"channel": "instrument"})
            return
        venue = params.get("execution_venue", ExecutionVenue.INTERNATIONAL.value)
        if venue not in [known.value for known in ExecutionVenue]:
            raise Refusal(UNSUPPORTED_EVENT)
        if identity in self._held:
            raise Refusal(ALREADY_SUBSCRIBED)
        scope = Scope(params.get("include_tokenized_assets", False), venue)
        subscription = self._held[identity] = Subscription(Key("instrument", None, scope))
        snapshot = params.get("snapshot", True)
        self._connection.grant(
            request, {"channel": "instrument", "snapshot": snapshot, "warnings": [INSTRUMENT_WARNING]}
        )
        self._deliver(subscription, request, snapshot=snapshot)

    # ---------------------------------------------------------------- streams

    def _deliver(self, subscription: Subscription, request: Request, *, snapshot: bool) -> None:
        """Join the stream, now, or in a while with a snapshot."""
        if not snapshot:
            self._join(subscription)
            return

        def send(at: int) -> None:
            if subscription.ended:
                return
            feed = self._join(subscription)
            self._connection.send(feed.snapshot(at), feed.snapshot_label, at)

        self._exchange.schedule(request.at + self._connection.snapshot_delay(), send)

    def _join(self, subscription: Subscription) -> Feed:
        channel, symbol, option = subscription.key
        feeds = self._exchange.feeds
        feed = feeds.instrument(option) if symbol is None else feeds.market(CHANNELS[channel], symbol, option)
        feed.subscribers.append(self._connection)
        subscription.feed = feed
        return feed

    def _leave(self, identity: Identity) -> None:
        held = self._held.pop(identity)
        held.ended = True
        if held.feed is not None:
            self._exchange.feeds.leave(held.feed, held.key, self._connection)


def _refuse_strays(parameters: set[str], request: Request) -> None:
    """Raises: Refusal, if a parameter is none of the channel's own."""
    stray = next((name for name in request.params if name not in parameters), None)
    if stray is not None:
        raise Refusal(UNSUPPORTED_FIELD.format(field=stray, method=request.method))


def _identity(channel: Channel, symbol: str, option: Any) -> Identity:
    several = channel.option is not None and channel.option.identity
    return channel.name, symbol, option if several else None


def _state_option(channel: Channel, option: Any, result: dict[str, Any]) -> None:
    if channel.option is not None and channel.option.acknowledged:
        result[channel.option.name] = option


def reply_label(request: Request, symbol: str | None = None) -> Label:
    """What a reply is."""
    return Label("reply", request.method, symbol)
