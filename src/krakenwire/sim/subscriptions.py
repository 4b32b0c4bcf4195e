"""What one connection is subscribed to: requests checked, one answer a symbol, snapshots in their time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from krakenwire.sim.channels import CHANNELS, Channel, Host
from krakenwire.sim.feeds.feed import Feed, Label
from krakenwire.sim.requests import Refusal, Request
from krakenwire.wire.refusals import (
    ALREADY_SUBSCRIBED,
    INVALID_SESSION,
    PAIR_NOT_SUPPORTED,
    PRIVATE_ON_PUBLIC_HOST,
    PUBLIC_ON_PRIVATE_HOST,
    SUBSCRIPTION_NOT_FOUND,
    UNSUPPORTED_EVENT,
    UNSUPPORTED_FIELD,
)

if TYPE_CHECKING:
    from krakenwire.sim.connection import Connection

LEVEL3_ELSEWHERE = "Private data and trading are unavailable on this endpoint. Try ws-l3.kraken.com"
"""The words for level3 asked of another host are not known; these follow the known ones."""

Key = tuple[str, str | None, Any]


class Subscription:
    """One channel of one symbol on one connection."""

    __slots__ = ("ended", "feed", "option")

    def __init__(self, option: Any) -> None:
        self.option = option
        self.feed: Feed | None = None
        """None between the acknowledgement and the snapshot: nothing is sent then."""
        self.ended = False


class Subscriptions:
    """All of one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._exchange = connection.exchange
        self._held: dict[Key, Subscription] = {}

    def __len__(self) -> int:
        return len(self._held)

    def count(self, channel: str) -> int:
        """Subscriptions of this channel."""
        return sum(key[0] == channel for key in self._held)

    def take(self, request: Request) -> None:
        """Answer `subscribe` or `unsubscribe`. Raises: Refusal of the whole request."""
        params = request.params
        if not isinstance(params, dict) or not isinstance(params.get("channel"), str):
            raise Refusal(UNSUPPORTED_EVENT)
        channel = CHANNELS.get(params["channel"])
        if channel is None:
            raise Refusal(UNSUPPORTED_EVENT)
        self._admit(channel, params, request)
        option = self._option(channel, params)
        symbols = params.get("symbol")
        if not isinstance(symbols, list) or not symbols or not all(isinstance(s, str) for s in symbols):
            raise Refusal(UNSUPPORTED_EVENT)
        begins = request.method == "subscribe"
        for symbol in symbols:
            try:
                self._exchange.allow(self._connection, request, symbol)
                if begins:
                    self._begin(channel, symbol, option, params, request)
                else:
                    self._end(channel, symbol, option, request)
            except Refusal as refused:
                self._connection.refuse(request, refused.error, symbol=symbol)

    def close(self) -> None:
        """The connection is over."""
        for key in list(self._held):
            self._leave(key)

    # ---------------------------------------------------------------- checks

    def _admit(self, channel: Channel, params: dict[str, Any], request: Request) -> None:
        """Raises: Refusal, if this host does not serve the channel, a parameter is none of its own, or the token is not good."""
        if self._connection.host is not channel.host:
            if channel.host is Host.LEVEL3:
                raise Refusal(
                    PRIVATE_ON_PUBLIC_HOST if self._connection.host is Host.PUBLIC else LEVEL3_ELSEWHERE
                )
            raise Refusal(PUBLIC_ON_PRIVATE_HOST)
        stray = next((name for name in params if name not in channel.parameters), None)
        if stray is not None:
            raise Refusal(UNSUPPORTED_FIELD.format(field=stray, method=request.method))
        if channel.host is not Host.PUBLIC and not self._connection.authorised(
            params.get("token"), request.at
        ):
            raise Refusal(INVALID_SESSION, channel=channel.name, status="error")
        if not isinstance(params.get("snapshot", False), bool):
            raise Refusal("Snapshot field must be a boolean")

    @staticmethod
    def _option(channel: Channel, params: dict[str, Any]) -> Any:
        if channel.option is None:
            return None
        value = params.get(channel.option.name, channel.option.default)
        if isinstance(value, bool) or value not in channel.option.values:
            raise Refusal(channel.option.refusal)
        return value

    # ---------------------------------------------------------------- one symbol

    def _begin(
        self, channel: Channel, symbol: str, option: Any, params: dict[str, Any], request: Request
    ) -> None:
        if symbol not in self._exchange.markets:
            raise Refusal(f"{PAIR_NOT_SUPPORTED} {symbol}")
        key = _key(channel, symbol, option)
        if key in self._held:
            raise Refusal(ALREADY_SUBSCRIBED)
        snapshot = params.get("snapshot", channel.snapshot)
        subscription = self._held[key] = Subscription(option)
        result = {"channel": channel.name, "snapshot": snapshot, "symbol": symbol}
        _state_option(channel, option, result)
        if channel.warnings:
            result["warnings"] = channel.warnings
        self._connection.grant(request, result, symbol)
        if not snapshot:
            self._join(channel, symbol, subscription)
            return

        def deliver(at: int) -> None:
            if subscription.ended:
                return
            feed = self._join(channel, symbol, subscription)
            if (frame := feed.snapshot(at)) is not None:
                self._connection.send(frame, feed.snapshot_label, at)

        self._exchange.schedule(request.at + self._connection.snapshot_delay(), deliver)

    def _join(self, channel: Channel, symbol: str, subscription: Subscription) -> Feed:
        feed = self._exchange.feeds.of(channel, symbol, subscription.option)
        feed.subscribers.append(self._connection)
        subscription.feed = feed
        return feed

    def _end(self, channel: Channel, symbol: str, option: Any, request: Request) -> None:
        key = _key(channel, symbol, option)
        held = self._held.get(key)
        said = channel.option is not None and channel.option.name in request.params
        if held is None or (said and held.option != option):
            raise Refusal(SUBSCRIPTION_NOT_FOUND)
        self._leave(key)
        result = {"channel": channel.name, "symbol": symbol}
        _state_option(channel, held.option, result)
        self._connection.grant(request, result, symbol)

    def _leave(self, key: Key) -> None:
        held = self._held.pop(key)
        held.ended = True
        if held.feed is not None:
            held.feed.subscribers.remove(self._connection)
            self._exchange.feeds.left(key[0], key[1], held.option)


def _key(channel: Channel, symbol: str, option: Any) -> Key:
    """What cannot be subscribed to twice."""
    several = channel.option is not None and channel.option.identity
    return channel.name, symbol, option if several else None


def _state_option(channel: Channel, option: Any, result: dict[str, Any]) -> None:
    if channel.option is not None and channel.option.acknowledged:
        result[channel.option.name] = option


def reply_label(request: Request, symbol: str | None = None) -> Label:
    """What a reply is."""
    return Label("reply", request.method, symbol)
