"""The account: open orders, balances and the last fills."""

from __future__ import annotations

from krakenwire.events import ExecutionUpdate
from krakenwire.state.orders import Order
from krakenwire.tui.account import Account
from krakenwire.tui.board import Board
from krakenwire.tui.cells import DASH, Part, grouped, left, number, right, safe
from krakenwire.tui.panels.frame import Moment, Painted, Rows, below, panel
from krakenwire.tui.panels.markets import aligned

NAME = 10
STATUS = 16


def account(board: Board, width: int, height: int, moment: Moment) -> Painted:
    """Everything of the account, as far as there is room."""
    own = board.account
    if own is None:
        rows = panel(
            "account",
            None,
            [[(" no API key: set KRAKEN_API_KEY and KRAKEN_API_SECRET", "dim")]],
            (width, height),
            moment,
        )
        return Painted(rows, [])
    balances = min(max(1, len(own.balances)) + 2, max(4, height * 2 // 5))
    orders = max(3, min(max(1, len(own.open_orders)) + 2, height - balances))
    fills = height - balances - orders
    if fills < 3:
        balances, fills = height - orders, 0
    pieces = [_orders(own, width, orders, moment), _balances(own, width, balances, moment)]
    if fills:
        pieces.append(_fills(own, width, fills, moment))
    return below([Painted(piece, []) for piece in pieces])


def _cut(body: list[list[Part]], height: int) -> list[list[Part]]:
    """As many rows as fit; the last says how many do not."""
    room = height - 2
    if len(body) <= room or room < 1:
        return body
    if room == 1:
        return [[(f" {len(body)} of them: key a shows all", "dim")]]
    return [*body[: room - 1], [(f" … {len(body) - room + 1} more", "dim")]]


def _orders(own: Account, width: int, height: int, moment: Moment) -> Rows:
    state = own.state("executions", moment.now)
    whole, fraction = _span([_price(order) for order in own.open_orders])
    qty = max([1, *[len(number(order.order_qty)) for order in own.open_orders]])
    body = [_order(order, whole, fraction, qty) for order in reversed(own.open_orders)]
    if not body:
        body = [[(" no open order" if state.live else f" {DASH}", "dim")]]
    return panel(f"open orders · {len(own.open_orders)}", state, _cut(body, height), (width, height), moment)


def _price(order: Order) -> str:
    return number(order.limit_price if order.limit_price is not None else order.avg_price)


def _order(order: Order, whole: int, fraction: int, qty: int) -> list[Part]:
    side = "" if order.side is None else safe(order.side.value)
    style = {"buy": "up", "sell": "down"}.get(side, "")
    filled = f"  filled {number(order.cum_qty)}" if order.cum_qty else ""
    kind = "" if order.order_type is None else safe(order.order_type.value)
    return [
        (f" {left(safe(order.symbol or DASH), NAME)} ", ""),
        (left(side, 5), style),
        (right(number(order.order_qty), qty), ""),
        (" @ ", "dim"),
        (aligned(_price(order), whole, fraction), style),
        (f"  {kind}  {safe(order.status.value).replace('_', ' ')}{filled}  ", ""),
        (safe(order.order_id), "dim"),
    ]


def _balances(own: Account, width: int, height: int, moment: Moment) -> Rows:
    state = own.state("balances", moment.now)
    held = sorted(own.balances.items())
    whole, fraction = _span([grouped(f"{entry.balance:f}") for _, entry in held])
    body: list[list[Part]] = []
    for asset, entry in held:
        change = "" if entry.amount is None else f"   {entry.amount:+f}"
        kind = "" if entry.type is None else f" {safe(entry.type.value)}"
        told = aligned(grouped(f"{entry.balance:f}"), whole, fraction)
        body.append([(f" {left(safe(asset), NAME)} ", "bold"), (told, ""), (grouped(change) + kind, "dim")])
    if not body:
        body = [[(" nothing held" if state.live else f" {DASH}", "dim")]]
    return panel("balances", state, _cut(body, height), (width, height), moment)


def _fills(own: Account, width: int, height: int, moment: Moment) -> Rows:
    state = own.state("executions", moment.now)
    fills = list(own.fills)[-max(0, height - 2) :]
    whole, fraction = _span([number(fill.last_price) for fill in fills])
    qty = max([1, *[len(number(fill.last_qty)) for fill in fills]])
    body = [_fill(fill, whole, fraction, qty) for fill in reversed(fills)]
    return panel(f"fills · {len(own.fills)}", state, body, (width, height), moment)


def _fill(fill: ExecutionUpdate, whole: int, fraction: int, qty: int) -> list[Part]:
    side = "" if fill.side is None else safe(fill.side.value)
    style = {"buy": "up", "sell": "down"}.get(side, "")
    return [
        (f" {left(safe(fill.timestamp[11:19]), 8)} ", "dim"),
        (f"{left(safe(fill.symbol or DASH), NAME)} ", ""),
        (left(side, 5), style),
        (right(number(fill.last_qty), qty), ""),
        (" @ ", "dim"),
        (aligned(number(fill.last_price), whole, fraction), style),
        (f"  cost {number(fill.cost)}", "dim"),
    ]


def _span(texts: list[str]) -> tuple[int, int]:
    """Cells before, and from, the point."""
    parts = [text.partition(".") for text in texts]
    return max([1, *[len(part[0]) for part in parts]]), max([0, *[len(part[1] + part[2]) for part in parts]])
