"""`wire/orders.py`, `order_terms.py`, `order_replies.py`: requests about orders, their rules, and Kraken's
replies.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.errors import UsageError
from krakenwire.wire.encoding import encode
from krakenwire.wire.enums import FeePreference, OrderType, PriceType, Side, StpType, TimeInForce
from krakenwire.wire.order_replies import BatchResult, OrderReply, Reply
from krakenwire.wire.order_terms import Conditional, Triggers
from krakenwire.wire.orders import (
    AddOrder,
    AddOrderParams,
    AmendOrderParams,
    BatchAdd,
    BatchAddParams,
    BatchCancelParams,
    BatchOrder,
    CancelAll,
    CancelAllOrdersAfterParams,
    CancelOrderParams,
    EditOrder,
    EditOrderParams,
    Request,
)
from krakenwire.wire.refusals import ErrorKind
from krakenwire.wire.secret import Secret, conceal_hook, reveal_hook
from krakenwire.wire.subscriptions import with_token
from tests.vectors import control, orders
from tests.vectors.vector import Vector, digits

ENCODER = msgspec.json.Encoder(enc_hook=reveal_hook, decimal_format="number")
REQUESTS = msgspec.json.Decoder(Request, dec_hook=conceal_hook)
REPLIES = msgspec.json.Decoder(OrderReply)
ALL_REPLIES = msgspec.json.Decoder(Reply)

ONE = Decimal(1)
ANY: Any = object()


def limit(**changes: Any) -> AddOrderParams:
    """A plain limit order, changed."""
    terms: dict[str, Any] = {
        "order_type": OrderType.LIMIT,
        "side": Side.BUY,
        "symbol": "SOL/USD",
        "order_qty": ONE,
        "limit_price": Decimal("141.00"),
    }
    return AddOrderParams(**terms | changes)


def market(**changes: Any) -> AddOrderParams:
    """A plain market order, changed."""
    return limit(**{"order_type": OrderType.MARKET, "limit_price": None} | changes)


def stop(**changes: Any) -> AddOrderParams:
    """A plain stop-loss order, changed."""
    terms = {"order_type": OrderType.STOP_LOSS, "limit_price": None, "triggers": Triggers(price=ONE)}
    return limit(**terms | changes)


def trailing(**changes: Any) -> AddOrderParams:
    """A plain trailing stop, changed."""
    triggers = Triggers(price=ONE, price_type=PriceType.PCT)
    return limit(
        **{"order_type": OrderType.TRAILING_STOP, "limit_price": None, "triggers": triggers} | changes
    )


def iceberg(**changes: Any) -> AddOrderParams:
    """A plain iceberg order, changed."""
    return limit(**{"order_type": OrderType.ICEBERG, "order_qty": Decimal(15), "display_qty": ONE} | changes)


def batch(count: int) -> tuple[BatchOrder, ...]:
    """So many orders."""
    order = BatchOrder(order_type=OrderType.MARKET, side=Side.BUY, order_qty=ONE)
    return (order,) * count


@pytest.mark.parametrize("vector", orders.REQUESTS, ids=lambda vector: vector.name)
def test_requests_are_written(vector: Vector) -> None:
    """Each request is written as Kraken documents it: numbers as numbers with their digits, words small."""
    assert ENCODER.encode(vector.message) == vector.frame


@pytest.mark.parametrize("vector", orders.REQUESTS, ids=lambda vector: vector.name)
def test_requests_are_read(vector: Vector) -> None:
    """Each request is read back digit for digit: a simulated exchange needs that."""
    assert digits(REQUESTS.decode(vector.frame)) == digits(vector.message)


@pytest.mark.parametrize("vector", orders.REQUESTS, ids=lambda vector: vector.name)
def test_every_request_takes_a_token(vector: Vector) -> None:
    """The token of a connection can be filled into any request about orders, and shows nowhere."""
    filled = with_token(vector.message, Secret("OTHERTOKEN"))
    assert filled.params.token == Secret("OTHERTOKEN")
    assert "OTHERTOKEN" not in repr(filled)


@pytest.mark.parametrize("vector", orders.REPLIES, ids=lambda vector: vector.name)
def test_replies_decode(vector: Vector) -> None:
    """Each reply decodes to exactly the message written beside it, and again after encoding."""
    assert digits(REPLIES.decode(vector.frame)) == digits(vector.message)
    assert digits(REPLIES.decode(ENCODER.encode(vector.message))) == digits(vector.message)
    frame = json.loads(vector.frame)
    assert (vector.message.method, vector.message.rejected) == (frame["method"], not frame["success"])


@pytest.mark.parametrize("vector", [*orders.REPLIES, *control.REPLY_VECTORS], ids=lambda vector: vector.name)
def test_one_union_for_all_replies(vector: Vector) -> None:
    """One decoder tells all replies apart by their method."""
    assert digits(ALL_REPLIES.decode(vector.frame)) == digits(vector.message)


@pytest.mark.conformance
def test_recorded_replies(conformance_data: Path) -> None:
    """Every recorded reply about orders decodes under the strict types."""
    seen = set()
    for file in sorted((conformance_data / "kraken_v2").rglob("*.json*")):
        text = file.read_bytes()
        for frame in text.splitlines() if file.suffix == ".jsonl" else [text]:
            method = json.loads(frame).get("method")
            if method is not None:
                assert ALL_REPLIES.decode(frame).method == method
                seen.add(method)
    assert len(seen) == 13


@pytest.mark.parametrize(
    ("frame", "count"),
    [
        (b'{"method":"batch_cancel","orders_cancelled":0,"success":true}', 0),
        (b'{"method":"batch_cancel","orders_cancelled":2,"success":true}', 2),
        (b'{"method":"batch_cancel","result":{"count":0},"success":true}', 0),
        (b'{"method":"batch_cancel","result":{"count":3},"success":true}', 3),
        (b'{"method":"batch_cancel","success":true}', None),
        (b'{"method":"cancel_all","result":{"count":0},"success":true}', 0),
        (b'{"method":"cancel_all","success":false,"error":"x"}', None),
    ],
)
def test_counts(frame: bytes, count: int | None) -> None:
    """The number of orders cancelled is found in either place; zero is a number, None is no answer."""
    reply: Any = REPLIES.decode(frame)
    assert reply.count == count


def test_batch_shapes_agree() -> None:
    """The results of a batch are found in either shape, and a refused batch has none."""
    lists: Any = REPLIES.decode(b'{"method":"batch_add","result":[{"order_id":"O1"}],"success":true}')
    wrapped: Any = REPLIES.decode(
        b'{"method":"batch_add","result":{"orders":[{"order_id":"O1"}]},"success":true}'
    )
    refused: Any = REPLIES.decode(b'{"method":"batch_add","success":false,"error":"x"}')
    assert lists.orders == wrapped.orders == (BatchResult(order_id="O1"),)
    assert refused.orders == ()


@pytest.mark.parametrize(
    ("result", "rejected"),
    [
        (BatchResult(order_id="O1"), False),
        (BatchResult(order_id="O1", success=True), False),
        (BatchResult(success=False), True),
        (BatchResult(order_id="O1", success=False), True),
        (BatchResult(error="EOrder:Invalid price"), True),
        (BatchResult(cl_ord_id="wire-1"), True),
    ],
)
def test_refused_members_of_a_batch(result: BatchResult, rejected: bool) -> None:
    """A member of a batch counts as placed only if nothing says otherwise and it has an id."""
    assert result.rejected is rejected


def test_refusals_have_a_kind() -> None:
    """A refused order says what kind of refusal it is."""
    reply = REPLIES.decode(b'{"method":"add_order","success":false,"error":"EOrder:Rate limit exceeded"}')
    assert reply.error_kind is ErrorKind.RATE


@pytest.mark.fault("J7")
def test_a_count_is_never_guessed() -> None:
    """A result without its count does not decode."""
    with pytest.raises(msgspec.ValidationError, match="missing required field `count`"):
        REPLIES.decode(b'{"method":"cancel_all","success":true,"result":{}}')


@pytest.mark.fault("J8")
@pytest.mark.parametrize(
    "frame",
    [
        b'{"method":"add_order","success":true,"result":[]}',
        b'{"method":"add_order","success":true,"result":{"order_id":7}}',
        b'{"method":"add_order","success":true,"result":{"order_userref":"7"}}',
        b'{"method":"batch_add","success":true,"result":[7]}',
        b'{"method":"batch_add","success":true,"result":{}}',
        b'{"method":"cancel_all","success":true,"result":{"count":1.0}}',
        b'{"method":"cancel_all","success":true,"result":{"count":"1"}}',
        b'{"method":"batch_cancel","orders_cancelled":true}',
        b'{"method":"cancel_all_orders_after","result":{"currentTime":7}}',
    ],
)
def test_wrong_types(frame: bytes) -> None:
    """A reply with a value of the wrong type is refused."""
    with pytest.raises(msgspec.ValidationError):
        REPLIES.decode(frame)


@pytest.mark.fault("J5")
@pytest.mark.parametrize("vector", orders.REPLIES, ids=lambda vector: vector.name)
def test_unknown_fields_are_noticed(vector: Vector) -> None:
    """The strict types refuse a field they do not know, and name it: that is how drift is noticed."""
    with pytest.raises(msgspec.ValidationError, match="unknown field `brand_new`"):
        REPLIES.decode(vector.frame[:-1] + b',"brand_new":1}')


@pytest.mark.parametrize(
    "make",
    [
        lambda: limit(time_in_force=TimeInForce.FOK),
        lambda: limit(time_in_force=TimeInForce.GTD, expire_time="2026-11-25T00:00:00Z"),
        lambda: limit(order_qty=Decimal("0.00000001"), limit_price=Decimal("0.1")),
        lambda: limit(cl_ord_id="7d1f0a52-9d0e-4a43-8b4e-0f5d8a1c2b3e"),
        lambda: limit(cl_ord_id="7d1f0a529d0e4a438b4e0f5d8a1c2b3e"),
        lambda: limit(cl_ord_id="eighteen characters"[:18]),
        lambda: limit(order_userref=0),
        lambda: limit(order_userref=-7),
        lambda: market(order_qty=None, cash_order_qty=ONE),
        lambda: market(side=Side.SELL),
        lambda: market(order_type=OrderType.SETTLE_POSITION, order_qty=Decimal(0)),
        stop,
        lambda: stop(triggers=Triggers(price=Decimal(-2), price_type=PriceType.PCT)),
        lambda: stop(order_type=OrderType.TAKE_PROFIT_LIMIT, limit_price=ONE, post_only=True),
        trailing,
        lambda: trailing(order_type=OrderType.TRAILING_STOP_LIMIT, limit_price=Decimal(0)),
        iceberg,
        lambda: AmendOrderParams(order_id="O1", limit_price=Decimal(-1)),
        lambda: CancelOrderParams(order_userref=(7,)),
        lambda: CancelAllOrdersAfterParams(timeout=86_399),
        lambda: BatchAddParams(symbol="SOL/USD", orders=batch(15)),
        lambda: BatchCancelParams(orders=("1",) * 50),
        lambda: BatchCancelParams(orders=("1",), cl_ord_id=("wire-1",)),
        lambda: BatchCancelParams(orders=(), cl_ord_id=("wire-1", "wire-2")),
        lambda: Conditional(order_type=OrderType.TRAILING_STOP, trigger_price=ONE),
    ],
)
def test_legal_requests(make: Callable[[], object]) -> None:
    """What the documents allow can be made, up to the last digit of every limit."""
    assert make() is not None


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: limit(order_type=OrderType("moon")), "order_type"),
        (lambda: limit(order_type=ANY), "order_type"),
        (lambda: limit(order_type=None), "order_type"),
        (lambda: limit(side=Side("hold")), "side"),
        (lambda: limit(side=None), "side"),
        (lambda: limit(symbol=""), "symbol"),
        (lambda: limit(symbol=["SOL/USD"]), "symbol"),
        # Sizes.
        (lambda: limit(order_qty=None), "order_qty"),
        (lambda: market(cash_order_qty=ONE), "order_qty"),
        (lambda: limit(order_qty=None, cash_order_qty=ONE), "cash_order_qty"),
        (lambda: market(side=Side.SELL, order_qty=None, cash_order_qty=ONE), "cash_order_qty"),
        (lambda: market(margin=True, order_qty=None, cash_order_qty=ONE), "cash_order_qty"),
        (lambda: limit(order_qty=Decimal(0)), "order_qty"),
        (lambda: limit(order_qty=Decimal(-1)), "order_qty"),
        (lambda: market(order_type=OrderType.SETTLE_POSITION, order_qty=Decimal("NaN")), "order_qty"),
        (lambda: limit(display_qty=ONE), "display_qty"),
        (lambda: iceberg(display_qty=None), "display_qty"),
        (lambda: iceberg(display_qty=Decimal("0.9999999")), "display_qty"),
        # Prices.
        (lambda: limit(limit_price=None), "limit_price"),
        (lambda: iceberg(limit_price=None), "limit_price"),
        (lambda: stop(order_type=OrderType.STOP_LOSS_LIMIT), "limit_price"),
        (lambda: trailing(order_type=OrderType.TRAILING_STOP_LIMIT), "limit_price"),
        (lambda: limit(limit_price=Decimal(0)), "limit_price"),
        (lambda: limit(limit_price=Decimal(-1)), "limit_price"),
        (lambda: limit(limit_price_type=PriceType.STATIC), "limit_price_type"),
        (lambda: limit(limit_price_type=PriceType("moon")), "limit_price_type"),
        # Triggers.
        (lambda: stop(triggers=None), "triggers"),
        (lambda: trailing(triggers=None), "triggers"),
        (lambda: trailing(triggers=Triggers(price=ONE)), "triggers.price_type"),
        (
            lambda: trailing(triggers=Triggers(price=ONE, price_type=PriceType.STATIC)),
            "triggers.price_type",
        ),
        (
            lambda: trailing(triggers=Triggers(price=Decimal(-1), price_type=PriceType.QUOTE)),
            "triggers.price",
        ),
        (lambda: stop(triggers={"price": Decimal(-1)}), "triggers.price"),
        (lambda: stop(triggers={"price": 1.5}), "triggers.price"),
        (lambda: stop(triggers={}), "triggers"),
        (lambda: stop(triggers={"price": ONE, "prize": ONE}), "triggers"),
        (lambda: stop(triggers={7: ONE}), "triggers"),
        (lambda: stop(triggers=[ONE]), "triggers"),
        (lambda: trailing(triggers={"price": ONE}), "triggers.price_type"),
        (lambda: limit(conditional={"order_type": "market"}), "conditional.order_type"),
        (lambda: limit(conditional="limit"), "conditional"),
        (lambda: EditOrderParams(order_id="O1", symbol="SOL/USD", triggers={"price": "1"}), "triggers.price"),  # type: ignore[arg-type]
        (lambda: Triggers(price=Decimal(-1)), "price"),
        (lambda: Triggers(price=ANY), "price"),
        (lambda: Triggers(price=None), "price"),  # type: ignore[arg-type]
        (lambda: Triggers(price=ONE, price_type=PriceType("moon")), "price_type"),
        (lambda: Conditional(order_type=OrderType.MARKET), "order_type"),
        (lambda: Conditional(order_type=None), "order_type"),  # type: ignore[arg-type]
        (
            lambda: Conditional(order_type=OrderType.LIMIT, limit_price=Decimal(-1)),
            "limit_price",
        ),
        (lambda: Conditional(order_type=OrderType.LIMIT), "limit_price"),
        (lambda: Conditional(order_type=OrderType.STOP_LOSS), "trigger_price"),
        (
            lambda: Conditional(
                order_type=OrderType.LIMIT, limit_price=ONE, limit_price_type=PriceType.QUOTE
            ),
            "limit_price_type",
        ),
        # Time.
        (lambda: limit(time_in_force=TimeInForce("GTC")), "time_in_force"),
        (lambda: limit(time_in_force=TimeInForce.GTD), "expire_time"),
        (lambda: market(time_in_force=TimeInForce.FOK), "time_in_force"),
        (lambda: limit(expire_time="tomorrow"), "expire_time"),
        (lambda: limit(effective_time="2026-11-20T08:00:00"), "effective_time"),
        (lambda: limit(deadline="+5"), "deadline"),
        # Ids.
        (lambda: limit(cl_ord_id="wire-1", order_userref=1), "cl_ord_id"),
        (lambda: limit(cl_ord_id=""), "cl_ord_id"),
        (lambda: limit(cl_ord_id="nineteen characters"), "cl_ord_id"),
        (lambda: limit(cl_ord_id="caf\u00e9"), "cl_ord_id"),
        (lambda: limit(cl_ord_id="7d1f0a52-9d0e-4a43-8b4e-0f5d8a1c2b3"), "cl_ord_id"),
        (lambda: limit(cl_ord_id=7), "cl_ord_id"),
        (lambda: limit(sender_sub_id="\n"), "sender_sub_id"),
        (lambda: limit(order_userref="1"), "order_userref"),
        (lambda: limit(order_userref=True), "order_userref"),
        # Flags and preferences.
        (lambda: market(post_only=True), "post_only"),
        (lambda: limit(fee_preference=FeePreference("fciq")), "fee_preference"),
        (lambda: limit(stp_type=StpType("moon")), "stp_type"),
        # Other methods.
        (lambda: AmendOrderParams(limit_price=ONE), "order_id"),
        (lambda: AmendOrderParams(order_id="O1", cl_ord_id="wire-1", limit_price=ONE), "order_id"),
        (lambda: AmendOrderParams(order_id="O1"), "order_qty"),
        (lambda: AmendOrderParams(order_id="O1", order_qty=Decimal(0)), "order_qty"),
        (lambda: EditOrderParams(order_id="", symbol="SOL/USD"), "order_id"),
        (lambda: EditOrderParams(order_id="O1", symbol=""), "symbol"),
        (CancelOrderParams, "order_id"),
        (lambda: CancelOrderParams(order_id=()), "order_id"),
        (lambda: CancelOrderParams(order_id="O1"), "order_id"),  # type: ignore[arg-type]
        (lambda: CancelOrderParams(order_userref=("1",)), "order_userref"),  # type: ignore[arg-type]
        (lambda: CancelOrderParams(order_userref=()), "order_userref"),
        (lambda: CancelOrderParams(order_userref=7), "order_userref"),  # type: ignore[arg-type]
        (lambda: CancelAllOrdersAfterParams(timeout=-1), "timeout"),
        (lambda: CancelAllOrdersAfterParams(timeout=86_400), "timeout"),
        (lambda: CancelAllOrdersAfterParams(timeout=1.0), "timeout"),  # type: ignore[arg-type]
        (lambda: CancelAllOrdersAfterParams(timeout=True), "timeout"),
        (lambda: BatchAddParams(symbol="SOL/USD", orders=batch(1)), "orders"),
        (lambda: BatchAddParams(symbol="SOL/USD", orders=batch(16)), "orders"),
        (lambda: BatchAddParams(symbol="SOL/USD", orders=(ANY, ANY)), "orders"),
        (lambda: BatchAddParams(symbol="SOL/USD", orders=ANY), "orders"),
        (lambda: BatchAddParams(symbol="", orders=batch(2)), "symbol"),
        (lambda: BatchCancelParams(orders=("1",)), "orders"),
        (lambda: BatchCancelParams(orders=()), "orders"),
        (lambda: BatchCancelParams(orders=("1",) * 51), "orders"),
        (lambda: BatchCancelParams(orders=("1",) * 50, cl_ord_id=("wire-1",)), "orders"),
        (lambda: AddOrder(limit(), req_id=2**53), "req_id"),
        (lambda: CancelAll(req_id=-1), "req_id"),
    ],
)
def test_mistakes(make: Callable[[], object], field: str) -> None:
    """A request that Kraken's documents forbid cannot be made; the error names the field."""
    with pytest.raises(UsageError) as error:
        make()
    assert error.value.field == field


