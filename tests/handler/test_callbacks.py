"""Callbacks of every kind get their events, and cannot hurt the feed, each other, or the state."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Callable
from typing import Any

import pytest

from krakenwire import (
    CallbackFailed,
    CallbackSlow,
    CallbackTimeout,
    UsageError,
    create_kraken_v2_handler,
)
from tests.handler.frames import HEARTBEAT, Clock, Gate, book, settle, ticker, trade, trades


class Receiver:
    """Callbacks of every kind, all noting what they get."""

    def __init__(self) -> None:
        self.got: list[Any] = []

    def plain(self, event: Any) -> None:
        self.got.append(event)

    async def at_once(self, event: Any) -> None:
        self.got.append(event)

    async def later(self, event: Any) -> None:
        await asyncio.sleep(0)
        self.got.append(event)

    async def after(self, seconds: float, event: Any) -> None:
        await asyncio.sleep(seconds)
        self.got.append(event)

    def hidden(self, event: Any) -> Any:
        """A plain function that returns a coroutine."""
        return self.later(event)

    def task(self, event: Any) -> Any:
        return asyncio.ensure_future(self.later(event))

    async def __call__(self, event: Any) -> None:
        await self.later(event)


KINDS: dict[str, Callable[[Receiver], Callable[[Any], Any]]] = {
    "plain method": lambda r: r.plain,
    "async method": lambda r: r.at_once,
    "async method that suspends": lambda r: r.later,
    "partial": lambda r: functools.partial(r.after, 0),
    "nested partial": lambda r: functools.partial(functools.partial(r.after), 0),
    "callable object": lambda r: r,
    "partial of a callable object": functools.partial,
    "function that returns a coroutine": lambda r: r.hidden,
    "lambda that returns a coroutine": lambda r: lambda event: r.later(event),  # noqa: PLW0108 (the lambda is the case)
    "function that returns a task": lambda r: r.task,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_kind_of_callback(kind: str) -> None:
    """Whatever can be called with an event gets it, and has it when `process_message` returns."""
    receiver = Receiver()
    handler = create_kraken_v2_handler()
    handler.register_callback("heartbeat", KINDS[kind](receiver))
    assert await handler.process_message(HEARTBEAT)
    assert len(receiver.got) == 1
    assert handler.get_statistics()["callback_errors"] == 0


SEEN_AS_ASYNC = [kind for kind in KINDS if kind.startswith(("async", "partial", "nested", "callable"))]


@pytest.mark.parametrize("kind", SEEN_AS_ASYNC)
def test_process_refuses_async_callbacks(kind: str) -> None:
    """Without a loop an async callback is the caller's mistake; the frame is not taken, and the error says what to do."""
    receiver = Receiver()
    handler = create_kraken_v2_handler()
    callback = KINDS[kind](receiver)
    handler.register_callback("ticker", callback)
    with pytest.raises(UsageError, match="await process_message"):
        handler.process(HEARTBEAT)
    assert handler.get_statistics()["total_messages"] == 0
    assert handler.unregister_callback("ticker", callback)
    assert handler.process(HEARTBEAT)


def test_process_refuses_async_error_callbacks() -> None:
    """An async error callback cannot be awaited either."""
    handler = create_kraken_v2_handler()
    receiver = Receiver()
    handler.register_error_callback(receiver.later)
    with pytest.raises(UsageError, match="await process_message"):
        handler.process(HEARTBEAT)
    assert handler.unregister_error_callback(receiver.later)
    assert handler.process(HEARTBEAT)


def test_coroutine_nobody_could_foresee() -> None:
    """A coroutine that a plain function returns to `process` is closed, and told as the mistake it is."""
    handler = create_kraken_v2_handler()
    receiver = Receiver()
    errors: list[CallbackFailed] = []
    handler.register_callback("heartbeat", receiver.hidden)
    handler.register_callback("heartbeat", receiver.plain)
    handler.register_error_callback(errors.append)
    assert handler.process(HEARTBEAT)
    assert len(receiver.got) == 1
    assert isinstance(errors[0].__cause__, UsageError)
    assert errors[0].callback == "Receiver.hidden"


