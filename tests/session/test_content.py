"""Frames whose content is odd: what is missing, of another type, out of bounds, repeated, very long or very large."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.errors import BookNotLive, RequestRejected
from krakenwire.events import (
    BookLive,
    BookLost,
    Discarded,
    Event,
    ExecutionUpdate,
    FrameRejected,
    Gap,
    GapReason,
    InstrumentUpdate,
    Level3Update,
    OHLCUpdate,
    OrderBookUpdate,
    ReconnectNeeded,
    ResyncNeeded,
    SchemaDrift,
    SubscriptionRejected,
    TickerUpdate,
    TradeUpdate,
    Unknown,
)
from krakenwire.session import Session
from krakenwire.wire.control import ErrorNotice
from krakenwire.wire.refusals import ErrorKind
from krakenwire.wire.timestamps import parse_ns
from tests.session.exchange import Exchange
from tests.session.order_exchange import OrderExchange
from tests.session.say import ack, is_live, kinds, session_with
from tests.vectors import control
from tests.vectors.places import PLACES, Place
from tests.vectors.samples import BROKEN, FRAMES, altered

ROWS = {"ticker": TickerUpdate, "trade": TradeUpdate, "ohlc": OHLCUpdate, "executions": ExecutionUpdate}


def tell(frame: bytes | str, *, parsed: bool = False) -> list[Event]:
    """What a session with a live book of each kind says about a frame."""
    session = session_with(Exchange().snapshot(), OrderExchange().snapshot())
    return session.receive_parsed(json.loads(frame), now=1.0) if parsed else session.receive(frame, now=1.0)


def refused(events: list[Event], place: Place) -> bool:
    """Whether the entry with this place was refused and nothing of it was used: told with the field's name, or its book lost."""
    rejections = [event.reason for event in events if isinstance(event, FrameRejected)]
    delivered = [event for event in events if not isinstance(event, FrameRejected | Gap | ResyncNeeded)]
    if place.channel in {"book", "level3"} and place.name != "symbol":
        return kinds(delivered) == [BookLost]
    data = json.loads(FRAMES[place.channel])["data"]
    # An instrument frame is one event, of what is left of it.
    kept = 1 if isinstance(data, dict) else len(data) - 1
    return len(rejections) == 1 and place.name in rejections[0] and len(delivered) == kept


# ---------------------------------------------------------------- no JSON


@pytest.mark.fault("J1")
@pytest.mark.parametrize("frame", BROKEN.values(), ids=BROKEN.keys())
def test_no_json(frame: bytes | str) -> None:
    """Every kind of malformed text is told with its beginning, is a gap where nothing else proves anything, and leaves books live."""
    exchange = Exchange()
    session = session_with(
        exchange.snapshot(), FRAMES["ticker"], FRAMES["ohlc"], FRAMES["instrument"], FRAMES["trade"]
    )
    rejected, *gaps = session.receive(frame, now=2.0)
    assert isinstance(rejected, FrameRejected)
    assert not rejected.json
    assert rejected.frame == (frame if isinstance(frame, bytes) else frame.encode(errors="replace"))
    assert sorted((gap.channel, gap.reason.value) for gap in gaps if isinstance(gap, Gap)) == [
        (channel, "frame_refused") for channel in ("instrument", "ohlc", "ticker")
    ]
    assert len(gaps) == 3
    assert is_live(session)


@pytest.mark.fault("J1")
def test_refused_frame_is_cut() -> None:
    """Of a refused frame of any size at most 4 KiB are kept."""
    for frame in (b"x" * 1_000_000, "\u20ac" * 1_000_000):
        (rejected,) = tell(frame)
        assert isinstance(rejected, FrameRejected)
        assert 4000 < len(rejected.frame) <= 4096


# ---------------------------------------------------------------- fields


