"""The clock of a capture: the largest timestamp seen in it."""

from __future__ import annotations

from krakenwire.wire.timestamps import parse_ns

_MICROSECONDS = len("2026-11-22T11:04:11.690448Z")


class FileClock:
    """Seconds since 1970 as the frames tell them; 0.0 before the first timestamp. It never goes back.

    Show it each timestamp with `see`; give the object itself to a handler as its clock.
    """

    __slots__ = ("_second", "_start", "first_ns", "ns")

    def __init__(self) -> None:
        self.first_ns: int | None = None
        """The first timestamp seen, nanoseconds since 1970."""
        self.ns = 0
        """The largest timestamp seen, nanoseconds since 1970."""
        # The second in which most timestamps lie, up to the point, and its start.
        self._second = "none"
        self._start = 0

    def __call__(self) -> float:
        return self.ns / 1e9

    def see(self, text: str | None) -> None:
        """Take a timestamp as received; what cannot be read is passed over."""
        if text is None:
            return
        if (
            text.startswith(self._second)
            and len(text) == _MICROSECONDS
            and text[-1] == "Z"
            and (digits := text[20:26]).isdecimal()
        ):
            # As the one before, but for the six digits of the fraction: a fifth of the time.
            ns = self._start + int(digits) * 1000
            self.ns = max(self.ns, ns)
        else:
            self._see_slowly(text)

    def _see_slowly(self, text: str) -> None:
        ns = parse_ns(text)
        if ns is None:
            return
        if self.first_ns is None:
            self.first_ns = ns
        self.ns = max(self.ns, ns)
        start = parse_ns(text[:19] + "Z")
        if start is not None:
            self._second, self._start = text[:19] + ".", start