async def test_task_under_way_is_left_alone_by_process() -> None:
    """A task that a plain function returned runs by itself; `process` need not await it."""
    handler = create_kraken_v2_handler()
    receiver = Receiver()
    handler.register_callback("heartbeat", receiver.task)
    assert handler.process(HEARTBEAT)
    await settle()
    assert len(receiver.got) == 1
    assert handler.get_statistics()["callback_errors"] == 0


def generator(event: Any) -> Any:
    yield event


async def async_generator(event: Any) -> Any:
    yield event


@pytest.mark.parametrize(
    "callback", [None, "name", 7, generator, async_generator, functools.partial(generator)]
)
def test_callbacks_that_could_do_nothing(callback: Any) -> None:
    """What cannot be called, or would run nothing when it is, is refused when it is registered."""
    handler = create_kraken_v2_handler()
    with pytest.raises(UsageError, match="callback: "):
        handler.register_callback("ticker", callback)
    with pytest.raises(UsageError, match="callback: "):
        handler.register_error_callback(callback)


# ---------------------------------------------------------------- C1: a callback raises


def broken(_event: Any) -> None:
    """A callback that raises, and has a secret in what it raises."""
    raise RuntimeError("mine: s3cr3t")


async def broken_async(_event: Any) -> None:
    raise RuntimeError("mine: s3cr3t")


async def broken_later(_event: Any) -> None:
    await asyncio.sleep(0)
    raise RuntimeError("mine: s3cr3t")


@pytest.mark.fault("C1")
@pytest.mark.parametrize("callback", [broken, broken_async, broken_later])
async def test_exception_is_isolated(callback: Any) -> None:
    """A callback that raises is counted and reported; the feed, the state and the other callbacks go on."""
    handler = create_kraken_v2_handler()
    receiver = Receiver()
    errors: list[CallbackFailed] = []
    handler.register_callback("book", callback)
    handler.register_callback("book", receiver.later)
    handler.register_error_callback(errors.append)
    assert await handler.process_message(book(1))
    assert await handler.process_message(book(2))
    assert len(receiver.got) == 3  # two updates, and the `Gap` of a snapshot that differs
    assert handler.book("SOL/USD").asks[0].qty == 2
    assert [(error.callback, error.kind, str(error.__cause__)) for error in errors[::2]] == [
        (callback.__qualname__, "OrderBookUpdate", "mine: s3cr3t")
    ] * 2
    statistics = handler.get_statistics()
    assert (statistics["callback_errors"], statistics["error_count"]) == (3, 0)
    assert statistics["callbacks"] == {callback.__qualname__: {"errors": 3}}


@pytest.mark.fault("C1")
def test_exception_is_isolated_in_process() -> None:
    """The same without a loop, for every event of a frame."""
    handler = create_kraken_v2_handler(slow_callback=None)  # a pause of the machine would be one report more
    receiver = Receiver()
    errors: list[CallbackFailed] = []
    handler.register_callback("trade", broken, facts=False)
    handler.register_callback("trade", receiver.plain, facts=False)
    handler.register_error_callback(errors.append)
    assert handler.process(trades(1, 2))
    assert [event.trade_id for event in receiver.got] == [1, 2]
    assert len(errors) == 2
    assert handler.get_statistics()["callback_errors"] == 2


@pytest.mark.fault("C1")
@pytest.mark.parametrize("callback", [broken, broken_async, broken_later])
async def test_on_error_stop(callback: Any) -> None:
    """With `stop` the call raises the first failure, after everything else was delivered; the handler goes on working."""
    handler = create_kraken_v2_handler(on_error="stop")
    receiver = Receiver()
    handler.register_callback("trade", callback)
    handler.register_callback("trade", receiver.later)
    with pytest.raises(CallbackFailed) as caught:
        await handler.process_message(trades(1, 2))
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert [event.trade_id for event in receiver.got] == [1, 2]
    assert await handler.process_message(HEARTBEAT)
    handler.unregister_callback("trade", callback)
    assert await handler.process_message(trade(3))


@pytest.mark.fault("C1")
def test_on_error_stop_in_process() -> None:
    """The same without a loop, and for a reset."""
    handler = create_kraken_v2_handler(on_error="stop")
    handler.register_callback("trade", broken)
    for attempt in (lambda: handler.process(trade(1)), handler.reset):
        with pytest.raises(CallbackFailed):
            attempt()
    assert handler.process(HEARTBEAT)


