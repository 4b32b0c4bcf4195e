"""Rows are exactly as wide as asked for, whatever text is in them, and numbers keep their digits."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from krakenwire.tui.cells import (
    Part,
    bar,
    bar_to_left,
    cut,
    fit,
    grouped,
    left,
    plain,
    right,
    safe,
    sparkline,
    spread,
)

TEXTS = st.text(max_size=30).map(safe)
PARTS = st.lists(st.tuples(TEXTS, st.sampled_from(["", "dim", "bid"])), max_size=6)
WIDTHS = st.integers(0, 60)


@given(TEXTS)
def test_safe(text: str) -> None:
    """A foreign text made safe prints as itself, one cell a character, as the package that draws it believes, too."""
    assert len(text) == cell_len(text)
    assert text.isprintable()


@given(TEXTS, WIDTHS)
def test_cut(text: str, width: int) -> None:
    """A text that does not fit ends in an ellipsis, one that fits is untouched, and none is too wide."""
    told = cut(text, width)
    assert len(told) <= width
    assert told == text if len(text) <= width else told == "" or told.endswith("…")
    assert len(left(text, width)) == len(right(text, width)) == width


@given(PARTS, WIDTHS)
def test_fit(parts: list[Part], width: int) -> None:
    """A row has exactly its cells; if something other than blanks was cut, that shows."""
    row = fit(parts, width)
    assert sum(len(text) for text, _ in row) == width
    whole = plain(parts)
    if len(whole.rstrip()) > width > 0:
        assert plain(row).rstrip().endswith("…")
    elif width:
        assert plain(row).rstrip() == whole.rstrip()


@given(PARTS, PARTS, WIDTHS)
def test_spread(before: list[Part], after: list[Part], width: int) -> None:
    """What stands at the right stays whole as long as there is room for it."""
    row = spread(before, after, width)
    assert sum(len(text) for text, _ in row) == width
    if len(plain(after)) <= width:
        assert plain(row).endswith(plain(after))


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("0", "0"),
        ("999", "999"),
        ("1000", "1,000"),
        ("-1000.50", "-1,000.50"),
        ("81776.7", "81,776.7"),
        ("123456789.00000000", "123,456,789.00000000"),
        ("0.00001234", "0.00001234"),
        ("1E-8", "1E-8"),
    ],
)
def test_grouped(number: str, told: str) -> None:
    """Thousands are grouped before the point, and no digit is lost."""
    assert grouped(number) == told


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=-(10**12), max_value=10**12))
def test_grouped_keeps_every_digit(number: Decimal) -> None:
    """Without its commas a grouped number is the number."""
    assert grouped(f"{number:f}").replace(",", "") == f"{number:f}"


@given(st.floats(-1, 2), st.integers(0, 30))
def test_bars(share: float, width: int) -> None:
    """A bar takes its cells, whatever its share; half of it is half of them, from either side."""
    assert len(bar(share, width)) == len(plain(bar_to_left(share, width, "bid"))) == width
    assert bar(0.5, 4) == "██  "
    assert plain(bar_to_left(0.5, 4, "bid")) == "  ██"
    assert bar_to_left(0.25, 2, "bid") == [(" ", ""), ("▌", "bid-reversed")]


@given(st.lists(st.decimals(0, 10**6, places=2), max_size=40), st.integers(0, 20))
def test_sparkline(values: list[Decimal], width: int) -> None:
    """A line of blocks takes its cells; the highest of its values is full, the lowest is not."""
    line = sparkline(values, width)
    assert len(line) == width
    seen = values[-width:] if width else []
    if seen and min(seen) != max(seen):
        blocks = line[-len(seen) :]
        assert blocks[seen.index(max(seen))] == "█"
        assert blocks[seen.index(min(seen))] == "▁"
