"""`session/market.py` and `session/account.py`: an event says all that the entry of its frame says."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import astuple

from krakenwire.events import BalanceUpdate, ExecutionUpdate, OHLCUpdate, TradeUpdate
from krakenwire.session import Session
from krakenwire.wire.codec import Codec
from krakenwire.wire.numbers import texts_of
from tests.vectors import account
from tests.vectors.samples import FRAMES
from tests.vectors.vector import digits

CARRIED: dict[str, tuple[bytes, type[Struct]]] = {
    "trade": (FRAMES["trade"], TradeUpdate),
    "ohlc": (FRAMES["ohlc"], OHLCUpdate),
    **{
        vector.name: (vector.frame, ExecutionUpdate if b'"executions"' in vector.frame else BalanceUpdate)
        for vector in account.VECTORS
    },
}


@pytest.mark.parametrize("name", CARRIED)
def test_an_event_says_what_the_entry_says(name: str) -> None:
    """Each entry becomes an event of its kind with every field in its place and every number readable, digit for digit."""
    frame, kind = CARRIED[name]
    message: Any = Codec().fast(frame)
    events = [event for event in Session(now=0.0).receive(frame, now=1.0) if isinstance(event, kind)]
    assert len(events) == len(message.data)
    for event, entry in zip(events, message.data, strict=True):
        assert isinstance(event, type(entry))
        told = astuple(entry)
        assert digits(astuple(event)[: len(told)]) == digits(told)
        for number in texts_of(type(entry)):
            read = getattr(event, number)
            assert digits(read) == digits(getattr(entry, number))
            assert read is None or isinstance(read, Decimal)
