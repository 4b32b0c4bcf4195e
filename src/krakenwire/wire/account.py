"""Channels `executions` and `balances`: what happens to the caller's own orders and money.

Reports are sparse: which fields appear depends on what happened, and a reader merges them by `order_id`. So
nearly every field may be None, and None means *not said*, never zero. `problem` knows which fields an entry
cannot do without.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct, field

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
from krakenwire.wire.numbers import Number, OptionalNumber, numbers_problem


class Fee(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Fee of one fill, in one asset. Source: `executions`, `fees[]`."""

    asset: str
    qty_text: Any = field(name="qty")
    qty = Number()


class TriggerReport(
    Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """Trigger of a stop, take-profit or trailing order. Source: `executions`, `triggers`."""

    reference: TriggerReference | None = None
    price_text: Any = field(default=None, name="price")
    price = OptionalNumber()
    """Level or offset, as `price_type` says."""
    price_type: PriceType | None = None
    actual_price_text: Any = field(default=None, name="actual_price")
    actual_price = OptionalNumber()
    """Level that the offset amounts to."""
    peak_price_text: Any = field(default=None, name="peak_price")
    peak_price = OptionalNumber()
    """Best price since a trailing order was placed."""
    last_price_text: Any = field(default=None, name="last_price")
    last_price = OptionalNumber()
    """Price that fired the trigger."""
    status: TriggerStatus | None = None
    timestamp: str | None = None
    """When it fired, RFC 3339 UTC."""


class ContingentReport(
    Struct, frozen=True, gc=False, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """Order that every fill of this one will create. Source: `executions`, `contingent`."""

    order_type: OrderType | None = None
    trigger_price_text: Any = field(default=None, name="trigger_price")
    trigger_price = OptionalNumber()
    trigger_price_type: PriceType | None = None
    limit_price_text: Any = field(default=None, name="limit_price")
    limit_price = OptionalNumber()
    limit_price_type: PriceType | None = None


class ExecutionReport(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """One thing that happened to one order of the caller.

    Source: channel `executions`, an element of `data`. Quantities are in base currency, prices and costs in
    quote currency.
    """

    order_id: str
    exec_type: ExecType
    """What happened."""
    order_status: OrderStatus
    """State of the order afterwards; `partially_filled` even for the fill that completes it."""
    timestamp: str
    """RFC 3339 UTC, microseconds."""

    symbol: str | None = None
    """Sent with the first report and with fills."""
    side: Side | None = None
    order_type: OrderType | None = None
    order_qty_text: Any = field(default=None, name="order_qty")
    order_qty = OptionalNumber()
    cash_order_qty_text: Any = field(default=None, name="cash_order_qty")
    cash_order_qty = OptionalNumber()
    """Order volume in quote currency, for market buys placed so."""
    display_qty_text: Any = field(default=None, name="display_qty")
    display_qty = OptionalNumber()
    """Visible slice of an iceberg order."""
    display_qty_remain_text: Any = field(default=None, name="display_qty_remain")
    display_qty_remain = OptionalNumber()
    limit_price_text: Any = field(default=None, name="limit_price")
    limit_price = OptionalNumber()
    limit_price_type: PriceType | None = None
    time_in_force: ReportedTimeInForce | None = None
    post_only: bool | None = None
    """Sent, it seems, only when true; the same holds for `reduce_only`, `margin` and `no_mpp`."""
    reduce_only: bool | None = None
    margin: bool | None = None
    no_mpp: bool | None = None
    cl_ord_id: str | None = None
    order_userref: int | None = None
    """Zero is sent when the order has neither this nor a `cl_ord_id`."""
    effective_time: str | None = None
    """Scheduled start, RFC 3339 UTC."""
    expire_time: str | None = None
    """Scheduled end, RFC 3339 UTC."""

    cum_qty_text: Any = field(default=None, name="cum_qty")
    cum_qty = OptionalNumber()
    """Filled so far."""
    cum_cost_text: Any = field(default=None, name="cum_cost")
    cum_cost = OptionalNumber()
    """Value filled so far."""
    avg_price_text: Any = field(default=None, name="avg_price")
    avg_price = OptionalNumber()
    """Average price of what is filled."""

    exec_id: str | None = None
    """Identity of this fill."""
    trade_id: int | None = None
    """The same trade on channel `trade`."""
    last_qty_text: Any = field(default=None, name="last_qty")
    last_qty = OptionalNumber()
    """Quantity of this fill."""
    last_price_text: Any = field(default=None, name="last_price")
    last_price = OptionalNumber()
    """Price of this fill."""
    cost_text: Any = field(default=None, name="cost")
    cost = OptionalNumber()
    """Value of this fill."""
    liquidity_ind: LiquidityIndicator | None = None
    fees: tuple[Fee, ...] | None = None
    """Fees of this fill, with their currencies."""
    fee_usd_equiv_text: Any = field(default=None, name="fee_usd_equiv")
    fee_usd_equiv = OptionalNumber()
    """All fees in US dollars."""
    fee_ccy_pref: FeeCurrencyPreference | None = None

    margin_borrow: bool | None = None
    liquidated: bool | None = None
    position_status: PositionStatus | None = None
    reason: str | None = None
    """Why it was canceled, expired, amended or restated; free text."""
    amended: bool | None = None
    triggers: TriggerReport | None = None
    contingent: ContingentReport | None = None
    ord_ref_id: str | None = None
    """The order whose fill created this one."""
    ext_ord_id: str | None = None
    """A partner's id of the order."""
    ext_exec_id: str | None = None
    """A partner's id of the fill."""
    sender_sub_id: str | None = None
    """Tag for self-trade prevention between the traders of an institution."""
    user: str | None = None
    """Subaccount; only with `users: "all"`."""
    ratecount_text: Any = field(default=None, name="ratecount")
    ratecount = OptionalNumber()
    """Rate counter of the pair, with `ratecounter: true`; named so in one fixture, not in the documents."""

    cancel_reason: str | None = None
    """Deprecated by Kraken: `reason`."""
    stop_price_text: Any = field(default=None, name="stop_price")
    stop_price = OptionalNumber()
    """Deprecated by Kraken: `triggers.price`. Zero on plain orders."""
    trigger: TriggerReference | None = None
    """Deprecated by Kraken: `triggers.reference`."""
    triggered_price_text: Any = field(default=None, name="triggered_price")
    triggered_price = OptionalNumber()
    """Deprecated by Kraken: `triggers.last_price`."""

    @property
    def is_fill(self) -> bool:
        """Whether this report is one fill, with quantity, price and fees of its own."""
        return self.exec_type is ExecType.TRADE


class ExecutionsMessage(
    Struct,
    frozen=True,
    gc=False,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="channel",
    tag="executions",
):
    """A frame of channel `executions`. A snapshot with nothing to tell has empty `data`."""

    type: MessageType
    data: tuple[ExecutionReport, ...]
    sequence: int | None = None
    """Starts at 1 with the subscription and grows by one with every frame of the channel."""


class Wallet(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """Part of a balance that lies in one wallet. Source: `balances`, `wallets[]` of a snapshot."""

    type: WalletType
    id: WalletId
    balance_text: Any = field(name="balance")
    balance = Number()


class BalanceEntry(Struct, frozen=True, gc=False, forbid_unknown_fields=True, omit_defaults=True):
    """What the caller has of one asset: a row of a snapshot, or an entry of the ledger.

    Source: channel `balances`, an element of `data`. Kraken sends two shapes under one channel. A snapshot
    row has `wallets`; a ledger entry has a `ledger_id` and says what changed. Amounts are in the asset
    itself.
    """

    asset: str
    balance_text: Any = field(name="balance")
    balance = Number()
    """What is held after this entry, orders on hold included: v2 does not tell what is available."""
    asset_class: AssetClass | None = None
    wallets: tuple[Wallet, ...] | None = None
    """Snapshot rows only; may be empty though the balance is not."""

    ledger_id: str | None = None
    """Identity of a ledger entry."""
    ref_id: str | None = None
    """Shared by the entries of one event; for trades the id of the trade."""
    timestamp: str | None = None
    """RFC 3339 UTC, microseconds."""
    type: LedgerType | None = None
    subtype: LedgerSubtype | None = None
    category: LedgerCategory | None = None
    wallet_type: WalletType | None = None
    wallet_id: WalletId | None = None
    amount_text: Any = field(default=None, name="amount")
    amount = OptionalNumber()
    """Signed change, before the fee."""
    fee_text: Any = field(default=None, name="fee")
    fee = OptionalNumber()
    user: str | None = None
    """Subaccount; only with `users: "all"`."""

    @property
    def is_ledger_entry(self) -> bool:
        """Whether this is a change; otherwise it is a row of a snapshot."""
        return self.ledger_id is not None


class BalancesMessage(
    Struct,
    frozen=True,
    gc=False,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="channel",
    tag="balances",
):
    """A frame of channel `balances`: all assets held, or ledger entries."""

    type: MessageType
    data: tuple[BalanceEntry, ...]
    sequence: int | None = None
    """Starts at 1 with the subscription and grows by one with every frame of the channel."""


_FILL_NEEDS = ("exec_id", "symbol", "side", "last_qty", "last_price")
_LEDGER_NEEDS = ("ledger_id", "ref_id", "timestamp", "type", "amount", "fee")
_NEVER_NEGATIVE = ("order_qty", "cum_qty", "last_qty", "display_qty", "last_price", "avg_price")


def problem(entry: ExecutionReport | BalanceEntry, message_type: MessageType) -> str | None:
    """What makes an entry unusable although each of its fields has the right type, or None.

    The types do not bound a number. Such an entry is refused, never completed with a default.
    """
    return numbers_problem(entry) or shape_problem(entry, message_type)


def shape_problem(entry: ExecutionReport | BalanceEntry, message_type: MessageType) -> str | None:
    """The part of `problem` that is not about bounds.

    The types cannot say which optional fields an entry of its kind must have: a fill without quantity, a ledger entry without amount.
    """
    if isinstance(entry, ExecutionReport):
        return _execution_problem(entry)
    if message_type is MessageType.UPDATE:
        return _missing(entry, _LEDGER_NEEDS, "ledger entry")
    return "ledger entry in a snapshot" if entry.is_ledger_entry else None


def _execution_problem(entry: ExecutionReport) -> str | None:
    if entry.is_fill:
        reason = _missing(entry, _FILL_NEEDS, "fill")
        if reason is not None:
            return reason
        for name in ("last_qty", "last_price"):
            if getattr(entry, name) == 0:
                return f"{name}: zero"
    for name in _NEVER_NEGATIVE:
        value = getattr(entry, name)
        if value is not None and value < 0:
            return f"{name}: negative"
    return None


def _missing(entry: Struct, needs: tuple[str, ...], kind: str) -> str | None:
    absent = [name for name in needs if getattr(entry, name) is None]
    return f"{kind} without {', '.join(absent)}" if absent else None
