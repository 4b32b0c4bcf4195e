"""Books that are proven at every message: golden vectors, recorded streams, and a full-depth model."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire.state.level2 import Level2Book
from krakenwire.state.proof import Doubt
from krakenwire.wire.book import BookData, BookLevel, BookMessage

decode = msgspec.json.Decoder(BookMessage, float_hook=str).decode

Levels = list[tuple[str, str]]


def message(asks: Levels, bids: Levels, checksum: int | None) -> BookData:
    """A book message of these levels."""
    return BookData(
        "BTC/USD",
        tuple(BookLevel(price, qty) for price, qty in bids),
        tuple(BookLevel(price, qty) for price, qty in asks),
        checksum,
        None,
    )


def pairs(text: str) -> Levels:
    """`price qty, price qty` as levels."""
    levels = []
    for part in text.split(","):
        price, qty = part.split()
        levels.append((price, qty))
    return levels


V1_ASKS = pairs(
    "45285.2 0.00100000, 45286.4 1.54571953, 45286.6 1.54571109, 45289.6 1.54560911, 45290.2 0.15890660, 45291.8 1.54553491,"
    "45294.7 0.04454749, 45296.1 0.35380000, 45297.5 0.09945542, 45299.5 0.18772827"
)
V1_BIDS = pairs(
    "45283.5 0.10000000, 45283.4 1.54582015, 45282.1 0.10000000, 45281.0 0.10000000, 45280.3 1.54592586, 45279.0 0.07990000,"
    "45277.6 0.03310103, 45277.5 0.30000000, 45277.3 1.54602737, 45276.6 0.15445238"
)
V2_ASKS = pairs(
    "0.5668 4410.79769741, 0.5669 4655.40412487, 0.5670 49844.89424998, 0.5671 24306.41678000, 0.5672 29783.25223475,"
    "0.5673 57234.71239278, 0.5674 45065.04744000, 0.5675 5912.76380354, 0.5676 42514.92434778, 0.5677 36304.08470220"
)
V2_BIDS = pairs(
    "0.5666 4831.75496356, 0.5665 6658.22734739, 0.5664 18724.91513344, 0.5663 11563.92544914, 0.5662 14006.65365711,"
    "0.5661 17454.85679807, 0.5660 18097.15470000, 0.5659 33644.89175666, 0.5658 148.34640000, 0.5657 606.70854372"
)
V3_ASKS = pairs(
    "81776.7 0.00050857, 81777.1 0.00012500, 81780.7 0.00005100, 81781.8 0.02016285, 81781.9 0.05474923, 81782.0 0.18341452,"
    "81783.1 0.00012500, 81783.5 0.05000000, 81783.7 0.93145626, 81783.8 3.05684048"
)
V3_BIDS = pairs(
    "81776.6 0.47200852, 81776.1 0.11790609, 81776.0 1.84423887, 81775.6 3.05714315, 81774.3 3.05719335, 81773.2 3.05723288,"
    "81772.7 0.00005100, 81768.7 0.93754440, 81768.6 3.05745897, 81768.4 0.06320000"
)
V4_ASKS = pairs(
    "71770.4 1.80783344, 71770.6 5.1e-05, 71770.8 0.69666257, 71771.7 0.69665386, 71772.0 0.01617936, 71774.2 5.1e-05,"
    "71774.6 0.69662614, 71774.7 0.06, 71777.5 0.009, 71777.6 0.0776"
)
V4_BIDS = pairs(
    "71770.3 0.03228444, 71769.0 0.002348, 71767.1 5.1e-05, 71763.5 5.1e-05, 71760.5 0.11146517, 71760.4 0.15525921,"
    "71760.0 5.1e-05, 71758.6 0.02, 71758.1 1.210778, 71756.4 5.1e-05"
)


def book_of(asks: Levels, bids: Levels, checksum: int, depth: int = 10) -> Level2Book:
    """A book that a snapshot has proven."""
    book = Level2Book("BTC/USD", depth)
    assert book.replace(message(asks, bids, checksum)) is None
    assert book.verified
    return book


def test_v1() -> None:
    """Kraken's guide example gives 3310070434, as an unsigned number."""
    assert book_of(V1_ASKS, V1_BIDS, 3310070434).checksum == 3310070434


