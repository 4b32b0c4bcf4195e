"""The oracle sees: each promise is broken on purpose, by a client without one of its rules, and each is reported."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest

from krakenwire.events import Gap
from krakenwire.net import Client, ConnectGate, watch
from krakenwire.net.backoff import Backoff
from krakenwire.net.consumers import Buffer
from krakenwire.session import Session
from krakenwire.session.desk import Asked, Desk
from krakenwire.state import level2
from krakenwire.state.liveness import Liveness
from krakenwire.state.trades import COMPLETE, TradeLog
from tests.soak.play import play
from tests.soak.swarm import CROWD, Scenario

Patch = Callable[[pytest.MonkeyPatch], None]


def broken(monkeypatch: pytest.MonkeyPatch, patch: Patch, *script: str, seconds: float = 120.0) -> str:
    """What the oracle says of a client without a rule."""
    with monkeypatch.context() as context:
        patch(context)
        outcome = play(Scenario(seed=1, symbols=("BTC/USD", "PEPE/USD"), script=script, seconds=seconds))
    return "\n".join(outcome.broken)


def no_checksum(patch: pytest.MonkeyPatch) -> None:
    apply = level2.Level2Book.apply

    def believing(self: level2.Level2Book, data: Any) -> None:
        apply(self, data)
        self.verified = True

    patch.setattr(level2.Level2Book, "apply", believing)


def no_gap(patch: pytest.MonkeyPatch) -> None:
    lost = Session.connection_lost
    patch.setattr(
        Session,
        "connection_lost",
        lambda self, **told: [event for event in lost(self, **told) if not isinstance(event, Gap)],
    )


def any_trade(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(TradeLog, "judge", lambda *_: COMPLETE)


def no_resync(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Desk, "resync", lambda *_, **__: Asked.LATER)


def no_stall(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(watch, "STALL_SYMBOLS", 1_000)


def no_patience(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(ConnectGate, "spend", lambda *_, **__: 0.0)
    patch.setattr(Backoff, "next", lambda *_, **__: 0.01)


def no_watch(patch: pytest.MonkeyPatch) -> None:
    dead = Liveness.dead
    patch.setattr(Liveness, "dead", lambda self, now: dead(self, now) and False)


def everything_anew(patch: pytest.MonkeyPatch) -> None:
    receive = Session.receive

    def frightened(self: Session, frame: Any, *, now: float) -> list[Any]:
        events = receive(self, frame, now=now)
        if any(isinstance(event, Gap) for event in events):
            for symbol in ("BTC/USD", "PEPE/USD"):
                events += self.resync("book", symbol, now=now)
        return events

    patch.setattr(Session, "receive", frightened)


def silent_drop(patch: pytest.MonkeyPatch) -> None:
    receive = Session.receive

    def forgetful(self: Session, frame: bytes, *, now: float) -> list[Any]:
        return [] if b"ticker" in frame and b'"update"' in frame else receive(self, frame, now=now)

    patch.setattr(Session, "receive", forgetful)


def loses_in_queues(patch: pytest.MonkeyPatch) -> None:
    put = Buffer.put

    def careless(self: Buffer, event: Any) -> None:
        if not isinstance(event, Gap):
            put(self, event)

    patch.setattr(Buffer, "put", careless)


def talks(patch: pytest.MonkeyPatch) -> None:
    supply = Session.supply_token

    def chatty(self: Session, token: Any) -> None:
        logging.getLogger("krakenwire").warning("token %s", token.reveal())
        supply(self, token)

    patch.setattr(Session, "supply_token", chatty)


def lingers(patch: pytest.MonkeyPatch) -> None:
    close = Client.close

    async def slow(self: Client) -> None:
        await close(self)
        await asyncio.sleep(6)

    patch.setattr(Client, "close", slow)


@pytest.mark.parametrize(
    ("patch", "script", "said"),
    [
        (no_checksum, ("probability 0.1 from 10 s to 20 s: drop book update",), "reads live and is"),
        (no_gap, ("at 12 s: close 1012",), "goes on over a new connection without a gap"),
        (any_trade, ("at 12 s: drop trade update for 5 s",), "without a gap"),
        (any_trade, ("at 12 s: duplicate trade update",), "came twice"),
        (no_resync, ("at 12 s: drop book update 3 times",), "not recovered"),
        (
            no_patience,
            ("when status from 1 s to 15 s: cut", "at 2 s: cut"),
            "attempts to connect in ten minutes",
        ),
        (no_watch, ("at 12 s: drop anything for 15 s",), "after anything was heard"),
        (everything_anew, ("at 115 s: drop book BTC/USD update",), "without a fault"),
        (loses_in_queues, ("at 12 s: drop trade update for 5 s",), "callback: trade"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_each_broken_promise_is_seen(
    monkeypatch: pytest.MonkeyPatch, patch: Patch, script: tuple[str, ...], said: str
) -> None:
    """A client that lacks one rule of recovery breaks a promise, and the oracle says which."""
    assert said in broken(monkeypatch, patch, *script, seconds=150.0)


def test_lost_frames_secrets_and_slow_ends_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole frame that became nothing, a token in the log, and a client that takes too long to close are broken promises."""
    for patch, extras, said in (
        (silent_drop, ("ticker",), "left no trace"),
        (talks, ("level3",), "a token in"),
        (lingers, (), "closing took"),
    ):
        with monkeypatch.context() as context:
            patch(context)
            outcome = play(Scenario(seed=1, symbols=("BTC/USD",), extras=extras, seconds=120.0))
        assert said in "\n".join(outcome.broken), said


def test_a_stall_that_nobody_notices_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client that keeps a connection on which all data stopped breaks a promise; one that renews it does not."""
    stall = Scenario(seed=1, symbols=CROWD, script=("at 100 s: drop data for 60 s",), seconds=260.0)
    assert play(stall).broken == []
    with monkeypatch.context() as context:
        no_stall(context)
        assert "all data stopped" in "\n".join(play(stall).broken)


def test_a_client_as_it_is_breaks_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same scripts leave a client with all its rules without a broken promise."""
    for script in (
        "probability 0.1 from 10 s to 20 s: drop book update",
        "at 12 s: drop anything for 15 s",
        "when status from 1 s to 15 s: cut",
        "at 12 s: drop trade update for 5 s",
    ):
        assert broken(monkeypatch, lambda _: None, script, seconds=150.0) == ""
