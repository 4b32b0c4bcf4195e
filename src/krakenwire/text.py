"""Text for people: what came from a file or the wire made harmless, and numbers that do not flatter."""

from __future__ import annotations

import unicodedata

SHOWN = 200
"""Characters of a foreign text that are shown at most."""

_BACKWARDS = frozenset({"R", "AL", "AN"})
"""Letters written from right to left: one of them turns the order of what stands beside it."""


def shown(text: object) -> str:
    """A foreign text, safe on any terminal: what does not print as itself is escaped, and it ends after 200 characters.

    Escaped are control characters, direction marks and everything invisible, letters that run from right to left, and marks that
    are stacked on other characters. Every text that was not written by us goes through here before it is printed.
    """
    plain = str(text)[: SHOWN + 1]
    if not (plain.isascii() and plain.isprintable()):
        plain = "".join(char if _harmless(char) else _escape(char) for char in plain)
    return plain if len(plain) <= SHOWN else plain[: SHOWN - 1] + "…"


def _harmless(char: str) -> bool:
    return (
        char.isprintable()
        and unicodedata.category(char)[0] != "M"
        and unicodedata.bidirectional(char) not in _BACKWARDS
    )


def _escape(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode("ascii")


def percent(part: int, whole: int) -> str:
    """A share with four decimals, cut and not rounded, so that only the whole is 100 %."""
    if part in {0, whole}:
        return "100 %" if part else "0 %"
    ten_thousandths = part * 1_000_000 // whole
    return f"{ten_thousandths // 10_000}.{ten_thousandths % 10_000:04d} %"


def share(ratio: float) -> str:
    """As `percent`, of a ratio."""
    return percent(int(ratio * 1_000_000), 1_000_000)


def seconds(value: float) -> str:
    """A length of time with the digits that matter, e.g. `0.41 s`, `12.3 s`, `4 min 05 s`, `2 h 07 min`, `3 d 04 h`."""
    if value < 1:
        return "0 s" if value == 0 else f"{value:.2f} s" if value >= 0.01 else f"{value:.6f} s"
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400:,} d {whole % 86_400 // 3600:02d} h"


def counted(number: int, what: str, plural: str | None = None) -> str:
    """`1 gap`, `2 gaps`; thousands are grouped."""
    return f"{number:,} {what if number == 1 else plural or what + 's'}"
