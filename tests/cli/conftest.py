"""What the tests of the command line have at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from krakenwire.cli.keys import VARIABLES
from tests.cli import capture_of
from tests.cli.call import Ended, call


@pytest.fixture(autouse=True)
def alone(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file and no variable of whoever runs the tests configures the commands."""
    folder = tmp_path_factory.mktemp("alone")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
    for name in VARIABLES:
        if name != "XDG_CONFIG_HOME":
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Write frames to a file, verify it, and give what was printed."""

    def run(frames: list[bytes], *options: str, name: str = "a.jsonl") -> Ended:
        form = () if "-o" in options else ("-o", "table")
        return call(capsys, "verify", capture_of.write(tmp_path / name, frames), *options, *form)

    return run
