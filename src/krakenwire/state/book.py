"""One book of one subscription, as its readers see it: where it is in its life, and its levels while they are proven.

A book is wanted until its first snapshot, then LIVE or UNVERIFIED. A contradiction makes it RESYNCING, a lost connection STALE, an
unsubscription CLOSED; a snapshot makes it readable again from any of these. When it goes wrong again and again it is DISPUTED and
asked for less and less often. Only LIVE can be read: everything else is not proven to be a state the exchange had.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from krakenwire.errors import BookNotLive, UsageError
from krakenwire.state.ledger import Entry
from krakenwire.state.level2 import BookView, Difference
from krakenwire.state.level3 import Level3View, QueueDifference
from krakenwire.wire.enums import PairStatus

V = TypeVar("V", BookView, Level3View)


class BookStatus(StrEnum):
    """Where a book is in its life. Only LIVE can be read without asking for unverified data."""

    WANTED = "wanted"
    LIVE = "live"
    UNVERIFIED = "unverified"
    RESYNCING = "resyncing"
    DISPUTED = "disputed"
    STALE = "stale"
    CLOSED = "closed"


class Book(Generic[V]):
    """The live book of one symbol. It goes on changing and belongs to the thread that feeds the session; take a `view()` to keep.

    Everything that reads levels raises `BookNotLive` unless a checksum proved them. `status`, `reason`, `verified`, `age`,
    `depth`, `checksum`, `timestamp` and `explain()` never do.
    """

    __slots__ = (
        "_clock",
        "channel",
        "disputes",
        "entry",
        "inferred_depth",
        "levels",
        "live_since",
        "reason",
        "retry_at",
        "serving",
        "stated_depth",
        "status",
        "symbol",
        "told",
        "trading_status",
        "verified_at",
    )

    def __init__(self, channel: str, symbol: str, clock: Callable[[], float]) -> None:
        self.channel = channel
        self.symbol = symbol
        self.status = BookStatus.WANTED
        self.reason = "no snapshot yet"
        """Why it is not LIVE; empty while it is."""
        self.verified_at: float | None = None
        """When it was last proven, on the caller's clock."""
        self.trading_status: PairStatus | None = None
        """What may be done in the market now, as `instrument` told; None while nobody told. A halted market still has a book."""
        # What follows is the session's own bookkeeping.
        self._clock = clock
        self.levels: Any = None
        """`Level2Book` or `Level3Book`, from the first snapshot on."""
        self.stated_depth: int | None = None
        """As requested, acknowledged or expected; None: not known."""
        self.inferred_depth: int | None = None
        """The depth that was concluded from the last snapshot, if nobody stated it."""
        self.told = False
        """Whether the caller knows that this book cannot be followed."""
        self.entry: Entry | None = None
        """Its counts in the ledger, while LIVE; looked up once, not at every update."""
        self.disputes = 0
        """How often the budget for resyncs was spent on it without a long proven time in between."""
        self.retry_at: float | None = None
        """When it is tried again, while disputed."""
        self.live_since = 0.0
        self.serving = False
        """Whether it is served although its checksum is wrong, because the caller asked for that."""

    def __repr__(self) -> str:
        return f"<Book {self.channel} {self.symbol!r:.60} {self.status}>"

    # ---------------------------------------------------------------- what never raises

    @property
    def verified(self) -> bool:
        """Whether the ten best levels a side are proven by Kraken's checksum right now."""
        return self.status is BookStatus.LIVE

    @property
    def age(self) -> float | None:
        """Seconds since the last proof; None if there was none."""
        return None if self.verified_at is None else max(0.0, self._clock() - self.verified_at)

    @property
    def depth(self) -> int | None:
        """Levels a side that the subscription covers; None while not known."""
        return self.stated_depth if self.levels is None else cast("int", self.levels.depth)

    @property
    def checksum(self) -> int | None:
        """The checksum that Kraken sent with the last message."""
        return None if self.levels is None else cast("int | None", self.levels.checksum)

    @property
    def timestamp(self) -> str | None:
        """Matching-engine time of the last message, as received."""
        return None if self.levels is None else cast("str | None", self.levels.timestamp)

    @property
    def readable(self) -> bool:
        """True while updates are taken."""
        return self.status is BookStatus.LIVE or self.status is BookStatus.UNVERIFIED

    def explain(self) -> tuple[Difference | QueueDifference, ...]:
        """Which of the ten best levels differ from when this book was last verified. Meant for after a failure."""
        return () if self.levels is None else tuple(self.levels.explain())

    # ---------------------------------------------------------------- what raises unless it is LIVE

    def view(self, depth: int | None = None) -> V:
        """An immutable copy of the best `depth` levels a side, or of all.

        Raises: BookNotLive, unless a checksum proved the book.
        """
        return self.read(depth)

    def read(self, depth: int | None = None, *, unverified: bool = False) -> V:
        """As `view`; with `unverified` also a book that nothing contradicts and nothing proves. The view says which it is.

        Raises: BookNotLive, if the book cannot be read; UsageError, if `depth` is no number of levels.
        """
        if depth is not None and (type(depth) is not int or depth < 1):
            raise UsageError("must be a whole number of levels, 1 or more", field="depth")
        levels = self.levels
        if levels is None or not (
            self.status is BookStatus.LIVE or (unverified and self.status is BookStatus.UNVERIFIED)
        ):
            raise BookNotLive(self.symbol, self.status.value, self.reason)
        return cast("V", levels.view(depth))

    def require_verified(self) -> Book[V]:
        """The book itself.

        Raises: BookNotLive, unless a checksum proved it.
        """
        if self.status is not BookStatus.LIVE:
            raise BookNotLive(self.symbol, self.status.value, self.reason)
        return self

    @property
    def bids(self) -> tuple[Any, ...]:
        """Buy side, best first. Raises BookNotLive."""
        return self.read().bids

    @property
    def asks(self) -> tuple[Any, ...]:
        """Sell side, best first. Raises BookNotLive."""
        return self.read().asks

    @property
    def best_bid(self) -> Decimal | None:
        """Highest buy price; None while nobody buys. Raises BookNotLive."""
        return self.read(1).best_bid

    @property
    def best_ask(self) -> Decimal | None:
        """Lowest sell price; None while nobody sells. Raises BookNotLive."""
        return self.read(1).best_ask

    # ---------------------------------------------------------------- the session's part

    def stop(self, status: BookStatus, reason: str) -> None:
        """The book cannot be read any more, until a snapshot."""
        self.status, self.reason = status, reason