async def test_own_cancelled_error_is_a_failure() -> None:
    """A callback that awaits something cancelled elsewhere has failed; its caller is not cancelled."""
    handler = create_kraken_v2_handler()
    errors: list[CallbackFailed] = []
    other = asyncio.create_task(asyncio.sleep(10))
    other.cancel()

    async def awaits_it(_event: Any) -> None:
        await other

    handler.register_callback("heartbeat", awaits_it)
    handler.register_error_callback(errors.append)
    assert await handler.process_message(HEARTBEAT)
    assert await handler.process_message(HEARTBEAT)
    assert [type(error.__cause__) for error in errors] == [asyncio.CancelledError] * 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("suspend", [False, True])
def test_what_ends_the_program(error: type[BaseException], suspend: bool) -> None:
    """`KeyboardInterrupt` and `SystemExit` pass through every call, and leave the handler usable."""
    handler = create_kraken_v2_handler()

    async def ends(_event: Any) -> None:
        if suspend:
            await asyncio.sleep(0)
        raise error

    def ends_at_once(_event: Any) -> None:
        raise error

    handler.register_callback("heartbeat", ends)
    loop = asyncio.new_event_loop()
    with pytest.raises(error):
        loop.run_until_complete(handler.process_message(HEARTBEAT))
    loop.close()
    handler.unregister_callback("heartbeat", ends)
    handler.register_callback("heartbeat", ends_at_once)
    with pytest.raises(error):
        handler.process(HEARTBEAT)
    handler.unregister_callback("heartbeat", ends_at_once)
    receiver = Receiver()
    handler.register_callback("*", receiver.plain)
    assert handler.process(HEARTBEAT)
    assert len(receiver.got) == 1


# ---------------------------------------------------------------- C2: a callback hangs, or is slow


@pytest.mark.fault("C2")
async def test_hanging_callback_is_cancelled() -> None:
    """An async callback that hangs is cancelled when its time is up, counted, named and reported; the others go on."""
    handler = create_kraken_v2_handler(callback_timeout=0.02)
    gate, receiver = Gate(), Receiver()
    errors: list[CallbackFailed] = []
    handler.register_callback("ticker", gate)
    handler.register_callback("ticker", receiver.later)
    handler.register_callback("trade", receiver.later)
    handler.register_error_callback(errors.append)
    hanging = asyncio.create_task(handler.process_message(ticker(1)))
    await settle()
    assert await handler.process_message(trade(1))
    assert not hanging.done()
    assert await hanging
    assert len(receiver.got) == 2
    (error,) = errors
    assert isinstance(error, CallbackTimeout)
    assert (error.callback, error.kind, error.seconds) == ("Gate", "TickerUpdate", 0.02)
    statistics = handler.get_statistics()
    assert (statistics["callback_timeouts"], statistics["callback_errors"]) == (1, 0)
    assert statistics["callbacks"] == {"Gate": {"timeouts": 1}}


@pytest.mark.fault("C2")
async def test_own_timeout_error_is_a_failure() -> None:
    """A `TimeoutError` of a callback's own is a failure like any other, and not our limit."""
    handler = create_kraken_v2_handler()
    errors: list[CallbackFailed] = []

    async def gives_up(_event: Any) -> None:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()

    handler.register_callback("heartbeat", gives_up)
    handler.register_error_callback(errors.append)
    assert await handler.process_message(HEARTBEAT)
    assert [type(error) for error in errors] == [CallbackFailed]
    assert handler.get_statistics()["callback_timeouts"] == 0


@pytest.mark.fault("C2")
async def test_no_time_limit() -> None:
    """With `callback_timeout=None` a callback may take as long as it likes."""
    handler = create_kraken_v2_handler(callback_timeout=None)
    receiver = Receiver()
    handler.register_callback("heartbeat", functools.partial(receiver.after, 0.01))
    assert await handler.process_message(HEARTBEAT)
    assert len(receiver.got) == 1


