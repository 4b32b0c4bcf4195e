"""Candles of a market. Rising ones are full blocks, falling ones shaded: colour is not the only sign."""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from krakenwire.events import OHLCUpdate
from krakenwire.tui.cells import Part, number, right, safe
from krakenwire.tui.market import Market
from krakenwire.tui.panels.frame import Moment, Rows, panel

LABELS = 4
"""Rows from one price at the scale to the next."""


def candles(market: Market | None, width: int, height: int, moment: Moment) -> Rows:
    """The chart of a market."""
    if market is None:
        return panel("candles", None, [], (width, height), moment)
    state = market.state("ohlc", moment.now)
    every = list(market.candles.values())
    length = f" {every[-1].interval} min" if every else ""
    body = _chart(every, width - 2, height - 2, market.price_width) if every and height > 4 else []
    return panel(
        f"candles{length} · {safe(market.symbol)}   █ up ▒ down", state, body, (width, height), moment
    )


class _Scale(NamedTuple):
    """Prices over rows."""

    low: Decimal
    high: Decimal
    rows: int
    digits: int
    """Fraction digits of prices."""

    def place(self, price: Decimal) -> int:
        """The half row of a price, counted from below."""
        halves = self.rows * 2
        if self.high == self.low:
            return halves // 2
        return min(halves - 1, int((price - self.low) * halves / (self.high - self.low)))

    def price(self, row: int) -> Decimal:
        """The price in the middle of a row, counted from above; at the ends the extremes themselves."""
        if row in {0, self.rows - 1}:
            return self.low if row else self.high
        middle = (self.high - self.low) * (2 * row + 1) / (2 * self.rows)
        return round(self.high - middle, self.digits)


def _chart(every: list[OHLCUpdate], inner: int, height: int, price: int) -> list[list[Part]]:
    rows, label = height - 1, price + 2
    step = 2 if inner - label >= 40 else 1
    visible = every[-max(1, (inner - label - 1) // step) :]
    digits = max(0, -int(visible[-1].close.as_tuple().exponent))
    low, high = min(candle.low for candle in visible), max(candle.high for candle in visible)
    scale = _Scale(low, high, rows, digits)
    columns = [_column(candle, scale) for candle in visible]
    free = inner - label - step * len(visible)
    last = rows - 1 - scale.place(visible[-1].close) // 2
    body: list[list[Part]] = []
    for at in range(rows):
        parts: list[Part] = [(" " * free, "")]
        # Neighbours of one colour are one part.
        text, style = "", ""
        for cells, kind in columns:
            if kind != style and text.strip():
                parts.append((text, style))
                text = ""
            if cells[at] != " ":
                style = kind
            text += cells[at] + " " * (step - 1)
        parts.append((text, style))
        if at == last:
            parts.append(("◂" + right(number(visible[-1].close), label - 1), "bold"))
        elif at in {0, rows - 1} or (at % LABELS == 0 and at < rows - 3):
            parts.append((right(number(scale.price(at)), label), "dim"))
        body.append(parts)
    begin, end = safe(visible[0].interval_begin[11:16]), safe(visible[-1].interval_begin[11:16])
    between = step * len(visible) - len(begin) - len(end)
    axis = f"{begin}{' ' * between}{end}" if between > 0 else end
    body.append([(" " * free + axis, "dim")])
    return body


def _column(candle: OHLCUpdate, scale: _Scale) -> tuple[str, str]:
    """The cells of a candle from the top down, and its style."""
    top, bottom = scale.place(candle.high), scale.place(candle.low)
    ends = sorted((scale.place(candle.open), scale.place(candle.close)))
    rises = candle.close >= candle.open
    text = ""
    for row in range(scale.rows - 1, -1, -1):
        lower, upper = 2 * row, 2 * row + 1
        body = (ends[0] <= lower <= ends[1], ends[0] <= upper <= ends[1])
        if candle.open == candle.close and any(body):
            text += "┼" if top > upper or bottom < lower else "─"
        elif any(body):
            text += ("█" if all(body) else "▀" if body[1] else "▄") if rises else "▒"
        else:
            text += "│" if bottom <= upper and lower <= top else " "
    return text, "up" if rises else "down"
