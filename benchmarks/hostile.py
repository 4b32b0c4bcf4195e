"""Frames of a broken or malicious peer, every one different: whatever is remembered per name or value grows
with them.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random


class Hostile:
    """Makes hostile frames and strews them among good ones. None of them touches a symbol of the good
    workload.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed + 1)
        self.number = 0
        self.kinds: tuple[Callable[[str], str], ...] = (
            self.unknown_channel,
            self.unknown_method,
            self.unknown_symbol_book,
            self.unknown_symbol_ticker,
            self.unknown_field,
            self.unknown_enum,
            self.unknown_asset,
            self.wrong_checksum,
            self.bad_number,
            self.reply_to_nothing,
            self.rejected_subscription,
            self.not_json,
        )

    def mix(self, block: list[bytes], count: int) -> list[bytes]:
        """`block` in its order with `count` hostile frames at random places."""
        places = sorted(int(self.random.random() * (len(block) + 1)) for _ in range(count))
        mixed: list[bytes] = []
        start = 0
        for place in places:
            mixed += block[start:place]
            mixed.append(self.frame())
            start = place
        return mixed + block[start:]

    def frame(self) -> bytes:
        self.number += 1
        kind = self.kinds[self.number % len(self.kinds)]
        return kind(f"Z{self.number}").encode()

    def unknown_channel(self, name: str) -> str:
        return f'{{"channel":"{name}","type":"update","data":[{{"symbol":"{name}/USD"}}]}}'

    def unknown_method(self, name: str) -> str:
        return f'{{"method":"{name}","success":true,"result":{{}},"req_id":{self.number}}}'

    def unknown_symbol_book(self, name: str) -> str:
        return (
            f'{{"channel":"book","type":"update","data":[{{"symbol":"{name}/USD",'
            f'"bids":[{{"price":1.0,"qty":2.00000000}}],'
            f'"asks":[],"checksum":{self.number},"timestamp":"2026-11-22T08:00:00.000000Z"}}]}}'
        )

    def unknown_symbol_ticker(self, name: str) -> str:
        return (
            f'{{"channel":"ticker","type":"update","data":[{{"symbol":"{name}/USD","bid":1.0,'
            f'"bid_qty":1.0,"ask":2.0,"ask_qty":1.0,'
            '"last":1.0,"volume":1.0,"vwap":1.0,"low":1.0,"high":1.0,"change":0.0,"change_pct":0.00}]}'
        )

    def unknown_field(self, name: str) -> str:
        return f'{{"channel":"heartbeat","{name}":1}}'

    def unknown_enum(self, name: str) -> str:
        return (
            f'{{"channel":"trade","type":"update","data":[{{"symbol":"{name}/USD",'
            f'"side":"{name}","price":1.0,"qty":1.0,'
            f'"ord_type":"{name}","trade_id":{self.number},"timestamp":"2026-11-22T08:00:00.000000Z"}}]}}'
        )

    def unknown_asset(self, name: str) -> str:
        return (
            f'{{"channel":"instrument","type":"update","data":{{'
            f'"assets":[{{"id":"{name}","status":"enabled","precision":8,'
            '"precision_display":5,"borrowable":false}],"pairs":[]}}'
        )

    def wrong_checksum(self, name: str) -> str:
        return (
            f'{{"channel":"book","type":"snapshot","data":[{{"symbol":"{name}/EUR",'
            f'"bids":[{{"price":1.0,"qty":2.00000000}}],'
            f'"asks":[{{"price":1.1,"qty":2.00000000}}],"checksum":{self.number},"timestamp":"2026-11-22T08:00:00.000000Z"}}]}}'
        )

    def bad_number(self, name: str) -> str:
        return (
            f'{{"channel":"trade","type":"update","data":[{{"symbol":"{name}/USD",'
            f'"side":"buy","price":1e{self.number},"qty":"NaN",'
            '"ord_type":"limit","trade_id":-1,"timestamp":"yesterday"}]}'
        )

    def reply_to_nothing(self, name: str) -> str:
        return (
            f'{{"method":"subscribe","result":{{"channel":"book","depth":10,"snapshot":true,"symbol":"{name}/USD"}},'
            f'"success":true,"time_in":"x","time_out":"y","req_id":{self.number}}}'
        )

    def rejected_subscription(self, name: str) -> str:
        return (
            f'{{"error":"Currency pair not supported {name}/USD","method":"subscribe",'
            f'"success":false,"symbol":"{name}/USD",'
            '"time_in":"x","time_out":"y"}'
        )

    def not_json(self, name: str) -> str:
        return f"{name} proxy restarting"
