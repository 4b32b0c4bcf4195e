"""Orders that our own session sends: every request it can make is taken, and every answer and report is read without a word of doubt."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from krakenwire.sim.engine import Side
from krakenwire.wire.enums import OrderType, PriceType
from krakenwire.wire.enums import Side as Way
from krakenwire.wire.order_replies import (
    AddOrderReply,
    AmendOrderReply,
    BatchAddReply,
    BatchCancelReply,
    CancelAllOrdersAfterReply,
    CancelAllReply,
    CancelOrderReply,
    EditOrderReply,
)
from krakenwire.wire.order_terms import Conditional, Triggers
from krakenwire.wire.orders import (
    AddOrder,
    AddOrderParams,
    AmendOrder,
    AmendOrderParams,
    BatchAdd,
    BatchAddParams,
    BatchCancel,
    BatchCancelParams,
    BatchOrder,
    CancelAll,
    CancelAllOrdersAfter,
    CancelAllOrdersAfterParams,
    CancelAllParams,
    CancelOrder,
    CancelOrderParams,
    EditOrder,
    EditOrderParams,
)
from tests.sim.traders import Reader, price_of, trader

D = Decimal
REPLIES = frozenset(
    kind.__name__
    for kind in (
        AddOrderReply,
        AmendOrderReply,
        BatchAddReply,
        BatchCancelReply,
        CancelAllOrdersAfterReply,
        CancelAllReply,
        CancelOrderReply,
        EditOrderReply,
    )
)


class Desk(Reader):
    """A session that also places orders."""

    EXPECTED = Reader.EXPECTED | REPLIES

    def send(self, request: Any) -> Any:
        """The answer to a request of the session."""
        self.session.request(request, now=self.trader.now)
        self.read(self.trader.now)
        self.check()
        return self.replies[-1]


def desk() -> Desk:
    made = Desk(trader())
    made.read(0.0)
    return made


def params(order_type: str = "limit", **more: Any) -> AddOrderParams:
    terms: dict[str, Any] = {
        "order_type": order_type,
        "side": "buy",
        "symbol": "SOL/USD",
        "order_qty": D("1.5"),
    }
    if order_type == "limit":
        terms["limit_price"] = D("100.00")
    return AddOrderParams(**terms | more)


def test_every_method_of_the_session() -> None:
    """Placed, amended, edited, cancelled, one by one and in batches: each answer comes as its own type and says success."""
    made = desk()
    first = made.send(AddOrder(params=params(cl_ord_id="a")))
    assert isinstance(first, AddOrderReply)
    assert first.result is not None
    assert first.result.cl_ord_id == "a"
    amended = made.send(AmendOrder(params=AmendOrderParams(cl_ord_id="a", limit_price=D("99.50"))))
    assert amended.result.amend_id.startswith("T")
    order_id = first.result.order_id
    assert order_id is not None
    edited = made.send(EditOrder(params=EditOrderParams(order_id=order_id, symbol="SOL/USD", order_qty=D(3))))
    assert edited.result.original_order_id == order_id
    cancelled = made.send(CancelOrder(params=CancelOrderParams(order_id=(edited.result.order_id,))))
    assert cancelled.success
    orders = tuple(
        BatchOrder(
            order_type=OrderType.LIMIT,
            side=Way.BUY,
            order_qty=D(1),
            limit_price=D("98.00"),
            order_userref=number,
        )
        for number in (1, 2, 3)
    )
    batch = made.send(BatchAdd(params=BatchAddParams(symbol="SOL/USD", orders=orders)))
    assert [entry.rejected for entry in batch.orders] == [False] * 3
    ids = tuple(entry.order_id for entry in batch.orders[:2])
    assert made.send(BatchCancel(params=BatchCancelParams(orders=ids))).count == 2
    armed = made.send(CancelAllOrdersAfter(params=CancelAllOrdersAfterParams(timeout=60)))
    assert armed.result.trigger_time == "2026-11-22T08:01:00Z"
    assert made.send(CancelAll(params=CancelAllParams())).count == 1


@pytest.mark.parametrize(
    "order",
    [
        lambda bid: params("market"),
        lambda bid: params("market", order_qty=None, cash_order_qty=D(200)),
        lambda bid: params(limit_price=bid, post_only=True),
        lambda bid: params(limit_price=bid + 1, time_in_force="ioc"),
        lambda bid: params(limit_price=bid + 1, time_in_force="fok"),
        lambda bid: params(time_in_force="gtd", expire_time="2026-11-22T08:00:20Z"),
        lambda bid: params(effective_time="2026-11-22T08:00:20Z"),
        lambda bid: params("iceberg", limit_price=bid, display_qty=D("0.3"), order_qty=D(3)),
        lambda bid: params("stop-loss", triggers=Triggers(price=bid + 1)),
        lambda bid: params("stop-loss-limit", triggers=Triggers(price=bid + 1), limit_price=bid + 2),
        lambda bid: params("take-profit", triggers=Triggers(price=D("-0.05"), price_type=PriceType.PCT)),
        lambda bid: params(
            "take-profit-limit",
            triggers=Triggers(price=D("-0.1"), price_type=PriceType.QUOTE),
            limit_price=bid,
        ),
        lambda bid: params("trailing-stop", triggers=Triggers(price=D("0.05"), price_type=PriceType.PCT)),
        lambda bid: params(
            "trailing-stop-limit",
            triggers=Triggers(price=D("0.3"), price_type=PriceType.QUOTE),
            limit_price=D("0.05"),
        ),
        lambda bid: params(
            "market",
            conditional=Conditional(
                order_type=OrderType.TAKE_PROFIT, trigger_price=D("0.1"), trigger_price_type=PriceType.PCT
            ),
        ),
    ],
)
def test_every_kind_of_order_of_the_session(order: Callable[[Decimal], AddOrderParams]) -> None:
    """Whatever kind of order our types can write is taken, and its whole life is read without a word of doubt."""
    made = desk()
    bid = D(str(price_of(made.exchange.markets["SOL/USD"], Side.BUY)))
    reply = made.send(AddOrder(params=order(bid)))
    assert reply.success, reply
    for _ in range(120):
        made.trader.now += 0.5
        made.exchange.advance(made.trader.now)
        made.read(made.trader.now)
        made.check()
    assert made.kinds["pending_new"] >= 1
