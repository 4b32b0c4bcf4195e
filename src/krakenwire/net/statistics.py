"""What the connections of a client counted and can prove, as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from krakenwire.net.connection import Connection
from krakenwire.state.ledger import Totals, Trust, Uncovered, Verdict


def statistics(connections: Iterable[Connection], now: float) -> dict[str, Any]:
    """Counts since construction, ready for JSON, with the names of the handler's statistics. Times are in seconds."""
    made = list(connections)
    totals = Totals.of([connection.session.ledger for connection in made], now)
    sessions = [connection.session for connection in made]
    messages: dict[str, int] = {}
    seconds: dict[str, float] = {}
    timed: dict[str, int] = {}
    for connection in made:
        for channel, count in connection.known.counts.items():
            messages[channel] = messages.get(channel, 0) + count.messages
            seconds[channel] = seconds.get(channel, 0.0) + count.seconds
            timed[channel] = timed.get(channel, 0) + count.timed
    return {
        "total_messages": sum(messages.values()),
        "messages_by_channel": messages,
        "error_count": sum(connection.known.errors for connection in made),
        "duplicate_count": sum(session.duplicates for session in sessions),
        "sequence_gaps": sum(session.sequences.tracker.gaps for session in sessions),
        "avg_processing_times": {channel: seconds[channel] / timed[channel] for channel in messages},
        "trade_gaps": sum(session.market.trades.gaps for session in sessions),
        "discarded_count": sum(session.books.discarded for session in sessions),
        "connects": sum(connection.connects for connection in made),
        "stalls": sum(connection.known.stalls for connection in made),
        "verified_message_ratio": totals.verified_message_ratio,
        "verified_time_ratio": totals.verified_time_ratio,
        "clean_ratio": totals.clean_ratio,
    }


def verdict_of(
    connections: Iterable[Connection],
    channel: str,
    symbol: str | None,
    start: float,
    end: float,
    *,
    now: float,
) -> Verdict:
    """Whether a stream is proven between two times, by the last connection that knows of it.

    Raises: UsageError, if `end` lies before `start`.
    """
    verdicts = [
        connection.session.ledger.trust(channel, symbol, start, end, now=now) for connection in connections
    ]
    known = [verdict for verdict in verdicts if verdict.trust is not Trust.UNKNOWN]
    if known:
        return known[-1]
    unknown = (Uncovered(start, end, "not subscribed"),)
    return verdicts[0] if verdicts else Verdict(channel, symbol, start, end, Trust.UNKNOWN, unknown)
