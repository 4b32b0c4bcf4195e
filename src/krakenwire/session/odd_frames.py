"""What a frame that is not as Kraken documents it may have cost: a field too many, an entry that cannot be used, nothing readable."""

from __future__ import annotations

from krakenwire.errors import DecodeError
from krakenwire.events import Event, FrameRejected, Gap, GapReason, ReconnectNeeded, SchemaDrift
from krakenwire.session.account import AccountKeeper
from krakenwire.session.books import BookKeeper
from krakenwire.session.market import MarketKeeper
from krakenwire.session.streams import Streams
from krakenwire.state.subscriptions import NO_SYMBOL, PRIVATE
from krakenwire.wire.codec import Frame
from krakenwire.wire.drift import DriftedField
from krakenwire.wire.screening import RejectedEntry

UNPROVABLE = frozenset({"ticker", "ohlc", "instrument"})
"""Channels on whose frames nothing proves completeness: a frame that could not be read may have been theirs."""

REFUSALS_TOLERATED = 10
"""So many unreadable frames within `REFUSALS_SECONDS`, and the connection is not worth keeping."""

REFUSALS_SECONDS = 10.0
RAW_KEPT = 4096
"""Bytes kept of a frame that was refused."""

DRIFTS_KEPT = 1000
"""Unknown fields that are remembered. A hostile sender could invent them without end."""

DRIFT_SECONDS = 3600.0
"""So long an unknown field is not told again."""


class OddFrames:
    """What one connection brought that is not as documented."""

    def __init__(
        self, streams: Streams, books: BookKeeper, market: MarketKeeper, account: AccountKeeper
    ) -> None:
        self._streams = streams
        self._books = books
        self._market = market
        self._account = account
        self._refusals: list[float] = []
        self._drift_told: dict[tuple[str, str], float] = {}

    def drifted(self, fields: tuple[DriftedField, ...], now: float) -> list[Event]:
        """Each unknown field is told once, and again when it was not told for an hour."""
        events: list[Event] = []
        for field in fields:
            key = (field.channel, field.path)
            told = self._drift_told.get(key)
            if len(self._drift_told) < DRIFTS_KEPT if told is None else now - told >= DRIFT_SECONDS:
                self._drift_told[key] = now
                events.append(SchemaDrift(*key))
        return events

    def refuse(self, raw: bytes, error: DecodeError, now: float) -> list[Event]:
        """Nothing of the frame can be used. Whether it was JSON decides what may have been lost with it."""
        events: list[Event] = [FrameRejected(raw, str(error), json=error.json)]
        if error.json:
            return events
        events += [
            Gap(channel, symbol, GapReason.FRAME_REFUSED, since=since)
            for channel, symbol, since in self._streams.cut(UNPROVABLE)
        ]
        self._refusals = [then for then in self._refusals if now - then < REFUSALS_SECONDS] + [now]
        if len(self._refusals) >= REFUSALS_TOLERATED:
            self._refusals.clear()
            events.append(
                ReconnectNeeded(f"{REFUSALS_TOLERATED} unreadable frames within {REFUSALS_SECONDS:g} s")
            )
        return events

    def reject(self, raw: bytes, entry: RejectedEntry, now: float, *, snapshot: bool) -> list[Event]:
        """One entry cannot be used. A book that missed it is lost; what has no state is only incomplete."""
        events: list[Event] = [FrameRejected(raw, entry.reason, entry.channel, entry.symbol)]
        if entry.channel in {"book", "level3"}:
            return events + self._books.reject(entry.channel, entry.symbol, entry.reason, now)
        if entry.channel in PRIVATE:
            return events + self._account.reject(entry.channel, entry.reason, now, snapshot=snapshot)
        if entry.channel != "status":
            symbol = None if entry.channel in NO_SYMBOL else entry.symbol
            events += self._market.reject(entry.channel, symbol)
        return events

    def forgive(self) -> None:
        """The connection is gone, and what it could not send readably is held against no other."""
        self._refusals.clear()


def shown(frame: Frame) -> bytes:
    """The beginning of a frame."""
    return (
        frame[:RAW_KEPT].encode(errors="replace")[:RAW_KEPT]
        if isinstance(frame, str)
        else bytes(frame[:RAW_KEPT])
    )


def shown_value(value: object) -> bytes:
    """The beginning of a parsed frame. Python refuses to write what is too deep or has too many digits."""
    try:
        return repr(value).encode(errors="replace")[:RAW_KEPT]
    except (ValueError, RecursionError):
        return f"<{type(value).__name__}>".encode()
