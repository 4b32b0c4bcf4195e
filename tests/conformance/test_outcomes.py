"""What becomes of every recorded or published frame we know, file by file: event, proof, and why a frame is refused.

The recordings are other people's and are not part of this project; what kind each is says the README beside them. Streams that were
stored after a float round trip cannot be verified as they are and must come out unverified, never as verified and never as wrong.
Frames written by hand under an invented checksum must come out as lost books.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from krakenwire.events import FrameRejected
from krakenwire.session import Session

OUTCOMES: dict[str, dict[str, int]] = {
    "abelkalavadakken__agenttrade/kraken_trade_btcusd.jsonl": {
        "Heartbeat": 31,
        "StatusUpdate": 1,
        "SubscribeReply": 1,
        "TradeUpdate": 42,
    },
    "brendan-blanchard__kraken-async-rs/balances.jsonl": {
        "BalanceUpdate": 7,
        "Gap": 1,
        "ResyncNeeded": 1,
    },
    "brendan-blanchard__kraken-async-rs/book.jsonl": {
        "BookLost": 1,
        "Discarded": 2,
        "Gap": 1,
        "ResyncNeeded": 1,
    },
    "brendan-blanchard__kraken-async-rs/errors.jsonl": {
        "AddOrderReply": 3,
        "AmendOrderReply": 1,
        "EditOrderReply": 1,
        "PingReply": 1,
        "SubscribeReply": 3,
        "SubscriptionRejected": 3,
    },
    "brendan-blanchard__kraken-async-rs/executions.jsonl": {
        "ExecutionUpdate": 6,
        "Gap": 2,
        "ResyncNeeded": 2,
    },
    "brendan-blanchard__kraken-async-rs/fragments.jsonl": {
        "FrameRejected: not a v2 frame: neither channel nor method nor error": 6,
    },
    "brendan-blanchard__kraken-async-rs/heartbeat.jsonl": {
        "Heartbeat": 1,
    },
    "brendan-blanchard__kraken-async-rs/instrument.jsonl": {
        "InstrumentUpdate": 1,
    },
    "brendan-blanchard__kraken-async-rs/level3.jsonl": {
        "BookLost": 1,
        "Discarded": 1,
        "Gap": 1,
        "ResyncNeeded": 1,
    },
    "brendan-blanchard__kraken-async-rs/method_responses.jsonl": {
        "AddOrderReply": 1,
        "AmendOrderReply": 1,
        "BatchAddReply": 1,
        "BatchCancelReply": 1,
        "CancelAllOrdersAfterReply": 1,
        "CancelAllReply": 1,
        "CancelOrderReply": 2,
        "EditOrderReply": 1,
        "Pong": 1,
        "SubscribeReply": 8,
    },
    "brendan-blanchard__kraken-async-rs/non_json_frames.txt": {
        "FrameRejected: JSON is malformed: invalid character (byte 0)": 1,
    },
    "brendan-blanchard__kraken-async-rs/ohlc.jsonl": {
        "OHLCUpdate": 2,
    },
    "brendan-blanchard__kraken-async-rs/status.jsonl": {
        "StatusUpdate": 3,
    },
    "brendan-blanchard__kraken-async-rs/ticker.jsonl": {
        "TickerUpdate": 2,
    },
    "brendan-blanchard__kraken-async-rs/trade.jsonl": {
        "Gap": 1,
        "TradeUpdate": 4,
    },
    "btschwertfeger__python-kraken-sdk/orderbook-v2.jsonl": {
        "OrderBookUpdate unverified": 510,
    },
    "ekinbasarkomur__keyrock-case-study/kraken.rs.fixtures.jsonl": {
        "BookLive": 1,
        "Heartbeat": 1,
        "OrderBookUpdate verified": 2,
        "StatusUpdate": 1,
        "SubscribeReply": 1,
    },
    "garethcooke__depthcharge/errors.jsonl": {
        "SubscribeReply": 1,
        "SubscriptionRejected": 1,
    },
    "jdardash__crossbook/kraken_btcusd_l2.jsonl": {
        "BookLive": 5,
        "Heartbeat": 60,
        "OrderBookUpdate verified": 301,
        "StatusUpdate": 1,
        "SubscribeReply": 8,
        "UnsubscribeReply": 7,
    },
    "jdardash__crossbook/kraken_btcusd_sample.jsonl": {
        "BookLive": 1,
        "Heartbeat": 50,
        "OrderBookUpdate verified": 2052,
        "StatusUpdate": 1,
        "SubscribeReply": 1,
    },
    "jdardash__crossbook/kraken_ethusd_sample.jsonl": {
        "BookLive": 1,
        "Heartbeat": 39,
        "OrderBookUpdate verified": 1129,
        "StatusUpdate": 1,
        "SubscribeReply": 1,
    },
    "jdardash__crossbook/kraken_xrpusd_sample.jsonl": {
        "BookLive": 1,
        "Heartbeat": 43,
        "OrderBookUpdate verified": 1147,
        "StatusUpdate": 1,
        "SubscribeReply": 1,
    },
    "jkorf__kraken.net/unit_test_messages.jsonl": {
        "AddOrderReply": 1,
        "AmendOrderReply": 1,
        "BatchAddReply": 1,
        "CancelAllOrdersAfterReply": 1,
        "CancelAllReply": 1,
        "CancelOrderReply": 2,
        "EditOrderReply": 1,
        "FrameRejected: Object missing required field `open`": 2,
        "Gap": 2,
        "Level3Update unverified": 1,
        "OHLCUpdate": 1,
        "OrderBookUpdate unverified": 1,
        "SubscribeReply": 7,
        "TickerUpdate": 1,
        "TradeUpdate": 1,
    },
    "nautechsystems__nautilus_trader/ws_add_order_response_failure.json": {
        "AddOrderReply": 1,
    },
    "nautechsystems__nautilus_trader/ws_add_order_response_success.json": {
        "AddOrderReply": 1,
    },
    "nautechsystems__nautilus_trader/ws_batch_add_response_partial.json": {
        "BatchAddReply": 1,
    },
    "nautechsystems__nautilus_trader/ws_book_snapshot.json": {
        "BookLost": 1,
        "Gap": 1,
        "ResyncNeeded": 1,
    },
    "nautechsystems__nautilus_trader/ws_book_update.json": {
        "Discarded": 1,
        "ResyncNeeded": 1,
    },
    "nautechsystems__nautilus_trader/ws_l3_snapshot.json": {
        "BookLost": 1,
        "Gap": 1,
        "ResyncNeeded": 1,
    },
    "nautechsystems__nautilus_trader/ws_l3_update_add.json": {
        "Discarded": 1,
        "ResyncNeeded": 1,
    },
    "nautechsystems__nautilus_trader/ws_l3_update_delete.json": {
        "Discarded": 1,
        "ResyncNeeded": 1,
    },
    "nautechsystems__nautilus_trader/ws_l3_update_modify_price.json": {
        "Discarded": 1,
        "ResyncNeeded": 1,
    },
    "nautechsystems__nautilus_trader/ws_l3_update_modify_qty.json": {
        "Discarded": 1,
        "ResyncNeeded": 1,
    },
    "nautechsystems__nautilus_trader/ws_ohlc_update.json": {
        "OHLCUpdate": 1,
    },
    "nautechsystems__nautilus_trader/ws_pong.json": {
        "Pong": 1,
    },
    "nautechsystems__nautilus_trader/ws_subscribe_response.json": {
        "SubscribeReply": 1,
    },
    "nautechsystems__nautilus_trader/ws_ticker_snapshot.json": {
        "TickerUpdate": 1,
    },
    "nautechsystems__nautilus_trader/ws_trade_update.json": {
        "TradeUpdate": 2,
    },
    "roq-trading__roq-kraken/errors.jsonl": {
        "AddOrderReply": 1,
        "AmendOrderReply": 1,
        "CancelOrderReply": 1,
        "ErrorReply": 1,
        "SubscribeReply": 1,
        "SubscriptionRejected": 1,
    },
    "thrasher-__gocryptotrader/wsLevel3.jsonl": {
        "BookLive": 1,
        "Level3Update verified": 4,
    },
    "thrasher-__gocryptotrader/wsPrivate.jsonl": {
        "BalanceUpdate": 5,
        "ExecutionUpdate": 4,
        "Gap": 1,
        "ResyncNeeded": 1,
        "BalanceDiffers": 1,
    },
    "thrasher-__gocryptotrader/wsPublic.jsonl": {
        "BookLive": 1,
        "Heartbeat": 1,
        "InstrumentUpdate": 1,
        "OHLCUpdate": 1,
        "OrderBookUpdate verified": 3,
        "StatusUpdate": 1,
        "TickerUpdate": 1,
        "TradeUpdate": 2,
    },
    "torquey66__kraken-data-recorder/book_messages.jsonl": {
        "BookLive": 1,
        "Discarded": 1,
        "OrderBookUpdate verified": 1,
        "ResyncNeeded": 1,
    },
    "torquey66__kraken-data-recorder/instrument_snapshot.json": {
        "InstrumentUpdate": 1,
    },
    "unresolved-repo/id-65731948028.ohlc-btcusdt.jsonl": {
        "Heartbeat": 1,
        "OHLCUpdate": 10,
        "StatusUpdate": 1,
        "SubscribeReply": 2,
        "SubscriptionRejected": 1,
    },
    "unresolved-repo/id-68731488561.public-and-refusals.jsonl": {
        "OHLCUpdate": 1,
        "StatusUpdate": 1,
        "SubscribeReply": 5,
        "TickerUpdate": 1,
        "TradeUpdate": 1,
        "SubscriptionRejected": 4,
    },
    "unresolved-repo/id-70379328486.ohlc-btcusd.jsonl": {
        "Heartbeat": 1,
        "OHLCUpdate": 4,
        "StatusUpdate": 1,
        "SubscribeReply": 2,
        "SubscriptionRejected": 1,
    },
    "unresolved-repo/id-71554915313.usdg-book-snapshot.jsonl": {
        "BookLive": 1,
        "OrderBookUpdate verified": 1,
    },
}


def outcome(event: object) -> str:
    """Name of an event, with its proof or the reason of a refusal."""
    name = type(event).__name__
    if isinstance(event, FrameRejected):
        return f"{name}: {event.reason}"
    verified = getattr(event, "verified", None)
    return name if verified is None else f"{name} {'verified' if verified else 'unverified'}"


@pytest.mark.conformance
@pytest.mark.parametrize("name", OUTCOMES)
def test_outcome(name: str, conformance_data: Path) -> None:
    """Every frame of the file has the outcome that the table states."""
    content = (conformance_data / "kraken_v2" / name).read_bytes()
    session = Session()
    found: Counter[str] = Counter()
    for line in [content] if name.endswith(".json") else content.splitlines():
        if line.strip():
            found.update(outcome(event) for event in session.receive(line.strip(), now=0.0))
    assert dict(found) == OUTCOMES[name]


@pytest.mark.conformance
def test_table_is_complete(conformance_data: Path) -> None:
    """No file of the collection is left out of the table."""
    folder = conformance_data / "kraken_v2"
    files = {str(path.relative_to(folder)) for path in folder.glob("*/*") if path.is_file()}
    assert files == set(OUTCOMES)