@pytest.mark.parametrize("option", ["callback_timeout", "slow_callback"])
@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_limits_that_make_no_sense(option: str, seconds: float) -> None:
    """A time limit is more than zero seconds, or None."""
    options: dict[str, Any] = {option: seconds}
    with pytest.raises(UsageError, match=f"{option}: "):
        create_kraken_v2_handler(**options)
    with pytest.raises(UsageError, match="on_error: "):
        create_kraken_v2_handler(on_error="ignore")  # type: ignore[arg-type]


@pytest.mark.fault("C2")
async def test_slow_plain_callback() -> None:
    """A plain function cannot be cancelled; it is measured, counted by name, and reported once a minute with how often."""
    clock = Clock()
    handler = create_kraken_v2_handler(clock=clock)
    reports: list[CallbackSlow] = []

    def slow(_event: Any) -> None:
        clock.now += 0.25

    async def slow_async(_event: Any) -> None:
        clock.now += 0.5
        await asyncio.sleep(0)

    handler.register_callback("heartbeat", slow)
    handler.register_error_callback(reports.append)
    assert handler.process(HEARTBEAT)
    for _ in range(5):
        assert await handler.process_message(HEARTBEAT)
    assert [(report.callback, report.kind, report.seconds, report.count) for report in reports] == [
        ("test_slow_plain_callback.<locals>.slow", "Heartbeat", 0.25, 1)
    ]
    clock.now += 60
    assert handler.process(HEARTBEAT)
    assert [report.count for report in reports] == [1, 6]
    handler.unregister_callback("heartbeat", slow)
    handler.register_callback("heartbeat", slow_async)
    assert await handler.process_message(HEARTBEAT)
    assert reports[2].callback.endswith("slow_async")
    statistics = handler.get_statistics()
    assert statistics["slow_callbacks"] == 8
    assert {name.rpartition(".")[2]: count for name, count in statistics["callbacks"].items()} == {
        "slow": {"slow": 7},
        "slow_async": {"slow": 1},
    }
    assert statistics["avg_callback_times"]["heartbeat"] == pytest.approx(
        0.25
    )  # of the first; one of eight is timed


async def test_slow_reports_off() -> None:
    """With `slow_callback=None` nobody is called slow."""
    handler = create_kraken_v2_handler(slow_callback=None)
    handler.register_callback("heartbeat", lambda _: time.sleep(0))
    assert await handler.process_message(HEARTBEAT)
    assert handler.get_statistics()["slow_callbacks"] == 0


# ---------------------------------------------------------------- error callbacks


async def test_async_error_callbacks_are_awaited() -> None:
    """An async error callback is awaited within `process_message`, under the same time limit."""
    handler = create_kraken_v2_handler(callback_timeout=0.02)
    receiver, gate = Receiver(), Gate()
    handler.register_callback("heartbeat", broken)
    handler.register_error_callback(gate)
    handler.register_error_callback(receiver.later)
    assert await handler.process_message(HEARTBEAT)
    assert [type(error) for error in receiver.got] == [CallbackFailed]
    assert handler.get_statistics()["callback_timeouts"] == 1


async def test_failing_error_callback() -> None:
    """An error callback that fails is counted, and told to nobody: it would be told without end."""
    handler = create_kraken_v2_handler()
    receiver = Receiver()
    handler.register_callback("heartbeat", broken)
    handler.register_error_callback(broken_later)
    handler.register_error_callback(broken)
    handler.register_error_callback(receiver.plain)
    assert await handler.process_message(HEARTBEAT)
    assert len(receiver.got) == 1
    assert handler.get_statistics()["callback_errors"] == 3


async def test_failure_while_the_caller_is_cancelled() -> None:
    """What a callback raises while its call is being cancelled is not lost: it is counted, and told with the next frame."""
    handler = create_kraken_v2_handler()
    errors: list[CallbackFailed] = []

    async def fails_in_the_end(_event: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("while cleaning up")

    handler.register_callback("heartbeat", fails_in_the_end)
    handler.register_error_callback(errors.append)
    task = asyncio.create_task(handler.process_message(HEARTBEAT))
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert handler.get_statistics()["callback_errors"] == 1
    await handler.flush()
    assert [type(error.__cause__) for error in errors] == [ValueError]
