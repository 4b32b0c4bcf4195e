"""One fault at a time, by its id in the fault matrix, with the time in which the client has to be whole again.

`test_recovery.py` plays each once; `make faults-page` with more, and writes the times it measured into `docs/faults.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest

from tests.soak.swarm import CROWD, Scenario

SECONDS = 220.0


class Case(NamedTuple):
    """A fault, and what it may cost."""

    script: tuple[str, ...]
    within: float
    """Virtual seconds from a book, or an account, that cannot be read to one that can, at most."""
    reconnects: bool = False
    """Whether it may cost the connection."""
    habits: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    slow: bool = False
    symbols: tuple[str, ...] = ("BTC/USD", "PEPE/USD", "XMN/USD")
    renews: bool = False
    """Whether it has to cost the connection."""
    isolates: bool = False
    """Whether a book goes on over a connection of its own."""

    def scenario(self, seed: int) -> Scenario:
        """The case in the markets of this seed."""
        return Scenario(
            seed=seed,
            symbols=self.symbols,
            script=self.script,
            habits=self.habits,
            extras=self.extras,
            slow=self.slow,
            seconds=SECONDS,
        )


def _often(what: str) -> tuple[str, ...]:
    return (f"every 35 s from 10 s to 120 s: {what}",)


def _sometimes(what: str, chance: float = 0.05) -> tuple[str, ...]:
    return (f"probability {chance} from 10 s to 120 s: {what}",)


_LINK: Any = {"within": 2.0, "reconnects": True}

CASES = [
    pytest.param(Case(_often("drop book update"), 2.0), id="update lost", marks=pytest.mark.fault("B1")),
    pytest.param(
        Case(_sometimes("duplicate book update"), 2.0), id="update repeated", marks=pytest.mark.fault("B2")
    ),
    pytest.param(Case(_often("swap book update"), 2.0), id="updates swapped", marks=pytest.mark.fault("B3")),
    pytest.param(
        Case(_often("corrupt checksum book update"), 2.0),
        id="checksum damaged",
        marks=pytest.mark.fault("B4"),
    ),
    pytest.param(
        Case(_often("corrupt digit book update"), 2.0), id="digit damaged", marks=pytest.mark.fault("B4")
    ),
    pytest.param(
        Case(("probability 1 from 20 s to 60 s: corrupt checksum book BTC/USD",), 130.0, isolates=True),
        id="checksum stays wrong",
        marks=pytest.mark.fault("B5"),
    ),
    pytest.param(
        Case(("at 0 s: delay 2 s book snapshot",), 5.0),
        id="updates before the snapshot",
        marks=pytest.mark.fault("B6"),
    ),
    pytest.param(Case(_often("repeat book"), 2.0), id="second snapshot", marks=pytest.mark.fault("B7")),
    pytest.param(Case(_often("cross BTC/USD"), 2.0), id="crossed", marks=pytest.mark.fault("B10")),
    pytest.param(
        Case(
            (
                "at 20 s: pair BTC/USD price_precision 2",
                "at 60 s: pair BTC/USD qty_precision 9",
                "at 100 s: pair PEPE/USD qty_precision 4",
                "at 120 s: pair BTC/USD price_precision 1",
            ),
            2.0,
            extras=("instrument",),
        ),
        id="other digits",
        marks=pytest.mark.fault("B12"),
    ),
    pytest.param(
        Case(_often("pair BTC/USD qty_precision 9"), 2.0),
        id="other digits, and nobody told",
        marks=pytest.mark.fault("B12"),
    ),
    pytest.param(
        Case(("at 100 s: drop data update for 36 s",), 2.0, reconnects=True, symbols=CROWD, renews=True),
        id="data stops",
        marks=pytest.mark.fault("B14"),
    ),
    pytest.param(
        Case(("at 20 s: drop book BTC/USD update for 60 s",), 35.0),
        id="one market mute",
        marks=pytest.mark.fault("B13"),
    ),
    pytest.param(Case(_often("close 1012"), **_LINK), id="trades bridged", marks=pytest.mark.fault("B15")),
    pytest.param(
        Case(_often("drop executions update"), 2.0, extras=("account",)),
        id="private sequence",
        marks=pytest.mark.fault("B17"),
    ),
    pytest.param(
        Case((), 25.0, reconnects=True, habits=("at 20 s: name for 10 s",)),
        id="no name",
        marks=pytest.mark.fault("N1"),
    ),
    pytest.param(
        Case((), 25.0, reconnects=True, habits=("at 20 s: unreachable for 10 s",)),
        id="unreachable",
        marks=pytest.mark.fault("N2"),
    ),
    pytest.param(
        Case(("at 20 s: cut", "at 20 s: refuse connects 429 retry 20 s"), 25.0, reconnects=True),
        id="held off",
        marks=pytest.mark.fault("N6"),
    ),
    pytest.param(
        Case(("at 20 s: cut", "at 20 s: refuse connects 403 2 times"), 75.0, reconnects=True),
        id="forbidden twice",
        marks=pytest.mark.fault("N7"),
    ),
    pytest.param(
        Case(("at 20 s: cut", "at 20 s: refuse connects 503 for 5 s"), 15.0, reconnects=True),
        id="server error",
        marks=pytest.mark.fault("N8"),
    ),
    pytest.param(
        Case(("at 20 s: cut", "at 20 s: refuse connects 200 for 5 s with <html>"), 15.0, reconnects=True),
        id="a page",
        marks=pytest.mark.fault("N9"),
    ),
    pytest.param(
        Case(
            ("at 20 s: close", "at 60 s: close 1001", "at 100 s: close 1012", "at 120 s: close 1013"), **_LINK
        ),
        id="orderly close",
        marks=pytest.mark.fault("N10"),
    ),
    pytest.param(Case(_often("cut"), **_LINK), id="cut", marks=pytest.mark.fault("N11")),
    pytest.param(
        Case(("at 20 s: drop anything for 8 s", "at 80 s: drop anything for 8 s"), 15.0, reconnects=True),
        id="vanished",
        marks=pytest.mark.fault("N13"),
    ),
    pytest.param(
        Case((), 15.0, reconnects=True, habits=("at 20 s: deaf for 9 s", "at 21 s: resync BTC/USD for 0 s")),
        id="does not read",
        marks=pytest.mark.fault("N16"),
    ),
    pytest.param(
        Case(("at 20 s: cut", "when status from 20 s to 50 s: cut"), 65.0, reconnects=True),
        id="flapping",
        marks=pytest.mark.fault("N17"),
    ),
    pytest.param(
        Case(_often("hold 3 s anything"), 2.0), id="late by three seconds", marks=pytest.mark.fault("N21")
    ),
    pytest.param(
        Case(_often("corrupt utf8 data update"), **_LINK), id="not UTF-8", marks=pytest.mark.fault("F3")
    ),
    pytest.param(
        Case(("at 20 s: refuse subscribe book XMN/USD with EService:Unavailable", "at 19 s: cut"), **_LINK),
        id="one symbol refused",
        marks=pytest.mark.fault("S1"),
    ),
    pytest.param(
        Case(("at 19 s: cut", "at 19 s: drop reply subscribe"), 15.0, reconnects=True),
        id="no acknowledgement",
        marks=pytest.mark.fault("S2"),
    ),
    pytest.param(
        Case(("at 19 s: cut", "at 19 s: drop book snapshot"), 15.0, reconnects=True),
        id="no snapshot",
        marks=pytest.mark.fault("S3"),
    ),
    pytest.param(
        Case(
            ("at 19 s: cut", "at 19 s: refuse subscribe with Exceeded msg rate for 3 s"),
            15.0,
            reconnects=True,
        ),
        id="too fast",
        marks=pytest.mark.fault("S6"),
    ),
    pytest.param(
        Case(("at 19 s: expire tokens", "at 20 s: cut"), 4.0, reconnects=True, extras=("level3", "account")),
        id="token expired",
        marks=pytest.mark.fault("S8"),
    ),
    pytest.param(
        Case(
            (
                "at 20 s: status maintenance for 20 s",
                "at 22 s: close 1012",
                "at 22 s: refuse connects 503 for 15 s",
            ),
            45.0,
            reconnects=True,
        ),
        id="maintenance",
        marks=pytest.mark.fault("S11"),
    ),
    pytest.param(Case((), 2.0, slow=True), id="slow consumer", marks=pytest.mark.fault("C4")),
    pytest.param(
        Case((), 15.0, reconnects=True, habits=("at 20 s: stand still for 6 s",)),
        id="starved",
        marks=pytest.mark.fault("C6"),
    ),
    pytest.param(
        Case((), 15.0, reconnects=True, habits=("at 20 s: stand still for 19 s",)),
        id="suspended",
        marks=pytest.mark.fault("N18"),
    ),
]
"""Every case, marked with its id."""


def by_id() -> Iterable[tuple[str, Case]]:
    """Each fault id with a case of it."""
    for param in CASES:
        marks: Any = param.marks
        case = param.values[0]
        assert isinstance(case, Case)
        for mark in marks:
            for fault_id in mark.mark.args if hasattr(mark, "mark") else mark.args:
                yield str(fault_id), case
