"""Level 2 books that are proven at every message: golden vectors, and what may never be called proven."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from krakenwire.state.checksum import Decimals
from krakenwire.state.level2 import Level2Book
from krakenwire.state.proof import Doubt
from krakenwire.wire.book import BookData, BookLevel
from krakenwire.wire.numbers import LossyText
from tests.vectors import books
from tests.vectors.books import Levels, checksum, pairs


def message(asks: Levels, bids: Levels, expected: int | None) -> BookData:
    """A book message of these levels."""
    return BookData(
        "BTC/USD",
        tuple(BookLevel(price, qty) for price, qty in bids),
        tuple(BookLevel(price, qty) for price, qty in asks),
        expected,
        None,
    )


def book_of(
    asks: Levels, bids: Levels, expected: int, depth: int = 10, decimals: Decimals | None = None
) -> Level2Book:
    """A book that a snapshot has proven."""
    book = Level2Book("BTC/USD", depth, decimals=decimals)
    assert book.replace(message(asks, bids, expected)) is None
    assert book.verified
    return book


def refused(book: Level2Book, asks: Levels, bids: Levels, wrong: int) -> int | None:
    """What the book computes over a snapshot that carries a wrong value, which it must not take."""
    doubt = book.replace(message(asks, bids, wrong))
    assert doubt is not None
    assert (doubt.wrong, doubt.expected, book.verified) == (True, wrong, False)
    return doubt.computed


def lossy(levels: Levels) -> Levels:
    """The same levels, parsed through floats; an exponent says so by itself."""
    return [(LossyText(price), qty if "e" in qty else LossyText(qty)) for price, qty in levels]


# ---------------------------------------------------------------- golden vectors


def test_v1() -> None:
    """Kraken's guide example gives 3310070434, as an unsigned number."""
    assert book_of(books.V1_ASKS, books.V1_BIDS, 3310070434).checksum == 3310070434
    assert refused(Level2Book("BTC/USD", 10), books.V1_ASKS, books.V1_BIDS, 3310070434 - 2**32) == 3310070434


def test_v2() -> None:
    """Kraken's channel example verifies as snapshot and as update, with its trailing zeros."""
    book = book_of(books.V2_ASKS, books.V2_BIDS, 2439117997)
    assert book.apply(message([], books.V2_UPDATE, 2114181697)) is None


@pytest.mark.fault("J10")
@pytest.mark.parametrize("expected", [books.V2, books.V2_UNPADDED])
def test_v2_without_zeros(expected: int) -> None:
    """The same levels with their trailing zeros cut are never called verified, not even under the value they give."""
    short_asks, short_bids = (
        [(p.rstrip("0"), q.rstrip("0")) for p, q in side] for side in (books.V2_ASKS, books.V2_BIDS)
    )
    assert checksum(short_asks, short_bids) == 3830085102
    for decimals in (None, (4, 8)):
        book = Level2Book("MATIC/USD", 10, decimals=decimals)
        doubt = book.replace(message(short_asks, short_bids, expected))
        assert doubt is not None
        assert not doubt.wrong
        assert not book.verified


@pytest.mark.fault("B9")
def test_v3() -> None:
    """A removal that brings the next level into the window verifies at each step."""
    book = book_of(books.V3_ASKS, books.V3_BIDS, 2459006653)
    for asks, expected in books.V3_STEPS:
        assert book.apply(message(asks, [], expected)) is None
    assert [expected for _, expected in books.V3_STEPS] == [3437785338, 1758305755]


@pytest.mark.fault("J10")
def test_v4() -> None:
    """Numbers that came through a tool's floats verify when they are padded; the value of the printed tokens is refused."""
    asks, bids = lossy(books.V4_ASKS), lossy(books.V4_BIDS)
    for decimals in ((1, 8), None):
        assert book_of(asks, bids, 2552662837, decimals=decimals).decimals == (1, 8)
    assert refused(Level2Book("BTC/USD", 10, decimals=(1, 8)), asks, bids, 3510525449) == 2552662837
    doubt = Level2Book("BTC/USD", 10).replace(message(asks, bids, 3510525449))
    assert doubt is not None
    assert not doubt.wrong


