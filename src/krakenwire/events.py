"""What a session reports: what Kraken said, with its proof, and what the session concluded.

One event for each entry of a frame's `data`. Where there is more to say than Kraken did, the event is a subclass of the wire
type with the proof added; the wire types do not declare these fields, so that no frame can claim its own proof. A break in a stream is an
event in that stream: nobody may mistake it for continuity.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from krakenwire.state.balances import BalanceDiffers, BalanceForgotten
from krakenwire.state.book import Book
from krakenwire.state.instruments import PairChanged, PairsRefused
from krakenwire.state.level2 import BookView, Difference
from krakenwire.state.level3 import Level3View, QueueDifference
from krakenwire.state.orders import OrderForgotten, OrderVanished
from krakenwire.wire.account import BalanceEntry, ExecutionReport
from krakenwire.wire.book import BookLevel, Level3Order
from krakenwire.wire.codec import UnknownFrame
from krakenwire.wire.control import ErrorNotice, Heartbeat, StatusUpdate
from krakenwire.wire.enums import PairStatus
from krakenwire.wire.market import Candle, InstrumentUpdate, TickerUpdate, Trade
from krakenwire.wire.order_replies import Reply
from krakenwire.wire.refusals import ErrorKind

__all__ = [
    "BalanceDiffers",
    "BalanceForgotten",
    "BalanceUpdate",
    "BookCrossed",
    "BookDisputed",
    "BookLive",
    "BookLost",
    "CandleRevised",
    "ClockJump",
    "ConnectionChanged",
    "ConnectionState",
    "Discarded",
    "ErrorNotice",
    "Event",
    "ExecutionUpdate",
    "FeedLagging",
    "FrameRejected",
    "Gap",
    "GapReason",
    "Heartbeat",
    "InstrumentChanged",
    "InstrumentUpdate",
    "Level3Update",
    "OHLCUpdate",
    "OrderBookUpdate",
    "OrderForgotten",
    "OrderVanished",
    "PairsRefused",
    "PeerSilent",
    "ReconnectNeeded",
    "Reply",
    "ReplyMissing",
    "ReplyOdd",
    "ResyncNeeded",
    "SchemaDrift",
    "StatusUpdate",
    "StreamQuiet",
    "SubscriptionRejected",
    "SwitchChanged",
    "SwitchState",
    "TickerUpdate",
    "TradeUpdate",
    "TradingStatus",
    "Unknown",
]


class OrderBookUpdate(Struct, frozen=True, gc=False):
    """Levels of a Level 2 book that changed, or all of them after a snapshot. A message that failed its checksum never becomes one."""

    symbol: str
    bids: tuple[BookLevel, ...]
    """Changed buy levels as received; quantity zero removes."""
    asks: tuple[BookLevel, ...]
    """Changed sell levels as received; quantity zero removes."""
    top_bid: BookLevel | None
    """Best buy level after this message; None while nobody buys."""
    top_ask: BookLevel | None
    """Best sell level after this message; None while nobody sells."""
    checksum: int | None
    timestamp: str | None
    verified: bool
    """True: the ten best levels a side are proven by Kraken's checksum."""
    snapshot: bool
    book: Book[BookView]
    """The live book. It goes on changing; for the owner's thread. Take a `view()` to keep."""

    @property
    def best_bid(self) -> Decimal | None:
        """Highest buy price after this message; None while nobody buys."""
        return None if self.top_bid is None else self.top_bid.price

    @property
    def best_ask(self) -> Decimal | None:
        """Lowest sell price after this message; None while nobody sells."""
        return None if self.top_ask is None else self.top_ask.price

    @property
    def spread(self) -> Decimal | None:
        """Best ask minus best bid; None while a side is empty."""
        if self.top_bid is None or self.top_ask is None:
            return None
        return self.top_ask.price - self.top_bid.price

    @property
    def crossed(self) -> bool:
        """Whether the best bid is not below the best ask. Kraken may say so; it is served as it is, and `BookCrossed` follows."""
        spread = self.spread
        return spread is not None and spread <= 0


class Level3Update(Struct, frozen=True):
    """Orders of a level3 book that changed, or all of them after a snapshot."""

    symbol: str
    bids: tuple[Level3Order, ...]
    asks: tuple[Level3Order, ...]
    checksum: int | None
    timestamp: str | None
    verified: bool
    snapshot: bool
    book: Book[Level3View]


class TradeUpdate(Trade, frozen=True, kw_only=True):
    """A trade, and whether it follows the one before it."""

    complete: bool
    """True: its id is one more than the last. False: a `Gap` came before it, or it is the first one seen."""
    snapshot: bool
    source: str = "live"
    """`live`, or `rest` for a trade that was fetched to fill a gap."""


