"""`state/sequence.py`: numbered messages come out in order, once, and every hole is declared."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from krakenwire.errors import UsageError
from krakenwire.state import sequence as module
from krakenwire.state.sequence import SequenceGap, SequenceResult, SequenceStatus, SequenceTracker

KEY = "executions"


def feed(tracker: SequenceTracker[int], *numbers: int, now: float = 0.0) -> list[SequenceResult[int]]:
    """Each number is its own message."""
    return [tracker.track(KEY, number, number, now=now) for number in numbers]


def test_messages_in_order_pass() -> None:
    """The first number seen is the base; each next one is released at once."""
    tracker = SequenceTracker[int]()
    assert feed(tracker, 7, 8, 9) == [SequenceResult((7,)), SequenceResult((8,)), SequenceResult((9,))]
    assert tracker.status() == {KEY: SequenceStatus(10, received=3, duplicates=0, gaps=0, buffered=0)}


@pytest.mark.fault("B2")
def test_duplicates_are_dropped_and_counted() -> None:
    """A number seen before is dropped, whether released already or still held."""
    tracker = SequenceTracker[int]()
    results = feed(tracker, 5, 5, 4, 7, 7, 6)
    assert [result.duplicate for result in results] == [False, True, True, False, True, False]
    assert [result.released for result in results] == [(5,), (), (), (), (), (6, 7)]
    assert tracker.duplicates == tracker.status()[KEY].duplicates == 3
    assert tracker.received == 6


def test_a_filled_hole_releases_in_order() -> None:
    """Messages that are ahead come out, in order, with the one that fills the hole before them."""
    tracker = SequenceTracker[int]()
    results = feed(tracker, 1, 5, 3, 4, 2)
    assert [result.released for result in results] == [(1,), (), (), (), (2, 3, 4, 5)]
    assert tracker.gaps == 0
    assert tracker.deadline is None


@pytest.mark.fault("B17")
def test_without_a_buffer_a_jump_is_a_gap_at_once() -> None:
    """With a limit of 0 the message after a hole is released in the call that declares the gap."""
    tracker = SequenceTracker[int](buffer_limit=0)
    *_, jumped, after = feed(tracker, 1, 2, 6, 7)
    assert jumped == SequenceResult((6,), gap=SequenceGap(KEY, expected=3, got=6))
    assert jumped.gap is not None
    assert jumped.gap.missing == 3
    assert after == SequenceResult((7,))
    assert tracker.gaps == tracker.status()[KEY].gaps == 1
    assert feed(tracker, 4) == [SequenceResult((), duplicate=True)]


@pytest.mark.fault("B17")
def test_a_full_buffer_declares_the_gap() -> None:
    """One message more than the buffer holds gives up the first hole, and only that one."""
    tracker = SequenceTracker[int](buffer_limit=2)
    *_, full = feed(tracker, 1, 3, 6, 4)
    assert full == SequenceResult((3, 4), gap=SequenceGap(KEY, expected=2, got=3))
    assert tracker.status()[KEY] == SequenceStatus(5, received=4, duplicates=0, gaps=1, buffered=1)
    assert feed(tracker, 5) == [SequenceResult((5, 6))]


@pytest.mark.fault("B17")
def test_messages_held_too_long_are_released() -> None:
    """`expire` gives up each hole whose messages waited long enough, and `deadline` says when to call it."""
    tracker = SequenceTracker[int](hold_seconds=5.0)
    feed(tracker, 1)
    feed(tracker, 3, now=10.0)
    feed(tracker, 7, now=12.0)
    deadlines = [tracker.deadline]
    assert tracker.expire(14.9) == ()
    assert tracker.expire(15.0) == (SequenceResult((3,), gap=SequenceGap(KEY, 2, 3)),)
    deadlines.append(tracker.deadline)
    assert tracker.expire(17.0) == (SequenceResult((7,), gap=SequenceGap(KEY, 4, 7)),)
    deadlines.append(tracker.deadline)
    assert deadlines == [15.0, 17.0, None]
    assert tracker.expire(99.0) == ()
    assert tracker.gaps == 2


def test_one_call_gives_up_every_hole_that_is_due() -> None:
    """Two holes, and two keys, that are due together are given up together, each with its own gap."""
    tracker = SequenceTracker[int]()
    feed(tracker, 1, 3, 5)
    tracker.track("balances", 1, 1)
    tracker.track("balances", 9, 9)
    gaps = [result.gap for result in tracker.expire(5.0)]
    assert gaps == [SequenceGap(KEY, 2, 3), SequenceGap(KEY, 4, 5), SequenceGap("balances", 2, 9)]


@pytest.mark.fault("B17")
@pytest.mark.parametrize("base", [1, 3, 4, 50])
def test_a_snapshot_is_a_new_base(base: int) -> None:
    """A snapshot is never a duplicate nor a gap, whatever its number; what was held before is obsolete."""
    tracker = SequenceTracker[int]()
    feed(tracker, 1, 2, 3, 5, 6)
    assert tracker.track(KEY, base, base, snapshot=True) == SequenceResult((base,))
    assert feed(tracker, base + 1) == [SequenceResult((base + 1,))]
    assert tracker.discarded == 2
    assert tracker.deadline is None


def test_reset_accepts_any_number() -> None:
    """After `reset` of its key or of all keys the next number is a base; counts stay."""
    tracker = SequenceTracker[int]()
    feed(tracker, 8, 9, 11)
    tracker.track("balances", 4, 4)
    tracker.reset(KEY)
    tracker.reset("never seen")
    assert tracker.status()[KEY] == SequenceStatus(None, received=3, duplicates=0, gaps=0, buffered=0)
    assert tracker.status()["balances"].expected == 5
    assert feed(tracker, 1) == [SequenceResult((1,))]
    tracker.reset_all()
    assert tracker.track("balances", 1, 1) == SequenceResult((1,))
    assert feed(tracker, 1) == [SequenceResult((1,))]
    assert (tracker.discarded, tracker.duplicates) == (1, 0)


def test_keys_are_independent() -> None:
    """Two channels with the same numbers do not touch each other."""
    tracker = SequenceTracker[str]()
    for number in (1, 2):
        assert tracker.track("executions", number, "e").released == ("e",)
        assert tracker.track(("book", "BTC/USD"), number, "b").released == ("b",)
    assert tracker.duplicates == 0


def test_keys_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages of a key too many are passed on and marked; forgetting a key makes room for another."""
    monkeypatch.setattr(module, "KEY_LIMIT", 2)
    tracker = SequenceTracker[int]()
    tracker.track("a", 1, 1)
    tracker.track("b", 1, 1)
    tracker.track("b", 3, 3)
    for _ in range(2):
        assert tracker.track("c", 1, 1) == SequenceResult((1,), tracked=False)
    assert (tracker.untracked, set(tracker.status())) == (2, {"a", "b"})
    tracker.forget("b")
    assert tracker.deadline is None
    assert tracker.track("c", 1, 1) == SequenceResult((1,))


