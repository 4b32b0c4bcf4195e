"""Names: which events go to whom."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from krakenwire import (
    BalanceUpdate,
    ExecutionUpdate,
    Gap,
    Heartbeat,
    InstrumentUpdate,
    Level3Update,
    OHLCUpdate,
    OrderBookUpdate,
    TickerUpdate,
    TradeUpdate,
    UsageError,
    create_kraken_v2_handler,
)
from krakenwire.events import Event, GapReason
from krakenwire.handler.routes import ALIASES, KINDS, Routes, lane_of
from tests.handler.frames import HEARTBEAT, balances, book, ticker, trade


def names(events: list[Any]) -> list[str]:
    """The types of the events."""
    return [type(event).__name__ for event in events]


@pytest.mark.parametrize("alias", ALIASES)
def test_aliases(alias: str) -> None:
    """A channel is found under the other names that programs use, for registering and for unregistering."""
    frames = {"balances": balances(1), "book": book(), "trade": trade(1)}
    frame = frames.get(ALIASES[alias])
    handler = create_kraken_v2_handler()
    got: list[Any] = []
    handler.register_callback(name=alias, callback=got.append)
    if frame is not None:
        assert handler.process(frame)
        assert len(got) == 1
    assert handler.unregister_callback(name=ALIASES[alias], callback=got.append)
    assert not handler.unregister_callback(alias, got.append)


@pytest.mark.parametrize("name", ["tiker", "", "Ticker", None, 7, ["ticker"]])
def test_unknown_name_is_explained(name: Any) -> None:
    """Registering for events that do not exist names the nearest that do, or all of them."""
    handler = create_kraken_v2_handler()
    with pytest.raises(UsageError, match=r"did you mean 'ticker'|there are \*, ticker") as caught:
        handler.register_callback(name, print)
    assert caught.value.field == "name"
    with pytest.raises(UsageError):
        handler.unregister_callback(name, print)


def test_every_event_has_a_name() -> None:
    """Whatever a session reports can be registered for, under one name of its own."""
    reported = {kind for kind in get_args(Event) if isinstance(kind, type)}
    for kind in reported:
        found = [name for name, base in KINDS.items() if issubclass(kind, base)]
        assert len(found) == 1, (kind, found)


def test_star_gets_everything_once() -> None:
    """`*` gets every event, and a callback gets each event once, however often it is registered for it."""
    handler = create_kraken_v2_handler()
    got: list[Any] = []
    for name in ("*", "ticker", "*", "gap"):
        handler.register_callback(name, got.append)
    for frame in (HEARTBEAT, ticker(1), book()):
        handler.process(frame)
    handler.reset()
    assert names(got) == ["Heartbeat", "TickerUpdate", "BookLive", "OrderBookUpdate", "Gap", "Gap"]


def test_unregistering_a_method() -> None:
    """A bound method is recognised although it is a new object each time; all its registrations under the name end."""
    handler = create_kraken_v2_handler()

    class Strategy:
        def __init__(self) -> None:
            self.calls = 0

        def on_heartbeat(self, event: Any) -> None:
            self.calls += 1

    strategy = Strategy()
    handler.register_callback("heartbeat", strategy.on_heartbeat)
    handler.register_callback("heartbeat", strategy.on_heartbeat)
    handler.process(HEARTBEAT)
    assert strategy.calls == 1
    assert handler.unregister_callback("heartbeat", strategy.on_heartbeat)
    handler.process(HEARTBEAT)
    assert strategy.calls == 1


def test_unregistering_an_error_callback() -> None:
    """An error callback that was unregistered is told nothing more."""
    handler = create_kraken_v2_handler()
    told: list[Any] = []
    handler.register_callback("heartbeat", lambda _: 1 / 0)
    handler.register_error_callback(told.append)
    handler.process(HEARTBEAT)
    assert handler.unregister_error_callback(told.append)
    assert not handler.unregister_error_callback(told.append)
    handler.process(HEARTBEAT)
    assert len(told) == 1


def test_breaks_go_to_their_channel() -> None:
    """The `Gap` of a channel goes to that channel's callbacks, in its place, unless they do not want facts."""
    handler = create_kraken_v2_handler()
    mine: list[Any] = []
    without: list[Any] = []
    others: list[Any] = []
    handler.register_callback("trade", mine.append)
    handler.register_callback("trade", without.append, facts=False)
    handler.register_callback("ticker", others.append)
    for number in (1, 2, 7):
        handler.process(trade(number))
    assert names(mine) == ["TradeUpdate", "TradeUpdate", "Gap", "TradeUpdate"]
    assert (mine[2].first, mine[2].last) == (3, 6)
    assert names(without) == ["TradeUpdate"] * 3
    assert others == []


def test_lanes() -> None:
    """An event keeps the order of the channel it tells about; what is about none has an order of its own kind."""
    gap = Gap("trade", "SOL/USD", GapReason.SEQUENCE)
    handler = create_kraken_v2_handler()
    got: list[Any] = [gap]
    handler.register_callback("*", got.append)
    for frame in (ticker(1), b'{"channel":"new","data":[]}', b"no json", b'{"method":"pong"}'):
        handler.process(frame)
    assert [(type(event).__name__, lane_of(event)) for event in got] == [
        ("Gap", "trade"),
        ("TickerUpdate", "ticker"),
        ("UnknownFrame", "unknown"),
        ("FrameRejected", "frame_rejected"),
        ("Gap", "ticker"),
        ("Pong", "reply"),
    ]


def test_table_of_another_thread() -> None:
    """A look-up that began before a registration and ends after it cannot hide it from later events."""
    routes = Routes()
    routes.add("heartbeat", print)
    begun = routes.by_type
    routes.add("heartbeat", repr)
    begun[Heartbeat] = (print,)
    assert routes.of(Heartbeat()) == (print, repr)


# ---------------------------------------------------------------- types: checked by mypy, not when run


def test_typed_callbacks() -> None:
    """A callback may declare the one type of its channel; a type checker knows what a lambda gets."""
    handler = create_kraken_v2_handler()

    async def on_ticker(event: TickerUpdate) -> None: ...
    async def on_book(event: OrderBookUpdate) -> None: ...
    def on_level3(event: Level3Update) -> None: ...
    def on_trade(event: TradeUpdate) -> int:
        return event.trade_id

    def on_ohlc(event: OHLCUpdate) -> None: ...
    def on_instrument(event: InstrumentUpdate) -> None: ...
    async def on_balance(event: BalanceUpdate) -> None: ...
    async def on_execution(event: ExecutionUpdate) -> None: ...
    async def on_trade_or_gap(event: TradeUpdate | Gap) -> None: ...
    def on_gap(event: Gap) -> None: ...
    def on_error(error: Exception) -> None: ...

    handler.register_callback("ticker", on_ticker)
    handler.register_callback("book", on_book)
    handler.register_callback("orderbook", on_book)
    handler.register_callback("level3", on_level3)
    handler.register_callback("trade", on_trade)
    handler.register_callback("trade", on_trade_or_gap)
    handler.register_callback("ohlc", on_ohlc, facts=False)
    handler.register_callback("instrument", on_instrument)
    handler.register_callback("balance", on_balance)
    handler.register_callback("balances", on_balance)
    handler.register_callback("executions", on_execution)
    handler.register_callback("gap", on_gap)
    handler.register_callback("ticker", lambda event: event.spread)
    handler.register_callback("*", print)
    handler.register_error_callback(on_error)
