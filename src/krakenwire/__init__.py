"""Kraken Spot WebSocket v2 for Python: frames in, typed, exact, proven events out."""

from krakenwire.errors import (
    BookNotLive,
    CallbackFailed,
    CallbackSlow,
    CallbackTimeout,
    ConnectionLost,
    DecodeError,
    KrakenWireError,
    RequestRejected,
    UsageError,
)
from krakenwire.events import (
    BalanceUpdate,
    BookCrossed,
    BookLive,
    BookLost,
    CandleRevised,
    Discarded,
    Event,
    ExecutionUpdate,
    FrameRejected,
    Gap,
    GapReason,
    InstrumentChanged,
    Level3Update,
    OHLCUpdate,
    OrderBookUpdate,
    ReconnectNeeded,
    ResyncNeeded,
    SchemaDrift,
    TradeUpdate,
    Unknown,
)
from krakenwire.handler import (
    ConnectionStatus,
    KrakenV2MessageHandler,
    create_kraken_v2_handler,
)
from krakenwire.session import (
    Session,
)
from krakenwire.state.book import (
    Book,
    BookStatus,
)
from krakenwire.state.level2 import (
    BookView,
)
from krakenwire.state.sequence import (
    SequenceTracker,
)
from krakenwire.wire.book import (
    BookLevel,
)
from krakenwire.wire.control import (
    Heartbeat,
    StatusUpdate,
)
from krakenwire.wire.market import (
    InstrumentUpdate,
    TickerUpdate,
)

__version__ = "0.1.0"

__all__ = [
    "BalanceUpdate",
    "Book",
    "BookCrossed",
    "BookLevel",
    "BookLive",
    "BookLost",
    "BookNotLive",
    "BookStatus",
    "BookView",
    "CallbackFailed",
    "CallbackSlow",
    "CallbackTimeout",
    "CandleRevised",
    "ConnectionLost",
    "ConnectionStatus",
    "DecodeError",
    "Discarded",
    "Event",
    "ExecutionUpdate",
    "FrameRejected",
    "Gap",
    "GapReason",
    "Heartbeat",
    "InstrumentChanged",
    "InstrumentUpdate",
    "KrakenV2MessageHandler",
    "KrakenWireError",
    "Level3Update",
    "OHLCUpdate",
    "OrderBookUpdate",
    "ReconnectNeeded",
    "RequestRejected",
    "ResyncNeeded",
    "SchemaDrift",
    "SequenceTracker",
    "Session",
    "StatusUpdate",
    "TickerUpdate",
    "TradeUpdate",
    "Unknown",
    "UsageError",
    "create_kraken_v2_handler",
]
