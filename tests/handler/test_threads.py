"""Frames from several threads: one at a time, nothing lost, books stay right, and readers never see half a state."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from krakenwire import BookNotLive, KrakenV2MessageHandler, create_kraken_v2_handler
from tests.handler.frames import HEARTBEAT, Gate, settle, ticker, trade
from tests.session.exchange import Exchange

THREADS = 4
FRAMES = 300


@pytest.fixture(autouse=True)
def restless_threads() -> Iterator[None]:
    """Python switches between threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def together(*jobs: Callable[[], Any]) -> list[Any]:
    """Run every job in a thread of its own, all starting at once; what they return."""
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], Any]) -> Any:
        barrier.wait(10)
        return job()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return [future.result(30) for future in [pool.submit(run, job) for job in jobs]]


def test_plain_frames_from_many_threads() -> None:
    """Every frame of every thread is counted once, and callbacks run one at a time, in the order of the frames."""
    handler = create_kraken_v2_handler()
    inside = threading.Lock()
    order: list[int] = []

    def callback(event: Any) -> None:
        assert inside.acquire(blocking=False), "two callbacks at one time"
        order.append(event.trade_id)
        inside.release()

    handler.register_callback("trade", callback, facts=False)
    numbers = iter(range(1, THREADS * FRAMES + 1))
    taking = threading.Lock()

    def feed() -> None:
        for _ in range(FRAMES):
            with taking:
                assert handler.process(trade(next(numbers)))
            assert handler.process(HEARTBEAT)

    together(*[feed] * THREADS)
    statistics = handler.get_statistics()
    assert statistics["messages_by_channel"] == {"trade": THREADS * FRAMES, "heartbeat": THREADS * FRAMES}
    assert statistics["total_messages"] == 2 * THREADS * FRAMES
    assert statistics["callback_errors"] == 0
    assert order == list(range(1, THREADS * FRAMES + 1))
    assert statistics["trade_gaps"] == 0


def test_a_loop_in_each_thread() -> None:
    """Threads with loops of their own may share a handler: callbacks that suspend still run in order within a channel."""
    handler = create_kraken_v2_handler()
    got: list[int] = []
    busy: list[int] = []

    async def callback(event: Any) -> None:
        assert not busy, "two callbacks of one channel at one time"
        busy.append(1)
        got.append(event.trade_id)
        await asyncio.sleep(0)
        busy.pop()

    handler.register_callback("trade", callback, facts=False)
    numbers = iter(range(1, THREADS * FRAMES + 1))
    taking = threading.Lock()

    async def feed() -> None:
        for _ in range(FRAMES):
            with taking:
                call = handler.process_message(trade(next(numbers)))
                # The frame is taken in the first step; only the callbacks are awaited without the lock.
                task = asyncio.create_task(call)
                await asyncio.sleep(0)
            await task

    together(*[lambda: asyncio.run(feed())] * THREADS)
    assert handler.get_statistics()["callback_errors"] == 0
    assert got == list(range(1, THREADS * FRAMES + 1))
    assert handler.get_statistics()["waiting_events"] == 0


@pytest.mark.parametrize("style", ["process", "process_message"])
def test_readers_while_frames_are_fed(style: str) -> None:
    """Another thread that reads a book while it changes gets only states that the exchange had, each proven."""
    exchange = Exchange(depth=10)
    frames = exchange.stream(400)
    handler = create_kraken_v2_handler()
    handler.expect_book("BTC/USD", 10)
    done = threading.Event()

    def feed() -> None:
        if style == "process":
            assert all(handler.process(frame) for frame in frames)
        else:
            asyncio.run(feed_awaiting(handler, frames))
        done.set()

    def read() -> set[Any]:
        seen = set()
        while not done.is_set():
            try:
                view = handler.book("BTC/USD")
            except BookNotLive:
                continue
            assert view.verified
            seen.add(
                tuple(tuple((level.price, level.qty) for level in side) for side in (view.bids, view.asks))
            )
        return seen

    def ask() -> set[Any]:
        while not done.is_set():
            counted = handler.get_statistics()
            assert counted["total_messages"] == counted["messages_by_channel"].get("book", 0)
        return set()

    _, *readers = together(feed, read, read, ask)
    for states in readers:
        assert states <= exchange.states
    assert handler.get_statistics()["messages_by_channel"] == {"book": len(frames)}