@pytest.mark.parametrize("number", [-1, True, False, 1.0, "1", None])
def test_numbers_must_be_plain(number: Any) -> None:
    """A number that is no integer of 0 or more is the caller's mistake and changes nothing."""
    tracker = SequenceTracker[int]()
    with pytest.raises(UsageError, match="sequence"):
        tracker.track(KEY, number, 0)
    assert (tracker.received, tracker.status()) == (0, {})


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("buffer_limit", -1),
        ("buffer_limit", 1.5),
        ("buffer_limit", True),
        ("hold_seconds", 0.0),
        ("hold_seconds", -1.0),
        ("hold_seconds", float("nan")),
    ],
)
def test_options_are_checked(option: str, value: Any) -> None:
    """A limit that means nothing is refused by name."""
    with pytest.raises(UsageError, match=option):
        SequenceTracker[int](**{option: value})


class Model:
    """The rules in ten lines: a set of held numbers and the next one expected."""

    def __init__(self, limit: int) -> None:
        self.limit, self.expected, self.held = limit, -1, set[int]()

    def track(self, number: int, *, snapshot: bool) -> tuple[tuple[int, ...], bool, tuple[int, int] | None]:
        if snapshot or self.expected < 0:
            self.expected, self.held = number, set()
        if number < self.expected or number in self.held:
            return (), True, None
        self.held.add(number)
        start = self.expected if self.expected in self.held else min(self.held)
        gap = (self.expected, start) if start > self.expected else None
        if gap and len(self.held) <= self.limit:
            return (), False, None
        self.expected = next(n for n in range(start, start + len(self.held) + 1) if n not in self.held)
        released = tuple(range(start, self.expected))
        self.held -= set(released)
        return released, False, gap


