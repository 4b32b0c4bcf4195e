"""Streams that fall silent while their connection lives.

Silence of one market is no fault: markets fall silent. It becomes one where something else shows that there was something to say (the
market trades, and its book does not move), or where everything that used to speak stops at the same moment while heartbeats go on.
"""

from __future__ import annotations

from msgspec import Struct

from krakenwire.events import Event, StreamQuiet
from krakenwire.session import Session
from krakenwire.state.book import BookStatus

LOOK_SECONDS = 5.0
"""Between two looks at every stream."""

QUIET_SECONDS = 30.0
"""A stream is not called quiet before."""

QUIET_GAPS = 20.0
"""Nor before so many times its mean gap."""

ACTIVE_LOOKS = 10
"""A stream that spoke in so many of the last twelve looks is one that normally speaks."""

LOOKS_KEPT = 0xFFF
STALL_SYMBOLS = 5
"""So many symbols that normally speak have to be silent together to blame the connection."""

ANEW_SECONDS = 60.0
"""A book that stands still in a market that trades is taken anew once in so long."""

LEAD_SECONDS = 2.0
"""What is heard of a market so soon after its book's last word says nothing about the book."""

WATCHED = frozenset({"book", "level3", "ticker", "trade"})
Key = tuple[str, str | None]


class Found(Struct):
    """What a look showed."""

    events: list[Event]
    anew: list[tuple[str, str]]
    """Books to be taken anew."""
    stalled: bool = False
    """The connection brings heartbeats and nothing else any more."""


class _Record:
    __slots__ = ("anew_at", "at", "looks", "normal", "quiet", "since", "times")

    def __init__(self, at: float) -> None:
        self.at = at
        self.since = at
        self.times = 0
        self.looks = 0
        self.normal = False
        """Whether it used to speak all the time, up to when it was last heard."""
        self.quiet = False
        self.anew_at = -ANEW_SECONDS


class Watch:
    """Looks at the streams of one session. Forget everything with `reset` when its connection is gone."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._records: dict[Key, _Record] = {}

    def reset(self) -> None:
        self._records.clear()

    def look(self, now: float) -> Found:
        """What has fallen silent, speaks again, or has to be taken anew."""
        found = Found([], [])
        heard = {key: at for key, at in self._session.last_heard().items() if key[0] in WATCHED}
        for key in self._records.keys() - heard.keys():
            del self._records[key]
        for key, at in heard.items():
            record = self._records.get(key)
            if record is None:
                record = self._records[key] = _Record(at)
            elif at > record.at:
                self._spoke(key, record, at, found)
            else:
                record.looks = (record.looks << 1) & LOOKS_KEPT
                self._silent(key, record, now, found)
        silent = {
            key[1]
            for key, record in self._records.items()
            if record.normal and now - record.at >= QUIET_SECONDS
        }
        latest = max(heard.values(), default=now)
        found.stalled = len(silent) >= STALL_SYMBOLS and now - latest >= QUIET_SECONDS
        return found

    @staticmethod
    def _spoke(key: Key, record: _Record, at: float, found: Found) -> None:
        record.at = at
        record.times += 1
        record.looks = (record.looks << 1 | 1) & LOOKS_KEPT
        record.normal = record.looks.bit_count() >= ACTIVE_LOOKS
        if record.quiet:
            record.quiet = False
            found.events.append(StreamQuiet(*key, quiet=False, since=at))

    def _silent(self, key: Key, record: _Record, now: float, found: Found) -> None:
        gap = (record.at - record.since) / record.times if record.times else 0.0
        # A look sees no gap that is shorter than itself: a stream heard in each of them has none to speak of.
        if now - record.at < max(QUIET_SECONDS, QUIET_GAPS * gap if gap > 1.5 * LOOK_SECONDS else 0.0):
            return
        channel, symbol = key
        evidence = self._evidence(channel, symbol, record.at)
        if evidence and symbol is not None and now - record.anew_at >= ANEW_SECONDS:
            record.anew_at = now
            found.anew.append((channel, symbol))
            found.events.append(StreamQuiet(channel, symbol, True, record.at, evidence))  # noqa: FBT003
            record.quiet = True
        elif record.normal and not record.quiet:
            record.quiet = True
            found.events.append(StreamQuiet(channel, symbol, quiet=True, since=record.at))

    def _evidence(self, channel: str, symbol: str | None, at: float) -> str:
        """What was heard of the market after its book's last word; a trade always moves a book."""
        if channel not in {"book", "level3"} or symbol is None:
            return ""
        if self._session.book_status(channel, symbol) is not BookStatus.LIVE:
            return ""
        for other in ("trade", "ticker"):
            record = self._records.get((other, symbol))
            if record is not None and record.at > at + LEAD_SECONDS:
                return f"{other} heard {record.at - at:.1f} s later"
        return ""
