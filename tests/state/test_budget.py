"""`state/budget.py` and `state/liveness.py`: how often, and how long."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.errors import UsageError
from krakenwire.state.budget import Budget
from krakenwire.state.liveness import Liveness


@given(st.integers(1, 5), st.lists(st.floats(0, 30), max_size=60))
def test_never_more_than_the_limit_in_any_window(limit: int, waits: list[float]) -> None:
    """However the attempts lie, no window of the length holds more than the limit, and none is refused that would fit."""
    budget, now, spent = Budget(limit, 60.0), 0.0, list[float]()
    for wait in waits:
        now += wait
        fits = sum(now - then < 60.0 for then in spent) < limit
        assert budget.spend(now) == fits
        if fits:
            spent.append(now)
        assert budget.free_at(now) >= now


def test_free_at() -> None:
    """A spent budget says when the next one can be had."""
    budget = Budget(2, 60.0)
    assert (budget.spend(1.0), budget.spend(5.0), budget.spend(6.0)) == (True, True, False)
    assert budget.free_at(6.0) == 61.0


@pytest.mark.parametrize(("limit", "seconds"), [(0, 1.0), (1, 0.0), (1, math.nan)])
def test_no_budget_at_all(limit: int, seconds: float) -> None:
    """A budget that allows nothing is the caller's mistake."""
    with pytest.raises(UsageError):
        Budget(limit, seconds)


def test_quiet_then_dead() -> None:
    """Each silence is asked about once and given up once; a frame begins a new one."""
    watch = Liveness(quiet=3.0, dead=5.0, now=0.0)
    watch.watching = True
    assert watch.deadline == 3.0
    assert [watch.quiet(now) for now in (2.9, 3.0, 3.1)] == [False, True, False]
    assert watch.deadline == 5.0
    assert [watch.dead(now) for now in (4.9, 5.0, 9.0)] == [False, True, False]
    assert watch.deadline == math.inf
    watch.heard(9.0)
    assert (watch.deadline, watch.quiet(11.0), watch.dead(14.0)) == (12.0, False, True)


def test_nothing_watched() -> None:
    """Before anything is subscribed there is nothing to wait for."""
    watch = Liveness(quiet=3.0, dead=5.0, now=0.0)
    assert (watch.deadline, watch.quiet(99.0), watch.dead(99.0)) == (math.inf, False, False)
