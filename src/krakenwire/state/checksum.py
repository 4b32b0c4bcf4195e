"""Digits of prices and quantities, as Kraken's book checksum reads them.

Source: Kraken's book checksum guide. The decimal point is deleted and leading zeros are stripped, so the checksum cannot see where
the point stood: `62999.9` and `6299.99` look alike to it. Hence the rule of this module: a token proves something only if it has
exactly as many fraction digits as every other token of its kind in the book. Without that rule some single edits pass.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import cast

from krakenwire.wire.numbers import LossyText, number_problem

Decimals = tuple[int, int]
"""Fraction digits of the prices and of the quantities of one pair."""

Tokens = tuple[str, str]
"""Price and quantity of one level or order in plain notation; `LossyText` where the sender's digits were lost."""

MAX_DECIMALS = 12
"""Fraction digits of the finest pair that is searched for when digits were lost."""

FLOAT_DIGITS = 15
"""Significant digits that every float keeps. Of a longer number it may have kept another one."""

PLAIN_DIGITS = 20
"""Digits on each side of the point up to which a plain token is within bounds, whatever its digits."""

_PLAIN = re.compile(rf"[0-9]{{1,{PLAIN_DIGITS}}}(?:\.[0-9]{{1,{PLAIN_DIGITS}}})?", re.ASCII)
_NUMBER = re.compile(r"(-?[0-9]{1,64}(?:\.[0-9]{1,64})?)([eE][+-]?[0-9]{1,3})?", re.ASCII)


def fraction_digits(text: str) -> int:
    """Digits behind the point of a plain token; 0 without a point."""
    _, _, fraction = text.partition(".")
    return len(fraction)


def digits_of(price_text: str, qty_text: str) -> str:
    """What one level adds to the checksum's input."""
    return price_text.replace(".", "").lstrip("0") + qty_text.replace(".", "").lstrip("0")


def plain_token(token: object) -> tuple[str, bool]:
    """Read one price or quantity that is not a plain text with a point.

    Returns the token in plain notation, and whether its digits are the sender's own. An exponent (`5e-05`) or a number that went
    through a float keeps its value but has lost its digits.

    Raises: ValueError, if it is not a number, is negative, or is out of bounds (40 digits, exponents -24 to 24).
    """
    if token.__class__ is int:
        text, own = str(token), True
    elif isinstance(token, str):
        text, own = str(token), token.__class__ is str
    else:
        raise ValueError(f"expected a number, got {type(token).__name__}")
    if _PLAIN.fullmatch(text):
        return text, own
    found = _NUMBER.fullmatch(text) if len(text) <= 140 else None
    if found is None:
        raise ValueError(f"not a number within bounds: {text[:60]!r}")
    value = Decimal(text)
    if value.is_signed() or (problem := number_problem(value)):
        raise ValueError(f"not a number within bounds: {text[:60]!r}" if value.is_signed() else problem)
    return (text, own) if found[2] is None else (format(value, "f"), False)


def read_tokens(price: object, qty: object) -> Tokens:
    """The price and the quantity of one level or order, marked where digits were lost.

    Raises: ValueError, as `plain_token` does.
    """
    price_text, own_price = plain_token(price)
    qty_text, own_qty = plain_token(qty)
    return price_text if own_price else LossyText(price_text), qty_text if own_qty else LossyText(qty_text)


def padded(text: str, decimals: int) -> str | None:
    """The token with exactly `decimals` fraction digits, or None if that would change its value."""
    whole, _, fraction = text.partition(".")
    if len(fraction) > decimals:
        if fraction[decimals:].strip("0"):
            return None
        fraction = fraction[:decimals]
    return f"{whole}.{fraction:0<{decimals}}" if decimals else whole


def may_be_rounded(text: str, decimals: int) -> bool:
    """True if a token lost its digits, and with `decimals` fraction digits has more of them than a float keeps."""
    return type(text) is LossyText and len(text.partition(".")[0].lstrip("0")) + decimals > FLOAT_DIGITS


def lost_digits(tokens: Tokens) -> bool:
    """True if not every digit is the sender's own."""
    return type(tokens[0]) is LossyText or type(tokens[1]) is LossyText


def padded_tokens(tokens: Tokens, decimals: Decimals) -> Tokens:
    """Tokens that fit, with lost digits given back."""
    if not lost_digits(tokens):
        return tokens
    return cast("Tokens", (padded(tokens[0], decimals[0]), padded(tokens[1], decimals[1])))


def fits(text: str, decimals: int) -> bool:
    """True if a plain token has so many fraction digits, or has lost its own and can be given them."""
    return (
        padded(text, decimals) is not None if type(text) is LossyText else fraction_digits(text) == decimals
    )


def uneven(decimals: Decimals) -> str:
    """What is wrong with a message of which some token does not fit."""
    return f"a token does not have {decimals[0]} (price) or {decimals[1]} (quantity) fraction digits"
