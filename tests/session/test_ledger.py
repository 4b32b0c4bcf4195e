"""What a session books: no time and no message counts as verified that was not."""

from __future__ import annotations

import pytest

from krakenwire.events import ExecutionUpdate
from krakenwire.session import Session
from krakenwire.state.ledger import Interval, State
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
    # Of each two trades the first is one that nothing proves.
    counts = {
        each.channel: (each.messages, each.verified, each.unverified) for each in session.ledger.entries()
    }
    assert (counts["trade"], counts["executions"]) == ((4, 2, 2), (3, 2, 1))


@pytest.mark.fault("B15")
def test_what_came_before_counts_once() -> None:
    """Trades that come again, as in the snapshot after a reconnect, are no messages that lack a proof."""
    session = Session(now=0.0)
    session.receive(FRAMES["trade"], now=1.0)
    before = session.ledger.verified_message_ratio()
    session.receive(FRAMES["trade"], now=2.0)
    assert session.duplicates == 2
    assert session.ledger.verified_message_ratio() == before == 0.5


@pytest.mark.parametrize("tracking", [True, False])
def test_nothing_is_in_sequence_unless_it_was_watched(*, tracking: bool) -> None:
    """Rows are in sequence only if their numbers were judged."""
    session = Session(now=0.0, track_sequences=tracking)
    events = session.receive(account.EMPTY_SNAPSHOT.frame, now=1.0) + session.receive(
        account.PENDING_NEW.frame, now=2.0
    )
    assert [event.in_sequence for event in events if isinstance(event, ExecutionUpdate)] == [tracking]
    assert session.ledger.verified_message_ratio() == float(tracking)
