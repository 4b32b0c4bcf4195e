"""The client's side of every stream: what it subscribes to, which events it gets, and what it is told when that is over."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from krakenwire.errors import CapacityExceeded, KrakenWireError, RequestRejected
from krakenwire.events import Event, SubscriptionRejected
from krakenwire.net.backfill import Backfill
from krakenwire.net.connection import Connection
from krakenwire.net.consumers import Inbox
from krakenwire.net.plan import Plan
from krakenwire.net.router import Router
from krakenwire.wire.market import OHLC_INTERVALS
from krakenwire.wire.refusals import ErrorKind
from krakenwire.wire.subscriptions import Subscription


class Feed:
    """Which events a stream gets, and into which queue. It knows nothing of the stream, which may be forgotten."""

    def __init__(self, params: Subscription, inbox: Inbox) -> None:
        self.params = params
        self.inbox = inbox
        self.channel = params.channel.value
        self.symbols: tuple[str, ...] = tuple(dict.fromkeys(getattr(params, "symbol", ())))
        self.interval: int | None = getattr(params, "interval", None)
        self.rejected: dict[str | None, SubscriptionRejected] = {}
        self.attached = False
        self.put: Callable[[Any], None] = inbox.put if self.interval is None else self._put_interval
        """Takes an event."""

    def _put_interval(self, event: Any) -> None:
        """Take an event, unless it is of another interval."""
        if getattr(event, "interval", self.interval) == self.interval:
            self.inbox.put(event)

    def refuse(self, event: SubscriptionRejected) -> None:
        """Kraken refused a symbol for good. When none is left, that is the end."""
        self.rejected[event.symbol] = event
        if len(self.rejected) < max(1, len(self.symbols)):
            self.inbox.put(event)
        elif event.kind is ErrorKind.CAPACITY:
            self.inbox.end(CapacityExceeded(f"{event.reason}, and there may be no more connections"))
        else:
            self.inbox.end(RequestRejected("subscribe", None, event.reason, event.symbol))


class Feeds:
    """Every stream's feed, by channel and symbol."""

    def __init__(self, plan: Plan, router: Router, backfill: Backfill | None) -> None:
        self._plan = plan
        self._router = router
        self._backfill = backfill
        self._of: dict[tuple[str, str | None], list[Feed]] = {}

    def attach(self, feed: Feed) -> None:
        """Events come from now on, after those that the snapshot of a subscription that stands already would have brought."""
        feed.attached = True
        for symbol in feed.symbols or (None,):
            self._router.add(feed.channel, symbol, feed.put)
            self._of.setdefault((feed.channel, symbol), []).append(feed)
            connection = self._plan.where(feed.channel, symbol, feed.interval)
            if connection is not None:
                connection.greet(feed.params, symbol, feed.put)

    def detach(self, feed: Feed) -> None:
        """They do not any more, and the subscription ends unless others want it."""
        feed.attached = False
        for symbol in feed.symbols or (None,):
            self._router.remove(feed.channel, symbol, feed.put)
            feeds = self._of[feed.channel, symbol]
            feeds.remove(feed)
            if not feeds:
                del self._of[feed.channel, symbol]
        self.drop(feed, feed.channel, feed.symbols)

    def drop(self, owner: Hashable, channel: str, symbols: tuple[str, ...]) -> None:
        """An owner wants a channel no more; gaps of trades that nobody wants are nobody's."""
        self._plan.drop(owner, channel)
        if self._backfill is None or channel != "trade":
            return
        for symbol in symbols:
            if self._plan.where("trade", symbol) is None:
                self._backfill.forget(symbol)

    def rejected(self, event: SubscriptionRejected) -> None:
        """A refusal. One that is final takes no room any more, and its streams are told."""
        if event.retried or event.channel is None:
            return
        refused = []
        for interval in OHLC_INTERVALS if event.channel == "ohlc" else (None,):
            connection = self._plan.where(event.channel, event.symbol, interval)
            if connection is None:
                continue
            wish = connection.session.desk.subscriptions.get(event.channel, event.symbol, interval)
            if wish is None or not wish.wanted:
                if event.kind is ErrorKind.CAPACITY and self._plan.spread(
                    (event.channel, event.symbol, interval)
                ):
                    continue
                refused.append(interval)
                self._plan.refused((event.channel, event.symbol, interval))
        for feed in self._of.get((event.channel, event.symbol), []):
            if feed.interval in refused:
                feed.refuse(event)

    def tell(self, event: Event) -> None:
        """Something that concerns every stream."""
        for feed in {id(feed): feed for feeds in self._of.values() for feed in feeds}.values():
            feed.inbox.put(event)

    def failed(self, connection: Connection, error: KrakenWireError) -> None:
        """Retrying is over: whoever waits for this connection is told."""
        for (channel, symbol), feeds in list(self._of.items()):
            for feed in feeds:
                if self._plan.where(channel, symbol, feed.interval) is connection:
                    feed.inbox.end(error)
