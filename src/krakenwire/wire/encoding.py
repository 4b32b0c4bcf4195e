"""Messages, replies and requests back to the JSON that Kraken reads and writes.

Numbers keep their digits: `0.00000000` stays so and never becomes `0E-8`. This is the one place where a
secret becomes text.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import FieldInfo, fields

from krakenwire.errors import UsageError
from krakenwire.wire.numbers import number_problem, text_problem
from krakenwire.wire.secret import reveal_hook

_encoder = msgspec.json.Encoder(enc_hook=reveal_hook)
_fields = lru_cache(maxsize=256)(fields)


def encode(message: Struct) -> bytes:
    """A message, reply or request as compact JSON, tag first, what is not said left out.

    Raises: UsageError if a number is out of bounds, or one that is kept as text is none.
    """
    return _encoder.encode(_plain(message))


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return _number(value)
    if isinstance(value, Struct):
        return _object(value)
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return value


def _number(value: Decimal) -> Raw:
    """A number in plain notation. Its magnitude is bounded first: `1e999999999` has a billion digits."""
    if (reason := number_problem(value)) is not None:
        raise UsageError(reason, field="number")
    return Raw(format(value, "f"))


def _object(value: Struct) -> dict[str, Any]:
    config = value.__struct_config__
    made: dict[str, Any] = {} if config.tag_field is None else {config.tag_field: config.tag}
    for item in _fields(type(value)):
        held = getattr(value, item.name)
        if _left_out(item, held, omit=config.omit_defaults):
            continue
        if held is not None and item.type is Any and item.name.endswith("_text"):
            if (reason := text_problem(held)) is not None:
                raise UsageError(reason, field=item.encode_name)
            made[item.encode_name] = Raw(str(held))
        else:
            made[item.encode_name] = _plain(held)
    return made


def _left_out(item: FieldInfo, held: Any, *, omit: bool) -> bool:
    """Whether a field says nothing: None where None is the default, or any default of a type that omits."""
    if held is None:
        return not item.required
    return omit and item.default is not msgspec.NODEFAULT and bool(held == item.default)
