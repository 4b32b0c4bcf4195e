"""`wire/timestamps.py`: RFC 3339 text to nanoseconds and back without losing any."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.errors import UsageError
from krakenwire.wire.timestamps import format_ns, parse_ns, to_datetime

FIRST = -62_135_596_800_000_000_000
"""The first instant of the year 1."""
LAST = 253_402_300_799_999_999_999
"""The last nanosecond of the year 9999."""


@pytest.mark.fault("J11")
@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2026-11-20T08:00:01Z", 1_795_161_601_000_000_000),
        ("2026-11-20T08:00:01.2Z", 1_795_161_601_200_000_000),
        ("2026-11-20T08:00:01.250Z", 1_795_161_601_250_000_000),
        ("2026-11-20T08:00:01.250337Z", 1_795_161_601_250_337_000),
        ("2026-11-20T08:00:01.250337001Z", 1_795_161_601_250_337_001),
        ("2026-11-20T08:00:01.2503370019999Z", 1_795_161_601_250_337_001),
        ("2026-11-20T08:00:01." + "9" * 10_000 + "Z", 1_795_161_601_999_999_999),
        ("2026-11-20T10:00:01+02:00", 1_795_161_601_000_000_000),
        ("2026-11-20T03:30:01.5-04:30", 1_795_161_601_500_000_000),
        ("2026-11-20T08:00:01+00:00", 1_795_161_601_000_000_000),
        ("2026-11-20T08:00:01-00:00", 1_795_161_601_000_000_000),
        ("2026-11-20t08:00:01z", 1_795_161_601_000_000_000),
        ("2026-11-20 08:00:01Z", 1_795_161_601_000_000_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000_000),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000_000_000),
        ("2016-12-31T23:59:60.5Z", 1_483_228_800_500_000_000),
        ("0001-01-01T00:00:00Z", FIRST),
        ("9999-12-31T23:59:59.999999999Z", LAST),
    ],
)
def test_parses(text: str, ns: int) -> None:
    """Every form that Kraken or RFC 3339 uses gives the exact nanosecond; digits beyond the ninth are cut
    off.
    """
    assert parse_ns(text) == ns


@pytest.mark.fault("J11")
@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "0",
        "now",
        "2026-11-20",
        "2026-11-20T08:00:01",
        "2026-11-20T08:00:01.5",
        "2026-11-20T08:00Z",
        "2026-11-20T08:00:01.Z",
        "2026-11-20T08:00:01,5Z",
        "2026-11-20T08:00:01 Z",
        " 2026-11-20T08:00:01Z",
        "2026-11-20T08:00:01Z\n",
        "2026-11-20T08:00:01ZZ",
        "2026-11-20T08:00:01+0200",
        "2026-11-20T08:00:01+02",
        "2026-11-20T08:00:01+24:00",
        "2026-11-20T08:00:01+02:60",
        "2026-11-20T24:00:00Z",
        "2026-11-20T08:60:00Z",
        "2026-11-20T08:00:61Z",
        "2026-13-20T08:00:00Z",
        "2026-00-20T08:00:00Z",
        "2026-11-31T08:00:00Z",
        "2026-02-29T08:00:00Z",
        "0000-01-01T00:00:00Z",
        "10000-01-01T00:00:00Z",
        "-001-01-01T00:00:00Z",
        "2026-11-20T8:00:01Z",
        "2026-11-20T+8:00:01Z",
        "2026-W47-5T08:00:01Z",
        "20261120T080001Z",
        "\u0662\u0660\u0662\u0666-11-20T08:00:01Z",
    ],
)
def test_unreadable(text: str | None) -> None:
    """What is not an instant with a zone is None, never an exception and never a guess."""
    assert parse_ns(text) is None
    assert to_datetime(text) is None


@pytest.mark.fault("J11")
@pytest.mark.parametrize("value", [7, 7.5, b"2026-11-20T08:00:01Z", [], {}])
def test_not_text(value: object) -> None:
    """A value that is no text at all is unreadable too: parsed dicts may hold anything."""
    assert parse_ns(value) is None  # type: ignore[arg-type]


@pytest.mark.fault("J11")
@given(text=st.text())
def test_any_text_is_safe(text: str) -> None:
    """No text makes the reader raise."""
    parse_ns(text)
    to_datetime(text)


@given(ns=st.integers(FIRST, LAST))
def test_round_trip(ns: int) -> None:
    """An instant written with nine digits is read back to the nanosecond."""
    assert parse_ns(format_ns(ns, 9)) == ns


@given(ns=st.integers(FIRST, LAST), digits=st.integers(0, 9))
def test_fewer_digits_cut(ns: int, digits: int) -> None:
    """Fewer digits cut towards the past, never round up into an instant that was not yet."""
    unit = 10 ** (9 - digits)
    assert parse_ns(format_ns(ns, digits)) == ns // unit * unit


@given(
    instant=st.datetimes(timezones=st.just(UTC)),
    minutes=st.integers(-23 * 60 - 59, 23 * 60 + 59),
)
def test_agrees_with_datetime(instant: datetime, minutes: int) -> None:
    """The standard library, where it can, reads the same instant in any zone."""
    ahead = timedelta(minutes=minutes)
    zone = f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
    expected = (instant - datetime(1970, 1, 1, tzinfo=UTC) - ahead) // timedelta(microseconds=1) * 1000
    assert parse_ns(instant.replace(tzinfo=None).isoformat() + zone) == expected


def test_to_datetime() -> None:
    """A datetime is in UTC and cut, not rounded, to microseconds."""
    assert to_datetime("2026-11-20T10:00:01.250337999+02:00") == datetime(
        2026, 11, 20, 8, 0, 1, 250337, tzinfo=UTC
    )
    assert to_datetime("0001-01-01T00:00:00Z") == datetime(1, 1, 1, tzinfo=UTC)
    assert to_datetime("9999-12-31T23:59:59.999999Z") == datetime.max.replace(tzinfo=UTC)


@pytest.mark.fault("J11")
@pytest.mark.parametrize(
    "text", ["0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00", "9999-12-31T23:59:60Z"]
)
def test_beyond_datetime(text: str) -> None:
    """An instant that the zone pushes out of the years 1 to 9999 has nanoseconds, but no datetime."""
    assert parse_ns(text) is not None
    assert to_datetime(text) is None


@pytest.mark.parametrize(
    ("digits", "text"),
    [
        (0, "2026-11-20T08:00:01Z"),
        (3, "2026-11-20T08:00:01.050Z"),
        (6, "2026-11-20T08:00:01.050337Z"),
        (9, "2026-11-20T08:00:01.050337001Z"),
    ],
)
def test_formats(digits: int, text: str) -> None:
    """An instant is written with the digits asked for, leading zeros of the fraction kept."""
    assert format_ns(1_795_161_601_050_337_001, digits) == text


def test_formats_microseconds_by_default() -> None:
    """Six digits are what most of Kraken's frames carry."""
    assert format_ns(0) == "1970-01-01T00:00:00.000000Z"


def test_formats_early_years_with_four_digits() -> None:
    """The year always has four digits, on every platform."""
    assert format_ns(FIRST, 0) == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(("ns", "digits"), [(0, -1), (0, 10), (FIRST - 1, 6), (LAST + 1, 6)])
def test_refuses_what_cannot_be_written(ns: int, digits: int) -> None:
    """Digits beyond nine and years beyond 9999 are the caller's mistake."""
    with pytest.raises(UsageError):
        format_ns(ns, digits)
