"""Queues between the reader and consumers: bounded, and honest about what was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.events import Gap, GapReason, TradeUpdate
from krakenwire.net.consumers import EVENTS_IN_A_ROW, LOST_KEPT, Blocking, Buffer, Conflating, Inbox
from krakenwire.wire.enums import OrderType, Side
from tests.net.virtual import run


def trade(trade_id: int, symbol: str = "BTC/USD") -> TradeUpdate:
    """A trade with this id."""
    return TradeUpdate(
        symbol,
        Side.BUY,
        Decimal(1),
        Decimal(1),
        OrderType.LIMIT,
        trade_id,
        "t",
        complete=True,
        snapshot=False,
    )


def drain(inbox: Inbox) -> list[Any]:
    """Everything that waits."""

    async def main() -> list[Any]:
        inbox.end()
        taken = []
        while True:
            try:
                taken.append(await inbox.get())
            except StopAsyncIteration:
                return taken

    return run(main())


@pytest.mark.fault("C4")
@given(st.integers(1, 5), st.lists(st.sampled_from(["BTC/USD", "ETH/USD"]), max_size=30))
def test_buffer_keeps_the_newest_and_tells_the_rest(limit: int, symbols: Sequence[str]) -> None:
    """What is delivered is the newest in order, and the gaps before it name exactly the ids that are missing."""
    inbox = Buffer(limit)
    sent = [trade(number, symbol) for number, symbol in enumerate(symbols)]
    for event in sent:
        inbox.put(event)
    assert len(inbox) <= limit
    taken = drain(inbox)
    gaps = [event for event in taken if isinstance(event, Gap)]
    kept = taken[len(gaps) :]
    assert kept == sent[len(sent) - len(kept) :]
    for gap in gaps:
        lost = [event.trade_id for event in sent[: len(sent) - len(kept)] if event.symbol == gap.symbol]
        assert (gap.first, gap.last, gap.dropped) == (lost[0], lost[-1], len(lost))
        assert gap.reason is GapReason.SLOW_CONSUMER
    assert sum(gap.dropped or 0 for gap in gaps) == len(sent) - len(kept)


@pytest.mark.fault("C4")
def test_what_is_dropped_out_of_order_is_named_whole() -> None:
    """Fetched trades that come after later ones, and trades that a dropped gap names, are all within what the consumer is told to miss."""
    inbox = Buffer(2)
    missing = Gap("trade", "BTC/USD", GapReason.TRADE_ID, 4, 8)
    for event in (trade(3), missing, trade(9), trade(4), trade(5), trade(10), trade(11)):
        inbox.put(event)
    (gap, *kept) = drain(inbox)
    assert (gap.first, gap.last, gap.dropped) == (3, 9, 5)
    assert [event.trade_id for event in kept] == [10, 11]


def test_lost_symbols_are_bounded() -> None:
    """However many symbols a sender invents, what is remembered of the lost ones is bounded, and each loss is still told."""
    inbox = Buffer(3)
    for number in range(LOST_KEPT + 100):
        inbox.put(trade(number, f"X{number}/USD"))
    gaps = [event for event in drain(inbox) if isinstance(event, Gap)]
    assert len(gaps) == LOST_KEPT + 1
    assert sum(gap.dropped or 0 for gap in gaps) == LOST_KEPT + 97
    assert gaps[-1].symbol is None


@pytest.mark.fault("C4")
def test_conflation_keeps_the_latest_of_each_symbol() -> None:
    """Of each symbol only the latest waits, in the order in which the symbols first came."""
    inbox = Conflating()
    for number, symbol in enumerate(["A/USD", "B/USD", "A/USD", "A/USD"]):
        inbox.put(trade(number, symbol))
    assert [(event.symbol, event.trade_id) for event in drain(inbox)] == [("A/USD", 3), ("B/USD", 1)]
    assert inbox.replaced == 2


def test_break_stands_between_what_it_separates() -> None:
    """What came before a break is not delivered after it, and what comes after it not before."""
    inbox = Conflating()
    gap = Gap("trade", "A/USD", GapReason.CONNECTION_LOST)
    for event in (trade(1, "A/USD"), trade(2, "B/USD"), gap, trade(3, "A/USD")):
        inbox.put(event)
    assert drain(inbox) == [trade(2, "B/USD"), gap, trade(3, "A/USD")]


def test_blocking_loses_nothing_and_says_when_there_is_room() -> None:
    """At its bound a blocking queue is full and takes what comes all the same; reading makes room, and says so."""
    told: list[bool] = []
    inbox = Blocking(lambda: told.append(True), 2)
    for number in range(3):
        inbox.put(trade(number))
    full = [inbox.full]
    assert [event.trade_id for event in drain(inbox)] == [0, 1, 2]
    full.append(inbox.full)
    assert full == [True, False]
    assert told


def test_end_delivers_what_waits_then_the_error() -> None:
    """An error ends a queue after everything that was in it."""

    async def main() -> None:
        inbox = Buffer()
        inbox.put(trade(1))
        inbox.end(ValueError("over"))
        assert await inbox.get() == trade(1)
        with pytest.raises(ValueError, match="over"):
            await inbox.get()

    run(main())


def test_one_reader_at_a_time() -> None:
    """Two tasks cannot wait for one queue: the second is told, the first is not disturbed."""

    async def main() -> None:
        inbox = Buffer()
        first = asyncio.ensure_future(inbox.get())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="another task"):
            await inbox.get()
        inbox.put(trade(1))
        assert await first == trade(1)

    run(main())


def test_busy_consumer_lets_others_run() -> None:
    """A consumer whose queue is never empty still gives everything else in the loop its turn."""

    async def main() -> None:
        inbox = Buffer()
        turns: list[int] = []
        for number in range(1000):
            inbox.put(trade(number))
        asyncio.get_running_loop().call_soon(turns.append, 1)
        for _ in range(EVENTS_IN_A_ROW):
            await inbox.get()
        assert turns

    run(main())
