"""What the pages show works: their Python runs, their commands exist and print what stands there, their links lead somewhere."""

from __future__ import annotations

import importlib
import os
import pkgutil
import re
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import Any, Self

import pytest

import krakenwire
from krakenwire.cli.entry import krakenwire as program
from krakenwire.sim.faults import parse
from tests.pages import PAGES, PROGRAMS, ROOT, Block, blocks, dead_links, missing_line, python_blocks, text_of
from tests.running import Running

PUBLIC_PACKAGES = ("capture", "logs", "metrics", "sim")
"""Packages whose names programs import from there."""

PIECES = [block for block in python_blocks() if block.page.name not in {*PROGRAMS, "CONTRIBUTING.md"}]


@pytest.mark.parametrize("block", PIECES, ids=str)
def test_block_runs(block: Block) -> None:
    """The block runs as it stands, by itself."""
    exec(compile(block.body, "<block>", "exec"), {"__name__": "block"})  # noqa: S102 (our own pages)


async def test_whole_program(capsys: pytest.CaptureFixture[str]) -> None:
    """The program of the handler's page subscribes, prints trades, and tells the break and the stale book when the connection ends."""
    block = next(block.body for block in PIECES if block.page.name == "handler.md")
    room: dict[str, Any] = {"__name__": "block"}
    exec(compile(block, "<block>", "exec"), room)  # noqa: S102 (our own page)
    sent: list[str] = []
    trade = (
        '{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":141.23,"qty":1.50000000,'
        '"ord_type":"limit","trade_id":7,"timestamp":"2026-11-22T08:00:22.814908Z"}]}'
    )

    class Socket:
        """A socket that brings one frame and breaks."""

        async def __aenter__(self) -> Self:
            return self

        async def __aexit__(self, *_: object) -> None: ...

        async def send(self, text: str) -> None:
            sent.append(text)

        async def __aiter__(self) -> Any:
            yield trade
            raise Broken

    class Broken(Exception):
        """What the client raises when the connection breaks; no `OSError` in some."""

    class Enough(Exception):
        """Ends the program."""

    async def sleep(_seconds: float) -> None:
        raise Enough

    room["asyncio"] = type("Loop", (), {"sleep": staticmethod(sleep)})
    with pytest.raises(Enough):
        await room["run"](lambda _url: Socket(), (OSError, Broken))
    assert [('"channel":"book"' in text, '"channel":"trade"' in text) for text in sent] == [
        (True, False),
        (False, True),
    ]
    told = capsys.readouterr().out
    assert "BTC/USD buy 1.50000000 @ 141.23" in told
    assert "trades may be missing: connection_lost" in told
    assert "raised" not in told
    assert "book BTC/USD is" in told


# ---------------------------------------------------------------- commands


def commands(start: str) -> list[tuple[Block, str]]:
    """The lines of all pages' blocks that begin so, with what makes them only readable cut off."""
    return [
        (block, re.split(r"\s+#|\s*[|>&]", line)[0].removeprefix("$ "))
        for page in PAGES
        for block in blocks(page)
        if block.kind in {"", "sh", "console"}
        for line in block.body.splitlines()
        if re.match(rf"(?:\$ )?(?:\.venv/bin/)?{start} [a-z-]", line)
    ]


@pytest.mark.parametrize(("block", "line"), commands("krakenwire"))
def test_command_exists(block: Block, line: str) -> None:
    """Every krakenwire command that a page shows is one, with the options that stand there."""
    words = shlex.split(line)[1:]
    if words[0].startswith("-"):
        assert words in (["--help"], ["--version"]), block
        return
    context = program.make_context("krakenwire", list(words))
    name, command, rest = program.resolve_command(context, list(words))
    assert command is not None
    if "COMMAND" not in words:
        command.make_context(name, rest, parent=context)


