"""`state/side.py` and `state/_side.c`: the compiled loop over a book's changes does what the one in Python does, to the last digit."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from copy import deepcopy
from typing import Any, cast
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state.checksum import digits_of
from krakenwire.state.ladder import Ladder
from krakenwire.state.side import COMPILED, KEY_DIGITS, NO_KEY, OddToken, PythonSide, Side, apply
from krakenwire.wire.book import BookData, BookLevel
from krakenwire.wire.numbers import LossyText
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


def state(ladder: Ladder) -> dict[str, Any]:
    """All that a ladder remembers or says."""
    said = {
        "top": ladder.top,
        "best": ladder.best,
        "ten": ladder.ten,
        "before": ladder.before,
        "length": len(ladder),
    }
    return Ladder.__getstate__(ladder) | said


def changed(ladder: Ladder, changes: tuple[BookLevel, ...]) -> bool:
    """False, if `change` gave up."""
    try:
        ladder.change(changes)
    except (ValueError, TypeError, LookupError):
        return False
    return True


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
    """After every message both loops have the same state, or both gave up at the same level."""
    compiled: Ladder = Ladder(descending=descending, depth=depth)
    python: Ladder = PythonLadder(descending=descending, depth=depth)
    for ladder in (compiled, python):
        ladder.use(decimals)
        if decimals == DECIMALS:
            ladder.fill(snapshot[::-1] if descending else snapshot)
    assert state(compiled) == state(python)
    for changes in messages:
        taken = changed(compiled, changes)
        assert taken == changed(python, changes)
        if not taken:
            # The book reads such a message again, strictly; of a half changed side nothing but its levels is asked.
            assert (compiled.levels, compiled.before) == (python.levels, python.before)
            return
        assert state(compiled) == state(python)


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
        if not changed(python, change):
            # A removal of what is not there: neither takes it.
            python = before
            assert not changed(compiled, change)
        else:
            compiled.change(change)
        assert Ladder.__getstate__(compiled) == Ladder.__getstate__(python)


@needs_compiled
def test_the_tenth_level() -> None:
    """The tenth level is covered by the checksum, the eleventh is not."""
    ladder = Ladder(descending=False, depth=25)
    ladder.use(DECIMALS)
    ladder.fill(tuple(BookLevel(plain(price, 1), "1.000") for price in range(1, 13)))
    before = ladder.text
    ladder.change((BookLevel("1.1", "2.000"),))
    assert ladder.text == before
    ladder.change((BookLevel("1.0", "2.000"),))
    assert ladder.text == before.removesuffix(b"1000") + b"2000"


@pytest.mark.parametrize("kind", [Ladder, PythonLadder])
def test_a_key_of_64_bits(kind: type[Ladder]) -> None:
    """The greatest price that the fast way takes has eighteen digits; one more it leaves to the strict way."""
    ladder = kind(descending=True, depth=10)
    ladder.use((2, 2))
    price = "9" * (KEY_DIGITS - 2) + ".99"
    ladder.change((BookLevel(price, "1.00"),))
    assert ladder.best == -int(price.replace(".", ""))
    for odd in ("1" + price, "9" * KEY_DIGITS + ".99"):
        with pytest.raises(ValueError):  # noqa: PT011 (the two say it differently)
            ladder.change((BookLevel(odd, "1.00"),))
        assert not ladder.load((BookLevel(odd, "1.00"),))
        ladder.use((2, 2))


@pytest.mark.parametrize("kind", [Ladder, PythonLadder])
def test_lost_digits_are_no_plain_level(kind: type[Ladder]) -> None:
    """A snapshot of numbers that went through floats is read strictly, where it is remembered that they did."""
    ladder = kind(descending=False, depth=10)
    ladder.use(DECIMALS)
    for level in (BookLevel(LossyText("2.5"), "1.000"), BookLevel("2.5", LossyText("1.000"))):
        assert not ladder.load((BookLevel("1.5", "1.000"), level))
        with pytest.raises(OddToken):
            ladder.fill((level,))
        ladder.splice(0, False, level)
        assert ladder.best == -NO_KEY
        ladder.use(DECIMALS)


@needs_compiled
@pytest.mark.parametrize("changes", [None, [], "12", 5, ({},), (BookLevel("1.5", None),), (None,)])
def test_misuse(changes: Any) -> None:
    """Whatever the compiled loop is given, it raises a Python exception."""
    ladder = Ladder(descending=False, depth=10)
    ladder.use(DECIMALS)
    with pytest.raises((TypeError, AttributeError)):
        ladder.change(changes)


@needs_compiled
def test_a_side_that_nobody_has_set_up() -> None:
    """It raises, or is empty, instead of reading memory that is not there."""
    with pytest.raises(ValueError, match="plain decimal"):
        Side().change((BookLevel("1.5", "1.000"),))
    assert (len(Side()), Side().levels, Side().ten, Side().before, Side().top) == (0, [], [], [], None)
    for wrong in (-1, 0, 1):
        with pytest.raises(IndexError):
            Side()[wrong]
        with pytest.raises(IndexError):
            Side().splice(wrong, True, BookLevel("1.5", "1.000"))


@pytest.mark.fault("B4")
@given(
    asks=SNAPSHOT_SIDES,
    bids=SNAPSHOT_SIDES,
    messages=st.lists(
        st.tuples(st.lists(LEVELS, max_size=3), st.lists(LEVELS, max_size=3), st.none() | ODD_LEVELS),
        min_size=2,
        max_size=10,
    ),
)
def test_the_sum_of_both_sides(asks: Any, bids: Any, messages: list[Any]) -> None:
    """Whatever changed, the checksum is that of a library's CRC-32 over both texts, and what a failure needs is remembered."""
    ladders = [Ladder(descending=False, depth=12), Ladder(descending=True, depth=12)]
    for ladder, snapshot in zip(ladders, (asks, bids[::-1]), strict=True):
        ladder.use(DECIMALS)
        ladder.fill(snapshot)
    for *both, odd in messages:
        sides = []
        for ladder, levels in zip(ladders, both, strict=True):
            prices = {level.price_text for level in ladder.levels}
            # Removals of what is not there are odd; too many of them, and nothing else would be tried.
            sides.append(tuple(level for level in levels if level.qty > 0 or level.price_text in prices))
        data = BookData("X/Y", sides[1], sides[0] if odd is None else (*sides[0], odd))
        tens = [ladder.ten for ladder in ladders]
        try:
            found = apply(ladders[0], ladders[1], data)
        except (ValueError, TypeError, LookupError):
            found = None
        for ladder, ten, changes in zip(ladders, tens, (data.asks, data.bids), strict=True):
            assert (ladder.before if changes else ladder.ten) == ten
            if found is None:
                # Only half of the message has been done; the book would read it again, strictly.
                ladder.fill(tuple(ladder.levels))
        texts = [[digits_of(level.price_text, level.qty_text) for level in ladder.ten] for ladder in ladders]
        assert [ladder.text.decode() for ladder in ladders] == ["".join(text) for text in texts]
        assert found is None or found == crc32(ladders[0].text + ladders[1].text)


