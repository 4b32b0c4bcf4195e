"""Everything the dashboard knows: fed with a client's events, and looking at the client before every picture.

It has no clock and knows no terminal. `take` gets each event with the loop's time, `look` asks the client what no event tells: its books,
connections and counts. Painters read what is here and nothing else, so `still()` is a picture that can be kept.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, Protocol

from msgspec import Struct

from krakenwire import events as ev
from krakenwire.errors import KrakenWireError
from krakenwire.net.status import ConnectionInfo
from krakenwire.state.book import Book
from krakenwire.state.ledger import Trust, Verdict
from krakenwire.tui.account import Account
from krakenwire.tui.badge import Badge
from krakenwire.tui.cells import safe
from krakenwire.tui.delays import Delays
from krakenwire.tui.journal import Journal, gap_words
from krakenwire.tui.market import Market
from krakenwire.wire.control import SubscribeReply

LEDGER_SECONDS = 3600.0
COUNT_SECONDS = 1.0
"""Between two looks at counts and the ledger, which nobody reads ten times a second."""

RATES_KEPT = 60


class Source(Protocol):
    """What is asked of a client."""

    def status(self) -> tuple[ConnectionInfo, ...]: ...

    def statistics(self) -> dict[str, Any]: ...

    def held_book(self, channel: str, symbol: str) -> Book[Any] | None: ...

    def carrier(self, channel: str, symbol: str | None = None) -> str | None: ...

    def trust(self, channel: str, symbol: str | None, start: float, end: float) -> Verdict: ...


class Ledger(Struct, frozen=True):
    """When books were verified, over some time up to now."""

    start: float
    end: float
    books: int = 0
    uncovered: tuple[tuple[float, float], ...] = ()
    """Intervals of single books in which they were not."""

    @property
    def ratio(self) -> float | None:
        """Verified share of the time; None while there is none."""
        whole = (self.end - self.start) * self.books
        return 1 - sum(end - start for start, end in self.uncovered) / whole if whole > 0 else None


class Board:
    """What there is to see of some markets, and of the account if `private`. `began`: the present, on the loop's clock."""

    def __init__(
        self, symbols: Iterable[str], badge: Badge, *, began: float, depth: int = 10, private: bool = False
    ) -> None:
        self.badge = badge
        self.markets = {symbol: Market(symbol) for symbol in symbols}
        self.selected = next(iter(self.markets), None)
        self.account = Account() if private else None
        self.journal = Journal()
        self.delays = Delays()
        self.depth = depth
        self.began = began
        self.epoch = 0
        """Time zero of the loop's clock, ns since 1970."""
        self.links: tuple[ConnectionInfo, ...] = ()
        self.statistics: dict[str, Any] = {}
        self.ledger = Ledger(began, began)
        self.totals: deque[tuple[float, int, dict[str, int]]] = deque(maxlen=RATES_KEPT)
        """Messages so far, altogether and by channel, at each look at the counts."""
        self.proven = self.unproven = self.failed = 0
        """Book messages with a right checksum, without proof, with a wrong checksum."""
        self.gaps = 0
        self.looked_at = began
        """When the client was last asked."""
        self._late: dict[str, float] = {}
        self._counted_at = float("-inf")
        self._take: dict[type, Callable[[Any, float], None]] = {
            ev.OrderBookUpdate: self._book,
            ev.TradeUpdate: self._trade,
            ev.TickerUpdate: self._ticker,
            ev.OHLCUpdate: self._candle,
            ev.ExecutionUpdate: self._execution,
            ev.BalanceUpdate: self._balance,
            ev.Gap: self._gap,
            ev.Heartbeat: lambda _event, _now: None,
        }
        self._facts: dict[type, Callable[[Any, float], None]] = {
            ev.BookLost: self._lost,
            ev.BookLive: self._live,
            ev.StreamQuiet: self._quiet,
            ev.FeedLagging: self._lagging,
            ev.OrderVanished: self._vanished,
            ev.SubscriptionRejected: self._refused,
            SubscribeReply: self._acked,
        }

    @property
    def market(self) -> Market | None:
        """The one that is looked at."""
        return None if self.selected is None else self.markets.get(self.selected)

    # ---------------------------------------------------------------- what comes

    def take(self, event: Any, now: float) -> None:
        """One event of the client."""
        take = self._take.get(type(event))
        if take is None:
            self._fact(event, now)
        else:
            take(event, now)

    def trouble(self, error: KrakenWireError, now: float) -> None:
        """Something went wrong that the client survives."""
        self.journal.note(now, "client", safe(error))

    def _book(self, event: ev.OrderBookUpdate, now: float) -> None:
        market = self.markets.get(event.symbol)
        if market is None:
            return
        if event.verified:
            self.proven += 1
        else:
            self.unproven += 1
        market.streams["book"].hear(now)
        self.delays.take(event.timestamp, now)
        if event.symbol == self.selected and not event.snapshot:
            market.touch("b", event.bids, now)
            market.touch("a", event.asks, now)

    def _trade(self, event: ev.TradeUpdate, now: float) -> None:
        if market := self.markets.get(event.symbol):
            market.take_trade(event, now)

    def _ticker(self, event: ev.TickerUpdate, now: float) -> None:
        if market := self.markets.get(event.symbol):
            market.take_ticker(event, now)

    def _candle(self, event: ev.OHLCUpdate, now: float) -> None:
        if market := self.markets.get(event.symbol):
            market.take_candle(event, now)

    def _execution(self, event: ev.ExecutionUpdate, now: float) -> None:
        if self.account is not None:
            self.account.take_execution(event, now)

    def _balance(self, event: ev.BalanceUpdate, now: float) -> None:
        if self.account is not None:
            self.account.take_balance(event, now)

    def _gap(self, event: ev.Gap, now: float) -> None:
        self.gaps += 1
        words = gap_words(event)
        if self.account is not None:
            self.account.take_gap(event, now, words)
        for market in self._of(event.symbol):
            market.take_gap(event, now, words)
        self.journal.take(event, now)

    def _fact(self, event: Any, now: float) -> None:
        """What is no data: it changes states, and stands in the log."""
        learn = self._facts.get(type(event))
        if learn is not None:
            learn(event, now)
        self.journal.take(event, now)

    def _lost(self, event: ev.BookLost, now: float) -> None:
        self.failed += event.expected is not None
        for market in self._of(event.symbol):
            market.streams["book"].lose(now, event.reason)

    def _live(self, event: ev.BookLive, now: float) -> None:
        for market in self._of(event.symbol):
            market.streams["book"].hear(now)

    def _quiet(self, event: ev.StreamQuiet, _now: float) -> None:
        for market in self._of(event.symbol):
            if (stream := market.streams.get(event.channel)) is not None:
                stream.quiet = event.quiet

    def _lagging(self, event: ev.FeedLagging, _now: float) -> None:
        self._late.pop(event.connection, None)
        if event.lagging:
            self._late[event.connection] = event.seconds

    def _vanished(self, event: ev.OrderVanished, _now: float) -> None:
        if self.account is not None:
            self.account.take_vanished(event)

    def _of(self, symbol: str | None) -> list[Market]:
        """The market of a symbol; all markets for none."""
        if symbol is None:
            return list(self.markets.values())
        market = self.markets.get(symbol)
        return [] if market is None else [market]

    def _acked(self, event: SubscribeReply, now: float) -> None:
        """Kraken delivers a stream from now on. A book has to prove that by its snapshot."""
        channel = event.channel_name
        if event.rejected or channel is None or channel.value == "book":
            return
        if self.account is not None and (own := self.account.streams.get(channel.value)) is not None:
            own.hear(now)
        for market in self._of(event.symbol_name) if event.symbol_name is not None else ():
            if (stream := market.streams.get(channel.value)) is not None:
                stream.hear(now)

    def _refused(self, event: ev.SubscriptionRejected, _now: float) -> None:
        if event.retried:
            return
        holders: list[Market | Account] = list(self._of(event.symbol)) if event.symbol is not None else []
        if event.symbol is None and self.account is not None:
            holders = [self.account]
        for holder in holders:
            for channel, stream in holder.streams.items():
                if event.channel in {None, channel}:
                    stream.refused = event.reason

    # ---------------------------------------------------------------- what is asked

    def look(self, source: Source, now: float, wall_ns: int, *, levels: int | None = None) -> None:
        """See how the client is. `levels` of the selected book; None: all. `wall_ns`: the present, ns since 1970."""
        self.epoch = wall_ns - round(now * 1e9)
        self.looked_at = now
        self.links = source.status()
        named = {link.name: link for link in self.links}
        for market in self.markets.values():
            carrier = source.carrier("book", market.symbol) or source.carrier("ticker", market.symbol)
            market.link = named.get(carrier or "")
            market.late = None if market.link is None else self._lateness(market.link)
            book = None if carrier is None else source.held_book("book", market.symbol)
            market.look(book, levels if market.symbol == self.selected else 1, now)
        if self.account is not None:
            self.account.link = named.get(source.carrier("executions") or "")
            self.account.look()
        if now - self._counted_at >= COUNT_SECONDS:
            self._counted_at = now
            self.statistics = source.statistics()
            counts = self.statistics["messages_by_channel"]
            self.totals.append((now, self.statistics["total_messages"], dict(counts)))
            self.ledger = self._ledger(source, now)

    def _lateness(self, link: ConnectionInfo) -> float | None:
        """Seconds that a connection's data is late, if that was told."""
        told = self._late.get(link.name)
        return told if told is None or link.lag is None else link.lag

    def still(self, source: Source, now: float, wall_ns: int) -> Board:
        """A copy that does not change any more, with every level of every book."""
        selected = self.selected
        for symbol in self.markets:
            self.selected = symbol
            self.markets[symbol].look(source.held_book("book", symbol), None, now)
        self.selected = selected
        self.epoch, self.looked_at = wall_ns - round(now * 1e9), now
        return self.copied()

    def copied(self) -> Board:
        """A copy as it stands. It takes no events."""
        made = copy.copy(self)
        made.markets = {symbol: market.still() for symbol, market in self.markets.items()}
        made.account = None if self.account is None else self.account.still()
        made.journal, made.delays = self.journal.still(), self.delays.still()
        made.totals = copy.copy(self.totals)
        return made

    def _ledger(self, source: Source, now: float) -> Ledger:
        start = max(self.began, now - LEDGER_SECONDS)
        # What Kraken does not serve can never be verified, and says nothing about the books that are followed.
        served = [symbol for symbol, market in self.markets.items() if market.streams["book"].refused is None]
        verdicts = [source.trust("book", symbol, start, now) for symbol in served]
        known = [verdict for verdict in verdicts if verdict.trust is not Trust.UNKNOWN]
        parts = [(part.start, part.end) for verdict in known for part in verdict.uncovered]
        return Ledger(start, now, len(known), tuple(parts))

    # ---------------------------------------------------------------- sums

    def rate(self, channel: str | None = None, seconds: float = 3.0) -> float | None:
        """Messages a second over the last few seconds; None before it is known."""
        if len(self.totals) < 2:
            return None
        last = self.totals[-1]
        first = next(row for row in self.totals if last[0] - row[0] <= seconds or row is last)
        if first is last:
            first = self.totals[-2]
        messages = (
            last[1] - first[1] if channel is None else last[2].get(channel, 0) - first[2].get(channel, 0)
        )
        return messages / (last[0] - first[0])

    def wall(self, at: float) -> int:
        """An instant of the loop's clock, ns since 1970."""
        return self.epoch + round(at * 1e9)
