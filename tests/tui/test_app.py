"""The dashboard as a program, without a terminal: keys, mouse, sizes, and pictures of every state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.app import App
from textual.events import MouseScrollDown

from krakenwire.tui.app import STYLES, Canvas, Dashboard, strip_of
from krakenwire.tui.cells import plain
from krakenwire.tui.panels.frame import Painted
from krakenwire.tui.screen import PAGES, screen
from krakenwire.tui.view import View
from tests.tui.scene import Scene, play
from tests.tui.scenes import STORIES, scene

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}


def still(name: str, *, badge: str = "SIM") -> View:
    """A view of a scene that does not move."""
    board, moment = scene(name, badge)
    return View(board.copied(), None, clock=lambda: moment.now, wall=lambda: moment.wall_ns)


def seen(app: App[Any]) -> str:
    """What is on the screen."""
    canvas = app.query_one(Canvas)
    return "\n".join(canvas.render_line(y).text for y in range(app.size.height))


# -------------------------------------------------------------------- keys, mouse, sizes


async def test_keys() -> None:
    """Keys turn pages and choose markets at once, and q ends it."""
    view = still("LIVE")
    app = Dashboard(view, still=True)
    async with app.run_test(size=(80, 24)) as pilot:
        assert "BTC/USD · depth 25" in seen(app)
        await pilot.press("down")
        assert "ETH/USD · depth 25" in seen(app)
        await pilot.press("k")
        assert "BTC/USD · depth 25" in seen(app)
        await pilot.press("h")
        assert "┌─ health" in seen(app)
        await pilot.press("escape", "question_mark")
        assert "┌─ help" in seen(app)
        await pilot.press("question_mark", "l", "a")
        assert "open orders" in seen(app)
        await pilot.press("q")
    assert app.return_value == "quit"


async def test_ctrl_c() -> None:
    """Ctrl-C is told apart from q: whoever shows the dashboard has to know that the program was to be interrupted."""
    app = Dashboard(still("LIVE"), still=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("ctrl+c")
    assert app.return_value == "interrupt"


@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
async def test_mouse(size: tuple[int, int]) -> None:
    """A click on a market selects it, a click on a key in the last line is the key, and the wheel scrolls."""
    view = still("LIVE")
    app = Dashboard(view, still=True)
    async with app.run_test(size=size) as pilot:
        hits = {hit.action: hit for hit in view.paint(*size).hits}
        await pilot.click(offset=(hits["select:SOL/USD"].x + 2, hits["select:SOL/USD"].y))
        assert "SOL/USD · depth 25" in seen(app)
        await pilot.click(offset=(hits["page:log"].x, hits["page:log"].y))
        assert "┌─ log" in seen(app)
        await pilot._post_mouse_events([MouseScrollDown], offset=(5, 5), button=0)
        await pilot.pause()
        assert view.scroll == 3
        await pilot.click(offset=(size[0] - 1, 3))  # nothing is there
        await pilot.press("l")
        quits = next(hit for hit in view.paint(*size).hits if hit.action == "quit")
        await pilot.click(offset=(quits.x, quits.y))
    assert app.return_value == "quit"


@pytest.mark.fault("C16")
async def test_resizing() -> None:
    """Another size rearranges everything at once, down to a terminal of one cell and back."""
    app = Dashboard(still("LIVE"), still=True)
    async with app.run_test(size=(200, 60)) as pilot:
        assert "fills" in seen(app)
        for size in ((80, 24), (41, 11), (30, 8), (1, 1), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            lines = seen(app).split("\n")
            assert [len(line) for line in lines] == [size[0]] * size[1]
            if size == (30, 8):
                assert "30x8 is too small" in seen(app)
        assert "┌─ markets" in seen(app)


async def test_only_what_changed_is_painted() -> None:
    """A picture that is the same costs no painting at all; one more second changes a few cells, not the screen."""
    board, moment = scene("LIVE")
    now = [moment.now]
    view = View(board.copied(), None, clock=lambda: now[0], wall=lambda: moment.wall_ns)
    app = Dashboard(view, still=True)
    async with app.run_test(size=(120, 40)) as pilot:
        canvas = app.query_one(Canvas)
        painted: list[Any] = []
        refresh: Callable[..., Any] = canvas.refresh

        def watched(*regions: Any, **options: Any) -> Any:
            painted.extend(regions)
            return refresh(*regions, **options)

        canvas.refresh = watched  # type: ignore[method-assign]
        canvas.repaint()
        assert painted == []
        now[0] += 0.1
        canvas.repaint()
        await pilot.pause()
        assert 0 < sum(region.area for region in painted) < 120 * 40 / 4
        fresh = screen(board, (120, 40), moment.__class__(now[0], moment.wall_ns))
        assert seen(app) == "\n".join(plain(row) for row in fresh.rows)


async def test_it_goes_on_by_itself() -> None:
    """Without a key the picture follows the clock, at most ten times a second."""
    board, moment = scene("LIVE")
    asked = 0

    def clock() -> float:
        nonlocal asked
        asked += 1
        return moment.now + asked

    class Counting(View):
        painted = 0

        def paint(self, width: int, height: int) -> Painted:
            self.painted += 1
            return super().paint(width, height)

    view = Counting(board.copied(), None, clock=clock, wall=lambda: moment.wall_ns)
    app = Dashboard(view)
    async with app.run_test(size=(80, 24)) as pilot:
        before, text = view.painted, seen(app)
        await pilot.pause(0.55)
        assert 2 <= view.painted - before <= 7
        assert seen(app) != text


def test_every_style_of_every_picture_is_known() -> None:
    """No painter names a style that the terminal does not have."""
    for name in STORIES:
        board, moment = scene(name)
        for size in SIZES.values():
            for page in PAGES:
                for row in screen(board, size, moment, page).rows:
                    assert strip_of(row).cell_length == size[0]
                    assert {style for _, style in row} <= STYLES.keys()


def test_a_live_client_behind_it() -> None:
    """The view asks a running client for its books at every picture, and shows no more levels than it has proven and followed."""

    async def story(scene: Scene) -> None:
        view = View(scene.board, scene.client, clock=lambda: scene.now, wall=lambda: scene.wall_ns)
        await scene.pass_(2.0)
        for _ in range(20):
            await scene.pass_(0.1)
            view.paint(120, 40)
            held = scene.client.held_book("book", "BTC/USD")
            shown = scene.board.markets["BTC/USD"].book.view
            assert held is not None
            assert shown is not None
            assert shown.bids == held.view(len(shown.bids)).bids

    play(story, symbols=("BTC/USD",), depth=25)


# -------------------------------------------------------------------- pictures


@pytest.mark.fault("M9")
@pytest.mark.parametrize("size", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize("name", [*STORIES, "FROZEN"])
def test_picture(name: str, size: tuple[int, int], snap_compare: Any) -> None:
    """Each state of the markets, at each size, looks as it did when somebody last looked at it."""
    view = still("LIVE" if name == "FROZEN" else name)
    if name == "FROZEN":
        view.frozen = view.board
        view.frozen_at = view.now - 12.0
    assert snap_compare(Dashboard(view, still=True), terminal_size=size)


@pytest.mark.parametrize("page", ["health", "log", "account", "help", "trades"])
def test_picture_of_a_page(page: str, snap_compare: Any) -> None:
    """Each page looks as it did when somebody last looked at it."""
    view = still("STALE" if page in {"health", "log"} else "LIVE")
    view.act(f"page:{page}")
    assert snap_compare(Dashboard(view, still=True), terminal_size=(80, 24))


@pytest.mark.fault("M4")
def test_picture_of_kraken(snap_compare: Any) -> None:
    """Kraken itself looks different at a glance."""
    assert snap_compare(Dashboard(still("LIVE", badge="LIVE"), still=True), terminal_size=(80, 24))


@pytest.mark.parametrize("name", ["LIVE", "RESYNCING"])
def test_picture_without_colour(name: str, snap_compare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR there are words, signs and bold, dim and reversed text, and no colour."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = Dashboard(still(name), still=True)
    assert snap_compare(app, terminal_size=(80, 24))


async def test_no_colour_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """With NO_COLOR no colour is left in what goes to the terminal."""
    monkeypatch.setenv("NO_COLOR", "1")
    app = Dashboard(still("LIVE"), still=True)
    async with app.run_test(size=(80, 24)):
        strips = app.screen._compositor.render_strips()
        styles = [segment.style for strip in strips for segment in strip if segment.style is not None]
        filtered = [style for style in styles if style.color is not None and not style.color.is_default]
        assert filtered == []
