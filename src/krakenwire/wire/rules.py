"""Rules that requests must keep, checked when a request is made.

A wrong request costs a round trip and, for orders, a rate-limit point, so what Kraken's documents state
firmly is refused here, in the caller's own stack frame. Each function checks one field of a request under
construction and stores its normal form.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr

from krakenwire.errors import UsageError
from krakenwire.wire.enums import OpenEnum
from krakenwire.wire.numbers import number_problem
from krakenwire.wire.secret import Secret
from krakenwire.wire.timestamps import parse_ns

MAX_REQ_ID = 2**53 - 1
"""Kraken gives no limit; up to here every JSON reader keeps the digits."""

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")
_UUID_PLAIN = re.compile(r"[0-9a-fA-F]{32}")
_FREE_TEXT = re.compile(r"[ -~]{1,18}")


def require(condition: object, field: str, rule: str) -> None:
    """Raises: UsageError naming the field and the rule, unless the condition holds."""
    if not condition:
        raise UsageError(rule, field=field)


def check_number(request: Struct, field: str, *, positive: bool = False) -> None:
    """An exact number; a float has already lost digits. `positive` excludes zero too."""
    value = getattr(request, field)
    if value is None:
        return
    if not isinstance(value, Decimal):
        lost = ", whose digits are already lost" if isinstance(value, float) else ""
        raise UsageError(f"must be a Decimal, not a {type(value).__name__}{lost}", field=field)
    problem = number_problem(value)
    require(problem is None, field, f"cannot be used: {problem}")
    require(not positive or value > 0, field, "must be greater than 0")


def check_choice(request: Struct, field: str, choices: type[OpenEnum], *, required: bool = False) -> None:
    """A value that Kraken documents; a plain text is taken for its member."""
    value = getattr(request, field)
    if value is None and not required:
        return
    member = choices(value) if isinstance(value, str) else None
    if member is None or not member.known:
        raise UsageError(f"must be one of {', '.join(choices)}", field=field)
    force_setattr(request, field, member)


def check_one_of(request: Struct, field: str, choices: Collection[int]) -> None:
    """One of a few whole numbers."""
    value = getattr(request, field)
    listed = type(value) is int and value in choices
    require(listed, field, f"must be one of {', '.join(map(str, choices))}")


def check_part(request: Struct, field: str, kind: type[Struct]) -> None:
    """A part of the request with terms of its own. A mapping of its terms is made into one, under the same rules."""
    value = getattr(request, field)
    if value is None or isinstance(value, kind):
        return
    require(isinstance(value, Mapping), field, f"must be {kind.__name__}, or a mapping of its terms")
    try:
        part = kind(**value)
    except UsageError as exc:
        raise UsageError(exc.rule, field=f"{field}.{exc.field}") from exc
    except TypeError as exc:
        known = ", ".join(kind.__struct_fields__)
        raise UsageError(f"is not {kind.__name__}, whose terms are {known}", field=field) from exc
    force_setattr(request, field, part)


def check_texts(request: Struct, field: str, *, required: bool = False) -> None:
    """One or more texts, stored as a tuple. A single text is refused: it would be read as its letters."""
    value: Any = getattr(request, field)
    if value is None and not required:
        return
    require(isinstance(value, (tuple, list)), field, "must be a tuple or list of texts")
    require(len(value) > 0, field, "must not be empty")
    filled = all(isinstance(text, str) and text for text in value)
    require(filled, field, "must hold texts that are not empty")
    force_setattr(request, field, tuple(value))


def check_wholes(request: Struct, field: str) -> None:
    """One or more whole numbers, stored as a tuple."""
    value: Any = getattr(request, field)
    if value is None:
        return
    require(isinstance(value, (tuple, list)), field, "must be a tuple or list of whole numbers")
    require(len(value) > 0, field, "must not be empty")
    require(all(type(number) is int for number in value), field, "must hold whole numbers")
    force_setattr(request, field, tuple(value))


def check_text(field: str, value: object, rule: str) -> None:
    """A text that is not empty."""
    require(isinstance(value, str) and value, field, rule)


def check_symbol(value: object) -> None:
    """A pair. Whether it exists only Kraken knows."""
    check_text("symbol", value, "must be a pair such as BTC/USD")


def check_instant(request: Struct, field: str) -> None:
    """An RFC 3339 instant with a zone."""
    value = getattr(request, field)
    if value is not None:
        require(
            parse_ns(value) is not None,
            field,
            "must be an RFC 3339 time with a zone, e.g. 2026-01-01T00:00:00.000Z",
        )


def check_client_id(field: str, value: object) -> None:
    """An id of the caller's making: a UUID with or without dashes, or up to 18 printable characters."""
    if value is None:
        return
    fits = isinstance(value, str) and any(form.fullmatch(value) for form in (_UUID, _UUID_PLAIN, _FREE_TEXT))
    require(fits, field, "must be a UUID, 32 hexadecimal digits, or 1 to 18 printable ASCII characters")


def check_token(request: Struct) -> None:
    """A token is stored as `Secret`, also when a plain text is given, so that no `repr` shows it.

    It comes first of all checks: a traceback of a later one may show the whole request.
    """
    value = getattr(request, "token")  # noqa: B009 - `Struct` itself has no such attribute
    if isinstance(value, str):
        force_setattr(request, "token", Secret(value))
    else:
        require(value is None or isinstance(value, Secret), "token", "must be a Secret")


def check_req_id(request: Struct) -> None:
    """A whole number that survives every JSON reader."""
    value = getattr(request, "req_id")  # noqa: B009 - as above
    fits = value is None or (type(value) is int and 0 <= value <= MAX_REQ_ID)
    require(fits, "req_id", f"must be a whole number from 0 to {MAX_REQ_ID}")
