"""`KrakenV2MessageHandler`: a session with callbacks and statistics, for anybody's socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Literal, TypeVar, overload

from msgspec import to_builtins

from krakenwire.errors import UsageError
from krakenwire.events import (
    BalanceUpdate,
    ExecutionUpdate,
    FrameRejected,
    GapReason,
    InstrumentUpdate,
    Level3Update,
    OHLCUpdate,
    OrderBookUpdate,
    TickerUpdate,
    TradeUpdate,
)
from krakenwire.handler.counts import CallbackCounts
from krakenwire.handler.delivery import Delivery
from krakenwire.handler.feed import Feed
from krakenwire.handler.outgoing import Outgoing, Send, TokenProvider
from krakenwire.handler.routes import Callback, channel_named
from krakenwire.handler.status import ConnectionStatus
from krakenwire.handler.timeout import begin, refuse
from krakenwire.session import Limits, Session
from krakenwire.state.balances import Balance
from krakenwire.state.book import BookStatus
from krakenwire.state.ledger import Verdict
from krakenwire.state.level2 import BookView
from krakenwire.state.level3 import Level3View
from krakenwire.state.orders import Order
from krakenwire.state.sequence import SequenceStatus
from krakenwire.wire.orders import Request
from krakenwire.wire.subscriptions import Subscription

T = TypeVar("T")

DEFAULT_TIMEOUT = 5.0
"""Seconds an async callback may take."""

DEFAULT_SLOW = 0.1
"""Seconds for which a callback may let nothing else run."""


class KrakenV2MessageHandler:
    """Frames in, proven events out, to callbacks.

    State is applied first, in one step; then callbacks are called. They run in call order within a channel, and no channel waits for
    another. What a callback does, however long it takes and whatever it raises, reaches neither the state nor the other callbacks; only
    what ends the program (`KeyboardInterrupt`, `SystemExit`) passes through at once, and what the frame had left is not delivered.

    `callback_timeout`: seconds that an async callback may take; then it is cancelled. None: no limit.
    `slow_callback`: seconds for which a callback may let nothing else run, a plain one by returning late, an async one by awaiting
    nothing; then it is reported. None: never.
    `on_error`: what becomes of a callback's failure, besides being counted and told to the error callbacks. `log`: a line in the log
    `krakenwire`, one a minute for each type of exception, with their number. `stop`: that, and the call that delivered the event
    raises the `CallbackFailed` after everything else was delivered.
    `enable_sequence_tracking`: False: sequence numbers are not judged. `enable_statistics`: False: frames are not counted by channel.
    `on_outgoing`: called with each frame that the session wants sent, as bytes of JSON text; plain or async. Without it, take them with
    `take_outgoing()`. `token_provider`: gives a WebSocket token for private requests, as text; plain or async, an async one only while
    `process_message` is awaited. Without it the session cannot take private channels and level3 anew, and says so with `ResyncNeeded`.
    `on_checksum_dispute`: what becomes of a book that is wrong after every resync: `hold`, `serve_unverified` or `stop`.
    `limits`: how long the session waits, and how often it asks. `clock`: monotonic seconds.

    Threads: frames may come from any thread, one at a time; everything here may be called from any thread. The lock is held while a
    callback runs, up to its first await: a callback must not block on a thread that is itself waiting for this handler.

    From within a callback everything may be called too. A frame handed in there, or a `reset()`, is applied at once; its events are
    delivered after the callback, by the call that called it, so that `await process_message(...)` in a callback returns without waiting.

    Raises: UsageError, if an option makes no sense.
    """

    def __init__(
        self,
        *,
        enable_sequence_tracking: bool = True,
        enable_statistics: bool = True,
        callback_timeout: float | None = DEFAULT_TIMEOUT,
        slow_callback: float | None = DEFAULT_SLOW,
        on_error: Literal["log", "stop"] = "log",
        on_outgoing: Send | None = None,
        token_provider: TokenProvider | None = None,
        on_checksum_dispute: Literal["hold", "serve_unverified", "stop"] = "hold",
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        _check_seconds("callback_timeout", callback_timeout)
        _check_seconds("slow_callback", slow_callback)
        if on_error not in {"log", "stop"}:
            raise UsageError("must be log or stop", field="on_error")
        if not callable(clock):
            raise UsageError("must be a function that gives seconds", field="clock")
        self._clock = clock
        self._lock = threading.RLock()
        self._session = Session(
            now=clock(),
            track_sequences=enable_sequence_tracking,
            authenticates=token_provider is not None,
            on_checksum_dispute=on_checksum_dispute,
            limits=limits,
        )
        self._desk = self._session.desk
        self._delivery = Delivery(
            self._lock, clock, timeout=callback_timeout, slow=slow_callback, stop=on_error == "stop"
        )
        self._routes = self._delivery.routes
        self._outgoing = Outgoing(self._session, self._lock, on_outgoing, token_provider)
        self._feed = Feed(self._session, self._delivery, self._outgoing, clock, counting=enable_statistics)
        self._rejected_entries = 0
        self._routes.add("frame_rejected", self._count_rejected)

    # ---------------------------------------------------------------- callbacks

    @overload
    def register_callback(
        self, name: Literal["ticker"], callback: Callable[[TickerUpdate], object], *, facts: bool = True
    ) -> None: ...
    @overload
    def register_callback(
        self,
        name: Literal["book", "orderbook"],
        callback: Callable[[OrderBookUpdate], object],
        *,
        facts: bool = True,
    ) -> None: ...
    @overload
    def register_callback(
        self, name: Literal["level3"], callback: Callable[[Level3Update], object], *, facts: bool = True
    ) -> None: ...
    @overload
    def register_callback(
        self,
        name: Literal["trade", "trades"],
        callback: Callable[[TradeUpdate], object],
        *,
        facts: bool = True,
    ) -> None: ...
    @overload
    def register_callback(
        self, name: Literal["ohlc"], callback: Callable[[OHLCUpdate], object], *, facts: bool = True
    ) -> None: ...
    @overload
    def register_callback(
        self,
        name: Literal["instrument"],
        callback: Callable[[InstrumentUpdate], object],
        *,
        facts: bool = True,
    ) -> None: ...
    @overload
    def register_callback(
        self,
        name: Literal["balance", "balances"],
        callback: Callable[[BalanceUpdate], object],
        *,
        facts: bool = True,
    ) -> None: ...
    @overload
    def register_callback(
        self,
        name: Literal["execution", "executions"],
        callback: Callable[[ExecutionUpdate], object],
        *,
        facts: bool = True,
    ) -> None: ...
    @overload
    def register_callback(self, name: str, callback: Callback, *, facts: bool = True) -> None: ...

    def register_callback(self, name: str, callback: Callback, *, facts: bool = True) -> None:
        """Call `callback` with every event of this name.

        `name`: a channel (`ticker`, `book` or `orderbook`, `level3`, `trade`, `ohlc`, `instrument`, `balances` or `balance`, `executions`,
        `status`, `heartbeat`, `reply`), a fact in words (`gap`, `book_lost`, `frame_rejected`, …), or `*` for everything. A channel's
        callbacks also get its `Gap` and `BookLost`, in their place in the stream, unless `facts` is False.

        `callback`: an async or plain function of one event. What it returns is awaited if it can be. It gets an event once, however
        often it is registered for it. From within a callback: counts from the next event on.

        Raises: UsageError, if there is no such name, or calling `callback` could do nothing.
        """
        with self._lock:
            self._routes.add(name, callback, facts=facts)

    def unregister_callback(self, name: str, callback: Callback) -> bool:
        """Undo `register_callback`. False: it was not registered under this name.

        Raises: UsageError, if there is no such name.
        """
        with self._lock:
            return self._routes.remove(name, callback)

    def register_error_callback(self, callback: Callback) -> None:
        """Call `callback`, async or plain, with what went wrong in a callback: `CallbackFailed`, `CallbackTimeout` or `CallbackSlow`.

        It also gets `RequestsIgnored` and `TokenUnavailable`, which stand in no log.

        It is called after the events of the same frame, under the same time limit. What goes wrong in it is counted and logged only.

        Raises: UsageError, if calling `callback` could do nothing.
        """
        with self._lock:
            self._routes.add_error(callback)

    def unregister_error_callback(self, callback: Callback) -> bool:
        """Undo `register_error_callback`. False: it was not registered."""
        with self._lock:
            return self._routes.remove_error(callback)

    # ---------------------------------------------------------------- frames

    def process(self, frame: object) -> bool:
        """Take one frame and call its callbacks, which must be plain functions; needs no event loop.

        `frame`: bytes, text, or an already parsed dict (floats have lost digits, see `docs/architecture.md`). True: handled, also a
        duplicate, an unknown channel or a batch with a bad entry. False: neither JSON nor v2, or no frame at all; then only `error_count`
        changes.

        Raises: UsageError, if an async callback is registered (use `process_message`), or too many events wait for their callbacks.
        """
        if self._routes.asynchronous or self._outgoing.asynchronous:
            raise UsageError("process() calls plain functions only; await process_message() instead")
        return self._feed.run(frame, refuse) is True

    async def process_message(self, frame: object) -> bool:
        """Take one frame as `process` does, and await its callbacks. Returns what `process` does.

        Await each call before the next one: that is the back-pressure. Calls may overlap, though: state is applied in the order of the
        calls, and so are the callbacks of a channel called. If a call is cancelled, the callback it is at is cancelled with it, and what
        it has not delivered is delivered by the next call, or by `flush`.

        Raises: UsageError, if too many events wait for their callbacks.
        """
        feed = self._feed
        outcome = feed.run(frame, begin)
        if self._desk.ignored_since is not None and feed.unsent:
            await feed.send()
        if outcome is True or outcome is False:
            return outcome
        since, heard_at = self._clock(), self._session.heard_at
        try:
            await self._delivery.finish(outcome)
        finally:
            self._excuse(since, heard_at)
        return outcome.handled

    async def flush(self) -> None:
        """Await the callbacks of what was left over: by `reset()`, or by a call that was cancelled. In a callback it returns at once."""
        with self._lock:
            if self._delivery.given_to_outer([]):
                return
            call = self._delivery.left_over(self._feed.uncounted)
        if self._feed.unsent:
            await self._feed.send()
        await self._delivery.finish(call)

    # ---------------------------------------------------------------- what the session asks of Kraken

    def take_outgoing(self) -> list[bytes]:
        """Frames to send now, in order; each counts as sent. They may hold the token: never log them.

        There is at most one step for each subscription and a bounded number of requests, nothing is asked twice, and what a snapshot
        made needless is gone. Own numbers (`req_id`) start at 2^52. Call it after every frame, or give `on_outgoing` instead.
        """
        with self._lock:
            return self._feed.take_outgoing()

    def subscribe(self, params: Subscription) -> None:
        """Want a subscription from now on, also on every later connection; the session asks for it and keeps it alive.

        Raises: UsageError, if it is private and there is no `token_provider`, or there are too many.
        """
        with self._lock:
            self._session.subscribe(params, now=self._clock())

    def unsubscribe(self, channel: str, symbol: str | None = None, interval: int | None = None) -> bool:
        """Want a subscription no more; without a symbol, every one of the channel. False: there was none."""
        with self._lock:
            return self._session.unsubscribe(channel_named(channel), symbol, interval, now=self._clock())

    def resync(self, channel: str, symbol: str | None = None) -> None:
        """Take one subscription anew, within the budgets. Until its snapshot what is held of it cannot be read."""
        with self._lock:
            self._feed.emit(self._session.resync(channel_named(channel), symbol, now=self._clock()))

    def request(self, request: Request) -> int:
        """Send any request with the next frames; returns its `req_id`. It is sent once, whatever becomes of it.

        Raises: UsageError, if too many wait, or it needs a token and there is no `token_provider`.
        """
        with self._lock:
            return self._session.request(request, now=self._clock())

    @property
    def deadline(self) -> float | None:
        """When to call `tick`, on the handler's clock, if no frame comes before; None while there is nothing to wait for."""
        with self._lock:
            return self._session.deadline

    def tick(self) -> None:
        """Look at every timer: answers and snapshots that are due, disputed books, silence.

        Every frame does the same, except that only `tick` can notice silence. While a callback is being awaited nothing is late: what
        Kraken said meanwhile has not been read.
        """
        with self._lock:
            self._feed.tick()

    def _excuse(self, since: float, heard_at: float) -> None:
        """Callbacks were awaited. If no frame was taken meanwhile, that time counts against nobody."""
        with self._lock:
            if self._session.heard_at == heard_at:
                now = self._clock()
                self._session.excuse(now - since, now=now)

    # ---------------------------------------------------------------- the connection

    def reset(self, reason: GapReason = GapReason.CONNECTION_LOST) -> None:
        """The caller's connection is gone: no book can be read until its next snapshot, every sequence begins anew, no token counts.

        The `Gap` of each subscription goes to the callbacks at once if all of them are plain functions. Else it waits for the next
        `process_message`, and comes before that frame's events, or for `await flush()`.
        """
        with self._lock:
            events = self._session.connection_lost(now=self._clock(), reason=reason)
            self._feed.connection.lose(self._feed.frames)
            self._feed.emit(events)

    def set_connection_status(
        self,
        *,
        connected: bool | None = None,
        authenticated: bool | None = None,
        reason: GapReason = GapReason.CONNECTION_LOST,
    ) -> None:
        """Tell what only the owner of the socket knows; None: as before. `connected=False` does all that `reset(reason)` does."""
        with self._lock:
            self._feed.connection.tell(connected=connected, authenticated=authenticated)
            if connected is False:
                self.reset(reason)

    def get_connection_status(self) -> ConnectionStatus:
        """The health of the connection, as the caller told it and as Kraken's own messages show it.

        An object; ready for JSON it is `get_statistics()["connection"]`.
        """
        with self._lock:
            frames = self._feed.frames
            heard_at = self._session.heard_at if frames else None
            return self._feed.connection.status(self._clock(), heard_at, frames)

    # ---------------------------------------------------------------- books

    def expect_book(self, symbol: str, depth: int) -> None:
        """State the subscribed depth of a book, in levels a side, where no subscribe acknowledgement passes through this handler."""
        with self._lock:
            self._session.expect_book(symbol, depth)

    def book_status(self, symbol: str, channel: str = "book") -> BookStatus | None:
        """Where a book is in its life; `channel`: `book` or `level3`. None if it is neither wanted nor seen.

        Raises: UsageError, if there is no such channel.
        """
        with self._lock:
            return self._session.book_status(channel_named(channel), symbol)

    def level3_book(self, symbol: str, depth: int | None = None) -> Level3View:
        """As `book`, order by order.

        Raises: BookNotLive, unless Kraken's checksum proved the book with its last message.
        """
        with self._lock:
            return self._session.level3_book(symbol, depth)

    def book(self, symbol: str, depth: int | None = None) -> BookView:
        """An immutable copy of a book, of at most `depth` levels a side, for any thread.

        Raises: BookNotLive, unless Kraken's checksum proved the book with its last message.
        """
        with self._lock:
            return self._session.book(symbol, depth)

    # ---------------------------------------------------------------- the account

    def open_orders(self) -> tuple[Order, ...]:
        """The caller's orders that are open by Kraken's last report. `account_live` tells whether to trust them."""
        with self._lock:
            return self._session.account.orders.open_orders()

    def balances(self) -> tuple[Balance, ...]:
        """What the caller holds of each asset, by Kraken's last word. `account_live` tells whether to trust it."""
        with self._lock:
            return self._session.account.balances.all()

    @property
    def account_live(self) -> dict[str, bool]:
        """Of `executions` and `balances`: whether nothing was missed since a snapshot."""
        with self._lock:
            account = self._session.account
            return {"executions": account.orders.live, "balances": account.balances.live}

    # ---------------------------------------------------------------- what happened so far

    def trust(self, channel: str, symbol: str | None, start: float, end: float) -> Verdict:
        """Whether the data between two times, on the handler's clock, is proven, and which parts are not, with their causes.

        Raises: UsageError, if `end` lies before `start`.
        """
        with self._lock:
            return self._session.ledger.trust(channel_named(channel), symbol, start, end, now=self._clock())

    def get_statistics(self) -> dict[str, Any]:
        """Counts since construction, ready for JSON. Times are in seconds.

        * `total_messages`, `messages_by_channel`: frames handled; replies count as `reply`, unknown ones as `unknown`.
        * `error_count`: frames refused. `rejected_entries`: bad entries of frames that were handled.
        * `duplicate_count`: sequence numbers, trades, fills and ledger entries that came twice, dropped. `sequence_gaps`, `trade_gaps`:
          holes in their numbers.
        * `avg_processing_times`: by channel, per frame, for decoding, state and proof; `avg_callback_times`: for callbacks. The time of
          one frame of eight is taken, the first of each channel among them.
        * `callback_errors`, `callback_timeouts`, `slow_callbacks`: in all; `callbacks`: the same by name, of those that had any.
        * `waiting_events`: events whose callbacks were not all called yet.
        * `discarded_count`: updates of books without a snapshot. `verified_message_ratio`: share of the messages that something could
          prove and did; `verified_time_ratio`: share of the time in which provable subscriptions were wanted; `clean_ratio`: share of all
          wanted time in which subscriptions were as good as their channel can be. None before the first.
        * `sequences`, `connection`: `get_sequence_status()` and `get_connection_status()`, as dicts.
        """
        with self._lock:
            session, counts, times = self._session, self._delivery.reports.counts, self._feed.times()
            return {
                "total_messages": sum(channel.messages for channel in times.values()),
                "messages_by_channel": {name: channel.messages for name, channel in times.items()},
                "error_count": self._feed.errors,
                "duplicate_count": session.duplicates,
                "sequence_gaps": session.sequences.tracker.gaps,
                "avg_processing_times": {name: channel.average for name, channel in times.items()},
                "avg_callback_times": {name: channel.callback_average for name, channel in times.items()},
                "callback_errors": counts.total["errors"],
                "callback_timeouts": counts.total["timeouts"],
                "slow_callbacks": counts.total["slow"],
                "callbacks": counts.by_name(),
                "waiting_events": self._delivery.turns.waiting,
                "rejected_entries": self._rejected_entries,
                "trade_gaps": session.market.trades.gaps,
                "discarded_count": session.books.discarded,
                "verified_message_ratio": session.ledger.verified_message_ratio(),
                "verified_time_ratio": session.ledger.verified_time_ratio(self._clock()),
                "clean_ratio": session.ledger.clean_ratio(self._clock()),
                "sequences": to_builtins(self.get_sequence_status()),
                "connection": to_builtins(self.get_connection_status()),
            }

    def get_sequence_status(self) -> dict[str, SequenceStatus]:
        """Of each numbered stream the next number expected, and counts: `balances`, `executions`, or a channel and a symbol."""
        with self._lock:
            status = self._session.sequences.tracker.status()
            return {
                " ".join(key) if isinstance(key, tuple) else str(key): told for key, told in status.items()
            }

    def measure(self, take: Callable[[Session, Feed, CallbackCounts, float], T]) -> T:
        """What a function finds in the counters, at a time on the handler's clock, while no frame is taken. It changes nothing."""
        with self._lock:
            return take(self._session, self._feed, self._delivery.reports.counts, self._clock())

    def _count_rejected(self, event: FrameRejected) -> None:
        """Entries only: a frame of which nothing could be used is an error."""
        self._rejected_entries += event.channel is not None


def _check_seconds(field: str, value: float | None) -> None:
    if value is not None and not value > 0:
        raise UsageError("must be more than 0 seconds, or None for no limit", field=field)


def create_kraken_v2_handler(
    *,
    enable_sequence_tracking: bool = True,
    enable_statistics: bool = True,
    callback_timeout: float | None = DEFAULT_TIMEOUT,
    slow_callback: float | None = DEFAULT_SLOW,
    on_error: Literal["log", "stop"] = "log",
    on_outgoing: Send | None = None,
    token_provider: TokenProvider | None = None,
    on_checksum_dispute: Literal["hold", "serve_unverified", "stop"] = "hold",
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> KrakenV2MessageHandler:
    """A new `KrakenV2MessageHandler`; the options are its own."""
    return KrakenV2MessageHandler(
        enable_sequence_tracking=enable_sequence_tracking,
        enable_statistics=enable_statistics,
        callback_timeout=callback_timeout,
        slow_callback=slow_callback,
        on_error=on_error,
        on_outgoing=on_outgoing,
        token_provider=token_provider,
        on_checksum_dispute=on_checksum_dispute,
        limits=limits,
        clock=clock,
    )