def test_v2() -> None:
    """Kraken's channel example verifies as snapshot and as update, with its trailing zeros."""
    book = book_of(V2_ASKS, V2_BIDS, 2439117997)
    assert book.apply(message([], pairs("0.5657 1098.39475580"), 2114181697)) is None


@pytest.mark.fault("J10")
def test_v2_without_zeros() -> None:
    """The same levels with their trailing zeros cut give the known wrong value, and are never called verified."""
    short_asks = [(p.rstrip("0"), q.rstrip("0")) for p, q in V2_ASKS]
    short_bids = [(p.rstrip("0"), q.rstrip("0")) for p, q in V2_BIDS]
    text = "".join(
        p.replace(".", "").lstrip("0") + q.replace(".", "").lstrip("0") for p, q in short_asks + short_bids
    )
    assert crc32(text.encode()) != 2439117997
    book = Level2Book("MATIC/USD", 10)
    doubt = book.replace(message(short_asks, short_bids, 2439117997))
    assert doubt is not None
    assert not doubt.wrong
    assert not book.verified


@pytest.mark.fault("B9")
def test_v3() -> None:
    """A removal that brings the next level into the window verifies at each step."""
    book = book_of(V3_ASKS, V3_BIDS, 2459006653)
    assert book.apply(message(pairs("81781.9 0.00000000, 81784.8 0.00005100"), [], 3437785338)) is None
    assert book.apply(message(pairs("81782.0 0.00000000, 81784.9 0.06320000"), [], 1758305755)) is None


@pytest.mark.fault("J10")
def test_v4() -> None:
    """Exponents and cut zeros are padded to the pair's precision; the printed tokens give the known wrong value."""
    book = Level2Book("BTC/USD", 10, decimals=(1, 8))
    padded = [[(p, f"{Decimal(q):.8f}") for p, q in side] for side in (V4_ASKS, V4_BIDS)]
    assert book.replace(message(padded[0], padded[1], 2552662837)) is None
    printed = "".join(
        p.replace(".", "").lstrip("0") + q.replace(".", "").lstrip("0") for p, q in V4_ASKS + V4_BIDS
    )
    assert crc32(printed.encode()) == 3510525449


def test_v5() -> None:
    """The string of Kraken's FIX guide has the checksum that the guide gives."""
    text = (
        "2801309650628039810000028066510000028093310000028120010000028146710000028173510000028200210000028227010000028253710000"
        "028003010000027999996375279699738604232770013500002757323200002713741000000270913400000267294100000267026100000266759100000"
    )
    assert crc32(text.encode()) == 3341325816


V6_ASKS = [(f"{2000.5 + at / 2:.1f}", f"{0.5 + at / 8:.8f}") for at in range(10)]
V6_BIDS = [(f"{2000.0 - at / 2:.1f}", f"{1 + at / 4:.8f}") for at in range(10)]


@pytest.mark.fault("B9")
def test_v6() -> None:
    """A level that is pushed out of the window never comes back as a ghost; in one message the last entry wins."""
    book = book_of(V6_ASKS, V6_BIDS, 1148475901)
    assert book.apply(message(pairs("2000.3 0.01000000"), [], 2746864087)) is None
    assert book.apply(message(pairs("2000.3 0.00000000, 2005.5 3.00000000"), [], 2798431287)) is None
    assert book.apply(message(pairs("2000.5 0.75000000, 2000.5 0.80000000"), [], 2654938914)) is None


