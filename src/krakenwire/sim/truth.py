"""What really happened, written down for whoever has to judge a client.

Give one to `Exchange(truth=…)`. It keeps, in order: every state that a book had, every trade, every frame that was made for a connection,
every frame that went out to it, and every fault that acted. What it keeps is bounded; a test that wants everything says so.
"""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import NamedTuple

from krakenwire.sim.connection import Connection, ConnectionId
from krakenwire.sim.feeds.book import checksum
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.feeds.level3 import queue_checksum
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Pair
from krakenwire.sim.tape import Trade

Levels = tuple[tuple[int, int], ...]
Texts = tuple[tuple[str, str], ...]

CONNECTIONS_KEPT = 100
"""Connections whose frames are remembered."""


class BookState(NamedTuple):
    """A state of one market's book. States of a market are numbered without holes."""

    number: int
    at: int
    """ns since 1970."""
    pair: Pair
    checksum: int
    bids: Levels
    """Price and quantity of the best levels, best first, in units of the last digit."""
    asks: Levels
    queue_checksum: int | None
    """That of channel `level3`; None unless the log keeps it."""

    def texts(self, depth: int | None = None) -> tuple[Texts, Texts]:
        """Bids and asks as on the wire: the best `depth` levels, or all that were kept."""
        price, qty = self.pair.price, self.pair.qty
        bids, asks = (
            tuple((price(p), qty(q)) for p, q in levels[:depth]) for levels in (self.bids, self.asks)
        )
        return bids, asks


class Sent(NamedTuple):
    """A frame of one connection."""

    number: int
    """Of frames that went out, counted from 1; of frames as they were made, of the last one that had gone out then."""
    at: int
    label: Label
    frame: bytes


class Faulted(NamedTuple):
    """A fault that acted."""

    at: int
    what: str
    """The action, in the words of its script."""
    connection: ConnectionId | None
    """None: it concerned no connection in particular."""
    label: Label | None
    """The frame it acted on; None: on none."""


class TruthLog:
    """The log. `limit` bounds each of its lists: states and trades of a market, frames of a connection; None keeps everything.

    `depth` levels a side are kept of a state. `queues`: the checksums of level3 too. `frames=False` keeps no frames.
    """

    def __init__(
        self, *, depth: int = 10, limit: int | None = 1_000, queues: bool = False, frames: bool = True
    ) -> None:
        self.depth = depth
        self.states: dict[str, deque[BookState]] = {}
        self.trades: dict[str, deque[Trade]] = {}
        self.made: dict[ConnectionId, deque[Sent]] = {}
        """Frames as the exchange made them, before faults."""
        self.gone: dict[ConnectionId, deque[Sent]] = {}
        """Frames as they went out."""
        self.faults: deque[Faulted] = deque(maxlen=limit)
        self._limit = limit
        self._queues = queues
        self._frames = frames

    def find(self, symbol: str, checksum: int, since: int = 0) -> BookState | None:
        """The first state from number `since` on that has this checksum; None if there is none among those kept."""
        states = self.states.get(symbol, ())
        first = states[0].number if states else 0
        return next(
            (state for state in islice(states, max(0, since - first), None) if state.checksum == checksum),
            None,
        )

    # ---------------------------------------------------------------- what the exchange tells

    def meant(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame was made."""
        self._keep(self.made, connection, Sent(connection.sent, at, label, frame))

    def sent(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame went out."""
        self._keep(self.gone, connection, Sent(connection.sent, at, label, frame))

    def published(self, market: Market, at: int) -> None:
        """A book has another state, and its trades are on the tape."""
        symbol = market.pair.symbol
        if symbol not in self.states:
            self.states[symbol] = deque(maxlen=self._limit)
            self.trades[symbol] = deque(maxlen=self._limit)
        bids, asks = (
            tuple((level.price, level.total) for level in side.window(self.depth))
            for side in market.engine.sides
        )
        queued = queue_checksum(market) if self._queues else None
        self.states[symbol].append(
            BookState(market.states, at, market.pair, checksum(market), bids, asks, queued)
        )
        trades, tape = self.trades[symbol], market.tape.trades
        known = trades[-1].trade_id if trades else 0
        fresh = list(islice(reversed(tape), market.tape.next_id - 1 - known))
        trades.extend(reversed(fresh))

    def faulted(self, what: str, connection: Connection | None, label: Label | None, at: int) -> None:
        """A fault acted."""
        self.faults.append(Faulted(at, what, None if connection is None else connection.id, label))

    def _keep(self, frames: dict[ConnectionId, deque[Sent]], connection: Connection, sent: Sent) -> None:
        if not self._frames:
            return
        kept = frames.get(connection.id)
        if kept is None:
            kept = frames[connection.id] = deque(maxlen=self._limit)
            if len(frames) > CONNECTIONS_KEPT:
                del frames[next(iter(frames))]
        kept.append(sent)
