"""Quick checks that prove of a frame that nothing in it has to be refused; where one cannot, the exact check of `screening` decides.

Numbers are kept as they came, so one pattern over their texts tells of all of them that they are plain numbers within bounds. A string in
place of a number may hold anything, also what joins the texts: how many there are is part of the proof.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from msgspec import Struct

from krakenwire.wire.account import (
    BalancesMessage,
    ContingentReport,
    ExecutionReport,
    ExecutionsMessage,
    TriggerReport,
    shape_problem,
)
from krakenwire.wire.book import BookMessage, Level3Message
from krakenwire.wire.enums import ExecType, MessageType
from krakenwire.wire.market import OHLCMessage, TickerMessage, TradeMessage
from krakenwire.wire.numbers import texts_of
from krakenwire.wire.screening import Frame, RejectedEntry, problems

_UPDATE, _SNAPSHOT = MessageType.UPDATE, MessageType.SNAPSHOT
_FILL_TYPE = ExecType.TRADE

_Rejected = tuple[RejectedEntry, ...] | None

_PLAIN = r"[0-9]{1,20}+(?:\.[0-9]{1,20}+)?+"
_ABOVE_ZERO = rf"(?=[0.]*+[1-9]){_PLAIN}"
_PRICES, _QUANTITIES, _AMOUNTS = (
    re.compile(rf"{token}(?:,{token})*+").fullmatch for token in (_ABOVE_ZERO, _PLAIN, rf"-?{_PLAIN}")
)
_TICKER = re.compile(rf"(?:{_PLAIN},){{9}}-?{_PLAIN},-?{_PLAIN}").fullmatch
_FILL = re.compile(rf"{_ABOVE_ZERO},{_ABOVE_ZERO}").fullmatch
_PRICE_AND_QTY = re.compile(rf"{_ABOVE_ZERO},{_PLAIN}").fullmatch
_CANDLE = re.compile(rf"(?:{_ABOVE_ZERO},){{4}}{_PLAIN},{_PLAIN}").fullmatch

_LEVEL_TEXTS: Any = attrgetter("price_text", "qty_text")
_ORDER_TEXTS: Any = attrgetter("limit_price_text", "order_qty_text")
_REPORT_TEXTS, _TRIGGER_TEXTS, _CONTINGENT_TEXTS = (
    attrgetter(*(f"{name}_text" for name in texts_of(kind)))
    for kind in (ExecutionReport, TriggerReport, ContingentReport)
)


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
            if _TICKER(",".join(figures)) is None:
                return problems(frame, message)
    except TypeError:  # what is no text: a whole number, or nothing
        return problems(frame, message)
    return None


def problem_trade(frame: Frame, message: TradeMessage) -> _Rejected:
    """The entries of a trade frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return problems(frame, message)
    for t in message.data:
        if _PRICE_AND_QTY(f"{t.price_text},{t.qty_text}") is None:
            return problems(frame, message)
    return None


def problem_ohlc(frame: Frame, message: OHLCMessage) -> _Rejected:
    """The entries of an ohlc frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return problems(frame, message)
    try:
        for c in message.data:
            figures = (c.open_text, c.high_text, c.low_text, c.close_text, c.volume_text, c.vwap_text)
            if c.trades < 0 or c.interval < 0 or _CANDLE(",".join(figures)) is None:
                return problems(frame, message)
    except TypeError:  # what is no text: a whole number, or nothing
        return problems(frame, message)
    return None


def problem_executions(frame: Frame, message: ExecutionsMessage) -> _Rejected:
    """The entries of an executions frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return problems(frame, message)
    for report in message.data:
        texts = [text for text in _REPORT_TEXTS(report) if text is not None]
        if report.fees:
            texts += [fee.qty_text for fee in report.fees]
        if report.triggers is not None:
            texts += [text for text in _TRIGGER_TEXTS(report.triggers) if text is not None]
        if report.contingent is not None:
            texts += [text for text in _CONTINGENT_TEXTS(report.contingent) if text is not None]
        if not texts or _all_match(_QUANTITIES, texts):
            # Nothing is below zero, and of reports only a fill has to have certain fields.
            if report.exec_type is not _FILL_TYPE or _is_whole(report):
                continue
        elif _all_match(_AMOUNTS, texts) and shape_problem(report, message.type) is None:
            continue
        return problems(frame, message)
    return None


def _is_whole(fill: ExecutionReport) -> bool:
    """Whether a fill says everything that one has to say."""
    if fill.exec_id is None or fill.symbol is None or fill.side is None:
        return False
    return _FILL(f"{fill.last_qty_text},{fill.last_price_text}") is not None


def problem_balances(frame: Frame, message: BalancesMessage) -> _Rejected:
    """The entries of a balances frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return problems(frame, message)
    for entry in message.data:
        texts = [entry.balance_text]
        texts += [text for text in (entry.amount_text, entry.fee_text) if text is not None]
        texts += [wallet.balance_text for wallet in entry.wallets or ()]
        if not _all_match(_AMOUNTS, texts) or shape_problem(entry, message.type) is not None:
            return problems(frame, message)
    return None


def problem_book(frame: Frame, message: BookMessage) -> _Rejected:
    """The entries of a book frame that cannot be used, or None if all can."""
    return None if _plain_texts(message, _LEVEL_TEXTS) else problems(frame, message)


def problem_level3(frame: Frame, message: Level3Message) -> _Rejected:
    """The entries of a level3 frame that cannot be used, or None if all can."""
    if message.type is not _UPDATE:
        return None if _plain_texts(message, _ORDER_TEXTS) else problems(frame, message)
    # As a rule an update is one order, so there is nothing to gather.
    for data in message.data:
        for order in data.bids + data.asks:
            if _PRICE_AND_QTY(f"{order.limit_price_text},{order.order_qty_text}") is None:
                return problems(frame, message)
    return None


def _plain_texts(message: BookMessage | Level3Message, read: Callable[[Any], tuple[str, str]]) -> bool:
    """Whether every price and quantity is a plain number within bounds, and no price zero. `read` gives those of a level or order."""
    if message.type is not _UPDATE and message.type is not _SNAPSHOT:
        return False
    tokens = [read(row) for data in message.data for side in (data.bids, data.asks) for row in side]
    if not tokens:
        return True
    prices, quantities = zip(*tokens, strict=True)
    return _all_match(_PRICES, prices) and _all_match(_QUANTITIES, quantities)


def _all_match(pattern: Callable[[str], object], texts: Sequence[Any]) -> bool:
    """Whether each of some texts is a number as the pattern has it. There must be one at least."""
    try:
        joined = ",".join(texts)
    except TypeError:  # what is no text: a whole number, or no number at all
        joined = ",".join(map(str, texts))
    return pattern(joined) is not None and joined.count(",") == len(texts) - 1


SCREENS: dict[type[Struct], Callable[[Frame, Any], tuple[RejectedEntry, ...] | None]] = {
    TickerMessage: problem_ticker,
    TradeMessage: problem_trade,
    OHLCMessage: problem_ohlc,
    BookMessage: problem_book,
    Level3Message: problem_level3,
    ExecutionsMessage: problem_executions,
    BalancesMessage: problem_balances,
}
"""The quick check of each channel that has one."""
