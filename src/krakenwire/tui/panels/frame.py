"""What all panels share: the moment they show, the frame with its title, and the places that a click means something in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from msgspec import Struct

from krakenwire.tui.cells import Part, Row, cut, fit
from krakenwire.tui.state import State, age_text
from krakenwire.wire.timestamps import format_ns

Rows = list[Row]

_HALF_AND_LESS = "▏▎▍▌"
"""Blocks that, reversed, fill at least the right half of a cell."""


class Moment(Struct, frozen=True):
    """When a picture is of, and how it is looked at."""

    now: float
    """On the loop's clock; while frozen, when that began."""
    wall_ns: int
    """The present, ns since 1970, also while frozen."""
    frozen_for: float | None = None
    """Seconds since the picture was frozen; None: it is not."""
    scroll: int = 0
    """Rows that a list is scrolled down."""
    hint: str = ""
    """What a key did that shows nowhere else."""


class Hit(NamedTuple):
    """A click on these cells means this action."""

    x: int
    y: int
    width: int
    height: int
    action: str

    def moved(self, x: int, y: int) -> Hit:
        return self._replace(x=self.x + x, y=self.y + y)


class Painted(NamedTuple):
    """Rows, and where clicks mean something."""

    rows: Rows
    hits: list[Hit]


def dimmed(row: Iterable[Part]) -> list[Part]:
    """The same text, not to be taken for alive. Reversed blocks would be bright: they become the nearest block that is not."""
    dim: list[Part] = []
    for text, style in row:
        if style.endswith("-reversed"):
            dim.append(("▐" if text in _HALF_AND_LESS else " ", "dim"))
        else:
            dim.append((text, "dim" if text.strip() else ""))
    return dim


def panel(
    title: str, state: State | None, body: Sequence[Iterable[Part]], size: tuple[int, int], moment: Moment
) -> Rows:
    """A frame around rows, its title at the left, its state and age at the right. What is not live is dimmed."""
    width, height = size
    if width < 4 or height < 2:
        return [fit([], width)] * height
    inner = width - 2
    dim = moment.frozen_for is not None or (state is not None and not state.live)
    rows = [_top(title, state, width, moment)]
    for at in range(height - 2):
        parts: Iterable[Part] = body[at] if at < len(body) else ()
        if dim:
            parts = dimmed(parts)
        rows.append((("│", "frame"), *fit(parts, inner), ("│", "frame")))
    rows.append((("└" + "─" * inner + "┘", "frame"),))
    return rows


def _top(title: str, state: State | None, width: int, moment: Moment) -> Row:
    told: list[Part] = []
    text, style = ("", "") if state is None else (state.text, state.style)
    if moment.frozen_for is not None:
        text, style = f"FROZEN {age_text(moment.frozen_for)} ago", "frozen"
    if text:
        room = width - 5 - min(len(title), max(10, width * 2 // 5))
        told = [(" ", "frame"), (cut(text, room), style), (" ─┐", "frame")]
    else:
        told = [("─┐", "frame")]
    used = sum(len(text) for text, _ in told)
    name = cut(title, max(0, width - used - 5))
    line = "─" * max(0, width - used - len(name) - 4)
    return fit(
        [
            ("┌─ " if name else "┌──", "frame"),
            (name, "title"),
            (f" {line}" if name else line + "─", "frame"),
            *told,
        ],
        width,
    )


def window(body: list[list[Part]], size: tuple[int, int], scroll: int) -> list[Iterable[Part]]:
    """The rows of a page that a panel of this size shows, from the scrolled one on. Where not all fit blank ones go first, and an ellipsis
    says at which end there is more.
    """
    inner, room = size[0] - 2, size[1] - 2
    if len(body) > room:
        body = [row for row in body if row]
    first = max(0, min(scroll, len(body) - room))
    shown: list[Iterable[Part]] = [*body[first : first + max(0, room)]]
    for at, more in ((0, first > 0), (-1, first + room < len(body))):
        if more and shown:
            shown[at] = [*fit(shown[at], inner - 2), (" …", "dim")]
    return shown


def beside(columns: Sequence[Painted], widths: Sequence[int]) -> Painted:
    """Columns next to each other; they have equally many rows."""
    rows = [
        tuple([part for row in parts for part in row])
        for parts in zip(*[c.rows for c in columns], strict=True)
    ]
    hits, x = [], 0
    for column, width in zip(columns, widths, strict=True):
        hits += [hit.moved(x, 0) for hit in column.hits]
        x += width
    return Painted(rows, hits)


def below(pieces: Sequence[Painted]) -> Painted:
    """Pieces below each other; they are equally wide."""
    rows: Rows = []
    hits: list[Hit] = []
    for piece in pieces:
        hits += [hit.moved(0, len(rows)) for hit in piece.hits]
        rows += piece.rows
    return Painted(rows, hits)


def clock(ns: int, digits: int = 0) -> str:
    """The time of day, UTC."""
    try:
        return format_ns(ns, digits)[11:-1]
    except ValueError:
        return "--:--:--"
