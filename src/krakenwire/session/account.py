"""The caller's own orders and balances in a session: messages of the private channels in, events out.

A fill or a ledger entry that was seen before is dropped, whatever frame it comes in: a snapshot after a break repeats the last fills, and
acting on one twice is worse than anything else this library could do.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import astuple

from krakenwire.events import BalanceUpdate, Event, ExecutionUpdate, Gap, GapReason, ResyncNeeded
from krakenwire.session.desk import Desk
from krakenwire.session.recovery import Recovery
from krakenwire.session.sequences import SequenceKeeper
from krakenwire.session.streams import Streams
from krakenwire.state.balances import BalanceChanged, Balances, LedgerDuplicate
from krakenwire.state.orders import FillDuplicate, FillSeen, OrderChanged, Orders
from krakenwire.wire.account import BalanceEntry, BalancesMessage, ExecutionReport, ExecutionsMessage
from krakenwire.wire.enums import MessageType

_OF_ROWS = (OrderChanged, FillSeen, FillDuplicate, BalanceChanged, LedgerDuplicate)
"""Facts that say no more than the row they come from. Every other fact is an event of its own."""


class AccountKeeper:
    """Orders and balances as reports told them, and which rows are news."""

    def __init__(self, streams: Streams, sequences: SequenceKeeper, desk: Desk, recovery: Recovery) -> None:
        self._streams = streams
        self._sequences = sequences
        self._desk = desk
        self._recovery = recovery
        self.orders = Orders()
        self.balances = Balances()
        self.open_orders_told = True
        """Whether a snapshot of the subscription names the orders that are open."""
        self.repeated = 0
        """Fills and ledger entries that were seen before and not delivered again."""

    def executions(self, message: ExecutionsMessage, now: float) -> list[Event]:
        """Take a message of channel executions."""
        return self._take("executions", message, self._reports, ExecutionUpdate, now)

    def balance_entries(self, message: BalancesMessage, now: float) -> list[Event]:
        """Take a message of channel balances."""
        return self._take("balances", message, self._entries, BalanceUpdate, now)

    def interrupt(self, channel: str | None = None) -> None:
        """Something may have been missed on one channel, or on both."""
        if channel != "balances":
            self.orders.interrupt()
        if channel != "executions":
            self.balances.interrupt()

    def reject(self, channel: str, reason: str, now: float, *, snapshot: bool) -> list[Event]:
        """A report or ledger entry is missing, though its frame came: what is known of the account is not whole until a snapshot."""
        final = self._desk.spoiled(channel, None) or snapshot  # another snapshot would bring the same row
        if self._sequences.is_behind(channel):
            return []
        self._sequences.fall_behind(channel)
        self.interrupt(channel)
        gap = Gap(channel, None, GapReason.FRAME_REFUSED, since=self._streams.heard_at(channel, None))
        if final:
            return [gap, ResyncNeeded(channel, None, reason)]
        return [gap, *self._recovery.take_anew(channel, None, reason, now)]

    def _take(
        self,
        channel: str,
        message: Any,
        keep: Callable[..., tuple[list[Any], list[Event]]],
        kind: type[Any],
        now: float,
    ) -> list[Event]:
        events: list[Event] = []
        if not self._sequences.is_news(channel, message, events, now):
            return events
        if events:  # numbers are missing
            self.interrupt(channel)
        stream = self._streams.of(channel).get(None) or self._streams.begin(channel, None, now)
        snapshot = message.type is MessageType.SNAPSHOT
        in_sequence = self._sequences.proves(channel, message)
        if in_sequence and not stream.proven:
            stream.prove(now)
        elif not in_sequence:
            stream.doubt("sequence")
        stream.heard_at = now
        stream.entry.messages += 1
        stream.entry.verified += in_sequence
        rows, facts = keep(message.data, snapshot=snapshot)
        if snapshot:
            self._desk.delivered(channel, None)
        events += [kind(*astuple(row), in_sequence=in_sequence, snapshot=snapshot) for row in rows]
        return events + facts

    def _reports(
        self, rows: tuple[ExecutionReport, ...], *, snapshot: bool
    ) -> tuple[list[ExecutionReport], list[Event]]:
        """The rows that are news, and what else follows from them."""
        if snapshot:
            facts: list[Any] = self.orders.snapshot(rows, with_orders=self.open_orders_told)
            # A snapshot's facts begin with one for each row, in its order.
            return self._news(rows, facts[: len(rows)]), _others(facts)
        news: list[ExecutionReport] = []
        others: list[Event] = []
        for row in rows:
            first, *more = self.orders.apply(row)
            if isinstance(first, FillDuplicate):
                self.repeated += 1
            else:
                news.append(row)
            if more:
                others += _others(more)
        return news, others

    def _entries(
        self, rows: tuple[BalanceEntry, ...], *, snapshot: bool
    ) -> tuple[list[BalanceEntry], list[Event]]:
        """The rows that are news, and what else follows from them."""
        if snapshot:
            return list(rows), _others(self.balances.snapshot(rows))
        found: list[Any] = []
        firsts = []
        for row in rows:
            facts = self.balances.apply(row)
            firsts.append(facts[0])
            found += facts
        return self._news(rows, firsts), _others(found)

    def _news(self, rows: tuple[Any, ...], firsts: list[Any]) -> list[Any]:
        news = [
            row
            for row, fact in zip(rows, firsts, strict=True)
            if not isinstance(fact, (FillDuplicate, LedgerDuplicate))
        ]
        self.repeated += len(rows) - len(news)
        return news


def _others(facts: list[Any]) -> list[Event]:
    return [fact for fact in facts if not isinstance(fact, _OF_ROWS)]
