"""The repository itself: what its files may not contain, what every test says, and what the tests cover."""

import ast
import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from functools import cache
from pathlib import Path

import pytest

from tools import faults
from tools.fault_ids import FAULTS

ROOT = Path(__file__).resolve().parent.parent
TESTS = ROOT / "tests"
LOCKS = ("build", "dev", "docs", "runtime", "service")

# Written in parts where the plain text would make this file break its own rule.
NOT_IN_ANY_FILE = {
    "path of one machine": re.compile(r"(?<![\w.])/(?:root|home|work|Users)/[\w.]"),
    "host of a package registry": re.compile(r"\bpypi\.(?:org|python)|python" + r"hosted\.", re.IGNORECASE),
    "mark of unfinished work": re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b"),
    "unresolved merge": re.compile(r"^(?:<{7}|>{7})(?: |$)", re.MULTILINE),
    # The project speaks of Kraken, of its users and of itself, and of nobody's way of working on it.
    "speech about the making": re.compile(
        r"\bco-auth" + r"ored-by\b|\blanguage mo" + r"del|\bL" + r"LM\b|(?<!user-)(?<!user_)\bag" + r"ents?\b"
        r"|\bissue #?\d|/tmp/br" + r"ief|\bshared/(?:design|style|faults|lessons|performance|ux|spec|seed)\b",
        re.IGNORECASE,
    ),
}


