"""The client's side of every stream: what it subscribes to, which events it gets, and what it is told when that is over."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from msgspec.structs import replace

from krakenwire.errors import CapacityExceeded, KrakenWireError, RequestRejected
from krakenwire.events import Event, SubscriptionRejected
from krakenwire.net.backfill import Backfill
from krakenwire.net.connection import Connection
from krakenwire.net.consumers import Inbox
from krakenwire.net.plan import Plan
from krakenwire.net.router import Router
from krakenwire.state.subscriptions import Key
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

    def settled(self, event: Event) -> Event:
        """An event as it is to be told: a refusal that the room on one connection is the reason of is none where another takes the
        subscription.
        """
        if type(event) is not SubscriptionRejected or event.kind is not ErrorKind.CAPACITY or event.retried:
            return event
        moved = [self._plan.spread(key) for key in self._ended(event)]
        return replace(event, retried=True) if any(moved) and all(moved) else event

    def rejected(self, event: SubscriptionRejected) -> None:
        """A refusal. One that is final takes no room any more, and its streams are told."""
        refused = [] if event.retried else self._ended(event)
        for key in refused:
            self._plan.refused(key)
        for feed in self._of.get((event.channel or "", event.symbol), []):
            if (feed.channel, event.symbol, feed.interval) in refused:
                feed.refuse(event)

    def _ended(self, event: SubscriptionRejected) -> list[Key]:
        """The subscriptions that a refusal ended: those that are wanted here, and by no connection any more."""
        ended: list[Key] = []
        for interval in OHLC_INTERVALS if event.channel == "ohlc" else (None,):
            key = (event.channel or "", event.symbol, interval)
            connection = self._plan.where(*key)
            wish = None if connection is None else connection.session.desk.subscriptions.at(key)
            if connection is not None and (wish is None or not wish.wanted):
                ended.append(key)
        return ended

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
