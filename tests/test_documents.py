"""What the pages show works: every Python block of README and docs is run."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Self

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [
    pytest.param(block, id=f"{page.name}:{number}")
    for page in PAGES
    for number, block in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
]


@pytest.mark.parametrize("block", BLOCKS)
def test_block_runs(block: str) -> None:
    """The block runs as it stands, by itself."""
    exec(compile(block, "<block>", "exec"), {"__name__": "block"})  # noqa: S102 (our own pages)


async def test_whole_program(capsys: pytest.CaptureFixture[str]) -> None:
    """The program of the handler's page subscribes, prints trades, and tells the break and the stale book when the connection ends."""
    (block, *_) = BLOCK.findall((ROOT / "docs/handler.md").read_text(encoding="utf-8"))
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


def test_no_dead_links() -> None:
    """Every link of a page to another page leads somewhere."""
    for page in [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"
