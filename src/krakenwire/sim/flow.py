"""Seeded order flow: who trades when nobody else does.

One `Flow` acts in one market. Its orders gather around a fair price that wanders, in random steps and back towards where it began, so a
market lives for ever without leaving its digits. Everything follows from the generator it is given: the same seed makes the same market.
"""

from __future__ import annotations

from math import exp, log, sqrt
from random import Random

from msgspec import Struct

from krakenwire.sim.clock import SECOND
from krakenwire.sim.engine import Order, Side
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Scaling


class Character(Struct, frozen=True, kw_only=True):
    """What kind of market it is."""

    rate: float = 8.0
    """Messages of order flow a second, on average."""
    levels: int = 60
    """Price levels a side, about."""
    crowd: float = 1.4
    """Orders a level, about."""
    spacing: float = 2.0
    """Price steps between two levels, about."""
    size: float = 1000.0
    """Value of an order in the quote currency, about."""
    wander: float = 0.0002
    """Relative change of the fair price in one message, about."""
    takers: float = 0.12
    """Share of what happens that takes liquidity."""
    bursts: float = 0.15
    """Share of messages that hold several changes."""
    moods: float = 0.02
    """Chance in a message that the pace changes, between a third and three times the rate."""
    withdrawals: float = 0.0
    """Chance in a message that the makers of a side, or of both, go away for some seconds."""
    changes: float = 0.0
    """Chance in a message that the terms of the market change: its status for some seconds, its digits, its smallest order."""
    history: int = 80
    """Trades that happened before the exchange began, in the last day and a half."""


