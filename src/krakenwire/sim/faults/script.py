"""A fault script at work: it stands between the exchange and its clients, and writes down all that it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import Any

from krakenwire.sim.clock import SECOND
from krakenwire.sim.connection import Connection, ConnectionId
from krakenwire.sim.engine import Order, Side
from krakenwire.sim.exchange import Exchange, Refused
from krakenwire.sim.faults.damage import DAMAGES, truncated
from krakenwire.sim.faults.statement import (
    ON_ATTEMPTS,
    ON_FRAMES,
    ON_REQUESTS,
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
from krakenwire.sim.status import status_frame
from krakenwire.sim.truth import TruthLog
from krakenwire.wire.enums import PairStatus, SystemStatus

SENT_LABEL = Label("fault", "send")
"""Of frames that a script sends by itself."""


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
        self._armed: list[_Armed] = []
        self._watching: list[Statement] = []
        self._lotteries: list[tuple[Probability, Action]] = []
        self._held: dict[ConnectionId, float] = {}
        self._swapped: dict[tuple[ConnectionId, Action], tuple[bytes, Label]] = {}
        self._exchange: Exchange | None = None

    def __str__(self) -> str:
        return "\n".join(map(str, self.statements))

    def install(self, exchange: Exchange) -> FaultScript:
        """Begin: from now on every frame, request and attempt passes here. Returns itself."""
        self._exchange = exchange
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
        if self._exchange is not None:
            for statement in moved:
                self._set_up(self._exchange, statement)

    def _set_up(self, exchange: Exchange, statement: Statement) -> None:
        action = statement.action
        match statement.trigger:
            case At(seconds):
                exchange.schedule(self._instant(seconds), lambda at: self._begin(action, None, at))
            case Every(seconds, start, end):
                self._repeat(action, start + seconds, seconds, end)
            case When():
                self._watching.append(statement)
            case Probability(chance, start, end) as trigger:
                if action.verb in ON_FRAMES | ON_REQUESTS | ON_ATTEMPTS:
                    self._armed.append(_Armed(action, start, end, chance, float("inf")))
                else:
                    self._lotteries.append((trigger, action))

    def _repeat(self, action: Action, next_at: float, period: float, end: float) -> None:
        if next_at >= end or self._exchange is None:
            return

        def act(at: int) -> None:
            self._begin(action, None, at)
            self._repeat(action, next_at + period, period, end)

        self._exchange.schedule(self._instant(next_at), act)

    # ---------------------------------------------------------------- what the exchange asks

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame for a client."""
        seconds = self._seconds(at)
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
                self._act_on_frame(action, connection, frame, label, at)
                return
        self._emit(connection, frame, label, at)
        if self._swapped:
            self._bring_swapped(connection, label, at)

    def hear(self, connection: Connection, frame: bytes | str, at: int) -> bytes | str | None:
        """A frame from a client, as the exchange hears it."""
        request = read_request(frame, at)
        if request is None:
            return frame
        ignored = self._find({Verb.IGNORE}, connection.host, at, lambda action: _asks(action, request, None))
        if ignored is not None:
            self._tell(ignored, connection, Label("request", request.method), at)
            return None
        if not isinstance(_params(request).get("symbol"), list):  # else `refusal` is asked, symbol by symbol
            refused = self._find(
                {Verb.REFUSE}, connection.host, at, lambda action: _asks(action, request, None)
            )
            if refused is not None:
                self._tell(refused, connection, Label("request", request.method), at)
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
        self._tell(action, connection, Label("request", request.method, symbol), request.at)
        return action.text

    def admit(self, host: str, at: int) -> Refused | None:
        """How an attempt to connect is refused; None: it is not."""
        return self._attempt(Verb.REFUSE_CONNECTS, host, at)

    def http(self, path: str, at: int) -> Refused | None:  # noqa: ARG002 - one rule for all paths
        """How an HTTP request is refused; None: it is not."""
        return self._attempt(Verb.REFUSE_HTTP, None, at)

    def _attempt(self, verb: Verb, host: str | None, at: int) -> Refused | None:
        action = self._find({verb}, host, at, lambda _: True)
        if action is None:
            return None
        self._tell(action, None, None, at)
        return Refused(int(action.words[0]), (action.text or "").encode(), action.seconds)

    def _find(
        self, verbs: set[Verb], host: str | None, at: int, fits: Callable[[Action], bool]
    ) -> Action | None:
        seconds = self._seconds(at)
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

    # ---------------------------------------------------------------- actions

    def _begin(self, action: Action, connection: Connection | None, at: int) -> None:
        """The trigger of an action went off; `connection` if a frame of it did that."""
        if action.verb in ON_FRAMES | ON_REQUESTS | ON_ATTEMPTS:
            now = self._seconds(at)
            end, left = (
                (float("inf"), action.times) if action.lasts is None else (now + action.lasts, float("inf"))
            )
            self._armed.append(_Armed(action, now, end, 1.0, left))
            return
        happen = getattr(self, _HAPPENINGS[action.verb])
        if connection is None:
            happen(action, None, at)
        else:
            # Not in the middle of telling a market's subscribers: a connection that ends there would change who they are.
            self._here.schedule(at, lambda at: happen(action, connection, at))

    def _act_on_frame(
        self, action: Action, connection: Connection, frame: bytes, label: Label, at: int
    ) -> None:
        self._tell(action, connection, label, at)
        match action.verb:
            case Verb.DROP:
                pass
            case Verb.DUPLICATE:
                self._emit(connection, frame, label, at)
                self._emit(connection, frame, label, at)
            case Verb.SWAP:
                self._swap(action, connection, frame, label, at)
            case Verb.DELAY:
                self._later(connection, frame, label, at + _ns(action.seconds))
            case Verb.HOLD:
                until = self._seconds(at) + (action.seconds or 0.0)
                self._held[connection.id] = max(until, self._held.get(connection.id, 0.0))
                self._emit(connection, frame, label, at)
            case Verb.TRUNCATE:
                self._emit(connection, truncated(frame, self._dice), label, at)
            case Verb.CORRUPT:
                self._emit(connection, DAMAGES[action.words[0]](frame, self._dice), label, at)
            case _:
                self._emit(connection, (action.text or "").encode(), label, at)

    def _swap(self, action: Action, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """Keep a frame until the next one; if one is kept already, this is the next one."""
        before = self._swapped.pop((connection.id, action), None)
        if before is None:
            self._swapped[connection.id, action] = (frame, label)
            return
        self._emit(connection, frame, label, at)
        self._emit(connection, *before, at)

    def _bring_swapped(self, connection: Connection, label: Label, at: int) -> None:
        for key in [key for key in self._swapped if key[0] == connection.id]:
            if key[1].target is not None and key[1].target.covers(label):
                self._emit(connection, *self._swapped.pop(key), at)

    def _emit(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        held = self._held.get(connection.id)
        if held is None:
            connection.emit(frame, label, at)
        elif self._seconds(at) >= held:
            del self._held[connection.id]
            connection.emit(frame, label, at)
        else:
            self._later(connection, frame, label, self._instant(held))

    def _later(self, connection: Connection, frame: bytes, label: Label, until: int) -> None:
        connection.exchange.schedule(until, lambda at: connection.emit(frame, label, at))

    # ---------------------------------------------------------------- happenings

    def _connections(self, action: Action, connection: Connection | None) -> list[Connection]:
        """Whom it concerns: the connection whose frame triggered it, else all, as far as the host is right."""
        chosen = list(self._here.connections.values()) if connection is None else [connection]
        return [each for each in chosen if action.host in {None, each.host} and each.closing is None]

    def _close(self, action: Action, connection: Connection | None, at: int) -> None:
        code = int(action.words[0]) if action.words else 1000
        for each in self._connections(action, connection):
            self._tell(action, each, None, at)
            each.close(code)

    def _cut(self, action: Action, connection: Connection | None, at: int) -> None:
        for each in self._connections(action, connection):
            self._tell(action, each, None, at)
            each.close(None)

    def _renumber(self, action: Action, connection: Connection | None, at: int) -> None:
        for each in self._connections(action, connection):
            self._tell(action, each, None, at)
            each.emit(status_frame(self._here, each.id ^ self._dice.randrange(1, 2**32)), SENT_LABEL, at)

    def _send(self, action: Action, connection: Connection | None, at: int) -> None:
        for each in self._connections(action, connection):
            self._tell(action, each, None, at)
            self._emit(each, (action.text or "").encode(), SENT_LABEL, at)

    def _repeat_snapshot(self, action: Action, connection: Connection | None, at: int) -> None:
        for market in self._here.markets.values():
            for feed in market.streams:
                label = getattr(feed, "snapshot_label", None)
                if label is None or action.target is None or not action.target.covers(label):
                    continue
                for each in self._connections(action, connection):
                    if each in feed.subscribers:  # type: ignore[attr-defined]
                        self._tell(action, each, label, at)
                        self._emit(each, feed.snapshot(at), label, at)  # type: ignore[attr-defined]

    def _set_status(self, action: Action, _: Connection | None, at: int) -> None:
        self._tell(action, None, None, at)
        self._here.set_system(SystemStatus(action.words[0]), now=self._seconds(at))
        if action.lasts is not None:
            back = at + _ns(action.lasts)
            self._here.schedule(
                back, lambda at: self._here.set_system(SystemStatus.ONLINE, now=self._seconds(at))
            )

    def _change_pair(self, action: Action, _: Connection | None, at: int) -> None:
        symbol, field, text = action.words
        if symbol in self._here.markets:
            value: Any = PairStatus(text) if field == "status" else int(text)
            self._tell(action, None, None, at)
            self._here.change_pair(symbol, now=self._seconds(at), **{field: value})

    def _cross(self, action: Action, _: Connection | None, at: int) -> None:
        """An order is put into the book unmatched, and taken out again."""
        market = self._here.markets.get(action.words[0])
        best = None if market is None else market.engine.asks.best()
        if market is None or best is None:
            return
        self._tell(action, None, None, at)
        order = Order(market.new_order_id(), Side.BUY, best, market.pair.qty_min, stamp=at)
        market.engine.rest(order)
        self._here.publish(market, at)
        market.cancel(order)
        self._here.publish(market, at)

    def _expire(self, action: Action, _: Connection | None, at: int) -> None:
        self._tell(action, None, None, at)
        self._here.tokens.revoke()

    # ---------------------------------------------------------------- small things

    @property
    def _here(self) -> Exchange:
        assert self._exchange is not None  # noqa: S101 (nothing acts before `install`)
        return self._exchange

    def _tell(self, action: Action, connection: Connection | None, label: Label | None, at: int) -> None:
        if isinstance(self._here.truth, TruthLog):
            self._here.truth.faulted(str(action), connection, label, at)

    def _forget_spent(self, seconds: float) -> None:
        self._armed = [armed for armed in self._armed if not armed.over(seconds)]

    def _seconds(self, at: int) -> float:
        return (at - self._here.epoch) / SECOND

    def _instant(self, seconds: float) -> int:
        return self._here.epoch + round(seconds * SECOND)


_HAPPENINGS = {
    Verb.CLOSE: "_close",
    Verb.CUT: "_cut",
    Verb.RENUMBER: "_renumber",
    Verb.SEND: "_send",
    Verb.REPEAT: "_repeat_snapshot",
    Verb.STATUS: "_set_status",
    Verb.PAIR: "_change_pair",
    Verb.CROSS: "_cross",
    Verb.EXPIRE: "_expire",
}


def _ns(seconds: float | None) -> int:
    return round((seconds or 0.0) * SECOND)


def _params(request: Request) -> dict[str, Any]:
    return request.params if isinstance(request.params, dict) else {}


def _asks(action: Action, request: Request, symbol: str | None) -> bool:
    return action.target is not None and action.target.asks(request, symbol)
