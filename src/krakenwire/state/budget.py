"""How often something may be done: so many times within so many seconds."""

from __future__ import annotations

from collections import deque

from krakenwire.errors import UsageError


class Budget:
    """A sliding window. What was spent comes back `seconds` later, one by one."""

    __slots__ = ("_limit", "_seconds", "_spent")

    def __init__(self, limit: int, seconds: float) -> None:
        if limit < 1 or not seconds > 0:
            raise UsageError("a budget allows at least one in more than 0 seconds", field="limit")
        self._limit = limit
        self._seconds = seconds
        self._spent: deque[float] = deque(maxlen=limit)

    def spend(self, now: float) -> bool:
        """Take one. False: nothing is left, nothing was taken."""
        if now < self.free_at(now):
            return False
        self._spent.append(now)
        return True

    def free_at(self, now: float) -> float:
        """When the next one can be had; `now` if at once."""
        if len(self._spent) < self._limit:
            return now
        return max(now, self._spent[0] + self._seconds)

    def left(self, now: float) -> int:
        """How many can be had now."""
        return self._limit - sum(at + self._seconds > now for at in self._spent)
