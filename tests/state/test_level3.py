"""Level 3 books proven at every message: golden vectors, queues and contradictions."""

from __future__ import annotations

from decimal import Decimal
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state.level3 import Level3Book
from krakenwire.state.proof import Doubt
from krakenwire.wire.book import Level3Data, Level3Order
from krakenwire.wire.enums import Level3Event
from krakenwire.wire.numbers import LossyText
from tests.vectors import books
from tests.vectors.books import V7, V7_ASKS, V7_BIDS, Orders, levels_of, text_of

ADD, MODIFY, DELETE = Level3Event.ADD, Level3Event.MODIFY, Level3Event.DELETE
ASKS, BIDS = V7_ASKS, V7_BIDS


def message(asks: Orders = (), bids: Orders = (), checksum: int | None = None) -> Level3Data:
    """A message of these orders."""
    return Level3Data("BTC/USD", bids, asks, checksum, "2026-11-22T08:00:00.000000001Z")


def order(
    event: Level3Event | None, order_id: str, price: object, qty: object, at: str | None = None
) -> Level3Order:
    """What happened to one order."""
    return Level3Order(order_id, price, qty, at, event)


def v7_book(depth: int = 10, decimals: tuple[int, int] | None = None) -> Level3Book:
    """The book of Kraken's guide, proven."""
    book = Level3Book("BTC/USD", depth, decimals)
    assert book.replace(message(ASKS, BIDS, V7)) is None
    assert book.verified
    return book


def digits(orders: Orders) -> str:
    """Checksum input of orders in this order."""
    return text_of(levels_of(orders))


# ---------------------------------------------------------------- Kraken's example


def test_v7() -> None:
    """Kraken's guide example gives 1063832831, and the view shows its queues and exact sums."""
    book = v7_book()
    assert (book.checksum, book.decimals, book.depth) == (V7, (1, 8), 10)
    assert book.timestamp == "2026-11-22T08:00:00.000000001Z"
    view = book.view()
    assert (len(view.asks), len(view.bids), view.proven_depth) == (10, 10, 10)
    assert [o.order_id for o in view.asks[0].orders] == ["A0", "A1", "A2", "A3"]
    assert view.asks[0].qty == Decimal("4.53519654")
    assert (view.best_bid, view.best_ask) == (Decimal("44939.4"), Decimal("44939.5"))
    assert (len(book.view(3).asks), book.view(3).depth) == (3, 3)


@pytest.mark.fault("B4", "B11")
@pytest.mark.parametrize(
    "wrong",
    [4268206561, 2836668095, 3003167673, 2812123695],
    ids=["bids first", "ten orders", "sums", "floats"],
)
def test_v7_fingerprints(wrong: int) -> None:
    """What the usual mistakes make of the guide's example is refused; how each comes about shows `test_checksum.py`."""
    book = Level3Book("BTC/USD", 10)
    assert book.replace(message(ASKS, BIDS, wrong)) == Doubt(
        wrong=True, reason="checksum", expected=wrong, computed=V7
    )
    assert not book.verified


def test_v7_in_a_deeper_book() -> None:
    """Ten price levels count, with all their orders, however deep the book is."""
    more = (Level3Order("deep", "44980.0", "1.00000000"),)
    assert Level3Book("BTC/USD", 100).replace(message(ASKS + more, BIDS, V7)) is None


