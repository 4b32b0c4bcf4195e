"""`krakenwire watch`: the dashboard on a terminal, lines elsewhere."""

from __future__ import annotations

import importlib.util
import signal
import sys
from typing import Any

import pytest

from krakenwire.cli.exits import Exit
from tests.cli.call import call
from tests.cli.pseudo import Terminal

WATCH = ("-m", "krakenwire", "watch", "BTC/USD", "ETH/USD", "--sim")
LEFT = "\x1b[?1049l"
"""The program gives the screen back."""


@pytest.mark.fault("M4")
def test_on_a_terminal() -> None:
    """The dashboard appears, marked SIM, with live books; keys work; q gives the terminal back and ends with 0 and a summary."""
    with Terminal(*WATCH) as terminal:
        terminal.until("\x1b[?1049h")
        terminal.until(" SIM ")
        terminal.until("LIVE")
        terminal.type("d")
        terminal.until("depth 100")
        terminal.type("h")
        terminal.until("ledger")
        terminal.type(" ")
        terminal.until("FROZEN")
        terminal.type("q")
        assert terminal.end() == Exit.OK
    last = terminal.text.rsplit(LEFT, 1)[1]
    assert "\nSIM " in last or "SIM " in last
    assert " verified · " in last


def test_ctrl_c() -> None:
    """Ctrl-C ends it in good order, with the code of an interruption."""
    with Terminal(*WATCH) as terminal:
        terminal.until("LIVE")
        terminal.type("\x03")
        assert terminal.end() == Exit.INTERRUPTED
    assert LEFT in terminal.text


@pytest.mark.fault("C7")
def test_terminated() -> None:
    """A signal gives the terminal back, too."""
    with Terminal(*WATCH) as terminal:
        terminal.until("LIVE")
        terminal.signal(signal.SIGTERM)
        assert terminal.end() == Exit.TERMINATED
    assert LEFT in terminal.text


def test_duration() -> None:
    """It ends by itself when that was asked for."""
    with Terminal(*WATCH, "--duration", "1.5") as terminal:
        assert terminal.end() == Exit.OK
    assert LEFT in terminal.text


@pytest.mark.fault("C16")
@pytest.mark.parametrize(
    "env", [{"TERM": "dumb"}, {"PYTHONIOENCODING": "latin-1"}, {"PYTHONIOENCODING": "ascii"}], ids=str
)
def test_terminal_that_cannot(env: dict[str, str]) -> None:
    """A terminal that can only print lines, or whose encoding lacks the signs, gets lines without a single escape that moves."""
    with Terminal(*WATCH, "--duration", "1", env=env) as terminal:
        assert terminal.end() == Exit.OK
    assert "\x1b[?1049h" not in terminal.text
    assert "BTC/USD   LIVE  book: 25 levels a side" in terminal.text


@pytest.mark.fault("C16")
def test_tiny_terminal() -> None:
    """A terminal that is too small is told so, still with its badge, and q works."""
    with Terminal(*WATCH, size=(20, 5)) as terminal:
        terminal.until("too small")
        assert "SIM" in terminal.text
        terminal.type("q")
        assert terminal.end() == Exit.OK


@pytest.mark.fault("C16", "M4")
def test_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal every event is a line, as `stream` prints it, marked SIM; the summary goes to stderr."""
    ended = call(capsys, "watch", "BTC/USD", "--sim", "--duration", "1")
    lines = ended.out.splitlines()
    assert ended.code == Exit.OK
    assert "\x1b" not in ended.out
    assert all(line.startswith("SIM ") for line in lines)
    for word in ("verified", "complete", " last ", " open "):
        assert any(word in line for line in lines), word
    assert ended.err.startswith("SIM ")


def test_account_in_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """The account of the simulated exchange is followed, unless that is not wanted."""
    told = call(capsys, "watch", "BTC/USD", "--sim", "--duration", "1")
    assert "in sequence" in told.out
    alone = call(capsys, "watch", "BTC/USD", "--sim", "--duration", "1", "--no-account")
    assert "in sequence" not in alone.out


def test_package_is_missing(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal without the package it says what to install, and ends with 2."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "textual" else found(name))
    monkeypatch.setattr("krakenwire.cli.watch.unfit", lambda: None)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    ended = call(capsys, "watch", "BTC/USD", "--sim")
    assert ended.code == Exit.USAGE
    assert "pip install 'krakenwire[tui]'" in ended.err
    assert "--plain" in ended.err


@pytest.mark.parametrize(
    ("options", "env"),
    [
        (["--log-level", "info"], {}),
        (["--log-format", "json"], {}),
        ([], {"KRAKENWIRE_LOG_LEVEL": "info"}),
        ([], {"KRAKENWIRE_LOG_FORMAT": "json"}),
    ],
)
def test_a_log_is_kept_off_the_dashboard(options: list[str], env: dict[str, str]) -> None:
    """A log on the terminal of the dashboard, whoever wants it, is refused before anything is painted, with where else it can go."""
    with Terminal(*WATCH, *options, env=env) as terminal:
        assert terminal.end() == Exit.USAGE
    assert "2> krakenwire.log" in terminal.text.replace("\r\n", " ")
    assert "\x1b[?1049h" not in terminal.text


def test_no_market_is_served(capsys: pytest.CaptureFixture[str]) -> None:
    """Where Kraken refuses every market it ends with 7 and a hint, whatever the account could tell."""
    ended = call(capsys, "watch", "XBT/USD", "--sim")
    assert ended.code == Exit.REFUSED
    assert "Did you mean BTC/USD?" in ended.err


def test_textual_is_imported_by_who_looks_only() -> None:
    """Neither the package nor its commands import what draws the dashboard, until somebody looks."""
    probe = "import sys, krakenwire, krakenwire.cli.entry, krakenwire.tui; print('textual' in sys.modules, 'rich' in sys.modules)"
    import subprocess

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], "Missing argument 'SYMBOL...'"),
        (["BTC/USD", "--depth", "7"], "--depth"),
        (["BTC/USD", "--sim", "--url", "ws://127.0.0.1:1"], "--sim and --url"),
        (["BTC/USD", "--duration", "0"], "--duration"),
    ],
)
def test_wrong_usage(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be meant ends with 2 and names what is wrong."""
    ended = call(capsys, "watch", *arguments)
    assert (ended.code, ended.out) == (Exit.USAGE, "")
    assert error in ended.err.splitlines()[0]


