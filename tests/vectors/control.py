"""Wire vectors of `status`, `heartbeat`, and the replies that are not about orders."""

from __future__ import annotations

from decimal import Decimal

from krakenwire.wire.control import (
    Emergency,
    ErrorReply,
    Heartbeat,
    Maintenance,
    NextStep,
    PingReply,
    Pong,
    PongResult,
    StatusMessage,
    StatusUpdate,
    SubscribeReply,
    SubscriptionResult,
    UnsubscribeReply,
)
from krakenwire.wire.enums import (
    Channel,
    EventTrigger,
    IncidentStatus,
    MaintenancePhase,
    MessageType,
    RecommendedAction,
    Service,
    SystemStatus,
)
from tests.vectors.vector import DOCS, OURS, RECORDED, Vector

TIMES = b'"time_in":"2026-11-20T08:00:00.100200Z","time_out":"2026-11-20T08:00:00.100231Z"'
TIME_IN = "2026-11-20T08:00:00.100200Z"
TIME_OUT = "2026-11-20T08:00:00.100231Z"

HEARTBEAT = Vector("heartbeat", b'{"channel":"heartbeat"}', Heartbeat(), RECORDED)

STATUS = Vector(
    "status of a fresh connection, its id above 2^63",
    b'{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2",'
    b'"connection_id":18000000000000000001,"upcoming_maintenance":[],"emergency":[]}]}',
    StatusMessage(
        MessageType.UPDATE,
        (
            StatusUpdate(
                system=SystemStatus.ONLINE,
                api_version="v2",
                version="2.0.10",
                connection_id=18000000000000000001,
                upcoming_maintenance=(),
                emergency=(),
            ),
        ),
    ),
    RECORDED,
)

STATUS_CHANGE = Vector(
    "status when only the engine changed, without connection id",
    b'{"channel":"status","data":[{"api_version":"v2","system":"maintenance","version":"2.0.10"}],"type":"update"}',
    StatusMessage(
        MessageType.UPDATE,
        (StatusUpdate(system=SystemStatus.MAINTENANCE, api_version="v2", version="2.0.10"),),
    ),
    RECORDED,
)

STATUS_FULL = Vector(
    "status with a maintenance to come and an incident",
    b'{"channel":"status","type":"update","data":[{"version":"2.0.11","system":"post_only","api_version":"v2",'
    b'"connection_id":7,"upcoming_maintenance":[{"event_id":31,"title":"Database work",'
    b'"expected_start_utc":"2026-11-21T02:00:00.000000Z","expected_end_utc":"2026-11-21T03:00:00.000000Z",'
    b'"time_to_start_s":1800,"phase":"approaching_30m","affected_services":["spot_ws","spot_trading"],'
    b'"order_submission":"discouraged","recommended_action":"cancel_open_orders",'
    b'"cancel_before_utc":"2026-11-21T01:55:00.000000Z","source_url":"https://status.example/31"}],'
    b'"emergency":[{"event_id":99,"title":"Slow order entry","incident_status":"identified","impact":"major",'
    b'"affected_services":["all"],"started_at_utc":"2026-11-20T07:50:00Z","next_steps":[{"applies_to":["spot_ws"],'
    b'"type":"expected_restart","expected_at_utc":"2026-11-20T09:00:00Z"}],'
    b'"source_url":"https://status.example/99"}]}]}',
    StatusMessage(
        MessageType.UPDATE,
        (
            StatusUpdate(
                system=SystemStatus.POST_ONLY,
                api_version="v2",
                version="2.0.11",
                connection_id=7,
                upcoming_maintenance=(
                    Maintenance(
                        event_id=31,
                        title="Database work",
                        expected_start_utc="2026-11-21T02:00:00.000000Z",
                        expected_end_utc="2026-11-21T03:00:00.000000Z",
                        cancel_before_utc="2026-11-21T01:55:00.000000Z",
                        time_to_start_s=1800,
                        phase=MaintenancePhase.APPROACHING_30M,
                        affected_services=(Service.SPOT_WS, Service.SPOT_TRADING),
                        order_submission="discouraged",
                        recommended_action=RecommendedAction.CANCEL_OPEN_ORDERS,
                        source_url="https://status.example/31",
                    ),
                ),
                emergency=(
                    Emergency(
                        event_id=99,
                        title="Slow order entry",
                        incident_status=IncidentStatus.IDENTIFIED,
                        impact="major",
                        affected_services=(Service.ALL,),
                        started_at_utc="2026-11-20T07:50:00Z",
                        next_steps=(
                            NextStep(
                                type="expected_restart",
                                applies_to=(Service.SPOT_WS,),
                                expected_at_utc="2026-11-20T09:00:00Z",
                            ),
                        ),
                        source_url="https://status.example/99",
                    ),
                ),
            ),
        ),
    ),
    DOCS,
)

