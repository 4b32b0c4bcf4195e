"""What becomes of every recorded or published frame we know: `outcomes.txt` states it, line by line, and here it is held true.

The recordings are other people's and are not part of this project; what kind each is says the README beside them. Streams that were
stored after a float round trip cannot be verified as they are and must come out unverified, never as verified and never as wrong.
Frames written by hand under an invented checksum must come out as lost books.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.table import Outcome, frames_of, outcomes, read_table

TABLE = read_table((Path(__file__).parent / "outcomes.txt").read_text(encoding="utf-8"))
CROSSBOOK = "jdardash__crossbook/"
PARSERS: dict[str, Callable[[bytes], Any] | None] = {
    "as it is": None,
    "floats": json.loads,
    "decimals": partial(json.loads, parse_float=Decimal),
    "texts": partial(json.loads, parse_float=str),
}


def expected(name: str, *, floats: bool) -> list[Outcome]:
    """What the table says of each line of a file, in its order; of a long file in the order of the table."""
    return [(row.kind, row.floats if floats else row.raw) for row in TABLE[name] for _ in range(row.count)]


@pytest.mark.conformance
@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("name", TABLE)
def test_outcome(name: str, parser: str, conformance_data: Path) -> None:
    """Every frame of the file has the outcome that the table states, whichever way a program hands it in."""
    found = list(outcomes(frames_of(conformance_data / "kraken_v2" / name), parse=PARSERS[parser]))
    stated = expected(name, floats=parser == "floats")
    if TABLE[name][0].first is None:
        assert Counter(found) == Counter(stated)
    else:
        assert found == stated


@pytest.mark.conformance
def test_table_is_complete(conformance_data: Path) -> None:
    """No file of the collection is left out of the table, and no line of a short file."""
    folder = conformance_data / "kraken_v2"
    files = {str(path.relative_to(folder)) for path in folder.glob("*/*") if path.is_file()}
    assert files == set(TABLE)


def test_every_exception_has_a_reason() -> None:
    """Every row of the table that is no plain success says why, and rows of a short file follow each other."""
    for name, rows in TABLE.items():
        following = 1
        for row in rows:
            assert not row.uneasy or row.reason, (name, row)
            assert row.first in {None, following}, (name, row)
            following += row.count


@pytest.mark.parametrize(
    ("file", "books"),
    [
        ("kraken_btcusd_sample", 2052),
        ("kraken_ethusd_sample", 1129),
        ("kraken_xrpusd_sample", 1147),
        ("kraken_btcusd_l2", 301),
    ],
)
def test_recorded_books_are_proven(file: str, books: int) -> None:
    """The table says of every book message of the long recordings that it is verified, as text and through floats."""
    rows = [row for row in TABLE[f"{CROSSBOOK}{file}.jsonl"] if row.kind.startswith("book")]
    assert sum(row.count for row in rows) == books
    assert {word for row in rows for told in (row.raw, row.floats) for word in told.split("; ")} <= {
        "BookLive",
        "verified",
    }


# ---------------------------------------------------------------- precisions known beforehand

INSTRUMENT = (
    '{"channel":"instrument","type":"snapshot","data":{"assets":[],"pairs":[{"symbol":"%s","base":"A","quote":"USD",'
    '"status":"online","qty_precision":8,"qty_increment":0.00000001,"price_precision":%d,"cost_precision":5,"marginable":false,'
    '"has_index":true,"cost_min":0.5,"price_increment":0.1,"qty_min":0.0001}]}}'
)
TOLD = {
    f"{CROSSBOOK}kraken_btcusd_sample.jsonl": ("BTC/USD", 1, 2052),
    f"{CROSSBOOK}kraken_ethusd_sample.jsonl": ("ETH/USD", 2, 1129),
    f"{CROSSBOOK}kraken_xrpusd_sample.jsonl": ("XRP/USD", 5, 1147),
    f"{CROSSBOOK}kraken_btcusd_l2.jsonl": ("BTC/USD", 1, 301),
    "btschwertfeger__python-kraken-sdk/orderbook-v2.jsonl": ("BTC/USD", 1, 510),
}


@pytest.mark.conformance
@pytest.mark.fault("J10")
@pytest.mark.parametrize("parser", PARSERS)
@pytest.mark.parametrize("name", TOLD)
def test_precisions_told_first(name: str, parser: str, conformance_data: Path) -> None:
    """With the pair's precisions known every book message is verified, unless it is text that has lost its zeros: that never is."""
    symbol, price, books = TOLD[name]
    told = (INSTRUMENT % (symbol, price)).encode()
    file = conformance_data / "kraken_v2" / name
    found = Counter(
        became.rpartition("; ")[2]
        for kind, became in outcomes(frames_of(file), parse=PARSERS[parser], before=[told])
        if kind.startswith("book")
    )
    lost_zeros = "orderbook-v2" in name and parser != "floats"
    assert found == {"unverified" if lost_zeros else "verified": books}


@pytest.mark.conformance
@pytest.mark.fault("J10", "B4")
@pytest.mark.parametrize("name", TOLD)
def test_wrong_precisions_told_first(name: str, conformance_data: Path) -> None:
    """With other precisions than the stream's nothing of it is ever called verified, parsed or not."""
    symbol, price, _ = TOLD[name]
    told = (INSTRUMENT % (symbol, price + 1)).encode()
    file = conformance_data / "kraken_v2" / name
    for parse in PARSERS.values():
        for kind, became in outcomes(frames_of(file)[:100], parse=parse, before=[told]):
            assert not (kind.startswith("book") and became.endswith("; verified")), became
            assert became != "verified"
