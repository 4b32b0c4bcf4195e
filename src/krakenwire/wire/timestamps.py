"""Kraken's timestamps: RFC 3339 text to nanoseconds and back, exactly.

Frames carry 0, 6 or 9 fraction digits, depending on channel and year. Text stays text until somebody asks;
then it becomes an integer, never a float. What cannot be read is None, not an exception: a timestamp orders
nothing and drives no timer.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from krakenwire.errors import UsageError

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_FIRST_NS = -(_EPOCH_DAY - 1) * _DAY
_END_NS = (date.max.toordinal() + 1 - _EPOCH_DAY) * _DAY

# A second of 60 is a leap second; it is read as the first instant of the next minute.
_RFC3339 = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9]|60)(?:\.([0-9]+))?"
    r"(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))"
)


@lru_cache(maxsize=64)
def _day_ns(day: str) -> int | None:
    """Nanoseconds from the epoch to the start of a day. A feed asks for the same day or two all the time."""
    try:
        return (date.fromisoformat(day).toordinal() - _EPOCH_DAY) * _DAY
    except ValueError:
        return None


def parse_ns(text: str | None) -> int | None:
    """Nanoseconds since 1970-01-01 UTC, or None if the text is not an RFC 3339 instant with a zone.

    Any number of fraction digits is read; what lies beyond the ninth is cut off. Years 1 to 9999.
    """
    found = _RFC3339.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    day, hour, minute, second, fraction, sign, zone_hour, zone_minute = found.groups()
    start = _day_ns(day)
    if start is None:
        return None
    seconds = int(hour) * 3600 + int(minute) * 60 + int(second)
    if sign is not None:
        ahead = int(zone_hour) * 3600 + int(zone_minute) * 60
        seconds -= ahead if sign == "+" else -ahead
    return start + seconds * _SECOND + (0 if fraction is None else int(fraction[:9].ljust(9, "0")))


def to_datetime(text: str | None) -> datetime | None:
    """The instant in UTC, cut to microseconds; None if unreadable or outside the years 1 to 9999."""
    ns = parse_ns(text)
    if ns is None or not _FIRST_NS <= ns < _END_NS:
        return None
    return _EPOCH + timedelta(microseconds=ns // 1000)


def format_ns(ns: int, digits: int = 6) -> str:
    """An instant as Kraken writes it: RFC 3339 UTC, `digits` (0 to 9) fraction digits, the rest cut off."""
    if not 0 <= digits <= 9:
        raise UsageError("must be 0 to 9", field="digits")
    if not _FIRST_NS <= ns < _END_NS:
        raise UsageError("must lie in the years 1 to 9999", field="ns")
    seconds, rest = divmod(ns, _SECOND)
    instant = _EPOCH + timedelta(seconds=seconds)
    fraction = f".{rest:09d}"[: digits + 1] if digits else ""
    # Not strftime: it pads years below 1000 on some platforms only.
    return f"{instant.replace(tzinfo=None).isoformat()}{fraction}Z"
