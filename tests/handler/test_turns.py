"""Overlapping calls: callbacks run in call order within a channel, no channel waits for another, and nobody waits for himself."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from typing import Any

import pytest

from krakenwire import (
    BookNotLive,
    Gap,
    KrakenV2MessageHandler,
    TickerUpdate,
    TradeUpdate,
    UsageError,
    create_kraken_v2_handler,
)
from krakenwire.handler import turns
from tests.handler.frames import HEARTBEAT, Gate, book, noting, settle, status, ticker, trade, trades


def last(event: Any) -> int:
    """Which ticker it is."""
    return int(event.last)


def waiting(handler: KrakenV2MessageHandler) -> int:
    """Events whose callbacks were not all called yet."""
    count: int = handler.get_statistics()["waiting_events"]
    return count


async def test_call_order_within_a_channel() -> None:
    """Calls that overlap deliver in call order, however often a callback suspends, and return when they have delivered."""
    handler = create_kraken_v2_handler()
    begun: list[int] = []
    ended: list[int] = []

    async def callback(event: TickerUpdate) -> None:
        begun.append(last(event))
        for _ in range(20 - last(event)):
            await asyncio.sleep(0)
        ended.append(last(event))

    handler.register_callback("ticker", callback)
    results = await asyncio.gather(*(handler.process_message(ticker(n)) for n in range(20)))
    assert results == [True] * 20
    assert begun == ended == list(range(20))
    assert waiting(handler) == 0


async def test_each_call_awaits_its_own_callbacks() -> None:
    """A call that had to wait its turn returns after its own callbacks, not before."""
    handler = create_kraken_v2_handler()
    got: list[int] = []
    handler.register_callback("ticker", noting(got, last))
    seen = {}

    async def call(number: int) -> None:
        await handler.process_message(ticker(number))
        seen[number] = list(got)

    await asyncio.gather(*(call(n) for n in range(5)))
    assert all(number in seen[number] for number in range(5))


async def test_state_is_applied_at_once() -> None:
    """State follows the order of the calls at once, while callbacks still wait."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    handler.register_callback("book", gate, facts=False)
    first = asyncio.create_task(handler.process_message(book(1)))
    second = asyncio.create_task(handler.process_message(book(2)))
    await settle()
    assert handler.book("SOL/USD").asks[0].qty == 2
    assert len(gate.started) == 1
    assert waiting(handler) == 2
    gate.open()
    assert await first
    assert await second
    assert [event.asks[0].qty for event in gate.finished] == [1, 2]


async def test_channels_do_not_wait_for_each_other() -> None:
    """While a callback of one channel waits, another channel delivers and returns."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    trades_seen: list[Any] = []
    handler.register_callback("ticker", gate)
    handler.register_callback("trade", noting(trades_seen, lambda event: event.trade_id))
    stuck = asyncio.create_task(handler.process_message(ticker(1)))
    await settle()
    assert await handler.process_message(trade(1))
    assert await handler.process_message(trade(2))
    assert trades_seen == [1, 2]
    assert not stuck.done()
    gate.open()
    await stuck


async def test_frame_of_several_channels() -> None:
    """A frame that concerns several channels delivers where the way is free, and waits only where it is not."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    got: list[Any] = []
    await handler.process_message(status(1))
    await handler.process_message(ticker(1))
    await handler.process_message(trade(1))
    handler.register_callback("ticker", gate)
    handler.register_callback("gap", noting(got, lambda gap: gap.channel))
    stuck = asyncio.create_task(handler.process_message(ticker(2)))
    await settle()
    new = asyncio.create_task(handler.process_message(status(2)))
    await settle()
    assert got == ["trade"]
    gate.open()
    await asyncio.gather(stuck, new)
    assert got == ["trade", "ticker"]
    assert [type(event) for event in gate.finished] == [TickerUpdate, Gap]


