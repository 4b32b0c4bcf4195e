"""Run the command line: in this process, or as the program it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, NamedTuple

import pytest

from krakenwire.cli import main


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What was printed, as the one JSON value it has to be."""
        return json.loads(self.out)


def call(capsys: pytest.CaptureFixture[str], *arguments: object) -> Ended:
    """Run a command in this process."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    printed = capsys.readouterr()
    code = caught.value.code
    assert isinstance(code, int)
    return Ended(code, printed.out, printed.err)


def program(*arguments: object, data: bytes | None = None, **env: str) -> Ended:
    """Run the program. No traceback may appear, whatever it is given."""
    done = subprocess.run(
        command(*arguments), input=data, capture_output=True, check=False, env={**os.environ, **env}
    )
    ended = Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert "Traceback" not in ended.err
    return ended


def command(*arguments: object) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "krakenwire", *map(str, arguments)]
