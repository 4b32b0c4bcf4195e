"""Completion, in the shells themselves: bash, zsh and fish, where they are installed."""

from __future__ import annotations

import os
import pty
import select
import shutil
import subprocess
import sys
from pathlib import Path
from time import monotonic

import pytest

from krakenwire.cli.completion import SHELLS
from tests.cli.call import call

BEGIN = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
READY = {
    "bash": "source ./script; PS1='ready''> '\n",
    "zsh": "autoload -U compinit; compinit -u -D; source ./script; PS1='ready''> '\n",
}

needs = {
    name: pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed") for name in SHELLS
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with the program on the PATH."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    return tmp_path


def script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The script of a shell, as a file."""
    ended = call(capsys, "completion", shell)
    assert (ended.code, ended.err) == (0, "")
    Path("script").write_text(ended.out, encoding="utf-8")


def typed(shell: str, keys: str, until: str) -> str:
    """What a terminal shows after keys were typed into a shell, up to the text that is waited for."""
    ours, theirs = pty.openpty()
    env = {"PATH": os.environ["PATH"], "HOME": str(Path.cwd()), "TERM": "xterm", "LANG": "C.UTF-8"}
    started = subprocess.Popen(
        BEGIN[shell], stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    )
    os.close(theirs)
    try:
        os.write(ours, READY[shell].encode())
        seen = _read(ours, "ready> ")
        os.write(ours, keys.encode())
        return seen + _read(ours, until)
    finally:
        started.kill()
        started.wait()
        os.close(ours)


def _read(terminal: int, until: str) -> str:
    seen, deadline = "", monotonic() + 20
    while until not in seen and monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            seen += os.read(terminal, 65536).decode(errors="replace")
    assert until in seen, seen
    return seen


@pytest.mark.parametrize("shell", [pytest.param(name, marks=needs[name]) for name in ("bash", "zsh")])
@pytest.mark.parametrize(
    ("keys", "until"),
    [
        ("krakenwire str\t", "krakenwire stream"),
        ("krakenwire stream instr\t", "krakenwire stream instrument"),
        ("krakenwire stream book PAXG/U\t", "krakenwire stream book PAXG/USD"),
        ("krakenwire stream book --cafi\t", "krakenwire stream book --cafile"),
        ("krakenwire config show -o ndj\t", "krakenwire config show -o ndjson"),
        ("krakenwire help conf\t", "krakenwire help config"),
        ("krakenwire verify only-\t", "krakenwire verify only-file.jsonl"),
    ],
    ids=["command", "channel", "symbol", "option", "form", "help", "file"],
)
def test_tab(here: Path, shell: str, keys: str, until: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The tab key completes commands, channels, symbols, options, their values, and files."""
    (here / "only-file.jsonl").touch()
    script(shell, capsys)
    assert until in typed(shell, keys, until)


@needs["fish"]
def test_fish(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fish offers commands, channels, symbols and options."""
    script("fish", capsys)

    def offered(line: str) -> list[str]:
        done = subprocess.run(
            ["fish", "--no-config", "-c", f"source script; complete -C '{line}'"],  # noqa: S607 (of the PATH)
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "HOME": str(here), "XDG_CONFIG_HOME": str(here), "XDG_DATA_HOME": str(here)},
        )
        return [each.split("\t")[0] for each in done.stdout.splitlines()]

    assert offered("krakenwire str") == ["stream"]
    assert offered("krakenwire stream instr") == ["instrument"]
    assert offered("krakenwire stream book PAXG/") == ["PAXG/EUR", "PAXG/USD"]
    assert "--cafile" in offered("krakenwire stream book --ca")


def test_a_symbol_is_offered_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A symbol that was typed is not offered again, and one may be typed in small letters."""
    monkeypatch.setenv("_KRAKENWIRE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "krakenwire stream book BTC/USD btc/us")
    monkeypatch.setenv("COMP_CWORD", "4")
    offered = call(capsys).out.split()
    assert offered == ["plain,BTC/USDC", "plain,BTC/USDT"]
