"""Which callbacks an event goes to.

A channel's callbacks get its data and the breaks in it: nobody may mistake a break for continuity. Every other fact goes to the
callbacks of its own name; `*` gets everything.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable
from typing import Any

from krakenwire import events as ev
from krakenwire.errors import UsageError
from krakenwire.wire.account import BalanceEntry
from krakenwire.wire.control import ErrorNotice, Heartbeat, ReplyEnvelope, StatusUpdate
from krakenwire.wire.market import InstrumentUpdate, TickerUpdate

Callback = Callable[[Any], Any]

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
    "resync_needed": ev.ResyncNeeded,
    "reconnect_needed": ev.ReconnectNeeded,
    "frame_rejected": ev.FrameRejected,
    "schema_drift": ev.SchemaDrift,
    "discarded": ev.Discarded,
    "candle_revised": ev.CandleRevised,
    "book_crossed": ev.BookCrossed,
    "instrument_changed": ev.InstrumentChanged,
    "unknown": ev.Unknown,
}
"""Every name a callback can be registered under, besides `*`."""

BREAKS = (ev.Gap, ev.BookLost)


class Routes:
    """Callbacks by name, looked up by the type of an event."""

    def __init__(self) -> None:
        self._names: dict[str, list[tuple[Callback, bool]]] = {}
        self._by_type: dict[type, tuple[Callback, ...]] = {}
        self.asynchronous = False

    def add(self, name: str, callback: Callback, *, facts: bool) -> None:
        """Register a callback.

        Raises: UsageError, if the name is unknown or the callback cannot be called.
        """
        if not callable(callback):
            raise UsageError("must be a function of one event", field="callback")
        self._names.setdefault(_canonical(name), []).append((callback, facts))
        self._changed()

    def remove(self, name: str, callback: Callback) -> bool:
        """Undo `add`. False if it was not registered."""
        registered = self._names.get(_canonical(name), [])
        kept = [item for item in registered if item[0] is not callback]
        self._names[_canonical(name)] = kept
        self._changed()
        return len(kept) < len(registered)

    def of(self, event: Any) -> tuple[Callback, ...]:
        """The callbacks of one event, in the order they were registered under each name."""
        kind = event.__class__
        if kind in BREAKS:
            return self._of_break(event)
        found = self._by_type.get(kind)
        if found is None:
            found = self._by_type[kind] = self._collect(kind)
        return found

    def _collect(self, kind: type) -> tuple[Callback, ...]:
        names = [name for name, base in KINDS.items() if issubclass(kind, base)]
        return tuple(callback for name in (*names, "*") for callback, _ in self._names.get(name, ()))

    def _of_break(self, event: Any) -> tuple[Callback, ...]:
        own = "gap" if isinstance(event, ev.Gap) else "book_lost"
        of_channel = [callback for callback, facts in self._names.get(event.channel, ()) if facts]
        return (*of_channel, *(callback for name in (own, "*") for callback, _ in self._names.get(name, ())))

    def _changed(self) -> None:
        self._by_type.clear()
        self.asynchronous = any(
            is_async(callback) for registered in self._names.values() for callback, _ in registered
        )


def is_async(callback: Callback) -> bool:
    """True if calling it gives something to await."""
    call = getattr(callback, "__call__", None)  # noqa: B004 (the method is wanted, not whether there is one)
    return inspect.iscoroutinefunction(callback) or inspect.iscoroutinefunction(call)


def _canonical(name: str) -> str:
    name = ALIASES.get(name, name)
    if name != "*" and name not in KINDS:
        near = difflib.get_close_matches(name, [*KINDS, *ALIASES], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else f"; there are *, {', '.join(KINDS)}"
        raise UsageError(f"no events are called {name!r}{hint}", field="name")
    return name
