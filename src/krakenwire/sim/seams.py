"""Where other parts of the simulation meet the exchange: faults, accounts, and whoever writes down the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from krakenwire.sim.connection import Connection
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.market import Market
from krakenwire.sim.raw import Act
from krakenwire.sim.requests import Request

if TYPE_CHECKING:
    from krakenwire.sim.private.account import ApiKey


class Refused(Struct, frozen=True):
    """The answer to an attempt to connect, or to an HTTP request, that is refused before the exchange sees it."""

    status: int
    body: bytes = b""
    retry_after: float | None = None
    """Seconds, for the header of this name."""
    acts: tuple[Act, ...] = ()
    """What is done to the bytes in place of any answer, where there are bytes."""


class Faults(Protocol):
    """What stands between the exchange and its clients."""

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame for a client: call `connection.emit` for whatever shall arrive, now or from an action of `exchange.schedule`."""

    def hear(self, connection: Connection, frame: bytes | str, at: int) -> bytes | str | None:
        """A frame from a client, as the exchange shall hear it; None: it never arrives."""

    def refusal(self, connection: Connection, request: Request, symbol: str) -> str | None:
        """The words in which one symbol of a subscription is refused; None: it is not."""


class Attempts(Protocol):
    """What stands before the exchange where clients come in."""

    def admit(self, host: str, at: int) -> Refused | None:
        """How an attempt to connect is refused; None: it is not."""

    def http(self, path: str, at: int) -> Refused | None:
        """How an HTTP request is refused; None: it is not."""


class Private(Protocol):
    """The account side."""

    def take(self, connection: Connection, request: Request) -> None:
        """Answer an order method, or `subscribe` and `unsubscribe` of a private channel. Host and token are right. Raises: Refusal."""

    def subscribed(self, connection: Connection) -> bool:
        """Whether the connection holds a private subscription."""

    def left(self, connection: Connection) -> None:
        """The connection is over."""

    def removed(self, owner: object, at: int) -> None:
        """A resting order of this owner (None: the order flow's) was cancelled by the exchange."""

    def rescaled(self, market: Market, at: int) -> None:
        """Numbers of a market have other digits or steps now."""

    def key(self, public: str) -> ApiKey | None:
        """The API key with this public part, for signed HTTP requests."""

    def issue(self, key: ApiKey) -> str:
        """A token that speaks for this key."""

    def speaks(self, connection: Connection, token: str) -> bool:
        """Whether a token that is good speaks for a key that still is: level3 asks nobody else."""


class Truth(Protocol):
    """Who writes down what really happened."""

    def meant(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame as the exchange made it, before faults."""

    def sent(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        """A frame as it goes out; its number is `connection.sent`."""

    def published(self, market: Market, at: int) -> None:
        """The book of a market has another state."""
