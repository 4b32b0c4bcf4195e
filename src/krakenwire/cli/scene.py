"""What the demo knows of its market at one moment, and what it has to say about an event."""

from __future__ import annotations

from collections import deque
from typing import Any

from krakenwire import events as ev
from krakenwire.cli.book_stream import BookStream
from krakenwire.cli.report import Report
from krakenwire.cli.text import counted, seconds, shown
from krakenwire.errors import BookNotLive
from krakenwire.handler import KrakenV2MessageHandler
from krakenwire.state.level2 import BookView
from krakenwire.wire.market import TickerUpdate
from krakenwire.wire.timestamps import format_ns

KEPT = 8
"""Trades and facts that are remembered."""


class Scene:
    """The books, the tickers, the last trades and the last facts. Give it the events of each frame."""

    def __init__(self, handler: KrakenV2MessageHandler, report: Report) -> None:
        self._handler = handler
        self.report = report
        self.symbols: list[str] = []
        self.tickers: dict[str, TickerUpdate] = {}
        """The last of each symbol, the newest at the end."""
        self.trades: deque[ev.TradeUpdate] = deque(maxlen=KEPT)
        self.facts: deque[tuple[str, str]] = deque(maxlen=KEPT)
        """Lines about books that were lost or came to life, each with its colour."""

    @property
    def time(self) -> str:
        """The time of the market, to the tenth of a second."""
        return format_ns(self.report.clock.ns, 1)[11:-1]

    def book(self, symbol: str, depth: int) -> BookView | BookNotLive:
        """A verified book, or why there is none."""
        try:
            return self._handler.book(symbol, depth)
        except BookNotLive as exc:
            return exc

    def stream(self, symbol: str) -> BookStream:
        """The counts of a book."""
        return self.report.streams.book("book", symbol)

    def take(self, events: list[Any]) -> list[tuple[str, str]]:
        """Remember what happened. The facts among it, in words and with their colour."""
        told = []
        for event in events:
            if isinstance(event, TickerUpdate):
                self.tickers.pop(event.symbol, None)
                self.tickers[event.symbol] = event
            elif isinstance(event, ev.TradeUpdate):
                self.trades.append(event)
            elif isinstance(event, (ev.BookLive, ev.BookLost)) or (
                # A failed checksum is told by the loss that follows.
                isinstance(event, ev.Gap) and event.reason is not ev.GapReason.CHECKSUM
            ):
                told.append(self._fact(event))
        self.facts.extend((f"{self.time}  {text}", style) for text, style in told)
        return told

    def _fact(self, event: ev.BookLive | ev.BookLost | ev.Gap) -> tuple[str, str]:
        symbol = f"{shown(event.symbol):<8}"
        if isinstance(event, ev.BookLost):
            told = f"expected {event.expected}, computed {event.computed}"
            return f"{symbol} LOST  {shown(event.reason)}: {told}", "red"
        if isinstance(event, ev.Gap):
            return f"{symbol} GAP   {event.reason.value}: something may be missing here", "red"
        stream = self.stream(event.symbol)
        if event.symbol not in self.symbols:
            self.symbols.append(event.symbol)
        if not stream.intervals_kept:
            return f"{symbol} LIVE  {counted(event.depth, 'level')} a side, proven by its checksum", "green"
        blind = stream.intervals_kept[-1]
        lost = counted(blind.discarded, "update")
        return f"{symbol} LIVE  again; blind for {seconds(blind.seconds)}, {lost} discarded", "green"
