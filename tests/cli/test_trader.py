"""The account that trades on a simulated exchange while somebody looks."""

from __future__ import annotations

import asyncio

from krakenwire.cli.trader import trade
from krakenwire.sim.background import Simulated


def fills(simulated: Simulated) -> int:
    """Fills of the account so far, as long as they are fewer than a snapshot tells."""
    return simulated.call(lambda _exchange, _now: len(simulated.key.account.fills))


async def more_fills(simulated: Simulated) -> None:
    """Until the account has traded again."""
    before = fills(simulated)
    for _ in range(2000):
        await asyncio.sleep(0.01)
        if fills(simulated) > before:
            return
    raise AssertionError("the account does not trade")


def test_trades_on_after_every_connection_was_cut() -> None:
    """A fault that cuts every connection does not end the trading."""

    async def work(simulated: Simulated) -> None:
        task = asyncio.ensure_future(trade(simulated, pause=0.02))
        try:
            await more_fills(simulated)
            for end in ("cut", "close 1001", "end silent"):
                simulated.fault(f"at 0 s: {end}")
                await more_fills(simulated)
        finally:
            task.cancel()

    with Simulated(markets=["BTC/USD"]) as simulated:
        asyncio.run(work(simulated))
