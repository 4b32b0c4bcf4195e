"""What becomes of an account's orders in the markets.

An order is accepted, begins, enters the book, is filled, ends. A fill is told by the market while it still matches, so nothing is placed
then: what a fill brings about, a trigger or a conditional order, happens a moment later at the same instant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

from krakenwire.sim.clock import SECOND
from krakenwire.sim.engine import Fill, Side
from krakenwire.sim.market import Market
from krakenwire.sim.private import reports
from krakenwire.sim.private.account import Account
from krakenwire.sim.private.admission import NOT_FILLED, obstacle_of
from krakenwire.sim.private.ledger import Ledger
from krakenwire.sim.private.money import EXACT, ZERO, amount, rounded, units
from krakenwire.sim.private.order import OwnOrder, Trigger, last_price
from krakenwire.sim.private.sight import buyable, own_in_the_way
from krakenwire.sim.private.waiting import Waiting
from krakenwire.sim.private.wanted import Terms
from krakenwire.sim.tape import Trade
from krakenwire.wire.enums import ExecType, OrderStatus, OrderType, PriceType, StpType, TimeInForce

if TYPE_CHECKING:
    from krakenwire.sim.exchange import Exchange

USER_REQUESTED = "User requested"
"""A recorded reason; the words of the following ones are not known."""
SELF_TRADE = "Self trade prevention"
EXPIRED = "Order expired"
PRECISION_CHANGED = "Precision changed"

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
            order.trigger = Trigger(terms.triggers, terms.order_type, terms.side, last_price(market))
        order.step_limit()
        account.orders[order.order_id] = order
        self.report(order, ExecType.PENDING_NEW, OrderStatus.PENDING_NEW, at)
        if terms.expire_at is not None:
            self.later(terms.expire_at, lambda now: self._expire(order, now))
        if terms.effective_at is None:
            self._begin(order, at)
        else:
            self.later(terms.effective_at, lambda now: self._start(order, now))
        return order

    # ---------------------------------------------------------------- beginning

    def _start(self, order: OwnOrder, at: int) -> None:
        """A scheduled order's time has come."""
        if order.open:
            self._begin(order, at)
            self.exchange.publish(order.market, at)

    def _begin(self, order: OwnOrder, at: int) -> None:
        if order.trigger is None and (obstacle := obstacle_of(order)) is not None:
            self.end(order, ExecType.CANCELED, obstacle, at)
            return
        self.report(order, ExecType.NEW, OrderStatus.NEW, at)
        if order.trigger is None:
            self._enter(order, at)
        else:
            self._waiting.add(order, last_price(order.market), at)

    def _fire(self, order: OwnOrder, price: Decimal, at: int) -> None:
        """The trigger of a waiting order is met: from now on it is a market or a limit order."""
        trigger = order.trigger
        assert trigger is not None  # noqa: S101 - only orders with one wait
        level = trigger.level
        trigger.fire(price, at)
        if order.terms.order_type is OrderType.TRAILING_STOP_LIMIT and order.limit_price is not None:
            order.limit_price = _offset(level, order.limit_price, order.terms.limit_price_type)
        order.step_limit()
        self.report(order, ExecType.STATUS, OrderStatus.NEW, at)
        obstacle = obstacle_of(order)
        if obstacle is not None:
            self.end(order, ExecType.CANCELED, obstacle, at)
        else:
            self._enter(order, at)
        self.exchange.publish(order.market, at)

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
        return ZERO if market is None else fee * last_price(market)

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
        """The exchange took an order out of the book, because its numbers can no longer be written."""
        if isinstance(order, OwnOrder):
            with localcontext(EXACT):
                self.end(order, ExecType.CANCELED, PRECISION_CHANGED, at)

    def rescaled(self, accounts: Iterable[Account], market: Market, at: int) -> None:
        """Numbers of a market have other digits. Of the orders that are not in its book, prices without room for their digits are put
        on a step, which is restated, and quantities without room end the order.
        """
        with localcontext(EXACT):
            for account in accounts:
                for order in tuple(account.orders.values()):
                    if order.market is not market or order.active:
                        continue
                    if not order.fits():
                        self.end(order, ExecType.CANCELED, PRECISION_CHANGED, at)
                    elif order.step_prices():
                        order.amended, order.reason = True, PRECISION_CHANGED
                        self.report(order, ExecType.RESTATED, order.status, at)

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

    def place_anew(self, order: OwnOrder, at: int, *, resliced: bool) -> None:
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
        moves = resliced or ticks != entry.price or left > entry.qty + entry.hidden
        visible = min(left, (entry.shows or left) if moves else entry.qty)
        entry.hidden = left - visible
        if moves:
            market.move(entry, ticks, visible, at=at)
        elif visible != entry.qty:
            market.resize(entry, visible)
        order.shown = amount(visible, order.pair.qty_precision)


def _offset(level: Decimal, offset: Decimal, kind: PriceType | None) -> Decimal:
    """The limit of a trailing order that fired at this level."""
    if kind is PriceType.STATIC:
        return offset
    return level * (1 + offset / 100) if kind is PriceType.PCT else level + offset
