"""The thirteen scenarios of the handler's description, in its order, each on frames as Kraken v2 sends them.

Start here to see how the handler is used: one handler, async callbacks, frames handed in with `await process_message(frame)`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest

from krakenwire import (
    BalanceUpdate,
    BookNotLive,
    ConnectionStatus,
    FrameRejected,
    Gap,
    Heartbeat,
    KrakenV2MessageHandler,
    OHLCUpdate,
    OrderBookUpdate,
    TickerUpdate,
    TradeUpdate,
    create_kraken_v2_handler,
)
from krakenwire.wire.control import SubscribeReply

# What the caller holds at first, and what a trade changed in it: two shapes under one channel, numbered together.
BALANCES = (
    b'{"channel":"balances","type":"snapshot","data":[{"asset":"SOL","asset_class":"currency","balance":12.5000000000,'
    b'"wallets":[{"type":"spot","id":"main","balance":12.5000000000}]}],"sequence":1}'
)
LEDGER_ENTRY = (
    b'{"channel":"balances","type":"update","data":[{"ledger_id":"LAAAAA-BBBBB-CCCCC1","ref_id":"TAAAAA-BBBBB-CCCCC1",'
    b'"timestamp":"2026-11-22T08:01:04.000090Z","type":"trade","asset":"SOL","asset_class":"currency","category":"trade",'
    b'"wallet_type":"spot","wallet_id":"main","amount":-2.5000000000,"fee":0.0000000000,"balance":10.0000000000}],"sequence":%d}'
)
TICKER = (
    b'{"channel":"ticker","type":"update","data":[{"symbol":"SOL/USD","bid":141.22,"bid_qty":35.10000000,"ask":141.23,'
    b'"ask_qty":4.02000000,"last":141.23,"volume":182233.41000000,"vwap":139.88,"low":136.10,"high":142.75,"change":2.41,'
    b'"change_pct":1.74,"trades":52110,"timestamp":"2026-11-22T08:00:01.250337Z"}]}'
)
# The checksum is the CRC-32 of the digits of the asks, then of the bids.
BOOK = (
    b'{"channel":"book","type":"snapshot","data":[{"symbol":"SOL/USD","bids":[{"price":141.22,"qty":35.10000000}],'
    b'"asks":[{"price":141.23,"qty":4.02000000}],"checksum":%d,"timestamp":"2026-11-22T08:00:00.500120Z"}]}'
) % crc32(b"14123402000000" + b"141223510000000")
BOOK_CHANGE = (
    b'{"channel":"book","type":"update","data":[{"symbol":"SOL/USD","bids":[{"price":141.22,"qty":0.00000000},'
    b'{"price":141.20,"qty":7.00000000}],"asks":[],"checksum":%d,"timestamp":"2026-11-22T08:00:00.711004Z"}]}'
) % crc32(b"14123402000000" + b"14120700000000")
TRADE = (
    b'{"channel":"trade","type":"update","data":[{"symbol":"SOL/USD","side":"buy","price":141.23,"qty":1.50000000,'
    b'"ord_type":"limit","trade_id":%d,"timestamp":"2026-11-22T08:00:22.814908Z"}]}'
)
OHLC = (
    b'{"channel":"ohlc","type":"update","timestamp":"2026-11-22T08:00:26.844359566Z","data":[{"symbol":"SOL/USD","open":141.10,'
    b'"high":141.25,"low":141.08,"close":141.23,"trades":33,"volume":812.45000000,"vwap":141.19,'
    b'"interval_begin":"2026-11-22T08:00:00.000000000Z","interval":1,"timestamp":"2026-11-22T08:01:00.000000Z"}]}'
)
HEARTBEAT = b'{"channel":"heartbeat"}'
SUBSCRIBED = (
    b'{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"SOL/USD"},"success":true,'
    b'"time_in":"2026-11-22T08:00:00.000001Z","time_out":"2026-11-22T08:00:00.000020Z","req_id":1}'
)
UNKNOWN_CHANNEL = b'{"channel":"weather","type":"update","data":[]}'


@pytest.fixture
def handler() -> KrakenV2MessageHandler:
    """A handler as most programs make it."""
    return create_kraken_v2_handler(enable_sequence_tracking=True, enable_statistics=True)


async def received(handler: KrakenV2MessageHandler, name: str, *frames: Any) -> list[Any]:
    """What an async callback registered under `name` gets from these frames, each of which must be handled."""
    got: list[Any] = []

    async def callback(event: Any) -> None:
        got.append(event)

    handler.register_callback(name, callback)
    for frame in frames:
        assert await handler.process_message(frame) is True
    handler.unregister_callback(name, callback)
    return got


async def test_1_balance(handler: KrakenV2MessageHandler) -> None:
    """Balances arrive under the name `balance`, exact, in sequence, both as a snapshot and as an entry of the ledger."""
    held, changed = await received(handler, "balance", BALANCES, LEDGER_ENTRY % 2)
    assert isinstance(held, BalanceUpdate)
    assert isinstance(changed, BalanceUpdate)
    assert (held.asset, str(held.balance), held.snapshot, held.in_sequence) == (
        "SOL",
        "12.5000000000",
        True,
        True,
    )
    assert (str(changed.amount), str(changed.balance)) == ("-2.5000000000", "10.0000000000")
    assert (changed.snapshot, changed.in_sequence) == (False, True)


async def test_2_ticker(handler: KrakenV2MessageHandler) -> None:
    """A ticker arrives with its spread and its middle."""
    (event,) = await received(handler, "ticker", TICKER)
    assert isinstance(event, TickerUpdate)
    assert (event.spread, event.mid) == (Decimal("0.01"), Decimal("141.225"))


async def test_3_orderbook(handler: KrakenV2MessageHandler) -> None:
    """A book arrives under the name `orderbook`, verified at every message, with bids and asks, and can be read."""
    snapshot, update = await received(handler, "orderbook", BOOK, BOOK_CHANGE)
    assert isinstance(snapshot, OrderBookUpdate)
    assert isinstance(update, OrderBookUpdate)
    assert (snapshot.verified, snapshot.snapshot) == (True, True)
    assert (snapshot.best_bid, snapshot.best_ask, snapshot.spread) == (
        Decimal("141.22"),
        Decimal("141.23"),
        Decimal("0.01"),
    )
    assert (update.verified, update.snapshot) == (True, False)
    removed, added = update.bids
    assert (str(removed.price), str(removed.qty)) == ("141.22", "0E-8")
    assert (str(added.price), str(added.qty)) == ("141.20", "7.00000000")
    assert update.best_bid == Decimal("141.20")
    book = handler.book("SOL/USD")
    assert (book.verified, book.best_bid, book.best_ask) == (True, Decimal("141.20"), Decimal("141.23"))


async def test_4_trade(handler: KrakenV2MessageHandler) -> None:
    """Trades arrive one by one, each saying whether it follows the one before."""
    first, second = await received(handler, "trade", TRADE % 7, TRADE % 8)
    assert isinstance(first, TradeUpdate)
    assert (first.side, str(first.price), str(first.qty)) == ("buy", "141.23", "1.50000000")
    assert [first.complete, second.complete] == [False, True]


async def test_5_ohlc(handler: KrakenV2MessageHandler) -> None:
    """A candle arrives with the digits that Kraken sent."""
    (event,) = await received(handler, "ohlc", OHLC)
    assert isinstance(event, OHLCUpdate)
    assert (str(event.open), str(event.volume), event.interval) == ("141.10", "812.45000000", 1)
    assert not event.revised


async def test_6_heartbeat(handler: KrakenV2MessageHandler) -> None:
    """A heartbeat is an event and is counted."""
    assert await received(handler, "heartbeat", HEARTBEAT) == [Heartbeat()]
    assert handler.get_statistics()["messages_by_channel"] == {"heartbeat": 1}


async def test_7_subscription_response(handler: KrakenV2MessageHandler) -> None:
    """The reply to a subscription is an event that says what was granted."""
    (event,) = await received(handler, "reply", SUBSCRIBED)
    assert isinstance(event, SubscribeReply)
    assert (event.channel_name, event.symbol_name, event.rejected) == ("book", "SOL/USD", False)


async def test_8_duplicate(handler: KrakenV2MessageHandler) -> None:
    """A repeated sequence number is handled, counted and not delivered again."""
    events = await received(handler, "balance", BALANCES, LEDGER_ENTRY % 2, LEDGER_ENTRY % 2)
    assert len(events) == 2
    assert handler.get_statistics()["duplicate_count"] == 1


@pytest.mark.fault("J1")
@pytest.mark.parametrize(
    "frame", ["", "no json", b"\xff", "[1,2]", "{}", '{"event":"heartbeat"}', None, 7, [1]]
)
async def test_9_malformed(handler: KrakenV2MessageHandler, frame: Any) -> None:
    """What is not JSON or not v2 gives False, so that the caller may try another way; only the error count changes."""
    told: list[Any] = []
    handler.register_callback("*", told.append)
    assert await handler.process_message(frame) is False
    statistics = handler.get_statistics()
    assert (statistics["error_count"], statistics["total_messages"]) == (1, 0)
    assert [type(event) for event in told] == [FrameRejected]


async def test_10_statistics(handler: KrakenV2MessageHandler) -> None:
    """The statistics have the described keys, and the total is the sum of the channels, the unknown one included."""
    frames = [BALANCES, *[TICKER] * 101, BOOK, TRADE % 1, OHLC, HEARTBEAT, UNKNOWN_CHANNEL]
    await received(handler, "*", *frames)
    statistics = handler.get_statistics()
    assert statistics["total_messages"] == 107
    assert statistics["messages_by_channel"] == {
        "balances": 1,
        "ticker": 101,
        "book": 1,
        "trade": 1,
        "ohlc": 1,
        "heartbeat": 1,
        "unknown": 1,
    }
    assert (statistics["error_count"], statistics["duplicate_count"], statistics["sequence_gaps"]) == (
        0,
        0,
        0,
    )
    assert all(0 < seconds < 1 for seconds in statistics["avg_processing_times"].values())


@pytest.mark.fault("B17")
async def test_11_sequence_status(handler: KrakenV2MessageHandler) -> None:
    """A hole in the sequence is a `Gap` before the event that follows it, and shows in the sequence status."""
    held, gap, changed = await received(handler, "balance", BALANCES, LEDGER_ENTRY % 5)
    assert (held.in_sequence, changed.in_sequence) == (True, False)
    assert isinstance(gap, Gap)
    assert (gap.channel, gap.first, gap.last) == ("balances", 2, 4)
    told = handler.get_sequence_status()["balances"]
    assert (told.expected, told.received, told.gaps) == (6, 2, 1)
    assert handler.get_statistics()["sequence_gaps"] == 1


async def test_12_connection_status(handler: KrakenV2MessageHandler) -> None:
    """A lost connection makes books unreadable, is told to every callback, and no sequence number of the next one is a duplicate."""
    handler.set_connection_status(connected=True, authenticated=True)
    await received(handler, "*", BOOK, BALANCES, LEDGER_ENTRY % 2)
    told = handler.get_connection_status()
    assert isinstance(told, ConnectionStatus)
    assert (told.connected, told.authenticated) == (True, True)

    gaps: list[Gap] = []
    handler.register_callback("gap", gaps.append)
    handler.set_connection_status(connected=False)
    assert [gap.channel for gap in gaps] == ["book", "balances"]
    told = handler.get_connection_status()
    assert (told.connected, told.authenticated) == (False, False)
    with pytest.raises(BookNotLive):
        handler.book("SOL/USD")

    handler.set_connection_status(connected=True)
    events = await received(handler, "*", BALANCES)
    assert [type(event) for event in events] == [BalanceUpdate]
    assert events[0].in_sequence
    assert handler.get_connection_status().reconnects == 1
    assert handler.get_statistics()["duplicate_count"] == 0


async def test_13_hundred_messages(handler: KrakenV2MessageHandler) -> None:
    """A hundred messages in a row all arrive, in order; that they take less than a millisecond is shown by `make bench`."""
    frames = [TRADE % number for number in range(100)]
    events = await received(handler, "trade", *frames)
    assert [event.trade_id for event in events] == list(range(100))
    assert handler.get_statistics()["total_messages"] == 100
