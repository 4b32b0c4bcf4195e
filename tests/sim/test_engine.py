"""Orders meet by price, then by time, and the journal says what was before."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.sim.engine import Engine, Order, Side


class Desk:
    """Names orders and gives them to an engine."""

    def __init__(self) -> None:
        self.engine = Engine()
        self.count = 0

    def place(self, side: Side, qty: int, price: int | None) -> Order:
        self.count += 1
        order = Order(f"O{self.count}", side, price or 0, qty, stamp=self.count)
        self.engine.match(order, price)
        if order.qty and price is not None:
            self.engine.rest(order)
        return order


def test_price_then_time() -> None:
    """An order meets the best price first, and at one price who came first; the price is the maker's."""
    desk = Desk()
    late, early, best = (desk.place(Side.SELL, 5, price) for price in (102, 101, 100))
    second = desk.place(Side.SELL, 5, 101)
    taker = desk.place(Side.BUY, 13, 101)
    assert [(fill.maker, fill.price, fill.qty) for fill in desk.engine.journal.fills] == [
        (best, 100, 5),
        (early, 101, 5),
        (second, 101, 3),
    ]
    assert (taker.qty, taker.resting, second.qty, late.qty) == (0, False, 2, 5)


def test_rest_of_a_limit_order_rests_at_its_limit() -> None:
    """What finds no partner within the limit becomes the best price of its own side."""
    desk = Desk()
    desk.place(Side.SELL, 5, 100)
    order = desk.place(Side.BUY, 8, 100)
    assert (order.qty, order.resting, desk.engine.bids.best(), desk.engine.asks.best()) == (
        3,
        True,
        100,
        None,
    )


def test_resizing_keeps_the_place_and_moving_loses_it() -> None:
    """A smaller quantity keeps the place in the queue; a new price, or the same price anew, goes to the tail."""
    desk = Desk()
    first, second, third = (desk.place(Side.BUY, 5, 100) for _ in range(3))
    desk.engine.resize(first, 2)
    desk.engine.move(second, 100, 5, stamp=9)
    assert list(desk.engine.bids.levels[-100].orders.values()) == [first, third, second]
    assert desk.engine.bids.levels[-100].total == 12


@pytest.mark.parametrize(
    ("side", "price", "crosses"), [(Side.BUY, 99, False), (Side.BUY, 100, True), (Side.SELL, 100, False)]
)
def test_crossing_is_known_beforehand(side: Side, price: int, crosses: bool) -> None:
    """Whether an order would meet another is known without placing it: what post-only needs."""
    desk = Desk()
    desk.place(Side.SELL, 1, 100)
    assert desk.engine.crosses(side, price) is crosses


@given(seed=st.integers(0, 10**6), steps=st.integers(1, 120))
def test_no_quantity_appears_or_vanishes(seed: int, steps: int) -> None:
    """Whatever is done: sides stay sorted and uncrossed, totals are sums of queues, the journal knows what was before, and what is filled
    on one side is filled on the other.
    """
    random, desk = Random(seed), Desk()
    engine = desk.engine
    placed = cancelled = 0
    for _ in range(steps):
        before = [{key: level.total for key, level in side.levels.items()} for side in engine.sides]
        engine.journal.clear()
        for _ in range(random.randint(1, 3)):
            action, qty = random.random(), random.randint(1, 9)
            if action < 0.6 or not engine.orders:
                placed += qty
                order = desk.place(Side(random.randint(0, 1)), qty, random.choice([None, *range(95, 106)]))
                cancelled += 0 if order.resting else order.qty
            elif action < 0.9:
                order = random.choice(list(engine.orders.values()))
                cancelled += order.qty
                engine.remove(order)
            else:
                order = random.choice(list(engine.orders.values()))
                cancelled += order.qty - 1
                engine.resize(order, 1)
        filled = sum(fill.qty for fill in engine.journal.fills)
        placed -= 2 * filled
        for side, was, changed in zip(engine.sides, before, engine.journal.levels, strict=True):
            assert side.keys == sorted(side.levels)
            assert all(
                level.total == sum(o.qty for o in level.orders.values()) > 0 for level in side.levels.values()
            )
            now = {key: level.total for key, level in side.levels.items()}
            assert {key: was.get(key, 0) for key in changed} == changed
            assert all(was[key] == now.get(key) for key in was if key not in changed)
        bid, ask = engine.bids.best(), engine.asks.best()
        assert bid is None or ask is None or bid < ask
    assert sum(order.qty for order in engine.orders.values()) == placed - cancelled
