"""Bounds of the numbers we use. JSON has none, and `Decimal` hardly any: `1e999999999` is legal in both.

A number is usable if it is finite, has at most 40 significant digits, and its first digit stands between
10^-24 and 10^24. Real prices and quantities need half of that. Whatever lies outside is refused before
anybody calculates with it.
"""

from __future__ import annotations

import re
from decimal import Context, Decimal, Inexact, InvalidOperation, Rounded
from functools import lru_cache
from typing import NamedTuple, Self, get_args, overload

from msgspec import Struct
from msgspec.structs import fields

MAX_DIGITS = 40
MAX_EXPONENT = 24

NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
"""How a number is written, also where it comes as a string."""

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


class Number:
    """A number of an entry, exact, with the digits received: `price = Number()` reads the field `price_text`.

    The field holds the number as it came: as text, or as an integer where it has neither point nor exponent. Most numbers are never
    looked at, and one pattern over their texts proves that they can be used, for less than it takes to make decimals of them.
    """

    __slots__ = ("field",)

    def __set_name__(self, owner: type, name: str) -> None:
        self.field = f"{name}_text"

    @overload
    def __get__(self, entry: None, kind: type) -> Self: ...
    @overload
    def __get__(self, entry: Struct, kind: type) -> Decimal: ...
    def __get__(self, entry: Struct | None, kind: type) -> Self | Decimal:
        return self if entry is None else Decimal(getattr(entry, self.field))


class OptionalNumber:
    """As `Number`, of a field that may be None: not said."""

    __slots__ = ("field",)

    def __set_name__(self, owner: type, name: str) -> None:
        self.field = f"{name}_text"

    @overload
    def __get__(self, entry: None, kind: type) -> Self: ...
    @overload
    def __get__(self, entry: Struct, kind: type) -> Decimal | None: ...
    def __get__(self, entry: Struct | None, kind: type) -> Self | Decimal | None:
        if entry is None:
            return self
        text = getattr(entry, self.field)
        return None if text is None else Decimal(text)


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


def text_problem(value: object) -> str | None:
    """Why a number that is kept as it came cannot be used, or None."""
    if type(value) is int:
        return number_problem(Decimal(value))
    if not isinstance(value, str):
        return f"expected a number, got {type(value).__name__}"
    return number_problem(Decimal(value)) if NUMBER.fullmatch(value) else "not a number"


def numbers_problem(entry: Struct) -> str | None:
    """The first number in an entry, or in what it holds, that cannot be used: `path: reason`, or None."""
    plan = _plan(type(entry))
    for name in plan.decimals:
        value = getattr(entry, name)
        if value is not None and (reason := number_problem(value)) is not None:
            return f"{name}: {reason}"
    for name, optional in plan.texts.items():
        value = getattr(entry, f"{name}_text")
        if not (optional and value is None) and (reason := text_problem(value)) is not None:
            return f"{name}: {reason}"
    for name in plan.nested:
        held = getattr(entry, name)
        for part in held if isinstance(held, tuple) else (held,):
            if isinstance(part, Struct) and (reason := numbers_problem(part)) is not None:
                return f"{name}.{reason}"
    return None


class _Plan(NamedTuple):
    """Where the numbers of a type are."""

    decimals: tuple[str, ...]
    """Fields that hold decimals."""
    texts: dict[str, bool]
    """Names of the numbers that are kept as they came, and whether each may be None."""
    nested: tuple[str, ...]
    """Fields that hold further structs."""


@lru_cache(maxsize=128)
def _plan(kind: type[Struct]) -> _Plan:
    """Read from the types once."""
    decimals, nested = [], []
    for declared in fields(kind):
        held = _flat(declared.type)
        if Decimal in held:
            decimals.append(declared.name)
        elif any(isinstance(part, type) and issubclass(part, Struct) for part in held):
            nested.append(declared.name)
    return _Plan(tuple(decimals), texts_of(kind), tuple(nested))


def texts_of(kind: type[Struct]) -> dict[str, bool]:
    """Names of the numbers that entries of a type keep as they came, and whether each may be None."""
    return {
        name: isinstance(held, OptionalNumber)
        for base in reversed(kind.__mro__)
        for name, held in vars(base).items()
        if isinstance(held, (Number, OptionalNumber))
    }


def _flat(hint: object) -> tuple[object, ...]:
    """Every type that a type hint is made of."""
    parts = get_args(hint)
    return tuple(inner for part in parts for inner in _flat(part)) if parts else (hint,)
