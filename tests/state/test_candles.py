"""`state/candles.py`: a later candle replaces the one of its key, and each says of what kind it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state import candles as module
from krakenwire.state.candles import CANDLES_KEPT, CandleFact, CandleLog
from krakenwire.wire.market import Candle
from krakenwire.wire.timestamps import format_ns

MINUTE = 60_000_000_000
START = 1_795_161_600_000_000_000


def candle(minute: int, trades: int = 1, **values: Any) -> Candle:
    """A candle whose volume grows with its trades."""
    price = "141.10"
    fields: dict[str, Any] = {
        "symbol": "SOL/USD",
        "open_text": price,
        "high_text": price,
        "low_text": price,
        "close_text": price,
        "trades": trades,
        "volume_text": str(trades),
        "vwap_text": price,
        "interval_begin": format_ns(START + minute * MINUTE, 9),
        "interval": 1,
    }
    return Candle(**(fields | values))


def facts(log: CandleLog, *candles: Candle) -> list[CandleFact]:
    return [log.judge(each) for each in candles]


def test_an_open_candle_is_new_then_updated() -> None:
    """The first message of a candle is new, each that carries it on an update."""
    log = CandleLog()
    assert log.judge(candle(0)) is CandleFact.NEW
    assert log.judge(candle(0, 2)) is CandleFact.UPDATED
    assert log.judge(candle(1)) is CandleFact.NEW
    assert log.candles("SOL/USD", 1) == (candle(0, 2), candle(1))


def test_intervals_without_trades_are_no_loss() -> None:
    """A candle that begins hours after the last one is simply new."""
    assert facts(CandleLog(), candle(0), candle(300)) == [CandleFact.NEW, CandleFact.NEW]


@pytest.mark.fault("B16")
def test_a_repeated_candle_says_nothing_new() -> None:
    """The same values are a repetition, open or closed, however the times and zeros are spelt."""
    log = CandleLog()
    again = candle(0, interval_begin=format_ns(START, 0), timestamp="?", volume_text="1.000")
    assert facts(log, candle(0), again, candle(1), candle(0)) == [
        CandleFact.NEW,
        CandleFact.REPEATED,
        CandleFact.NEW,
        CandleFact.REPEATED,
    ]
    assert len(log.candles("SOL/USD", 1)) == 2


@pytest.mark.parametrize("field", ["open", "high", "low", "close", "volume", "vwap"])
def test_any_value_that_changes_is_an_update(field: str) -> None:
    """No value may change in the open candle and pass for a repetition."""
    changed = msgspec.structs.replace(candle(0), **{f"{field}_text": "141.11"})
    assert facts(CandleLog(), candle(0), changed) == [CandleFact.NEW, CandleFact.UPDATED]


@pytest.mark.fault("B16")
def test_a_closed_candle_that_changes_is_revised() -> None:
    """A change of a candle after a later one began is a revision; the later message replaces the earlier."""
    log = CandleLog()
    facts(log, candle(0, 5), candle(1))
    assert log.judge(candle(0, 6)) is CandleFact.REVISED
    assert log.candles("SOL/USD", 1) == (candle(0, 6), candle(1))


@pytest.mark.fault("B16")
@pytest.mark.parametrize("back", [candle(0, 4, volume_text="5"), candle(0, 5, volume_text="4.9")])
def test_an_open_candle_that_goes_back_is_revised(back: Candle) -> None:
    """Trades and volume of one candle only grow; the open candle with less of either is a revision."""
    log = CandleLog()
    assert facts(log, candle(0, 5), back) == [CandleFact.NEW, CandleFact.REVISED]
    assert log.candles("SOL/USD", 1) == (back,)


@pytest.mark.fault("B16")
def test_a_candle_that_comes_after_a_later_one_is_late() -> None:
    """A candle first seen after a later one began is late, and takes its place in time."""
    log = CandleLog()
    assert facts(log, candle(0), candle(2), candle(1)) == [CandleFact.NEW, CandleFact.NEW, CandleFact.LATE]
    assert log.candles("SOL/USD", 1) == (candle(0), candle(1), candle(2))


@pytest.mark.fault("B16")
def test_series_are_independent() -> None:
    """Symbol and interval are part of the key: candles of one start do not replace each other."""
    log = CandleLog()
    others = candle(0, interval=60), candle(0, symbol="BTC/USD")
    assert facts(log, candle(0), *others) == [CandleFact.NEW] * 3
    log.forget("SOL/USD", 60)
    assert log.candles("SOL/USD", 60) == ()
    assert log.candles("SOL/USD", 1) == (candle(0),)


def test_candles_are_bounded() -> None:
    """The latest candles of a series stay; one older than all of them is late each time and is not kept."""
    log = CandleLog()
    assert set(facts(log, *map(candle, range(1, 40)))) == {CandleFact.NEW}
    kept = tuple(map(candle, range(40 - CANDLES_KEPT, 40)))
    assert log.candles("SOL/USD", 1) == kept
    assert facts(log, candle(0), candle(0)) == [CandleFact.LATE, CandleFact.LATE]
    assert log.candles("SOL/USD", 1) == kept


def test_series_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Candles of a series too many are passed on with nothing claimed, and nothing is kept of them."""
    monkeypatch.setattr(module, "SERIES_LIMIT", 1)
    log = CandleLog()
    over = candle(0, symbol="BTC/USD")
    assert facts(log, candle(0), over, over, candle(1)) == [
        CandleFact.NEW,
        CandleFact.UNTRACKED,
        CandleFact.UNTRACKED,
        CandleFact.NEW,
    ]
    assert log.candles("BTC/USD", 1) == ()


