"""What is subscribed, what shall be, and the next step that makes the two agree.

Each subscription has a wish (`wanted`, `again`) and a phase, which is what Kraken knows of it. The step to take follows from the two;
while an answer is outstanding there is none. So whatever order wishes and answers come in, the last wish wins. Taking a subscription
anew is its own way back to IDLE: a second `subscribe` without an `unsubscribe` is refused and brings no snapshot.

        IDLE ── subscribe ──► SUBSCRIBING ── granted ──► SUBSCRIBED
         ▲                        │ refused                  │
         │◄───────────────────────┘                     unsubscribe
         └────────────── granted, or not subscribed ─── UNSUBSCRIBING

Steps are not queued: `steps` looks at the subscriptions that have one. That bounds what waits to be sent, and says nothing twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from krakenwire.errors import UsageError
from krakenwire.wire.control import SubscriptionResult
from krakenwire.wire.enums import EventTrigger
from krakenwire.wire.market import OHLC_INTERVALS
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ExecutionsSubscription,
    InstrumentSubscription,
    Level3Subscription,
    OhlcSubscription,
    Subscription,
    TickerSubscription,
    TradeSubscription,
)

MAX_SUBSCRIPTIONS = 20_000
"""Subscriptions of one connection, several times what Kraken has symbols and channels for."""

SYMBOLS_A_REQUEST = 100
"""Symbols named in one request, at most. Kraken publishes no limit [U]; a long list is split."""

LEVEL3_COST = {10: 5, 100: 25, 1000: 100}
"""What one symbol of a level3 subscription costs of Kraken's counter, by its depth."""

LEVEL3_COST_A_REQUEST = 200
"""What the counter allows in a second. A request that costs more would be refused as a whole."""

Key = tuple[str, str | None, int | None]
"""Channel, symbol, and for `ohlc` the interval: what Kraken tells subscriptions of one connection apart by."""

NO_SYMBOL = frozenset({"instrument", "executions", "balances"})
PRIVATE = frozenset({"executions", "balances", "level3"})
"""Channels that want a token."""


class Phase(StrEnum):
    """What Kraken knows of a subscription."""

    IDLE = "idle"
    SUBSCRIBING = "subscribing"
    SUBSCRIBED = "subscribed"
    UNSUBSCRIBING = "unsubscribing"


