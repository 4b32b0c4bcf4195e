"""How often subscriptions may be taken anew: each by itself, and all of a channel together."""

from __future__ import annotations

from enum import Enum, auto

from krakenwire.session.limits import Limits
from krakenwire.state.budget import Budget


class Spent(Enum):
    """Which budget is used up."""

    SYMBOL = auto()
    CHANNEL = auto()


class ResyncBudgets:
    """Budgets of one session; level3 has tighter ones, because its subscriptions cost a rate counter.

    They outlive a connection: a book that was taken anew too often is not asked for more because everything was.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._symbols: dict[tuple[str, str | None], Budget] = {}
        self._channels: dict[str, Budget] = {}

    def spend(self, channel: str, symbol: str | None, now: float) -> Spent | None:
        """Take one of both budgets, or say which is used up and take none."""
        of_symbol, of_channel = self._budgets(channel, symbol)
        if now < of_symbol.free_at(now):
            return Spent.SYMBOL
        if not of_channel.spend(now):
            return Spent.CHANNEL
        of_symbol.spend(now)
        return None

    def free_at(self, channel: str, symbol: str | None, now: float) -> float:
        """When both budgets have one left."""
        return max(budget.free_at(now) for budget in self._budgets(channel, symbol))

    def _budgets(self, channel: str, symbol: str | None) -> tuple[Budget, Budget]:
        limits, deep = self._limits, channel == "level3"
        of_symbol = self._symbols.get((channel, symbol))
        if of_symbol is None:
            times = limits.level3_resyncs if deep else limits.resyncs
            of_symbol = self._symbols[channel, symbol] = Budget(times, limits.resync_seconds)
        of_channel = self._channels.get(channel)
        if of_channel is None:
            times = limits.level3_resyncs_connection if deep else limits.resyncs_connection
            of_channel = self._channels[channel] = Budget(times, limits.resync_seconds)
        return of_symbol, of_channel
