"""When each stream of a connection was last heard, and its counts in the ledger: what a break in it is measured from."""

from __future__ import annotations

from collections import defaultdict

from krakenwire.events import Event
from krakenwire.state.ledger import Entry, Ledger, State
from krakenwire.state.liveness import Liveness

STREAMS_KEPT = 16_384
"""Streams (channel and symbol) whose breaks are told, several times what one connection carries. A hostile sender could invent symbols."""


class Stream:
    """One channel of one symbol, or of all."""

    __slots__ = ("_before", "entry", "heard_at", "latest", "proven")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.heard_at: float | None = None
        """When it was last heard; None if that was before a cut."""
        self._before: float | None = None
        self.proven = False
        """Whether trade ids or sequence numbers have followed each other since the last break."""
        self.latest: Event | None = None
        """What it said last, of a channel whose last word is all there is to know; None: something may have come after it."""

    @property
    def last_heard(self) -> float | None:
        """When it was last heard, before or after a cut."""
        return self._before if self.heard_at is None else self.heard_at

    def cut(self) -> bool:
        """Something of it may be missing. False: so it was told already, and nothing was heard since."""
        self.latest = None
        if self.heard_at is None:
            return False
        self._before, self.heard_at = self.heard_at, None
        return True

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

    def __init__(self, ledger: Ledger, liveness: Liveness) -> None:
        self._ledger = ledger
        self._liveness = liveness
        self._of: defaultdict[str, dict[str | None, Stream]] = defaultdict(dict)
        self._count = 0
        self._cut_unheard: set[tuple[str, str | None]] = set()

    def of(self, channel: str) -> dict[str | None, Stream]:
        """The streams of one channel by symbol; the same dict for good."""
        return self._of[channel]

    def begin(self, channel: str, symbol: str | None, now: float) -> Stream:
        """A stream is heard for the first time; from now on silence counts. Beyond the bound it is not remembered."""
        self._liveness.watching = True
        stream = Stream(self._ledger.open(channel, symbol, State.DELIVERING, now))
        if self._count < STREAMS_KEPT:
            self._count += 1
            self._of[channel][symbol] = stream
        return stream

    def note(self, channel: str, symbol: str | None, now: float) -> None:
        """A stream was heard."""
        stream = self._of[channel].get(symbol) or self.begin(channel, symbol, now)
        stream.heard_at = now

    def granted(self, channel: str, symbol: str | None, now: float) -> None:
        """Kraken holds a subscription; from now on silence counts."""
        self._liveness.watching = True
        self._cut_unheard.discard((channel, symbol))
        self._ledger.open(channel, symbol, State.ACKED, now)

    def end(self, channel: str, symbol: str | None, state: State, cause: str, now: float) -> float | None:
        """It is not subscribed any more, or (`state`) not even wanted. Returns when it was last heard; None if it never was."""
        self._ledger.close(channel, symbol, state, now, cause=cause)
        stream = self._of[channel].pop(symbol, None)
        if stream is None:
            return None
        self._count -= 1
        return stream.last_heard

    def spoilt(self, channel: str, symbol: str | None) -> None:
        """Something of it could not be used; without a symbol, something of the channel."""
        for key, stream in self._of[channel].items():
            if symbol in (None, key):
                stream.latest = None

    def heard_at(self, channel: str, symbol: str | None) -> float | None:
        """When it was last heard; None if it never was."""
        stream = self._of[channel].get(symbol)
        return None if stream is None else stream.last_heard

    def lost(self, cause: str, now: float) -> None:
        """The connection is gone, and silence is not counted until the next one carries something."""
        self._liveness.watching = False
        self._ledger.close_all(now, cause)
        self._cut_unheard.clear()
        self._count = 0
        for streams in self._of.values():
            streams.clear()

    def carried(self) -> list[tuple[str, str | None, float]]:
        """What is subscribed, and when it was last heard, or else acknowledged: what was never heard may be missed, too."""
        since = {
            (entry.channel, entry.symbol): at
            for entry in self._ledger.entries()
            if (at := entry[State.ACKED].since) is not None
        }
        for channel, streams in self._of.items():
            for symbol, stream in streams.items():
                if stream.last_heard is not None:
                    since[channel, symbol] = stream.last_heard
        return [(*key, at) for key, at in since.items()]

    def cut(self, channels: frozenset[str]) -> list[tuple[str, str | None, float]]:
        """Something of these channels may be missing. Returns what is carried of them, but for what was cut and not heard since."""
        return [
            (channel, symbol, since)
            for channel, symbol, since in self.carried()
            if channel in channels and self._cut(channel, symbol)
        ]

    def _cut(self, channel: str, symbol: str | None) -> bool:
        stream = self._of[channel].get(symbol)
        if stream is not None:
            return stream.cut()
        if (channel, symbol) in self._cut_unheard:
            return False
        self._cut_unheard.add((channel, symbol))
        return True
