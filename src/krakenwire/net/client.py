"""`krakenwire.connect()`: subscriptions that stay alive, and the events they bring, to whoever wants them.

The client owns no protocol and no socket: a `Connection` has both. What is here is the middle: what is wanted (`plan`), who wants it
(`streams`, `callbacks`), and the way between (`router`).
"""

from __future__ import annotations

import asyncio
import os
import random
import threading
import time
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Literal, Self

from krakenwire.errors import KrakenWireError, UsageError
from krakenwire.events import (
    BalanceUpdate,
    ClockJump,
    ExecutionUpdate,
    Gap,
    InstrumentUpdate,
    OHLCUpdate,
    TickerUpdate,
    TradeUpdate,
)
from krakenwire.handler.routes import Callback, channel_named
from krakenwire.net.backfill import Backfill
from krakenwire.net.backoff import PROCESS_GATE, ConnectGate, Waits
from krakenwire.net.book_streams import BookStream, Views
from krakenwire.net.callbacks import Callbacks
from krakenwire.net.clock import LOOK_SECONDS, WallClock
from krakenwire.net.closing import close_all
from krakenwire.net.connection import Connection
from krakenwire.net.consumers import QUEUE_LIMIT, Inbox, Policy, Queues
from krakenwire.net.feeds import Feed, Feeds
from krakenwire.net.fleet import Fleet
from krakenwire.net.hosts import Hosts
from krakenwire.net.measures import Measures
from krakenwire.net.plan import CONNECTIONS, LEVEL3_SYMBOLS, PUBLIC_SYMBOLS, Role, role_of
from krakenwire.net.router import Router
from krakenwire.net.sockets import SocketTransport
from krakenwire.net.stalls import STALL_SECONDS, Stalls
from krakenwire.net.statistics import statistics, verdict_of
from krakenwire.net.status import ConnectionInfo, info
from krakenwire.net.streams import EventStream, Stream
from krakenwire.net.switch import DeadMansSwitch
from krakenwire.net.transport import Transport
from krakenwire.session import Limits
from krakenwire.state.book import Book
from krakenwire.state.ledger import Verdict
from krakenwire.state.level2 import BookView
from krakenwire.state.level3 import Level3View
from krakenwire.wire.enums import EventTrigger
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


