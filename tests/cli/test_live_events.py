"""Events of a live stream: as a line, as a record, and in the summary."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire import events as ev
from krakenwire.cli.counts import WORDS, Counts
from krakenwire.cli.lines import line
from krakenwire.cli.output import WAITING_LIMIT, Output
from krakenwire.cli.records import is_told, name_of, record
from krakenwire.handler.routes import KINDS
from krakenwire.session import Session
from krakenwire.wire.codec import UnknownFrame
from krakenwire.wire.enums import OrderType, PairStatus, Side
from krakenwire.wire.refusals import ErrorKind
from tests.session.exchange import Exchange
from tests.vectors.samples import FRAMES

FACTS: list[Any] = [
    ev.Gap("trade", "BTC/USD", ev.GapReason.TRADE_ID, 7, 9, since=1.0),
    ev.Gap("book", "BTC/USD", ev.GapReason.SLOW_CONSUMER, dropped=3),
    ev.BookLive("book", "BTC/USD", 10),
    ev.BookLost("book", "BTC/USD", "checksum", 1, 2),
    ev.BookDisputed("book", "BTC/USD", "checksum", "hold", 60.0),
    ev.BookCrossed("BTC/USD"),
    ev.PeerSilent(1.0),
    ev.SubscriptionRejected("book", "NIX/USD", "no \x1b[2J", ErrorKind.UNKNOWN_SYMBOL, retried=False),
    ev.ReplyMissing("subscribe", 7, 1, "no answer in time", acts=False),
    ev.TradingStatus("BTC/USD", None, PairStatus.ONLINE),
    ev.FrameRejected(b"\xff\x1b[2J{", "not JSON", json=False),
    ev.SchemaDrift("book", "new_field"),
    ev.CandleRevised("BTC/USD", 1, "2026-11-22T08:00:00.000000000Z"),
    ev.ConnectionChanged("public-1", ev.ConnectionState.WAITING, "silent", 1, retry_at=5.0),
    ev.StreamQuiet("book", "BTC/USD", quiet=True, since=1.0),
    ev.FeedLagging("public-1", lagging=True, seconds=5.0),
    UnknownFrame("new", "channel", '{"channel":"new"}'),
]


def trade(number: int, *, complete: bool = True, source: str = "live") -> ev.TradeUpdate:
    return ev.TradeUpdate(
        symbol="BTC/USD",
        side=Side.SELL,
        price_text=Decimal("63001.10"),
        qty_text=Decimal("1E-8"),
        ord_type=OrderType.LIMIT,
        trade_id=number,
        timestamp="2026-11-22T08:00:01.690448Z",
        complete=complete,
        snapshot=False,
        source=source,
    )


def data() -> list[Any]:
    """What a session makes of a frame of every channel, and of a book."""
    session = Session()
    frames = [*FRAMES.values(), *Exchange().stream(20)]
    return [event for frame in frames for event in session.receive(frame, now=1.0)]


async def test_every_event_has_a_line_and_a_record() -> None:
    """Whatever a client reports is one harmless line and one JSON object under its name, whichever kind it is."""
    told = [event for event in [*FACTS, *data()] if is_told(event)]
    assert len({type(event) for event in told}) > 20
    for event in told:
        text, _ = line(event)
        assert text.isprintable()
        assert len(text) < 500
        assert " object at 0x" not in text
        read = json.loads(record(event, sim=False))
        assert read["event"] == name_of(event)
        assert read["event"] in KINDS


async def test_digits_stay() -> None:
    """A number is written in plain notation with all its digits, as a line and as a record."""
    text, _ = line(trade(7))
    assert text == "08:00:01.690448  BTC/USD   sell     0.00000001 @ 63001.10   #7  complete"
    read = json.loads(record(trade(7), sim=True))
    assert (read["sim"], read["price"]) == (True, "63001.10")
    assert Decimal(read["qty"]) == Decimal("1E-8")


async def test_instants_of_our_clock_become_times() -> None:
    """What is on the loop's clock is told as an instant in UTC, that means something to whoever reads it."""
    at = asyncio.get_running_loop().time()
    changed = ev.ConnectionChanged("public-1", ev.ConnectionState.WAITING, "silent", 1, retry_at=at + 5)
    told = json.loads(record(changed, sim=False))["retry_at"]
    assert told.startswith("20")
    assert told.endswith("Z")


def test_counts_of_a_gap_that_is_filled() -> None:
    """Of a hole between trades the missing ids are counted, and those that were fetched; the next complete trade heals it."""
    counts = Counts()
    hole = ev.Gap("trade", "BTC/USD", ev.GapReason.TRADE_ID, 3, 4)
    for event in (trade(1, complete=False), trade(2), hole, trade(5, complete=False)):
        counts.take(event)
    assert (counts.gaps, counts.healed, counts.missing, counts.fetched) == (1, 0, 2, 0)
    for event in (trade(3, complete=False, source="rest"), trade(6)):
        counts.take(event)
    assert (counts.gaps, counts.healed, counts.missing, counts.fetched) == (1, 1, 2, 1)
    assert counts.line(2.0) == (
        "5 events in 2.0 s · 2 complete · 3 unproven · lost: 1 gap, 1 healed, 2 trades missing, 1 fetched"
    )


def test_a_gap_of_another_symbol_is_not_healed() -> None:
    """What is proven in one stream heals no other one."""
    counts = Counts()
    counts.take(ev.Gap("trade", "ETH/USD", ev.GapReason.CONNECTION_LOST))
    counts.take(ev.Gap("book", "BTC/USD", ev.GapReason.CONNECTION_LOST))
    counts.take(trade(1))
    assert (counts.gaps, counts.healed) == (2, 0)


@given(st.lists(st.sampled_from([event for event in data() if is_told(event)])))
def test_counts_add_up(events: list[Any]) -> None:
    """However data comes, its words together are all of it, and no more gaps are healed than there were."""
    counts = Counts()
    for event in events:
        counts.take(event)
    assert sum(map(counts.total, WORDS)) == counts.events
    assert counts.healed <= counts.gaps
    told = counts.as_dict(sim=False, passed=1.0)
    assert told["events"] == sum(told[word] for word in WORDS)


@pytest.mark.fault("C4")
async def test_a_reader_that_pauses_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """While nobody reads the output, the loop goes on, what waits is bounded, and the end does not wait for long."""
    read, write = os.pipe()
    with os.fdopen(write, "w", encoding="utf-8") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        output = Output()
        writing = asyncio.ensure_future(output.run())
        output.put("x" * 200_000)  # more than a pipe holds
        await asyncio.sleep(0.05)
        for _ in range(WAITING_LIMIT):
            output.put("y")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await output.room()
        monkeypatch.setattr("krakenwire.cli.output.LAST_SECONDS", 0.05)
        assert not await output.finish()

        reader = threading.Thread(target=_drain, args=(read,))
        reader.start()
        async with asyncio.timeout(10):
            await output.room()
        monkeypatch.setattr("krakenwire.cli.output.LAST_SECONDS", 10.0)
        assert await output.finish()
        writing.cancel()
        await asyncio.wait([writing])
    reader.join(10)


def _drain(read: int) -> None:
    with os.fdopen(read, "rb") as pipe:
        pipe.read()
