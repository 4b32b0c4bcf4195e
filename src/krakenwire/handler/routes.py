"""Which callbacks an event goes to.

A channel's callbacks get its data and the breaks in it: nobody may mistake a break for continuity. Every other fact goes to the
callbacks of its own name; `*` gets everything. What went wrong in a callback goes to the error callbacks, as if it were an event.
"""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

from krakenwire import events as ev
from krakenwire.errors import KrakenWireError, UsageError
from krakenwire.wire.account import BalanceEntry
from krakenwire.wire.control import ErrorNotice, Heartbeat, ReplyEnvelope, StatusUpdate
from krakenwire.wire.market import InstrumentUpdate, TickerUpdate

Callback = Callable[[Any], object]

ALIASES = {"balance": "balances", "orderbook": "book", "execution": "executions", "trades": "trade"}
"""Other names of channels that programs use."""

KINDS: dict[str, type] = {
    "ticker": TickerUpdate,
    "book": ev.OrderBookUpdate,
    "level3": ev.Level3Update,
    "trade": ev.TradeUpdate,
    "ohlc": ev.OHLCUpdate,
    "instrument": InstrumentUpdate,
    "balances": BalanceEntry,
    "executions": ev.ExecutionUpdate,
    "status": StatusUpdate,
    "heartbeat": Heartbeat,
    "reply": ReplyEnvelope,
    "error_notice": ErrorNotice,
    "gap": ev.Gap,
    "book_live": ev.BookLive,
    "book_lost": ev.BookLost,
    "book_disputed": ev.BookDisputed,
    "book_crossed": ev.BookCrossed,
    "resync_needed": ev.ResyncNeeded,
    "reconnect_needed": ev.ReconnectNeeded,
    "peer_silent": ev.PeerSilent,
    "subscription_rejected": ev.SubscriptionRejected,
    "reply_missing": ev.ReplyMissing,
    "reply_odd": ev.ReplyOdd,
    "frame_rejected": ev.FrameRejected,
    "schema_drift": ev.SchemaDrift,
    "discarded": ev.Discarded,
    "candle_revised": ev.CandleRevised,
    "instrument_changed": ev.InstrumentChanged,
    "trading_status": ev.TradingStatus,
    "pairs_refused": ev.PairsRefused,
    "order_vanished": ev.OrderVanished,
    "order_forgotten": ev.OrderForgotten,
    "balance_differs": ev.BalanceDiffers,
    "balance_forgotten": ev.BalanceForgotten,
    "connection_changed": ev.ConnectionChanged,
    "stream_quiet": ev.StreamQuiet,
    "feed_lagging": ev.FeedLagging,
    "clock_jump": ev.ClockJump,
    "switch_changed": ev.SwitchChanged,
    "unknown": ev.Unknown,
}
"""Every name a callback can be registered under, besides `*`."""

CHANNELS = (
    "ticker",
    "book",
    "level3",
    "trade",
    "ohlc",
    "instrument",
    "balances",
    "executions",
    "status",
    "heartbeat",
)

BREAKS = (ev.Gap, ev.BookLost)

CHANNEL_OF = {
    "book_crossed": "book",
    "candle_revised": "ohlc",
    "instrument_changed": "instrument",
    "trading_status": "instrument",
    "pairs_refused": "instrument",
    "order_vanished": "executions",
    "order_forgotten": "executions",
    "balance_differs": "balances",
    "balance_forgotten": "balances",
    "reply": "reply",
    "reply_missing": "reply",
    "reply_odd": "reply",
    "subscription_rejected": "reply",
}
"""Where an event belongs whose channel is not what it says, or that says none. Anything else belongs to its `channel`, if it has one."""

NAME_SHOWN = 200
"""Characters of a callback's name."""


