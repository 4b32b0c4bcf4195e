"""The manager: the client behind the interface that trading programs have."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from krakenwire import (
    AuthFailed,
    BookNotLive,
    ConnectFailed,
    ConnectFailure,
    KrakenProWebSocketManager,
    TickerUpdate,
    UsageError,
)
from krakenwire.net import ConnectGate, Waits
from krakenwire.net.transport import HttpReply, Link
from krakenwire.sim import Exchange, Host
from tests.net.virtual import run
from tests.net.world import World

SYMBOLS = ["BTC/USD", "ETH/USD"]
DESCRIBED = {
    "total_messages",
    "messages_by_channel",
    "error_count",
    "duplicate_count",
    "sequence_gaps",
    "avg_processing_times",
}


class Tokens:
    """An exchange client that can give tokens, as a ccxt one does."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.calls = 0

    async def private_post_getwebsocketstoken(self) -> dict[str, Any]:
        self.calls += 1
        token = self._world.exchange.tokens.issue(self._world.exchange.at)
        return {"error": [], "result": {"token": token, "expires": "900"}}


class Taker:
    """A manager of the program: an object with `handle`."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    async def handle(self, event: Any) -> None:
        self.events.append(event)


def managed(world: World, **options: Any) -> KrakenProWebSocketManager:
    """A manager of this exchange."""
    options.setdefault("symbols", SYMBOLS)
    return KrakenProWebSocketManager(transport=world.transport, gate=ConnectGate(), **options)


def test_program_gets_what_it_registered_for() -> None:
    """Connected, the manager brings all four public channels of its symbols, tickers to the coordinator, and books that can be read."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        coordinator = Taker()
        seen: list[Any] = []
        manager = managed(world, data_coordinator=coordinator)
        manager.register_callback("orderbook", seen.append)
        assert manager.get_v2_handler_statistics().keys() >= DESCRIBED
        with pytest.raises(UsageError, match="connect"):
            manager.book("BTC/USD")
        assert await manager.connect()
        assert manager.connected
        late: list[Any] = []
        manager.register_callback("trade", late.append)
        await asyncio.sleep(20)
        view = manager.book("BTC/USD", depth=5)
        assert view.best_bid is not None
        assert len(view.bids) == 5
        with pytest.raises(BookNotLive):
            manager.book("NO/USD")
        statistics = json.loads(json.dumps(manager.get_v2_handler_statistics()))
        assert {"ticker", "book", "trade", "ohlc", "heartbeat"} <= statistics["messages_by_channel"].keys()
        assert {event.symbol for event in coordinator.events} == set(SYMBOLS)
        assert all(isinstance(event, TickerUpdate) for event in coordinator.events)
        assert {event.symbol for event in seen} == set(SYMBOLS)
        assert late
        assert manager.unregister_callback("trade", late.append)
        await manager.disconnect()
        assert manager.get_connection_status() == ()
        assert manager.get_v2_handler_statistics()["total_messages"] >= statistics["total_messages"]
        assert world.transport.links == []
        assert await manager.connect()  # and again
        with pytest.raises(UsageError, match="already"):
            await manager.connect()
        await manager.disconnect()

    run(main(), debug=True)


def test_private_channels_with_a_clients_tokens() -> None:
    """With an exchange client that can give tokens the account's channels come too; without one nothing private is asked for."""

    async def main() -> None:
        world = World(Exchange(seed=2))
        tokens = Tokens(world)
        async with managed(world, exchange_client=tokens, balance_manager=Taker().handle) as manager:
            await asyncio.sleep(3)
            assert {request.params["channel"] for request in world.account.asked} == {
                "balances",
                "executions",
            }
            assert tokens.calls == 1
            assert manager.connected
        world = World(Exchange(seed=2))
        async with managed(world):
            await asyncio.sleep(3)
            assert world.opened(Host.PRIVATE) == []

    run(main(), debug=True)


def test_refused_frames_go_to_the_legacy_handler() -> None:
    """A frame of which nothing could be used is handed on whole, and the feed does not notice."""

    async def main() -> None:
        world = World(Exchange(seed=3))
        legacy = Taker()
        async with managed(world, legacy_handler=legacy) as manager:
            await asyncio.sleep(2)
            world.link.give([b'[0,{"v1":"frame"},"ticker","XBT/USD"]'])
            await asyncio.sleep(1)
            assert legacy.events == [b'[0,{"v1":"frame"},"ticker","XBT/USD"]']
            assert manager.get_v2_handler_statistics()["error_count"] == 1

    run(main())


