"""All markets: as a table, and as a strip where there is no room for one; and the ticker of the one that is looked at."""

from __future__ import annotations

from typing import NamedTuple

from krakenwire.tui.board import Board
from krakenwire.tui.cells import DASH, Part, cut, fit, grouped, left, number, right, safe, sparkline
from krakenwire.tui.market import FLASH_SECONDS, Market
from krakenwire.tui.panels.frame import Hit, Moment, Painted, dimmed, panel
from krakenwire.tui.state import State, age_text

NAME = 12
LEAST = 6
"""Cells of a name at least."""

MARK = 2
"""Cells that the sign of a book's state takes with a blank behind it. It is never left out."""

STATE = 12
SPARK = 24
"""Cells at most."""

FRESH_SECONDS = 1.0

ARROWS = {1: "▲", -1: "▼", 0: " "}
STYLES = {1: "up", -1: "down", 0: ""}


def markets(board: Board, width: int, height: int, moment: Moment) -> Painted:
    """The table. A click on a row selects its market."""
    rows = list(board.markets.values())
    count = max(1, height - 3)
    at = next((n for n, market in enumerate(rows) if market.symbol == board.selected), 0)
    first = max(0, min(at - count // 2, len(rows) - count))
    visible = rows[first : first + count]
    name = min(NAME, max([LEAST, *[len(safe(market.symbol)) for market in rows]]))
    inner = width - 2
    most = inner - 2 - name - 1 - 14 - MARK
    whole, fraction = _decimals(rows, most)
    name = max(LEAST, name - max(0, whole + fraction - most))
    room = inner - 2 - name - 1 - whole - fraction - 14
    spark = min(SPARK, room - STATE - 1)
    columns = _Columns(name, whole, fraction, spark, min(STATE, room))
    body: list[list[Part]] = [_head(columns)]
    for market in visible:
        row = _row(board, market, columns, moment)
        frozen = moment.frozen_for is not None
        live = market.state("ticker", moment.now).live and not frozen
        body.append(row if live else [*dimmed(row[:-1]), row[-1] if not frozen else (row[-1][0], "dim")])
    hidden = len(rows) - len(visible)
    more = f" · {len(visible)} of {len(rows)}" if hidden else ""
    hits = [Hit(0, 2 + n, width, 1, f"select:{market.symbol}") for n, market in enumerate(visible)]
    state = _worst(board, moment)
    if state is not None and moment.frozen_for is None:
        # Each row says for itself what it is, so the frame does not dim them.
        state = State("LIVE", state.age) if state.live else state
    painted = panel(f"markets{more}", None, body, (width, height), moment)
    if state is not None:
        painted[0] = panel(f"markets{more}", state, [], (width, 2), moment)[0]
    return Painted(painted, hits)


def _worst(board: Board, moment: Moment) -> State | None:
    """The state of the market that is worst off: that of the oldest book if all are live."""
    states = [market.state("book", moment.now) for market in board.markets.values()]
    bad = [state for state in states if not state.live]
    if bad:
        word = bad[0].word
        return State(word, None, "" if len(board.markets) == 1 else f"{len(bad)} of {len(states)}")
    return min(states, key=lambda state: state.age or 0.0, default=None)


def _decimals(rows: list[Market], room: int) -> tuple[int, int]:
    """Cells before and from the point on, over all last prices; where both do not fit, all cells stand before it."""
    texts = [number(market.last) for market in rows]
    parts = [text.partition(".") for text in texts]
    whole = max([3, *[len(part[0]) for part in parts]])
    fraction = max([0, *[len(part[1] + part[2]) for part in parts]])
    return (whole, fraction) if whole + fraction <= room else (max([3, *map(len, texts)]), 0)


def aligned(text: str, whole: int, fraction: int) -> str:
    """A number with its point in its place, if it has one."""
    if not fraction:
        return right(text, whole)
    before, point, after = text.partition(".")
    return right(before, whole) + left(point + after, fraction)


class _Columns(NamedTuple):
    """Cells of each column."""

    name: int
    whole: int
    fraction: int
    spark: int
    state: int


def _head(columns: _Columns) -> list[Part]:
    name, whole, fraction, spark, state = columns
    line = f"  {left('market', name)} {right('last', whole + fraction)}   {right('24 h', 9)}  "
    if spark > 3:
        line += f"{left('chart', spark)} "
    return [(line, "head"), ("book"[: max(0, state)], "head")]


def _row(board: Board, market: Market, columns: _Columns, moment: Moment) -> list[Part]:
    name, whole, fraction, spark, state = columns
    selected = market.symbol == board.selected
    flash = moment.frozen_for is None and moment.now - market.moved_at < FLASH_SECONDS
    style = STYLES[market.direction]
    parts: list[Part] = [
        ("▸ " if selected else "  ", "bold"),
        (left(safe(market.symbol), name), "bold" if selected else ""),
        (" ", ""),
        *_flashing(aligned(number(market.last), whole, fraction), style if flash else ""),
        (f" {ARROWS[market.direction]} ", style),
        _change(market, 9),
        ("  ", ""),
    ]
    if spark > 3:
        closes = [candle.close for candle in list(market.candles.values())[-spark:]]
        parts.append((sparkline(closes, spark) + " ", "spark"))
    return [*parts, _dot(market.state("book", moment.now), state)]


def _flashing(text: str, style: str) -> list[Part]:
    """A number that just went up or down stands out, not the blanks around it."""
    bare = text.strip()
    before = text.index(bare)
    after = len(text) - before - len(bare)
    return [(" " * before, ""), (bare, f"flash-{style}" if style else ""), (" " * after, "")]


def _change(market: Market, width: int) -> Part:
    change = None if market.ticker is None else market.ticker.change_pct
    if change is None:
        return right(DASH, width), "dim"
    return right(f"{change:+z,.2f} %", width), "up" if change > 0 else "down" if change < 0 else ""


def _dot(state: State, width: int) -> Part:
    """One sign for the state of a book, and a word where there is room."""
    mark = "✗" if not state.live else "●" if state.age is None or state.age < FRESH_SECONDS else "◐"
    word = (
        state.word.lower()
        if not state.live
        else ""
        if mark == "●" or state.age is None
        else age_text(state.age)
    )
    text = f"{mark} {word}" if width >= STATE else mark
    return left(text.rstrip(), max(1, width)), state.style


def strip(board: Board, width: int, moment: Moment) -> Painted:
    """One line of all markets; those that do not fit are counted."""
    rows = list(board.markets.values())
    at = next((n for n, market in enumerate(rows) if market.symbol == board.selected), 0)
    # The selected one stays in sight: the strip begins late enough.
    for first in range(at + 1):
        made = _strip(board, rows[first:], width, moment, before=first)
        if any(hit.action == f"select:{board.selected}" for hit in made.hits):
            return made
    return made if rows else Painted([fit([], width)], [])


def _strip(board: Board, rows: list[Market], width: int, moment: Moment, *, before: int) -> Painted:
    parts: list[Part] = [(f"+{before} … ", "dim")] if before else []
    hits: list[Hit] = []
    used = sum(len(text) for text, _ in parts)
    for n, market in enumerate(rows):
        state = market.state("book", moment.now)
        live = state.live and moment.frozen_for is None
        mark = ARROWS[market.direction] if live else "" if moment.frozen_for is not None else "✗"
        label = f"{cut(safe(market.symbol), NAME)} {mark}".rstrip()
        rest = len(rows) - n - 1
        tail = f" … +{rest}" if rest else ""
        piece = f" {label} "
        if used + len(piece) + 1 + len(tail) > width and hits:
            parts.append((f" … +{rest + 1}", "dim"))
            break
        selected = market.symbol == board.selected
        style = "select" if selected else STYLES[market.direction] if live else "dim"
        parts += [(piece, style), ("│", "frame")]
        hits.append(Hit(used, 0, len(piece), 1, f"select:{market.symbol}"))
        used += len(piece) + 1
    return Painted([fit(parts, width)], hits)


def ticker(market: Market | None, width: int, moment: Moment) -> list[Part]:
    """Last price, change and the figures of a day, as many as fit, in one line."""
    if market is None:
        return list(fit([], width))
    state, told = market.state("ticker", moment.now), market.ticker
    flash = moment.frozen_for is None and moment.now - market.moved_at < FLASH_SECONDS
    style = STYLES[market.direction]
    parts: list[Part] = [
        (" last ", "head"),
        (right(number(market.last), market.price_width), f"flash-{style}" if flash and style else "bold"),
        (f" {ARROWS[market.direction]} ", style),
        _change(market, 9),
    ]
    if told is not None:
        figures = [
            ("high", told.high_text),
            ("low", told.low_text),
            ("vwap", told.vwap_text),
            ("volume", told.volume_text),
        ]
        for name, value in figures:
            text = DASH if value is None else grouped(safe(value))
            if sum(len(part) for part, _ in parts) + len(name) + len(text) + 16 <= width:
                parts += [(f"   {name} ", "head"), (text, "")]
    if moment.frozen_for is not None or not state.live:
        parts = dimmed(parts)
    word = state.text if moment.frozen_for is None else "FROZEN"
    room = max(0, width - sum(len(text) for text, _ in parts) - 3)
    if room > 6:
        word = cut(word, room)
        parts = [
            *fit(parts, width - len(word) - 1),
            (word, state.style if moment.frozen_for is None else "frozen"),
        ]
    return list(fit(parts, width))
