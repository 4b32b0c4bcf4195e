"""What keys and clicks mean."""

from __future__ import annotations

from typing import Any

import pytest

from krakenwire.tui.cells import plain
from krakenwire.tui.view import KEYS, View
from tests.tui.scene import Scene, play
from tests.tui.scenes import scene


def view_of(name: str = "LIVE", **options: Any) -> View:
    board, moment = scene(name)
    return View(board.copied(), None, clock=lambda: moment.now, wall=lambda: moment.wall_ns, **options)


def text(view: View, size: tuple[int, int] = (80, 24)) -> str:
    return "\n".join(plain(row) for row in view.paint(*size).rows)


@pytest.mark.parametrize(
    ("key", "page"),
    [("t", "trades"), ("a", "account"), ("h", "health"), ("l", "log"), ("question_mark", "help")],
)
def test_pages(key: str, page: str) -> None:
    """A key turns to its page, the same key or escape turns back."""
    view = view_of()
    view.act(KEYS[key])
    assert view.page == page
    assert page in text(view).splitlines()[1] + text(view).splitlines()[3] or page == "account"
    view.act(KEYS[key])
    assert view.page == "main"
    view.act(KEYS[key])
    view.act(KEYS["escape"])
    assert view.page == "main"


def test_symbols() -> None:
    """Up and down go round through the markets, and the screen shows the one that is selected."""
    view = view_of()
    symbols = list(view.board.markets)
    assert view.board.selected == symbols[0]
    view.act(KEYS["down"])
    assert view.board.selected == symbols[1]
    assert f"┌─ {symbols[1]}" in text(view)
    view.act(KEYS["up"])
    view.act(KEYS["up"])
    assert view.board.selected == symbols[-1]
    assert symbols[-1] in text(view).splitlines()[1]
    view.act("select:nowhere")
    assert view.board.selected == symbols[-1]


def test_clicks_are_keys() -> None:
    """Every market in sight and every key in the last line can be clicked."""
    view = view_of()
    hits = {hit.action for hit in view.paint(200, 60).hits}
    assert {f"select:{symbol}" for symbol in view.board.markets} <= hits
    assert {"quit", "freeze", "depth", "page:help", "page:health", "page:log", "page:trades"} <= hits


def test_depth_is_asked_for() -> None:
    """The next depth that Kraken offers is asked for, after the last the first; the answer is told."""
    asked: list[tuple[str, int]] = []

    def change(symbol: str, depth: int) -> str:
        asked.append((symbol, depth))
        return ""

    view = view_of(change_depth=change)
    view.act(KEYS["d"])
    assert asked == [("BTC/USD", 100)]
    assert "asked for 100 levels" in text(view)
    fixed = view_of()
    fixed.act(KEYS["d"])
    assert "the program that runs this has chosen the depth" in text(fixed)


@pytest.mark.parametrize("page", ["log", "health", "help", "trades"])
def test_scrolling_stays_inside(page: str) -> None:
    """A page scrolls to its end and not beyond, and another one begins at its top."""
    view = view_of()
    view.act(f"page:{page}")
    first = text(view, (60, 10))
    for _ in range(60):
        view.act(KEYS["pagedown"])
    last, scroll = text(view, (60, 10)), view.scroll
    assert first != last
    view.act(KEYS["pagedown"])
    assert (text(view, (60, 10)), view.scroll) == (last, scroll)
    for _ in range(scroll):
        view.act("scroll:-1")
    assert text(view, (60, 10)) == first
    view.act(f"page:{page}")
    assert view.scroll == 0


@pytest.mark.fault("M9")
def test_freezing() -> None:
    """A frozen picture keeps its numbers, says for how long, and the first line goes on; released, everything is as it is now."""

    async def story(scene: Scene) -> None:
        view = View(scene.board, scene.client, clock=lambda: scene.now, wall=lambda: scene.wall_ns)
        await scene.pass_(4.0)
        view.act(KEYS["space"])
        first = text(view)
        await scene.pass_(3.0)
        later = text(view)
        assert "FROZEN 3.0 s ago" in later
        assert first.splitlines()[5:-3] == later.splitlines()[5:-3]
        assert first.splitlines()[0] != later.splitlines()[0]
        view.act("select:ETH/USD")
        assert "┌─ ETH/USD" in text(view)
        assert "FROZEN" in text(view)
        view.act(KEYS["space"])
        assert "FROZEN" not in text(view)

    play(story, symbols=("BTC/USD", "ETH/USD"))


@pytest.mark.parametrize(("key", "ended"), [("q", "quit"), ("ctrl+c", "interrupt")])
def test_ends(key: str, ended: str) -> None:
    """Both ways to end are told apart."""
    view = view_of()
    view.act(KEYS[key])
    assert view.ended == ended
