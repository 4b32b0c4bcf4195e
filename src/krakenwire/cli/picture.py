"""The moving picture of the demo: ladders side by side, trades, and what happened. Drawn in place, on a terminal."""

from __future__ import annotations

import sys
import time
from typing import Any

from krakenwire.cli.scene import Scene
from krakenwire.cli.terminal import PICTURES_A_SECOND, paint, size
from krakenwire.cli.text import shown
from krakenwire.errors import BookNotLive
from krakenwire.events import TradeUpdate
from krakenwire.wire.book import BookLevel

PANEL = 25
"""Columns of one book."""

_BETWEEN = 2
_WIDEST = 3 * PANEL + 2 * _BETWEEN

SMALLEST = (30, 14)
"""Columns and rows from which on there is room for a picture."""

_FIXED = 9
"""Lines that are always there: title, space, head, spread, three lines of facts about a book, two rules."""


def _say(text: str, style: str | None = None) -> str:
    return paint(text, style, sys.stdout)


def has_room() -> bool:
    """Whether the terminal is large enough."""
    columns, rows = size(sys.stdout)
    return columns >= SMALLEST[0] and rows >= SMALLEST[1]


def picture(scene: Scene, columns: int, rows: int, speed: str) -> list[str]:
    """The lines of one picture, none longer than `columns` and fewer than `rows`, if that is the smallest size or more."""
    room = rows - 1 - _FIXED
    levels = max(1, min(10, (room - 6) // 2))
    tape = max(1, min(8, (room - 2 * levels) // 2))
    shown_symbols = scene.symbols[: max(1, (columns + _BETWEEN) // (PANEL + _BETWEEN))]
    panels = [_panel(scene, symbol, levels) for symbol in shown_symbols]
    trades = [_cut(_trade(trade), columns) for trade in reversed(scene.trades)][:tape]
    facts = list(scene.facts)[-tape:]
    title = f"demo, {speed}   {scene.time}   {scene.report.frames:,} frames"
    return [
        f"{_say('krakenwire', 'bold')} {_say(' SIM ', 'badge')} {_cut(title, columns - 17)}",
        "",
        *("  ".join(cells).rstrip() for cells in zip(*panels, strict=True)),
        _rule("trades", columns),
        *trades,
        *[""] * (tape - len(trades)),
        _rule("books", columns),
        *(_say(_cut(text, columns), style) for text, style in facts),
        *[""] * (tape - len(facts)),
    ]


def _cut(text: str, columns: int) -> str:
    return text if len(text) <= columns else text[: max(0, columns - 1)] + "…"


def _trade(trade: TradeUpdate) -> str:
    proof = "complete" if trade.complete else "first seen"
    return (
        f"{shown(trade.timestamp)[11:23]}  {shown(trade.symbol):<8} {shown(trade.side.value):<4} "
        f"{trade.qty:>14f} @ {trade.price:<10f} #{trade.trade_id}  {proof}"
    )


def _rule(title: str, columns: int) -> str:
    return _say(f"── {title} " + "─" * (min(columns, _WIDEST) - len(title) - 4), "dim")


def _panel(scene: Scene, symbol: str, levels: int) -> list[str]:
    """One book, every line as wide as a panel."""
    book = scene.book(symbol, levels)
    stream = scene.stream(symbol)
    counts = f"{stream.verified:,} verified  {stream.failed:,} failed"
    ticker = scene.tickers.get(symbol)
    last = "" if ticker is None else f"last {ticker.last}  {ticker.change_pct:+z} %"
    if isinstance(book, BookNotLive):
        gone = [f"{'-':>10} {'-':>14}"] * levels
        middle = [_say(f"{shown(book.reason or '-'):^{PANEL}.{PANEL}}", "red")]
        return [
            _head(symbol, shown(book.status).upper(), "red"),
            *(_say(line, "dim") for line in gone),
            *middle,
            *(_say(line, "dim") for line in gone),
            _say(f"{'not to be read':<{PANEL}}", "red"),
            f"{counts:<{PANEL}.{PANEL}}",
            _say(f"{last:<{PANEL}.{PANEL}}", "dim"),
        ]
    asks = [_level(level) for level in book.asks]
    bids = [_level(level) for level in book.bids]
    blank = " " * PANEL
    spread = "-" if book.spread is None else f"ask ↑ {book.spread} ↓ bid"
    return [
        _head(symbol, "LIVE", "green"),
        *[blank] * (levels - len(asks)),
        *(_say(line, "red") for line in reversed(asks)),
        _say(f"{spread:^{PANEL}.{PANEL}}", "dim"),
        *(_say(line, "green") for line in bids),
        *[blank] * (levels - len(bids)),
        _say(f"{f'checksum ✓ {book.checksum}':<{PANEL}.{PANEL}}", "dim"),
        f"{counts:<{PANEL}.{PANEL}}",
        f"{last:<{PANEL}.{PANEL}}",
    ]


def _head(symbol: str, status: str, style: str) -> str:
    return f"{_say(f'{shown(symbol):<{PANEL - 11}.{PANEL - 11}}', 'bold')} {_say(f'{status:>10}', style)}"


def _level(level: BookLevel) -> str:
    return f"{level.price_text:>10} {level.qty_text:>14.14}"


class Screen:
    """Draws pictures over one another, ten a second at most."""

    def __init__(self, scene: Scene, speed: str) -> None:
        self._scene = scene
        self._speed = speed
        self._height = 0
        self._drawn = 0.0

    def take(self, events: list[Any]) -> None:
        """Show what one frame gave."""
        self._scene.take(events)
        now = time.monotonic()
        if self._scene.symbols and now - self._drawn >= 1 / PICTURES_A_SECOND:
            self._drawn = now
            self._draw()

    def leave(self) -> None:
        """Show how it ended, and give the cursor back."""
        self._draw()
        sys.stdout.write("\x1b[?25h")
        sys.stdout.flush()

    def _draw(self) -> None:
        lines = picture(self._scene, *size(sys.stdout), self._speed)
        up = f"\x1b[{self._height}A" if self._height else ""
        body = "".join(f"{line}\x1b[K\n" for line in lines)
        sys.stdout.write(f"\x1b[?25l{up}\r{body}\x1b[J")
        sys.stdout.flush()
        self._height = len(lines)
