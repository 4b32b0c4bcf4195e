"""Requests that were sent and what was answered: N answers for N symbols or orders, late ones, repeated ones, and none.

Kraken echoes `req_id` and does not watch its uniqueness. A request for N symbols gets N replies with one `req_id`, in any order; so does
a `cancel_order` of N orders. A missing reply is an unknown outcome, not a refusal: nothing here is ever sent again.
"""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from krakenwire.errors import UsageError
from krakenwire.wire.orders import CancelOrder, OrderRequestEnvelope
from krakenwire.wire.rules import MAX_REQ_ID
from krakenwire.wire.subscriptions import Subscribe, Unsubscribe

FIRST_REQ_ID = 2**52
"""Our own numbers start here; a caller who numbers requests from 1 will never meet them."""

MAX_PENDING = 10_000
"""Requests without an answer, at most."""

FINISHED_KEPT = 1_000
"""Requests remembered after their last answer or their deadline, to tell late and repeated answers from unknown ones."""


class Verdict(StrEnum):
    """What a reply is to us."""

    EXPECTED = "expected"
    LATE = "late"
    """Its request had been given up; what it did is known after all."""
    REPEATED = "repeated"
    """That part of the request was answered before."""
    UNKNOWN = "unknown"
    """Its number is one of ours, and we never sent it or have long forgotten it."""
    FOREIGN = "foreign"
    """It has no number, or the caller's own."""


class Pending:
    """One request in flight."""

    __slots__ = ("about", "deadline", "method", "missing", "req_id", "request", "token")

    def __init__(self, request: Any, req_id: int, deadline: float, about: dict[str, Any]) -> None:
        self.request = request
        self.req_id = req_id
        self.method = str(request.__struct_config__.tag)
        self.deadline = deadline
        self.about = about
        """What is still to be answered, by the name Kraken's reply will give it; empty if it gives none. Keys, not objects: what they
        stand for may be another by the time of the answer."""
        self.missing = max(1, len(about)) if about else _replies(request)
        """Replies that have not come."""
        self.token = 0
        """Which of the tokens supplied so far it was sent with, counted from 1; 0 for none."""

    @property
    def acts(self) -> bool:
        """Whether it may have changed orders, so that no answer means an unknown outcome."""
        return isinstance(self.request, OrderRequestEnvelope)


class Answer(Struct, frozen=True):
    """What became of one reply. `about`: the parts of the request it answers."""

    verdict: Verdict
    pending: Pending | None = None
    about: tuple[Any, ...] = ()


_FOREIGN = Answer(Verdict.FOREIGN)
_UNKNOWN = Answer(Verdict.UNKNOWN)


class Requests:
    """Requests of one connection by their number."""

    def __init__(self) -> None:
        self._next = FIRST_REQ_ID
        self._pending: dict[int, Pending] = {}
        self._late: dict[int, Pending] = {}
        self._done: dict[int, None] = {}
        self.counts: dict[Verdict, int] = dict.fromkeys(Verdict, 0)

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def full(self) -> bool:
        """Whether too many requests are unanswered to send another."""
        return len(self._pending) >= MAX_PENDING

    def pending(self, req_id: int) -> bool:
        """Whether a request with this number is unanswered."""
        return req_id in self._pending

    def numbered(self, request: Any) -> Any:
        """The request with a number: its own, or the next of ours."""
        if request.req_id is not None:
            return request
        req_id, self._next = self._next, self._next + 1 if self._next < MAX_REQ_ID else FIRST_REQ_ID
        return replace(request, req_id=req_id)

    def open(self, request: Any, deadline: float, about: dict[str, Any] | None = None) -> Pending:
        """A numbered request is sent now. `about`: what Kraken will answer one by one, by name.

        Raises: UsageError, if its number is in use or too many requests are unanswered.
        """
        if self.full:
            raise UsageError(f"{MAX_PENDING} requests are unanswered; wait for some of them", field="request")
        if request.req_id in self._pending:
            raise UsageError("is the number of a request that is not answered yet", field="req_id")
        pending = self._pending[request.req_id] = Pending(request, request.req_id, deadline, about or {})
        return pending

    def answer(self, req_id: int | None, name: str | None, *, refused: bool = False) -> Answer:
        """Take one reply. `name`: the symbol it is about; without one a refusal is about all that is unanswered."""
        found = self._judge(req_id, name, refused=refused)
        self.counts[found.verdict] += 1
        return found

    def expire(self, now: float) -> list[Pending]:
        """Requests whose time is up, the oldest first. Their answers may still come, and are then late."""
        gone = [pending for pending in self._pending.values() if pending.deadline <= now]
        for pending in gone:
            self._give_up(pending)
        return gone

    def lost(self) -> list[Pending]:
        """The connection is gone: nothing that is in flight will be answered."""
        gone = list(self._pending.values())
        self._pending.clear()
        self._late.clear()
        self._done.clear()
        return gone

    @property
    def deadline(self) -> float:
        """When to call `expire`; infinite if nothing is in flight."""
        return min((pending.deadline for pending in self._pending.values()), default=math.inf)

    def shift(self, seconds: float) -> None:
        """The caller was away: give every answer that much more time."""
        for pending in self._pending.values():
            pending.deadline += seconds

    def _judge(self, req_id: int | None, name: str | None, *, refused: bool) -> Answer:
        if req_id is None:
            return _FOREIGN
        pending = self._pending.get(req_id)
        if pending is not None:
            return self._take(pending, Verdict.EXPECTED, name, refused=refused)
        pending = self._late.get(req_id)
        if pending is not None:
            return self._take(pending, Verdict.LATE, name, refused=refused)
        if req_id in self._done:
            return Answer(Verdict.REPEATED)
        return _UNKNOWN if req_id >= FIRST_REQ_ID else _FOREIGN

    def _take(self, pending: Pending, verdict: Verdict, name: str | None, *, refused: bool) -> Answer:
        about: tuple[Any, ...] = ()
        if pending.about:
            if name in pending.about:
                about = (pending.about.pop(name),)
            elif name is None and (refused or len(pending.about) == 1):
                about = tuple(pending.about.values())
                pending.about.clear()
            else:
                return Answer(Verdict.REPEATED, pending)
            pending.missing = len(pending.about)
        else:
            pending.missing -= 1
        if pending.missing <= 0:
            self._pending.pop(pending.req_id, None)
            self._late.pop(pending.req_id, None)
            self._done[pending.req_id] = None
            if len(self._done) > FINISHED_KEPT:
                del self._done[next(iter(self._done))]
        return Answer(verdict, pending, about)

    def _give_up(self, pending: Pending) -> None:
        del self._pending[pending.req_id]
        self._late[pending.req_id] = pending
        if len(self._late) > FINISHED_KEPT:
            del self._late[next(iter(self._late))]


def _replies(request: Any) -> int:
    """How many replies a request gets whose parts are not named in them."""
    if isinstance(request, CancelOrder):
        params = request.params
        named = (params.order_id, params.cl_ord_id, params.order_userref)
        return sum(len(ids) for ids in named if ids is not None)
    if isinstance(request, (Subscribe, Unsubscribe)):
        return max(1, len(getattr(request.params, "symbol", None) or ()))
    return 1
