"""An account: what it holds, what is held for its orders, and the keys that speak for it."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from krakenwire.sim.private.money import ZERO
from krakenwire.sim.private.order import OwnOrder
from krakenwire.sim.private.rates import PRO, RateCounter, Tier
from krakenwire.sim.requests import Refusal
from krakenwire.wire.refusals import INSUFFICIENT_FUNDS
from krakenwire.wire.secret import Secret

if TYPE_CHECKING:
    from krakenwire.sim.private.streams import PrivateStream

FILLS_KEPT = 50
"""Fills that a snapshot tells."""
TOKENS_KEPT = 1_000
"""Tokens of a key that end with it."""
CLOSED_KEPT = 1_000
"""Orders remembered after their end."""


class Permissions(Struct, frozen=True, kw_only=True):
    """What a key may do. A WebSocket token carries those of the key that asked for it."""

    websockets: bool = True
    """Ask for a token."""
    query_orders: bool = True
    """Follow `executions`."""
    query_funds: bool = True
    """Follow `balances`."""
    trade: bool = True
    """Create and modify orders."""
    cancel: bool = True


class ApiKey:
    """A key and its secret. Its nonces have to rise; its REST calls are counted for the account."""

    def __init__(
        self, account: Account, key: str, secret: Secret, permissions: Permissions, nonce_window: int
    ) -> None:
        self.account = account
        self.key = key
        self.secret = secret
        self.permissions = permissions
        self.revoked = False
        self.locked_until = 0
        """No call is answered before; ns since 1970."""
        self.offences = 0
        """Wrong nonces and signatures since the last good call."""
        self.tokens: deque[str] = deque(maxlen=TOKENS_KEPT)
        """The last tokens handed out for it."""
        self._highest = -1
        self._window = nonce_window
        self._seen: set[int] = set()

    def __repr__(self) -> str:
        return f"ApiKey({self.account.name}, ***)"

    def take_nonce(self, nonce: int) -> bool:
        """Whether the nonce is new: above all before, or within the window below the highest and never seen."""
        if nonce <= self._highest - self._window or nonce in self._seen:
            return False
        self._highest = max(self._highest, nonce)
        floor = self._highest - self._window
        self._seen = {seen for seen in self._seen if seen > floor} | {nonce}
        return True


class Account:
    """One client of the exchange."""

    def __init__(
        self, name: str, *, tier: Tier = PRO, maker_fee: Decimal, taker_fee: Decimal, master: Account | None
    ) -> None:
        self.name = name
        self.tier = tier
        self.maker_fee = maker_fee
        """Fraction of the cost."""
        self.taker_fee = taker_fee
        self.master = master
        self.balances: dict[str, Decimal] = {}
        """Total by asset, orders on hold included."""
        self.orders: dict[str, OwnOrder] = {}
        """Open orders by id."""
        self.closed: deque[OwnOrder] = deque(maxlen=CLOSED_KEPT)
        self.fills: deque[Mapping[str, Any]] = deque(maxlen=FILLS_KEPT)
        """The last fills as a snapshot tells them, newest first."""
        self.listeners: list[PrivateStream] = []
        self.disarm_number = 0
        """Grows with every call of the dead man's switch: only the last one counts."""
        self._counters: dict[str, RateCounter] = {}
        self.rest_calls = RateCounter(tier.rest_calls, tier.rest_decay)

    def __repr__(self) -> str:
        return f"Account({self.name})"

    def tell(self, channel: str, row: Mapping[str, Any], at: int, symbol: str | None = None) -> None:
        """Something happened to it: every stream that covers it says so."""
        above = self.master.listeners if self.master is not None else []
        for stream in (*self.listeners, *above):
            if stream.channel == channel:
                stream.tell(self, dict(row), at, symbol)

    def counter(self, symbol: str) -> RateCounter:
        """The rate counter of one pair."""
        if symbol not in self._counters:
            self._counters[symbol] = RateCounter(self.tier.threshold, self.tier.decay)
        return self._counters[symbol]

    def held(self, asset: str, without: OwnOrder | None = None) -> Decimal:
        """What open orders hold of an asset."""
        return sum(
            (
                order.held
                for order in self.orders.values()
                if order.held_asset == asset and order is not without
            ),
            ZERO,
        )

    def available(self, asset: str, without: OwnOrder | None = None) -> Decimal:
        """What can be spent of an asset. `without`: as if this order held nothing."""
        return self.balances.get(asset, ZERO) - self.held(asset, without)

    def require(self, asset: str, needed: Decimal, without: OwnOrder | None = None) -> None:
        """Raises: Refusal, if less than this is available."""
        if needed > self.available(asset, without):
            raise Refusal(INSUFFICIENT_FUNDS)

    def find(self, order_id: str | None = None, cl_ord_id: str | None = None) -> OwnOrder | None:
        """An open order by either of its names."""
        if order_id is not None:
            return self.orders.get(order_id)
        return next((order for order in self.orders.values() if order.terms.cl_ord_id == cl_ord_id), None)