@pytest.mark.fault("J10")
@pytest.mark.parametrize("decimals", [(1, 8), None])
@pytest.mark.parametrize("part", ["prices", "quantities", "both"])
def test_exponents(part: str, decimals: Decimals | None) -> None:
    """A book of which some numbers come in exponent form is proven, whether its precision is told or found."""
    asks = [
        (
            f"{Decimal(p):e}" if part != "quantities" and at % 2 else p,
            f"{Decimal(q):e}" if part != "prices" and at % 3 else q,
        )
        for at, (p, q) in enumerate(books.V1_ASKS)
    ]
    book = book_of(asks, books.V1_BIDS, books.V1, decimals=decimals)
    assert [(x.price_text, x.qty_text) for x in book.view().asks] == books.V1_ASKS
    more = [*books.V1_ASKS[1:], ("45300.0", "2.50000000")]
    update = [("4.52852e4", "0e0"), ("4.53e4", "25e-1")]
    assert book.apply(message(update, [], checksum(more, books.V1_BIDS))) is None


@pytest.mark.fault("B9")
def test_v6() -> None:
    """A level that is pushed out of the window never comes back as a ghost; in one message the last entry wins."""
    book = book_of(books.V6_ASKS, books.V6_BIDS, 1148475901)
    assert book.apply(message(books.V6_PUSH, [], 2746864087)) is None
    assert book.apply(message(books.V6_PULL, [], 2798431287)) is None
    assert book.apply(message(books.V6_SET_TWICE, [], 2654938914)) is None


@pytest.mark.fault("B9")
def test_v6_without_truncation() -> None:
    """A book that is held deeper than the subscription shows the known wrong value, and is not verified."""
    book = book_of(books.V6_ASKS, books.V6_BIDS, 1148475901, depth=25)
    assert book.apply(message(books.V6_PUSH, [], 2746864087)) is None
    doubt = book.apply(message(books.V6_PULL, [], 2798431287))
    assert doubt == Doubt(wrong=True, reason="checksum", expected=2798431287, computed=1148475901)
    assert not book.verified


@pytest.mark.fault("J12")
@pytest.mark.parametrize(
    ("asks", "bids", "expected"),
    [
        (books.CHEAP_ASKS, books.CHEAP_BIDS, 2527010278),
        ([], books.ONE_BID_LEVELS, 491457523),
        ([], [], 0),
    ],
    ids=["cheap", "one side", "empty"],
)
def test_edges(asks: Levels, bids: Levels, expected: int) -> None:
    """Cheap, one-sided and empty books verify; a side without levels has no best price."""
    decimals = (1, 8) if bids == books.ONE_BID_LEVELS else None
    book = book_of(asks, bids, expected, decimals=decimals)
    if not asks:
        assert book.view().best_ask is None


# ---------------------------------------------------------------- digits nobody has told


@pytest.mark.fault("J10", "B4")
@pytest.mark.parametrize(
    "bids", ["100.0 1.00000000", "1000 1.00000000", "10.00 1.00000000", "100.0 100000000"]
)
def test_one_level_alone(bids: str) -> None:
    """One level does not show where its point belongs, and is unproven until another agrees or the pair's precision is known."""
    book = Level2Book("BTC/USD", 10)
    doubt = book.replace(message([], pairs(bids), books.ONE_BID))
    assert doubt == Doubt(
        wrong=False, reason="one level alone does not show its fraction digits", expected=books.ONE_BID
    )
    more = pairs("102.0 3.00000000")
    doubt = book.apply(message(more, [], checksum(more, books.ONE_BID_LEVELS)))
    assert book.verified is (doubt is None) is (bids == "100.0 1.00000000")
    known = Level2Book("BTC/USD", 10, decimals=(1, 8))
    known.replace(message([], pairs(bids), books.ONE_BID))
    assert known.verified is (bids == "100.0 1.00000000")


def test_empty_book_fills() -> None:
    """A book that began empty learns its digits from the first two levels, and keeps them when it is empty again."""
    book = book_of([], [], 0)
    first, second = books.ONE_BID_LEVELS, pairs("99.0 2.00000000")
    assert book.apply(message([], first, books.ONE_BID)) is not None
    assert book.apply(message([], second, checksum(first + second))) is None
    gone = pairs("100.0 0.00000000, 99.0 0.00000000, 1.0 0.00000000")
    assert book.apply(message([], gone, 0)) is None
    assert book.apply(message([], first, books.ONE_BID)) is None
    assert book.decimals == (1, 8)


