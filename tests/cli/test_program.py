"""The program as a process: pipes, terminals, signals, and what goes where."""

from __future__ import annotations

import fcntl
import gzip
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
from pathlib import Path
from time import monotonic

import pytest

from krakenwire.cli.demo import SAMPLE
from krakenwire.cli.exits import Exit
from tests.cli import capture_of
from tests.cli.call import command, program
from tests.session.exchange import Exchange

CLEAN = b"".join(frame + b"\n" for frame in Exchange().stream(20))


def on_terminal(
    *arguments: object, size: tuple[int, int] = (24, 80), until: str | None = None, **env: str
) -> tuple[int, str]:
    """Exit code and everything that a terminal of this size gets to see. Once it saw `until`, Ctrl-C is typed."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    usual = {
        name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}
    }
    started = subprocess.Popen(
        command(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=usual | {"TERM": "xterm"} | env,
        start_new_session=True,
        # Ctrl-C reaches a program only from its controlling terminal.
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 (this process has one thread)
    )
    os.close(theirs)
    seen = b""
    deadline = monotonic() + 30
    while monotonic() < deadline and select.select([ours], [], [], 30)[0]:
        try:
            got = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not got:
            break
        seen += got
        if until is not None and until.encode() in seen:
            until = None
            os.write(ours, b"\x03")
    code = started.wait(30)
    os.close(ours)
    text = seen.decode()
    assert "Traceback" not in text
    return code, text


# -------------------------------------------------------------------- pipes


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_standard_input(pack: type[bytes]) -> None:
    """Standard input is read like a file, compressed or not."""
    ended = program("verify", "-", data=pack(CLEAN))
    assert ended.code == Exit.OK
    assert ended.out.startswith("standard input  21 frames")
    assert program("verify", "-", "-o", "json", data=pack(CLEAN)).json["file"] == "-"


def test_exit_codes(tmp_path: Path) -> None:
    """The process ends with the code of its command: well, failed, wrong usage, integrity."""
    bad = capture_of.write(tmp_path / "bad.jsonl", capture_of.lost_update())
    assert program("verify", "-", data=CLEAN).code == 0
    assert program("verify", tmp_path).code == 1
    assert program("verify", "-", data=os.urandom(1000)).code == 1
    assert program("verify").code == 2
    assert program("verify", bad).code == 6
    assert program("demo", "--count", "50").code == 0


@pytest.mark.fault("C16")
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["demo"], 0),
        (["demo", "-o", "ndjson"], 0),
        (["--help"], 0),
        (["verify", SAMPLE], 6),
        (["verify", SAMPLE, SAMPLE, "-o", "json"], 6),
    ],
)
def test_reader_goes_away(arguments: list[object], code: int) -> None:
    """When whoever reads the output is gone, a command ends quietly; a verdict that was reached still is the exit code."""
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(command(*arguments), stdout=closed, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr) == (code, b"")


@pytest.mark.fault("C16")
def test_reader_leaves_in_the_middle() -> None:
    """A reader that takes one line and goes is no error."""
    with subprocess.Popen(command("demo"), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        assert started.stdout.readline().startswith(b"SIM ")
        started.stdout.close()
        assert started.stderr.read() == b""
        assert started.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("arguments", [["demo"], ["verify", SAMPLE], ["--help"]])
def test_output_cannot_be_written(arguments: list[object]) -> None:
    """A full disk under the output is an error in one line."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command(*arguments), stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == Exit.FAILED
    assert done.stderr.decode().splitlines() == [
        "error: the output cannot be written: No space left on device"
    ]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams(tmp_path: Path, closed: str) -> None:
    """A program started without one of its standard streams still does its work."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(CLEAN)
    line = f'exec "$0" "$@" {closed}'
    done = subprocess.run(["/bin/sh", "-c", line, *command("verify", path)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.fault("C16")
def test_locale_without_our_characters() -> None:
    """Where the encoding of the output lacks a character, a question mark stands for it."""
    ended = program("verify", "-", data=CLEAN, PYTHONIOENCODING="ascii")
    assert ended.code == 0
    assert ended.out.endswith("of book messages ? all is well\n")


@pytest.mark.fault("J16")
def test_file_name_that_is_no_text(tmp_path: Path) -> None:
    """A file name that is no UTF-8 is read, and printed escaped."""
    path = os.fsencode(tmp_path) + b"/\xff.jsonl"
    Path(os.fsdecode(path)).write_bytes(CLEAN)
    ended = program("verify", os.fsdecode(path))
    assert ended.code == 0
    assert "\\udcff.jsonl" in ended.out
    assert program("verify", os.fsdecode(path), "-o", "json").json["file"].endswith("\\udcff.jsonl")


def test_pipe_gets_plain_text() -> None:
    """In a pipe there is no colour, no bar, nothing that moves, and lines are not folded."""
    ended = program("verify", SAMPLE, COLUMNS="40")
    assert "\x1b" not in ended.out + ended.err
    assert "\r" not in ended.out + ended.err
    assert ended.err == ""
    assert max(map(len, ended.out.splitlines())) > 90


# -------------------------------------------------------------------- terminals


def test_colour_on_a_terminal() -> None:
    """On a terminal the verdict has a colour besides its words; NO_COLOR or a dumb terminal turns it off."""
    code, text = on_terminal("verify", SAMPLE)
    assert code == Exit.INTEGRITY
    assert "\x1b[31mverified 99." in text
    assert "\x1b" not in on_terminal("verify", SAMPLE, NO_COLOR="1")[1]
    assert "\x1b" not in on_terminal("verify", SAMPLE, TERM="dumb")[1]


def test_lines_fit_the_terminal() -> None:
    """On a terminal, lines are folded to its width."""
    _, text = on_terminal("verify", SAMPLE, size=(24, 60), NO_COLOR="1")
    assert max(map(len, text.splitlines())) <= 78  # rows of the table are not folded
    assert max(len(line) for line in text.splitlines() if line.startswith(" " * 9)) <= 60


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    """A long file has a progress bar, which is gone when the report comes; a short one has none."""
    long = tmp_path / "long.jsonl"
    long.write_bytes(b'{"channel":"heartbeat"}\n' * 400_000)
    _, text = on_terminal("verify", long)
    bar, report = text.split("\r\x1b[K", 1)
    assert re.search(r"long\.jsonl .*━.* %.* frames  \d+ s left", bar)
    assert "━" not in report
    assert "━" not in on_terminal("verify", SAMPLE)[1]


@pytest.mark.parametrize("colour", [True, False])
def test_demo_redraws_in_place(colour: bool) -> None:
    """On a terminal the demo draws over its picture, marked SIM, hides the cursor and gives it back; NO_COLOR leaves no colour."""
    code, text = on_terminal("demo", "--speed", "40", NO_COLOR="" if colour else "1")
    assert code == 0
    assert " SIM " in text
    assert re.search(r"\x1b\[\d+A", text)
    assert text.count("\x1b[?25l") > 1
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert bool(re.search(r"\x1b\[[0-9;]+m", text)) is colour
    assert "statistics of the handler" in text


@pytest.mark.fault("C16")
@pytest.mark.parametrize(("size", "kind"), [((5, 20), "xterm"), ((24, 80), "dumb")], ids=["tiny", "dumb"])
def test_demo_on_a_poor_terminal(size: tuple[int, int], kind: str) -> None:
    """A terminal that is too small, or that cannot move its cursor, gets lines."""
    code, text = on_terminal("demo", "--speed", "0", size=size, TERM=kind)
    assert code == 0
    assert "SIM 08:00:00.0  BTC/USD" in text
    assert "\x1b[?25l" not in text


# -------------------------------------------------------------------- signals


@pytest.mark.fault("C7")
def test_interrupted_verify_reports_what_it_read(tmp_path: Path) -> None:
    """Ctrl-C ends with 130, and the report covers what was read until then."""
    path = tmp_path / "endless.jsonl"
    path.write_bytes(CLEAN + b'{"channel":"heartbeat"}\n' * 2_000_000)
    code, text = on_terminal("verify", path, until="frames", NO_COLOR="1")
    assert code == Exit.INTERRUPTED
    assert "21 verified" in text
    assert "not proven: 1 file not read to the end" in text
    assert re.search(r"error: interrupted after line [\d,]+ of ", text)


@pytest.mark.fault("C7")
def test_interrupted_demo_ends_with_its_summary() -> None:
    """Ctrl-C ends the demo with 130, gives the cursor back, and shows what was seen."""
    code, text = on_terminal("demo", until="08:00:01")
    assert code == Exit.INTERRUPTED
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "statistics of the handler" in text


@pytest.mark.fault("C7")
def test_interrupted_twice() -> None:
    """A second Ctrl-C ends a command at once, also while its report waits for a reader that does not read."""
    with subprocess.Popen(
        command("demo", "-o", "ndjson"), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as started:
        assert started.stdout is not None
        assert select.select([started.stdout], [], [], 30)[0]
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(0.5)
        started.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(0.5)
        started.send_signal(signal.SIGINT)
        assert started.wait(5) == Exit.INTERRUPTED


@pytest.mark.fault("C7")
def test_terminated() -> None:
    """SIGTERM ends a command at once, with the code that shells show as 143."""
    with subprocess.Popen(
        command("demo", "--speed", "0.01"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        started.stdout.readline()
        started.terminate()
        assert started.wait(5) == -signal.SIGTERM
