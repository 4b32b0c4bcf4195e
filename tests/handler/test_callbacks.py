"""Callbacks cannot hurt the feed, each other, or the state."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from krakenwire import BookNotLive, CallbackTimeout, UsageError, create_kraken_v2_handler

HEARTBEAT = b'{"channel":"heartbeat"}'


@pytest.mark.fault("C1")
async def test_exception_is_isolated() -> None:
    """A callback that raises is counted and reported; the others still get the event."""
    handler = create_kraken_v2_handler()
    got: list[Any] = []
    errors: list[BaseException] = []

    def broken(_event: Any) -> None:
        raise RuntimeError("mine")

    handler.register_callback("heartbeat", broken)
    handler.register_callback("heartbeat", got.append)
    handler.register_error_callback(errors.append)
    assert await handler.process_message(HEARTBEAT)
    assert handler.process(HEARTBEAT)
    assert len(got) == 2
    assert [str(error) for error in errors] == ["mine", "mine"]
    assert handler.get_statistics()["callback_errors"] == 2
    assert handler.get_statistics()["error_count"] == 0


@pytest.mark.fault("C2")
async def test_hanging_callback_is_cancelled() -> None:
    """An async callback that hangs is cancelled after the time limit; the next callback is called."""
    handler = create_kraken_v2_handler(callback_timeout=0.02)
    got: list[Any] = []
    errors: list[BaseException] = []

    async def hangs(_event: Any) -> None:
        await asyncio.Event().wait()

    handler.register_callback("heartbeat", hangs)
    handler.register_callback("heartbeat", got.append)
    handler.register_error_callback(errors.append)
    assert await handler.process_message(HEARTBEAT)
    assert len(got) == 1
    assert isinstance(errors[0], CallbackTimeout)
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0


async def test_own_timeout_inside_a_callback() -> None:
    """A callback may use asyncio.timeout itself; it ends the callback's own wait and nothing else."""
    handler = create_kraken_v2_handler()
    seen: list[str] = []

    async def careful(_event: Any) -> None:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            seen.append("own")

    handler.register_callback("heartbeat", careful)
    assert await handler.process_message(HEARTBEAT)
    assert seen == ["own"]
    assert handler.get_statistics()["callback_timeouts"] == 0


async def test_cancelling_the_caller() -> None:
    """Cancelling the task that processes a message is not mistaken for a time-out."""
    handler = create_kraken_v2_handler()

    async def hangs(_event: Any) -> None:
        await asyncio.Event().wait()

    handler.register_callback("heartbeat", hangs)
    task = asyncio.create_task(handler.process_message(HEARTBEAT))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert handler.get_statistics()["callback_timeouts"] == 0


@pytest.mark.fault("C14")
async def test_calls_from_within_a_callback() -> None:
    """A callback may register, unregister, reset and ask the handler; nothing locks up."""
    handler = create_kraken_v2_handler()

    def busy(_event: Any) -> None:
        handler.register_callback("ticker", print)
        handler.unregister_callback("ticker", print)
        handler.get_statistics()
        handler.reset()
        with pytest.raises(BookNotLive):
            handler.book("BTC/USD")

    handler.register_callback("heartbeat", busy)
    assert handler.process(HEARTBEAT)
    assert handler.get_statistics()["callback_errors"] == 0


def test_process_refuses_async_callbacks() -> None:
    """Without a loop an async callback is the caller's mistake, and the error says what to do."""
    handler = create_kraken_v2_handler()

    async def callback(_event: Any) -> None: ...

    handler.register_callback("ticker", callback)
    with pytest.raises(UsageError, match="process_message"):
        handler.process(HEARTBEAT)


def test_unknown_name_is_explained() -> None:
    """Registering for events that do not exist names the nearest that do."""
    with pytest.raises(UsageError, match="did you mean 'ticker'"):
        create_kraken_v2_handler().register_callback("tiker", print)
