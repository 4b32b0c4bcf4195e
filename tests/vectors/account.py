"""Wire vectors of channels `executions` and `balances`."""

from __future__ import annotations

from krakenwire.wire.account import (
    BalanceEntry,
    BalancesMessage,
    ContingentReport,
    ExecutionReport,
    ExecutionsMessage,
    Fee,
    TriggerReport,
    Wallet,
)
from krakenwire.wire.enums import (
    AssetClass,
    ExecType,
    FeeCurrencyPreference,
    LedgerCategory,
    LedgerSubtype,
    LedgerType,
    LiquidityIndicator,
    MessageType,
    OrderStatus,
    OrderType,
    PositionStatus,
    PriceType,
    ReportedTimeInForce,
    Side,
    TriggerReference,
    TriggerStatus,
    WalletId,
    WalletType,
)
from tests.vectors.vector import DOCS, OURS, RECORDED, Vector

EMPTY_SNAPSHOT = Vector(
    "executions snapshot with nothing to tell",
    b'{"channel":"executions","type":"snapshot","data":[],"sequence":1}',
    ExecutionsMessage(MessageType.SNAPSHOT, (), 1),
    RECORDED,
)

PENDING_NEW = Vector(
    "executions pending_new",
    b'{"channel":"executions","type":"update","data":[{"order_id":"OWIRE1-AAAAA-000001","symbol":"SOL/USD",'
    b'"order_qty":2.00000000,"cum_cost":0.00000,"time_in_force":"GTC","exec_type":"pending_new","side":"buy",'
    b'"order_type":"limit","cl_ord_id":"wire-000001","limit_price_type":"static","limit_price":141.00,'
    b'"stop_price":0.00,"order_status":"pending_new","fee_usd_equiv":0.00000,"fee_ccy_pref":"fciq",'
    b'"timestamp":"2026-11-20T08:01:00.100200Z"}],"sequence":2}',
    ExecutionsMessage(
        MessageType.UPDATE,
        (
            ExecutionReport(
                order_id="OWIRE1-AAAAA-000001",
                exec_type=ExecType.PENDING_NEW,
                order_status=OrderStatus.PENDING_NEW,
                timestamp="2026-11-20T08:01:00.100200Z",
                symbol="SOL/USD",
                side=Side.BUY,
                order_type=OrderType.LIMIT,
                order_qty_text="2.00000000",
                cum_cost_text="0.00000",
                time_in_force=ReportedTimeInForce.GTC,
                cl_ord_id="wire-000001",
                limit_price_text="141.00",
                limit_price_type=PriceType.STATIC,
                stop_price_text="0.00",
                fee_usd_equiv_text="0.00000",
                fee_ccy_pref=FeeCurrencyPreference.FCIQ,
            ),
        ),
        2,
    ),
    RECORDED,
)

NEW = Vector(
    "executions new, with hardly a field",
    b'{"channel":"executions","type":"update","data":[{"timestamp":"2026-11-20T08:01:00.100207Z",'
    b'"order_status":"new","exec_type":"new","order_userref":0,"order_id":"OWIRE1-AAAAA-000001"}],"sequence":3}',
    ExecutionsMessage(
        MessageType.UPDATE,
        (
            ExecutionReport(
                order_id="OWIRE1-AAAAA-000001",
                exec_type=ExecType.NEW,
                order_status=OrderStatus.NEW,
                timestamp="2026-11-20T08:01:00.100207Z",
                order_userref=0,
            ),
        ),
        3,
    ),
    RECORDED,
)

FILL = Vector(
    "executions trade, the status stays partially_filled",
    b'{"channel":"executions","type":"update","data":[{"order_id":"OWIRE1-AAAAA-000001","cl_ord_id":"wire-000001",'
    b'"exec_id":"TWIRE1-AAAAA-000001","exec_type":"trade","trade_id":5100300,"symbol":"SOL/USD","side":"buy",'
    b'"last_qty":2.00000000,"last_price":141.00,"liquidity_ind":"m","cost":282.00000,"order_type":"limit",'
    b'"timestamp":"2026-11-20T08:01:04.000001Z","order_status":"partially_filled","cum_qty":2.00000000,'
    b'"cum_cost":282.00000,"avg_price":141.00,"fee_usd_equiv":0.45120,"fees":[{"asset":"USD","qty":0.45120}]}],'
    b'"sequence":4}',
    ExecutionsMessage(
        MessageType.UPDATE,
        (
            ExecutionReport(
                order_id="OWIRE1-AAAAA-000001",
                exec_type=ExecType.TRADE,
                order_status=OrderStatus.PARTIALLY_FILLED,
                timestamp="2026-11-20T08:01:04.000001Z",
                symbol="SOL/USD",
                side=Side.BUY,
                order_type=OrderType.LIMIT,
                cl_ord_id="wire-000001",
                exec_id="TWIRE1-AAAAA-000001",
                trade_id=5100300,
                last_qty_text="2.00000000",
                last_price_text="141.00",
                liquidity_ind=LiquidityIndicator.MAKER,
                cost_text="282.00000",
                cum_qty_text="2.00000000",
                cum_cost_text="282.00000",
                avg_price_text="141.00",
                fee_usd_equiv_text="0.45120",
                fees=(Fee("USD", "0.45120"),),
            ),
        ),
        4,
    ),
    RECORDED,
)

