"""Data frames entry by entry: the good ones are kept, the bad ones named."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import fields, replace

from krakenwire.wire.drift import struct_in
from krakenwire.wire.enums import MessageType
from krakenwire.wire.parsed import marked, to_json
from krakenwire.wire.screening import Frame, RejectedEntry, entry_problem, symbol_of

_Lists = dict[str, tuple[list[Any], type[Struct]]]


@lru_cache(maxsize=256)
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind, float_hook=str)


def read_message(
    channel: str, kind: type[Struct], value: dict[str, Any], frame: Frame
) -> tuple[Any, tuple[RejectedEntry, ...]]:
    """The message with every entry that can be used, and the entries that cannot.

    `value` is the same frame untyped. The message is None if its envelope is wrong or no entry is left.
    """
    try:
        message = _decoder(kind).decode(frame)
        failure = None
    except (ValueError, RecursionError) as error:
        message, failure = None, str(error)
    if "data" not in kind.__struct_fields__:
        return message, () if failure is None else (RejectedEntry(channel, None, failure),)
    if value.get("type") not in ("snapshot", "update"):
        return None, _all(channel, value, "type: neither snapshot nor update")
    lists = _lists(kind, value.get("data"))
    if lists is None:
        return None, (RejectedEntry(channel, None, failure or "data: not a list"),)
    empty: Any = {name: [] for name in lists} if isinstance(value["data"], dict) else []
    try:
        envelope = _decoder(kind).decode(to_json({**value, "data": empty}))
    except (ValueError, RecursionError) as error:
        return None, _all(channel, value, str(error))
    return _entries(channel, envelope, lists, message)


def _entries(
    channel: str, envelope: Any, lists: _Lists, message: Any
) -> tuple[Any, tuple[RejectedEntry, ...]]:
    """An envelope filled with the entries that can be used. `message` is the whole frame, if it decoded."""
    good: dict[str, tuple[Any, ...]] = {}
    rejected: list[RejectedEntry] = []
    index = 0
    for name, (trees, kind) in lists.items():
        typed = None if message is None else getattr(message.data, name) if name else message.data
        kept = []
        for place, tree in enumerate(trees):
            entry, reason = _entry(tree, kind, envelope.type, None if typed is None else typed[place])
            if entry is None:
                rejected.append(RejectedEntry(channel, symbol_of(tree), reason, index))
            else:
                kept.append(entry)
            index += 1
        good[name] = tuple(kept)
    if rejected and not any(good.values()):
        return None, tuple(rejected)
    data = good[""] if "" in good else replace(envelope.data, **good)
    return replace(envelope, data=data), tuple(rejected)


def _entry(tree: Any, kind: type[Struct], message_type: MessageType, entry: Any) -> tuple[Any, str]:
    """An entry that can be used, or None and the reason."""
    try:
        found = _decoder(kind).decode(to_json(tree)) if entry is None else entry
        reason = entry_problem(found, tree, message_type)
    except (ValueError, RecursionError) as error:
        return None, str(error)
    return (marked(found, tree), "") if reason is None else (None, reason)


def _lists(kind: type[Struct], data: Any) -> _Lists | None:
    """The lists of entries in `data` and the type of each. The name is empty where `data` is the list."""
    layout = _layout(kind)
    if "" in layout:
        return {"": (data, layout[""])} if isinstance(data, list) else None
    if not isinstance(data, dict) or not all(isinstance(data.get(name), list) for name in layout):
        return None
    return {name: (data[name], inner) for name, inner in layout.items()}


@lru_cache(maxsize=64)
def _layout(kind: type[Struct]) -> dict[str, type[Struct]]:
    """Names of the lists in `data` and the type of their entries. Read from the types once."""
    hint = next(item.type for item in fields(kind) if item.name == "data")
    element = struct_in(hint, many=True)
    if element is not None:
        return {"": element}
    holder = struct_in(hint, many=False)
    inner = {item.name: struct_in(item.type, many=True) for item in fields(holder)} if holder else {}
    return {name: kind for name, kind in inner.items() if kind is not None}


def _all(channel: str, value: dict[str, Any], reason: str) -> tuple[RejectedEntry, ...]:
    """Every entry refused, with the symbols found; one refusal of the frame if there are none."""
    data = value.get("data")
    trees = data if isinstance(data, list) else []
    found = tuple(RejectedEntry(channel, symbol_of(tree), reason, index) for index, tree in enumerate(trees))
    return found or (RejectedEntry(channel, None, reason),)
