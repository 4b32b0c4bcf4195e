"""The parameters of a request, taken one by one and refused in the words that are known."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from krakenwire.sim.private.money import sane
from krakenwire.sim.requests import Refusal
from krakenwire.wire.refusals import INVALID_ARGUMENTS, NOT_A_NUMBER, UNSUPPORTED_FIELD
from krakenwire.wire.timestamps import parse_ns

_CLIENT_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}|[ -~]{1,18}")

Choice = TypeVar("Choice", bound=StrEnum)


def invalid(detail: str) -> Refusal:
    """Arguments that do not fit together. Of the details only a few are known; the others name the parameter."""
    return Refusal(f"{INVALID_ARGUMENTS}:{detail}")


class Fields:
    """Parameters by name. None means *not given*. Every taker raises `Refusal` for a value of a wrong kind."""

    def __init__(self, method: str, params: Mapping[str, Any], known: Collection[str]) -> None:
        stray = next((name for name in params if name not in known), None)
        if stray is not None:
            raise Refusal(UNSUPPORTED_FIELD.format(field=stray, method=method))
        self._params = params

    def __contains__(self, name: str) -> bool:
        return self._params.get(name) is not None

    def number(self, name: str) -> Decimal | None:
        """A JSON number; a text is refused, as Kraken refuses it."""
        value = self._params.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
            raise Refusal(NOT_A_NUMBER.format(field=name.capitalize()))
        if isinstance(value, int) and value.bit_length() > 128:
            raise invalid(name)
        exact = Decimal(value)
        if not sane(exact):
            raise invalid(name)
        return exact

    def positive(self, name: str) -> Decimal | None:
        """A number above zero."""
        value = self.number(name)
        if value is not None and value <= 0:
            raise invalid(name)
        return value

    def whole(self, name: str) -> int | None:
        value = self._params.get(name)
        if value is not None and (
            isinstance(value, bool) or not isinstance(value, int) or value.bit_length() > 63
        ):
            raise Refusal(f"{name.capitalize()} field must be an integer")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self._params.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Refusal(f"{name.capitalize()} field must be a boolean")
        return value

    def text(self, name: str) -> str | None:
        value = self._params.get(name)
        if value is not None and not isinstance(value, str):
            raise Refusal(f"{name.capitalize()} field must be a string")
        return value

    def client_id(self, name: str) -> str | None:
        """An id of the client's making: a UUID, 32 hexadecimal digits, or up to 18 printable characters."""
        value = self.text(name)
        if value is not None and _CLIENT_ID.fullmatch(value) is None:
            raise invalid(name)
        return value

    def choice(self, name: str, kind: type[Choice], default: Choice | None = None) -> Choice | None:
        """One of the listed words, in lower case or, as one production client writes them, in upper case."""
        value = self.text(name)
        if value is None:
            return default
        for member in kind:
            if member.value == value.lower():
                return member
        raise invalid(name)

    def instant(self, name: str) -> int | None:
        """An instant, in ns since 1970."""
        value = self.text(name)
        if value is None:
            return None
        at = parse_ns(value)
        if at is None:
            raise invalid(name)
        return at

    def part(self, name: str) -> Mapping[str, Any] | None:
        """An object inside the parameters."""
        value = self._params.get(name)
        if value is not None and not isinstance(value, dict):
            raise Refusal(f"{name.capitalize()} field must be an object")
        return value

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty if it is not given."""
        return self._listed(name, str, "an array of strings")

    def wholes(self, name: str) -> list[int]:
        """A list of whole numbers; empty if it is not given."""
        return self._listed(name, int, "an array of integers")

    def parts(self, name: str) -> list[Any]:
        """A list of objects; empty if it is not given."""
        return self._listed(name, dict, "an array of objects")

    def _listed(self, name: str, kind: type, words: str) -> list[Any]:
        value = self._params.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(
            isinstance(item, kind) and not isinstance(item, bool) for item in value
        ):
            raise Refusal(f"{name.capitalize()} field must be {words}")
        return value
