"""What the types cannot say about an entry: bounds, signs, and no number hidden in an odd string.

The decoder takes the strings `"1_000"`, `" 1 "`, `"NaN"` and the digits of any script for a `Decimal`. Here
they are refused. `entry_problem` is exact. `problem_ticker`, `problem_trade` and `problem_ohlc` prove in well
under a microsecond that a frame has nothing to refuse, and ask the exact check when they cannot.
"""

from __future__ import annotations

import re
from collections.abc import Callable
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
from msgspec import Struct, to_builtins
from msgspec.structs import fields

from krakenwire.wire.account import (
    BalanceEntry,
    BalancesMessage,
    ExecutionReport,
    ExecutionsMessage,
    problem,
    shape_problem,
)
from krakenwire.wire.book import BookData, Level3Data, Level3Message
from krakenwire.wire.drift import numeric
from krakenwire.wire.enums import MessageType
from krakenwire.wire.market import (
    TICKER_FIGURES,
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
    if isinstance(entry, TickerUpdate):
        return _figures_problem(entry)
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


def _figures_problem(entry: TickerUpdate) -> str | None:
    """What Kraken sends for a market that never traded is unknown, so a figure may be zero, or missing."""
    for name in TICKER_FIGURES:
        value = getattr(entry, f"{name}_text")
        if value is None:
            continue
        reason = text_problem(value)
        if reason is None and not name.startswith("change") and Decimal(value) < 0:
            reason = "negative"
        if reason is not None:
            return f"{name}: {reason}"
    return None


_POSITIVE: dict[type[Struct], tuple[str, ...]] = {
    Trade: ("price",),
    Candle: ("open", "high", "low", "close"),
}
_NOT_NEGATIVE: dict[type[Struct], tuple[str, ...]] = {
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
_DECIMAL = (Decimal,)
_decoder = lru_cache(maxsize=64)(msgspec.json.Decoder)
untyped = msgspec.json.Decoder(float_hook=NumberText)
"""Reads any JSON and keeps the digits of every number."""

_PLAIN = r"[0-9]{1,20}+(?:\.[0-9]{1,20}+)?+"
_PRICES, _QUANTITIES = (
    re.compile(rf"{token}(?:,{token})*+").fullmatch for token in (rf"(?=[0.]*+[1-9]){_PLAIN}", _PLAIN)
)
_FIGURES = re.compile(rf"(?:{_PLAIN},){{9}}-?{_PLAIN},-?{_PLAIN}").fullmatch

_UPDATE, _SNAPSHOT = MessageType.UPDATE, MessageType.SNAPSHOT

_Rejected = tuple[RejectedEntry, ...] | None


# Figures of a ticker are texts, and one pattern tells of all of them that they are plain numbers within bounds. Where numbers
# are decimals already, the quick check counts the quotes of the frame: a string in place of a number, a field that came twice, every
# deviation adds some and none takes any away, so equality proves there is none.


def problem_ticker(frame: Frame, message: TickerMessage) -> _Rejected:
    """The entries of a ticker frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return problems(frame, message)
    try:
        for t in message.data:
            figures = (
                *(t.bid_text, t.bid_qty_text, t.ask_text, t.ask_qty_text, t.last_text),
                *(t.volume_text, t.vwap_text, t.low_text, t.high_text, t.change_text, t.change_pct_text),
            )
            if _FIGURES(",".join(figures)) is None:
                return problems(frame, message)
    except TypeError:  # what is no text: a whole number, or nothing
        return problems(frame, message)
    return None


def problem_trade(frame: Frame, message: TradeMessage) -> _Rejected:
    """The entries of a trade frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return problems(frame, message)
    quotes = 10 if message.sequence is None else 12
    try:
        for t in message.data:
            price, qty = t.price, t.qty
            if not price or price.is_signed() or qty.is_signed():
                return problems(frame, message)
            _add(_add(_START, price), qty)
            quotes += 22
    except DecimalException:
        return problems(frame, message)
    return None if _numbers_only(frame, message, quotes) else problems(frame, message)


def problem_ohlc(frame: Frame, message: OHLCMessage) -> _Rejected:
    """The entries of an ohlc frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return problems(frame, message)
    quotes = (10 if message.sequence is None else 12) + (0 if message.timestamp is None else 4)
    try:
        for c in message.data:
            if c.trades < 0 or c.interval < 0 or not (c.open and c.high and c.low and c.close):
                return problems(frame, message)
            total = _START
            for value in (c.open, c.high, c.low, c.close, c.volume, c.vwap):
                if value.is_signed():
                    return problems(frame, message)
                total = _add(total, value)
            quotes += 24 if c.timestamp is None else 28
    except DecimalException:
        return problems(frame, message)
    return None if _numbers_only(frame, message, quotes) else problems(frame, message)


def problem_account(frame: Frame, message: ExecutionsMessage | BalancesMessage) -> _Rejected:
    """The entries of a private frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return problems(frame, message)
    quotes = 10 if message.sequence is None else 12
    try:
        for entry in message.data:
            quotes += _quotes(to_builtins(entry, builtin_types=_DECIMAL))
            if shape_problem(entry, message.type) is not None:
                return problems(frame, message)
    except DecimalException:
        return problems(frame, message)
    return None if _numbers_only(frame, message, quotes) else problems(frame, message)


def _quotes(entry: dict[str, Any]) -> int:
    """The quotes of an entry as JSON, if its numbers are numbers. Raises DecimalException if one of them is out of bounds."""
    quotes = 2 * len(entry)
    for value in entry.values():
        kind = type(value)
        if kind is str:
            quotes += 2
        elif kind is Decimal:
            _add(_START, value)
        elif kind is dict:
            quotes += _quotes(value)
        elif kind is list or kind is tuple:
            quotes += sum(map(_quotes, value))
    return quotes


def problem_level3(frame: Frame, message: Level3Message) -> _Rejected:
    """The entries of a level3 frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return problems(frame, message)
    orders = [order for data in message.data for side in (data.bids, data.asks) for order in side]
    try:
        prices = ",".join([order.limit_price_text for order in orders])
        quantities = ",".join([order.order_qty_text for order in orders])
    except TypeError:  # what is no text: a whole number, or no number at all
        return problems(frame, message)
    return None if not orders or (_PRICES(prices) and _QUANTITIES(quantities)) else problems(frame, message)


def _numbers_only(frame: Frame, message: Struct, quotes: int) -> bool:
    """Whether no number came as a string: the frame has exactly so many quotes, or a reader takes it that knows no such strings.

    The second is for channels that drifted: what is unknown there may hold any quotes.
    """
    if (frame.count('"') if isinstance(frame, str) else bytes(frame).count(b'"')) == quotes:
        return True
    try:
        _decoder(numeric(type(message))).decode(frame)
    except (ValueError, RecursionError):
        return False
    return True


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


SCREENS: dict[type[Struct], Callable[[Frame, Any], tuple[RejectedEntry, ...] | None]] = {
    TickerMessage: problem_ticker,
    TradeMessage: problem_trade,
    OHLCMessage: problem_ohlc,
    Level3Message: problem_level3,
    ExecutionsMessage: problem_account,
    BalancesMessage: problem_account,
}
"""The quick check of each channel that has one. A book reads its own tokens strictly."""
