"""`state/ladder.py`: the fast ways of a book hold, prove and explain exactly what the strict way does, whatever the tokens look like."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state.checksum import Decimals
from krakenwire.state.ladder import Ladder
from krakenwire.state.level2 import Level2Book
from krakenwire.state.proof import Doubt
from krakenwire.state.side import OddToken
from krakenwire.wire.book import BookData, BookLevel
from krakenwire.wire.numbers import LossyText

DECIMALS = (1, 3)


class StrictBook(Level2Book):
    """A book that reads every message the strict way, level by level."""

    __slots__ = ()

    replace = Level2Book._replace_slowly

    def apply(self, data: BookData) -> Doubt | None:
        if self.verified:
            self._proven = (self.asks.ten, self.bids.ten)
        return self._apply_slowly(data)


def plain(units: int, decimals: int) -> str:
    """An integer as a token with these fraction digits."""
    whole, fraction = divmod(units, 10**decimals)
    return f"{whole}.{fraction:0{decimals}}"


PRICES = st.integers(1, 60).map(lambda units: plain(units, 1))
QUANTITIES = st.sampled_from([0, 0, 1, 50, 1000, 12345]).map(lambda units: plain(units, 3))
ODD = st.sampled_from(
    [
        *(
            "2.50",
            "235",
            "23456",
            "2",
            "02.5",
            "25e-1",
            "2.5e0",
            ".5",
            "5.",
            "-2.5",
            "+2.5",
            " 2.5",
            "2.5 ",
            "2_5.5",
            "2.5.5",
            "0.0",
            "00.0",
        ),
        *(
            "\u0662.5",
            "NaN",
            "",
            "1" * 30 + ".5",
            "1" * 50 + ".5",
            "12345678901234567.5",
            "0.000",
            "0.0.000",
            "1.2.345",
        ),
        *(None, True, 2, 0, 2.5, [1], LossyText("2.5"), LossyText("2.500"), LossyText("2")),
    ]
)
LEVELS = st.builds(BookLevel, PRICES, QUANTITIES)
ODD_LEVELS = st.builds(BookLevel, PRICES | ODD, QUANTITIES | ODD)


def sides(levels: st.SearchStrategy[BookLevel]) -> st.SearchStrategy[tuple[BookLevel, ...]]:
    return st.lists(levels, max_size=5).map(tuple)


MESSAGES = st.tuples(sides(LEVELS), sides(LEVELS)) | st.tuples(sides(ODD_LEVELS), sides(LEVELS))
SNAPSHOT_SIDES = st.lists(st.integers(1, 60), max_size=16, unique=True).map(
    lambda units: tuple(BookLevel(plain(each, 1), plain(7 * each, 3)) for each in sorted(units))
)
CHECKSUMS = st.sampled_from(["right", "right", "right", "wrong", "none"])


def stated(book: Level2Book, data: BookData, kind: str, *, snapshot: bool) -> BookData:
    """The message with the checksum that the strict way computes for it, with another, or with none."""
    trial: Any = deepcopy(book)
    (trial.replace if snapshot else trial.apply)(data)
    right = trial._computed
    checksum = {"right": right, "wrong": right ^ 1, "none": None}[kind]
    return BookData(data.symbol, data.bids, data.asks, checksum, "t")


def seen(book: Level2Book) -> tuple[Any, ...]:
    """Everything that a reader can learn of a book."""
    view = book.view()
    facts = (book.verified, book.decimals, book.checksum, book.crossed, book.bids.top, book.asks.top)
    return (*facts, view.bids, view.asks, book.explain())


@pytest.mark.fault("J8", "J9", "J10", "B4", "B8", "B9")
@given(
    given_decimals=st.sampled_from([DECIMALS, None]),
    depth=st.sampled_from([3, 10, 12]),
    bids=SNAPSHOT_SIDES,
    asks=SNAPSHOT_SIDES,
    updates=st.lists(st.tuples(MESSAGES, CHECKSUMS), max_size=12),
)
def test_updates(
    given_decimals: Decimals | None, depth: int, bids: Any, asks: Any, updates: list[Any]
) -> None:
    """After any snapshot and any updates the fast way has the verdict, the levels and the evidence of the strict way."""
    fast = Level2Book("X/Y", depth, decimals=given_decimals)
    strict = StrictBook("X/Y", depth, decimals=given_decimals)
    snapshot = stated(strict, BookData("X/Y", bids[::-1], asks), "right", snapshot=True)
    assert fast.replace(snapshot) == strict.replace(snapshot)
    assert seen(fast) == seen(strict)
    for (some_bids, some_asks), kind in updates:
        update = stated(strict, BookData("X/Y", some_bids, some_asks), kind, snapshot=False)
        was_verified, before = strict.verified, strict.view()
        found = fast.apply(update)
        assert found == strict.apply(update)
        if found is not None and found.wrong and found.computed is None:
            # A message that cannot be read has perhaps been taken in half. Nobody reads such a book until its next snapshot.
            return
        if was_verified and found is not None:
            verified = [*before.asks[:10], *before.bids[:10]]
            assert all(each.verified in verified for each in fast.explain() if each.verified is not None)
        assert seen(fast) == seen(strict)


@pytest.mark.fault("J8", "J9", "J10", "J12")
@given(
    given_decimals=st.sampled_from([DECIMALS, None]),
    bids=SNAPSHOT_SIDES,
    asks=SNAPSHOT_SIDES,
    odd=st.lists(st.tuples(st.booleans(), st.integers(0, 20), ODD_LEVELS), max_size=2),
    kind=CHECKSUMS,
)
def test_snapshots(given_decimals: Decimals | None, bids: Any, asks: Any, odd: list[Any], kind: str) -> None:
    """A snapshot read in bulk gives the same book as one read level by level, in order or not, plain or not."""
    held = {True: list(bids[::-1]), False: list(asks)}
    for side, place, level in odd:
        held[side].insert(place, level)
    fast = Level2Book("X/Y", 10, decimals=given_decimals)
    strict = StrictBook("X/Y", 10, decimals=given_decimals)
    data = BookData("X/Y", tuple(held[True]), tuple(held[False]))
    snapshot = stated(strict, data, kind, snapshot=True)
    assert fast.replace(snapshot) == strict.replace(snapshot)
    assert seen(fast) == seen(strict)


def side_of(*levels: tuple[str, str], depth: int = 10, decimals: Decimals = (1, 8)) -> Ladder:
    """Asks that hold these levels, best first."""
    ladder = Ladder(descending=False, depth=depth)
    ladder.use(decimals)
    ladder.fill(tuple(BookLevel(*level) for level in levels))
    return ladder


@pytest.mark.fault("J9")
@pytest.mark.parametrize(
    ("decimals", "price", "qty"),
    [
        ((1, 8), "1" * 25 + ".5", "1.00000000"),
        ((1, 8), "1.5", "1" * 40 + ".00000000"),
        ((1, 8), "1.5", "1.2.34567890"),
        ((1, 8), "1.5", "0.0.00000005"),
        ((1, 8), "0.0", "1.00000000"),
        ((1, 8), ".5", "1.00000000"),
        ((1, 8), "1.5", ".00000001"),
        ((1, 8), "-1.5", "1.00000000"),
        ((1, 8), "a.5", "1.00000000"),
        ((1, 8), "1/.5", "1.00000000"),
        ((1, 8), "115", "1.00000000"),
        ((1, 8), "1.5", "1.0000000"),
        ((1, 8), "1.50", "1.00000000"),
        ((0, 8), "5.", "1.00000000"),
        ((22, 8), "1." + "1" * 22, "1.00000000"),
        ((30, 30), "0." + "1" * 30, "0." + "1" * 30),
    ],
    ids=lambda value: str(value)[:14],
)
def test_what_the_fast_way_leaves_alone(decimals: Decimals, price: str, qty: str) -> None:
    """No token that is no plain number, has other fraction digits or may be out of bounds is taken by the fast ways."""
    level = (BookLevel(price, qty),)
    ladder = Ladder(descending=False, depth=10)
    ladder.use(decimals)
    with pytest.raises((OddToken, ValueError)):
        ladder.change(level)
    with pytest.raises(OddToken):
        ladder.fill(level)
    assert ladder.levels == []


def test_digits_are_made_when_a_level_rises() -> None:
    """A level below the tenth has no digits until those above it go; then the checksum's input is complete."""
    prices = [f"{100 + at}.0" for at in range(12)]
    ladder = side_of(*((price, "1.00000000") for price in prices), depth=25)
    ladder.change((BookLevel("100.0", "0.00000000"), BookLevel("101.0", "0.00000000")))
    assert ladder.text == b"".join(f"{price.replace('.', '')}100000000".encode() for price in prices[2:])
    assert [level.price_text for level in ladder.ten] == prices[2:]