def test_precision_learned_later() -> None:
    """Once `instrument` tells the precision of a single level, the next message proves it."""
    book = Level2Book("BTC/USD", 10)
    book.replace(message([], books.ONE_BID_LEVELS, books.ONE_BID))
    assert book.set_given_decimals((1, 8))
    assert book.apply(message([], [], books.ONE_BID)) is None
    assert not book.set_given_decimals((2, 8))


@pytest.mark.fault("J10")
@pytest.mark.parametrize("decimals", [(1, 8), None])
def test_more_digits_than_a_float(decimals: Decimals | None) -> None:
    """A number that a float may have rounded makes the book unproven, not wrong, until it has left the ten best."""
    sent, shown = "123456789012.12345678", LossyText(repr(123456789012.12345678))
    asks, bids = pairs("101.0 1.00000000, 102.0 1.00000000"), pairs("100.0 1.00000000")
    book = book_of(asks, bids, checksum(asks, bids), decimals=decimals)
    doubt = book.apply(message([], [("99.0", shown)], checksum(asks, [*bids, ("99.0", sent)])))
    assert doubt == Doubt(
        wrong=False,
        reason="a number has more digits than a float",
        expected=checksum(asks, [*bids, ("99.0", sent)]),
    )
    assert not book.verified
    assert book.apply(message([], pairs("99.0 0.00000000"), checksum(asks, bids))) is None
    for level, true in ((("99.0", shown), ("99.0", sent)), ((shown, "1.00000000"), (sent, "1.00000000"))):
        doubt = book.replace(message(asks, [*bids, level], checksum(asks, [*bids, true])))
        assert doubt is not None
        assert not doubt.wrong
    far = (LossyText(repr(123456789012345.1)), "1.00000000"), ("123456789012345.3", "1.00000000")
    book = book_of(asks, bids, checksum(asks, bids), decimals=decimals)
    doubt = book.apply(message([far[0]], [], checksum([*asks, far[1]], bids)))
    assert doubt is not None
    assert not doubt.wrong


# ---------------------------------------------------------------- views


def test_view() -> None:
    """A view holds the levels asked for, best first, with its prices and spread, and cannot be changed."""
    book = book_of(books.V1_ASKS, books.V1_BIDS, books.V1)
    view = book.view()
    assert [(x.price_text, x.qty_text) for x in view.asks] == books.V1_ASKS
    assert [(x.price_text, x.qty_text) for x in view.bids] == books.V1_BIDS
    assert (view.best_bid, view.best_ask, view.spread) == (
        Decimal("45283.5"),
        Decimal("45285.2"),
        Decimal("1.7"),
    )
    assert (view.depth, view.proven_depth, view.crossed) == (10, 10, False)
    small = book.view(3)
    assert (small.asks, small.bids) == (view.asks[:3], view.bids[:3])
    assert (small.depth, small.proven_depth) == (3, 3)
    with pytest.raises(AttributeError):
        view.checksum = 1  # type: ignore[misc]
    book.apply(message(pairs("45285.2 0.00000000"), [], 1))
    assert (view.verified, view.best_ask) == (True, Decimal("45285.2"))


@pytest.mark.fault("J12")
def test_view_of_one_side() -> None:
    """Where a side is empty there is no best price and no spread."""
    view = book_of([], books.ONE_BID_LEVELS, books.ONE_BID, decimals=(1, 8)).view()
    assert (view.best_bid, view.best_ask, view.spread) == (Decimal(100), None, None)
    other = book_of(books.ONE_BID_LEVELS, [], books.ONE_BID, decimals=(1, 8)).view()
    assert (other.best_bid, other.best_ask, other.spread) == (None, Decimal(100), None)


def test_explanation() -> None:
    """After a failure the book names each of the ten best levels that is not as it was last proven, with what stood there."""
    book = book_of(books.V6_ASKS, books.V6_BIDS, books.V6)
    assert book.explain() == ()
    assert book.apply(message(pairs("2000.5 0.00000000"), pairs("1995.5 9.00000000"), 1)) is not None
    first, *others, last = book.explain()
    assert (first.side, first.position, str(first.verified), str(first.now)) == (
        "ask",
        1,
        "2000.5 x 0.50000000",
        "2001.0 x 0.62500000",
    )
    assert [(each.side, each.position) for each in others] == [("ask", n) for n in range(2, 11)]
    assert (others[-1].now, last.side, last.position, str(last.now)) == (
        None,
        "bid",
        10,
        "1995.5 x 9.00000000",
    )


