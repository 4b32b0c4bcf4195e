"""`krakenwire verify`: what it proves, what it says, and how it ends."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from zlib import crc32

import pytest
from click.testing import CliRunner

from krakenwire.cli import main

GOOD = (
    '{"channel":"book","type":"snapshot","data":[{"symbol":"SOL/USD","bids":[{"price":141.22,"qty":35.10000000}],'
    '"asks":[{"price":141.23,"qty":4.02000000}],"checksum":%d}]}'
)
CHECKSUM = crc32(b"14123402000000" + b"141223510000000")
RIGHT = GOOD % CHECKSUM
WRONG = GOOD % 1


def run(*arguments: str, data: str | bytes | None = None) -> tuple[int, str]:
    """Exit code and everything printed."""
    result = CliRunner().invoke(main, ["verify", *arguments], input=data)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_clean_capture(tmp_path: Path) -> None:
    """A capture in which everything is proven ends with 0."""
    file = tmp_path / "a.jsonl"
    file.write_text(RIGHT + "\n")
    code, text = run(str(file))
    assert code == 0
    assert "1 verified" in text


def test_failure_is_explained(tmp_path: Path) -> None:
    """A wrong checksum ends with 6 and names line, expected and computed value."""
    file = tmp_path / "a.jsonl"
    file.write_text(f"{RIGHT}\n{WRONG}\n")
    code, text = run(str(file), "-o", "json")
    report = json.loads(text)
    assert code == 6
    assert (report["books_verified"], report["books_failed"]) == (1, 1)
    failure = report["first_failure"]["book SOL/USD"]
    assert (failure["line"], failure["expected"], failure["computed"]) == (2, 1, CHECKSUM)


def test_compressed_and_standard_input(tmp_path: Path) -> None:
    """Compressed files and standard input are read like plain files."""
    file = tmp_path / "a.jsonl.gz"
    file.write_bytes(gzip.compress(f"{RIGHT}\n".encode()))
    assert run(str(file))[0] == 0
    assert run("-", data=RIGHT + "\n")[0] == 0


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        (b"", 1, "holds no frames"),
        (b"\x00\xff\xfe\x00garbage\n", 6, "line 1 refused"),
        (RIGHT.encode() + b"\n" + RIGHT.encode()[:50], 0, "line 2 is cut short"),
        (b'{"channel":"book"}\n', 6, "refused"),
    ],
    ids=["empty", "garbage", "truncated", "no data"],
)
def test_bad_files(tmp_path: Path, content: bytes, code: int, text: str) -> None:
    """Each kind of bad file gets a clear message and never a traceback."""
    file = tmp_path / "a.jsonl"
    file.write_bytes(content)
    assert run(str(file))[0] == code
    assert text in run(str(file))[1]


def test_missing_file_and_directory(tmp_path: Path) -> None:
    """A missing file, a directory and a damaged archive are named for what they are."""
    (tmp_path / "b.jsonl.gz").write_bytes(b"no gzip")
    assert "does not exist" in run(str(tmp_path / "none.jsonl"))[1]
    assert "is a directory" in run(str(tmp_path))[1]
    code, text = run(str(tmp_path / "b.jsonl.gz"))
    assert code == 1
    assert "b.jsonl.gz" in text


def test_terminal_escapes_are_harmless(tmp_path: Path) -> None:
    """A symbol with terminal escapes is printed escaped."""
    file = tmp_path / "a.jsonl"
    file.write_text(RIGHT.replace("SOL/USD", "\\u001b[31mSOL") + "\n")
    assert "\x1b" not in run(str(file))[1]


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
def test_recorded_captures(name: str, books: int, conformance_data: Path) -> None:
    """Recorded streams are proven whole, resubscriptions included."""
    file = conformance_data / "kraken_v2" / "jdardash__crossbook" / f"{name}.jsonl"
    code, text = run(str(file), "-o", "json")
    report = json.loads(text)
    assert code == 0
    assert (report["books_verified"], report["books_failed"], report["books_unverifiable"]) == (books, 0, 0)
