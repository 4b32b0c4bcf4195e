"""How each library is fed: its own entry point for a received text, one plain callback, and its book read
back at the end.

Nothing of a library is replaced but what would open a connection. A library that keeps one depth per
client gets one client per depth; the routing is done before the clock starts.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from importlib import import_module
from typing import Any

Feed = Callable[[str], Awaitable[None]]
Best = dict[str, tuple[str, str]]


class Adapter:
    """One library with fresh state; `start` builds it, `take` consumes frames, `best` reads its books."""

    protocol = "v2"

    async def start(self, pairs: list[dict[str, Any]]) -> None:
        raise NotImplementedError

    def route(self, frames: list[str]) -> list[Any]:
        """Frames in the form `take` wants, made before the clock starts."""
        return frames

    async def take(self, routed: list[Any]) -> None:
        for feed, text in routed:
            await feed(text)

    def best(self) -> Best:
        """Best bid and ask of every symbol, as decimal text."""
        raise NotImplementedError

    async def stop(self) -> None:
        """Close what the library opened."""


class Krakenwire(Adapter):
    """`handler.process` with statistics, sequence tracking and a plain callback; bytes as the socket gives
    them.
    """

    async def start(self, pairs: list[dict[str, Any]]) -> None:
        create = import_module("krakenwire").create_kraken_v2_handler
        self.symbols = [pair["symbol"] for pair in pairs]
        self.handler = create(enable_sequence_tracking=True, enable_statistics=True)
        self.handler.register_callback("*", _nothing)

    def route(self, frames: list[str]) -> list[Any]:
        return [text.encode() for text in frames]

    async def take(self, routed: list[Any]) -> None:
        process = self.handler.process
        for frame in routed:
            process(frame)

    def best(self) -> Best:
        views = {symbol: self.handler.book(symbol) for symbol in self.symbols}
        return {symbol: (str(view.best_bid), str(view.best_ask)) for symbol, view in views.items()}


class PythonKrakenSdk(Adapter):
    """`SpotOrderBookClient`, one per depth, fed as its connector does: parse, track subscriptions,
    `on_message`.
    """

    async def start(self, pairs: list[dict[str, Any]]) -> None:
        spot = import_module("kraken.spot")
        connectors = import_module("kraken.spot.websocket.connectors")
        self.depths = {pair["symbol"]: pair["depth"] for pair in pairs}
        self.clients: dict[int, Any] = {}
        self.feeds: dict[int, Feed] = {}
        market = _AssetPairs(pairs)
        for depth in set(self.depths.values()):
            client = spot.SpotOrderBookClient(depth=depth, callback=_no_book)
            # The one thing replaced: the precisions come from here and not over the network.
            client._SpotOrderBookClient__market = market
            link = connectors.ConnectSpotWebsocket(client=client, endpoint="", callback=client.on_message)
            self.clients[depth], self.feeds[depth] = client, _sdk_feed(client, link, connectors.LOG)

    def route(self, frames: list[str]) -> list[Any]:
        first = min(self.feeds)
        return [(self.feeds[self.depths.get(_symbol_v2(text), first)], text) for text in frames]

    def best(self) -> Best:
        books = {symbol: self.clients[depth].get(symbol) for symbol, depth in self.depths.items()}
        return {symbol: (next(iter(book["bid"])), next(iter(book["ask"]))) for symbol, book in books.items()}

    async def stop(self) -> None:
        for client in self.clients.values():
            await client.close()


class Cryptofeed(Adapter):
    """The Kraken feed's `message_handler`, checksum on, a feed per depth; protocol v1, which is all it
    speaks.
    """

    protocol = "v1"

    async def start(self, pairs: list[dict[str, Any]]) -> None:
        defines = import_module("cryptofeed.defines")
        exchanges = import_module("cryptofeed.exchanges")
        names = {pair["symbol"].replace("/", "-"): _name_v1(pair["symbol"]) for pair in pairs}
        import_module("cryptofeed.symbols").Symbols.set(
            "KRAKEN", names, {"instrument_type": dict.fromkeys(names, "spot")}
        )
        self.depths = {_name_v1(pair["symbol"]): pair["depth"] for pair in pairs}
        self.symbols = [pair["symbol"] for pair in pairs]
        channels = [defines.L2_BOOK, defines.TICKER, defines.TRADES, defines.CANDLES]
        self.feeds = {
            depth: exchanges.Kraken(
                symbols=[symbol for symbol in names if self.depths[names[symbol]] == depth],
                channels=channels,
                callbacks=dict.fromkeys(channels, _no_update),
                max_depth=depth,
                checksum_validation=True,
            )
            for depth in set(self.depths.values())
        }

    def route(self, frames: list[str]) -> list[Any]:
        first = min(self.feeds)
        routed = []
        for text in frames:
            message = json.loads(text)
            depth = self.depths[message[-1]] if isinstance(message, list) else first
            routed.append((self.feeds[depth].message_handler, text))
        return routed

    async def take(self, routed: list[Any]) -> None:
        for handler, text in routed:
            await handler(text, None, 0.0)

    def best(self) -> Best:
        best = {}
        for symbol in self.symbols:
            feed = self.feeds[self.depths[_name_v1(symbol)]]
            book = feed._l2_book[symbol.replace("/", "-")].book
            best[symbol] = (str(book.bids.index(0)[0]), str(book.asks.index(0)[0]))
        return best


class CcxtPro(Adapter):
    """`ccxt.pro.kraken`: its client's text handler, which parses and handles; checksum off, its default."""

    checksum = False

    async def start(self, pairs: list[dict[str, Any]]) -> None:
        transport = import_module("ccxt.async_support.base.ws.client")
        self.symbols = [pair["symbol"] for pair in pairs]
        self.exchange = exchange = import_module("ccxt.pro").kraken({"newUpdates": False})
        exchange.set_markets([_ccxt_market(exchange, pair) for pair in pairs])
        exchange.options["watchOrderBook"] = {"checksum": self.checksum}
        self.client = transport.Client("", exchange.handle_message, _nothing, _nothing, _nothing, {})
        for pair in pairs:
            self.client.subscriptions[f"orderbook@{pair['symbol']}"] = {"limit": pair["depth"]}

    async def take(self, routed: list[Any]) -> None:
        handle = self.client.handle_text_or_binary_message
        for text in routed:
            handle(text)

    def best(self) -> Best:
        books = {symbol: self.exchange.orderbooks[symbol] for symbol in self.symbols}
        return {symbol: (str(book["bids"][0][0]), str(book["asks"][0][0])) for symbol, book in books.items()}