@pytest.mark.parametrize("field", ["order_qty", "limit_price", "display_qty", "cash_order_qty"])
@pytest.mark.parametrize("value", [1.0, 1, "1", True], ids=repr)
def test_only_decimals_are_amounts(field: str, value: object) -> None:
    """An amount is a Decimal: a float has lost digits, and the error says so."""
    with pytest.raises(UsageError, match="must be a Decimal") as error:
        limit(**{field: value})
    assert error.value.field == field
    assert ("digits are already lost" in str(error.value)) is isinstance(value, float)


@pytest.mark.fault("J9")
@pytest.mark.parametrize("text", ["NaN", "Infinity", "1e999999999", "1e-99", "1." + "1" * 40])
def test_hostile_amounts(text: str) -> None:
    """An amount without bounds is not sent."""
    with pytest.raises(UsageError, match="cannot be used"):
        limit(order_qty=Decimal(text))


def test_words_become_members() -> None:
    """A choice written as plain text is stored as its member."""
    order = limit(order_type="limit", side="sell", time_in_force="ioc")
    assert (order.order_type, order.side, order.time_in_force) == (
        OrderType.LIMIT,
        Side.SELL,
        TimeInForce.IOC,
    )
    assert order.side is Side.SELL


def test_lists_become_tuples() -> None:
    """Lists are stored as tuples: nobody can change a request afterwards."""
    refs: Any = [1, 2]
    orders_: Any = list(batch(2))
    assert CancelOrderParams(order_userref=refs).order_userref == (1, 2)
    assert BatchAddParams(symbol="SOL/USD", orders=orders_).orders == batch(2)


