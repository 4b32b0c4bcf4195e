"""The dead man's switch over the simulated exchange: renewed in time, told when late, and never trusted in doubt."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from krakenwire import ConnectFailed, ConnectFailure, SwitchChanged, SwitchState, UsageError
from krakenwire.sim import Exchange
from tests.net.test_late_readers import Trading
from tests.net.virtual import VirtualLoop, run
from tests.net.world import World, collecting, dropping

ASK, ANSWER = '"method":"cancel_all_orders_after"', '"method":"cancel_all_orders_after"'


def renewals(trading: Trading) -> int:
    return sum(ASK.encode() in frame for frame in trading.world.transport.requests)


def fail() -> None:
    raise LookupError("a mistake of the program")


async def guarded(trading: Trading) -> None:
    """An order far from the market, so that only the switch ends it."""
    trading.order("buy", away=400)
    await asyncio.sleep(1)
    assert len(trading.account.orders) == 1


@pytest.mark.fault("S14")
def test_switch_is_renewed_in_time_and_disarmed_at_the_end() -> None:
    """For ten minutes it is renewed every 15 to 20 s and nothing is cancelled; afterwards Kraken was told that nothing is to be."""

    async def main() -> None:
        trading = Trading(1)
        async with trading.client() as kraken, collecting(kraken, "switch_changed") as told:
            async with kraken.dead_mans_switch(60) as switch:
                await guarded(trading)
                await asyncio.sleep(600)
                assert 600 / 20 <= renewals(trading) <= 600 / 15 + 2
                assert switch.due_at is not None
                assert switch.due_at - trading.world.now > 40
            await asyncio.sleep(300)
            assert len(trading.account.orders) == 1
            assert [event.state for event in told] == [SwitchState.ARMED, SwitchState.DISARMED]

    run(main())


@pytest.mark.fault("S14")
def test_answers_that_are_lost_are_told_at_half_of_the_time() -> None:
    """Without an answer for half of its time the switch is LATE, after all of it FALLEN; when answers come again it is ARMED."""

    async def main() -> None:
        trading = Trading(2)
        async with trading.client() as kraken, collecting(kraken, "switch_changed") as told:
            async with kraken.dead_mans_switch(60) as switch:
                await trading.world.until(lambda: switch.state is SwitchState.ARMED)
                set_at = (switch.due_at or 0.0) - 60
                trading.world.link.change = dropping(ANSWER)
                late = await trading.world.until(lambda: switch.state is SwitchState.LATE)
                assert 29 < late < 50
                assert trading.world.now - set_at < 30 + 60 / 16 + 0.1
                await trading.world.until(lambda: switch.state is SwitchState.FALLEN)
                trading.world.link.change = lambda frame: frame
                assert await trading.world.until(lambda: switch.state is SwitchState.ARMED) < 10
            states = [event.state.value for event in told]
            assert states == ["armed", "late", "fallen", "armed", "disarmed"]

    run(main())


@pytest.mark.fault("S14")
@pytest.mark.parametrize("how", ["stalled", "unreachable", "closed", "exception"])
def test_whoever_is_gone_has_no_orders_left(how: str) -> None:
    """A loop that stands still, a network that is gone, a client that is closed and a block that is left by an exception: the exchange
    cancels within the time, and whoever is still there is told that it may have.
    """

    async def main() -> None:
        trading = Trading(3)
        world = trading.world
        told: list[Any] = []
        async with trading.client() as kraken:
            kraken.on("switch_changed", told.append)
            try:
                async with kraken.dead_mans_switch(60) as switch:
                    await guarded(trading)
                    await world.until(lambda: switch.state is SwitchState.ARMED)
                    if how == "exception":
                        fail()
                    if how == "closed":
                        await kraken.close()
                    elif how == "stalled":
                        assert isinstance(world.loop, VirtualLoop)
                        world.loop.stand_still(90)
                    else:
                        world.transport.refuse = lambda _: ConnectFailed(ConnectFailure.REFUSED, "no way")
                        world.link.end("cut")
                    await asyncio.sleep(0 if how == "stalled" else 65)
                    if how != "closed":
                        await asyncio.sleep(2)
                        assert "fallen" in [event.state.value for event in told]
                    trading.exchange.advance(world.now)
                    assert len(trading.account.orders) == 0
                    if how == "unreachable":
                        fail()
            except LookupError:
                pass
            await asyncio.sleep(65)
            trading.exchange.advance(world.now)
            assert len(trading.account.orders) == 0

    run(main())


@pytest.mark.fault("S14", "S11")
def test_switch_can_be_disarmed_for_a_maintenance() -> None:
    """Disarmed on request, nothing is cancelled while the exchange is away; armed again it is renewed as before."""

    async def main() -> None:
        trading = Trading(4)
        async with trading.client() as kraken, kraken.dead_mans_switch(20) as switch:
            await guarded(trading)
            assert await switch.disarm()
            count = renewals(trading)
            await asyncio.sleep(300)
            assert renewals(trading) == count
            assert len(trading.account.orders) == 1
            switch.arm()
            await trading.world.until(lambda: switch.state is SwitchState.ARMED)
            await asyncio.sleep(60)
            assert renewals(trading) > count + 8

    run(main())


@pytest.mark.fault("S14", "N11")
def test_switch_is_renewed_over_the_next_connection() -> None:
    """A connection that is lost costs the switch no time: it is renewed as soon as the next one stands."""

    async def main() -> None:
        trading = Trading(5)
        async with trading.client() as kraken, kraken.dead_mans_switch(20) as switch:
            await guarded(trading)
            for _ in range(5):
                trading.world.link.end("cut")
                await asyncio.sleep(40)
                assert switch.state is SwitchState.ARMED
            assert len(trading.account.orders) == 1

    run(main())


def test_switch_is_one_for_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second switch, one without credentials and one with a senseless time are refused, and leave nothing behind."""
    monkeypatch.delenv("KRAKEN_API_KEY", raising=False)
    monkeypatch.delenv("KRAKEN_API_SECRET", raising=False)

    async def main() -> None:
        trading = Trading(6)
        async with trading.client() as kraken:
            async with kraken.dead_mans_switch(60):
                with pytest.raises(UsageError, match="one dead man"):
                    await kraken.dead_mans_switch(30).__aenter__()
            for seconds in (0, 7, 86_400, 1.5):
                with pytest.raises(UsageError, match="seconds"):
                    kraken.dead_mans_switch(seconds)  # type: ignore[arg-type]
        async with World(Exchange(seed=6)).client() as kraken:
            with pytest.raises(UsageError, match="KRAKEN_API_KEY"):
                await kraken.dead_mans_switch().__aenter__()

    run(main())


def test_refusal_is_told_with_the_words_of_the_exchange() -> None:
    """A renewal that is refused makes the switch LATE at once, with Kraken's reason."""

    async def main() -> None:
        trading = Trading(7)
        async with (
            trading.client() as kraken,
            collecting(kraken, "switch_changed") as told,
            kraken.dead_mans_switch(60) as switch,
        ):
            await trading.world.until(lambda: switch.state is SwitchState.ARMED)

            def refuse(frame: bytes) -> bytes:
                if ANSWER.encode() not in frame:
                    return frame
                number = frame.split(b'"req_id":')[1].split(b",")[0].rstrip(b"}")
                return (
                    b'{"method":"cancel_all_orders_after","success":false,"error":"EGeneral:Permission denied","req_id":%s}'
                    % number
                )

            trading.world.link.change = refuse
            assert await trading.world.until(lambda: switch.state is SwitchState.LATE) < 20
            event = told[-1]
            assert isinstance(event, SwitchChanged)
            assert event.reason == "EGeneral:Permission denied"

    run(main())
