"""Captures for tests: frames of a small exchange, written to a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from krakenwire.wire.timestamps import format_ns, parse_ns
from tests.session.exchange import STAMP, Exchange
from tests.session.say import ack

START = parse_ns("2026-11-22T08:00:00.000000Z") or 0


def at(seconds: float, frame: bytes) -> bytes:
    """The same frame, sent so long after the start."""
    return frame.replace(STAMP.encode(), time(seconds).encode())


def time(seconds: float) -> str:
    """A timestamp so long after the start."""
    return format_ns(START + round(seconds * 1e9))


def lost_update(symbol: str = "BTC/USD") -> list[bytes]:
    """A book of which an update was lost: line 4 fails at 1.3 s, and the snapshot of line 6 heals it at 2.0 s."""
    exchange = Exchange(symbol)
    frames = [
        ack("subscribe", symbol),
        at(1.0, exchange.snapshot()),
        at(1.1, exchange.update(asks={"1001": "5"})),
    ]
    exchange.update(asks={"1003": "7"})
    frames.append(at(1.3, exchange.update(asks={"1001": "6"})))
    frames.append(at(1.4, exchange.update(bids={"1000": "6"})))
    return [*frames, at(2.0, exchange.snapshot()), at(2.1, exchange.update(bids={"999": "3"}))]


def trade(*ids: int, kind: str = "update", symbol: str = "BTC/USD", seconds: float = 1.0) -> bytes:
    """A frame of trades."""
    rows = ",".join(
        f'{{"symbol":"{symbol}","side":"buy","price":1000.5,"qty":0.10000000,"ord_type":"limit",'
        f'"trade_id":{number},"timestamp":"{time(seconds)}"}}'
        for number in ids
    )
    return f'{{"channel":"trade","type":"{kind}","data":[{rows}]}}'.encode()


def balances(sequence: int, kind: str = "update") -> bytes:
    """A frame of balances."""
    row = (
        '{"asset":"USD","balance":1.00,"wallets":[]}'
        if kind == "snapshot"
        else f'{{"ledger_id":"L{sequence}","ref_id":"R{sequence}","timestamp":"{time(sequence)}","type":"deposit","subtype":"",'
        f'"asset":"USD","asset_class":"currency","amount":1.00,"balance":{sequence}.00,"fee":0.00,'
        '"wallet_type":"spot","wallet_id":"main"}'
    )
    return f'{{"channel":"balances","type":"{kind}","data":[{row}],"sequence":{sequence}}}'.encode()


def ticker(symbol: str = "BTC/USD") -> bytes:
    """A frame of the ticker."""
    return (
        f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{symbol}","bid":1000.0,"bid_qty":1.00000000,'
        '"ask":1001.0,"ask_qty":1.00000000,"last":1000.0,"volume":5.00000000,"vwap":1000.5,"low":990.0,'
        f'"high":1010.0,"change":1.0,"change_pct":0.10,"timestamp":"{time(1)}"}}]}}'
    ).encode()


def write(path: Path, frames: Sequence[bytes]) -> Path:
    """A capture, one frame a line."""
    path.write_bytes(b"".join(frame + b"\n" for frame in frames))
    return path