async def test_any_mixture_keeps_the_order_of_each_channel() -> None:
    """Whatever suspends and whatever is cancelled, each channel is delivered whole and in order to every callback."""
    for seed in range(30):
        rng = random.Random(seed)
        handler = create_kraken_v2_handler()
        got: dict[Any, list[int]] = defaultdict(list)

        def receiver(name: str, rng: random.Random = rng, got: Any = got) -> Any:
            async def callback(event: Any) -> None:
                number = last(event) if isinstance(event, TickerUpdate) else event.trade_id
                got[name, type(event)].append(number)
                for _ in range(rng.choice([0, 0, 1, 3])):
                    await asyncio.sleep(0)

            return callback

        for name in ("ticker", "trade", "*"):
            handler.register_callback(name, receiver(name))
        tasks = []
        for number in range(1, 31):
            frame = ticker(number) if rng.random() < 0.5 else trade(number)
            tasks.append(asyncio.create_task(handler.process_message(frame)))
            for _ in range(rng.choice([0, 0, 1, 4])):
                await asyncio.sleep(0)
            if rng.random() < 0.2:
                rng.choice(tasks).cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await handler.flush()
        assert waiting(handler) == 0
        for (name, _kind), numbers in got.items():
            assert numbers == sorted(numbers), (seed, name)
        for kind in (TickerUpdate, TradeUpdate):
            own = "ticker" if kind is TickerUpdate else "trade"
            # A callback that was cancelled had noted its event; the callbacks after it get it later. Only a call
            # cancelled before it began brought nothing at all.
            assert got[own, kind] == got["*", kind], seed


# ---------------------------------------------------------------- calls from within a callback


@pytest.mark.fault("C14")
@pytest.mark.parametrize("suspend", [False, True], ids=["at once", "after an await"])
async def test_frame_handed_in_by_an_async_callback(suspend: bool) -> None:
    """A callback may await the handler on its own channel: state is applied at once, the event follows after the callback."""
    handler = create_kraken_v2_handler(callback_timeout=None)
    order: list[str] = []

    async def callback(event: TickerUpdate) -> None:
        order.append(f"begin {last(event)}")
        if suspend:
            await asyncio.sleep(0)
        if last(event) < 3:
            assert await handler.process_message(ticker(last(event) + 1))
        order.append(f"end {last(event)}")

    handler.register_callback("ticker", callback)
    async with asyncio.timeout(2):  # less than anybody's patience
        assert await handler.process_message(ticker(1))
    assert order == ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]


@pytest.mark.fault("C14")
def test_frame_handed_in_by_a_plain_callback() -> None:
    """The same without a loop; a refused frame is told at once."""
    handler = create_kraken_v2_handler()
    order: list[Any] = []

    def callback(event: TickerUpdate) -> None:
        order.append(last(event))
        if last(event) < 3:
            assert handler.process(ticker(last(event) + 1))
            assert not handler.process("no frame")
            order.append("told")

    handler.register_callback("ticker", callback)
    assert handler.process(ticker(1))
    assert order == [1, "told", 2, "told", 3]
    assert handler.get_statistics()["error_count"] == 2


@pytest.mark.fault("C14")
async def test_order_of_frames_handed_in_from_within() -> None:
    """Frames handed in by a callback come after what was there before them, in every channel."""
    handler = create_kraken_v2_handler()
    got: list[int] = []
    gate = Gate()

    async def callback(event: TradeUpdate) -> None:
        await gate(event)
        got.append(event.trade_id)
        if event.trade_id == 1:
            await handler.process_message(trade(5))

    handler.register_callback("trade", callback, facts=False)
    outer = asyncio.create_task(handler.process_message(trades(1, 2)))
    overlapping = asyncio.create_task(handler.process_message(trades(3, 4)))
    await settle()
    gate.open()
    await asyncio.gather(outer, overlapping)
    assert got == [1, 2, 3, 4, 5]


