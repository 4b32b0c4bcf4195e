"""What becomes of an account's orders in the markets.

An order is accepted, begins, enters the book, is filled, ends. A fill is told by the market while it still matches, so nothing is placed
then: what a fill brings about, a trigger or a conditional order, happens a moment later at the same instant.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from msgspec.structs import replace

from krakenwire.sim.clock import SECOND
from krakenwire.sim.engine import Fill, Side
from krakenwire.sim.market import Market
from krakenwire.sim.private import reports
from krakenwire.sim.private.account import Account
from krakenwire.sim.private.fields import invalid
from krakenwire.sim.private.ledger import Ledger
from krakenwire.sim.private.money import EXACT, ZERO, amount, rounded, units
from krakenwire.sim.private.order import OwnOrder, Trigger
from krakenwire.sim.private.sight import buyable, cost_within, own_in_the_way, within_reach
from krakenwire.sim.private.terms import Terms
from krakenwire.sim.private.waiting import Waiting
from krakenwire.sim.requests import Refusal
from krakenwire.sim.tape import Trade
from krakenwire.wire.enums import ExecType, OrderStatus, OrderType, PriceType, StpType, TimeInForce
from krakenwire.wire.refusals import INSUFFICIENT_FUNDS, ORDERS_LIMIT, SERVICE_UNAVAILABLE

if TYPE_CHECKING:
    from krakenwire.sim.exchange import Exchange

USER_REQUESTED = "User requested"
POST_ONLY_ORDER = "Post only order"
"""These two are recorded; the words of the following reasons are not known."""
SELF_TRADE = "Self trade prevention"
NOT_FILLED = "Order could not be filled immediately"
EXPIRED = "Order expired"
TICK_SIZE_CHANGED = "Price precision changed"

_ENDS = {ExecType.CANCELED: OrderStatus.CANCELED, ExecType.EXPIRED: OrderStatus.EXPIRED}
_AT_ONCE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


class Trading:
    """The orders of all accounts."""

    def __init__(self, exchange: Exchange, ledger: Ledger) -> None:
        self.exchange = exchange
        self.ledger = ledger
        self._waiting = Waiting(self.later, self._fire)
        self._reports: dict[ExecType, Callable[[OwnOrder], reports.Row]] = {
            ExecType.PENDING_NEW: reports.described,
            ExecType.NEW: reports.taken,
            ExecType.FILLED: reports.totals,
            ExecType.CANCELED: reports.totals,
            ExecType.EXPIRED: reports.totals,
            ExecType.AMENDED: reports.changed,
            ExecType.RESTATED: reports.changed,
            ExecType.STATUS: reports.sprung,
            ExecType.ICEBERG_REFILL: reports.refilled,
        }

    def later(self, at: int, action: Callable[[int], None]) -> None:
        """Let something happen at its time, computed exactly."""

        def act(now: int) -> None:
            with localcontext(EXACT):
                action(now)

        self.exchange.schedule(at, act)

    def report(self, order: OwnOrder, kind: ExecType, status: OrderStatus, at: int) -> None:
        """Something happened to an order: everybody who follows it is told."""
        order.exec_type, order.status, order.reported_at = kind, status, at
        order.account.tell("executions", self._reports[kind](order), at, order.pair.symbol)

    # ---------------------------------------------------------------- acceptance

    def check(
        self, account: Account, market: Market, terms: Terms, *, instead_of: OwnOrder | None = None
    ) -> None:
        """Raises: Refusal, if the engine does not take this order now. `instead_of`: an order that would go first."""
        mode = market.mode
        if not mode.places or (not mode.markets and not terms.limited):
            raise Refusal(mode.refusal or SERVICE_UNAVAILABLE)
        if not mode.takes and not terms.post_only:
            raise Refusal(mode.refusal or SERVICE_UNAVAILABLE)
        if terms.cl_ord_id is not None and account.find(cl_ord_id=terms.cl_ord_id) not in {None, instead_of}:
            raise invalid("cl_ord_id")
        here = sum(order.market is market for order in account.orders.values())
        if here - (instead_of is not None) >= account.tier.open_orders:
            raise Refusal(ORDERS_LIMIT)
        if terms.triggers is not None and not market.tape.last_price:
            raise invalid("triggers")
        if terms.triggers is None and terms.effective_at is None:
            asset, needed = self._needs(account, market, terms)
            account.require(asset, needed, instead_of)

    def accept(
        self, account: Account, market: Market, terms: Terms, at: int, *, parent: OwnOrder | None = None
    ) -> OwnOrder:
        """A checked order becomes one. `parent`: the order whose fill created it."""
        if self._watch not in market.watchers:
            market.watchers.append(self._watch)
        order = OwnOrder(account, market, terms, market.new_order_id(), at)
        if terms.cash_order_qty is not None:
            order.order_qty = amount(buyable(market, terms.cash_order_qty), order.pair.qty_precision)
        if parent is not None:
            order.ord_ref_id = parent.order_id
        if terms.triggers is not None:
            order.trigger = Trigger(terms.triggers, terms.order_type, terms.side, _last(market))
        account.orders[order.order_id] = order
        self.report(order, ExecType.PENDING_NEW, OrderStatus.PENDING_NEW, at)
        if terms.expire_at is not None:
            self.later(terms.expire_at, lambda now: self._expire(order, now))
        if terms.effective_at is None:
            self._begin(order, at)
        else:
            self.later(terms.effective_at, lambda now: self._start(order, now))
        return order

    def _needs(self, account: Account, market: Market, terms: Terms) -> tuple[str, Decimal]:
        """What an order that begins now has to have: an asset, and how much of it."""
        pair = market.pair
        if terms.side is Side.SELL:
            return pair.base, terms.order_qty or ZERO
        if terms.limit_price is not None:
            cost = (terms.order_qty or ZERO) * terms.limit_price
        elif terms.cash_order_qty is not None:
            cost = terms.cash_order_qty
        else:
            cost = cost_within(market, units(terms.order_qty or ZERO, pair.qty_precision))
        return pair.quote, cost * (1 + account.taker_fee)

    # ---------------------------------------------------------------- beginning

    def _start(self, order: OwnOrder, at: int) -> None:
        """A scheduled order's time has come."""
        if order.open:
            self._begin(order, at)
            self.exchange.publish(order.market, at)

    def _begin(self, order: OwnOrder, at: int) -> None:
        if order.trigger is None and (obstacle := self._obstacle(order)) is not None:
            self.end(order, ExecType.CANCELED, obstacle, at)
            return
        self.report(order, ExecType.NEW, OrderStatus.NEW, at)
        if order.trigger is None:
            self._enter(order, at)
        else:
            self._waiting.add(order, _last(order.market), at)

    def _fire(self, order: OwnOrder, price: Decimal, at: int) -> None:
        """The trigger of a waiting order is met: from now on it is a market or a limit order."""
        trigger = order.trigger
        assert trigger is not None  # noqa: S101 - only orders with one wait
        level = trigger.level
        trigger.fire(price, at)
        if order.terms.order_type is OrderType.TRAILING_STOP_LIMIT and order.limit_price is not None:
            order.limit_price = _offset(level, order.limit_price, order.terms.limit_price_type)
        self.report(order, ExecType.STATUS, OrderStatus.NEW, at)
        obstacle = self._obstacle(order)
        if obstacle is not None:
            self.end(order, ExecType.CANCELED, obstacle, at)
        else:
            self._enter(order, at)
        self.exchange.publish(order.market, at)

    def _obstacle(self, order: OwnOrder) -> str | None:
        """Why an order that should enter the market now cannot; None: it can."""
        market, terms, ticks = order.market, order.terms, order.ticks()
        mode = market.mode
        if (
            not mode.places
            or (not mode.takes and not terms.post_only)
            or (not mode.markets and ticks is None)
        ):
            return mode.refusal
        asset, needed = self._needs(
            order.account, market, replace(terms, order_qty=order.remaining, limit_price=order.limit_price)
        )
        if terms.cash_order_qty is None and needed > order.account.available(asset, order):
            return INSUFFICIENT_FUNDS
        if terms.post_only and ticks is not None and market.engine.crosses(terms.side, ticks):
            return POST_ONLY_ORDER
        if terms.time_in_force is TimeInForce.FOK:
            left = order.left()
            if own_in_the_way(order, left, ticks) or within_reach(market, terms.side, left, ticks) < left:
                return NOT_FILLED
        return None

    def _enter(self, order: OwnOrder, at: int) -> None:
        """Match, and rest with what is left."""
        order.active = True
        market, terms, ticks = order.market, order.terms, order.ticks()
        qty, reason = self._without_self_trade(order, ticks, at)
        if qty:
            shows = 0 if order.display_qty is None else units(order.display_qty, order.pair.qty_precision)
            entry = market.place(
                terms.side,
                qty,
                ticks,
                at=at,
                rests=reason is None and terms.time_in_force not in _AT_ONCE,
                order_id=order.order_id,
                owner=order,
                shows=shows,
            )
            if entry.resting:
                order.resting = entry
                order.shown = amount(entry.qty, order.pair.qty_precision)
        if order.open and order.resting is None:
            self.end(order, ExecType.CANCELED, reason or NOT_FILLED, at)

    def _without_self_trade(self, order: OwnOrder, ticks: int | None, at: int) -> tuple[int, str | None]:
        """How much may be matched so that nobody trades with himself, and why it is not everything."""
        left = order.left()
        while (found := own_in_the_way(order, left, ticks)) is not None:
            ahead, met = found
            policy = order.terms.stp_type
            if policy is not StpType.CANCEL_NEWEST:
                self.end(met, ExecType.CANCELED, SELF_TRADE, at)
            if policy is not StpType.CANCEL_OLDEST:
                return ahead, SELF_TRADE
        return left, None

    # ---------------------------------------------------------------- fills

    def _watch(self, market: Market, trade: Trade, fill: Fill) -> None:
        """A market tells of a fill. The crowd is the other side of everything that is nobody's."""
        with localcontext(EXACT):
            owners = [order.owner for order in (fill.maker, fill.taker)]
            if any(isinstance(owner, OwnOrder) for owner in owners):
                for entry, owner in zip((fill.maker, fill.taker), owners, strict=True):
                    if isinstance(owner, OwnOrder):
                        self._fill(owner, trade, maker=entry is fill.maker)
                    else:
                        self.ledger.settle_crowd(market.pair, trade, entry.side)
            self._waiting.heard(market, trade)

    def _fill(self, order: OwnOrder, trade: Trade, *, maker: bool) -> None:
        pair, account, at = order.pair, order.account, trade.at
        rate = account.maker_fee if maker else account.taker_fee
        qty = amount(trade.qty, pair.qty_precision)
        fee = rounded(reports.cost_of(pair, trade) * rate, pair.cost_precision)
        order.cum_qty += qty
        order.cum_cost += reports.cost_of(pair, trade)
        order.told_cost += reports.told_cost_of(pair, trade)
        order.fees += fee
        order.fee_usd += self._dollars(pair.quote, fee)
        order.exec_type, order.status, order.reported_at = ExecType.TRADE, OrderStatus.PARTIALLY_FILLED, at
        exec_id = self.ledger.new_id("T")
        report, kept = reports.fill(order, trade, exec_id, fee, maker=maker)
        account.fills.appendleft(kept)
        account.tell("executions", report, at, pair.symbol)
        if not order.remaining:
            order.resting = None
            self._forget(order)
            self.report(order, ExecType.FILLED, OrderStatus.FILLED, at)
        elif order.display_qty is not None and maker:
            order.shown -= qty
            if not order.shown:
                order.shown = min(order.display_qty, order.remaining)
                self.report(order, ExecType.ICEBERG_REFILL, OrderStatus.PARTIALLY_FILLED, at)
        self.ledger.settle(order, trade, rate, exec_id)
        if order.conditional is not None:
            self.later(at, lambda now: self._close(order, qty, now))

    def _dollars(self, asset: str, fee: Decimal) -> Decimal:
        """A fee in US dollars, by the last price; zero where nothing says what the asset is worth."""
        if asset == "USD":
            return fee
        market = self.exchange.markets.get(f"{asset}/USD")
        return ZERO if market is None else fee * _last(market)

    def _close(self, parent: OwnOrder, qty: Decimal, at: int) -> None:
        """A fill creates the conditional order of its size, on the other side."""
        wanted = parent.conditional
        assert wanted is not None  # noqa: S101 - only such fills come here
        terms = Terms(
            order_type=wanted.order_type,
            side=Side(1 - parent.terms.side),
            order_qty=qty,
            limit_price=wanted.limit_price,
            limit_price_type=wanted.limit_price_type,
            triggers=wanted.triggers,
            order_userref=parent.terms.order_userref,
        )
        self.accept(parent.account, parent.market, terms, at, parent=parent)
        self.exchange.publish(parent.market, at)

    # ---------------------------------------------------------------- endings

    def end(self, order: OwnOrder, kind: ExecType, reason: str | None, at: int) -> None:
        """Cancel or expire what is left of an order."""
        if order.resting is not None:
            if order.resting.resting:
                order.market.cancel(order.resting)
            order.resting = None
        self._forget(order)
        order.reason = reason
        self.report(order, kind, _ENDS[kind], at)

    def _forget(self, order: OwnOrder) -> None:
        order.account.orders.pop(order.order_id, None)
        order.account.closed.append(order)
        self._waiting.discard(order)

    def removed(self, order: object, at: int) -> None:
        """The exchange took an order out of the book, because its price can no longer be written."""
        if isinstance(order, OwnOrder):
            with localcontext(EXACT):
                self.end(order, ExecType.CANCELED, TICK_SIZE_CHANGED, at)

    def _expire(self, order: OwnOrder, at: int) -> None:
        """An order's time is over; a closed market lets it go when it opens."""
        if not order.open:
            return
        if not order.market.mode.cancels:
            self.later(at + SECOND, lambda now: self._expire(order, now))
            return
        self.end(order, ExecType.EXPIRED, EXPIRED, at)
        self.exchange.publish(order.market, at)

    # ---------------------------------------------------------------- changes

    def place_anew(self, order: OwnOrder, display_changed: bool, at: int) -> None:  # noqa: FBT001
        """The quantity or the price of a resting order has changed: its place in the queue, if it can keep it, or another.

        Less quantity keeps the place. Another price, more quantity or another slice go to the tail; a price that crosses trades.
        """
        entry = order.resting
        if entry is None:
            return
        ticks, left, market = order.ticks() or 0, order.left(), order.market
        if market.engine.crosses(order.terms.side, ticks):
            market.cancel(entry)
            order.resting = None
            self._enter(order, at)
            return
        if order.display_qty is not None:
            entry.shows = units(order.display_qty, order.pair.qty_precision)
        moves = display_changed or ticks != entry.price or left > entry.qty + entry.hidden
        visible = min(left, (entry.shows or left) if moves else entry.qty)
        entry.hidden = left - visible
        if moves:
            market.move(entry, ticks, visible, at=at)
        elif visible != entry.qty:
            market.resize(entry, visible)
        order.shown = amount(visible, order.pair.qty_precision)


def _last(market: Market) -> Decimal:
    return amount(market.tape.last_price, market.pair.price_precision)


def _offset(level: Decimal, offset: Decimal, kind: PriceType | None) -> Decimal:
    """The limit of a trailing order that fired at this level."""
    if kind is PriceType.STATIC:
        return offset
    return level * (1 + offset / 100) if kind is PriceType.PCT else level + offset


def last_price(market: Market) -> Decimal:
    """The price of the last trade, exact."""
    return _last(market)
