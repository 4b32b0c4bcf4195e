"""How fast requests go out. Kraken publishes no limit for messages and refuses what is too fast; then half of the rate is tried."""

from __future__ import annotations

RATE = 15.0
"""Requests a second; clients in production use 10 to 20."""

SLOWEST = 1.0
GROWTH = 0.5
"""Requests a second that the rate grows by in every ten seconds without a refusal."""

GROWTH_SECONDS = 10.0
BURST = 5.0
"""Requests that may go at once after a pause."""


class Pacer:
    """A bucket of requests that fills at a rate. Level3 has one of its own, with one request a second: each is as dear as a second
    allows.
    """

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._most = rate
        self.rate = rate
        self._burst = burst
        self._level = burst
        self._at = 0.0
        self._slowed_at = 0.0

    def ready(self, now: float) -> int:
        """Requests that may go now."""
        self._fill(now)
        return int(self._level + 1e-9)

    def spend(self, count: int) -> None:
        self._level -= count

    def wait(self, now: float) -> float:
        """Seconds until another request may go."""
        self._fill(now)
        return max(0.0, (1.0 - self._level) / self.rate)

    def slow(self, now: float) -> None:
        """Kraken refused for the rate. What is refused together counts once."""
        if now - self._slowed_at >= 1.0 or self.rate == self._most:
            self.rate = max(min(SLOWEST, self._most), self.rate / 2)
        self._slowed_at = now
        self._level = min(self._level, 0.0)

    def _fill(self, now: float) -> None:
        passed = max(0.0, now - self._at)
        self._level = min(self._burst, self._level + passed * self.rate)
        self._at = max(now, self._at)
        if self.rate < self._most and now - self._slowed_at >= GROWTH_SECONDS:
            self.rate = min(self._most, self.rate + GROWTH)
            self._slowed_at += GROWTH_SECONDS
