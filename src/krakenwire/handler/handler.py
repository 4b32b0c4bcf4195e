"""`KrakenV2MessageHandler`: a session with callbacks and statistics, for anybody's socket.

State is applied first, in one step and under one lock; then callbacks are called. What a callback does, however long it takes and
whatever it raises, reaches neither the state nor the other callbacks.
"""

from __future__ import annotations

import inspect
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, structs

from krakenwire.errors import CallbackTimeout, UsageError
from krakenwire.events import Event, FrameRejected, GapReason
from krakenwire.handler.routes import Callback, Routes, is_async
from krakenwire.handler.timeout import Limited
from krakenwire.session import Session
from krakenwire.state.level2 import BookView

ErrorCallback = Callable[[BaseException], Any]


class ConnectionStatus(Struct, frozen=True):
    """What is known of the connection that the caller owns."""

    connected: bool = False
    authenticated: bool = False
    system: str | None = None
    """Kraken's engine: `online`, `maintenance`, `cancel_only` or `post_only`; None before the first `status`."""
    last_message_at: float | None = None
    """On the handler's clock, seconds."""
    reconnects: int = 0


class KrakenV2MessageHandler:
    """Frames in, proven events out, to callbacks.

    Frames may come from any thread, one at a time. `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        *,
        enable_sequence_tracking: bool = True,
        enable_statistics: bool = True,
        callback_timeout: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._session = Session(now=clock(), track_sequences=enable_sequence_tracking)
        self._statistics = enable_statistics
        self._timeout = callback_timeout
        self._routes = Routes()
        self._on_error: list[ErrorCallback] = []
        self._status = ConnectionStatus()
        self._messages: Counter[str] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._lost = False
        self._heard_at: float | None = None
        self._errors = 0
        self._callback_errors = 0
        self._callback_timeouts = 0

    # ---------------------------------------------------------------- callbacks

    def register_callback(self, name: str, callback: Callback, *, facts: bool = True) -> None:
        """Call `callback` with every event of this name: a channel (`balance` and `orderbook` are understood), a fact, or `*`.

        A channel's callbacks also get its `Gap` and `BookLost`, unless `facts` is False.

        Raises: UsageError, if there is no such name.
        """
        with self._lock:
            self._routes.add(name, callback, facts=facts)

    def unregister_callback(self, name: str, callback: Callback) -> bool:
        """Undo `register_callback`; False if it was not registered."""
        with self._lock:
            return self._routes.remove(name, callback)

    def register_error_callback(self, callback: ErrorCallback) -> None:
        """Call `callback` with each exception of a callback and each time-out. It must be a plain function.

        Raises: UsageError, if it is async.
        """
        if is_async(callback):
            raise UsageError("must be a plain function", field="callback")
        self._on_error.append(callback)

    # ---------------------------------------------------------------- frames

    def process(self, frame: object) -> bool:
        """Take one frame and call plain callbacks. True: handled. False: not JSON or not v2.

        Raises: UsageError, if an async callback is registered; use `process_message`.
        """
        with self._lock:
            if self._routes.asynchronous:
                raise UsageError("process() calls plain functions only; await process_message() instead")
            events, handled = self._take(frame)
            for event in events:
                for callback in self._routes.of(event):
                    self._call(callback, event)
            return handled

    async def process_message(self, frame: object) -> bool:
        """Take one frame and await its callbacks. True: handled. False: not JSON or not v2.

        Await each call before the next one: that is the back-pressure, and what keeps callbacks in order.
        """
        with self._lock:
            events, handled = self._take(frame)
        for event in events:
            callbacks = self._routes.of(event)
            if callbacks:
                await self._deliver(event, callbacks)
        return handled

    def reset(self, reason: GapReason = GapReason.CONNECTION_LOST) -> None:
        """The caller's connection is gone: books are stale and sequences begin anew. Plain callbacks get the `Gap`s at once."""
        with self._lock:
            for event in self._session.connection_lost(now=self._clock(), reason=reason):
                for callback in self._routes.of(event):
                    if not is_async(callback):
                        self._call(callback, event)

    def expect_book(self, symbol: str, depth: int) -> None:
        """State the subscribed depth of a book, where no subscribe acknowledgement passes through this handler."""
        with self._lock:
            self._session.expect_book(symbol, depth)

    def book(self, symbol: str, depth: int | None = None) -> BookView:
        """An immutable copy of a verified book.

        Raises: BookNotLive, unless a checksum proved it.
        """
        with self._lock:
            return self._session.book(symbol, depth)

    # ---------------------------------------------------------------- what happened so far

    def get_statistics(self) -> dict[str, Any]:
        """Counts since construction. `avg_processing_times`: seconds for decoding, state and proof, without callbacks."""
        with self._lock:
            sequences = self._session.sequences
            return {
                "total_messages": sum(self._messages.values()),
                "messages_by_channel": dict(self._messages),
                "error_count": self._errors,
                "duplicate_count": sequences.duplicates + self._session.trades.repeated,
                "sequence_gaps": sequences.gaps,
                "avg_processing_times": {
                    channel: seconds / self._messages[channel] for channel, seconds in self._seconds.items()
                },
                "callback_errors": self._callback_errors,
                "callback_timeouts": self._callback_timeouts,
                "trade_gaps": self._session.trades.gaps,
                "discarded_count": self._session.books.discarded,
                "verified_message_ratio": self._session.ledger.verified_message_ratio(),
            }

    def get_sequence_status(self) -> dict[str, Any]:
        """Per channel: the next number expected, and counts of messages, duplicates and gaps."""
        with self._lock:
            status = self._session.sequences.status()
            return {
                " ".join(key) if isinstance(key, tuple) else str(key): told for key, told in status.items()
            }

    def get_connection_status(self) -> ConnectionStatus:
        """The connection as the caller and Kraken's `status` messages describe it."""
        with self._lock:
            return structs.replace(self._status, system=self._session.system, last_message_at=self._heard_at)

    def set_connection_status(
        self, *, connected: bool | None = None, authenticated: bool | None = None
    ) -> None:
        """Tell what only the owner of the socket knows. `connected=False` means that anything may be missed from now on."""
        with self._lock:
            before = self._status
            now = before.connected if connected is None else connected
            told = before.authenticated if authenticated is None else authenticated
            again = connected is True and not before.connected and self._lost
            self._status = ConnectionStatus(
                connected=now, authenticated=told and now, reconnects=before.reconnects + again
            )
            self._lost = self._lost or connected is False
            if connected is False:
                self.reset()

    # ---------------------------------------------------------------- inside

    def _take(self, frame: object) -> tuple[list[Event], bool]:
        start = self._clock()
        if isinstance(frame, (bytes, str, bytearray, memoryview)):
            events = self._session.receive(frame, now=start)
        elif isinstance(frame, Mapping):
            events = self._session.receive_parsed(dict(frame), now=start)
        else:
            self._errors += 1
            return [FrameRejected(b"", f"expected a frame, got {type(frame).__name__}", json=False)], False
        if self._session.refused:
            self._errors += 1
            return events, False
        self._heard_at = start
        if self._statistics:
            channel = self._session.channel
            self._messages[channel] += 1
            self._seconds[channel] += self._clock() - start
        return events, True

    def _call(self, callback: Callback, event: Event) -> None:
        try:
            callback(event)
        except Exception as exc:  # noqa: BLE001 (a callback's failure must not reach the feed)
            self._failed(exc)

    async def _deliver(self, event: Event, callbacks: tuple[Callback, ...]) -> None:
        for callback in callbacks:
            try:
                result = callback(event)
                if inspect.iscoroutine(result):
                    await Limited(result, self._timeout)
            except TimeoutError:
                self._callback_timeouts += 1
                kind = type(event).__name__
                self._failed(
                    CallbackTimeout(getattr(callback, "__qualname__", repr(callback)), kind, self._timeout)
                )
            except Exception as exc:  # noqa: BLE001 (a callback's failure must not reach the feed)
                self._failed(exc)

    def _failed(self, error: BaseException) -> None:
        self._callback_errors += 1
        for callback in self._on_error:
            try:
                callback(error)
            except Exception:  # noqa: BLE001 (there is nobody left to tell; it is counted)
                self._callback_errors += 1


def create_kraken_v2_handler(
    *, enable_sequence_tracking: bool = True, enable_statistics: bool = True, callback_timeout: float = 5.0
) -> KrakenV2MessageHandler:
    """A new handler. `callback_timeout`: seconds that an async callback may take."""
    return KrakenV2MessageHandler(
        enable_sequence_tracking=enable_sequence_tracking,
        enable_statistics=enable_statistics,
        callback_timeout=callback_timeout,
    )
