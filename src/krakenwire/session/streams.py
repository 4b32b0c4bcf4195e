"""When each stream of a connection was last heard, and its counts in the ledger: what a break in it is measured from."""

from __future__ import annotations

from collections import defaultdict

from krakenwire.state.ledger import Entry, Ledger, State

STREAMS_KEPT = 16_384
"""Streams (channel and symbol) whose breaks are told, several times what one connection carries. A hostile sender could invent symbols."""


class Stream:
    """One channel of one symbol, or of all."""

    __slots__ = ("entry", "heard_at", "proven")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.heard_at: float | None = None
        self.proven = False
        """Whether trade ids or sequence numbers have followed each other since the last break."""

    def prove(self, now: float) -> None:
        """What comes now follows what came before: the ledger says so from here on."""
        self.proven = True
        self.entry.open(State.VERIFIED, now)

    def doubt(self, cause: str) -> None:
        """Something is missing: what was heard last is the last thing proven."""
        if self.proven and self.heard_at is not None:
            self.entry.close(State.VERIFIED, self.heard_at, cause)
        self.proven = False


class Streams:
    """The streams heard since the connection began, by channel and symbol."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._of: defaultdict[str, dict[str | None, Stream]] = defaultdict(dict)
        self._count = 0

    def of(self, channel: str) -> dict[str | None, Stream]:
        """The streams of one channel by symbol; the same dict for good."""
        return self._of[channel]

    def begin(self, channel: str, symbol: str | None, now: float) -> Stream:
        """A stream is heard for the first time. Beyond the bound it is not remembered."""
        stream = Stream(self._ledger.open(channel, symbol, State.DELIVERING, now))
        if self._count < STREAMS_KEPT:
            self._count += 1
            self._of[channel][symbol] = stream
        return stream

    def end(self, channel: str, symbol: str | None) -> float | None:
        """It is not subscribed any more. Returns when it was last heard; None if it never was."""
        stream = self._of[channel].pop(symbol, None)
        if stream is None:
            return None
        self._count -= 1
        return stream.heard_at

    def at(self, channel: str, symbol: str | None) -> float | None:
        """When it was last heard; None if it never was."""
        stream = self._of[channel].get(symbol)
        return None if stream is None else stream.heard_at

    def clear(self) -> None:
        """The connection is gone."""
        self._count = 0
        for streams in self._of.values():
            streams.clear()

    def times(self) -> dict[tuple[str, str | None], float]:
        """When each was last heard."""
        return {
            (channel, symbol): stream.heard_at
            for channel, streams in self._of.items()
            for symbol, stream in streams.items()
            if stream.heard_at is not None
        }
