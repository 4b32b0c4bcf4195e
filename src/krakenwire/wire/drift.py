"""Schema drift: fields that Kraken sends and we do not know.

The public types are strict, so a new field is noticed at no cost: strict decoding fails. The frame is then
read with a permissive subclass, which skips what it does not know; `isinstance` holds, and nobody downstream
sees a difference.
"""

from __future__ import annotations

from functools import lru_cache, reduce
from operator import or_
from types import UnionType
from typing import Any, Union, get_args, get_origin

from msgspec import NODEFAULT, Struct, defstruct, field
from msgspec.structs import FieldInfo, fields

MAX_PATHS = 64
"""Paths listed of one frame, at most: a hostile frame may hold any number of unknown fields."""

MAX_NAME = 200
"""Characters kept of an unknown field's name."""


class DriftedField(Struct, frozen=True, forbid_unknown_fields=True):
    """A field that Kraken sent and no type of ours declares."""

    channel: str
    """The channel, or the method of a reply."""
    path: str
    """Where it stood, with `[]` for any element of a list: `data[].bids[].foo`."""


@lru_cache(maxsize=256)
def permissive(kind: type[Struct]) -> type[Struct]:
    """The subclass of a strict type that skips unknown fields, at every depth. Made once a type."""
    declared = fields(kind)
    hints = [_swapped(item.type) for item in declared]
    config = kind.__struct_config__
    # Order of fields changes if only some are declared again, so it is all of them or none.
    changed = any(hint != item.type for hint, item in zip(hints, declared, strict=True))
    again = [_again(item, hint) for item, hint in zip(declared, hints, strict=True)] if changed else []
    return defstruct(
        kind.__name__,
        again,
        bases=(kind,),
        module=kind.__module__,
        namespace={"__doc__": kind.__doc__},
        forbid_unknown_fields=False,
        tag=config.tag,
        tag_field=config.tag_field,
        kw_only=not kind.__match_args__,
    )


def _again(item: FieldInfo, hint: Any) -> tuple[str, Any, Any]:
    """The declaration of a field with another type and everything else as it was."""
    if item.default is not NODEFAULT:
        return item.name, hint, field(default=item.default, name=item.encode_name)
    if item.default_factory is not NODEFAULT:
        return item.name, hint, field(default_factory=item.default_factory, name=item.encode_name)
    return item.name, hint, field(name=item.encode_name)


def _swapped(hint: Any) -> Any:
    """A type hint with every strict struct replaced by its permissive subclass."""
    if isinstance(hint, type) and issubclass(hint, Struct):
        return permissive(hint)
    origin, parts = get_origin(hint), get_args(hint)
    if origin is tuple:
        return tuple[tuple(_swapped(part) for part in parts)]  # type: ignore[misc]
    if origin in (Union, UnionType):
        return reduce(or_, [_swapped(part) for part in parts])
    return hint


def unknown_fields(value: object, kind: type[Struct]) -> list[str]:
    """Paths of the fields in an untyped value that the type does not declare, each once, in order.

    Values of a wrong type are passed over: they are somebody else's finding.
    """
    found: dict[str, None] = {}
    _walk(value, kind, "", found)
    return list(found)


def _walk(value: object, kind: type[Struct], prefix: str, found: dict[str, None]) -> None:
    if not isinstance(value, dict):
        return
    known, tag = _declared(kind)
    for name, held in value.items():
        if len(found) >= MAX_PATHS:
            return
        if name == tag:
            continue
        if name not in known:
            found[f"{prefix}{str(name)[:MAX_NAME]}"] = None
            continue
        single, many = known[name]
        if isinstance(held, (list, tuple)):
            if many is not None:
                for part in held:
                    _walk(part, many, f"{prefix}{name}[].", found)
        elif single is not None:
            _walk(held, single, f"{prefix}{name}.", found)


@lru_cache(maxsize=256)
def _declared(
    kind: type[Struct],
) -> tuple[dict[str, tuple[type[Struct] | None, type[Struct] | None]], str | None]:
    """For each field: the struct it holds, and the struct it holds a list of. And the name of the tag."""
    known = {
        item.encode_name: (struct_in(item.type, many=False), struct_in(item.type, many=True))
        for item in fields(kind)
    }
    return known, kind.__struct_config__.tag_field


def struct_in(hint: Any, *, many: bool) -> type[Struct] | None:
    """The struct that a type hint allows: alone, or as the element of a tuple."""
    if isinstance(hint, type) and issubclass(hint, Struct):
        return None if many else hint
    origin = get_origin(hint)
    if origin is tuple:
        return struct_in(get_args(hint)[0], many=False) if many else None
    if origin in (Union, UnionType):
        for part in get_args(hint):
            if (inner := struct_in(part, many=many)) is not None:
                return inner
    return None
