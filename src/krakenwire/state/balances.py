"""What the caller holds of each asset: the memory behind channel `balances`.

Rows of a snapshot replace everything; entries of the ledger each state a change and the balance after it. The
stated balance is taken as it is. That old balance, amount and fee add up to it is checked, but only reported:
whether an entry states the balance of one wallet or of all is not documented, and recordings do not settle it
[U].
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Context, Decimal

from msgspec import Struct

from krakenwire.wire.account import BalanceEntry, Wallet
from krakenwire.wire.enums import AssetClass

MAX_BALANCES = 10_000
MAX_LEDGER_IDS = 10_000
"""Ledger entries whose identity is remembered."""

# Numbers of the wire have at most 40 digits within 10^±24, so their sums are exact in a hundred digits. What
# does not fit is none of them; without traps it comes out different and is flagged.
_EXACT = Context(prec=100, traps=[])
_ZERO = Decimal(0)


class Balance(Struct, frozen=True, kw_only=True):
    """What is held of one asset, orders on hold included: v2 does not tell what is available."""

    asset: str
    balance: Decimal
    """In the asset itself, digits as received."""
    asset_class: AssetClass | None = None
    wallets: tuple[Wallet, ...] | None = None
    """Parts by wallet, as a snapshot told them; None after a change, which does not tell them."""
    ledger_id: str | None = None
    """The entry that changed it last; None since a snapshot."""
    timestamp: str | None = None
    """When that was, RFC 3339 UTC."""
    user: str | None = None
    """Subaccount; None for the account itself."""


class BalanceChanged(Struct, frozen=True):
    """A balance appeared, vanished or changed. `after` is None if a snapshot no longer names the asset."""

    before: Balance | None
    after: Balance | None


class LedgerDuplicate(Struct, frozen=True):
    """A ledger entry that was seen before; nothing of it was taken in."""

    ledger_id: str
    asset: str


class BalanceDiffers(Struct, frozen=True):
    """Old balance plus amount minus fee is not the balance stated. A flag, no verdict: see the module."""

    asset: str
    ledger_id: str
    expected: Decimal
    stated: Decimal
    user: str | None = None


class BalanceForgotten(Struct, frozen=True):
    """More balances are reported than are kept; this one is no longer followed."""

    balance: Balance


BalanceFact = BalanceChanged | LedgerDuplicate | BalanceDiffers | BalanceForgotten


class Balances:
    """Balances by subaccount and asset. Bounded; never raises for what was received."""

    def __init__(self, *, max_balances: int = MAX_BALANCES, max_ledger_ids: int = MAX_LEDGER_IDS) -> None:
        self._max_balances = max_balances
        self._max_ledger_ids = max_ledger_ids
        self._held: dict[tuple[str | None, str], Balance] = {}
        self._ledger_ids: dict[str, None] = {}
        self.live = False
        """Whether nothing was missed since a snapshot. While False, balances read as they last were."""

    def get(self, asset: str, *, user: str | None = None) -> Balance | None:
        """What is held of an asset, or None if nobody said. Look at `live` before trusting it."""
        return self._held.get((user, asset))

    def all(self) -> tuple[Balance, ...]:
        return tuple(self._held.values())

    def interrupt(self) -> None:
        """Something may have been missed: balances stay readable but are not live until a snapshot."""
        self.live = False

    def snapshot(self, rows: Iterable[BalanceEntry]) -> list[BalanceFact]:
        """Replace everything by the rows of a snapshot. An asset it does not name is not held."""
        before, self._held = self._held, {}
        for row in rows:
            self._held[row.user, row.asset] = Balance(
                asset=row.asset,
                balance=row.balance,
                asset_class=row.asset_class,
                wallets=row.wallets,
                user=row.user,
            )
        self.live = True
        facts: list[BalanceFact] = [
            BalanceChanged(before.get(key), self._held.get(key))
            for key in before | self._held
            if _differs(before.get(key), self._held.get(key))
        ]
        return facts + self._forget()

    def apply(self, entry: BalanceEntry) -> list[BalanceFact]:
        """Take in one ledger entry of an update."""
        if entry.ledger_id is not None:
            if entry.ledger_id in self._ledger_ids:
                return [LedgerDuplicate(entry.ledger_id, entry.asset)]
            self._remember(entry.ledger_id)
        key = (entry.user, entry.asset)
        before = self._held.get(key)
        after = Balance(
            asset=entry.asset,
            balance=entry.balance,
            asset_class=before.asset_class if entry.asset_class is None and before else entry.asset_class,
            ledger_id=entry.ledger_id,
            timestamp=entry.timestamp,
            user=entry.user,
        )
        self._held[key] = after
        facts: list[BalanceFact] = [BalanceChanged(before, after)]
        if self.live:
            facts += _check(before, entry)
        return facts + self._forget()

    def _remember(self, ledger_id: str) -> None:
        self._ledger_ids[ledger_id] = None
        if len(self._ledger_ids) > self._max_ledger_ids:
            del self._ledger_ids[next(iter(self._ledger_ids))]

    def _forget(self) -> list[BalanceFact]:
        facts: list[BalanceFact] = []
        while len(self._held) > self._max_balances:
            facts.append(BalanceForgotten(self._held.pop(next(iter(self._held)))))
        return facts


def _differs(before: Balance | None, after: Balance | None) -> bool:
    """Whether a snapshot says something else; that it tells the wallets again is no change."""
    if before is None or after is None:
        return before is not after
    wallets = before.wallets is not None and _values(before.wallets) != _values(after.wallets)
    return before.balance != after.balance or wallets


def _values(wallets: tuple[Wallet, ...] | None) -> list[tuple[object, ...]]:
    """What makes the parts of a balance the same; the spelling of their numbers does not."""
    return [(wallet.type, wallet.id, wallet.balance) for wallet in wallets or ()]


def _check(before: Balance | None, entry: BalanceEntry) -> list[BalanceFact]:
    if entry.ledger_id is None or entry.amount is None or (before is None and entry.user is not None):
        return []
    # While live, an asset that the snapshot did not name was not held; of subaccounts there is no snapshot.
    old = _ZERO if before is None else before.balance
    fee = _ZERO if entry.fee is None else entry.fee
    expected = _EXACT.subtract(_EXACT.add(old, entry.amount), fee)
    if expected == entry.balance:
        return []
    return [BalanceDiffers(entry.asset, entry.ledger_id, expected, entry.balance, entry.user)]