class Flow:
    """The order flow of one market."""

    def __init__(self, market: Market, price: int, character: Character, random: Random) -> None:
        self.market = market
        self.character = character
        self.random = random
        self.anchor = float(price)
        self.fair = float(price)
        """What the flow thinks the price is, in units of the last digit."""
        self.orders: tuple[list[Order], list[Order]] = ([], [])
        """Its own orders a side, in no order; some may have been filled since."""
        self._wanted = character.levels * character.crowd
        self._pace = character.rate
        self._away = [0, 0]
        """Until when the makers of a side are away."""
        self._acts = 0

    def open(self, at: int) -> None:
        """What there is when the exchange begins: trades of the past, and orders of different ages."""
        self._remember(at)
        count = int(0.75 * self._wanted) or 1
        ages = sorted((self.random.expovariate(1 / 120) for _ in range(2 * count)), reverse=True)
        for number, age in enumerate(ages):
            self._make(Side(number % 2), at - int(age * SECOND))

    def pause(self) -> int:
        """Nanoseconds until the next message."""
        return int(self.random.expovariate(self._pace) * SECOND) + 1_000

    def act(self, at: int) -> None:
        """What one message tells: one change, or a burst of them."""
        if not self.market.mode.cancels:
            return
        draw = self.random.random
        drift = self.random.gauss(0.0, self.character.wander) + 0.002 * (self.anchor / self.fair - 1)
        self.fair *= 1 + drift
        self._acts += 1
        if self._acts > self._wanted:
            self._acts = 0
            for orders in self.orders:
                orders[:] = [order for order in orders if order.resting]
        if draw() < self.character.moods:
            self._pace = self.character.rate * self.random.choice((0.3, 1.0, 1.0, 3.0))
        if draw() < self.character.withdrawals:
            self._withdraw(at)
        self._one(at)
        if draw() < self.character.bursts:
            for _ in range(1 + int(draw() * 6)):
                if draw() < 0.3:
                    self.market.mark()
                self._one(at)

    def _one(self, at: int) -> None:
        side = Side(self.random.random() < 0.5)
        draw = self.random.random()
        mode = self.market.mode
        if not mode.places:
            if draw < 0.1:
                self._cancel(side)
            return
        if draw < self.character.takers:
            if mode.takes:
                self._take(at)
            return
        full = len(self.orders[side]) / self._wanted
        if draw < 0.9 - 0.38 * min(full, 2.0):
            self._make(side, at)
        elif draw < 0.96:
            self._cancel(side)
        else:
            self._amend(side, at)

    def _remember(self, at: int) -> None:
        """Trades at ages from a second to a day and a half, few of them old, on a path that ends at the fair price."""
        draw, step = self.random, self.market.pair.price_increment
        ages = sorted(exp(draw.uniform(0.0, log(130_000.0))) for _ in range(self.character.history))
        price, last, made = self.fair, 0.0, []
        for age in ages:
            messages = (age - last) * self.character.rate
            price *= exp(draw.gauss(0.0, min(0.02, 0.5 * self.character.wander * sqrt(messages))))
            price, last = min(max(price, 0.8 * self.anchor), 1.25 * self.anchor), age
            made.append((max(1, round(price / step)) * step, at - int(age * SECOND)))
        for ticks, when in reversed(made):
            side, kind = Side(draw.random() < 0.5), "limit" if draw.random() < 0.6 else "market"
            self.market.remember(side, ticks, self._size(), kind, when)

    def _withdraw(self, at: int) -> None:
        """Everything of one side, or of both, goes in one message, and nothing new comes for some seconds."""
        first = Side(self.random.random() < 0.5)
        sides = [first, Side(1 - first)] if self.random.random() < 0.25 else [first]
        until = at + int(self.random.uniform(2.0, 12.0) * SECOND)
        for side in sides:
            for order in self.orders[side]:
                if order.resting:
                    self.market.cancel(order)
            self.orders[side].clear()
            self._away[side] = until

    def _make(self, side: Side, at: int) -> None:
        price = self._price(side) if self._away[side] <= at else None
        if price is not None:
            self.orders[side].append(self.market.place(side, self._size(), price, at=at))

    def _price(self, side: Side) -> int | None:
        """A price on its own side of the market; None if there is no room for one."""
        step = self.market.pair.price_increment
        reach = self.character.levels * self.character.spacing * step
        near = self.random.random() < 0.4
        away = min(
            self.random.expovariate(
                1 / min(reach, 5.0 * self.character.spacing * step) if near else 2.5 / reach
            ),
            1.2 * reach,
        )
        raw = self.fair - away if side is Side.BUY else self.fair + away
        price = int(raw) // step * step
        if side is Side.SELL and price < raw:
            price += step
        best = self.market.engine.sides[1 - side].best()
        if best is not None:
            price = min(price, best - step) if side is Side.BUY else max(price, best + step)
        return price if price >= step else None

    def _size(self) -> int:
        """A quantity in units of the last digit."""
        pair = self.market.pair
        large = 12 if self.random.random() < 0.02 else 1
        units = large * self.character.size / self.fair * 10 ** (pair.price_precision + pair.qty_precision)
        return max(pair.qty_min, int(units * self.random.lognormvariate(-0.5, 1.0)))

    def _take(self, at: int) -> None:
        bids, asks = self.market.engine.sides
        bid, ask = bids.best(), asks.best()
        if bid is None or ask is None:
            side = Side.BUY if bid is None else Side.SELL
        else:
            side = Side(self.random.random() < (0.75 if self.fair < (bid + ask) / 2 else 0.25))
        best = ask if side is Side.BUY else bid
        if best is None:
            return
        step = self.market.pair.price_increment
        further = int(self.random.expovariate(0.5)) * step
        limit = best + further if side is Side.BUY else max(step, best - further)
        at_market = self.market.mode.markets and self.random.random() < 0.4
        # A limit order that is not filled at once stays: the spread closes behind it.
        order = self.market.place(side, self._size(), None if at_market else limit, at=at)
        if order.resting:
            self.orders[side].append(order)

    def rescale(self, scaling: Scaling) -> None:
        """Prices have other digits now; the digits of quantities are read when an order is made."""
        self.anchor *= scaling.price_up / scaling.price_down
        self.fair *= scaling.price_up / scaling.price_down

    def _any(self, side: Side) -> Order | None:
        """One of its resting orders. Those that were filled meanwhile are forgotten on the way."""
        orders = self.orders[side]
        while orders:
            number = int(self.random.random() * len(orders))
            if orders[number].resting:
                return orders[number]
            orders[number] = orders[-1]
            orders.pop()
        return None

    def _cancel(self, side: Side) -> None:
        if (order := self._any(side)) is not None:
            self.market.cancel(order)

    def _amend(self, side: Side, at: int) -> None:
        """Half of the time a smaller quantity, which keeps the place; else another price."""
        if (order := self._any(side)) is None:
            return
        smaller = max(self.market.pair.qty_min, order.qty * 2 // 3)
        if self.random.random() < 0.5:
            if smaller < order.qty:
                self.market.resize(order, smaller)
        elif (price := self._price(side)) is not None:
            self.market.move(order, price, order.qty, at=at)
