"""The streams that somebody is subscribed to, each made once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from krakenwire.sim.channels import Channel
from krakenwire.sim.feeds.feed import Feed, Subscriber
from krakenwire.sim.feeds.instrument import InstrumentFeed, Scope
from krakenwire.sim.market import Market
from krakenwire.wire.enums import AssetStatus


class Key(NamedTuple):
    """Which stream. Channel `instrument` has no symbol; its option is a `Scope`."""

    channel: str
    symbol: str | None
    option: Any


class Feeds:
    """Streams by what is asked."""

    def __init__(self, markets: Mapping[str, Market], assets: Mapping[str, AssetStatus]) -> None:
        self._markets = markets
        self._assets = assets
        self._feeds: dict[Key, Feed] = {}

    def market(self, channel: Channel, symbol: str, option: Any) -> Feed:
        """A stream of a market, made if nobody had it."""
        key = Key(channel.name, symbol, option)
        if (feed := self._feeds.get(key)) is None:
            market = self._markets[symbol]
            feed = self._feeds[key] = channel.make(market, option)
            market.streams.append(feed)
        return feed

    def instrument(self, scope: Scope) -> Feed:
        """The stream of assets and markets within a scope."""
        key = Key("instrument", None, scope)
        if (feed := self._feeds.get(key)) is None:
            feed = self._feeds[key] = InstrumentFeed(self._markets, self._assets, scope)
        return feed

    def changed(self, symbols: Iterable[str], assets: Iterable[str], at: int) -> None:
        """Tell whoever listens that these markets and assets are not what they were."""
        pairs, named = [self._markets[symbol].pair for symbol in symbols], list(assets)
        for feed in self._feeds.values():
            if isinstance(feed, InstrumentFeed):
                feed.changed(pairs, named, at)

    def leave(self, feed: Feed, key: Key, subscriber: Subscriber) -> None:
        """Somebody leaves; a stream without subscribers ends."""
        feed.subscribers.remove(subscriber)
        if not feed.subscribers:
            del self._feeds[key]
            if key.symbol is not None:
                self._markets[key.symbol].streams.remove(feed)
