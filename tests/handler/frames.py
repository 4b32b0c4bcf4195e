"""Short frames and callbacks for tests of the handler."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from zlib import crc32

HEARTBEAT = b'{"channel":"heartbeat"}'


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def ticker(last: int, symbol: str = "SOL/USD") -> bytes:
    """A ticker, told apart by its last price."""
    return (
        f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{symbol}","bid":1.0,"bid_qty":1.0,"ask":2.0,"ask_qty":1.0,'
        f'"last":{last}.0,"volume":1.0,"vwap":1.0,"low":1.0,"high":2.0,"change":0.0,"change_pct":0.0}}]}}'
    ).encode()


def trade(trade_id: int) -> bytes:
    """One trade."""
    return trades(trade_id)


def trades(*ids: int) -> bytes:
    """A batch of trades."""
    rows = ",".join(
        f'{{"symbol":"SOL/USD","side":"buy","price":1.0,"qty":1.0,"ord_type":"limit","trade_id":{number},'
        '"timestamp":"2026-11-22T08:00:22.814908Z"}'
        for number in ids
    )
    return f'{{"channel":"trade","type":"update","data":[{rows}]}}'.encode()


def book(qty: int = 1, symbol: str = "SOL/USD") -> bytes:
    """A snapshot of a book with one level a side, told apart by its quantity."""
    checksum = crc32(f"20{qty}0".encode() + b"1010")
    return (
        f'{{"channel":"book","type":"snapshot","data":[{{"symbol":"{symbol}","bids":[{{"price":1.0,"qty":1.0}}],'
        f'"asks":[{{"price":2.0,"qty":{qty}.0}}],"checksum":{checksum},"timestamp":"2026-11-22T08:00:00.500120Z"}}]}}'
    ).encode()


def balances(sequence: int) -> bytes:
    """A snapshot of balances."""
    return (
        '{"channel":"balances","type":"snapshot","data":[{"asset":"SOL","asset_class":"currency","balance":1.0,'
        f'"wallets":[]}}],"sequence":{sequence}}}'
    ).encode()


def status(connection: int | None, system: str = "online") -> bytes:
    """The first frame of a connection; without a number it is a change of the engine."""
    number = "" if connection is None else f',"connection_id":{connection}'
    data = f'{{"system":"{system}","api_version":"v2","version":"2.0.10"{number}}}'
    return f'{{"channel":"status","type":"update","data":[{data}]}}'.encode()


def granted(channel: str) -> bytes:
    """A granted subscription without symbols."""
    return f'{{"method":"subscribe","result":{{"channel":"{channel}"}},"success":true}}'.encode()


def refused(channel: str, error: str) -> bytes:
    """A refused subscription."""
    return (
        f'{{"channel":"{channel}","error":"{error}","method":"subscribe","status":"error","success":false}}'
    ).encode()


class Gate:
    """An async callback that waits until the test opens it, and notes what it was called with and what it finished."""

    def __init__(self) -> None:
        self.started: list[Any] = []
        self.finished: list[Any] = []
        self._open = asyncio.Event()

    def open(self) -> None:
        """Let everybody through."""
        self._open.set()

    async def __call__(self, event: Any) -> None:
        self.started.append(event)
        await self._open.wait()
        self.finished.append(event)


async def settle() -> None:
    """Let every task run until all of them wait for something."""
    for _ in range(20):
        await asyncio.sleep(0)


def noting(into: list[Any], note: Callable[[Any], Any]) -> Callable[[Any], Awaitable[None]]:
    """An async callback that suspends once before it notes the event, and once after."""

    async def callback(event: Any) -> None:
        await asyncio.sleep(0)
        into.append(note(event))
        await asyncio.sleep(0)

    return callback
