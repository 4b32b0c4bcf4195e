"""`krakenwire verify`: its verdicts, its exit codes, and the forms of its report."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from krakenwire.cli.exits import Exit
from tests.cli import capture_of
from tests.cli.call import Ended, call
from tests.session.exchange import Exchange
from tests.session.say import status

CLEAN = Exchange().stream(20)
HEARTBEAT = b'{"channel":"heartbeat"}'


def test_all_is_well(verify: Callable[..., Ended]) -> None:
    """A capture in which everything is proven ends with 0, and says so."""
    ended = verify(CLEAN)
    assert ended.code == Exit.OK
    assert ended.out.endswith("verified 100 % of book messages · all is well\n")
    assert "21 verified" in ended.out


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        (capture_of.lost_update(), "not clean: 1 interval blind for 0.70 s"),
        ([capture_of.trade(1), capture_of.trade(3)], "not clean: 1 gap in trade ids"),
        ([capture_of.balances(1, "snapshot"), capture_of.balances(3)], "not clean: 1 gap in sequences"),
        ([*CLEAN, b"{}", b"[]"], "not clean: 2 frames refused"),
        ([*CLEAN, b"\x00\xff\xfe"], "not clean: 1 frame refused"),
    ],
    ids=["book", "trades", "sequence", "no frame", "no JSON"],
)
def test_integrity_failed(verify: Callable[..., Ended], frames: list[bytes], words: str) -> None:
    """A failed book, a missing number and a refused frame each end with 6, named in the last line."""
    ended = verify(frames)
    assert ended.code == Exit.INTEGRITY
    assert words in ended.out.splitlines()[-1]


UNEVEN = (
    b'{"channel":"book","type":"snapshot","data":[{"symbol":"SOL/USD","bids":[],'
    b'"asks":[{"price":141.2,"qty":4.02},{"price":141.25,"qty":1.0}],"checksum":1}]}'
)


@pytest.mark.parametrize(
    ("frames", "words"),
    [
        ([UNEVEN], "not proven: 1 book message"),
        ([CLEAN[1]], "not proven: 1 book message"),
        ([status(1), *CLEAN, status(2)], "not proven: 1 break"),
        ([capture_of.ticker(), HEARTBEAT], "nothing was proven either"),
        ([capture_of.trade(1)], "nothing was proven either"),
    ],
    ids=["digits lost", "no snapshot", "new connection", "ticker alone", "one trade"],
)
def test_not_proven_is_no_failure_but_said(
    verify: Callable[..., Ended], frames: list[bytes], words: str
) -> None:
    """What is neither proven nor refuted ends with 0, is named, and never reads as if all were well; --strict makes it 6."""
    ended = verify(frames)
    assert ended.code == Exit.OK
    assert words in ended.out.splitlines()[-1]
    assert "all is well" not in ended.out
    assert verify(frames, "--strict").code == Exit.INTEGRITY
    assert verify(frames, "-o", "json").json["verdict"] == "not_all_proven"


def test_strict_accepts_what_is_proven(verify: Callable[..., Ended]) -> None:
    """Channels that no proof exists for do not disturb --strict, as long as the others are proven."""
    assert verify([*CLEAN, capture_of.ticker(), HEARTBEAT], "--strict").code == Exit.OK


def test_the_worst_of_several_files_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every file is read, whatever became of the others, and the highest exit code counts."""
    good = capture_of.write(tmp_path / "good.jsonl", CLEAN)
    bad = capture_of.write(tmp_path / "bad.jsonl", capture_of.lost_update())
    none = tmp_path / "none.jsonl"
    assert call(capsys, "verify", good, good).code == Exit.OK
    assert call(capsys, "verify", none, good).code == Exit.FAILED
    ended = call(capsys, "verify", bad, none, good, "-o", "table")
    assert ended.code == Exit.INTEGRITY
    assert ended.out.count("frames  from") == 2
    assert "error:" in ended.err


