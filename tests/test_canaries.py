"""Whoever looks for secrets in what tests leave behind finds them: a search that finds nothing must mean something."""

from __future__ import annotations

import base64
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CANARY = "a/canary+of-a-test/0123456789"
CODED = base64.b64encode(b"login:" + CANARY.encode()).decode()

LEAKS = {
    "log": "logging.getLogger('x').debug('%s', text)",
    "stdout": "print(text)",
    "stderr": "print(text, file=sys.stderr)",
    "file": "(tmp_path / 'a' ).write_text(f'x{text}y')",
    "file in a folder": "(tmp_path / 'a').mkdir(); (tmp_path / 'a' / 'b').write_bytes(b'\\xff' + text.encode())",
    "failure": "assert text == ''",
    "encoded": "import base64; print(base64.b64encode(b'login:' + text.encode()).decode())",
    "escaped": "import urllib.parse; print(urllib.parse.quote(text, safe=''))",
}

TEST = '''
import logging, sys
from krakenwire.wire.secret import Secret

def test_leaks(tmp_path):
    """A fact."""
    text = str(Secret("{canary}").reveal())
    {leak}
'''


def run(folder: Path, leak: str, test: str = TEST) -> subprocess.CompletedProcess[str]:
    """One test that leaks, run with the hooks."""
    (folder / "conftest.py").write_text("from tests.conftest import *\n")
    (folder / "test_one.py").write_text(test.format(canary=CANARY, leak=leak))
    (folder / "pytest.ini").write_text("[pytest]\nlog_level = DEBUG\n")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        f"--basetemp={folder / 'left'}",
    ]
    return subprocess.run(
        [*command, "--confcutdir", folder, folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.fault("M1")
@pytest.mark.parametrize("place", LEAKS)
def test_leak_fails_the_run(place: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A secret that a test leaves in its log, output, files or failure, plain or encoded, fails the run and names the test."""
    done = run(tmp_path_factory.mktemp("leak"), LEAKS[place])
    assert done.returncode == 1, done.stdout
    assert "secrets were left behind" in done.stdout
    assert "test_one.py::test_leaks" in done.stdout.partition("secrets were left behind")[2]


@pytest.mark.fault("M1")
def test_files_that_are_meant_to_hold_a_secret(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A test that says so may leave a secret in its files, and nowhere else."""
    marked = TEST.replace("def test", '@pytest.mark.leaves_secrets("why")\ndef test').replace(
        "import", "import pytest,", 1
    )
    write, show = LEAKS["file"], LEAKS["stdout"]
    assert run(tmp_path_factory.mktemp("file"), write, marked).returncode == 0
    assert run(tmp_path_factory.mktemp("both"), f"{write}; {show}", marked).returncode == 1


@pytest.mark.fault("M1")
def test_run_without_a_leak_passes(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A test that uses a secret and leaves nothing behind passes."""
    done = run(tmp_path_factory.mktemp("tight"), "assert Secret(text)")
    assert done.returncode == 0, done.stdout
