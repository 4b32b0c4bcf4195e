"""Which numbered frames are news, and what a hole in their numbers means.

Kraken numbers the frames of private channels, each channel by itself. Of public channels it sends no number today; should it, each
symbol is taken to be counted by itself.
"""

from __future__ import annotations

from typing import Any

from krakenwire.events import Event, FrameRejected, Gap, GapReason
from krakenwire.session.recovery import Recovery
from krakenwire.session.streams import Streams
from krakenwire.state.sequence import SequenceTracker
from krakenwire.wire.enums import MessageType

_SNAPSHOT, _UPDATE = MessageType.SNAPSHOT, MessageType.UPDATE


class SequenceKeeper:
    """The sequence numbers of one connection. `track=False`: no number is looked at."""

    def __init__(self, streams: Streams, recovery: Recovery, *, track: bool) -> None:
        self.tracker: SequenceTracker[None] = SequenceTracker(buffer_limit=0)
        self._streams = streams
        self._recovery = recovery
        self._track = track
        self._behind: set[object] = set()

    def rows(self, channel: str, message: Any, events: list[Event], now: float) -> Any:
        """The entries of a frame that are news by its number, judged once for each symbol."""
        if message.sequence is None or not self._track:
            return message.data
        symbols = dict.fromkeys(row.symbol for row in message.data)
        news = {s for s in symbols if self.follows((channel, s), message, events, now) is not None}
        return [row for row in message.data if row.symbol in news]

    def follows(self, key: object, message: Any, events: list[Event], now: float) -> bool | None:
        """Whether a frame follows, without a hole, a snapshot that is as whole; None: it came before. Adds a `Gap` if numbers are missing.

        `key`: the channel, or the channel and the symbol.
        """
        number = message.sequence
        if number is None or not self._track:
            return False  # it is news, and nothing proves more
        if message.type is _UPDATE and self.tracker.advance(key, number):
            return key not in self._behind
        channel, symbol = key if isinstance(key, tuple) else (str(key), None)
        if number < 0:
            events.append(FrameRejected(b"", "sequence: negative", channel, symbol))
            return None
        snapshot = message.type is _SNAPSHOT
        result = self.tracker.track(key, number, None, now=now, snapshot=snapshot)
        if snapshot:
            self._behind.discard(key)
        if not result.tracked:
            self._behind.add(key)  # too many numbered streams: the order of this one is not watched
        if result.gap is not None:
            self._behind.add(key)
            missing = (result.gap.expected, result.gap.got - 1)
            since = self._streams.heard_at(channel, symbol)
            events.append(Gap(channel, symbol, GapReason.SEQUENCE, *missing, since))
            events += self._recovery.take_anew(channel, symbol, "sequence", now)
        return None if result.duplicate else key not in self._behind

    def is_behind(self, channel: str) -> bool:
        """Whether something of a channel is missing since its last snapshot."""
        return channel in self._behind

    def fall_behind(self, channel: str) -> None:
        """Something of a channel is missing, though the numbers of its frames show no hole."""
        self._behind.add(channel)

    def begin(self, channel: str, symbol: str | None) -> None:
        """Kraken granted a subscription: any number may come next."""
        self.tracker.reset(channel if symbol is None else (channel, symbol))

    def begin_all(self) -> None:
        """The connection is gone: any number may come next, of every stream."""
        self.tracker.reset_all()
        self._behind.clear()
