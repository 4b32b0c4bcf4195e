"""What the tests of the command line have at hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli import capture_of
from tests.cli.call import Ended, call


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Write frames to a file, verify it, and give what was printed."""

    def run(frames: list[bytes], *options: str, name: str = "a.jsonl") -> Ended:
        return call(capsys, "verify", capture_of.write(tmp_path / name, frames), *options)

    return run
