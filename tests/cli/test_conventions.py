"""What every command does alike, whichever it is: secrets, words that do not exist, signals, pipes, terminals and locales."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import click
import pytest

from krakenwire.cli.entry import krakenwire
from krakenwire.cli.exits import Exit
from krakenwire.cli.follow import refusal
from krakenwire.cli.options import SECRET_WORDS
from krakenwire.events import SubscriptionRejected
from krakenwire.wire.refusals import ErrorKind
from tests.cli.call import call, command, program
from tests.cli.test_help import commands, found
from tests.cli.test_program import CLEAN, on_terminal
from tools.make_sample import SAMPLE

CANARY = "canary-5f3a"

# -------------------------------------------------------------------- secrets


@pytest.mark.fault("M2", "M3")
@pytest.mark.parametrize("path", commands(krakenwire), ids=" ".join)
def test_no_option_takes_a_secret(path: tuple[str, ...]) -> None:
    """No command has an option whose value is a secret, or one that switches off the proof of who answers."""
    options = [each for each in found(path).params if isinstance(each, click.Option)]
    names = [name for option in options if not option.is_flag for name in option.opts]
    secret = [name for name in names if any(word in name for word in SECRET_WORDS)]
    assert set(secret) <= {"--credentials-file"}
    assert not [name for name in names if re.search("insecure|verif|no-tls|unsafe", name)]


@pytest.mark.fault("M2")
@pytest.mark.parametrize("typed", [["--api-secret", CANARY], [f"--api-key={CANARY}"], ["--token", CANARY]])
def test_typed_secret_is_refused_and_not_repeated(
    typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Who types a secret is told where secrets come from instead; it is not printed again."""
    ended = call(capsys, "stream", "balances", *typed)
    assert ended.code == Exit.USAGE
    assert "can be read by everybody on the machine" in ended.err
    assert "--credentials-file" in ended.err
    assert CANARY not in ended.out + ended.err


