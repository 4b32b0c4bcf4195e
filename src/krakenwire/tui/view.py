"""How somebody looks at a board: which page, which market, frozen or not. It knows what keys mean, and no terminal."""

from __future__ import annotations

from collections.abc import Callable

from krakenwire.tui.board import Board, Source
from krakenwire.tui.panels.frame import Moment, Painted
from krakenwire.tui.panels.header import header
from krakenwire.tui.panels.health import health_body
from krakenwire.tui.panels.help import help_body
from krakenwire.tui.screen import PAGES, ladder_levels, screen
from krakenwire.wire.book import BOOK_DEPTHS

PAGE_ROWS = 10
HINT_SECONDS = 3.0

KEYS = {
    "up": "up",
    "k": "up",
    "left": "up",
    "down": "down",
    "j": "down",
    "right": "down",
    "tab": "down",
    "shift+tab": "up",
    "d": "depth",
    "t": "page:trades",
    "a": "page:account",
    "h": "page:health",
    "l": "page:log",
    "question_mark": "page:help",
    "f1": "page:help",
    "escape": "page:main",
    "space": "freeze",
    "p": "freeze",
    "pageup": f"scroll:{-PAGE_ROWS}",
    "pagedown": f"scroll:{PAGE_ROWS}",
    "home": "top",
    "q": "quit",
    "ctrl+c": "interrupt",
}
"""Keys, in the words of textual, and their actions."""

ChangeDepth = Callable[[str, int], str]
"""Asks for another depth of a symbol's book; returns what to tell, or nothing."""


class View:
    """What is shown. `source`: the client behind the board; None: there is none any more, and the board stands still. `clock`: the loop's
    time, `wall`: ns since 1970. `change_depth`: None: whoever made the client has chosen the depth.
    """

    def __init__(
        self,
        board: Board,
        source: Source | None,
        *,
        clock: Callable[[], float],
        wall: Callable[[], int],
        change_depth: ChangeDepth | None = None,
    ) -> None:
        self.board = board
        self.page = "main"
        self.scroll = 0
        self.frozen: Board | None = None
        self.frozen_at = 0.0
        self.ended: str | None = None
        """`quit` or `interrupt`, once somebody wants that."""
        self._source = source
        self._clock = clock
        self._wall = wall
        self._change_depth = change_depth
        self._hint = ""
        self._hint_at = float("-inf")

    # ---------------------------------------------------------------- what is seen

    @property
    def now(self) -> float:
        """On the loop's clock."""
        return self._clock()

    def paint(self, width: int, height: int) -> Painted:
        """The picture as of now."""
        now, wall = self._clock(), self._wall()
        if self._source is not None:
            # What the ladder shows, what it is scrolled by, and the ten best levels for the imbalance.
            levels = None if self.scroll else max(10, ladder_levels(width, height))
            self.board.look(self._source, now, wall, levels=levels)
        hint = self._hint if now - self._hint_at < HINT_SECONDS else ""
        if self.frozen is None:
            moment = Moment(now, wall, scroll=self.scroll, hint=hint)
            return screen(self.board, (width, height), moment, self.page)
        moment = Moment(self.frozen_at, wall, now - self.frozen_at, self.scroll, hint)
        # The first line goes on: that the picture stands does not mean that the feed does.
        head = header(self.board, width, Moment(now, wall, now - self.frozen_at))
        return screen(self.frozen, (width, height), moment, self.page, head)

    # ---------------------------------------------------------------- what is done

    def act(self, action: str) -> None:
        """What a key or a click means."""
        name, _, what = action.partition(":")
        match name:
            case "page":
                self._turn("main" if what == self.page else what)
            case "select":
                self._select(what)
            case "up" | "down":
                self._step(-1 if name == "up" else 1)
            case "freeze":
                self._freeze()
            case "depth":
                self._deeper()
            case "scroll":
                self._scroll(int(what))
            case "top":
                self.scroll = 0
            case "quit" | "interrupt":
                self.ended = name

    def _turn(self, page: str) -> None:
        if page in PAGES:
            self.page, self.scroll = page, 0

    def _select(self, symbol: str) -> None:
        if symbol not in self.board.markets:
            return
        self.scroll = 0
        for board in (self.board, self.frozen):
            if board is not None:
                board.selected = symbol

    def _step(self, by: int) -> None:
        symbols = list(self.board.markets)
        if symbols and self.board.selected in symbols:
            self._select(symbols[(symbols.index(self.board.selected) + by) % len(symbols)])

    def _scroll(self, rows: int) -> None:
        self.scroll = max(0, min(self.scroll + rows, self._length() - 1))

    def _length(self) -> int:
        """Rows of the page, or of what scrolls on it."""
        market = self.board.market
        match self.page:
            case "main":
                return 0 if market is None else market.book.depth or 0
            case "trades":
                return 0 if market is None else len(market.trades)
            case "log":
                return len(self.board.journal.entries)
            case "health":
                return len(health_body(self.board, 0, Moment(self.now, 0)))
            case "help":
                return len(help_body())
        return 0

    def _freeze(self) -> None:
        if self.frozen is not None:
            self.frozen = None
        elif self._source is not None:
            self.frozen_at = self._clock()
            self.frozen = self.board.still(self._source, self.frozen_at, self._wall())

    def _deeper(self) -> None:
        market = self.board.market
        if market is None:
            return
        if self._change_depth is None:
            self.tell("the program that runs this has chosen the depth")
            return
        now = market.book.depth or self.board.depth
        depth = next((depth for depth in BOOK_DEPTHS if depth > now), BOOK_DEPTHS[0])
        self.scroll = 0
        self.tell(self._change_depth(market.symbol, depth) or f"asked for {depth} levels")

    def tell(self, hint: str) -> None:
        """Say something for some seconds."""
        self._hint, self._hint_at = hint, self._clock()
