"""What the dashboard remembers of one market: its last ticker, trades and candles, and its book as it was when it was looked at."""

from __future__ import annotations

import copy
from collections import deque
from decimal import Decimal

from msgspec import Struct

from krakenwire.events import Gap, OHLCUpdate, TickerUpdate, TradeUpdate
from krakenwire.net.status import ConnectionInfo
from krakenwire.state.book import Book, BookStatus
from krakenwire.state.level2 import BookView
from krakenwire.tui.cells import grouped
from krakenwire.tui.state import WAITING, State, Stream
from krakenwire.wire.book import PROVEN_LEVELS, BookLevel

TRADES_KEPT = 500
CANDLES_KEPT = 400
FLASH_SECONDS = 0.4
"""How long a number that changed stands out."""

CHANNELS = ("book", "ticker", "trade", "ohlc")


class Missing(Struct, frozen=True):
    """A place in the tape where trades may be missing."""

    words: str


class BookShown(Struct, frozen=True):
    """A book when it was looked at. No view: it could not be read."""

    status: BookStatus = BookStatus.WANTED
    reason: str = ""
    view: BookView | None = None
    checksum: int | None = None
    depth: int | None = None


class Market:
    """One symbol."""

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.streams = {channel: Stream() for channel in CHANNELS}
        self.link: ConnectionInfo | None = None
        """The connection that carries it."""
        self.late: float | None = None
        self.book = BookShown()
        self.ticker: TickerUpdate | None = None
        self.trades: deque[TradeUpdate | Missing] = deque(maxlen=TRADES_KEPT)
        """Newest last."""
        self.candles: dict[str, OHLCUpdate] = {}
        """By the begin of their interval, oldest first."""
        self.last: Decimal | None = None
        """Price of the last trade."""
        self.direction = 0
        """1 if the last price that differed was higher, -1 if it was lower, 0 before there was one."""
        self.moved_at = float("-inf")
        self.touched: dict[str, float] = {}
        """When levels changed, by side and price; only of the market that is looked at."""
        self.trading_status: str | None = None
        self.price_width, self.qty_width, self.tape_width = 8, 10, 8
        """Cells of prices, and of quantities in the book and on the tape. They only grow, so that columns never jump."""

    # ---------------------------------------------------------------- what comes

    def take_ticker(self, event: TickerUpdate, now: float) -> None:
        self.streams["ticker"].hear(now)
        self.ticker = event
        if event.last is not None:
            self._price(event.last, now)

    def take_trade(self, event: TradeUpdate, now: float) -> None:
        if event.source != "live":
            return  # it fills a gap in the past; the tape is what was seen as it happened
        self.streams["trade"].hear(now)
        if not event.snapshot:
            self._traded(now)
        self.trades.append(event)
        self.tape_width = max(self.tape_width, len(grouped(str(event.qty_text))))
        self.price_width = max(self.price_width, len(grouped(str(event.price_text))))
        self._price(event.price, now)

    def take_candle(self, event: OHLCUpdate, now: float) -> None:
        self.streams["ohlc"].hear(now)
        before = self.candles.get(event.interval_begin)
        new = before is None
        if not event.snapshot and event.trades > (0 if before is None else before.trades):
            self._traded(now)
        self.candles[event.interval_begin] = event
        if new and len(self.candles) > 1:
            begins = sorted(self.candles)[-CANDLES_KEPT:]
            if begins[-1] != event.interval_begin or len(begins) < len(self.candles):
                self.candles = {begin: self.candles[begin] for begin in begins}

    def take_gap(self, event: Gap, now: float, words: str) -> None:
        """Something may be missing."""
        stream = self.streams.get(event.channel)
        if stream is None:
            return
        stream.lose(now, words)
        if event.channel == "trade" and self.trades and not isinstance(self.trades[-1], Missing):
            self.trades.append(Missing(_missing(event, words)))

    def _traded(self, now: float) -> None:
        """A trade happened: it moves the book, the ticker and the candle, and is told itself."""
        for stream in self.streams.values():
            stream.owe(now)

    def touch(self, side: str, levels: tuple[BookLevel, ...], now: float) -> None:
        """These levels changed."""
        for level in levels:
            self.touched[side + str(level.price_text)] = now

    def _price(self, price: Decimal, now: float) -> None:
        if self.last is not None and price != self.last:
            self.direction = 1 if price > self.last else -1
            self.moved_at = now
        self.last = price

    # ---------------------------------------------------------------- what is asked

    def look(self, book: Book[BookView] | None, levels: int | None, now: float) -> None:
        """Read the book, so many levels deep; None: all."""
        if len(self.touched) > 4 * PROVEN_LEVELS:
            self.touched = {key: at for key, at in self.touched.items() if now - at < FLASH_SECONDS}
        if book is None:
            self.book = BookShown()
            return
        view = None
        if book.readable:
            view = book.read(levels, unverified=True)
            self._widen(view)
        self.book = BookShown(book.status, book.reason, view, book.checksum, book.depth)
        status = book.trading_status
        self.trading_status = None if status is None else status.value

    def _widen(self, view: BookView) -> None:
        levels = (*view.bids, *view.asks)
        self.price_width = max([self.price_width, *[len(grouped(str(level.price_text))) for level in levels]])
        self.qty_width = max([self.qty_width, *[len(grouped(str(level.qty_text))) for level in levels]])

    def state(self, channel: str, now: float) -> State:
        """The state of one of its channels."""
        stream = self.streams[channel]
        if channel == "book":
            told = stream.book_state(self.book.status, self.book.reason, now, self.link, late=self.late)
            if told.live and self.book.view is None:
                return WAITING
        else:
            told = stream.state(now, self.link, late=self.late)
        return State("QUIET", told.age, "the market trades") if told.live and stream.behind(now) else told

    def flashes(self, key: str, now: float) -> bool:
        """Whether a level changed just now; the key is its side and price."""
        return now - self.touched.get(key, float("-inf")) < FLASH_SECONDS

    def still(self) -> Market:
        """A copy that does not change any more."""
        made = copy.copy(self)
        made.streams = {channel: stream.still() for channel, stream in self.streams.items()}
        made.trades = copy.copy(self.trades)
        made.candles = dict(self.candles)
        made.touched = dict(self.touched)
        return made


def _missing(event: Gap, words: str) -> str:
    if event.first is not None and event.last is not None:
        count = event.last - event.first + 1
        return f"{count:,} trade{'' if count == 1 else 's'} missing"
    return f"may miss trades: {words}"