CANCELED = Vector(
    "executions canceled, the reason under both names",
    b'{"channel":"executions","type":"update","data":[{"timestamp":"2026-11-20T08:02:40.165132Z",'
    b'"order_status":"canceled","exec_type":"canceled","cum_qty":0.00000000,"cum_cost":0.000000,'
    b'"fee_usd_equiv":0.000000,"avg_price":0.00000,"order_userref":7,"cancel_reason":"User requested",'
    b'"reason":"User requested","order_id":"OWIRE1-AAAAA-000002"}],"sequence":5}',
    ExecutionsMessage(
        MessageType.UPDATE,
        (
            ExecutionReport(
                order_id="OWIRE1-AAAAA-000002",
                exec_type=ExecType.CANCELED,
                order_status=OrderStatus.CANCELED,
                timestamp="2026-11-20T08:02:40.165132Z",
                order_userref=7,
                cum_qty_text="0.00000000",
                cum_cost_text="0.000000",
                avg_price_text="0.00000",
                fee_usd_equiv_text="0.000000",
                reason="User requested",
                cancel_reason="User requested",
            ),
        ),
        5,
    ),
    RECORDED,
)

EVERY_FIELD = Vector(
    "executions report with every field of the catalogue",
    b'{"channel":"executions","type":"snapshot","data":[{"order_id":"OWIRE1-AAAAA-000003","order_userref":81,'
    b'"cl_ord_id":"7d1f0a52-9d0e-4a43-8b4e-0f5d8a1c2b3e","symbol":"ADA/EUR","side":"sell",'
    b'"order_type":"stop-loss-limit","order_qty":900,"cash_order_qty":331.20,"limit_price":0.3651,'
    b'"limit_price_type":"static","stop_price":0.3660,"time_in_force":"GTD","post_only":true,"reduce_only":true,'
    b'"margin":true,"no_mpp":true,"fee_ccy_pref":"fcib","display_qty":90,"display_qty_remain":45.5,'
    b'"effective_time":"2026-11-20T01:00:00Z","expire_time":"2026-11-21T01:00:00Z","triggers":{"reference":"index",'
    b'"price":-1.50,"price_type":"pct","actual_price":0.3660,"peak_price":0.3715,"last_price":0.3659,'
    b'"status":"triggered","timestamp":"2026-11-20T01:05:00.000000Z"},"contingent":{"order_type":'
    b'"take-profit-limit","trigger_price":5,"trigger_price_type":"pct","limit_price":4.50,"limit_price_type":"pct"},'
    b'"exec_type":"trade","order_status":"partially_filled","amended":true,"liquidated":false,'
    b'"reason":"User requested","exec_id":"TWIRE1-AAAAA-000003","trade_id":9,"last_qty":10,'
    b'"last_price":0.3651,"liquidity_ind":"t","cost":3.6510,"margin_borrow":true,"cum_qty":10,"cum_cost":3.6510,"avg_price":0.3651,'
    b'"fees":[{"asset":"EUR","qty":0.0058},{"asset":"ADA","qty":0}],"fee_usd_equiv":0.0063,'
    b'"position_status":"closing","ord_ref_id":"OWIRE1-AAAAA-000004","ext_ord_id":"ext-order",'
    b'"ext_exec_id":"ext-fill","sender_sub_id":"desk-7","user":"AWIREUSER","ratecount":12,"timestamp":"2026-11-20T01:05:00.120000Z",'
    b'"trigger":"index","triggered_price":0.3659,"cancel_reason":"User requested"}],"sequence":1}',
    ExecutionsMessage(
        MessageType.SNAPSHOT,
        (
            ExecutionReport(
                order_id="OWIRE1-AAAAA-000003",
                exec_type=ExecType.TRADE,
                order_status=OrderStatus.PARTIALLY_FILLED,
                timestamp="2026-11-20T01:05:00.120000Z",
                symbol="ADA/EUR",
                side=Side.SELL,
                order_type=OrderType.STOP_LOSS_LIMIT,
                order_qty_text=900,
                cash_order_qty_text="331.20",
                display_qty_text=90,
                display_qty_remain_text="45.5",
                limit_price_text="0.3651",
                limit_price_type=PriceType.STATIC,
                time_in_force=ReportedTimeInForce.GTD,
                post_only=True,
                reduce_only=True,
                margin=True,
                no_mpp=True,
                cl_ord_id="7d1f0a52-9d0e-4a43-8b4e-0f5d8a1c2b3e",
                order_userref=81,
                effective_time="2026-11-20T01:00:00Z",
                expire_time="2026-11-21T01:00:00Z",
                cum_qty_text=10,
                cum_cost_text="3.6510",
                avg_price_text="0.3651",
                exec_id="TWIRE1-AAAAA-000003",
                trade_id=9,
                last_qty_text=10,
                last_price_text="0.3651",
                cost_text="3.6510",
                liquidity_ind=LiquidityIndicator.TAKER,
                fees=(Fee("EUR", "0.0058"), Fee("ADA", 0)),
                fee_usd_equiv_text="0.0063",
                fee_ccy_pref=FeeCurrencyPreference.FCIB,
                margin_borrow=True,
                liquidated=False,
                position_status=PositionStatus.CLOSING,
                reason="User requested",
                amended=True,
                triggers=TriggerReport(
                    reference=TriggerReference.INDEX,
                    price_text="-1.50",
                    price_type=PriceType.PCT,
                    actual_price_text="0.3660",
                    peak_price_text="0.3715",
                    last_price_text="0.3659",
                    status=TriggerStatus.TRIGGERED,
                    timestamp="2026-11-20T01:05:00.000000Z",
                ),
                contingent=ContingentReport(
                    order_type=OrderType.TAKE_PROFIT_LIMIT,
                    trigger_price_text=5,
                    trigger_price_type=PriceType.PCT,
                    limit_price_text="4.50",
                    limit_price_type=PriceType.PCT,
                ),
                ord_ref_id="OWIRE1-AAAAA-000004",
                ext_ord_id="ext-order",
                ext_exec_id="ext-fill",
                sender_sub_id="desk-7",
                user="AWIREUSER",
                ratecount_text=12,
                cancel_reason="User requested",
                stop_price_text="0.3660",
                trigger=TriggerReference.INDEX,
                triggered_price_text="0.3659",
            ),
        ),
        1,
    ),
    DOCS,
)

