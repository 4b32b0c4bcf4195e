"""When to connect again: the waits of one connection, and the budget of all."""

from __future__ import annotations

import random
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.net.backoff import RESERVED, Backoff, ConnectGate, Waits
from krakenwire.net.pacing import BURST, RATE, SLOWEST, Pacer
from krakenwire.state.budget import Budget


def test_first_retry_is_soon_and_later_ones_wait_longer() -> None:
    """Each retry comes after anything from 0 to its step, and the last step repeats."""
    waits = Waits()
    for failures, most in enumerate([0.25, 1, 2, 4, 8, 16, 30, 30, 30]):
        drawn = []
        for seed in range(200):
            backoff = Backoff(waits, random.Random(seed))
            backoff.failures = failures
            drawn.append(backoff.next())
        assert 0 <= min(drawn) < 0.1 * most
        assert 0.9 * most < max(drawn) <= most


def test_useful_connection_begins_anew() -> None:
    """After a connection that was useful the next retry is a first one."""
    backoff = Backoff(Waits(), random.Random(1))
    for _ in range(9):
        backoff.next()
    backoff.useful()
    assert backoff.next() <= 0.25


def test_floor_is_kept() -> None:
    """During maintenance no retry comes before the floor."""
    backoff = Backoff(Waits(), random.Random(1))
    assert all(backoff.next(floor=5.0) >= 5.0 for _ in range(20))


@pytest.mark.fault("N17", "N22")
@given(st.lists(st.tuples(st.floats(0, 30), st.booleans()), max_size=400))
def test_budget_is_never_exceeded(steps: list[tuple[float, bool]]) -> None:
    """Whoever asks whenever: in no 600 s there are more than 100 attempts, nor more than 90 that are not private."""
    gate, now = ConnectGate(), 0.0
    made: list[tuple[float, bool]] = []
    for pause, private in steps:
        now += pause
        if gate.spend(now, private=private) == 0.0:
            made.append((now, private))
    for start, _ in made:
        window = [private for at, private in made if start <= at < start + 600]
        assert len(window) <= 100
        assert window.count(False) <= 100 - RESERVED


def test_private_attempts_are_left_when_public_ones_are_spent() -> None:
    """A public connection that flaps cannot keep a private one from connecting."""
    gate = ConnectGate()
    while gate.spend(1.0) == 0.0:
        pass
    assert gate.spend(1.0) == pytest.approx(600.0)
    assert gate.spend(1.0, private=True) == 0.0


@pytest.mark.fault("N17")
def test_clients_in_several_threads_share_one_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """However threads are interrupted while they ask, no more attempts are granted than the budget has."""
    free_at = Budget.free_at

    def interrupted(budget: Budget, now: float) -> float:
        found = free_at(budget, now)
        time.sleep(0.001)
        return found

    monkeypatch.setattr(Budget, "free_at", interrupted)
    gate = ConnectGate(limit=3)
    granted: list[float] = []
    threads = [
        threading.Thread(target=lambda: granted.append(gate.spend(1.0, private=True))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert granted.count(0.0) == gate.attempts == 3


@pytest.mark.fault("N6")
def test_hold_stops_everybody() -> None:
    """While Kraken wants no attempts there is none, private or not; then there is."""
    gate = ConnectGate()
    gate.hold(60.0)
    gate.hold(30.0)
    assert gate.spend(10.0) == 50.0
    assert gate.spend(10.0, private=True) == 50.0
    assert gate.spend(60.0) == 0.0


@pytest.mark.fault("S6")
def test_refusal_halves_the_rate_and_it_grows_back() -> None:
    """Each burst of refusals halves the rate, never below the slowest; without one it comes back, slowly."""
    pacer = Pacer()
    pacer.slow(100.0)
    pacer.slow(100.1)  # refused together
    assert pacer.rate == RATE / 2
    for second in range(20):
        pacer.slow(102.0 + 2 * second)
    assert pacer.rate == SLOWEST
    pacer.ready(160.0)
    assert SLOWEST < pacer.rate < RATE
    for second in range(160, 1000, 5):
        pacer.ready(float(second))
    assert pacer.rate == RATE


@given(st.lists(st.floats(0, 2), min_size=1, max_size=100))
def test_pace_is_kept(pauses: list[float]) -> None:
    """However they are asked for, requests never go faster than the burst and then the rate."""
    pacer, now, sent = Pacer(), 50.0, 0
    began = now
    for pause in pauses:
        now += pause
        ready = pacer.ready(now)
        pacer.spend(ready)
        sent += ready
        assert sent <= BURST + RATE * (now - began) + 1e-6
        now += pacer.wait(now) + 1e-6
        assert pacer.ready(now) >= 1
