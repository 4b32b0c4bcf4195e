"""Requests that are not orders: `subscribe`, `unsubscribe`, `ping`.

What Kraken's documents leave to a default is written out wherever the documents, recordings and clients
disagree about it: the snapshot, the depth, the interval and the trigger are always sent.
"""

from __future__ import annotations

from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from krakenwire.wire.book import BOOK_DEPTHS, LEVEL3_DEPTHS
from krakenwire.wire.enums import Channel, EventTrigger, ExecutionVenue
from krakenwire.wire.market import OHLC_INTERVALS
from krakenwire.wire.rules import check_choice, check_one_of, check_req_id, check_texts, check_token, require
from krakenwire.wire.secret import Secret

_Request = TypeVar("_Request", bound=Struct)


def _sent(*, value: Any) -> Any:
    """A default that is written into the frame all the same: only plain defaults are left out of it."""
    return field(default_factory=lambda: value)


class SubscriptionParams(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, tag_field="channel"
):
    """What the parameters of every subscription have: the channel, as the tag."""

    @property
    def channel(self) -> Channel:
        """The channel asked for."""
        return Channel(str(self.__struct_config__.tag))


class SymbolSubscription(SubscriptionParams, frozen=True, kw_only=True):
    """What the parameters of channels with symbols have. Kraken answers once a symbol."""

    symbol: tuple[str, ...]
    """Pairs in v2 spelling, e.g. `BTC/USD`; upper case matters."""
    snapshot: bool = _sent(value=True)
    """Whether the current state is sent first."""

    def __post_init__(self) -> None:
        check_texts(self, "symbol", required=True)


class TickerSubscription(SymbolSubscription, frozen=True, kw_only=True, tag="ticker"):
    """Parameters of channel `ticker`."""

    event_trigger: EventTrigger = _sent(value=EventTrigger.TRADES)

    def __post_init__(self) -> None:
        SymbolSubscription.__post_init__(self)
        check_choice(self, "event_trigger", EventTrigger, required=True)


class BookSubscription(SymbolSubscription, frozen=True, kw_only=True, tag="book"):
    """Parameters of channel `book`. One connection holds one depth a symbol."""

    depth: int = _sent(value=10)
    """Levels a side: 10, 25, 100, 500 or 1000."""

    def __post_init__(self) -> None:
        SymbolSubscription.__post_init__(self)
        check_one_of(self, "depth", BOOK_DEPTHS)


class Level3Subscription(SymbolSubscription, frozen=True, kw_only=True, tag="level3"):
    """Parameters of channel `level3`, which has a host of its own and wants a token."""

    depth: int = _sent(value=10)
    """Price levels a side: 10, 100 or 1000."""
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        SymbolSubscription.__post_init__(self)
        check_one_of(self, "depth", LEVEL3_DEPTHS)


class OhlcSubscription(SymbolSubscription, frozen=True, kw_only=True, tag="ohlc"):
    """Parameters of channel `ohlc`. Several intervals of one symbol may run side by side."""

    interval: int = _sent(value=1)
    """Minutes: 1, 5, 15, 30, 60, 240, 1440, 10080 or 21600."""

    def __post_init__(self) -> None:
        SymbolSubscription.__post_init__(self)
        check_one_of(self, "interval", OHLC_INTERVALS)


class TradeSubscription(SymbolSubscription, frozen=True, kw_only=True, tag="trade"):
    """Parameters of channel `trade`."""


class InstrumentSubscription(SubscriptionParams, frozen=True, kw_only=True, tag="instrument"):
    """Parameters of channel `instrument`. It has no symbols: one subscription brings them all."""

    snapshot: bool = _sent(value=True)
    include_tokenized_assets: bool | None = None
    """Whether xStocks come too; Kraken's default is no."""
    execution_venue: ExecutionVenue | None = None
    """Kraken's default is `international`."""

    def __post_init__(self) -> None:
        check_choice(self, "execution_venue", ExecutionVenue)