class Client:
    """Kraken's market data and your account, over as many connections as it takes. Make it with `connect()`.

    Use it in one event loop, from its thread. Nothing is opened before the first subscription, and a connection that nothing needs is
    closed.

    `transport`: another way to an exchange than sockets. `credentials`: for private channels and level3: `Credentials`, a ccxt `kraken`,
    anything with `get_websockets_token()`; None: those of the environment, if a private stream is opened.
    `public_url`, `private_url`, `level3_url`, `rest_url`: another exchange; None: the environment's, else Kraken. `proxy`: URL of an HTTP
    proxy; None: the environment's. `cafile`: certificates to trust instead of the system's.
    `limits`, `waits`: every time limit of sessions and of connections. `on_checksum_dispute`: what becomes of a book that is wrong after
    every resync: `hold`, `serve_unverified` or `stop`. `isolate_disputed`: whether it is then tried over a connection of its own, so that
    it costs no other anything. `callback_timeout`: seconds that an async callback may take; None: no limit.
    `backfill`: whether trades that a gap left out are fetched from REST. `queue_limit`: events that wait for one consumer.
    `public_symbols`, `level3_symbols`: symbols of one connection; `connections`: connections to one host.
    `gate`: the budget of attempts to connect; None: that of the process. `dice`: where waits are drawn from.
    `clock`: the wall clock, for nonces, and whose jumps are told; None: that of the machine.
    `stall_limit`: seconds after which a blocked event loop is logged, with what blocks it; None: nobody looks.

    Raises: UsageError, if an option makes no sense.
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
        isolate_disputed: bool = True,
        callback_timeout: float | None = 5.0,
        backfill: bool = True,
        queue_limit: int = QUEUE_LIMIT,
        public_symbols: int = PUBLIC_SYMBOLS,
        level3_symbols: int = LEVEL3_SYMBOLS,
        connections: int = CONNECTIONS,
        gate: ConnectGate | None = None,
        dice: random.Random | None = None,
        clock: WallClock | None = None,
        stall_limit: float | None = STALL_SECONDS,
    ) -> None:
        self._fleet = Fleet(
            self,
            SocketTransport(proxy=proxy, cafile=cafile) if transport is None else transport,
            Hosts.chosen(public_url, private_url, level3_url, rest_url),
            credentials=credentials,
            limits=Limits() if limits is None else limits,
            waits=Waits() if waits is None else waits,
            on_checksum_dispute=on_checksum_dispute,
            gate=PROCESS_GATE if gate is None else gate,
            dice=random.SystemRandom() if dice is None else dice,
            wall=time.time_ns if clock is None else clock.wall,
            symbols={Role.PUBLIC: public_symbols, Role.LEVEL3: level3_symbols},
            connections=connections,
        )
        self._plan = self._fleet.plan
        self._router = Router()
        self._queues = Queues(queue_limit)
        self._callbacks = Callbacks(self._router, self._queues, callback_timeout)
        # What connections call for every frame is bound once.
        self.publish, self.refused = self._router.publish, self._callbacks.refused
        self.blocking, self.room = self._queues.blocking, self._queues.room
        self._backfill = (
            Backfill(self._fleet.transport, self._fleet.hosts.rest, self._router.publish, self.note)
            if backfill
            else None
        )
        self._feeds = Feeds(self._plan, self._router, self._backfill)
        self.measures = Measures(
            hosts=self._fleet.hosts,
            connections=self._plan.connections,
            gate=self._fleet.gate,
            queues=self._queues,
            callbacks=self._callbacks,
            stalls=Stalls.wanted(stall_limit),
        )
        """What is counted, for whoever shows it."""
        self._isolates = isolate_disputed
        self._clock = WallClock() if clock is None else clock
        self._clock_timer: asyncio.TimerHandle | None = None
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
        for name, take in self.measures.facts.takers().items():
            self._router.name(name, take, facts=False)
        if self.measures.stalls is not None:
            self.measures.stalls.start()
        self._router.name("subscription_rejected", self._feeds.rejected, facts=False)
        self._look_at_clock()
        if self._isolates:
            self._router.name("book_disputed", self._fleet.disputed, facts=False)
        if self._backfill is not None:
            self._router.name("trade", self._backfill.put, facts=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End every connection, iterator and callback, within `waits.stop` seconds. What waits for callbacks is delivered if there is time;
        whoever resists being cancelled is left behind.
        """
        self.check_thread()
        if self._closed:
            return
        self._closed = True
        if self.measures.stalls is not None:
            self.measures.stalls.stop()
        if self._clock_timer is not None:
            self._clock_timer.cancel()
        self._fleet.leave_switch()
        await close_all(
            self._plan.all(),
            self._backfill,
            self._queues,
            self._callbacks,
            self._fleet.transport,
            seconds=self._fleet.waits.stop,
        )

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
        return Stream(self, params, self._queues.make(params.channel.value, policy, limit))

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
        self._callbacks.add(name, callback, self._queues.make(name, policy, limit), facts=facts)

    def off(self, name: str, callback: Callback) -> bool:
        """Undo `on`. What waits is still delivered. False: it was not registered under this name."""
        self.check_thread()
        return self._callbacks.remove(name, callback)

    def on_error(self, callback: Callback) -> None:
        """Call `callback` with what goes wrong and is survived: in callbacks, attempts to connect, tokens, back-fills."""
        self.on("error", callback)

    def events(self, *, policy: Policy | str = Policy.BUFFER, limit: int | None = None) -> EventStream:
        """Everything that every connection reports, in one stream. It subscribes nothing."""
        return EventStream(self, self._queues.make("*", policy, limit))

    def dead_mans_switch(self, seconds: int = 60) -> DeadMansSwitch:
        """Kraken cancels every open order of the account unless this program says within `seconds` that it is there, again and again. Needs
        credentials whose key may trade.

        Raises: UsageError, if `seconds` is no whole number from 8 to 86,399.
        """
        self.check_thread()
        return DeadMansSwitch(self._fleet, self._router, seconds)

    # ---------------------------------------------------------------- what is known

    def status(self) -> tuple[ConnectionInfo, ...]:
        """Every connection made so far."""
        self.check_thread()
        now = asyncio.get_running_loop().time()
        return tuple(
            [info(each, role, now) for role, made in self._plan.connections.items() for each in made]
        )

    @property
    def loop(self) -> asyncio.AbstractEventLoop | None:
        """The loop that it was entered in; None before. From other threads, this is the only way to it."""
        return self._loop

    def failure(self) -> KrakenWireError | None:
        """Why a connection is over for good; None while each stands or is tried again."""
        self.check_thread()
        return next((each.error for each in self._plan.all() if each.error is not None), None)

    def statistics(self) -> dict[str, Any]:
        """Counts over all connections since the client was made, ready for JSON; the names are the handler's."""
        self.check_thread()
        return statistics(self._plan.all(), asyncio.get_running_loop().time())

    def carrier(self, channel: str, symbol: str | None = None) -> str | None:
        """Name of the connection that carries a subscription, as in `status()`; None if nobody wants it."""
        self.check_thread()
        connection = self._plan.where(channel_named(channel), symbol)
        return None if connection is None else connection.name

    def trust(self, channel: str, symbol: str | None, start: float, end: float) -> Verdict:
        """Whether the data between two times, on the loop's clock, is proven, and which parts are not, with their causes.

        Raises: UsageError, if `end` lies before `start`.
        """
        self.check_thread()
        channel, now = channel_named(channel), asyncio.get_running_loop().time()
        return verdict_of(self._plan.connections[role_of(channel)], channel, symbol, start, end, now=now)

    # ---------------------------------------------------------------- for streams

    def attach(self, feed: Feed) -> None:
        """Subscribe for a stream."""
        self._want(feed, feed.params)
        self._feeds.attach(feed)

    def detach(self, feed: Feed) -> None:
        """Undo `attach`."""
        self._queues.forget(feed.inbox)
        if feed.attached and not self._closed:
            self._feeds.detach(feed)

    def attach_all(self, inbox: Inbox) -> None:
        """Let everything come into a queue."""
        self._router.name("*", inbox.put, facts=True)

    def forget(self, inbox: Inbox) -> None:
        """Nobody reads a queue any more, or will. May be called from any thread: the collector has none of its own."""
        loop = self._loop
        if loop is not None and threading.get_ident() != self._thread:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self.forget, inbox)
            return
        self._router.unname(inbox.put)
        self._queues.forget(inbox)

    def held_book(self, channel: str, symbol: str) -> Book[Any] | None:
        """The live book of a subscription."""
        connection = self._plan.where(channel, symbol)
        if connection is None:
            return None
        books = connection.session.books
        return books.level2.open(symbol) if channel == "book" else books.level3.open(symbol)

    def standing(self, params: Subscription) -> str:
        """How the connections stand that carry a subscription, in a line."""
        told = [
            f"{each.name} is {each.state}" + (f" ({each.reason})" if each.reason else "")
            for each in self._plan.carrying(params)
        ]
        return ", ".join(told) or "it is not subscribed"

    # ---------------------------------------------------------------- for connections

    def settled(self, events: list[Any]) -> list[Any]:
        """What an answer came to, as it is to be told."""
        return [self._feeds.settled(event) for event in events]

    def failed(self, connection: Connection, error: KrakenWireError) -> None:
        """Retrying is over: whoever waits for this connection is told."""
        self.note(error)
        self._feeds.failed(connection, error)

    def note(self, error: KrakenWireError) -> None:
        """Something went wrong that is survived."""
        self._callbacks.note(error, 0.0 if self._loop is None else self._loop.time())

    # ---------------------------------------------------------------- inside

    def _look_at_clock(self) -> None:
        """Whether the wall clock jumped, once a second."""
        jump = self._clock.look()
        self._clock_timer = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look_at_clock)
        if jump is not None:
            event = ClockJump(jump)
            self.publish([event])
            self._feeds.tell(event)

    def _want(self, owner: object, params: Subscription) -> None:
        self.check_thread()
        if self._closed:
            raise UsageError("the client is closed")
        self._fleet.want(owner, params)

    def _book_stream(self, params: BookSubscription | Level3Subscription) -> BookStream[Any]:
        views = Views()
        self._queues.add(views)
        return BookStream(self, params, views, lambda: self.stream(params))


connect = Client
"""A new client; the options are those of `Client`. Nothing is opened before it is entered and something is subscribed."""


def _symbols(symbol: Symbols) -> tuple[str, ...]:
    return (symbol,) if isinstance(symbol, str) else tuple(dict.fromkeys(symbol))
