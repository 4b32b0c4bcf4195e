"""Two numbers changed at once so that the checksum's input stays the same: what the rules still catch, and the limit that remains.

The input has no points, no leading zeros and no separators. So a point may move, and a digit may move from one number to the next, unseen
by the checksum. The rule that all prices, and all quantities, of a pair have equally many fraction digits catches every moved point.
A digit that moves to the next number while both keep their fraction digits is caught by nothing; a price is then ten times too large
or too small, and Kraken's frames would have to be changed in three places at least.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import Any

import pytest

from tests.properties.hostile import Listener
from tests.session.exchange import Exchange, digits
from tests.session.order_exchange import OrderExchange

MARKETS: tuple[dict[str, Any], ...] = (
    {"levels": 4, "best_bid": "63000.1", "step": "0.7"},
    {"levels": 10, "best_bid": "63000.1", "step": "0.7"},
    {"levels": 3, "best_bid": "0.00001234", "step": "0.00000001", "decimals": (8, 8)},
    {"levels": 3, "best_bid": "63001", "step": "2", "decimals": (0, 5)},
)
Tokens = list[str]


def tokens_of(exchange: Exchange) -> Tokens:
    """Price, quantity, price, quantity in the order of the checksum."""
    bids, asks = exchange.window()
    return [text for p, q in (*asks, *bids) for text in (exchange.price(p), exchange.qty(q))]


def frame_of(exchange: Exchange, tokens: Tokens) -> bytes:
    """The snapshot with these numbers in it, and the checksum of the true ones."""
    levels = [f'{{"price":{p},"qty":{q}}}' for p, q in zip(tokens[::2], tokens[1::2], strict=True)]
    asks = len(exchange.asks)
    sides = f'"bids":[{",".join(levels[asks:])}],"asks":[{",".join(levels[:asks])}]'
    data = f'{{"symbol":"{exchange.symbol}",{sides},"checksum":{exchange.checksum()}}}'
    return f'{{"channel":"book","type":"snapshot","data":[{data}]}}'.encode()


def pointed(text: str, decimals: int) -> str:
    """Digits as a number with so many behind the point."""
    text = text.zfill(decimals + 1)
    return f"{text[:-decimals]}.{text[-decimals:]}" if decimals else text


def moved_points(token: str) -> Iterator[str]:
    """The same digits with the point elsewhere, or nowhere."""
    bare = digits(token)
    for decimals in range(12):
        if (other := pointed(bare, decimals)) != token:
            yield other


def moved_digits(tokens: Tokens, decimals: tuple[int, int]) -> Iterator[Tokens]:
    """Digits moved between two neighbouring numbers, both with the fraction digits of the pair."""
    for at, (left, right) in enumerate(pairwise(tokens)):
        both = digits(left) + digits(right)
        for cut in range(1, len(both)):
            if cut != len(digits(left)) and both[cut] != "0":
                changed = pointed(both[:cut], decimals[at % 2]), pointed(both[cut:], decimals[(at + 1) % 2])
                yield [*tokens[:at], *changed, *tokens[at + 2 :]]


@pytest.mark.fault("B4", "J10")
@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("market", MARKETS, ids=str)
def test_moved_points(market: dict[str, Any], told: bool) -> None:
    """No two points moved at once make a book verified, although the checksum's input is the same."""
    exchange = Exchange(**market)
    exchange.states.add(exchange.top())
    tokens = tokens_of(exchange)
    for one, two in combinations(range(min(len(tokens), 8)), 2):
        for first in moved_points(tokens[one]):
            for second in moved_points(tokens[two]):
                changed = [*tokens]
                changed[one], changed[two] = first, second
                before = [exchange.instrument()] if told else []
                assert Listener([*before, frame_of(exchange, changed)]).proven <= exchange.states


@pytest.mark.fault("B4", "J10")
@pytest.mark.parametrize("market", MARKETS, ids=str)
def test_swapped_fields(market: dict[str, Any]) -> None:
    """Price and quantity exchanged, in one level or in all, never make a book verified."""
    exchange = Exchange(**market)
    tokens = tokens_of(exchange)
    swapped = [text for pair in zip(tokens[1::2], tokens[::2], strict=True) for text in pair]
    for at in range(0, len(tokens), 2):
        changed = [*tokens[:at], tokens[at + 1], tokens[at], *tokens[at + 2 :]]
        assert not Listener([frame_of(exchange, changed)]).proven
    assert not Listener([frame_of(exchange, swapped)]).proven


@pytest.mark.parametrize("market", MARKETS[:2], ids=str)
def test_limit_of_the_checksum(market: dict[str, Any]) -> None:
    """Digits moved between two numbers can pass; then some price is wrong by a factor of nine at least, never by a little."""
    exchange = Exchange(**market)
    exchange.states.add(exchange.top())
    true = [price for side in exchange.top() for price, _ in side]
    passed = []
    for changed in moved_digits(tokens_of(exchange), exchange.decimals):
        for bids, asks in Listener([frame_of(exchange, changed)]).proven - exchange.states:
            shown = [price for side in (bids, asks) for price, _ in side]
            passed.append(max(max(a / b, b / a) for a, b in zip(sorted(true), sorted(shown), strict=True)))
    assert passed
    assert min(passed) > 9


@pytest.mark.fault("B4", "B11")
def test_orders_with_moved_points() -> None:
    """In a level3 book no point of any order can move, alone or together with that of another order."""
    exchange = OrderExchange(levels=2, best_bid="63000.1", step="0.7")
    frame = exchange.snapshot()
    tokens = [
        text
        for side in exchange.window()
        for order in side
        for text in (f'"limit_price":{order.price:.1f}', f'"order_qty":{order.qty:.8f}')
    ]
    for one, two in combinations(tokens, 2):
        for first in moved_points(one.partition(":")[2]):
            for second in moved_points(two.partition(":")[2]):
                changed = frame.decode()
                for old, new in ((one, first), (two, second)):
                    changed = changed.replace(old, f"{old.partition(':')[0]}:{new}", 1)
                assert not Listener([changed.encode()]).proven
