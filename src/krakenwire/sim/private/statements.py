"""Rows of channel `balances`: what an account has, and each entry of its ledger."""

from __future__ import annotations

from decimal import Decimal

from krakenwire.sim.clock import micros
from krakenwire.sim.private.account import Account
from krakenwire.sim.private.money import asset_number
from krakenwire.sim.private.reports import Row


def balance_rows(account: Account) -> list[Row]:
    """Everything that an account has."""
    rows = []
    for asset, held in account.balances.items():
        written = asset_number(held, asset)
        wallets = [{"type": "spot", "id": "main", "balance": written}]
        rows.append({"asset": asset, "asset_class": "currency", "balance": written, "wallets": wallets})
    return rows


def ledger_row(
    account: Account, asset: str, change: Decimal, fee: Decimal, *, kind: str, ids: tuple[str, str], at: int
) -> Row:
    """An entry of the ledger. `ids`: its own, and that of the event it belongs to."""
    return {
        "ledger_id": ids[0],
        "ref_id": ids[1],
        "timestamp": micros(at),
        "type": kind,
        "asset": asset,
        "asset_class": "currency",
        "category": kind,
        "wallet_type": "spot",
        "wallet_id": "main",
        "amount": asset_number(change, asset),
        "fee": asset_number(fee, asset),
        "balance": asset_number(account.balances[asset], asset),
    }
