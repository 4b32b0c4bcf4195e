"""Every page at every size is exactly as large as the terminal, says which exchange it is of, and obeys nobody on the wire."""

from __future__ import annotations

import copy
import re
from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from rich.cells import cell_len

from krakenwire import events as ev
from krakenwire.errors import TokenUnavailable
from krakenwire.net.hosts import Hosts
from krakenwire.tui import state
from krakenwire.tui.badge import SIM, Badge, badge_of
from krakenwire.tui.board import Board, Ledger
from krakenwire.tui.cells import plain
from krakenwire.tui.market import Missing
from krakenwire.tui.panels.frame import Moment, Painted
from krakenwire.tui.screen import LEAST, PAGES, screen
from krakenwire.wire.refusals import ErrorKind
from tests.tui.scenes import STORIES, scene

SIZES = st.tuples(st.integers(1, 240), st.integers(1, 80))
OWN = "ws://127.0.0.1:46073/v2"
COMMON = [(40, 10), (80, 24), (100, 30), (120, 40), (200, 60)]


def check(painted: Painted, size: tuple[int, int]) -> None:
    """A picture fills its terminal, prints as itself, and every click on it is inside."""
    width, height = size
    assert len(painted.rows) == height
    for row in painted.rows:
        text = plain(row)
        assert len(text) == cell_len(text) == width, text
        assert text.isprintable()
    for hit in painted.hits:
        assert 0 <= hit.x < hit.x + hit.width <= width
        assert 0 <= hit.y < hit.y + hit.height <= height


@given(
    size=SIZES, story=st.sampled_from(sorted(STORIES)), page=st.sampled_from(PAGES), scroll=st.integers(0, 60)
)
@settings(max_examples=150)
def test_every_size(size: tuple[int, int], story: str, page: str, scroll: int) -> None:
    """Whatever happens, on whatever page, each picture has exactly the rows and cells of its terminal."""
    board, moment = scene(story)
    check(screen(board, size, replace(moment, scroll=scroll), page), size)
    check(screen(board, size, replace(moment, frozen_for=12.0), page), size)


@pytest.mark.fault("M4")
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("size", [(20, 5), *COMMON])
def test_badge(page: str, size: tuple[int, int]) -> None:
    """The first line of every page at every size begins with SIM where nothing is real, and with LIVE on Kraken, in different styles."""
    firsts = []
    for badge in ("SIM", "LIVE"):
        board, moment = scene("LIVE", badge)
        first = screen(board, size, moment, page).rows[0]
        assert plain(first).strip().startswith(f"{badge} ")
        firsts.append(first[0])
    if size >= LEAST:
        assert firsts[0][1] != firsts[1][1]


@pytest.mark.fault("M4")
@pytest.mark.parametrize(
    ("url", "badge"),
    [
        ("wss://ws.kraken.com/v2", Badge("LIVE", "Kraken")),
        ("ws://127.0.0.1:8080/v2", Badge("OTHER", "not Kraken: 127.0.0.1:8080")),
        ("wss://ws.kraken.com.example.org/v2", Badge("OTHER", "not Kraken: ws.kraken.com.example.org")),
        ("wss://user:secret@example.org/v2", Badge("OTHER", "not Kraken: example.org")),
    ],
)
def test_badge_of_hosts(url: str, badge: Badge) -> None:
    """Only Kraken's own hosts are called LIVE, every one of them, and no login is shown."""
    hosts = Hosts(public=url, private=url, level3=url, rest="https://api.kraken.com")
    assert badge_of(hosts) == badge
    own = Hosts.chosen(None, None, None, None)
    assert [badge_of(replace(own, **{name: url})) for name in ("public", "private", "level3")] == [badge] * 3


@pytest.mark.fault("M4")
@pytest.mark.parametrize("size", COMMON)
def test_another_exchange_is_named(size: tuple[int, int]) -> None:
    """Whatever stands in the first line beside it, an exchange that is not Kraken is told by its address."""
    board, moment = scene("LIVE")
    board = board.copied()
    board.badge = badge_of(Hosts(OWN, OWN, OWN, "http://127.0.0.1:46073"))
    for messages in (0, 1_000_000):
        board.totals = deque([(0.0, 0, {}), (1.0, messages, {})])
        first = plain(screen(board, size, moment).rows[0])
        assert first.startswith(" OTHER ")
        assert " not Kraken: 127.0.0.1:46073 " in first


