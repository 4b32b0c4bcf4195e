"""Text that came from elsewhere, and numbers."""

from __future__ import annotations

import unicodedata
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.text import SHOWN, counted, percent, seconds, shown


@pytest.mark.fault("J16")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BTC/USD", "BTC/USD"),
        ("übermäßig 日本", "übermäßig 日本"),
        ("\x1b[2J\x1b]0;title\x07", "\\x1b[2J\\x1b]0;title\\x07"),
        ("a\u202eb\u2066c\u200fd", "a\\u202eb\\u2066c\\u200fd"),
        ("\u05d0\u0627\u0661", "\\u05d0\\u0627\\u0661"),
        ("e\u0301\u0489", "e\\u0301\\u0489"),
        ("line\r\nbreak\u2028", "line\\r\\nbreak\\u2028"),
        ("\u200b\ufeff\xa0\xad", "\\u200b\\ufeff\\xa0\\xad"),
        ("\ud83d", "\\ud83d"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 199 + "…"),
        ("\x00" * 100, "\\x00" * 49 + "\\x0…"),
    ],
)
def test_hostile_text_is_escaped_and_cut(text: str, expected: str) -> None:
    """Terminal escapes, direction marks, right-to-left letters and stacked marks are escaped; all is cut at 200 characters."""
    assert shown(text) == expected


@pytest.mark.fault("J16")
@given(st.text(max_size=400))
def test_shown_is_harmless(text: str) -> None:
    """Whatever comes in, what goes out is short, printable, runs one way, and is the same if shown again."""
    safe = shown(text)
    assert len(safe) <= SHOWN
    assert safe.isprintable()
    assert not {unicodedata.bidirectional(char) for char in safe} & {"R", "AL", "AN", "RLE", "RLO", "RLI"}
    assert shown(safe) == safe


@given(st.integers(0, 10**12), st.integers(1, 10**12))
def test_percent_never_flatters(part: int, whole: int) -> None:
    """A share is never shown larger than it is, nor more than a ten-thousandth smaller; only the whole is 100 %."""
    part = min(part, whole)
    told = Fraction(percent(part, whole).removesuffix(" %"))
    exact = Fraction(100 * part, whole)
    assert told <= exact < told + Fraction(1, 10_000)
    assert (told == 100) == (part == whole)


def test_one_in_ten_million_shows() -> None:
    """One failure in ten million messages does not round up to all."""
    assert percent(9_999_999, 10_000_000) == "99.9999 %"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0 s"),
        (0.000041, "0.000041 s"),
        (0.41, "0.41 s"),
        (12.34, "12.3 s"),
        (59.99, "1 min 00 s"),
        (245, "4 min 05 s"),
        (7620, "2 h 07 min"),
        (40 * 3600 * 24 + 4000, "40 d 01 h"),
    ],
)
def test_seconds(value: float, text: str) -> None:
    """A length of time is told with the digits that matter."""
    assert seconds(value) == text


def test_counted() -> None:
    """One is singular, everything else plural; thousands are grouped."""
    assert [counted(n, "reply", "replies") for n in (0, 1, 2000)] == ["0 replies", "1 reply", "2,000 replies"]
