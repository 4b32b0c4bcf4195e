"""What is said about callbacks that go wrong: little, seldom, and nothing secret."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from krakenwire import CallbackFailed, create_kraken_v2_handler
from krakenwire.handler import counts
from krakenwire.handler.counts import CallbackCounts, Throttle
from krakenwire.handler.routes import NAME_SHOWN, name_of
from tests.handler.frames import HEARTBEAT, Clock, balances

SECRET = "s3cr3t"  # noqa: S105 (a canary, no password)


class Lines(logging.Handler):
    """Keeps what was logged."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.levelname} {self.format(record)}")


@pytest.fixture
def log() -> Iterator[list[str]]:
    """What the library logs."""
    lines = Lines()
    logger = logging.getLogger("krakenwire")
    logger.addHandler(lines)
    logger.propagate = False
    yield lines.lines
    logger.propagate = True
    logger.removeHandler(lines)


def failing(error: Callable[[], BaseException]) -> Callable[[Any], None]:
    """A callback that raises."""

    def callback(_event: Any) -> None:
        raise error()

    return callback


@pytest.mark.fault("C1")
def test_one_line_a_minute_for_each_type(log: list[str]) -> None:
    """However many callbacks fail, each type of exception is one line a minute, with its number."""
    clock = Clock()
    handler = create_kraken_v2_handler(clock=clock)
    handler.register_callback("heartbeat", failing(KeyError))
    handler.register_callback("heartbeat", failing(KeyError))
    handler.register_callback("heartbeat", failing(ValueError))
    for _ in range(1000):
        assert handler.process(HEARTBEAT)
        clock.now += 0.05
    assert len(log) == 2
    clock.now += 60
    assert handler.process(HEARTBEAT)
    assert [line.split(" raised ")[1].split(" at ")[0] for line in log] == ["KeyError", "ValueError"] * 2
    assert [line.split("(")[-1].split()[0] for line in log] == ["1", "1", "2000", "1000"]
    assert handler.get_statistics()["callback_errors"] == 3003


@pytest.mark.fault("C1")
async def test_what_a_line_says(log: list[str]) -> None:
    """A line names the callback, the kind of event, the exception and the place that raised it; limits and slowness likewise."""
    clock = Clock()
    handler = create_kraken_v2_handler(clock=clock, callback_timeout=0.01)

    async def hangs(_event: Any) -> None:
        await asyncio.Event().wait()

    def slow(_event: Any) -> None:
        clock.now += 1

    for callback in (failing(KeyError), hangs, slow):
        handler.register_callback("heartbeat", callback)
    assert await handler.process_message(HEARTBEAT)
    raised, expired, late = log
    assert raised.startswith("ERROR callback failing.<locals>.callback for Heartbeat raised KeyError at ")
    assert f"{__file__}:" in raised
    assert "hangs for Heartbeat took longer than 0.01 s" in expired
    assert late.startswith("WARNING ")
    assert "slow for Heartbeat kept everything waiting for 1 s" in late


@pytest.mark.fault("C1")
def test_nothing_secret_is_said(log: list[str]) -> None:
    """Neither the content of the event, nor the text of the exception, nor the arguments of a partial are told or logged."""
    handler = create_kraken_v2_handler()
    errors: list[CallbackFailed] = []

    def leaks(_token: str, event: Any) -> None:
        raise ValueError(f"{SECRET} {event}")

    handler.register_callback("balance", functools.partial(leaks, SECRET))
    handler.register_error_callback(errors.append)
    assert handler.process(balances(1))
    told = [*log, str(errors[0]), repr(errors[0]), str(vars(errors[0])), str(handler.get_statistics())]
    assert log
    assert not any(SECRET in text or "SOL" in text for text in told)


def test_names_of_callbacks() -> None:
    """A callback is called by its own name, or by that of its class; never by its repr, and never at length."""

    class Odd:
        def __init__(self) -> None:
            self.__qualname__ = 7

        def __repr__(self) -> str:
            return SECRET

        def __call__(self, event: Any) -> None: ...

    assert name_of(print) == "print"
    assert name_of(Clock().__call__) == "Clock.__call__"
    assert name_of(functools.partial(print, SECRET)) == "partial(print)"
    assert name_of(Clock()) == "Clock"
    assert SECRET not in name_of(Odd())
    long: Any = lambda event: None  # noqa: E731 (a name is given to it below)
    long.__qualname__ = "x" * 1000
    assert len(name_of(long)) == NAME_SHOWN


def test_counts_are_bounded() -> None:
    """Beyond so many names all further callbacks are counted as one; nothing is lost from the total."""
    counted = CallbackCounts()
    for number in range(counts.NAMES_KEPT + 50):
        counted.add(f"callback {number}", "errors")
    assert len(counted.by_name()) == counts.NAMES_KEPT + 1
    assert counted.by_name()[counts.OTHERS] == {"errors": 50}
    assert counted.total["errors"] == counts.NAMES_KEPT + 50


def test_throttle() -> None:
    """A kind is admitted once a minute, with how often it happened; beyond so many kinds all others share one report."""
    throttle = Throttle()
    assert [throttle.admit("a", now) for now in (0, 1, 59.9, 60, 61, 121)] == [1, 0, 0, 3, 0, 2]
    for number in range(counts.KINDS_KEPT):
        throttle.admit(number, 0)
    assert throttle.admit("new", 0) == 0
    assert throttle.admit("newer", 60) == 2
