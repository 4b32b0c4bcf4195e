"""The market channels without a book: ticker, trade, ohlc and instrument. Messages in, events out.

Only trades carry a proof, their ids. Of the others nothing shows whether one is missing.
"""

from __future__ import annotations

from krakenwire.events import CandleRevised, Event, Gap, GapReason, OHLCUpdate, TradeUpdate, TradingStatus
from krakenwire.session.books import BookKeeper
from krakenwire.session.desk import Desk
from krakenwire.session.sequences import SequenceKeeper
from krakenwire.session.streams import Streams
from krakenwire.state.candles import CandleFact, CandleLog
from krakenwire.state.instruments import Instruments, PairChanged
from krakenwire.state.trades import COMPLETE, TradeGap, TradeLog
from krakenwire.wire.enums import MessageType
from krakenwire.wire.market import InstrumentMessage, OHLCMessage, TickerMessage, TradeMessage

# A look at a member of an enumeration costs more than one at a name of the module.
_SNAPSHOT, _REVISED = MessageType.SNAPSHOT, CandleFact.REVISED


class MarketKeeper:
    """Trades, candles and pairs as one connection told them, and which of them are news."""

    def __init__(
        self,
        streams: Streams,
        sequences: SequenceKeeper,
        desk: Desk,
        books: BookKeeper,
        instruments: Instruments,
    ) -> None:
        self.trades = TradeLog()
        self.candles = CandleLog()
        self.instruments = instruments
        self._streams = streams
        self._sequences = sequences
        self._desk = desk
        self._books = books
        self._tickers_heard = streams.of("ticker")
        self._trades_heard = streams.of("trade")
        self._candles_heard = streams.of("ohlc")

    def ticker(self, message: TickerMessage, now: float) -> list[Event]:
        """Take a message of channel ticker."""
        events: list[Event] = []
        streams = self._tickers_heard
        for ticker in (
            message.data if message.sequence is None else self._sequences.rows("ticker", message, events, now)
        ):
            stream = streams.get(ticker.symbol) or self._streams.begin("ticker", ticker.symbol, now)
            stream.heard_at = now
            stream.latest = ticker
            events.append(ticker)
            if message.type is _SNAPSHOT:
                self._desk.delivered("ticker", ticker.symbol)
        return events

    def trade(self, message: TradeMessage, now: float) -> list[Event]:
        """Take a message of channel trade. Trades that came before are not passed on."""
        events: list[Event] = []
        snapshot = message.type is _SNAPSHOT
        streams = self._trades_heard
        for trade in (
            message.data if message.sequence is None else self._sequences.rows("trade", message, events, now)
        ):
            verdict = self.trades.judge(trade.symbol, trade.trade_id)
            stream = streams.get(trade.symbol) or self._streams.begin("trade", trade.symbol, now)
            entry = stream.entry
            complete = verdict is COMPLETE
            if complete:
                entry.messages += 1
                entry.verified += 1
                if not stream.proven:
                    stream.prove(now)
            elif verdict.repeated:
                if not stream.proven and trade.trade_id == self.trades.last_id(trade.symbol):
                    stream.prove(now)  # the snapshot reaches back to what was held, and nothing came after it
            elif not verdict.first or self.trades.last_id(trade.symbol) is None:
                # Of the first trade of all nothing could prove that none came before: it is not counted.
                entry.messages += 1
                entry.unverified += 1
                if verdict.gap is not None:
                    events.append(_trade_gap(verdict.gap, stream.heard_at))
                    stream.doubt(GapReason.TRADE_ID.value)
            # A repeated trade is not passed on, but the channel delivers: its next break has to be told.
            stream.heard_at = now
            if verdict.repeated:
                continue
            events.append(
                TradeUpdate(
                    trade.symbol,
                    trade.side,
                    trade.price_text,
                    trade.qty_text,
                    trade.ord_type,
                    trade.trade_id,
                    trade.timestamp,
                    complete=complete,
                    snapshot=snapshot,
                )
            )
        return events

    def ohlc(self, message: OHLCMessage, now: float) -> list[Event]:
        """Take a message of channel ohlc."""
        events: list[Event] = []
        snapshot = message.type is _SNAPSHOT
        streams = self._candles_heard
        for candle in (
            message.data if message.sequence is None else self._sequences.rows("ohlc", message, events, now)
        ):
            revised = self.candles.judge(candle, message.timestamp) is _REVISED
            stream = streams.get(candle.symbol) or self._streams.begin("ohlc", candle.symbol, now)
            stream.heard_at = now
            if revised:
                events.append(CandleRevised(candle.symbol, candle.interval, candle.interval_begin))
            events.append(
                OHLCUpdate(
                    candle.symbol,
                    candle.open_text,
                    candle.high_text,
                    candle.low_text,
                    candle.close_text,
                    candle.trades,
                    candle.volume_text,
                    candle.vwap_text,
                    candle.interval_begin,
                    candle.interval,
                    candle.timestamp,
                    revised=revised,
                    snapshot=snapshot,
                )
            )
        return events

    def instrument(self, message: InstrumentMessage, now: float) -> list[Event]:
        """Take a message of channel instrument. Books learn at once what became of their pairs."""
        events: list[Event] = []
        if self._sequences.follows("instrument", message, events, now) is None:
            return events
        self._streams.note("instrument", None, now)
        events.append(message.data)
        snapshot = message.type is _SNAPSHOT
        if snapshot:
            self._desk.delivered("instrument", None)
            stream = self._streams.of("instrument").get(None)
            if stream is not None:
                stream.latest = message.data
        first = not self.instruments.complete
        for fact in self.instruments.apply(message.data, snapshot=snapshot):
            if not isinstance(fact, PairChanged):
                events.append(fact)
                continue
            before, after = fact.before, fact.after
            if before is not None or not first:  # the first list is no news
                events.append(fact)
                if fact.status_changed:
                    statuses = [None if pair is None else pair.status for pair in (before, after)]
                    events.append(TradingStatus(fact.symbol, *statuses))
            events += self._books.learn(fact.symbol, now)
        return events

    def reject(self, channel: str, symbol: str | None) -> list[Event]:
        """An entry cannot be used. Nothing is built upon it, so its stream is only incomplete."""
        self._desk.spoiled(channel, symbol)
        self._streams.spoilt(channel, symbol)
        return [Gap(channel, symbol, GapReason.FRAME_REFUSED, since=self._streams.heard_at(channel, symbol))]


def _trade_gap(gap: TradeGap, since: float | None) -> Gap:
    missing = gap.missing
    first, last = (missing[0], missing[-1]) if missing else (None, None)
    return Gap("trade", gap.symbol, GapReason.TRADE_ID, first, last, since)
