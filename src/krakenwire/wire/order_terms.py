"""What an order is: its terms, its triggers and the order that its fills create.

`orders` puts them into requests. Deprecated terms (`stop_price`, `trigger`, `price`, `no_mpp`) are not
offered: `triggers` and `limit_price` say the same.
"""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from krakenwire.wire.enums import (
    FeePreference,
    OrderType,
    PriceType,
    Side,
    StpType,
    TimeInForce,
    TriggerReference,
)
from krakenwire.wire.rules import (
    check_choice,
    check_client_id,
    check_instant,
    check_number,
    check_part,
    require,
)

MAX_ICEBERG_SLICES = 15
"""An iceberg order shows at least this part of itself."""

TRIGGERED_TYPES = frozenset(
    {
        OrderType.STOP_LOSS,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP,
        OrderType.TRAILING_STOP_LIMIT,
    }
)
"""Order types that wait for a price."""
TRAILING_TYPES = frozenset({OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT})
LIMITED_TYPES = frozenset(
    {
        OrderType.LIMIT,
        OrderType.ICEBERG,
        OrderType.STOP_LOSS_LIMIT,
        OrderType.TAKE_PROFIT_LIMIT,
        OrderType.TRAILING_STOP_LIMIT,
    }
)
"""Order types with a limit price."""
CONDITIONAL_TYPES = TRIGGERED_TYPES | {OrderType.LIMIT}
"""Order types that a fill may create."""


