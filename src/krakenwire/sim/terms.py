"""Seeded changes of the terms of a market: what channel `instrument` has to tell."""

from __future__ import annotations

from random import Random
from typing import Any

from krakenwire.sim.clock import SECOND
from krakenwire.sim.pair import Pair
from krakenwire.wire.enums import PairStatus

DIGITS_MORE = 2
"""Digits that the prices or the quantities of a market may get beyond those they began with."""

_PASSING = (PairStatus.POST_ONLY, PairStatus.LIMIT_ONLY, PairStatus.CANCEL_ONLY, PairStatus.MAINTENANCE)


class Terms:
    """When the terms of one market change, and to what. A status other than online passes after some seconds."""

    def __init__(self, pair: Pair, chance: float, random: Random) -> None:
        self._digits = {"price_precision": pair.price_precision, "qty_precision": pair.qty_precision}
        self._chance = chance
        self._random = random
        self._until = 0

    def change(self, pair: Pair, at: int) -> dict[str, Any] | None:
        """Fields of `Pair` that are to be changed now; None, nearly always."""
        if self._until and at >= self._until:
            self._until = 0
            return {"status": PairStatus.ONLINE}
        if not self._chance or self._random.random() >= self._chance:
            return None
        kind = self._random.choice(("status", "digits", "minimum"))
        if kind == "status" and not self._until:
            self._until = at + int(self._random.uniform(3.0, 20.0) * SECOND)
            return {"status": self._random.choice(_PASSING)}
        if kind == "digits":
            which = self._random.choice(tuple(self._digits))
            return {which: self._digits[which] + self._random.choice(range(DIGITS_MORE + 1))}
        return {
            "qty_min": max(1, pair.qty_min * self._random.choice((1, 2, 5)) // self._random.choice((1, 2, 5)))
        }