class OHLCUpdate(Candle, frozen=True, kw_only=True):
    """A candle; nothing on the wire can prove it."""

    revised: bool
    """True: a `CandleRevised` came before it, because what had been said of this candle was taken back."""
    snapshot: bool


class ExecutionUpdate(ExecutionReport, frozen=True, kw_only=True):
    """An execution report, and whether its frame came in sequence."""

    in_sequence: bool
    """False from a hole in the sequence until the next snapshot."""
    snapshot: bool


class BalanceUpdate(BalanceEntry, frozen=True, kw_only=True):
    """A balance, and whether its frame came in sequence."""

    in_sequence: bool
    """False from a hole in the sequence until the next snapshot."""
    snapshot: bool


class GapReason(StrEnum):
    """Why something may be missing."""

    CHECKSUM = "checksum"
    SEQUENCE = "sequence"
    TRADE_ID = "trade_id"
    FRAME_REFUSED = "frame_refused"
    NEW_CONNECTION = "new_connection"
    CONNECTION_LOST = "connection_lost"
    PRECISION_CHANGED = "precision_changed"
    SNAPSHOT_DIFFERS = "snapshot_differs"
    SILENT = "silent"
    RESYNC = "resync"
    """It is taken anew, because the caller asked for that, or for other parameters."""
    SLOW_CONSUMER = "slow_consumer"
    """The consumer that sees this did not keep up; nobody else missed anything."""


class Gap(Struct, frozen=True):
    """Something may be missing here. Everything after it in the stream comes after the break."""

    channel: str
    symbol: str | None
    reason: GapReason
    first: int | None = None
    """First missing trade id or sequence number, where the wire numbers what it sends."""
    last: int | None = None
    """Last missing trade id or sequence number."""
    since: float | None = None
    """When the stream was last known to be whole, on the caller's clock."""
    dropped: int | None = None
    """Events that a slow consumer lost here; None where that is not the reason."""


class BookLive(Struct, frozen=True):
    """A book can be read again: a snapshot proved it."""

    channel: str
    symbol: str
    depth: int


class BookLost(Struct, frozen=True):
    """A book contradicts Kraken and cannot be read until the next snapshot."""

    channel: str
    symbol: str
    reason: str
    expected: int | None = None
    """Kraken's checksum."""
    computed: int | None = None
    """Ours."""
    differences: tuple[Difference | QueueDifference, ...] = ()
    """Which of the ten best levels differ from what was last verified."""
    timestamp: str | None = None


class BookDisputed(Struct, frozen=True):
    """A book was taken anew as often as the budget allows and is still wrong: nobody knows who is right."""

    channel: str
    symbol: str
    reason: str
    policy: str
    """What becomes of it: `hold`, `serve_unverified` or `stop`."""
    retry_at: float | None
    """When it is tried again, on the caller's clock; None: it is not."""


class ResyncNeeded(Struct, frozen=True):
    """A subscription has to be taken anew: unsubscribe, wait for the answer, subscribe. Any snapshot heals it."""

    channel: str
    symbol: str | None
    reason: str
    requested: bool = False
    """True: the requests are in `take_outgoing()`. False: the session cannot or may not ask, so the caller has to."""


class ReconnectNeeded(Struct, frozen=True):
    """The connection as a whole cannot be trusted any more."""

    reason: str


class PeerSilent(Struct, frozen=True):
    """Nothing was heard for so long that the connection cannot be trusted any more."""

    since: float
    """When something was last heard, on the caller's clock."""


class SubscriptionRejected(Struct, frozen=True):
    """Kraken refused a subscription; others asked for in the same request are not touched."""

    channel: str | None
    """None where neither Kraken nor we know: most refusals name the symbol only."""
    symbol: str | None
    reason: str
    """Kraken's own words."""
    kind: ErrorKind
    retried: bool
    """True: it is asked for again, by the session or, where this connection has no room for it, by the client over another. False: it is
    final.
    """


class ReplyMissing(Struct, frozen=True):
    """A request was not answered in time, or its connection is gone. It is never sent again."""

    method: str
    req_id: int
    missing: int
    """Answers that did not come."""
    reason: str
    acts: bool
    """True: it may have changed orders, so what it did is unknown until `executions` tells."""


class ReplyOdd(Struct, frozen=True):
    """A reply that answers nothing we wait for. The reply itself stands before it in the stream."""

    method: str
    req_id: int
    verdict: str
    """`late`: its request had been given up, so what it did is known after all. `repeated`, or `unknown`."""


class TradingStatus(Struct, frozen=True):
    """Something else may be done in a market now; its books go on being served."""

    symbol: str
    before: PairStatus | None
    status: PairStatus | None
    """None: the market is not listed any more. `before` is None where it was not listed."""