@given(st.decimals(min_value=Decimal("1e-8"), max_value=Decimal("1e8"), places=8))
def test_parts_given_as_mappings_are_sent_as_numbers(price: Decimal) -> None:
    """`triggers` and `conditional` given as plain mappings become the types of those names, alone, in a batch and in an edit: their
    numbers go out as JSON numbers with every digit, and the request reads back to itself.
    """
    triggers = {"price": price, "price_type": "static"}
    conditional = {"order_type": "stop-loss-limit", "trigger_price": price, "limit_price": price}
    params = stop(triggers=triggers, conditional=conditional)
    assert params.triggers == Triggers(price=price, price_type=PriceType.STATIC)
    assert isinstance(params.conditional, Conditional)
    one = BatchOrder(
        order_type=OrderType.STOP_LOSS,
        side=Side.BUY,
        order_qty=ONE,
        triggers=triggers,  # type: ignore[arg-type]
    )
    requests = (
        AddOrder(params=params, req_id=1),
        BatchAdd(params=BatchAddParams(symbol="SOL/USD", orders=(one, one)), req_id=1),
        EditOrder(
            params=EditOrderParams(order_id="O1", symbol="SOL/USD", triggers=triggers),  # type: ignore[arg-type]
            req_id=1,
        ),
    )
    for request in requests:
        sent = encode(request)
        assert b'"price":%s' % format(price, "f").encode() in sent
        told = REQUESTS.decode(sent)
        assert repr(told) == repr(request)
