"""An event of a live stream as one line for people."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from krakenwire import events as ev
from krakenwire.cli.records import name_of, now, wall
from krakenwire.text import counted, shown
from krakenwire.wire.market import TickerUpdate

Styled = tuple[str, str | None]
"""A text and its colour."""

_OWN_TIME = "timestamp"


def line(event: Any) -> Styled:
    """What happened, and when: data by Kraken's clock, facts by ours."""
    text, style = said(event)
    return f"{_time(event)}  {text}", style


def said(event: Any) -> Styled:
    """What happened."""
    say = next((say for kind, say in _SAYINGS.items() if isinstance(event, kind)), _other)
    return say(event)


def _time(event: Any) -> str:
    told = getattr(event, _OWN_TIME, None)
    return now() if told is None or isinstance(event, ev.OHLCUpdate | ev.BookLost) else shown(told)[11:26]


def _symbol(symbol: str | None) -> str:
    return f"{shown(symbol or '-'):<9}"


def number(value: Decimal | None) -> str:
    """A number in plain notation; a dash where Kraken says none."""
    return "-" if value is None else f"{value:f}"


def _proof(*, proven: bool, word: str, otherwise: str) -> str:
    return word if proven else otherwise


# -------------------------------------------------------------------- data


def _trade(event: ev.TradeUpdate) -> Styled:
    side = shown(event.side.value)
    text = f"{_symbol(event.symbol)} {side:<4} {event.qty:>14f} @ {event.price:<10f} #{event.trade_id}"
    proof = "fetched" if event.source == "rest" else "complete" if event.complete else "first seen"
    return f"{text}  {proof}", "green" if side == "buy" else "red"


def _book(event: ev.OrderBookUpdate) -> Styled:
    sides = [
        "-" if level is None else f"{level.price_text} x {level.qty_text}"
        for level in (event.top_bid, event.top_ask)
    ]
    changed = "snapshot" if event.snapshot else f"{len(event.bids) + len(event.asks)} changed"
    proof = _proof(proven=event.verified, word="verified", otherwise="unverified")
    text = f"{_symbol(event.symbol)} {sides[0]:>26} | {sides[1]:<26} {changed:<10} {proof}"
    return text, None if event.verified else "yellow"


def _level3(event: ev.Level3Update) -> Styled:
    changed = "snapshot of " if event.snapshot else ""
    orders = f"{counted(len(event.bids), 'bid')}, {counted(len(event.asks), 'ask')}"
    proof = _proof(proven=event.verified, word="verified", otherwise="unverified")
    return f"{_symbol(event.symbol)} {changed}{orders}  {proof}", None if event.verified else "yellow"


def _ticker(event: TickerUpdate) -> Styled:
    names = ("last", "bid", "ask", "volume")
    told = [f"{name} {number(getattr(event, name))}" for name in names]
    change = "" if event.change_pct is None else f"  {event.change_pct:+zf} %"
    return f"{_symbol(event.symbol)} {'  '.join(told)}{change}", None


def _candle(event: ev.OHLCUpdate) -> Styled:
    begin = shown(event.interval_begin)[11:16]
    text = f"{begin} +{event.interval} min  open {event.open:f}  high {event.high:f}  low {event.low:f}  close {event.close:f}"
    return f"{_symbol(event.symbol)} {text}  volume {event.volume:f}  {counted(event.trades, 'trade')}", None


def _instrument(event: ev.InstrumentUpdate) -> Styled:
    names = ", ".join(pair.symbol for pair in event.pairs)
    return f"{counted(len(event.assets), 'asset')}, {counted(len(event.pairs), 'pair')}: {shown(names)}", None


def _execution(event: ev.ExecutionUpdate) -> Styled:
    qty, price = (event.last_qty, event.last_price) if event.is_fill else (event.order_qty, event.limit_price)
    what = [event.order_id, event.exec_type.value, None if event.side is None else event.side.value]
    what += [None if qty is None else f"{qty:f}", None if price is None else f"@ {price:f}"]
    what += [event.order_status.value, event.reason]
    told = "  ".join(shown(part) for part in what if part is not None)
    proof = _proof(proven=event.in_sequence, word="in sequence", otherwise="out of sequence")
    return f"{_symbol(event.symbol)} {told}  {proof}", None if event.in_sequence else "yellow"


def _balance(event: ev.BalanceUpdate) -> Styled:
    change = "" if event.amount is None else f"  {event.amount:+f}"
    kind = "" if event.type is None else f"  {shown(event.type.value)}"
    proof = _proof(proven=event.in_sequence, word="in sequence", otherwise="out of sequence")
    return f"{_symbol(event.asset)} {event.balance:f}{change}{kind}  {proof}", None


# -------------------------------------------------------------------- facts


def _gap(event: ev.Gap) -> Styled:
    ids = "" if event.first is None else f", {event.first} to {event.last or event.first}"
    lost = "" if event.dropped is None else f", {counted(event.dropped, 'event')}"
    why = f"{shown(event.channel)}: something may be missing here ({event.reason.value}{ids}{lost})"
    return f"{_symbol(event.symbol)} GAP   {why}", "red"


def _lost(event: ev.BookLost) -> Styled:
    sums = (
        "" if event.expected is None else f": expected checksum {event.expected}, computed {event.computed}"
    )
    return f"{_symbol(event.symbol)} LOST  {shown(event.channel)}: {shown(event.reason)}{sums}", "red"


def _live(event: ev.BookLive) -> Styled:
    proven = f"{counted(event.depth, 'level')} a side, proven by its checksum"
    return f"{_symbol(event.symbol)} LIVE  {shown(event.channel)}: {proven}", "green"


def _connection(event: ev.ConnectionChanged) -> Styled:
    why = f": {shown(event.reason)}" if event.reason else ""
    again = "" if event.retry_at is None else f", next attempt at {wall(event.retry_at)[11:-1]}"
    good = event.state is ev.ConnectionState.CONNECTED
    text = f"{_symbol(event.connection)} {event.state.value.upper()}{why}{again}"
    return text, "green" if good else "dim" if event.state is ev.ConnectionState.CONNECTING else "yellow"


def _refused(event: ev.SubscriptionRejected) -> Styled:
    final = "tried again" if event.retried else "final"
    return f'{_symbol(event.symbol)} REFUSED  "{shown(event.reason)}" ({final})', "red"


def _other(event: Any) -> Styled:
    """A rare fact: its name, and what it says."""
    told = {
        name: wall(value)[11:-1] if name in {"since", "retry_at"} and isinstance(value, float) else value
        for name in event.__struct_fields__
        if name not in {"symbol", "frame"} and (value := getattr(event, name)) not in (None, "", ())
    }
    words = name_of(event).replace("_", " ").upper()
    pairs = ", ".join(f"{name} {shown(value)}" for name, value in told.items())
    return f"{_symbol(getattr(event, 'symbol', None))} {words}  {pairs}", "yellow"


_SAYINGS: dict[type, Callable[[Any], Styled]] = {
    ev.OrderBookUpdate: _book,
    ev.TradeUpdate: _trade,
    TickerUpdate: _ticker,
    ev.OHLCUpdate: _candle,
    ev.Level3Update: _level3,
    ev.InstrumentUpdate: _instrument,
    ev.ExecutionUpdate: _execution,
    ev.BalanceUpdate: _balance,
    ev.Gap: _gap,
    ev.BookLost: _lost,
    ev.BookLive: _live,
    ev.ConnectionChanged: _connection,
    ev.SubscriptionRejected: _refused,
}
