"""What the dashboard says of a real client before the simulated exchange, in good times and in bad."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from krakenwire.events import Gap, GapReason, TradeUpdate
from krakenwire.tui.board import Board
from krakenwire.tui.cells import plain
from krakenwire.tui.panels.frame import Moment
from krakenwire.tui.screen import screen
from krakenwire.tui.state import State
from krakenwire.wire.enums import Side
from tests.tui.scene import Scene, Still, play

FEW = ("BTC/USD", "ETH/USD", "SOL/USD")


def words(board: Board, moment: Moment, channel: str = "book") -> dict[str, str]:
    """The word of each market."""
    return {symbol: market.state(channel, moment.now).word for symbol, market in board.markets.items()}


def text(still: Still, page: str = "main", size: tuple[int, int] = (120, 40)) -> str:
    return "\n".join(plain(row) for row in screen(still[0], size, still[1], page).rows)


def test_good_times() -> None:
    """Every panel is live, every book message is counted as proven, and each market has ticker, tape and candles."""

    async def story(scene: Scene) -> None:
        await scene.pass_(8.0)

    board, moment = play(story, symbols=FEW)
    for channel in ("book", "ticker", "trade", "ohlc"):
        assert set(words(board, moment, channel).values()) == {"LIVE"}
    assert board.proven > 50
    assert (board.failed, board.unproven, board.gaps) == (0, 0, 0)
    market = board.markets["BTC/USD"]
    assert market.ticker is not None
    assert len(market.trades) > 10
    assert len(market.candles) > 5
    assert list(market.candles) == sorted(market.candles)
    assert market.book.view is not None
    assert market.book.view.verified
    assert board.ledger.ratio is not None
    assert 0.9 < board.ledger.ratio < 1.0  # the first moments, before the snapshots, are not verified
    assert board.rate() == pytest.approx(sum(board.rate(channel) or 0.0 for channel in board.totals[-1][2]))


@pytest.mark.fault("N13", "M9")
def test_dead_feed() -> None:
    """A peer that vanishes silently: nothing is called live after 2.5 s, everything is stale once the client gave up, and its prices are
    dashes; when it is back, so are they.
    """
    seen: dict[str, Still] = {}

    async def story(scene: Scene) -> None:
        await scene.pass_(3.0)
        for name, seconds in (("silent", 3.0), ("stale", 3.0), ("back", 6.0)):
            if name == "silent":
                for link in scene.transport.links:
                    link.silent = True
                scene.fault("at 4 s: refuse connects 503 for 4 s")
                scene.transport.refuse = scene.refusal
            await scene.pass_(seconds)
            seen[name] = scene.still()

    play(story, symbols=FEW)
    for channel in ("book", "ticker", "trade", "ohlc"):
        assert set(words(*seen["silent"], channel).values()) == {"SILENT"}
        assert set(words(*seen["stale"], channel).values()) == {"STALE"}
        assert set(words(*seen["back"], channel).values()) == {"LIVE"}
    assert "SILENT 3.0 s: no heartbeat" in text(seen["silent"])
    gone = text(seen["stale"])
    assert "STALE" in gone
    assert "connection lost" in gone
    assert "81,77" not in gone.split("candles")[0].split("┐┌")[1].split("│")[0]
    assert all(market.book.view is None for market in seen["stale"][0].markets.values())
    assert "public ✗ waiting" in text(seen["stale"], size=(80, 24))
    (entry,) = [entry for entry in seen["back"][0].journal.entries if "connection lost" in entry.text]
    assert entry.healed is not None


@pytest.mark.fault("B1", "M9")
def test_failed_checksum() -> None:
    """A book that contradicts Kraken says RESYNCING and why, shows dashes, and is dimmed; others stay live. Then it is healed, and the log
    says after how long.
    """
    seen: dict[str, Still] = {}

    async def story(scene: Scene) -> None:
        await scene.pass_(3.0)
        scene.fault(
            "at 0 s: corrupt checksum book BTC/USD update 1 times\nwhen reply: delay 2 s reply 9 times"
        )
        await scene.pass_(1.0)
        seen["wrong"] = scene.still()
        await scene.pass_(8.0)
        seen["healed"] = scene.still()

    play(story, symbols=FEW)
    assert words(*seen["wrong"]) == {"BTC/USD": "RESYNCING", "ETH/USD": "LIVE", "SOL/USD": "LIVE"}
    told = text(seen["wrong"])
    assert "RESYNCING" in told
    assert ": checksum" in told
    board, moment = seen["wrong"]
    ladder = screen(board, (80, 24), moment).rows[4:14]
    assert all(not any(char.isdigit() for char in plain(row)[:46]) for row in ladder)
    assert all(style in {"dim", "frame", ""} for row in ladder for text, style in row[:8])
    assert words(*seen["healed"])["BTC/USD"] == "LIVE"
    (entry,) = [entry for entry in seen["healed"][0].journal.entries if "lost" in entry.text]
    assert entry.who == "BTC/USD"
    assert entry.healed is not None
    assert (seen["healed"][0].failed, board.failed) == (1, 1)


@pytest.mark.fault("B13", "M9")
def test_muted_book() -> None:
    """A book that is not sent any more while its market trades is not called live, long before the client can be sure; a market that is
    merely quiet is.
    """

    async def story(scene: Scene) -> None:
        await scene.pass_(3.0)
        scene.fault("at 0 s: drop book BTC/USD update for 60 s")
        await scene.pass_(8.0)

    board, moment = play(story, symbols=(*FEW, "PAXG/USD"))
    told = words(board, moment)
    assert told["BTC/USD"] == "QUIET"
    assert set(told.values()) == {"QUIET", "LIVE"}
    assert board.markets["BTC/USD"].state("book", moment.now).reason == "the market trades"
    assert "QUIET" in text((board, moment))


@pytest.mark.fault("M9")
@pytest.mark.parametrize(
    ("muted", "quiet"), [("trade", {"trade"}), ("ticker", {"ticker"}), ("ohlc", {"ohlc"})], ids=str
)
def test_muted_stream(muted: str, quiet: set[str]) -> None:
    """Trades, ticker and candles that are not sent any more while the others of their market show that it trades are not called live; those
    of a market that rests are.
    """

    async def story(scene: Scene) -> None:
        await scene.pass_(3.0)
        scene.fault(f"at 0 s: drop {muted} BTC/USD for 60 s")
        await scene.pass_(8.0)

    board, moment = play(story, symbols=(*FEW, "PAXG/USD"))
    told = {channel: words(board, moment, channel) for channel in ("book", "trade", "ticker", "ohlc")}
    assert {channel for channel, states in told.items() if states["BTC/USD"] == "QUIET"} == quiet
    assert {state for states in told.values() for name, state in states.items() if name != "BTC/USD"} == {
        "LIVE"
    }


def test_fetched_trades_are_no_word_of_the_stream() -> None:
    """A trade that is fetched over REST to fill a gap does not make a lost stream look alive."""

    async def story(scene: Scene) -> None:
        await scene.pass_(3.0)
        trade = scene.board.markets["BTC/USD"].trades[-1]
        assert isinstance(trade, TradeUpdate)
        scene.board.take(Gap("trade", "BTC/USD", GapReason.TRADE_ID, 1, 2), scene.now)
        scene.board.take(replace(trade, source="rest"), scene.now)

    board, moment = play(story, symbols=("BTC/USD",))
    assert words(board, moment, "trade") == {"BTC/USD": "STALE"}


def test_disputed() -> None:
    """A book that is wrong after every resync says DISPUTED, and shows no price."""

    async def story(scene: Scene) -> None:
        await scene.pass_(3.0)
        scene.fault("at 0 s: corrupt checksum book BTC/USD for 600 s")
        await scene.pass_(20.0)

    board, moment = play(story, symbols=FEW)
    assert words(board, moment)["BTC/USD"] == "DISPUTED"
    assert board.markets["BTC/USD"].book.view is None
    assert any("disputed" in entry.text for entry in board.journal.entries)


def test_refused() -> None:
    """A market that Kraken does not serve says so in Kraken's words."""

    async def story(scene: Scene) -> None:
        scene.fault("at 0 s: refuse subscribe ETH/USD 4 times with EQuery:Unknown asset pair")
        await scene.pass_(4.0)

    board, moment = play(story, symbols=FEW)
    market = board.markets["ETH/USD"]
    states = {market.state(channel, moment.now) for channel in market.streams}
    assert states == {State("REFUSED", None, "EQuery:Unknown asset pair")}
    assert any("EQuery:Unknown asset pair" in entry.text for entry in board.journal.entries)
    # It says nothing about the books that are followed.
    assert board.ledger.books == len(FEW) - 1
    assert board.ledger.ratio is not None
    assert board.ledger.ratio > 0.8


