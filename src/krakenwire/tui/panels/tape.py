"""The trades of a market, newest first, with every place where some may be missing."""

from __future__ import annotations

from itertools import islice

from krakenwire.events import TradeUpdate
from krakenwire.tui.cells import Part, grouped, left, right, safe
from krakenwire.tui.market import Market, Missing
from krakenwire.tui.panels.frame import Moment, Rows, panel

QTY = 6
"""Cells of a quantity at least."""

CLOCKS = (12, 8, 5, 0)
"""Cells of a time, with and without fractions and seconds, down to none: it gives way before a price does."""


def tape(market: Market | None, width: int, height: int, moment: Moment, *, scrolls: bool = False) -> Rows:
    """The tape of a market; on a page of its own it scrolls."""
    if market is None:
        return panel("trades", None, [], (width, height), moment)
    state = market.state("trade", moment.now)
    inner, first = width - 2, moment.scroll if scrolls else 0
    rows = islice(reversed(market.trades), first, first + max(0, height - 2))
    body: list[list[Part]] = [_row(each, market, inner) for each in rows]
    if not body and state.live:
        body = [[(" no trade yet", "dim")]]
    return panel(f"trades · {safe(market.symbol)}", state, body, (width, height), moment)


def _row(trade: TradeUpdate | Missing, market: Market, inner: int) -> list[Part]:
    if isinstance(trade, Missing):
        return [(f" ── {trade.words} ──", "bad")]
    buys = trade.side == "buy"
    style, arrow = ("up", "▲") if buys else ("down", "▼")
    price, qty = grouped(str(trade.price_text)), grouped(str(trade.qty_text))
    side = f" {arrow} {left(safe(trade.side.value), 4)} "
    clock, room = CLOCKS[0], inner - 1 - market.price_width - 2
    if room - clock - len(side) < market.tape_width:
        side = f" {arrow} "
    if room - clock - len(side) < market.tape_width:
        clock = next((cells for cells in CLOCKS[1:] if room - cells - len(side) >= QTY), 0)
    told = max(QTY, min(market.tape_width, room - clock - len(side)))
    time = left(safe(trade.timestamp[11 : 11 + clock]), clock)
    parts: list[Part] = [(f" {time}", "dim"), (side, style), (right(qty, told), "")]
    parts.append((f"  {right(price, market.price_width)}", style))
    used = sum(len(text) for text, _ in parts)
    for more in (
        f"#{trade.trade_id}",
        "complete" if trade.complete else "first seen",
        safe(trade.ord_type.value),
    ):
        used += 2 + len(more)
        if used <= inner:
            parts.append((f"  {more}", "dim"))
    return parts