@pytest.mark.fault("J7")
@pytest.mark.parametrize("parsed", [False, True], ids=["text", "parsed"])
@pytest.mark.parametrize("place", [place for place in PLACES if place.required], ids=str)
def test_required_field_missing(place: Place, parsed: bool) -> None:
    """An entry without a required field is refused and never filled with a default; entries beside it are delivered."""
    assert refused(tell(altered(place.channel, place.path, ...), parsed=parsed), place)


WRONG: dict[str, tuple[Any, ...]] = {
    "number": (True, [], {}, "", "abc", "0x1", "1_0", " 1", "NaN"),
    "integer": ("1", True, Decimal("1.5"), Decimal("1.0"), [], {}),
    "flag": (1, 0, "true", [], {}),
    "enum": (1, True, [], {}),
    "text": (1, Decimal("1.5"), True, [], {}),
}


@pytest.mark.fault("J8")
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_wrong_type(place: Place) -> None:
    """A value of another type is refused in every place, from text and from a parsed frame; only numbers may come as text."""
    for value in (*WRONG[place.what], *(() if place.nullable or place.what == "number" else (None,))):
        frame = altered(place.channel, place.path, value)
        for parsed in (False, True):
            if parsed and value == Decimal("1.0") and isinstance(value, Decimal):
                continue
            assert refused(tell(frame, parsed=parsed), place), (value, parsed)
    if place.what == "number":
        assert not any(
            isinstance(event, FrameRejected) for event in tell(altered(place.channel, place.path, "12.50"))
        )


HOSTILE = {
    "NaN": b'"NaN"',
    "infinite": b'"Infinity"',
    "huge exponent": b"1e999999999",
    "tiny exponent": b"1e-999999999",
    "beyond the bound": b"1e25",
    "below the bound": b"1e-25",
    "41 digits": b"1." + b"1" * 40,
    "a million digits": b"9" * 1_000_000,
    "a million fraction digits": b"0." + b"9" * 1_000_000,
}
MAY_BE_NEGATIVE = {"change", "change_pct", "fee_usd_equiv", "balance", "margin_rate", "collateral_value"}


@pytest.mark.fault("J9")
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_numbers(name: str) -> None:
    """A number that is not finite or out of bounds is refused in every place, as text or as number, within half a second."""
    for place in PLACES:
        if place.what == "number":
            frame = altered(place.channel, place.path, msgspec.Raw(HOSTILE[name]))
            start = time.perf_counter()
            events = tell(frame)
            assert time.perf_counter() - start < 0.5
            no_json = [event for event in events if isinstance(event, FrameRejected) and not event.json]
            assert no_json or refused(events, place), place


@pytest.mark.fault("J9")
@pytest.mark.parametrize(
    "place",
    [p for p in PLACES if p.what == "number" and p.channel not in {"executions", "instrument"}],
    ids=str,
)
def test_signs(place: Place) -> None:
    """A negative price or quantity is refused; a change may be negative."""
    frame = altered(place.channel, place.path, Decimal("-0.5"))
    assert refused(tell(frame), place) is (place.name not in MAY_BE_NEGATIVE)


@pytest.mark.fault("J9")
@pytest.mark.parametrize("place", [place for place in PLACES if place.what == "integer"], ids=str)
@pytest.mark.parametrize("value", [2**63, 2**64, 10**40, -1, -(2**70)])
def test_hostile_integers(place: Place, value: int) -> None:
    """An integer of any size is either refused or delivered as it is; nothing overflows and nothing is cut."""
    events = tell(altered(place.channel, place.path, value))
    rows = [event for event in events if isinstance(event, ROWS.get(place.channel, ()))]
    told = [getattr(row, place.name) for row in rows]
    assert value in told or any(isinstance(event, FrameRejected | BookLost) for event in events) or not rows