@pytest.mark.fault("J10")
def test_v7_through_floats() -> None:
    """Numbers that went through a float verify when they are padded; as text without their zeros they never do."""
    cut = [
        tuple(
            msgspec.structs.replace(
                o, limit_price_text=repr(float(o.limit_price)), order_qty_text=repr(float(o.order_qty))
            )
            for o in side
        )
        for side in (ASKS, BIDS)
    ]
    for expected in (V7, books.V7_FLOATS):
        book = Level3Book("BTC/USD", 10)
        doubt = book.replace(message(cut[0], cut[1], expected))
        assert doubt == Doubt(wrong=False, reason="tokens have uneven fraction digits", expected=expected)
        assert not book.verified
        assert book.view().best_ask == Decimal("44939.5")
    lossy = [
        tuple(
            msgspec.structs.replace(
                o,
                limit_price_text=LossyText(o.limit_price_text),
                order_qty_text=LossyText(o.order_qty_text),
            )
            for o in side
        )
        for side in cut
    ]
    for decimals in (None, (1, 8)):
        assert Level3Book("BTC/USD", 10, decimals).replace(message(lossy[0], lossy[1], V7)) is None


# ---------------------------------------------------------------- updates


def test_v8_chain_a() -> None:
    """Adds, changes, removals and a level pushed out of the window are proven step by step."""
    book = v7_book()
    first = message(
        (order(MODIFY, "A0", "44939.5", "4.40000000"),),
        (order(ADD, "n1", "44939.4", "0.05000000"),),
        4214623937,
    )
    assert book.apply(first) is None
    gone = tuple(order(DELETE, f"A{at}", "44939.5", "9.99999999") for at in range(4))
    new = (order(ADD, "n2", "44980.0", "0.25000000"), order(ADD, "n3", "44980.0", "1.00000000"))
    assert book.apply(message(gone + new, (), 1052444130)) is None
    bids = (order(ADD, "n4", "44945.0", "0.12000000"), order(DELETE, "B12", "44930.2", "0.05550000"))
    assert book.apply(message((), bids, 800786314)) is None
    assert book.view().bids[-1].price == Decimal("44909.7")
    again = order(ADD, BIDS[-1].order_id, "44901.9", "0.00088982")
    assert (book.apply(message((), (again,), 800786314))) is None, (
        "an order pushed out is forgotten and may come back"
    )


def test_v8_chain_b() -> None:
    """A changed order keeps its place, a new one goes to the tail."""
    book = v7_book()
    assert book.apply(message((order(MODIFY, "A0", "44939.5", "4.02308393"),), (), 282747809)) is None
    assert book.apply(message((order(DELETE, "A1", "44939.5", "0.00111261"),), (), 2206165954)) is None
    assert book.apply(message((), (order(ADD, "n", "44939.4", "0.30000000"),), 2523798736)) is None


@pytest.mark.fault("B11")
def test_v8_at_the_head() -> None:
    """A queue whose newest order stands at the head has the known wrong value, and is not verified."""
    book = v7_book()
    book.apply(message((order(MODIFY, "A0", "44939.5", "4.02308393"),), (), 282747809))
    book.apply(message((order(DELETE, "A1", "44939.5", "0.00111261"),), (), 2206165954))
    doubt = book.apply(message((), (order(ADD, "n", "44939.4", "0.30000000"),), 3106595632))
    assert doubt == Doubt(wrong=True, reason="checksum", expected=3106595632, computed=2523798736)
    assert not book.verified


@pytest.mark.fault("B11")
def test_queue_by_timestamp() -> None:
    """After a failure the book tells whether queues in order of time would have had Kraken's checksum."""
    late = Level3Order("late", "10.0", "1.00", "2026-11-22T08:00:02Z")
    early = Level3Order("early", "10.0", "2.00", "2026-11-22T08:00:01.000000001Z")
    book = Level3Book("BTC/USD", 10)
    doubt = book.replace(message((late, early), (), crc32(digits((early, late)).encode())))
    assert doubt is not None
    assert doubt.wrong
    assert book.matches_by_timestamp
    book.replace(message((late, early), (), 5))
    assert not book.matches_by_timestamp


