"""The programs of the client's page do what the page says, against the simulated exchange."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from krakenwire import TickerUpdate
from krakenwire.net import ConnectGate
from krakenwire.sim import Exchange
from tests.net.virtual import run
from tests.net.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "client.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def names(number: int) -> dict[str, Any]:
    """What a block of the page defines."""
    room: dict[str, Any] = {"__name__": "block"}
    exec(compile(BLOCKS[number], "<block>", "exec"), room)  # noqa: S102 (our own page)
    return room


def test_programs_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    """The book prints its best prices, the watcher its trades, the callbacks and the merged stream bring a ticker, the manager connects."""

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
        manager = await names(3)["trade"](
            None, taken.append, taken.append, transport=world.transport, gate=ConnectGate()
        )
        await asyncio.sleep(5)
        assert taken
        await manager.disconnect()

    run(main(), debug=True)
    lines = capsys.readouterr().out.splitlines()
    assert sum(bool(re.fullmatch(r"[\d.]+ [\d.]+ [\d.]+", line)) for line in lines) > 5
    assert any(line.startswith("BTC/USD") and "@" in line for line in lines)