@pytest.mark.fault("J9")
@pytest.mark.parametrize(
    "number", [2**64, 10**30, 10**4000, -(10**30)], ids=["65 bits", "31 digits", "4001 digits", "negative"]
)
def test_huge_integer_in_a_parsed_frame(number: int) -> None:
    """A huge integer in a frame that the caller parsed refuses its own entry, not the whole frame in silence."""
    tree = json.loads(FRAMES["trade"])
    tree["data"][1]["trade_id"] = number
    events = Session(now=0.0).receive_parsed(tree, now=1.0)
    assert kinds(events) in ([TradeUpdate, FrameRejected, Gap], [TradeUpdate, Gap, TradeUpdate])


@pytest.mark.fault("J9", "J1")
def test_integer_that_nobody_reads() -> None:
    """A frame with an integer of thousands of digits cannot be read at all, and is a gap in every stream that proves nothing."""
    session = session_with(FRAMES["ticker"])
    frame = FRAMES["ticker"].replace(b"12345,", b"9" * 10_000 + b",")
    events = session.receive(frame, now=2.0)
    assert kinds(events) == [FrameRejected, Gap]


# ---------------------------------------------------------------- timestamps

STAMPS = (
    *("", "now", "2026-11-22T07:49:37.708706", "2026-11-22T07:49:37.708706123Z", "2026-12-31T23:59:60Z"),
    *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z", "2096-01-01T00:00:00Z"),
    *("2026-11-22T07:49:37+05:30", "2026-13-45T99:99:99Z", "1795161600", "\x00", "\u202e2026", "9" * 100_000),
)


@pytest.mark.fault("J11")
@pytest.mark.parametrize("stamp", STAMPS, ids=lambda stamp: ascii(stamp)[:20])
def test_odd_timestamps(stamp: str) -> None:
    """A timestamp of any text, in any place, is kept as it is, delays nothing and refuses nothing."""
    for place in PLACES:
        if place.name not in {"timestamp", "interval_begin"}:
            continue
        events = tell(altered(place.channel, place.path, stamp))
        assert not [event for event in events if isinstance(event, FrameRejected)]
        row = next((event for event in events if isinstance(event, ROWS.get(place.channel, ()))), None)
        assert row is None or getattr(row, place.name) == stamp
    assert parse_ns(stamp) is None or parse_ns(stamp) is not None


