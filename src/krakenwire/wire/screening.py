"""What the types cannot say about an entry: bounds, signs, and no number hidden in an odd string.

The decoder takes the strings `"1_000"`, `" 1 "`, `"NaN"` and the digits of any script for a `Decimal`. Here they are refused. This
check is exact, and slow: it reads the frame a second time. `screens` proves of nearly every frame in a fraction of that time that there
is nothing to refuse.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from krakenwire.wire.account import BalanceEntry, ExecutionReport, problem
from krakenwire.wire.book import BookData, Level3Data
from krakenwire.wire.enums import MessageType
from krakenwire.wire.market import Candle, Pair, TickerUpdate, Trade
from krakenwire.wire.numbers import NUMBER, NumberText, numbers_problem, text_problem

Frame = bytes | bytearray | memoryview | str
"""One message as it came from the socket."""


class RejectedEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of a frame that cannot be used."""

    channel: str
    symbol: str | None
    """The market it was about, where the entry still says so."""
    reason: str
    """What is wrong, with the path inside the entry."""
    index: int | None = None
    """Its place in `data`; None if the whole frame is refused."""


def entry_problem(entry: Struct, raw: object, message_type: MessageType) -> str | None:
    """Why an entry of the right types cannot be used, or None. `raw` is the same entry untyped."""
    reason = _string_problem(raw, type(entry))
    if reason is not None:
        return reason
    if isinstance(entry, (ExecutionReport, BalanceEntry)):
        return problem(entry, message_type)
    if isinstance(entry, BookData):
        return _levels_problem(entry, "price_text", "qty_text")
    if isinstance(entry, Level3Data):
        return _levels_problem(entry, "limit_price_text", "order_qty_text")
    return numbers_problem(entry) or _sign_problem(entry)


def _levels_problem(entry: BookData | Level3Data, price: str, qty: str) -> str | None:
    for side in ("bids", "asks"):
        for index, level in enumerate(getattr(entry, side)):
            for name, signs in ((price, "price"), (qty, "qty")):
                value = getattr(level, name)
                reason = text_problem(value)
                if reason is None and (number := Decimal(value)) <= 0 and (number < 0 or signs == "price"):
                    reason = "negative" if number < 0 else "zero"
                if reason is not None:
                    return f"{side}[{index}].{name.removesuffix('_text')}: {reason}"
    return None


_POSITIVE: dict[type[Struct], tuple[str, ...]] = {
    Trade: ("price",),
    Candle: ("open", "high", "low", "close"),
}
_NOT_NEGATIVE: dict[type[Struct], tuple[str, ...]] = {
    Trade: ("qty",),
    Candle: ("volume", "vwap", "trades", "interval"),
    # What Kraken sends for a market that never traded is unknown, so a figure may be zero, or missing.
    TickerUpdate: ("bid", "bid_qty", "ask", "ask_qty", "last", "volume", "vwap", "low", "high"),
    Pair: ("price_increment", "qty_increment", "qty_min", "price_precision", "qty_precision"),
}


def _sign_problem(entry: Struct) -> str | None:
    for kind in type(entry).__mro__:
        for name in _POSITIVE.get(kind, ()):
            if getattr(entry, name) <= 0:
                return f"{name}: not positive"
        for name in _NOT_NEGATIVE.get(kind, ()):
            value = getattr(entry, name)
            if value is not None and value < 0:
                return f"{name}: negative"
    return None


def _string_problem(raw: object, kind: type[Struct]) -> str | None:
    """The first number that came as a string and is not written as a plain number, or None."""
    if not isinstance(raw, dict):
        return None
    numbers, nested = _plan(kind)
    for name in numbers:
        value = raw.get(name)
        if type(value) is str and NUMBER.fullmatch(value) is None:
            return f"{name}: not a number"
    for name, inner in nested:
        held = raw.get(name)
        for part in held if isinstance(held, (list, tuple)) else (held,):
            if (reason := _string_problem(part, inner)) is not None:
                return f"{name}.{reason}"
    return None


@lru_cache(maxsize=128)
def _plan(kind: type[Struct]) -> tuple[tuple[str, ...], tuple[tuple[str, type[Struct]], ...]]:
    """Names on the wire of the fields that hold numbers, and of those that hold structs. Read once a type."""
    numbers: list[str] = []
    nested: list[tuple[str, type[Struct]]] = []
    for item in fields(kind):
        for part in _flat(item.type):
            if part is Decimal:
                numbers.append(item.encode_name)
            elif isinstance(part, type) and issubclass(part, Struct):
                nested.append((item.encode_name, part))
    return tuple(numbers), tuple(nested)


def _flat(hint: Any) -> list[Any]:
    parts = getattr(hint, "__args__", None)
    return [inner for part in parts for inner in _flat(part)] if parts else [hint]


untyped = msgspec.json.Decoder(float_hook=NumberText)
"""Reads any JSON and keeps the digits of every number."""


def problems(frame: Frame, message: Any) -> tuple[RejectedEntry, ...] | None:
    """The entries of a data frame that cannot be used, found exactly, or None if all can."""
    channel = str(type(message).__struct_config__.tag)
    if message.type not in (MessageType.UPDATE, MessageType.SNAPSHOT):
        return (RejectedEntry(channel, None, "type: neither snapshot nor update"),)
    try:
        data = untyped.decode(frame)["data"]
    except (ValueError, RecursionError) as error:
        return (RejectedEntry(channel, None, str(error)),)
    rows = zip(message.data, data, strict=True) if isinstance(data, list) else _instrument_rows(message, data)
    found = tuple(
        RejectedEntry(channel, symbol_of(raw), reason, index)
        for index, (entry, raw) in enumerate(rows)
        if (reason := entry_problem(entry, raw, message.type)) is not None
    )
    return found or None


def _instrument_rows(message: Any, data: Any) -> list[tuple[Any, Any]]:
    """Assets and pairs of an instrument frame, typed beside untyped."""
    return [
        *zip(message.data.assets, data["assets"], strict=True),
        *zip(message.data.pairs, data["pairs"], strict=True),
    ]


def symbol_of(raw: object) -> str | None:
    """The market that an untyped entry is about, if it says so with a text."""
    symbol = raw.get("symbol") if isinstance(raw, dict) else None
    return str(symbol) if isinstance(symbol, str) and not isinstance(symbol, NumberText) else None
