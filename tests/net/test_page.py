"""The programs of the client's page do what the page says, against the simulated exchange."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from krakenwire import SwitchState, TickerUpdate
from krakenwire.net import ConnectGate, DeadMansSwitch
from krakenwire.sim import Exchange
from tests.net.test_late_readers import Trading
from tests.net.virtual import run
from tests.net.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "client.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def names(number: int) -> dict[str, Any]:
    """What a block of the page defines."""
    room: dict[str, Any] = {"__name__": "block"}
    exec(compile(BLOCKS[number], "<block>", "exec"), room)  # noqa: S102 (our own page)
    return room


async def switch_is_armed(guarded: Any) -> None:
    """The program with the dead man's switch, on an exchange with an account."""
    trading, seen = Trading(), []

    async def work(switch: DeadMansSwitch) -> None:
        await asyncio.sleep(30)
        seen.append(switch.state)

    async with trading.client() as kraken:
        await guarded(kraken, work)
    assert seen == [SwitchState.ARMED]


def test_programs_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The book prints its best prices, the watcher its trades, the callbacks and the merged stream bring a ticker, the switch is
    armed, the manager connects.
    """

    async def main() -> None:
        world = World(Exchange(seed=1))
        first = asyncio.ensure_future(names(0)["main"](world.transport))
        await asyncio.sleep(5)
        first.cancel()
        await asyncio.wait([first])
        async with world.client() as kraken:
            watcher = asyncio.ensure_future(names(1)["watch"](kraken, ["BTC/USD"]))
            books: list[Any] = []
            ticker = await names(2)["run"](kraken, books.append, 5)
            assert isinstance(ticker, TickerUpdate)
            await asyncio.sleep(5)
            assert books
        await watcher
        taken: list[Any] = []
        await switch_is_armed(names(3)["guarded"])
        manager = await names(4)["trade"](
            None, taken.append, taken.append, transport=world.transport, gate=ConnectGate()
        )
        await asyncio.sleep(5)
        assert taken
        await manager.disconnect()

    run(main(), debug=True)
    lines = capsys.readouterr().out.splitlines()
    assert sum(bool(re.fullmatch(r"[\d.]+ [\d.]+ [\d.]+", line)) for line in lines) > 5
    assert any(line.startswith("BTC/USD") and "@" in line for line in lines)
