"""The asking side of a session: requests out, replies in, and what to do when none comes.

A frame to send is made when the caller takes it, not before. Until then only the wish exists, so what waits is bounded, nothing is asked
twice, and what has become needless (a snapshot healed the book meanwhile) is never sent. Time for an answer runs from the taking.
"""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import Any

from msgspec import Struct

from krakenwire.errors import UsageError
from krakenwire.events import (
    Event,
    ReconnectNeeded,
    ReplyMissing,
    ReplyOdd,
    SubscriptionRejected,
)
from krakenwire.session.limits import Limits
from krakenwire.state.budget import Budget
from krakenwire.state.requests import Pending, Requests, Verdict
from krakenwire.state.subscriptions import (
    PRIVATE,
    Key,
    Phase,
    Step,
    Subscriptions,
    Wish,
)
from krakenwire.wire.control import ReplyEnvelope, SubscribeReply, SubscriptionReply
from krakenwire.wire.encoding import encode
from krakenwire.wire.refusals import ErrorKind
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ExecutionsSubscription,
    Level3Subscription,
    Ping,
    Subscribe,
    Subscription,
    Unsubscribe,
    ending,
    with_token,
)

MAX_QUEUED = 1_000
"""Requests of the caller that wait to be taken, at most. Subscriptions need no queue."""

LONGEST_RATE_WAIT = 60.0

TRIES = 2
"""Attempts at one subscription without an answer or without a snapshot, before the connection is to blame."""


class Asked(Enum):
    """What became of the wish to take a subscription anew."""

    WAITING = auto()
    """The requests are ready to be taken."""
    CALLER = auto()
    """The session may not or cannot ask; the caller has to."""
    SPENT = auto()
    """This symbol was taken anew too often."""
    LATER = auto()
    """The connection has taken too many anew; asked for as soon as the budget allows."""


class Told(Struct, frozen=True):
    """What a reply or a timer came to."""

    events: list[Event]
    granted: tuple[Wish, ...] = ()
    ended: tuple[Wish, ...] = ()


