"""`state/balances.py`: balances are what Kraken stated last, each ledger entry counts once."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state.balances import (
    Balance,
    BalanceChanged,
    BalanceDiffers,
    BalanceForgotten,
    Balances,
    LedgerDuplicate,
)
from krakenwire.wire.account import BalanceEntry, Wallet
from krakenwire.wire.enums import AssetClass, WalletId, WalletType


def row(asset: str, balance: str, **told: Any) -> BalanceEntry:
    return BalanceEntry(asset=asset, balance_text=balance, **told)


def entry(ledger_id: str, asset: str, amount: str, fee: str, balance: str, **told: Any) -> BalanceEntry:
    return row(
        asset,
        balance,
        ledger_id=ledger_id,
        ref_id="T",
        timestamp="2026-11-22T08:01:04.000090Z",
        amount_text=amount,
        fee_text=fee,
        **told,
    )


def test_a_ledger_entry_moves_the_balance() -> None:
    """The stated balance is taken digit by digit, with the identity and time of the entry."""
    balances = Balances()
    balances.snapshot([row("USD", "1000.0000", asset_class=AssetClass.CURRENCY)])
    before = balances.get("USD")
    facts = balances.apply(entry("L1", "USD", "-282.0000", "0.4512", "717.5488"))
    after = balances.get("USD")
    assert after is not None
    assert facts == [BalanceChanged(before, after)]
    assert str(after.balance) == "717.5488"
    assert (after.ledger_id, after.asset_class) == ("L1", AssetClass.CURRENCY)


def test_a_ledger_entry_seen_before_is_dropped() -> None:
    """An entry that comes twice moves nothing the second time, whatever it says then."""
    balances = Balances()
    balances.snapshot([row("USD", "10")])
    balances.apply(entry("L1", "USD", "1", "0", "11"))
    assert balances.apply(entry("L1", "USD", "1", "0", "99")) == [LedgerDuplicate("L1", "USD")]
    assert balances.all() == (balances.get("USD"),)
    held = balances.get("USD")
    assert held is not None
    assert held.balance == 11


def test_a_sum_that_does_not_add_up_is_flagged_and_taken() -> None:
    """The stated balance stands; that it differs from the sum is said beside it."""
    balances = Balances()
    balances.snapshot([row("USD", "10.00")])
    facts = balances.apply(entry("L1", "USD", "1.00", "0.10", "10.95"))
    assert facts[1:] == [BalanceDiffers("USD", "L1", Decimal("10.90"), Decimal("10.95"))]
    held = balances.get("USD")
    assert held is not None
    assert held.balance == Decimal("10.95")


def exact(units: int) -> str:
    """A decimal of so many 10^-15, made without arithmetic that could round."""
    return str(Decimal((int(units < 0), tuple(map(int, str(abs(units)))), -15)))


units = st.integers(min_value=-(10**36), max_value=10**36)


@given(old=units, amount=units, fee=units)
def test_sums_are_exact(old: int, amount: int, fee: int) -> None:
    """With 37 digits, the right balance is never flagged and one off by the smallest step always is."""
    right = old + amount - fee
    for stated, flagged in ((right, False), (right + 1, True), (right - 1, True)):
        balances = Balances()
        balances.snapshot([BalanceEntry(asset="USD", balance_text=exact(old))])
        told = BalanceEntry(
            asset="USD",
            balance_text=exact(stated),
            ledger_id="L",
            amount_text=exact(amount),
            fee_text=exact(fee),
        )
        assert any(isinstance(fact, BalanceDiffers) for fact in balances.apply(told)) is flagged


def test_an_asset_not_held_starts_from_zero() -> None:
    """After a snapshot, the first entry of an asset it does not name adds to nothing."""
    balances = Balances()
    balances.snapshot([])
    assert balances.apply(entry("L1", "SOL", "2", "0", "2")) == [BalanceChanged(None, balances.get("SOL"))]


@pytest.mark.fault("B17")
def test_nothing_is_checked_or_live_after_an_interruption() -> None:
    """Until the next snapshot balances are not live, and a missed entry is not taken for a wrong sum."""
    balances = Balances()
    live = [balances.live]
    balances.snapshot([row("USD", "10")])
    live.append(balances.live)
    balances.interrupt()
    live.append(balances.live)
    assert len(balances.apply(entry("L9", "USD", "1", "0", "500"))) == 1
    balances.snapshot([row("USD", "500")])
    live.append(balances.live)
    assert live == [False, True, False, True]


def test_a_snapshot_replaces_everything() -> None:
    """What a snapshot does not name is no longer held; what it repeats is no fact."""
    balances = Balances()
    main = (Wallet(type=WalletType.SPOT, id=WalletId.MAIN, balance_text="1"),)
    balances.snapshot([row("USD", "1", wallets=main), row("SOL", "2"), row("BTC", "3")])
    sol = balances.get("SOL")
    facts = balances.snapshot([row("USD", "1", wallets=main), row("BTC", "4")])
    assert facts == [
        BalanceChanged(sol, None),
        BalanceChanged(Balance(asset="BTC", balance=Decimal(3)), balances.get("BTC")),
    ]
    assert balances.get("SOL") is None


def test_a_change_hides_the_split_by_wallet() -> None:
    """A ledger entry does not tell the wallets, so the old split is not shown beside the new balance."""
    balances = Balances()
    main = (Wallet(type=WalletType.SPOT, id=WalletId.MAIN, balance_text="1"),)
    balances.snapshot([row("USD", "1", wallets=main)])
    balances.apply(entry("L1", "USD", "1", "0", "2"))
    held = balances.get("USD")
    assert held is not None
    assert held.wallets is None
    moved = (Wallet(type=WalletType.SPOT, id=WalletId.MAIN, balance_text="2"),)
    assert balances.snapshot([row("USD", "2", wallets=moved)]) == []
    held = balances.get("USD")
    assert held is not None
    assert held.wallets == moved


def test_subaccounts_do_not_mix() -> None:
    """The same asset of two users is two balances."""
    balances = Balances()
    balances.apply(entry("L1", "USD", "1", "0", "1", user="a"))
    balances.apply(entry("L2", "USD", "2", "0", "2", user="b"))
    assert [held.balance for held in balances.all()] == [1, 2]
    assert balances.get("USD") is None
    assert balances.get("USD", user="b") is not None


def test_an_unknown_balance_of_a_subaccount_is_not_taken_for_zero() -> None:
    """A snapshot says nothing of subaccounts, so the first entry of one cannot be checked; the second can."""
    balances = Balances()
    balances.snapshot([])
    assert len(balances.apply(entry("L1", "DOT", "-10", "0", "40", user="a"))) == 1
    facts = balances.apply(entry("L2", "DOT", "-10", "0", "31", user="a"))
    assert facts[1:] == [BalanceDiffers("DOT", "L2", Decimal(30), Decimal(31), "a")]


def test_memory_is_bounded() -> None:
    """Beyond their bounds the oldest balance is given up, with a fact, and the oldest identity in silence."""
    balances = Balances(max_balances=2, max_ledger_ids=3)
    balances.snapshot([row("A", "1"), row("B", "1")])
    first = balances.get("A")
    assert first is not None
    assert balances.apply(entry("L0", "C", "1", "0", "1"))[-1] == BalanceForgotten(first)
    for number in range(1, 10):
        balances.apply(entry(f"L{number}", "C", "0", "0", "1"))
    assert len(balances._ledger_ids) == 3
    assert len(balances.all()) == 2