@pytest.mark.parametrize("kind", [Ladder, PythonLadder])
def test_the_strict_way_and_the_fast_way_in_turns(kind: type[Ladder]) -> None:
    """A level put strictly is found by the fast way, and one that the fast way cannot compare keeps it out until the next snapshot."""
    ladder = kind(descending=False, depth=10)
    ladder.use(DECIMALS)
    ladder.put(BookLevel("2.0", "1.000"))
    ladder.look()
    ladder.change((BookLevel("1.0", "3.000"), BookLevel("2.0", "2.000")))
    assert (ladder.text, ladder.best) == (b"103000202000", 10)
    ladder.put(BookLevel("5", "1.000"))
    ladder.look()
    assert (ladder.text, ladder.best) == (b"10300020200051000", -NO_KEY)
    with pytest.raises(ValueError):  # noqa: PT011 (the two say it differently)
        ladder.change((BookLevel("2.0", "0.000"),))
    assert ladder.levels == [BookLevel("1.0", "3.000"), BookLevel("2.0", "2.000"), BookLevel("5", "1.000")]
    ladder.fill((BookLevel("7.0", "1.000"),))
    assert (ladder.text, ladder.best) == (b"701000", 70)


@needs_compiled
def test_cycles_are_collected() -> None:
    """The garbage collector sees through a compiled side."""

    class Watched(Ladder):
        __slots__ = ("__weakref__",)
        price_text = qty_text = "odd"

    ladder = Watched(descending=False, depth=10)
    ladder.load((cast("BookLevel", ladder),))
    gone = weakref.ref(ladder)
    del ladder
    gc.collect()
    assert gone() is None


@needs_compiled
def test_references_are_balanced() -> None:
    """A level that was set, replaced, removed, pushed out or remembered is referred to by nobody afterwards."""
    ladder = Ladder(descending=False, depth=2)
    ladder.use(DECIMALS)
    levels = [
        BookLevel(plain(price, 1), plain(qty, 3))
        for price, qty in ((10, 1), (20, 1), (10, 2), (5, 1), (5, 0))
    ]
    before = [sys.getrefcount(level) for level in levels]
    for level in levels:
        ladder.change((level,))
    ladder.change(tuple(levels))
    ladder.load((levels[3], levels[0]))
    ladder.splice(0, True, levels[1])
    ladder.splice(0, False, levels[3])
    ladder.splice(1, True, None)
    ladder.cut()
    assert (len(ladder.levels), len(ladder.ten), len(ladder.before), ladder[0], ladder.top) == (
        2,
        2,
        0,
        levels[3],
        levels[3],
    )
    del level
    ladder.use(DECIMALS)
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
