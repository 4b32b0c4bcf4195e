"""One Kraken Spot WebSocket v2 connection, without the socket: frames in, events out.

The caller owns the socket and the clock and passes each received frame to `receive`, in order. Bytes from Kraken never raise: bad
input comes back as an event. What has to be asked of Kraken waits in `take_outgoing`; `tick` looks at the timers, and only then is
anybody called late.

A table leads from the type of a message to the keeper's method that takes it; keepers hold the state and turn its facts into events.
The way of a book update, three quarters of all traffic, is kept short: one look-up, one `Book.apply`, one event.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from krakenwire.errors import BookNotLive, DecodeError, UsageError
from krakenwire.events import Event, GapReason, PeerSilent
from krakenwire.session.account import AccountKeeper
from krakenwire.session.books import BookKeeper
from krakenwire.session.desk import Desk
from krakenwire.session.held import Held, Late
from krakenwire.session.lifecycle import Lifecycle
from krakenwire.session.limits import DisputePolicy, Limits
from krakenwire.session.market import MarketKeeper
from krakenwire.session.odd_frames import OddFrames, shown, shown_value
from krakenwire.session.recovery import Recovery
from krakenwire.session.sequences import SequenceKeeper
from krakenwire.session.streams import Streams
from krakenwire.state.book import Book, BookStatus
from krakenwire.state.instruments import Instruments
from krakenwire.state.ledger import Ledger, State
from krakenwire.state.level2 import BookView
from krakenwire.state.level3 import Level3View
from krakenwire.state.liveness import Liveness
from krakenwire.state.subscriptions import Phase
from krakenwire.wire.account import BalancesMessage, ExecutionsMessage
from krakenwire.wire.book import BOOK_DEPTHS, BookMessage, Level3Message
from krakenwire.wire.codec import CHANNELS, Codec, Decoded, Frame, is_ascii, plain
from krakenwire.wire.control import ErrorNotice, Heartbeat, ReplyEnvelope, StatusMessage
from krakenwire.wire.enums import MessageType
from krakenwire.wire.market import InstrumentMessage, OHLCMessage, TickerMessage, TradeMessage
from krakenwire.wire.orders import Request
from krakenwire.wire.screening import RejectedEntry, problems
from krakenwire.wire.screens import SCREENS
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import Subscription, SubscriptionParams

_Take = Callable[[Any, float], list[Event]]
_Screen = Callable[[Any, Any], tuple[RejectedEntry, ...] | None]


class Session:
    """One Kraken Spot WebSocket v2 connection, without the socket.

    - pass each received frame to `receive`, in order, and act on the events;
    - then send what `take_outgoing` returns, in order;
    - call `tick` no later than `deadline`. Whoever has no use for timers (a file, a script) never calls it.

    Frames from Kraken never raise; misuse by the caller does. `now` is the caller's monotonic clock, in seconds.

    `asks=False`: the session asks for nothing; `ResyncNeeded` says what the caller has to. `alone`: nobody else asks for anything on this
    connection, so a book that was not asked for is not taken. `authenticates`: a token can be had for private requests; whoever sends them
    gives it to `supply_token` when `wants_token` says so.
    """

    def __init__(
        self,
        *,
        now: float = 0.0,
        track_sequences: bool = True,
        asks: bool = True,
        alone: bool = False,
        authenticates: bool = False,
        on_checksum_dispute: str = DisputePolicy.HOLD,
        limits: Limits | None = None,
    ) -> None:
        limits = Limits() if limits is None else limits
        if not isinstance(limits, Limits):
            raise UsageError("must be a Limits", field="limits")
        self.codec = Codec()
        self.heard_at = now
        self.refused = False
        """Whether the last frame was no JSON or no v2 frame, so that nothing of it was used."""
        self.channel = "unknown"
        """Channel or method of the last frame that was used."""
        self.ledger = Ledger()
        self.desk = Desk(limits, asks=asks, alone=alone, authenticates=authenticates)
        self.recovery = Recovery(self.desk, _policy(on_checksum_dispute))
        self._liveness = Liveness(quiet=limits.quiet, dead=limits.dead, now=now)
        self._streams = Streams(self.ledger, self._liveness)
        self.sequences = SequenceKeeper(self._streams, self.recovery, track=track_sequences)
        instruments = Instruments()
        self.books = BookKeeper(instruments, self.ledger, self.recovery, lambda: self.heard_at)
        self.market = MarketKeeper(self._streams, self.sequences, self.desk, self.books, instruments)
        self.account = AccountKeeper(self._streams, self.sequences, self.desk, self.recovery)
        self._held = Held(self._streams, self.desk, self.books, instruments, self.account)
        self._odd = OddFrames(self._streams, self.books, self.market, self.account)
        self._lifecycle = Lifecycle(
            desk=self.desk,
            streams=self._streams,
            sequences=self.sequences,
            books=self.books,
            market=self.market,
            account=self.account,
            odd=self._odd,
        )
        self._strict: dict[type, _Take] = {
            BookMessage: self._on_book,
            Level3Message: self._on_book,
            TickerMessage: self.market.ticker,
            TradeMessage: self.market.trade,
            OHLCMessage: self.market.ohlc,
            InstrumentMessage: self.market.instrument,
            ExecutionsMessage: self.account.executions,
            BalancesMessage: self.account.balance_entries,
            StatusMessage: self._lifecycle.status,
            ReplyEnvelope: self._lifecycle.replied,
            ErrorNotice: self._lifecycle.noticed,
        }
        self._ways: dict[type, tuple[str, _Screen, _Take]] = {
            kind: (channel, SCREENS.get(kind, problems), self._strict[kind])
            for channel, kind in CHANNELS.items()
            if kind in self._strict
        }
        # A book reads its own tokens, and strictly.
        self._ways[BookMessage] = ("book", lambda _frame, _message: None, self._on_book)

    # ---------------------------------------------------------------- what callers do

    def receive(self, frame: Frame, *, now: float) -> list[Event]:
        """Take one frame as received. Never raises for what it holds."""
        self.heard_at = now
        try:
            message = self.codec.fast(frame)
        except (ValueError, RecursionError, TypeError, BufferError):
            return self._receive_slowly(plain(frame), now)
        self.refused = False
        if type(message) is BookMessage:
            self.channel = "book"
            return self.books.update(message, now) or self._receive_book(frame, message, now)
        if type(message) is Heartbeat:
            self.channel = "heartbeat"
            return [message]
        way = self._ways.get(type(message))
        if way is None:
            return self._receive_drifted(frame, message, now)
        channel, screen, take = way
        if screen(frame, message) is not None:
            return self._receive_slowly(frame, now)
        self.channel = channel
        return take(message, now)

    def receive_parsed(self, value: object, *, now: float) -> list[Event]:
        """Take a frame that the caller has parsed already. Floats have lost digits; see `docs/architecture.md`."""
        self.heard_at = now
        return self._take(lambda: self.codec.from_parsed(value), lambda: shown_value(value), now)

    def book(self, symbol: str, depth: int | None = None) -> BookView:
        """A copy of a live book.

        Raises: BookNotLive, unless a checksum proved it.
        """
        view: BookView = self._book("book", symbol).view(depth)
        return view

    def level3_book(self, symbol: str, depth: int | None = None) -> Level3View:
        """A copy of a live level3 book.

        Raises: BookNotLive, unless a checksum proved it.
        """
        view: Level3View = self._book("level3", symbol).view(depth)
        return view

    def book_status(self, channel: str, symbol: str) -> BookStatus | None:
        """Where a book of channel `book` or `level3` is in its life; None if it is neither wanted nor seen."""
        book = self.books.get(channel, symbol)
        if book is not None:
            return book.status
        return None if self.desk.subscriptions.get(channel, symbol) is None else BookStatus.WANTED

    def _book(self, channel: str, symbol: str) -> Book[Any]:
        book = self.books.get(channel, symbol)
        if book is not None:
            return book
        if self.desk.subscriptions.get(channel, symbol) is not None:
            raise BookNotLive(symbol, BookStatus.WANTED, "no snapshot yet")
        raise BookNotLive(
            symbol, "unknown", "it was neither subscribed nor seen; symbols are written as in BTC/USD"
        )

    def take_outgoing(self, *, now: float, limit: float = math.inf) -> list[bytes]:
        """Frames to send now, in order; each counts as sent and starts its time for an answer. They may hold the token: never log them.

        `limit`: so many at most, for a caller who sends them at a pace of his own; the rest goes on waiting.
        """
        return self.desk.take(now, limit)

    @property
    def deadline(self) -> float | None:
        """When to call `tick`, on the caller's clock; None while there is nothing to wait for."""
        at = min(self.desk.due_at, self._watch().deadline)
        return None if at == math.inf else at

    @property
    def duplicates(self) -> int:
        """Sequence numbers, trades, fills and ledger entries that came twice."""
        return self.sequences.tracker.duplicates + self.market.trades.repeated + self.account.repeated

    def tick(self, *, now: float) -> list[Event]:
        """Look at every timer. Call it when nothing received is left unread: late reading is not Kraken's silence."""
        events = self._lifecycle.tick(now)
        watch = self._watch()
        if watch.dead(now):
            events.append(PeerSilent(self.heard_at))
            events += self.connection_lost(now=now, reason=GapReason.SILENT)
        elif watch.quiet(now):
            self.desk.ping(now)
        return events

    def excuse(self, seconds: float, *, now: float) -> None:
        """The caller was away for so long, up to now, and read nothing: that time is not counted against Kraken."""
        self._watch().heard(now)
        self.desk.shift(seconds)

    def subscribe(self, params: Subscription, *, now: float) -> None:
        """Want a subscription from now on, also on every later connection. Depth, interval and trigger may be changed so too.

        Raises: UsageError, if there are too many.
        """
        if not isinstance(params, SubscriptionParams):
            raise UsageError("must be a subscription, such as BookSubscription(symbol=(...))", field="params")
        for wish in self.desk.subscribe(params, now):
            self.ledger.open(wish.channel, wish.symbol, State.WANTED, now)

    def unsubscribe(
        self, channel: str, symbol: str | None = None, interval: int | None = None, *, now: float
    ) -> bool:
        """Want a subscription no more; without a symbol every one of the channel. False: there was none."""
        dropped = self.desk.unsubscribe(channel, symbol, interval, now)
        for wish in dropped:
            if wish.phase is Phase.IDLE:  # Kraken knows nothing of it, so no answer will end it
                self._lifecycle.ended(wish.channel, wish.symbol, "unsubscribed", now)
        return bool(dropped)

    def resync(self, channel: str, symbol: str | None = None, *, now: float) -> list[Event]:
        """Take one subscription anew, within the budgets: what is held of it cannot be read until its snapshot."""
        book = self.books.get(channel, symbol)
        reason = "resync asked for"
        if book is None:
            return self.recovery.take_anew(channel, symbol, reason, now)
        return self.books.give_up(book, reason, now)

    def late(self, params: Subscription, symbol: str | None) -> Late:
        """What a reader is given who comes after the snapshot of a subscription: what is held of it, where that is current."""
        return self._held.late(params, symbol)

    def request(self, request: Request, *, now: float) -> int:
        """Send any request with the next frames; returns its `req_id`. It is sent once, whatever becomes of it.

        Raises: UsageError, if too many wait, or it needs a token and there is none to be had.
        """
        return self.desk.queue(request, now)

    def supply_token(self, token: Secret) -> None:
        """The token of this connection. It is put into private requests as they are taken, and kept nowhere else."""
        self.desk.supply_token(token)

    def wants_token(self, *, now: float) -> bool:
        """Whether something waits for nothing but a token."""
        return self.desk.wants_token(now)

    def expect_book(self, symbol: str, depth: int) -> None:
        """State the subscribed depth of a book whose subscription this session does not see.

        Raises: UsageError, if Kraken offers no such depth.
        """
        if depth not in BOOK_DEPTHS:
            raise UsageError(f"must be one of {', '.join(map(str, BOOK_DEPTHS))}", field="depth")
        self.books.level2.expect(symbol, depth)

    def connection_lost(self, *, now: float, reason: GapReason = GapReason.CONNECTION_LOST) -> list[Event]:
        """From now on anything may be missed: one `Gap` a subscription; books are stale until a snapshot."""
        return self._lifecycle.lost(reason, self.heard_at, now)

    def last_heard(self) -> dict[tuple[str, str | None], float]:
        """When each subscription that was heard at all was heard last; a book that is live, when it was last proven."""
        times = {
            (channel, symbol): at
            for channel, symbol, _ in self._streams.carried()
            if (at := self._streams.heard_at(channel, symbol)) is not None
        }
        for shelf in (self.books.level2, self.books.level3):
            for book in shelf.books.values():
                if book.verified and book.verified_at is not None:
                    times[book.channel, book.symbol] = book.verified_at
        return times

    # ---------------------------------------------------------------- frames that the fast way refused

    def _receive_book(self, frame: Frame, message: BookMessage, now: float) -> list[Event]:
        """A frame of channel book that is no plain update of a live book."""
        return self._on_book(message, now) if _typed(message) else self._receive_slowly(frame, now)

    def _receive_drifted(self, frame: Frame, message: Any, now: float) -> list[Event]:
        """A frame of a channel that drifted before: what is unknown in it was skipped. A sample of them is looked at for more."""
        channel, screen, take = self._ways[type(message).__mro__[1]]
        # What the decoder skips it checks for everything but UTF-8.
        if not is_ascii(frame) or not _typed(message) or screen(frame, message) is not None:
            return self._receive_slowly(frame, now)
        self.channel = channel
        events = self._odd.drifted(self.codec.inspect(frame, message), now)
        return events + ((self.books.update(message, now) if channel == "book" else []) or take(message, now))

    def _receive_slowly(self, frame: Frame, now: float) -> list[Event]:
        return self._take(lambda: self.codec.slow(frame), lambda: shown(frame), now)

    def _take(self, decode: Callable[[], Decoded], raw: Callable[[], bytes], now: float) -> list[Event]:
        try:
            decoded = decode()
        except DecodeError as exc:
            self.refused = True
            return self._odd.refuse(raw(), exc, now)
        self.refused = False
        self.channel = decoded.channel
        events = self._odd.drifted(decoded.drift, now)
        message = decoded.message
        if message is not None:
            # Permissive subclasses are taken like the strict type they come from.
            method = next(
                (self._strict[kind] for kind in type(message).__mro__ if kind in self._strict), None
            )
            events += method(message, now) if method is not None else [message]
        snapshot = getattr(message, "type", None) is MessageType.SNAPSHOT
        for entry in decoded.rejected:
            events += self._odd.reject(raw(), entry, now, snapshot=snapshot)
        return events

    def _on_book(self, message: Any, now: float) -> list[Event]:
        channel = str(message.__struct_config__.tag)
        events: list[Event] = []
        for data in self.sequences.rows(channel, message, events, now):
            if self._unasked(channel, data.symbol):
                events += self.books.refuse(channel, data.symbol)
                continue
            self._streams.note(channel, data.symbol, now)
            events += self.books.take(channel, data, now, snapshot=message.type is MessageType.SNAPSHOT)
        return events

    def _unasked(self, channel: str, symbol: str) -> bool:
        """Whether a book is not wanted here: it has ended, or never was asked for. A snapshot that is still on its way would begin one
        that nothing keeps up to date. Where the caller asks, only the snapshot itself may tell that he did.
        """
        book = self.books.get(channel, symbol)
        over = self.desk.alone if book is None else self.desk.asks and book.status is BookStatus.CLOSED
        return over and not self.desk.wants(channel, symbol)

    def _watch(self) -> Liveness:
        """The watch over silence, up to date with what was heard."""
        if self.heard_at > self._liveness.since:
            self._liveness.heard(self.heard_at)
        return self._liveness


def _policy(told: str) -> DisputePolicy:
    try:
        return DisputePolicy(told)
    except ValueError:
        raise UsageError(f"must be one of {', '.join(DisputePolicy)}", field="on_checksum_dispute") from None


def _typed(message: Any) -> bool:
    return message.type is MessageType.SNAPSHOT or message.type is MessageType.UPDATE