# -------------------------------------------------------------------- did you mean


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["steam"], "did you mean stream?"),
        (["config", "shwo"], "did you mean show?"),
        (["help", "config", "chek"], "did you mean check?"),
        (["stream", "bok", "BTC/USD"], "did you mean book?"),
        (["stream", "Trades", "BTC/USD"], "did you mean trade?"),
        (["stream", "book", "BTC/USD", "--dept", "10"], "did you mean --depth"),
        (["verify", "-o", "jsn", "x"], "did you mean json?"),
        (["completion", "fsh"], "did you mean fish?"),
    ],
)
def test_nearest_word(arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A command, channel, option or form that does not exist is answered with the one that is most like it."""
    ended = call(capsys, *arguments)
    assert ended.code == Exit.USAGE
    assert ended.err.splitlines()[1].startswith(f"hint:  {hint}")


@pytest.mark.parametrize(
    ("symbol", "meant"),
    [
        ("XBT/USD", "WebSocket v2 writes Bitcoin as BTC. Did you mean BTC/USD?"),
        ("ETH/XBT", "Did you mean ETH/BTC?"),
        ("xdg/usd", "Did you mean DOGE/USD?"),
        ("XBTUSD", "Did you mean BTC/USD?"),
        ("btc-usd", "Did you mean BTC/USD?"),
        ("BTC_EUR", "Did you mean BTC/EUR?"),
        ("SLO/USD", "did you mean SOL/USD?"),
        ("BTC/USD", "krakenwire stream instrument --count 1 -o ndjson lists every market"),
        ("??", "krakenwire stream instrument --count 1 -o ndjson lists every market"),
    ],
)
def test_nearest_symbol(symbol: str, meant: str) -> None:
    """A symbol that Kraken does not know is answered with the name that it has there, or with where all names are."""
    event = SubscriptionRejected(
        channel="book",
        symbol=symbol,
        kind=ErrorKind.UNKNOWN_SYMBOL,
        reason=f"Currency pair not supported {symbol}",
        retried=False,
    )
    assert meant in (refusal(event).hint or "")


# -------------------------------------------------------------------- signals

HANDLED = 1 << (signal.SIGTERM - 1)
"""Of the mask of handled signals: a process that has it is past the start of the interpreter."""

LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="this system tells no signal masks")


@contextmanager
def running(*arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """A command that has begun to answer signals. Its output is read all the time."""
    with subprocess.Popen(
        command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as started:
        try:
            deadline = monotonic() + 30
            while not handled(started.pid) & HANDLED:
                assert monotonic() < deadline
                sleep(0.005)
            yield started
        finally:
            started.kill()


def handled(pid: int) -> int:
    """The mask of signals that a process handles."""
    (mask,) = re.findall(
        r"^SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text(encoding="utf-8"), re.MULTILINE
    )
    return int(mask, 16)


def feed(started: subprocess.Popen[bytes]) -> None:
    """Frames without an end."""
    assert started.stdin is not None
    try:
        started.stdin.write(CLEAN)
        while True:
            started.stdin.write(b'{"channel":"heartbeat"}\n' * 1000)
    except (OSError, ValueError):
        pass


LONG: dict[str, list[str]] = {
    "demo": ["demo", "--duration", "60"],
    "demo-ndjson": ["demo", "--duration", "60", "-o", "ndjson"],
    "stream": ["stream", "book", "BTC/USD", "--sim"],
    "stream-private": ["stream", "balances", "--sim"],
    "sim": ["sim"],
    "bench": ["bench", "--duration", "60"],
    "verify": ["verify", "-"],
    "doctor": ["doctor", "--url", "URL"],
}
"""Commands that run on."""


@pytest.fixture
def mute() -> Iterator[str]:
    """The address of a host that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ws://127.0.0.1:{server.getsockname()[1]}"


@LINUX
@pytest.mark.fault("C7")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
@pytest.mark.parametrize("name", LONG)
def test_signal_at_any_time(name: str, number: signal.Signals, mute: str) -> None:
    """A signal ends whatever runs within five seconds, at a random instant from its very beginning on, with the code that belongs to it and
    without a traceback.
    """
    after = random.Random(f"{name}{number}").choice([0.0, 0.05, 0.2, 0.6, 1.2])
    arguments = [mute if each == "URL" else each for each in LONG[name]]
    with running(*arguments) as started:
        reader = threading.Thread(target=feed, args=[started], daemon=True)
        if name == "verify":
            reader.start()
        sleep(after)
        began = monotonic()
        started.send_signal(number)
        out, err = ended(started)
        assert monotonic() - began < 5
        assert started.returncode == (Exit.INTERRUPTED if number == signal.SIGINT else Exit.TERMINATED)
    assert b"Traceback" not in out + err


@LINUX
@pytest.mark.fault("C7")
@pytest.mark.parametrize("name", LONG)
def test_second_signal_at_once(name: str, mute: str) -> None:
    """A second signal ends whatever runs at once, wherever the first one has brought it."""
    after = random.Random(name).choice([0.1, 0.5, 1.0])
    arguments = [mute if each == "URL" else each for each in LONG[name]]
    with running(*arguments) as started:
        sleep(after)
        started.send_signal(signal.SIGINT)
        sleep(0.02)
        began = monotonic()
        started.send_signal(signal.SIGINT)
        out, err = ended(started)
        assert monotonic() - began < 1
        # The interpreter may be at its own end already, where it dies of the signal; a shell says 130 of both.
        assert started.returncode in {Exit.INTERRUPTED, -signal.SIGINT}
    assert b"Traceback" not in out + err


def ended(started: subprocess.Popen[bytes]) -> tuple[bytes, bytes]:
    """What a command printed until it ended, while its standard input stays open."""
    told: dict[str, bytes] = {}

    def read(name: str, stream: Any) -> None:
        told[name] = stream.read()

    threads = [
        threading.Thread(target=read, args=[name, stream])
        for name, stream in (("out", started.stdout), ("err", started.stderr))
    ]
    for thread in threads:
        thread.start()
    started.wait(20)
    for thread in threads:
        thread.join(20)
    return told["out"], told["err"]


# -------------------------------------------------------------------- what is simulated


@pytest.mark.fault("M4")
@pytest.mark.parametrize("form", ["table", "json", "ndjson"])
@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--duration", "1.2"],
        ["stream", "book", "SOL/USD", "--sim", "--count", "3"],
        ["stream", "executions", "--sim", "--count", "2"],
        ["doctor", "--sim"],
        ["sim", "--duration", "0.05"],
    ],
    ids=lambda arguments: " ".join(arguments[:2]),
)
def test_what_is_simulated_says_so(
    arguments: list[str], form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every line about a simulated exchange begins with SIM, and every object says that it is simulated."""
    ended = call(capsys, *arguments, "-o", form)
    assert ended.code == Exit.OK
    if form == "json":
        assert ended.json["sim"] is True
    elif form == "ndjson":
        assert all(json.loads(line)["sim"] is True for line in ended.out.splitlines())
    else:
        # What `sim` prints is pasted into a shell: that is said above it.
        lines = [line for line in ended.out.splitlines() if line and "=" not in line and line[0] != "#"]
        assert [line for line in lines if not line.startswith("SIM ") and line != "Ctrl-C ends it."] == []


# -------------------------------------------------------------------- pipes, terminals, locales

SHORT: dict[str, list[object]] = {
    "demo": ["demo", "--duration", "0.5"],
    "stream": ["stream", "book", "SOL/USD", "--sim", "--count", "5"],
    "verify": ["verify", SAMPLE],
    "doctor": ["doctor", "--sim"],
    "sim": ["sim", "--duration", "0.1"],
    "bench": ["bench", "--duration", "0.01"],
    "config show": ["config", "show", "--origin"],
    "config path": ["config", "path"],
    "config check": ["config", "check"],
    "completion": ["completion", "bash"],
    "help": ["help", "stream"],
    "--help": ["--help"],
}
"""Every command, in short."""


def test_every_command_is_tried_here() -> None:
    """The table of this page names every command there is."""
    known = {" ".join(path) for path in commands(krakenwire)} - {"", "config", "watch"}
    assert known == set(SHORT) - {"--help"}


@pytest.mark.fault("C16")
@pytest.mark.parametrize(
    ("name", "form"), [(name, ("table", "ndjson")[at % 2]) for at, name in enumerate(SHORT)]
)
def test_reader_is_gone(name: str, form: str) -> None:
    """When nobody reads the output, every command ends quietly, with 0 or with the verdict that it reached."""
    formless = name in {"completion", "help", "--help"}
    arguments = SHORT[name] if formless else [*SHORT[name], "-o", form]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as closed:
        done = subprocess.run(command(*arguments), stdout=closed, stderr=subprocess.PIPE, check=False)
    assert done.returncode == (Exit.INTEGRITY if name == "verify" else Exit.OK)
    assert b"Traceback" not in done.stderr
    assert b"error" not in done.stderr


@pytest.mark.fault("C16")
@pytest.mark.parametrize("name", SHORT)
def test_poor_surroundings(name: str) -> None:
    """No terminal, a locale without our characters, one column: every command does its work, and a pipe gets no escapes."""
    ended = program(
        *SHORT[name], LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0", COLUMNS="1", TERM="dumb"
    )
    assert ended.code == (Exit.INTEGRITY if name == "verify" else Exit.OK)
    assert ended.out or name == "config check"  # no problem, no line
    assert "\x1b" not in ended.out + ended.err


@pytest.mark.fault("C16")
@pytest.mark.parametrize("name", SHORT)
def test_tiny_terminal(name: str) -> None:
    """On a terminal of ten columns and two rows every command does its work."""
    code, text = on_terminal(*SHORT[name], size=(2, 10))
    assert code == (Exit.INTEGRITY if name == "verify" else Exit.OK)
    assert text


def test_auto_is_a_table_on_a_terminal() -> None:
    """What is one object a line in a pipe is text on a terminal."""
    assert program("config", "path").out.startswith('{"file": ')
    assert on_terminal("config", "path")[1].startswith("/")


def test_interpreter_is_the_one_of_the_tests() -> None:
    """The programs above are this installation."""
    assert program("--version").out.startswith("krakenwire, version ")
    assert command()[0] == sys.executable
