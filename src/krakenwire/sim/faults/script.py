"""A fault script at work: it stands between the exchange and its clients, and writes down all that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from krakenwire.sim.connection import Connection
from krakenwire.sim.exchange import Exchange
from krakenwire.sim.faults.below import JUNK, Below
from krakenwire.sim.faults.frames import Frames
from krakenwire.sim.faults.happenings import Happenings
from krakenwire.sim.faults.stage import Stage
from krakenwire.sim.faults.statement import (
    ON_FRAMES,
    WAITING,
    Action,
    At,
    Every,
    Probability,
    Statement,
    Verb,
    When,
)
from krakenwire.sim.faults.text import parse
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.requests import Request, read_request
from krakenwire.sim.seams import Refused


class _Armed:
    """An action that waits for something to act on."""

    __slots__ = ("action", "chance", "end", "left", "start")

    def __init__(self, action: Action, start: float, end: float, chance: float, left: float) -> None:
        self.action = action
        self.start = start
        self.end = end
        self.chance = chance
        self.left = left

    def takes(self, at: float, dice: Random) -> bool:
        """Whether it acts on what is offered, which it fits; then one opportunity is used."""
        if not self.start <= at < self.end or (self.chance < 1 and dice.random() >= self.chance):
            return False
        self.left -= 1
        return True

    def over(self, at: float) -> bool:
        return at >= self.end or self.left <= 0


class FaultScript:
    """Makes go wrong what its statements say. `install` puts it before an exchange."""

    def __init__(self, statements: str | Iterable[Statement] = (), *, seed: int = 0) -> None:
        self.statements: tuple[Statement, ...] = tuple(
            parse(statements) if isinstance(statements, str) else statements
        )
        self._dice = Random(f"{seed}/faults")
        self._stage = Stage(self._dice)
        self._below = Below(self._stage)
        self._frames = Frames(self._stage, self._below)
        self._happenings = Happenings(self._stage, self._frames, self._below)
        self._armed: list[_Armed] = []
        self._watching: list[Statement] = []
        self._lotteries: list[tuple[Probability, Action]] = []

    def __str__(self) -> str:
        return "\n".join(map(str, self.statements))

    def install(self, exchange: Exchange) -> FaultScript:
        """Begin: from now on every frame, request and attempt passes here. Returns itself."""
        self._stage.installed = exchange
        exchange.faults = exchange.attempts = self
        for statement in self.statements:
            self._set_up(exchange, statement)
        return self

    def add(self, statements: str | Iterable[Statement], *, since: float = 0.0) -> None:
        """More statements, whose times count from `since`. Before `install` they are only noted.

        Raises: UsageError for a text that is no script; then nothing is added.
        """
        more = parse(statements) if isinstance(statements, str) else statements
        moved = [statement.later(since) for statement in more]
        self.statements += tuple(moved)
        if self._stage.installed is not None:
            for statement in moved:
                self._set_up(self._stage.installed, statement)

    def _set_up(self, exchange: Exchange, statement: Statement) -> None:
        action = statement.action
        match statement.trigger:
            case At(seconds):
                exchange.schedule(self._stage.instant(seconds), lambda at: self._begin(action, None, at))
            case Every(seconds, start, end):
                self._repeat(action, start + seconds, seconds, end)
            case When():
                self._watching.append(statement)
            case Probability(chance, start, end) as trigger:
                if action.verb in WAITING:
                    self._armed.append(_Armed(action, start, end, chance, float("inf")))
                else:
                    self._lotteries.append((trigger, action))

    def _repeat(self, action: Action, next_at: float, period: float, end: float) -> None:
        if next_at >= end:
            return

        def act(at: int) -> None:
            self._begin(action, None, at)
            self._repeat(action, next_at + period, period, end)

        self._stage.exchange.schedule(self._stage.instant(next_at), act)

    # ---------------------------------------------------------------- what the exchange asks

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame for a client."""
        seconds = self._stage.seconds(at)
        for statement in self._watching:
            trigger = statement.trigger
            if (
                isinstance(trigger, When)
                and trigger.start <= seconds < trigger.end
                and trigger.target.covers(label)
            ):
                self._begin(statement.action, connection, at)
        for lottery, action in self._lotteries:
            if lottery.start <= seconds < lottery.end and self._dice.random() < lottery.chance:
                self._begin(action, connection, at)
        for armed in self._armed:
            action = armed.action
            if (
                action.verb in ON_FRAMES
                and action.target is not None
                and action.target.covers(label)
                and action.host in {None, connection.host}
                and armed.takes(seconds, self._dice)
            ):
                self._forget_spent(seconds)
                self._frames.suffer(action, connection, frame, label, at)
                return
        self._frames.pass_on(connection, frame, label, at)

    def hear(self, connection: Connection, frame: bytes | str, at: int) -> bytes | str | None:
        """A frame from a client, as the exchange hears it."""
        if not self._below.hears(connection, frame, at):
            return None
        request = read_request(frame, at)
        if request is None:
            return frame
        ignored = self._find({Verb.IGNORE}, connection.host, at, lambda action: _asks(action, request, None))
        if ignored is not None:
            self._stage.tell(ignored, connection, Label("request", request.method), at)
            return None
        if not isinstance(_params(request).get("symbol"), list):  # else `refusal` is asked, symbol by symbol
            refused = self._find(
                {Verb.REFUSE}, connection.host, at, lambda action: _asks(action, request, None)
            )
            if refused is not None:
                self._stage.tell(refused, connection, Label("request", request.method), at)
                connection.refuse(request, refused.text or "")
                return None
        return frame

    def refusal(self, connection: Connection, request: Request, symbol: str) -> str | None:
        """The words in which one symbol of a request is refused."""
        action = self._find(
            {Verb.REFUSE}, connection.host, request.at, lambda action: _asks(action, request, symbol)
        )
        if action is None:
            return None
        self._stage.tell(action, connection, Label("request", request.method, symbol), request.at)
        return action.text

    def admit(self, host: str, at: int) -> Refused | None:
        """How an attempt to connect is refused; None: it is not."""
        action = self._find({Verb.REFUSE_CONNECTS, Verb.SPOIL_CONNECTS}, host, at, lambda _: True)
        return None if action is None else self._refused(action, at)

    def http(self, path: str, at: int) -> Refused | None:  # noqa: ARG002 - one rule for all paths
        """How an HTTP request is refused; None: it is not."""
        action = self._find({Verb.REFUSE_HTTP}, None, at, lambda _: True)
        return None if action is None else self._refused(action, at)

    def _refused(self, action: Action, at: int) -> Refused:
        self._stage.tell(action, None, None, at)
        if action.verb is Verb.SPOIL_CONNECTS:
            return Refused(502, acts=JUNK[action.words[0]])
        return Refused(int(action.words[0]), (action.text or "").encode(), action.seconds)

    def _find(
        self, verbs: set[Verb], host: str | None, at: int, fits: Callable[[Action], bool]
    ) -> Action | None:
        seconds = self._stage.seconds(at)
        for armed in self._armed:
            action = armed.action
            if (
                action.verb in verbs
                and (host is None or action.host in {None, host})
                and fits(action)
                and armed.takes(seconds, self._dice)
            ):
                self._forget_spent(seconds)
                return action
        return None

    # ---------------------------------------------------------------- triggers

    def _begin(self, action: Action, connection: Connection | None, at: int) -> None:
        """The trigger of an action went off; `connection` if a frame of it did that."""
        if action.verb in WAITING:
            now = self._stage.seconds(at)
            end, left = (
                (float("inf"), action.times) if action.lasts is None else (now + action.lasts, float("inf"))
            )
            self._armed.append(_Armed(action, now, end, 1.0, left))
        elif connection is None:
            self._happenings.happen(action, None, at)
        else:
            # Not in the middle of telling a market's subscribers: a connection that ends there would change who they are.
            self._stage.exchange.schedule(at, lambda at: self._happenings.happen(action, connection, at))

    def _forget_spent(self, seconds: float) -> None:
        self._armed = [armed for armed in self._armed if not armed.over(seconds)]


def _params(request: Request) -> dict[str, Any]:
    return request.params if isinstance(request.params, dict) else {}


def _asks(action: Action, request: Request, symbol: str | None) -> bool:
    return action.target is not None and action.target.asks(request, symbol)
