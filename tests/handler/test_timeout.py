"""The time limit of callbacks: whatever a coroutine does, the caller knows what became of it, and nothing stays behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import types
import warnings
from collections.abc import Awaitable, Callable, Generator
from typing import Any

import pytest

from krakenwire.handler.timeout import EXPIRED, begin

pytestmark = [pytest.mark.fault("C2")]


async def limited(awaitable: object, seconds: float | None = 0.02) -> BaseException | None:
    """What went wrong; None: nothing."""
    rest = begin(awaitable, seconds)
    return None if rest is None else await rest


def cancelling() -> int:
    """How many cancellations the current task has pending."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


async def forever() -> None:
    await asyncio.Event().wait()


async def at_once() -> str:
    return "a value nobody asks for"


async def later() -> str:
    await asyncio.sleep(0)
    return "a value nobody asks for"


def raising(error: BaseException, *, suspend: bool) -> Awaitable[None]:
    """A coroutine that raises `error`, at once or after it has suspended."""

    async def raises() -> None:
        if suspend:
            await asyncio.sleep(0)
        raise error

    return raises()


@types.coroutine
def by_generator() -> Generator[Any, Any, None]:
    """An awaitable of the old kind."""
    yield from asyncio.sleep(0).__await__()


class Own:
    """Something with an `__await__` of its own, whose iterator can only be iterated."""

    def __await__(self) -> Any:
        return iter([None, None])


@pytest.mark.parametrize("make", [at_once, later, by_generator, Own], ids=lambda make: make.__name__)
async def test_everything_awaitable_is_awaited(make: Callable[[], object]) -> None:
    """Coroutines, generators made awaitable, and objects with `__await__` run to their end."""
    assert await limited(make()) is None
    assert cancelling() == 0


async def test_futures_and_tasks_are_awaited() -> None:
    """A future or a task that a callback returned is awaited like its own coroutine."""
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_result, 7)
    assert await limited(future, 1) is None
    task = asyncio.create_task(later())
    assert await limited(task, 1) is None
    assert task.done()


@pytest.mark.parametrize("value", [0, "text", [1], (n for n in "ab"), object()])
async def test_what_cannot_be_awaited_is_no_matter(value: object) -> None:
    """A value that a plain function returned is ignored."""
    assert begin(value, 1) is None


async def test_expiry() -> None:
    """When the time is up the coroutine is cancelled, and the task it ran in is as before."""
    assert await limited(forever()) is EXPIRED
    assert cancelling() == 0
    await asyncio.sleep(0)


async def test_no_limit() -> None:
    """Without a limit a coroutine may take as long as it likes."""
    assert await limited(asyncio.sleep(0.03), None) is None


@pytest.mark.parametrize("error", [ValueError("own"), TimeoutError("own"), asyncio.CancelledError()])
async def test_what_it_raises_is_the_answer(error: BaseException) -> None:
    """What a suspended coroutine raises is told; its own `TimeoutError` is no expiry, its own `CancelledError` cancels nobody."""
    failure = await limited(raising(error, suspend=True), 1)
    assert type(failure) is type(error)
    assert failure is not EXPIRED
    assert cancelling() == 0


async def test_stop_iteration() -> None:
    """A coroutine that raises `StopIteration` is not mistaken for one that ended."""
    failure = await limited(raising(StopIteration(), suspend=True), 1)
    assert isinstance(failure, RuntimeError)
    with pytest.raises(RuntimeError, match="StopIteration"):
        begin(raising(StopIteration(), suspend=False), 1)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_passes_through(error: type[BaseException]) -> None:
    """`KeyboardInterrupt` and `SystemExit` are nobody's failure: they end the loop, and no cancellation stays behind."""
    loop = asyncio.new_event_loop()
    with pytest.raises(error):
        loop.run_until_complete(limited(raising(error(), suspend=True), 1))
    loop.close()


async def test_cancellation_swallowed() -> None:
    """A coroutine that takes the cancellation for an answer has still been too slow."""

    async def swallows() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            return

    assert await limited(swallows()) is EXPIRED
    assert cancelling() == 0


async def test_cleaning_up_may_await() -> None:
    """After its time was up a coroutine may still await something short."""
    cleaned = []

    async def careful() -> None:
        try:
            await forever()
        finally:
            await asyncio.sleep(0.001)
            cleaned.append("up")

    assert await limited(careful(), 0.05) is EXPIRED
    assert cleaned == ["up"]
    assert cancelling() == 0


