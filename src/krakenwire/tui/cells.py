"""Rows of text as a terminal shows them: cells, styles, and what is done where there are too few cells.

A part is a text and the name of its style; a row is parts that fill a given number of cells exactly. Whatever is cut ends in `…`, and
numbers are cut at their right end, so that their points stay below each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from functools import lru_cache

from krakenwire.text import shown

Part = tuple[str, str]
"""A text and the name of its style; the empty name is plain."""

Row = tuple[Part, ...]

ELLIPSIS = "…"
DASH = "-"
"""In place of a number that cannot be read."""

_ONE_CELL = 0x250
"""Below this every printable character takes one cell, in every terminal."""

_ALSO = "…€"

_EIGHTHS = " ▏▎▍▌▋▊▉"
_SPARKS = "▁▂▃▄▅▆▇█"


def safe(text: object) -> str:
    """A foreign text, safe on any terminal, one cell a character: whatever else than letters and signs of western languages is escaped.

    Every text that was not written by us goes through here before it is part of a row.
    """
    plain = shown(text)
    if plain.isascii():
        return plain
    return "".join(
        char if ord(char) < _ONE_CELL or char in _ALSO else f"\\u{ord(char):04x}" for char in plain
    )


def cut(text: str, width: int) -> str:
    """The text in at most so many cells; what was cut ends in an ellipsis."""
    if len(text) <= width:
        return text
    return text[: width - 1] + ELLIPSIS if width > 0 else ""


def left(text: str, width: int) -> str:
    """The text in exactly so many cells, blanks behind it."""
    text = cut(text, width)
    return text + " " * (width - len(text))


def right(text: str, width: int) -> str:
    """The text in exactly so many cells, blanks before it."""
    text = cut(text, width)
    return " " * (width - len(text)) + text


def fit(parts: Iterable[Part], width: int) -> Row:
    """Parts as a row of exactly so many cells."""
    row: list[Part] = []
    used = 0
    for told, style in parts:
        blank = not told.strip()
        text = told[: width - used] if blank else told
        need = len(text)
        if used + need > width:
            # The ellipsis takes a cell of what stands before, if this part has none left.
            if used == width and row:
                last, before = row.pop()
                row.append((left(_shortened(last), len(last)), before))
            elif used < width:
                row.append((left(cut(text, width - used), width - used), style))
            return tuple(row)
        if text:
            row.append((text, style))
            used += need
    if used < width:
        row.append((" " * (width - used), ""))
    return tuple(row)


def _shortened(text: str) -> str:
    return cut(text, len(text) - 1) if text.endswith(ELLIPSIS) else cut(text + " ", len(text))


def width_of(row: Iterable[Part]) -> int:
    """Cells of a row."""
    return sum(len(text) for text, _ in row)


def plain(row: Iterable[Part]) -> str:
    """The row without its styles."""
    return "".join(text for text, _ in row)


def spread(before: Sequence[Part], after: Sequence[Part], width: int) -> Row:
    """Parts at the left and parts at the right of a row; where both do not fit, the left ones are cut."""
    room = width - width_of(after)
    if room <= 0:
        return fit(after, width)
    return (*fit(before, room), *after)


# -------------------------------------------------------------------- numbers


@lru_cache(maxsize=4096)
def grouped(number: str) -> str:
    """A plain decimal number with its thousands grouped; every digit is kept."""
    whole, point, fraction = number.partition(".")
    sign = "-" if whole.startswith("-") else ""
    digits = whole.removeprefix("-")
    if len(digits) > 3 and digits.isdigit():
        first = len(digits) % 3 or 3
        digits = ",".join([digits[:first], *[digits[at : at + 3] for at in range(first, len(digits), 3)]])
    return sign + digits + point + fraction


def number(value: Decimal | None) -> str:
    """An exact number, grouped; a dash where there is none."""
    return DASH if value is None else grouped(f"{value:f}")


def rounded(value: Decimal | float, digits: int) -> str:
    """A computed number with so many fraction digits, grouped."""
    return f"{value:,.{digits}f}"


# -------------------------------------------------------------------- bars


def bar(share: float, width: int) -> str:
    """A bar from the left whose length is a share of so many cells, in eighths."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    text = "█" * full + (_EIGHTHS[rest] if rest else "")
    return text + " " * (width - len(text))


def bar_to_left(share: float, width: int, style: str) -> list[Part]:
    """A bar from the right, in eighths. There are no such blocks, so one from the left stands reversed: what it leaves free is full."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    parts: list[Part] = [(" " * (width - full - (rest > 0)), "")]
    if rest:
        parts.append((_EIGHTHS[8 - rest], f"{style}-reversed"))
    parts.append(("█" * full, style))
    return [part for part in parts if part[0]]


def sparkline(values: Sequence[Decimal], width: int) -> str:
    """The last values as a line of blocks, lowest to highest, at the right end of its cells."""
    last = values[-width:] if width > 0 else values[:0]
    if not last:
        return " " * max(0, width)
    low, high = min(last), max(last)
    span = high - low
    line = "".join(_SPARKS[min(7, int((value - low) * 8 / span)) if span else 3] for value in last)
    return " " * (width - len(line)) + line
