"""Which consumers an event goes to: by its kind, its channel and its symbol, found with two look-ups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from krakenwire import events as ev
from krakenwire.handler.routes import BREAKS, CHANNELS, KINDS
from krakenwire.state.subscriptions import NO_SYMBOL

Put = Callable[[Any], object]
_NOBODY: tuple[Put, ...] = ()


class _Lane(NamedTuple):
    """The consumers of one kind of event. A tuple: unpacking it costs less than one look at an attribute each."""

    everyone: tuple[Put, ...]
    symbols: dict[str | None, tuple[Put, ...]]
    """By symbol, for events of a channel; under None where the channel has no symbols. Empty while nobody asks for a symbol."""
    keyed: bool
    """Whether the channel has symbols."""
    breaks: bool
    """Whether these are the breaks in other channels."""


class Router:
    """Consumers by what they want. Every `put` must be quick and must not wait."""

    def __init__(self) -> None:
        self._channels: dict[str, dict[str | None, tuple[Put, ...]]] = {name: {} for name in CHANNELS}
        self._named: list[tuple[str, Put, bool]] = []
        self._lanes: dict[type, _Lane] = {}

    def publish(self, events: list[Any]) -> None:
        """Hand events to their consumers, in order."""
        lanes = self._lanes
        for event in events:
            everyone, symbols, keyed, breaks = lanes.get(type(event)) or self._lane(type(event))
            for put in everyone:
                put(event)
            if symbols:
                for put in symbols.get(event.symbol if keyed else None, _NOBODY):
                    put(event)
            elif breaks:
                self._break(event)

    def add(self, channel: str, symbol: str | None, put: Put) -> None:
        """A consumer of one symbol's events, and of the breaks in them."""
        table = self._channels[channel]
        table[symbol] = (*table.get(symbol, _NOBODY), put)

    def remove(self, channel: str, symbol: str | None, put: Put) -> None:
        """Undo `add`."""
        table = self._channels[channel]
        left = tuple([each for each in table.get(symbol, _NOBODY) if each != put])
        if left:
            table[symbol] = left
        else:
            table.pop(symbol, None)

    def name(self, name: str, put: Put, *, facts: bool) -> None:
        """A consumer of everything under a name; `*`: of everything. `facts`: and of the breaks in a channel of that name."""
        self._named.append((name, put, facts))
        self._lanes.clear()

    def unname(self, put: Put) -> None:
        """Undo `name`."""
        self._named = [row for row in self._named if row[1] != put]
        self._lanes.clear()

    def _lane(self, kind: type) -> _Lane:
        names = [name for name, base in KINDS.items() if issubclass(kind, base)]
        everyone = tuple([put for name, put, _ in self._named if name == "*" or name in names])
        channel = next((name for name in names if name in CHANNELS), None)
        lane = self._lanes[kind] = _Lane(
            everyone,
            {} if channel is None else self._channels[channel],
            keyed=channel not in NO_SYMBOL | {"status", "heartbeat"},
            breaks=channel is None and kind in BREAKS,
        )
        return lane

    def _break(self, event: ev.Gap | ev.BookLost) -> None:
        for name, put, facts in self._named:
            if facts and name == event.channel:
                put(event)
        readers = self._channels.get(event.channel, {})
        if event.symbol is None and event.channel not in NO_SYMBOL:
            # Nobody knows of which market: it may be anybody's.
            for put in dict.fromkeys(put for puts in readers.values() for put in puts):
                put(event)
            return
        for put in readers.get(event.symbol, _NOBODY):
            put(event)
