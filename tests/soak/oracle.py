"""Who decides whether a client kept its promises: the truth log of the exchange, beside what the client said at every step.

The oracle is the truth log of the exchange and the tap of the client at once. The exchange tells it every frame as it was made and as it
went out; the link tells it which of them the client takes next; the client tells it every event, and its books can be read at that
moment. A promise that is broken is a line in `broken`, with its time.

* Nothing false: after each verified update the ten best levels of the book are those of the state that its frame told.
* Nothing lost in silence: trades follow each other by their ids, or a `Gap` stands between; no stream goes on over a new connection without
  one; every frame that arrived whole became an event. The same for consumers behind queues, each by itself.
* No duplicates: every trade id once.
* Notices when everything stops: a connection whose lively markets fell silent together is renewed.
* Touches only what broke: a `Gap` or `BookLost` has a fault of its own stream, or of a connection, before it.

That everything recovers, stays bounded, keeps its secrets and ends in time is looked at by `play`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple
from zlib import crc32

from krakenwire.events import (
    BalanceUpdate,
    BookLost,
    Discarded,
    ExecutionUpdate,
    FrameRejected,
    Gap,
    GapReason,
    Level3Update,
    OHLCUpdate,
    OrderBookUpdate,
    TickerUpdate,
    TradeUpdate,
)
from krakenwire.net.watch import QUIET_SECONDS
from krakenwire.sim.clock import EPOCH, SECOND
from krakenwire.sim.connection import Connection, ConnectionId
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.truth import BookState, Texts, TruthLog
from krakenwire.wire.market import InstrumentUpdate

BOOKS = frozenset({"book", "level3"})
PRIVATE = frozenset({"executions", "balances"})
STREAMS = frozenset({"book", "level3", "trade", "ticker", "ohlc"}) | PRIVATE

EXCUSED = 90.0
"""Seconds after a fault of a connection, or of the exchange, in which any stream may still break for it: silence is noticed after
five, a resync may wait for its budget for a minute."""

CONTENT = frozenset({"drop", "duplicate", "swap", "delay", "corrupt"})
"""Actions that concern one stream only, if the frame they take is an update of it and stays readable."""

UNREADABLE = frozenset({"byte", "nan", "utf8", "nesting", "trailing"})
"""Kinds of damage that may leave no JSON, so that nobody can tell whose frame it was."""

LOOK = 4.9
"""Seconds. The client looks every five: a market that pauses for less is heard in each look, and one that pauses for less than twice
that misses one look."""
LOOKS_MISSED = 2
"""Pauses that a market may make in `STEADY_FOR` seconds and still counts as one that speaks all the time."""
STEADY_FOR = 65.0
STALLED = 42.0
"""Seconds after which a connection has to be renewed on which several such markets stopped together: thirty, and time to look."""
MANY = 5
ON_ITS_WAY = 0.5
"""Seconds that a trade may take to its readers while nothing is wrong."""


Levels = tuple[Texts, Texts]


class Fate(NamedTuple):
    """A frame that went out."""

    label: Label
    number: int
    """Of the book state it told; of private channels its place among the frames made for its connection; 0 for other channels."""
    whole: bool
    """It went out at once, as it was made."""
    intact: bool
    """It went out as it was made, perhaps late, or again; known of private channels."""


class Stream:
    """What the client said of one channel and symbol, on its way to one consumer."""

    __slots__ = ("broken", "forged", "last_id", "link", "missing", "seen", "state")

    def __init__(self) -> None:
        self.link: ConnectionId | None = None
        """The connection of its last data."""
        self.broken = False
        """A `Gap` or `BookLost` came after its last data."""
        self.state = 0
        """Number of the last book state delivered."""
        self.last_id: int | None = None
        self.seen: set[int] = set()
        self.missing: list[tuple[int, int]] = []
        """Trade ids that gaps named."""
        self.forged = False
        """A damaged frame was taken for a trade, or a late one for that of another subscription: numbers prove nothing any more."""


class Pulse:
    """When one connection brought data, and which markets spoke all the time until then."""

    __slots__ = ("_heard", "_pauses", "_since", "data_at")

    def __init__(self, now: float) -> None:
        self.data_at = now
        self._heard: dict[str, float] = {}
        self._since: dict[str, float] = {}
        self._pauses: dict[str, deque[float]] = {}

    def spoke(self, symbol: str, now: float) -> None:
        """An event of a market."""
        pause = now - self._heard.get(symbol, now - 3 * LOOK)
        self._heard[symbol] = now
        if pause > 2 * LOOK:
            self._since[symbol], self._pauses[symbol] = now, deque(maxlen=LOOKS_MISSED + 1)
        elif pause > LOOK:
            self._pauses[symbol].append(now)

    def stalled(self, now: float) -> bool:
        """Whether everything stopped at once, long ago."""
        return now - self.data_at >= STALLED and sum(map(self._was_steady, self._heard)) >= MANY

    def may_be_renewed(self, now: float) -> bool:
        """Whether nothing, or nothing of many markets, was heard for so long that the connection may be taken for dead."""
        silent = [heard for heard in self._heard.values() if now - heard >= QUIET_SECONDS]
        return now - self.data_at >= QUIET_SECONDS or len(silent) >= MANY

    def _was_steady(self, symbol: str) -> bool:
        last, pauses = self._heard[symbol], self._pauses[symbol]
        steady = len(pauses) <= LOOKS_MISSED or pauses[0] < last - STEADY_FOR
        return steady and last - self._since[symbol] >= STEADY_FOR and self.data_at - last <= LOOK


class Oracle(TruthLog):
    """The truth log, and the judge. `now`: the loop's clock."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__(limit=None, frames=False)
        self.broken: list[str] = []
        """Promises not kept, in order."""
        self.now = now
        self.checked = 0
        """Books compared with the truth."""
        self.frames = 0
        """Frames that the client took."""
        self.digest = 0
        self._fills: set[str] = set()
        self._begun: set[tuple[ConnectionId | None, str]] = set()
        """Private streams of which a connection brought a snapshot."""
        self.lost = 0
        self.gaps = 0
        self.facts: list[Any] = []
        """Events that are no market data, as far as they fit."""
        self._made: dict[tuple[ConnectionId, str], int] = defaultdict(int)
        self._numbers: dict[tuple[ConnectionId, bytes], int] = {}
        """Of each private frame as it was made: it may come late."""
        self._missed: tuple[str, str | None] | None = None
        """The stream whose frame before this one never came, until a gap says so."""
        self._fates: dict[ConnectionId, list[Fate]] = defaultdict(list)
        self._meant: tuple[ConnectionId, bytes, int] | None = None
        self._altered = False
        self._link: ConnectionId | None = None
        self._frame: Fate | None = None
        self._answered = True
        self._streams: dict[tuple[str, str | None], Stream] = defaultdict(Stream)
        self._consumers: dict[str, dict[tuple[str, str | None], Stream]] = defaultdict(
            lambda: defaultdict(Stream)
        )
        self._touched: set[tuple[str, str | None]] = set()
        self._excused_until = EXCUSED
        self._pulses: dict[ConnectionId, Pulse] = {}
        self._texts: dict[tuple[str, int], Levels] = {}
        self._written: dict[tuple[int, tuple[int, int]], tuple[str, str]] = {}
        self.recoveries: list[tuple[str, float]] = []
        """What broke, and the seconds until it was whole again."""
        self._lost_at: dict[tuple[str, str | None], tuple[str, float]] = {}

    def breaks(self, promise: str) -> None:
        """A promise is not kept. The first hundred are enough."""
        if len(self.broken) < 100:
            self.broken.append(f"{self.now():.6f} s: {promise}")

    # ---------------------------------------------------------------- the exchange tells

    def meant(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        state = 0
        if label.channel in BOOKS and label.symbol is not None:
            state = connection.exchange.markets[label.symbol].states
        elif label.channel in PRIVATE:
            self._made[connection.id, label.channel] += 1
            state = self._numbers[connection.id, frame] = self._made[connection.id, label.channel]
        self._meant = (connection.id, frame, state)
        self._altered = False

    def sent(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        meant = self._meant
        whole = meant is not None and meant[0] == connection.id and meant[1] == frame
        known = whole or (self._altered and label.channel in PRIVATE)
        late = self._numbers.get((connection.id, frame), 0)
        number = meant[2] if known and meant is not None else late
        self._fates[connection.id].append(Fate(label, number, whole, whole or late > 0))

    def faulted(self, what: str, connection: Connection | None, label: Label | None, at: int) -> None:
        super().faulted(what, connection, label, at)
        verb, kind = [*what.split(), ""][:2]
        self._altered = verb in {"corrupt", "truncate", "replace"}
        if label is not None and label.channel in STREAMS and label.type == "update":
            self._touched.add((label.channel, label.symbol))
            if verb in CONTENT and kind not in UNREADABLE:
                return
        self._excused_until = max(self._excused_until, (at - EPOCH) / SECOND + EXCUSED)

    def excuse(self, symbol: str | None) -> None:
        """The client's own side does something to a book, or to everything."""
        if symbol is None:
            self._excused_until = max(self._excused_until, self.now() + EXCUSED)
        else:
            self._touched.add(("book", symbol))
            self._streams["book", symbol].link = None  # a stream that was left begins anew

    # ---------------------------------------------------------------- the link tells

    def taken(self, link: ConnectionId, number: int) -> None:
        """The client takes frame `number`, from 1, of a connection."""
        self._settle()
        self.frames += 1
        self._link = link
        self._frame = self._fates[link][number - 1]
        pulse = self._pulses.setdefault(link, Pulse(self.now()))
        if self._frame.label.channel not in {"heartbeat", "status", "reply"}:
            pulse.data_at = self.now()
        self._answered = not (
            self._frame.whole and self._frame.label.channel in {"book", "ticker", "ohlc", "level3"}
        )

        if self._frame.label.channel in PRIVATE:
            if self._frame.intact and self._frame.label.type == "snapshot":
                self._begun.add((link, self._frame.label.channel))
            if self._frame.whole:
                self._count_private(self._frame)
            elif self._frame.intact:
                # Late by more than a subscription, it may bear the very number that is expected now.
                self._streams[self._frame.label.channel, None].forged = True

    def _count_private(self, frame: Fate) -> None:
        """A numbered frame: the one before it was taken, or a gap has to say that it was not."""
        stream = self._streams[frame.label.channel, None]
        if frame.label.type == "snapshot":
            self._is_whole(frame.label.channel, None)
            stream.forged = False
        hole = stream.link == self._link and frame.number > stream.state + 1
        if hole and frame.label.type == "update" and not (stream.broken or stream.forged):
            self._missed = (frame.label.channel, None)
        stream.state = frame.number

    def _settle(self) -> None:
        """The frame before this one is done with: a whole one has become an event, and a hole before it is told."""
        if self._missed is not None:
            self.breaks(f"{self._missed[0]}: a frame is missing, and no gap says so")
            self._missed = None
        if not self._answered and self._frame is not None and not self._in_gap(self._frame.label):
            self.breaks(f"a whole frame left no trace: {' '.join(map(str, self._frame.label))}")
        self._answered = True

    def _in_gap(self, label: Label) -> bool:
        """Whether the client said of this stream that something is missing, and nothing came since."""
        return self._streams[label.channel, label.symbol].broken

    def parted(self) -> None:
        """The link is over: what the client says from now on comes of no frame."""
        self._settle()
        self._frame = None

    # ---------------------------------------------------------------- the client tells

    def heard(self, event: Any) -> None:
        """Any event, at the moment it is published."""
        self.digest = crc32(f"{type(event).__name__} {self.now()!r}".encode(), self.digest)
        match event:
            case OrderBookUpdate() | Level3Update():
                self._book(event)
            case TradeUpdate():
                self._trade(event)
            case TickerUpdate():
                self._plain("ticker", event.symbol)
            case OHLCUpdate():
                self._plain("ohlc", event.symbol)
            case InstrumentUpdate():
                self._plain("instrument", None)
            case ExecutionUpdate():
                self._private("executions", event)
                self._fill(event)
            case BalanceUpdate():
                self._private("balances", event)
            case Gap() | BookLost():
                self._break(event)
            case Discarded():
                self._answered = True
            case FrameRejected():
                self._answered = True
                self._fact(event)
            case _:
                self._fact(event)

    def _fact(self, event: Any) -> None:
        if len(self.facts) < 2_000:
            self.facts.append(event)

    def _continues(self, channel: str, symbol: str | None) -> Stream:
        """Data of a stream; it may not follow data of another connection without a break. Whoever is done with the break resets it."""
        stream = self._streams[channel, symbol]
        if stream.link != self._link and stream.link is not None and not stream.broken:
            self.breaks(f"{channel} {symbol} goes on over a new connection without a gap")
        stream.link = self._link
        if self._link is not None and symbol is not None and channel != "ohlc":
            self._pulses[self._link].spoke(symbol, self.now())
        if self._frame is not None and self._frame.label.symbol == symbol:
            self._answered = True
        return stream

    def _private(self, channel: str, event: ExecutionUpdate | BalanceUpdate) -> None:
        """Only what is in sequence closes a gap; and in sequence is only what began with a snapshot."""
        stream = self._continues(channel, None)
        if self._frame is not None and self._frame.number:
            stream.state = self._frame.number  # damaged, and used all the same
            # A digit of an order's id may have changed; nothing in a private frame shows it before the next snapshot.
            stream.forged = stream.forged or not self._frame.intact
        if event.in_sequence:
            stream.broken = False
            if event.snapshot and self._link is not None:
                self._begun.add((self._link, channel))  # also from a damaged frame, if it could be used
            elif (self._link, channel) not in self._begun:
                self.breaks(f"{channel} is called in sequence, and its snapshot never came")

    def _fill(self, event: ExecutionUpdate) -> None:
        if event.exec_id is not None and event.exec_type == "trade":
            if event.exec_id in self._fills:
                self.breaks(f"fill {event.exec_id} came twice")
            self._fills.add(event.exec_id)

    def _plain(self, channel: str, symbol: str | None) -> None:
        self._continues(channel, symbol).broken = False

    def _break(self, event: Gap | BookLost) -> None:
        key = (event.channel, event.symbol)
        # The trades that a break has cost are named when the stream goes on, however long that took.
        named = self._streams[key].broken and isinstance(event, Gap) and event.reason is GapReason.TRADE_ID
        self._streams[key].broken = self._answered = True
        if key == self._missed:
            self._missed = None
        if isinstance(event, BookLost):
            self.lost += 1
            self._lost_at.setdefault(key, (event.reason, self.now()))
        else:
            self.gaps += 1
            note_gap(self._streams[key], event)
            if event.channel in BOOKS | PRIVATE:
                self._lost_at.setdefault(key, (event.reason.value, self.now()))
        touched = key in self._touched or (
            event.symbol is None and any(channel == event.channel for channel, _ in self._touched)
        )
        if not (touched or named) and self.now() > self._excused_until and not self._data_stopped(key):
            self.breaks(f"{event} without a fault")

    def _book(self, event: OrderBookUpdate | Level3Update) -> None:
        channel = "book" if isinstance(event, OrderBookUpdate) else "level3"
        stream = self._continues(channel, event.symbol)
        stream.broken = False
        if not event.verified:
            return
        self._is_whole(channel, event.symbol)
        held = levels_of(event.book.view(10), channel)
        frame = self._frame
        if frame is not None and frame.number and frame.label.symbol == event.symbol:
            state = self._state(event.symbol, frame.number)
            if self._texts_of(event.symbol, state) != held:
                self.breaks(f"{channel} {event.symbol} reads live and is not state {frame.number}: {held}")
            elif state.number < stream.state:
                self.breaks(f"{channel} {event.symbol} went back from state {stream.state} to {state.number}")
            stream.state = state.number
            self.checked += 1
            return
        self._rewind(channel, event.symbol)
        self.was_real(stream, event.symbol, held, channel)

    def _is_whole(self, channel: str, symbol: str | None) -> None:
        """A stream that was lost has what it needs again."""
        lost = self._lost_at.pop((channel, symbol), None)
        if lost is not None:
            self.recoveries.append((lost[0], self.now() - lost[1]))

    def _rewind(self, channel: str, symbol: str) -> None:
        """A frame that comes late, or again, is believed if its checksum is right: nothing in it is wrong but its time."""
        for streams in (self._streams, *self._consumers.values()):
            streams[channel, symbol].state = 0

    def _trade(self, event: TradeUpdate) -> None:
        if event.source != "live":
            stream = self._streams["trade", event.symbol]
        else:
            stream = self._continues("trade", event.symbol)
            if self._frame is not None and not self._frame.whole:
                stream.forged |= event.trade_id not in self._real_ids(event.symbol)
        self.follows(stream, event, "tap")

    # ---------------------------------------------------------------- consumers behind queues

    def received(self, consumer: str, event: Any) -> None:
        """A consumer took an event out of its queue: it has to be able to tell what it missed."""
        streams = self._consumers[consumer]
        if isinstance(event, TradeUpdate):
            stream = streams["trade", event.symbol]
            stream.forged = self._streams["trade", event.symbol].forged
            self.follows(stream, event, consumer)
        elif isinstance(event, Gap):
            stream = streams[event.channel, event.symbol]
            stream.broken = True
            note_gap(stream, event)

    def read(self, consumer: str, view: Any) -> None:
        """A consumer got a view of a book: it is a state that was, and never one before the last."""
        stream = self._consumers[consumer]["book", view.symbol]
        self.was_real(stream, view.symbol, levels_of(view, "book"), consumer)

    # ---------------------------------------------------------------- rules

    def follows(self, stream: Stream, event: TradeUpdate, who: str) -> None:
        """A trade is new, and follows the one before or a gap."""
        number = event.trade_id
        if stream.forged:
            return
        if number in stream.seen:
            self.breaks(f"{who}: trade {event.symbol} {number} came twice")
        stream.seen.add(number)
        if event.source != "live":
            if not any(first <= number <= last for first, last in stream.missing):
                self.breaks(f"{who}: trade {event.symbol} {number} was fetched though nobody missed it")
            return
        if stream.last_id is not None and number != stream.last_id + 1 and not stream.broken:
            self.breaks(f"{who}: trade {event.symbol} {number} follows {stream.last_id} without a gap")
        stream.last_id, stream.broken = number, False

    def was_real(self, stream: Stream, symbol: str, held: Levels, who: str) -> None:
        """These levels are those of some state that is not older than the last one delivered."""
        states = self.states[symbol]
        first = states[0].number
        for number in range(max(stream.state, first), states[-1].number + 1):
            if self._texts_of(symbol, states[number - first]) == held:
                stream.state = number
                self.checked += 1
                return
        self.breaks(f"{who}: {symbol} reads live and is no state since {stream.state}: {held}")

    def _state(self, symbol: str, number: int) -> BookState:
        states = self.states[symbol]
        # Faults act within a publication, before its state is written down.
        return states[min(number - states[0].number, len(states) - 1)]

    def _texts_of(self, symbol: str, state: BookState) -> Levels:
        key = (symbol, state.number)
        texts = self._texts.get(key)
        if texts is None:
            bids, asks = (
                tuple([self._level(state, level) for level in levels]) for levels in (state.bids, state.asks)
            )
            texts = self._texts[key] = bids, asks
        return texts

    def _level(self, state: BookState, level: tuple[int, int]) -> tuple[str, str]:
        """Price and quantity as on the wire; most levels of a state were in the one before."""
        key = (id(state.pair), level)
        text = self._written.get(key)
        if text is None:
            text = self._written[key] = state.pair.price(level[0]), state.pair.qty(level[1])
        return text

    def _real_ids(self, symbol: str) -> range:
        trades = self.trades.get(symbol)  # a damaged frame may name a market that does not exist
        return range(trades[0].trade_id, trades[-1].trade_id + 1) if trades else range(0)

    # ---------------------------------------------------------------- at the end

    def ends(self) -> None:
        """The program closes the client: from now on gaps need no other reason."""
        self._excused_until = float("inf")

    def misled(self, channel: str) -> bool:
        """Whether a frame of an earlier subscription came late, or a damaged one could be read, and no snapshot since."""
        return self._streams[channel, None].forged

    def _data_stopped(self, key: tuple[str, str | None]) -> bool:
        """Whether the connection of a stream brought no data, or of many markets none, for so long that it may be renewed."""
        link = self._streams[key].link or self._link
        pulse = None if link is None else self._pulses.get(link)
        return pulse is not None and pulse.may_be_renewed(self.now())

    def stalled(self, link: ConnectionId) -> bool:
        """Whether the data of a connection stopped, its heartbeats go on, and nobody did anything about it."""
        pulse = self._pulses.get(link)
        return pulse is not None and pulse.stalled(self.now())

    def is_current(self, symbol: str, book: Any, since: float) -> bool:
        """Whether a book is what the exchange has at this moment.

        Of a market in which nothing happened `since`, when faults were over, nobody can tell: only a later change would show it.
        """
        if self.states[symbol][-1].at < EPOCH + since * SECOND:
            return True
        return levels_of(book.view(10), "book") == self._texts_of(symbol, self.states[symbol][-1])

    def trades_complete(self, symbols: Iterable[str], since: float) -> None:
        """The last trade of every market was delivered to all who read in time, or a gap stands open. The very last may be on its way.

        One from before `since`, when faults were over, may be missing unnoticed: only a later trade would show it.
        """
        for symbol in symbols:
            arrived = EPOCH + (self.now() - ON_ITS_WAY) * SECOND
            last = next((trade for trade in reversed(self.trades[symbol]) if trade.at <= arrived), None)
            if last is None or last.at < EPOCH + since * SECOND:
                continue
            for who, streams in [("tap", self._streams), *self._consumers.items()]:
                stream = streams.get(("trade", symbol))
                if stream is None or stream.forged or stream.last_id is None or who == "slow":
                    continue
                if stream.last_id < last.trade_id and not stream.broken:
                    self.breaks(
                        f"{who}: trades {symbol} end at {stream.last_id}, and {last.trade_id} was the last"
                    )


def note_gap(stream: Stream, gap: Gap) -> None:
    """Remember which trades a gap names. Of those that a slow consumer lost some may come yet, having been fetched."""
    if gap.channel == "trade" and gap.first is not None:
        stream.missing.append((gap.first, gap.last or gap.first))


def levels_of(view: Any, channel: str) -> Levels:
    """The ten best levels of a view, as on the wire."""
    if channel == "book":
        bids, asks = (
            tuple([(level.price_text, level.qty_text) for level in side[:10]])
            for side in (view.bids, view.asks)
        )
    else:
        bids, asks = (
            tuple([(level.price_text, f"{level.qty:f}") for level in side[:10]])
            for side in (view.bids, view.asks)
        )
    return bids, asks
