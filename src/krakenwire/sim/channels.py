"""Which channels there are, where, under which parameters, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct

from krakenwire.sim.feeds.book import BookFeed
from krakenwire.sim.feeds.feed import Feed
from krakenwire.sim.feeds.level3 import Level3Feed
from krakenwire.sim.feeds.ohlc import WARNING as OHLC_WARNING
from krakenwire.sim.feeds.ohlc import OhlcFeed
from krakenwire.sim.feeds.ticker import TickerFeed
from krakenwire.sim.feeds.trade import TradeFeed
from krakenwire.sim.market import Market
from krakenwire.wire.market import OHLC_INTERVALS
from krakenwire.wire.refusals import DEPTH_NOT_SUPPORTED


class Host(StrEnum):
    """Kraken's three addresses. Each serves its own channels and refuses those of the others."""

    PUBLIC = "public"
    """ws.kraken.com"""
    PRIVATE = "private"
    """ws-auth.kraken.com"""
    LEVEL3 = "level3"
    """ws-l3.kraken.com"""


class Option(Struct, frozen=True):
    """The parameter that a channel has beside its symbols."""

    name: str
    values: tuple[Any, ...]
    default: Any
    refusal: str
    """What Kraken says to another value."""
    identity: bool = False
    """Whether two subscriptions of one symbol may differ in it alone."""
    acknowledged: bool = True
    """Whether the answers name it."""


class Channel(Struct, frozen=True):
    """A channel with symbols."""

    name: str
    make: Callable[[Market, Any], Feed]
    option: Option | None = None
    snapshot: bool = True
    """Whether a snapshot comes when nothing is said about it."""
    host: Host = Host.PUBLIC
    warnings: tuple[str, ...] = ()

    @property
    def parameters(self) -> set[str]:
        """The parameters that a request may have."""
        names = {"channel", "symbol", "snapshot"}
        if self.option is not None:
            names.add(self.option.name)
        if self.host is not Host.PUBLIC:
            names.add("token")
        return names


INTERVAL_NOT_SUPPORTED = "Subscription ohlc interval not supported"
"""By analogy with the depth; the words are not known."""
TRIGGER_NOT_SUPPORTED = "Subscription event_trigger not supported"
"""As above."""

LEVEL3_COST = {10: 5, 100: 25, 1000: 100}
"""What a symbol costs of the level3 allowance a second, by depth."""

CHANNELS = {
    channel.name: channel
    for channel in (
        Channel(
            "ticker",
            TickerFeed,
            Option("event_trigger", ("trades", "bbo"), "trades", TRIGGER_NOT_SUPPORTED, identity=True),
        ),
        Channel(
            "book",
            BookFeed,
            Option("depth", (10, 25, 100, 500, 1000), default=10, refusal=DEPTH_NOT_SUPPORTED),
        ),
        Channel(
            "level3",
            Level3Feed,
            Option("depth", tuple(LEVEL3_COST), 10, DEPTH_NOT_SUPPORTED, acknowledged=False),
            host=Host.LEVEL3,
        ),
        Channel(
            "ohlc",
            OhlcFeed,
            Option("interval", OHLC_INTERVALS, 1, INTERVAL_NOT_SUPPORTED, identity=True),
            warnings=(OHLC_WARNING,),
        ),
        # Documents of 2026 say that no snapshot comes unless asked for; a recording of 2024 had one.
        Channel("trade", lambda market, _: TradeFeed(market), snapshot=False),
    )
}
"""Channels with symbols."""

PRIVATE_CHANNELS = frozenset({"executions", "balances"})

ORDER_METHODS = frozenset(
    {
        "add_order",
        "amend_order",
        "edit_order",
        "cancel_order",
        "cancel_all",
        "cancel_all_orders_after",
        "batch_add",
        "batch_cancel",
    }
)
