"""Bounds of the numbers we use. JSON has none, and `Decimal` hardly any: `1e999999999` is legal in both.

A number is usable if it is finite, has at most 40 significant digits, and its first digit stands between
10^-24 and 10^24. Real prices and quantities need half of that. Whatever lies outside is refused before
anybody calculates with it.
"""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, InvalidOperation, Rounded
from functools import lru_cache
from typing import get_args

from msgspec import Struct
from msgspec.structs import fields

MAX_DIGITS = 40
MAX_EXPONENT = 24

# `plus` in this context raises instead of rounding, so it tells the number of digits without listing them.
_FORTY_DIGITS = Context(prec=MAX_DIGITS, traps=[InvalidOperation, Inexact, Rounded])


class NumberText(str):
    """The text of a JSON number, told apart from a JSON string that looks like one."""

    __slots__ = ()


class LossyText(NumberText):
    """The text of a number that was a binary float before it came here, so its trailing zeros are lost.

    Nothing can be proven with it unless the precision of the instrument gives the zeros back.
    """

    __slots__ = ()


def number_problem(value: Decimal) -> str | None:
    """Why a number cannot be used, or None."""
    if not value.is_finite():
        return "not finite"
    place = value.adjusted()
    if not -MAX_EXPONENT <= place <= MAX_EXPONENT:
        return "too large" if place > 0 else "too small"
    try:
        _FORTY_DIGITS.plus(value)
    except (Inexact, Rounded):
        return f"more than {MAX_DIGITS} digits"
    return None


def numbers_problem(entry: Struct) -> str | None:
    """The first number in an entry, or in what it holds, that cannot be used: `path: reason`, or None."""
    numbers, nested = _plan(type(entry))
    for name in numbers:
        value = getattr(entry, name)
        if value is not None and (reason := number_problem(value)) is not None:
            return f"{name}: {reason}"
    for name in nested:
        held = getattr(entry, name)
        for part in held if isinstance(held, tuple) else (held,):
            if isinstance(part, Struct) and (reason := numbers_problem(part)) is not None:
                return f"{name}.{reason}"
    return None


@lru_cache(maxsize=128)
def _plan(kind: type[Struct]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which fields of a type hold numbers, and which hold further structs. Read from the types once."""
    numbers, nested = [], []
    for declared in fields(kind):
        held = _flat(declared.type)
        if Decimal in held:
            numbers.append(declared.name)
        elif any(isinstance(part, type) and issubclass(part, Struct) for part in held):
            nested.append(declared.name)
    return tuple(numbers), tuple(nested)


def _flat(hint: object) -> tuple[object, ...]:
    """Every type that a type hint is made of."""
    parts = get_args(hint)
    return tuple(inner for part in parts for inner in _flat(part)) if parts else (hint,)
