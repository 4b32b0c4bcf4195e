"""`wire/numbers.py`: no number without bounds reaches a calculation."""

from __future__ import annotations

import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from krakenwire.wire.numbers import (
    MAX_DIGITS,
    Number,
    OptionalNumber,
    number_problem,
    numbers_problem,
    text_problem,
)


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


@pytest.mark.fault("J8", "J9")
@pytest.mark.parametrize("value", [True, None, [], {}, "1_0", " 1", "NaN", "1e99", 10**30, 1.5, "-"])
def test_texts(value: object) -> None:
    """What is kept as it came is a plain number within bounds, or it is refused."""
    assert text_problem(value) is not None


@pytest.mark.parametrize("value", ["1", "1.50", "1e-8", 7, "0.00000000"])
def test_texts_that_are_numbers(value: object) -> None:
    """Every spelling of a number that JSON has is taken."""
    assert text_problem(value) is None


class Leaf(Struct):
    """Holds a number."""

    qty: Decimal


class Tree(Struct):
    """Holds numbers in every way an entry can."""

    name: str
    price: Decimal | None = None
    one: Leaf | None = None
    many: tuple[Leaf, ...] | None = None
    cost_text: Any = 0
    cost = Number()
    fee_text: Any = None
    fee = OptionalNumber()


BAD = Decimal("1e99")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Tree("a"), None),
        (Tree("a", Decimal(1), Leaf(Decimal(2)), (Leaf(Decimal(3)),)), None),
        (Tree("a", price=BAD), "price: too large"),
        (Tree("a", cost_text="1.50", fee_text=7), None),
        (Tree("a", cost_text=None), "cost: expected a number, got NoneType"),
        (Tree("a", cost_text="1e99"), "cost: too large"),
        (Tree("a", fee_text="1_000"), "fee: not a number"),
        (Tree("a", one=Leaf(BAD)), "one.qty: too large"),
        (Tree("a", many=(Leaf(Decimal(1)), Leaf(BAD))), "many.qty: too large"),
    ],
)
def test_numbers_are_found_in_what_an_entry_holds(entry: Tree, reason: str | None) -> None:
    """The first bad number of an entry is named, also in a struct or a list of structs inside it."""
    assert numbers_problem(entry) == reason


def test_numbers_are_read_with_the_digits_received() -> None:
    """A number that is kept as it came is an exact decimal when it is read, and None where it was not said."""
    tree = Tree("a", cost_text="0.00100000")
    assert str(tree.cost) == "0.00100000"
    assert tree.fee is None
    assert str(Tree("a", fee_text=7).fee) == "7"


def test_a_name_of_a_number_is_no_field() -> None:
    """On the type itself the name stands for the way a number is read, and says which field holds it."""
    assert (Tree.cost.field, Tree.fee.field) == ("cost_text", "fee_text")