def test_price_change_goes_to_the_tail() -> None:
    """A change of the price takes the order out of its queue and puts it last at the new price."""
    book = Level3Book("BTC/USD", 10)
    a, b, c = (
        Level3Order(name, price, "1.00") for name, price in (("a", "10.0"), ("b", "10.0"), ("c", "11.0"))
    )
    assert book.replace(message((a, b, c), (), crc32(digits((a, b, c)).encode()))) is None
    moved = order(MODIFY, "a", "11.0", "3.00")
    assert book.apply(message((moved,), (), crc32(digits((b, c, moved)).encode()))) is None
    assert [[o.order_id for o in x.orders] for x in book.view().asks] == [["b"], ["c", "a"]]


@pytest.mark.fault("B9")
def test_levels_beyond_depth_are_dropped_whole() -> None:
    """A level pushed out takes all its orders with it; without the cut the book would be wrong later."""
    asks = tuple(Level3Order(f"{at}", f"{20 + at // 2}.0", "1.00") for at in range(20))
    book = Level3Book("BTC/USD", 10)
    assert book.replace(message(asks, (), crc32(digits(asks).encode()))) is None
    best = order(ADD, "best", "19.0", "1.00")
    assert book.apply(message((best,), (), crc32(digits((best, *asks[:18])).encode()))) is None
    next_one = order(ADD, "next", "30.0", "1.00")
    change = (order(DELETE, "best", "19.0", "1.00"), next_one)
    assert book.apply(message(change, (), crc32(digits((*asks[:18], next_one)).encode()))) is None
    assert [o.order_id for o in book.view().asks[-1].orders] == ["next"]


# ---------------------------------------------------------------- contradictions


@pytest.mark.fault("B11", "B2")
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (order(ADD, "A0", "44939.5", "4.52308393"), "add of known order 'A0'"),
        (order(ADD, "B0", "44939.5", "4.52308393"), "add of known order 'B0'"),
        (order(MODIFY, "none", "44939.5", "1.00000000"), "modify of unknown order 'none'"),
        (order(MODIFY, "B0", "44939.5", "1.00000000"), "modify of unknown order 'B0'"),
        (order(DELETE, "none", "44939.5", "1.00000000"), "delete of unknown order 'none'"),
    ],
    ids=["known", "known on the other side", "change", "change on the wrong side", "removal"],
)
def test_contradictions(change: Level3Order, reason: str) -> None:
    """An event that cannot be true makes the book wrong until a snapshot, even where the checksum agrees."""
    book = v7_book()
    assert book.apply(message((change,), (), V7)) == Doubt(
        wrong=True, reason=reason, expected=V7, computed=V7
    )
    assert not book.verified
    later = book.apply(message((), (), V7))
    assert later is not None
    assert later.wrong
    assert book.replace(message(ASKS, BIDS, V7)) is None
    assert book.verified


@pytest.mark.fault("B11")
def test_order_twice_in_a_snapshot() -> None:
    """A snapshot that names an order twice is wrong."""
    doubt = Level3Book("BTC/USD", 10).replace(message((*ASKS, ASKS[0]), BIDS, V7))
    assert doubt is not None
    assert doubt.wrong
    assert "'A0'" in doubt.reason


@pytest.mark.fault("B11")
@pytest.mark.parametrize("event", [None, Level3Event("explode")])
def test_unknown_events(event: Level3Event | None) -> None:
    """An update without an event, or with one that nobody knows, makes the book wrong."""
    doubt = v7_book().apply(message((order(event, "n", "44939.5", "1.00000000"),), (), V7))
    assert doubt is not None
    assert doubt.wrong


# ---------------------------------------------------------------- tokens


@pytest.mark.fault("J8", "J9")
@pytest.mark.parametrize(
    "token", [*books.HOSTILE_TEXTS, *books.OTHER_TYPES, 2**64, 0], ids=lambda token: repr(token)[:20]
)
def test_hostile_tokens(token: object) -> None:
    """A price or quantity that is no usable number of this pair makes the book wrong, without an exception."""
    for change in (order(ADD, "n", token, "1.00000000"), order(MODIFY, "A0", "44939.5", token)):
        book = v7_book()
        doubt = book.apply(message((change,), (), V7))
        assert doubt is not None
        assert doubt.wrong
        assert not book.verified
        fresh = Level3Book("BTC/USD", 10)
        assert fresh.replace(message((*ASKS, change), BIDS, V7)) is not None
        assert not fresh.verified


