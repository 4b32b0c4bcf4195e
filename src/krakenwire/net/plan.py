"""Which connection a subscription belongs to, and which subscriptions are wanted at all.

Wishes come from many owners (streams, the client itself), and one subscription serves them all: it is wanted while any owner wants it, as
deep as the deepest of them. All channels of one symbol share a connection, so that a book and its trades keep their order. Connections
are made when the ones there are full. A book in dispute may get one to itself, so that taking it anew touches nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from krakenwire.errors import CapacityExceeded, UsageError
from krakenwire.net.connection import Connection
from krakenwire.state.book import BookStatus
from krakenwire.state.subscriptions import NO_SYMBOL, Key
from krakenwire.wire.subscriptions import Subscription

LEVEL3_SYMBOLS = 200
"""Symbols of one level3 connection, by Kraken's rule."""

PUBLIC_SYMBOLS = 500
"""Symbols of one public connection. Kraken names no limit; a connection lost should not take everything with it."""

CONNECTIONS = 10
"""Connections to one host, at most."""


ISOLATED = 3
"""Connections to one host, among those, that have one disputed book each and nothing else."""


class Role(StrEnum):
    """Kraken's hosts refuse each other's channels."""

    PUBLIC = "public"
    PRIVATE = "private"
    LEVEL3 = "level3"


def role_of(channel: str) -> Role:
    """The host that serves a channel."""
    if channel == "level3":
        return Role.LEVEL3
    return Role.PRIVATE if channel in {"executions", "balances"} else Role.PUBLIC


class _Wish:
    __slots__ = ("connection", "owners", "params")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.owners: dict[Hashable, Any] = {}
        self.params: Any = None


