"""What a capture proves, as its frames go through the handler."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

from krakenwire import events as ev
from krakenwire.capture import FileClock
from krakenwire.cli.book_stream import BookStream
from krakenwire.cli.index import OTHERS, Streams
from krakenwire.cli.streams import KEPT, NumberedStream
from krakenwire.cli.tally import Tally
from krakenwire.errors import DecodeError
from krakenwire.handler import KrakenV2MessageHandler
from krakenwire.text import shown
from krakenwire.wire.codec import decode
from krakenwire.wire.control import ErrorNotice, Heartbeat, ReplyEnvelope, StatusUpdate
from krakenwire.wire.market import InstrumentUpdate, TickerUpdate
from krakenwire.wire.timestamps import format_ns

BOOKS = frozenset({"book", "level3"})

PRIVATE = frozenset({"executions", "balances"})
"""Channels of an account: numbered as a whole, whatever the symbols in them."""

_TOLD_OTHERWISE = frozenset({ev.GapReason.CHECKSUM, ev.GapReason.FRAME_REFUSED})
"""Reasons of gaps that come with another event, which is counted."""


class Report:
    """Give it the frames of a capture, in order; then read what they proved.

    `clock` is shown every timestamp; for a capture it is the handler's own.
    """

    def __init__(self, handler: KrakenV2MessageHandler, clock: FileClock) -> None:
        self.clock = clock
        self.frames = 0
        self.line = 0
        """The line of the frame read last."""
        self.breaks = 0
        self.breaks_kept: list[tuple[int, str]] = []
        """Lines after which anything may be missing, and why: a new connection, a precision that changed, a snapshot that differs."""
        self.refused = 0
        self.refused_kept: list[tuple[int, str]] = []
        """Line and reason of the first frames that were refused."""
        self.drift: set[str] = set()
        self.unknown: Counter[str] = Counter()
        self.truncated_line: int | None = None
        self._refused_line = 0
        self._refused_as_json = True
        self._break_line = 0
        self.streams = Streams()
        self._books: dict[str, BookStream] = {}
        self._queues: dict[str, BookStream] = {}
        self._events: list[Any] = []
        self._process = handler.process
        handler.register_callback("*", self._events.append)
        self._takers: dict[type, Callable[[Any], None]] = {
            ev.OrderBookUpdate: self._on_book,
            ev.Level3Update: self._on_book,
            ev.BookLive: self._on_live,
            ev.BookLost: self._on_lost,
            ev.BookCrossed: partial(self._note, "book", "crossed"),
            ev.Discarded: self._on_discarded,
            ev.TradeUpdate: self._on_trade,
            ev.ExecutionUpdate: partial(self._on_private, "executions"),
            ev.BalanceUpdate: partial(self._on_private, "balances"),
            TickerUpdate: self._on_ticker,
            ev.OHLCUpdate: partial(self._on_plain, "ohlc"),
            ev.CandleRevised: partial(self._note, "ohlc", "revised"),
            InstrumentUpdate: partial(self._on_plain, "instrument"),
            StatusUpdate: partial(self._on_plain, "status"),
            Heartbeat: partial(self._on_plain, "heartbeat"),
            ReplyEnvelope: self._on_reply,
            ErrorNotice: partial(self._on_plain, "error"),
            ev.Gap: self._on_gap,
            ev.FrameRejected: self._on_rejected,
            ev.SchemaDrift: self._on_drift,
            ev.Unknown: self._on_unknown,
        }

    def read(self, line: int, frame: bytes) -> list[ev.Event]:
        """Take one frame. What it gives belongs to the caller until the next call."""
        events = self._events
        events.clear()
        self.line = line
        self.frames += 1
        self._process(frame)
        kind: type | None = None
        for event in events:
            kind = event.__class__
            take = self._takers.get(kind)
            (take or self._taker(kind))(event)
        if kind is ev.TradeUpdate or kind is None:
            self._count_repeated(frame)
        return events

    def end(self, last: bytes, *, ended: bool) -> None:
        """The capture is over. If it ended inside its last frame and that one is not whole, it is no refusal but a cut."""
        for stream in self.streams:
            if isinstance(stream, BookStream):
                stream.end(self.clock.ns)
        cut = self._refused_line == self.line and not self._refused_as_json and last.startswith(b"{")
        if cut and not ended:
            self.frames -= 1
            self.refused -= 1
            self.refused_kept = [kept for kept in self.refused_kept if kept[0] != self.line]
            self.truncated_line = self.line

    # ---------------------------------------------------------------- what it amounts to

    def tally(self) -> Tally:
        """The totals."""
        books = [stream for stream in self.streams if isinstance(stream, BookStream)]
        numbered = [stream for stream in self.streams if isinstance(stream, NumberedStream)]
        private = [stream for stream in numbered if stream.channel != "trade"]
        in_sequence = sum(stream.proven for stream in private)
        return Tally(
            frames=self.frames,
            books_verified=sum(book.verified for book in books),
            books_failed=sum(book.failed for book in books),
            books_unverifiable=sum(book.unverifiable for book in books),
            books_discarded=sum(book.discarded for book in books),
            blind_intervals=sum(book.intervals for book in books),
            blind_seconds=sum(book.blind_seconds for book in books),
            trades_complete=sum(stream.proven for stream in numbered if stream.channel == "trade"),
            frames_in_sequence=in_sequence,
            frames_out_of_sequence=sum(stream.frames - stream.repeated for stream in private) - in_sequence,
            repeated=sum(stream.repeated for stream in self.streams),
            sequence_gaps=sum(stream.gaps for stream in self.streams if stream.channel != "trade"),
            trade_gaps=sum(stream.gaps for stream in self.streams if stream.channel == "trade"),
            refused=self.refused,
            breaks=self.breaks,
            truncated=int(self.truncated_line is not None),
        )

    def as_dict(self) -> dict[str, Any]:
        """What the totals do not say, as programs get it."""
        by_symbol: dict[str, dict[str, Any]] = {}
        by_channel: dict[str, Any] = {}
        for stream in self.streams:
            place = by_channel if stream.symbol is None else by_symbol.setdefault(stream.symbol, {})
            place[stream.channel] = stream.as_dict()
        first = self.clock.first_ns
        return {
            "first_timestamp": None if first is None else format_ns(first),
            "last_timestamp": None if first is None else format_ns(self.clock.ns),
            "refused_lines": [{"line": line, "reason": reason} for line, reason in self.refused_kept],
            "break_lines": [{"line": line, "reason": reason} for line, reason in self.breaks_kept],
            "truncated_line": self.truncated_line,
            "drift": sorted(self.drift),
            "unknown": dict(self.unknown),
            "by_symbol": by_symbol,
            "by_channel": by_channel,
        }

    # ---------------------------------------------------------------- events

    def _on_book(self, event: ev.OrderBookUpdate | ev.Level3Update) -> None:
        books = self._books if event.__class__ is ev.OrderBookUpdate else self._queues
        stream = books.get(event.symbol)
        if stream is None:
            channel = "book" if books is self._books else "level3"
            stream = books[event.symbol] = self.streams.book(channel, event.symbol)
        timestamp = event.timestamp
        self.clock.see(timestamp)
        stream.frames += 1
        if event.verified:
            stream.verified += 1
            stream.unproven_run = 0
            stream.proven_line = self.line
            stream.proven_timestamp = timestamp
            if stream.blind is not None:
                healed_by = "snapshot" if event.snapshot else "update"
                stream.heal(healed_by, self.line, timestamp, self.clock.ns)
        else:
            stream.unverifiable += 1
            stream.unproven_run += 1
            if stream.doubt is None:
                stream.doubt = shown(event.book.reason)

    def _on_live(self, event: ev.BookLive) -> None:
        self.streams.book(event.channel, event.symbol).depth = event.depth

    def _on_lost(self, event: ev.BookLost) -> None:
        self.clock.see(event.timestamp)
        self.streams.book(event.channel, event.symbol).lose(event, self.line, self.clock.ns)

    def _on_discarded(self, event: ev.Discarded) -> None:
        stream = self.streams.book(event.channel, event.symbol)
        stream.frames += 1
        stream.unverifiable += 1
        stream.discarded += 1
        if stream.blind is not None:
            stream.blind.discarded += 1
        elif stream.doubt is None:
            stream.doubt = "no snapshot came before"

    def _on_trade(self, event: ev.TradeUpdate) -> None:
        stream = self.streams.numbered("trade", event.symbol)
        stream.take(self.line)
        stream.proven += event.complete
        self.clock.see(event.timestamp)

    def _on_private(self, channel: str, event: Any) -> None:
        stream = self.streams.numbered(channel, None)
        if stream.take(self.line):
            stream.proven += event.in_sequence
        self.clock.see(event.timestamp)

    def _on_ticker(self, event: TickerUpdate) -> None:
        self._on_plain("ticker", event)
        self.clock.see(event.timestamp)

    def _on_reply(self, event: ReplyEnvelope) -> None:
        stream = self.streams.get("reply", None)
        stream.take(self.line)
        stream.notes["refused"] += event.rejected
        self.clock.see(event.time_out)

    def _on_plain(self, channel: str, event: Any) -> None:
        self.streams.get(channel, getattr(event, "symbol", None)).take(self.line)

    def _note(self, channel: str, word: str, event: Any) -> None:
        self.streams.get(channel, getattr(event, "symbol", None)).notes[word] += 1

    def _on_gap(self, event: ev.Gap) -> None:
        reason = event.reason
        if reason in _TOLD_OTHERWISE:
            return
        if reason is ev.GapReason.SEQUENCE or reason is ev.GapReason.TRADE_ID:
            self.streams.get(event.channel, event.symbol).gap(self.line, event.first, event.last)
            return
        told = reason.value.replace("_", " ")
        if self._break_line != self.line:
            self._break_line = self.line
            self.breaks += 1
            if len(self.breaks_kept) < KEPT:
                self.breaks_kept.append((self.line, told))
        if event.channel in BOOKS and reason is not ev.GapReason.SNAPSHOT_DIFFERS:
            self.streams.book(event.channel, event.symbol).begin_blind(told, self.line, None, self.clock.ns)

    def _on_rejected(self, event: ev.FrameRejected) -> None:
        if self._refused_line == self.line:
            return
        self._refused_line = self.line
        self._refused_as_json = event.json
        self.refused += 1
        if len(self.refused_kept) < KEPT:
            self.refused_kept.append((self.line, shown(event.reason)))

    def _on_drift(self, event: ev.SchemaDrift) -> None:
        self.drift.add(shown(f"{event.channel}: {event.field}"))

    def _on_unknown(self, event: ev.Unknown) -> None:
        name = shown(f"{event.kind} {event.name}")
        self.unknown[name if name in self.unknown or len(self.unknown) < KEPT else OTHERS] += 1

    def _taker(self, kind: type) -> Callable[[Any], None]:
        """How to take an event of a type met for the first time; those that say nothing about a proof are passed over."""
        for base in kind.__mro__:
            if base in self._takers:
                self._takers[kind] = self._takers[base]
                return self._takers[kind]
        self._takers[kind] = _pass_over
        return _pass_over

    def _count_repeated(self, frame: bytes) -> None:
        """Find what the handler dropped because it came before: it says nothing about that, so the frame is looked at again."""
        told: Counter[str | None] = Counter(
            event.symbol for event in self._events if event.__class__ is ev.TradeUpdate
        )
        if told and frame.count(b'"trade_id"') <= told.total():
            return
        try:
            message: Any = decode(frame)
        except DecodeError:
            return
        channel = str(message.__struct_config__.tag)
        for entry in getattr(message, "data", ()):
            symbol = None if channel in PRIVATE else entry.symbol
            if told[symbol]:
                told[symbol] -= 1
                continue
            stream = self.streams.get(channel, symbol)
            if channel == "trade" or stream.take(self.line):
                stream.repeated += 1


def _pass_over(event: object) -> None:
    """The event says nothing about a proof."""
