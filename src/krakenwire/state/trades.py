"""Trade ids of each market: whether a trade follows the one before it, was seen before, or leaves some out.

Ids are consecutive per market in every recording known, within a connection and across connections. Kraken
does not promise it, so a hole is a suspicion of loss. It can be healed: after a reconnect the snapshot of
the last 50 trades either reaches back to the last id held, which proves that nothing was lost, or it does
not.

An id far below the last one cannot be an overlap: a snapshot holds 50 trades. It is judged to be a market
whose numbering started again, or one after a number that was wrong; calling it a repetition would drop every
trade from then on in silence.
"""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

SYMBOL_LIMIT = 8192
"""Markets a log follows, several times what Kraken has. A trade of a further market is always a `first`."""

RESTART_DISTANCE = 1000
"""How far below the last id the start of a stream has to lie to be a new numbering and no overlap."""


class TradeGapReason(StrEnum):
    """Where the hole lies."""

    SKIPPED = "skipped"
    """Between two trades of one connection."""
    INTERRUPTED = "interrupted"
    """Across an interruption: the first trade after it does not reach back to the last one before it."""
    RESTARTED = "restarted"
    """The market numbers its trades anew; what was missed cannot be counted."""


class TradeGap(Struct, frozen=True):
    """Trades that may have happened and were not seen."""

    symbol: str
    last_id: int
    """The last trade before the hole."""
    next_id: int
    """The first trade after it."""
    reason: TradeGapReason

    @property
    def missing(self) -> range | None:
        """The ids left out; None if the numbering started anew."""
        return None if self.reason is TradeGapReason.RESTARTED else range(self.last_id + 1, self.next_id)


class TradeVerdict(Struct, frozen=True):
    """What the id of one trade says."""

    complete: bool = False
    """It follows the last trade seen: nothing lies between."""
    repeated: bool = False
    """It was seen before and is to be dropped."""
    first: bool = False
    """No predecessor is known, so nothing is proven."""
    gap: TradeGap | None = None
    """The hole before it."""


COMPLETE = TradeVerdict(complete=True)
REPEATED = TradeVerdict(repeated=True)
FIRST = TradeVerdict(first=True)


class TradeLog:
    """The last trade id of each market. `repeated` and `gaps` count since construction."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}
        # Markets without a trade since the last interruption.
        self._cut: set[str] = set()
        self.repeated = 0
        self.gaps = 0

    def judge(self, symbol: str, trade_id: int) -> TradeVerdict:
        """Takes one trade, in the order received."""
        last = self._last.get(symbol)
        if last is None:
            if len(self._last) < SYMBOL_LIMIT:
                self._last[symbol] = trade_id
            return FIRST
        if trade_id == last + 1:
            self._last[symbol] = trade_id
            if self._cut:
                self._cut.discard(symbol)
            return COMPLETE
        return self._out_of_order(symbol, last, trade_id)

    def interrupted(self, symbol: str | None = None) -> None:
        """The stream of one market, or of all, was cut. The last ids stay: an overlap can bridge the cut."""
        if symbol is None:
            self._cut.update(self._last)
        elif symbol in self._last:
            self._cut.add(symbol)

    def forget(self, symbol: str) -> None:
        """The next trade of this market is a `first`, for instance after an unsubscription."""
        self._last.pop(symbol, None)
        self._cut.discard(symbol)

    def last_id(self, symbol: str) -> int | None:
        """The last trade id held of a market."""
        return self._last.get(symbol)

    def _out_of_order(self, symbol: str, last: int, trade_id: int) -> TradeVerdict:
        cut = symbol in self._cut
        self._cut.discard(symbol)
        if trade_id <= last:
            if trade_id >= last - RESTART_DISTANCE:
                self.repeated += 1
                return REPEATED
            reason = TradeGapReason.RESTARTED
        else:
            reason = TradeGapReason.INTERRUPTED if cut else TradeGapReason.SKIPPED
        self._last[symbol] = trade_id
        self.gaps += 1
        return TradeVerdict(gap=TradeGap(symbol, last, trade_id, reason))
