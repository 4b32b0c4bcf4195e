"""The log counts what repeats, joins what belongs together, and says how long things took to heal."""

from __future__ import annotations

from krakenwire import events as ev
from krakenwire.tui.delays import EVERY, KEPT, Delays
from krakenwire.tui.journal import ENTRIES_KEPT, Journal
from krakenwire.wire.timestamps import format_ns

STATES = ev.ConnectionState


def told(journal: Journal) -> list[str]:
    return [f"{entry.who} {entry.words}" for entry in journal.entries]


def test_connection() -> None:
    """A lost connection is one line, however often it is tried, and ends with the time until it stood again."""
    journal = Journal()
    journal.take(ev.ConnectionChanged("public-1", STATES.CONNECTED), 1.0)
    journal.take(ev.ConnectionChanged("public-1", STATES.WAITING, "cut", 1, 12.0), 10.0)
    journal.take(ev.ConnectionChanged("public-1", STATES.CONNECTING), 12.0)
    journal.take(ev.ConnectionChanged("public-1", STATES.WAITING, "refused", 2, 15.0), 12.1)
    journal.take(ev.ConnectionChanged("public-1", STATES.CONNECTED), 15.5)
    assert told(journal) == ["public-1 connected", "public-1 connection lost · healed after 5.5 s · cut"]


def test_gaps_of_one_reason_are_one_line() -> None:
    """The gaps that a lost connection leaves in many streams are one line; a gap of another reason, or later, is its own."""
    journal = Journal()
    for symbol in ("A/USD", "B/USD", "C/USD"):
        journal.take(ev.Gap("trade", symbol, ev.GapReason.CONNECTION_LOST), 1.0)
    journal.take(ev.Gap("trade", "A/USD", ev.GapReason.TRADE_ID, 5, 7), 1.2)
    journal.take(ev.Gap("trade", "A/USD", ev.GapReason.TRADE_ID, 9, 9), 4.0)
    assert told(journal) == [
        "all gap: connection lost (x3)",
        "A/USD gap: trade ids missing, 5 to 7",
        "A/USD gap: trade ids missing, 9 to 9",
    ]


def test_books() -> None:
    """Books that come at once are one line; a lost one tells both checksums, and after how long it was live again."""
    journal = Journal()
    for symbol in ("A/USD", "B/USD"):
        journal.take(ev.BookLive("book", symbol, 10), 1.0)
    journal.take(ev.Gap("book", "A/USD", ev.GapReason.CHECKSUM), 2.0)
    journal.take(ev.BookLost("book", "A/USD", "checksum", 7, 8), 2.0)
    journal.take(ev.BookLive("book", "A/USD", 10), 2.4)
    assert told(journal) == [
        "all book live, 10 levels a side (x2)",
        "A/USD book lost: checksum · healed after 0.40 s · Kraken 7, ours 8",
    ]


def test_the_same_again_is_counted() -> None:
    """A thousand times the same line is one line; the log is bounded all the same."""
    journal = Journal()
    for _ in range(1000):
        journal.take(ev.BookCrossed("A/USD"), 1.0)
    assert told(journal) == ["A/USD book crossed (x1,000)"]
    for number in range(3 * ENTRIES_KEPT):
        journal.note(1.0, "x", str(number))
    assert len(journal.entries) == ENTRIES_KEPT


def test_delays() -> None:
    """Delays are told above the best one, whatever the clocks differ by, of a bounded number of messages."""
    delays = Delays()
    assert delays.percentiles((0.5,)) is None
    for number in range(EVERY * KEPT * 2):
        late = 0.5 if number // EVERY % 10 == 0 else 0.0
        delays.take(format_ns(1_800_000_000_000_000_000 + number * 1_000_000), 100.0 + number / 1000 + late)
    half, most, longest = delays.percentiles((0.5, 0.95, 1.0)) or (None, None, None)
    assert half is not None
    assert abs(half) < 0.001
    assert most is not None
    assert abs(most - 0.5) < 0.001
    assert longest is not None
    assert abs(longest - 0.5) < 0.001
    delays.take("nonsense", 1.0)
