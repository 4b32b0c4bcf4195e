"""Whatever a message or request says, its frame says too, digit for digit, and reading the frame gives it back."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import fields, replace

from krakenwire.errors import UsageError
from krakenwire.wire.codec import CHANNELS, METHODS, decode, encode
from krakenwire.wire.control import ErrorNotice
from krakenwire.wire.enums import OpenEnum
from krakenwire.wire.numbers import number_problem
from tests.vectors import control, orders
from tests.vectors.samples import FRAMES
from tests.vectors.vector import Vector, digits

KINDS: dict[str, type[Struct]] = {**CHANNELS, **METHODS, "error notice": ErrorNotice}

# As on the wire: never an exponent, any number of trailing zeros.
NUMBERS = st.builds(
    lambda units, places: Decimal(units).scaleb(-places),
    st.integers(-(10**12), 10**20) | st.integers(0, 100),
    st.integers(0, 18),
).filter(lambda number: number_problem(number) is None)
NUMBER_TEXTS = NUMBERS.map("{:f}".format)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    Decimal: NUMBERS,
    # The text of a number that is kept as it came.
    Any: NUMBER_TEXTS,
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**64 - 1),
    str: TEXTS,
    type(None): st.none(),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type hint of the wire types."""
    if hint in PLAIN:
        return PLAIN[hint]
    if isinstance(hint, type) and issubclass(hint, OpenEnum):
        return st.sampled_from(hint) | TEXTS.map(hint)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return messages(hint)
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=2).map(tuple)
    return st.one_of([values(part) for part in get_args(hint)])


def messages(kind: type[Struct]) -> st.SearchStrategy[Any]:
    """Objects of a wire type, optional fields sometimes left out."""
    required = {item.name: values(item.type) for item in fields(kind) if item.required}
    optional = {item.name: values(item.type) for item in fields(kind) if not item.required}
    if kind is ErrorNotice:
        required["error"] = optional.pop("error").filter(lambda text: text is not None)
    return st.fixed_dictionaries(required, optional=optional).map(lambda named: kind(**named))


@pytest.mark.fault("J10")
@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_every_type(name: str, data: st.DataObject) -> None:
    """Any message or reply of any type is read back from its own frame with every digit, zero and unknown value."""
    kind = KINDS[name]
    message = data.draw(messages(kind))
    frame = encode(message)
    again = msgspec.json.Decoder(kind, float_hook=str).decode(frame)
    assert read(again) == read(message)
    # A number that is kept as text and has no point comes back as an integer; its digits are the same.
    assert (type(again), encode(again)) == (type(message), frame)


def read(value: Any) -> Any:
    """A message digit for digit, as a program reads it: numbers that are kept as they came as decimals."""
    if isinstance(value, tuple):
        return [read(part) for part in value]
    if not isinstance(value, Struct):
        return digits(value)
    names = [name.removesuffix("_text") for name in value.__struct_fields__]
    return (type(value), *(read(getattr(value, name)) for name in names))


@pytest.mark.fault("J10")
@pytest.mark.parametrize(
    "text", ["0.00100000", "0.00000001", "100", "100.0", "1.50", "123456789012.12345678", "0.1"]
)
@pytest.mark.parametrize("channel", ["book", "level3", "ticker", "trade", "ohlc", "executions", "balances"])
def test_digits_of_every_channel(channel: str, text: str) -> None:
    """`0.00100000` stays so and never becomes `1E-3`, in every place that holds a number, and in what is written again."""
    tree = json.loads(FRAMES[channel], parse_float=Decimal)
    changed = _with_numbers(tree, text)
    frame = msgspec.json.Encoder(decimal_format="number").encode(changed)
    again = encode(decode(frame))
    assert frame.count(text.encode()) == again.count(text.encode()) > 0
    written = json.loads(again, parse_float=str, parse_int=str)
    assert written == json.loads(frame, parse_float=str, parse_int=str)


def _with_numbers(tree: Any, text: str) -> Any:
    """The tree with every decimal number replaced."""
    if isinstance(tree, dict):
        return {name: _with_numbers(held, text) for name, held in tree.items()}
    if isinstance(tree, list):
        return [_with_numbers(part, text) for part in tree]
    return msgspec.Raw(text.encode()) if isinstance(tree, Decimal) else tree


def replaced(value: Any, numbers: Any) -> Any:
    """A request with other numbers in it."""
    if isinstance(value, Decimal):
        return next(numbers)
    if isinstance(value, tuple):
        return tuple(replaced(part, numbers) for part in value)
    if isinstance(value, Struct) and value.__struct_fields__:
        return replace(
            value, **{name: replaced(getattr(value, name), numbers) for name in value.__struct_fields__}
        )
    return value


def decimals_in(value: Any) -> list[Decimal]:
    """Every decimal of a request, in the order of its fields."""
    if isinstance(value, Decimal):
        return [value]
    if isinstance(value, tuple):
        return [number for part in value for number in decimals_in(part)]
    if isinstance(value, Struct):
        return [n for name in value.__struct_fields__ for n in decimals_in(getattr(value, name))]
    return []


WITH_NUMBERS = [vector for vector in orders.REQUESTS if decimals_in(vector.message)]


@pytest.mark.parametrize("vector", WITH_NUMBERS, ids=lambda vector: vector.name)
@given(data=st.data())
def test_requests_keep_their_digits(vector: Vector, data: st.DataObject) -> None:
    """Every price and quantity of a request is written in plain notation with exactly the caller's digits."""
    count = len(decimals_in(vector.message))
    numbers = data.draw(st.lists(NUMBERS.filter(lambda n: n > 0), min_size=count, max_size=count))
    try:
        request = replaced(vector.message, iter(numbers))
    except UsageError:
        assume(False)
    written: list[str] = []
    json.loads(encode(request), parse_float=written.append, parse_int=written.append)
    assert Counter(f"{number:f}" for number in numbers) <= Counter(written)
    assert not any("e" in text.lower() for text in written)


def test_every_type_is_tried() -> None:
    """The types above are those of all ten channels and of all replies that the vectors know."""
    assert len(CHANNELS) == 10
    assert {vector.message.__struct_config__.tag for vector in control.REPLY_VECTORS} <= set(KINDS) | {None}
