"""HTTP requests of the exchange: status and body, without the socket. Every body is JSON.

Like Kraken's, an answer is `{"error":[…],"result":…}` with status 200, also when it is a refusal. What is here is what clients need before
they open a WebSocket, and to fill gaps of trades.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Raw

from krakenwire.sim.clock import SECOND
from krakenwire.sim.engine import Side
from krakenwire.sim.feeds.instrument import asset_precisions
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Pair
from krakenwire.sim.requests import Refusal
from krakenwire.sim.signed import signed_key
from krakenwire.sim.tape import KEPT
from krakenwire.wire.refusals import INVALID_ARGUMENTS, PERMISSION_DENIED
from krakenwire.wire.timestamps import format_ns

if TYPE_CHECKING:
    from krakenwire.sim.exchange import Exchange

Query = Mapping[str, str]

UNKNOWN_METHOD = "EGeneral:Unknown method"
UNKNOWN_PAIR = "EQuery:Unknown asset pair"
TOKEN_PATH = "/0/private/GetWebSocketsToken"  # noqa: S105 - a path
TOKEN_SECONDS = 900

_OLD_NAMES = {
    "BTC": ("XXBT", "XBT"),
    "DOGE": ("XXDG", "XDG"),
    "ETH": ("XETH", "ETH"),
    "EUR": ("ZEUR", "EUR"),
    "GBP": ("ZGBP", "GBP"),
    "LTC": ("XLTC", "LTC"),
    "USD": ("ZUSD", "USD"),
    "XRP": ("XXRP", "XRP"),
}
"""What REST calls an asset: its id, and its short name. All others have one name."""
_OLD_KEYS = {"DOGE/USD": "XDGUSD", "USDT/USD": "USDTZUSD"}


def names_of(pair: Pair) -> tuple[str, str, str]:
    """What REST calls a pair: its key, its `altname`, its `wsname`."""
    (base, short_base), (quote, short_quote) = (
        _OLD_NAMES.get(asset, (asset, asset)) for asset in (pair.base, pair.quote)
    )
    altname = short_base + short_quote
    both_old = pair.base in _OLD_NAMES and pair.quote in _OLD_NAMES
    key = _OLD_KEYS.get(pair.symbol) or (base + quote if both_old else altname)
    return key, altname, f"{short_base}/{short_quote}"


def answer(
    exchange: Exchange, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, bytes]:
    """Status and body of the answer. `path` may have a query."""
    try:
        result = _result(exchange, method, path, headers, body)
    except Refusal as refused:
        return 200, msgspec.json.encode({"error": [refused.error]})
    return 200, msgspec.json.encode({"error": [], "result": result})


def _result(exchange: Exchange, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
    where, _, query = path.partition("?")
    if where in PUBLIC and method in {"GET", "POST"}:
        asked = query if method == "GET" else body.decode("utf-8", "replace")
        return PUBLIC[where](exchange, dict(parse_qsl(asked)))
    if where == TOKEN_PATH and method == "POST":
        return _token(exchange, where, headers, body)
    raise Refusal(UNKNOWN_METHOD)


# ---------------------------------------------------------------- private


def _token(exchange: Exchange, path: str, headers: Mapping[str, str], body: bytes) -> Any:
    """A token for the private and the level3 host."""
    key = signed_key(exchange, path, headers, body)
    if not key.permissions.websockets or exchange.private is None:
        raise Refusal(PERMISSION_DENIED)
    return {"token": exchange.private.issue(key), "expires": TOKEN_SECONDS}


# ---------------------------------------------------------------- public


def _time(exchange: Exchange, _: Query) -> Any:
    return {"unixtime": exchange.at // SECOND, "rfc1123": format_ns(exchange.at, 0)}


def _system_status(exchange: Exchange, _: Query) -> Any:
    return {"status": exchange.system.value, "timestamp": format_ns(exchange.at, 0)}


def _assets(exchange: Exchange, _: Query) -> Any:
    told = {}
    for asset, status in exchange.assets.items():
        key, altname = _OLD_NAMES.get(asset, (asset, asset))
        decimals, shown = asset_precisions(asset)
        told[key] = {
            "aclass": "currency",
            "altname": altname,
            "decimals": decimals,
            "display_decimals": shown,
            "status": status.value,
        }
    return told


def _asset_pairs(exchange: Exchange, query: Query) -> Any:
    named = query.get("pair")
    if not named:
        return {names_of(market.pair)[0]: _pair_row(market.pair) for market in exchange.markets.values()}
    told = {}
    for name in named.split(","):
        pair = _find(exchange, name).pair
        # Who asks for a pair by its v2 name finds it under that name: python-kraken-sdk depends on it.
        told[name if name == pair.symbol else names_of(pair)[0]] = _pair_row(pair)
    return told


def _pair_row(pair: Pair) -> dict[str, Any]:
    _, altname, wsname = names_of(pair)
    base, quote = (_OLD_NAMES.get(asset, (asset, asset))[0] for asset in (pair.base, pair.quote))
    leverage = [2, 3, 4, 5] if pair.margin_initial is not None else []
    return {
        "altname": altname,
        "wsname": wsname,
        "aclass_base": "currency",
        "base": base,
        "aclass_quote": "currency",
        "quote": quote,
        "lot": "unit",
        "cost_decimals": pair.cost_precision,
        "pair_decimals": pair.price_precision,
        "lot_decimals": pair.qty_precision,
        "lot_multiplier": 1,
        "leverage_buy": leverage,
        "leverage_sell": leverage,
        "fees": [[0, 0.40]],
        "fees_maker": [[0, 0.25]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": pair.qty(pair.qty_min),
        "costmin": f"{pair.cost_min:f}",
        "tick_size": pair.price(pair.price_increment),
        "status": pair.status.value,
    }


def _trades(exchange: Exchange, query: Query) -> Any:
    """Trades after an instant, oldest first, at most `count`; without an instant the last ones.

    Trades of one message share their microsecond; here they are a nanosecond apart, so that an instant names one trade and no page repeats
    or skips one.
    """
    market = _find(exchange, query.get("pair", ""))
    since, count = _since(query.get("since")), _count(query.get("count", str(KEPT)))
    rows, before, instant = [], -1, -1
    for trade in market.tape.trades:
        instant = instant + 1 if trade.at == before else trade.at
        before = trade.at
        if since is None or instant > since:
            rows.append((trade, instant))
    chosen = rows[-count:] if since is None else list(islice(rows, count))
    pair = market.pair
    told = [
        [
            pair.price(trade.price),
            pair.qty(trade.qty),
            Raw(f"{at // SECOND}.{at % SECOND:09d}".encode()),
            "b" if trade.side is Side.BUY else "s",
            "m" if trade.ord_type == "market" else "l",
            "",
            trade.trade_id,
        ]
        for trade, at in chosen
    ]
    last = chosen[-1][1] if chosen else (since or 0)
    return {names_of(pair)[0]: told, "last": str(last)}


def _find(exchange: Exchange, name: str) -> Market:
    """A market by any of its names. Raises: Refusal."""
    market = exchange.markets.get(name)
    if market is None:
        market = next((m for m in exchange.markets.values() if name in names_of(m.pair)), None)
    if market is None:
        raise Refusal(UNKNOWN_PAIR)
    return market


def _since(text: str | None) -> int | None:
    """An instant in ns since 1970, from nanoseconds or seconds. Raises: Refusal."""
    if text is None:
        return None
    whole, _, fraction = text.partition(".")
    if not (whole.isdecimal() and len(whole) < 20 and (fraction.isdecimal() or not fraction)):
        raise Refusal(f"{INVALID_ARGUMENTS}:since")
    # Kraken takes both; no instant in seconds has thirteen digits.
    return int(Decimal(text[:40]) * SECOND) if len(whole) < 13 else int(whole)


def _count(text: str) -> int:
    if not text.isdecimal() or len(text) > 4 or not 1 <= int(text) <= KEPT:
        raise Refusal(f"{INVALID_ARGUMENTS}:count")
    return int(text)


PUBLIC: dict[str, Callable[[Exchange, Query], Any]] = {
    "/0/public/Time": _time,
    "/0/public/SystemStatus": _system_status,
    "/0/public/Assets": _assets,
    "/0/public/AssetPairs": _asset_pairs,
    "/0/public/Trades": _trades,
}
