"""`state/instruments.py`: what changed in a market, and which market was meant."""

from decimal import Decimal
from typing import Any

import pytest

from krakenwire.state.instruments import Instruments, PairChanged, PairsRefused
from krakenwire.wire.enums import PairStatus
from krakenwire.wire.market import Asset, InstrumentUpdate, Pair


def pair(symbol: str, **told: Any) -> Pair:
    base, quote = symbol.split("/")
    fields: dict[str, Any] = {
        "status": PairStatus.ONLINE,
        "price_precision": 1,
        "qty_precision": 8,
        "cost_precision": 5,
        "price_increment": Decimal("0.1"),
        "qty_increment": Decimal("0.00000001"),
        "qty_min": Decimal("0.0001"),
    }
    return Pair(symbol=symbol, base=base, quote=quote, **(fields | told))


def update(*pairs: Pair, assets: tuple[Asset, ...] = ()) -> InstrumentUpdate:
    return InstrumentUpdate(assets=assets, pairs=pairs)


def listed(*symbols: str) -> Instruments:
    instruments = Instruments()
    instruments.apply(update(*map(pair, symbols)), snapshot=True)
    return instruments


def test_a_first_snapshot_lists_markets_without_calling_their_precision_changed() -> None:
    """A market seen for the first time appears; its precision was not another one before."""
    instruments = Instruments()
    complete = [instruments.complete]
    facts = instruments.apply(update(pair("BTC/USD")), snapshot=True)
    assert facts == [
        PairChanged("BTC/USD", None, pair("BTC/USD"), precision_changed=False, status_changed=True)
    ]
    assert [*complete, instruments.complete] == [False, True]
    assert instruments.pair("BTC/USD") == pair("BTC/USD")
    assert instruments.precisions("BTC/USD") == (1, 8)
    assert instruments.precisions("ETH/USD") is None


@pytest.mark.fault("B12")
@pytest.mark.parametrize("told", [{"price_precision": 2}, {"qty_precision": 5}])
def test_another_precision_is_reported(told: dict[str, int]) -> None:
    """A pair whose price or quantity precision changes while subscribed is named, with both descriptions."""
    instruments = listed("BTC/USD", "ETH/USD")
    after = pair("BTC/USD", **told)
    facts = instruments.apply(update(after), snapshot=False)
    assert facts == [
        PairChanged("BTC/USD", pair("BTC/USD"), after, precision_changed=True, status_changed=False)
    ]
    assert instruments.precisions("BTC/USD") == (after.price_precision, after.qty_precision)
    assert instruments.precisions("ETH/USD") == (1, 8)


@pytest.mark.fault("B19")
@pytest.mark.parametrize("status", [*PairStatus, PairStatus("halted_by_a_word_we_do_not_know")])
def test_another_trading_status_is_reported(status: PairStatus) -> None:
    """Every status other than the one before is a fact, also one that we do not know."""
    instruments = listed("BTC/USD")
    facts = instruments.apply(update(pair("BTC/USD", status=status)), snapshot=False)
    if status is PairStatus.ONLINE:
        assert facts == []
    else:
        (fact,) = facts
        assert isinstance(fact, PairChanged)
        assert fact.status_changed
        assert not fact.precision_changed


def test_a_change_of_other_fields_is_reported_as_neither() -> None:
    """A new limit changes the pair, not its precision and not its status."""
    instruments = listed("BTC/USD")
    (fact,) = instruments.apply(update(pair("BTC/USD", qty_min=Decimal("0.5"))), snapshot=False)
    assert isinstance(fact, PairChanged)
    assert not fact.precision_changed
    assert not fact.status_changed


def test_a_snapshot_replaces_everything() -> None:
    """A market that a snapshot no longer names has vanished; an unchanged one is no fact."""
    instruments = listed("BTC/USD", "ETH/USD")
    instruments.apply(update(assets=(Asset(id="BTC"),)), snapshot=False)
    facts = instruments.apply(update(pair("ETH/USD")), snapshot=True)
    assert facts == [
        PairChanged("BTC/USD", pair("BTC/USD"), None, precision_changed=False, status_changed=True)
    ]
    assert instruments.pair("BTC/USD") is None
    assert instruments.asset("BTC") is None
    assert len(instruments) == 1


@pytest.mark.fault("B12")
def test_a_market_that_returns_is_compared_with_what_it_was() -> None:
    """A precision that changed while the market was not listed still counts as changed."""
    instruments = listed("BTC/USD")
    instruments.apply(update(), snapshot=True)
    (fact,) = instruments.apply(update(pair("BTC/USD", price_precision=3)), snapshot=False)
    assert isinstance(fact, PairChanged)
    assert fact.before is None
    assert fact.precision_changed


def test_markets_beyond_the_bound_are_refused_and_reported() -> None:
    """A full list keeps what it has, still updates it, and tells how many it refused."""
    instruments = Instruments(max_pairs=2)
    facts = instruments.apply(update(pair("A/B"), pair("C/D"), pair("E/F"), pair("G/H")), snapshot=True)
    assert facts[-1] == PairsRefused(2, "E/F")
    assert len(instruments) == 2
    instruments.apply(update(pair("C/D", price_precision=4)), snapshot=False)
    assert instruments.precisions("C/D") == (4, 8)


def test_vanished_markets_are_remembered_within_the_bound() -> None:
    """Names that come and go without end do not fill the memory."""
    instruments = Instruments(max_pairs=3)
    for number in range(50):
        instruments.apply(update(pair(f"N{number}/USD")), snapshot=True)
    assert len(instruments) == 1
    assert len(instruments._vanished) <= 3


@pytest.mark.parametrize("digits", [-1, 25, 10**9])
def test_an_incredible_precision_is_not_handed_on(digits: int) -> None:
    """A precision that no number of the wire can have counts as unknown."""
    instruments = Instruments()
    instruments.apply(update(pair("BTC/USD", price_precision=digits)), snapshot=True)
    assert instruments.precisions("BTC/USD") is None


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("BTC/USD", "BTC/USD"),
        ("XBT/USD", "BTC/USD"),
        ("xbt/usd", "BTC/USD"),
        ("btcusd", "BTC/USD"),
        ("BTC-USD", "BTC/USD"),
        ("XXBTZUSD", "BTC/USD"),
        ("XDG/USD", "DOGE/USD"),
        ("XDGXBT", "DOGE/BTC"),
        ("ETH/XBT", "ETH/BTC"),
        ("BTC/USDD", "BTC/USD"),
        ("SOLL/USD", "SOL/USD"),
        ("", None),
        ("?", None),
        ("QQQQQQQQ", None),
        ("BTCUSD" * 1000, None),
    ],
)
def test_a_symbol_written_otherwise_finds_the_one_meant(asked: str, meant: str | None) -> None:
    """Old names, other case, other separators and near misses lead to a listed symbol, nonsense to none."""
    instruments = listed("BTC/USD", "DOGE/USD", "DOGE/BTC", "ETH/BTC", "SOL/USD")
    assert instruments.suggest(asked) == meant


def test_suggestions_follow_the_list() -> None:
    """A market listed after the first question is found, one that vanished is not."""
    instruments = listed("BTC/USD")
    assert instruments.suggest("sol/eur") != "SOL/EUR"
    instruments.apply(update(pair("SOL/EUR")), snapshot=True)
    assert instruments.suggest("sol/eur") == "SOL/EUR"
    assert instruments.suggest("XBT/USD") is None
