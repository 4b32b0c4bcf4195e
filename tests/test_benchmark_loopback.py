"""The benchmark over loopback measures what it says: the whole client, with a proof for every book frame, and else nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from benchmarks.loopback import latency, timestamps
from benchmarks.loopback_peer import Peer
from benchmarks.loopback_stages import book_stage, callback_stage, full
from benchmarks.subject import NotMeasured

FRAMES = 400


@pytest.fixture(scope="module")
def peer() -> Iterator[Peer]:
    """The process that sends, on no core of its own: the test may not change where this process runs."""
    made = Peer(FRAMES, 1, apart=False)
    yield made
    made.stop()


async def test_every_frame_reaches_the_callback(peer: Peer) -> None:
    """The client takes the whole workload over TLS, verifies every book frame, and calls for every event of it."""
    await book_stage(peer)
    assert peer.facts["events"] >= FRAMES
    wall, processor = await callback_stage(peer)
    assert wall > 0
    assert processor > 0


async def test_latency_is_taken_of_every_book_frame(peer: Peer) -> None:
    """A paced run gives one delay for each book frame after the warm-up, none of them negative."""
    texts = timestamps(FRAMES, 1)
    delays, _ = await latency(peer, 5_000, texts)
    assert 0.8 * len(texts) < len(delays) <= len(texts)
    assert min(delays) >= 0


async def test_figure_without_proof_does_not_count(peer: Peer) -> None:
    """A run whose books end elsewhere than the exchange's is no measurement."""
    books = peer.facts["books"]
    symbol, (bid, ask, checksum) = next(iter(books.items()))
    peer.facts["books"] = {**books, symbol: (bid, ask, checksum ^ 1)}
    try:
        with pytest.raises(NotMeasured, match=symbol):
            await full(peer, 0, lambda _kraken, _done: None)
    finally:
        peer.facts["books"] = books
        await asyncio.sleep(0)
