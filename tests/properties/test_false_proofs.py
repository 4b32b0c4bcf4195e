"""The hostile search: whatever happens to the bytes of a stream, no state that the exchange never had is called verified."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.properties.hostile import EVERY_BYTE, MEANINGFUL, TELLING, Listener, edits
from tests.session.exchange import Exchange
from tests.session.order_exchange import OrderExchange
from tests.session.say import ack

Market = Exchange | OrderExchange


@dataclass(frozen=True)
class Case:
    """A kind of stream."""

    name: str
    market: dict[str, Any] = field(default_factory=dict)
    told: bool = False
    """Whether `instrument` has told the precisions."""
    parsed: bool = False
    """Whether the program hands in what `json.loads` makes of a frame, floats and all."""
    one_sided: bool = False
    level3: bool = False

    def exchange(self) -> Market:
        """A new market of this kind."""
        market: Market = OrderExchange(**self.market) if self.level3 else Exchange(**self.market)
        if self.one_sided:
            market.asks.clear()
        return market

    def before(self, market: Market) -> list[bytes]:
        """What the program heard before the first snapshot."""
        if isinstance(market, OrderExchange):
            return []
        return [ack("subscribe", depth=market.depth), *([market.instrument()] if self.told else [])]


CHEAP = {"levels": 3, "best_bid": "0.00001234", "step": "0.00000001", "decimals": (8, 8)}
WHOLE = {"levels": 3, "best_bid": "63000", "step": "2", "decimals": (0, 8)}
POINTLESS = {"levels": 3, "best_bid": "63000", "step": "2", "decimals": (0, 0)}
CASES = [
    Case("usual", {"levels": 3, "best_bid": "63000.0", "step": "0.5"}, told=True),
    Case("untold", {"levels": 3, "best_bid": "63000.0", "step": "0.5"}),
    Case("cheap", CHEAP, told=True),
    Case("cheap, untold", CHEAP),
    Case("whole prices", WHOLE),
    Case("no points at all", POINTLESS),
    Case("no points at all, told", POINTLESS, told=True),
    Case("one level, untold", {"levels": 1}, one_sided=True),
    Case("one level", {"levels": 1}, told=True, one_sided=True),
    Case("one level through floats", {"levels": 1}, parsed=True, one_sided=True),
    Case("floats", {"levels": 2}, parsed=True),
    Case("floats, told", CHEAP, told=True, parsed=True),
    Case("orders", {"levels": 3}, level3=True),
    Case("cheap orders", CHEAP, level3=True),
    Case("orders without points", POINTLESS, level3=True),
    Case("one order", {"levels": 1}, one_sided=True, level3=True),
]
DEEP = [
    Case("depth 10", {"depth": 10, "levels": 12, "best_bid": "63000.0", "step": "0.5"}),
    Case("depth 25", {"depth": 25, "levels": 27, "best_bid": "63000.0", "step": "0.5"}, told=True),
    Case("depth 25, cheap", CHEAP | {"depth": 25, "levels": 27, "best_bid": "0.00123400"}),
    Case("orders, depth 10", {"levels": 11}, level3=True),
]


def said(market: Market, rng: random.Random) -> bytes:
    """The next frame of a market; a small one goes on changing without emptying."""
    while True:
        if isinstance(market, OrderExchange):
            frame = market.act([market.any_change(rng)])
        else:
            price = rng.choice([*market.bids])
            side: Any = ("bid", price, Decimal(rng.randint(1, 9)))
            frame = market.act([side if len(market.bids) < 2 else market.any_change(rng)])
        if frame is not None:
            return frame


def search(case: Case, edits_of: Any, *, snapshots: bool = True) -> int:
    """Edit one frame of a stream in every way, play it with the frames before and after; how many ways there were."""
    market, rng = case.exchange(), random.Random(1)
    before = case.before(market)
    snapshot, update, after = market.snapshot(), said(market, rng), said(market, rng)
    streams = [[*before, edit, update] for edit in (edits_of(snapshot) if snapshots else ())]
    streams += [[*before, snapshot, edit, after] for edit in edits_of(update)]
    for stream in streams:
        assert Listener(stream, parsed=case.parsed).proven <= market.states, stream
    return len(streams)


@pytest.mark.fault("B4", "J1", "J7", "J8", "J10")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_byte(case: Case) -> None:
    """Replace, remove, insert or swap any byte of a snapshot or an update: nothing false is ever verified."""
    # Every broken snapshot of floats is searched for its precisions; fewer edits keep that short.
    replacements, insertions = (b"0.", b"0.") if case.parsed else (TELLING, b"0.")
    assert search(case, lambda frame: edits(frame, replacements, insertions)) > 1500


@pytest.mark.fault("B4")
@pytest.mark.parametrize("case", DEEP, ids=lambda case: case.name)
def test_every_byte_of_an_update(case: Case) -> None:
    """Replace, remove, insert or swap any byte of an update of a full window: nothing false is ever verified."""
    assert search(case, lambda frame: edits(frame, TELLING, b"0."), snapshots=False) > 1000


@pytest.mark.exhaustive
@pytest.mark.fault("B4", "J1", "J7", "J8", "J10")
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("case", [*CASES, *DEEP], ids=lambda case: case.name)
def test_every_value_of_every_byte(case: Case) -> None:
    """The same with all 256 values in every place, and every meaningful byte put in everywhere."""
    found = search(case, lambda frame: edits(frame, EVERY_BYTE, MEANINGFUL), snapshots=case in CASES)
    assert found > 50_000


# ---------------------------------------------------------------- whole frames lost, repeated, out of order


def heard(frames: Iterable[bytes]) -> set[Any]:
    """Every state that a listener to these frames takes for proven."""
    return Listener(frames).proven


@pytest.mark.fault("B1", "B2", "B3")
@pytest.mark.parametrize("market", [Exchange, OrderExchange])
def test_dropped_repeated_swapped(market: type[Market]) -> None:
    """Whichever frame is missing, repeated or swapped, what is verified the exchange had."""
    exchange = market()
    frames = exchange.stream(30)
    assert heard(frames) == exchange.states
    for at in range(len(frames)):
        dropped = frames[:at] + frames[at + 1 :]
        repeated = frames[: at + 1] + frames[at:]
        swapped = frames[:at] + frames[at : at + 2][::-1] + frames[at + 2 :]
        for stream in (dropped, repeated, swapped):
            assert heard(stream) <= exchange.states


@pytest.mark.fault("B1", "B2", "B3")
@given(st.data(), st.sampled_from([Exchange, OrderExchange]), st.integers(1, 5))
def test_any_order(data: st.DataObject, market: type[Market], seed: int) -> None:
    """In whatever order, with whatever frames missing or repeated, what is verified the exchange had."""
    exchange = market()
    frames = exchange.stream(12, seed)
    order = data.draw(st.lists(st.integers(0, 12), max_size=20) | st.permutations(range(13)))
    assert heard(frames[:1] + [frames[at] for at in order]) <= exchange.states