@pytest.mark.fault("B9")
@pytest.mark.parametrize("unordered", [False, True])
def test_a_snapshot_is_cut(unordered: bool) -> None:
    """Of a snapshot that is wider than the depth only the best levels are held, in whatever order they came."""
    levels = tuple(BookLevel(f"{100 + at}.0", "1.00000000") for at in range(5))
    book = Level2Book("X/Y", 3)
    book.replace(BookData("X/Y", (), (levels[1], levels[0], *levels[2:]) if unordered else levels))
    assert book.view().asks == levels[:3]


@pytest.mark.fault("B9")
def test_depth_is_cut_after_the_whole_message() -> None:
    """A level added and another removed in one message leave all the others, whichever comes first."""
    levels = [(f"{100 + at}.0", "1.00000000") for at in range(3)]
    for changes in (("99.0", "102.0"), ("102.0", "99.0")):
        ladder = side_of(*levels, depth=3)
        ladder.change(tuple(BookLevel(price, f"{price == '99.0':d}.00000000") for price in changes))
        assert [level.price_text for level in ladder.levels] == ["99.0", "100.0", "101.0"]


def test_long_prices_without_known_digits() -> None:
    """Prices of more digits than a calculation keeps stay apart, on both sides, while the fraction digits are not known."""
    for descending in (True, False):
        ladder = Ladder(descending=descending, depth=10)
        for last in "132":
            ladder.put(BookLevel(f"1.{'0' * 35}{last}", "1"))
        assert [level.price_text[-1] for level in ladder.levels] == (
            ["3", "2", "1"] if descending else ["1", "2", "3"]
        )
