"""The examples in the helps work as they are printed: each is run by a shell, against a simulated exchange and for a moment only."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from krakenwire.cli.entry import krakenwire
from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Verb
from krakenwire.sim.background import Simulated
from tests.cli.test_help import commands, found
from tests.session.exchange import Exchange

EXAMPLES = {
    line: path
    for path in commands(krakenwire)
    if isinstance(each := found(path), Verb)
    for line, _ in each.examples
}
FOR_A_MOMENT = {"demo": "1.5", "bench": "0.05"}


def offline(line: str, url: str) -> str:
    """The example for a moment, with a simulated exchange in the place of Kraken."""
    words = re.search(r"krakenwire ([a-z]+)", line)
    assert words is not None
    name = words[1]
    command = krakenwire.commands[name]
    options = {option for each in command.params for option in each.opts}
    added = ""
    if "--sim" in options and "--sim" not in line and "--url" not in line:
        added += " --sim"
    line = line.replace("ws://127.0.0.1:8080", url)
    if "--duration" in line:
        line = re.sub(r"--duration \d+", f"--duration {FOR_A_MOMENT.get(name, '1')}", line)
    elif "--duration" in options:
        added += f" --duration {FOR_A_MOMENT.get(name, '1')}"
    line = line.replace(f"krakenwire {name}", f"krakenwire {name}{added}", 1)
    return f"{line} wait $!" if line.endswith("&") else line


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the examples name."""
    frames = Exchange().stream(20)
    whole = b"".join(frame + b"\n" for frame in frames)
    half = len(frames) // 2
    for name, data in {
        "yesterday.jsonl": whole,
        "yesterday.jsonl.gz": gzip.compress(whole),
        "part1.jsonl": b"".join(frame + b"\n" for frame in frames[:half]),
        "part2.jsonl": b"".join(frame + b"\n" for frame in frames[half:]),
        "cut.jsonl": whole,
        "script.txt": b"at 0 s: drop book SOL/USD update 1 times\n",
    }.items():
        (tmp_path / name).write_bytes(data)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=os.pathsep)
    return tmp_path


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
@pytest.mark.leaves_secrets("krakenwire sim prints the key of its account, which is worth nothing")
@pytest.mark.parametrize("line", EXAMPLES)
def test_example_works(line: str, files: Path) -> None:
    """The example ends well and prints what it promises, no error and no traceback."""
    if "jq " in line and shutil.which("jq") is None:
        pytest.skip("jq is not installed")
    with Simulated(markets=["BTC/USD"]) as exchange:
        run = offline(line, exchange.urls.public.removesuffix("/v2"))
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", run],  # noqa: S607 (of the PATH)
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=files,
        )
    assert done.returncode == Exit.OK, (run, done.stderr)
    assert "error:" not in done.stderr
    assert done.stdout or ">" in line or "config check" in line or "select(" in line