@pytest.mark.fault("J11")
@pytest.mark.parametrize("begin", ["", "now", "2026-13-01T00:00:00Z", "2026-11-20T08:00:00"])
def test_a_start_that_cannot_be_read_has_no_place(begin: str) -> None:
    """A candle without a readable start is passed on with nothing claimed; the series is untouched."""
    log = CandleLog()
    assert facts(log, candle(0, interval_begin=begin), candle(0)) == [CandleFact.UNTRACKED, CandleFact.NEW]
    assert log.candles("SOL/USD", 1) == (candle(0),)


def sent(minute: int) -> str:
    """Half a minute after the start of a candle, as Kraken writes the time of a frame."""
    return format_ns(START + minute * MINUTE + MINUTE // 2, 9)


@pytest.mark.fault("B16", "J11")
@pytest.mark.parametrize("told", [sent(0), sent(5000), None, "?"])
def test_a_start_in_the_future_closes_no_candle(told: str | None) -> None:
    """Whatever time the frame with the impossible start names, the open candle goes on as if it had not come."""
    log = CandleLog()
    log.judge(candle(-1), sent(-1))
    log.judge(candle(0, 5), sent(0))
    log.judge(candle(5000), told)
    assert log.judge(candle(0, 6), sent(0)) is CandleFact.UPDATED
    assert log.judge(candle(1), sent(1)) is CandleFact.NEW
    assert log.candles("SOL/USD", 1) == (candle(-1), candle(0, 6), candle(1))


@pytest.mark.fault("B16", "J11")
def test_a_series_that_began_in_the_future_begins_anew() -> None:
    """Where nothing but an impossible candle is held, the first possible one begins the series."""
    log = CandleLog()
    log.judge(candle(5000))
    assert log.judge(candle(0), sent(0)) is CandleFact.NEW
    assert log.candles("SOL/USD", 1) == (candle(0),)


@pytest.mark.parametrize(("ahead", "fact"), [(1, CandleFact.NEW), (2, CandleFact.UNTRACKED)])
def test_one_interval_is_granted(ahead: int, fact: CandleFact) -> None:
    """A candle may start up to one interval after its frame was sent, and no later."""
    log = CandleLog()
    log.judge(candle(0), sent(0))
    assert log.judge(candle(ahead), sent(0)) is fact


@pytest.mark.fault("B16")
@given(st.lists(st.tuples(st.integers(0, 25), st.integers(1, 3)), max_size=60))
def test_what_is_held_is_the_last_message_of_the_latest_candles(messages: list[tuple[int, int]]) -> None:
    """Whatever the order, the candles held are the last messages of their keys, in order of time."""
    log = CandleLog()
    last: dict[int, Candle] = {}
    for minute, trades in messages:
        last[minute] = candle(minute, trades)
        held = {each.interval_begin for each in log.candles("SOL/USD", 1)}
        fact = log.judge(last[minute])
        assert (fact in {CandleFact.NEW, CandleFact.LATE}) == (last[minute].interval_begin not in held)
        assert (fact is CandleFact.NEW) <= (minute == max(last))
    latest = sorted(last)[-CANDLES_KEPT:]
    assert log.candles("SOL/USD", 1) == tuple(last[minute] for minute in latest)


@pytest.mark.conformance
def test_recorded_candles_only_move_on(conformance_data: Path) -> None:
    """In recorded traffic a candle is new, updated or repeated, and never late."""
    recorded = conformance_data / "kraken_v2" / "unresolved-repo" / "id-70379328486.ohlc-btcusd.jsonl"
    decoder = msgspec.json.Decoder(_Rows, float_hook=str)
    log, seen = CandleLog(), set()
    for line in recorded.read_bytes().splitlines():
        frame = msgspec.json.decode(line)
        if frame.get("channel") == "ohlc":
            seen.update(facts(log, *decoder.decode(line).data))
    assert seen
    assert seen <= {CandleFact.NEW, CandleFact.UPDATED, CandleFact.REPEATED}


class _Rows(msgspec.Struct):
    data: tuple[Candle, ...]
