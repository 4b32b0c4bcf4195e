"""`krakenwire verify`: every form of input, and everything that can be wrong with it."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from krakenwire.cli.exits import Exit
from tests.cli import capture_of
from tests.cli.call import Ended, call
from tests.session.exchange import Exchange

CLEAN = Exchange().stream(20)


def test_pretty_printed_frame(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A .json holds one frame over many lines, or an array of frames, and refusals name the line in the file."""
    frame = CLEAN[0].replace(b",", b",\n ")
    path = tmp_path / "one.json"
    path.write_bytes(frame)
    assert call(capsys, "verify", path, "-o", "json").json["books_verified"] == 1
    path.write_bytes(b"[\n" + b",\n".join([*CLEAN[:3], b"{}"]) + b"]")
    told = call(capsys, "verify", path, "-o", "json").json
    assert told["books_verified"] == 3
    assert told["refused_lines"][0]["line"] == 5


@pytest.mark.parametrize("tail", [CLEAN[-1][:50], b"{"])
def test_last_line_cut_short(tmp_path: Path, capsys: pytest.CaptureFixture[str], tail: bytes) -> None:
    """A last line that is cut short is no refused frame: everything before it was judged, and the cut is told."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([*CLEAN[:-1], tail]))
    ended = call(capsys, "verify", path, "-o", "table")
    assert ended.code == Exit.OK
    assert "the file ends inside line 21" in ended.out
    assert "nothing failed, but not proven: a last line that is cut short" in ended.out
    told = call(capsys, "verify", path, "-o", "json").json
    assert (told["truncated_line"], told["frames"], told["refused"]) == (21, 20, 0)
    assert call(capsys, "verify", path, "--strict").code == Exit.INTEGRITY


@pytest.mark.parametrize("tail", [b'{"no":"frame"}', b"\x00\xff", b"null"])
def test_refused_last_line_is_no_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str], tail: bytes) -> None:
    """A last line that is whole and no frame, or never began as one, is refused, although no line feed follows."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\n".join([*CLEAN, tail]))
    assert call(capsys, "verify", path, "-o", "json").json["refused"] == 1


def test_compressed_file_cut_short(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A compressed file that ends too early is like a last line cut short."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(CLEAN) + b"\n")[:-12])
    ended = call(capsys, "verify", path, "-o", "table")
    assert ended.code == Exit.OK
    assert "the file ends inside line" in ended.out


def test_damaged_compressed_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged compressed file is reported up to the damage, then the error follows; it ends with 1."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b"\n".join(CLEAN) + b"\n") + b"no member")
    ended = call(capsys, "verify", path, "-o", "table")
    assert ended.code == Exit.FAILED
    assert "21 verified" in ended.out
    assert "not proven: 1 file not read to the end" in ended.out
    assert "damaged after line 21" in ended.err
    told = call(capsys, "verify", path, "-o", "json").json
    assert (told["error"], told["books_verified"], told["retryable"]) == ("damaged", 21, False)


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "holds no frames", "one raw frame a line"),
        (b"\n\n  \n", "holds no frames", "one raw frame a line"),
        (
            b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
            "holds no frames: line 1 is refused",
            "one raw frame",
        ),
        (b"time,price\n1,2\n", "holds no frames: line 1 is refused", "one raw frame a line"),
        (b'[0,{"a":["1"]},"book-10","XBT/USD"]\n', "holds no frames", "protocol version 1"),
        (b'{\n "channel":"heartbeat"\n}\n', "holds no frames", "belongs in a .json"),
        (b'{"channel":"heart', "holds no frames: it ends inside line 1", "one raw frame a line"),
    ],
    ids=["empty", "blank", "picture", "table", "version 1", "pretty", "cut"],
)
def test_no_capture_at_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes, message: str, hint: str
) -> None:
    """A file without one frame ends with 1, and two lines that say what it is and what was expected."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(content)
    ended = call(capsys, "verify", path, "-o", "table")
    assert (ended.code, ended.out) == (Exit.FAILED, "")
    first, second = ended.err.splitlines()
    assert first.startswith("error: ")
    assert message in first
    assert second.startswith("hint:  ")
    assert hint in second
    told = call(capsys, "verify", path, "-o", "json").json
    assert told.keys() == {"file", "error", "message", "hint", "retryable"}


def test_hopeless_file_is_not_read_to_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """After a thousand lines without a frame, reading stops."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"x\n" * 5000 + b"\n".join(CLEAN))
    ended = call(capsys, "verify", path, "-o", "table")
    assert ended.code == Exit.FAILED
    assert "holds no frames: line 1 is refused" in ended.err


def test_depth_can_be_stated(verify: Callable[..., Ended]) -> None:
    """A book whose depth cannot be seen in its snapshot fails, with a hint; with --depth it is proven."""
    exchange = Exchange(depth=25, levels=10)
    frames = [exchange.snapshot(), *(exchange.update(asks={f"{1020 - n}": "1"}) for n in range(6))]
    frames += [exchange.update(asks={f"{1001 + n}": "0"}) for n in range(6)]
    ended = verify(frames)
    assert ended.code == Exit.INTEGRITY
    assert "state it with --depth" in ended.out
    assert verify(frames, "--depth", "BTC/USD=25").code == Exit.OK


@pytest.mark.parametrize("text", ["BTC/USD", "BTC/USD=", "=10", "BTC/USD=11", "BTC/USD=x"])
def test_impossible_depth(verify: Callable[..., Ended], text: str) -> None:
    """A depth that Kraken does not offer is wrong usage."""
    ended = verify(CLEAN, "--depth", text)
    assert ended.code == Exit.USAGE
    assert "10, 25, 100, 500, 1000" in ended.err


EVIL = r"\u001b[2J\u202e\u200f" + "A" * 300


@pytest.mark.fault("J16")
def test_hostile_text_everywhere(verify: Callable[..., Ended]) -> None:
    """A capture full of terminal escapes and long texts, in every text that can be shown, prints harmlessly in every form."""
    evil = EVIL.encode()
    frames = [
        *(frame.replace(b"BTC/USD", evil) for frame in capture_of.lost_update()),
        CLEAN[0].replace(b"BTC/USD", b"SOL/USD").replace(b"2026", evil),
        capture_of.trade(1, symbol=EVIL),
        capture_of.trade(9, symbol=EVIL),
        b'{"channel":"' + evil + b'"}',
        b'{"method":"' + evil + b'"}',
        b'{"error":"' + evil + b'"}',
        b'{"channel":"heartbeat","' + evil + b'":1}',
        b'{"method":"subscribe","success":false,"error":"' + evil + b'"}',
        b'{"channel":"ticker","type":"' + evil + b'","data":[]}',
        b'{"channel":"book","type":"update","data":[{"symbol":"'
        + evil
        + b'","bids":[{"price":"'
        + evil
        + b'","qty":1}],"asks":[]}]}',
    ]
    for form in ("table", "json", "ndjson"):
        ended = verify(frames, "-o", form)
        text = ended.out + ended.err
        assert all(char.isprintable() or char == "\n" for char in text)
        assert "A" * 200 not in text
    assert r"\x1b[2J" in verify(frames).out


@pytest.mark.fault("J16")
def test_hostile_file_name(
    verify: Callable[..., Ended], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file name is foreign text, too."""
    name = "\x1b[31m\u202e.jsonl"
    assert "\\x1b[31m\\u202e.jsonl" in verify(CLEAN, name=name).out
    ended = call(capsys, "verify", tmp_path / "\x1b[2Jnone", "-o", "table")
    assert "\\x1b[2Jnone does not exist" in ended.err