class Triggers(Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """When a waiting order becomes active."""

    price: Decimal
    """Level or offset, as `price_type` says; below the reference if negative."""
    price_type: PriceType | None = None
    """Kraken's default is `static`."""
    reference: TriggerReference | None = None
    """Kraken's default is `last`. `index` needs a market that has an index."""

    def __post_init__(self) -> None:
        check_number(self, "price")
        check_choice(self, "price_type", PriceType)
        check_choice(self, "reference", TriggerReference)
        require(self.price is not None, "price", "is required")
        if self.price_type in (None, PriceType.STATIC):
            check_number(self, "price", positive=True)


class Conditional(
    Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """Order on the opposite side that every fill of the primary one creates, with the size of the fill."""

    order_type: OrderType
    limit_price: Decimal | None = None
    limit_price_type: PriceType | None = None
    """Only `trailing-stop-limit`; Kraken's default is `quote`."""
    trigger_price: Decimal | None = None
    trigger_price_type: PriceType | None = None
    """Kraken's default is `static`."""

    def __post_init__(self) -> None:
        check_choice(self, "order_type", OrderType, required=True)
        require(
            self.order_type in CONDITIONAL_TYPES, "order_type", f"{self.order_type} cannot be conditional"
        )
        check_number(self, "limit_price")
        check_number(self, "trigger_price")
        check_choice(self, "limit_price_type", PriceType)
        check_choice(self, "trigger_price_type", PriceType)
        _check_limit_price(self.order_type, self.limit_price, self.limit_price_type)
        if self.order_type in TRIGGERED_TYPES:
            require(self.trigger_price is not None, "trigger_price", f"is required for {self.order_type}")


def _check_limit_price(order_type: OrderType, price: Decimal | None, price_type: PriceType | None) -> None:
    if order_type in LIMITED_TYPES:
        require(price is not None, "limit_price", f"is required for {order_type}")
    if price_type is not None:
        only = order_type is OrderType.TRAILING_STOP_LIMIT
        require(only, "limit_price_type", "is only for trailing-stop-limit")
    if price is not None and order_type is not OrderType.TRAILING_STOP_LIMIT:
        require(price > 0, "limit_price", "must be greater than 0")


class OrderTerms(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """What an order is, alone or in a batch."""

    order_type: OrderType
    side: Side
    order_qty: Decimal | None = None
    """Base currency. Exactly one of this and `cash_order_qty`."""
    cash_order_qty: Decimal | None = None
    """Quote currency; market buys without margin only."""
    limit_price: Decimal | None = None
    """Quote currency; required for `limit`, `iceberg` and the types that end in `-limit`."""
    limit_price_type: PriceType | None = None
    """Only `trailing-stop-limit`; Kraken's default is `quote`, an offset from the trigger price."""
    triggers: Triggers | None = None
    """Required for the six types that wait for a price."""
    time_in_force: TimeInForce | None = None
    """Kraken's default is `gtc`. `gtd` needs `expire_time`; `fok` is for limit orders."""
    expire_time: str | None = None
    """RFC 3339, whole seconds."""
    effective_time: str | None = None
    """Scheduled start, RFC 3339, whole seconds."""
    cl_ord_id: str | None = None
    """The caller's own id, unique among the open orders. Excludes `order_userref`."""
    order_userref: int | None = None
    """The caller's own number, need not be unique. Excludes `cl_ord_id`."""
    post_only: bool | None = None
    """Cancel instead of taking; only orders with a limit price."""
    reduce_only: bool | None = None
    margin: bool | None = None
    """Fund with the pair's leverage."""
    display_qty: Decimal | None = None
    """Visible slice, at least a fifteenth of the order; iceberg orders only, and required for them."""
    fee_preference: FeePreference | None = None
    stp_type: StpType | None = None
    """Kraken's default is `cancel_newest`: the arriving order goes."""
    sender_sub_id: str | None = None
    """Tag for self-trade prevention between traders of an institution, formed like `cl_ord_id`."""
    conditional: Conditional | None = None

    def __post_init__(self) -> None:
        self._check_fields()
        self._check_size()
        self._check_price()
        require(
            self.cl_ord_id is None or self.order_userref is None,
            "cl_ord_id",
            "excludes order_userref: give one of them",
        )
        if self.time_in_force is TimeInForce.GTD:
            require(self.expire_time is not None, "expire_time", "is required with time_in_force gtd")
        if self.time_in_force is TimeInForce.FOK:
            require(self.order_type is OrderType.LIMIT, "time_in_force", "fok is only for limit orders")

    def _check_fields(self) -> None:
        """Each field alone."""
        check_choice(self, "order_type", OrderType, required=True)
        check_choice(self, "side", Side, required=True)
        for name in ("order_qty", "cash_order_qty", "display_qty"):
            # Zero quantity has a meaning in one place: settle-position without a size.
            check_number(self, name, positive=self.order_type is not OrderType.SETTLE_POSITION)
        check_number(self, "limit_price")
        check_choice(self, "limit_price_type", PriceType)
        check_choice(self, "time_in_force", TimeInForce)
        check_choice(self, "fee_preference", FeePreference)
        check_choice(self, "stp_type", StpType)
        check_instant(self, "expire_time")
        check_instant(self, "effective_time")
        check_client_id("cl_ord_id", self.cl_ord_id)
        check_client_id("sender_sub_id", self.sender_sub_id)
        check_part(self, "triggers", Triggers)
        check_part(self, "conditional", Conditional)
        whole = self.order_userref is None or type(self.order_userref) is int
        require(whole, "order_userref", "must be a whole number")

    def _check_size(self) -> None:
        if self.cash_order_qty is not None:
            cash_market_buy = (
                self.order_type is OrderType.MARKET and self.side is Side.BUY and not self.margin
            )
            require(cash_market_buy, "cash_order_qty", "is only for market buys without margin")
        one = (self.order_qty is None) != (self.cash_order_qty is None)
        require(one, "order_qty", "give exactly one of order_qty and cash_order_qty")
        if self.order_type is OrderType.ICEBERG:
            require(self.display_qty is not None, "display_qty", "is required for iceberg")
        if self.display_qty is not None:
            require(self.order_type is OrderType.ICEBERG, "display_qty", "is only for iceberg")
            enough = self.order_qty is not None and self.display_qty * MAX_ICEBERG_SLICES >= self.order_qty
            require(enough, "display_qty", f"must be at least 1/{MAX_ICEBERG_SLICES} of order_qty")

    def _check_price(self) -> None:
        _check_limit_price(self.order_type, self.limit_price, self.limit_price_type)
        if self.order_type in TRIGGERED_TYPES:
            require(self.triggers is not None, "triggers", f"is required for {self.order_type}")
        if self.triggers is not None and self.order_type in TRAILING_TYPES:
            require(self.triggers.price > 0, "triggers.price", "must be greater than 0 for trailing types")
            offset = self.triggers.price_type in (PriceType.PCT, PriceType.QUOTE)
            require(offset, "triggers.price_type", "must be pct or quote for trailing types")
        if self.post_only:
            require(self.order_type in LIMITED_TYPES, "post_only", "is only for orders with a limit price")
