"""The sample capture of the documents: one incident, and what the README shows of it."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from krakenwire.cli.exits import Exit
from tests.cli.call import call
from tools.make_sample import SAMPLE, sample


def test_sample_is_the_generated_one() -> None:
    """The committed sample holds exactly what its generator makes, and is small."""
    assert gzip.decompress(SAMPLE.read_bytes()).splitlines() == sample()
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


def test_page_shows_the_real_report(capsys: pytest.CaptureFixture[str]) -> None:
    """What the page of the command line shows of `verify` is what it prints about the sample."""
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    block = page.split("$ krakenwire verify ", 1)[1].split("```")[0].splitlines()
    printed = call(capsys, "verify", SAMPLE, "-o", "table").out.splitlines()
    assert set(block[2 : block.index("  …")]) <= set(printed)
    assert block[-3] == printed[-1]
    assert block[-1] == str(int(Exit.INTEGRITY))
