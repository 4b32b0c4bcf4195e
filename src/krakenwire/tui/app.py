"""The dashboard on a terminal: one widget that paints rows, and nothing else. This module alone knows textual."""

from __future__ import annotations

from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from krakenwire.tui.cells import Row, width_of
from krakenwire.tui.panels.frame import Hit
from krakenwire.tui.view import KEYS, View

PICTURES_A_SECOND = 10
"""Redraws at most, whatever the feed does."""

WHEEL_ROWS = 3

# The colours are those of the terminal, so that they fit light and dark ones alike; each has a word or a sign beside it.
STYLES = {
    name: Style.parse(text)
    for name, text in {
        "": "default",
        "dim": "dim",
        "bold": "bold",
        "title": "bold",
        "head": "dim",
        "frame": "dim",
        "live": "green",
        "wait": "yellow",
        "bad": "bold red",
        "healed": "yellow",
        "bid": "green",
        "ask": "red",
        "up": "green",
        "down": "red",
        "flash": "bold",
        "flash-up": "bold reverse green",
        "flash-down": "bold reverse red",
        "bar-bid": "green",
        "bar-bid-reversed": "reverse green",
        "bar-ask": "red",
        "spark": "cyan",
        "select": "bold reverse",
        "key": "bold cyan",
        "hint": "bold yellow",
        "frozen": "bold reverse cyan",
        "badge-live": "bold green",
        "badge-sim": "bold reverse yellow",
        "badge-other": "bold reverse magenta",
    }.items()
}


def strip_of(row: Row) -> Strip:
    """A row as textual takes it."""
    return Strip([Segment(text, STYLES[style]) for text, style in row], width_of(row))


class Canvas(Widget):
    """All of the screen. Only the cells of a row that changed are painted again."""

    DEFAULT_CSS = "Canvas { width: 100%; height: 100%; }"

    ALLOW_SELECT = False

    def __init__(self, view: View) -> None:
        super().__init__()
        self._view = view
        self._rows: list[Row] = []
        self._hits: list[Hit] = []
        self._strips: dict[int, Strip] = {}

    def repaint(self) -> None:
        """Paint what changed since the last time."""
        width, height = self.size
        if not width or not height:
            return
        painted = self._view.paint(width, height)
        before, self._rows, self._hits = self._rows, painted.rows, painted.hits
        if len(before) != height or width_of(before[0]) != width:
            self._strips.clear()
            self.refresh()
            return
        changed = [
            (y, *_span(old, new))
            for y, (old, new) in enumerate(zip(before, painted.rows, strict=True))
            if old != new
        ]
        for y, _, _ in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*[Region(start, y, end - start, 1) for y, start, end in changed])

    def render_line(self, y: int) -> Strip:
        """A row of the last picture."""
        found = self._strips.get(y)
        if found is None:
            if y >= len(self._rows):
                return Strip.blank(self.size.width)
            found = self._strips[y] = strip_of(self._rows[y])
        return found

    def on_resize(self) -> None:
        """The terminal has another size: everything finds a new place."""
        self._rows = []
        self.repaint()

    def on_click(self, event: events.Click) -> None:
        """A click on a market or on a key."""
        for hit in self._hits:
            if hit.x <= event.x < hit.x + hit.width and hit.y <= event.y < hit.y + hit.height:
                self.do(hit.action)
                return

    def on_mouse_scroll_down(self) -> None:
        """The wheel goes through a book or a list."""
        self.do(f"scroll:{WHEEL_ROWS}")

    def on_mouse_scroll_up(self) -> None:
        """And back."""
        self.do(f"scroll:{-WHEEL_ROWS}")

    def do(self, action: str) -> None:
        """What a key or a click means, and its picture at once."""
        self._view.act(action)
        if self._view.ended is not None:
            self.app.exit(self._view.ended)
        else:
            self.repaint()


def _span(old: Row, new: Row) -> tuple[int, int]:
    """The first cell that differs between two rows of one width, and the one after the last."""
    start = end = 0
    shortest = min(len(old), len(new))
    head = 0
    while head < shortest and old[head] == new[head]:
        start += len(new[head][0])
        head += 1
    tail = 0
    while tail < shortest - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
        end += len(new[-tail][0])
    return start, width_of(new) - end


class Dashboard(App[str]):
    """The program. It ends with `quit` or `interrupt`."""

    CSS = "Screen { background: ansi_default; color: ansi_default; overflow: hidden; }"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar = []

    def __init__(self, view: View, *, still: bool = False) -> None:
        super().__init__(ansi_color=True)
        self.title = f"krakenwire {view.board.badge.word}"
        self._still = still
        self._canvas = Canvas(view)

    def compose(self) -> ComposeResult:
        """One widget."""
        yield self._canvas

    def on_mount(self) -> None:
        """Paint, and go on painting unless the picture is to stand still."""
        if not self._still:
            self.set_interval(1 / PICTURES_A_SECOND, self._canvas.repaint)

    async def on_event(self, event: events.Event) -> None:
        """Keys mean what the view says, before anything else takes them."""
        if isinstance(event, events.Key) and (action := KEYS.get(event.key)) is not None:
            event.stop()
            event.prevent_default()
            self._canvas.do(action)
            return
        await super().on_event(event)
