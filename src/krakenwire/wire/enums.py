"""Every enumeration of Kraken Spot WebSocket v2, open at the end.

Kraken adds values without notice. A text we do not know becomes a member that is not in the list: it keeps
the text, compares, hashes, copies and pickles like it, and says `.known == False`. Such members are made on
demand and never remembered, so hostile input cannot fill the memory. Names are Kraken's values in upper case
with `_` for `-`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self

_UNKNOWN = "UNKNOWN"


class OpenEnum(StrEnum):
    """An enumeration that keeps values it does not know as text."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        member = str.__new__(cls, value)
        # A copy, so that a str subclass handed in cannot be reached through the member.
        member._value_ = str(value)
        member._name_ = _UNKNOWN
        return member

    @property
    def known(self) -> bool:
        """Whether this value was in Kraken's documents when this version was made."""
        return self._name_ != _UNKNOWN

    def __repr__(self) -> str:
        if self.known:
            return f"<{type(self).__name__}.{self._name_}: {self._value_!r}>"
        return f"<{type(self).__name__} unknown: {self._value_!r}>"


class MessageType(OpenEnum):
    """Whether a data frame replaces what is known or changes it. Source: `type` of every data frame."""

    SNAPSHOT = "snapshot"
    UPDATE = "update"


class Channel(OpenEnum):
    """The ten channels; `status` and `heartbeat` come unasked."""

    STATUS = "status"
    HEARTBEAT = "heartbeat"
    TICKER = "ticker"
    BOOK = "book"
    LEVEL3 = "level3"
    OHLC = "ohlc"
    TRADE = "trade"
    INSTRUMENT = "instrument"
    EXECUTIONS = "executions"
    BALANCES = "balances"


class Method(OpenEnum):
    """Methods of requests and replies. `pong` and `error` occur only in replies."""

    PING = "ping"
    PONG = "pong"
    ERROR = "error"
    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    ADD_ORDER = "add_order"
    AMEND_ORDER = "amend_order"
    EDIT_ORDER = "edit_order"
    CANCEL_ORDER = "cancel_order"
    CANCEL_ALL = "cancel_all"
    CANCEL_ALL_ORDERS_AFTER = "cancel_all_orders_after"
    BATCH_ADD = "batch_add"
    BATCH_CANCEL = "batch_cancel"


# Market data --------------------------------------------------------------------------------------


class EventTrigger(OpenEnum):
    """What makes Kraken send a `ticker` update: every trade, or a change of a best price."""

    TRADES = "trades"
    BBO = "bbo"


class Level3Event(OpenEnum):
    """What happened to a resting order. Source: `level3`, `event`."""

    ADD = "add"
    MODIFY = "modify"
    DELETE = "delete"


class AssetStatus(OpenEnum):
    """What may be done with an asset. Source: `instrument`, `assets[].status`."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    DEPOSITONLY = "depositonly"
    WITHDRAWALONLY = "withdrawalonly"
    FUNDINGTEMPORARILYDISABLED = "fundingtemporarilydisabled"
    WORKINPROGRESS = "workinprogress"


class AssetClass(OpenEnum):
    """Kind of an asset. Source: `instrument`, `assets[].class`; `balances`, `asset_class`."""

    CURRENCY = "currency"
    TOKENIZED_ASSET = "tokenized_asset"


class PairStatus(OpenEnum):
    """What may be done in a market. Source: `instrument`, `pairs[].status`."""

    ONLINE = "online"
    CANCEL_ONLY = "cancel_only"
    POST_ONLY = "post_only"
    LIMIT_ONLY = "limit_only"
    REDUCE_ONLY = "reduce_only"
    MAINTENANCE = "maintenance"
    WORK_IN_PROGRESS = "work_in_progress"
    DELISTED = "delisted"


class ExecutionVenue(OpenEnum):
    """Venue whose instruments are wanted. Source: `instrument`, subscribe parameter `execution_venue`."""

    INTERNATIONAL = "international"
    BITNOMIAL_EXCHANGE = "bitnomial-exchange"


# Orders -------------------------------------------------------------------------------------------


class Side(OpenEnum):
    """Side of an order, or of a trade's taker."""

    BUY = "buy"
    SELL = "sell"


class OrderType(OpenEnum):
    """Type of an order. Channel `trade` uses only `limit` and `market`."""

    LIMIT = "limit"
    MARKET = "market"
    ICEBERG = "iceberg"
    STOP_LOSS = "stop-loss"
    STOP_LOSS_LIMIT = "stop-loss-limit"
    TAKE_PROFIT = "take-profit"
    TAKE_PROFIT_LIMIT = "take-profit-limit"
    TRAILING_STOP = "trailing-stop"
    TRAILING_STOP_LIMIT = "trailing-stop-limit"
    SETTLE_POSITION = "settle-position"


class TimeInForce(OpenEnum):
    """How long an order may rest, as requests spell it. Reports spell it otherwise: `ReportedTimeInForce`."""

    GTC = "gtc"
    GTD = "gtd"
    IOC = "ioc"
    FOK = "fok"


class ReportedTimeInForce(OpenEnum):
    """How long an order may rest, as channel `executions` spells it: upper case.

    Two enumerations, because one that ignored case would equal two different texts and could share a hash
    with only one of them. `requested` leads from this one to the other.
    """

    GTC = "GTC"
    GTD = "GTD"
    IOC = "IOC"
    FOK = "FOK"

    @property
    def requested(self) -> TimeInForce:
        """The same thing as a request spells it."""
        return TimeInForce(self._value_.lower())


class PriceType(OpenEnum):
    """How a price is given: as such, in percent of the reference, or in quote units away from it."""

    STATIC = "static"
    PCT = "pct"
    QUOTE = "quote"


