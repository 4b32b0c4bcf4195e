"""The client under random faults, judged against what the exchange really did."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from krakenwire.events import Gap, GapReason
from krakenwire.sim.truth import BookState, TruthLog
from tests.net.swarm import Judge, swarm
from tests.net.test_consumers import trade

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(900)
@pytest.mark.fault("N10", "N13", "N16", "N17", "N21", "B1", "B3", "B4", "B15", "S2", "S3", "S12", "C6")
def test_two_hundred_seeds() -> None:
    """Two hundred times ten minutes of random trouble: nothing false is shown, nothing is lost in silence, and everything heals."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.net.swarm", "0", "200"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_seed_replays_exactly() -> None:
    """The same seed has the same course, event by event."""
    assert [swarm(3, 5).views, swarm(3, 5).views] == [swarm(3, 5).views] * 2


def test_judge_sees_what_is_missing_or_repeated() -> None:
    """A trade that no gap names, or that comes twice, is caught, so that passing means something."""
    judge = Judge(TruthLog())
    judge.take(trade(1))
    with pytest.raises(AssertionError, match="came twice"):
        judge.take(trade(1))
    with pytest.raises(AssertionError, match="nobody named"):
        judge.take(trade(3))
    judge.take(Gap("trade", "BTC/USD", GapReason.TRADE_ID, 4, 5))
    judge = Judge(TruthLog())
    judge.take(trade(1))
    judge.take(Gap("trade", "BTC/USD", GapReason.TRADE_ID, 2, 3))
    judge.take(trade(4))


@pytest.mark.parametrize("side", [0, 1])
def test_judge_sees_a_false_book(monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    """A client that showed a book as it was not would be caught."""
    texts = BookState.texts

    def other(self: BookState, depth: int | None = None) -> object:
        told = texts(self, depth)
        return (told[0][1:], told[1]) if side == 0 else (told[0], told[1][1:])

    monkeypatch.setattr(BookState, "texts", other)
    with pytest.raises(AssertionError, match="seed 1"):
        swarm(1, 4)
