"""What the dashboard remembers of the account: open orders, fills and balances, from `executions` and `balances`."""

from __future__ import annotations

import copy
from collections import deque

from krakenwire.events import BalanceUpdate, ExecutionUpdate, Gap, OrderVanished
from krakenwire.net.status import ConnectionInfo
from krakenwire.state.orders import Order, Orders
from krakenwire.tui.state import State, Stream

FILLS_KEPT = 200
CHANNELS = ("executions", "balances")


class Account:
    """One account."""

    def __init__(self) -> None:
        self.streams = {channel: Stream() for channel in CHANNELS}
        self.link: ConnectionInfo | None = None
        self.fills: deque[ExecutionUpdate] = deque(maxlen=FILLS_KEPT)
        """Newest last."""
        self._orders = Orders()
        self._vanished: set[str] = set()
        """Orders whose fate nobody told; they are not called open."""
        self.open_orders: tuple[Order, ...] = ()
        self.balances: dict[str, BalanceUpdate] = {}
        """By asset; the account's own, not those of subaccounts."""

    def take_execution(self, event: ExecutionUpdate, now: float) -> None:
        stream = self.streams["executions"]
        stream.hear(now)
        if not event.in_sequence:
            stream.lose(now, "out of sequence")
        if event.is_fill and event.snapshot:
            # Such a row tells of the fill alone, and may have been told before.
            if all(fill.exec_id != event.exec_id for fill in self.fills):
                self.fills.append(event)
            return
        self._vanished.discard(event.order_id)
        known = self._orders.apply(event)
        if event.is_fill and not known:
            self.fills.append(event)

    def take_vanished(self, event: OrderVanished) -> None:
        """An order was open before an interruption and is not after it."""
        self._vanished.add(event.order_id)

    def take_balance(self, event: BalanceUpdate, now: float) -> None:
        stream = self.streams["balances"]
        stream.hear(now)
        if not event.in_sequence:
            stream.lose(now, "out of sequence")
        if event.user is None:
            self.balances[event.asset] = event

    def take_gap(self, event: Gap, now: float, words: str) -> None:
        stream = self.streams.get(event.channel)
        if stream is not None:
            stream.lose(now, words)

    def look(self) -> None:
        """Put the orders together."""
        orders = self._orders.open_orders()
        self._vanished &= {order.order_id for order in orders}
        self.open_orders = tuple([order for order in orders if order.order_id not in self._vanished])

    def state(self, channel: str, now: float) -> State:
        """The state of one of its channels."""
        return self.streams[channel].state(now, self.link)

    def still(self) -> Account:
        """A copy that does not change any more."""
        made = copy.copy(self)
        made.streams = {channel: stream.still() for channel, stream in self.streams.items()}
        made.fills = copy.copy(self.fills)
        made.balances = dict(self.balances)
        return made
