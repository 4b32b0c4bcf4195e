"""What begins, ends and breaks: what Kraken's answers and a lost connection mean for everything that is held of a subscription."""

from __future__ import annotations

from typing import Any

from krakenwire.events import Event, Gap, GapReason, SubscriptionRejected
from krakenwire.session.account import AccountKeeper
from krakenwire.session.books import BookKeeper
from krakenwire.session.desk import Desk
from krakenwire.session.market import MarketKeeper
from krakenwire.session.odd_frames import OddFrames
from krakenwire.session.replies import Replies
from krakenwire.session.sequences import SequenceKeeper
from krakenwire.session.streams import Streams
from krakenwire.state.ledger import State
from krakenwire.state.subscriptions import Wish
from krakenwire.wire.control import (
    ErrorNotice,
    StatusMessage,
    SubscribeReply,
    SubscriptionResult,
    UnsubscribeReply,
)
from krakenwire.wire.refusals import ErrorKind


class Lifecycle:
    """Beginnings and ends of the subscriptions of one connection, and its own end."""

    def __init__(
        self,
        *,
        desk: Desk,
        streams: Streams,
        sequences: SequenceKeeper,
        books: BookKeeper,
        market: MarketKeeper,
        account: AccountKeeper,
        odd: OddFrames,
    ) -> None:
        self._replies = Replies(desk)
        self._desk = desk
        self._streams = streams
        self._sequences = sequences
        self._books = books
        self._market = market
        self._account = account
        self._odd = odd
        self._connection_id: int | None = None

    def replied(self, reply: Any, now: float) -> list[Event]:
        """Take a reply of any method, and do for its subscriptions what it tells."""
        told = self._replies.answered(reply, now)
        events: list[Event] = [reply, *told.events]
        cause = reply.error or "unsubscribed"
        for wish in told.ended:
            if wish.wanted:
                events += self._taken_anew(wish.channel, wish.symbol, now)
            else:
                self.ended(wish.channel, wish.symbol, cause, now)
        if isinstance(reply, SubscribeReply) and not reply.rejected:
            self._granted(told.granted, reply.result, now)
        elif isinstance(reply, UnsubscribeReply) and not reply.rejected and reply.result is not None:
            self.ended(reply.result.channel.value, reply.result.symbol, cause, now)
        for event in told.events:
            if (
                isinstance(event, SubscriptionRejected)
                and not event.retried
                and event.channel
                and event.symbol
            ):
                self._books.refused(event.channel, event.symbol, event.reason)
        return events

    def noticed(self, notice: ErrorNotice, _now: float) -> list[Event]:
        """Take an error that names no request: whatever it is about goes unanswered, and the time limit of its answer sees to that."""
        if notice.kind is ErrorKind.AUTH:
            self._desk.token_refused()
        return [notice]

    def status(self, message: StatusMessage, now: float) -> list[Event]:
        """Take a message of channel status. Another connection id is another connection."""
        events: list[Event] = []
        for status in message.data:
            told = status.connection_id
            if told is not None:
                if self._connection_id not in (None, told):
                    events += self.lost(GapReason.NEW_CONNECTION, now, now)
                self._connection_id = told
            events.append(status)
        return events

    def tick(self, now: float) -> list[Event]:
        """Look at every answer and every snapshot that should be there, and ask for what had to wait."""
        recovery = self._books.recovery
        events = self._replies.tick(now)
        for channel, symbol in self._desk.postponed(now):
            book = self._books.get(channel, symbol)
            events += (
                recovery.take_anew(channel, symbol, "postponed", now)
                if book is None
                else recovery.postponed(book, now)
            )
        self._desk.rest(now)
        return events + recovery.tick(now)

    def ended(self, channel: str, symbol: str | None, cause: str, now: float) -> None:
        """A subscription is over, unless there is another of its channel and symbol: an interval, or the same one wanted again."""
        if self._desk.subscriptions.of(channel, symbol):
            return
        self._streams.end(channel, symbol, State.WANTED, cause, now)
        self._interrupt(channel, symbol)
        if symbol is not None:
            self._books.ended(channel, symbol, cause)

    def lost(self, reason: GapReason, heard_at: float, now: float) -> list[Event]:
        """The connection is gone: one `Gap` a subscription; books are stale until a snapshot. `heard_at`: when its last frame came."""
        events: list[Event] = [
            Gap(channel, symbol, reason, since=self._books.verified_at(channel, symbol, since))
            for channel, symbol, since in self._streams.carried()
        ]
        if reason is not GapReason.SILENT:  # a silent peer may go on speaking on the same connection
            self._connection_id = None
        dropped = [wish for wish in self._desk.subscriptions if not wish.wanted]
        self._streams.lost(reason.value, min(now, heard_at))
        self._books.make_stale(reason.value)
        self._sequences.begin_all()
        self._market.trades.interrupted()
        self._account.interrupt()
        self._odd.forgive()
        events += self._desk.lost(now)
        for wish in dropped:
            self.ended(wish.channel, wish.symbol, "unsubscribed", now)
        return events

    def _granted(self, ours: tuple[Wish, ...], result: SubscriptionResult | None, now: float) -> None:
        """Kraken holds subscriptions. What it says of them is not promised; what we asked for ourselves is known."""
        told = [(wish.channel, wish.symbol, wish.held, wish.delivered) for wish in ours]
        if not told and result is not None:
            told = [(result.channel.value, result.symbol, result, False)]
        for channel, symbol, params, delivered in told:
            if not delivered:  # else the answer is late, and its snapshot has begun the count already
                self._sequences.begin(channel, symbol)
            self._streams.granted(channel, symbol, now)
            if symbol is not None:
                self._books.subscribed(channel, symbol, getattr(params, "depth", None))
            elif channel == "executions":
                self._account.open_orders_told = params.snap_orders is not False

    def _taken_anew(self, channel: str, symbol: str | None, now: float) -> list[Event]:
        """Kraken ended a subscription that is wanted and will be asked for again: what happens meanwhile may be missed."""
        events = self._books.taken_anew(channel, symbol, now)
        since = self._streams.end(channel, symbol, State.ACKED, "taken anew", now)
        told = since is None or self._sequences.is_behind(channel) or channel in {"book", "level3"}
        if not told:
            events.append(Gap(channel, symbol, GapReason.RESYNC, since=since))
        self._interrupt(channel, symbol)
        return events

    def _interrupt(self, channel: str, symbol: str | None) -> None:
        """What is remembered of a stream is not followed from here on."""
        if channel in {"executions", "balances"}:
            self._account.interrupt(channel)
        elif channel == "trade" and symbol is not None:
            self._market.trades.interrupted(symbol)
