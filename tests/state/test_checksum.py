"""`state/checksum.py`: digits as the checksum reads them; Kraken's golden values, and what the usual mistakes give instead."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state.checksum import (
    MAX_DECIMALS,
    digits_of,
    fits,
    fraction_digits,
    may_be_rounded,
    padded,
    plain_token,
)
from krakenwire.wire.numbers import LossyText
from tests.vectors import books
from tests.vectors.books import checksum, levels_of, text_of

V7_ASKS, V7_BIDS = levels_of(books.V7_ASKS), levels_of(books.V7_BIDS)


def shortened(levels: books.Levels) -> books.Levels:
    """Levels as a program prints them that does not keep trailing zeros."""
    return [(price.rstrip("0"), qty.rstrip("0")) for price, qty in levels]


def through_floats(levels: books.Levels) -> books.Levels:
    """Levels whose numbers were binary floats in between."""
    return [(repr(float(price)), repr(float(qty))) for price, qty in levels]


def padded_levels(levels: books.Levels, price: int, qty: int) -> books.Levels:
    """Levels with the fraction digits of their pair."""
    return [(f"{Decimal(p):.{price}f}", f"{Decimal(q):.{qty}f}") for p, q in levels]


def summed(levels: books.Levels) -> books.Levels:
    """One level a price."""
    sums: dict[str, Decimal] = {}
    for price, qty in levels:
        sums[price] = sums.get(price, Decimal(0)) + Decimal(qty)
    return [(price, f"{qty:.8f}") for price, qty in sums.items()]


V2_NEW_BIDS = [*books.V2_BIDS[:-1], *books.V2_UPDATE]
V6_LATER = [*books.V6_ASKS[:-1], ("2005.5", "3.00000000")]

GOLDEN: list[Any] = [
    pytest.param(b"123456789", 3421780262, id="check value of CRC-32"),
    pytest.param(books.V1_TEXT.encode(), books.V1, id="V1 string"),
    pytest.param((books.V1_ASKS, books.V1_BIDS), books.V1, id="V1 levels"),
    pytest.param((books.V2_ASKS, books.V2_BIDS), books.V2, id="V2 snapshot"),
    pytest.param((books.V2_ASKS, V2_NEW_BIDS), books.V2_UPDATED, id="V2 update"),
    pytest.param((books.V3_ASKS, books.V3_BIDS), books.V3, id="V3 snapshot"),
    pytest.param(
        (padded_levels(books.V4_ASKS, 1, 8), padded_levels(books.V4_BIDS, 1, 8)), books.V4, id="V4 padded"
    ),
    pytest.param(books.V5_TEXT.encode(), books.V5, id="V5 string"),
    pytest.param((books.V6_ASKS, books.V6_BIDS), books.V6, id="V6 snapshot"),
    pytest.param((V6_LATER, books.V6_BIDS), books.V6_BACK, id="V6 after the ghost could come"),
    pytest.param(books.CHEAP_TEXT.encode(), books.CHEAP, id="cheap string"),
    pytest.param((books.CHEAP_ASKS, books.CHEAP_BIDS), books.CHEAP, id="cheap levels"),
    pytest.param(([], books.ONE_BID_LEVELS), books.ONE_BID, id="one bid"),
    pytest.param(([], []), 0, id="empty"),
    pytest.param(books.V7_TEXT.encode(), books.V7, id="V7 string"),
    pytest.param((V7_ASKS, V7_BIDS), books.V7, id="V7 orders"),
]


@pytest.mark.parametrize(("what", "value"), GOLDEN)
def test_golden_values(what: Any, value: int) -> None:
    """Every golden value is the CRC-32 of the string that the guide describes, asks first, as an unsigned number."""
    assert (crc32(what) if isinstance(what, bytes) else checksum(*what)) == value


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        (books.V1_ASKS + books.V1_BIDS, books.V1_TEXT),
        (books.CHEAP_ASKS + books.CHEAP_BIDS, books.CHEAP_TEXT),
        (V7_ASKS + V7_BIDS, books.V7_TEXT),
    ],
    ids=["V1", "cheap", "V7"],
)
def test_strings_of_the_documents(levels: books.Levels, text: str) -> None:
    """The package makes of the levels exactly the strings that the documents print."""
    assert "".join(digits_of(price, qty) for price, qty in levels) == text == text_of(levels)


WRONG: list[Any] = [
    pytest.param(
        (shortened(books.V2_ASKS), shortened(books.V2_BIDS)), books.V2_UNPADDED, id="V2 without zeros"
    ),
    pytest.param((books.V4_ASKS, books.V4_BIDS), books.V4_PRINTED, id="V4 as printed"),
    pytest.param((books.V6_ASKS, books.V6_BIDS), books.V6_GHOST, id="V6 without truncation"),
    pytest.param((V7_BIDS, V7_ASKS), books.V7_BIDS_FIRST, id="V7 bids first"),
    pytest.param((V7_ASKS[:10], V7_BIDS[:10]), books.V7_TEN_ORDERS, id="V7 ten orders"),
    pytest.param((summed(V7_ASKS), summed(V7_BIDS)), books.V7_SUMMED, id="V7 summed"),
    pytest.param((through_floats(V7_ASKS), through_floats(V7_BIDS)), books.V7_FLOATS, id="V7 floats"),
]


@pytest.mark.parametrize(("sides", "value"), WRONG)
def test_fingerprints_of_mistakes(sides: tuple[books.Levels, books.Levels], value: int) -> None:
    """Each known wrong value comes from the mistake that it is known for."""
    assert checksum(*sides) == value


@pytest.mark.fault("J10")
@pytest.mark.parametrize(
    ("token", "digits"),
    [
        ("45285.2", "452852"),
        ("63000.0", "630000"),
        ("0.00100000", "100000"),
        ("0.00005100", "5100"),
        ("0.5666", "5666"),
        ("81776", "81776"),
        ("0.00000000", ""),
    ],
)
def test_digits_of_one_token(token: str, digits: str) -> None:
    """The point and leading zeros go, trailing zeros stay."""
    assert digits_of(token, token) == digits + digits


@pytest.mark.fault("J10")
@pytest.mark.parametrize(
    ("token", "plain", "own"),
    [
        ("0.00100000", "0.00100000", True),
        ("81776", "81776", True),
        (81776, "81776", True),
        ("5.1e-05", "0.000051", False),
        ("1E+3", "1000", False),
        ("0E0", "0", False),
        (LossyText("0.5"), "0.5", False),
    ],
)
def test_plain_notation(token: object, plain: str, own: bool) -> None:
    """Any number becomes plain text of the same value, and an exponent or a float is remembered as having lost its digits."""
    assert plain_token(token) == (plain, own)


@pytest.mark.fault("J8", "J9")
@pytest.mark.parametrize("token", [*books.HOSTILE_TEXTS[:6], *books.HOSTILE_TEXTS[7:], *books.OTHER_TYPES])
def test_no_number(token: object) -> None:
    """What is no number within bounds is a ValueError that shows at most the beginning of it."""
    with pytest.raises(ValueError, match=r"number|digits|too|finite") as caught:
        plain_token(token)
    assert len(str(caught.value)) < 200


@pytest.mark.fault("J10")
@given(st.decimals(0, 10**12, places=8), st.integers(0, MAX_DECIMALS))
def test_padding_never_changes_the_value(value: Decimal, decimals: int) -> None:
    """A padded token has the wanted fraction digits and the same value; where that cannot be, there is none."""
    text = padded(f"{value:f}", decimals)
    assert (text is None) == (value != round(value, decimals))
    if text is not None:
        assert (Decimal(text), fraction_digits(text)) == (value, decimals)


@pytest.mark.fault("J10")
def test_only_lost_digits_are_padded() -> None:
    """A token with digits of its own fits only if it has exactly so many; one that lost them fits if its value allows it."""
    assert fits("0.50", 2)
    assert not fits("0.5", 2)
    assert not fits("0.500", 2)
    assert fits(LossyText("0.5"), 2)
    assert not fits(LossyText("0.123"), 2)


@pytest.mark.fault("J10")
@given(st.integers(1, 10**20), st.integers(0, 8))
def test_what_a_float_may_have_rounded(units: int, decimals: int) -> None:
    """A number that comes back from a float as another one is always among those that may have been rounded."""
    sent = Decimal(units).scaleb(-decimals)
    shown = LossyText(f"{Decimal(repr(float(sent))):f}")
    came_back = padded(shown, decimals)
    assert came_back == f"{sent:.{decimals}f}" or may_be_rounded(shown, decimals)
    assert not may_be_rounded(str(shown), decimals)
