"""One frame of each channel as Kraken sends it, a way to alter one place of it, and frames that are no JSON."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec

from tests.vectors import account, control

STAMP = b'"timestamp":"2026-11-22T07:49:37.708706Z"'
FRAMES: dict[str, bytes] = {
    "book": b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":74000.1,'
    b'"qty":1.50000000}],"asks":[{"price":74000.2,"qty":0.00000000}],"checksum":4294967295,' + STAMP + b"}]}",
    "level3": b'{"channel":"level3","type":"update","data":[{"symbol":"BTC/USD","bids":[{"event":"add",'
    b'"order_id":"O1","limit_price":74000.1,"order_qty":1.50000000,"timestamp":"2026-11-22T07:49:37.1Z"}],'
    b'"asks":[],"checksum":7,' + STAMP + b"}]}",
    "ticker": b'{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":74000.1,'
    b'"bid_qty":1.00000000,"ask":74000.2,"ask_qty":0.12345678,"last":74000.3,"volume":1234.12345678,'
    b'"vwap":73800.5,"low":73000.0,"high":75000.0,"change":-120.3,"change_pct":-0.51,"trades":12345,'
    + STAMP
    + b"}]}",
    "trade": b'{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":74000.1,'
    b'"qty":0.10,"ord_type":"market","trade_id":1,' + STAMP + b'},{"symbol":"BTC/USD","side":"buy",'
    b'"price":74000.2,"qty":0.20,"ord_type":"limit","trade_id":2,' + STAMP + b"}]}",
    "ohlc": b'{"channel":"ohlc","type":"update","timestamp":"2026-11-22T07:49:37.708706123Z","data":[{'
    b'"symbol":"BTC/USD","open":74000.1,"high":74000.4,"low":74000.0,"close":74000.2,"trades":3,'
    b'"volume":0.30000000,"vwap":74000.15,"interval_begin":"2026-11-22T07:49:00.000000000Z","interval":1,'
    + STAMP
    + b"}]}",
    "instrument": b'{"channel":"instrument","type":"update","data":{"assets":[{"id":"BTC","status":"enabled",'
    b'"precision":10,"precision_display":5,"borrowable":true,"collateral_value":1.00,"margin_rate":0.02,'
    b'"class":"currency"}],"pairs":[{"symbol":"BTC/USD","base":"BTC","quote":"USD","status":"online",'
    b'"price_precision":1,"qty_precision":8,"cost_precision":5,"price_increment":0.1,'
    b'"qty_increment":0.00000001,"qty_min":0.00010000,"cost_min":"0.5"}]}}',
    "executions": account.FILL.frame,
    "balances": account.BALANCE_SNAPSHOT.frame,
    "status": control.STATUS.frame,
    "heartbeat": control.HEARTBEAT.frame,
}


BROKEN: dict[str, bytes | str] = {
    "empty": b"",
    "whitespace": b" \n\t",
    "trailing bytes": FRAMES["trade"] + b"x",
    "two objects": FRAMES["heartbeat"] * 2,
    "trailing comma": b'{"channel":"heartbeat",}',
    "single quotes": b"{'channel':'heartbeat'}",
    "comment": b'{"channel":"heartbeat"/* */}',
    "byte order mark": b"\xef\xbb\xbf" + FRAMES["heartbeat"],
    "bare word": b"heartbeat",
    "leading zero": FRAMES["trade"].replace(b'"qty":0.10', b'"qty":00.10'),
    "lone surrogate": FRAMES["trade"].replace(b"BTC", b"\\ud800"),
    "control character": FRAMES["trade"].replace(b"BTC", b"B\x01C"),
    "NaN": FRAMES["trade"].replace(b'"qty":0.10', b'"qty":NaN'),
    "Infinity": FRAMES["trade"].replace(b'"qty":0.10', b'"qty":Infinity'),
    "bad UTF-8": FRAMES["trade"].replace(b"BTC", b"\xff\xfe"),
    "lone surrogate in a str": '{"channel":"\ud800"}',
}
"""Every kind of frame that is no JSON."""


def altered(channel: str, path: tuple[str | int, ...], value: object) -> bytes:
    """A sample frame with one place changed; `...` removes it."""
    tree = json.loads(FRAMES[channel], parse_float=Decimal)
    spot = tree
    for step in path[:-1]:
        spot = spot[step]
    if value is ...:
        del spot[path[-1]]
    else:
        spot[path[-1]] = value
    return msgspec.json.Encoder(decimal_format="number").encode(tree)