@pytest.mark.fault("J11")
def test_timestamps_order_nothing() -> None:
    """Books and trades go by the order of frames, whatever their timestamps say."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    for stamp in STAMPS:
        frame = json.loads(exchange.update(bids={"1000": str(len(stamp) + 1)}), parse_float=str)
        frame["data"][0]["timestamp"] = stamp
        (update,) = session.receive_parsed(frame, now=1.0)
        assert isinstance(update, OrderBookUpdate)
        assert (update.verified, update.timestamp) == (True, stamp)
    old = FRAMES["trade"].replace(b"2026-11-22", b"1999-01-01")
    trades = session.receive(old, now=1.0)
    assert [event.trade_id for event in trades if isinstance(event, TradeUpdate)] == [1, 2]


# ---------------------------------------------------------------- keys that come twice, entries that are bad


@pytest.mark.fault("J3", "B4")
def test_duplicate_key_among_the_ten_best() -> None:
    """Of two equal keys the last one counts; in the ten best levels the checksum catches it and the book is lost."""
    exchange = Exchange()
    for once, twice in (
        (b'"qty":2.50000000', b'"qty":2.50000000,"qty":3.50000000'),
        (b'"price":1000.5', b'"price":1000.5,"price":1000.7'),
        (b'"bids":[', b'"bids":[],"bids":[{"price":1000.9,"qty":1.00000000},'),
    ):
        session = session_with(exchange.snapshot())
        frame = exchange.update(bids={"1000.5": "2.5"})
        assert frame.count(once) == 1
        events = session.receive(frame.replace(once, twice), now=2.0)
        assert kinds(events) == [Gap, BookLost, ResyncNeeded]
        assert not is_live(session)
    harmless = frame.replace(b'"qty":2.50000000', b'"qty":9.00000000,"qty":2.50000000')
    assert kinds(session_with(exchange.snapshot()).receive(harmless, now=2.0)) == [OrderBookUpdate]


@pytest.mark.fault("J3")
def test_duplicate_key_below_the_ten_best() -> None:
    """Below the tenth level a duplicate key is not seen, nothing there is called proven, and the book is lost when the level rises."""
    exchange = Exchange(depth=25, levels=25)
    session = session_with(ack("subscribe", depth=25), exchange.snapshot())
    frame = exchange.update(bids={"980": "2.5"})
    events = session.receive(frame.replace(b'"qty":2.5', b'"qty":2.50000000,"qty":3.5'), now=2.0)
    (update,) = events
    assert isinstance(update, OrderBookUpdate)
    assert (update.verified, update.book.view().proven_depth) == (True, 10)
    gone = dict.fromkeys([str(1000 - n) for n in range(12)], "0")
    assert BookLost in kinds(session.receive(exchange.update(bids=gone), now=3.0))


@pytest.mark.fault("J13")
@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_good_entries_in_order(good: list[bool]) -> None:
    """Whatever entries of a stateless frame are bad, the good ones are delivered in their order, and each bad one is told."""
    tree = json.loads(FRAMES["ticker"], parse_float=Decimal)
    row = tree["data"][0]
    rows = [row | {"symbol": f"S{n}/USD"} | ({} if fine else {"bid": True}) for n, fine in enumerate(good)]
    frame = msgspec.json.Encoder(decimal_format="number").encode(tree | {"data": rows})
    events = tell(frame)
    assert [event.symbol for event in events if isinstance(event, TickerUpdate)] == [
        f"S{n}/USD" for n, fine in enumerate(good) if fine
    ]
    for kind in (FrameRejected, Gap):
        told = [event.symbol for event in events if isinstance(event, kind)]
        assert told == [f"S{n}/USD" for n, fine in enumerate(good) if not fine]


@pytest.mark.fault("J13")
@pytest.mark.parametrize("channel", ["book", "level3"])
def test_bad_book_beside_a_good_one(channel: str) -> None:
    """Of two books in one frame the one with a bad entry is lost and asked for anew; the other goes on."""
    market = Exchange if channel == "book" else OrderExchange
    one, other = market("ETH/USD", levels=3), market("SOL/USD", levels=3)
    session = session_with(one.snapshot(), other.snapshot())
    trees = [
        json.loads(each.snapshot().replace(b"snapshot", b"update"), parse_float=str) for each in (one, other)
    ]
    for side in ("bids", "asks"):
        trees[0]["data"][0][side], trees[1]["data"][0][side] = [{"price": None}], []
    frame = trees[0] | {"data": [trees[0]["data"][0], trees[1]["data"][0]]}
    events = session.receive(json.dumps(frame), now=2.0)
    updates = [event for event in events if isinstance(event, OrderBookUpdate | Level3Update)]
    assert [(event.symbol, event.verified) for event in updates] == [("SOL/USD", True)]
    lost = [event.symbol for event in events if isinstance(event, BookLost | ResyncNeeded)]
    assert lost == ["ETH/USD", "ETH/USD"]


@pytest.mark.fault("J13", "B17")
def test_bad_report() -> None:
    """A private frame with a bad row: the good row is delivered, and from there on nothing is called in sequence or live."""
    session = session_with(FRAMES["executions"].replace(b'"update"', b'"snapshot"'))
    live = [session.account.orders.live]
    tree = json.loads(FRAMES["executions"], parse_float=Decimal)
    good = tree["data"][0]
    rows = [good | {"exec_id": "T9"}, good | {"exec_type": None}]
    frame = msgspec.json.Encoder(decimal_format="number").encode(tree | {"data": rows, "sequence": 5})
    events = session.receive(frame, now=2.0)
    assert kinds(events) == [ExecutionUpdate, FrameRejected, Gap, ResyncNeeded]
    gap = events[2]
    assert isinstance(gap, Gap)
    assert (gap.channel, gap.symbol, gap.reason) == ("executions", None, GapReason.FRAME_REFUSED)
    live.append(session.account.orders.live)
    assert live == [True, False]
    after = (
        frame.replace(b'"sequence":5', b'"sequence":6').replace(b"T9", b"T10").replace(b"null", b'"trade"')
    )
    rows_after = [event for event in session.receive(after, now=3.0) if isinstance(event, ExecutionUpdate)]
    assert rows_after
    assert not any(row.in_sequence for row in rows_after)


@pytest.mark.fault("J13")
@pytest.mark.parametrize("channel", [channel for channel in FRAMES if channel != "heartbeat"])
@pytest.mark.parametrize("parsed", [False, True], ids=["text", "parsed"])
def test_neither_snapshot_nor_update(channel: str, parsed: bool) -> None:
    """A frame that is neither snapshot nor update is refused, and a book that it may have changed is lost."""
    exchange = Exchange() if channel == "book" else OrderExchange()
    session = session_with(exchange.snapshot())
    frame = altered(channel, ("type",), "patch")
    events = session.receive_parsed(json.loads(frame), now=2.0) if parsed else session.receive(frame, now=2.0)
    rejected = [event for event in events if isinstance(event, FrameRejected)]
    assert rejected
    assert all(event.frame for event in rejected)
    assert (BookLost in kinds(events)) is (channel in {"book", "level3"})


@pytest.mark.fault("J12")
@pytest.mark.parametrize(
    "channel", [channel for channel in FRAMES if channel not in {"heartbeat", "instrument"}]
)
@pytest.mark.parametrize("kind", ["snapshot", "update"])
def test_no_entries(channel: str, kind: str) -> None:
    """A frame without entries is legal and says nothing."""
    frame = altered(channel, ("data",), []).replace(b'"update"', f'"{kind}"'.encode())
    assert tell(frame) == tell(frame, parsed=True) == []


@pytest.mark.fault("J12")
@pytest.mark.parametrize("side", ["bids", "asks", "both"])
def test_empty_sides(side: str) -> None:
    """A book may be empty on one side or on both; the best price there is None, not zero."""
    exchange = Exchange()
    for name, levels in (("bids", exchange.bids), ("asks", exchange.asks)):
        if side in {name, "both"}:
            levels.clear()
    live, update = Session(now=0.0).receive(exchange.snapshot(), now=1.0)
    assert isinstance(live, BookLive)
    assert isinstance(update, OrderBookUpdate)
    assert update.verified
    assert (update.best_bid is None) is (side in {"bids", "both"})
    assert (update.best_ask is None) is (side in {"asks", "both"})
    assert update.spread is None


# ---------------------------------------------------------------- what nobody knows yet


@pytest.mark.fault("J4")
@pytest.mark.parametrize("name", ["channel", "method"])
def test_unknown_name(name: str) -> None:
    """An unknown channel or method is delivered as it came and changes nothing else."""
    exchange = Exchange()
    session = session_with(exchange.snapshot(), FRAMES["ticker"])
    frame = f'{{"{name}":"news","data":[1,2],"x":{{"y":null}}}}'.encode()
    (event,) = session.receive(frame, now=2.0)
    assert event == Unknown("news", name, frame.decode())
    assert is_live(session)


@pytest.mark.fault("J5")
def test_drift_is_told_once_an_hour() -> None:
    """An unknown field is told when it first comes, and again after an hour if it still comes; each field for itself."""
    session = Session(now=0.0)
    mood, tone = altered("ticker", ("data", 0, "mood"), 1), altered("ticker", ("data", 0, "tone"), 1)

    def told(frame: bytes, now: float) -> list[str]:
        return [event.field for event in session.receive(frame, now=now) if isinstance(event, SchemaDrift)]

    assert told(mood, 10.0) == ["data[].mood"]
    assert told(mood, 3609.0) == []
    assert told(tone, 3609.0) == ["data[].tone"]
    assert told(mood, 3610.0) == ["data[].mood"]
    assert told(mood, 3611.0) == []


@pytest.mark.fault("J5")
def test_drift_is_bounded() -> None:
    """A sender who invents fields without end is not followed without end, and the frames are used all the same."""
    session = Session(now=0.0)
    told = 0
    for number in range(30):
        fields = "".join(f'"n{number}_{each}":1,' for each in range(50))
        frame = FRAMES["ticker"].replace(b'"bid":', fields.encode() + b'"bid":')
        *drift, ticker = session.receive(frame, now=1.0)
        told += len(drift)
        assert isinstance(ticker, TickerUpdate)
    assert told == 1000


@pytest.mark.fault("J17")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Exceeded msg rate", ErrorKind.RATE),
        ("ESession:Invalid session", ErrorKind.AUTH),
        ("EService:Unavailable", ErrorKind.MAINTENANCE),
        ("Something else", ErrorKind.UNKNOWN),
    ],
)
def test_error_without_method(text: str, kind: ErrorKind) -> None:
    """An error that names no method is the connection's: it is told with its kind, and books and streams go on."""
    exchange = Exchange()
    session = session_with(exchange.snapshot())
    (event,) = session.receive(json.dumps({"error": text}), now=2.0)
    assert isinstance(event, ErrorNotice)
    assert (event.text, event.kind) == (text, kind)
    assert is_live(session)


