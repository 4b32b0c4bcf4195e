"""One Kraken Spot WebSocket v2 connection, without the socket: frames in, events out.

The caller owns the socket and the clock and passes each received frame to `receive`, in order. Bytes from Kraken never raise: bad
input comes back as an event. The state objects return facts; this module turns them into events. What has to be asked of Kraken waits in
`take_outgoing`; `tick` looks at the timers, and only then is anybody called late.

A table leads from the type of a message to the method that takes it. The way of a book update, three quarters of all traffic, is
kept short: one look-up, one `Book.apply`, one event.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from msgspec.structs import astuple

from krakenwire.errors import BookNotLive, DecodeError, UsageError
from krakenwire.events import (
    BalanceUpdate,
    CandleRevised,
    Event,
    ExecutionUpdate,
    FrameRejected,
    Gap,
    GapReason,
    OHLCUpdate,
    PeerSilent,
    ReconnectNeeded,
    ResyncNeeded,
    SchemaDrift,
    SubscriptionRejected,
    TradeUpdate,
    TradingStatus,
)
from krakenwire.session.account import AccountKeeper
from krakenwire.session.books import BookKeeper
from krakenwire.session.desk import Asked, Desk
from krakenwire.session.limits import DisputePolicy, Limits
from krakenwire.session.recovery import Recovery
from krakenwire.session.replies import Replies
from krakenwire.session.streams import Stream, Streams
from krakenwire.state.book import BookStatus
from krakenwire.state.candles import CandleFact, CandleLog
from krakenwire.state.instruments import Instruments, PairChanged
from krakenwire.state.ledger import Ledger, State
from krakenwire.state.level2 import BookView
from krakenwire.state.level3 import Level3View
from krakenwire.state.liveness import Liveness
from krakenwire.state.sequence import SequenceTracker
from krakenwire.state.subscriptions import NO_SYMBOL, PRIVATE, Phase, Wish
from krakenwire.state.trades import COMPLETE, TradeGap, TradeLog
from krakenwire.wire.account import BalancesMessage, ExecutionsMessage
from krakenwire.wire.book import BOOK_DEPTHS, BookMessage, Level3Message
from krakenwire.wire.codec import CHANNELS, Codec, Decoded, Frame, UnknownFrame
from krakenwire.wire.control import (
    ErrorNotice,
    Heartbeat,
    ReplyEnvelope,
    StatusMessage,
    SubscribeReply,
    SubscriptionResult,
    UnsubscribeReply,
)
from krakenwire.wire.drift import DriftedField
from krakenwire.wire.enums import MessageType
from krakenwire.wire.market import InstrumentMessage, OHLCMessage, TickerMessage, TradeMessage
from krakenwire.wire.orders import Request
from krakenwire.wire.refusals import ErrorKind
from krakenwire.wire.screening import RejectedEntry, problems
from krakenwire.wire.screens import SCREENS
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import Subscription, SubscriptionParams

UNPROVABLE = frozenset({"ticker", "ohlc", "instrument"})
"""Channels on whose frames nothing proves completeness: a frame that could not be read may have been theirs."""

REFUSALS_TOLERATED = 10
"""So many unreadable frames within `REFUSALS_SECONDS`, and the connection is not worth keeping."""

REFUSALS_SECONDS = 10.0
RAW_KEPT = 4096
"""Bytes kept of a frame that was refused."""

DRIFTS_KEPT = 1000
"""Unknown fields that are remembered. A hostile sender could invent them without end."""

DRIFT_SECONDS = 3600.0
"""So long an unknown field is not told again."""

_Take = Callable[[Any, float], list[Event]]
_Screen = Callable[[Any, Any], tuple[RejectedEntry, ...] | None]


class Session:
    """One Kraken Spot WebSocket v2 connection, without the socket.

    - pass each received frame to `receive`, in order, and act on the events;
    - then send what `take_outgoing` returns, in order;
    - call `tick` no later than `deadline`. Whoever has no use for timers (a file, a script) never calls it.

    Frames from Kraken never raise; misuse by the caller does. `now` is the caller's monotonic clock, in seconds.

    `asks=False`: the session asks for nothing; `ResyncNeeded` says what the caller has to. `authenticates`: a token can be had for private
    requests; whoever sends them gives it to `supply_token` when `wants_token` says so.
    """

    def __init__(
        self,
        *,
        now: float = 0.0,
        track_sequences: bool = True,
        asks: bool = True,
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
        self._track_sequences = track_sequences
        self.instruments = Instruments()
        self.ledger = Ledger()
        self.trades = TradeLog()
        self.candles = CandleLog()
        self.sequences: SequenceTracker[None] = SequenceTracker(buffer_limit=0)
        self.account = AccountKeeper()
        self.desk = Desk(limits, asks=asks, authenticates=authenticates)
        self.replies = Replies(self.desk)
        self.recovery = Recovery(self.desk, _policy(on_checksum_dispute))
        self.books = BookKeeper(self.instruments, self.ledger, self.recovery, lambda: self.heard_at)
        self._liveness = Liveness(quiet=limits.quiet, dead=limits.dead, now=now)
        self._behind: set[object] = set()
        self._heard = Streams(self.ledger)
        self._connection_id: int | None = None
        self.system: str | None = None
        """State of Kraken's engine; None before the first `status`."""
        self._refusals: list[float] = []
        self._drift_told: dict[tuple[str, str], float] = {}
        self._strict: dict[type, _Take] = {
            BookMessage: self._on_book,
            Level3Message: self._on_book,
            TickerMessage: self._on_ticker,
            TradeMessage: self._on_trade,
            OHLCMessage: self._on_ohlc,
            InstrumentMessage: self._on_instrument,
            ExecutionsMessage: self._on_executions,
            BalancesMessage: self._on_balances,
            StatusMessage: self._on_status,
            ReplyEnvelope: self._on_reply,
            ErrorNotice: self._on_notice,
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
            return self._receive_slowly(_plain(frame), now)
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
        return self._take(lambda: self.codec.from_parsed(value), lambda: _repr(value), now)

    def book(self, symbol: str, depth: int | None = None) -> BookView:
        """A copy of a live book.

        Raises: BookNotLive, unless a checksum proved it.
        """
        book = self.books.level2.get(symbol)
        if book is None:
            raise self._no_book("book", symbol)
        return book.view(depth)

    def level3_book(self, symbol: str, depth: int | None = None) -> Level3View:
        """A copy of a live level3 book.

        Raises: BookNotLive, unless a checksum proved it.
        """
        book = self.books.level3.get(symbol)
        if book is None:
            raise self._no_book("level3", symbol)
        return book.view(depth)

    def book_status(self, channel: str, symbol: str) -> BookStatus | None:
        """Where a book of channel `book` or `level3` is in its life; None if it is neither wanted nor seen."""
        book = self.books.get(channel, symbol)
        if book is not None:
            return book.status
        return None if self.desk.subscriptions.get(channel, symbol) is None else BookStatus.WANTED

    def _no_book(self, channel: str, symbol: str) -> BookNotLive:
        if self.desk.subscriptions.get(channel, symbol) is not None:
            return BookNotLive(symbol, BookStatus.WANTED, "no snapshot yet")
        return BookNotLive(
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

    def tick(self, *, now: float) -> list[Event]:
        """Look at every timer. Call it when nothing received is left unread: late reading is not Kraken's silence."""
        events = self.replies.tick(now)
        for channel, symbol in self.desk.postponed(now):
            book = self.books.get(channel, symbol)
            events += (
                self._resync(channel, symbol, now, "postponed")
                if book is None
                else self.recovery.postponed(book, now)
            )
        self.desk.rest(now)
        events += self.recovery.tick(now)
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
                self._ended(wish.channel, wish.symbol, now, "unsubscribed")
        return bool(dropped)

    def resync(self, channel: str, symbol: str | None = None, *, now: float) -> list[Event]:
        """Take one subscription anew, within the budgets: what is held of it cannot be read until its snapshot."""
        book = self.books.get(channel, symbol)
        reason = "resync asked for"
        if book is None:
            return self._resync(channel, symbol, now, reason)
        return self.books.give_up(book, reason, now)

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
        events: list[Event] = [
            Gap(channel, symbol, reason, since=self.books.verified_at(channel, symbol, since))
            for channel, symbol, since in self._streams()
        ]
        dropped = [wish for wish in self.desk.subscriptions if not wish.wanted]
        self._heard.clear()
        self.books.make_stale(reason.value)
        self.sequences.reset_all()
        self._behind.clear()
        self.trades.interrupted()
        self.account.interrupt()
        self.ledger.close_all(min(now, self.heard_at), reason.value)
        self._liveness.watching = False
        self._refusals.clear()
        if reason is not GapReason.SILENT:  # a silent peer may go on speaking on the same connection
            self._connection_id = None
        events += self.desk.lost(now)
        for wish in dropped:
            self._ended(wish.channel, wish.symbol, now, "unsubscribed")
        return events

    def last_heard(self) -> dict[tuple[str, str | None], float]:
        """When each stream of this connection was last heard; a book that is live, when it was last proven."""
        times = self._heard.times()
        for shelf in (self.books.level2, self.books.level3):
            for book in shelf.books.values():
                if book.verified and book.verified_at is not None:
                    times[book.channel, book.symbol] = book.verified_at
        return times

    def _streams(self) -> list[tuple[str, str | None, float]]:
        """What is subscribed, and when it was last heard, or else acknowledged: what was never heard may be missed, too."""
        acked = {
            (entry.channel, entry.symbol): since
            for entry in self.ledger.entries()
            if (since := entry[State.ACKED].since) is not None
        }
        return [(*key, since) for key, since in (acked | self._heard.times()).items()]

    # ---------------------------------------------------------------- frames that the fast way refused

    def _receive_book(self, frame: Frame, message: BookMessage, now: float) -> list[Event]:
        """A frame of channel book that is no plain update of a live book."""
        return self._on_book(message, now) if _typed(message) else self._receive_slowly(frame, now)

    def _receive_drifted(self, frame: Frame, message: Any, now: float) -> list[Event]:
        """A frame of a channel that drifted before: what is unknown in it was skipped. A sample of them is looked at for more."""
        channel, screen, take = self._ways[type(message).__mro__[1]]
        # What the decoder skips it checks for everything but UTF-8.
        if not _ascii(frame) or not _typed(message) or screen(frame, message) is not None:
            return self._receive_slowly(frame, now)
        self.channel = channel
        events = self._drifts(self.codec.inspect(frame, message), now)
        return events + ((self.books.update(message, now) if channel == "book" else []) or take(message, now))

    def _drifts(self, fields: tuple[DriftedField, ...], now: float) -> list[Event]:
        """Each unknown field is told once, and again when it was not told for an hour."""
        events: list[Event] = []
        for field in fields:
            key = (field.channel, field.path)
            told = self._drift_told.get(key)
            if len(self._drift_told) < DRIFTS_KEPT if told is None else now - told >= DRIFT_SECONDS:
                self._drift_told[key] = now
                events.append(SchemaDrift(*key))
        return events

    def _receive_slowly(self, frame: Frame, now: float) -> list[Event]:
        return self._take(lambda: self.codec.slow(frame), lambda: _raw(frame), now)

    def _take(self, decode: Callable[[], Decoded], raw: Callable[[], bytes], now: float) -> list[Event]:
        try:
            decoded = decode()
        except DecodeError as exc:
            self.refused = True
            return self._refuse(raw(), exc, now)
        self.refused = False
        self.channel = _channel_of(decoded)
        events = self._drifts(decoded.drift, now)
        message = decoded.message
        if message is not None:
            # Permissive subclasses are taken like the strict type they come from.
            method = next(
                (self._strict[kind] for kind in type(message).__mro__ if kind in self._strict), None
            )
            events += method(message, now) if method is not None else [message]
        snapshot = getattr(message, "type", None) is MessageType.SNAPSHOT
        for entry in decoded.rejected:
            events += self._reject(raw(), entry, now, snapshot=snapshot)
        return events

    def _refuse(self, raw: bytes, error: DecodeError, now: float) -> list[Event]:
        """Nothing of the frame can be used. Whether it was JSON decides what may have been lost with it."""
        events: list[Event] = [FrameRejected(raw, str(error), json=error.json)]
        if error.json:
            return events
        for channel, symbol, since in self._streams():
            if channel in UNPROVABLE:
                events.append(Gap(channel, symbol, GapReason.FRAME_REFUSED, since=since))
        self._refusals = [then for then in self._refusals if now - then < REFUSALS_SECONDS] + [now]
        if len(self._refusals) >= REFUSALS_TOLERATED:
            self._refusals.clear()
            events.append(
                ReconnectNeeded(f"{REFUSALS_TOLERATED} unreadable frames within {REFUSALS_SECONDS:g} s")
            )
        return events

    def _reject(self, raw: bytes, entry: RejectedEntry, now: float, *, snapshot: bool) -> list[Event]:
        """One entry cannot be used. A book that missed it is lost; what has no state is only incomplete."""
        events: list[Event] = [FrameRejected(raw, entry.reason, entry.channel, entry.symbol)]
        if entry.channel in {"book", "level3"}:
            return events + self.books.reject(entry.channel, entry.symbol, entry.reason, now)
        if entry.channel in PRIVATE:
            return events + self._reject_private(entry.channel, entry.reason, now, snapshot=snapshot)
        if entry.channel != "status":
            symbol = None if entry.channel in NO_SYMBOL else entry.symbol
            self.desk.spoiled(entry.channel, symbol)
            since = self._heard.at(entry.channel, symbol)
            events.append(Gap(entry.channel, symbol, GapReason.FRAME_REFUSED, since=since))
        return events

    def _reject_private(self, channel: str, reason: str, now: float, *, snapshot: bool) -> list[Event]:
        """A report or ledger entry is missing, though its frame came: what is known of the account is not whole until a snapshot."""
        final = self.desk.spoiled(channel, None) or snapshot  # another snapshot would bring the same row
        if channel in self._behind:
            return []
        self._behind.add(channel)
        self.account.interrupt(channel)
        gap = Gap(channel, None, GapReason.FRAME_REFUSED, since=self._heard.at(channel, None))
        if final:
            return [gap, ResyncNeeded(channel, None, reason)]
        return [gap, *self._resync(channel, None, now, reason)]

    # ---------------------------------------------------------------- market data

    def _on_book(self, message: Any, now: float) -> list[Event]:
        channel = str(message.__struct_config__.tag)
        events: list[Event] = []
        for data in self._in_order(channel, message, events, now):
            self._note(channel, data.symbol, now)
            events += self.books.take(channel, data, now, snapshot=message.type is MessageType.SNAPSHOT)
        return events

    def _on_ticker(self, message: TickerMessage, now: float) -> list[Event]:
        events: list[Event] = []
        streams = self._heard.of("ticker")
        for ticker in (
            message.data if message.sequence is None else self._in_order("ticker", message, events, now)
        ):
            stream = streams.get(ticker.symbol) or self._begin("ticker", ticker.symbol, now)
            stream.heard_at = now
            events.append(ticker)
            if message.type is MessageType.SNAPSHOT:
                self.desk.delivered("ticker", ticker.symbol)
        return events

    def _on_trade(self, message: TradeMessage, now: float) -> list[Event]:
        events: list[Event] = []
        snapshot = message.type is MessageType.SNAPSHOT
        streams = self._heard.of("trade")
        for trade in (
            message.data if message.sequence is None else self._in_order("trade", message, events, now)
        ):
            verdict = self.trades.judge(trade.symbol, trade.trade_id)
            stream = streams.get(trade.symbol) or self._begin("trade", trade.symbol, now)
            stream.entry.messages += 1
            complete = verdict is COMPLETE
            if complete:
                stream.entry.verified += 1
                if not stream.proven:
                    stream.prove(now)
            elif verdict.gap is not None:
                events.append(_trade_gap(verdict.gap, stream.heard_at))
                stream.doubt(GapReason.TRADE_ID.value)
            # A repeated trade is not passed on, but the channel delivers: its next break has to be told.
            stream.heard_at = now
            if not verdict.repeated:
                events.append(TradeUpdate(*astuple(trade), complete=complete, snapshot=snapshot))
        return events

    def _on_ohlc(self, message: OHLCMessage, now: float) -> list[Event]:
        events: list[Event] = []
        snapshot = message.type is MessageType.SNAPSHOT
        streams = self._heard.of("ohlc")
        for candle in (
            message.data if message.sequence is None else self._in_order("ohlc", message, events, now)
        ):
            revised = self.candles.judge(candle).fact is CandleFact.REVISED
            stream = streams.get(candle.symbol) or self._begin("ohlc", candle.symbol, now)
            stream.heard_at = now
            if revised:
                events.append(CandleRevised(candle.symbol, candle.interval, candle.interval_begin))
            events.append(OHLCUpdate(*astuple(candle), revised=revised, snapshot=snapshot))
        return events

    def _on_instrument(self, message: InstrumentMessage, now: float) -> list[Event]:
        events: list[Event] = []
        if not self._in_sequence(events, "instrument", message, now):
            return events
        self._note("instrument", None, now)
        events.append(message.data)
        snapshot = message.type is MessageType.SNAPSHOT
        if snapshot:
            self.desk.delivered("instrument", None)
        first = not self.instruments.complete
        for fact in self.instruments.apply(message.data, snapshot=snapshot):
            if not isinstance(fact, PairChanged):
                events.append(fact)
                continue
            before, after = fact.before, fact.after
            if before is not None or not first:  # the first list is no news
                events.append(fact)
                if fact.status_changed:
                    statuses = [None if pair is None else pair.status for pair in (before, after)]
                    events.append(TradingStatus(fact.symbol, *statuses))
            events += self.books.learn(fact.symbol, now)
        return events

    # ---------------------------------------------------------------- account

    def _on_executions(self, message: ExecutionsMessage, now: float) -> list[Event]:
        return self._on_private("executions", ExecutionUpdate, message, now)

    def _on_balances(self, message: BalancesMessage, now: float) -> list[Event]:
        return self._on_private("balances", BalanceUpdate, message, now)

    def _on_private(self, channel: str, kind: type[Any], message: Any, now: float) -> list[Event]:
        events: list[Event] = []
        if not self._in_sequence(events, channel, message, now):
            return events
        stream = self._heard.of(channel).get(None) or self._begin(channel, None, now)
        snapshot = message.type is MessageType.SNAPSHOT
        in_sequence = self._track_sequences and message.sequence is not None and channel not in self._behind
        if in_sequence and not stream.proven:
            stream.prove(now)
        elif not in_sequence:
            stream.doubt("sequence")
        stream.heard_at = now
        stream.entry.messages += 1
        stream.entry.verified += in_sequence
        rows, facts = self._keep(channel, message.data, snapshot=snapshot)
        if snapshot:
            self.desk.delivered(channel, None)
        events += [kind(*astuple(row), in_sequence=in_sequence, snapshot=snapshot) for row in rows]
        return events + facts

    def _keep(self, channel: str, rows: Any, *, snapshot: bool) -> tuple[list[Any], list[Event]]:
        if channel == "balances":
            return self.account.balance_entries(rows, snapshot=snapshot)
        return self.account.executions(rows, snapshot=snapshot)

    def _in_order(self, channel: str, message: Any, events: list[Event], now: float) -> Any:
        """The entries of a frame that are news by its number, judged once for each symbol. Kraken sends none on public channels."""
        if message.sequence is None or not self._track_sequences:
            return message.data
        symbols = dict.fromkeys(row.symbol for row in message.data)
        news = {symbol for symbol in symbols if self._in_sequence(events, (channel, symbol), message, now)}
        return [row for row in message.data if row.symbol in news]

    def _in_sequence(self, events: list[Event], key: object, message: Any, now: float) -> bool:
        """Judge the number of a frame; adds a `Gap` if numbers are missing. False: the frame came before."""
        number = message.sequence
        if number is None or not self._track_sequences:
            return True
        if message.type is MessageType.UPDATE and self.sequences.advance(key, number):
            return True
        channel, symbol = key if isinstance(key, tuple) else (str(key), None)
        if number < 0:
            events.append(FrameRejected(b"", "sequence: negative", channel, symbol))
            return False
        snapshot = message.type is MessageType.SNAPSHOT
        result = self.sequences.track(key, number, None, now=now, snapshot=snapshot)
        if snapshot:
            self._behind.discard(key)
        if not result.tracked:
            self._behind.add(key)  # too many numbered streams: the order of this one is not watched
        if result.gap is not None:
            self._behind.add(key)
            since = self._heard.at(channel, symbol)
            missing = (result.gap.expected, result.gap.got - 1)
            events.append(Gap(channel, symbol, GapReason.SEQUENCE, *missing, since))
            self.account.interrupt(channel)
            events += self._resync(channel, symbol, now, "sequence")
        return not result.duplicate

    # ---------------------------------------------------------------- the connection

    def _on_status(self, message: StatusMessage, now: float) -> list[Event]:
        events: list[Event] = []
        for status in message.data:
            self.system = status.system.value
            told = status.connection_id
            if told is not None:
                if self._connection_id not in (None, told):
                    events += self.connection_lost(now=now, reason=GapReason.NEW_CONNECTION)
                self._connection_id = told
            events.append(status)
        return events

    def _on_reply(self, reply: Any, now: float) -> list[Event]:
        told = self.replies.answered(reply, now)
        events: list[Event] = [reply, *told.events]
        cause = reply.error or "unsubscribed"
        for wish in told.ended:
            if wish.wanted:
                events += self._taken_anew(wish.channel, wish.symbol, now)
            else:
                self._ended(wish.channel, wish.symbol, now, cause)
        if isinstance(reply, SubscribeReply) and not reply.rejected:
            self._acknowledged(told.granted, reply.result, now)
        elif isinstance(reply, UnsubscribeReply) and not reply.rejected and reply.result is not None:
            self._ended(reply.result.channel.value, reply.result.symbol, now, cause)
        for event in told.events:
            if (
                isinstance(event, SubscriptionRejected)
                and not event.retried
                and event.channel
                and event.symbol
            ):
                self.books.refused(event.channel, event.symbol, event.reason)
        return events

    def _acknowledged(self, ours: tuple[Wish, ...], result: SubscriptionResult | None, now: float) -> None:
        """Kraken holds subscriptions. What it says of them is not promised; what we asked for ourselves is known."""
        told = [(wish.channel, wish.symbol, wish.held) for wish in ours]
        if not told and result is not None:
            told = [(result.channel.value, result.symbol, result)]
        for channel, symbol, params in told:
            self.sequences.reset(channel if symbol is None else (channel, symbol))
            self.ledger.open(channel, symbol, State.ACKED, now)
            self._liveness.watching = True
            if symbol is not None:
                self.books.subscribed(channel, symbol, getattr(params, "depth", None))
            elif channel == "executions":
                self.account.open_orders_told = params.snap_orders is not False

    def _ended(self, channel: str, symbol: str | None, now: float, cause: str) -> None:
        """A subscription is over, unless there is another of its channel and symbol: an interval, or the same one wanted again."""
        if self.desk.subscriptions.of(channel, symbol):
            return
        self._heard.end(channel, symbol)
        self._interrupt(channel, symbol)
        self.ledger.close(channel, symbol, State.WANTED, now, cause=cause)
        if symbol is not None:
            self.books.ended(channel, symbol, cause)

    def _taken_anew(self, channel: str, symbol: str | None, now: float) -> list[Event]:
        """Kraken ended a subscription that is wanted and will be asked for again: what happens meanwhile may be missed."""
        events = self.books.taken_anew(channel, symbol, now)
        since = self._heard.end(channel, symbol)
        told = since is None or channel in self._behind or channel in {"book", "level3"}
        if not told:
            events.append(Gap(channel, symbol, GapReason.RESYNC, since=since))
        self._interrupt(channel, symbol)
        self.ledger.close(channel, symbol, State.ACKED, now, cause="taken anew")
        return events

    def _interrupt(self, channel: str, symbol: str | None) -> None:
        """What is remembered of a stream is not followed from here on."""
        if channel in {"executions", "balances"}:
            self.account.interrupt(channel)
        elif channel == "trade" and symbol is not None:
            self.trades.interrupted(symbol)

    def _on_notice(self, notice: ErrorNotice, _now: float) -> list[Event]:
        # It names no request: whatever it is about goes unanswered, and the time limit of its answer sees to that.
        if notice.kind is ErrorKind.AUTH:
            self.desk.supply_token(None)
        return [notice]

    def _resync(self, channel: str, symbol: str | None, now: float, reason: str) -> list[Event]:
        """Take a subscription without a book anew."""
        asked = self.desk.resync(channel, symbol, now)
        if asked in {Asked.SPENT, Asked.LATER}:
            self.desk.postpone(channel, symbol, now)
        if asked in {Asked.SPENT, Asked.LATER, Asked.ENDING}:
            return []
        return [ResyncNeeded(channel, symbol, reason, requested=asked is Asked.WAITING)]

    def _watch(self) -> Liveness:
        """The watch over silence, up to date with what was heard."""
        if self.heard_at > self._liveness.since:
            self._liveness.heard(self.heard_at)
        return self._liveness

    def _note(self, channel: str, symbol: str | None, now: float) -> Stream:
        stream = self._heard.of(channel).get(symbol) or self._begin(channel, symbol, now)
        stream.heard_at = now
        return stream

    def _begin(self, channel: str, symbol: str | None, now: float) -> Stream:
        self._liveness.watching = True
        return self._heard.begin(channel, symbol, now)


def _trade_gap(gap: TradeGap, since: float | None) -> Gap:
    missing = gap.missing
    first, last = (missing[0], missing[-1]) if missing else (None, None)
    return Gap("trade", gap.symbol, GapReason.TRADE_ID, first, last, since)


def _policy(told: str) -> DisputePolicy:
    try:
        return DisputePolicy(told)
    except ValueError:
        raise UsageError(f"must be one of {', '.join(DisputePolicy)}", field="on_checksum_dispute") from None


def _typed(message: Any) -> bool:
    return message.type is MessageType.SNAPSHOT or message.type is MessageType.UPDATE


def _ascii(frame: Frame) -> bool:
    return (bytes(frame) if isinstance(frame, memoryview) else frame).isascii()


def _plain(frame: Frame) -> Frame:
    """The frame in a type that the decoder takes: a subclass of `str` it refuses, and a view with holes in it."""
    if isinstance(frame, str):
        return str.__str__(frame)
    return bytes(frame) if isinstance(frame, memoryview) else frame


def _raw(frame: Frame) -> bytes:
    """The beginning of a frame, to show."""
    return (
        frame[:RAW_KEPT].encode(errors="replace")[:RAW_KEPT]
        if isinstance(frame, str)
        else bytes(frame[:RAW_KEPT])
    )


def _repr(value: object) -> bytes:
    """The beginning of a parsed frame, to show. Python refuses to write what is too deep or has too many digits."""
    try:
        return repr(value).encode(errors="replace")[:RAW_KEPT]
    except (ValueError, RecursionError):
        return f"<{type(value).__name__}>".encode()


def _channel_of(decoded: Decoded) -> str:
    """Name under which a frame is counted: its channel, `reply`, or `unknown`."""
    message = decoded.message
    if message is None:
        return decoded.rejected[0].channel if decoded.rejected else "unknown"
    if isinstance(message, (UnknownFrame, ErrorNotice)):
        return "unknown"
    return "reply" if isinstance(message, ReplyEnvelope) else str(message.__struct_config__.tag)
