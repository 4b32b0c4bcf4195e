"""The event log, newest first."""

from __future__ import annotations

from itertools import islice

from krakenwire.tui.board import Board
from krakenwire.tui.cells import Part, left
from krakenwire.tui.panels.frame import Moment, Rows, clock, panel
from krakenwire.tui.state import State

WHO = 10


def log(board: Board, width: int, height: int, moment: Moment, *, scrolls: bool = False) -> Rows:
    """What happened besides data."""
    first = moment.scroll if scrolls else 0
    entries = islice(reversed(board.journal.entries), first, first + max(0, height - 2))
    body: list[list[Part]] = []
    for entry in entries:
        style = "" if not entry.bad else "healed" if entry.healed is not None else "bad"
        mark = "·" if not entry.bad else "✓" if entry.healed is not None else "✗"
        body.append(
            [
                (f" {clock(board.wall(entry.at))} ", "dim"),
                (f"{mark} ", style),
                (f"{left(entry.who, WHO)} ", ""),
                (entry.words, style),
            ]
        )
    count = len(board.journal.entries)
    state = State("LIVE", moment.now - board.looked_at)
    return panel(f"log · {count:,}", state, body or [[(" nothing yet", "dim")]], (width, height), moment)
