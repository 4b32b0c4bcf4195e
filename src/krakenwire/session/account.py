"""The caller's own orders and balances in a session: rows of private channels in, events out.

A fill or a ledger entry that was seen before is dropped, whatever frame it comes in: a snapshot after a break repeats the last fills, and
acting on one twice is worse than anything else this library could do.
"""

from __future__ import annotations

from typing import Any

from krakenwire.events import Event
from krakenwire.state.balances import BalanceChanged, Balances, LedgerDuplicate
from krakenwire.state.orders import FillDuplicate, FillSeen, OrderChanged, Orders
from krakenwire.wire.account import BalanceEntry, ExecutionReport

_OF_ROWS = (OrderChanged, FillSeen, FillDuplicate, BalanceChanged, LedgerDuplicate)
"""Facts that say no more than the row they come from. Every other fact is an event of its own."""


class AccountKeeper:
    """Orders and balances as reports told them, and which rows are news."""

    def __init__(self) -> None:
        self.orders = Orders()
        self.balances = Balances()
        self.open_orders_told = True
        """Whether a snapshot of the subscription names the orders that are open."""
        self.repeated = 0
        """Fills and ledger entries that were seen before and not delivered again."""

    def executions(
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

    def balance_entries(
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

    def interrupt(self, channel: str | None = None) -> None:
        """Something may have been missed on one channel, or on both."""
        if channel != "balances":
            self.orders.interrupt()
        if channel != "executions":
            self.balances.interrupt()

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
