"""The benchmark workload is what it claims: right checksums, Kraken's window, consecutive ids, the stated
mix.

The checks read only the JSON text and rebuild everything from it; they share no code with the generator or
the library.
"""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from typing import Any
from zlib import crc32

import pytest

from benchmarks.queue_workload import generate_level3
from benchmarks.wire_v1 import WireV1
from benchmarks.workload import BOOK_ONLY, PUBLIC, Workload, generate

Levels = dict[Decimal, str]


class Reader:
    """What a subscriber keeps of one book: price to the wire text of both numbers, cut to the depth after
    every message.
    """

    def __init__(self, depth: int) -> None:
        self.depth = depth
        self.sides: dict[str, dict[Decimal, tuple[str, str]]] = {"bids": {}, "asks": {}}

    def apply(self, data: dict[str, Any]) -> None:
        for name, side in self.sides.items():
            for level in data[name]:
                price = Decimal(level["price"])
                if Decimal(level["qty"]) == 0:
                    del side[price]
                else:
                    side[price] = (level["price"], level["qty"])
            for price in self.ranked(name)[self.depth :]:
                del side[price]

    def ranked(self, name: str) -> list[Decimal]:
        return sorted(self.sides[name], reverse=name == "bids")

    def checksum(self) -> int:
        texts = [
            text for name in ("asks", "bids") for p in self.ranked(name)[:10] for text in self.sides[name][p]
        ]
        return crc32("".join(text.replace(".", "").lstrip("0") for text in texts).encode())


def messages(workload: Workload) -> list[dict[str, Any]]:
    return [json.loads(frame, parse_float=str) for frame in workload.setup + workload.frames]


@pytest.mark.parametrize("depth", [None, 10, 100])
def test_books_are_what_kraken_would_send(depth: int | None) -> None:
    """Every checksum is right, every window is full, no removal names a level that is not there."""
    workload = generate(1500, depth=depth, seed=7)
    books = {pair.symbol: Reader(pair.depth) for pair in workload.pairs}
    seen = 0
    for message in messages(workload):
        if message.get("channel") != "book":
            continue
        data = message["data"][0]
        book = books[data["symbol"]]
        book.apply(data)
        seen += 1
        assert book.checksum() == data["checksum"]
        assert {len(side) for side in book.sides.values()} == {book.depth}
        if message["type"] == "update":
            assert len(data["bids"]) + len(data["asks"]) == 2
    assert seen == workload.counts["book"] + len(books)
    for symbol, (bid, ask, checksum) in workload.books.items():
        book = books[symbol]
        assert (Decimal(bid), Decimal(ask)) == (book.ranked("bids")[0], book.ranked("asks")[0])
        assert checksum == book.checksum()


def test_ids_and_sequences_are_consecutive() -> None:
    """Trade ids follow each other per symbol, execution sequences per channel."""
    trades: dict[str, int] = {}
    sequence = 0
    for message in messages(generate(4000, seed=3)):
        if message.get("channel") == "executions":
            sequence += 1
            assert message["sequence"] == sequence
        for fill in message["data"] if message.get("channel") == "trade" else ():
            assert fill["trade_id"] == trades.get(fill["symbol"], fill["trade_id"] - 1) + 1
            trades[fill["symbol"]] = fill["trade_id"]
    assert sequence > 10
    assert len(trades) == 10


def test_mix_is_the_stated_one() -> None:
    """Three quarters of the frames are book updates, and a frame has about 234 bytes."""
    workload = generate(8000)
    assert workload.counts["book"] / 8000 == pytest.approx(0.75, abs=0.02)
    assert workload.counts["ticker"] / 8000 == pytest.approx(0.12, abs=0.015)
    assert workload.counts["trade"] / 8000 == pytest.approx(0.08, abs=0.015)
    assert workload.average_bytes == pytest.approx(234, abs=5)
    assert Counter(frame.count(b".") > 0 for frame in workload.frames)[True] > 7000


def test_frames_are_compact_and_padded() -> None:
    """JSON has no spaces, prices keep the pair's decimals and quantities eight."""
    workload = generate(500, mix=BOOK_ONLY, seed=5)
    decimals = {pair.symbol: pair.decimals for pair in workload.pairs}
    assert set(decimals.values()) == {1, 2, 3, 4, 5}
    for frame in workload.frames:
        data = json.loads(frame, parse_float=str)["data"][0]
        assert b" " not in frame
        for level in data["bids"] + data["asks"]:
            assert len(level["price"].partition(".")[2]) == decimals[data["symbol"]]
            assert len(level["qty"].partition(".")[2]) == 8


def test_same_seed_gives_the_same_bytes() -> None:
    """A workload is a function of its arguments."""
    assert generate(300, seed=9).frames == generate(300, seed=9).frames
    assert generate(300, seed=9).frames != generate(300, seed=10).frames


def test_both_protocols_tell_the_same_story() -> None:
    """Frame by frame, v1 carries the levels and the checksum that v2 carries."""
    new, old = generate(800, mix=PUBLIC), generate(800, mix=PUBLIC, wire=WireV1())
    assert new.counts == old.counts
    assert new.books == old.books
    for frame, twin in zip(new.frames, old.frames, strict=True):
        message = json.loads(frame, parse_float=str)
        if message["channel"] != "book":
            continue
        data, parts = message["data"][0], json.loads(twin)[1:-2]
        assert parts[-1]["c"] == str(data["checksum"])
        for name, side in (("a", "asks"), ("b", "bids")):
            rows = [row for part in parts for row in part.get(name, ())]
            assert [row[:2] for row in rows] == [[level["price"], level["qty"]] for level in data[side]]


@pytest.mark.parametrize("depth", [10, 100])
def test_queues_are_what_kraken_would_send(depth: int) -> None:
    """A reader that keeps queues and cuts to the depth finds every checksum of `level3` right."""
    workload = generate_level3(2000, symbols=2, depth=depth)
    books: dict[str, dict[str, dict[Decimal, dict[str, tuple[str, str]]]]] = {}
    for frame in workload.setup + workload.frames:
        message = json.loads(frame, parse_float=str)
        if message.get("channel") != "level3":
            continue
        data = message["data"][0]
        book = books.setdefault(data["symbol"], {"bids": {}, "asks": {}})
        for name, levels in book.items():
            for row in data[name]:
                queue = levels.setdefault(Decimal(row["limit_price"]), {})
                if row.get("event") == "delete":
                    del queue[row["order_id"]]
                else:
                    assert (row["order_id"] in queue) == (row.get("event") == "modify")
                    queue[row["order_id"]] = (row["limit_price"], row["order_qty"])
            ranked = sorted((p for p in levels if levels[p]), reverse=name == "bids")[:depth]
            assert len(ranked) == depth
            book[name] = {p: levels[p] for p in ranked}
        tops = [list(book[name].values())[:10] for name in ("asks", "bids")]
        texts = [text for top in tops for queue in top for order in queue.values() for text in order]
        digits = "".join(text.replace(".", "").lstrip("0") for text in texts)
        assert crc32(digits.encode()) == data["checksum"]
