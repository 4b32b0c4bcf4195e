"""The event log: what happened besides data, in one line each, and how long it took to heal."""

from __future__ import annotations

import copy
from collections import deque
from typing import Any

from krakenwire import events as ev
from krakenwire.events import ConnectionState
from krakenwire.text import counted, seconds
from krakenwire.tui.cells import safe
from krakenwire.wire.control import ReplyEnvelope

ENTRIES_KEPT = 1_000
TOGETHER_SECONDS = 1.0
"""Breaks of many streams for one reason, or books that come, within so long are one entry."""

WORDS = {
    ev.GapReason.CHECKSUM: "wrong checksum",
    ev.GapReason.TRADE_ID: "trade ids missing",
    ev.GapReason.SEQUENCE: "sequence numbers missing",
    ev.GapReason.RESYNC: "taken anew",
    ev.GapReason.SLOW_CONSUMER: "this screen was too slow",
}
UNTOLD = (ev.Heartbeat, ReplyEnvelope, ev.Discarded, ev.ResyncNeeded, ev.ReconnectNeeded, ev.InstrumentUpdate)
"""What concerns the protocol alone, or is data."""

Key = tuple[str, str | None]


class Entry:
    """One line of the log. It may still be counted up, and healed."""

    __slots__ = ("at", "bad", "detail", "healed", "text", "times", "who")

    def __init__(self, at: float, who: str, text: str, *, detail: str = "", bad: bool) -> None:
        self.at = at
        """On the loop's clock."""
        self.who = who
        """The market or the connection it is about."""
        self.text = text
        self.detail = detail
        """What is less important than whether it is over."""
        self.bad = bad
        self.times = 1
        self.healed: float | None = None
        """Seconds until it was over."""

    @property
    def words(self) -> str:
        """Everything it says after its time and its name."""
        times = f" (x{self.times:,})" if self.times > 1 else ""
        healed = "" if self.healed is None else f" · healed after {seconds(self.healed)}"
        return self.text + times + healed + (f" · {self.detail}" if self.detail else "")


