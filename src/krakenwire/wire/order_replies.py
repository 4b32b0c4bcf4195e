"""Replies to order methods, told apart by `method`.

A reply says that a request passed the entry of the engine, no more: what becomes of the order is told on
channel `executions`, before or after. A refusal has `error` and no result. `success: true` beside a missing
result is possible and means just that.
"""

from __future__ import annotations

from msgspec import Struct

from krakenwire.wire.control import ControlReply, ReplyEnvelope


class OrderResult(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """An order that was taken. Source: `result` of `add_order`, and what `cancel_order` names."""

    order_id: str | None = None
    """Not promised for a request that only validates."""
    cl_ord_id: str | None = None
    order_userref: int | None = None
    warnings: tuple[str, ...] = ()


class AmendResult(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Source: `result` of `amend_order`."""

    amend_id: str | None = None
    order_id: str | None = None
    """Present if the order was named by it."""
    cl_ord_id: str | None = None
    """Present if the order was named by it."""
    warnings: tuple[str, ...] = ()


class EditResult(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Source: `result` of `edit_order`."""

    order_id: str | None = None
    """The new order."""
    original_order_id: str | None = None
    """The order that is gone."""
    warnings: tuple[str, ...] = ()


class CountResult(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Source: `result` of `cancel_all`, and of `batch_cancel` as documented."""

    count: int
    """Orders cancelled; zero is success."""
    warnings: tuple[str, ...] = ()


class CancelAfterResult(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, rename="camel"
):
    """Source: `result` of `cancel_all_orders_after`, the one place where Kraken writes camel case."""

    current_time: str | None = None
    """RFC 3339 UTC, whole seconds."""
    trigger_time: str | None = None
    """When the orders go, unless the request is renewed. What is sent after disarming is not documented."""
    warnings: tuple[str, ...] = ()


class BatchResult(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What became of one order of a batch. Source: an element of `result` of `batch_add`.

    How a refused order looks is not documented; `success` and `error` are one client's guess.
    """

    order_id: str | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    success: bool | None = None
    error: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def rejected(self) -> bool:
        """Whether this order was refused; if nothing is said, an order without id is taken for refused."""
        if self.success is not None:
            return not self.success
        return self.error is not None or self.order_id is None


class BatchOrders(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """The same results wrapped in an object, as one client models it; no recording shows it."""

    orders: tuple[BatchResult, ...]
    warnings: tuple[str, ...] = ()


class AddOrderReply(ReplyEnvelope, frozen=True, kw_only=True, tag="add_order"):
    """The answer to `add_order`."""

    result: OrderResult | None = None


class AmendOrderReply(ReplyEnvelope, frozen=True, kw_only=True, tag="amend_order"):
    """The answer to `amend_order`."""

    result: AmendResult | None = None


class EditOrderReply(ReplyEnvelope, frozen=True, kw_only=True, tag="edit_order"):
    """The answer to `edit_order`."""

    result: EditResult | None = None


class CancelOrderReply(ReplyEnvelope, frozen=True, kw_only=True, tag="cancel_order"):
    """The answer for one order of a `cancel_order`. Whether a refusal names the order is not documented."""

    result: OrderResult | None = None


class CancelAllReply(ReplyEnvelope, frozen=True, kw_only=True, tag="cancel_all"):
    """The answer to `cancel_all`."""

    result: CountResult | None = None

    @property
    def count(self) -> int | None:
        """Orders cancelled; None if Kraken does not say."""
        return None if self.result is None else self.result.count


class CancelAllOrdersAfterReply(ReplyEnvelope, frozen=True, kw_only=True, tag="cancel_all_orders_after"):
    """The answer to `cancel_all_orders_after`."""

    result: CancelAfterResult | None = None


class BatchAddReply(ReplyEnvelope, frozen=True, kw_only=True, tag="batch_add"):
    """The answer to `batch_add`: a list in the order of the request. `orders` knows the other shape too."""

    result: tuple[BatchResult, ...] | BatchOrders | None = None

    @property
    def orders(self) -> tuple[BatchResult, ...]:
        """What became of each order, in the order of the request; empty in a refusal."""
        if isinstance(self.result, BatchOrders):
            return self.result.orders
        return self.result or ()


class BatchCancelReply(ReplyEnvelope, frozen=True, kw_only=True, tag="batch_cancel"):
    """The answer to `batch_cancel`: the number is at the top level, in the documents in `result`."""

    orders_cancelled: int | None = None
    result: CountResult | None = None

    @property
    def count(self) -> int | None:
        """Orders cancelled, from wherever Kraken put it; None if it does not say."""
        return self.result.count if self.result is not None else self.orders_cancelled


OrderReply = (
    AddOrderReply
    | AmendOrderReply
    | EditOrderReply
    | CancelOrderReply
    | CancelAllReply
    | CancelAllOrdersAfterReply
    | BatchAddReply
    | BatchCancelReply
)
"""Every reply to an order method, told apart by `method`."""

Reply = ControlReply | OrderReply
"""Every reply, told apart by `method`."""
