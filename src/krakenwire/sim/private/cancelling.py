"""The methods that cancel: one order, some, all, or all unless somebody calls."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from krakenwire.sim.clock import SECOND
from krakenwire.sim.private.account import Account
from krakenwire.sim.private.answers import Answer, Grant
from krakenwire.sim.private.fields import Fields, invalid
from krakenwire.sim.private.order import OwnOrder
from krakenwire.sim.private.rates import penalty
from krakenwire.sim.private.switch import DeadMansSwitch
from krakenwire.sim.private.trading import USER_REQUESTED, Trading
from krakenwire.sim.requests import Refusal, Request
from krakenwire.wire.enums import ExecType
from krakenwire.wire.refusals import ORDER_RATE_LIMIT, SERVICE_UNAVAILABLE, UNKNOWN_ORDER
from krakenwire.wire.timestamps import format_ns

_BATCH_CANCEL = range(2, 51)


class Cancelling:
    """Everything that takes orders away."""

    def __init__(self, trading: Trading, switch: DeadMansSwitch, random: Random) -> None:
        self._trading = trading
        self._exchange = trading.exchange
        self._switch = switch
        self._random = random

    def cancel(self, account: Account, request: Request, params: dict[str, Any]) -> Iterable[Answer]:
        """One answer an order, in no order."""
        fields = Fields("cancel_order", params, ("order_id", "cl_ord_id", "order_userref", "token"))
        asked: list[tuple[str, OwnOrder | None]] = [
            ("order_id", account.find(order_id)) for order_id in fields.texts("order_id")
        ]
        asked += [("cl_ord_id", account.find(cl_ord_id=name)) for name in fields.texts("cl_ord_id")]
        for number in fields.wholes("order_userref"):
            marked = [order for order in account.orders.values() if order.terms.order_userref == number]
            asked += [("order_id", order) for order in marked] or [("order_id", None)]
        if not asked:
            raise invalid("order_id")
        answers = [self._cancel_one(account, name, order, request.at) for name, order in asked]
        self._random.shuffle(answers)
        return answers

    def _cancel_one(self, account: Account, name: str, order: OwnOrder | None, at: int) -> Answer:
        if order is None or not order.open:
            return Refusal(UNKNOWN_ORDER)
        try:
            check_cancels(order)
            account.counter(order.pair.symbol).charge(penalty("cancel", at - order.changed_at), at)
        except Refusal as refused:
            return refused
        self._trading.end(order, ExecType.CANCELED, USER_REQUESTED, at)
        self._exchange.publish(order.market, at)
        return Grant({name: order.order_id if name == "order_id" else order.terms.cl_ord_id})

    def cancel_all(self, account: Account, request: Request, params: dict[str, Any]) -> Iterable[Answer]:
        """Costs nothing of the allowance: what it costs at Kraken is not known."""
        Fields("cancel_all", params, ("token",))
        return [Grant({"count": self._switch.cancel_all(account, USER_REQUESTED, request.at)})]

    def cancel_after(self, account: Account, request: Request, params: dict[str, Any]) -> Iterable[Answer]:
        timeout = Fields("cancel_all_orders_after", params, ("timeout", "token")).whole("timeout")
        if timeout is None or not 0 <= timeout < 86_400:
            raise invalid("timeout")
        # Whole seconds, rounded up: recorded answers show the second after `time_in`.
        now = -(-request.at // SECOND) * SECOND
        self._switch.arm(account, now + timeout * SECOND if timeout else None)
        # What stands there after disarming is not known; the REST interface says zero.
        due = format_ns(now + timeout * SECOND, 0) if timeout else "0"
        return [Grant({"currentTime": format_ns(now, 0), "triggerTime": due})]

    def batch_cancel(self, account: Account, request: Request, params: dict[str, Any]) -> Iterable[Answer]:
        """A batch that goes over the threshold is carried out in full; one that begins there is refused."""
        fields = Fields("batch_cancel", params, ("orders", "cl_ord_id", "token"))
        names, own = fields.texts("orders"), fields.texts("cl_ord_id")
        if len(names) + len(own) not in _BATCH_CANCEL:
            raise invalid("orders")
        found = [order for order in account.orders.values() if order.terms.cl_ord_id in own]
        for order in account.orders.values():
            number = order.terms.order_userref
            if order.order_id in names or (number is not None and str(number) in names):
                found.append(order)
        at, chosen = request.at, list(dict.fromkeys(found))
        for order in chosen:
            check_cancels(order)
            if account.counter(order.pair.symbol).full(at):
                raise Refusal(ORDER_RATE_LIMIT)
        for order in chosen:
            account.counter(order.pair.symbol).add(penalty("cancel", at - order.changed_at), at)
            self._trading.end(order, ExecType.CANCELED, USER_REQUESTED, at)
        for market in dict.fromkeys(order.market for order in chosen):
            self._exchange.publish(market, at)
        return [Grant(members={"orders_cancelled": len(chosen)})]


def check_cancels(order: OwnOrder) -> None:
    """Raises: Refusal, if nothing can be cancelled in its market now."""
    if not order.market.mode.cancels:
        raise Refusal(order.market.mode.refusal or SERVICE_UNAVAILABLE)
