"""`state/trades.py`: trade ids prove continuity, show repetitions, and leave no hole unsaid."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state import trades as module
from krakenwire.state.trades import RESTART_DISTANCE, TradeGap, TradeGapReason, TradeLog, TradeVerdict

SYMBOL = "SOL/USD"
FIRST = TradeVerdict(first=True)
COMPLETE = TradeVerdict(complete=True)
REPEATED = TradeVerdict(repeated=True)


def gap(last_id: int, next_id: int, reason: TradeGapReason) -> TradeVerdict:
    return TradeVerdict(gap=TradeGap(SYMBOL, last_id, next_id, reason))


def feed(log: TradeLog, *ids: int) -> list[TradeVerdict]:
    return [log.judge(SYMBOL, trade_id) for trade_id in ids]


def test_consecutive_ids_are_complete() -> None:
    """The first trade proves nothing; each that follows by one is complete."""
    log = TradeLog()
    assert feed(log, 10, 11, 12) == [FIRST, COMPLETE, COMPLETE]
    assert log.last_id(SYMBOL) == 12
    assert log.last_id("BTC/USD") is None
    assert (log.gaps, log.repeated) == (0, 0)


@pytest.mark.fault("B15")
def test_a_skipped_id_is_a_gap() -> None:
    """A hole within a connection names the ids left out, once."""
    log = TradeLog()
    *_, skipped, after = feed(log, 10, 14, 15)
    assert skipped == gap(10, 14, TradeGapReason.SKIPPED)
    assert skipped.gap is not None
    assert skipped.gap.missing == range(11, 14)
    assert after == COMPLETE
    assert log.gaps == 1


@pytest.mark.fault("B15")
def test_an_id_seen_before_is_repeated() -> None:
    """An id at or below the last one is to be dropped, and the last one stays."""
    log = TradeLog()
    assert feed(log, 10, 11, 11, 10, 3, 12) == [FIRST, COMPLETE, REPEATED, REPEATED, REPEATED, COMPLETE]
    assert log.repeated == 3


@pytest.mark.fault("B15")
def test_an_overlapping_snapshot_bridges_an_interruption() -> None:
    """A snapshot that reaches back to the last id is dropped as far as known, and the rest is complete."""
    log = TradeLog()
    feed(log, *range(100, 121))
    log.interrupted()
    verdicts = feed(log, *range(90, 140))
    assert verdicts == [REPEATED] * 31 + [COMPLETE] * 19
    assert log.gaps == 0


@pytest.mark.fault("B15")
def test_a_snapshot_that_begins_right_behind_bridges_too() -> None:
    """A snapshot whose first id is last + 1 proves that nothing was lost."""
    log = TradeLog()
    feed(log, 100)
    log.interrupted()
    assert feed(log, 101, 102) == [COMPLETE, COMPLETE]


@pytest.mark.fault("B15")
def test_an_outage_longer_than_the_snapshot_is_a_gap() -> None:
    """A snapshot that does not reach back leaves a hole across the interruption, reported once."""
    log = TradeLog()
    feed(log, 100)
    log.interrupted(SYMBOL)
    assert feed(log, 151, 152) == [gap(100, 151, TradeGapReason.INTERRUPTED), COMPLETE]
    assert feed(log, 154) == [gap(152, 154, TradeGapReason.SKIPPED)]


@pytest.mark.parametrize("first_after", [100, 101])
def test_a_bridged_interruption_is_over(first_after: int) -> None:
    """Once an interruption is bridged, a later hole lies within the connection."""
    log = TradeLog()
    feed(log, 100)
    log.interrupted()
    feed(log, first_after)
    assert feed(log, 110)[0].gap == TradeGap(SYMBOL, first_after, 110, TradeGapReason.SKIPPED)


def test_a_cut_ends_for_each_market_alone() -> None:
    """The trade that bridges one market says nothing about another."""
    log = TradeLog()
    log.judge("BTC/USD", 5)
    feed(log, 100)
    log.interrupted()
    log.judge("BTC/USD", 6)
    assert feed(log, 105) == [gap(100, 105, TradeGapReason.INTERRUPTED)]


@pytest.mark.fault("B15")
def test_a_restarted_numbering_is_no_repetition() -> None:
    """A snapshot far below the last id is a new numbering: a gap of unknown size, then complete again."""
    log = TradeLog()
    feed(log, 50_000)
    verdicts = feed(log, 1, 2, 3)
    assert verdicts == [gap(50_000, 1, TradeGapReason.RESTARTED), COMPLETE, COMPLETE]
    assert verdicts[0].gap is not None
    assert verdicts[0].gap.missing is None
    assert feed(log, 4) == [COMPLETE]


@pytest.mark.fault("B15", "J9")
def test_an_absurd_id_silences_nothing() -> None:
    """After an id that cannot be true the real ones are told as a new numbering, not dropped as repetitions."""
    log = TradeLog()
    feed(log, 50_000)
    assert feed(log, 2**62) == [gap(50_000, 2**62, TradeGapReason.SKIPPED)]
    assert feed(log, 50_001, 50_002) == [gap(2**62, 50_001, TradeGapReason.RESTARTED), COMPLETE]


def test_the_restart_distance_is_exact() -> None:
    """At the distance itself an id is an overlap still, one below it is a new numbering."""
    log = TradeLog()
    feed(log, 5000)
    assert feed(log, 5000 - RESTART_DISTANCE) == [REPEATED]
    assert feed(log, 4999 - RESTART_DISTANCE)[0].gap is not None


def test_a_market_not_seen_yet_cannot_be_cut() -> None:
    """An interruption before the first trade of a market leaves no trace."""
    log = TradeLog()
    log.interrupted(SYMBOL)
    log.interrupted()
    assert feed(log, 10, 12) == [FIRST, gap(10, 12, TradeGapReason.SKIPPED)]


def test_forgotten_markets_begin_anew() -> None:
    """After `forget` the next trade is a first one and no gap; an unknown market may be forgotten too."""
    log = TradeLog()
    feed(log, 10)
    log.interrupted()
    log.interrupted("BTC/USD")
    log.forget(SYMBOL)
    log.forget("BTC/USD")
    assert feed(log, 99, 101) == [FIRST, gap(99, 101, TradeGapReason.SKIPPED)]


def test_markets_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trades of a market too many are never claimed to be complete."""
    monkeypatch.setattr(module, "SYMBOL_LIMIT", 1)
    log = TradeLog()
    feed(log, 1)
    assert [log.judge("BTC/USD", trade_id) for trade_id in (1, 2)] == [FIRST, FIRST]
    assert feed(log, 2) == [COMPLETE]