class FrameRejected(Struct, frozen=True):
    """A frame, or one entry of it, that cannot be used."""

    frame: bytes
    """As received, at most 4 KiB."""
    reason: str
    channel: str | None = None
    symbol: str | None = None
    json: bool = True
    """False: it was not even JSON."""


class SchemaDrift(Struct, frozen=True):
    """Kraken sends a field that this version does not know. Everything else in the frame was used."""

    channel: str
    field: str


class Discarded(Struct, frozen=True):
    """An update of a book that has no snapshot, or that is not subscribed."""

    channel: str
    symbol: str


class CandleRevised(Struct, frozen=True):
    """A candle changed after a later one had begun, or trades or volume of the open one went back."""

    symbol: str
    interval: int
    interval_begin: str


class BookCrossed(Struct, frozen=True):
    """The best bid is not below the best ask, and the checksum says that this is how it is."""

    symbol: str


class ConnectionState(StrEnum):
    """Where a connection of the client is in its life."""

    IDLE = "idle"
    """Nothing needs it, so it is not open."""
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"
    """It is gone, and tried again when its time comes."""
    DOWN = "down"
    """As WAITING, after so many failures that somebody should look at it."""
    FAILED = "failed"
    """It is not tried again: retrying would do no good, or harm."""


class ConnectionChanged(Struct, frozen=True):
    """A connection of the client came, went, or failed to come."""

    connection: str
    """Its name: the host's role and a number, as `public-1`, `private-1`, `level3-1`."""
    state: ConnectionState
    reason: str = ""
    attempts: int = 0
    """Failures in a row."""
    retry_at: float | None = None
    """When it is tried again, on the loop's clock; None: it is not, or it stands."""


class StreamQuiet(Struct, frozen=True):
    """A stream has said nothing for much longer than it used to, or speaks again. Quiet is no proof of a fault: markets fall silent."""

    channel: str
    symbol: str | None
    quiet: bool
    """False: it speaks again."""
    since: float
    """When it was last heard, on the loop's clock."""
    evidence: str = ""
    """What shows that it should have spoken; empty if nothing does. With evidence it is taken anew."""


class FeedLagging(Struct, frozen=True):
    """What a connection brings is old, or is not any more. Measured by Kraken's timestamps against the best that this connection had."""

    connection: str
    lagging: bool
    """False: it has caught up."""
    seconds: float
    """How much later than at its best the last message came."""


class ClockJump(Struct, frozen=True):
    """The wall clock of this machine was set, or the machine slept. Nothing of the client depends on that clock; whoever compares Kraken's
    timestamps with it has to begin anew.
    """

    seconds: float
    """How far it jumped; negative: back."""


class SwitchState(StrEnum):
    """What is known of the dead man's switch of the account."""

    ARMED = "armed"
    """Kraken confirmed it, and it is renewed in time."""
    LATE = "late"
    """No renewal was confirmed for half of its time, or one was refused: somebody should look at it."""
    FALLEN = "fallen"
    """Its time is over without a renewal: Kraken has cancelled every order, or does so now."""
    DISARMED = "disarmed"
    """Nothing is cancelled."""


class SwitchChanged(Struct, frozen=True):
    """The dead man's switch is not what it was."""

    state: SwitchState
    reason: str
    due_at: float | None
    """When Kraken cancels at the earliest, on the loop's clock; None: it is not known to be armed."""


InstrumentChanged = PairChanged
"""A market appeared, vanished or changed. What the first list names is not told one by one."""

Unknown = UnknownFrame
"""A frame of a channel or method that this version does not know."""

Event = (
    OrderBookUpdate
    | Level3Update
    | TickerUpdate
    | TradeUpdate
    | OHLCUpdate
    | InstrumentUpdate
    | BalanceUpdate
    | ExecutionUpdate
    | StatusUpdate
    | Heartbeat
    | Reply
    | ErrorNotice
    | Gap
    | BookLive
    | BookLost
    | BookDisputed
    | ResyncNeeded
    | ReconnectNeeded
    | PeerSilent
    | SubscriptionRejected
    | ReplyMissing
    | ReplyOdd
    | TradingStatus
    | OrderVanished
    | OrderForgotten
    | BalanceDiffers
    | BalanceForgotten
    | PairsRefused
    | FrameRejected
    | SchemaDrift
    | Discarded
    | CandleRevised
    | BookCrossed
    | ConnectionChanged
    | StreamQuiet
    | FeedLagging
    | ClockJump
    | SwitchChanged
    | PairChanged
    | UnknownFrame
)
"""Everything a session reports."""
