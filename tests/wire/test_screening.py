"""`wire/screening.py`: the exact check refuses what the types let through and nobody may calculate with, and names it."""

from __future__ import annotations

import msgspec
import pytest

from krakenwire.wire.codec import CHANNELS
from krakenwire.wire.enums import MessageType
from krakenwire.wire.screening import entry_problem, problems
from tests.vectors.samples import FRAMES


@pytest.mark.parametrize("channel", [name for name in FRAMES if name not in {"heartbeat", "status"}])
def test_exact_check_passes_samples(channel: str) -> None:
    """The exact check finds nothing in a frame of any channel as Kraken sends it."""
    message = msgspec.json.Decoder(CHANNELS[channel], float_hook=str).decode(FRAMES[channel])
    assert problems(FRAMES[channel], message) is None


@pytest.mark.fault("J9")
@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b'"price":74000.1', b'"price":-1', "bids[0].price: negative"),
        (b'"price":74000.1', b'"price":0.0', "bids[0].price: zero"),
        (b'"qty":1.50000000', b'"qty":-1', "bids[0].qty: negative"),
        (b'"qty":1.50000000', b'"qty":true', "bids[0].qty: expected a number, got bool"),
    ],
)
def test_book_levels(old: bytes, new: bytes, reason: str) -> None:
    """The exact check names the level of a book that cannot be used."""
    frame = FRAMES["book"].replace(old, new)
    data = msgspec.json.Decoder(CHANNELS["book"], float_hook=str).decode(frame).data[0]  # type: ignore[attr-defined]
    assert entry_problem(data, {}, MessageType.UPDATE) == reason