def test_make_targets_exist() -> None:
    """Every target of make that a page names is one."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    named = {
        word
        for page in PAGES
        for text in re.findall(r"(?:^|`)(?:\$ )?make ([^`\n#]*)", text_of(page), re.MULTILINE)
        for word in text.split()
        if re.fullmatch(r"[a-z-]+", word)
    }
    assert {"demo", "test"} <= named
    assert sorted(word for word in named if f"\n{word}:" not in makefile) == []


SESSIONS = [
    (block, block.body.splitlines()[0].removeprefix("$ "), "\n".join(block.body.splitlines()[1:]))
    for page in PAGES
    for block in blocks(page)
    if block.body.startswith("$ krakenwire")
]


@pytest.mark.parametrize(("block", "line", "shown"), SESSIONS, ids=[str(block) for block, *_ in SESSIONS])
def test_command_prints_what_is_shown(block: Block, line: str, shown: str, tmp_path: Path) -> None:
    """A command whose output a page shows prints it, with whatever numbers; `…` stands for more."""
    shutil.copy(ROOT / "docs" / "sample.jsonl.gz", tmp_path / "yesterday.jsonl.gz")
    words = shlex.split(line)[1:]
    words += ["--duration", "9"] if words[0] == "demo" else []
    if "-o" not in words and not words[0].startswith("-"):
        words += ["-o", "table"]  # as on a terminal, which this is not
    shown = shown.split("\n$ ", maxsplit=1)[0]  # a second command, that looks at the exit code
    command = [sys.executable, "-u", "-m", "krakenwire", *words]
    running = Running(command, tmp_path, os.environ | {"PYTHONUTF8": "1", "COLUMNS": "120"})
    try:
        running.until(shown)
    finally:
        running.end(signal.SIGINT)
    assert missing_line(shown, running.printed) is None, f"{block}\n{running.printed}"


def fault_scripts() -> list[str]:
    """Every fault script of the pages: blocks, cells of the table of recipes, and what programs of the cookbook suffer."""
    statement = re.compile(r"^(?:at|every|when|probability) .*: ", re.MULTILINE)
    found = [
        block.body
        for page in PAGES
        for block in blocks(page)
        if not block.kind and statement.search(block.body)
    ]
    recipes = text_of(ROOT / "docs" / "faults-script.md").split("## Recipes")[1].split("\n## ")[0]
    found += [text for text in re.findall(r"`([^`]+)`", recipes) if statement.match(text)]
    return found + [
        text for block in python_blocks() for text in block.told("simulator") if statement.match(text)
    ]


@pytest.mark.parametrize("script", fault_scripts())
def test_fault_script_can_be_read(script: str) -> None:
    """A fault script that a page shows is one."""
    assert parse(script)


# ---------------------------------------------------------------- links and names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_dead_links(page: Path) -> None:
    """Every relative link of a page leads to a file, and its anchor to a heading of that file."""
    assert dead_links(page) == []


def test_every_public_name_is_documented_once() -> None:
    """The reference documents each public name of `krakenwire` and of its packages for programs, at one place."""
    text = "".join(text_of(page) for page in PAGES if page.parent.name == "reference")
    places = "|".join(PUBLIC_PACKAGES)
    documented = re.findall(
        rf"^\.\. (?:auto)?\w+:: (krakenwire(?:\.(?:{places}))?\.[A-Za-z]\w*)$", text, re.MULTILINE
    )
    public = [f"krakenwire.{name}" for name in krakenwire.__all__]
    for name in PUBLIC_PACKAGES:
        package = importlib.import_module(f"krakenwire.{name}")
        public += [f"{package.__name__}.{each}" for each in package.__all__]
    modules = {"krakenwire.errors", "krakenwire.sim.raw"}
    assert sorted(name for name in documented if name not in modules) == sorted(public)


def test_every_page_is_in_the_index() -> None:
    """The index of the site names every page, so that the site has a way to each."""
    index = text_of(ROOT / "docs" / "index.md") + text_of(ROOT / "docs" / "reference" / "index.md")
    pages = [
        page.relative_to(ROOT / "docs").with_suffix("").as_posix() for page in (ROOT / "docs").rglob("*.md")
    ]
    entries = {line.strip() for line in index.splitlines()}
    missing = [
        page for page in pages if page not in entries and page.removeprefix("reference/") not in entries
    ]
    assert missing == ["index"]


@pytest.mark.parametrize("page", ["README.md", "docs/comparison.md"])
def test_speed_is_as_measured(page: str) -> None:
    """The table of other libraries' times is that of the page with the measurement."""
    measured = re.findall(
        r"^(python-kraken-sdk|cryptofeed|ccxt) +" + r" +".join([r"([\d.]+)x"] * 5) + "$",
        text_of(ROOT / "docs" / "performance.md"),
        re.MULTILINE,
    )
    assert [name for name, *_ in measured] == ["python-kraken-sdk", "cryptofeed", "ccxt"]
    for name, *factors in measured:
        (row,) = re.findall(rf"^\| {name}[^|]*\| (\d.*x) \|$", text_of(ROOT / page), re.MULTILINE)
        shown = [cell.removesuffix("x") for cell in row.split(" | ")]
        assert shown == factors[: len(shown)], row


