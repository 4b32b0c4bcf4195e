"""Channel `level3`: every order of the best price levels, in queue order.

The window is counted in price levels and works as that of `book`: orders of a level that enters it come as `add`, in queue order, with
the timestamps they always had; of a level that is pushed out nothing is said. An order that keeps its place is a `modify`; one that loses
it, by another price or a larger quantity, is a `delete` and an `add`: what Kraken does then is not documented, and this is the reading
under which every client keeps its queues right. A `delete` names the quantity that went.
"""

from __future__ import annotations

from bisect import bisect_right
from zlib import crc32

from krakenwire.sim.clock import engine_nanos, nanos
from krakenwire.sim.engine import Level, Order, Side, Was
from krakenwire.sim.feeds.book import CHECKED, Window
from krakenwire.sim.feeds.feed import Feed
from krakenwire.sim.market import Market
from krakenwire.sim.pair import Pair


def _digits(level: Level) -> str:
    return "".join([f"{level.price}{order.qty}" for order in level.orders.values()])


def queue_checksum(market: Market) -> int:
    """CRC-32 of every order in the ten best levels: asks upwards, then bids downwards, each level in queue order."""
    engine = market.engine
    levels = engine.asks.window(CHECKED) + engine.bids.window(CHECKED)
    return crc32("".join([_digits(level) for level in levels]).encode())


class Level3Feed(Feed):
    """The orders of one market in so many price levels."""

    channel = "level3"

    def __init__(self, market: Market, depth: int) -> None:
        super().__init__(market.pair.symbol)
        self.market = market
        self.depth = depth
        self.windows = tuple(Window(side, market.engine.sides[side], depth) for side in Side)

    def snapshot(self, at: int) -> bytes:
        pair = self.market.pair
        bids, asks = (
            [_row(pair, order) for level in window.book.window(self.depth) for order in level.orders.values()]
            for window in self.windows
        )
        return self._frame("snapshot", bids, asks, at)

    def publish(self, market: Market, at: int) -> None:
        bids, asks = (self._events(window, market.engine.journal.orders) for window in self.windows)
        if bids or asks:
            self.send(self._frame("update", bids, asks, at), at)

    def rescaled(self) -> None:
        for window in self.windows:
            window.settle()

    def _events(self, window: Window, changed: dict[Order, Was]) -> list[str]:
        """What has to be said about one side: what went, then what changed or came."""
        before = window.end
        window.settle()
        after = window.end
        pair, side = self.market.pair, window.side
        gone: list[str] = []
        came: list[str] = []
        for order, was in changed.items():
            if order.side is not side:
                continue
            seen = was.key is not None and was.key <= before
            shown = order.resting and order.key <= after
            if seen and order.resting and not was.requeued and was.key == order.key:
                if shown and was.qty != order.qty:
                    came.append(_row(pair, order, "modify"))
                continue
            if seen:
                gone.append(_row(pair, order, "delete", was))
            if shown and order.key <= before:
                came.append(_row(pair, order, "add"))
        if after > before:
            keys, levels = window.book.keys, window.book.levels
            for key in keys[bisect_right(keys, before) : self.depth]:
                came += [_row(pair, order, "add") for order in levels[key].orders.values()]
        return gone + came

    def _frame(self, kind: str, bids: list[str], asks: list[str], at: int) -> bytes:
        named, summed = f'"symbol":"{self.market.pair.symbol}"', f'"checksum":{queue_checksum(self.market)}'
        queues = f'"bids":[{",".join(bids)}],"asks":[{",".join(asks)}]'
        made = f'"timestamp":"{engine_nanos(at)}"'
        # Members stand as they were recorded.
        told = (named, summed, queues, made) if kind == "snapshot" else (summed, made, named, queues)
        return f'{{"channel":"level3","type":"{kind}","data":[{{{",".join(told)}}}]}}'.encode()


def _row(pair: Pair, order: Order, event: str | None = None, was: Was | None = None) -> str:
    named = "" if event is None else f'"event":"{event}",'
    price, qty = (order.price, order.qty) if was is None or was.key is None else (abs(was.key), was.qty)
    return (
        f'{{{named}"order_id":"{order.order_id}","limit_price":{pair.price(price)},"order_qty":{pair.qty(qty)},'
        f'"timestamp":"{nanos(order.stamp)}"}}'
    )