def test_connect_says_whether_it_worked() -> None:
    """Without an exchange `connect` returns False and goes on trying; what is final raises, and leaves nothing behind."""

    async def main() -> None:
        world = World(Exchange(seed=4))
        world.transport.refuse = lambda _: ConnectFailed(ConnectFailure.REFUSED, "as ordered")
        manager = managed(world)
        assert await manager.connect(seconds=5) is False
        world.transport.refuse = lambda _: None
        await world.until(lambda: manager.connected)
        await manager.disconnect()
        world.transport.refuse = lambda _: ConnectFailed(ConnectFailure.CERTIFICATE, "as ordered")
        with pytest.raises(ConnectFailed, match="certificate"):
            await manager.connect()
        assert manager.get_connection_status() == ()
        world.transport.refuse = lambda _: None
        world.refusal = HttpReply(200, b'{"error":["EAPI:Invalid key"]}')
        from krakenwire import Credentials

        manager = managed(world, exchange_client=Credentials("key", "AAAA"))
        told: list[Any] = []
        manager.register_error_callback(told.append)
        connected = await manager.connect()
        assert connected
        await asyncio.sleep(2)
        assert any(isinstance(error, AuthFailed) for error in told)
        await manager.disconnect()

    run(main(), debug=True)


def test_visual_mode_prints_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """In visual mode there is a line a second, with the best prices or the state of each book."""

    async def main() -> None:
        world = World(Exchange(seed=5))
        async with managed(world, visual_mode=True, symbols=[*SYMBOLS, "NO/USD"]):
            await asyncio.sleep(5.5)

    run(main())
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 5
    assert lines[-1].startswith("BTC/USD 8")
    assert "NO/USD unknown" in lines[-1]


def test_options_are_checked() -> None:
    """A wrong option is refused when it is given."""

    async def main() -> None:
        world = World(Exchange(seed=6))
        mistakes: tuple[dict[str, Any], ...] = (
            {"symbols": "BTC/USD"},
            {"channels": ["tickers"]},
            {"depth": 7},
            {"balance_manager": 7},
            {"exchange_client": object()},
            {"queue_limit": 0},
        )
        for wrong in mistakes:
            with pytest.raises(UsageError):
                async with managed(world, **wrong):
                    pass
        with pytest.raises(UsageError, match="balanc"):
            managed(world).register_callback("balanc", print)
        assert world.transport.links == []

    run(main())


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.04, 0.06])
@pytest.mark.parametrize("before", [0, 1, 2])
def test_what_ended_the_connection_is_raised(before: int, seconds: float) -> None:
    """However the attempts fall between two looks of the manager, `connect()` raises what was final, not what was tried again before it."""

    async def main() -> None:
        world = World(Exchange(seed=9))
        kinds = iter([ConnectFailure.REFUSED] * before + [ConnectFailure.CERTIFICATE])
        world.transport.refuse = lambda _: ConnectFailed(next(kinds), "as ordered")
        opened = world.transport.open

        async def late(url: str) -> Link:
            await asyncio.sleep(seconds)
            return await opened(url)

        world.transport.open = late  # type: ignore[method-assign]
        manager = KrakenProWebSocketManager(
            None,
            ["BTC/USD"],
            transport=world.transport,
            gate=ConnectGate(),
            waits=Waits(first_retry=1e-12, retries=(1e-12,)),
        )
        with pytest.raises(ConnectFailed, match="certificate"):
            await manager.connect()

    run(main())


def test_connection_that_nothing_needs_is_not_missed() -> None:
    """A connection that was needed for a while and is idle again does not make the manager say that it is not connected."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        async with managed(world, symbols=["BTC/USD"], public_symbols=1) as manager:
            async with manager.client.trade("ETH/USD"):
                await asyncio.sleep(5)
                assert len(world.opened()) == 2
            await asyncio.sleep(20)
            assert [info.state.value for info in manager.get_connection_status()] == ["connected", "idle"]
            assert manager.connected

    run(main())