# ---------------------------------------------------------------- very large, very long


@pytest.mark.fault("J15")
def test_deep_book_whole() -> None:
    """A book of depth 1000 is taken whole, snapshot and updates, and no timer takes it for anything else."""
    exchange = Exchange(depth=1000, levels=1000, best_bid="63000.0", step="0.1")
    session = session_with(ack("subscribe", depth=1000), exchange.snapshot())
    assert (len(session.book("BTC/USD").bids), len(session.book("BTC/USD").asks)) == (1000, 1000)
    for frame in exchange.stream(20)[1:]:
        (update,) = session.receive(frame, now=2.0)
        assert isinstance(update, OrderBookUpdate)
        assert update.verified
    assert tuple((x.price, x.qty) for x in session.book("BTC/USD").bids) == exchange.window()[0]
    assert session.tick(now=2.0) == []


@pytest.mark.fault("J15")
def test_ten_thousand_orders_whole() -> None:
    """A level3 book of ten thousand orders is taken whole, and goes on."""
    exchange = OrderExchange(depth=1000, levels=1000, best_bid="63000.0", step="0.1")
    for side in (exchange.bids, exchange.asks):
        side += [order._replace(order_id=f"{order.order_id}x{n}") for order in side for n in range(4)]
    acknowledged = ack("subscribe", depth=1000).replace(b'"book"', b'"level3"')
    session = session_with(acknowledged, exchange.snapshot())
    book = session.books.get("level3", "BTC/USD")
    assert book is not None
    assert sum(len(level.orders) for side in (book.bids, book.asks) for level in side) == 10_000
    for frame in exchange.stream(5)[1:]:
        (update,) = session.receive(frame, now=2.0)
        assert isinstance(update, Level3Update)
        assert update.verified
    assert session.tick(now=2.0) == []