def test_explanation_after_updates() -> None:
    """What a failure is compared with is the state after the last proven update, on either side, not the snapshot."""
    asks, bids = pairs("101.0 1.0, 102.0 1.0"), pairs("100.0 1.0, 99.0 1.0")
    book = book_of(asks, bids, checksum(asks, bids))
    asks, bids = pairs("101.0 5.0, 102.0 1.0"), pairs("100.0 1.0, 99.0 1.0")
    assert book.apply(message(pairs("101.0 5.0"), [], checksum(asks, bids))) is None
    bids = pairs("100.0 6.0, 99.0 1.0")
    assert book.apply(message([], pairs("100.0 6.0"), checksum(asks, bids))) is None
    assert book.apply(message(pairs("102.0 2.0"), [], 1)) is not None
    assert [(x.side, x.position, str(x.verified), str(x.now)) for x in book.explain()] == [
        ("ask", 2, "102.0 x 1.0", "102.0 x 2.0")
    ]


def test_time_of_the_last_message() -> None:
    """The view tells the time and the checksum of the last message, whether it proved the book or not."""
    book = book_of(books.V3_ASKS, books.V3_BIDS, books.V3)
    assert book.view().timestamp is None
    for (asks, expected), stamp in zip(books.V3_STEPS, ("first", "second"), strict=True):
        book.apply(replace(message(asks, [], expected), timestamp=stamp))
        assert (book.view().timestamp, book.view().checksum) == (stamp, expected)
    book.apply(replace(message([], [], None), timestamp="third"))
    assert (book.view().timestamp, book.view().checksum, book.view().verified) == ("third", None, False)


def test_snapshot_forgets_everything() -> None:
    """A snapshot leaves nothing of what was before: no level, no digits, no proof."""
    book = book_of(books.V1_ASKS, books.V1_BIDS, books.V1)
    finer = pairs("7.25 1.5, 8.25 2.5")
    assert book.replace(message(finer, [], checksum(finer))) is None
    assert (book.decimals, len(book.view().asks), book.view().bids) == ((2, 1), 2, ())
    uneven = pairs("7.25 1.5, 8.5 2.5")
    assert book.replace(message(uneven, [], checksum(uneven))) is not None
    assert ([x.price for x in book.view().asks], book.verified) == ([Decimal("7.25"), Decimal("8.5")], False)
    unreadable = book.replace(message([("x", "1")], [], 0))
    assert unreadable is not None
    assert unreadable.wrong
    assert (book.view().asks, book.verified) == ((), False)


@pytest.mark.fault("J10")
@pytest.mark.parametrize(
    "level", ["45286.40 1.54571953", "45286 1.54571953", "45286.4 1.5457195", "45286.4 1"]
)
def test_other_fraction_digits_in_an_update(level: str) -> None:
    """A plain number with other fraction digits than the book's contradicts it, even if nothing but zeros is missing."""
    book = book_of(books.V1_ASKS, books.V1_BIDS, books.V1)
    doubt = book.apply(message(pairs(level), [], books.V1))
    reason = "a token does not have 1 (price) or 8 (quantity) fraction digits"
    assert doubt == Doubt(wrong=True, reason=reason, expected=books.V1)
    assert not book.verified


def test_given_precision_counts_from_the_next_snapshot() -> None:
    """A precision that contradicts the levels held is what the next snapshot has to have."""
    book = book_of(books.V1_ASKS, books.V1_BIDS, books.V1)
    assert not book.set_given_decimals((2, 8))
    doubt = book.replace(message(books.V1_ASKS, books.V1_BIDS, books.V1))
    assert doubt is not None
    assert not doubt.wrong
    finer = [(f"{price}0", qty) for price, qty in books.V1_ASKS]
    assert book.replace(message(finer, [], checksum(finer))) is None


# ---------------------------------------------------------------- messages


@pytest.mark.fault("B8")
def test_removal_of_unknown_price() -> None:
    """The removal of a price that is not there is counted, and the checksum decides."""
    book = book_of(books.V1_ASKS, books.V1_BIDS, books.V1)
    assert book.apply(message(pairs("45288.0 0.00000000"), [], books.V1)) is None
    assert book.unknown_removals == 1