class AgainstTheModel(RuleBasedStateMachine):
    """Any mix of messages, snapshots and resets does what the model says."""

    def __init__(self) -> None:
        super().__init__()
        self.tracker = SequenceTracker[int](buffer_limit=3, hold_seconds=2.0)
        self.model = Model(3)
        self.now = 0.0
        self.fed = 0
        self.out = 0

    @rule(step=st.integers(-4, 6), snapshot=st.sampled_from([False] * 9 + [True]))
    def message(self, step: int, snapshot: bool) -> None:
        number = max(0, self.model.expected + step)
        result = self.tracker.track(KEY, number, number, now=self.now, snapshot=snapshot)
        released, duplicate, gap = self.model.track(number, snapshot=snapshot)
        assert (result.released, result.duplicate) == (released, duplicate)
        assert (result.gap and (result.gap.expected, result.gap.got)) == gap
        self.fed += 1
        self.out += len(released)

    @rule()
    def reset(self) -> None:
        self.tracker.reset(KEY)
        self.model = Model(3)

    @rule(seconds=st.floats(0.0, 1.5))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.model.held)
    @rule()
    def everything_expires(self) -> None:
        self.now += 2.0
        results = self.tracker.expire(self.now)
        released = [number for result in results for number in result.released]
        assert released == sorted(self.model.held)
        assert all(result.gap and result.gap.got == result.released[0] for result in results)
        self.out += len(released)
        self.model.expected, self.model.held = released[-1] + 1, set()

    @invariant()
    def every_message_is_accounted_for(self) -> None:
        held = sum(status.buffered for status in self.tracker.status().values())
        assert held == len(self.model.held) <= 3
        assert (self.tracker.deadline is None) == (held == 0)
        assert self.fed == self.out + held + self.tracker.duplicates + self.tracker.discarded


TestAgainstTheModel = AgainstTheModel.TestCase


@pytest.mark.fault("B2", "B17")
@given(st.permutations(range(1, 12)), st.integers(0, 12))
def test_whatever_the_order_nothing_comes_out_twice(numbers: list[int], limit: int) -> None:
    """Released numbers rise strictly, and every number between two of them lies in a declared gap."""
    tracker = SequenceTracker[int](buffer_limit=limit)
    results = [tracker.track(KEY, 0, 0), *feed(tracker, *numbers), *tracker.expire(5.0)]
    said: list[int] = []
    for result in results:
        if result.gap is not None:
            said.extend(range(result.gap.expected, result.gap.got))
        said.extend(result.released)
    assert said == list(range(12))


@pytest.mark.fault("B17", "B2")
@given(st.lists(st.integers(-1, 8), max_size=30), st.sampled_from([0, 2]))
def test_advance_says_no_more_than_track(numbers: list[int], limit: int) -> None:
    """A number that `advance` takes is one that `track` would release alone, and the counts stay the same."""
    quick, plain = (SequenceTracker[int](buffer_limit=limit) for _ in range(2))
    for number in numbers:
        if quick.advance(KEY, number):
            assert plain.track(KEY, number, number) == SequenceResult((number,))
        elif number >= 0:
            assert quick.track(KEY, number, number) == plain.track(KEY, number, number)
        assert quick.status() == plain.status()
        assert quick.received == plain.received