@pytest.mark.fault("J15")
def test_full_instrument_list_whole() -> None:
    """Three thousand pairs and assets in one frame are all known afterwards, and the update is delivered whole."""
    tree = json.loads(FRAMES["instrument"], parse_float=Decimal)
    (asset,), (pair,) = tree["data"]["assets"], tree["data"]["pairs"]
    tree["type"] = "snapshot"
    tree["data"] = {
        "assets": [asset | {"id": f"A{n}"} for n in range(3000)],
        "pairs": [pair | {"symbol": f"A{n}/USD", "base": f"A{n}"} for n in range(3000)],
    }
    frame = msgspec.json.Encoder(decimal_format="number").encode(tree)
    session = Session(now=0.0)
    (update,) = session.receive(frame, now=1.0)
    assert isinstance(update, InstrumentUpdate)
    assert (len(update.assets), len(update.pairs)) == (3000, 3000)
    assert {session.market.instruments.precisions(f"A{n}/USD") for n in range(3000)} == {(1, 8)}
    assert session.tick(now=1.0) == []


TEXTS = {
    "colour": "\x1b[31mX",
    "title": "\x1b]0;owned\x07" * 5000,
    "right to left": "\u202eDSU/CTB\u2066",
    "very long": "A" * 100_000,
    "lone surrogate": "\ud800",
    "nothing": "\x00",
}