@pytest.mark.fault("J8", "J9")
@pytest.mark.parametrize("price", ["NaN", "-1.0", None, 1.5])
def test_hostile_price_of_a_removal(price: object) -> None:
    """A removal whose price is no number makes the book wrong, and removes nothing."""
    book = v7_book()
    doubt = book.apply(message((order(DELETE, "A0", price, "4.52308393"),), (), V7))
    assert doubt is not None
    assert doubt.wrong
    assert book.view().asks[0].orders[0].order_id == "A0"


def test_quantity_of_a_removal_is_not_read() -> None:
    """A removal goes by the id alone, whatever its quantity says."""
    book = v7_book()
    book.apply(message((order(ADD, "n", "44939.5", "1.00000000"),), (), 1))
    assert book.apply(message((order(DELETE, "n", "44939.5", None),), (), V7)) is None


@pytest.mark.fault("J10")
def test_exponents() -> None:
    """Exponents are padded to the pair's precision if it is given, else to the one that the checksum proves."""
    orders = tuple(
        msgspec.structs.replace(o, order_qty_text=f"{o.order_qty:e}" if o.order_qty < 1 else o.order_qty_text)
        for o in ASKS
    )
    for decimals in ((1, 8), None):
        book = Level3Book("BTC/USD", 10, decimals)
        assert book.replace(message(orders, BIDS, V7)) is None
        change = order(MODIFY, "A0", "449395e-1", "402308393e-8")
        assert book.apply(message((change,), (), 282747809)) is None
        assert book.view().asks[0].orders[0].order_qty_text == "4.02308393"


@pytest.mark.fault("J10")
def test_exponents_without_proof() -> None:
    """Lost digits that the checksum does not tell leave the book unproven, not wrong, through its updates too."""
    book = Level3Book("BTC/USD", 10)
    lost = (Level3Order("a", "1e1", "1e0"), Level3Order("a", "2e1", "1e0"), Level3Order("b", "2e1", "1e0"))
    doubt = book.replace(message(lost[1:], (), 7))
    assert doubt is not None
    assert not doubt.wrong
    doubt = book.apply(message((order(ADD, "c", "1e1", "1e0"),), (), 7))
    assert doubt is not None
    assert not doubt.wrong
    assert book.view().best_ask == 10
    assert book.replace(message(lost, (), 7)) is not None, "an id twice among lost digits does not raise"


@pytest.mark.fault("J10")
def test_uneven_digits_with_given_precision() -> None:
    """A plain token with other fraction digits than the pair's is never verified."""
    book = v7_book(decimals=(1, 8))
    doubt = book.apply(message((order(MODIFY, "A0", "44939.5", "4.5230839"),), (), V7))
    assert doubt is not None
    assert doubt.wrong
    other = Level3Book("BTC/USD", 10, (2, 8))
    unproven = other.replace(message(ASKS, BIDS, V7))
    assert unproven is not None
    assert not unproven.wrong
    assert not book.set_given_decimals((2, 8))


@pytest.mark.fault("J12")
def test_empty_book() -> None:
    """An empty book has the checksum 0 and no best price, and learns its digits from the first two orders."""
    book = Level3Book("BTC/USD", 10)
    assert book.replace(message((), (), 0)) is None
    assert (book.view().best_bid, book.view().best_ask, book.decimals) == (None, None, None)
    first, second = order(ADD, "a", "100.0", "1.00000000"), order(ADD, "b", "100.0", "2.00000000")
    assert book.apply(message((), (first,), books.ONE_BID)) is not None
    assert book.apply(message((), (second,), crc32(digits((first, second)).encode()))) is None
    assert book.decimals == (1, 8)
    gone = (order(DELETE, "a", "100.0", "1.00000000"), order(DELETE, "b", "100.0", "2.00000000"))
    assert book.apply(message((), gone, 0)) is None
    assert book.apply(message((), (first,), books.ONE_BID)) is None
    assert book.apply(message((), (), None)) == Doubt(wrong=False, reason="no checksum was sent")