def test_v6_without_truncation() -> None:
    """A book that is deeper than the subscription shows the known wrong value."""
    book = Level2Book("BTC/USD", 25)
    assert book.replace(message(V6_ASKS, V6_BIDS, 1148475901)) is None
    assert book.apply(message(pairs("2000.3 0.01000000"), [], 2746864087)) is None
    doubt = book.apply(message(pairs("2000.3 0.00000000, 2005.5 3.00000000"), [], 2798431287))
    assert doubt == Doubt(wrong=True, reason="checksum", expected=2798431287, computed=1148475901)


@pytest.mark.fault("J12")
@pytest.mark.parametrize(
    ("asks", "bids", "checksum"),
    [
        ("0.00001234 1000.00000000, 0.00001235 0.50000000", "0.00001230 25.00000000", 2527010278),
        ("", "100.0 1.00000000", 491457523),
        ("", "", 0),
    ],
    ids=["cheap", "one side", "empty"],
)
def test_v6_edges(asks: str, bids: str, checksum: int) -> None:
    """Cheap, one-sided and empty books verify; a side without levels has no best price."""
    book = book_of(pairs(asks) if asks else [], pairs(bids) if bids else [], checksum)
    if not asks:
        assert book.view().best_ask is None


def test_empty_book_fills() -> None:
    """A book that began empty learns its digits from the first level and goes on proven."""
    book = book_of([], [], 0)
    assert book.apply(message([], pairs("100.0 1.00000000"), 491457523)) is None
    assert book.decimals == (1, 8)


@pytest.mark.fault("B8")
def test_removal_of_unknown_price() -> None:
    """The removal of a price that is not there is counted, and the checksum decides."""
    book = book_of(V1_ASKS, V1_BIDS, 3310070434)
    assert book.apply(message(pairs("45288.0 0.00000000"), [], 3310070434)) is None
    assert book.unknown_removals == 1


@pytest.mark.fault("B1", "B3")
def test_dropped_update_is_found() -> None:
    """After a lost update the next checksum fails, and the explanation shows what changed since the last proof."""
    book = book_of(V3_ASKS, V3_BIDS, 2459006653)
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
    book = book_of(V3_ASKS, V3_BIDS, 2459006653)
    update = message(pairs("81781.9 0.00000000, 81784.8 0.00005100"), [], 3437785338)
    assert book.apply(update) is None
    assert book.apply(update) is None


@pytest.mark.fault("B4")
@pytest.mark.parametrize("side", ["asks", "bids"])
def test_every_edit_of_a_token_is_found(side: str) -> None:
    """No single changed, removed, added or moved character of a price or quantity is ever called verified."""
    asks, bids = V1_ASKS[:3], V1_BIDS[:3]
    text = "".join(p.replace(".", "").lstrip("0") + q.replace(".", "").lstrip("0") for p, q in asks + bids)
    checksum = crc32(text.encode())
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
                book = Level2Book("BTC/USD", 10, decimals=(1, 8))
                sides = (changed, bids) if side == "asks" else (asks, changed)
                book.replace(message(sides[0], sides[1], checksum))
                if book.verified:
                    view = book.view()
                    shown = [(x.price, x.qty) for x in (*view.asks, *view.bids)]
                    assert shown == [(Decimal(p), Decimal(q)) for p, q in asks + bids], edit


@pytest.mark.fault("J9")
@pytest.mark.parametrize(
    "token",
    [
        "NaN",
        "Infinity",
        "-Infinity",
        "1e999999999",
        "1" * 1000,
        "-1.0",
        "0.0",
        "1_0.0",
        " 1.0",
        "+1.0",
        "\u0661.\u0660",
        "",
        "abc",
    ],
)
def test_hostile_numbers(token: str) -> None:
    """A price that is no number, not positive or out of bounds makes the book wrong; it never enters it."""
    book = book_of(V1_ASKS, V1_BIDS, 3310070434)
    doubt = book.apply(message([(token, "1.00000000")], [], 3310070434))
    assert doubt is not None
    assert doubt.wrong
    assert not book.verified