@pytest.mark.fault("C14")
async def test_tasks_started_in_a_callback() -> None:
    """Tasks that a callback starts and awaits may hand in frames, too; no dead-lock, at most some patience the first time."""
    handler = create_kraken_v2_handler(callback_timeout=1.0)
    got: list[int] = []

    async def callback(event: TickerUpdate) -> None:
        got.append(last(event))
        if last(event) % 10 == 0:
            inner = (handler.process_message(ticker(last(event) + n)) for n in (1, 2))
            assert await asyncio.gather(*inner) == [True, True]

    handler.register_callback("ticker", callback)
    await handler.process_message(ticker(10))
    await handler.process_message(ticker(20))
    assert got == [10, 11, 12, 20, 21, 22]
    assert handler.get_statistics()["callback_timeouts"] == 0
    assert handler.get_statistics()["callback_errors"] == 0


@pytest.mark.fault("C14")
async def test_everything_may_be_called_in_a_callback() -> None:
    """A callback may register, unregister, reset, flush and ask; nothing locks up, and the `Gap` follows after it."""
    handler = create_kraken_v2_handler()
    got: list[str] = []

    async def note(event: Any) -> None:
        got.append(type(event).__name__)

    async def busy(event: Any) -> None:
        if isinstance(event, Gap):
            return
        await asyncio.sleep(0)
        handler.register_callback("ticker", note)
        handler.register_error_callback(note)
        handler.unregister_error_callback(note)
        handler.get_statistics()
        handler.set_connection_status(connected=False)
        await handler.flush()
        with pytest.raises(BookNotLive):
            handler.book("SOL/USD")
        handler.unregister_callback("ticker", busy)
        got.append("done")

    handler.register_callback("ticker", busy)
    await handler.process_message(ticker(1))
    await handler.process_message(ticker(2))
    assert got == ["done", "Gap", "TickerUpdate"]
    assert handler.get_statistics()["callback_errors"] == 0


@pytest.mark.fault("C14")
def test_unregistering_counts_from_the_next_event() -> None:
    """A callback that unregisters itself gets no further event, not even of the same frame."""
    handler = create_kraken_v2_handler()
    got: list[int] = []

    def once(event: TradeUpdate) -> None:
        got.append(event.trade_id)
        handler.unregister_callback("trade", once)

    handler.register_callback("trade", once, facts=False)
    handler.process(trades(1, 2, 3))
    assert got == [1]


# ---------------------------------------------------------------- cancelled calls


async def test_cancelled_while_waiting_for_its_turn() -> None:
    """A cancelled call loses nothing: its events keep their place, and the calls behind it get their turn."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    handler.register_callback("ticker", gate)
    tasks = [asyncio.create_task(handler.process_message(ticker(n))) for n in range(4)]
    await settle()
    tasks[1].cancel()
    await settle()
    assert tasks[1].cancelled()
    gate.open()
    await asyncio.gather(tasks[0], tasks[2], tasks[3])
    assert [last(event) for event in gate.finished] == [0, 1, 2, 3]


@pytest.mark.parametrize("rescue", ["flush", "next frame"])
async def test_cancelled_with_nobody_behind(rescue: str) -> None:
    """What a cancelled call leaves is delivered before the next frame's events, or by `flush`."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    handler.register_callback("ticker", gate)
    tasks = [asyncio.create_task(handler.process_message(ticker(n))) for n in (1, 2, 3)]
    await settle()
    for task in reversed(tasks):
        task.cancel()
    await settle()
    assert all(task.cancelled() for task in tasks)
    assert [last(event) for event in gate.started] == [1]
    assert waiting(handler) == 2
    gate.open()
    await (handler.flush() if rescue == "flush" else handler.process_message(ticker(4)))
    assert [last(event) for event in gate.started] == [1, 2, 3] + [4] * (rescue != "flush")
    assert waiting(handler) == 0


async def test_cancelled_in_a_callback() -> None:
    """The callback that is under way is cancelled with its call; the other callbacks of the event still get it, once."""
    handler = create_kraken_v2_handler()
    gate, got = Gate(), []
    handler.register_callback("trade", gate)
    handler.register_callback("trade", lambda event: got.append(event.trade_id))
    task = asyncio.create_task(handler.process_message(trades(1, 2)))
    await settle()
    task.cancel()
    await settle()
    assert task.cancelled()
    assert got == []
    gate.open()
    await handler.flush()
    assert got == [1, 2]
    assert [event.trade_id for event in gate.started] == [1, 2]
    assert [event.trade_id for event in gate.finished] == [2]


