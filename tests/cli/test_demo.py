"""`krakenwire demo` runs offline, shows verified books, and one that is lost and healed."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from krakenwire.capture import FileClock
from krakenwire.cli.demo import SAMPLE
from krakenwire.cli.exits import Exit
from krakenwire.cli.picture import picture
from krakenwire.cli.report import Report
from krakenwire.cli.scene import Scene
from krakenwire.handler import create_kraken_v2_handler
from tests.cli.call import call
from tools.make_sample import sample


def frames() -> list[bytes]:
    """The frames of the committed sample."""
    return gzip.decompress(SAMPLE.read_bytes()).splitlines()


def test_sample_is_the_generated_one() -> None:
    """The committed sample holds exactly what its generator makes, and is small."""
    assert frames() == sample()
    assert SAMPLE.stat().st_size < 300 * 1024


def test_sample_has_one_incident(capsys: pytest.CaptureFixture[str]) -> None:
    """In the sample one book fails once and is healed; everything else that can be proven is."""
    ended = call(capsys, "verify", SAMPLE, "-o", "json")
    told = ended.json
    assert ended.code == Exit.INTEGRITY
    assert (told["books_failed"], told["blind_intervals"], told["trade_gaps"], told["refused"]) == (
        1,
        1,
        0,
        0,
    )
    book = told["by_symbol"]["ETH/USD"]["book"]
    assert book["first_intervals"][0]["healed_by"] == "snapshot"
    assert 1 < book["blind_seconds"] < 3
    assert {name for name, channels in told["by_symbol"].items() if channels["book"]["failed"]} == {"ETH/USD"}


def test_readme_shows_the_real_report(capsys: pytest.CaptureFixture[str]) -> None:
    """What the README shows of `verify` is what it prints about the sample."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    block = readme.split("$ krakenwire verify ", 1)[1].split("```")[0].splitlines()
    printed = call(capsys, "verify", SAMPLE).out.splitlines()
    assert set(block[2 : block.index("  …")]) <= set(printed)
    assert block[-3] == printed[-1]
    assert block[-1] == str(int(Exit.INTEGRITY))


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal: verified books, the loss and the healing in the order they happened, then report and statistics."""
    ended = call(capsys, "demo")
    assert ended.code == Exit.OK
    assert "\x1b" not in ended.out
    assert ended.out.count("verified\n") >= 55
    places = [
        ended.out.index(words)
        for words in ("ETH/USD  LOST", "not to be read", "ETH/USD  LIVE  again", "statistics of the handler")
    ]
    assert places == sorted(places)
    assert re.search(r"error_count +0\n", ended.out)
    assert all(line.startswith("SIM ") for line in ended.out.split("\n\n")[0].splitlines())


def test_records(capsys: pytest.CaptureFixture[str]) -> None:
    """-o ndjson prints one object an event, numbers with their digits, and ends with what was verified and what was lost."""
    *events, summary = map(json.loads, call(capsys, "demo", "-o", "ndjson").out.splitlines())
    assert {event["event"] for event in events} == {
        "book",
        "book_live",
        "book_lost",
        "discarded",
        "gap",
        "ticker",
        "trade",
    }
    books = [event for event in events if event["event"] == "book"]
    assert all(book["verified"] for book in books)
    assert all(re.fullmatch(r"\d+\.\d{8}", level["qty"]) for book in books for level in book["bids"])
    (price,) = {type(event["price"]) for event in events if event["event"] == "trade"}
    assert price is str
    assert not any(name.endswith("_text") for event in events for name in event)
    assert summary["event"] == "summary"
    assert summary["sim"] is True
    assert (summary["books_verified"], summary["books_failed"]) == (len(books), 1)
    assert call(capsys, "demo", "-o", "json").json["books_failed"] == 1


def test_count_ends_it_early(capsys: pytest.CaptureFixture[str]) -> None:
    """--count plays so many frames and no more."""
    assert call(capsys, "demo", "--count", "100", "-o", "json").json["frames"] == 100


def test_no_change_has_no_minus() -> None:
    """A change that Kraken rounds to nothing is shown as +0.00 %, from whichever side it was rounded; other changes keep their sign."""
    handler = create_kraken_v2_handler()
    report = Report(handler, FileClock())
    scene = Scene(handler, report)
    sent, drawn = set(), set()
    for number, frame in enumerate(frames(), 1):
        scene.take(report.read(number, frame))
        if b'"change_pct"' in frame:
            sent.update(re.findall(rb'"change_pct":(-?[0-9.]+)', frame))
            drawn.update(re.findall(r"last [0-9.]+  (\S+ %)", "\n".join(picture(scene, 200, 60, "speed 2"))))
    assert sent == {b"-0.02", b"-0.01", b"-0.00", b"0.00"}
    assert drawn == {"-0.02 %", "-0.01 %", "+0.00 %"}


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 60), (40, 24), (30, 14)])
def test_picture_fits(columns: int, rows: int) -> None:
    """At every moment the picture fits the terminal, keeps its height, and shows no price of a book that cannot be read."""
    handler = create_kraken_v2_handler()
    report = Report(handler, FileClock())
    scene = Scene(handler, report)
    heights, words = set(), set()
    for number, frame in enumerate(frames(), 1):
        scene.take(report.read(number, frame))
        if number % 50 or len(scene.symbols) < 3:
            continue
        lines = picture(scene, columns, rows, "speed 2")
        heights.add(len(lines))
        assert len(lines) < rows
        assert max(map(len, lines)) <= columns
        words.update(lines[2].split())
        if "RESYNCING" in lines[2] or "CLOSED" in lines[2]:
            assert lines[3].split()[2:4] == ["-", "-"]
    assert len(heights) == 1
    if columns >= 80:
        assert {"LIVE", "CLOSED"} <= words
