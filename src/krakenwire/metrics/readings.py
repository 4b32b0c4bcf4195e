"""What the counters of a client or a handler say now, in the names of the metrics. Nothing here knows Prometheus.

Everything is read from plain numbers that are counted anyway, so a reading costs when it is made and nothing in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from krakenwire.handler.counts import CallbackCounts, ChannelTimes
from krakenwire.metrics.health import obstacle, wishes
from krakenwire.metrics.names import METRICS, OTHER, OTHER_SYMBOLS, PROVABLE, VALUES
from krakenwire.net.connection import Connection
from krakenwire.net.facts import Facts
from krakenwire.net.measures import Measures
from krakenwire.session import Session
from krakenwire.state.book import Book
from krakenwire.state.ledger import Ledger, Totals

Labels = tuple[str, ...]

VERSION = version("krakenwire")


class Readings:
    """Numbers by metric and labels. A label's value that is not in its closed set becomes `other`; what meets there is added up."""

    def __init__(self) -> None:
        self.values: dict[str, dict[Labels, float]] = {name: {} for name in METRICS}

    def add(self, name: str, value: float, *labels: str) -> None:
        """A part of a sum. The name of a summary has its ending."""
        series = self._series(name)
        key = _closed(name, labels)
        series[key] = series.get(key, 0.0) + value

    def most(self, name: str, value: float, *labels: str) -> None:
        """One of several of which the largest counts."""
        series = self._series(name)
        key = _closed(name, labels)
        series[key] = max(series.get(key, value), value)

    def add_all(self, name: str, counts: Mapping[str, float]) -> None:
        """A part of a sum for each value of the metric's one label."""
        for label, value in counts.items():
            self.add(name, value, label)

    def _series(self, name: str) -> dict[Labels, float]:
        return self.values.setdefault(name, {})


def _closed(name: str, labels: Labels) -> Labels:
    metric = METRICS.get(name) or METRICS[name.rpartition("_")[0]]
    return tuple(
        [
            value if label not in VALUES or value in VALUES[label] else OTHER
            for label, value in zip(metric.labels, labels, strict=True)
        ]
    )


class Symbols:
    """The symbols that have series of their own: the first so many that were seen, for good, so that no series ever shrinks."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: set[str] = set()

    def named(self, symbol: str) -> str:
        """The symbol, or `_other` if there is no room for it."""
        if symbol not in self._seen:
            if len(self._seen) >= self._most:
                return OTHER_SYMBOLS
            self._seen.add(symbol)
        return symbol


def of_client(measures: Measures, now: float, mode: str, symbols: Symbols | None) -> Readings:
    """Of a client, at a time on its loop's clock. `symbols` is None if none is shown."""
    found = Readings()
    found.add("krakenwire", 1, VERSION, mode)
    found.add("krakenwire_up", 1)
    _facts(found, measures.facts)
    connections = [(role.value, each) for role, made in measures.connections.items() for each in made]
    for role, connection in connections:
        _connection(found, role, connection, now)
        _session(found, connection.session)
        _frames(found, connection.known.counts, connection.known.errors)
    _ratios(found, [connection.session.ledger for _, connection in connections], now)
    _subscriptions(found, measures, symbols)
    if symbols is not None:
        _symbol_checks(found, [connection.session.ledger for _, connection in connections], symbols)
    found.add("krakenwire_connect_attempts", measures.gate.attempts)
    found.add("krakenwire_connect_budget_left", measures.gate.left(now))
    _program(found, measures)
    return found


def of_session(
    session: Session,
    counts: Mapping[str, ChannelTimes],
    errors: int,
    callbacks: CallbackCounts,
    facts: Facts,
    *,
    now: float,
    mode: str,
    symbols: Symbols | None,
) -> Readings:
    """Of a handler, whose connections belong to its caller."""
    found = Readings()
    found.add("krakenwire", 1, VERSION, mode)
    found.add("krakenwire_up", 1)
    _facts(found, facts)
    _session(found, session)
    _frames(found, counts, errors)
    _ratios(found, [session.ledger], now)
    _callbacks(found, callbacks)
    if symbols is not None:
        _symbol_checks(found, [session.ledger], symbols)
    return found


def unknown(mode: str) -> Readings:
    """Of somebody who cannot be asked."""
    found = Readings()
    found.add("krakenwire", 1, VERSION, mode)
    found.add("krakenwire_up", 0)
    return found


def _facts(found: Readings, facts: Facts) -> None:
    # A series that begins at 1 hides its first event from `increase`, so those that can be foreseen begin at 0.
    for reason in VALUES["reason"]:
        found.add("krakenwire_gaps", 0, reason)
    for name in ("krakenwire_books_lost", "krakenwire_books_disputed"):
        for channel in ("book", "level3"):
            found.add(name, 0, channel)
    found.add_all("krakenwire_gaps", facts.gaps)
    found.add_all("krakenwire_books_lost", facts.books_lost)
    found.add_all("krakenwire_books_disputed", facts.books_disputed)
    found.add_all("krakenwire_resyncs", facts.resyncs)
    found.add_all("krakenwire_rejected", facts.rejected)
    found.add_all("krakenwire_schema_drift", facts.drift)
    found.add_all("krakenwire_subscriptions_refused", facts.refused)
    found.add("krakenwire_unknown", facts.unknown)


