"""Which panels stand where, for every size of terminal."""

from __future__ import annotations

from collections.abc import Callable

from krakenwire.tui.board import Board
from krakenwire.tui.cells import fit
from krakenwire.tui.panels.account import account
from krakenwire.tui.panels.candles import candles
from krakenwire.tui.panels.frame import Moment, Painted, below, beside
from krakenwire.tui.panels.header import footer, header, health_line
from krakenwire.tui.panels.health import health
from krakenwire.tui.panels.help import help_page
from krakenwire.tui.panels.ladder import FOOT, ladder, levels_for
from krakenwire.tui.panels.log import log
from krakenwire.tui.panels.markets import markets, strip, ticker
from krakenwire.tui.panels.tape import tape
from krakenwire.wire.book import PROVEN_LEVELS

LEAST = (40, 10)
"""Columns and rows; below that there is a line that says so."""

MEDIUM = (100, 28)
WIDE = (170, 36)


def screen(
    board: Board, size: tuple[int, int], moment: Moment, page: str = "main", head: Painted | None = None
) -> Painted:
    """The whole picture: exactly so many rows of exactly so many cells. `head`: another first line than that of this moment."""
    width, height = size
    if width < LEAST[0] or height < LEAST[1]:
        return _too_small(board, width, height)
    first = header(board, width, moment) if head is None else head
    foot = footer(width, moment, page)
    room = height - 2
    return below([first, _page(board, width, room, moment, page), foot])


def ladder_levels(width: int, height: int) -> int:
    """Levels a side that the ladder has room for."""
    return levels_for(height) if width >= LEAST[0] else 1


def _too_small(board: Board, width: int, height: int) -> Painted:
    lines = [
        f"{board.badge.word} krakenwire",
        f"{width}x{height} is too small:",
        f"it takes {LEAST[0]}x{LEAST[1]}.",
        "q quits.",
    ]
    return Painted([fit([(lines[at] if at < len(lines) else "", "")], width) for at in range(height)], [])


def _page(board: Board, width: int, height: int, moment: Moment, page: str) -> Painted:
    """What stands between the first and the last line."""
    if page == "main":
        least = ((WIDE, _three_columns), (MEDIUM, _two_columns), (LEAST, _one_market))
        paint = next(
            paint
            for (columns, rows), paint in least
            if (width >= columns and height + 2 >= rows) or paint is _one_market
        )
        return paint(board, width, height, moment)
    return _PAGES[page](board, width, height, moment)


def _trades(board: Board, width: int, height: int, moment: Moment) -> Painted:
    """The tape of one market alone."""
    rows = tape(board.market, width, height - 2, moment, scrolls=True)
    return below([*_top(board, width, moment), Painted(rows, [])])


def _top(board: Board, width: int, moment: Moment) -> list[Painted]:
    """All markets in a line, and the ticker of the selected one."""
    return [strip(board, width, moment), Painted([fit(ticker(board.market, width, moment), width)], [])]


_PAGES: dict[str, Callable[[Board, int, int, Moment], Painted]] = {
    "trades": _trades,
    "account": account,
    "health": lambda board, width, height, moment: Painted(
        health(board, width, height, moment, scrolls=True), []
    ),
    "log": lambda board, width, height, moment: Painted(log(board, width, height, moment, scrolls=True), []),
    "help": lambda _board, width, height, moment: Painted(help_page(width, height, moment.scroll), []),
}
PAGES = ("main", *_PAGES)


def _one_market(board: Board, width: int, height: int, moment: Moment) -> Painted:
    """The ladder and the tape of one market, all others in a line."""
    market = board.market
    room = height - 3
    pieces = _top(board, width, moment)
    if width < 64:
        pieces.append(Painted(ladder(market, width, room, moment), []))
    else:
        right = width * 2 // 5
        columns = [
            Painted(ladder(market, width - right, room, moment), []),
            Painted(tape(market, right, room, moment), []),
        ]
        pieces.append(beside(columns, [width - right, right]))
    return below([*pieces, Painted(health_line(board, width, moment), [])])


def _book_rows(board: Board, most: int) -> int:
    """Rows that the ladder of the selected market can use."""
    depth = (
        board.depth if board.market is None or board.market.book.depth is None else board.market.book.depth
    )
    return min(most, depth + (depth > PROVEN_LEVELS) + 3 + FOOT)


def _two_columns(board: Board, width: int, height: int, moment: Moment) -> Painted:
    at_left = width * 29 // 60
    at_right = width - at_left
    market = board.market
    table = min(len(board.markets) + 3, max(5, height // 3))
    rest = height - table
    trades = rest // 2
    first = below(
        [
            markets(board, at_left, table, moment),
            Painted(tape(market, at_left, trades, moment), []),
            Painted(candles(market, at_left, rest - trades, moment), []),
        ]
    )
    state = 8 if board.account is None or height < 36 else 7
    below_book = 6 if board.account is None else 11 if height >= 36 else 6
    book = _book_rows(board, height - state - below_book)
    more = height - state - book
    pieces = [
        Painted(ladder(market, at_right, book, moment), []),
        Painted(health(board, at_right, state, moment), []),
    ]
    if board.account is None:
        pieces.append(Painted(log(board, at_right, more, moment), []))
    elif more >= 16:
        pieces.append(account(board, at_right, more - 5, moment))
        pieces.append(Painted(log(board, at_right, 5, moment), []))
    else:
        pieces.append(account(board, at_right, more, moment))
    return beside([first, below(pieces)], [at_left, at_right])


def _three_columns(board: Board, width: int, height: int, moment: Moment) -> Painted:
    at_left = at_right = width * 33 // 100
    middle = width - at_left - at_right
    market = board.market
    table = min(len(board.markets) + 3, height // 2)
    book = _book_rows(board, height * 2 // 3)
    first = [
        markets(board, at_left, table, moment),
        Painted(tape(market, at_left, height - table, moment), []),
    ]
    second = [
        Painted(ladder(market, middle, book, moment), []),
        Painted(candles(market, middle, height - book, moment), []),
    ]
    state = 21 if height >= 50 else 15
    own = 0 if board.account is None else (height - state) * 3 // 5
    last = [Painted(health(board, at_right, state, moment), [])]
    if own:
        last.append(account(board, at_right, own, moment))
    last.append(Painted(log(board, at_right, height - state - own, moment), []))
    return beside([below(first), below(second), below(last)], [at_left, middle, at_right])
