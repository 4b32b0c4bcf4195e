"""What an order would meet if it came now: reckoned from the book, without touching it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from krakenwire.sim.engine import Order, Side
from krakenwire.sim.market import Market
from krakenwire.sim.private.money import amount, units
from krakenwire.sim.private.order import OwnOrder


def _ahead(market: Market, side: Side, limit: int | None) -> Iterator[tuple[int, int, Order | None]]:
    """Price and quantity in the order in which they are met; the order, or None for what icebergs have behind their slices."""
    book = market.engine.sides[1 - side]
    worst = None if limit is None else (limit if side is Side.BUY else -limit)
    for key in book.keys:
        if worst is not None and key > worst:
            return
        level = book.levels[key]
        for order in level.orders.values():
            yield level.price, order.qty, order
        behind = sum(order.hidden for order in level.orders.values())
        if behind:
            yield level.price, behind, None


def within_reach(market: Market, side: Side, qty: int, limit: int | None) -> int:
    """How much of this quantity would be filled at once."""
    found = 0
    for _, there, _ in _ahead(market, side, limit):
        found += there
        if found >= qty:
            return qty
    return found


def cost_within(market: Market, qty: int) -> Decimal:
    """What buying so much at any price would cost, as far as there is something to buy."""
    spent = left = 0
    left = qty
    for price, there, _ in _ahead(market, Side.BUY, None):
        got = min(left, there)
        spent += got * price
        left -= got
        if not left:
            break
    pair = market.pair
    return amount(spent, pair.price_precision + pair.qty_precision)


def buyable(market: Market, cash: Decimal) -> int:
    """How much this amount of the quote currency buys at any price, in units of the pair."""
    pair = market.pair
    left = units(cash, pair.price_precision + pair.qty_precision)
    got = 0
    for price, there, _ in _ahead(market, Side.BUY, None):
        more = min(there, left // price)
        got += more
        left -= more * price
        if more < there:
            break
    return got


def own_in_the_way(order: OwnOrder, qty: int, limit: int | None) -> tuple[int, OwnOrder] | None:
    """The first order of the same client that it would meet, and how much is filled before that; None if it meets none."""
    found = 0
    mine = order.account.master or order.account
    for _, there, met in _ahead(order.market, order.terms.side, limit):
        if found >= qty:
            return None
        owner = None if met is None else met.owner
        if isinstance(owner, OwnOrder) and (owner.account.master or owner.account) is mine:
            return found, owner
        found += there
    return None
