"""One Kraken Spot WebSocket v2 connection, without the socket: frames in, events out.

The caller owns the socket and the clock and passes each received frame to `receive`, in order. Bytes from Kraken never raise: bad
input comes back as an event. The state objects return facts; this module turns them into events. It asks for nothing itself yet: what has
to be subscribed anew is reported as `ResyncNeeded`, and any snapshot heals a book.

A table leads from the type of a message to the method that takes it. The way of a book update, three quarters of all traffic, is
kept short: one look-up, one `Book.apply`, one event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import astuple

from krakenwire.errors import BookNotLive, DecodeError
from krakenwire.events import (
    BalanceUpdate,
    CandleRevised,
    Event,
    ExecutionUpdate,
    FrameRejected,
    Gap,
    GapReason,
    OHLCUpdate,
    ReconnectNeeded,
    ResyncNeeded,
    SchemaDrift,
    TradeUpdate,
)
from krakenwire.session.books import BookKeeper
from krakenwire.state.candles import CandleFact, CandleLog
from krakenwire.state.instruments import Instruments, PairChanged
from krakenwire.state.ledger import Ledger, State
from krakenwire.state.level2 import BookView
from krakenwire.state.sequence import SequenceTracker
from krakenwire.state.trades import TradeLog
from krakenwire.wire.account import BalancesMessage, ExecutionsMessage
from krakenwire.wire.book import BookMessage, Level3Message
from krakenwire.wire.codec import Codec, Decoded, Frame, UnknownFrame
from krakenwire.wire.control import (
    ErrorNotice,
    Heartbeat,
    ReplyEnvelope,
    StatusMessage,
    SubscribeReply,
    UnsubscribeReply,
)
from krakenwire.wire.enums import MessageType
from krakenwire.wire.market import InstrumentMessage, OHLCMessage, TickerMessage, TradeMessage
from krakenwire.wire.screening import RejectedEntry, problem_ohlc, problem_ticker, problem_trade, problems

UNPROVABLE = frozenset({"ticker", "ohlc", "instrument"})
"""Channels on whose frames nothing proves completeness: a frame that could not be read may have been theirs."""

REFUSALS_TOLERATED = 10
"""So many unreadable frames within `REFUSALS_SECONDS`, and the connection is not worth keeping."""

REFUSALS_SECONDS = 10.0
RAW_KEPT = 4096
"""Bytes kept of a frame that was refused."""

DRIFTS_KEPT = 1000
"""Unknown fields that are remembered. A hostile sender could invent them without end."""

_Take = Callable[[Any, float], list[Event]]
_Screen = Callable[[Any, Any], tuple[RejectedEntry, ...] | None]


class Session:
    """The state of one connection: books, sequences, trade ids, candles, instruments and the ledger."""

    def __init__(self, *, now: float = 0.0, track_sequences: bool = True) -> None:
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
        self.books = BookKeeper(self.instruments, self.ledger, lambda: self.heard_at)
        self._behind: set[object] = set()
        self._seen: dict[tuple[str, str | None], float] = {}
        self._connection_id: int | None = None
        self.system: str | None = None
        """State of Kraken's engine; None before the first `status`."""
        self._refusals: list[float] = []
        self._drift_seen: set[tuple[str, str]] = set()
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
            SubscribeReply: self._on_subscribed,
            UnsubscribeReply: self._on_unsubscribed,
        }
        self._screens: dict[type, _Screen] = {
            TickerMessage: problem_ticker,
            TradeMessage: problem_trade,
            OHLCMessage: problem_ohlc,
        }

    # ---------------------------------------------------------------- what callers do

    def receive(self, frame: Frame, *, now: float) -> list[Event]:
        """Take one frame as received. Never raises for what it holds."""
        self.heard_at = now
        try:
            message = self.codec.fast(frame)
        except (ValueError, RecursionError):
            return self._receive_slowly(frame, now)
        kind: type[Any] = message.__class__
        self.refused = False
        if isinstance(message, BookMessage):
            self.channel = "book"
            return self.books.update(message, now) or self._on_book(message, now)
        if isinstance(message, Heartbeat):
            self.channel = "heartbeat"
            return [message]
        take = self._strict.get(kind)
        screen: _Screen = self._screens.get(kind, problems)
        if take is None or screen(frame, message):
            return self._receive_slowly(frame, now)
        self.channel = str(kind.__struct_config__.tag)
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
            raise BookNotLive(symbol, "wanted", "never seen")
        return book.view(depth)

    def expect_book(self, symbol: str, depth: int) -> None:
        """State the subscribed depth of a book whose subscription this session does not see."""
        self.books.level2.expect(symbol, depth)

    def connection_lost(self, *, now: float, reason: GapReason = GapReason.CONNECTION_LOST) -> list[Event]:
        """From now on anything may be missed: one `Gap` a subscription; books are stale until a snapshot."""
        events: list[Event] = [
            Gap(channel, symbol, reason, since=self.books.verified_at(channel, symbol, since))
            for (channel, symbol), since in self._seen.items()
        ]
        self._seen.clear()
        self.books.make_stale(reason.value)
        self.sequences.reset_all()
        self._behind.clear()
        self.trades.interrupted()
        self.ledger.close_all(now, reason.value)
        return events

    # ---------------------------------------------------------------- frames that the fast way refused

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
        events: list[Event] = []
        for field in decoded.drift:
            key = (field.channel, field.path)
            if key not in self._drift_seen and len(self._drift_seen) < DRIFTS_KEPT:
                self._drift_seen.add(key)
                events.append(SchemaDrift(*key))
        message = decoded.message
        if message is not None:
            # Permissive subclasses are taken like the strict type they come from.
            method = next(
                (self._strict[kind] for kind in type(message).__mro__ if kind in self._strict), None
            )
            events += method(message, now) if method is not None else [message]
        for entry in decoded.rejected:
            events += self._reject(raw(), entry, now)
        return events

    def _refuse(self, raw: bytes, error: DecodeError, now: float) -> list[Event]:
        """Nothing of the frame can be used. Whether it was JSON decides what may have been lost with it."""
        events: list[Event] = [FrameRejected(raw, str(error), json=error.json)]
        if error.json:
            return events
        for (channel, symbol), since in self._seen.items():
            if channel in UNPROVABLE:
                events.append(Gap(channel, symbol, GapReason.FRAME_REFUSED, since=since))
        self._refusals = [then for then in self._refusals if now - then < REFUSALS_SECONDS] + [now]
        if len(self._refusals) >= REFUSALS_TOLERATED:
            self._refusals.clear()
            events.append(
                ReconnectNeeded(f"{REFUSALS_TOLERATED} unreadable frames within {REFUSALS_SECONDS:g} s")
            )
        return events

    def _reject(self, raw: bytes, entry: RejectedEntry, now: float) -> list[Event]:
        """One entry cannot be used. A book that missed it is lost; what has no state is only incomplete."""
        events: list[Event] = [FrameRejected(raw, entry.reason, entry.channel, entry.symbol)]
        if entry.channel in {"book", "level3"}:
            return events + self.books.reject(entry.channel, entry.symbol, entry.reason, now)
        if entry.channel != "status":
            since = self._seen.get((entry.channel, entry.symbol))
            events.append(Gap(entry.channel, entry.symbol, GapReason.FRAME_REFUSED, since=since))
        return events

    # ---------------------------------------------------------------- market data

    def _on_book(self, message: Any, now: float) -> list[Event]:
        channel = str(message.__struct_config__.tag)
        if not _typed(message):
            return [FrameRejected(b"", "type: neither snapshot nor update", channel)]
        events: list[Event] = []
        for data in message.data:
            if not self._in_sequence(events, (channel, data.symbol), message, now):
                return events
            self._note(channel, data.symbol, now)
            events += self.books.take(channel, data, now, snapshot=message.type is MessageType.SNAPSHOT)
        return events

    def _on_ticker(self, message: TickerMessage, now: float) -> list[Event]:
        events: list[Event] = []
        for ticker in message.data:
            if self._in_sequence(events, ("ticker", ticker.symbol), message, now):
                self._note("ticker", ticker.symbol, now)
                events.append(ticker)
        return events

    def _on_trade(self, message: TradeMessage, now: float) -> list[Event]:
        snapshot = message.type is MessageType.SNAPSHOT
        events: list[Event] = []
        for trade in message.data:
            verdict = self.trades.judge(trade.symbol, trade.trade_id, snapshot=snapshot)
            entry = self.ledger.entry("trade", trade.symbol)
            entry.messages += 1
            if verdict.repeated:
                continue
            if verdict.gap is not None:
                missing = verdict.gap.missing
                first, last = (missing[0], missing[-1]) if missing else (None, None)
                since = self._seen.get(("trade", trade.symbol))
                events.append(Gap("trade", trade.symbol, GapReason.TRADE_ID, first, last, since))
            self._note("trade", trade.symbol, now)
            entry.verified += verdict.complete
            events.append(TradeUpdate(*astuple(trade), complete=verdict.complete, snapshot=snapshot))
        return events

    def _on_ohlc(self, message: OHLCMessage, now: float) -> list[Event]:
        snapshot = message.type is MessageType.SNAPSHOT
        events: list[Event] = []
        for candle in message.data:
            revised = self.candles.judge(candle).fact is CandleFact.REVISED
            self._note("ohlc", candle.symbol, now)
            if revised:
                events.append(CandleRevised(candle.symbol, candle.interval, candle.interval_begin))
            events.append(OHLCUpdate(*astuple(candle), revised=revised, snapshot=snapshot))
        return events

    def _on_instrument(self, message: InstrumentMessage, now: float) -> list[Event]:
        self._note("instrument", None, now)
        events: list[Event] = [message.data]
        for fact in self.instruments.apply(message.data, snapshot=message.type is MessageType.SNAPSHOT):
            if isinstance(fact, PairChanged) and fact.before is not None:
                events.append(fact)
            if isinstance(fact, PairChanged):
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
        self._note(channel, None, now)
        snapshot = message.type is MessageType.SNAPSHOT
        in_sequence = message.sequence is not None and channel not in self._behind
        entry = self.ledger.entry(channel, None)
        entry.messages += 1
        entry.verified += in_sequence
        fields = {"in_sequence": in_sequence, "snapshot": snapshot}
        return events + [kind(**_fields(row), **fields) for row in message.data]

    def _in_sequence(self, events: list[Event], key: object, message: Any, now: float) -> bool:
        """Judge the number of a frame; adds a `Gap` if numbers are missing. False: the frame came before."""
        number = message.sequence
        if number is None or not self._track_sequences:
            return True
        channel, symbol = key if isinstance(key, tuple) else (str(key), None)
        if number < 0:
            events.append(FrameRejected(b"", "sequence: negative", channel, symbol))
            return False
        snapshot = message.type is MessageType.SNAPSHOT
        result = self.sequences.track(key, number, None, now=now, snapshot=snapshot)
        if snapshot:
            self._behind.discard(key)
        if result.gap is not None:
            self._behind.add(key)
            since = self._seen.get((channel, symbol))
            missing = (result.gap.expected, result.gap.got - 1)
            events.append(Gap(channel, symbol, GapReason.SEQUENCE, *missing, since))
            events.append(ResyncNeeded(channel, symbol, "sequence"))
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

    def _on_subscribed(self, reply: SubscribeReply, now: float) -> list[Event]:
        if not reply.rejected and reply.result is not None:
            channel, symbol = reply.result.channel.value, reply.result.symbol
            self.sequences.reset(channel if symbol is None else (channel, symbol))
            self.ledger.open(channel, symbol, State.ACKED, now)
            if symbol is not None:
                self.books.subscribed(channel, symbol, reply.result.depth)
        return [reply]

    def _on_unsubscribed(self, reply: UnsubscribeReply, now: float) -> list[Event]:
        if not reply.rejected and reply.result is not None:
            channel, symbol = reply.result.channel.value, reply.result.symbol
            self._seen.pop((channel, symbol), None)
            self.ledger.close(channel, symbol, State.WANTED, now, cause="unsubscribed")
            if symbol is not None:
                self.books.unsubscribed(channel, symbol)
        return [reply]

    def _note(self, channel: str, symbol: str | None, now: float) -> None:
        key = (channel, symbol)
        if key not in self._seen:
            self.ledger.open(channel, symbol, State.DELIVERING, now)
        self._seen[key] = now


def _typed(message: Any) -> bool:
    return message.type is MessageType.SNAPSHOT or message.type is MessageType.UPDATE


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


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}