class Desk:
    """Wishes and requests of one connection."""

    def __init__(self, limits: Limits, *, asks: bool, authenticates: bool) -> None:
        self.limits = limits
        self.subscriptions = Subscriptions()
        self.requests = Requests()
        self.asks = asks
        """Whether the session asks by itself at all."""
        self.authenticates = authenticates
        """Whether a token can be had for private requests."""
        self._token: Secret | None = None
        self._queue: list[Any] = []
        self._budgets: dict[tuple[str, str | None], Budget] = {}
        self._channels: dict[str, Budget] = {}
        self._later: dict[tuple[str, str | None], float] = {}
        self.due_at = math.inf
        """When to call `tick`, at the latest. It may be early; then `tick` finds nothing to do."""
        self.taken = False
        """Whether anybody ever took frames to send."""
        self.ignored_since: float | None = None
        """Since when something waits to be taken that nobody took."""

    # ---------------------------------------------------------------- wishes

    def subscribe(self, params: Subscription, now: float) -> list[Wish]:
        """Want subscriptions from now on.

        Raises: UsageError, if there are too many, or no token can be had for a private one.
        """
        if params.channel.value in PRIVATE and not self.authenticates:
            raise UsageError(
                f"{params.channel} needs a token, and there is no token provider", field="channel"
            )
        wishes = self.subscriptions.want(params)
        if self.waiting:
            self._waits(now)
        return wishes

    def unsubscribe(self, channel: str, symbol: str | None, interval: int | None, now: float) -> bool:
        """Want subscriptions no more. False: there was none."""
        found = [
            wish
            for wish in self.subscriptions
            if wish.channel == channel and symbol in (None, wish.symbol) and interval in (None, wish.key[2])
        ]
        for wish in found:
            self.subscriptions.drop(wish)
        if self.waiting:
            self._waits(now)
        return bool(found)

    def resync(
        self,
        channel: str,
        symbol: str | None,
        now: float,
        *,
        held: int | None = None,
        depth: int | None = None,
    ) -> Asked:
        """Take a subscription anew, within the budgets.

        `held`: depth of the book as it is held; `depth`: the depth to ask for. Needed where no answer told them.
        """
        spent = self._spend(channel, symbol, now)
        if spent is not None:
            return spent
        if not self.asks or (channel in PRIVATE and not self.authenticates):
            return Asked.CALLER
        try:
            wish = self._known(channel, symbol, held)
            if wish is None:
                return Asked.CALLER
            if depth is not None and symbol is not None:
                wish.params = _book_params(channel, symbol, depth)
        except UsageError:
            return (
                Asked.CALLER
            )  # A symbol or depth that no request may have: hostile, or newer than this version.
        if wish.phase is Phase.SUBSCRIBED or wish.delivered:
            wish.again = True
        self.subscriptions.settle(wish)
        self._waits(now)
        return Asked.WAITING

    def _known(self, channel: str, symbol: str | None, held: int | None) -> Wish | None:
        """The subscription, even if it was never seen: what delivers, Kraken knows. None: its parameters are not known."""
        wish = self.subscriptions.get(channel, symbol)
        if wish is not None:
            return wish
        params: Subscription
        if symbol is not None and held is not None:
            params = _book_params(channel, symbol, held)
        elif channel == "executions":
            params = ExecutionsSubscription(snap_orders=True, snap_trades=True)
        elif channel == "balances":
            params = BalancesSubscription()
        else:
            return None
        (wish,) = self.subscriptions.want(params, own=False)
        wish.phase = Phase.SUBSCRIBED
        return wish

    def _spend(self, channel: str, symbol: str | None, now: float) -> Asked | None:
        key, limits = (channel, symbol), self.limits
        each, all_of_it = (
            (limits.level3_resyncs, limits.level3_resyncs_connection)
            if channel == "level3"
            else (limits.resyncs, limits.resyncs_connection)
        )
        budget = self._budgets.setdefault(key, Budget(each, limits.resync_seconds))
        channel_budget = self._channels.setdefault(channel, Budget(all_of_it, limits.resync_seconds))
        if now < budget.free_at(now):
            return Asked.SPENT
        if not channel_budget.spend(now):
            self.postpone(channel, symbol, now)
            return Asked.LATER
        budget.spend(now)
        return None

    def postpone(self, channel: str, symbol: str | None, now: float) -> None:
        """Try again when the budgets of a subscription allow it."""
        key = (channel, symbol)
        self._later[key] = max(self._budgets[key].free_at(now), self._channels[channel].free_at(now))
        self.wake(self._later[key])

    def delivered(self, channel: str, symbol: str | None) -> None:
        """A snapshot came: what was not asked for yet is needless, and what was asked for is answered."""
        self._later.pop((channel, symbol), None)
        for wish in self.subscriptions.of(channel, symbol):
            wish.snapshot_by = math.inf
            wish.tries = 0
            wish.delivered = True
            if wish.again and wish.phase is Phase.SUBSCRIBED:
                wish.again = False
                self.subscriptions.settle(wish)

    def stop(self, channel: str, symbol: str | None, now: float) -> None:
        """Unsubscribe for good, as far as the session may ask; ohlc in every interval."""
        for wish in self.subscriptions.of(channel, symbol):
            self.subscriptions.drop(wish)
            self._waits(now)

    def queue(self, request: Any, now: float) -> int:
        """Send a request of the caller's when frames are taken. Returns its number.

        Raises: UsageError, if too many wait, or it needs a token that cannot be had.
        """
        if len(self._queue) >= MAX_QUEUED:
            raise UsageError(f"{MAX_QUEUED} requests wait to be taken already", field="request")
        if _needs_token(request) and not self.authenticates:
            raise UsageError("needs a token, and there is no token provider", field="request")
        numbered = self.requests.numbered(request)
        self._queue.append(numbered)
        self._waits(now)
        return int(numbered.req_id)

    def ping(self, now: float) -> None:
        """Ask whether the peer is there, if anybody sends what we ask, and only once at a time."""
        if self.taken and not any(isinstance(request, Ping) for request in self._queue):
            self.queue(Ping(), now)

    # ---------------------------------------------------------------- out

    @property
    def waiting(self) -> bool:
        """Whether `take` would find something, but for a token or a wait."""
        return bool(self._queue) or self.subscriptions.waiting

    def wants_token(self, now: float) -> bool:
        """Whether something waits for a token."""
        if self._token is not None or not self.authenticates:
            return False
        return self.subscriptions.wants_token(now) or any(_needs_token(request) for request in self._queue)

    def supply_token(self, token: Secret | None) -> None:
        """The token of this connection; None: the last one is not accepted any more."""
        self._token = token

    def take(self, now: float) -> list[bytes]:
        """Frames to send now, in order. They count as sent."""
        self.taken, self.ignored_since = True, None
        frames = [self._send(request, now) for request in self._ready()]
        for step, wishes in self.subscriptions.steps(now, authenticated=self._token is not None):
            frames.append(self._step(step, wishes, now))
        return frames

    def _ready(self) -> list[Any]:
        if self._token is not None:
            ready, self._queue = self._queue, []
            return ready
        ready = [request for request in self._queue if not _needs_token(request)]
        self._queue = [request for request in self._queue if _needs_token(request)]
        return ready

    def _step(self, step: Step, wishes: list[Wish], now: float) -> bytes:
        params = self.subscriptions.asked(step, wishes)
        request = Subscribe(params) if step is Step.SUBSCRIBE else Unsubscribe(ending(params))
        return self._send(request, now, {str(wish.symbol): wish.key for wish in wishes})

    def _send(self, request: Any, now: float, about: dict[str, Key] | None = None) -> bytes:
        pending = self.requests.open(self.requests.numbered(request), now + self.limits.ack, about)
        self.wake(pending.deadline)
        sent = pending.request
        if _needs_token(sent) and self._token is not None:
            sent = with_token(sent, self._token)
        return encode(sent)

    def _waits(self, now: float) -> None:
        if self.ignored_since is None:
            self.ignored_since = now

    def wake(self, at: float) -> None:
        """Make sure that `tick` is called by then."""
        self.due_at = min(self.due_at, at)

    # ---------------------------------------------------------------- in

    def answered(self, reply: ReplyEnvelope, now: float) -> Told:
        """Take one reply of any method."""
        name = reply.symbol_name if isinstance(reply, SubscriptionReply) else None
        answer = self.requests.answer(reply.req_id, name, refused=reply.rejected)
        told = Told([])
        if answer.verdict in {Verdict.LATE, Verdict.REPEATED, Verdict.UNKNOWN}:
            told.events.append(ReplyOdd(reply.method.value, reply.req_id or 0, answer.verdict.value))
        if not isinstance(reply, SubscriptionReply):
            return told
        if answer.verdict is Verdict.FOREIGN:
            return self._foreign(reply)
        if isinstance(reply, SubscribeReply) and not reply.rejected and answer.pending is not None:
            depth = None if reply.result is None else reply.result.depth
            params = answer.pending.request.params
            granted = [self.subscriptions.granted(key, params, depth) for key in answer.about]
            return Told(told.events, granted=tuple(self._granted(wish, now) for wish in granted))
        wishes = [wish for key in answer.about if (wish := self.subscriptions.at(key)) is not None]
        if reply.rejected:
            return Told(told.events + [event for wish in wishes for event in self._refused(wish, reply, now)])
        return Told(told.events, ended=tuple(self._ended(wish, now) for wish in wishes))

    def _granted(self, wish: Wish, now: float) -> Wish:
        if wish.phase in {Phase.SUBSCRIBING, Phase.IDLE}:  # IDLE: the answer came after it was given up
            wish.phase = Phase.SUBSCRIBED
            if not wish.delivered and _asks_snapshot(wish.held):
                wish.snapshot_by = now + self.limits.snapshot
                self.wake(wish.snapshot_by)
        return self._settled(wish, now)

    def _ended(self, wish: Wish, now: float) -> Wish:
        if wish.phase is Phase.UNSUBSCRIBING:
            wish.phase = Phase.IDLE
        return self._settled(wish, now)

    def _settled(self, wish: Wish, now: float) -> Wish:
        self.subscriptions.settle(wish)
        if self.waiting:
            self._waits(now)
        return wish

    def _foreign(self, reply: SubscriptionReply) -> Told:
        """An answer to somebody else's request on this connection: it tells what is subscribed."""
        result = reply.result
        if reply.rejected:
            if not isinstance(reply, SubscribeReply):
                return Told([])
            channel = None if reply.channel_name is None else reply.channel_name.value
            return Told([_rejected(channel, reply.symbol_name, reply, retried=False)])
        if result is None:
            return Told([])
        if isinstance(reply, SubscribeReply):
            wish = self.subscriptions.seen(result)
            return Told([], granted=() if wish is None else (wish,))
        wish = self.subscriptions.get(result.channel.value, result.symbol, result.interval)
        if wish is None:
            return Told([])
        if wish.phase is Phase.SUBSCRIBED:
            wish.phase = Phase.IDLE
        # Whoever owns the socket ended it; asking for it again would be against the last wish.
        return Told([], ended=(self.subscriptions.drop(wish),))

    def _refused(self, wish: Wish, reply: SubscriptionReply, now: float) -> list[Event]:
        """What a refusal of our own request means for one subscription."""
        kind = _kind(reply)
        if wish.phase is Phase.UNSUBSCRIBING:
            # Refused because it is gone already, or gone for us all the same: what is wanted is asked for next.
            wish.phase = Phase.IDLE
        elif kind is ErrorKind.ALREADY_SUBSCRIBED:
            # Nothing is wrong if its snapshot is here. Else none will come of this: take it anew.
            wish.phase = Phase.SUBSCRIBED
            if not wish.delivered:
                wish.again = True
                return self._again(wish, "already subscribed, and no snapshot", now)
        elif kind is ErrorKind.RATE:
            wish.phase = Phase.IDLE
            wish.not_before = now + min(LONGEST_RATE_WAIT, self.limits.rate_seconds * 2**wish.tries)
            wish.tries += 1
            self.wake(wish.not_before)
        elif kind is ErrorKind.AUTH and wish.tries == 0 and self._token is not None:
            # Tokens expire; a fresh one is worth one attempt.
            self._token = None
            wish.phase, wish.tries = Phase.IDLE, 1
        else:
            wish.phase, wish.refused = Phase.IDLE, reply.error or ""
            wish.wanted = False
        self._settled(wish, now)
        retried = wish.refused is None
        return [_rejected(wish.channel, wish.symbol, reply, retried=retried)]

    def _again(self, wish: Wish, reason: str, now: float) -> list[Event]:
        """Another attempt at a subscription, or the verdict that the connection is to blame."""
        wish.tries += 1
        wish.snapshot_by = math.inf
        self._settled(wish, now)
        if wish.tries < TRIES:
            return []
        wish.tries = 0
        about = wish.channel if wish.symbol is None else f"{wish.channel} {wish.symbol}"
        return [ReconnectNeeded(f"{about}: {reason}")]

    # ---------------------------------------------------------------- time

    def tick(self, now: float) -> list[Event]:
        """Look at every deadline that has come."""
        events: list[Event] = []
        for pending in self.requests.expire(now):
            events += self._unanswered(pending, now)
        for wish in self.subscriptions:
            if wish.snapshot_by <= now:
                wish.again = True
                events += self._again(wish, "subscribed, and no snapshot", now)
        self.due_at = min(
            self.requests.deadline,
            min((wish.snapshot_by for wish in self.subscriptions), default=math.inf),
            min(self._later.values(), default=math.inf),
            min((wish.not_before for wish in self.subscriptions if wish.not_before > now), default=math.inf),
        )
        return events

    def postponed(self, now: float) -> list[tuple[str, str | None]]:
        """Subscriptions whose resync had to wait for the budget and need wait no more."""
        ready = [key for key, at in self._later.items() if at <= now]
        for key in ready:
            del self._later[key]
        return ready

    def shift(self, seconds: float) -> None:
        """The caller was away for so long: what Kraken said meanwhile has not been read yet."""
        self.requests.shift(seconds)
        for wish in self.subscriptions:
            wish.snapshot_by += seconds

    def _unanswered(self, pending: Pending, now: float) -> list[Event]:
        wishes = [wish for key in pending.about.values() if (wish := self.subscriptions.at(key)) is not None]
        if not pending.about:
            # A ping without an answer is silence, and silence has its own limit.
            return [] if isinstance(pending.request, Ping) else [_missing(pending, "no answer")]
        events: list[Event] = []
        for wish in wishes:
            if wish.phase is Phase.SUBSCRIBING:
                wish.phase = Phase.IDLE
            elif wish.phase is Phase.UNSUBSCRIBING:
                wish.phase, wish.again = Phase.SUBSCRIBED, wish.wanted
            events += self._again(wish, f"no answer to {pending.method}", now)
        return _once(events)

    def lost(self, now: float) -> list[Event]:
        """The connection is gone; what is wanted is asked for again on the next one."""
        events: list[Event] = [
            _missing(pending, "connection lost") for pending in self.requests.lost() if pending.acts
        ]
        events += [
            ReplyMissing(str(request.__struct_config__.tag), request.req_id, 1, "never sent", acts=False)
            for request in self._queue
        ]
        self._queue.clear()
        self._token = None
        self._later.clear()
        self.subscriptions.lost()
        self.ignored_since = now if self.waiting else None
        self.due_at = math.inf
        return events


