"""A text that must not be seen: token, API key, private key.

It shows itself nowhere by accident: not in `repr`, `str`, a format, a traceback, a pickle. Only `reveal`
gives it out, and only the encoder and the code that signs call that.
"""

from __future__ import annotations

import weakref
from typing import Any, Never

_ALIVE: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()


class Revealed(str):
    """A text that is secret. It is equal to the text and used like it, but a traceback or a debugger that shows variables shows `***`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class RevealedBytes(bytes):
    """Bytes that hold a secret, such as a request with a token; `Revealed` says how they show."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "b'***'"


class Secret:
    """A text whose value leaves only through `reveal`."""

    __slots__ = ("__weakref__", "_text")

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError("a secret is made from a str")
        self._text = Revealed(text)
        _ALIVE[id(self)] = self

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return self._text == other._text if isinstance(other, Secret) else NotImplemented

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Secret:
        return self

    def __reduce_ex__(self, protocol: object) -> Never:
        raise TypeError("a secret is not pickled: the copy would be readable")


def reveal_hook(value: Any) -> Any:
    """`enc_hook` of an encoder that writes requests: the one place where a secret becomes text."""
    if isinstance(value, Secret):
        return str(value.reveal())
    raise NotImplementedError(f"cannot encode {type(value).__name__}")


def conceal_hook(kind: type, value: Any) -> Any:
    """`dec_hook` of a decoder that reads requests."""
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError(f"Expected `{kind.__name__}`")


def alive() -> list[Secret]:
    """Every secret that is in use now, so that whoever writes logs can look for them."""
    return list(_ALIVE.values())
