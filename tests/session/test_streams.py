"""`session/streams.py`: when each stream was last heard, bounded, and what its frames are counted in."""

from __future__ import annotations

import pytest

from krakenwire.session import streams as module
from krakenwire.session.streams import Streams
from krakenwire.state.ledger import Ledger, State
from krakenwire.state.liveness import Liveness


def test_a_stream_from_its_beginning_to_its_end() -> None:
    """A stream is heard from its first frame to its end, and its counts are those of the ledger."""
    ledger = Ledger()
    streams = Streams(ledger, Liveness(quiet=3.0, dead=5.0, now=0.0))
    assert streams.heard_at("trade", "BTC/USD") is None
    stream = streams.begin("trade", "BTC/USD", 1.0)
    assert streams.of("trade") == {"BTC/USD": stream}
    assert stream.entry is ledger.entry("trade", "BTC/USD")
    assert stream.entry[State.DELIVERING].since == 1.0
    stream.heard_at = 2.0
    assert streams.carried() == [("trade", "BTC/USD", 2.0)]
    assert streams.end("trade", "BTC/USD", State.WANTED, "unsubscribed", 3.0) == 2.0
    assert streams.end("trade", "BTC/USD", State.WANTED, "unsubscribed", 3.0) is None
    assert stream.entry[State.DELIVERING].since is None
    assert streams.carried() == []


def test_a_stream_that_was_granted_and_not_heard() -> None:
    """What Kraken granted is carried from then on, from when it is heard by its last frame, and no more when Kraken ends it."""
    streams = Streams(Ledger(), Liveness(quiet=3.0, dead=5.0, now=0.0))
    streams.granted("trade", "BTC/USD", 1.0)
    assert streams.carried() == [("trade", "BTC/USD", 1.0)]
    streams.note("trade", "BTC/USD", 2.0)
    assert streams.carried() == [("trade", "BTC/USD", 2.0)]
    assert streams.end("trade", "BTC/USD", State.ACKED, "taken anew", 3.0) == 2.0
    assert streams.carried() == []


def test_streams_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream too many is counted and not remembered; an ended one makes room, and so does the end of a connection."""
    monkeypatch.setattr(module, "STREAMS_KEPT", 2)
    streams = Streams(Ledger(), Liveness(quiet=3.0, dead=5.0, now=0.0))
    for symbol in ("A", "B", "C"):
        streams.begin("trade", symbol, 1.0)
    assert set(streams.of("trade")) == {"A", "B"}
    streams.end("trade", "A", State.WANTED, "unsubscribed", 2.0)
    streams.begin("ticker", "C", 1.0)
    streams.begin("ticker", "D", 1.0)
    assert set(streams.of("ticker")) == {"C"}
    streams.lost("connection lost", 2.0)
    streams.begin("ticker", "D", 1.0)
    assert set(streams.of("ticker")) == {"D"}
    assert streams.of("trade") == {}