@cache
def own_files() -> tuple[Path, ...]:
    """Files that are tracked, or would be if everything were added now."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("the files of the project are known only in a git checkout")
    listed = subprocess.run(
        # The folder may belong to somebody else, as in a container; reading the list is harmless.
        [git, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return tuple(path for name in sorted(filter(None, listed.split("\0"))) if (path := ROOT / name).is_file())


def text_of(path: Path) -> str | None:
    """The content of a text file; None for anything else."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def all_tests() -> list[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Every test function and method with its place."""
    return [
        (f"{path.relative_to(TESTS).as_posix()}::{node.name}", node)
        for path in sorted(TESTS.rglob("test_*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


@pytest.mark.parametrize("rule", NOT_IN_ANY_FILE)
def test_files_are_free_of(rule: str) -> None:
    """No file of the project holds a path of one machine, a registry host, or a trace of how it was made."""
    found = []
    for path in own_files():
        for number, line in enumerate((text_of(path) or "").splitlines(), start=1):
            if match := NOT_IN_ANY_FILE[rule].search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    assert found == []


def test_text_files_are_tidy() -> None:
    """Text files end in one line feed, use no carriage return, and no line ends in a blank."""
    untidy = []
    for path in own_files():
        text = text_of(path)
        # Recorded frames are data: their bytes are what they are.
        # So are pictures that a test package wrote.
        if (
            not text
            or "__snapshots__" in path.parts
            or path.suffix in {".json", ".jsonl", ".ndjson"}
            or path.name == "LICENSE"
        ):
            continue
        if "\r" in text or not text.endswith("\n") or text.endswith("\n\n") or re.search(r"[ \t]\n", text):
            untidy.append(str(path.relative_to(ROOT)))
    assert untidy == []


def test_every_test_states_its_fact() -> None:
    """Every test opens with a docstring that begins with a whole sentence."""
    silent = []
    for place, node in all_tests():
        paragraph = (ast.get_docstring(node) or "").split("\n\n")[0]
        if not paragraph.rstrip().endswith((".", "!", "?")):
            silent.append(place)
    assert silent == []


def test_every_module_says_what_it_is() -> None:
    """Every Python file that holds code opens with a docstring."""
    silent = []
    for path in own_files():
        tree = ast.parse((path.suffix == ".py" and text_of(path)) or "")
        if tree.body and not ast.get_docstring(tree):
            silent.append(str(path.relative_to(ROOT)))
    assert silent == []


def test_fault_markers_name_known_ids() -> None:
    """Every fault marker names ids of the matrix, written out."""
    assert faults.collect(TESTS).problems == []


STILL_MISSING: set[str] = set()
"""Required ids of the matrix that no test names yet. The set has to shrink with the tests, and may not grow in silence."""


def test_every_required_fault_is_covered() -> None:
    """Every fault that needs no socket is named by a test, but for those that are listed as missing."""
    assert {fault.id for fault in faults.collect(TESTS).missing} == STILL_MISSING


def test_fault_check_sees_a_gap(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The check fails on a missing id and on a marker it cannot read, so that passing means something."""
    tests = tmp_path / "tests"
    tests.mkdir()
    body = "import pytest\n\n@pytest.mark.fault({})\ndef test_x(): ...\n"
    every_id = ", ".join(repr(name) for name in FAULTS)
    (tests / "test_all.py").write_text(body.format(every_id))
    assert faults.main(["--check"], folder=tests) == 0
    (tests / "test_all.py").write_text(body.format(every_id.replace("'J1', ", "")))
    assert faults.main(["--check"], folder=tests) == 1
    assert "J1:" in capsys.readouterr().err
    (tests / "test_all.py").write_text(body.format(every_id + ", 'Z9', NAME"))
    assert faults.main(["--check"], folder=tests) == 1
    assert capsys.readouterr().err.count("test_all.py:3") == 2


MARKED_MODULE = """
pytestmark = [pytest.mark.fault("J1")]
TABLE = [pytest.param(1, marks=pytest.mark.fault("J2"))]
TestBook = Machine.TestCase
TestBook.pytestmark = [pytest.mark.fault("B1")]

@pytest.mark.fault("B2", "B3")
class TestSides:
    @pytest.mark.fault("B4")
    async def test_one(self): ...

@pytest.mark.parametrize("x", [pytest.param(1, marks=[pytest.mark.fault("B9")])])
def test_two(x): ...
"""


def test_fault_markers_are_found_wherever_pytest_takes_them(tmp_path: Path) -> None:
    """A marker on a test, class, module, parameter or state machine counts under the name it marks."""
    (tmp_path / "test_m.py").write_text(MARKED_MODULE)
    assert faults.collect(tmp_path).tests == {
        "J1": ["test_m.py"],
        "J2": ["test_m.py::TABLE"],
        "B1": ["test_m.py::TestBook"],
        "B2": ["test_m.py::TestSides"],
        "B3": ["test_m.py::TestSides"],
        "B4": ["test_m.py::TestSides::test_one"],
        "B9": ["test_m.py::test_two"],
    }


@pytest.mark.fault("M8")
@pytest.mark.parametrize("lock", LOCKS)
def test_locks_are_complete(lock: str) -> None:
    """Every dependency in a lock is pinned to one version and has hashes; a lock names no index, no file."""
    text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    pinned = re.compile(r"[a-z0-9-]+==[\w.!+]+( ; .+?)?(\s+--hash=sha256:[0-9a-f]{64})+")
    lines = [line.strip() for line in text.splitlines()]
    loose = [line[:80] for line in lines if line and line[0] != "#" and not pinned.fullmatch(line)]
    assert pinned.search(text)
    assert loose == []


@pytest.mark.fault("M8")
def test_nothing_is_installed_without_hashes() -> None:
    """Every lock is known to these tests, and whatever installs from one, in the Makefile or the image, asks for its hashes."""
    assert sorted(path.stem for path in (ROOT / "requirements").glob("*.txt")) == sorted(LOCKS)
    for name in ("Makefile", "deploy/Dockerfile"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if "install" in line and "requirements/" in line:
                assert "--require-hashes" in line, f"{name}: {line}"


@pytest.mark.fault("M8")
def test_changed_file_is_not_installed(tmp_path: Path) -> None:
    """A package whose file is not the locked one is refused by the options that the Makefile installs with; the locked one is installed."""
    shelf, lock = tmp_path / "shelf", tmp_path / "lock.txt"
    shelf.mkdir()

    def publish(body: str) -> Path:
        wheel = shelf / "locked-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as file:
            file.writestr("locked.py", body)
            file.writestr(
                "locked-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: locked\nVersion: 1.0\n"
            )
            file.writestr(
                "locked-1.0.dist-info/WHEEL",
                "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            )
            file.writestr("locked-1.0.dist-info/RECORD", "")
        return wheel

    def install(target: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pip", "install", "--require-hashes", "--no-index", "--no-cache-dir"]
        command += ["--find-links", str(shelf), "--target", str(tmp_path / target), "-r", str(lock)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    digest = hashlib.sha256(publish("safe = True\n").read_bytes()).hexdigest()
    lock.write_text(f"locked==1.0 --hash=sha256:{digest}\n", encoding="utf-8")
    assert install("locked").returncode == 0
    publish("safe = False\n")
    refused = install("changed")
    assert refused.returncode != 0
    assert "HASH" in refused.stderr.upper()
    assert not (tmp_path / "changed" / "locked.py").exists()


def test_locks_agree() -> None:
    """A package that stands in two locks has one version in both."""
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        text = (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8")
        for name, version in re.findall(r"^([a-z0-9-]+)==([^ \\\n]+)", text, re.MULTILINE):
            versions.setdefault(name, set()).add(version)
    assert {name: found for name, found in versions.items() if len(found) > 1} == {}


def test_one_version() -> None:
    """The project file, the package and the newest entry of the changelog name one version."""
    import krakenwire

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[?(\d[^\]\s]*)", changelog, re.MULTILINE)[0]
    assert (krakenwire.__version__, newest) == (project["version"], project["version"])


def test_base_dependencies_are_three() -> None:
    """The base package needs aiohttp, click and msgspec, and nothing else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert [re.split(r"[^\w-]", line)[0] for line in project["dependencies"]] == [
        "aiohttp",
        "click",
        "msgspec",
    ]


def test_every_command_is_listed() -> None:
    """`make` without a goal lists every goal meant for people, each with a line that says what it does."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    declared = re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)
    assert declared is not None
    described = re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE)
    assert sorted(described) == sorted(declared.group(1).split())
