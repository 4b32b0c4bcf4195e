"""What a script lets happen by itself, without a frame or a request to act on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from krakenwire.sim.connection import Connection
from krakenwire.sim.engine import Order, Side
from krakenwire.sim.faults.below import Below
from krakenwire.sim.faults.frames import Frames
from krakenwire.sim.faults.stage import Stage, nanoseconds
from krakenwire.sim.faults.statement import ON_BYTES, Action, Verb
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.status import status_frame
from krakenwire.wire.enums import PairStatus, SystemStatus

SENT_LABEL = Label("fault", "send")
"""Of frames that a script sends by itself."""


class Happenings:
    """Each verb with what it does. `connection`: the one whose frame set it off; None: nothing did but time."""

    def __init__(self, stage: Stage, frames: Frames, below: Below) -> None:
        self._stage = stage
        self._frames = frames
        self._below = below
        self._of_each: dict[Verb, Callable[[Action, Connection, int], None]] = {
            Verb.CLOSE: lambda action, each, _: each.close(int(action.words[0]) if action.words else 1000),
            Verb.CUT: lambda _, each, __: each.close(None),
            Verb.RENUMBER: self._renumber,
            Verb.SEND: self._send,
        } | dict.fromkeys(ON_BYTES, below.happen)
        self._of_all: dict[Verb, Callable[[Action, Connection | None, int], None]] = {
            Verb.REPEAT: self._repeat_snapshot,
            Verb.STATUS: self._set_status,
            Verb.PAIR: self._change_pair,
            Verb.CROSS: self._cross,
            Verb.EXPIRE: self._expire,
        }

    def happen(self, action: Action, connection: Connection | None, at: int) -> None:
        """Let it happen."""
        of_each = self._of_each.get(action.verb)
        if of_each is None:
            self._of_all[action.verb](action, connection, at)
            return
        for each in self._stage.connections(action, connection):
            self._stage.tell(action, each, None, at)
            of_each(action, each, at)

    # ---------------------------------------------------------------- to connections

    def _renumber(self, _: Action, each: Connection, at: int) -> None:
        other = each.id ^ self._stage.dice.randrange(1, 2**32)
        each.emit(status_frame(self._stage.exchange, other), SENT_LABEL, at)

    def _send(self, action: Action, each: Connection, at: int) -> None:
        self._frames.emit(each, (action.text or "").encode(), SENT_LABEL, at)

    def _repeat_snapshot(self, action: Action, connection: Connection | None, at: int) -> None:
        for market in self._stage.exchange.markets.values():
            for feed in market.streams:
                label = getattr(feed, "snapshot_label", None)
                if label is None or action.target is None or not action.target.covers(label):
                    continue
                for each in self._stage.connections(action, connection):
                    if each in feed.subscribers:  # type: ignore[attr-defined]
                        self._stage.tell(action, each, label, at)
                        self._frames.emit(each, feed.snapshot(at), label, at)  # type: ignore[attr-defined]

    # ---------------------------------------------------------------- to the exchange

    def _set_status(self, action: Action, _: Connection | None, at: int) -> None:
        stage = self._stage
        stage.tell(action, None, None, at)
        stage.exchange.set_system(SystemStatus(action.words[0]), now=stage.seconds(at))
        if action.lasts is not None:
            back = at + nanoseconds(action.lasts)
            stage.exchange.schedule(
                back, lambda at: stage.exchange.set_system(SystemStatus.ONLINE, now=stage.seconds(at))
            )

    def _change_pair(self, action: Action, _: Connection | None, at: int) -> None:
        symbol, field, text = action.words
        if symbol in self._stage.exchange.markets:
            value: Any = PairStatus(text) if field == "status" else int(text)
            self._stage.tell(action, None, None, at)
            self._stage.exchange.change_pair(symbol, now=self._stage.seconds(at), **{field: value})

    def _cross(self, action: Action, _: Connection | None, at: int) -> None:
        """An order is put into the book unmatched, and taken out again."""
        exchange = self._stage.exchange
        market = exchange.markets.get(action.words[0])
        best = None if market is None else market.engine.asks.best()
        if market is None or best is None:
            return
        self._stage.tell(action, None, None, at)
        order = Order(market.new_order_id(), Side.BUY, best, market.pair.qty_min, stamp=at)
        market.engine.rest(order)
        exchange.publish(market, at)
        market.cancel(order)
        exchange.publish(market, at)

    def _expire(self, action: Action, _: Connection | None, at: int) -> None:
        self._stage.tell(action, None, None, at)
        self._stage.exchange.tokens.revoke()