def test_half_a_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Half an API key in the environment is a mistake that is told, not a dashboard without an account."""
    monkeypatch.setenv("KRAKEN_API_KEY", "key")
    monkeypatch.delenv("KRAKEN_API_SECRET", raising=False)
    assert call(capsys, "watch", "BTC/USD").code == Exit.AUTH


def test_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    """An exchange that never was reached is given up with 4, as by `stream`."""
    ended = call(capsys, "watch", "BTC/USD", "--no-account", "--url", "ws://127.0.0.1:1")
    assert ended.code == Exit.NETWORK


def test_nobody_listens_on_a_terminal() -> None:
    """On the dashboard, too: the terminal is given back, and the error stands on it."""
    arguments = ("-m", "krakenwire", "watch", "BTC/USD", "--no-account", "--url", "ws://127.0.0.1:1")
    with Terminal(*arguments) as terminal:
        terminal.until("OTHER")
        assert terminal.end() == Exit.NETWORK
    assert "cannot be reached" in terminal.text.rsplit(LEFT, 1)[1]


# -------------------------------------------------------------------- the demo, and a program of one's own


@pytest.mark.fault("M4")
def test_demo_on_a_terminal() -> None:
    """The demo is the dashboard on a terminal: its incidents and their healing stand on it."""
    with Terminal("-m", "krakenwire", "demo", "--duration", "6", size=(120, 40)) as terminal:
        terminal.until("SIM")
        terminal.type("l")
        terminal.until("three updates of one book are lost")
        terminal.until("healed after")
        terminal.until("the connection is cut")
        assert terminal.end() == Exit.OK
    assert LEFT in terminal.text


def test_demo_in_lines_on_a_terminal() -> None:
    """-o keeps the lines on a terminal."""
    with Terminal("-m", "krakenwire", "demo", "--duration", "1", "-o", "json") as terminal:
        assert terminal.end() == Exit.OK
    assert "\x1b[?1049h" not in terminal.text


PROGRAM = """
import asyncio, sys
from krakenwire import KrakenProWebSocketManager
from krakenwire.sim.background import Simulated

async def main():
    with Simulated(markets=["BTC/USD"]) as sim:
        urls = sim.urls
        manager = KrakenProWebSocketManager(symbols=["BTC/USD"], visual_mode=True, public_url=urls.public)
        async with manager:
            for _ in range(int(sys.argv[1]) * 10):
                await asyncio.sleep(0.1)
    print("the program went on", manager.get_v2_handler_statistics()["total_messages"] > 10)

asyncio.run(main())
"""


def test_manager_shows_it(tmp_path: Any) -> None:
    """A manager in visual mode shows the dashboard, named as no exchange of Kraken's; q closes it and the program goes on."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with Terminal(str(tmp_path / "program.py"), "3") as terminal:
        terminal.until("OTHER")
        terminal.until("LIVE")
        terminal.type("q")
        assert terminal.end() == 0
    assert "the program went on True" in terminal.text.rsplit(LEFT, 1)[1]


def test_manager_that_ends_gives_the_terminal_back(tmp_path: Any) -> None:
    """When the program ends the manager, the terminal is as it was."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with Terminal(str(tmp_path / "program.py"), "2") as terminal:
        assert terminal.end() == 0
    assert "the program went on True" in terminal.text.rsplit(LEFT, 1)[1]


def test_interrupt_reaches_the_program(tmp_path: Any) -> None:
    """Ctrl-C on the dashboard of a manager interrupts the program, as it would without a dashboard."""
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with Terminal(str(tmp_path / "program.py"), "20") as terminal:
        terminal.until("LIVE")
        terminal.type("\x03")
        assert terminal.end() in {1, 130, -signal.SIGINT}
    assert "KeyboardInterrupt" in terminal.text.rsplit(LEFT, 1)[1]
