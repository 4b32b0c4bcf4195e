"""Channel `instrument`: every asset and every market, then those that change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from krakenwire.sim.feeds.feed import Feed
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Pair
from krakenwire.wire.enums import AssetStatus, ExecutionVenue

WARNING = "tick_size is deprecated, use price_increment"

_PRECISIONS = {
    **dict.fromkeys(("USD", "EUR", "GBP"), (4, 2)),
    **dict.fromkeys(("BTC", "ETH", "LTC", "PAXG", "SOL"), (10, 5)),
    "ADA": (8, 6),
    "DOGE": (8, 2),
    "USDT": (8, 4),
}
"""As recorded."""
_OTHER = (8, 5)
_MARGIN_RATES = {"USD": "0.025000", "BTC": "0.010000"} | dict.fromkeys(
    ("ADA", "DOGE", "ETH", "EUR", "GBP", "LTC", "PAXG", "SOL", "USDT", "XRP"), "0.020000"
)
"""What borrowing costs; nobody can borrow another asset."""


class Scope(Struct, frozen=True):
    """What a subscription covers."""

    tokenized: bool = False
    venue: str = ExecutionVenue.INTERNATIONAL.value

    def covers(self, pair: Pair) -> bool:
        """All markets here are of the international venue."""
        return self.venue == ExecutionVenue.INTERNATIONAL.value and (self.tokenized or not pair.tokenized)


class InstrumentFeed(Feed):
    """Assets and markets, as far as a scope goes."""

    channel = "instrument"

    def __init__(
        self, markets: Mapping[str, Market], assets: Mapping[str, AssetStatus], scope: Scope
    ) -> None:
        super().__init__(None)
        self._markets = markets
        self._assets = assets
        self.scope = scope

    def snapshot(self, at: int) -> bytes:  # noqa: ARG002 - the frame has no instant
        pairs = [market.pair for market in self._markets.values() if self.scope.covers(market.pair)]
        named = dict.fromkeys(asset for pair in pairs for asset in (pair.base, pair.quote))
        tokenized = {pair.base for pair in pairs if pair.tokenized}
        return self._frame("snapshot", named, tokenized, pairs)

    def changed(self, pairs: Iterable[Pair], assets: Iterable[str], at: int) -> None:
        """Tell these markets and assets anew."""
        told = [pair for pair in pairs if self.scope.covers(pair)]
        every = [market.pair for market in self._markets.values() if self.scope.covers(market.pair)]
        covered = {asset for pair in every for asset in (pair.base, pair.quote)}
        tokenized = {pair.base for pair in every if pair.tokenized}
        named = [asset for asset in assets if asset in covered]
        if told or named:
            self.send(self._frame("update", named, tokenized, told), at)

    def publish(self, market: Market, at: int) -> None:
        """Orders and trades change no instrument."""

    def _frame(self, kind: str, assets: Iterable[str], tokenized: set[str], pairs: Iterable[Pair]) -> bytes:
        rows = ",".join([self._asset(kind, asset, tokenized=asset in tokenized) for asset in assets])
        return (
            f'{{"channel":"instrument","type":"{kind}","data":{{"assets":[{rows}],'
            f'"pairs":[{",".join([pair_row(pair) for pair in pairs])}]}}}}'
        ).encode()

    def _asset(self, kind: str, asset: str, *, tokenized: bool) -> str:
        status = self._assets.get(asset, AssetStatus.ENABLED)
        if tokenized:
            # The one recorded says no status; a change of it has to.
            told = "" if status is AssetStatus.ENABLED and kind == "snapshot" else f'"status":"{status}",'
            return (
                f'{{"id":"{asset}",{told}"underlying_symbol":"{asset.removesuffix("x")}","precision":8,"precision_display":8,'
                '"collateral_value":0.80,"max_collateral_usd_value":250000,"class":"tokenized_asset","multiplier":1}'
            )
        precision, display = asset_precisions(asset)
        rate = _MARGIN_RATES.get(asset)
        lent = '"borrowable":false,"collateral_value":0.00,"class":"currency"'
        if rate is not None:
            lent = f'"borrowable":true,"collateral_value":1.00,"class":"currency","margin_rate":{rate}'
        return f'{{"id":"{asset}","status":"{status}","precision":{precision},"precision_display":{display},{lent}}}'


def asset_precisions(asset: str) -> tuple[int, int]:
    """Decimals of the ledger, and decimals to show."""
    return _PRECISIONS.get(asset, _OTHER)


def pair_row(pair: Pair) -> str:
    """A market as JSON."""
    step = pair.price(pair.price_increment)
    margin = ""
    if pair.margin_initial is not None:
        long, short = pair.position_limits
        limit = f'"position_limit_long":{long},"position_limit_short":{short}'
        margin = f'"margin_initial":{pair.margin_initial:f},{limit},'
    return (
        f'{{"symbol":"{pair.symbol}","base":"{pair.base}","quote":"{pair.quote}","status":"{pair.status}",'
        f'"qty_precision":{pair.qty_precision},"qty_increment":{pair.qty(1)},"price_precision":{pair.price_precision},'
        f'"cost_precision":{pair.cost_precision},"marginable":{_json(pair.margin_initial is not None)},'
        f'"has_index":{_json(pair.has_index)},"ws_display_price_precision":{pair.price_precision},"cost_min":{pair.cost_min:f},{margin}"tick_size":{step},"price_increment":{step},'
        f'"qty_min":{pair.qty(pair.qty_min)}}}'
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
