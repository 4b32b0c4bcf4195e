"""The wall clock jumps: every consumer is told once, and nothing else happens."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from krakenwire import ClockJump, ConnectionState, Gap
from krakenwire.net.clock import WallClock
from krakenwire.sim import Exchange
from tests.net.virtual import run
from tests.net.world import World, collecting


class Clocks:
    """Both clocks of a machine, in nanoseconds, as a test turns them."""

    def __init__(self) -> None:
        self.passed = 0
        self.set_by = 0
        self.interrupted = 0
        """How long the process is interrupted between two readings."""

    def wall(self) -> int:
        return 1_790_000_000_000_000_000 + self.passed + self.set_by

    def monotonic(self) -> int:
        self.passed += self.interrupted
        return self.passed


@pytest.mark.fault("C10")
@pytest.mark.parametrize(
    ("jump", "told"),
    [
        (3600.0, True),
        (-3600.0, True),
        (0.51, True),
        (-0.51, True),
        (0.49, False),
        (-0.49, False),
        (0.0, False),
    ],
)
def test_jump_is_told_once(jump: float, told: bool) -> None:
    """A difference of more than half a second between the two clocks is a jump, once, with its sign; less is none."""
    clocks = Clocks()
    clock = WallClock(clocks.wall, clocks.monotonic)
    assert clock.look() is None
    clocks.passed += 1_000_000_000
    assert clock.look() is None
    clocks.passed += 1_000_000_000
    clocks.set_by = round(jump * 1e9)
    assert clock.look() == (jump if told else None)
    clocks.passed += 1_000_000_000
    assert clock.look() is None


@pytest.mark.fault("C10", "C6")
def test_interruption_and_drift_are_no_jumps() -> None:
    """A process that is stopped between the two readings, for however long, and a clock that drifts for ever, report nothing."""
    clocks = Clocks()
    clock = WallClock(clocks.wall, clocks.monotonic)
    clock.look()
    clocks.interrupted = 10_000_000_000
    assert clock.look() is None
    clocks.interrupted = 0
    assert clock.look() is None
    for _ in range(10_000):
        clocks.passed += 1_000_000_000
        clocks.set_by += 500_000
        assert clock.look() is None


@pytest.mark.fault("C10")
@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_every_consumer_is_told_of_a_jump(jump: float) -> None:
    """Iterators, the merged stream and callbacks get one `ClockJump`; the connection stands, no timer fires, no book is lost."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        clocks = Clocks()

        def monotonic() -> int:
            return round(world.now * 1e9)

        def wall() -> int:
            return monotonic() + clocks.set_by

        client = world.client(clock=WallClock(wall, monotonic))
        async with (
            client as kraken,
            collecting(kraken) as everything,
            collecting(kraken, "clock_jump") as named,
            collecting(kraken, "trade") as trades,
            kraken.trade(["BTC/USD", "ETH/USD"]) as stream,
            kraken.ticker("BTC/USD") as ticker,
            kraken.book("BTC/USD") as book,
            kraken.events() as merged,
        ):
            await asyncio.sleep(30)
            clocks.set_by = round(jump * 1e9)
            await asyncio.sleep(30)
            status = kraken.status()[0]
            assert status.state is ConnectionState.CONNECTED
            assert status.connects == 1
            assert book.verified
            assert all(type(view).__name__ == "BookView" for view in [await book.next(1)])
            for reader in (stream, ticker):
                got: list[Any] = []
                while reader.waiting:
                    got.append(await reader.next())
                assert got.count(ClockJump(jump)) == 1
        assert [event async for event in merged].count(ClockJump(jump)) == 1
        assert named == [ClockJump(jump)]
        assert everything.count(ClockJump(jump)) == 1
        assert ClockJump(jump) not in trades
        assert not any(isinstance(event, Gap) for event in everything)

    run(main())
