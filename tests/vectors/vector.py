"""What a wire vector is: a frame and the message that it must decode to, digit for digit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from msgspec import Struct

DOCS = "the shape is from Kraken's documents, the values are ours"
RECORDED = "the shape is from recorded traffic, the values are ours"
OURS = "shape and values are ours"


@dataclass(frozen=True)
class Vector:
    """One frame, what it means, and where its shape comes from."""

    name: str
    frame: bytes
    message: Any
    origin: str


def digits(value: Any) -> Any:
    """The same value with every `Decimal` as its digits, so that 1.0 and 1.00 differ, and with the types
    named.
    """
    if isinstance(value, Decimal):
        return value.as_tuple()
    if isinstance(value, Struct):
        return (type(value), *(digits(getattr(value, name)) for name in value.__struct_fields__))
    if isinstance(value, (tuple, list)):
        return (type(value), *map(digits, value))
    return (type(value), value)