def test_frames_a_second_are_as_measured() -> None:
    """What README says the whole client takes is what the page with the measurement says."""
    (told,) = re.findall(r"takes ([\d,]+) such frames a second", text_of(ROOT / "README.md"))
    measured = re.search(
        r"^callback .* ([\d,]+) +[\d,]+$", text_of(ROOT / "docs" / "performance.md"), re.MULTILINE
    )
    assert measured is not None
    assert told == measured[1]


# ---------------------------------------------------------------- what the next engineer is told


@pytest.mark.parametrize(
    "block",
    [block for block in python_blocks() if block.page.name == "CONTRIBUTING.md"],
    ids=str,
)
def test_what_is_to_be_imitated_exists(block: Block) -> None:
    """The function and the test that are shown as examples stand in the project as they are shown."""
    files = [*(ROOT / "src").rglob("*.py"), *(ROOT / "tests").rglob("test_*.py")]
    assert [path.name for path in files if block.body in path.read_text(encoding="utf-8")] != []


@pytest.mark.parametrize("room", ["state", "session", "handler", "net", "metrics", "logs"])
def test_every_module_of_a_room_is_named(room: str) -> None:
    """The table of rooms names every module of the room, and no other."""
    (row,) = re.findall(
        rf"^\| \d \| `{room}/` (.*) \|$", text_of(ROOT / "docs" / "architecture.md"), re.MULTILINE
    )
    modules = {path.stem for path in (ROOT / "src" / "krakenwire" / room).glob("*.py")} - {"__init__"}
    assert set(re.findall(r"\w+", row)) == modules


UNITS = {"KiB": 1024, "MiB": 1024 * 1024}


def bounds() -> list[tuple[str, str]]:
    """Every constant of the table of bounds, with what is told of it."""
    text = text_of(ROOT / "docs" / "architecture.md").split("## Bounds")[1].split("\n## ")[0]
    found: list[tuple[str, str]] = []
    for names, told in re.findall(r"^\| (`[^|]*) \| ([^|]*) \|", text, re.MULTILINE):
        each = re.findall(r"`([\w.]+)`", names)
        module = each[0].rpartition(".")[0]
        found += zip([each[0], *(f"{module}.{name}" for name in each[1:])], told.split(", "), strict=False)
    return found


@pytest.mark.parametrize(("name", "told"), bounds(), ids=[name for name, _ in bounds()])
def test_bounds_are_as_told(name: str, told: str) -> None:
    """A constant in the table of bounds has the value that stands there."""
    path, _, constant = name.rpartition(".")
    owner = pkgutil.resolve_name(f"krakenwire.{path}")
    value = getattr(owner() if isinstance(owner, type) else owner, constant)
    number, _, unit = told.partition(" ")
    assert int(number) * UNITS.get(unit, 1) == value