class ExecutionsSubscription(SubscriptionParams, frozen=True, kw_only=True, tag="executions"):
    """Parameters of channel `executions`, without the deprecated ones; it wants a token."""

    snap_orders: bool = _sent(value=True)
    """Whether open orders come first."""
    snap_trades: bool = _sent(value=False)
    """Whether the last 50 fills come first."""
    order_status: bool | None = None
    """Whether every transition is reported; Kraken's default is yes."""
    ratecounter: bool | None = None
    """Whether reports carry the rate counter."""
    rebased: bool | None = None
    """Whether xStocks are counted in shares of the company; Kraken's default is yes."""
    users: str | None = None
    """`all`: the reports of subaccounts too, and then no snapshot."""
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        require(self.users in (None, "all"), "users", "must be all")


class BalancesSubscription(SubscriptionParams, frozen=True, kw_only=True, tag="balances"):
    """Parameters of channel `balances`; it wants a token."""

    snapshot: bool = _sent(value=True)
    rebased: bool | None = None
    """Whether xStocks are counted in shares of the company; Kraken's default is yes."""
    users: str | None = None
    """`all`: the entries of subaccounts too, and then no snapshot."""
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        require(self.users in (None, "all"), "users", "must be all")


Subscription = (
    TickerSubscription
    | BookSubscription
    | Level3Subscription
    | OhlcSubscription
    | TradeSubscription
    | InstrumentSubscription
    | ExecutionsSubscription
    | BalancesSubscription
)
"""Parameters of `subscribe`, told apart by `channel`."""


class Unsubscription(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Parameters of `unsubscribe`. Make them with `ending`: they must match the subscription."""

    channel: Channel
    symbol: tuple[str, ...] | None = None
    depth: int | None = None
    interval: int | None = None
    event_trigger: EventTrigger | None = None
    token: Secret | None = None

    def __post_init__(self) -> None:
        check_token(self)
        check_choice(self, "channel", Channel, required=True)
        check_texts(self, "symbol")
        check_choice(self, "event_trigger", EventTrigger)


def ending(subscription: Subscription, symbol: str | None = None) -> Unsubscription:
    """What ends a subscription: all of it, or one symbol of it.

    Depth, interval and trigger are named again: without them the documents promise nothing.
    """
    symbols = getattr(subscription, "symbol", None)
    if symbol is not None:
        require(symbols is not None and symbol in symbols, "symbol", "must be one of the subscription's")
        symbols = (symbol,)
    return Unsubscription(
        channel=subscription.channel,
        symbol=symbols,
        depth=getattr(subscription, "depth", None),
        interval=getattr(subscription, "interval", None),
        event_trigger=getattr(subscription, "event_trigger", None),
        token=getattr(subscription, "token", None),
    )


class Subscribe(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="method", tag="subscribe"
):
    """Asks for a channel. N symbols bring N replies with this `req_id`."""

    params: Subscription
    req_id: int | None = None

    def __post_init__(self) -> None:
        check_req_id(self)


class Unsubscribe(
    Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="method", tag="unsubscribe"
):
    """Ends a subscription. N symbols bring N replies with this `req_id`."""

    params: Unsubscription
    req_id: int | None = None

    def __post_init__(self) -> None:
        check_req_id(self)


class Ping(
    Struct,
    frozen=True,
    gc=False,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="method",
    tag="ping",
):
    """Asks for a `pong`. It has no `params`: Kraken refuses a ping that has."""

    req_id: int | None = None

    def __post_init__(self) -> None:
        check_req_id(self)


ControlRequest = Subscribe | Unsubscribe | Ping
"""Every request that is not an order, told apart by `method`."""


def with_token(request: _Request, token: Secret) -> _Request:
    """The same request with a token. A token belongs to one connection, so it is filled in just before
    sending.

    Raises: UsageError if the request takes no token.
    """
    params: Any = getattr(request, "params", None)
    require(hasattr(params, "token"), "token", f"is not a parameter of {type(request).__name__}")
    return replace(request, params=replace(params, token=token))
