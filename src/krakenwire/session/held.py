"""What a reader is given who comes late: what is held of a subscription that stands, as the events that a snapshot of it would be.

Only what is provably current is given: a snapshot came over this connection and nothing has been missed since. Where that is not so, and
no snapshot is on its way, the subscription has to be taken anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct, structs
from msgspec.structs import astuple

from krakenwire.events import (
    BalanceUpdate,
    Event,
    ExecutionUpdate,
    InstrumentUpdate,
    Level3Update,
    OrderBookUpdate,
)
from krakenwire.session.account import AccountKeeper
from krakenwire.session.books import BookKeeper
from krakenwire.session.desk import Desk
from krakenwire.session.streams import Streams
from krakenwire.state.instruments import Instruments
from krakenwire.state.orders import Order
from krakenwire.state.subscriptions import Phase
from krakenwire.wire.book import Level3Order
from krakenwire.wire.enums import ExecType, OrderStatus
from krakenwire.wire.subscriptions import BalancesSubscription, ExecutionsSubscription, Subscription

_SAID = tuple(
    name for name in Order.__struct_fields__ if name not in {"order_id", "status", "exec_type", "timestamp"}
)
_TOTALS = ("cum_qty_text", "cum_cost_text", "avg_price_text", "fee_usd_equiv_text")
_TEXTS = frozenset(ExecutionUpdate.__struct_fields__)


class Late(Struct, frozen=True):
    """What a late reader is given."""

    events: list[Event]
    missing: bool
    """True: what is held is not known to be current, and nothing that makes it so is on its way."""


class Held:
    """The state of one connection as snapshots."""

    def __init__(
        self,
        streams: Streams,
        desk: Desk,
        books: BookKeeper,
        instruments: Instruments,
        account: AccountKeeper,
    ) -> None:
        self._streams = streams
        self._desk = desk
        self._books = books
        self._instruments = instruments
        self._account = account
        self._of: dict[str, Callable[[str | None, Any], list[Event] | None]] = {
            "ticker": self._latest,
            "instrument": self._instrument,
            "book": self._book,
            "level3": self._level3,
            "balances": self._balances,
            "executions": self._executions,
        }

    def late(self, params: Subscription, symbol: str | None) -> Late:
        """What a reader is given who wants this now; nothing where its first snapshot is still to come, or the channel has no state."""
        channel = params.channel.value
        # Fills that were told before are not told again by any snapshot, so they come from here, whatever else is known.
        events: list[Event] = self._fills() if getattr(params, "snap_trades", False) else []
        take = self._of.get(channel)
        if take is None or not _wants_snapshot(params) or not self._stands(channel, symbol):
            return Late(events, missing=False)
        held = take(symbol, params)
        return Late(events, missing=True) if held is None else Late(events + held, missing=False)

    def _stands(self, channel: str, symbol: str | None) -> bool:
        """Whether Kraken holds the subscription and its snapshot came, so that no other comes by itself."""
        wish = self._desk.subscriptions.get(channel, symbol)
        return wish is not None and wish.phase is Phase.SUBSCRIBED and wish.delivered and wish.step is None

    # ---------------------------------------------------------------- market

    def _latest(self, symbol: str | None, _: Any) -> list[Event] | None:
        stream = self._streams.of("ticker").get(symbol)
        return None if stream is None or stream.latest is None else [stream.latest]

    def _instrument(self, _symbol: str | None, _: Any) -> list[Event] | None:
        stream = self._streams.of("instrument").get(None)
        if stream is None or stream.latest is None:
            return None
        return [InstrumentUpdate(self._instruments.assets(), self._instruments.pairs())]

    def _book(self, symbol: str | None, _: Any) -> list[Event]:
        """A book that is not live becomes so, or is disputed, by rules of its own."""
        book = self._books.level2.get(str(symbol))
        if book is None or not book.verified:
            return []
        view, levels = book.view(), book.levels
        return [
            OrderBookUpdate(
                view.symbol,
                view.bids,
                view.asks,
                levels.bids.top,
                levels.asks.top,
                book.checksum,
                book.timestamp,
                verified=True,
                snapshot=True,
                book=book,
            )
        ]

    def _level3(self, symbol: str | None, _: Any) -> list[Event]:
        book = self._books.level3.get(str(symbol))
        if book is None or not book.verified:
            return []
        view = book.view()
        bids, asks = (
            tuple([_resting(order) for level in side for order in level.orders])
            for side in (view.bids, view.asks)
        )
        return [
            Level3Update(
                view.symbol,
                bids,
                asks,
                book.checksum,
                book.timestamp,
                verified=True,
                snapshot=True,
                book=book,
            )
        ]

    # ---------------------------------------------------------------- account

    def _whole(self, channel: str) -> bool:
        """Whether every frame since the snapshot came in sequence."""
        stream = self._streams.of(channel).get(None)
        return stream is not None and stream.proven

    def _balances(self, _symbol: str | None, _: Any) -> list[Event] | None:
        balances = self._account.balances
        if not balances.live or not self._whole("balances"):
            return None
        return [
            BalanceUpdate(
                held.asset,
                format(held.balance, "f"),
                held.asset_class,
                held.wallets,
                user=held.user,
                in_sequence=True,
                snapshot=True,
            )
            for held in balances.all()
        ]

    def _executions(self, _symbol: str | None, params: Any) -> list[Event] | None:
        orders = self._account.orders
        if not params.snap_orders:
            return []
        if not orders.live or not self._whole("executions"):
            return None
        return [_as_told(order) for order in orders.open_orders()]

    def _fills(self) -> list[Event]:
        """The last fills as a snapshot tells them: of the fill, and without the totals that the order had then."""
        whole = self._whole("executions")
        bare = {"order_status": OrderStatus.FILLED} | dict.fromkeys(_TOTALS)
        return [
            ExecutionUpdate(*astuple(structs.replace(fill, **bare)), in_sequence=whole, snapshot=True)
            for fill in self._account.fills
        ]


def _wants_snapshot(params: Any) -> bool:
    if isinstance(params, ExecutionsSubscription):
        return params.users is None
    if isinstance(params, BalancesSubscription) and params.users is not None:
        return False
    return bool(params.snapshot)


def _as_told(order: Order) -> ExecutionUpdate:
    """An open order as a snapshot tells it: a fill is told by a row of its own, so what happened last is never one."""
    told: dict[str, Any] = {}
    for name in _SAID:
        value = getattr(order, name)
        if value is not None and f"{name}_text" in _TEXTS:
            told[f"{name}_text"] = format(value, "f")
        elif value is not None:
            told[name] = value
    kind = ExecType.NEW if order.exec_type is ExecType.TRADE else order.exec_type
    return ExecutionUpdate(
        order.order_id, kind, order.status, order.timestamp, in_sequence=True, snapshot=True, **told
    )


def _resting(order: Any) -> Level3Order:
    return Level3Order(order.order_id, order.limit_price_text, order.order_qty_text, order.timestamp)
