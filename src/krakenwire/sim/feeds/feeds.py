"""The streams that somebody is subscribed to, each made once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from krakenwire.sim.channels import Channel
from krakenwire.sim.feeds.feed import Feed
from krakenwire.sim.market import Market


class Feeds:
    """Streams by channel, symbol and option."""

    def __init__(self, markets: Mapping[str, Market]) -> None:
        self._markets = markets
        self._feeds: dict[tuple[str, str | None, Any], Feed] = {}

    def of(self, channel: Channel, symbol: str, option: Any) -> Feed:
        """The stream, made if nobody had it."""
        key = (channel.name, symbol, option)
        if (feed := self._feeds.get(key)) is None:
            market = self._markets[symbol]
            feed = self._feeds[key] = channel.make(market, option)
            market.streams.append(feed)
        return feed

    def left(self, channel: str, symbol: str | None, option: Any) -> None:
        """Somebody left; a stream without subscribers ends."""
        feed = self._feeds.get((channel, symbol, option))
        if feed is not None and not feed.subscribers:
            del self._feeds[channel, symbol, option]
            if symbol is not None:
                self._markets[symbol].streams.remove(feed)