async def test_stubborn_coroutine_is_closed() -> None:
    """A coroutine that swallows its cancellation and goes on waiting is closed by force after the same time again."""
    ended = []

    async def stubborn() -> None:
        try:
            while True:
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    continue
        finally:
            ended.append(True)

    assert await limited(stubborn()) is EXPIRED
    assert ended == [True]
    assert cancelling() == 0
    await asyncio.sleep(0)


async def test_own_timeout_inside() -> None:
    """`asyncio.timeout` inside a coroutine ends its own wait and nothing else."""

    async def careful() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await forever()

    assert await limited(careful(), 1) is None
    assert cancelling() == 0


async def test_both_limits_at_once() -> None:
    """Where the coroutine's own limit and ours end together, one of them is told, and nobody is cancelled."""

    async def careful() -> None:
        loop = asyncio.get_running_loop()
        async with asyncio.timeout_at(loop.time()):
            await forever()

    assert isinstance(await limited(careful(), 1e-9), TimeoutError)
    assert cancelling() == 0


async def test_task_group_inside() -> None:
    """A group of tasks inside a coroutine is cancelled with it and leaves no task behind."""
    children: list[asyncio.Task[None]] = []

    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            children.append(group.create_task(forever()))
            children.append(group.create_task(forever()))

    assert await limited(grouped()) is EXPIRED
    assert [child.cancelled() for child in children] == [True, True]
    assert cancelling() == 0


async def test_failing_task_group_inside() -> None:
    """A group whose task fails cancels its own wait; that is no cancellation of the caller."""

    async def grouped() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(raising(ValueError("own"), suspend=True))  # type: ignore[arg-type]
            await forever()

    assert isinstance(await limited(grouped(), 1), ExceptionGroup)
    assert cancelling() == 0


async def started(awaitable: object, seconds: float | None = 1.0) -> asyncio.Task[BaseException | None]:
    """A task in which the coroutine has suspended."""
    task = asyncio.create_task(limited(awaitable, seconds))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    return task


async def test_caller_cancelled() -> None:
    """A cancellation of the caller reaches the coroutine and the caller."""
    task = await started(forever())
    task.cancel("by hand")
    with pytest.raises(asyncio.CancelledError, match="by hand"):
        await task


async def test_caller_cancelled_and_swallowed() -> None:
    """A coroutine cannot swallow the cancellation of its caller."""

    async def swallows() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            return

    task = await started(swallows())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_caller_cancelled_and_failed() -> None:
    """What a coroutine raises while its caller is cancelled is the cause of the cancellation that the caller sees."""

    async def fails() -> None:
        try:
            await forever()
        except asyncio.CancelledError:
            raise ValueError("while cleaning up") from None

    task = await started(fails())
    task.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await task
    assert isinstance(caught.value.__cause__, ValueError)


async def test_both_in_one_step() -> None:
    """A cancellation of the caller in the very step in which the time is up wins."""
    rest = begin(forever(), 1.0)
    assert rest is not None

    async def awaits() -> BaseException | None:
        return await rest

    task = asyncio.create_task(awaits())
    await asyncio.sleep(0)
    rest._expire(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert task.cancelling() == 1


async def test_pending_cancellation_of_the_caller() -> None:
    """A caller who swallowed a cancellation earlier still gets expiries told as what they are."""

    async def tough() -> tuple[BaseException | None, int]:
        with contextlib.suppress(asyncio.CancelledError):
            await forever()
        return await limited(forever()), cancelling()

    task = asyncio.create_task(tough())
    await asyncio.sleep(0)
    task.cancel()
    assert await task == (EXPIRED, 1)


def test_nothing_to_run_in() -> None:
    """Outside of a task a coroutine that suspends is closed and told, not left hanging."""

    async def suspends() -> None:
        await Own()

    rest = begin(suspends(), 1)
    assert rest is not None
    with pytest.raises(StopIteration) as stop:
        next(rest.__await__())
    assert isinstance(stop.value.value, RuntimeError)


async def everything() -> None:
    """Each way a coroutine can end, one after the other."""
    for make in (at_once, later, by_generator, Own):
        assert await limited(make()) is None
    assert await limited(forever()) is EXPIRED
    await limited(raising(ValueError(), suspend=True))
    task = await started(forever())
    task.cancel()
    await asyncio.wait([task])


def test_debug_mode_is_silent() -> None:
    """The debug mode of asyncio finds nothing to complain about: no coroutine forgotten, no exception never retrieved."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        asyncio.run(everything(), debug=True)
        gc.collect()
