"""What an answer means, and what its absence means.

An answer to our own request moves one subscription on. An answer to somebody else's, on a socket we do not own, tells what is subscribed.
No answer is asked about once more; then the connection is to blame, and never Kraken's data.
"""

from __future__ import annotations

import math

from msgspec import Struct

from krakenwire.events import (
    Event,
    ReconnectNeeded,
    ReplyMissing,
    ReplyOdd,
    SubscriptionRejected,
)
from krakenwire.session.desk import Desk
from krakenwire.state.requests import Pending, Verdict
from krakenwire.state.subscriptions import Phase, Step, Wish
from krakenwire.wire.control import ReplyEnvelope, SubscribeReply, SubscriptionReply
from krakenwire.wire.enums import Channel
from krakenwire.wire.refusals import ErrorKind, is_temporary
from krakenwire.wire.subscriptions import BalancesSubscription, ExecutionsSubscription, Ping

LONGEST_WAIT = 60.0
"""Seconds until a request that Kraken refused for the moment is tried again, at most."""

DOUBLINGS = 64
"""Times that this wait is doubled, at most: an engine may be down for days."""

TRIES = 2
"""Attempts at one subscription without an answer or without a snapshot, before the connection is to blame."""

MAY_HAVE_NONE = frozenset({"trade", "ohlc"})
"""Channels whose snapshot is empty, and so names no symbol, where nothing was traded: it cannot be waited for [U]."""

_FIRST = frozenset({Verdict.EXPECTED, Verdict.LATE})
"""The first answer to a request of ours."""

_ODD = frozenset({Verdict.LATE, Verdict.REPEATED, Verdict.UNKNOWN})


class Told(Struct, frozen=True):
    """What a reply came to."""

    events: list[Event]
    granted: tuple[Wish, ...] = ()
    """Subscriptions of ours that Kraken holds from now on."""
    ended: tuple[Wish, ...] = ()
    """Subscriptions that Kraken does not hold any more, or never will. Those still wanted are asked for again."""


