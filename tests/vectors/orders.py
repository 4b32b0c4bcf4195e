"""Wire vectors of the order methods: requests as we write them, replies as Kraken does."""

from __future__ import annotations

from decimal import Decimal

from krakenwire.wire.enums import (
    FeePreference,
    OrderType,
    PriceType,
    Side,
    StpType,
    TimeInForce,
    TriggerReference,
)
from krakenwire.wire.order_replies import (
    AddOrderReply,
    AmendOrderReply,
    AmendResult,
    BatchAddReply,
    BatchCancelReply,
    BatchOrders,
    BatchResult,
    CancelAfterResult,
    CancelAllOrdersAfterReply,
    CancelAllReply,
    CancelOrderReply,
    CountResult,
    EditOrderReply,
    EditResult,
    OrderResult,
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
from krakenwire.wire.secret import Secret
from tests.vectors.control import TIME_IN, TIME_OUT, TIMES
from tests.vectors.vector import DOCS, OURS, RECORDED, Vector

TOKEN = Secret("WIRETOKEN")

REQUESTS = (
    Vector(
        "limit order",
        b'{"method":"add_order","params":{"order_type":"limit","side":"buy","order_qty":2.0,"limit_price":141.00,'
        b'"time_in_force":"gtc","cl_ord_id":"wire-000001","post_only":true,"symbol":"SOL/USD",'
        b'"deadline":"2026-11-20T08:01:05.000Z","token":"WIRETOKEN"},"req_id":501}',
        AddOrder(
            params=AddOrderParams(
                order_type=OrderType.LIMIT,
                side=Side.BUY,
                symbol="SOL/USD",
                order_qty=Decimal("2.0"),
                limit_price=Decimal("141.00"),
                time_in_force=TimeInForce.GTC,
                post_only=True,
                cl_ord_id="wire-000001",
                deadline="2026-11-20T08:01:05.000Z",
                token=TOKEN,
            ),
            req_id=501,
        ),
        DOCS,
    ),
    Vector(
        "market buy for an amount of money",
        b'{"method":"add_order","params":{"order_type":"market","side":"buy","cash_order_qty":100.00,'
        b'"symbol":"SOL/USD"}}',
        AddOrder(
            params=AddOrderParams(
                order_type=OrderType.MARKET,
                side=Side.BUY,
                symbol="SOL/USD",
                cash_order_qty=Decimal("100.00"),
            )
        ),
        DOCS,
    ),
    Vector(
        "trailing stop with a conditional order",
        b'{"method":"add_order","params":{"order_type":"trailing-stop-limit","side":"sell","order_qty":10,'
        b'"limit_price":-0.50,"limit_price_type":"quote","triggers":{"price":2.5,"price_type":"pct",'
        b'"reference":"index"},"time_in_force":"gtd","expire_time":"2026-11-25T00:00:00Z",'
        b'"effective_time":"2026-11-21T00:00:00Z","order_userref":7,"reduce_only":true,"margin":true,'
        b'"fee_preference":"quote","stp_type":"cancel_both","sender_sub_id":"desk-7","conditional":{"order_type":'
        b'"stop-loss-limit","limit_price":139.00,"trigger_price":-2.0,"trigger_price_type":"pct"},'
        b'"symbol":"SOL/USD","validate":true}}',
        AddOrder(
            params=AddOrderParams(
                order_type=OrderType.TRAILING_STOP_LIMIT,
                side=Side.SELL,
                symbol="SOL/USD",
                order_qty=Decimal(10),
                limit_price=Decimal("-0.50"),
                limit_price_type=PriceType.QUOTE,
                triggers=Triggers(
                    price=Decimal("2.5"), price_type=PriceType.PCT, reference=TriggerReference.INDEX
                ),
                time_in_force=TimeInForce.GTD,
                expire_time="2026-11-25T00:00:00Z",
                effective_time="2026-11-21T00:00:00Z",
                order_userref=7,
                reduce_only=True,
                margin=True,
                fee_preference=FeePreference.QUOTE,
                stp_type=StpType.CANCEL_BOTH,
                sender_sub_id="desk-7",
                conditional=Conditional(
                    order_type=OrderType.STOP_LOSS_LIMIT,
                    limit_price=Decimal("139.00"),
                    trigger_price=Decimal("-2.0"),
                    trigger_price_type=PriceType.PCT,
                ),
                validate=True,
            )
        ),
        DOCS,
    ),
    Vector(
        "amend by Kraken's id",
        b'{"method":"amend_order","params":{"order_id":"OWIRE1-AAAAA-000001","order_qty":3.00,"limit_price":140.50,'
        b'"post_only":true,"deadline":"2026-11-20T08:01:05.000Z","token":"WIRETOKEN"},"req_id":502}',
        AmendOrder(
            params=AmendOrderParams(
                order_id="OWIRE1-AAAAA-000001",
                order_qty=Decimal("3.00"),
                limit_price=Decimal("140.50"),
                post_only=True,
                deadline="2026-11-20T08:01:05.000Z",
                token=TOKEN,
            ),
            req_id=502,
        ),
        DOCS,
    ),
    Vector(
        "amend by the caller's id, a trigger",
        b'{"method":"amend_order","params":{"cl_ord_id":"wire-000001","limit_price":-0.5,"limit_price_type":"quote",'
        b'"trigger_price":130.00,"trigger_price_type":"static","display_qty":1.0,"symbol":"TSLAx/USD"}}',
        AmendOrder(
            params=AmendOrderParams(
                cl_ord_id="wire-000001",
                limit_price=Decimal("-0.5"),
                limit_price_type=PriceType.QUOTE,
                trigger_price=Decimal("130.00"),
                trigger_price_type=PriceType.STATIC,
                display_qty=Decimal("1.0"),
                symbol="TSLAx/USD",
            )
        ),
        DOCS,
    ),
    Vector(
        "edit",
        b'{"method":"edit_order","params":{"order_id":"OWIRE1-AAAAA-000001","symbol":"SOL/USD","order_qty":1.5,'
        b'"limit_price":140.00,"display_qty":0.5,"fee_preference":"base","post_only":false,"reduce_only":false,'
        b'"order_userref":8,"triggers":{"price":130.0},"deadline":"2026-11-20T08:01:05.000Z","validate":false,'
        b'"token":"WIRETOKEN"},"req_id":503}',
        EditOrder(
            params=EditOrderParams(
                order_id="OWIRE1-AAAAA-000001",
                symbol="SOL/USD",
                order_qty=Decimal("1.5"),
                limit_price=Decimal("140.00"),
                display_qty=Decimal("0.5"),
                fee_preference=FeePreference.BASE,
                post_only=False,
                reduce_only=False,
                order_userref=8,
                triggers=Triggers(price=Decimal("130.0")),
                deadline="2026-11-20T08:01:05.000Z",
                validate=False,
                token=TOKEN,
            ),
            req_id=503,
        ),
        DOCS,
    ),
    Vector(
        "cancel by all three kinds of id",
        b'{"method":"cancel_order","params":{"order_id":["OWIRE1-AAAAA-000001"],"cl_ord_id":["wire-000002"],'
        b'"order_userref":[7,0],"token":"WIRETOKEN"},"req_id":504}',
        CancelOrder(
            params=CancelOrderParams(
                order_id=("OWIRE1-AAAAA-000001",),
                cl_ord_id=("wire-000002",),
                order_userref=(7, 0),
                token=TOKEN,
            ),
            req_id=504,
        ),
        DOCS,
    ),
    Vector(
        "cancel all",
        b'{"method":"cancel_all","params":{"token":"WIRETOKEN"},"req_id":505}',
        CancelAll(params=CancelAllParams(token=TOKEN), req_id=505),
        DOCS,
    ),
    Vector(
        "dead man's switch",
        b'{"method":"cancel_all_orders_after","params":{"timeout":60,"token":"WIRETOKEN"},"req_id":506}',
        CancelAllOrdersAfter(params=CancelAllOrdersAfterParams(timeout=60, token=TOKEN), req_id=506),
        DOCS,
    ),
    Vector(
        "dead man's switch disarmed",
        b'{"method":"cancel_all_orders_after","params":{"timeout":0}}',
        CancelAllOrdersAfter(params=CancelAllOrdersAfterParams(timeout=0)),
        DOCS,
    ),
    Vector(
        "batch of two",
        b'{"method":"batch_add","params":{"symbol":"SOL/USD","orders":[{"order_type":"limit","side":"buy",'
        b'"order_qty":1.0,"limit_price":140.00,"order_userref":1},{"order_type":"iceberg","side":"sell",'
        b'"order_qty":15.0,"limit_price":150.00,"order_userref":2,"display_qty":1.0}],'
        b'"deadline":"2026-11-20T08:01:05.000Z","validate":true,"token":"WIRETOKEN"},"req_id":507}',
        BatchAdd(
            params=BatchAddParams(
                symbol="SOL/USD",
                orders=(
                    BatchOrder(
                        order_type=OrderType.LIMIT,
                        side=Side.BUY,
                        order_qty=Decimal("1.0"),
                        limit_price=Decimal("140.00"),
                        order_userref=1,
                    ),
                    BatchOrder(
                        order_type=OrderType.ICEBERG,
                        side=Side.SELL,
                        order_qty=Decimal("15.0"),
                        limit_price=Decimal("150.00"),
                        display_qty=Decimal("1.0"),
                        order_userref=2,
                    ),
                ),
                deadline="2026-11-20T08:01:05.000Z",
                validate=True,
                token=TOKEN,
            ),
            req_id=507,
        ),
        DOCS,
    ),
    Vector(
        "batch of cancels",
        b'{"method":"batch_cancel","params":{"orders":["OWIRE1-AAAAA-000001","7"],"cl_ord_id":["wire-000002"],'
        b'"token":"WIRETOKEN"},"req_id":508}',
        BatchCancel(
            params=BatchCancelParams(
                orders=("OWIRE1-AAAAA-000001", "7"), cl_ord_id=("wire-000002",), token=TOKEN
            ),
            req_id=508,
        ),
        DOCS,
    ),
)

REPLIES = (
    Vector(
        "add granted",
        b'{"method":"add_order","req_id":501,"result":{"order_id":"OWIRE1-AAAAA-000001","cl_ord_id":"wire-000001"},'
        b'"success":true,' + TIMES + b"}",
        AddOrderReply(
            success=True,
            req_id=501,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            result=OrderResult(order_id="OWIRE1-AAAAA-000001", cl_ord_id="wire-000001"),
        ),
        RECORDED,
    ),
    Vector(
        "add granted, with number and warnings",
        b'{"method":"add_order","result":{"order_id":"OWIRE1-AAAAA-000001","order_userref":7,"warnings":["old"]},'
        b'"success":true}',
        AddOrderReply(
            success=True,
            result=OrderResult(order_id="OWIRE1-AAAAA-000001", order_userref=7, warnings=("old",)),
        ),
        DOCS,
    ),
    Vector(
        "add validated only, without an id",
        b'{"method":"add_order","result":{},"success":true}',
        AddOrderReply(success=True, result=OrderResult()),
        OURS,
    ),
    Vector(
        "add refused",
        b'{"error":"EOrder:Insufficient funds","method":"add_order","req_id":501,"success":false,'
        + TIMES
        + b"}",
        AddOrderReply(
            success=False,
            error="EOrder:Insufficient funds",
            req_id=501,
            time_in=TIME_IN,
            time_out=TIME_OUT,
        ),
        RECORDED,
    ),
    Vector(
        "amend granted by Kraken's id",
        b'{"method":"amend_order","req_id":0,"result":{"amend_id":"TWIRE1-AAAAA-000009",'
        b'"order_id":"OWIRE1-AAAAA-000001"},"success":true,' + TIMES + b"}",
        AmendOrderReply(
            success=True,
            req_id=0,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            result=AmendResult(amend_id="TWIRE1-AAAAA-000009", order_id="OWIRE1-AAAAA-000001"),
        ),
        RECORDED,
    ),
    Vector(
        "amend granted by the caller's id",
        b'{"method":"amend_order","result":{"amend_id":"TWIRE1-AAAAA-000009","cl_ord_id":"wire-000001"},'
        b'"success":true}',
        AmendOrderReply(
            success=True, result=AmendResult(amend_id="TWIRE1-AAAAA-000009", cl_ord_id="wire-000001")
        ),
        DOCS,
    ),
    Vector(
        "amend refused",
        b'{"error":"Limit_price field must be a number_float","method":"amend_order","success":false}',
        AmendOrderReply(success=False, error="Limit_price field must be a number_float"),
        RECORDED,
    ),
    Vector(
        "edit granted",
        b'{"method":"edit_order","req_id":503,"result":{"order_id":"OWIRE1-AAAAA-000002",'
        b'"original_order_id":"OWIRE1-AAAAA-000001"},"success":true,' + TIMES + b"}",
        EditOrderReply(
            success=True,
            req_id=503,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            result=EditResult(order_id="OWIRE1-AAAAA-000002", original_order_id="OWIRE1-AAAAA-000001"),
        ),
        RECORDED,
    ),
    Vector(
        "edit refused",
        b'{"error":"Token(s) not found","method":"edit_order","success":false}',
        EditOrderReply(success=False, error="Token(s) not found"),
        RECORDED,
    ),
    Vector(
        "cancel granted",
        b'{"method":"cancel_order","req_id":504,"result":{"order_id":"OWIRE1-AAAAA-000001"},"success":true,'
        + TIMES
        + b"}",
        CancelOrderReply(
            success=True,
            req_id=504,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            result=OrderResult(order_id="OWIRE1-AAAAA-000001"),
        ),
        RECORDED,
    ),
    Vector(
        "cancel granted by the caller's id",
        b'{"method":"cancel_order","result":{"cl_ord_id":"wire-000002"},"success":true}',
        CancelOrderReply(success=True, result=OrderResult(cl_ord_id="wire-000002")),
        RECORDED,
    ),
    Vector(
        "cancel refused",
        b'{"error":"EOrder:Unknown order","method":"cancel_order","success":false}',
        CancelOrderReply(success=False, error="EOrder:Unknown order"),
        RECORDED,
    ),
    Vector(
        "cancel all, nothing to cancel",
        b'{"method":"cancel_all","req_id":505,"result":{"count":0},"success":true,' + TIMES + b"}",
        CancelAllReply(
            success=True, req_id=505, time_in=TIME_IN, time_out=TIME_OUT, result=CountResult(count=0)
        ),
        RECORDED,
    ),
    Vector(
        "cancel all refused",
        b'{"error":"EGeneral:Permission denied","method":"cancel_all","success":false}',
        CancelAllReply(success=False, error="EGeneral:Permission denied"),
        OURS,
    ),
    Vector(
        "dead man's switch armed",
        b'{"method":"cancel_all_orders_after","req_id":506,"result":{"currentTime":"2026-11-20T08:02:00Z",'
        b'"triggerTime":"2026-11-20T08:03:00Z"},"success":true,' + TIMES + b"}",
        CancelAllOrdersAfterReply(
            success=True,
            req_id=506,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            result=CancelAfterResult(
                current_time="2026-11-20T08:02:00Z", trigger_time="2026-11-20T08:03:00Z"
            ),
        ),
        RECORDED,
    ),
    Vector(
        "dead man's switch refused",
        b'{"error":"ESession:Invalid session","method":"cancel_all_orders_after","success":false}',
        CancelAllOrdersAfterReply(success=False, error="ESession:Invalid session"),
        OURS,
    ),
    Vector(
        "batch granted",
        b'{"method":"batch_add","req_id":507,"result":[{"order_id":"OWIRE1-AAAAA-000003","order_userref":1},'
        b'{"order_id":"OWIRE1-AAAAA-000004","cl_ord_id":"wire-000004","warnings":["old"]}],"success":true,'
        + TIMES
        + b"}",
        BatchAddReply(
            success=True,
            req_id=507,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            result=(
                BatchResult(order_id="OWIRE1-AAAAA-000003", order_userref=1),
                BatchResult(order_id="OWIRE1-AAAAA-000004", cl_ord_id="wire-000004", warnings=("old",)),
            ),
        ),
        RECORDED,
    ),
    Vector(
        "batch in the other shape, one order refused",
        b'{"method":"batch_add","result":{"orders":[{"order_id":"OWIRE1-AAAAA-000003","success":true},'
        b'{"cl_ord_id":"wire-000004","success":false,"error":"EOrder:Invalid price"}]},"success":true}',
        BatchAddReply(
            success=True,
            result=BatchOrders(
                orders=(
                    BatchResult(order_id="OWIRE1-AAAAA-000003", success=True),
                    BatchResult(cl_ord_id="wire-000004", success=False, error="EOrder:Invalid price"),
                )
            ),
        ),
        OURS,
    ),
    Vector(
        "batch refused",
        b'{"error":"EOrder:Invalid price","method":"batch_add","success":false}',
        BatchAddReply(success=False, error="EOrder:Invalid price"),
        OURS,
    ),
    Vector(
        "batch of cancels, counted at the top",
        b'{"method":"batch_cancel","orders_cancelled":2,"req_id":508,"success":true,' + TIMES + b"}",
        BatchCancelReply(success=True, req_id=508, time_in=TIME_IN, time_out=TIME_OUT, orders_cancelled=2),
        RECORDED,
    ),
    Vector(
        "batch of cancels, counted in the result",
        b'{"method":"batch_cancel","result":{"count":3},"success":true}',
        BatchCancelReply(success=True, result=CountResult(count=3)),
        DOCS,
    ),
    Vector(
        "batch of cancels refused",
        b'{"error":"EOrder:Unknown order","method":"batch_cancel","success":false}',
        BatchCancelReply(success=False, error="EOrder:Unknown order"),
        OURS,
    ),
)
