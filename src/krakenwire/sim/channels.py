"""Which channels there are, where, under which parameters, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from msgspec import Struct

from krakenwire.sim.feeds.book import BookFeed
from krakenwire.sim.feeds.feed import Feed
from krakenwire.sim.feeds.trade import TradeFeed
from krakenwire.sim.market import Market
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


CHANNELS = {
    channel.name: channel
    for channel in (
        Channel(
            "book",
            BookFeed,
            Option("depth", (10, 25, 100, 500, 1000), default=10, refusal=DEPTH_NOT_SUPPORTED),
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