@pytest.mark.fault("B15")
@given(st.integers(0, 80), st.integers(1, 50))
def test_any_outage_is_bridged_or_told(missed: int, length: int) -> None:
    """Over an outage of any length, trades passed on plus ids reported missing are all trades, each once."""
    log = TradeLog()
    live = [*range(1, 101)]
    passed = [i for i in live if not log.judge(SYMBOL, i).repeated]
    log.interrupted()
    newest = 100 + missed
    for trade_id in range(newest - length + 1, newest + 1):
        verdict = log.judge(SYMBOL, trade_id)
        if verdict.gap is not None:
            assert verdict.gap.reason is TradeGapReason.INTERRUPTED
            assert verdict.gap.missing is not None
            passed.extend(verdict.gap.missing)
        if not verdict.repeated:
            passed.append(trade_id)
    assert passed == list(range(1, newest + 1))
    assert log.gaps == (missed > length)


@pytest.mark.conformance
def test_recorded_trades_are_complete(conformance_data: Path) -> None:
    """In recorded traffic every trade but the first follows the one before it."""
    recorded = conformance_data / "kraken_v2" / "abelkalavadakken__agenttrade" / "kraken_trade_btcusd.jsonl"
    log = TradeLog()
    frames = map(msgspec.json.decode, recorded.read_bytes().splitlines())
    trades = [row for frame in frames if frame.get("channel") == "trade" for row in frame["data"]]
    verdicts = [log.judge(row["symbol"], row["trade_id"]) for row in trades]
    assert verdicts == [FIRST] + [COMPLETE] * 41
