"""Everything of an account cancelled: at once, or unless it calls again in time."""

from __future__ import annotations

from contextlib import suppress

from krakenwire.sim.clock import SECOND
from krakenwire.sim.private.account import Account
from krakenwire.sim.private.trading import Trading
from krakenwire.sim.requests import Refusal
from krakenwire.wire.enums import ExecType
from krakenwire.wire.refusals import SERVICE_UNAVAILABLE

TIMEOUT = "CancelAllOrdersAfter Timeout"


class DeadMansSwitch:
    """The switch of every account. It belongs to the account, not to a connection."""

    def __init__(self, trading: Trading) -> None:
        self._trading = trading

    def cancel_all(self, account: Account, reason: str, at: int) -> int:
        """Cancel every open order and count them.

        Raises: Refusal, if all of them are in closed markets.
        """
        orders = [order for order in account.orders.values() if order.market.mode.cancels]
        if account.orders and not orders:
            raise Refusal(SERVICE_UNAVAILABLE)
        for order in orders:
            self._trading.end(order, ExecType.CANCELED, reason, at)
        for market in dict.fromkeys(order.market for order in orders):
            self._trading.exchange.publish(market, at)
        return len(orders)

    def arm(self, account: Account, due: int | None) -> None:
        """Cancel everything at this time, unless armed again or disarmed (`due` None) before."""
        account.disarm_number += 1
        number = account.disarm_number
        if due is not None:
            self._trading.later(due, lambda now: self._fall(account, number, now))

    def _fall(self, account: Account, number: int, at: int) -> None:
        """The time is over. Orders of closed markets go when these open again, unless somebody calls before."""
        if account.disarm_number != number:
            return
        with suppress(Refusal):
            self.cancel_all(account, TIMEOUT, at)
        if account.orders:
            self._trading.later(at + SECOND, lambda now: self._fall(account, number, now))
