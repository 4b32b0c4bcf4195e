"""`state/requests.py`: which request a reply answers, and which are never answered."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.errors import UsageError
from krakenwire.state.requests import (
    FINISHED_KEPT,
    FIRST_REQ_ID,
    MAX_PENDING,
    Requests,
    Verdict,
)
from krakenwire.wire.orders import CancelOrder, CancelOrderParams
from krakenwire.wire.rules import MAX_REQ_ID
from krakenwire.wire.subscriptions import Ping

pytestmark = pytest.mark.fault("J14")


def sent(requests: Requests, request: Any = None, deadline: float = 5.0, **about: Any) -> int:
    """The number of a request that was sent."""
    return requests.open(requests.numbered(request or Ping()), deadline, about).req_id


def test_numbers() -> None:
    """Our numbers start at 2^52 and stay exact for every JSON reader; the caller's own number is kept."""
    requests = Requests()
    assert [sent(requests), sent(requests)] == [FIRST_REQ_ID, FIRST_REQ_ID + 1]
    assert FIRST_REQ_ID == 2**52 < MAX_REQ_ID
    assert sent(requests, Ping(req_id=7)) == 7
    with pytest.raises(UsageError, match="not answered yet"):
        sent(requests, Ping(req_id=7))


def test_one_answer_for_each_name() -> None:
    """A request about three symbols waits for three answers, in any order, and knows a fourth for a repetition."""
    requests = Requests()
    number = sent(requests, a="A", b="B", c="C")
    taken = [requests.answer(number, name) for name in ("b", "a", "a", "c", "c")]
    assert [answer.verdict for answer in taken] == [
        *[Verdict.EXPECTED] * 2,
        Verdict.REPEATED,
        Verdict.EXPECTED,
        Verdict.REPEATED,
    ]
    assert [answer.about for answer in taken] == [("B",), ("A",), (), ("C",), ()]
    assert len(requests) == 0


def test_refusal_without_a_name() -> None:
    """A refusal that names nothing is about everything that is still unanswered."""
    requests = Requests()
    number = sent(requests, a="A", b="B")
    requests.answer(number, "a")
    assert requests.answer(number, None, refused=True).about == ("B",)
    assert len(requests) == 0


def test_orders_are_counted() -> None:
    """A cancellation of three orders waits for three answers, whatever they name."""
    requests = Requests()
    params = CancelOrderParams(order_id=("O1", "O2"), cl_ord_id=("mine",))
    number = sent(requests, CancelOrder(params))
    assert [requests.answer(number, None, refused=n == 1).verdict for n in range(4)] == [
        *[Verdict.EXPECTED] * 3,
        Verdict.REPEATED,
    ]


def test_late() -> None:
    """A request whose time is up is told once; its answer may still come and is late."""
    requests = Requests()
    number = sent(requests, deadline=5.0)
    assert requests.deadline == 5.0
    assert requests.expire(4.9) == []
    assert [pending.req_id for pending in requests.expire(5.0)] == [number]
    assert requests.expire(6.0) == []
    assert requests.deadline == math.inf
    assert requests.answer(number, None).verdict is Verdict.LATE
    assert requests.answer(number, None).verdict is Verdict.REPEATED


def test_more_time() -> None:
    """The caller's own pause gives every answer that much more time."""
    requests = Requests()
    sent(requests, deadline=5.0)
    requests.shift(10.0)
    assert requests.deadline == 15.0


@pytest.mark.parametrize(
    ("req_id", "verdict"),
    [(None, Verdict.FOREIGN), (7, Verdict.FOREIGN), (FIRST_REQ_ID + 5, Verdict.UNKNOWN)],
)
def test_strangers(req_id: int | None, verdict: Verdict) -> None:
    """A reply without number, or with the caller's, is not ours; one with a number of ours that was never sent is unknown."""
    requests = Requests()
    assert requests.answer(req_id, "BTC/USD").verdict is verdict
    assert requests.counts[verdict] == 1


def test_bounded() -> None:
    """No more than the stated number of requests may be unanswered, and only so many old ones are remembered."""
    requests = Requests()
    for _ in range(MAX_PENDING):
        sent(requests)
    with pytest.raises(UsageError, match="unanswered"):
        sent(requests)
    requests.expire(9.0)
    late = [requests.answer(FIRST_REQ_ID + n, None).verdict for n in (0, MAX_PENDING - 1)]
    assert late == [Verdict.UNKNOWN, Verdict.LATE]
    for n in range(MAX_PENDING - FINISHED_KEPT, MAX_PENDING):
        requests.answer(FIRST_REQ_ID + n, None)
    assert requests.answer(FIRST_REQ_ID + MAX_PENDING - 1, None).verdict is Verdict.REPEATED


def test_connection_lost() -> None:
    """Nothing in flight will be answered any more, and what still comes under its number is unknown."""
    requests = Requests()
    number = sent(requests)
    assert [pending.req_id for pending in requests.lost()] == [number]
    assert requests.answer(number, None).verdict is Verdict.UNKNOWN


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["a", "b", None]), st.booleans()), max_size=40))
def test_every_part_is_answered_once(replies: list[tuple[int, str | None, bool]]) -> None:
    """Whatever replies come, no part of a request is taken for answered twice."""
    requests, answered = Requests(), list[tuple[int, str]]()
    numbers = [sent(requests, a="a", b="b") for _ in range(3)] + [FIRST_REQ_ID + 99]
    for which, name, refused in replies:
        answer = requests.answer(numbers[which], name, refused=refused)
        answered += [(which, part) for part in answer.about]
    assert len(answered) == len(set(answered))
