"""`KrakenProWebSocketManager`: the client behind the interface that trading programs have for a WebSocket manager.

It subscribes to what such a program wants of its symbols, keeps it alive, and hands balances, tickers and everything else to whoever takes
them. A frame that cannot be used goes to the program's own older handler, if it has one.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self

from krakenwire.errors import BookNotLive, KrakenWireError, UsageError
from krakenwire.events import ConnectionState
from krakenwire.handler.routes import Callback, check_callable
from krakenwire.net import Client, ConnectionInfo, connect
from krakenwire.net.callbacks import name_of_events
from krakenwire.net.consumers import Policy
from krakenwire.net.hosts import Hosts
from krakenwire.net.statistics import statistics
from krakenwire.net.transport import Transport
from krakenwire.state.level2 import BookView
from krakenwire.tui import GIVEN, Badge, Board, View, badge_of, missing, show, unfit
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ExecutionsSubscription,
    OhlcSubscription,
    Subscription,
    TickerSubscription,
    TradeSubscription,
)

CONNECT_SECONDS = 30.0
"""Seconds that `connect()` waits for its connections."""

SHOW_SECONDS = 1.0
"""Between two lines of the visual mode where there is no terminal."""

PUBLIC_CHANNELS = ("ticker", "book", "trade", "ohlc")


class KrakenProWebSocketManager:
    """Market data of some symbols, and the account's, for a program with managers of its own.

    `exchange_client`: where WebSocket tokens come from: `Credentials`, a ccxt `kraken` (sync or async), anything with
    `get_websockets_token()`; None: public data only. `symbols`: pairs as in `BTC/USD`.
    `channels`: public channels of the symbols; `depth` of the books, `interval` of the candles in minutes.
    `balance_manager`, `data_coordinator`: get every `BalanceUpdate` and the latest `TickerUpdate` of each symbol; a function of one
    event, or an object with `handle(event)`, plain or async. `legacy_handler`: the same, for frames (bytes) of which nothing could be used.
    `visual_mode`: the dashboard on the terminal (`pip install 'krakenwire[tui]'`); without one, a line a second on the standard output. q
    closes the dashboard and nothing else, Ctrl-C interrupts the program as ever. All further options are those of `krakenwire.connect()`.

    Raises: UsageError, if an option makes no sense.
    """

    def __init__(
        self,
        exchange_client: Any = None,
        symbols: Iterable[str] = (),
        *,
        visual_mode: bool = False,
        channels: Iterable[str] = PUBLIC_CHANNELS,
        depth: int = 10,
        interval: int = 1,
        balance_manager: Any = None,
        data_coordinator: Any = None,
        legacy_handler: Any = None,
        transport: Transport | None = None,
        **options: Any,
    ) -> None:
        if isinstance(symbols, str):
            raise UsageError("must be a list of symbols", field="symbols")
        self.symbols = tuple(dict.fromkeys(symbols))
        self.visual_mode = visual_mode
        self._private = exchange_client is not None
        self._depth = depth
        self._wanted = _subscriptions(self.symbols, tuple(channels), depth, interval, private=self._private)
        self._callbacks: list[tuple[str, Callback, dict[str, Any]]] = []
        for name, taker, more in (
            ("balances", balance_manager, {"facts": False}),
            ("ticker", data_coordinator, {"facts": False, "policy": Policy.CONFLATE}),
            ("refused_frame", legacy_handler, {}),
        ):
            if taker is not None:
                self._callbacks.append((name, _taker(taker), more))
        self._make: Callable[[], Client] = lambda: connect(transport, credentials=exchange_client, **options)
        self._badge = GIVEN if transport is not None else _badge(options)
        self._make()  # a wrong option shows here, not at the first connection
        self._client: Client | None = None
        self._show_task: asyncio.Task[None] | None = None
        self._last_statistics: dict[str, Any] = statistics((), 0.0)

    # ---------------------------------------------------------------- its life

    async def connect(self, seconds: float = CONNECT_SECONDS) -> bool:
        """Subscribe, and wait until the connections stand. False: not within `seconds`; they go on trying.

        Raises: ConnectFailed or AuthFailed, if a connection is over for good; UsageError, if it is connected already.
        """
        if self._client is not None:
            raise UsageError("the manager is connected already")
        self._client = client = self._make()
        await client.__aenter__()
        for name, callback, more in self._callbacks:
            client.on(name, callback, **more)
        try:
            for params in self._wanted:
                client.subscribe(params)
            if self.visual_mode:
                shown = self._dashboard(client) if missing() is None and unfit() is None else self._lines()
                self._show_task = asyncio.get_running_loop().create_task(shown, name="krakenwire visual mode")
            return await self._stands(client, seconds)
        except BaseException:
            await self.disconnect()
            raise

    async def disconnect(self) -> None:
        """End every connection. Registered callbacks stay, for the next `connect()`."""
        client, self._client = self._client, None
        if self._show_task is not None:
            self._show_task.cancel()
            await asyncio.wait([self._show_task])
            self._show_task = None
        if client is not None:
            await client.close()
            self._last_statistics = client.statistics()

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.disconnect()

    # ---------------------------------------------------------------- what programs do

    def register_callback(self, name: str, callback: Callback, *, facts: bool = True) -> None:
        """Call `callback`, plain or async, with every event of this name; names and `facts` as of the handler's `register_callback`.

        Raises: UsageError, if there is no such name, or calling `callback` could do nothing.
        """
        name = name_of_events(name)
        check_callable(callback)
        self._callbacks.append((name, callback, {"facts": facts}))
        if self._client is not None:
            self._client.on(name, callback, facts=facts)

    def unregister_callback(self, name: str, callback: Callback) -> bool:
        """Undo `register_callback`. False: it was not registered."""
        name = name_of_events(name)
        before = len(self._callbacks)
        self._callbacks = [row for row in self._callbacks if row[:2] != (name, callback)]
        if self._client is not None:
            self._client.off(name, callback)
        return len(self._callbacks) < before

    def register_error_callback(self, callback: Callback) -> None:
        """Call `callback` with what goes wrong and is survived: in callbacks, attempts to connect, tokens, back-fills."""
        self.register_callback("error", callback)

    @property
    def client(self) -> Client:
        """The client behind it, for everything that is not here.

        Raises: UsageError, while it is not connected.
        """
        if self._client is None:
            raise UsageError("connect the manager first")
        return self._client

    @property
    def connected(self) -> bool:
        """Whether every connection it needs stands."""
        states = {info.state for info in self.get_connection_status()} - {ConnectionState.IDLE}
        return bool(states) and all(state is ConnectionState.CONNECTED for state in states)

    def get_connection_status(self) -> tuple[ConnectionInfo, ...]:
        """Every connection; none while it is not connected."""
        return () if self._client is None else self._client.status()

    def get_v2_handler_statistics(self) -> dict[str, Any]:
        """Counts over all connections since the last `connect()`, ready for JSON; also after `disconnect()`.

        `total_messages`, `messages_by_channel`, `error_count`, `duplicate_count`, `sequence_gaps`, `avg_processing_times` (seconds), and
        more.
        """
        return self._last_statistics if self._client is None else self._client.statistics()

    def book(self, symbol: str, depth: int | None = None) -> BookView:
        """An immutable copy of a symbol's book.

        Raises: BookNotLive, unless a checksum proved it.
        """
        book = self.client.held_book("book", symbol)
        if book is None:
            raise BookNotLive(symbol, "unknown", "it is not subscribed")
        view: BookView = book.view(depth)
        return view

    # ---------------------------------------------------------------- inside

    async def _stands(self, client: Client, seconds: float) -> bool:
        """Wait for the connections."""
        until = asyncio.get_running_loop().time() + seconds
        while not self.connected:
            failure = client.failure()
            if failure is not None:
                raise failure
            if not self._wanted or asyncio.get_running_loop().time() >= until:
                return False
            await asyncio.sleep(0.02)
        return True

    async def _dashboard(self, client: Client) -> None:
        """The dashboard, until somebody closes it."""
        clock = asyncio.get_running_loop().time
        board = Board(self.symbols, self._badge, began=clock(), depth=self._depth, private=self._private)

        def take(event: Any) -> None:
            board.take(event, clock())

        def trouble(error: KrakenWireError) -> None:
            board.trouble(error, clock())

        client.on("*", take)
        client.on_error(trouble)
        ended = await show(View(board, client, clock=clock, wall=time.time_ns))
        client.off("*", take)
        client.off("error", trouble)
        if ended == "interrupt":
            # What Ctrl-C would have done, had the dashboard not had the keyboard.
            signal.raise_signal(signal.SIGINT)

    async def _lines(self) -> None:
        """A line a second, until nobody reads it."""
        while True:
            await asyncio.sleep(SHOW_SECONDS)
            try:
                sys.stdout.write("  ".join(map(self._line, self.symbols)) + "\n")
                sys.stdout.flush()
            except (OSError, ValueError):
                return

    def _line(self, symbol: str) -> str:
        try:
            view = self.book(symbol, 1)
        except BookNotLive as exc:
            return f"{symbol} {exc.status}"
        return f"{symbol} {view.best_bid} | {view.best_ask}"


def _subscriptions(
    symbols: tuple[str, ...], channels: tuple[str, ...], depth: int, interval: int, *, private: bool
) -> list[Subscription]:
    """What is wanted of these symbols.

    Raises: UsageError.
    """
    made: dict[str, Callable[[], Subscription]] = {
        "ticker": lambda: TickerSubscription(symbol=symbols),
        "book": lambda: BookSubscription(symbol=symbols, depth=depth),
        "trade": lambda: TradeSubscription(symbol=symbols),
        "ohlc": lambda: OhlcSubscription(symbol=symbols, interval=interval),
    }
    unknown = [name for name in channels if name not in made]
    if unknown:
        raise UsageError(f"{unknown[0]!r:.60} is none of {', '.join(made)}", field="channels")
    wanted = [made[name]() for name in dict.fromkeys(channels)] if symbols else []
    if private:
        wanted += [BalancesSubscription(), ExecutionsSubscription(snap_orders=True, snap_trades=True)]
    return wanted


def _badge(options: dict[str, Any]) -> Badge:
    """Which exchange the options, or the environment, name.

    Raises: UsageError, if one may not be connected to.
    """
    names = ("public_url", "private_url", "level3_url", "rest_url")
    return badge_of(Hosts.chosen(*[options.get(name) for name in names]))


def _taker(given: Any) -> Callback:
    """The function that takes an event: `handle` of an object, or the object itself.

    Raises: UsageError, if it is neither.
    """
    call = getattr(given, "handle", given)
    check_callable(call)
    taker: Callback = call
    return taker