def test_first_line_does_not_depend_on_digits() -> None:
    """The same figures stand in the first line, at the same places, however many digits they have."""
    board, moment = scene("LIVE")
    board = board.copied()
    places = set()
    for messages, books in ((1, 0), (12_345, 3)):
        board.totals = deque([(0.0, 0, {}), (1.0, messages, {})])
        board.ledger = Ledger(0.0, 100.0, books, ((0.0, 1.23),))
        first = plain(screen(board, (120, 40), moment).rows[0])
        places.add(tuple(first.index(name) for name in ("msg/s", "gaps", "verified", "UTC")))
    assert len(places) == 1


@pytest.mark.parametrize("size", COMMON)
def test_help_is_whole(size: tuple[int, int]) -> None:
    """Every key and every word that a title may say stands on the page of help, if need be on its next screen."""
    board, moment = scene("LIVE")
    seen = ""
    for scroll in range(0, 30, 5):
        painted = screen(board, size, replace(moment, scroll=scroll), "help")
        seen += "\n".join(plain(row) for row in painted.rows)
        if size >= (80, 24):
            break
    words = set(re.findall(r"^\| `([A-Z]+)` ", state.__doc__ or "", re.MULTILINE))
    assert len(words) > 5
    assert {"FROZEN", *words} - set(re.findall(r"\b[A-Z]+\b", seen)) <= (
        {"CLOSED"} if size == LEAST else set()
    )
    assert "another market" in seen
    assert "▲ buyer" in seen
    assert size == LEAST or "not to be trusted" in seen


def test_prices_are_whole() -> None:
    """Where there is little room quantities end in an ellipsis, and prices never do."""
    board, moment = scene("LIVE")
    small, large = (plain_text(board, moment, each) for each in ((80, 24), (200, 60)))
    assert "…" in small
    assert large.count("81,776.7") >= small.count("81,776.7") > 0


def plain_text(board: Board, moment: Moment, size: tuple[int, int], page: str = "main") -> str:
    return "\n".join(plain(row) for row in screen(board, size, moment, page).rows)


def test_columns_do_not_jump() -> None:
    """The cells of prices and quantities stay where they are from picture to picture."""
    board, moment = scene("LIVE")
    points = set()
    for row in screen(board, (120, 40), moment).rows:
        text = plain(row)
        if "│ 81," in text:
            points.add(text.index("│ 81,", 58))
    assert len(points) == 1


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("size", COMMON)
def test_frozen(page: str, size: tuple[int, int]) -> None:
    """A frozen picture says so, and how long ago, in its first line and in the title of every panel that has numbers."""
    board, moment = scene("LIVE")
    told = plain_text(board, replace(moment, frozen_for=75.0), size, page)
    assert "FROZEN" in told.splitlines()[0]
    titles = [line for line in told.splitlines() if line.startswith("┌")]
    if page != "help":
        assert titles
        assert all("FROZEN" in line and "LIVE" not in line for line in titles)


def test_words_and_signs_stand_beside_every_colour() -> None:
    """Without colours LIVE and not LIVE, up and down, buy and sell still differ."""
    live, stale = (plain_text(*scene(name), (120, 40)) for name in ("LIVE", "STALE"))
    assert "● connected" in live
    assert "✗" in stale
    assert "STALE" in stale
    assert "LIVE" not in stale.split("health")[0]
    for sign in ("▲ buy", "▼ sell", "█ up ▒ down"):
        assert sign in live


def test_numbers_that_are_not_live_are_dimmed() -> None:
    """No number of a stale panel keeps a colour or the plain style of a live one."""
    board, moment = scene("STALE")
    rows = screen(board, (80, 24), moment).rows[2:22]
    loud = [text for row in rows for text, style in row if style not in {"dim", "frame", "", "title"}]
    assert all(
        any(word in text for word in ("STALE", "conn", "…", "BTC/USD")) or not text.strip() for text in loud
    ), loud
    quiet = [
        text for row in rows for text, style in row if style == "" and any(char.isdigit() for char in text)
    ]
    assert quiet == []


# -------------------------------------------------------------------- what the wire may say

EVIL = [
    "\x1b[2J\x1b]0;owned\x07",
    "[bold red]x[/]",
    "[@click=app.quit]x[/]",
    "a\nb\rc\td",
    "\u202eevil",
    "日本語🏻",
    "x" * 500,
]