@pytest.mark.fault("J10", "B4")
@pytest.mark.parametrize(
    ("price", "qty"), [("100.0", "1.00000000"), ("1000", "1.00000000"), ("100.0", "100000000")]
)
def test_one_order_alone(price: str, qty: str) -> None:
    """One order does not show where its point belongs, and is unproven until another agrees or the pair's precision is known."""
    right = (price, qty) == ("100.0", "1.00000000")
    book = Level3Book("BTC/USD", 10)
    doubt = book.replace(message((), (Level3Order("a", price, qty),), books.ONE_BID))
    reason = "one order alone does not show its fraction digits"
    assert doubt == Doubt(wrong=False, reason=reason, expected=books.ONE_BID)
    second = order(ADD, "b", "100.0", "2.00000000")
    both = digits((Level3Order("a", "100.0", "1.00000000"), second))
    assert (book.apply(message((), (second,), crc32(both.encode()))) is None) is right
    book = Level3Book("BTC/USD", 10)
    book.replace(message((), (Level3Order("a", price, qty),), books.ONE_BID))
    assert book.set_given_decimals((1, 8)) is right
    known = Level3Book("BTC/USD", 10, (1, 8))
    known.replace(message((), (Level3Order("a", price, qty),), books.ONE_BID))
    assert known.verified is right


@pytest.mark.fault("J10")
def test_more_digits_than_a_float() -> None:
    """A number that a float may have rounded makes the book unproven, not wrong, until it has gone."""
    sent, shown = "123456789012.12345678", LossyText(repr(123456789012.12345678))
    right = crc32(digits((*ASKS, Level3Order("n", "44979.2", sent), *BIDS)).encode())
    book = v7_book()
    doubt = book.apply(message((order(ADD, "n", "44979.2", shown),), (), right))
    assert doubt == Doubt(wrong=False, reason="a number has more digits than a float", expected=right)
    assert book.apply(message((order(DELETE, "n", "44979.2", "1.0"),), (), V7)) is None
    doubt = book.replace(message((*ASKS, Level3Order("n", "44979.2", shown)), BIDS, right))
    assert doubt is not None
    assert not doubt.wrong


TOKENS = st.sampled_from(["1.0", "2.0", "1e1", "x", "0.0", "1.00", 3, None, True, 1.5, "9" * 50, "1e-30"])
EVENTS = st.sampled_from([ADD, MODIFY, DELETE, None, Level3Event("new")])
CHANGES = st.lists(
    st.builds(order, EVENTS, st.sampled_from("abcd"), TOKENS, TOKENS, st.sampled_from([None, "x"])),
    max_size=4,
)


@pytest.mark.fault("J8", "J9", "B11")
@given(st.lists(st.tuples(st.booleans(), CHANGES, CHANGES, st.sampled_from([0, 1, None])), max_size=6))
def test_never_raises(messages: list[tuple[bool, list[Level3Order], list[Level3Order], int | None]]) -> None:
    """Whatever the orders hold, a message is answered by a proof or a doubt, and the view agrees."""
    book = Level3Book("BTC/USD", 2)
    for snapshot, asks, bids, checksum in messages:
        data = message(tuple(asks), tuple(bids), checksum)
        doubt = book.replace(data) if snapshot else book.apply(data)
        assert book.verified is (doubt is None)
        assert book.matches_by_timestamp in (True, False)
        assert len(book.view().asks) <= 2