MARKET_VECTORS = (HEARTBEAT, STATUS, STATUS_CHANGE, STATUS_FULL)
"""Frames told apart by `channel`."""


def _granted(
    name: str, frame: bytes, result: SubscriptionResult, req_id: int | None = None, origin: str = RECORDED
) -> Vector:
    reply = SubscribeReply(success=True, req_id=req_id, time_in=TIME_IN, time_out=TIME_OUT, result=result)
    return Vector(name, frame, reply, origin)


GRANTED = (
    _granted(
        "ack of ticker",
        b'{"method":"subscribe","req_id":42,"result":{"channel":"ticker","event_trigger":"bbo","snapshot":true,'
        b'"symbol":"SOL/USD"},"success":true,' + TIMES + b"}",
        SubscriptionResult(
            channel=Channel.TICKER, event_trigger=EventTrigger.BBO, snapshot=True, symbol="SOL/USD"
        ),
        42,
    ),
    _granted(
        "ack of book",
        b'{"method":"subscribe","result":{"channel":"book","depth":25,"snapshot":true,"symbol":"SOL/USD"},'
        b'"success":true,' + TIMES + b"}",
        SubscriptionResult(channel=Channel.BOOK, depth=25, snapshot=True, symbol="SOL/USD"),
    ),
    _granted(
        "ack of level3",
        b'{"method":"subscribe","req_id":0,"result":{"channel":"level3","snapshot":true,"symbol":"SOL/USD"},'
        b'"success":true,' + TIMES + b"}",
        SubscriptionResult(channel=Channel.LEVEL3, snapshot=True, symbol="SOL/USD"),
        0,
    ),
    _granted(
        "ack of ohlc, with a warning",
        b'{"method":"subscribe","req_id":1,"result":{"channel":"ohlc","interval":60,"snapshot":true,'
        b'"symbol":"SOL/USD","warnings":["timestamp is deprecated, use interval_begin"]},"success":true,'
        + TIMES
        + b"}",
        SubscriptionResult(
            channel=Channel.OHLC,
            interval=60,
            snapshot=True,
            symbol="SOL/USD",
            warnings=("timestamp is deprecated, use interval_begin",),
        ),
        1,
    ),
    _granted(
        "ack of trade",
        b'{"method":"subscribe","result":{"channel":"trade","snapshot":false,"symbol":"SOL/USD"},"success":true,'
        + TIMES
        + b"}",
        SubscriptionResult(channel=Channel.TRADE, snapshot=False, symbol="SOL/USD"),
    ),
    _granted(
        "ack of instrument",
        b'{"method":"subscribe","req_id":3,"result":{"channel":"instrument","snapshot":true,'
        b'"warnings":["tick_size is deprecated, use price_increment"]},"success":true,' + TIMES + b"}",
        SubscriptionResult(
            channel=Channel.INSTRUMENT,
            snapshot=True,
            warnings=("tick_size is deprecated, use price_increment",),
        ),
        3,
    ),
    _granted(
        "ack of executions",
        b'{"method":"subscribe","req_id":4,"result":{"channel":"executions","maxratecount":125,"snap_orders":true,'
        b'"snap_trades":false,"snapshot":true,"warnings":["cancel_reason is deprecated, use reason"]},'
        b'"success":true,' + TIMES + b"}",
        SubscriptionResult(
            channel=Channel.EXECUTIONS,
            maxratecount=Decimal(125),
            snap_orders=True,
            snap_trades=False,
            snapshot=True,
            warnings=("cancel_reason is deprecated, use reason",),
        ),
        4,
    ),
    _granted(
        "ack of balances",
        b'{"method":"subscribe","req_id":5,"result":{"channel":"balances","snapshot":true},"success":true,'
        + TIMES
        + b"}",
        SubscriptionResult(channel=Channel.BALANCES, snapshot=True),
        5,
    ),
)