@pytest.mark.fault("J16")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_hostile_texts(text: str) -> None:
    """A hostile text in any place, as value or as key, never breaks an event's repr, and no reason of ours repeats it raw or whole."""
    for channel, frame in FRAMES.items():
        places = [
            place.path for place in PLACES if place.channel == channel and place.what in {"text", "enum"}
        ]
        for path in [("channel",), ("type",), *places]:
            tree = json.loads(frame)
            spot: Any = tree
            for step in path[:-1]:
                spot = spot[step]
            spot[path[-1]] = text
            spot[text] = 1
            for events in (tell(json.dumps(tree)), Session(now=0.0).receive_parsed(tree, now=1.0)):
                for event in events:
                    assert repr(event).isprintable()
                    if isinstance(event, FrameRejected | BookLost | ResyncNeeded | ReconnectNeeded):
                        assert event.reason.isprintable()
                        assert len(event.reason) < 500


@pytest.mark.fault("J16")
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_hostile_texts_in_errors(text: str) -> None:
    """Errors show Kraken's words escaped and cut, and keep all of them as an attribute."""
    for error in (
        BookNotLive(text, "closed", text),
        RequestRejected("subscribe", 7, text, text),
        RequestRejected("add_order", None, text),
    ):
        assert str(error).isprintable()
        assert len(str(error)) < 2000
        assert error.reason == text


@pytest.mark.fault("J16")
def test_hostile_refusal() -> None:
    """A refusal in hostile words closes the book with them as reason, and reading it shows them harmless."""
    text = TEXTS["title"]
    frame = json.dumps({"method": "subscribe", "success": False, "error": text, "symbol": "BTC/USD"})
    session = Session(now=0.0)
    events = session.receive(frame, now=1.0)
    assert [event.reason for event in events if isinstance(event, SubscriptionRejected)] == [text]
    with pytest.raises(BookNotLive) as caught:
        session.book("BTC/USD")
    assert str(caught.value).isprintable()


# ---------------------------------------------------------------- bounded


def test_invented_symbols_are_bounded() -> None:
    """A sender who invents symbols without end fills neither the books nor the list of streams."""
    session = Session(now=0.0)
    head, tail = FRAMES["ticker"].split(b"BTC/USD")
    snapshot = (
        b'{"channel":"book","type":"snapshot","data":[{"symbol":"%d","bids":[],"asks":[],"checksum":0}]}'
    )
    for number in range(20_000):
        session.receive(head + b"%d" % number + tail, now=1.0)
        session.receive(snapshot % number, now=1.0)
    assert len(session.books.level2.books) <= 8192
    gaps = [event for event in session.connection_lost(now=2.0) if isinstance(event, Gap)]
    assert len(gaps) <= 16_384


def test_replies_are_the_ones_of_the_vectors() -> None:
    """Every reply of the vectors is an event of its own type, as text and parsed."""
    for vector in control.REPLY_VECTORS:
        for events in (tell(vector.frame), tell(vector.frame, parsed=True)):
            assert type(vector.message) in kinds(events)
            assert Discarded not in kinds(events)
