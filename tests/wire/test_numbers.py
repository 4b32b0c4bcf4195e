"""`wire/numbers.py`: no number without bounds reaches a calculation."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from krakenwire.wire.numbers import MAX_DIGITS, number_problem, numbers_problem


@pytest.mark.fault("J9")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("0", None),
        ("0.00000000", None),
        ("-1", None),
        ("1e-24", None),
        ("9e24", None),
        ("0." + "1" * 24, None),
        ("9" * 25, None),
        ("1." + "0" * 39, None),
        ("NaN", "not finite"),
        ("sNaN", "not finite"),
        ("Infinity", "not finite"),
        ("-Infinity", "not finite"),
        ("1e25", "too large"),
        ("1e999999999", "too large"),
        ("9" * 26, "too large"),
        ("1e-25", "too small"),
        ("1e-999999999", "too small"),
        ("0e-30", "too small"),
        ("0e+30", "too large"),
        ("1." + "0" * 40, "more than 40 digits"),
        ("1." + "3" * 40, "more than 40 digits"),
    ],
)
def test_bounds(text: str, reason: str | None) -> None:
    """A number is usable if it is finite, has 40 digits at most and a magnitude of 10^-24 to 10^24."""
    assert number_problem(Decimal(text)) == reason


@pytest.mark.fault("J9")
@given(value=st.decimals(allow_nan=False, allow_infinity=False))
def test_usable_numbers_have_few_digits(value: Decimal) -> None:
    """What passes has no more digits than the bound says; whatever comes, nothing is raised."""
    if number_problem(value) is None:
        assert len(value.as_tuple().digits) <= MAX_DIGITS


@pytest.mark.fault("J9")
def test_a_million_digits_cost_nothing() -> None:
    """A number of a million digits is refused without listing its digits."""
    value = Decimal("1." + "1" * 1_000_000)
    start = time.perf_counter()
    assert number_problem(value) is not None
    assert time.perf_counter() - start < 0.5


class Leaf(Struct):
    """Holds a number."""

    qty: Decimal


class Tree(Struct):
    """Holds numbers in every way an entry can."""

    name: str
    price: Decimal | None = None
    one: Leaf | None = None
    many: tuple[Leaf, ...] | None = None


BAD = Decimal("1e99")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Tree("a"), None),
        (Tree("a", Decimal(1), Leaf(Decimal(2)), (Leaf(Decimal(3)),)), None),
        (Tree("a", price=BAD), "price: too large"),
        (Tree("a", one=Leaf(BAD)), "one.qty: too large"),
        (Tree("a", many=(Leaf(Decimal(1)), Leaf(BAD))), "many.qty: too large"),
    ],
)
def test_numbers_are_found_in_what_an_entry_holds(entry: Tree, reason: str | None) -> None:
    """The first bad number of an entry is named, also in a struct or a list of structs inside it."""
    assert numbers_problem(entry) == reason
