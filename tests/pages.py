"""The Markdown pages as what they hold: programs with the output they show, shell commands, headings, links."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])

PROGRAMS = ("README.md", "quickstart.md", "cookbook.md", "migrating.md")
"""Pages whose Python blocks are whole programs, each for a process of its own."""

_FENCE = re.compile(
    r"(?P<before>(?:^<!-- [^>]* -->\n)*)^```(?P<kind>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
_DIRECTIVE = re.compile(r"<!-- (\w+): (.*?) -->")


@dataclass(frozen=True)
class Block:
    """One fenced block of a page. `directives` are the comments right above it, `output` is the `text` block below it."""

    page: Path
    number: int
    kind: str
    body: str
    directives: tuple[tuple[str, str], ...]
    output: str | None

    def __str__(self) -> str:
        return f"{self.page.name}:{self.number}"

    def told(self, name: str) -> list[str]:
        """What the comments above it say under a name."""
        return [value for key, value in self.directives if key == name]


@cache
def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@cache
def blocks(page: Path) -> tuple[Block, ...]:
    """Every fenced block, numbered from 1 within its kind."""
    found = list(_FENCE.finditer(text_of(page)))
    counts: dict[str, int] = {}
    made = []
    for number, match in enumerate(found):
        kind = match["kind"].strip()
        counts[kind] = counts.get(kind, 0) + 1
        made.append(
            Block(
                page,
                counts[kind],
                kind,
                match["body"],
                tuple(_DIRECTIVE.findall(match["before"])),
                _output(page, match, found[number + 1 :]),
            )
        )
    return tuple(made)


def python_blocks() -> list[Block]:
    """The Python of all pages."""
    return [block for page in PAGES for block in blocks(page) if block.kind == "python"]


def _output(page: Path, block: re.Match[str], later: list[re.Match[str]]) -> str | None:
    """The next `text` block under the same heading, if no other Python comes before it."""
    after = next((match for match in later if match["kind"] in {"text", "python"}), None)
    if after is None or after["kind"] == "python":
        return None
    between = _FENCE.sub("", text_of(page)[block.end() : after.start()])
    return None if _HEADING.search(between) else after["body"]


# ---------------------------------------------------------------- output, whatever its numbers

_VARIES = [
    (r"\d{4}-\d\d-\d\dT[\d:.]+Z", r"\d{4}-\d\d-\d\dT[\d:.]+Z"),
    (r"\b[OT][A-Z0-9]{5}-[A-Z0-9]{5}-[A-Z0-9]{6}\b", r"[A-Z0-9]{6}-[A-Z0-9]{5}-[A-Z0-9]{6}"),
    (r"\b[A-Z]+/[A-Z]+\b", r"[A-Z]+/[A-Z]+"),
    (r"\b(?:buy|sell)\b", r"(?:buy|sell)"),
    (r"-?\d[\d,.:]*(?:E[-+]?\d+)?", r"-?\d[\d,.:]*(?:E[-+]?\d+)?"),
    (r"\s+", r"\\s+"),
    (r"…", r".*"),
]
_VARYING = re.compile("|".join(f"({pattern})" for pattern, _ in _VARIES))


def shape(line: str) -> re.Pattern[str]:
    """The line with any numbers, times, ids, markets, sides and widths of blanks in the places where it has some."""
    parts, at = [], 0
    for match in _VARYING.finditer(line):
        parts.append(re.escape(line[at : match.start()]))
        kind = next(number for number, text in enumerate(match.groups()) if text is not None)
        parts.append(_VARIES[kind][1].replace(r"\\s", r"\s"))
        at = match.end()
    return re.compile("".join([*parts, re.escape(line[at:])]))


def missing_line(shown: str, printed: str) -> str | None:
    """The first line of `shown` whose like was not printed, in this order; None: all are there. A line `…` stands for any."""
    lines = iter(printed.splitlines())
    for wanted in filter(None, (line.strip() for line in shown.splitlines())):
        if wanted != "…" and not any(shape(wanted).fullmatch(line.strip()) for line in lines):
            return wanted
    return None


# ---------------------------------------------------------------- links

_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(<?([^)>\s]+)>?\)")


@cache
def prose(page: Path) -> str:
    """The page without its code."""
    return re.sub(r"`[^`\n]+`", "``", _FENCE.sub("", text_of(page)))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Names of the headings, as GitHub and the site make them."""
    found: list[str] = []
    for heading in _HEADING.findall(_FENCE.sub("", text_of(page))):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.append(f"{name}-{found.count(name)}" if name in found else name)
    return frozenset(found)


def dead_links(page: Path) -> list[str]:
    """Relative links that lead to no file, or to no heading of a page."""
    dead = []
    for link in _LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            dead.append(link)
    return dead