class CcxtProChecked(CcxtPro):
    """ccxt with its checksum option on, to see what happens."""

    checksum = True


ADAPTERS: dict[str, type[Adapter]] = {
    "krakenwire": Krakenwire,
    "python-kraken-sdk": PythonKrakenSdk,
    "cryptofeed": Cryptofeed,
    "ccxt": CcxtPro,
    "ccxt, checksum on": CcxtProChecked,
}


class _AssetPairs:
    """Stands in for the REST client of python-kraken-sdk: the precisions of every pair."""

    def __init__(self, pairs: list[dict[str, Any]]) -> None:
        self.info = {pair["symbol"]: {"pair_decimals": pair["decimals"], "lot_decimals": 8} for pair in pairs}

    def get_asset_pairs(self, pair: str) -> dict[str, Any]:
        return {pair: self.info[pair]}


def _sdk_feed(client: Any, link: Any, log: Any) -> Feed:
    async def feed(text: str) -> None:
        message = json.loads(text)
        log.debug(message)
        link._manage_subscriptions(message=message)
        await client.on_message(message)

    return feed


def _nothing(*_: Any) -> None:
    """A consumer that costs nothing."""


def _no_book(pair: str, message: dict[str, Any]) -> None:
    """A consumer that costs nothing, except that a book which lost its checksum must not pass unseen."""
    if "error" in message:
        raise AssertionError(f"{pair}: {message['error']}")


async def _no_update(_item: Any, _received: float) -> None:
    """A consumer that costs nothing."""


def _ccxt_market(exchange: Any, pair: dict[str, Any]) -> dict[str, Any]:
    base, quote = pair["symbol"].split("/")
    precision = {"price": 10.0 ** -pair["decimals"], "amount": 1e-8}
    market: dict[str, Any] = exchange.safe_market_structure(
        {"id": base + quote, "symbol": pair["symbol"], "base": base, "quote": quote, "precision": precision}
    )
    return market


def _symbol_v2(text: str) -> str:
    message = json.loads(text)
    data = message.get("data")
    if isinstance(data, list) and data:
        return str(data[0].get("symbol", ""))
    return str(message.get("result", {}).get("symbol", ""))


def _name_v1(symbol: str) -> str:
    return symbol.replace("BTC/", "XBT/").replace("DOGE/", "XDG/")


def same_price(ours: str, theirs: str) -> bool:
    """Whether two texts name one price, whatever digits a library kept."""
    return abs(Decimal(ours) - Decimal(theirs)) < Decimal("1e-9")
