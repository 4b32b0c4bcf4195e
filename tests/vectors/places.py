"""Every place inside the sample frames that holds a value: where it is, what stands there, and whether it may be missing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import fields

from krakenwire.wire.codec import CHANNELS
from krakenwire.wire.enums import OpenEnum
from tests.vectors.samples import FRAMES


@dataclass(frozen=True)
class Place:
    """One value of an entry of a sample frame."""

    channel: str
    path: tuple[str | int, ...]
    what: str
    """`number`, `integer`, `flag`, `enum` or `text`."""
    required: bool
    nullable: bool
    """Whether `null` is as good as leaving it out."""

    @property
    def name(self) -> str:
        """The field's name on the wire."""
        return str(self.path[-1])

    def __str__(self) -> str:
        return ".".join(map(str, (self.channel, *self.path[1:])))


def _walk(channel: str, kind: type[Struct], tree: Any, path: tuple[str | int, ...]) -> Iterator[Place]:
    for item in fields(kind):
        if item.encode_name not in tree:
            continue
        held, here = tree[item.encode_name], (*path, item.encode_name)
        parts = _flat(item.type)
        inner = next((part for part in parts if isinstance(part, type) and issubclass(part, Struct)), None)
        if inner is None:
            yield Place(channel, here, _what(parts), item.required, type(None) in parts)
        elif isinstance(held, dict):
            yield from _walk(channel, inner, held, here)
        elif held:
            yield from _walk(channel, inner, held[0], (*here, 0))


def _what(parts: list[Any]) -> str:
    if any(isinstance(part, type) and issubclass(part, OpenEnum) for part in parts):
        return "enum"
    if Decimal in parts or Any in parts:
        return "number"
    return "flag" if bool in parts else "integer" if int in parts else "text"


def _flat(hint: Any) -> list[Any]:
    return [inner for part in get_args(hint) for inner in _flat(part)] or [hint]


PLACES = [
    place
    for channel, frame in FRAMES.items()
    if channel != "heartbeat"
    for place in _walk(channel, CHANNELS[channel], json.loads(frame), ())
    if place.path[0] == "data"
]
"""Every place within `data` of every sample frame."""