async def test_wait_for_around_a_call() -> None:
    """A time limit of the caller's own around a call is the same as a cancellation."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    handler.register_callback("ticker", gate)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(handler.process_message(ticker(1)), 0.01)
    gate.open()
    assert await handler.process_message(ticker(2))
    assert [last(event) for event in gate.finished] == [2]


# ---------------------------------------------------------------- facts that no frame brought


async def test_reset_reaches_async_callbacks() -> None:
    """The `Gap`s of a reset come before the next frame's events, or with `flush`, to async callbacks too."""
    handler = create_kraken_v2_handler()
    got: list[str] = []
    await handler.process_message(ticker(1))
    handler.register_callback("*", noting(got, lambda event: type(event).__name__))
    handler.reset()
    assert got == []
    assert waiting(handler) == 1
    await handler.process_message(ticker(2))
    assert got == ["Gap", "TickerUpdate"]
    handler.set_connection_status(connected=False)
    await handler.flush()
    assert got == ["Gap", "TickerUpdate", "Gap"]
    assert waiting(handler) == 0


def test_reset_reaches_plain_callbacks_at_once() -> None:
    """Where every callback is a plain function, the `Gap`s of a reset are delivered before it returns."""
    handler = create_kraken_v2_handler()
    got: list[Any] = []
    handler.process(ticker(1))
    handler.register_callback("ticker", got.append)
    handler.reset()
    assert [type(event) for event in got] == [Gap]


async def test_reset_behind_a_waiting_callback() -> None:
    """A reset while a callback waits keeps its place in the stream: after the event, before the next one."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    handler.register_callback("ticker", gate)
    first = asyncio.create_task(handler.process_message(ticker(1)))
    await settle()
    handler.reset()
    second = asyncio.create_task(handler.process_message(ticker(2)))
    await settle()
    gate.open()
    await asyncio.gather(first, second)
    assert [type(event) for event in gate.finished] == [TickerUpdate, Gap, TickerUpdate]


async def test_flush_with_nothing_to_do() -> None:
    """`flush` returns at once while nothing is left over."""
    await create_kraken_v2_handler().flush()


# ---------------------------------------------------------------- bounds


async def test_calls_that_nobody_awaits_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound another frame is refused loudly and touches nothing."""
    monkeypatch.setattr("krakenwire.handler.delivery.WAITING_LIMIT", 5)
    handler = create_kraken_v2_handler()
    gate = Gate()
    handler.register_callback("ticker", gate)
    tasks = [asyncio.create_task(handler.process_message(ticker(n))) for n in range(5)]
    await settle()
    with pytest.raises(UsageError, match="5 events wait"):
        await handler.process_message(HEARTBEAT)
    assert handler.get_statistics()["total_messages"] == 5
    gate.open()
    await asyncio.gather(*tasks)
    assert await handler.process_message(HEARTBEAT)
    assert turns.WAITING_LIMIT == 10_000


def test_callback_that_feeds_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """A callback that answers every event with another frame is stopped by an error of its own."""
    monkeypatch.setattr("krakenwire.handler.delivery.WAITING_LIMIT", 100)
    handler = create_kraken_v2_handler()
    handler.register_callback("ticker", lambda event: handler.process(ticker(last(event) + 1)) and None)
    assert handler.process(ticker(1))
    assert handler.get_statistics()["callback_errors"] == 1
    assert handler.get_statistics()["total_messages"] == 100


async def test_many_waiting_calls_cost_the_same_each() -> None:
    """Thousands of calls that wait are served in order, and so are those behind cancelled ones."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    handler.register_callback("ticker", gate)
    tasks = [asyncio.create_task(handler.process_message(ticker(n))) for n in range(3000)]
    await settle()
    for task in tasks[1:-1:2]:
        task.cancel()
    await settle()
    gate.open()
    await asyncio.gather(*tasks, return_exceptions=True)
    await handler.flush()
    assert [last(event) for event in gate.finished] == list(range(3000))
