"""Trades and candles against what really happened: nothing twice, nothing missing in silence, every candle as last told."""

from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from krakenwire.events import CandleRevised, Gap, GapReason, OHLCUpdate, TradeUpdate
from krakenwire.session import Session
from krakenwire.wire.timestamps import format_ns

STAMP = "2026-11-22T08:00:22.814908Z"
MINUTE = 60_000_000_000
START = 1_795_161_600_000_000_000


def trades(kind: str, symbol: str, ids: range | list[int]) -> bytes:
    """A frame of trades with these ids."""
    rows = ",".join(
        f'{{"symbol":"{symbol}","side":"buy","price":141.23,"qty":1.50,"ord_type":"limit","trade_id":{n},'
        f'"timestamp":"{STAMP}"}}'
        for n in ids
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'.encode()


class TradesMachine(RuleBasedStateMachine):
    """Two markets whose trades happen one after the other; some are lost, some come again, some only in a snapshot."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(now=0.0)
        self.happened = {"A/USD": 100, "B/USD": 7}
        self.told: dict[str, list[int]] = defaultdict(list)
        """Ids passed on, and ids reported missing, in the order of the events."""
        self.passed: dict[str, set[int]] = defaultdict(set)

    SYMBOLS = st.sampled_from(["A/USD", "B/USD"])

    @rule(symbol=SYMBOLS, many=st.integers(1, 4))
    def trades_happen(self, symbol: str, many: int) -> None:
        first = self.happened[symbol] + 1
        self.happened[symbol] += many
        self.hear("update", symbol, range(first, first + many))

    @rule(symbol=SYMBOLS, many=st.integers(1, 4))
    def trades_are_lost(self, symbol: str, many: int) -> None:
        self.happened[symbol] += many

    @rule(symbol=SYMBOLS, back=st.integers(0, 60), many=st.integers(1, 3))
    def trades_come_again(self, symbol: str, back: int, many: int) -> None:
        first = max(1, self.happened[symbol] - back)
        if self.told[symbol] and first > self.told[symbol][-1]:
            return
        last = min(self.happened[symbol], first + many - 1)
        self.hear("update", symbol, range(first, last + 1))

    @rule(missed=st.integers(0, 70), length=st.integers(1, 50))
    def connection_breaks(self, missed: int, length: int) -> None:
        events = self.session.connection_lost(now=2.0)
        assert {e.symbol for e in events if isinstance(e, Gap)} == {s for s in self.told if self.told[s]}
        for symbol in self.happened:
            self.happened[symbol] += missed
            newest = self.happened[symbol]
            self.hear("snapshot", symbol, range(max(1, newest - length + 1), newest + 1))

    def hear(self, kind: str, symbol: str, ids: range) -> None:
        for event in self.session.receive(trades(kind, symbol, ids), now=1.0):
            if isinstance(event, Gap):
                assert (event.channel, event.symbol, event.reason) == ("trade", symbol, GapReason.TRADE_ID)
                assert event.first is not None
                assert event.last is not None
                self.told[symbol] += range(event.first, event.last + 1)
                continue
            assert isinstance(event, TradeUpdate)
            assert event.trade_id not in self.passed[symbol]
            follows = bool(self.told[symbol]) and event.trade_id - 1 in self.passed[symbol]
            assert event.complete is (follows and self.told[symbol][-1] == event.trade_id - 1)
            assert event.snapshot is (kind == "snapshot")
            self.passed[symbol].add(event.trade_id)
            self.told[symbol].append(event.trade_id)

    @invariant()
    def every_trade_is_told_once_in_order(self) -> None:
        for told in self.told.values():
            assert told == list(range(told[0], told[-1] + 1)) if told else True


TestTrades = pytest.mark.fault("B15")(TradesMachine.TestCase)


def candle(minute: int, count: int, volume: int, digits: int) -> bytes:
    """A frame of one candle; its start may be written with any number of fraction digits."""
    begin = format_ns(START + minute * MINUTE, digits)
    return (
        '{"channel":"ohlc","type":"update","timestamp":"2026-11-22T08:00:26.844359566Z","data":[{"symbol":"A/USD",'
        f'"open":141.10,"high":141.25,"low":141.08,"close":141.23,"trades":{count},"volume":{volume}.50,"vwap":141.19,'
        f'"interval_begin":"{begin}","interval":1}}]}}'
    ).encode()


class CandlesMachine(RuleBasedStateMachine):
    """One series of candles, told in any order and again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(now=0.0)
        self.held: dict[int, tuple[int, int]] = {}

    @rule(
        minute=st.integers(0, 20),
        count=st.integers(1, 3),
        volume=st.integers(1, 3),
        digits=st.sampled_from([0, 6, 9]),
    )
    def candle_comes(self, minute: int, count: int, volume: int, digits: int) -> None:
        before = self.held.get(minute)
        closed = bool(self.held) and minute < max(self.held)
        changed = before is not None and before != (count, volume)
        back = before is not None and (count < before[0] or volume < before[1])
        *revision, update = self.session.receive(candle(minute, count, volume, digits), now=1.0)
        assert isinstance(update, OHLCUpdate)
        assert update.revised is (changed and (closed or back))
        assert [type(event) for event in revision] == [CandleRevised] * update.revised
        self.held[minute] = (count, volume)
        if len(self.held) > 16:
            del self.held[min(self.held)]

    @rule(minute=st.integers(5_000, 5_003), count=st.integers(1, 3), digits=st.sampled_from([0, 6, 9]))
    def candle_of_the_future_comes(self, minute: int, count: int, digits: int) -> None:
        (update,) = self.session.receive(candle(minute, count, 1, digits), now=1.0)
        assert isinstance(update, OHLCUpdate)
        assert not update.revised

    @precondition(lambda self: self.held)
    @rule(minute=st.integers(0, 20))
    def candle_comes_again(self, minute: int) -> None:
        if minute in self.held:
            (update,) = self.session.receive(candle(minute, *self.held[minute], 9), now=1.0)
            assert isinstance(update, OHLCUpdate)
            assert not update.revised

    @invariant()
    def the_last_message_of_each_counts(self) -> None:
        candles = self.session.market.candles.candles("A/USD", 1)
        assert [(c.trades, int(c.volume)) for c in candles] == [self.held[m] for m in sorted(self.held)]


TestCandles = pytest.mark.fault("B16")(CandlesMachine.TestCase)
TestCandles.settings = settings(stateful_step_count=40)
