"""Who has what: every change of a balance is booked here, and nothing else changes one.

The crowd is everybody without an account: the order flow. What an account gains in a trade somebody loses, the crowd or another account, so
the sum over accounts, crowd and fees changes by deposits and withdrawals only. What the crowd has is counted from zero; it has no limits.
"""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from random import Random

from krakenwire.sim.engine import Side
from krakenwire.sim.pair import Pair
from krakenwire.sim.private.account import Account
from krakenwire.sim.private.money import ZERO, amount, booked
from krakenwire.sim.private.order import OwnOrder
from krakenwire.sim.private.reports import cost_of
from krakenwire.sim.private.statements import ledger_row
from krakenwire.sim.tape import Trade

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


class Ledger:
    """All balances of the world."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.crowd: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.fees: defaultdict[str, Decimal] = defaultdict(Decimal)
        """What the exchange took."""
        self.paid_in: defaultdict[str, Decimal] = defaultdict(Decimal)
        """Deposits less withdrawals."""

    def new_id(self, letter: str) -> str:
        """An id as Kraken forms them: `T` for fills and amendments, `L` for ledger entries."""
        drawn = "".join(self._random.choices(_LETTERS, k=16))
        return f"{letter}{drawn[:5]}-{drawn[5:10]}-{drawn[10:]}"

    def pay(self, account: Account, asset: str, change: Decimal, at: int) -> None:
        """A deposit, or a withdrawal if negative."""
        change = booked(change, asset)
        account.require(asset, -change)
        self.paid_in[asset] += change
        kind = "deposit" if change >= 0 else "withdrawal"
        self._enter(account, asset, change, kind=kind, ref_id=self.new_id("Q"), at=at)

    def settle(self, order: OwnOrder, trade: Trade, rate: Decimal, ref_id: str) -> None:
        """An account's side of a fill: what it brings and costs. `rate`: the fee, a fraction of the cost."""
        pair, account, at = order.pair, order.account, trade.at
        qty, cost = _amounts(pair, trade, order.terms.side)
        fee = booked(cost_of(pair, trade) * rate, pair.quote)
        self.fees[pair.quote] += fee
        self._enter(account, pair.base, qty, kind="trade", ref_id=ref_id, at=at)
        self._enter(account, pair.quote, -cost, fee, kind="trade", ref_id=ref_id, at=at)

    def settle_crowd(self, pair: Pair, trade: Trade, side: Side) -> None:
        """The crowd's side of a fill. It pays no fee."""
        qty, cost = _amounts(pair, trade, side)
        self.crowd[pair.base] += qty
        self.crowd[pair.quote] -= cost

    def _enter(
        self,
        account: Account,
        asset: str,
        change: Decimal,
        fee: Decimal = ZERO,
        *,
        kind: str,
        ref_id: str,
        at: int,
    ) -> None:
        account.balances[asset] = account.balances.get(asset, ZERO) + change - fee
        row = ledger_row(account, asset, change, fee, kind=kind, ids=(self.new_id("L"), ref_id), at=at)
        account.tell("balances", row, at)


def _amounts(pair: Pair, trade: Trade, side: Side) -> tuple[Decimal, Decimal]:
    """What a side of a fill gets of the base and gives of the quote currency; the other side has the same with other signs."""
    sign = 1 if side is Side.BUY else -1
    return sign * amount(trade.qty, pair.qty_precision), sign * booked(cost_of(pair, trade), pair.quote)