class Journal:
    """Entries, newest last. Every text of the wire goes through `safe`."""

    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=ENTRIES_KEPT)
        self.drifts: dict[tuple[str, str], None] = {}
        """Fields that Kraken sends and this version does not know, by channel; at most a hundred."""
        self._open: dict[Key, Entry] = {}
        self._gap: tuple[ev.GapReason, Entry] | None = None
        self._lives: Entry | None = None
        """The last line that told that a book, or several, are live."""
        self._system: str | None = None

    def note(self, now: float, who: str, text: str, *, detail: str = "", bad: bool = True) -> Entry:
        """A line. The same line again is counted."""
        last = self.entries[-1] if self.entries else None
        if last is not None and (last.who, last.text) == (who, text) and last.healed is None:
            last.times += 1
            return last
        entry = Entry(now, who, text, detail=detail, bad=bad)
        self.entries.append(entry)
        return entry

    def take(self, event: Any, now: float) -> None:
        """Whatever is no data."""
        say = _SAYINGS.get(type(event))
        if say is not None:
            say(self, event, now)
        elif isinstance(event, ev.StatusUpdate):
            self._status(event, now)
        elif not isinstance(event, UNTOLD):
            told = [
                f"{name} {safe(getattr(event, name))}"
                for name in event.__struct_fields__
                if name not in _NOT_TOLD
            ]
            who = safe(getattr(event, "symbol", None) or "-")
            self.note(now, who, " ".join([_words_of(type(event).__name__), *told]))

    def still(self) -> Journal:
        """A copy that gets no further entries."""
        made = copy.copy(self)
        made.entries = copy.copy(self.entries)
        made.drifts = dict(self.drifts)
        return made

    # ---------------------------------------------------------------- one method a kind

    def _begin(self, key: Key, now: float, who: str, text: str, detail: str = "") -> None:
        self._open[key] = self.note(now, who, text, detail=detail)

    def _end(self, key: Key, now: float) -> bool:
        entry = self._open.pop(key, None)
        if entry is not None:
            entry.healed = now - entry.at
        return entry is not None

    def _connection(self, event: ev.ConnectionChanged, now: float) -> None:
        key, who = ("connection", event.connection), safe(event.connection)
        if event.state is ConnectionState.CONNECTED:
            if not self._end(key, now):
                self.note(now, who, "connected", bad=False)
        elif event.state not in {ConnectionState.CONNECTING, ConnectionState.IDLE} and key not in self._open:
            word = "given up" if event.state is ConnectionState.FAILED else "connection lost"
            self._begin(key, now, who, word, safe(event.reason))

    def _gaps(self, event: ev.Gap, now: float) -> None:
        if event.reason is ev.GapReason.CHECKSUM:
            return  # the lost book tells, which comes next
        if (
            self._gap is not None
            and self._gap[0] is event.reason
            and now - self._gap[1].at < TOGETHER_SECONDS
        ):
            entry = self._gap[1]
            entry.times += 1
            entry.who = "all" if entry.who != _who(event) else entry.who
            return
        ids = "" if event.first is None else f", {event.first} to {event.last or event.first}"
        entry = Entry(now, _who(event), f"gap: {gap_words(event)}{ids}", bad=True)
        self.entries.append(entry)
        self._gap = event.reason, entry

    def _lost(self, event: ev.BookLost, now: float) -> None:
        sums = "" if event.expected is None else f"Kraken {event.expected}, ours {event.computed}"
        self._begin(
            (event.channel, event.symbol),
            now,
            safe(event.symbol),
            f"{safe(event.channel)} lost: {safe(event.reason)}",
            sums,
        )

    def _live(self, event: ev.BookLive, now: float) -> None:
        if self._end((event.channel, event.symbol), now):
            return
        text = f"{safe(event.channel)} live, {counted(event.depth, 'level')} a side"
        entry = self._lives
        if entry is not None and entry.text == text and now - entry.at < TOGETHER_SECONDS:
            entry.times += 1
            entry.who = "all" if entry.who != safe(event.symbol) else entry.who
        else:
            self._lives = Entry(now, safe(event.symbol), text, bad=False)
            self.entries.append(self._lives)

    def _disputed(self, event: ev.BookDisputed, now: float) -> None:
        self.note(now, safe(event.symbol), f"{safe(event.channel)} disputed: {safe(event.reason)}")

    def _refused(self, event: ev.SubscriptionRejected, now: float) -> None:
        again = ", asked again" if event.retried else ""
        who = safe(event.symbol or event.channel or "-")
        self.note(now, who, f'refused: "{safe(event.reason)}"{again}')

    def _quiet(self, event: ev.StreamQuiet, now: float) -> None:
        key: Key = (f"quiet {event.channel}", event.symbol)
        if not event.quiet:
            self._end(key, now)
            return
        evidence = f" although {safe(event.evidence)}: taken anew" if event.evidence else ""
        self._begin(key, now, safe(event.symbol or "-"), f"{safe(event.channel)} says nothing{evidence}")

    def _lagging(self, event: ev.FeedLagging, now: float) -> None:
        key: Key = ("lag", event.connection)
        if event.lagging:
            self._begin(key, now, safe(event.connection), f"data is {seconds(event.seconds)} late")
        else:
            self._end(key, now)

    def _drift(self, event: ev.SchemaDrift, now: float) -> None:
        if len(self.drifts) < 100:
            self.drifts[event.channel, event.field] = None
        self.note(now, safe(event.channel), f"unknown field {safe(event.field)}", bad=False)

    def _rejected(self, event: ev.FrameRejected, now: float) -> None:
        self.note(now, safe(event.symbol or event.channel or "-"), f"frame refused: {safe(event.reason)}")

    def _trading(self, event: ev.TradingStatus, now: float) -> None:
        status = "not listed any more" if event.status is None else f"trading: {safe(event.status.value)}"
        self.note(now, safe(event.symbol), status, bad=event.status != "online")

    def _status(self, event: ev.StatusUpdate, now: float) -> None:
        system = safe(event.system.value)
        if self._system not in {None, system} or (self._system is None and system != "online"):
            self.note(now, "exchange", system, bad=system != "online")
        self._system = system


_SAYINGS: dict[type, Any] = {
    ev.ConnectionChanged: Journal._connection,
    ev.Gap: Journal._gaps,
    ev.BookLost: Journal._lost,
    ev.BookLive: Journal._live,
    ev.BookDisputed: Journal._disputed,
    ev.SubscriptionRejected: Journal._refused,
    ev.StreamQuiet: Journal._quiet,
    ev.FeedLagging: Journal._lagging,
    ev.SchemaDrift: Journal._drift,
    ev.FrameRejected: Journal._rejected,
    ev.TradingStatus: Journal._trading,
}

_NOT_TOLD = frozenset({"symbol", "since", "retry_at", "frame", "raw", "order", "fills", "balance"})


def gap_words(event: ev.Gap) -> str:
    """Why something may be missing, in words."""
    return WORDS.get(event.reason) or event.reason.value.replace("_", " ")


def _who(event: ev.Gap) -> str:
    return safe(event.symbol or event.channel)


def _words_of(name: str) -> str:
    """`OrderVanished` as `order vanished`."""
    return "".join(f" {char.lower()}" if char.isupper() else char for char in name).strip()
