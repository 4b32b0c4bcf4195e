"""Requests that change orders. All of them go to the private host, and all of them want a token.

A request is checked when it is made, as far as Kraken's documents state a rule firmly; see `rules`. What
depends on the market (precision, minimum, funds) Kraken decides.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import force_setattr

from krakenwire.wire.enums import FeePreference, PriceType
from krakenwire.wire.order_terms import OrderTerms, Triggers
from krakenwire.wire.rules import (
    check_choice,
    check_client_id,
    check_instant,
    check_number,
    check_part,
    check_req_id,
    check_symbol,
    check_text,
    check_texts,
    check_token,
    check_wholes,
    require,
)
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import ControlRequest

MIN_BATCH_ADD, MAX_BATCH_ADD = 2, 15
MIN_BATCH_CANCEL, MAX_BATCH_CANCEL = 2, 50
MAX_TIMEOUT = 86_399
"""Seconds: the longest dead man's switch, one short of a day."""


class AddOrderParams(OrderTerms, frozen=True, kw_only=True):
    """Parameters of `add_order`."""

    symbol: str
    deadline: str | None = None
    """RFC 3339, 0.5 to 60 s ahead; after it the engine refuses the order. Kraken's default is 5 s."""
    validate: bool | None = None
    """Check only; no order is made."""
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        OrderTerms.__post_init__(self)
        check_symbol(self.symbol)
        check_instant(self, "deadline")


class BatchOrder(OrderTerms, frozen=True, kw_only=True):
    """One order of a batch. Symbol, deadline and token belong to the batch."""


class BatchAddParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Parameters of `batch_add`."""

    symbol: str
    """The one market of all the orders."""
    orders: tuple[BatchOrder, ...]
    """2 to 15."""
    deadline: str | None = None
    validate: bool | None = None
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        check_symbol(self.symbol)
        require(isinstance(self.orders, (tuple, list)), "orders", "must be a tuple or list of BatchOrder")
        require(
            all(isinstance(order, BatchOrder) for order in self.orders), "orders", "must hold BatchOrder only"
        )
        fits = MIN_BATCH_ADD <= len(self.orders) <= MAX_BATCH_ADD
        require(fits, "orders", f"must be {MIN_BATCH_ADD} to {MAX_BATCH_ADD}")
        force_setattr(self, "orders", tuple(self.orders))
        check_instant(self, "deadline")


class AmendOrderParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Parameters of `amend_order`: changes an order in place, fills and ids are kept."""

    order_id: str | None = None
    """Exactly one of this and `cl_ord_id`."""
    cl_ord_id: str | None = None
    order_qty: Decimal | None = None
    """New total, what is filled included; below that the rest is canceled."""
    limit_price: Decimal | None = None
    limit_price_type: PriceType | None = None
    trigger_price: Decimal | None = None
    trigger_price_type: PriceType | None = None
    display_qty: Decimal | None = None
    post_only: bool | None = None
    """Refuse the amend if the new price would take."""
    deadline: str | None = None
    symbol: str | None = None
    """Required for xStocks."""
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        one = (self.order_id is None) != (self.cl_ord_id is None)
        require(one, "order_id", "give exactly one of order_id and cl_ord_id")
        check_client_id("cl_ord_id", self.cl_ord_id)
        check_number(self, "order_qty", positive=True)
        check_number(self, "display_qty", positive=True)
        check_number(self, "limit_price")
        check_number(self, "trigger_price")
        check_choice(self, "limit_price_type", PriceType)
        check_choice(self, "trigger_price_type", PriceType)
        changes = (self.order_qty, self.limit_price, self.trigger_price, self.display_qty)
        require(
            any(change is not None for change in changes),
            "order_qty",
            "nothing is changed: give a quantity or price",
        )
        check_instant(self, "deadline")


class EditOrderParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Parameters of `edit_order`: cancels an order and places a new one, at the end of the queue."""

    order_id: str
    symbol: str
    order_qty: Decimal | None = None
    limit_price: Decimal | None = None
    display_qty: Decimal | None = None
    fee_preference: FeePreference | None = None
    post_only: bool | None = None
    reduce_only: bool | None = None
    order_userref: int | None = None
    """Set on the new order; it does not select the old one."""
    triggers: Triggers | None = None
    deadline: str | None = None
    validate: bool | None = None
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        check_text("order_id", self.order_id, "must be Kraken's id of the order")
        check_symbol(self.symbol)
        check_number(self, "order_qty", positive=True)
        check_number(self, "display_qty", positive=True)
        check_number(self, "limit_price")
        check_choice(self, "fee_preference", FeePreference)
        check_part(self, "triggers", Triggers)
        check_instant(self, "deadline")


class CancelOrderParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Parameters of `cancel_order`: any of the three lists. Every order is answered separately."""

    order_id: tuple[str, ...] | None = None
    cl_ord_id: tuple[str, ...] | None = None
    order_userref: tuple[int, ...] | None = None
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        check_texts(self, "order_id")
        check_texts(self, "cl_ord_id")
        check_wholes(self, "order_userref")
        named = (self.order_id, self.cl_ord_id, self.order_userref)
        given = any(ids is not None for ids in named)
        require(given, "order_id", "give order_id, cl_ord_id or order_userref")


class CancelAllParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Parameters of `cancel_all`."""

    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)


class CancelAllOrdersAfterParams(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """Parameters of `cancel_all_orders_after`, the dead man's switch of the whole account."""

    timeout: int
    """Seconds, less than a day; 0 disarms."""
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        fits = type(self.timeout) is int and 0 <= self.timeout <= MAX_TIMEOUT
        require(fits, "timeout", f"must be a whole number of seconds from 0 to {MAX_TIMEOUT}")


class BatchCancelParams(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Parameters of `batch_cancel`: 2 to 50 orders, counted over both lists."""

    orders: tuple[str, ...]
    """Kraken's ids, or the caller's numbers written as text."""
    cl_ord_id: tuple[str, ...] | None = None
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        # Whether this list may be empty beside the other one is not known; Kraken decides that.
        if self.cl_ord_id is None or len(self.orders) > 0:
            check_texts(self, "orders")
        check_texts(self, "cl_ord_id")
        count = len(self.orders) + len(self.cl_ord_id or ())
        fits = MIN_BATCH_CANCEL <= count <= MAX_BATCH_CANCEL
        require(fits, "orders", f"must be {MIN_BATCH_CANCEL} to {MAX_BATCH_CANCEL}, both lists together")


class OrderRequestEnvelope(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, tag_field="method"
):
    """What every request about orders has beside its parameters."""

    req_id: int | None = None

    def __post_init__(self) -> None:
        check_req_id(self)


class AddOrder(OrderRequestEnvelope, frozen=True, tag="add_order"):
    """Places one order."""

    params: AddOrderParams


class AmendOrder(OrderRequestEnvelope, frozen=True, tag="amend_order"):
    """Changes price or quantity of one order in place."""

    params: AmendOrderParams


class EditOrder(OrderRequestEnvelope, frozen=True, tag="edit_order"):
    """Cancels one order and places a changed one."""

    params: EditOrderParams


class CancelOrder(OrderRequestEnvelope, frozen=True, tag="cancel_order"):
    """Cancels the orders named; N orders bring N replies with this `req_id`."""

    params: CancelOrderParams


class CancelAll(OrderRequestEnvelope, frozen=True, tag="cancel_all"):
    """Cancels every order of the account."""

    params: CancelAllParams = CancelAllParams()


class CancelAllOrdersAfter(OrderRequestEnvelope, frozen=True, tag="cancel_all_orders_after"):
    """Arms, renews or disarms the dead man's switch."""

    params: CancelAllOrdersAfterParams


class BatchAdd(OrderRequestEnvelope, frozen=True, tag="batch_add"):
    """Places 2 to 15 orders of one market. A wrong one stops all, one that the engine refuses only itself."""

    params: BatchAddParams


class BatchCancel(OrderRequestEnvelope, frozen=True, tag="batch_cancel"):
    """Cancels 2 to 50 orders."""

    params: BatchCancelParams


OrderRequest = (
    AddOrder
    | AmendOrder
    | EditOrder
    | CancelOrder
    | CancelAll
    | CancelAllOrdersAfter
    | BatchAdd
    | BatchCancel
)
"""Every request about orders, told apart by `method`."""

Request = ControlRequest | OrderRequest
"""Every request, told apart by `method`."""
