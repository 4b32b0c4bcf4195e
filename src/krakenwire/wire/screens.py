"""Quick checks that prove of a frame that nothing in it has to be refused; where one cannot, the exact check of `screening` decides.

Prices and quantities that are kept as text are joined, and one pattern tells of all of them that they are plain numbers within bounds.
Where numbers are decimals already, the quotes of the frame are counted: a string in place of a number, a field that came twice,
every deviation adds some and none takes any away, so equality proves there is none. In a channel that drifted, unknown fields may hold any
quotes; there a reader that takes no string for a number has to take the frame as well.
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
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Struct, to_builtins

from krakenwire.wire.account import BalancesMessage, ExecutionsMessage, shape_problem
from krakenwire.wire.book import BookMessage, Level3Message
from krakenwire.wire.drift import numeric
from krakenwire.wire.enums import MessageType
from krakenwire.wire.market import OHLCMessage, TickerMessage, TradeMessage
from krakenwire.wire.screening import Frame, RejectedEntry, problems

_UPDATE, _SNAPSHOT = MessageType.UPDATE, MessageType.SNAPSHOT

_Rejected = tuple[RejectedEntry, ...] | None

_PLAIN = r"[0-9]{1,20}+(?:\.[0-9]{1,20}+)?+"
_PRICES, _QUANTITIES = (
    re.compile(rf"{token}(?:,{token})*+").fullmatch for token in (rf"(?=[0.]*+[1-9]){_PLAIN}", _PLAIN)
)
_LEVEL_TEXTS: Any = attrgetter("price_text", "qty_text")
_ORDER_TEXTS: Any = attrgetter("limit_price_text", "order_qty_text")
_FIGURES = re.compile(rf"(?:{_PLAIN},){{9}}-?{_PLAIN},-?{_PLAIN}").fullmatch

# Sums start at 10^15: with 40 digits, whatever has a digit below 10^-24 is rounded, and that raises. A
# finer zero raises too. A zero with a large positive exponent passes; it is zero, and costs nothing.
_START = Decimal("1e15")
_BOUNDED = Context(
    prec=40, Emax=23, Emin=-23, traps=[Inexact, Rounded, InvalidOperation, Overflow, Underflow, Subnormal]
)
_add: Any = _BOUNDED.add
_DECIMAL = (Decimal,)
_decoder = lru_cache(maxsize=64)(msgspec.json.Decoder)


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


def problem_book(frame: Frame, message: BookMessage) -> _Rejected:
    """The entries of a book frame that cannot be used, or None if all can."""
    return None if _plain_texts(message, _LEVEL_TEXTS) else problems(frame, message)


def problem_level3(frame: Frame, message: Level3Message) -> _Rejected:
    """The entries of a level3 frame that cannot be used, or None if all can."""
    return None if _plain_texts(message, _ORDER_TEXTS) else problems(frame, message)


def _plain_texts(message: BookMessage | Level3Message, read: Callable[[Any], tuple[str, str]]) -> bool:
    """Whether every price and quantity is a plain number within bounds, and no price zero. `read` gives those of a level or order."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return False
    tokens = [read(row) for data in message.data for side in (data.bids, data.asks) for row in side]
    if not tokens:
        return True
    prices, quantities = zip(*tokens, strict=True)
    try:
        return bool(_PRICES(",".join(prices)) and _QUANTITIES(",".join(quantities)))
    except TypeError:  # what is no text: a whole number, or no number at all
        return False


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


SCREENS: dict[type[Struct], Callable[[Frame, Any], tuple[RejectedEntry, ...] | None]] = {
    TickerMessage: problem_ticker,
    TradeMessage: problem_trade,
    OHLCMessage: problem_ohlc,
    BookMessage: problem_book,
    Level3Message: problem_level3,
    ExecutionsMessage: problem_account,
    BalancesMessage: problem_account,
}
"""The quick check of each channel that has one."""
