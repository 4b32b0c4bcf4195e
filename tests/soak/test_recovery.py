"""One fault at a time: no promise is broken, only what broke is touched, and everything is whole again in time."""

from __future__ import annotations

import pytest

from tests.soak.cases import CASES, Case
from tests.soak.play import play

CONNECTIONS = {"level3": 1, "account": 1}
"""Connections that an extra channel needs."""


@pytest.mark.parametrize("case", CASES)
def test_one_fault_heals_in_time(case: Case) -> None:
    """After each fault every book can be read within the time of its case, on the same connection where that is promised."""
    outcome = play(case.scenario(1))
    assert outcome.broken == []
    assert max((seconds for _, seconds in outcome.recoveries), default=0.0) <= case.within
    if case.renews:
        assert outcome.connects > 1
    if not case.reconnects:
        assert outcome.connects == 1 + case.isolates + sum(CONNECTIONS.get(extra, 0) for extra in case.extras)