UNSUBSCRIBED = (
    Vector(
        "end of book",
        b'{"method":"unsubscribe","result":{"channel":"book","depth":25,"symbol":"SOL/USD"},"success":true,'
        + TIMES
        + b"}",
        UnsubscribeReply(
            success=True,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            result=SubscriptionResult(channel=Channel.BOOK, depth=25, symbol="SOL/USD"),
        ),
        RECORDED,
    ),
    Vector(
        "end of balances",
        b'{"method":"unsubscribe","req_id":8,"result":{"channel":"balances"},"success":true,' + TIMES + b"}",
        UnsubscribeReply(
            success=True,
            req_id=8,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            result=SubscriptionResult(channel=Channel.BALANCES),
        ),
        DOCS,
    ),
    Vector(
        "refused end of a subscription",
        b'{"error":"Subscription Not Found","method":"unsubscribe","req_id":9,"success":false,'
        b'"symbol":"SOL/USD",' + TIMES + b"}",
        UnsubscribeReply(
            success=False,
            error="Subscription Not Found",
            req_id=9,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            symbol="SOL/USD",
        ),
        OURS,
    ),
)

REFUSED_SYMBOL = Vector(
    "refused symbol, named at the top level",
    b'{"error":"Currency pair not supported XBT/EUR","method":"subscribe","success":false,"symbol":"XBT/EUR",'
    + TIMES
    + b"}",
    SubscribeReply(
        success=False,
        error="Currency pair not supported XBT/EUR",
        time_in=TIME_IN,
        time_out=TIME_OUT,
        symbol="XBT/EUR",
    ),
    RECORDED,
)

REFUSED_SESSION = Vector(
    "refused private channel: channel, method and status at the top level",
    b'{"channel":"executions","error":"ESession:Invalid session","method":"subscribe","status":"error",'
    b'"success":false,' + TIMES + b"}",
    SubscribeReply(
        success=False,
        error="ESession:Invalid session",
        time_in=TIME_IN,
        time_out=TIME_OUT,
        channel=Channel.EXECUTIONS,
        status="error",
    ),
    RECORDED,
)

REFUSED_NOTHING_NAMED = Vector(
    "refused subscription that names neither channel nor symbol",
    b'{"error":"Subscription depth not supported","method":"subscribe","req_id":6,"success":false,'
    + TIMES
    + b"}",
    SubscribeReply(
        success=False,
        error="Subscription depth not supported",
        req_id=6,
        time_in=TIME_IN,
        time_out=TIME_OUT,
    ),
    RECORDED,
)

PONG = Vector(
    "pong, without success and result",
    b'{"method":"pong","req_id":7,' + TIMES + b"}",
    Pong(req_id=7, time_in=TIME_IN, time_out=TIME_OUT),
    RECORDED,
)

PONGS = (
    PONG,
    Vector("pong without a number", b'{"method":"pong"}', Pong(), DOCS),
    Vector(
        "pong with all that its schema allows",
        b'{"method":"pong","req_id":7,"success":true,"result":{"warnings":["old"]},' + TIMES + b"}",
        Pong(
            success=True,
            req_id=7,
            time_in=TIME_IN,
            time_out=TIME_OUT,
            result=PongResult(warnings=("old",)),
        ),
        DOCS,
    ),
    Vector(
        "refused ping",
        b'{"error":"Unsupported field: \'params\' for the given msg type: ping","method":"ping","req_id":0,'
        b'"success":false,' + TIMES + b"}",
        PingReply(
            success=False,
            error="Unsupported field: 'params' for the given msg type: ping",
            req_id=0,
            time_in=TIME_IN,
            time_out=TIME_OUT,
        ),
        RECORDED,
    ),
)

MALFORMED = Vector(
    "request that Kraken could not read",
    b'{"error":"Malformed request","method":"error","success":false,' + TIMES + b"}",
    ErrorReply(success=False, error="Malformed request", time_in=TIME_IN, time_out=TIME_OUT),
    RECORDED,
)

REPLY_VECTORS = (
    *GRANTED,
    *UNSUBSCRIBED,
    REFUSED_SYMBOL,
    REFUSED_SESSION,
    REFUSED_NOTHING_NAMED,
    *PONGS,
    MALFORMED,
)
"""Frames told apart by `method`."""
