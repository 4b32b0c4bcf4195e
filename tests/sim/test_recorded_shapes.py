"""Every kind of message that was recorded from Kraken comes from the simulated exchange with the same members, in the same shapes."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest

from krakenwire.sim import Accounts, Exchange, Host, Permissions
from krakenwire.wire.enums import SystemStatus
from tests.sim.drive import AT_ONCE, Client
from tests.sim.test_terms import share
from tests.sim.traders import Trader

BLANCHARD = "brendan-blanchard__kraken-async-rs"
CAPTURES = (
    "abelkalavadakken__agenttrade/kraken_trade_btcusd.jsonl",
    *(
        f"{BLANCHARD}/{name}.jsonl"
        for name in (
            *("balances", "book", "errors", "executions", "heartbeat", "instrument", "level3"),
            *("method_responses", "ohlc", "status", "ticker", "trade"),
        )
    ),
    "ekinbasarkomur__keyrock-case-study/kraken.rs.fixtures.jsonl",
    "garethcooke__depthcharge/errors.jsonl",
    "jdardash__crossbook/kraken_btcusd_l2.jsonl",
    "jdardash__crossbook/kraken_xrpusd_sample.jsonl",
    "roq-trading__roq-kraken/errors.jsonl",
    "thrasher-__gocryptotrader/wsPublic.jsonl",
    "torquey66__kraken-data-recorder/instrument_snapshot.json",
    "unresolved-repo/id-65731948028.ohlc-btcusdt.jsonl",
    "unresolved-repo/id-68731488561.public-and-refusals.jsonl",
    "unresolved-repo/id-70379328486.ohlc-btcusd.jsonl",
    "unresolved-repo/id-71554915313.usdg-book-snapshot.jsonl",
)
"""Files of recorded frames. What their authors put in or a tool rewrote is named below."""

MAINTENANCE = {"upcoming_maintenance", "emergency"}
APART: dict[tuple[str, str], set[str]] = {
    # Older services told less.
    (BLANCHARD, "status"): MAINTENANCE,
    ("ekinbasarkomur", "status"): MAINTENANCE,
    ("jdardash", "status"): MAINTENANCE,
    (BLANCHARD, "ticker"): {"trades", "timestamp"},
    (BLANCHARD, "book snapshot"): {"timestamp"},
    (BLANCHARD, "instrument"): {"class", "ws_display_price_precision"},
    ("torquey66", "instrument"): {"class", "ws_display_price_precision"},
    (BLANCHARD, "subscribe ESession"): {"channel"},
    # The author left these out of the answer; other recordings have them.
    (BLANCHARD, "subscribe executions"): {"snap_orders", "snap_trades"},
    # Put in by the author, to have seen them.
    (BLANCHARD, "executions snapshot"): {"margin", "margin_borrow", "liquidated", "sender_sub_id"},
    # What is announced there is made from documents.
    ("thrasher", "status"): MAINTENANCE,
}
"""Members that are not compared, by the beginnings of a file and of a kind of message."""

REWRITTEN = ("torquey66", "thrasher", f"{BLANCHARD}/executions")
"""Files in which some numbers are written otherwise than on the wire: `1E-8`, `0`."""

GONE = {
    "add_order EGeneral:Invalid arguments:no_mpp order option is only available when ordertype = market": "since 2025 `no_mpp` is "
    "taken and ignored",
}
"""Kinds of messages that do not come any more, and why."""


Shape = tuple[str, str]
"""A place in a message and what stands there: `data[].price` and `decimal`, `data[].bids[]` and `price qty`."""


class Number(str):
    """A JSON number with a point or an exponent, as it is written."""

    __slots__ = ()


def word(value: Any) -> str:
    """What kind of value it is: the form of an instant, of an id, of a number."""
    if value is None or isinstance(value, bool | int):
        return type(value).__name__
    if isinstance(value, Number):
        return "exponent" if "e" in value.lower() else "decimal"
    if instant := re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?Z", value):
        return f"instant with {len(instant[1] or '')} digits"
    return "id" if re.fullmatch(r"[A-Z0-9]{6}-[A-Z0-9]{5}-[A-Z0-9]{6}", value) else "text"


def shapes(value: Any, at: str = "") -> Iterator[Shape]:
    """Of every object below a value the names of its members, of every other value its kind; elements of a list alike."""
    if isinstance(value, dict):
        yield at, " ".join(sorted(value))
        for name, inner in value.items():
            yield from shapes(inner, f"{at}.{name}" if at else name)
    elif isinstance(value, list):
        for inner in value:
            yield from shapes(inner, f"{at}[]")
    else:
        yield at, word(value)


def kind_of(message: Any) -> str:
    """What a message is: of replies method and channel or the words of the refusal, else channel, type and what happened."""
    if "method" not in message:
        told = [message["channel"], message.get("type", "")]
        if message["channel"] == "executions":
            told += sorted({row["exec_type"] for row in message["data"]})
            told += ["waiting"] if any("triggers" in row for row in message["data"]) else []
        if message["channel"] == "status" and "connection_id" not in message["data"][0]:
            told.append("changed")
        return " ".join(filter(None, told))
    result = message.get("result")
    error = re.sub(r" \S+/\S+$", "", message.get("error", ""))
    told = [message["method"], re.sub("'.*'", "'...'", error)]
    if isinstance(result, dict):
        told += [result.get("channel", ""), "by cl_ord_id" if list(result) == ["cl_ord_id"] else ""]
    return " ".join(filter(None, told))


def read(frame: bytes) -> Any:
    return json.loads(frame, parse_float=Number)


# ---------------------------------------------------------------- what the simulated exchange says


class Recorder:
    """Frames of the simulated exchange by their kind."""

    def __init__(self) -> None:
        self.frames: defaultdict[str, list[Any]] = defaultdict(list)

    def take(self, exchange: Exchange) -> None:
        for number in exchange.connections:
            for frame in exchange.take_outgoing(number):
                message = read(frame)
                self.frames[kind_of(message)].append(message)


@cache
def simulated() -> dict[str, list[Any]]:
    """One session with everything that was ever recorded, on the simulated exchange."""
    exchange = Exchange(seed=3, markets=["BTC/USD", "XRP/USD", "PEPE/USD", share()], rules=AT_ONCE)
    recorder = Recorder()
    accounts = Accounts(exchange)
    public, level3 = Client(exchange), Client(exchange, Host.LEVEL3)
    private = Trader(accounts, exchange)
    exchange.take_outgoing(private.id)
    poor = Trader(accounts, exchange, "poor", permissions=Permissions(trade=False))

    def ask(client: Client, method: str, req_id: int | None = 1, **params: Any) -> None:
        request: dict[str, Any] = {"method": method, "params": params} if params else {"method": method}
        request |= {} if req_id is None else {"req_id": req_id}
        exchange.receive(client.id, msgspec.json.encode(request), now=exchange_now())
        recorder.take(exchange)

    def exchange_now() -> float:
        return (exchange.at - exchange.epoch) / 1e9

    def order(method: str, **params: Any) -> None:
        ask(private, method, token=private.token, **params)

    recorder.take(exchange)
    symbol: dict[str, Any] = {"symbol": ["BTC/USD"]}
    for channel in ("ticker", "book", "ohlc", "trade"):
        ask(public, "subscribe", channel=channel, snapshot=True, **symbol)
    ask(public, "subscribe", channel="instrument", include_tokenized_assets=True)
    ask(public, "ping")
    ask(public, "ping", x=1)
    ask(public, "subscribe", channel="moon")
    ask(public, "subscribe", channel="book", symbol=["WWW/USD"])
    ask(public, "subscribe", None, channel="book", depth=11, **symbol)
    ask(public, "subscribe", None, channel="book", moon=1, **symbol)
    ask(public, "subscribe", None, channel="executions", token="none")
    exchange.receive(public.id, b"{", now=exchange_now())
    ask(level3, "subscribe", channel="level3", token=private.token, **symbol)
    ask(private, "subscribe", None, channel="book", **symbol)
    ask(private, "subscribe", channel="executions", token="none")
    exchange.advance(20.0)
    recorder.take(exchange)
    ask(public, "unsubscribe", None, channel="book", **symbol)
    order("subscribe", channel="balances")
    order("subscribe", channel="executions")
    one: dict[str, Any] = {
        "symbol": "BTC/USD",
        "side": "buy",
        "order_type": "limit",
        "order_qty": 0.001,
        "limit_price": 70000.0,
    }
    order("add_order", **one, cl_ord_id="client-zero")
    order("add_order", **one)
    order(
        "add_order",
        **(one | {"order_type": "stop-loss-limit", "triggers": {"price": 90000.0, "reference": "index"}}),
    )
    order("add_order", **(one | {"order_qty": 0.00001}))
    order("add_order", symbol="BTC/USD", side="buy", order_type="market", cash_order_qty="10")
    order("add_order", symbol="BTC/USD", side="buy", order_type="market", order_qty=0.001)
    ask(poor, "add_order", token=poor.token, **one)
    ids = list(private.account.orders)
    order("amend_order", order_id=ids[1], order_qty=0.002)
    order("amend_order", order_id=ids[1], limit_price="70001")
    order("amend_order", order_id="OAAAAA-AAAAA-AAAAAA", order_qty=0.002)
    ask(private, "edit_order", order_id=ids[1], symbol="BTC/USD")
    order("edit_order", order_id=ids[1], symbol="BTC/USD", limit_price=70002.0)
    order("cancel_order", cl_ord_id=["client-zero"])
    order("cancel_order", order_id=[ids[2], "OAAAAA-AAAAA-AAAAAA"])
    order("cancel_all")
    order("cancel_all_orders_after", timeout=5)
    order("batch_add", symbol="BTC/USD", orders=[{k: v for k, v in one.items() if k != "symbol"}] * 2)
    order("batch_cancel", orders=list(private.account.orders))
    ask(private, "unsubscribe", channel="executions", token=private.token)
    order("subscribe", channel="executions", snap_orders=False, snap_trades=True)
    exchange.set_system(SystemStatus.MAINTENANCE, now=exchange_now() + 1)
    recorder.take(exchange)
    return recorder.frames


# ---------------------------------------------------------------- the comparison


def compared(message: Any, apart: set[str], *, rewritten: bool) -> set[Shape]:
    """The shapes of a message, without these members and the number that a client may give. `rewritten`: any number is one."""
    kept = set()
    for place, told in shapes(message):
        if apart.intersection(re.split(r"[.\[\]]+", place)) or place == "req_id":
            continue
        words = " ".join(name for name in told.split(" ") if name not in {*apart, "req_id"})
        kept.add((place, "number" if rewritten and told in {"int", "decimal", "exponent"} else words))
    return kept


def frames_of(file: Path) -> list[bytes]:
    content = file.read_bytes()
    return [content] if file.suffix == ".json" else [line for line in content.splitlines() if line.strip()]


@pytest.mark.parametrize("file", CAPTURES)
def test_recorded_message_has_the_shape_of_ours(file: str, conformance_data: Path) -> None:
    """Each object of a recorded message has the members of an object that the simulated exchange sends there, each value its form."""
    ours = simulated()
    rewritten = file.startswith(REWRITTEN)
    known: dict[str, set[Shape]] = {}
    for frame in frames_of(conformance_data / "kraken_v2" / file):
        message = read(frame)
        kind = kind_of(message)
        if kind in GONE:
            continue
        assert kind in ours
        apart = set().union(
            *(names for (of, what), names in APART.items() if file.startswith(of) and kind.startswith(what))
        )
        if kind not in known:
            known[kind] = set().union(*(compared(own, apart, rewritten=rewritten) for own in ours[kind]))
        assert compared(message, apart, rewritten=rewritten) <= known[kind], kind


def orders(value: Any, at: str = "") -> Iterator[tuple[str, list[str]]]:
    """Of every object below a value, the names of its members as they stand."""
    if isinstance(value, dict):
        yield at, list(value)
        for name, inner in value.items():
            yield from orders(inner, f"{at}.{name}")
    elif isinstance(value, list):
        for inner in value:
            yield from orders(inner, f"{at}[]")


def test_members_of_replies_stand_in_order() -> None:
    """In every reply members are in alphabetical order, as in every recorded one that nobody wrote into."""
    replies = [message for messages in simulated().values() for message in messages if "method" in message]
    assert len(replies) >= 40
    for reply in replies:
        for place, names in orders(reply):
            assert names == sorted(names), (place, reply["method"])


@pytest.mark.parametrize(
    "file", [file for file in CAPTURES if not file.endswith(("errors.jsonl", "responses.jsonl"))]
)
def test_members_of_messages_stand_in_the_recorded_order(file: str, conformance_data: Path) -> None:
    """Members that a recorded message and one of ours have both come in the same order in both."""
    ours = simulated()
    for frame in frames_of(conformance_data / "kraken_v2" / file):
        message = read(frame)
        kind = kind_of(message)
        if "method" in message or (file.startswith(("brendan", "thrasher")) and "status" in kind):
            continue  # an older service had another order there
        if kind.endswith("waiting"):
            continue  # made by its author out of the plain one
        told = {place: names for own in ours[kind] for place, names in orders(own)}
        for place, names in orders(message):
            both = [name for name in told[place] if name in names]
            assert [name for name in names if name in both] == both, (kind, place)
