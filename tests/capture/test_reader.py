"""Reading captures: every form, and every way in which one can be broken."""

from __future__ import annotations

import gzip
import os
import sys
from pathlib import Path

import pytest

from krakenwire.capture import CaptureError, open_capture, reader

ONE = b'{"channel":"heartbeat"}'
TWO = b'{"method":"pong", "req_id": 1.50}'


def frames(path: Path) -> list[tuple[int, bytes]]:
    """Line and bytes of every frame."""
    with open_capture(str(path)) as capture:
        return list(capture)


def failure(path: Path) -> CaptureError:
    """The error that reading gives."""
    with pytest.raises(CaptureError) as caught:
        frames(path)
    return caught.value


@pytest.mark.parametrize("name", ["a.jsonl", "a.txt", "a", "a.gz"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_lines(tmp_path: Path, name: str, pack: type[bytes]) -> None:
    """One frame a line, whatever the name and however it is packed; blank lines count, and are passed over."""
    path = tmp_path / name
    path.write_bytes(pack(ONE + b"\r\n\n  " + TWO + b"\n"))
    assert frames(path) == [(1, ONE), (3, TWO)]


def test_several_gzip_members(tmp_path: Path) -> None:
    """Compressed parts, one behind the other, are read as one."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(ONE + b"\n") + gzip.compress(TWO + b"\n"))
    assert frames(path) == [(1, ONE), (2, TWO)]


def test_byte_order_mark(tmp_path: Path) -> None:
    """A mark at the start belongs to the file and not to the first frame."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + ONE + b"\n" + TWO)
    assert frames(path) == [(1, ONE), (2, TWO)]


PRETTY = b'{\n  "channel": "heartbeat",\n  "n": 1.50\n}'


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PRETTY + b"\n", [(1, PRETTY)]),
        (b"\n [" + ONE + b",\n\n" + PRETTY + b" ]\n", [(2, ONE), (4, PRETTY)]),
        (b"[" + ONE + b"," + ONE + b"]", [(1, ONE), (1, ONE)]),
        (ONE + b"\n" + TWO + b"\n", [(1, ONE), (2, TWO)]),
        (PRETTY[:-1], [(1, PRETTY[:-2])]),
        (b"", []),
        (b"[]", []),
    ],
    ids=["frame", "array", "array in a line", "lines", "cut", "empty", "empty array"],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_documents(tmp_path: Path, text: bytes, expected: list[tuple[int, bytes]], pack: type[bytes]) -> None:
    """A .json holds one frame, an array of frames, or lines after all; every frame keeps its bytes and its line."""
    path = tmp_path / ("a.json" if pack is bytes else "a.json.gz")
    path.write_bytes(pack(text))
    assert frames(path) == expected


@pytest.mark.parametrize(("text", "ended"), [(ONE + b"\n", True), (ONE + b"\n" + TWO[:9], False)])
def test_says_whether_the_last_line_ended(tmp_path: Path, text: bytes, *, ended: bool) -> None:
    """A file that ends inside its last line says so."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(text)
    with open_capture(str(path)) as capture:
        list(capture)
        assert capture.ended is ended


@pytest.mark.fault("R6")
def test_compressed_file_cut_anywhere(tmp_path: Path) -> None:
    """However a compressed file is cut, only whole leading frames come out, and the cut is reported."""
    text = b"".join(b'{"channel":"heartbeat","n":%d}\n' % n for n in range(50))
    whole = [(n + 1, line) for n, line in enumerate(text.splitlines())]
    packed = gzip.compress(text)
    path = tmp_path / "a.jsonl.gz"
    for size in range(20, len(packed)):
        path.write_bytes(packed[:size])
        with open_capture(str(path)) as capture:
            got = list(capture)
            assert got == whole[: len(got)]
            assert capture.cut == len(got) + 1


@pytest.mark.fault("R6")
def test_compressed_file_with_any_byte_damaged(tmp_path: Path) -> None:
    """A flipped bit in the body of a compressed file is an error that names the place, or is seen in the frames."""
    text = b"".join(b'{"channel":"heartbeat","n":%d}\n' % n for n in range(50))
    whole = [(n + 1, line) for n, line in enumerate(text.splitlines())]
    packed = bytearray(gzip.compress(text, mtime=0))
    path = tmp_path / "a.jsonl.gz"
    errors, silent = [], []
    for at in range(10, len(packed)):
        packed[at] ^= 1
        path.write_bytes(packed)
        packed[at] ^= 1
        with open_capture(str(path)) as capture:
            try:
                if list(capture) == whole and capture.cut is None:
                    silent.append(at)
            except CaptureError as exc:
                errors.append(exc)
    assert silent == []
    assert errors
    assert {error.kind for error in errors} == {"damaged"}
    assert all("after line" in error.message for error in errors)


def test_line_over_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line longer than any frame is an error, and is not read into memory as a whole."""
    monkeypatch.setattr(reader, "LONGEST_LINE", 40)
    path = tmp_path / "a.jsonl"
    path.write_bytes(ONE + b"\n" + b"x" * 100)
    error = failure(path)
    assert error.kind == "line_too_long"
    assert "line 2" in error.message
    path.with_suffix(".json").write_bytes(b'"' + b"x" * 100 + b'"')
    assert failure(path.with_suffix(".json")).kind == "line_too_long"


def test_line_as_long_as_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that just fits is a frame."""
    monkeypatch.setattr(reader, "LONGEST_LINE", len(ONE) + 1)
    path = tmp_path / "a.jsonl"
    path.write_bytes(ONE + b"\n" + ONE)
    assert frames(path) == [(1, ONE), (2, ONE)]


def test_missing_file_and_directory(tmp_path: Path) -> None:
    """A missing file and a directory are named for what they are; the hint says what may be meant."""
    (tmp_path / "monday.jsonl").write_bytes(ONE)
    error = failure(tmp_path / "mondax.jsonl")
    assert (error.kind, error.hint) == ("not_found", f"did you mean {tmp_path / 'monday.jsonl'}?")
    assert failure(tmp_path / "none" / "none").hint is None
    assert failure(tmp_path).kind == "is_a_directory"


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read everything"
)
def test_forbidden_file(tmp_path: Path) -> None:
    """A file that may not be read says so."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(ONE)
    path.chmod(0)
    assert failure(path).kind == "unreadable"


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_impossible_name(name: str) -> None:
    """A name that no file can have is an error like any other."""
    with pytest.raises(CaptureError, match="cannot be read"), open_capture(name):
        pass


@pytest.mark.parametrize("magic", [b"\x28\xb5\x2f\xfd", b"\xfd7zXZ", b"BZh9", b"PK\x03\x04"])
def test_other_packers(tmp_path: Path, magic: bytes) -> None:
    """A file packed in another way is not taken for damaged frames; the hint says how to unpack it."""
    path = tmp_path / "a.jsonl.zst"
    path.write_bytes(magic + bytes(50))
    assert "| krakenwire verify -" in (failure(path).hint or "")


def test_no_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program without standard input says so."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CaptureError, match="no standard input"), open_capture("-"):
        pass


def test_position_is_of_the_file_itself(tmp_path: Path) -> None:
    """For progress, the position is told in bytes of the file, compressed as it is; of standard input nobody knows."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress((ONE + b"\n") * 1000))
    with open_capture(str(path)) as capture:
        list(capture)
        assert capture.position == capture.size == path.stat().st_size
    read, write = os.pipe()
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert reader.Capture("x", pipe, size=None).position is None
