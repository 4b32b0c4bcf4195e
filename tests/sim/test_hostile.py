"""Whatever a client sends, and whatever faults do meanwhile, the exchange answers in order and lives on."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from krakenwire.sim import Exchange, Rules
from krakenwire.sim.connection import Connection
from krakenwire.sim.door import Door
from krakenwire.sim.feeds.feed import Feed, Label
from tests.sim.drive import AT_ONCE, Client, Honest

SCALARS: Any = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.sampled_from(
        ["SOL/USD", "XBT/USD", "book", "level3", "instrument", "executions", "bbo", "10", 10, 60]
    )
)
VALUES: Any = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)
NAMES = (
    "channel",
    "symbol",
    "depth",
    "interval",
    "snapshot",
    "event_trigger",
    "token",
    "execution_venue",
    "x",
)
CHANNELS = ("book", "trade", "ticker", "ohlc", "level3", "instrument", "executions", "nothing")
PARAMS: Any = st.fixed_dictionaries(
    {"channel": st.sampled_from(CHANNELS) | VALUES, "symbol": st.just(["SOL/USD"]) | VALUES},
    optional=dict.fromkeys(NAMES[2:], VALUES),
)
METHODS = ("subscribe", "unsubscribe", "ping", "add_order", "nothing")
REQUESTS: Any = st.fixed_dictionaries(
    {"method": st.sampled_from(METHODS) | VALUES, "params": PARAMS | VALUES}, optional={"req_id": VALUES}
)


@given(
    requests=st.lists(REQUESTS | VALUES, min_size=1, max_size=4),
    host=st.sampled_from(["public", "private", "level3"]),
)
def test_any_json_is_answered(requests: list[Any], host: str) -> None:
    """Every JSON text gets at least one answer, each answer says success or names an error, and the exchange goes on."""
    exchange = Exchange(markets=["SOL/USD"], rules=AT_ONCE)
    made = Client(exchange, host)
    made.take()
    for request in requests:
        told = [frame for frame in made.say(json.dumps(request)) if "method" in frame]
        assert told
        assert all(f.get("success") is True or "error" in f or f["method"] == "pong" for f in told)
    made.wait(3)
    assert made.ask("ping")[-1]["method"] == "pong"


@given(frame=st.binary(max_size=40))
def test_any_bytes_are_answered(frame: bytes) -> None:
    """Bytes that are no request are answered, once."""
    exchange = Exchange(markets=["XMN/USD"])
    made = exchange.connect(now=0.0)
    exchange.receive(made, frame, now=0.0)
    _, answer = exchange.take_outgoing(made)
    assert json.loads(answer)["success"] is False


class Closing(Honest):
    """Faults that close a connection in the middle of a stream."""

    def __init__(self, victim: int) -> None:
        self.victim = victim

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        connection.emit(frame, label, at)
        if label.type == "update" and label.channel == "book" and connection.id == self.victim:
            connection.close(None)


def test_closing_one_of_many_subscribers_leaves_the_others_alone() -> None:
    """A connection that is closed by the very frame that all get takes no frame away from anybody else."""
    exchange = Exchange(seed=2, markets=["SOL/USD"], rules=AT_ONCE)
    clients = [Client(exchange) for _ in range(3)]
    for client in clients:
        client.ask("subscribe", channel="book", symbol=["SOL/USD"])
        client.ask("subscribe", channel="ticker", symbol=["SOL/USD"])
    exchange.faults = Closing(clients[0].id)
    first, second, third = (client.wait(30) for client in clients)
    assert second == third
    assert len([frame for frame in first if frame["channel"] == "book"]) == 1
    assert len([frame for frame in second if frame["channel"] == "book"]) > 20
    assert [feed.subscribers for feed in exchange.markets["SOL/USD"].streams if isinstance(feed, Feed)] == [
        [exchange.connections[client.id] for client in clients[1:]]
    ] * 2


def test_client_who_does_not_read_is_cut_off() -> None:
    """When more frames wait than the limit, the connection is closed, and what waits does not grow any more."""
    exchange = Exchange(
        seed=2, markets=["SOL/USD"], rules=Rules(snapshot_delay=(0.0, 0.0), outgoing_limit=20)
    )
    made = Client(exchange)
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    assert len(made.wait(60)) == 20
    closing = exchange.closing(made.id)
    assert closing is not None
    assert closing.code == 1008
    assert exchange.markets["SOL/USD"].streams == []


def test_too_many_connections_are_banned() -> None:
    """An address may connect 150 times in ten minutes; the next attempt bans it for ten minutes, and nobody else."""
    exchange = Exchange(markets=["XMN/USD"], rules=Rules())
    assert [exchange.knock("a", now=float(n)) for n in range(151)] == [None] * 150 + [600.0]
    assert exchange.knock("b", now=151.0) is None
    assert exchange.knock("a", now=450.0) == 300.0
    assert exchange.knock("a", now=749.9) is not None
    assert exchange.knock("a", now=750.1) is None


@given(pauses=st.lists(st.integers(0, 300), min_size=1, max_size=80))
def test_door_against_its_rule(pauses: list[int]) -> None:
    """Outside a ban an attempt passes exactly if fewer than the limit passed in the ten minutes before it and since the last ban."""
    door, at, passed, banned_until = Door(5), 0, list[int](), 0
    for pause in pauses:
        at += pause
        answer = door.knock("a", at * 1_000_000_000)
        if at < banned_until:
            assert answer == (banned_until - at) * 1_000_000_000
        elif len([time for time in passed if time > at - 600]) < 5:
            assert answer is None
            passed.append(at)
        else:
            assert answer == 600_000_000_000
            banned_until, passed = at + 600, []
