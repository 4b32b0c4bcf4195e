"""The caller's own orders and balances in a session: messages of the private channels in, events out.

A fill or a ledger entry that was seen before is dropped, whatever frame it comes in: a snapshot after a break repeats the last fills, and
acting on one twice is worse than anything else this library could do.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from msgspec.structs import astuple

from krakenwire.events import BalanceUpdate, Event, ExecutionUpdate, Gap, GapReason, ResyncNeeded
from krakenwire.session.desk import Desk
from krakenwire.session.recovery import Recovery
from krakenwire.session.replies import brings_snapshot
from krakenwire.session.sequences import SequenceKeeper
from krakenwire.session.streams import Streams
from krakenwire.state.balances import BalanceChanged, BalanceFact, Balances, LedgerDuplicate
from krakenwire.state.orders import FillDuplicate, OrderFact, Orders
from krakenwire.wire.account import BalanceEntry, BalancesMessage, ExecutionReport, ExecutionsMessage
from krakenwire.wire.enums import ExecType, MessageType

FILLS_KEPT = 50
"""Fills that a reader who comes late is told, as many as Kraken's snapshot has."""

_SNAPSHOT, _FILL = MessageType.SNAPSHOT, ExecType.TRADE


class AccountKeeper:
    """Orders and balances as reports told them, and which rows are news."""

    def __init__(self, streams: Streams, sequences: SequenceKeeper, desk: Desk, recovery: Recovery) -> None:
        self._streams = streams
        self._heard = {channel: streams.of(channel) for channel in ("executions", "balances")}
        self._sequences = sequences
        self._desk = desk
        self._recovery = recovery
        self.orders = Orders()
        self.balances = Balances()
        self.open_orders_told = True
        """Whether a snapshot of the subscription names the orders that are open."""
        self.fills: deque[ExecutionReport] = deque(maxlen=FILLS_KEPT)
        """The last fills that were told, oldest first."""
        self.repeated = 0
        """Fills and ledger entries that were seen before and not delivered again."""

    def executions(self, message: ExecutionsMessage, now: float) -> list[Event]:
        """Take a message of channel executions."""
        events: list[Event] = []
        in_sequence = self._follow("executions", message, events, now)
        if in_sequence is None:
            return events
        snapshot = message.type is _SNAPSHOT
        news: list[ExecutionReport] = []
        facts: list[OrderFact] = []
        if snapshot:
            news, facts = self.orders.snapshot(message.data, with_orders=self.open_orders_told)
            self._desk.delivered("executions", None)
        else:
            for row in message.data:
                if found := self.orders.apply(row):
                    facts += found
                    if isinstance(found[0], FillDuplicate):
                        continue
                news.append(row)
        self.fills.extend([row for row in news if row.exec_type is _FILL])
        events += [ExecutionUpdate(*astuple(row), in_sequence=in_sequence, snapshot=snapshot) for row in news]
        if facts:
            self.repeated += len(message.data) - len(news)
            events += [fact for fact in facts if not isinstance(fact, FillDuplicate)]
        return events

    def balance_entries(self, message: BalancesMessage, now: float) -> list[Event]:
        """Take a message of channel balances."""
        events: list[Event] = []
        in_sequence = self._follow("balances", message, events, now)
        if in_sequence is None:
            return events
        snapshot = message.type is _SNAPSHOT
        news: list[BalanceEntry] = []
        facts: list[BalanceFact] = []
        if snapshot:
            news += message.data
            facts = self.balances.snapshot(message.data)
            self._desk.delivered("balances", None)
        else:
            for row in message.data:
                found = self.balances.apply(row)
                facts += found
                if not isinstance(found[0], LedgerDuplicate):
                    news.append(row)
        self.repeated += len(message.data) - len(news)
        events += [BalanceUpdate(*astuple(row), in_sequence=in_sequence, snapshot=snapshot) for row in news]
        events += [fact for fact in facts if not isinstance(fact, BalanceChanged | LedgerDuplicate)]
        return events

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

    def _owed(self, channel: str) -> bool:
        """Whether the snapshot that was asked for has not come yet."""
        return any(
            wish.own and not wish.delivered and brings_snapshot(wish)
            for wish in self._desk.subscriptions.of(channel, None)
        )

    def _follow(self, channel: str, message: Any, events: list[Event], now: float) -> bool | None:
        """Whether a frame came in sequence; None if it came before. Adds what its number says."""
        in_sequence = self._sequences.follows(channel, message, events, now)
        if in_sequence is None:
            return None
        if events:  # numbers are missing
            self.interrupt(channel)
        if in_sequence and message.type is not _SNAPSHOT and self._owed(channel):
            in_sequence = False  # whatever its number, it follows nothing that came
        stream = self._heard[channel].get(None) or self._streams.begin(channel, None, now)
        if in_sequence and not stream.proven:
            stream.prove(now)
        elif not in_sequence:
            stream.doubt("sequence")
        stream.heard_at = now
        stream.entry.messages += 1
        stream.entry.verified += in_sequence
        stream.entry.unverified += not in_sequence
        return in_sequence