class Step(StrEnum):
    """What has to be asked next."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


class Wish:
    """One subscription: what is wanted and what Kraken knows of it."""

    __slots__ = (
        "again",
        "delivered",
        "held",
        "key",
        "not_before",
        "own",
        "params",
        "phase",
        "renewed",
        "slowed",
        "snapshot_by",
        "tries",
        "wanted",
    )

    def __init__(self, key: Key, params: Any, *, own: bool) -> None:
        self.key = key
        self.params = params
        """What is asked for, with its own symbol only."""
        self.held = params
        """What Kraken holds; an unsubscription has to name its depth, interval and trigger."""
        self.delivered = False
        """Whether a snapshot came since it was last asked for anew."""
        self.own = own
        """Whether this session was told to subscribe; otherwise it was seen in the stream."""
        self.wanted = True
        self.again = False
        """Whether it is to be taken anew: unsubscribed, then subscribed."""
        self.phase = Phase.IDLE
        self.tries = 0
        """Requests without an answer, or without a snapshot after it, in a row."""
        self.slowed = 0
        """Refusals of the moment (its rate, the state of the engine), in a row."""
        self.renewed = False
        """Whether it is asked for with a fresh token, because the last one was refused."""
        self.not_before = 0.0
        """When it may be asked for again, after being refused for the moment or after too many attempts."""
        self.snapshot_by = math.inf
        """When the snapshot that follows the answer has to be there."""

    @property
    def channel(self) -> str:
        return self.key[0]

    @property
    def symbol(self) -> str | None:
        return self.key[1]

    @property
    def step(self) -> Step | None:
        """What has to be asked next to come closer to what is wanted."""
        if self.phase is Phase.IDLE and self.wanted:
            return Step.SUBSCRIBE
        if self.phase is Phase.SUBSCRIBED and (self.again or not self.wanted or self.params != self.held):
            return Step.UNSUBSCRIBE
        return None


class Subscriptions:
    """Every subscription of one connection."""

    def __init__(self, *, max_subscriptions: int = MAX_SUBSCRIPTIONS) -> None:
        self._most = max_subscriptions
        self._wishes: dict[Key, Wish] = {}
        # The subscriptions that have a step to take, first come first. `settle` keeps it so.
        self._due: dict[Key, Wish] = {}

    def __len__(self) -> int:
        return len(self._wishes)

    def __iter__(self) -> Iterator[Wish]:
        return iter(self._wishes.values())

    @property
    def waiting(self) -> bool:
        """Whether any subscription has a step to take."""
        return bool(self._due)

    def get(self, channel: str, symbol: str | None, interval: int | None = None) -> Wish | None:
        """One subscription."""
        return self._wishes.get((channel, symbol, interval))

    def at(self, key: Key) -> Wish | None:
        """The subscription of a key."""
        return self._wishes.get(key)

    def granted(self, key: Key, asked: Any, depth: int | None) -> Wish:
        """Kraken granted what we asked, with the depth it holds if it told. What it holds and nobody wants any more has to be ended."""
        wish = self._wishes.get(key)
        if wish is None:
            wish = Wish(key, dict(_singles(asked))[key], own=True)
            wish.wanted = False
        if depth is not None and getattr(wish.held, "depth", depth) != depth:
            # The answer to an earlier request than the last, or another depth than was asked for.
            wish.held = _with_depth(wish.held, depth)
            if wish.params.depth == asked.depth != depth:
                wish.params = wish.held  # asking again would bring it again
        return wish

    def of(self, channel: str, symbol: str | None) -> list[Wish]:
        """Every subscription of a channel and symbol; `ohlc` may have several."""
        intervals = OHLC_INTERVALS if channel == "ohlc" else (None,)
        found = [self._wishes.get((channel, symbol, interval)) for interval in intervals]
        return [wish for wish in found if wish is not None]

    def want(self, params: Subscription, *, own: bool = True) -> list[Wish]:
        """Subscribe, as from now on wanted. Other parameters than before take the subscription anew.

        Raises: UsageError, if there are too many.
        """
        singles = dict(_singles(params))
        if len(self._wishes.keys() | singles.keys()) > self._most:
            raise UsageError(f"there may be {self._most} subscriptions and no more", field="symbol")
        found = []
        for key, single in singles.items():
            wish = self._wishes.get(key)
            if wish is None:
                wish = self._wishes[key] = Wish(key, single, own=own)
            wish.params = single
            wish.wanted = True
            wish.own = wish.own or own
            found.append(self.settle(wish))
        return found

    def drop(self, wish: Wish) -> Wish:
        """As from now on not wanted."""
        wish.wanted = wish.again = False
        wish.snapshot_by = math.inf
        return self.settle(wish)

    def seen(self, result: SubscriptionResult) -> Wish | None:
        """A granted subscription that somebody else asked for. None if its parameters cannot be asked for again."""
        params = _as_params(result)
        if params is None or len(self._wishes) >= self._most:
            return None
        (wish,) = self.want(params, own=False)
        if wish.phase is Phase.IDLE:
            wish.phase = Phase.SUBSCRIBED
        if wish.phase is Phase.SUBSCRIBED:
            wish.again, wish.held = False, params
        return self.settle(wish)

    def settle(self, wish: Wish) -> Wish:
        """Call after every change of a wish or a phase."""
        if self._wishes.setdefault(wish.key, wish) is not wish:
            return wish  # a late answer about a subscription that was ended and wanted again since
        if wish.step is None:
            self._due.pop(wish.key, None)
        else:
            self._due[wish.key] = wish
        if not wish.wanted and wish.phase is Phase.IDLE:
            del self._wishes[wish.key]
        return wish

    def steps(self, now: float, *, authenticated: bool) -> list[tuple[Step, list[Wish]]]:
        """What can be asked now, like with like: one request each."""
        groups: dict[tuple[Step, Any], list[list[Wish]]] = {}
        for wish in self._due.values():
            step = wish.step
            if step is None or wish.not_before > now or (wish.channel in PRIVATE and not authenticated):
                continue
            params = wish.params if step is Step.SUBSCRIBE else wish.held
            same = replace(params, symbol=("-",)) if wish.symbol is not None else params
            batches = groups.setdefault((step, same), [[]])
            if len(batches[-1]) >= _symbols_a_request(params):
                batches.append([])
            batches[-1].append(wish)
        return [(step, batch) for (step, _), batches in groups.items() for batch in batches]

    def wants_token(self, now: float) -> bool:
        """Whether a step waits for nothing but a token."""
        return any(wish.channel in PRIVATE and wish.not_before <= now for wish in self._due.values())

    def asked(self, step: Step, wishes: list[Wish]) -> Any:
        """The step is taken for these, which are alike. Returns the parameters that name them all."""
        for wish in wishes:
            if step is Step.SUBSCRIBE:
                wish.phase, wish.held = Phase.SUBSCRIBING, wish.params
            else:
                # From here the phase leads back to IDLE, and from there the wish leads on.
                wish.phase, wish.again, wish.delivered = Phase.UNSUBSCRIBING, False, False
            self.settle(wish)
        held = wishes[0].held
        return (
            held
            if wishes[0].symbol is None
            else replace(held, symbol=tuple([str(wish.symbol) for wish in wishes]))
        )

    def lost(self) -> None:
        """The connection is gone. Our own wishes stay; what others asked for is theirs to ask for again."""
        for wish in list(self._wishes.values()):
            wish.phase = Phase.IDLE
            wish.again = wish.delivered = False
            wish.tries, wish.renewed = 0, False
            wish.not_before = wish.not_before if wish.slowed else 0.0
            wish.snapshot_by = math.inf
            wish.wanted = wish.wanted and wish.own
            self.settle(wish)


def _symbols_a_request(params: Any) -> int:
    if not isinstance(params, Level3Subscription):
        return SYMBOLS_A_REQUEST
    return max(1, LEVEL3_COST_A_REQUEST // LEVEL3_COST[params.depth])


def _singles(params: Subscription) -> Iterator[tuple[Key, Subscription]]:
    """A subscription for each symbol, with its key. Tokens belong to a connection, so none is kept."""
    if hasattr(params, "token"):
        params = replace(params, token=None)
    channel = params.channel.value
    if channel in NO_SYMBOL:
        yield (channel, None, None), params
        return
    for symbol in dict.fromkeys(getattr(params, "symbol", ())):
        yield (channel, symbol, getattr(params, "interval", None)), replace(params, symbol=(symbol,))


def _with_depth(params: Any, depth: int) -> Any:
    """The same parameters with another depth; unchanged if no request may have it."""
    try:
        return replace(params, depth=depth)
    except UsageError:
        return params


def _as_params(result: SubscriptionResult) -> Subscription | None:
    """The parameters that would ask for what was granted; None where Kraken's answer does not tell them."""
    channel = result.channel.value
    symbol = () if result.symbol is None else (result.symbol,)
    if not symbol and channel not in NO_SYMBOL:
        return None
    made: Subscription | None = None
    try:
        if channel in NO_SYMBOL:
            made = _account_params(result)
        elif channel == "book":
            made = None if result.depth is None else BookSubscription(symbol=symbol, depth=result.depth)
        elif channel == "level3":
            # The answer names no depth as a rule: then the book that is held tells it.
            made = None if result.depth is None else Level3Subscription(symbol=symbol, depth=result.depth)
        elif channel == "ohlc":
            made = OhlcSubscription(symbol=symbol, interval=result.interval or 1)
        elif channel == "trade":
            made = TradeSubscription(symbol=symbol)
        elif channel == "ticker":
            made = TickerSubscription(
                symbol=symbol, event_trigger=result.event_trigger or EventTrigger.TRADES
            )
    except UsageError:
        return None  # A depth, interval or trigger that we do not know: it could not be asked for.
    return made


def _account_params(result: SubscriptionResult) -> Subscription:
    """As `_as_params`, for the channels without symbols."""
    if result.channel.value == "instrument":
        return InstrumentSubscription(
            include_tokenized_assets=result.include_tokenized_assets, execution_venue=result.execution_venue
        )
    if result.channel.value == "balances":
        return BalancesSubscription(rebased=result.rebased, users=result.users)
    # Fills that happened meanwhile are in the snapshot only if asked for.
    return ExecutionsSubscription(
        snap_orders=True,
        snap_trades=True,
        order_status=result.order_status,
        ratecounter=result.ratecounter,
        rebased=result.rebased,
        users=result.users,
    )