def test_account() -> None:
    """Open orders, fills and balances of the account stand on its page; an order that is filled is not open any more."""

    async def story(scene: Scene) -> None:
        await scene.pass_(3.0)
        scene.order(Side.BUY, "BTC/USD", 500)
        scene.order(Side.SELL, "SOL/USD", 800, away=0.02)
        await scene.pass_(2.0)

    still = play(story, symbols=FEW, private=True)
    account = still[0].account
    assert account is not None
    assert [(order.symbol, order.side) for order in account.open_orders] == [("SOL/USD", "sell")]
    assert {fill.symbol for fill in account.fills} == {"BTC/USD"}
    assert set(account.balances) >= {"USD", "BTC", "SOL"}
    assert account.state("executions", still[1].now).word == "LIVE"
    told = text(still, "account")
    for part in ("open orders · 1", "SOL/USD", "sell", "balances", "100,000", "fills"):
        assert part in told


def test_still_stands_still() -> None:
    """A picture that is kept does not change while the board behind it goes on."""
    seen: dict[str, str] = {}

    async def story(scene: Scene) -> Still:
        await scene.pass_(4.0)
        still = scene.still()
        for page in ("main", "trades", "health", "log"):
            seen[page] = text(still, page)
        await scene.pass_(4.0)
        assert text(scene.still()) != seen["main"]
        return still

    still = play(story, symbols=FEW, private=True)
    assert {page: text(still, page) for page in seen} == seen


def test_ledger_names_the_blind_time() -> None:
    """The bar of the ledger has the time in which a book could not be read, from its last proof on."""

    async def story(scene: Scene) -> None:
        await scene.pass_(3.0)
        scene.fault(
            "at 0 s: corrupt checksum book BTC/USD update 1 times\nwhen reply: delay 1 s reply 9 times"
        )
        await scene.pass_(6.0)
        lost = [entry for entry in scene.board.journal.entries if "lost" in entry.text]
        (entry,) = lost
        assert entry.healed is not None
        parts = scene.board.ledger.uncovered
        longest = max(end - start for start, end in parts)
        assert entry.healed <= longest < 6.0  # it begins with the last message that was right

    play(story, symbols=FEW)