@pytest.mark.parametrize("style", ["process", "process_message"])
def test_nobody_gets_in_between(style: str) -> None:
    """While a frame is being taken, another frame and every reader wait."""
    others: list[threading.Thread] = []
    waited: list[bool] = []

    def clock() -> float:
        # Called while a frame is being taken.
        if armed and not others:
            for job in (
                handler.get_statistics,
                lambda: handler.process(HEARTBEAT),
                handler.get_connection_status,
            ):
                others.append(threading.Thread(target=job))
                others[-1].start()
            for other in others:
                other.join(0.02)
                waited.append(other.is_alive())
        return 0.0

    armed = False
    handler = create_kraken_v2_handler(clock=clock)
    armed = True
    if style == "process":
        assert handler.process(HEARTBEAT)
    else:
        assert asyncio.run(awaited(handler, HEARTBEAT))
    for other in others:
        other.join(10)
    assert waited == [True] * 3
    assert handler.get_statistics()["total_messages"] == 2


async def awaited(handler: KrakenV2MessageHandler, frame: bytes) -> bool:
    """What `process_message` returns."""
    return await handler.process_message(frame)


async def feed_awaiting(handler: KrakenV2MessageHandler, frames: list[bytes]) -> None:
    """Hand in frames whose callbacks suspend."""

    async def callback(_event: Any) -> None:
        await asyncio.sleep(0)

    handler.register_callback("book", callback)
    for frame in frames:
        assert await handler.process_message(frame)


async def test_plain_call_from_a_thread_while_a_callback_waits() -> None:
    """A thread whose turn has not come leaves its events behind, in order, instead of blocking or overtaking."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    # A plain function that returns a coroutine is seen to be async only when it is called.
    handler.register_callback(
        "ticker", lambda event: gate(event) if event.last < 10 else gate.finished.append(event)
    )
    first = asyncio.create_task(handler.process_message(ticker(1)))
    await settle()
    assert await asyncio.to_thread(handler.process, ticker(10))
    assert gate.finished == []
    gate.open()
    await first
    assert [int(event.last) for event in gate.finished] == [1, 10]


async def test_a_callback_that_asks_another_thread() -> None:
    """An async callback may wait for a thread that uses the handler: the lock is free while it waits."""
    handler = create_kraken_v2_handler()
    asked: list[Any] = []

    async def callback(event: Any) -> None:
        asked.append(await asyncio.to_thread(handler.get_statistics))
        asked.append(await asyncio.to_thread(handler.process_message, ticker(2)))
        asked.pop().close()

    handler.register_callback("ticker", callback)
    assert await handler.process_message(ticker(1))
    assert asked[0]["total_messages"] == 1


async def test_a_loop_that_ended_with_calls_waiting() -> None:
    """Calls whose loop was closed under them hold nobody up."""
    handler = create_kraken_v2_handler()
    gate = Gate()
    handler.register_callback("ticker", gate)
    first = asyncio.create_task(handler.process_message(ticker(1)))
    await settle()
    waiting: list[Any] = []

    def other_thread() -> None:
        loop = asyncio.new_event_loop()
        waiting.append(loop.create_task(handler.process_message(ticker(2))))
        loop.run_until_complete(settle())
        loop.close()

    await asyncio.to_thread(other_thread)
    last = asyncio.create_task(handler.process_message(ticker(3)))
    await settle()
    gate.open()
    await asyncio.gather(first, last)
    assert [int(event.last) for event in gate.finished] == [1, 2, 3]
    waiting.clear()
    gc.collect()
    assert await handler.process_message(ticker(4))
