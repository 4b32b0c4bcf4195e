"""A book as a ladder: bids at the left, asks at the right, with bars of their quantities, spread, imbalance and checksum."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from krakenwire.state.level2 import BookView
from krakenwire.tui.cells import DASH, Part, bar, bar_to_left, grouped, number, right, rounded, safe
from krakenwire.tui.market import Market
from krakenwire.tui.panels.frame import Moment, Rows, panel
from krakenwire.tui.state import State
from krakenwire.wire.book import PROVEN_LEVELS, BookLevel

BAR = 4
"""Cells of a bar at least; quantities give way."""

QTY = 7
"""Cells of a quantity at least."""

FOOT = 2
"""Rows below the levels."""


def levels_for(height: int) -> int:
    """Levels a side that a ladder of so many rows shows."""
    return max(1, height - 2 - 1 - FOOT)


def ladder(market: Market | None, width: int, height: int, moment: Moment) -> Rows:
    """The ladder of a market."""
    if market is None:
        return panel("book", None, [[(" no market is followed", "dim")]], (width, height), moment)
    state = market.state("book", moment.now)
    book = market.book
    depth = f" · depth {book.depth}" if book.depth else ""
    status = market.trading_status
    trading = "" if status in {None, "online"} else f" · {safe(status)}"
    columns = _Columns(market, width - 2)
    count = levels_for(height)
    view = book.view
    if view is None:
        body = [columns.head()]
        body += [columns.dashes()] * min(count, PROVEN_LEVELS)
        body += [[]] * (count - min(count, PROVEN_LEVELS))
        body += [[(f" spread {DASH}   imbalance {DASH}", "")], [(f" {_why(state)}", "")]]
    else:
        body = [columns.head(), *_levels(market, view, columns, count, moment)]
        body += [_spread(view, width - 2), _checksum(market, state)]
    return panel(f"{safe(market.symbol)}{depth}{trading}", state, body, (width, height), moment)


def _why(state: State) -> str:
    return {
        "WAITING": "no snapshot yet",
        "RESYNCING": "taken anew: it contradicted Kraken",
        "DISPUTED": "wrong after every resync",
        "STALE": "its connection was lost: no snapshot yet",
        "REFUSED": "Kraken does not serve it",
    }.get(state.word, "cannot be read")


class _Columns:
    """Where the cells of a ladder go. Quantities lose digits before bars vanish, prices never."""

    def __init__(self, market: Market, inner: int) -> None:
        self.price, qty = market.price_width, market.qty_width
        self.halves = (inner - 1) // 2, inner - 1 - (inner - 1) // 2
        room = self.halves[0] - self.price - 4
        self.qty = max(min(qty, QTY), min(qty, room - BAR))
        self.bar = room - self.qty
        if self.bar < 1:
            self.bar, self.qty = 0, max(1, room + 1)

    def head(self) -> list[Part]:
        gap = " " if self.bar else ""
        bid = right("bid qty", self.qty) + "  " + right("bid", self.price) + " "
        ask = " " + right("ask", self.price) + "  " + right("ask qty", self.qty)
        return [
            (right("", self.halves[0] - len(bid) - len(gap)) + gap + bid, "head"),
            ("│", "frame"),
            (ask, "head"),
        ]

    def dashes(self) -> list[Part]:
        gap = " " * (self.bar + (self.bar > 0))
        price, qty = right(DASH, self.price), right(DASH, self.qty)
        return [(f"{gap}{qty}  {price} ", "dim"), ("│", "frame"), (f" {price}  {qty}", "dim")]

    def bid(self, level: BookLevel | None, share: float, *, flash: bool) -> list[Part]:
        if level is None:
            return [(" " * self.halves[0], "")]
        parts: list[Part] = [*bar_to_left(share, self.bar, "bar-bid"), (" ", "")] if self.bar else []
        qty, price = self._texts(level)
        return [*parts, (qty, "flash" if flash else ""), (f"  {price} ", "bid")]

    def ask(self, level: BookLevel | None, share: float, *, flash: bool) -> list[Part]:
        if level is None:
            return [(" " * self.halves[1], "")]
        qty, price = self._texts(level)
        parts: list[Part] = [(f" {price}  ", "ask"), (qty, "flash" if flash else "")]
        room = self.bar + self.halves[1] - self.halves[0]
        return [*parts, (" " + bar(share, room), "bar-ask")] if self.bar else parts

    def _texts(self, level: BookLevel) -> tuple[str, str]:
        return right(grouped(str(level.qty_text)), self.qty), right(
            grouped(str(level.price_text)), self.price
        )


def _levels(
    market: Market, view: BookView, columns: _Columns, count: int, moment: Moment
) -> list[list[Part]]:
    offset = max(0, min(moment.scroll, max(len(view.bids), len(view.asks)) - count))
    bids, asks = view.bids[offset : offset + count], view.asks[offset : offset + count]
    largest = max((float(level.qty) for level in (*bids, *asks)), default=0.0) or 1.0
    rows: list[list[Part]] = []
    for at in range(count):
        if offset + at == PROVEN_LEVELS and view.depth > PROVEN_LEVELS and at < max(len(bids), len(asks)):
            rows.append(_line(columns, " proven to here "))
        bid = bids[at] if at < len(bids) else None
        ask = asks[at] if at < len(asks) else None
        rows.append(
            [
                *columns.bid(bid, _share(bid, largest), flash=_flash(market, "b", bid, moment)),
                ("│", "frame"),
                *columns.ask(ask, _share(ask, largest), flash=_flash(market, "a", ask, moment)),
            ]
        )
    return rows[:count]


def _line(columns: _Columns, text: str) -> list[Part]:
    room = sum(columns.halves) + 1
    before = max(0, (room - len(text)) // 2)
    return [("┄" * before + text + "┄" * max(0, room - before - len(text)), "dim")]


def _share(level: BookLevel | None, largest: float) -> float:
    return 0.0 if level is None else float(level.qty) / largest


def _flash(market: Market, side: str, level: BookLevel | None, moment: Moment) -> bool:
    return (
        level is not None
        and moment.frozen_for is None
        and market.flashes(f"{side}{level.price_text}", moment.now)
    )


def _spread(view: BookView, inner: int) -> list[Part]:
    """Spread in the quote currency and in hundredths of a per cent, and who has more in the ten best levels."""
    spread = view.spread
    told = f" spread {number(spread)}"
    if spread is not None and view.best_bid is not None and view.best_ask is not None:
        middle = (view.best_bid + view.best_ask) / 2
        told += f" ({rounded(spread / middle * 10_000, 2)} bp)" if middle else ""
    share = imbalance(view)
    if share is None:
        return [(told, "")]
    size = min(20, inner - len(told) - 19)
    if size < 4:
        return [(told, ""), (f"   bids {share:.2f}", "")]
    full = round(share * size)
    balance: list[Part] = [("   imbalance ", ""), ("▓" * full, "bid"), ("░" * (size - full), "ask")]
    return [(told, ""), *balance, (f" {share:.2f}", "")]


def imbalance(view: BookView) -> float | None:
    """Share of the bids in the quantity of the ten best levels of both sides; None while there is nothing."""
    bids, asks = _sum(view.bids[:PROVEN_LEVELS]), _sum(view.asks[:PROVEN_LEVELS])
    return float(bids / (bids + asks)) if bids + asks else None


def _sum(levels: Sequence[BookLevel]) -> Decimal:
    return sum((level.qty for level in levels), Decimal(0))


def _checksum(market: Market, state: State) -> list[Part]:
    view = market.book.view
    if view is None or not view.verified:
        return [(f" unverified: {safe(market.book.reason)}", "bad")]
    mark = "✓" if state.live else "·"
    proven = min(view.proven_depth, max(len(view.bids), len(view.asks)))
    return [(f" checksum {mark} {market.book.checksum}", "live"), (f"   proven to level {proven}", "")]