class Plan:
    """Every subscription wanted, by whom, and where."""

    def __init__(
        self,
        make: Callable[[Role, int], Connection],
        *,
        public_symbols: int = PUBLIC_SYMBOLS,
        level3_symbols: int = LEVEL3_SYMBOLS,
        connections: int = CONNECTIONS,
    ) -> None:
        for name, value in (
            ("public_symbols", public_symbols),
            ("level3_symbols", level3_symbols),
            ("connections", connections),
        ):
            if value < 1:
                raise UsageError("must be at least 1", field=name)
        self._make = make
        self._room = {Role.PUBLIC: public_symbols, Role.LEVEL3: level3_symbols, Role.PRIVATE: 1}
        self._most = connections
        self.connections: dict[Role, list[Connection]] = {role: [] for role in Role}
        self._symbols: dict[Connection, Counter[str | None]] = {}
        self._wishes: dict[Key, _Wish] = {}
        self._owned: dict[Hashable, dict[Key, None]] = {}
        self._limits: dict[Connection, int] = {}
        """Symbols of a connection, where the exchange allowed fewer than we thought."""
        self._isolated: set[Connection] = set()
        """Connections for one disputed book each, in use or not."""
        self._left: dict[tuple[Role, str], Connection] = {}
        """Where a symbol was that nobody wants any more."""

    def all(self) -> list[Connection]:
        """Every connection made so far, open or not."""
        return [connection for made in self.connections.values() for connection in made]

    def where(self, channel: str, symbol: str | None, interval: int | None = None) -> Connection | None:
        """The connection that carries a subscription; None if nobody wants it."""
        wish = self._wishes.get((channel, symbol, interval))
        return None if wish is None else wish.connection

    def carrying(self, params: Subscription) -> list[Connection]:
        """The connections that carry a subscription, in the order of its symbols."""
        found = [self.where(*key) for key, _ in _singles(params)]
        return list(dict.fromkeys([connection for connection in found if connection is not None]))

    def params(self, key: Key) -> Any:
        """What is subscribed under a key; None if nobody wants it."""
        wish = self._wishes.get(key)
        return None if wish is None else wish.params

    def want(self, owner: Hashable, params: Subscription) -> None:
        """An owner wants subscriptions from now on.

        Raises: UsageError, if they contradict what others want; CapacityExceeded. Then nothing was changed.
        """
        singles = dict(_singles(params))
        merged: dict[Key, Any] = {}
        for key, single in singles.items():
            wish = self._wishes.get(key)
            merged[key] = single if wish is None else _merge(wish.params, single)
        self._check_room([key for key in singles if key not in self._wishes])
        before = {
            key: (wish.params, wish.owners.get(owner))
            for key in singles
            if (wish := self._wishes.get(key)) is not None
        }
        changed: list[tuple[Connection, Any]] = []
        for key, single in singles.items():
            wish = self._wishes.get(key)
            if wish is None:
                wish = self._wishes[key] = _Wish(self._place(key))
                self._symbols[wish.connection][key[1]] += 1
            wish.owners[owner] = single
            self._owned.setdefault(owner, {})[key] = None
            if wish.params != merged[key] or wish.connection.error is not None:
                wish.params = merged[key]
                changed.append((wish.connection, merged[key]))
        try:
            for connection, alike in _alike(changed):
                connection.subscribe(alike)
        except UsageError:
            self._take_back(owner, singles, before)
            raise

    def _take_back(
        self, owner: Hashable, singles: dict[Key, Any], before: dict[Key, tuple[Any, Any]]
    ) -> None:
        """A connection refused what an owner wants: everything is as it was `before`."""
        for key in singles:
            wish = self._wishes[key]
            params, owned = before.get(key, (None, None))
            if owned is None:
                del self._owned[owner][key], wish.owners[owner]
            else:
                wish.owners[owner] = owned
            if params is None:
                self._end(key, wish)
            elif wish.params != params:
                wish.params = params
                wish.connection.subscribe(params)
        if not self._owned[owner]:
            del self._owned[owner]

    def drop(
        self,
        owner: Hashable,
        channel: str | None = None,
        symbol: str | None = None,
        interval: int | None = None,
    ) -> int:
        """An owner wants its subscriptions no more; all of them, or those of a channel, symbol and interval. Returns how many it had."""
        owned = self._owned.get(owner, {})
        found = [
            key
            for key in owned
            if channel in (None, key[0]) and symbol in (None, key[1]) and interval in (None, key[2])
        ]
        for key in found:
            del owned[key]
            wish = self._wishes[key]
            del wish.owners[owner]
            if not wish.owners:
                self._end(key, wish)
        if not owned:
            self._owned.pop(owner, None)
        return len(found)

    def refused(self, key: Key) -> None:
        """Kraken refused a subscription for good: it takes no room any more, and its owners do not own it."""
        wish = self._wishes.get(key)
        if wish is None:
            return
        for owner in wish.owners:
            self._owned[owner].pop(key)
        self._end(key, wish)

    def _end(self, key: Key, wish: _Wish) -> None:
        del self._wishes[key]
        self._leave(key, wish)

    def _leave(self, key: Key, wish: _Wish) -> None:
        symbols = self._symbols[wish.connection]
        symbols[key[1]] -= 1
        if not symbols[key[1]]:
            del symbols[key[1]]
            if key[1] is not None:
                self._left[role_of(key[0]), key[1]] = wish.connection
        wish.connection.unsubscribe(*key)

    # ---------------------------------------------------------------- places

    def _check_room(self, keys: list[Key]) -> None:
        """Raises: CapacityExceeded."""
        for role in Role:
            symbols = {key[1] for key in keys if role_of(key[0]) is role and key[0] not in NO_SYMBOL}
            made = self._shared(role)
            held = {symbol for connection in made for symbol in self._symbols[connection]}
            room = sum(
                max(0, self._limits.get(connection, self._room[role]) - len(self._symbols[connection]))
                for connection in made
            )
            room += (self._most - len(self.connections[role])) * self._room[role]
            if len(symbols - held) > room:
                raise CapacityExceeded(
                    f"{len(symbols - held)} more symbols, and room for {room} on {self._most} {role} connections"
                )

    def _place(self, key: Key) -> Connection:
        return self._home(key) or self._another(role_of(key[0]))

    def _home(self, key: Key) -> Connection | None:
        """The connection where its symbol is, else where it was, else the first with room; None: all are full.

        Where it was, its last trade is known, and what is still on its way from there is not taken for something new.
        """
        channel, symbol, _ = key
        role = role_of(channel)
        made = self._shared(role)
        for connection in made:
            if symbol is not None and symbol in self._symbols[connection]:
                return connection
        left = None if symbol is None else self._left.pop((role, symbol), None)
        for connection in made if left not in made else [left, *made]:
            if channel in NO_SYMBOL or self._has_room(connection, role):
                return connection
        return None

    def _shared(self, role: Role) -> list[Connection]:
        return [connection for connection in self.connections[role] if connection not in self._isolated]

    def _another(self, role: Role) -> Connection:
        made = self.connections[role]
        connection = self._make(role, len(made) + 1)
        made.append(connection)
        self._symbols[connection] = Counter()
        return connection

    # ---------------------------------------------------------------- limits that the exchange tells

    def spread(self, key: Key) -> bool:
        """The connection of a subscription holds as much as the exchange allows: it goes to another. False: there may be no other."""
        wish = self._wishes.get(key)
        if wish is None or key[1] is None:
            return False
        role, full = role_of(key[0]), wish.connection
        self._limits[full] = max(0, len(self._symbols[full]) - 1)
        others = [each for each in self._shared(role) if each is not full and self._has_room(each, role)]
        if not others and len(self.connections[role]) >= self._most:
            return False
        self._move(key, others[0] if others else self._another(role))
        return True

    def _has_room(self, connection: Connection, role: Role) -> bool:
        return len(self._symbols[connection]) < self._limits.get(connection, self._room[role])

    # ---------------------------------------------------------------- books in dispute

    def isolate(self, channel: str, symbol: str) -> list[Key]:
        """Give a disputed book a connection of its own, if there may be one more. Returns what was moved: what of it is missing since,
        nobody knows.
        """
        key: Key = (channel, symbol, None)
        wish = self._wishes.get(key)
        if wish is None or wish.connection in self._isolated:
            return []
        role, moved = role_of(channel), [key]
        own = [connection for connection in self.connections[role] if connection in self._isolated]
        connection = next((each for each in own if not self._symbols[each]), None)
        if connection is None and len(own) < ISOLATED and len(self.connections[role]) < self._most:
            connection = self._another(role)
            self._isolated.add(connection)
            connection.known.isolated = True
        if connection is None:
            healed = next((each for each in self._wishes if self._is_healed(each, own)), None)
            home = None if healed is None else self._home(healed)
            if healed is None or home is None:
                return []
            connection = self._wishes[healed].connection
            self._move(healed, home)
            moved.insert(0, healed)
        self._move(key, connection)
        return moved

    def _is_healed(self, key: Key, own: list[Connection]) -> bool:
        """Whether a book that was given a connection to itself needs it no more."""
        channel, symbol, _ = key
        connection = self._wishes[key].connection
        return connection in own and connection.session.book_status(channel, str(symbol)) is BookStatus.LIVE

    def _move(self, key: Key, connection: Connection) -> None:
        wish = self._wishes[key]
        wish.connection.let_go(key[0], str(key[1]))
        self._leave(key, wish)
        wish.connection = connection
        self._symbols[connection][key[1]] += 1
        connection.subscribe(wish.params)