class Replies:
    """Answers, and deadlines of answers, applied to the wishes of a desk."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._subscriptions = desk.subscriptions

    def answered(self, reply: ReplyEnvelope, now: float) -> Told:
        """Take one reply of any method."""
        name = reply.symbol_name if isinstance(reply, SubscriptionReply) else None
        answer = self._desk.requests.answer(reply.req_id, name, refused=reply.rejected)
        events: list[Event] = []
        if answer.verdict in _ODD:
            events.append(ReplyOdd(reply.method.value, reply.req_id or 0, answer.verdict.value))
        if answer.pending is not None and reply.error_kind is ErrorKind.AUTH:
            self._desk.token_refused(answer.pending)
        if not isinstance(reply, SubscriptionReply):
            return Told(events)
        if answer.verdict is Verdict.FOREIGN or (answer.verdict in _FIRST and not answer.about):
            # Somebody else's request, or one that the caller wrote himself: only the answer tells what is subscribed now.
            return self._foreign(reply, events)
        if isinstance(reply, SubscribeReply) and not reply.rejected and answer.pending is not None:
            depth = None if reply.result is None else reply.result.depth
            asked = answer.pending.request.params
            wishes = [self._subscriptions.granted(key, asked, depth) for key in answer.about]
            return Told(events, granted=tuple(self._granted(wish, now) for wish in wishes))
        wishes = [wish for key in answer.about if (wish := self._subscriptions.at(key)) is not None]
        if not reply.rejected:
            # A late answer says nothing of what was subscribed since.
            ending = [
                wish for wish in wishes if wish.phase is Phase.UNSUBSCRIBING or wish.step is Step.UNSUBSCRIBE
            ]
            return Told(events, ended=tuple(self._ended(wish, now) for wish in ending))
        for wish in wishes:
            events += self._refused(wish, reply, now)
        subscribing = isinstance(reply, SubscribeReply)
        gone = [wish for wish in wishes if wish.phase is Phase.IDLE and not (subscribing and wish.wanted)]
        return Told(events, ended=tuple(gone))

    def tick(self, now: float) -> list[Event]:
        """Look at every answer and every snapshot that should be there."""
        events: list[Event] = []
        for pending in self._desk.requests.expire(now):
            events += self._unanswered(pending, now)
        for wish in list(self._subscriptions):
            if wish.snapshot_by <= now:
                wish.again = True
                events += self._again(wish, "subscribed, and no snapshot", now)
        return events

    # ---------------------------------------------------------------- granted

    def _granted(self, wish: Wish, now: float) -> Wish:
        if wish.phase in {Phase.SUBSCRIBING, Phase.IDLE}:  # IDLE: the answer came after it was given up
            wish.phase = Phase.SUBSCRIBED
            wish.slowed, wish.renewed = 0, False
            if wish.wanted and not wish.delivered and brings_snapshot(wish):
                wish.snapshot_by = now + self._desk.limits.snapshot
                self._desk.wake(wish.snapshot_by)
        return self._desk.settle(wish, now)

    def _ended(self, wish: Wish, now: float) -> Wish:
        if wish.phase is Phase.UNSUBSCRIBING:
            _gone(wish)
        return self._desk.settle(wish, now)

    def _foreign(self, reply: SubscriptionReply, events: list[Event]) -> Told:
        result = reply.result
        if reply.rejected and isinstance(reply, SubscribeReply):
            channel = None if reply.channel_name is None else reply.channel_name.value
            events.append(_rejected(channel, reply.symbol_name, reply, retried=False))
        if reply.rejected or result is None:
            return Told(events)
        if isinstance(reply, SubscribeReply):
            self._subscriptions.seen(result)
            return Told(events)
        interval = result.interval or 1 if result.channel is Channel.OHLC else None
        wish = self._subscriptions.get(result.channel.value, result.symbol, interval)
        if wish is None:
            return Told(events)
        if wish.phase is Phase.SUBSCRIBED:
            wish.phase = Phase.IDLE
        # Whoever owns the socket ended it; asking for it again would be against the last wish.
        return Told(events, ended=(self._subscriptions.drop(wish),))

    # ---------------------------------------------------------------- refused, or not answered

    def _refused(self, wish: Wish, reply: SubscriptionReply, now: float) -> list[Event]:
        """What a refusal of our own request means for one subscription."""
        kind, subscribing = _kind(reply), isinstance(reply, SubscribeReply)
        retried = True
        if wish.phase is not (Phase.SUBSCRIBING if subscribing else Phase.UNSUBSCRIBING):
            # The answer to an earlier request than the last. It may still tell that Kraken holds the subscription.
            if kind is ErrorKind.ALREADY_SUBSCRIBED and wish.phase is Phase.IDLE:
                wish.phase = Phase.SUBSCRIBED
            self._desk.settle(wish, now)
            return []
        if is_temporary(reply.error or ""):
            _step_back(wish)
            wish.not_before = now + min(LONGEST_WAIT, self._desk.limits.rate_seconds * 2.0**wish.slowed)
            wish.slowed = min(wish.slowed + 1, DOUBLINGS)
            self._desk.wake(wish.not_before)
        elif kind is ErrorKind.AUTH and not wish.renewed:
            # Tokens expire; a fresh one is worth one attempt.
            _step_back(wish)
            wish.renewed = True
        elif not subscribing:
            # Gone already, or gone for us all the same: what is wanted is asked for next.
            _gone(wish)
        elif kind is ErrorKind.ALREADY_SUBSCRIBED:
            wish.phase = Phase.SUBSCRIBED
            if not wish.delivered:
                # No snapshot will come of this: take it anew.
                wish.again = True
                return self._again(wish, "already subscribed, and no snapshot", now)
            subscribing = False  # it is there, with its snapshot: nothing was refused in truth
        else:
            retried = wish.wanted = False
            wish.phase = Phase.IDLE
        self._desk.settle(wish, now)
        return [_rejected(wish.channel, wish.symbol, reply, retried=retried)] if subscribing else []

    def _unanswered(self, pending: Pending, now: float) -> list[Event]:
        if not pending.about:
            if isinstance(pending.request, Ping):
                return []  # a ping without an answer is silence, and silence has its own limit
            return [
                ReplyMissing(pending.method, pending.req_id, pending.missing, "no answer", acts=pending.acts)
            ]
        events: list[Event] = []
        for key in pending.about.values():
            wish = self._subscriptions.at(key)
            if wish is not None:
                _step_back(wish)
                events += self._again(wish, f"no answer to {pending.method}", now)
        return events[:1]  # one verdict about the connection is enough

    def _again(self, wish: Wish, reason: str, now: float) -> list[Event]:
        """Another attempt at a subscription, or the verdict that the connection is to blame."""
        wish.tries += 1
        wish.snapshot_by = math.inf
        self._desk.settle(wish, now)
        if wish.tries < TRIES:
            return []
        wish.tries = 0
        # Whoever does not reconnect must not make us ask in a circle, as fast as Kraken answers.
        wish.not_before = now + self._desk.limits.ack
        self._desk.wake(wish.not_before)
        about = wish.channel if wish.symbol is None else f"{wish.channel} {wish.symbol}"
        return [ReconnectNeeded(f"{about}: {reason}")]


def _gone(wish: Wish) -> None:
    """Kraken holds the subscription no more. What came of it meanwhile was still of the old one."""
    wish.phase = Phase.IDLE
    wish.again = wish.delivered = False
    wish.snapshot_by = math.inf


def _step_back(wish: Wish) -> None:
    """The step under way came to nothing."""
    if wish.phase is Phase.SUBSCRIBING:
        wish.phase = Phase.IDLE
    elif wish.phase is Phase.UNSUBSCRIBING:
        wish.phase, wish.again = Phase.SUBSCRIBED, wish.wanted


def _rejected(
    channel: str | None, symbol: str | None, reply: SubscriptionReply, *, retried: bool
) -> SubscriptionRejected:
    return SubscriptionRejected(channel, symbol, reply.error or "", _kind(reply), retried=retried)


def _kind(reply: SubscriptionReply) -> ErrorKind:
    return reply.error_kind or ErrorKind.UNKNOWN


def brings_snapshot(wish: Wish) -> bool:
    """Whether a snapshot has to follow the answer."""
    params = wish.held
    if isinstance(params, ExecutionsSubscription):
        return (params.snap_orders or params.snap_trades) and params.users is None
    if isinstance(params, BalancesSubscription) and params.users is not None:
        return False
    return wish.channel not in MAY_HAVE_NONE and bool(params.snapshot)