class TriggerReference(OpenEnum):
    """Price that a trigger watches."""

    LAST = "last"
    INDEX = "index"


class TriggerStatus(OpenEnum):
    """Whether a trigger has fired."""

    TRIGGERED = "triggered"
    UNTRIGGERED = "untriggered"


class FeePreference(OpenEnum):
    """Currency the fee shall be paid in, as requests spell it. In reports: `FeeCurrencyPreference`."""

    BASE = "base"
    QUOTE = "quote"


class FeeCurrencyPreference(OpenEnum):
    """Currency the fee is paid in, as channel `executions` spells it: base (`fcib`) or quote (`fciq`)."""

    FCIB = "fcib"
    FCIQ = "fciq"


class StpType(OpenEnum):
    """Self-trade prevention: which order goes, the arriving one, the resting one or both."""

    CANCEL_NEWEST = "cancel_newest"
    CANCEL_OLDEST = "cancel_oldest"
    CANCEL_BOTH = "cancel_both"


# Channel `executions` -----------------------------------------------------------------------------


class ExecType(OpenEnum):
    """What happened to an order. A fill that completes it is `trade`, followed by a separate `filled`."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    TRADE = "trade"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    AMENDED = "amended"
    RESTATED = "restated"
    ICEBERG_REFILL = "iceberg_refill"
    STATUS = "status"


class OrderStatus(OpenEnum):
    """State of an order. There is no `rejected`: the engine cancels."""

    PENDING_NEW = "pending_new"
    NEW = "new"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


class LiquidityIndicator(OpenEnum):
    """Whether a fill made or took liquidity."""

    MAKER = "m"
    TAKER = "t"


class PositionStatus(OpenEnum):
    """State of the margin position an order belongs to."""

    OPENED = "opened"
    CLOSING = "closing"
    CLOSED = "closed"


# Channel `balances` -------------------------------------------------------------------------------


class LedgerType(OpenEnum):
    """What a ledger entry is."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRADE = "trade"
    MARGIN = "margin"
    ADJUSTMENT = "adjustment"
    ROLLOVER = "rollover"
    CREDIT = "credit"
    TRANSFER = "transfer"
    SETTLED = "settled"
    STAKING = "staking"
    SALE = "sale"
    RESERVE = "reserve"
    CONVERSION = "conversion"
    DIVIDEND = "dividend"
    REWARD = "reward"
    CREATOR_FEE = "creator_fee"


class LedgerSubtype(OpenEnum):
    """From where to where a transfer went."""

    SPOTFROMFUTURES = "spotfromfutures"
    SPOTTOFUTURES = "spottofutures"
    STAKINGFROMSPOT = "stakingfromspot"
    SPOTFROMSTAKING = "spotfromstaking"
    STAKINGTOSPOT = "stakingtospot"
    SPOTTOSTAKING = "spottostaking"


class LedgerCategory(OpenEnum):
    """Finer reason of a ledger entry."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    TRADE = "trade"
    MARGIN_TRADE = "margin-trade"
    MARGIN_SETTLE = "margin-settle"
    MARGIN_CONVERSION = "margin-conversion"
    CONVERSION = "conversion"
    CREDIT = "credit"
    MARGINROLLOVER = "marginrollover"
    STAKING_REWARDS = "staking-rewards"
    INSTANT = "instant"
    EQUITY_TRADE = "equity-trade"
    AIRDROP = "airdrop"
    EQUITY_DIVIDEND = "equity-dividend"
    REWARD_BONUS = "reward-bonus"
    NFT = "nft"
    BLOCK_TRADE = "block-trade"


class WalletType(OpenEnum):
    """Kind of wallet."""

    SPOT = "spot"
    EARN = "earn"


class WalletId(OpenEnum):
    """Wallet of a kind. `main` belongs to `spot`, the others to `earn`."""

    MAIN = "main"
    FLEX = "flex"
    BONDED = "bonded"
    FLEXIBLE = "flexible"
    LIQUID = "liquid"
    LOCKED = "locked"
    CLOSED = "closed"


# Channel `status` ---------------------------------------------------------------------------------


class SystemStatus(OpenEnum):
    """State of the trading engine."""

    ONLINE = "online"
    CANCEL_ONLY = "cancel_only"
    MAINTENANCE = "maintenance"
    POST_ONLY = "post_only"


class MaintenancePhase(OpenEnum):
    """How near a maintenance is."""

    ANNOUNCED = "announced"
    REMINDER_24H = "reminder_24h"
    APPROACHING_30M = "approaching_30m"
    IMMINENT_5M = "imminent_5m"
    FINAL_WARNING_30S = "final_warning_30s"
    UNSPECIFIED = "unspecified"


class Service(OpenEnum):
    """Service of Kraken that a maintenance or an incident affects."""

    SPOT_WS = "spot_ws"
    SPOT_REST = "spot_rest"
    SPOT_FIX = "spot_fix"
    SPOT_TRADING = "spot_trading"
    FUTURES_WS = "futures_ws"
    FUTURES_REST = "futures_rest"
    FUTURES_FIX = "futures_fix"
    FUTURES_TRADING = "futures_trading"
    ALL = "all"
    UNSPECIFIED = "unspecified"


class RecommendedAction(OpenEnum):
    """What Kraken advises before a maintenance."""

    CONTINUE = "continue"
    REDUCE_ACTIVITY = "reduce_activity"
    CANCEL_OPEN_ORDERS = "cancel_open_orders"
    STOP_NEW_ORDERS = "stop_new_orders"
    DISCONNECT_AND_WAIT = "disconnect_and_wait"
    UNSPECIFIED = "unspecified"


class IncidentStatus(OpenEnum):
    """State of an incident."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
