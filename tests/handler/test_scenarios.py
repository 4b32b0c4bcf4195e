"""The thirteen scenarios of the handler's description, each on correct v2 frames."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest

import krakenwire
from krakenwire import (
    BalanceUpdate,
    FrameRejected,
    Heartbeat,
    KrakenV2MessageHandler,
    OHLCUpdate,
    OrderBookUpdate,
    TickerUpdate,
    TradeUpdate,
    create_kraken_v2_handler,
)
from krakenwire.wire.control import SubscribeReply

BALANCES = (
    b'{"channel":"balances","type":"snapshot","data":[{"asset":"SOL","asset_class":"currency","balance":12.5000000000,'
    b'"wallets":[{"type":"spot","id":"main","balance":12.5000000000}]}],"sequence":1}'
)
LEDGER = (
    b'{"channel":"balances","type":"update","data":[{"ledger_id":"LAAAAA-BBBBB-CCCCC1","ref_id":"TAAAAA-BBBBB-CCCCC1",'
    b'"timestamp":"2026-11-22T08:01:04.000090Z","type":"trade","asset":"SOL","asset_class":"currency","category":"trade",'
    b'"wallet_type":"spot","wallet_id":"main","amount":-2.5000000000,"fee":0.0000000000,"balance":10.0000000000}],"sequence":%d}'
)
TICKER = (
    b'{"channel":"ticker","type":"update","data":[{"symbol":"SOL/USD","bid":141.22,"bid_qty":35.10000000,"ask":141.23,'
    b'"ask_qty":4.02000000,"last":141.23,"volume":182233.41000000,"vwap":139.88,"low":136.10,"high":142.75,"change":2.41,'
    b'"change_pct":1.74,"trades":52110,"timestamp":"2026-11-22T08:00:01.250337Z"}]}'
)
TRADE = (
    b'{"channel":"trade","type":"update","data":[{"symbol":"SOL/USD","side":"buy","price":141.23,"qty":1.50000000,'
    b'"ord_type":"limit","trade_id":%d,"timestamp":"2026-11-22T08:00:22.814908Z"}]}'
)
OHLC = (
    b'{"channel":"ohlc","type":"update","timestamp":"2026-11-22T08:00:26.844359566Z","data":[{"symbol":"SOL/USD","open":141.10,'
    b'"high":141.25,"low":141.08,"close":141.23,"trades":33,"volume":812.45000000,"vwap":141.19,'
    b'"interval_begin":"2026-11-22T08:00:00.000000000Z","interval":1,"timestamp":"2026-11-22T08:01:00.000000Z"}]}'
)
ACK = (
    b'{"method":"subscribe","result":{"channel":"book","depth":10,"snapshot":true,"symbol":"SOL/USD"},"success":true,'
    b'"time_in":"2026-11-22T08:00:00.000001Z","time_out":"2026-11-22T08:00:00.000020Z","req_id":1}'
)
BOOK = (
    b'{"channel":"book","type":"snapshot","data":[{"symbol":"SOL/USD","bids":[{"price":141.22,"qty":35.10000000}],'
    b'"asks":[{"price":141.23,"qty":4.02000000}],"checksum":%d,"timestamp":"2026-11-22T08:00:00.500120Z"}]}'
)
SNAPSHOT = BOOK % crc32(b"14123402000000" + b"141223510000000")


@pytest.fixture
def handler() -> KrakenV2MessageHandler:
    """A handler as most programs make it."""
    return create_kraken_v2_handler(enable_sequence_tracking=True, enable_statistics=True)


async def received(handler: KrakenV2MessageHandler, name: str, *frames: Any) -> list[Any]:
    """Everything an async callback gets from these frames."""
    got: list[Any] = []

    async def callback(event: Any) -> None:
        got.append(event)

    handler.register_callback(name, callback)
    for frame in frames:
        assert await handler.process_message(frame)
    return got


async def test_balance(handler: KrakenV2MessageHandler) -> None:
    """A balance arrives under the name `balance`, exact, and in sequence."""
    (event,) = await received(handler, "balance", BALANCES)
    assert isinstance(event, BalanceUpdate)
    assert (event.asset, event.balance.as_tuple()) == ("SOL", Decimal("12.5000000000").as_tuple())
    assert event.in_sequence
    assert event.snapshot


async def test_ticker(handler: KrakenV2MessageHandler) -> None:
    """A ticker arrives with its spread and its middle."""
    (event,) = await received(handler, "ticker", TICKER)
    assert isinstance(event, TickerUpdate)
    assert (event.spread, event.mid) == (Decimal("0.01"), Decimal("141.225"))


async def test_orderbook(handler: KrakenV2MessageHandler) -> None:
    """A book arrives under the name `orderbook`, verified, and can be read."""
    (event,) = await received(handler, "orderbook", SNAPSHOT)
    assert isinstance(event, OrderBookUpdate)
    assert event.verified
    assert (event.best_bid, event.best_ask, event.spread) == (
        Decimal("141.22"),
        Decimal("141.23"),
        Decimal("0.01"),
    )
    assert handler.book("SOL/USD").best_ask == Decimal("141.23")


async def test_trade(handler: KrakenV2MessageHandler) -> None:
    """Trades arrive one by one, each saying whether it follows the one before."""
    first, second = await received(handler, "trade", TRADE % 7, TRADE % 8)
    assert isinstance(first, TradeUpdate)
    assert [first.complete, second.complete] == [False, True]


async def test_ohlc(handler: KrakenV2MessageHandler) -> None:
    """A candle arrives with exact prices."""
    (event,) = await received(handler, "ohlc", OHLC)
    assert isinstance(event, OHLCUpdate)
    assert event.open.as_tuple() == Decimal("141.10").as_tuple()
    assert not event.revised


async def test_heartbeat(handler: KrakenV2MessageHandler) -> None:
    """A heartbeat is an event and is counted."""
    assert await received(handler, "heartbeat", b'{"channel":"heartbeat"}') == [Heartbeat()]
    assert handler.get_statistics()["messages_by_channel"] == {"heartbeat": 1}


async def test_subscription_reply(handler: KrakenV2MessageHandler) -> None:
    """The reply to a subscription is an event."""
    (event,) = await received(handler, "reply", ACK)
    assert isinstance(event, SubscribeReply)
    assert event.symbol_name == "SOL/USD"


async def test_duplicate(handler: KrakenV2MessageHandler) -> None:
    """A repeated sequence number is handled, counted and not delivered."""
    events = await received(handler, "balance", BALANCES, LEDGER % 2, LEDGER % 2)
    assert len(events) == 2
    assert handler.get_statistics()["duplicate_count"] == 1


@pytest.mark.fault("J1")
@pytest.mark.parametrize(
    "frame", ["", "no json", b"\xff", "[1,2]", "{}", '{"event":"heartbeat"}', None, 7, [1]]
)
async def test_malformed(handler: KrakenV2MessageHandler, frame: Any) -> None:
    """What is not JSON or not v2 gives False and changes only the error count."""
    rejected: list[Any] = []
    handler.register_callback("frame_rejected", rejected.append)
    assert not await handler.process_message(frame)
    statistics = handler.get_statistics()
    assert statistics["error_count"] == 1
    assert statistics["total_messages"] == 0
    assert [type(event) for event in rejected] == [FrameRejected]


async def test_statistics(handler: KrakenV2MessageHandler) -> None:
    """The statistics have the described keys, and the total is the sum of the channels."""
    await received(handler, "*", BALANCES, TICKER, SNAPSHOT, TRADE % 1, OHLC, b'{"channel":"new","data":[]}')
    statistics = handler.get_statistics()
    assert statistics["messages_by_channel"] == {
        "balances": 1,
        "ticker": 1,
        "book": 1,
        "trade": 1,
        "ohlc": 1,
        "unknown": 1,
    }
    assert statistics["total_messages"] == 6
    assert {"error_count", "duplicate_count", "sequence_gaps", "avg_processing_times"} <= set(statistics)
    assert all(seconds >= 0 for seconds in statistics["avg_processing_times"].values())


@pytest.mark.fault("B17")
async def test_sequence_status(handler: KrakenV2MessageHandler) -> None:
    """A hole in the sequence is a gap before the event that follows it, and shows in the status."""
    events = await received(handler, "balance", BALANCES, LEDGER % 5)
    assert [type(event).__name__ for event in events] == ["BalanceUpdate", "Gap", "BalanceUpdate"]
    assert (events[1].first, events[1].last) == (2, 4)
    assert not events[2].in_sequence
    status = handler.get_sequence_status()["balances"]
    assert (status.expected, status.gaps) == (6, 1)
    assert handler.get_statistics()["sequence_gaps"] == 1


async def test_connection_status(handler: KrakenV2MessageHandler) -> None:
    """A lost connection makes books unreadable and forgets every sequence; the status says what the caller told."""
    await received(handler, "*", SNAPSHOT, BALANCES, LEDGER % 2)
    handler.set_connection_status(connected=True, authenticated=True)
    assert handler.get_connection_status().authenticated
    handler.set_connection_status(connected=False)
    assert not handler.get_connection_status().connected
    with pytest.raises(krakenwire.BookNotLive):
        handler.book("SOL/USD")
    (event,) = await received(handler, "balance", BALANCES)
    assert event.in_sequence


async def test_hundred_messages(handler: KrakenV2MessageHandler) -> None:
    """A hundred messages in a row all arrive; how fast is measured by `make bench`."""
    assert len(await received(handler, "ticker", *[TICKER] * 100)) == 100
