"""The simulated exchange: markets, connections and time.

It has no clock, no socket and no randomness of its own. `now` is in seconds since the exchange began, on any clock that does not go back.
Whoever drives it calls `advance` no later than `deadline`, puts what clients send into `receive`, and takes what they get from
`take_outgoing`.

Three seams are left open:

* **Accounts.** `exchange.private`, an `Accounts`, answers orders and the channels `executions` and `balances`. It trades through
  `Market.place`, `cancel`, `resize` and `move`, then calls `exchange.publish(market, at)`; it learns of fills, its own and those of its
  resting orders, as a `Market.watcher`, and its tokens come from `exchange.tokens`.
* **Faults.** `exchange.faults` stands between every frame and its connection: it may drop, alter, delay, repeat, or close, and reach the
  bytes below by `connection.raw`. `exchange.attempts` stands before those who connect or ask by HTTP. `faults.FaultScript` is both.
* **REST.** `Exchange.rest` is answered by `rest.answer`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping, Sequence
from itertools import count
from random import Random
from typing import Any

from msgspec.structs import replace

from krakenwire.errors import UsageError
from krakenwire.sim import rest
from krakenwire.sim.catalog import DEFAULT, Listing, find
from krakenwire.sim.channels import Host
from krakenwire.sim.clock import EPOCH, MICROSECOND, SECOND
from krakenwire.sim.connection import Closing, Connection, ConnectionId
from krakenwire.sim.door import Door
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.feeds.feeds import Feeds
from krakenwire.sim.flow import Flow
from krakenwire.sim.market import Market
from krakenwire.sim.modes import mode_of
from krakenwire.sim.requests import Refusal, Request
from krakenwire.sim.rules import Rules
from krakenwire.sim.seams import Attempts, Faults, Private, Refused, Truth
from krakenwire.sim.status import status_frame
from krakenwire.sim.terms import Terms
from krakenwire.sim.tokens import Tokens
from krakenwire.wire.control import Emergency, Maintenance
from krakenwire.wire.enums import AssetStatus, SystemStatus

Action = Callable[[int], None]
"""Something that happens at its time, which it is given: ns since 1970."""

STATUS_LABEL = Label("status", "update")


class Exchange:
    """The whole exchange.

    The same seed, the same calls: the same frames. `epoch` is the instant of time zero, ns since 1970.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        markets: Sequence[str | Listing] = DEFAULT,
        epoch: int = EPOCH,
        rules: Rules | None = None,
        truth: Truth | None = None,
    ) -> None:
        self.rules = rules or Rules()
        self.epoch = epoch
        self.at = epoch
        """The present, ns since 1970."""
        self.faults: Faults | None = None
        self.attempts: Attempts | None = None
        self.private: Private | None = None
        self.truth = truth
        self.system = SystemStatus.ONLINE
        self.upcoming: tuple[Maintenance, ...] = ()
        """Maintenances announced in every `status`."""
        self.emergency: tuple[Emergency, ...] = ()
        """Incidents told in every `status`."""
        self._random = Random(f"{seed}/exchange")
        self.tokens = Tokens(Random(f"{seed}/tokens"))
        self.assets: dict[str, AssetStatus] = {}
        """Status of every asset that some market trades."""
        self.markets: dict[str, Market] = {}
        self.flows: dict[str, Flow] = {}
        self.connections: dict[ConnectionId, Connection] = {}
        self._door = Door(self.rules.connects)
        self._agenda: list[tuple[int, int, Action]] = []
        self._numbers = count()
        self.feeds = Feeds(self.markets, self.assets)
        self._seed = seed
        for market in markets:
            self._list(find(market))

    # ---------------------------------------------------------------- time

    def begin(self, epoch: int) -> None:
        """Let time zero be this instant instead, ns since 1970, unless it is past: what was due some time after the old one is due as long
        after the new one. To make a market takes time; who then lets it run along the real clock begins it when that is done.

        Raises: UsageError, if time has passed already.
        """
        if self.at != self.epoch:
            raise UsageError("the exchange has begun", field="epoch")
        later = max(0, epoch - self.epoch) // MICROSECOND * MICROSECOND
        self.epoch += later
        self.at += later
        self._agenda = [(at + later, number, action) for at, number, action in self._agenda]

    def advance(self, now: float) -> None:
        """Let everything happen that is due until `now`. Time that is past already changes nothing."""
        until = self._instant(now)
        agenda = self._agenda
        while agenda and agenda[0][0] <= until:
            at, _, action = heapq.heappop(agenda)
            self.at = max(self.at, at)
            action(at)
        self.at = max(self.at, until)

    @property
    def deadline(self) -> float | None:
        """When something is due next, in seconds since the exchange began; None: never."""
        return (self._agenda[0][0] - self.epoch) / SECOND if self._agenda else None

    def schedule(self, at: int, action: Action) -> None:
        """Let something happen. Instants are rounded up to microseconds, so that seconds as a float can name them."""
        heapq.heappush(self._agenda, (-(-at // MICROSECOND) * MICROSECOND, next(self._numbers), action))

    def _instant(self, now: float) -> int:
        return self.epoch + round(now * 1_000_000) * MICROSECOND

    # ---------------------------------------------------------------- clients

    def knock(self, address: str, *, now: float) -> float | None:
        """An attempt to connect from this address: None if it may, else for how many seconds it is banned.

        A server asks before it grants the upgrade, and answers a ban with status 429. `connect` does not ask.
        """
        self.advance(now)
        banned = self._door.knock(address, self.at)
        return None if banned is None else banned / SECOND

    def connect(self, host: str = Host.PUBLIC, *, now: float) -> ConnectionId:
        """A client connects; the `status` of the exchange waits for him.

        Raises: UsageError for a host that does not exist.
        """
        if host not in tuple(Host):
            raise UsageError(f"must be one of {', '.join(Host)}", field="host")
        self.advance(now)
        number = ConnectionId(self._random.getrandbits(64))
        made = Connection(self, number, Host(host), self.at, Random(f"{number}/connection"))
        self.connections[number] = made
        made.send(status_frame(self, number), STATUS_LABEL, self.at)
        return number

    def receive(self, connection: ConnectionId, frame: bytes | str, *, now: float) -> None:
        """A client asks. Answers and everything that follows wait in `take_outgoing`."""
        self.advance(now)
        heard: bytes | str | None = frame
        client = self.connections[connection]
        if self.faults is not None:
            heard = self.faults.hear(client, frame, self.at)
        if heard is not None:
            client.receive(heard, self.at)
            self.advance(now)

    def take_outgoing(self, connection: ConnectionId) -> list[bytes]:
        """Frames for this client, in order. Calling this empties the queue."""
        client = self.connections[connection]
        frames, client.outgoing = client.outgoing, []
        return frames

    def closing(self, connection: ConnectionId) -> Closing | None:
        """How the exchange ends this connection, once the frames that wait are sent; None: it does not."""
        return self.connections[connection].closing

    def disconnect(self, connection: ConnectionId) -> None:
        """The connection is gone, whoever ended it."""
        client = self.connections.pop(connection, None)
        if client is not None:
            client.close(None)

    def refused(self, host: str, *, now: float) -> Refused | None:
        """How faults answer an attempt to connect; None: they let it pass. A server asks this beside `knock`; `connect` asks neither."""
        self.advance(now)
        return None if self.attempts is None else self.attempts.admit(host, self.at)

    def refused_http(self, path: str, *, now: float) -> Refused | None:
        """How faults answer an HTTP request; None: they let it pass. A server asks this before `rest`, which does not ask."""
        self.advance(now)
        return None if self.attempts is None else self.attempts.http(path, self.at)

    def rest(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, now: float
    ) -> tuple[int, bytes]:
        """Answer an HTTP request: status and body."""
        self.advance(now)
        return rest.answer(self, method, path, headers, body)

    # ---------------------------------------------------------------- what the exchange does

    def set_system(self, status: SystemStatus, *, now: float) -> None:
        """The engine changes its status; every client is told, without a connection id."""
        self.advance(now)
        self.system = status
        for market in self.markets.values():
            market.mode = mode_of(status, market.pair.status)
        self._tell_status()

    def announce(
        self,
        *,
        upcoming: Sequence[Maintenance] = (),
        emergency: Sequence[Emergency] = (),
        now: float,
    ) -> None:
        """From now on `status` tells of these maintenances and incidents and of no others; every client is told at once."""
        self.advance(now)
        self.upcoming, self.emergency = tuple(upcoming), tuple(emergency)
        self._tell_status()

    def _tell_status(self) -> None:
        frame = status_frame(self, None)
        for connection in tuple(self.connections.values()):
            connection.send(frame, STATUS_LABEL, self.at)

    def change_pair(self, symbol: str, /, *, now: float, **changes: Any) -> None:
        """A market goes on under other terms: fields of `Pair`. Whoever follows `instrument` is told.

        With fewer digits, orders that have no room for theirs are cancelled. The smallest order stays what it is, as far as it has room.

        Raises: UsageError, if the name should change.
        """
        self.advance(now)
        self._change(symbol, changes)

    def _change(self, symbol: str, changes: dict[str, Any]) -> None:
        market, flow = self.markets[symbol], self.flows[symbol]
        old, new = market.pair, replace(market.pair, **changes)
        if old.symbol != new.symbol:
            raise UsageError("a market keeps its name", field="changes")
        scaling = old.scaling(new)
        if "qty_min" not in changes:
            new = replace(new, qty_min=max(1, old.qty_min * scaling.qty_up // scaling.qty_down))
        for order in market.misfits(new):
            market.cancel(order)
            if self.private is not None:
                self.private.removed(order.owner, self.at)
        self.publish(market, self.at)
        market.change(new)
        market.mode = mode_of(self.system, new.status)
        flow.rescale(scaling)
        if scaling.changes and self.truth is not None:
            self.truth.published(market, self.at)
        if self.private is not None:
            self.private.rescaled(market, self.at)
        self.feeds.changed([symbol], [], self.at)

    def change_asset(self, asset: str, status: AssetStatus, *, now: float) -> None:
        """An asset gets another status. Whoever follows `instrument` is told."""
        self.advance(now)
        self.assets[asset] = status
        self.feeds.changed([], [asset], self.at)

    def list_market(self, market: str | Listing, *, now: float) -> None:
        """A new market opens. Whoever follows `instrument` is told."""
        self.advance(now)
        symbol = self._list(find(market))
        pair = self.markets[symbol].pair
        self.feeds.changed([symbol], [pair.base, pair.quote], self.at)

    def allow(self, connection: Connection, request: Request, symbol: str) -> None:
        """Raises: Refusal, if faults refuse this symbol of a request."""
        reason = None if self.faults is None else self.faults.refusal(connection, request, symbol)
        if reason is not None:
            raise Refusal(reason)

    def publish(self, market: Market, at: int) -> None:
        """Tell what happened in a market since it was last told."""
        states = market.states
        market.publish(at)
        if self.truth is not None and market.states != states:
            self.truth.published(market, at)

    def _list(self, listing: Listing) -> str:
        pair, seed = listing.pair, self._seed
        symbol = pair.symbol
        if symbol in self.markets:
            raise UsageError(f"{symbol} is listed twice", field="markets")
        random = Random(f"{seed}/{symbol}")
        prefix = "".join(random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", k=5))
        market = Market(pair, first_trade_id=random.randrange(1_000, 90_000_000), id_prefix=prefix)
        self.markets[symbol] = market
        flow = self.flows[symbol] = Flow(market, listing.price, listing.character, random)
        market.mode = mode_of(self.system, pair.status)
        for asset in (pair.base, pair.quote):
            self.assets.setdefault(asset, AssetStatus.ENABLED)
        flow.open(self.at)
        self.publish(market, self.at)

        terms = Terms(pair, listing.character.changes, Random(f"{seed}/{symbol}/terms"))

        def act(at: int) -> None:
            flow.act(at)
            self.publish(market, at)
            if (changes := terms.change(market.pair, at)) is not None:
                self._change(symbol, changes)
            self.schedule(at + flow.pause(), act)

        self.schedule(self.at + flow.pause(), act)
        return symbol
