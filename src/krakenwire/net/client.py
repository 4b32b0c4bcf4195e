"""`krakenwire.connect()`: subscriptions that stay alive, and the events they bring, to whoever wants them.

The client owns no protocol and no socket: a `Connection` has both. What is here is the middle: what is wanted (`plan`), who wants it
(`streams`, `callbacks`), and the way between (`router`).
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import weakref
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, Self

from msgspec import Struct

from krakenwire.errors import AuthFailed, KrakenWireError, UsageError
from krakenwire.events import (
    BalanceUpdate,
    ConnectionState,
    ExecutionUpdate,
    Gap,
    InstrumentUpdate,
    OHLCUpdate,
    SubscriptionRejected,
    TickerUpdate,
    TradeUpdate,
)
from krakenwire.handler.reports import Reports
from krakenwire.handler.routes import ALIASES, KINDS, Callback, channel_named, check_callable
from krakenwire.net.backfill import Backfill
from krakenwire.net.backoff import PROCESS_GATE, ConnectGate, Waits
from krakenwire.net.callbacks import CallbackTask
from krakenwire.net.connection import Connection
from krakenwire.net.consumers import QUEUE_LIMIT, Inbox, Policy, inbox
from krakenwire.net.hosts import Hosts
from krakenwire.net.pacing import Pacer
from krakenwire.net.plan import CONNECTIONS, LEVEL3_SYMBOLS, PUBLIC_SYMBOLS, Plan, Role, role_of
from krakenwire.net.router import Router
from krakenwire.net.sockets import SocketTransport
from krakenwire.net.statistics import statistics
from krakenwire.net.streams import BookStream, Feed, Stream, Views
from krakenwire.net.token import TokenDesk, source_of
from krakenwire.net.transport import Transport
from krakenwire.session import Limits, Session
from krakenwire.state.book import Book
from krakenwire.state.ledger import Trust, Uncovered, Verdict
from krakenwire.state.level2 import BookView
from krakenwire.state.level3 import Level3View
from krakenwire.state.subscriptions import PRIVATE
from krakenwire.wire.enums import EventTrigger
from krakenwire.wire.market import OHLC_INTERVALS
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ExecutionsSubscription,
    InstrumentSubscription,
    Level3Subscription,
    OhlcSubscription,
    Subscription,
    TickerSubscription,
    TradeSubscription,
)

Symbols = str | Iterable[str]


class ConnectionInfo(Struct, frozen=True):
    """One connection, as of now."""

    name: str
    role: str
    """`public`, `private` or `level3`."""
    state: ConnectionState
    reason: str
    """Why it is not connected."""
    system: str | None
    """Kraken's engine, by its last word; None before the first `status`."""
    connected_for: float | None
    """Seconds; None while it is not."""
    heard_age: float | None
    """Seconds since the last message; None while it is not connected."""
    failures: int
    """In a row."""
    retry_in: float | None
    """Seconds until the next attempt; None if none is due."""
    connects: int
    subscriptions: int
    rate: float
    """Requests a second that it allows itself."""
    lag: float | None
    """Seconds that data comes later than at its best; None before it is known."""


