"""Exact amounts, and their digits on the wire."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal

from msgspec import Raw

from krakenwire.sim.feeds.instrument import asset_precisions

EXACT = Context(prec=100)
"""Whoever computes here does so under `decimal.localcontext(EXACT)`: requests, fills and what is due later all begin with it."""

ZERO = Decimal(0)
LARGEST_EXPONENT = 24
MOST_DIGITS = 40


def sane(value: Decimal) -> bool:
    """Whether a number of a request can be computed with: no million digits, no exponent beyond reason."""
    _, digits, exponent = value.as_tuple()
    return (
        isinstance(exponent, int)
        and len(digits) <= MOST_DIGITS
        and -LARGEST_EXPONENT <= exponent <= LARGEST_EXPONENT
    )


def units(value: Decimal, decimals: int) -> int:
    """In units of the last digit; more digits than that are cut off."""
    return int(value.scaleb(decimals))


def amount(count: int, decimals: int) -> Decimal:
    """So many units of the last digit."""
    return Decimal(count).scaleb(-decimals)


def rounded(value: Decimal, decimals: int) -> Decimal:
    """As reports show it: half up."""
    return value.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def booked(value: Decimal, asset: str) -> Decimal:
    """As the ledger books it: with the digits of the asset, towards zero.

    Both sides of a trade are booked the same amount, and no order can cost more than was held for it.
    """
    return value.quantize(Decimal(1).scaleb(-asset_precisions(asset)[0]), ROUND_DOWN)


def number(value: Decimal, decimals: int) -> Raw:
    """A JSON number with exactly so many decimals: trailing zeros are on the wire."""
    return Raw(f"{rounded(value, decimals):f}".encode())


def asset_number(value: Decimal, asset: str) -> Raw:
    """An amount of an asset as a JSON number."""
    return number(value, asset_precisions(asset)[0])
