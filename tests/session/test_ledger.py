"""What a session books: no time and no message counts as verified that was not."""

from __future__ import annotations

import json

import pytest

from krakenwire.events import ExecutionUpdate
from krakenwire.session import Session
from krakenwire.state.ledger import Interval, State
from krakenwire.state.trades import SYMBOL_LIMIT
from tests.session.exchange import Exchange
from tests.session.say import ack, session_with
from tests.vectors import account
from tests.vectors.samples import FRAMES


def lost_at_100(exchange: Exchange) -> Session:
    """A book proven at 1, of which an update never came; the one at 100 shows it."""
    session = session_with(ack("subscribe"), exchange.snapshot())
    exchange.update(asks={"1001": "7"})
    session.receive(exchange.update(bids={"1000.5": "1"}), now=100.0)
    return session


def test_proof_ends_with_the_last_proven_message() -> None:
    """When a checksum shows a loss, the book was proven no longer than to the message before: the loss lies somewhere since."""
    session = lost_at_100(Exchange())
    assert session.ledger.intervals("book", "BTC/USD") == (Interval(1.0, 1.0, "checksum"),)


@pytest.mark.parametrize(("last_heard", "verified_until"), [(1.0, 1.0), (7.0, 7.0)])
def test_silence_is_not_verified(last_heard: float, verified_until: float) -> None:
    """A lost connection ends what was proven with the last frame that was heard on it, whatever frame it was."""
    session = session_with(Exchange().snapshot())
    session.receive(b'{"channel":"heartbeat"}', now=last_heard)
    session.tick(now=60.0)
    assert session.ledger.intervals("book", "BTC/USD") == (Interval(1.0, verified_until, "silent"),)
    assert session.ledger.intervals("book", "BTC/USD", State.WANTED)[0].end is None


def test_discarded_messages_are_not_verified() -> None:
    """Updates that come while a book is lost count as messages that nothing verified."""
    exchange = Exchange()
    session = lost_at_100(exchange)
    for _ in range(8):
        session.receive(exchange.update(bids={"1000.5": "2"}), now=101.0)
    assert session.ledger.verified_message_ratio() == 0.1


@pytest.mark.fault("B17")
def test_numbers_open_and_close_the_proof() -> None:
    """Trades in order and private frames in sequence are verified time, up to the last one before a hole, and again after it."""
    session = Session(now=0.0)
    trade = FRAMES["trade"]
    later = trade.replace(b'"trade_id":1', b'"trade_id":7').replace(b'"trade_id":2', b'"trade_id":8')
    for now, frame in enumerate(
        (trade, account.EMPTY_SNAPSHOT.frame, account.PENDING_NEW.frame, later, account.FILL.frame), 1
    ):
        session.receive(frame, now=float(now))
    ends = [(span.start, span.end, span.cause) for span in session.ledger.intervals("trade", "BTC/USD")]
    assert ends == [(1.0, 1.0, "trade_id"), (4.0, None, None)]
    ends = [(span.start, span.end, span.cause) for span in session.ledger.intervals("executions", None)]
    assert ends == [(2.0, 3.0, "sequence")]
    # The first trade of all is not counted; the one after the gap is proven by nothing.
    counts = {
        each.channel: (each.messages, each.verified, each.unverified) for each in session.ledger.entries()
    }
    assert (counts["trade"], counts["executions"]) == ((3, 2, 1), (3, 2, 1))


@pytest.mark.fault("B15")
def test_what_came_before_counts_once() -> None:
    """Trades that come again, as in the snapshot after a reconnect, are no messages that lack a proof."""
    session = Session(now=0.0)
    session.receive(FRAMES["trade"], now=1.0)
    before = session.ledger.verified_message_ratio()
    session.receive(FRAMES["trade"], now=2.0)
    assert session.duplicates == 2
    assert session.ledger.verified_message_ratio() == before == 1.0


@pytest.mark.parametrize("tracking", [True, False])
def test_nothing_is_in_sequence_unless_it_was_watched(*, tracking: bool) -> None:
    """Rows are in sequence only if their numbers were judged."""
    session = Session(now=0.0, track_sequences=tracking)
    events = session.receive(account.EMPTY_SNAPSHOT.frame, now=1.0) + session.receive(
        account.PENDING_NEW.frame, now=2.0
    )
    assert [event.in_sequence for event in events if isinstance(event, ExecutionUpdate)] == [tracking]
    assert session.ledger.verified_message_ratio() == float(tracking)


def trades(*ids: int, kind: str = "update") -> str:
    """A frame of channel trade."""
    rows = [
        {
            "symbol": "BTC/USD",
            "side": "buy",
            "price": 1.5,
            "qty": 1.0,
            "ord_type": "limit",
            "trade_id": number,
            "timestamp": "2026-11-22T08:00:00.000000Z",
        }
        for number in ids
    ]
    return json.dumps({"channel": "trade", "type": kind, "data": rows})


@pytest.mark.fault("B15")
def test_a_session_in_which_all_was_fine_is_wholly_verified() -> None:
    """Neither the first trade of all, which nothing could prove, nor those that a snapshot repeats after a reconnect count as unproven."""
    session = Session(now=0.0)
    session.receive(trades(1, 2, kind="snapshot"), now=1.0)
    session.receive(trades(3), now=2.0)
    session.connection_lost(now=3.0)
    session.receive(trades(1, 2, 3, 4, kind="snapshot"), now=4.0)
    assert session.ledger.verified_message_ratio() == 1.0
    session.receive(trades(9), now=5.0)
    assert session.ledger.verified_message_ratio() == 0.75


@pytest.mark.fault("B15")
def test_snapshot_that_reaches_back_proves_a_quiet_market() -> None:
    """A snapshot whose last trade is the last one held proves that none was missed, at once and not only when the market trades again."""
    session = Session(now=0.0)
    session.receive(trades(1, 2, kind="snapshot"), now=1.0)
    session.connection_lost(now=3.0)
    session.receive(trades(1, kind="snapshot"), now=4.0)
    assert session.ledger.intervals("trade", "BTC/USD")[-1].end is not None
    session.receive(trades(1, 2, kind="snapshot"), now=5.0)
    assert session.ledger.intervals("trade", "BTC/USD")[-1] == Interval(5.0)


def test_markets_beyond_the_bound_count_as_unproven() -> None:
    """Trades of a market that is one too many to be followed are told as unproven, and counted so."""
    session = Session(now=0.0)
    for number in range(SYMBOL_LIMIT):
        session.market.trades.judge(f"X{number}/USD", 1)
    session.receive(trades(1, 2), now=1.0)
    assert session.ledger.verified_message_ratio() == 0.0
