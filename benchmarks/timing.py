"""Interleaved rounds: every case once per round, so that a slow minute of the machine slows all of them
alike.

A case prepares its state untimed (a new handler that has seen the snapshots), runs timed, and is then
checked: a benchmark that measures refused frames is worthless. The collector stays on while a case runs,
as users have it, and is emptied between cases.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter


class Measured:
    """One prepared run: `run` is timed, `check` raises AssertionError if it did not do its work."""

    def run(self) -> None:
        raise NotImplementedError

    def check(self) -> None:
        """Nothing to check for code that keeps no state."""


@dataclass
class Case:
    """Something to time; `operations` is how many of them one run makes."""

    key: str
    title: str
    operations: int
    prepare: Callable[[], Measured]
    seconds: list[float] = field(default_factory=list)
    """Seconds per operation, one entry a round."""

    def once(self) -> None:
        measured = self.prepare()
        gc.collect()
        started = perf_counter()
        measured.run()
        elapsed = perf_counter() - started
        measured.check()
        self.seconds.append(elapsed / self.operations)

    @property
    def median(self) -> float:
        return median(self.seconds)


class Progress:
    """A line on stderr that is rewritten, if somebody watches."""

    def __init__(self, total: int) -> None:
        self.total, self.done, self.started = total, 0, perf_counter()
        self.shown = sys.stderr.isatty()

    def step(self, text: str) -> None:
        self.done += 1
        if not self.shown:
            return
        left = (perf_counter() - self.started) / self.done * (self.total - self.done)
        filled = 24 * self.done // self.total
        bar = "#" * filled + "." * (24 - filled)
        sys.stderr.write(f"\r[{bar}] {self.done}/{self.total}  {left:4.0f} s left  {text[:36]:36}")
        sys.stderr.flush()

    def close(self) -> None:
        if self.shown:
            sys.stderr.write("\r" + " " * 100 + "\r")


def measure(cases: list[Case], rounds: int) -> None:
    """Run every case once a round; the first round warms up and is thrown away. The order turns with the
    rounds.
    """
    progress = Progress((rounds + 1) * len(cases))
    for number in range(rounds + 1):
        shift = number % len(cases)
        for case in cases[shift:] + cases[:shift]:
            case.once()
            progress.step(case.title)
        if number == 0:
            for case in cases:
                case.seconds.clear()
    progress.close()


def ratio(case: Case, base: Case) -> tuple[float, float, float]:
    """Least, median and largest of the ratios within each round."""
    ratios = [ours / theirs for ours, theirs in zip(case.seconds, base.seconds, strict=True)]
    return min(ratios), median(ratios), max(ratios)