class Client:
    """Kraken's market data and your account, over as many connections as it takes. Make it with `connect()`.

    Use it in one event loop, from its thread. Nothing is opened before the first subscription, and a connection that nothing needs is
    closed.
    """

    def __init__(
        self,
        transport: Transport | None = None,
        *,
        credentials: Any = None,
        public_url: str | None = None,
        private_url: str | None = None,
        level3_url: str | None = None,
        rest_url: str | None = None,
        proxy: str | None = None,
        cafile: str | None = None,
        limits: Limits | None = None,
        waits: Waits | None = None,
        on_checksum_dispute: Literal["hold", "serve_unverified", "stop"] = "hold",
        callback_timeout: float | None = 5.0,
        backfill: bool = True,
        queue_limit: int = QUEUE_LIMIT,
        public_symbols: int = PUBLIC_SYMBOLS,
        level3_symbols: int = LEVEL3_SYMBOLS,
        connections: int = CONNECTIONS,
        gate: ConnectGate | None = None,
        dice: random.Random | None = None,
    ) -> None:
        if queue_limit < 2:
            raise UsageError("must be at least 2", field="queue_limit")
        self._hosts = Hosts.chosen(public_url, private_url, level3_url, rest_url)
        self._transport: Transport = (
            SocketTransport(proxy=proxy, cafile=cafile) if transport is None else transport
        )
        self._credentials = credentials
        self._limits = Limits() if limits is None else limits
        self._waits = Waits() if waits is None else waits
        self._dispute = on_checksum_dispute
        Session(
            on_checksum_dispute=on_checksum_dispute, limits=self._limits
        )  # a mistake shows here, not later
        self._timeout = callback_timeout
        self._queue_limit = queue_limit
        self._gate = PROCESS_GATE if gate is None else gate
        self._dice = random.SystemRandom() if dice is None else dice
        self._plan = Plan(
            self._make,
            public_symbols=public_symbols,
            level3_symbols=level3_symbols,
            connections=connections,
        )
        self._router = Router()
        self.publish = self._router.publish
        """Hands events to whoever wants them."""
        self._feeds: dict[tuple[str, str | None], list[Feed]] = {}
        self._callbacks: list[CallbackTask] = []
        self._registered: dict[int, tuple[str, Callback]] = {}
        self._reports = Reports()
        self._tokens: TokenDesk | None = None
        self._level3_pacer = Pacer(rate=1.0, burst=1.0)
        self._inboxes: weakref.WeakSet[Inbox] = weakref.WeakSet()
        self.blocking: list[Inbox] = []
        """Consumers for whom readers wait when they are full."""
        self._room = asyncio.Event()
        self._backfill = (
            Backfill(self._transport, self._hosts.rest, self._router.publish) if backfill else None
        )
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self._process = 0
        self._closed = False

    # ---------------------------------------------------------------- its life

    async def __aenter__(self) -> Self:
        if self._loop is not None:
            raise UsageError("a client is entered once; make another one with connect()")
        self._loop = asyncio.get_running_loop()
        self._thread, self._process = threading.get_ident(), os.getpid()
        self._router.name("subscription_rejected", self._on_rejected, facts=False)
        if self._backfill is not None:
            self._router.name("trade", self._backfill.put, facts=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End every connection, iterator and callback, within a few seconds. What waits for callbacks is delivered if there is time."""
        self.check_thread()
        if self._closed:
            return
        self._closed = True
        ending = [asyncio.ensure_future(connection.stop()) for connection in self._plan.all()]
        if self._backfill is not None:
            ending.append(asyncio.ensure_future(self._backfill.stop()))
        if ending:
            await asyncio.wait(ending, timeout=self._waits.stop)
        for waiting in list(self._inboxes):
            waiting.end()
        tasks: list[asyncio.Future[Any]] = [*ending, *(callback.task for callback in self._callbacks)]
        current = asyncio.current_task()
        await _finish([task for task in tasks if task is not current], self._waits.stop / 4)
        await self._transport.close()

    def check_thread(self) -> None:
        """Raises: UsageError, if this is not the client's own loop and thread, or it is not entered."""
        if self._loop is None:
            raise UsageError("enter the client first: async with krakenwire.connect() as kraken")
        if threading.get_ident() != self._thread or os.getpid() != self._process:
            raise UsageError("a client is used in the thread and process that entered it, and nowhere else")

    # ---------------------------------------------------------------- streams

    def book(self, symbol: Symbols, depth: int = 10) -> BookStream[BookView]:
        """Verified views of books, the latest of each; `depth` levels a side: 10, 25, 100, 500 or 1000."""
        return self._book_stream(BookSubscription(symbol=_symbols(symbol), depth=depth))

    def level3(self, symbol: Symbols, depth: int = 10) -> BookStream[Level3View]:
        """As `book`, order by order; needs credentials. `depth` levels a side: 10, 100 or 1000."""
        return self._book_stream(Level3Subscription(symbol=_symbols(symbol), depth=depth))

    def ticker(
        self, symbol: Symbols, *, event_trigger: EventTrigger | str = EventTrigger.TRADES, **options: Any
    ) -> Stream[TickerUpdate | Gap]:
        """The latest ticker of each symbol. `options` are those of `stream`."""
        params = TickerSubscription(symbol=_symbols(symbol), event_trigger=EventTrigger(event_trigger))
        return self.stream(params, **{"policy": Policy.CONFLATE, **options})

    def trade(self, symbol: Symbols, **options: Any) -> Stream[TradeUpdate | Gap]:
        """Every trade. One that was fetched to fill a gap has `source="rest"` and comes later than its time. `options`: those of
        `stream`.
        """
        return self.stream(TradeSubscription(symbol=_symbols(symbol)), **options)

    def ohlc(self, symbol: Symbols, interval: int = 1, **options: Any) -> Stream[OHLCUpdate | Gap]:
        """Candles of `interval` minutes: 1, 5, 15, 30, 60, 240, 1440, 10080 or 21600."""
        return self.stream(OhlcSubscription(symbol=_symbols(symbol), interval=interval), **options)

    def instrument(self, **options: Any) -> Stream[InstrumentUpdate | Gap]:
        """Every market and asset that Kraken has, then what changes."""
        return self.stream(InstrumentSubscription(), **options)

    def executions(self, **options: Any) -> Stream[ExecutionUpdate | Gap]:
        """Your orders and fills, those open and the last fills first; needs credentials."""
        return self.stream(ExecutionsSubscription(snap_orders=True, snap_trades=True), **options)

    def balances(self, **options: Any) -> Stream[BalanceUpdate | Gap]:
        """Your balances, all of them first; needs credentials."""
        return self.stream(BalancesSubscription(), **options)

    def stream(
        self, params: Subscription, *, policy: Policy | str = Policy.BUFFER, limit: int | None = None
    ) -> Stream[Any]:
        """The events of any subscription.

        `policy`: what happens when they are not read fast enough. `buffer`: the oldest are dropped, with a `Gap` in their place;
        `conflate`: only the latest of each symbol waits; `block`: nothing more is read from Kraken until there is room, which may cost
        the connection. `limit`: events that wait, at most.
        """
        return Stream(self, params, self._inbox(policy, limit))

    # ---------------------------------------------------------------- subscriptions without a stream

    def subscribe(self, params: Subscription) -> None:
        """Want a subscription for callbacks and `events()`, until `unsubscribe` or `close`.

        Raises: UsageError, if it contradicts another, or is private and there are no credentials; CapacityExceeded.
        """
        self._want(self, params)

    def unsubscribe(self, channel: str, symbol: str | None = None, interval: int | None = None) -> bool:
        """Undo `subscribe`; without a symbol for all of the channel. Streams keep theirs. False: there was none."""
        self.check_thread()
        return self._plan.drop(self, channel_named(channel), symbol, interval) > 0

    def resync(self, channel: str, symbol: str | None = None) -> bool:
        """Take one subscription anew, within the budgets. False: it is not subscribed."""
        self.check_thread()
        connection = self._plan.where(channel_named(channel), symbol)
        if connection is not None:
            connection.resync(channel_named(channel), symbol)
        return connection is not None

    # ---------------------------------------------------------------- callbacks and the merged stream

    def on(
        self,
        name: str,
        callback: Callback,
        *,
        facts: bool = True,
        policy: Policy | str = Policy.BUFFER,
        limit: int | None = None,
    ) -> None:
        """Call `callback`, plain or async, with every event of this name, behind a queue of its own.

        Names are those of the handler: a channel, a fact in words (`gap`, `book_lost`, `connection_changed`, …), or `*` for everything. It
        subscribes nothing. A channel's callbacks also get its `Gap` and `BookLost`, unless `facts` is False. `policy`, `limit`: as for
        `stream`.

        Raises: UsageError, if there is no such name, or calling `callback` could do nothing.
        """
        self.check_thread()
        name = name_of_events(name)
        check_callable(callback)
        task = CallbackTask(
            callback,
            self._inbox(policy, limit),
            timeout=self._timeout,
            slow=0.1,
            reports=self._reports,
            tell=self._tell,
        )
        self._callbacks.append(task)
        self._registered[id(task)] = (name, callback)
        self._router.name(name, task.inbox.put, facts=facts)

    def off(self, name: str, callback: Callback) -> bool:
        """Undo `on`. What waits is still delivered. False: it was not registered under this name."""
        self.check_thread()
        name = name_of_events(name)
        found = [task for task in self._callbacks if self._registered[id(task)] == (name, callback)]
        for task in found:
            self._router.unname(task.inbox.put)
            task.inbox.end()
            self._callbacks.remove(task)
            del self._registered[id(task)]
        return bool(found)

    def on_error(self, callback: Callback) -> None:
        """Call `callback` with what goes wrong and is survived: in callbacks, attempts to connect, tokens, back-fills."""
        self.on("error", callback)

    def events(self, *, policy: Policy | str = Policy.BUFFER, limit: int | None = None) -> EventStream:
        """Everything that every connection reports, in one stream. It subscribes nothing."""
        return EventStream(self, self._router, self._inbox(policy, limit))

    # ---------------------------------------------------------------- what is known

    def status(self) -> tuple[ConnectionInfo, ...]:
        """Every connection made so far."""
        self.check_thread()
        now = asyncio.get_running_loop().time()
        return tuple(
            [
                _info(connection, role, now)
                for role, made in self._plan.connections.items()
                for connection in made
            ]
        )

    def statistics(self) -> dict[str, Any]:
        """Counts over all connections since the client was made, ready for JSON; the names are the handler's."""
        self.check_thread()
        return statistics(self._plan.all(), asyncio.get_running_loop().time())

    def trust(self, channel: str, symbol: str | None, start: float, end: float) -> Verdict:
        """Whether the data between two times, on the loop's clock, is proven, and which parts are not, with their causes.

        Raises: UsageError, if `end` lies before `start`.
        """
        self.check_thread()
        channel, now = channel_named(channel), asyncio.get_running_loop().time()
        verdicts = [
            connection.session.ledger.trust(channel, symbol, start, end, now=now)
            for connection in self._plan.connections[role_of(channel)]
        ]
        known = [verdict for verdict in verdicts if verdict.trust is not Trust.UNKNOWN]
        if known:
            return known[-1]
        unknown = (Uncovered(start, end, "not subscribed"),)
        return verdicts[0] if verdicts else Verdict(channel, symbol, start, end, Trust.UNKNOWN, unknown)

    # ---------------------------------------------------------------- for streams

    def attach(self, feed: Feed) -> None:
        """Subscribe for a stream."""
        self._want(feed, feed.params)
        feed.attached = True
        for symbol in feed.symbols or (None,):
            self._router.add(feed.channel, symbol, feed.put)
            self._feeds.setdefault((feed.channel, symbol), []).append(feed)

    def detach(self, feed: Feed) -> None:
        """Undo `attach`."""
        if not feed.attached:
            return
        feed.attached = False
        for symbol in feed.symbols or (None,):
            self._router.remove(feed.channel, symbol, feed.put)
            feeds = self._feeds[feed.channel, symbol]
            feeds.remove(feed)
            if not feeds:
                del self._feeds[feed.channel, symbol]
        if feed.inbox in self.blocking:
            self.blocking.remove(feed.inbox)
            self._room.set()
        if self._closed:
            return
        self._plan.drop(feed)
        if self._backfill is not None and feed.channel == "trade":
            for symbol in feed.symbols:
                if self._plan.where("trade", symbol) is None:
                    self._backfill.forget(symbol)

    def held_book(self, channel: str, symbol: str) -> Book[Any] | None:
        """The live book of a subscription."""
        connection = self._plan.where(channel, symbol)
        if connection is None:
            return None
        books = connection.session.books
        return books.level2.open(symbol) if channel == "book" else books.level3.open(symbol)

    # ---------------------------------------------------------------- for connections

    def refused(self, frame: bytes) -> None:
        """A frame of which nothing could be used goes to whoever takes such frames."""
        for task in self._callbacks:
            if self._registered[id(task)][0] == "refused_frame":
                task.inbox.put(frame)

    def failed(self, connection: Connection, error: KrakenWireError) -> None:
        """Retrying is over: whoever waits for this connection is told."""
        self.note(error)
        for (channel, symbol), feeds in list(self._feeds.items()):
            for feed in feeds:
                if self._plan.where(channel, symbol, feed.interval) is connection:
                    feed.inbox.end(error)

    def note(self, error: KrakenWireError) -> None:
        """Something went wrong that is survived: a line in the log now and then, and the error callbacks."""
        loop = self._loop
        self._reports.note(error, 0.0 if loop is None else loop.time())
        self._tell(error)

    def _tell(self, error: KrakenWireError) -> None:
        for task in self._callbacks:
            if self._registered[id(task)][0] == "error":
                task.inbox.put(error)

    async def room(self) -> None:
        """Wait until no consumer is full."""
        while any(waiting.full for waiting in self.blocking):
            self._room.clear()
            await self._room.wait()

    # ---------------------------------------------------------------- inside

    def _make(self, role: Role, number: int) -> Connection:
        private = role is not Role.PUBLIC
        session = Session(
            now=asyncio.get_running_loop().time(),
            authenticates=private,
            on_checksum_dispute=self._dispute,
            limits=self._limits,
        )
        return Connection(
            f"{role}-{number}",
            self._hosts.of(role),
            session,
            hub=self,
            transport=self._transport,
            gate=self._gate,
            waits=self._waits,
            dice=self._dice,
            pacer=self._level3_pacer if role is Role.LEVEL3 else Pacer(),
            tokens=self._token,
            private=private,
        )

    async def _token(self) -> Secret:
        if self._tokens is None:
            raise AuthFailed("no credentials")
        return await self._tokens.get()

    def _want(self, owner: object, params: Subscription) -> None:
        self.check_thread()
        if self._closed:
            raise UsageError("the client is closed")
        if params.channel.value in PRIVATE and self._tokens is None:
            source = source_of(self._credentials, self._transport, self._hosts.rest)
            if source is None:
                raise UsageError(
                    "needs an API key: set KRAKEN_API_KEY and KRAKEN_API_SECRET, or give credentials=",
                    field="credentials",
                )
            self._tokens = TokenDesk(source)
        self._plan.want(owner, params)

    def _inbox(self, policy: Policy | str, limit: int | None) -> Inbox:
        try:
            policy = Policy(policy)
        except ValueError:
            raise UsageError(f"must be one of {', '.join(Policy)}", field="policy") from None
        if limit is not None and limit < 2:
            raise UsageError("must be at least 2", field="limit")
        made = inbox(policy, limit or self._queue_limit, self._room.set)
        self._inboxes.add(made)
        if policy is Policy.BLOCK:
            self.blocking.append(made)
        return made

    def _book_stream(self, params: BookSubscription | Level3Subscription) -> BookStream[Any]:
        views = Views()
        self._inboxes.add(views)
        return BookStream(self, params, views, lambda: self.stream(params))

    def _on_rejected(self, event: SubscriptionRejected) -> None:
        """A refusal that is final: it takes no room any more, and its streams are told."""
        if event.retried or event.channel is None:
            return
        intervals = OHLC_INTERVALS if event.channel == "ohlc" else (None,)
        refused = []
        for interval in intervals:
            connection = self._plan.where(event.channel, event.symbol, interval)
            if connection is None:
                continue
            wish = connection.session.desk.subscriptions.get(event.channel, event.symbol, interval)
            if wish is None or not wish.wanted:
                refused.append(interval)
                self._plan.refused((event.channel, event.symbol, interval))
        for feed in self._feeds.get((event.channel, event.symbol), []):
            if feed.interval in refused:
                feed.refuse(event)


class EventStream:
    """Everything that every connection reports. Iterate it; it ends when it is closed, left or forgotten, or with the client."""

    def __init__(self, client: Client, router: Router, waiting: Inbox) -> None:
        self._client = client
        self._router = router
        self._inbox = waiting
        self._finalizer: weakref.finalize[..., Any] | None = None

    async def __aenter__(self) -> Self:
        return self.__aiter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __aiter__(self) -> Self:
        self._client.check_thread()
        if self._finalizer is None:
            self._router.name("*", self._inbox.put, facts=True)
            self._finalizer = weakref.finalize(self, self._router.unname, self._inbox.put)
            self._finalizer.atexit = False
        return self

    async def __anext__(self) -> Any:
        return await self._inbox.get()

    def close(self) -> None:
        """No more events; what waits can still be read."""
        if self._finalizer is not None:
            self._finalizer()
        self._inbox.end()


def connect(transport: Transport | None = None, /, **options: Any) -> Client:
    """A new `Client`; the options are its own. Nothing is opened before it is entered and something is subscribed."""
    return Client(transport, **options)


def _symbols(symbol: Symbols) -> tuple[str, ...]:
    return (symbol,) if isinstance(symbol, str) else tuple(dict.fromkeys(symbol))


def name_of_events(name: str) -> str:
    """The name itself, or what it is an alias of. Beside the handler's names: `error`, and `refused_frame` for frames nobody can use.

    Raises: UsageError, if there is no such name.
    """
    if name in {"error", "refused_frame", "*"}:
        return name
    canonical = ALIASES.get(name, name)
    if canonical not in KINDS:
        raise UsageError(f"no events are called {name!r:.60}; there are *, {', '.join(KINDS)}", field="name")
    return canonical


def _info(connection: Connection, role: Role, now: float) -> ConnectionInfo:
    since, retry_at = connection.connected_at, connection.retry_at
    return ConnectionInfo(
        name=connection.name,
        role=role.value,
        state=connection.state,
        reason=connection.reason,
        system=connection.system,
        connected_for=None if since is None else now - since,
        heard_age=None if since is None else now - max(since, connection.session.heard_at),
        failures=connection.failures,
        retry_in=None if retry_at is None else max(0.0, retry_at - now),
        connects=connection.connects,
        subscriptions=len(connection.session.desk.subscriptions),
        rate=connection.pacer.rate,
        lag=connection.lag.seconds,
    )


async def _finish(tasks: list[asyncio.Future[Any]], seconds: float) -> None:
    """Let tasks end by themselves for so long, then cancel what is left; whoever resists that is left behind."""
    pending = set(tasks)
    for cancel in (False, True):
        if cancel:
            for task in pending:
                task.cancel()
        if pending:
            _, pending = await asyncio.wait(pending, timeout=seconds)
