"""The program as a process: pipes, terminals, signals, and what goes where."""

from __future__ import annotations

import fcntl
import gzip
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
from pathlib import Path
from time import monotonic, sleep

import pytest

from krakenwire.cli.exits import Exit
from tests.cli import capture_of
from tests.cli.call import command, program
from tests.session.exchange import Exchange
from tools.make_sample import SAMPLE

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
    ended = program("verify", "-", "-o", "table", data=pack(CLEAN))
    assert ended.code == Exit.OK
    assert ended.out.startswith("standard input  21 frames")
    assert program("verify", "-", "-o", "json", data=pack(CLEAN)).json["file"] == "-"


def test_exit_codes(tmp_path: Path) -> None:
    """The process ends with the code of its command: well, failed, wrong usage, integrity."""
    bad = capture_of.write(tmp_path / "bad.jsonl", capture_of.lost_update())
    assert program("verify", "-", data=CLEAN).code == 0
    assert program("verify", tmp_path).code == 1
    assert program("verify").code == 2
    assert program("verify", bad).code == 6
    assert program("stream", "trade", "BTC/USD", "--url", "ws://127.0.0.1:1").code == 4
    assert program("stream", "trade", "XBT/USD", "--sim").code == 7


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
@pytest.mark.parametrize(
    "arguments",
    [
        ["demo"],
        ["stream", "book", "SOL/USD", "--sim"],
        ["stream", "trade", "BTC/USD", "--sim", "--count", "20"],
        ["stream", "trade", "BTC/USD", "--sim", "--count", "20", "-o", "json"],
        ["watch", "BTC/USD", "--sim", "--duration", "1"],
        ["verify", SAMPLE],
        ["--help"],
    ],
)
def test_output_cannot_be_written(arguments: list[object]) -> None:
    """A full disk under the output is an error, also if the command has everything already; none says that all is well."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command(*arguments), stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == Exit.FAILED
    assert done.stderr.decode().splitlines() == [
        "error: the output cannot be written: No space left on device"
    ], done.stderr


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
    ended = program("verify", "-", "-o", "table", data=CLEAN, PYTHONIOENCODING="ascii")
    assert ended.code == 0
    assert ended.out.endswith("of book messages ? all is well\n")


@pytest.mark.fault("J16")
def test_file_name_that_is_no_text(tmp_path: Path) -> None:
    """A file name that is no UTF-8 is read, and printed escaped."""
    path = os.fsencode(tmp_path) + b"/\xff.jsonl"
    Path(os.fsdecode(path)).write_bytes(CLEAN)
    ended = program("verify", os.fsdecode(path), "-o", "table")
    assert ended.code == 0
    assert "\\udcff.jsonl" in ended.out
    assert program("verify", os.fsdecode(path), "-o", "json").json["file"].endswith("\\udcff.jsonl")


def test_pipe_gets_plain_text() -> None:
    """In a pipe there is no colour, no bar, nothing that moves, and lines are not folded."""
    ended = program("verify", SAMPLE, "-o", "table", COLUMNS="40")
    assert "\x1b" not in ended.out + ended.err
    assert "\r" not in ended.out + ended.err
    assert ended.err == ""
    assert max(map(len, ended.out.splitlines())) > 70


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


@pytest.mark.parametrize(
    ("no_color", "term", "colour"),
    [("", "xterm", True), ("1", "xterm", False), ("", "dumb", False)],
    ids=["colour", "plain", "dumb"],
)
def test_demo_on_a_terminal(no_color: str, term: str, colour: bool) -> None:
    """On a terminal the lines of the demo have colours besides their words; NO_COLOR or a dumb terminal turns them off; nothing moves."""
    code, text = on_terminal("demo", "--plain", "--duration", "1.1", NO_COLOR=no_color, TERM=term)
    assert code == 0
    assert ("\x1b[32mBTC/USD   LIVE" in text) is colour
    assert bool(re.search(r"\x1b\[[0-9;]+m", text)) is colour
    assert not re.search(r"\x1b\[\d*[A-HJKf]", text)
    assert "events in 1." in text


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
@pytest.mark.parametrize(
    ("arguments", "number", "after"),
    [
        (["demo"], signal.SIGINT, 0.0),
        (["demo", "-o", "ndjson"], signal.SIGTERM, 1.3),
        (["stream", "book", "SOL/USD", "--sim"], signal.SIGINT, 0.4),
        (["stream", "balances", "--sim", "-o", "ndjson"], signal.SIGINT, 1.3),
        (["stream", "trade", "BTC/USD", "--sim"], signal.SIGTERM, 0.0),
    ],
)
def test_a_stream_ends_in_good_order(arguments: list[str], number: signal.Signals, after: float) -> None:
    """Ctrl-C, or being terminated, ends what runs for long within five seconds, at any moment, with its summary and its exit code."""
    with subprocess.Popen(
        command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as started:
        assert started.stdout is not None
        first = started.stdout.readline()
        sleep(after)
        began = monotonic()
        started.send_signal(number)
        out, err = started.communicate(timeout=20)
    assert monotonic() - began < 5
    assert started.returncode == (Exit.INTERRUPTED if number == signal.SIGINT else Exit.TERMINATED)
    assert re.search(r'[\d,]+ events? in \S+ .* · lost: \d+ gaps?|"event": "summary"', out + err)
    assert "SIM" in first or '"sim": true' in first
    assert "Traceback" not in err


@pytest.mark.fault("C7")
@pytest.mark.parametrize("silent", [False, True], ids=["before", "connecting"])
def test_interrupted_while_nothing_comes(silent: bool) -> None:
    """Ctrl-C ends a stream in time also while a host takes the connection and says nothing, or while it is waited for."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1] if silent else 1
        arguments = ("stream", "trade", "BTC/USD", "--url", f"ws://127.0.0.1:{port}", "-o", "ndjson")
        with subprocess.Popen(
            command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as started:
            assert started.stdout is not None
            if silent:
                held, _ = server.accept()
            else:
                started.stdout.readline()
            began = monotonic()
            started.send_signal(signal.SIGINT)
            out, err = started.communicate(timeout=20)
        if silent:
            held.close()
    assert monotonic() - began < 5
    # The third attempt may have come first where nobody listens.
    assert started.returncode in ({Exit.INTERRUPTED} if silent else {Exit.INTERRUPTED, Exit.NETWORK})
    assert "Traceback" not in out + err


@pytest.mark.fault("C7", "C4")
def test_interrupted_while_nobody_reads() -> None:
    """While whoever should read the output does not, Ctrl-C still ends a command within five seconds, with its summary on stderr."""
    with subprocess.Popen(
        command("demo", "-o", "ndjson", "--duration", "60"), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        assert started.stdout is not None
        assert started.stderr is not None
        assert select.select([started.stdout], [], [], 30)[0]
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(2)
        began = monotonic()
        started.send_signal(signal.SIGINT)
        assert started.wait(10) == Exit.INTERRUPTED
        assert monotonic() - began < 5
        assert re.match(rb"SIM \d+ events in .* lost: ", started.stderr.read())


@pytest.mark.fault("C7")
def test_interrupted_twice() -> None:
    """A second Ctrl-C ends a command at once, also while its last lines wait for a reader that does not read."""
    with subprocess.Popen(
        command("demo", "-o", "ndjson", "--duration", "60"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as started:
        assert started.stdout is not None
        assert select.select([started.stdout], [], [], 30)[0]
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(2)
        started.send_signal(signal.SIGINT)
        with pytest.raises(subprocess.TimeoutExpired):
            started.wait(0.3)
        began = monotonic()
        started.send_signal(signal.SIGINT)
        assert started.wait(5) == Exit.INTERRUPTED
        assert monotonic() - began < 1
