"""One client of another library before the simulated exchange, in the environment of the comparison: `python -m benchmarks.judge_worker`.

It is told by JSON on stdin what to do, and prints what it saw as JSON. Of the library nothing is replaced but its addresses, and what it
does once it found a book wrong: it sleeps for three seconds before it reads on.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import sys
from collections import Counter
from importlib import import_module
from typing import Any, cast

Told = dict[str, Any]


async def sdk_book(task: Told) -> Told:
    """python-kraken-sdk follows books; its verdict about every message beside that of krakenwire about the same bytes."""
    spot = import_module("kraken.spot")
    connectors = import_module("kraken.spot.websocket.connectors")
    handler = import_module("krakenwire").create_kraken_v2_handler()
    events = import_module("krakenwire.events")
    ours: list[bool] = []
    handler.register_callback("book", lambda _: ours.append(True))
    handler.register_callback(
        "*", lambda event: ours.append(False) if type(event) is events.BookLost else None
    )
    counts: Counter[str] = Counter()
    done = asyncio.Event()
    lost: set[str] = set()
    import_module("kraken.spot.orderbook").asyncio_sleep = lambda _: asyncio.sleep(0)

    class Tap:
        """Sees the text of every message before the library reads it."""

        dumps = staticmethod(json.dumps)

        @staticmethod
        def loads(text: str) -> Any:
            ours.clear()
            handler.process(text)
            return json.loads(text)

    connectors.json = Tap

    class Book(spot.SpotOrderBookClient):  # type: ignore[misc,name-defined]
        """The client, at another address."""

        WS_URL = task["public"].removesuffix("/v2")

        async def on_book_update(self, pair: str, message: Told) -> None:
            if "error" in message:
                return
            theirs = self.get(pair)["valid"]
            if pair in lost:
                return
            if message["type"] == "snapshot":
                counts["snapshots"] += 1
                return
            counts["updates"] += 1
            counts["theirs_valid" if theirs else "theirs_invalid"] += 1
            verdict = ours == [True]
            counts["ours_valid" if verdict else "ours_invalid"] += 1
            counts["differ"] += verdict is not theirs
            if not theirs:
                lost.add(pair)
            if counts["updates"] >= task["updates"] or len(lost) == len(task["symbols"]):
                done.set()

        async def remove_book(self, pairs: list[str]) -> None:
            """A book that is lost is not asked for again: the SDK would do that for each message that waits."""
            if not lost.issuperset(pairs):
                await super().remove_book(pairs)

        async def add_book(self, pairs: list[str]) -> None:
            if not lost.issuperset(pairs):
                await super().add_book(pairs)

    client = Book(depth=task["depth"])
    client._SpotOrderBookClient__market = spot.Market(url=task["rest"])
    await client.start()
    await client.add_book(task["symbols"])
    await done.wait()
    last = {
        symbol: {
            side: [[price, entry[0]] for price, entry in client.get(symbol)[side].items()]
            for side in ("bid", "ask")
        }
        for symbol in task["symbols"]
    }
    await client.close()
    return {**counts, "lost": sorted(lost), "last": last}


async def sdk_orders(task: Told) -> Told:
    """python-kraken-sdk signs a request for a token, follows executions, and places and cancels an order."""
    spot = import_module("kraken.spot")
    seen: list[Told] = []

    async def take(message: Told) -> None:
        seen.append(message)

    client = spot.SpotWSClient(
        key=task["key"],
        secret=task["secret"],
        callback=take,
        rest_url=task["rest"],
        ws_url=task["public"].removesuffix("/v2"),
        auth_ws_url=task["private"].removesuffix("/v2"),
    )
    await client.start()
    await client.subscribe(params={"channel": "executions"})
    await _seen(seen, lambda m: m.get("channel") == "executions" and m["type"] == "snapshot")
    order = {
        "order_type": "limit",
        "side": "buy",
        "symbol": task["symbol"],
        "limit_price": task["price"],
        "order_qty": 1,
    }
    await client.send_message({"method": "add_order", "params": order})
    order_id = await _seen(seen, lambda m: m.get("method") == "add_order" and m["result"]["order_id"])
    await client.send_message({"method": "cancel_order", "params": {"order_id": [order_id]}})
    await _seen(seen, lambda m: m.get("method") == "cancel_order")
    reports = lambda m: [row["exec_type"] for row in m.get("data", ()) if row.get("order_id") == order_id]  # noqa: E731
    await _seen(seen, lambda m: "canceled" in reports(m))
    await client.close()
    return {"exec_types": [each for message in seen for each in reports(message)]}


async def _seen(messages: list[Told], look: Any) -> Any:
    async with asyncio.timeout(20):
        while True:
            for message in messages:
                if found := look(message):
                    return found
            await asyncio.sleep(0.01)


async def ccxt_book(task: Told) -> Told:
    """ccxt.pro loads its markets by REST and follows a book; the tops that it told."""
    exchange = import_module("ccxt.pro").kraken({"newUpdates": False})
    exchange.urls["api"]["public"] = exchange.urls["api"]["private"] = task["rest"]
    exchange.urls["api"]["ws"]["publicV2"] = task["public"]
    markets = await exchange.load_markets()
    symbol = task["symbols"][0]
    tops = []
    for _ in range(task["updates"]):
        book = await exchange.watch_order_book(symbol, task["depth"])
        tops.append([book["bids"][0][:2], book["asks"][0][:2]])
    await exchange.close()
    return {"markets": len(markets), "tops": tops, "symbol": symbol}


def main() -> None:
    """The command."""
    task = cast("Told", json.load(sys.stdin))
    # Some clients block their loop; where, is told.
    faulthandler.dump_traceback_later(task["seconds"] + 5, exit=True)
    work = {"sdk_book": sdk_book, "sdk_orders": sdk_orders, "ccxt_book": ccxt_book}[task["work"]]
    print(json.dumps(asyncio.run(asyncio.wait_for(work(task), task["seconds"]))))


if __name__ == "__main__":
    main()
