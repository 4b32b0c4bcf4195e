"""Instants of the exchange as its frames write them. An instant is an integer: nanoseconds since 1970, UTC."""

from __future__ import annotations

from functools import lru_cache

from krakenwire.wire.timestamps import format_ns

SECOND = 1_000_000_000
MICROSECOND = 1_000
EPOCH = 1_795_334_400 * SECOND
"""2026-11-22T08:00:00Z: what time zero of an exchange is unless it is told."""


@lru_cache(maxsize=256)
def _second(second: int) -> str:
    """The text of a whole second up to its point. Thousands of frames share one."""
    return f"{format_ns(second * SECOND, 0)[:-1]}."


def micros(at: int) -> str:
    """RFC 3339 with six fraction digits: every channel but level3 and ohlc."""
    return f"{_second(at // SECOND)}{at % SECOND // MICROSECOND:06d}Z"


def nanos(at: int) -> str:
    """RFC 3339 with nine fraction digits: orders of level3, and the begin of a candle."""
    return f"{_second(at // SECOND)}{at % SECOND:09d}Z"


def engine_nanos(at: int) -> str:
    """An instant of the engine as the envelopes of level3 and ohlc write it.

    Whatever happens here happens at a whole microsecond; the three digits below are made up, always the same ones of one instant. One in
    sixteen has none, as one of some twenty recorded ones.
    """
    mixed = (at // MICROSECOND + 1) * 0x9E3779B1 >> 7
    return nanos(at + mixed % MICROSECOND) if mixed % 16 else micros(at)
