"""What the connections of a client counted and can prove, as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from krakenwire.net.connection import Connection
from krakenwire.state.ledger import Trust, Uncovered, Verdict


def statistics(connections: Iterable[Connection], now: float) -> dict[str, Any]:
    """Counts since construction, ready for JSON, with the names of the handler's statistics. Times are in seconds."""
    made = list(connections)
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
        **_ratios(made, now),
    }


def _ratios(connections: list[Connection], now: float) -> dict[str, float | None]:
    """Shares over all ledgers."""
    wanted = verified = good = provable_wanted = 0.0
    proven = told = 0
    for connection in connections:
        totals = connection.session.ledger.totals(now)
        wanted += totals.wanted
        good += totals.good
        provable_wanted += totals.provable
        verified += totals.verified
        proven += totals.messages_verified
        told += totals.messages
    return {
        "verified_message_ratio": proven / told if told else None,
        "verified_time_ratio": verified / provable_wanted if provable_wanted else None,
        "clean_ratio": good / wanted if wanted else None,
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
