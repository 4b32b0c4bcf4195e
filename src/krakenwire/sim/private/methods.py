"""The order methods: requests read, answered and carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from krakenwire.sim.clock import SECOND
from krakenwire.sim.market import Market
from krakenwire.sim.private import amending
from krakenwire.sim.private.account import Account, ApiKey
from krakenwire.sim.private.admission import check
from krakenwire.sim.private.answers import Answer, Grant
from krakenwire.sim.private.cancelling import Cancelling
from krakenwire.sim.private.fields import Fields, invalid
from krakenwire.sim.private.order import OwnOrder
from krakenwire.sim.private.rates import penalty
from krakenwire.sim.private.switch import DeadMansSwitch
from krakenwire.sim.private.trading import USER_REQUESTED, Trading
from krakenwire.sim.private.wanted import ORDER_FIELDS, Terms, read_terms
from krakenwire.sim.requests import Refusal, Request
from krakenwire.wire.enums import ExecType, FeePreference, PriceType
from krakenwire.wire.refusals import (
    DEADLINE_ELAPSED,
    INVALID_ORDER,
    PAIR_NOT_SUPPORTED,
    PERMISSION_DENIED,
    UNKNOWN_ORDER,
)

_SOONEST, _LATEST = SECOND // 2, 60 * SECOND
"""How far ahead the deadline of a request has to be."""
_BATCH_ADD = range(2, 16)
_AMEND_FIELDS = frozenset(
    {
        *("order_id", "cl_ord_id", "order_qty", "limit_price", "limit_price_type"),
        *("trigger_price", "trigger_price_type", "display_qty", "post_only", "deadline"),
        *("symbol", "token"),
    }
)
_EDIT_FIELDS = frozenset(
    {
        *("order_id", "symbol", "order_qty", "limit_price", "display_qty", "fee_preference"),
        *("post_only", "reduce_only", "order_userref", "triggers", "deadline", "validate"),
        *("price", "trigger", "stop_price", "no_mpp", "token"),
    }
)
_BATCH_FIELDS = ("symbol", "orders", "deadline", "validate", "token")


class Methods:
    """All order methods."""

    def __init__(self, trading: Trading, switch: DeadMansSwitch, random: Random) -> None:
        self._trading = trading
        self._exchange = trading.exchange
        cancelling = Cancelling(trading, switch, random)
        self._methods: dict[
            str, tuple[bool, Callable[[Account, Request, dict[str, Any]], Iterable[Answer]]]
        ] = {
            "add_order": (True, self._add),
            "amend_order": (True, self._amend),
            "edit_order": (True, self._edit),
            "batch_add": (True, self._batch_add),
            "cancel_order": (False, cancelling.cancel),
            "cancel_all": (False, cancelling.cancel_all),
            "cancel_all_orders_after": (False, cancelling.cancel_after),
            "batch_cancel": (False, cancelling.batch_cancel),
        }

    def take(self, key: ApiKey, request: Request) -> list[Answer]:
        """Carry out a request. Raises: Refusal of the whole of it."""
        creates, method = self._methods[request.method]
        rights = key.permissions
        if not (rights.trade if creates else rights.cancel or rights.trade):
            raise Refusal(PERMISSION_DENIED)
        return list(method(key.account, request, request.params))

    # ---------------------------------------------------------------- new orders

    def _add(self, account: Account, request: Request, params: dict[str, Any]) -> Iterable[Answer]:
        fields = Fields("add_order", params, ORDER_FIELDS | {"symbol", "deadline", "validate", "token"})
        market = self._market(fields)
        account.counter(market.pair.symbol).charge(1, request.at)
        validate = fields.flag("validate")
        wanted = {name: value for name, value in params.items() if name in ORDER_FIELDS}
        terms = read_terms("add_order", wanted, market.pair, request.at)
        _meet_deadline(fields, request.at)
        check(account, market, terms)
        if validate:
            return [Grant(_named({}, terms))]
        order = self._trading.accept(account, market, terms, request.at)
        self._exchange.publish(market, request.at)
        return [Grant(_named({"order_id": order.order_id}, terms))]

    def _batch_add(self, account: Account, request: Request, params: dict[str, Any]) -> Iterable[Answer]:
        fields = Fields("batch_add", params, _BATCH_FIELDS)
        market, orders = self._market(fields), fields.parts("orders")
        if len(orders) not in _BATCH_ADD:
            raise invalid("orders")
        account.counter(market.pair.symbol).charge(len(orders) / 2, request.at)
        validate = fields.flag("validate")
        every = [read_terms("batch_add", order, market.pair, request.at) for order in orders]
        ids = [terms.cl_ord_id for terms in every if terms.cl_ord_id is not None]
        if len(ids) != len(set(ids)):
            raise invalid("cl_ord_id")
        _meet_deadline(fields, request.at)
        results = [
            self._one_of_batch(account, market, terms, request.at, validate=validate) for terms in every
        ]
        self._exchange.publish(market, request.at)
        return [Grant(results)]

    def _one_of_batch(
        self, account: Account, market: Market, terms: Terms, at: int, *, validate: bool
    ) -> dict[str, Any]:
        """The result of one order. How the engine's refusal of one looks is not documented; this is what one client expects."""
        try:
            check(account, market, terms)
        except Refusal as refused:
            return _named({"success": False, "error": refused.error}, terms)
        if validate:
            return _named({}, terms)
        return _named({"order_id": self._trading.accept(account, market, terms, at).order_id}, terms)

    # ---------------------------------------------------------------- changes

    def _amend(self, account: Account, request: Request, params: dict[str, Any]) -> Iterable[Answer]:
        fields = Fields("amend_order", params, _AMEND_FIELDS)
        order_id, cl_ord_id = fields.text("order_id"), fields.text("cl_ord_id")
        if (order_id is None) == (cl_ord_id is None):
            raise invalid("order_id")
        changes = amending.Changes(
            order_qty=fields.positive("order_qty"),
            limit_price=fields.number("limit_price"),
            limit_price_type=fields.choice("limit_price_type", PriceType),
            trigger_price=fields.number("trigger_price"),
            trigger_price_type=fields.choice("trigger_price_type", PriceType),
            display_qty=fields.positive("display_qty"),
            post_only=fields.flag("post_only"),
        )
        if changes == amending.Changes(post_only=changes.post_only):
            raise invalid("order_qty")
        order = account.find(order_id, cl_ord_id)
        if order is None:
            raise Refusal(UNKNOWN_ORDER)
        self._meets(fields, order)
        at, counter = request.at, account.counter(order.pair.symbol)
        age = at - order.changed_at
        counter.charge(1 + penalty("amend", age), at)
        _meet_deadline(fields, at)
        if amending.amend(self._trading, order, changes, at):
            counter.add(penalty("cancel", age), at)
        self._exchange.publish(order.market, at)
        named = {"order_id": order_id} if order_id is not None else {"cl_ord_id": cl_ord_id}
        return [Grant({"amend_id": self._trading.ledger.new_id("T"), **named})]

    def _edit(self, account: Account, request: Request, params: dict[str, Any]) -> Iterable[Answer]:
        fields = Fields("edit_order", params, _EDIT_FIELDS)
        order_id, at = fields.text("order_id"), request.at
        if order_id is None:
            raise invalid("order_id")
        market = self._market(fields)
        edit = amending.Edit(
            order_qty=fields.positive("order_qty"),
            limit_price=fields.number("limit_price"),
            display_qty=fields.positive("display_qty"),
            fee_preference=fields.choice("fee_preference", FeePreference),
            post_only=fields.flag("post_only") if "post_only" in fields else None,
            order_userref=fields.whole("order_userref"),
        )
        order = account.find(order_id)
        if order is None:
            raise Refusal(UNKNOWN_ORDER)
        if order.market is not market or "triggers" in fields:
            raise Refusal(INVALID_ORDER)
        account.counter(market.pair.symbol).charge(1 + penalty("edit", at - order.changed_at), at)
        terms = amending.edited(order, edit)
        _meet_deadline(fields, at)
        check(account, market, terms, instead_of=order)
        if fields.flag("validate"):
            return [Grant({"original_order_id": order_id})]
        self._trading.end(order, ExecType.CANCELED, USER_REQUESTED, at)
        new = self._trading.accept(account, market, terms, at)
        self._exchange.publish(market, at)
        return [Grant({"order_id": new.order_id, "original_order_id": order_id})]

    # ---------------------------------------------------------------- what they share

    def _market(self, fields: Fields) -> Market:
        symbol = fields.text("symbol")
        if symbol is None:
            raise invalid("symbol")
        market = self._exchange.markets.get(symbol)
        if market is None:
            raise Refusal(f"{PAIR_NOT_SUPPORTED} {symbol}")
        return market

    @staticmethod
    def _meets(fields: Fields, order: OwnOrder) -> None:
        """Raises: Refusal, if a symbol is named and it is another one, or has to be named and is not."""
        symbol = fields.text("symbol")
        if (symbol is None and order.pair.tokenized) or symbol not in {None, order.pair.symbol}:
            raise invalid("symbol")


def _meet_deadline(fields: Fields, at: int) -> None:
    """Raises: Refusal, if the engine sees the request after its deadline, or the deadline is too near or too far."""
    deadline = fields.instant("deadline")
    if deadline is None:
        return
    if deadline <= at:
        raise Refusal(DEADLINE_ELAPSED)
    if not _SOONEST <= deadline - at <= _LATEST:
        raise invalid("deadline")


def _named(result: dict[str, Any], terms: Terms) -> dict[str, Any]:
    """The result with the client's own names for the order."""
    if terms.cl_ord_id is not None:
        result["cl_ord_id"] = terms.cl_ord_id
    if terms.order_userref is not None:
        result["order_userref"] = terms.order_userref
    if terms.warnings:
        result["warnings"] = list(terms.warnings)
    return result