def test_one_file_is_one_object(verify: Callable[..., Ended]) -> None:
    """-o json is one object with the counts at the top; -o ndjson is the same in one line."""
    told = verify(capture_of.lost_update(), "-o", "json").json
    counts = {
        "frames": 7,
        "books_verified": 4,
        "books_failed": 1,
        "books_unverifiable": 1,
        "sequence_gaps": 0,
        "trade_gaps": 0,
        "refused": 0,
        "verdict": "failed",
    }
    assert counts.items() <= told.items()
    assert told["by_symbol"].keys() == {"BTC/USD"}
    ended = verify(capture_of.lost_update(), "-o", "ndjson")
    assert ended.out.count("\n") == 1
    assert ended.json == told


def test_several_files_are_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Over several files -o json still is one object: totals, counts by symbol, and each report or error under `files`."""
    bad = capture_of.write(tmp_path / "bad.jsonl", capture_of.lost_update())
    good = capture_of.write(tmp_path / "good.jsonl", CLEAN)
    ended = call(capsys, "verify", "-o", "json", bad, tmp_path / "none", good, good)
    told = ended.json
    assert ended.code == Exit.INTEGRITY
    assert (told["frames"], told["books_verified"], told["books_failed"], told["unread"]) == (49, 46, 1, 1)
    assert told["by_symbol"]["BTC/USD"]["book"]["verified"] == 46
    assert [file.get("error") for file in told["files"]] == [None, "not_found", None, None]
    lines = call(capsys, "verify", "-o", "ndjson", bad, tmp_path / "none", good).out.splitlines()
    assert [json.loads(line).get("error") for line in lines] == [None, "not_found", None]


def test_every_field_is_documented(verify: Callable[..., Ended]) -> None:
    """Every field of the JSON report stands in the page about the command line."""
    page = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text(encoding="utf-8")
    frames = [
        *capture_of.lost_update(),
        capture_of.trade(1),
        capture_of.ticker(),
        capture_of.balances(1, "snapshot"),
    ]
    told = verify(frames, "-o", "json").json
    streams = [stream for channels in told["by_symbol"].values() for stream in channels.values()]
    streams += told["by_channel"].values()
    fields = {*told, *(field for stream in streams for field in stream), *streams[0]["first_failure"]}
    assert {field for field in fields if f"`{field}`" not in page} == set()


def test_auto_is_for_programs_in_a_pipe(verify: Callable[..., Ended]) -> None:
    """In a pipe auto is one object a line; on a terminal it is the table (`test_program`)."""
    assert verify(CLEAN, "-o", "auto").out == verify(CLEAN, "-o", "ndjson").out


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("name", "books"),
    [
        ("kraken_btcusd_sample", 2052),
        ("kraken_ethusd_sample", 1129),
        ("kraken_xrpusd_sample", 1147),
        ("kraken_btcusd_l2", 301),
    ],
)
def test_recorded_captures(
    name: str, books: int, conformance_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Recorded streams are proven whole, resubscriptions included."""
    file = conformance_data / "kraken_v2" / "jdardash__crossbook" / f"{name}.jsonl"
    ended = call(capsys, "verify", file, "-o", "json", "--strict")
    told = ended.json
    assert ended.code == Exit.OK
    assert (told["books_verified"], told["books_failed"], told["books_unverifiable"]) == (books, 0, 0)


@pytest.mark.conformance
def test_every_recorded_file(conformance_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every file of the recordings is reported or named as no capture; the frames of each add up."""
    for file in sorted((conformance_data / "kraken_v2").rglob("*.json*")):
        ended = call(capsys, "verify", file, "-o", "json")
        told = ended.json
        if ended.code == Exit.FAILED:
            assert told["error"] == "no_frames", file
            continue
        assert ended.code == (Exit.INTEGRITY if told["verdict"] == "failed" else Exit.OK)
        books = [
            channels[kind]
            for channels in told["by_symbol"].values()
            for kind in channels
            if kind in {"book", "level3"}
        ]
        assert all(
            book["frames"] == book["verified"] + book["failed"] + book["unverifiable"] for book in books
        )