@pytest.mark.fault("J8")
@pytest.mark.parametrize("token", [None, True, 1.0, [1], {"a": 1}])
def test_wrong_types(token: object) -> None:
    """A price of another JSON type makes the book wrong, without an exception."""
    book = book_of(V1_ASKS, V1_BIDS, 3310070434)
    update = BookData("BTC/USD", (), (BookLevel(token, "1.00000000"),), 3310070434, None)
    doubt = book.apply(update)
    assert doubt is not None
    assert doubt.wrong


class FullDepth:
    """The model: every level of the market, sorted anew for each question."""

    def __init__(self) -> None:
        self.sides: tuple[dict[int, int], dict[int, int]] = ({}, {})

    def window(self, depth: int) -> list[dict[int, int]]:
        """The best levels of both sides: asks, bids."""
        asks, bids = self.sides
        return [
            {price: asks[price] for price in sorted(asks)[:depth]},
            {price: bids[price] for price in sorted(bids, reverse=True)[:depth]},
        ]

    def checksum(self) -> int:
        """What Kraken would send."""
        text = "".join(f"{price}{qty}" for side in self.window(10) for price, qty in side.items())
        return crc32(text.encode())


def level(price: int, qty: int) -> tuple[str, str]:
    """Scaled integers as tokens with one and three fraction digits."""
    return f"{price // 10}.{price % 10}", f"{qty // 1000}.{qty % 1000:03}"


@pytest.mark.fault("B9", "B1")
@given(st.integers(0, 2**32), st.sampled_from([10, 25]))
def test_equals_full_depth_model(seed: int, depth: int) -> None:
    """Snapshot and updates give exactly the full market cut to depth, proven at each message."""
    rng = random.Random(seed)
    market = FullDepth()
    for at in range(rng.randint(0, 2 * depth)):
        market.sides[0][1000 + at * rng.randint(1, 3)] = rng.randint(1, 9999)
        market.sides[1][999 - at] = rng.randint(1, 9999)
    shown = market.window(depth)
    book = Level2Book("BTC/USD", depth, decimals=(1, 3))
    tokens = [[level(*item) for item in side.items()] for side in shown]
    assert book.replace(message(tokens[0], tokens[1], market.checksum())) is None
    for _ in range(30):
        side = rng.randrange(2)
        price = rng.randint(1000, 1000 + 2 * depth) if side == 0 else rng.randint(999 - 2 * depth, 999)
        if rng.random() < 0.4:
            market.sides[side].pop(price, None)
        else:
            market.sides[side][price] = rng.randint(1, 9999)
        before, shown = shown, market.window(depth)
        changes: list[Levels] = []
        for old, new, whole in zip(before, shown, market.sides, strict=True):
            # Nothing is said about a level that was only pushed out of the window.
            gone = [level(p, 0) for p in old if p not in whole]
            changes.append(gone + [level(p, q) for p, q in new.items() if old.get(p) != q])
        assert book.apply(message(changes[0], changes[1], market.checksum())) is None
        view = book.view()
        for levels, wanted in ((view.asks, shown[0]), (view.bids, shown[1])):
            assert [(x.price, x.qty) for x in levels] == [
                (Decimal(p) / 10, Decimal(q) / 1000) for p, q in wanted.items()
            ]


RECORDED = {
    "kraken_btcusd_sample": (25, 2052),
    "kraken_ethusd_sample": (25, 1129),
    "kraken_xrpusd_sample": (25, 1147),
    "kraken_btcusd_l2": (10, 301),
}


@pytest.mark.conformance
@pytest.mark.parametrize("name", RECORDED)
def test_recorded_streams(name: str, conformance_data: Path) -> None:
    """Every book message of the recorded streams is proven."""
    depth, expected = RECORDED[name]
    proven = 0
    book = Level2Book("", depth)
    for line in (
        (conformance_data / "kraken_v2/jdardash__crossbook" / f"{name}.jsonl").read_bytes().splitlines()
    ):
        if json.loads(line).get("channel") == "book":
            frame = decode(line)
            take = book.replace if frame.type == "snapshot" else book.apply
            assert take(frame.data[0]) is None
            proven += 1
    assert proven == expected