def _singles(params: Subscription) -> list[tuple[Key, Any]]:
    """A subscription for each symbol, with its key."""
    channel = params.channel.value
    if channel in NO_SYMBOL:
        return [((channel, None, None), params)]
    symbols: tuple[str, ...] = getattr(params, "symbol", ())
    interval = getattr(params, "interval", None)
    return [((channel, symbol, interval), replace(params, symbol=(symbol,))) for symbol in symbols]


def _alike(changed: list[tuple[Connection, Any]]) -> list[tuple[Connection, Any]]:
    """Subscriptions of one symbol each, as few of many symbols as there are connections and parameters."""
    groups: dict[tuple[int, Any], list[tuple[Connection, Any]]] = {}
    for connection, params in changed:
        same = replace(params, symbol=("-",)) if hasattr(params, "symbol") else params
        groups.setdefault((id(connection), same), []).append((connection, params))
    together = []
    for group in groups.values():
        connection, params = group[0]
        if hasattr(params, "symbol"):
            params = replace(params, symbol=tuple([each.symbol[0] for _, each in group]))
        together.append((connection, params))
    return together


def _merge(held: Any, asked: Any) -> Any:
    """One subscription for both: as deep as the deeper.

    Raises: UsageError, if they differ in anything else; Kraken holds one subscription of a channel and symbol.
    """
    deep = max(getattr(held, "depth", 0), getattr(asked, "depth", 0))
    both = replace(held, depth=deep) if deep else held
    if both != (replace(asked, depth=deep) if deep else asked):
        symbol = getattr(asked, "symbol", ("",))[0]
        raise UsageError(
            f"{asked.channel} {symbol} is subscribed with other parameters; one connection holds it once",
            field="params",
        )
    return both
