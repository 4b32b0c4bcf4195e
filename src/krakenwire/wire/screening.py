"""What the types cannot say about an entry: bounds, signs, and no number hidden in an odd string.

The decoder takes the strings `"1_000"`, `" 1 "`, `"NaN"` and the digits of any script for a `Decimal`. Here
they are refused. `entry_problem` is exact. `problem_ticker`, `problem_trade` and `problem_ohlc` prove in well
under a microsecond that a frame has nothing to refuse, and ask the exact check when they cannot.
"""

from __future__ import annotations

import re
from decimal import (
    Context,
    Decimal,
    DecimalException,
    Inexact,
    InvalidOperation,
    Overflow,
    Rounded,
    Subnormal,
    Underflow,
)
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import fields

from krakenwire.wire.account import BalanceEntry, ExecutionReport, problem
from krakenwire.wire.book import BookData, Level3Data
from krakenwire.wire.enums import MessageType
from krakenwire.wire.market import (
    Candle,
    OHLCMessage,
    Pair,
    TickerMessage,
    TickerUpdate,
    Trade,
    TradeMessage,
)
from krakenwire.wire.numbers import NumberText, number_problem, numbers_problem

Frame = bytes | bytearray | memoryview | str
"""One message as it came from the socket."""

_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")


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


def text_problem(value: object) -> str | None:
    """Why a price or quantity that is kept as wire text cannot be used, or None."""
    if type(value) is int:
        return number_problem(Decimal(value))
    if not isinstance(value, str):
        return f"expected a number, got {type(value).__name__}"
    return number_problem(Decimal(value)) if _NUMBER.fullmatch(value) else "not a number"


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
# What Kraken sends for a market that never traded is unknown, so a ticker may have zeros.
_NOT_NEGATIVE: dict[type[Struct], tuple[str, ...]] = {
    TickerUpdate: ("bid", "bid_qty", "ask", "ask_qty", "last", "volume", "vwap", "low", "high"),
    Trade: ("qty",),
    Candle: ("volume", "vwap", "trades", "interval"),
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
        if type(value) is str and _NUMBER.fullmatch(value) is None:
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


# Sums start at 10^15: with 40 digits, whatever has a digit below 10^-24 is rounded, and that raises. A
# finer zero raises too. A zero with a large positive exponent passes; it is zero, and costs nothing.
_START = Decimal("1e15")
_BOUNDED = Context(
    prec=40, Emax=23, Emin=-23, traps=[Inexact, Rounded, InvalidOperation, Overflow, Underflow, Subnormal]
)
_add: Any = _BOUNDED.add
untyped = msgspec.json.Decoder(float_hook=NumberText)
"""Reads any JSON and keeps the digits of every number."""

_UPDATE, _SNAPSHOT = MessageType.UPDATE, MessageType.SNAPSHOT

_Rejected = tuple[RejectedEntry, ...] | None


# Each quick check counts the quotes and hyphens of the frame. Strings in place of numbers, fields that came
# twice, minus signs: every deviation adds some and none takes any away, so equality proves there is none.
# Timestamps are looked at because a hyphen missing there could make up for a minus sign.


def problem_ticker(frame: Frame, message: TickerMessage) -> _Rejected:
    """The entries of a ticker frame that cannot be used, or None if all can."""
    try:
        if message.type is not _UPDATE and message.type is not _SNAPSHOT:
            return problems(frame, message)
        quotes, minus = 10 if message.sequence is None else 12, 0
        for t in message.data:
            total = _add(_add(_add(_START, t.bid), _add(t.ask, t.last)), _add(t.low, t.high))
            total = _add(_add(total, t.vwap), _add(t.volume, _add(t.bid_qty, t.ask_qty)))
            _add(_add(total, t.change), t.change_pct)
            quotes += 26 if t.trades is None else 28
            minus += (t.change < 0) + (t.change_pct < 0)  # type: ignore[operator]
            if (stamp := t.timestamp) is not None:
                quotes += 4
                minus += 2 if stamp[4:8:3] == "--" else 99
        if _has(frame, quotes, minus):
            return None
    except (TypeError, DecimalException):
        pass
    return problems(frame, message)


def problem_trade(frame: Frame, message: TradeMessage) -> _Rejected:
    """The entries of a trade frame that cannot be used, or None if all can."""
    try:
        if message.type is not _UPDATE and message.type is not _SNAPSHOT:
            return problems(frame, message)
        quotes = 10 if message.sequence is None else 12
        for t in message.data:
            if t.price <= 0 or t.qty < 0:
                return problems(frame, message)
            _add(_add(_START, t.price), t.qty)
            quotes += 22
        if _count(frame, quotes):
            return None
    except DecimalException:
        pass
    return problems(frame, message)


def problem_ohlc(frame: Frame, message: OHLCMessage) -> _Rejected:
    """The entries of an ohlc frame that cannot be used, or None if all can."""
    try:
        if message.type is not _UPDATE and message.type is not _SNAPSHOT:
            return problems(frame, message)
        quotes = (10 if message.sequence is None else 12) + (0 if message.timestamp is None else 4)
        for c in message.data:
            if c.low <= 0 or c.open <= 0 or c.close <= 0 or c.high <= 0 or c.volume < 0 or c.vwap < 0:
                return problems(frame, message)
            if c.trades < 0 or c.interval < 0:
                return problems(frame, message)
            total = _add(_add(_START, c.open), _add(c.high, c.low))
            _add(_add(total, c.close), _add(c.volume, c.vwap))
            quotes += 24 if c.timestamp is None else 28
        if _count(frame, quotes):
            return None
    except DecimalException:
        pass
    return problems(frame, message)


def _count(frame: Frame, quotes: int) -> bool:
    """Whether a frame has exactly so many quotes."""
    if isinstance(frame, str):
        return frame.count('"') == quotes
    return not isinstance(frame, memoryview) and frame.count(b'"') == quotes


def _has(frame: Frame, quotes: int, minus: int) -> bool:
    """Whether a frame has exactly so many quotes and hyphens."""
    if isinstance(frame, str):
        return frame.count('"') == quotes and frame.count("-") == minus
    return not isinstance(frame, memoryview) and frame.count(b'"') == quotes and frame.count(b"-") == minus


def problems(frame: Frame, message: Any) -> _Rejected:
    """The entries of a data frame that cannot be used, found exactly, or None if all can."""
    channel = str(type(message).__struct_config__.tag)
    if message.type not in (_UPDATE, _SNAPSHOT):
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