def _connection(found: Readings, role: str, connection: Connection, now: float) -> None:
    found.add("krakenwire_connections", 1, role, connection.state.value)
    found.add("krakenwire_connects", connection.connects, role)
    found.add("krakenwire_reconnects", max(0, connection.connects - 1), role)
    if connection.connected_at is not None:
        heard = max(connection.connected_at, connection.session.heard_at)
        found.most("krakenwire_silence_seconds", now - heard, role)
    if connection.known.lag.seconds is not None:
        found.most("krakenwire_lag_seconds", connection.known.lag.seconds, role)


def _frames(found: Readings, counts: Mapping[str, ChannelTimes], errors: int) -> None:
    for channel, count in dict(counts).items():
        found.add("krakenwire_frames", count.messages, channel)
        found.add("krakenwire_frame_processing_seconds_sum", count.seconds, channel)
        found.add("krakenwire_frame_processing_seconds_count", count.timed, channel)
        found.add("krakenwire_rejected", 0, channel)
        found.add("krakenwire_schema_drift", 0, channel)
    found.add("krakenwire_refused_frames", errors)


def _session(found: Readings, session: Session) -> None:
    found.add("krakenwire_duplicates", session.duplicates)
    found.add("krakenwire_discarded", session.books.discarded)
    by_channel: dict[str, list[int]] = {}
    for entry in session.ledger.entries():
        sums = by_channel.setdefault(entry.channel, [0, 0, 0])
        sums[0] += entry.verified
        sums[1] += entry.unverified
        sums[2] += entry.failed
    for channel, sums in by_channel.items():
        # From 0, as in `_facts`; a ledger forgets no channel.
        found.add("krakenwire_subscriptions_refused", 0, channel)
        found.add("krakenwire_resyncs", 0, channel)
        for result, value in zip(VALUES["result"], sums, strict=True) if channel in PROVABLE else ():
            found.add("krakenwire_checks", value, channel, result)
    books: list[Book[Any]] = [*session.books.level2.books.values(), *session.books.level3.books.values()]
    for book in books:
        found.add("krakenwire_books", 1, book.channel, book.status.value)


def _ratios(found: Readings, ledgers: Iterable[Ledger], now: float) -> None:
    totals = Totals.of(ledgers, now)
    for name, value in (
        ("krakenwire_verified_messages_ratio", totals.verified_message_ratio),
        ("krakenwire_verified_time_ratio", totals.verified_time_ratio),
        ("krakenwire_clean_time_ratio", totals.clean_ratio),
    ):
        if value is not None:
            found.add(name, value)


def _subscriptions(found: Readings, measures: Measures, symbols: Symbols | None) -> None:
    for connection, wish in wishes(measures):
        live = obstacle(connection, wish) is None
        found.add("krakenwire_subscriptions", 1, wish.channel)
        found.add("krakenwire_subscriptions_live", live, wish.channel)
        if symbols is not None and wish.symbol is not None:
            found.add("krakenwire_symbol_live", live, wish.channel, symbols.named(wish.symbol))


def _symbol_checks(found: Readings, ledgers: Iterable[Ledger], symbols: Symbols) -> None:
    for ledger in ledgers:
        for entry in ledger.entries():
            if entry.channel in PROVABLE and entry.symbol is not None:
                named = symbols.named(entry.symbol)
                for result in VALUES["result"]:
                    value = getattr(entry, result)
                    found.add("krakenwire_symbol_checks", value, entry.channel, named, result)


def _program(found: Readings, measures: Measures) -> None:
    for policy, waiting in measures.queues.depths():
        found.add("krakenwire_queues", 1, policy.value)
        found.add("krakenwire_queue_events", waiting, policy.value)
        found.most("krakenwire_queue_longest_events", waiting, policy.value)
    found.add("krakenwire_queue_dropped", measures.queues.dropped)
    for name, times in measures.callbacks.times.items():
        found.add("krakenwire_callback_seconds_sum", times.seconds, name)
        found.add("krakenwire_callback_seconds_count", times.calls, name)
    _callbacks(found, measures.callbacks.reports.counts)
    stalls: Any = measures.stalls
    if stalls is not None:
        for cause in VALUES["cause"]:
            found.add("krakenwire_event_loop_stalls", getattr(stalls, cause), cause)
            found.add("krakenwire_event_loop_stalled_seconds", getattr(stalls, f"{cause}_seconds"), cause)


def _callbacks(found: Readings, counts: CallbackCounts) -> None:
    for trouble in VALUES["trouble"]:
        found.add("krakenwire_callback_trouble", counts.total[trouble], trouble)