@pytest.mark.parametrize(
    "prices",
    [
        ("0.000000000001235", "0.000000000001234"),
        ("0.00000000000000012341", "0.00000000000000012340"),
        ("123456789012345678.3", "123456789012345678.2"),
        ("0000000000000000101.0", "0000000000000000100.0"),
    ],
    ids=["15 decimals", "20 decimals", "19 digits", "leading zeros"],
)
def test_one_price_is_one_level(prices: tuple[str, str]) -> None:
    """A price stands once in its book, whether its messages were read the fast way or the slow one."""
    ask, bid = prices
    asks, bids = [(ask, "1.0")], [(bid, "1.0")]
    book = book_of(asks, bids, checksum(asks, bids))
    for qty in ("2.0", "3.0"):
        bids = [(bid, qty)]
        # The removal of a price that is not there makes the whole message take the slow way.
        unknown = (bid[:-1] + "9", "0.0")
        assert book.apply(message([], [*bids, unknown], checksum(asks, bids))) is None
        bids = [(bid, f"1{qty}")]
        assert book.apply(message([], bids, checksum(asks, bids))) is None
    assert [level.qty for level in book.view().bids] == [Decimal("13.0")]


@pytest.mark.fault("B1", "B3")
def test_dropped_update_is_found() -> None:
    """After a lost update the next checksum fails, and the explanation shows what changed since the last proof."""
    book = book_of(books.V3_ASKS, books.V3_BIDS, books.V3)
    doubt = book.apply(message(pairs("81782.0 0.00000000, 81784.9 0.06320000"), [], 1758305755))
    assert doubt is not None
    assert doubt.wrong
    assert doubt.expected == 1758305755
    assert not book.verified
    first = book.explain()[0]
    assert (first.side, first.position) == ("ask", 6)


@pytest.mark.fault("B2")
def test_repeated_update() -> None:
    """Levels are absolute, so the same update twice leaves the same proven book."""
    book = book_of(books.V3_ASKS, books.V3_BIDS, books.V3)
    update = message(pairs("81781.9 0.00000000, 81784.8 0.00005100"), [], 3437785338)
    assert book.apply(update) is None
    assert book.apply(update) is None


@pytest.mark.fault("B4")
@pytest.mark.parametrize("decimals", [(1, 8), None])
@pytest.mark.parametrize("side", ["asks", "bids"])
def test_every_edit_of_a_token_is_found(side: str, decimals: Decimals | None) -> None:
    """No single changed, removed, added or moved character of a price or quantity is ever called verified."""
    asks, bids = books.V1_ASKS[:3], books.V1_BIDS[:3]
    levels = asks if side == "asks" else bids
    for at, level in enumerate(levels):
        for part, token in enumerate(level):
            edits = {token[:i] + c + token[i + 1 :] for i in range(len(token)) for c in ".0123456789eE-+_ "}
            edits |= {token[:i] + token[i + 1 :] for i in range(len(token))}
            edits |= {token[:i] + c + token[i:] for i in range(len(token) + 1) for c in ".0123456789eE-+_ "}
            bare = token.replace(".", "")
            edits |= {bare[:i] + "." + bare[i:] for i in range(len(bare) + 1)}
            for edit in edits - {token}:
                changed = [*levels]
                changed[at] = (edit, level[1]) if part == 0 else (level[0], edit)
                book = Level2Book("BTC/USD", 10, decimals=decimals)
                sides = (changed, bids) if side == "asks" else (asks, changed)
                book.replace(message(sides[0], sides[1], checksum(asks, bids)))
                if book.verified:
                    view = book.view()
                    shown = [(x.price, x.qty) for x in (*view.asks, *view.bids)]
                    assert shown == [(Decimal(p), Decimal(q)) for p, q in asks + bids], edit


@pytest.mark.fault("J9")
@pytest.mark.parametrize("token", books.HOSTILE_TEXTS)
def test_hostile_numbers(token: str) -> None:
    """A price that is no number, not positive or out of bounds makes the book wrong; it never enters it."""
    book = book_of(books.V1_ASKS, books.V1_BIDS, books.V1)
    doubt = book.apply(message([(token, "1.00000000")], [], books.V1))
    assert doubt is not None
    assert doubt.wrong
    assert not book.verified


@pytest.mark.fault("J8")
@pytest.mark.parametrize("token", books.OTHER_TYPES)
def test_wrong_types(token: object) -> None:
    """A price of another JSON type makes the book wrong, without an exception."""
    book = book_of(books.V1_ASKS, books.V1_BIDS, books.V1)
    update = BookData("BTC/USD", (), (BookLevel(token, "1.00000000"),), books.V1, None)
    doubt = book.apply(update)
    assert doubt is not None
    assert doubt.wrong