def hostile(text: str) -> Iterator[Any]:
    """Events whose every free text is this one."""
    yield ev.ConnectionChanged("public-1", ev.ConnectionState.WAITING, text, 1, None)
    yield ev.ConnectionChanged(text, ev.ConnectionState.CONNECTED)
    yield ev.SubscriptionRejected(
        "book",
        text,
        text,
        next(iter(ErrorKind)),
        retried=False,
    )
    yield ev.SubscriptionRejected("book", "BTC/USD", text, next(iter(ErrorKind)), retried=False)
    yield ev.BookLost("book", text, text, 1, 2)
    yield ev.BookLost("book", "BTC/USD", text)
    yield ev.BookDisputed("book", text, text, "hold", None)
    yield ev.Gap(text, text, ev.GapReason.SILENT)
    yield ev.SchemaDrift(text, text)
    yield ev.FrameRejected(text.encode("utf-8", "replace"), text, text, text)
    yield ev.StreamQuiet("book", text, quiet=True, since=1.0, evidence=text)
    yield ev.FeedLagging(text, lagging=True, seconds=3.0)
    yield ev.BookCrossed(text)
    yield ev.Discarded("book", text)


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("page", PAGES)
def test_text_of_the_wire_is_harmless(text: str, page: str) -> None:
    """Control characters, escapes, markup and letters that turn lines round stand on the screen as what they are."""
    still, moment = scene("LIVE")
    board = Board([text, *still.markets], SIM, began=0.0, depth=10, private=True)
    for symbol, market in still.markets.items():
        board.markets[symbol] = market.still()
    assert still.account is not None
    board.account = still.account.still()
    trade = next(each for each in reversed(still.markets["BTC/USD"].trades) if not isinstance(each, Missing))
    board.take(replace(trade, symbol=text, timestamp=text), moment.now)
    ticker = still.markets["BTC/USD"].ticker
    assert ticker is not None
    board.take(replace(ticker, symbol=text), moment.now)
    fill = still.account.fills[-1]
    board.take(replace(fill, symbol=text, order_id=text, timestamp=text, exec_id="new"), moment.now)
    board.take(replace(next(iter(still.account.balances.values())), asset=text, user=None), moment.now)
    for event in hostile(text):
        board.take(event, moment.now)
    board.trouble(TokenUnavailable(text), moment.now)
    board.links = tuple(replace(link, name=text, reason=text, system=text) for link in still.links)
    board.statistics = still.statistics | {"messages_by_channel": {text: 3}}
    for selected in (text, "BTC/USD"):
        board.selected = selected
        for size in COMMON:
            check(screen(board, size, moment, page), size)


def test_markup_is_no_markup() -> None:
    """Rows are parts with styles of our own: nothing in a text is ever parsed."""
    board, moment = scene("LIVE")
    board = copy.copy(board)
    board.journal = board.journal.still()
    board.journal.note(moment.now, "x", "[bold]y[/bold]")
    assert "[bold]y[/bold]" in plain_text(board, moment, (120, 40), "log")


@pytest.mark.parametrize("size", [(80, 24), (100, 28), (120, 40), (170, 36), (200, 60)])
def test_dear_beside_cheap(size: tuple[int, int]) -> None:
    """A market with ten decimals beside one that has none: every price is whole, and every book has the sign of its state."""
    board, moment = scene("LIVE")
    board = board.copied()
    cheap, dear = board.markets["BTC/USD"], board.markets["ETH/USD"]
    cheap.last, dear.last = Decimal("0.0000012356"), Decimal(1_234_567)
    cheap.price_width = 12
    cheap.trades = deque(
        [
            replace(trade, price_text="0.0000012356", qty_text="1234567.12345678")
            for trade in cheap.trades
            if not isinstance(trade, Missing)
        ]
    )
    rows = [plain(row) for row in screen(board, size, moment).rows]
    assert "0.0000012…" not in "".join(rows)
    assert "".join(rows).count("0.0000012356") > 5
    if size[0] >= 100:
        (line,) = [row for row in rows if row.startswith("│  ETH/USD")]
        assert "1,234,567" in line
        assert "●" in line.split("││")[0]


def test_large_numbers() -> None:
    """Prices and quantities of thirty digits leave every row as wide as it is."""
    board, moment = scene("LIVE")
    market = board.markets["BTC/USD"].still()
    view = market.book.view
    assert view is not None
    big = tuple(replace(level, price_text="9" * 24 + ".123456", qty_text="1" * 30) for level in view.bids)
    market.book = replace(market.book, view=replace(view, bids=big, asks=big))
    market.price_width, market.qty_width = 40, 40
    market.last = Decimal("9" * 30)
    board = copy.copy(board)
    board.markets = {**board.markets, "BTC/USD": market}
    for size in COMMON:
        check(screen(board, size, moment), size)
