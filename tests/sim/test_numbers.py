"""Integers of the engine to numbers and instants of the wire."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from krakenwire.sim.clock import micros, nanos
from krakenwire.sim.pair import writer
from krakenwire.wire.timestamps import parse_ns


@given(units=st.integers(-(10**20), 10**20), decimals=st.integers(0, 12))
def test_numbers_keep_all_their_digits(units: int, decimals: int) -> None:
    """A number is written exactly, with all its fraction digits and at least one before the point."""
    text = writer(decimals)(units)
    assert Decimal(text) == Decimal(units).scaleb(-decimals)
    assert len(text.partition(".")[2]) == decimals
    assert text.strip("-")[0].isdigit()
    assert not text.strip("-").startswith("0") or text.strip("-").startswith("0.") or text == "0"


@given(at=st.integers(0, 4 * 10**18))
def test_instants_are_written_exactly(at: int) -> None:
    """Nine digits lose nothing, six cut what is below a microsecond."""
    assert parse_ns(nanos(at)) == at
    assert parse_ns(micros(at)) == at // 1_000 * 1_000
    assert len(nanos(at)) == 30
    assert len(micros(at)) == 27
