"""`state/side.py` and `state/_side.c`: the compiled loop over a book's changes does what the one in Python does, to the last digit."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from copy import deepcopy
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state.ladder import Ladder
from krakenwire.state.side import COMPILED, PythonSide, Side
from krakenwire.wire.book import BookLevel
from tests.state.test_ladder import DECIMALS, LEVELS, ODD_LEVELS, SNAPSHOT_SIDES, plain

needs_compiled = pytest.mark.skipif(not COMPILED, reason="the compiled loop is not in use here")

_METHODS = {
    name: value
    for name, value in vars(Ladder).items()
    if name not in {"_decimals", "unknown_removals", "__slots__"}
}
PythonLadder: Any = type(
    "PythonLadder", (PythonSide,), _METHODS | {"__slots__": ("_decimals", "unknown_removals")}
)
"""A ladder whose loop is the one in Python."""

KEY_DIGITS = 18
"""A price with more digits than this is taken by the loop in Python only; the book reads it strictly then."""


def state(ladder: Ladder) -> dict[str, Any]:
    """All that a ladder remembers."""
    return Ladder.__getstate__(ladder)


def changed(ladder: Ladder, changes: tuple[BookLevel, ...]) -> bool | None:
    """What `change` returned; None if it gave up."""
    try:
        return ladder.change(changes)
    except (ValueError, TypeError, LookupError):
        return None


@needs_compiled
@pytest.mark.fault("J8", "J9", "J10", "B4")
@given(
    descending=st.booleans(),
    depth=st.sampled_from([3, 10, 12, 25]),
    decimals=st.sampled_from([DECIMALS, DECIMALS, (2, 2), (0, 3), None]),
    snapshot=SNAPSHOT_SIDES,
    messages=st.lists(st.lists(LEVELS | ODD_LEVELS, max_size=5).map(tuple), max_size=12),
)
def test_both_loops(
    descending: bool, depth: int, decimals: Any, snapshot: Any, messages: list[tuple[BookLevel, ...]]
) -> None:
    """After every message both loops have the same answer and the same state, or both gave up."""
    compiled: Ladder = Ladder(descending=descending, depth=depth)
    python: Ladder = PythonLadder(descending=descending, depth=depth)
    for ladder in (compiled, python):
        ladder.use(decimals)
        if decimals == DECIMALS:
            ladder.fill(snapshot[::-1] if descending else snapshot)
    assert state(compiled) == state(python)
    for changes in messages:
        found = changed(compiled, changes)
        assert found == changed(python, changes)
        assert state(compiled) == state(python)
        if found is None:
            # The book reads such a message again, strictly; a half changed side is not compared any further.
            return


@needs_compiled
@given(st.lists(st.tuples(st.integers(1, 2000), st.integers(0, 3)), max_size=60), st.sampled_from([10, 100]))
def test_long_sides(changes: list[tuple[int, int]], depth: int) -> None:
    """Deep sides are searched and cut alike, level by level."""
    compiled, python = Ladder(descending=True, depth=depth), PythonLadder(descending=True, depth=depth)
    levels = tuple(BookLevel(plain(10 * units, 1), plain(units, 3)) for units in range(150, 0, -1))
    for ladder in (compiled, python):
        ladder.use(DECIMALS)
        ladder.fill(levels)
    for price, qty in changes:
        change = (BookLevel(plain(price, 1), plain(qty, 3)),)
        before = deepcopy(python)
        if changed(python, change) is None:
            # A removal of what is not there: neither takes it.
            python = before
            copy = deepcopy(compiled)
            assert changed(compiled, change) is None
            compiled = copy
        else:
            compiled.change(change)
        assert state(compiled) == state(python)


@needs_compiled
def test_the_tenth_level() -> None:
    """The tenth level is covered by the checksum, the eleventh is not."""
    ladder = Ladder(descending=False, depth=25)
    ladder.use(DECIMALS)
    ladder.fill(tuple(BookLevel(plain(price, 1), "1.000") for price in range(1, 13)))
    before = ladder.text
    assert not ladder.change((BookLevel("1.1", "2.000"),))
    assert ladder.text == before
    assert ladder.change((BookLevel("1.0", "2.000"),))
    assert ladder.text == before.removesuffix(b"1000") + b"2000"


@needs_compiled
def test_a_key_of_64_bits() -> None:
    """The greatest price that the compiled loop takes has eighteen digits; one more it leaves to the strict way."""
    ladder = Ladder(descending=True, depth=10)
    ladder.use((2, 2))
    price = "9" * (KEY_DIGITS - 2) + ".99"
    assert ladder.change((BookLevel(price, "1.00"),))
    assert ladder.keys[0] == -int(price.replace(".", ""))
    with pytest.raises(ValueError, match="plain decimal"):
        ladder.change((BookLevel("1" + price, "1.00"),))


@needs_compiled
@pytest.mark.parametrize("changes", [None, [], "12", 5, ({},), (BookLevel("1.5", None),), (None,)])
def test_misuse(changes: Any) -> None:
    """Whatever the compiled loop is given, it raises a Python exception."""
    ladder = Ladder(descending=False, depth=10)
    ladder.use(DECIMALS)
    with pytest.raises((TypeError, AttributeError)):
        ladder.change(changes)


@needs_compiled
def test_a_side_without_lists() -> None:
    """A side that nobody has set up raises instead of reading memory that is not there."""
    with pytest.raises(TypeError):
        Side().change((BookLevel("1.5", "1.000"),))
    with pytest.raises(AttributeError):
        _ = Side().keys


@needs_compiled
def test_cycles_are_collected() -> None:
    """The garbage collector sees through a compiled side."""

    class Watched(Ladder):
        __slots__ = ("__weakref__",)

    ladder = Watched(descending=False, depth=10)
    ladder.levels.append(cast("BookLevel", ladder))
    gone = weakref.ref(ladder)
    del ladder
    gc.collect()
    assert gone() is None


@needs_compiled
def test_references_are_balanced() -> None:
    """A level that was set, replaced, removed or pushed out is referred to by nobody afterwards."""
    ladder = Ladder(descending=False, depth=2)
    ladder.use(DECIMALS)
    levels = [
        BookLevel(plain(price, 1), plain(qty, 3))
        for price, qty in ((10, 1), (20, 1), (10, 2), (5, 1), (5, 0))
    ]
    before = [sys.getrefcount(level) for level in levels]
    for level in levels:
        ladder.change((level,))
    del level
    ladder.use(DECIMALS)
    ladder.change((BookLevel("123456789.5", "1.000"),))
    key = ladder.keys[0]
    ladder.use(DECIMALS)
    other = int("1234567895")
    assert sys.getrefcount(key) == sys.getrefcount(other)
    assert [sys.getrefcount(level) for level in levels] == before


@pytest.mark.parametrize(("setting", "expected"), [("1", "False"), ("", str(COMPILED))])
def test_the_choice(setting: str, expected: str) -> None:
    """KRAKENWIRE_PURE_PYTHON chooses the loop in Python, in a new process."""
    printed = subprocess.run(
        [sys.executable, "-c", "from krakenwire.state.side import COMPILED; print(COMPILED)"],
        env=os.environ | {"KRAKENWIRE_PURE_PYTHON": setting},
        capture_output=True,
        text=True,
        check=True,
    )
    if not os.environ.get("KRAKENWIRE_PURE_PYTHON") or setting:
        assert printed.stdout.strip() == expected
