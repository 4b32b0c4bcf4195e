"""The asking side of a session: what is wished for, and the frames that ask for it.

A frame to send is made when the caller takes it, not before. Until then only the wish exists, so what waits is bounded, nothing is asked
twice, and what has become needless (a snapshot healed the book meanwhile) is never sent. Time for an answer runs from the taking.
"""

from __future__ import annotations

import math
from enum import Enum, auto
from typing import Any

from krakenwire.errors import UsageError
from krakenwire.events import Event, ReplyMissing
from krakenwire.session.budgets import ResyncBudgets, Spent
from krakenwire.session.limits import Limits
from krakenwire.state.requests import FIRST_REQ_ID, Pending, Requests
from krakenwire.state.subscriptions import (
    PRIVATE,
    Key,
    Phase,
    Step,
    Subscriptions,
    Wish,
)
from krakenwire.wire.encoding import encode
from krakenwire.wire.secret import RevealedBytes, Secret
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
    ENDING = auto()
    """It is not wanted any more: there is nothing to be taken anew."""


class Desk:
    """Wishes and requests of one connection."""

    def __init__(self, limits: Limits, *, asks: bool, alone: bool, authenticates: bool) -> None:
        self.limits = limits
        self.subscriptions = Subscriptions()
        self.requests = Requests()
        self.asks = asks
        """Whether the session asks by itself at all."""
        self.alone = alone
        """Whether nobody else asks for anything on this connection."""
        self.authenticates = authenticates
        """Whether a token can be had for private requests."""
        self._token: Secret | None = None
        self._tokens_supplied = 0
        self._queue: list[Any] = []
        self._budgets = ResyncBudgets(limits)
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

    def unsubscribe(self, channel: str, symbol: str | None, interval: int | None, now: float) -> list[Wish]:
        """Want subscriptions no more. Returns those that were wanted or known."""
        of_channel = (
            [wish for wish in self.subscriptions if wish.channel == channel]
            if symbol is None
            else self.subscriptions.of(channel, symbol)
        )
        found = [wish for wish in of_channel if interval in (None, wish.key[2])]
        for wish in found:
            self._later.pop(wish.key[:2], None)
            self.subscriptions.drop(wish)
        if self.waiting:
            self._waits(now)
        return found

    def wants(self, channel: str, symbol: str | None) -> bool:
        """Whether a subscription is wanted, by the caller or by whoever was seen to subscribe."""
        return any(wish.wanted for wish in self.subscriptions.of(channel, symbol))

    def rests(self, channel: str, symbol: str | None) -> bool:
        """Whether Kraken holds a subscription that is wanted, and nothing is under way or will be asked that brings a snapshot of it."""
        return (
            self.asks
            and (channel, symbol) not in self._later
            and any(
                wish.wanted
                and wish.phase is Phase.SUBSCRIBED
                and wish.step is None
                and wish.snapshot_by == math.inf
                for wish in self.subscriptions.of(channel, symbol)
            )
        )

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
        wishes = self.subscriptions.of(channel, symbol)
        if wishes and not self.wants(channel, symbol):
            return Asked.ENDING
        spent = self._budgets.spend(channel, symbol, now)
        if spent is Spent.SYMBOL:
            return Asked.SPENT
        if spent is Spent.CHANNEL:
            self.postpone(channel, symbol, now)
            return Asked.LATER
        may_ask = self.asks and (channel not in PRIVATE or self.authenticates)
        wishes = (wishes or self._unseen(channel, symbol, held)) if may_ask else []
        for wish in wishes:
            if depth is not None and symbol is not None:
                wish.params = _book_params(channel, symbol, depth)
            if wish.phase is Phase.SUBSCRIBED or (wish.delivered and wish.phase is not Phase.UNSUBSCRIBING):
                wish.again = wish.wanted
            self.settle(wish, now)
        return Asked.WAITING if wishes else Asked.CALLER

    def _unseen(self, channel: str, symbol: str | None, held: int | None) -> list[Wish]:
        """A subscription that was never seen, though it delivers: Kraken knows it. Empty if its parameters are not known."""
        params: Subscription
        try:
            if symbol is not None and held is not None:
                params = _book_params(channel, symbol, held)
            elif channel == "executions":
                params = ExecutionsSubscription(snap_orders=True, snap_trades=True)
            elif channel == "balances":
                params = BalancesSubscription()
            else:
                return []
            (wish,) = self.subscriptions.want(params, own=False)
        except UsageError:
            return []  # a symbol or depth that no request may have (hostile, or newer than we are), or too many
        wish.phase = Phase.SUBSCRIBED
        return [wish]

    def postpone(self, channel: str, symbol: str | None, now: float) -> None:
        """Try again when the budgets of a subscription allow it."""
        self._later[channel, symbol] = self._budgets.free_at(channel, symbol, now)
        self.wake(self._later[channel, symbol])

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
        if self.ignored_since is not None and not self.waiting:
            self.ignored_since = None

    def spoiled(self, channel: str, symbol: str | None) -> bool:
        """Something came that cannot be used. True: it was the snapshot that is waited for, and it is waited for no more.

        Nothing else comes first after the answer; and that it did not come is nothing to blame the connection for.
        """
        awaited = any(wish.snapshot_by < math.inf for wish in self.subscriptions.of(channel, symbol))
        if awaited:
            self.delivered(channel, symbol)
        return awaited

    def stop(self, channel: str, symbol: str | None, now: float) -> None:
        """Unsubscribe for good, if the session may ask; ohlc in every interval."""
        for wish in self.subscriptions.of(channel, symbol) if self.asks else ():
            self.subscriptions.drop(wish)
            self._waits(now)

    def queue(self, request: Any, now: float) -> int:
        """Send a request of the caller's when frames are taken. Returns its number.

        Raises: UsageError, if too many wait, its number is taken, or it needs a token that cannot be had.
        """
        if len(self._queue) >= MAX_QUEUED:
            raise UsageError(f"{MAX_QUEUED} requests wait to be taken already", field="request")
        if _needs_token(request) and not self.authenticates:
            raise UsageError("needs a token, and there is no token provider", field="request")
        if request.req_id is not None:
            self._check_number(request.req_id)
        return self._append(request, now)

    def _check_number(self, req_id: int) -> None:
        """A caller's own number must be neither one of ours nor that of a request without an answer."""
        if req_id >= FIRST_REQ_ID:
            raise UsageError(f"must be less than {FIRST_REQ_ID}; above are the session's own", field="req_id")
        if self.requests.pending(req_id) or any(waits.req_id == req_id for waits in self._queue):
            raise UsageError("is the number of a request that is not answered yet", field="req_id")

    def _append(self, request: Any, now: float) -> int:
        numbered = self.requests.numbered(request)
        self._queue.append(numbered)
        self._waits(now)
        return int(numbered.req_id)

    def ping(self, now: float) -> None:
        """Ask whether the peer is there, if the session asks at all and anybody sends it, and only once at a time."""
        if self.asks and self.taken and not any(isinstance(request, Ping) for request in self._queue):
            self._append(Ping(), now)

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

    def supply_token(self, token: Secret) -> None:
        """The token of this connection."""
        self._token = token
        self._tokens_supplied += 1

    def token_refused(self, pending: Pending | None = None) -> None:
        """Kraken does not accept the token that a request was sent with; one supplied since is kept. None: which request is not known."""
        if pending is None or pending.token == self._tokens_supplied:
            self._token = None

    def take(self, now: float, limit: float = math.inf) -> list[bytes]:
        """Frames to send now, in order, at most `limit`; they count as sent. The rest waits, also while too many are unanswered."""
        self.taken = True
        frames: list[bytes] = []
        waiting, self._queue = self._queue, []
        for request in waiting:
            if len(frames) >= limit or self.requests.full or (self._token is None and _needs_token(request)):
                self._queue.append(request)
            else:
                frames.append(self._send(request, now))
        for step, wishes in self.subscriptions.steps(now, authenticated=self._token is not None):
            if self.requests.full or len(frames) >= limit:
                break
            frames.append(self._step(step, wishes, now))
        self.ignored_since = now if self.waiting else None
        return frames

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
            pending.token = self._tokens_supplied
            return RevealedBytes(encode(sent))
        return encode(sent)

    def _waits(self, now: float) -> None:
        if self.ignored_since is None:
            self.ignored_since = now

    def wake(self, at: float) -> None:
        """Make sure that `tick` is called by then."""
        self.due_at = min(self.due_at, at)

    # ---------------------------------------------------------------- time

    def settle(self, wish: Wish, now: float) -> Wish:
        """A wish or its phase changed; what it asks for next waits to be taken."""
        self.subscriptions.settle(wish)
        if self.waiting:
            self._waits(now)
        return wish

    def rest(self, now: float) -> None:
        """Every deadline that has come was looked at: find the next one."""
        self.due_at = min(
            self.requests.deadline,
            min((wish.snapshot_by for wish in self.subscriptions), default=math.inf),
            min(self._later.values(), default=math.inf),
            min((wish.not_before for wish in self.subscriptions if wish.not_before > now), default=math.inf),
        )

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

    def lost(self, now: float) -> list[Event]:
        """The connection is gone; what is wanted is asked for again on the next one. Requests are not."""
        events: list[Event] = [
            ReplyMissing(pending.method, pending.req_id, pending.missing, "connection lost", acts=True)
            for pending in self.requests.lost()
            if pending.acts
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
        self.rest(now)
        return events


def _needs_token(request: Any) -> bool:
    return hasattr(getattr(request, "params", None), "token") and not (
        isinstance(request, Unsubscribe) and request.params.channel.value not in PRIVATE
    )


def _book_params(channel: str, symbol: str, depth: int) -> Subscription:
    kind = BookSubscription if channel == "book" else Level3Subscription
    return kind(symbol=(symbol,), depth=depth)