def _missing(pending: Pending, reason: str) -> ReplyMissing:
    return ReplyMissing(pending.method, pending.req_id, pending.missing, reason, acts=pending.acts)


def _once(events: list[Event]) -> list[Event]:
    """One `ReconnectNeeded` is enough for one request."""
    reconnect = [event for event in events if isinstance(event, ReconnectNeeded)]
    return [event for event in events if not isinstance(event, ReconnectNeeded)] + reconnect[:1]


def _rejected(
    channel: str | None, symbol: str | None, reply: SubscriptionReply, *, retried: bool
) -> SubscriptionRejected:
    return SubscriptionRejected(channel, symbol, reply.error or "", _kind(reply), retried=retried)


def _kind(reply: SubscriptionReply) -> ErrorKind:
    return reply.error_kind or ErrorKind.UNKNOWN


def _needs_token(request: Any) -> bool:
    return hasattr(getattr(request, "params", None), "token") and not (
        isinstance(request, Unsubscribe) and request.params.channel.value not in PRIVATE
    )


def _asks_snapshot(params: Any) -> bool:
    if isinstance(params, ExecutionsSubscription):
        return (params.snap_orders or params.snap_trades) and params.users is None
    if isinstance(params, BalancesSubscription) and params.users is not None:
        return False
    return bool(params.snapshot)


def _book_params(channel: str, symbol: str, depth: int) -> Subscription:
    kind = BookSubscription if channel == "book" else Level3Subscription
    return kind(symbol=(symbol,), depth=depth)
