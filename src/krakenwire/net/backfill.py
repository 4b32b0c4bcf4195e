"""Trades that a gap left out, fetched from Kraken's REST interface. The 50 trades of a snapshot bridge most gaps before it comes to that.

What is fetched is published like any trade, with `source="rest"`: later than its time, and after the `Gap` that named it. What cannot be
fetched stays a gap, and the error callbacks are told.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from krakenwire.errors import ConnectFailed, KrakenWireError
from krakenwire.events import Gap, GapReason, TradeUpdate
from krakenwire.net.cancelling import is_ours
from krakenwire.net.transport import ConnectFailure, Transport
from krakenwire.wire.enums import OrderType, Side
from krakenwire.wire.timestamps import format_ns, parse_ns

LIMIT = 10_000
"""Trades of one gap that are fetched, at most; what is beyond stays a gap."""

WAITING = 100
"""Gaps that wait to be filled, at most."""

PACE_SECONDS = 1.0
"""Between two requests: Kraken's public REST interface takes about one a second."""

FETCH_SECONDS = 10.0
TRIES = 3
ANSWER_LIMIT = 1024 * 1024
"""Bytes of an answer; a thousand trades are about a hundred KiB."""

SYMBOLS_KEPT = 8192
_decode = msgspec.json.Decoder(float_hook=Decimal).decode
_SIDES = {"b": "buy", "s": "sell"}
_TYPES = {"m": "market", "l": "limit"}


class Backfill:
    """Fills gaps of channel `trade`, one after the other, in a task of its own."""

    def __init__(
        self,
        transport: Transport,
        url: str,
        publish: Callable[[list[Any]], None],
        note: Callable[[KrakenWireError], None],
    ) -> None:
        self._transport = transport
        self._url = url.rstrip("/")
        self._publish = publish
        self._note = note
        self._last: dict[str, str] = {}
        self._waiting: deque[tuple[Gap, str]] = deque()
        self._task: asyncio.Task[None] | None = None
        self.filled = 0
        """Trades fetched so far."""

    def put(self, event: Any) -> None:
        """Take a trade or a gap of channel `trade`."""
        if type(event) is TradeUpdate:
            if event.source == "live" and (event.symbol in self._last or len(self._last) < SYMBOLS_KEPT):
                self._last[event.symbol] = event.timestamp
            return
        if type(event) is not Gap or event.reason is not GapReason.TRADE_ID or event.first is None:
            return
        since = self._last.get(event.symbol or "")
        if since is None or len(self._waiting) >= WAITING:
            return
        self._waiting.append((event, since))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="krakenwire back-fill")

    def forget(self, symbol: str) -> None:
        """Its trades are not wanted any more; what happens until they are again is nobody's gap."""
        self._last.pop(symbol, None)

    async def stop(self) -> None:
        """Fetch nothing more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _run(self) -> None:
        try:
            while self._waiting:
                gap, since = self._waiting.popleft()
                await self._fill(gap, since)
        finally:
            self._task = None

    async def _fill(self, gap: Gap, since: str) -> None:
        """Pages of trades from the last one before the gap on, until they reach its end."""
        assert gap.first is not None  # noqa: S101 (`put` takes no other)
        last = min(gap.last or gap.first, gap.first + LIMIT - 1)
        wanted, at = gap.first, str((parse_ns(since) or 1) - 1)
        tries, failed = 0, "there are none"
        while wanted <= last and tries < TRIES:
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    rows, at = await self._page(gap.symbol or "", at)
            except (Exception, asyncio.CancelledError) as exc:
                if is_ours(exc):
                    raise
                failed = exc.kind if isinstance(exc, ConnectFailed) else type(exc).__name__
                tries += 1
                await asyncio.sleep(PACE_SECONDS * 2**tries)
                continue
            found = [trade for trade in rows if wanted <= trade.trade_id <= last]
            if found:
                self.filled += len(found)
                self._publish(found)
                wanted = found[-1].trade_id + 1
            if not rows or rows[-1].trade_id > last:
                break
            tries = 0 if found else tries + 1
            await asyncio.sleep(PACE_SECONDS)
        if wanted <= last:
            missing = f"trades {wanted} to {last} of {gap.symbol} cannot be fetched: {failed}"
            self._note(ConnectFailed(ConnectFailure.UNAVAILABLE, missing))

    async def _page(self, symbol: str, since: str) -> tuple[list[TradeUpdate], str]:
        """Up to a thousand trades after a time, in order of their ids, and where the next page begins."""
        url = f"{self._url}/0/public/Trades?pair={quote(symbol, safe='')}&since={since}&count=1000"
        reply = await self._transport.fetch(url, limit=ANSWER_LIMIT)
        answer = _decode(reply.body)
        if answer.get("error"):
            raise ValueError("refused")
        result = dict(answer["result"])
        following = str(result.pop("last"))
        (rows,) = result.values()
        return sorted((_trade(symbol, row) for row in rows), key=lambda trade: trade.trade_id), following


def _trade(symbol: str, row: list[Any]) -> TradeUpdate:
    """One row: price, volume, time in seconds, side, type of order, remarks, id."""
    price, qty, at, side, kind, _, trade_id = row[:7]
    return TradeUpdate(
        symbol=symbol,
        side=Side(_SIDES[side]),
        price_text=price,
        qty_text=qty,
        ord_type=OrderType(_TYPES[kind]),
        trade_id=int(trade_id),
        timestamp=_timestamp(at),
        complete=False,
        snapshot=False,
        source="rest",
    )


def _timestamp(seconds: Decimal | int) -> str:
    return format_ns(int(Decimal(seconds) * 1_000_000_000))
