"""Kinds of damage: a frame in, a frame out. What does not fit a frame leaves it as it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

Damage = Callable[[bytes, Random], bytes]

_CHECKSUM = re.compile(rb'"checksum":(\d+)')
_NUMBER = re.compile(rb":(-?\d+\.\d+|-?\d+)(?=[,}])")
_DECIMAL = re.compile(rb":(\d+\.\d+)(?=[,}])")
_FIELD = re.compile(rb'"[a-z_]+":[^\[\]{},]+,')
_DEEP = 100_000


def _checksum(frame: bytes, dice: Random) -> bytes:
    """The checksum is another one."""
    return _CHECKSUM.sub(
        lambda found: b'"checksum":%d' % ((int(found[1]) + dice.randrange(1, 2**32)) % 2**32), frame
    )


def _digit(frame: bytes, dice: Random) -> bytes:
    """One digit of a number is another one."""
    found = _pick(_NUMBER, frame, dice)
    if found is None:
        return frame
    places = [at for at in range(*found.span(1)) if frame[at : at + 1].isdigit()]
    at = dice.choice(places)
    digit = dice.choice([each for each in b"123456789" if each != frame[at]])
    return frame[:at] + bytes([digit]) + frame[at + 1 :]


def _byte(frame: bytes, dice: Random) -> bytes:
    """Some byte is another one."""
    at = dice.randrange(len(frame))
    return frame[:at] + bytes([frame[at] ^ dice.randrange(1, 256)]) + frame[at + 1 :]


def _exponent(frame: bytes, dice: Random) -> bytes:
    """A number is written with an exponent; its value stays."""
    return _rewrite(
        frame,
        dice,
        lambda number: (
            b"%se-%d" % (number.replace(b".", b"").lstrip(b"0") or b"0", len(number.partition(b".")[2]))
        ),
    )


def _text(frame: bytes, dice: Random) -> bytes:
    """A number is written as a string; its value stays."""
    return _rewrite(frame, dice, lambda number: b'"%s"' % number)


def _number_of(text: bytes) -> Damage:
    def damage(frame: bytes, dice: Random) -> bytes:
        return _rewrite(frame, dice, lambda _: text)

    damage.__doc__ = f"A number is {text.decode()}."
    return damage


def _field(frame: bytes, dice: Random) -> bytes:
    """A field is added that nobody knows."""
    name = b'"%s":%d,' % (dice.choice([b"liquidity", b"venue_x", b"flags"]), dice.randrange(1000))
    at = frame.find(b'"data":[{')
    return frame.replace(b"{", b"{" + name, 1) if at < 0 else frame[: at + 9] + name + frame[at + 9 :]


def _missing(frame: bytes, dice: Random) -> bytes:
    """A field is left out."""
    found = _pick(_FIELD, frame, dice, frame.find(b'"data":[') + 1)
    return frame if found is None else frame[: found.start()] + frame[found.end() :]


def _key(frame: bytes, dice: Random) -> bytes:
    """A field comes twice, first with another value."""
    found = _pick(_NUMBER, frame, dice)
    if found is None:
        return frame
    begin = frame.rindex(b'"', 0, frame.rindex(b'"', 0, found.start()))
    return frame[:begin] + frame[begin : found.start()] + b":1," + frame[begin:]


def _empty(frame: bytes, dice: Random) -> bytes:  # noqa: ARG001 - there is one way to be empty
    """The list of data is empty."""
    at = frame.find(b'"data":[')
    return frame if at < 0 else frame[: at + 8] + b"]}"


def _utf8(frame: bytes, dice: Random) -> bytes:
    """A byte that is no UTF-8."""
    at = dice.randrange(len(frame))
    return frame[:at] + b"\xff" + frame[at:]


def _nesting(frame: bytes, dice: Random) -> bytes:  # noqa: ARG001 - there is one way to be deep
    """A field is added that nests a hundred thousand levels deep."""
    return frame.replace(b"{", b'{"deep":' + b"[" * _DEEP + b"]" * _DEEP + b",", 1)


def _enum(frame: bytes, dice: Random) -> bytes:  # noqa: ARG001 - as above
    """Side, type or status is a word that nobody knows."""
    return re.sub(rb'"(side|ord_type|status|system)":"[a-z_]+"', rb'"\1":"sideways"', frame, count=1)


def _trailing(frame: bytes, dice: Random) -> bytes:
    """Something stands after its end."""
    return frame + dice.choice([b"}", b"{}", b" x", b",", b"\x00"])


DAMAGES: dict[str, Damage] = {
    "checksum": _checksum,
    "digit": _digit,
    "byte": _byte,
    "exponent": _exponent,
    "text": _text,
    "nan": _number_of(b"NaN"),
    "huge": _number_of(b"1e999999999"),
    "negative": _number_of(b"-1.0"),
    "null": _number_of(b"null"),
    "field": _field,
    "missing": _missing,
    "key": _key,
    "empty": _empty,
    "utf8": _utf8,
    "nesting": _nesting,
    "enum": _enum,
    "trailing": _trailing,
}
"""Every kind of damage by its name; its docstring says what it does."""


def truncated(frame: bytes, dice: Random) -> bytes:
    """The beginning of a frame: anything from nothing to all but one byte."""
    return frame[: dice.randrange(len(frame))]


def _pick(pattern: re.Pattern[bytes], frame: bytes, dice: Random, start: int = 0) -> re.Match[bytes] | None:
    found = list(pattern.finditer(frame, start))
    return dice.choice(found) if found else None


def _rewrite(frame: bytes, dice: Random, write: Callable[[bytes], bytes]) -> bytes:
    found = _pick(_DECIMAL, frame, dice)
    return frame if found is None else frame[: found.start(1)] + write(found[1]) + frame[found.end(1) :]
