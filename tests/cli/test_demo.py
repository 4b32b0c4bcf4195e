"""`krakenwire demo` runs offline over a real socket, shows verified books, and everything that was lost and healed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from krakenwire.cli.exits import Exit
from tests.cli.call import call


def shape(line: str) -> str:
    """A line without what is another at each run: numbers, and which market happens to be looked at."""
    bare = re.sub(r"[+-]?[\d:.,]*\d|BTC/USD|ETH/USD|SOL/USD|buy |sell", "#", line)
    return re.sub(r" +", " ", bare)


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal: verified books within two seconds, then both incidents and both healings, in order, every line marked SIM;
    that is what the quickstart shows.
    """
    ended = call(capsys, "demo", "--duration", "6")
    lines = [line for line in ended.out.splitlines() if line]
    assert (ended.code, ended.err) == (Exit.OK, "")
    assert "\x1b" not in ended.out
    assert all(line.startswith("SIM ") for line in lines)
    live = "LIVE  book: 10 levels a side, proven by its checksum"
    assert sum(line.endswith(live) for line in lines[:5]) == 3
    places = [
        ended.out.index(words)
        for words in (
            live,
            "incident: three updates",
            "BTC/USD   LOST  book: checksum: expected",
            "BTC/USD   LIVE  book: 10 levels a side, proven by its checksum, again after",
            "incident: the connection is cut",
            "all       GAP   every stream",
            "public-1  WAITING",
            "public-1  CONNECTED",
        )
    ]
    assert places == sorted(places)
    assert len(re.findall(live + ", again", ended.out[places[-1] :])) == 3
    assert ended.out.count(" verified\n") >= 10
    assert max(map(len, lines[:-3])) <= 100
    for word in ("  complete", "ticker  last ", "candle  low "):
        assert word in ended.out
    page = (Path(__file__).parents[2] / "docs" / "quickstart.md").read_text(encoding="utf-8")
    shown = page.split("$ krakenwire demo --plain\n", 1)[1].split("```")[0].splitlines()
    told = [line for line in shown if line != "…" and "frames:" not in line]
    assert {shape(line) for line in told} <= {shape(line) for line in lines}
    *_, counts, frames, books = lines
    assert re.search(r"\d+ verified · \d+ complete · .* lost: 13 gaps, \d+ healed$", counts)
    assert "heartbeat" in frames
    assert books == "SIM books lost and taken anew: 1 · connections made: 2"


def test_records(capsys: pytest.CaptureFixture[str]) -> None:
    """-o ndjson prints one object an event, numbers with their digits, and ends with what was verified and what was lost."""
    ended = call(capsys, "demo", "--duration", "5", "-o", "ndjson")
    *events, summary = map(json.loads, ended.out.splitlines())
    assert ended.err == ""
    assert {event["event"] for event in events} == {
        "book",
        "book_live",
        "book_lost",
        "connection_changed",
        "gap",
        "ohlc",
        "ticker",
        "trade",
    }
    books = [event for event in events if event["event"] == "book"]
    assert all(event["sim"] for event in events)
    assert all(book["verified"] for book in books)
    assert all(re.fullmatch(r"\d+\.\d{8}", level["qty"]) for book in books for level in book["bids"])
    assert {type(event["price"]) for event in events if event["event"] == "trade"} == {str}
    assert not any(name.endswith("_text") for event in events for name in event)
    gaps = sum(event["event"] == "gap" for event in events)
    told = [summary[name] for name in ("event", "sim", "verified", "lost", "books_lost", "incidents")]
    assert told == ["summary", True, len(books), gaps, 1, 2]
    assert gaps == 13
    assert summary["statistics"]["connects"] == 2
    assert summary["statistics"]["error_count"] == 0


def test_only_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    """-o json prints the summary alone; --duration says how long it runs, incidents or not."""
    told = call(capsys, "demo", "--duration", "1", "-o", "json").json
    assert told["event"] == "summary"
    assert 1 <= told["seconds"] < 3
    assert told["verified"] > 0
