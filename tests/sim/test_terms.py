"""What changes under a market: its status, its digits, the engine, the list of markets; and what clients are told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from krakenwire.errors import UsageError
from krakenwire.events import Event, InstrumentUpdate, StatusUpdate
from krakenwire.sim import Exchange, Listing, Pair, listing
from krakenwire.sim.modes import mode_of
from krakenwire.sim.truth import TruthLog
from krakenwire.state.book import BookStatus
from krakenwire.wire.control import Emergency, Maintenance
from krakenwire.wire.enums import AssetStatus, PairStatus, SystemStatus
from krakenwire.wire.subscriptions import (
    BookSubscription,
    InstrumentSubscription,
    OhlcSubscription,
    TickerSubscription,
    TradeSubscription,
)
from tests.sim.drive import AT_ONCE, Client, Pairing


def share(symbol: str = "TSLAx/USD") -> Listing:
    return Listing(pair=Pair(symbol=symbol, price_precision=2, tokenized=True), price=32_150)


def instruments(made: Client, **params: Any) -> Any:
    """The snapshot of channel `instrument`."""
    frames = made.ask("subscribe", channel="instrument", **params)
    return next(frame["data"] for frame in frames if frame.get("type") == "snapshot")


# ---------------------------------------------------------------- instrument


def test_instrument_acknowledgement_and_snapshot() -> None:
    """The channel is granted with its warning, and the snapshot has every market with the digits of its prices, and every asset once."""
    made = Client(Exchange(markets=["SOL/USD", "PEPE/USD"], rules=AT_ONCE))
    status, granted, snapshot = made.take() + made.ask("subscribe", channel="instrument")
    assert status["channel"] == "status"
    assert granted["result"] == {
        "channel": "instrument",
        "snapshot": True,
        "warnings": ["tick_size is deprecated, use price_increment"],
    }
    data = snapshot["data"]
    assert [asset["id"] for asset in data["assets"]] == ["SOL", "USD", "PEPE"]
    assert [(p["symbol"], p["price_precision"], p["price_increment"]) for p in data["pairs"]] == [
        ("SOL/USD", 2, 0.01),
        ("PEPE/USD", 8, 1e-8),
    ]
    (refusal,) = made.ask("subscribe", channel="instrument")
    assert refusal["error"] == "Already subscribed"
    (ended,) = made.ask("unsubscribe", channel="instrument")
    assert ended["result"] == {"channel": "instrument"}
    (refusal,) = made.ask("unsubscribe", channel="instrument")
    assert refusal["error"] == "Subscription Not Found"


def test_tokenized_assets_and_venues_only_for_those_who_ask() -> None:
    """Shares are listed with `include_tokenized_assets`, and another venue has none of these markets; a wrong venue is refused."""
    exchange = Exchange(markets=["SOL/USD", share()], rules=AT_ONCE)
    assert [pair["symbol"] for pair in instruments(Client(exchange))["pairs"]] == ["SOL/USD"]
    with_shares = instruments(Client(exchange), include_tokenized_assets=True)
    assert [pair["symbol"] for pair in with_shares["pairs"]] == ["SOL/USD", "TSLAx/USD"]
    elsewhere = instruments(Client(exchange), execution_venue="bitnomial-exchange")
    assert elsewhere == {"assets": [], "pairs": []}
    other = Client(exchange)
    other.take()
    (refusal,) = other.ask("subscribe", channel="instrument", execution_venue="moon")
    assert refusal["error"] == "Unsupported event"


def test_changes_are_told_to_those_whom_they_concern() -> None:
    """A changed market, a changed asset and a new market come as updates with the changed entries only."""
    exchange = Exchange(markets=["SOL/USD", share()], rules=AT_ONCE)
    made, all_of_it = Client(exchange), Client(exchange)
    instruments(made)
    instruments(all_of_it, include_tokenized_assets=True)
    exchange.change_pair("SOL/USD", status=PairStatus.POST_ONLY, qty_min=3_000_000, now=0.5)
    exchange.change_pair("TSLAx/USD", status=PairStatus.ONLINE, now=0.5)
    exchange.change_asset("SOL", AssetStatus.WITHDRAWALONLY, now=0.6)
    exchange.list_market("PEPE/USD", now=0.7)
    told, told_all = made.take(), all_of_it.take()
    assert [
        ([asset["id"] for asset in f["data"]["assets"]], [p["symbol"] for p in f["data"]["pairs"]])
        for f in told
    ] == [([], ["SOL/USD"]), (["SOL"], []), (["PEPE", "USD"], ["PEPE/USD"])]
    assert (told[0]["data"]["pairs"][0]["status"], told[0]["data"]["pairs"][0]["qty_min"]) == (
        "post_only",
        0.03,
    )
    assert told[1]["data"]["assets"][0]["status"] == "withdrawalonly"
    assert [len(f["data"]["pairs"]) for f in told_all] == [1, 1, 0, 1]


def test_what_cannot_change() -> None:
    """A market keeps its name; wishing otherwise is an error of the caller."""
    exchange = Exchange(markets=["SOL/USD"])
    with pytest.raises(UsageError):
        exchange.change_pair("SOL/USD", symbol="SOL/EUR", now=0.0)


@pytest.mark.parametrize("precision", [1, 3, 5])
def test_other_price_digits_cost_a_session_one_resync(precision: int) -> None:
    """When prices get more or fewer digits, a session that follows `instrument` takes the book anew and goes on proven; trades,
    candles and ticker go on without a break.
    """
    exchange = Exchange(seed=3, markets=["SOL/USD", "XRP/USD"])
    pairing = Pairing(exchange)
    pairing.session.subscribe(InstrumentSubscription(), now=0.0)
    pairing.session.subscribe(BookSubscription(symbol=("SOL/USD", "XRP/USD"), depth=25), now=0.0)
    for params in (TradeSubscription, TickerSubscription, OhlcSubscription):
        pairing.session.subscribe(params(symbol=("SOL/USD", "XRP/USD")), now=0.0)
    pairing.run(60)
    before = exchange.markets["SOL/USD"].candles.day.at(exchange.at)
    assert before is not None
    exchange.change_pair("SOL/USD", price_precision=precision, now=60.0)
    after = exchange.markets["SOL/USD"].candles.day.at(exchange.at)
    assert after is not None
    assert abs(Decimal(after.close).scaleb(-precision) - Decimal(before.close).scaleb(-2)) <= Decimal("0.05")
    pairing.run(60)
    events = pairing.events
    assert events["PairChanged"] == 1
    assert events["ResyncNeeded"] == 1
    assert events["BookLive"] == 3
    assert events["BookDisputed"] == events["FrameRejected"] == events["CandleRevised"] == 0
    view = pairing.session.book("SOL/USD")
    assert view.verified
    assert len(str(view.bids[0].price).partition(".")[2]) == precision
    assert abs(view.bids[0].price - 141) < 15


@pytest.mark.fault("B12")
@pytest.mark.parametrize("precision", [6, 7, 9])
def test_other_digits_of_quantities_cost_a_session_one_resync(precision: int) -> None:
    """When quantities get more or fewer digits, books of both kinds are taken anew once and proven again in the new digits; what the
    market traded and its smallest order are worth the same.
    """
    exchange = Exchange(seed=3, markets=["SOL/USD", "XRP/USD"], truth=(truth := TruthLog()))
    pairing = Pairing(exchange)
    pairing.session.subscribe(InstrumentSubscription(), now=0.0)
    pairing.session.subscribe(BookSubscription(symbol=("SOL/USD", "XRP/USD"), depth=25), now=0.0)
    pairing.session.subscribe(TickerSubscription(symbol=("SOL/USD",)), now=0.0)
    pairing.run(60)
    market = exchange.markets["SOL/USD"]
    exchange.change_pair("SOL/USD", qty_min=3_000_000, now=60.0)
    before, states = market.candles.day.at(exchange.at), market.states
    exchange.change_pair("SOL/USD", qty_precision=precision, now=60.0)
    after = market.candles.day.at(exchange.at)
    assert before is not None
    assert after is not None
    assert abs(Decimal(after.volume).scaleb(-precision) - Decimal(before.volume).scaleb(-8)) < Decimal(
        "0.001"
    )
    assert Decimal(market.pair.qty_min).scaleb(-precision) == Decimal("0.03")
    assert market.states > states
    assert truth.states["SOL/USD"][-1].number == market.states
    assert truth.states["SOL/USD"][-1].pair.qty_precision == precision
    pairing.run(60)
    assert (pairing.events["PairChanged"], pairing.events["ResyncNeeded"]) == (2, 1)
    assert pairing.events["BookDisputed"] == pairing.events["FrameRejected"] == 0
    view = pairing.session.book("SOL/USD")
    assert view.verified
    assert len(str(view.bids[0].qty).partition(".")[2]) == precision


def test_terms_that_change_by_themselves() -> None:
    """Where terms change all the time, a session takes books anew only for other digits, and every book is proven again at the end."""
    kind = listing("BUSY/USD", "12.34", rate=8, levels=20, changes=0.004)
    exchange = Exchange(seed=4, markets=[kind, "SOL/USD"])
    pairing = Pairing(exchange)
    digits: dict[str, set[int]] = {"price": set(), "qty": set()}
    statuses: set[str] = set()

    def look(event: Event) -> None:
        if isinstance(event, InstrumentUpdate):
            digits["price"].update(pair.price_precision for pair in event.pairs)
            digits["qty"].update(pair.qty_precision for pair in event.pairs)
            statuses.update(pair.status.value for pair in event.pairs)

    pairing.seen = look
    pairing.session.subscribe(InstrumentSubscription(), now=0.0)
    pairing.session.subscribe(BookSubscription(symbol=("BUSY/USD", "SOL/USD"), depth=25), now=0.0)
    pairing.session.subscribe(TradeSubscription(symbol=("BUSY/USD", "SOL/USD")), now=0.0)
    pairing.run(600)
    exchange.change_pair("BUSY/USD", status=PairStatus.ONLINE, now=pairing.now)
    pairing.run(30)
    events = pairing.events
    assert digits == {"price": {2, 3, 4}, "qty": {8, 9, 10}}
    assert len(statuses) > 2
    assert events["BookLive"] > 3
    assert events["BookDisputed"] == events["FrameRejected"] == events["SchemaDrift"] == 0
    for symbol in exchange.markets:
        assert pairing.session.book_status("book", symbol) is BookStatus.LIVE


# ---------------------------------------------------------------- status


@pytest.mark.parametrize(
    ("system", "pair", "allowed"),
    [
        (SystemStatus.ONLINE, PairStatus.ONLINE, (True, True, True, True)),
        (SystemStatus.POST_ONLY, PairStatus.ONLINE, (True, False, False, True)),
        (SystemStatus.ONLINE, PairStatus.LIMIT_ONLY, (True, True, False, True)),
        (SystemStatus.POST_ONLY, PairStatus.CANCEL_ONLY, (False, False, False, True)),
        (SystemStatus.MAINTENANCE, PairStatus.ONLINE, (False, False, False, False)),
        (SystemStatus.ONLINE, PairStatus.DELISTED, (False, False, False, False)),
        (SystemStatus.ONLINE, PairStatus("new_idea"), (False, False, False, False)),
    ],
)
def test_stricter_status_rules(
    system: SystemStatus, pair: PairStatus, allowed: tuple[bool, bool, bool, bool]
) -> None:
    """What may be done in a market is what both the engine and the pair allow; an unknown status allows nothing."""
    mode = mode_of(system, pair)
    assert (mode.places, mode.takes, mode.markets, mode.cancels) == allowed
    assert (mode.refusal is None) == all(allowed)


def test_maintenance_from_beginning_to_end() -> None:
    """In maintenance nothing happens in any market, in cancel-only orders only go, in post-only nothing trades, and after it
    everything goes on; a session sees every status and loses no book.
    """
    exchange = Exchange(seed=4, markets=["SOL/USD", "XRP/USD"])
    pairing = Pairing(exchange)
    market = exchange.markets["SOL/USD"]
    pairing.session.subscribe(BookSubscription(symbol=("SOL/USD", "XRP/USD")), now=0.0)
    pairing.session.subscribe(TradeSubscription(symbol=("SOL/USD", "XRP/USD")), now=0.0)
    told: list[str] = []
    pairing.seen = lambda event: told.append(event.system.value) if isinstance(event, StatusUpdate) else None
    pairing.run(30)
    seen = []
    for status in (SystemStatus.MAINTENANCE, SystemStatus.CANCEL_ONLY, SystemStatus.POST_ONLY):
        orders, trades, states = set(market.engine.orders), market.tape.next_id, market.states
        exchange.set_system(status, now=pairing.now)
        pairing.run(30)
        now = set(market.engine.orders)
        seen.append(
            (market.states > states, market.tape.next_id > trades, bool(now - orders), bool(orders - now))
        )
    assert seen == [(False, False, False, False), (True, False, False, True), (True, False, True, True)]
    exchange.set_system(SystemStatus.ONLINE, now=pairing.now)
    trades = market.tape.next_id
    pairing.run(30)
    assert market.tape.next_id > trades
    assert told == ["online", "maintenance", "cancel_only", "post_only", "online"]
    assert pairing.events["BookLost"] == pairing.events["Gap"] == 0
    assert pairing.session.book_status("book", "SOL/USD") is BookStatus.LIVE


def test_status_announces() -> None:
    """Announced maintenances and incidents are told to everybody at once, and to newcomers with their first frame."""
    exchange = Exchange(markets=["SOL/USD"])
    early = Client(exchange)
    early.take()
    exchange.announce(
        upcoming=[Maintenance(event_id=7, title="Engine upgrade", time_to_start_s=1800)],
        emergency=[Emergency(event_id=9, title="Delayed deposits", impact="minor")],
        now=1.0,
    )
    for client in (early, Client(exchange, now=2.0)):
        (status,) = client.take()
        (data,) = status["data"]
        assert data["upcoming_maintenance"][0]["event_id"] == 7
        assert data["emergency"][0]["title"] == "Delayed deposits"
    exchange.announce(now=3.0)
    assert early.take()[0]["data"][0]["upcoming_maintenance"] == []


def test_market_that_is_not_online_stands_still() -> None:
    """A delisted market sends nothing new, while the others go on."""
    exchange = Exchange(seed=4, markets=["SOL/USD", listing("XRP/USD", "2.41234")], rules=AT_ONCE)
    made = Client(exchange)
    made.ask("subscribe", channel="book", symbol=["SOL/USD", "XRP/USD"])
    exchange.change_pair("SOL/USD", status=PairStatus.DELISTED, now=0.0)
    made.take()
    told = [frame["data"][0]["symbol"] for frame in made.wait(60) if frame["channel"] == "book"]
    assert set(told) == {"XRP/USD"}
