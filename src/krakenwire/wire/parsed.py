"""Frames that a caller has parsed already, brought back to the text they came from as far as possible."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from krakenwire.wire.book import BookData, BookLevel, Level3Data, Level3Order
from krakenwire.wire.numbers import LossyText, NumberText, number_problem

_encoder = msgspec.json.Encoder()

# Integers beyond 64 bits go the way of the decimals, whose size is bounded: the encoder takes none.
_SMALLEST, _LARGEST = -(2**63), 2**64 - 1


def prepare(value: Any) -> Any:
    """The same tree with every number as text: exact for `Decimal`, marked `LossyText` for `float`.

    Raises: ValueError for a key that is no text, or a value that no JSON holds.
    """
    if isinstance(value, int) and not _SMALLEST <= value <= _LARGEST:
        value = Decimal(value)
    if value is None or isinstance(value, (bool, int)) or type(value) is str:
        return value
    if isinstance(value, str):
        return value if isinstance(value, NumberText) else str.__str__(value)
    if isinstance(value, float):
        # What is not finite has no JSON number. As a plain text it is refused where a number is wanted.
        return LossyText(repr(float(value))) if math.isfinite(value) else "NaN"
    if isinstance(value, Decimal):
        return NumberText(format(value, "f")) if number_problem(value) is None else "NaN"
    if isinstance(value, (list, tuple)):
        return [prepare(part) for part in value]
    if isinstance(value, Mapping):
        if any(not isinstance(name, str) for name in value):
            raise ValueError("a key is not a text")
        return {str(name): prepare(held) for name, held in value.items()}
    raise ValueError(f"no JSON holds a {type(value).__name__}")


def to_json(tree: Any) -> bytes:
    """A tree of plain values and number texts as JSON, every number with the digits of its text."""
    return _encoder.encode(_raw(tree))


def _raw(tree: Any) -> Any:
    if isinstance(tree, NumberText):
        return Raw(str.encode(tree))
    if isinstance(tree, list):
        return [_raw(part) for part in tree]
    if isinstance(tree, dict):
        return {name: _raw(held) for name, held in tree.items()}
    return tree


def marked(entry: Struct, tree: Any) -> Struct:
    """A book entry whose level texts are marked as lossy where the tree's numbers are."""
    if isinstance(entry, BookData):
        return replace(entry, bids=_levels(entry.bids, tree["bids"]), asks=_levels(entry.asks, tree["asks"]))
    if isinstance(entry, Level3Data):
        return replace(entry, bids=_orders(entry.bids, tree["bids"]), asks=_orders(entry.asks, tree["asks"]))
    return entry


def _levels(levels: tuple[BookLevel, ...], trees: list[Any]) -> tuple[BookLevel, ...]:
    return tuple(
        replace(
            level,
            price_text=_mark(level.price_text, tree["price"]),
            qty_text=_mark(level.qty_text, tree["qty"]),
        )
        for level, tree in zip(levels, trees, strict=True)
    )


def _orders(orders: tuple[Level3Order, ...], trees: list[Any]) -> tuple[Level3Order, ...]:
    return tuple(
        replace(
            order,
            limit_price_text=_mark(order.limit_price_text, tree["limit_price"]),
            order_qty_text=_mark(order.order_qty_text, tree["order_qty"]),
        )
        for order, tree in zip(orders, trees, strict=True)
    )


def _mark(text: Any, origin: Any) -> Any:
    return origin if isinstance(origin, LossyText) else text