BALANCE_SNAPSHOT = Vector(
    "balances snapshot, whole numbers, several wallets and none",
    b'{"channel":"balances","data":[{"asset":"SOL","asset_class":"currency","balance":512.5000000000,"wallets":'
    b'[{"type":"spot","id":"main","balance":12.5000000000},{"type":"earn","id":"flex","balance":500}]},'
    b'{"asset":"KAR","asset_class":"currency","balance":77.4636698200,"wallets":[]}],"type":"snapshot","sequence":1}',
    BalancesMessage(
        MessageType.SNAPSHOT,
        (
            BalanceEntry(
                asset="SOL",
                asset_class=AssetClass.CURRENCY,
                balance_text="512.5000000000",
                wallets=(
                    Wallet(WalletType.SPOT, WalletId.MAIN, "12.5000000000"),
                    Wallet(WalletType.EARN, WalletId.FLEX, 500),
                ),
            ),
            BalanceEntry(
                asset="KAR", asset_class=AssetClass.CURRENCY, balance_text="77.4636698200", wallets=()
            ),
        ),
        1,
    ),
    RECORDED,
)

LEDGER_ENTRY = Vector(
    "balances update, a leg of a trade",
    b'{"channel":"balances","type":"update","data":[{"ledger_id":"LWIRE1-AAAAA-000001","ref_id":'
    b'"TWIRE1-AAAAA-000001","timestamp":"2026-11-20T08:01:04.000090Z","type":"trade","asset":"USD",'
    b'"asset_class":"currency","category":"trade","wallet_type":"spot","wallet_id":"main","amount":-282.0000,'
    b'"fee":0.4512,"balance":717.5488}],"sequence":2}',
    BalancesMessage(
        MessageType.UPDATE,
        (
            BalanceEntry(
                asset="USD",
                balance_text="717.5488",
                asset_class=AssetClass.CURRENCY,
                ledger_id="LWIRE1-AAAAA-000001",
                ref_id="TWIRE1-AAAAA-000001",
                timestamp="2026-11-20T08:01:04.000090Z",
                type=LedgerType.TRADE,
                category=LedgerCategory.TRADE,
                wallet_type=WalletType.SPOT,
                wallet_id=WalletId.MAIN,
                amount_text="-282.0000",
                fee_text="0.4512",
            ),
        ),
        2,
    ),
    RECORDED,
)

LEDGER_TRANSFER = Vector(
    "balances update, a transfer of a subaccount",
    b'{"channel":"balances","type":"update","data":[{"ledger_id":"LWIRE1-AAAAA-000002","ref_id":"RWIRE1",'
    b'"timestamp":"2026-11-20T08:02:00.000000Z","type":"transfer","subtype":"spottostaking","asset":"DOT",'
    b'"amount":-10,"fee":0,"balance":40,"user":"AWIREUSER"}],"sequence":3}',
    BalancesMessage(
        MessageType.UPDATE,
        (
            BalanceEntry(
                asset="DOT",
                balance_text=40,
                ledger_id="LWIRE1-AAAAA-000002",
                ref_id="RWIRE1",
                timestamp="2026-11-20T08:02:00.000000Z",
                type=LedgerType.TRANSFER,
                subtype=LedgerSubtype.SPOTTOSTAKING,
                amount_text=-10,
                fee_text=0,
                user="AWIREUSER",
            ),
        ),
        3,
    ),
    OURS,
)

VECTORS = (
    EMPTY_SNAPSHOT,
    PENDING_NEW,
    NEW,
    FILL,
    CANCELED,
    EVERY_FIELD,
    BALANCE_SNAPSHOT,
    LEDGER_ENTRY,
    LEDGER_TRANSFER,
)