class Routes:
    """Callbacks by name, looked up by the type of an event."""

    def __init__(self) -> None:
        self._names: dict[str, list[tuple[Callback, bool]]] = {}
        self._errors: list[Callback] = []
        self.by_type: dict[type, tuple[Callback, ...]] = {}
        """The callbacks of a type of event, once it was looked up. Breaks are not in it: their callbacks depend on the channel."""
        self.asynchronous = False
        """Whether any callback is async, as far as can be seen before it is called."""

    def add(self, name: str, callback: Callback, *, facts: bool = True) -> None:
        """Register a callback.

        Raises: UsageError, if the name is unknown or the callback cannot be called with one event.
        """
        name = _canonical(name)
        check_callable(callback)
        self._names.setdefault(name, []).append((callback, facts))
        self._changed()

    def remove(self, name: str, callback: Callback) -> bool:
        """Undo every `add` of this pair. False: there was none.

        Raises: UsageError, if the name is unknown.
        """
        name = _canonical(name)
        registered = self._names.get(name, [])
        # Equality, because a bound method is a new object each time it is looked up.
        self._names[name] = [item for item in registered if item[0] != callback]
        self._changed()
        return len(self._names[name]) < len(registered)

    def add_error(self, callback: Callback) -> None:
        """Register an error callback.

        Raises: UsageError, if it cannot be called.
        """
        check_callable(callback)
        self._errors.append(callback)
        self._changed()

    def remove_error(self, callback: Callback) -> bool:
        """Undo every `add_error` of this callback. False: there was none."""
        before = len(self._errors)
        self._errors = [kept for kept in self._errors if kept != callback]
        self._changed()
        return len(self._errors) < before

    def of(self, event: Any) -> tuple[Callback, ...]:
        """The callbacks of one event, in the order they were registered under each name."""
        kind = event.__class__
        if kind in BREAKS:
            return self._of_break(event)
        # Another thread may change the callbacks meanwhile. Then this table is not the current one any more.
        table = self.by_type
        found = table.get(kind)
        if found is None:
            found = table[kind] = self._collect(kind)
        return found

    def _collect(self, kind: type) -> tuple[Callback, ...]:
        if issubclass(kind, KrakenWireError):
            return _once(self._errors)
        names = [name for name, base in KINDS.items() if issubclass(kind, base)]
        return _once(callback for name in (*names, "*") for callback, _ in self._names.get(name, ()))

    def _of_break(self, event: Any) -> tuple[Callback, ...]:
        own = "gap" if isinstance(event, ev.Gap) else "book_lost"
        of_channel = [callback for callback, facts in self._names.get(event.channel, ()) if facts]
        others = [callback for name in (own, "*") for callback, _ in self._names.get(name, ())]
        return _once(of_channel + others)

    def _changed(self) -> None:
        registered = [callback for pairs in self._names.values() for callback, _ in pairs]
        self.asynchronous = any(is_async(callback) for callback in registered + self._errors)
        self.by_type = {}


def _once(callbacks: Iterable[Callback]) -> tuple[Callback, ...]:
    """Each callback at its first place. They are compared, not hashed: a callable object need not be hashable."""
    kept: list[Callback] = []
    for callback in callbacks:
        if callback not in kept:
            kept.append(callback)
    return tuple(kept)


def channel_named(name: object) -> str:
    """The channel of this name or alias.

    Raises: UsageError, if there is none.
    """
    canonical = ALIASES.get(name, name) if isinstance(name, str) else None
    if canonical in CHANNELS:
        return str(canonical)
    raise UsageError(f"no channel is called {name!r:.60}; there are {', '.join(CHANNELS)}", field="channel")


def lane_of(event: Any) -> str:
    """The channel in whose order an event belongs. What belongs to none has an order of its own kind."""
    kind: Any = type(event)
    name = _name_of_kind(kind)
    if name in CHANNEL_OF:
        return CHANNEL_OF[name]
    return getattr(event, "channel", None) or name


@functools.cache
def _name_of_kind(kind: Any) -> str:
    """Kinds are the types of events, so there are not many."""
    return next((name for name, base in KINDS.items() if issubclass(kind, base)), "error")


def check_callable(callback: object) -> None:
    """Raises: UsageError, if calling `callback` with an event would fail, or do nothing."""
    if not callable(callback):
        raise UsageError("must be a function of one event", field="callback")
    if any(
        inspect.isgeneratorfunction(body) or inspect.isasyncgenfunction(body) for body in _bodies(callback)
    ):
        raise UsageError("is a generator: calling it would run nothing", field="callback")
    try:
        inspect.signature(callback).bind(None)
    except TypeError:
        raise UsageError("must be a function of one event", field="callback") from None
    except ValueError:
        pass  # some functions written in C do not tell their parameters


def is_async(callback: Callback) -> bool:
    """Whether calling it gives something to await. A plain function may still return a coroutine; that shows only then."""
    return any(inspect.iscoroutinefunction(body) for body in _bodies(callback))


def name_of(callback: object) -> str:
    """What to call a callback in reports. Never its repr: the arguments of a `partial` may be secrets."""
    if isinstance(callback, functools.partial):
        return f"partial({name_of(callback.func)})"
    name = getattr(callback, "__qualname__", None)
    return (name if isinstance(name, str) else type(callback).__qualname__)[:NAME_SHOWN]


def _bodies(callback: Any) -> tuple[Any, Any]:
    """What runs when it is called: the function itself, or the `__call__` of its class."""
    while isinstance(callback, functools.partial):
        callback = callback.func
    return callback, getattr(type(callback), "__call__", None)  # noqa: B004 (the method is wanted)


def _canonical(name: object) -> str:
    canonical = ALIASES.get(name, name) if isinstance(name, str) else None
    if canonical == "*" or canonical in KINDS:
        return str(canonical)
    near = difflib.get_close_matches(str(name), [*KINDS, *ALIASES], n=1)
    hint = f"; did you mean {near[0]!r}?" if near else f"; there are *, {', '.join(KINDS)}"
    raise UsageError(f"no events are called {name!r}{hint}", field="name")
