"""What a live stream brought, what of it is proven, and where something may be missing."""

from __future__ import annotations

from collections import Counter
from typing import Any

from krakenwire import events as ev
from krakenwire.state.subscriptions import NO_SYMBOL
from krakenwire.text import counted, seconds
from krakenwire.wire.market import TickerUpdate

DATA: dict[type, str] = {
    ev.OrderBookUpdate: "book",
    ev.Level3Update: "level3",
    ev.TradeUpdate: "trade",
    TickerUpdate: "ticker",
    ev.OHLCUpdate: "ohlc",
    ev.InstrumentUpdate: "instrument",
    ev.ExecutionUpdate: "executions",
    ev.BalanceUpdate: "balances",
}
"""The events that are data, and their channels. Everything else is a fact about them."""

PROOFS = {"book": "verified", "level3": "verified", "trade": "complete"}
PROOFS |= {"executions": "in_sequence", "balances": "in_sequence"}
WORDS = ("verified", "complete", "in_sequence", "unproven", "unprovable")
"""How data may stand: proven by a checksum, a trade id or a sequence number; not proven though it could be; or of a kind that carries no
proof.
"""

Key = tuple[str, str | None]


class Counts:
    """Give it every event of a client, in order."""

    def __init__(self) -> None:
        self.events = 0
        """Data only."""
        self.by_channel: dict[str, Counter[str]] = {}
        self.gaps = 0
        """Places in the stream where something may be missing."""
        self.healed = 0
        """Of these, the ones after which the stream went on proven, or from a new state."""
        self.missing = 0
        """Trade ids that never came on the socket."""
        self.fetched = 0
        """Of these, the ones that were fetched afterwards."""
        self.books_lost = 0
        self.refused_frames = 0
        self._open: Counter[Key] = Counter()

    def take(self, event: Any) -> None:
        """Count an event."""
        kind = type(event)
        channel = DATA.get(kind)
        if channel is not None:
            self._data(channel, event)
        elif kind is ev.Gap:
            self.gaps += 1
            self._open[event.channel, event.symbol] += 1
            if event.reason is ev.GapReason.TRADE_ID and event.first is not None:
                self.missing += (event.last or event.first) - event.first + 1
        elif kind is ev.BookLost:
            self.books_lost += 1
        elif kind is ev.FrameRejected:
            self.refused_frames += 1

    def _data(self, channel: str, event: Any) -> None:
        self.events += 1
        if getattr(event, "source", "live") == "rest":
            self.fetched += 1
        proof = PROOFS.get(channel)
        proven = proof is None or getattr(event, proof)
        word = "unprovable" if proof is None else proof if proven else "unproven"
        self.by_channel.setdefault(channel, Counter())[word] += 1
        key = (channel, None if channel in NO_SYMBOL else event.symbol)
        if proven and key in self._open:
            self.healed += self._open.pop(key)

    def total(self, word: str) -> int:
        """Events of all channels that stand so."""
        return sum(counts[word] for counts in self.by_channel.values())

    def as_dict(self, *, sim: bool, passed: float) -> dict[str, Any]:
        """The summary, for programs."""
        return {
            "event": "summary",
            "sim": sim,
            "seconds": round(passed, 3),
            "events": self.events,
            **{word: self.total(word) for word in WORDS},
            "lost": self.gaps,
            "healed": self.healed,
            "trades_missing": self.missing,
            "trades_fetched": self.fetched,
            "books_lost": self.books_lost,
            "refused_frames": self.refused_frames,
            "by_channel": {channel: dict(counts) for channel, counts in self.by_channel.items()},
        }

    def line(self, passed: float) -> str:
        """The summary, for people."""
        found = [f"{total:,} {word.replace('_', ' ')}" for word in WORDS if (total := self.total(word))]
        lost = f"lost: {counted(self.gaps, 'gap')}" + (f", {self.healed:,} healed" if self.gaps else "")
        if self.missing:
            lost += f", {counted(self.missing, 'trade')} missing, {self.fetched:,} fetched"
        if self.refused_frames:
            lost += f", {counted(self.refused_frames, 'frame')} refused"
        return " · ".join([f"{counted(self.events, 'event')} in {seconds(passed)}", *found, lost])
