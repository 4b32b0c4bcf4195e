"""The exchange as its clients see it: the protocol word for word, and books that our own session can prove."""

from __future__ import annotations

from typing import Any

import pytest

from krakenwire.errors import UsageError
from krakenwire.sim import Exchange, Rules, invented
from krakenwire.sim.clock import EPOCH, SECOND
from krakenwire.sim.connection import Connection, ConnectionId
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.requests import Request
from krakenwire.wire.enums import SystemStatus
from tests.sim.drive import AT_ONCE, Client, Honest


def client(*markets: str, host: str = "public", rules: Rules = AT_ONCE) -> Client:
    """A client that has read its `status`."""
    made = Client(Exchange(seed=5, markets=markets or ("SOL/USD",), rules=rules), host)
    (status,) = made.take()
    assert status["channel"] == "status"
    return made


# ---------------------------------------------------------------- connection


def test_status_comes_first_and_names_the_connection() -> None:
    """The first frame is an unsolicited status with the connection's id; a change of the engine comes without one."""
    made = Client(Exchange(markets=["SOL/USD"]))
    (first,) = made.take()
    assert first["data"][0]["connection_id"] == made.id
    assert first["data"][0]["system"] == "online"
    made.exchange.set_system(SystemStatus.MAINTENANCE, now=1.0)
    (second,) = made.take()
    assert "connection_id" not in second["data"][0]
    assert second["data"][0]["system"] == "maintenance"


def test_pong_has_number_and_times_and_nothing_else() -> None:
    """A ping is answered by a pong with its number; with parameters it is refused in Kraken's words."""
    made = client()
    (pong,) = made.ask("ping", req_id=7)
    assert pong.keys() == {"method", "req_id", "time_in", "time_out"}
    assert (pong["method"], pong["req_id"]) == ("pong", 7)
    (refusal,) = made.say('{"method":"ping","params":{}}')
    assert refusal["error"] == "Unsupported field: 'params' for the given msg type: ping"
    assert "req_id" not in refusal


def test_heartbeats_come_once_a_second_from_the_first_subscription() -> None:
    """Nothing beats before a subscription is asked for; from then on once a second, even if it was refused."""
    made = client()
    assert made.wait(5) == []
    made.ask("subscribe", channel="book", symbol=["XBT/USD"])
    assert made.wait(10.5) == [{"channel": "heartbeat"}] * 10


def test_heartbeats_as_the_documents_have_them() -> None:
    """By that rule a heartbeat comes exactly after a second in which nothing else came."""
    made = client("SOL/USD", rules=Rules(snapshot_delay=(0.0, 0.0), heartbeat_always=False))
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    last, beats = 0.0, 0
    while made.now < 60:
        for frame in made.wait(0.01):
            if frame["channel"] == "heartbeat":
                assert 0.98 < made.now - last < 1.03
                beats += 1
            last = made.now
        assert made.now - last < 1.03
    assert 5 < beats < 55


def test_no_snapshot_for_those_who_want_none() -> None:
    """Without a snapshot the updates begin at once."""
    made = client("BTC/USD")
    made.ask("subscribe", channel="book", symbol=["BTC/USD"], snapshot=False)
    assert {frame.get("type") for frame in made.wait(5) if frame["channel"] == "book"} == {"update"}


def test_idle_connection_is_closed() -> None:
    """A connection without a subscription is closed a minute after its last request; one with a subscription is not."""
    made, busy = client(), client()
    busy.ask("subscribe", channel="trade", symbol=["SOL/USD"])
    made.wait(50)
    made.ask("ping")
    made.wait(50)
    assert made.exchange.closing(made.id) is None
    made.wait(11)
    busy.wait(300)
    assert made.exchange.closing(made.id) is not None
    assert busy.exchange.closing(busy.id) is None
    assert made.ask("ping") == []


@pytest.mark.parametrize(
    "frame", ["", "{", "[1]", '{"method":7}', '{"method":"ping","req_id":"a"}', "[" * 5000]
)
def test_what_is_no_request_is_malformed(frame: str) -> None:
    """What cannot be read as a request is refused as such, and the connection lives on."""
    made = client()
    (refusal,) = made.say(frame)
    assert (refusal["error"], refusal["method"], refusal["success"]) == ("Malformed request", "error", False)
    assert made.ask("ping")[0]["method"] == "pong"


def test_message_rate() -> None:
    """Requests beyond the allowance are refused in Kraken's words, and pass again when it has grown back."""
    made = client(rules=Rules(message_rate=2.0, message_burst=3))
    answers = [made.ask("ping")[0].get("error") for _ in range(5)]
    assert answers == [None, None, None, "Exceeded msg rate", "Exceeded msg rate"]
    made.wait(1)
    assert [made.ask("ping")[0].get("error") for _ in range(3)] == [None, None, "Exceeded msg rate"]


# ---------------------------------------------------------------- subscriptions


def test_one_answer_a_symbol_each_with_the_number() -> None:
    """Symbols are granted or refused one by one, under one number, each grant followed by its snapshot."""
    made = client("SOL/USD", "BTC/USD")
    told = made.ask("subscribe", req_id=4, channel="book", symbol=["SOL/USD", "XBT/USD", "BTC/USD"], depth=25)
    replies = [frame for frame in told if "method" in frame]
    assert [reply["req_id"] for reply in replies] == [4, 4, 4]
    assert replies[0]["result"] == {"channel": "book", "snapshot": True, "symbol": "SOL/USD", "depth": 25}
    assert (replies[1]["error"], replies[1]["symbol"], replies[1]["success"]) == (
        "Currency pair not supported XBT/USD",
        "XBT/USD",
        False,
    )
    snapshots = [frame["data"][0]["symbol"] for frame in told if frame.get("type") == "snapshot"]
    assert snapshots == ["SOL/USD", "BTC/USD"]


def test_second_subscription_is_refused_even_at_another_depth() -> None:
    """A symbol is subscribed once; unsubscribed, it may be subscribed anew and brings a snapshot."""
    made = client()
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    (refusal,) = made.ask("subscribe", channel="book", symbol=["SOL/USD"], depth=100)
    assert (refusal["error"], refusal["symbol"]) == ("Already subscribed", "SOL/USD")
    (refusal,) = made.ask("unsubscribe", channel="book", symbol=["SOL/USD"], depth=100)
    assert refusal["error"] == "Subscription Not Found"
    (granted,) = made.ask("unsubscribe", channel="book", symbol=["SOL/USD"], depth=10)
    assert granted["result"] == {"channel": "book", "symbol": "SOL/USD", "depth": 10}
    assert all(frame == {"channel": "heartbeat"} for frame in made.wait(5))
    told = made.ask("subscribe", channel="book", symbol=["SOL/USD"], depth=100)
    assert told[-1]["type"] == "snapshot"


def test_snapshot_comes_after_its_delay_and_updates_after_the_snapshot() -> None:
    """Between the acknowledgement and the snapshot nothing of the subscription comes."""
    made = client("BTC/USD", rules=Rules(snapshot_delay=(0.4, 0.4)))
    (granted,) = made.ask("subscribe", channel="book", symbol=["BTC/USD"])
    assert granted["success"]
    assert made.wait(0.399) == []
    told = made.wait(2)
    assert [frame["type"] for frame in told if frame["channel"] == "book"][:2] == ["snapshot", "update"]


def test_unsubscribed_before_the_snapshot() -> None:
    """A subscription that ends before its snapshot brings nothing at all."""
    made = client(rules=Rules(snapshot_delay=(0.4, 0.4)))
    made.ask("subscribe", channel="trade", symbol=["SOL/USD"], snapshot=True)
    made.ask("unsubscribe", channel="trade", symbol=["SOL/USD"])
    assert [frame["channel"] for frame in made.wait(3)] == ["heartbeat"] * 3


@pytest.mark.parametrize(
    ("host", "params", "error"),
    [
        (
            "public",
            {"channel": "book", "symbol": ["SOL/USD"], "depth": 11},
            "Subscription depth not supported",
        ),
        ("public", {"channel": "nothing", "symbol": ["SOL/USD"]}, "Unsupported event"),
        ("public", {"channel": "trade"}, "Unsupported event"),
        (
            "public",
            {"channel": "trade", "symbol": ["SOL/USD"], "depth": 10},
            "Unsupported field: 'depth' for the given msg type: subscribe",
        ),
        (
            "public",
            {"channel": "executions", "token": "x"},
            "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com",
        ),
        (
            "private",
            {"channel": "book", "symbol": ["SOL/USD"]},
            "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com",
        ),
        (
            "level3",
            {"channel": "trade", "symbol": ["SOL/USD"]},
            "Public market data subscriptions are unavailable on this endpoint. Try ws.kraken.com",
        ),
        ("private", {"channel": "balances", "token": "x"}, "ESession:Invalid session"),
    ],
)
def test_refusals_word_for_word(host: str, params: dict[str, Any], error: str) -> None:
    """Hosts refuse each other's channels, and wrong parameters are refused, in the words that Kraken uses."""
    (refusal,) = client(host=host).ask("subscribe", **params)
    assert (refusal["error"], refusal["success"]) == (error, False)


def test_stray_field_is_refused_for_each_symbol() -> None:
    """A parameter that a channel does not have is refused once a symbol, with the symbol, as a recording shows."""
    refusals = client().ask("subscribe", channel="trade", symbol=["SOL/USD", "WWW/USD"], depth=10)
    assert [(refusal["symbol"], refusal["error"]) for refusal in refusals] == [
        (symbol, "Unsupported field: 'depth' for the given msg type: subscribe")
        for symbol in ("SOL/USD", "WWW/USD")
    ]


def test_envelopes_have_the_digits_of_the_engine() -> None:
    """A candle comes at the microsecond of its trade, with three digits below it, or with none where they are zeros."""
    made = client()
    made.ask("subscribe", channel="ohlc", symbol=["SOL/USD"], interval=1)
    made.ask("subscribe", channel="trade", symbol=["SOL/USD"])
    told = made.wait(60)
    candles = [
        frame["timestamp"] for frame in told if frame["channel"] == "ohlc" and frame["type"] == "update"
    ]
    trades = [frame["data"][-1]["timestamp"] for frame in told if frame["channel"] == "trade"]
    assert [stamp[:26] for stamp in candles] == [stamp[:26] for stamp in trades]
    assert {len(stamp) for stamp in candles} == {27, 30}
    assert len({stamp[26:29] for stamp in candles}) > 10


def test_private_refusal_names_its_channel() -> None:
    """A private subscription with a bad token is refused with channel and status beside the error."""
    (refusal,) = client(host="private").ask("subscribe", channel="executions", token="x")
    assert (refusal["channel"], refusal["status"]) == ("executions", "error")


def test_orders_need_the_private_host_and_a_token() -> None:
    """An order on the public host, and one without a token, are refused in Kraken's words."""
    (elsewhere,) = client().ask("add_order", symbol="SOL/USD")
    assert elsewhere["error"].startswith("Private data and trading are unavailable")
    (without,) = client(host="private").ask("add_order", symbol="SOL/USD")
    assert without["error"] == "Token(s) not found"


def test_other_channels_are_granted_in_their_own_words() -> None:
    """Ticker, ohlc and trade are granted with the fields that each of them has; ohlc with its warning."""
    made = client()
    results = [
        made.ask("subscribe", channel=channel, symbol=["SOL/USD"], **more)[0]["result"]
        for channel, more in (("ticker", {}), ("ohlc", {"interval": 60}), ("trade", {}))
    ]
    assert results == [
        {"channel": "ticker", "snapshot": True, "symbol": "SOL/USD", "event_trigger": "trades"},
        {
            "channel": "ohlc",
            "snapshot": True,
            "symbol": "SOL/USD",
            "interval": 60,
            "warnings": ["timestamp is deprecated, use interval_begin"],
        },
        {"channel": "trade", "snapshot": False, "symbol": "SOL/USD"},
    ]


def test_intervals_side_by_side() -> None:
    """Candles of two intervals, and tickers of two triggers, run side by side and end apart."""
    made = client()
    for interval in (1, 60):
        assert made.ask("subscribe", channel="ohlc", symbol=["SOL/USD"], interval=interval)[0]["success"]
    for trigger in ("trades", "bbo"):
        assert made.ask("subscribe", channel="ticker", symbol=["SOL/USD"], event_trigger=trigger)[0][
            "success"
        ]
    (refusal,) = made.ask("subscribe", channel="ohlc", symbol=["SOL/USD"], interval=60)
    assert refusal["error"] == "Already subscribed"
    made.ask("unsubscribe", channel="ohlc", symbol=["SOL/USD"])
    told = {row["interval"] for frame in made.wait(60) if frame["channel"] == "ohlc" for row in frame["data"]}
    assert told == {60}
    (refusal,) = made.ask("unsubscribe", channel="ohlc", symbol=["SOL/USD"], interval=5)
    assert refusal["error"] == "Subscription Not Found"


# ---------------------------------------------------------------- level3


def token(made: Client) -> str:
    return made.exchange.tokens.issue(made.exchange.at)


def test_level3_needs_its_host_and_a_token() -> None:
    """Only its own host serves level3, and only with a token that is known; the grant names no depth."""
    elsewhere = client()
    (refusal,) = elsewhere.ask("subscribe", channel="level3", symbol=["SOL/USD"], token=token(elsewhere))
    assert refusal["error"].startswith("Private data and trading are unavailable on this endpoint.")
    private = client(host="private")
    (refusal,) = private.ask("subscribe", channel="level3", symbol=["SOL/USD"], token=token(private))
    assert refusal["error"].endswith("Try ws-l3.kraken.com")
    made = client(host="level3")
    for wrong in ({}, {"token": "no"}, {"token": 7}):
        (refusal,) = made.ask("subscribe", channel="level3", symbol=["SOL/USD"], **wrong)
        assert (refusal["error"], refusal["channel"]) == ("ESession:Invalid session", "level3")
    granted, snapshot = made.ask("subscribe", channel="level3", symbol=["SOL/USD"], token=token(made))
    assert granted["result"] == {"channel": "level3", "snapshot": True, "symbol": "SOL/USD"}
    assert snapshot["data"][0]["bids"][0].keys() == {"order_id", "limit_price", "order_qty", "timestamp"}


def test_token_lives_fifteen_minutes_or_as_long_as_its_connection() -> None:
    """A token that nobody used in fifteen minutes is refused; one that was used goes on working on its connection, and there alone."""
    made, late = client(host="level3"), client(host="level3")
    used, unused = token(made), token(late)
    made.ask("subscribe", channel="level3", symbol=["SOL/USD"], token=used)
    late.ask("subscribe", channel="level3", symbol=["XBT/USD"], token=token(late))
    made.wait(901)
    (granted,) = [
        frame
        for frame in made.ask("unsubscribe", channel="level3", symbol=["SOL/USD"], token=used)
        if "method" in frame
    ]
    assert granted["success"]
    late.exchange.advance(59.0)
    late.now = 59.0
    late.ask("subscribe", channel="level3", symbol=["SOL/USD"], token=unused)
    late.wait(845)
    other = Client(late.exchange, "level3", now=late.now)
    (refusal,) = other.ask("subscribe", channel="level3", symbol=["SOL/USD"], token=unused)[1:]
    assert refusal["error"] == "ESession:Invalid session"
    late.exchange.tokens.revoke()
    assert not late.exchange.tokens.valid(token(late)[1:], late.exchange.at)


def test_level3_allowance() -> None:
    """A second allows 40 symbols of depth 10, a connection 200 symbols; beyond that a symbol is refused, and the others are not."""
    exchange = Exchange(markets=invented(230, rate=0.01), rules=AT_ONCE)
    made = Client(exchange, "level3")
    made.take()
    bought = token(made)

    def begin(first: int, count: int, depth: int) -> list[str | None]:
        symbols = list(exchange.markets)[first : first + count]
        told = made.ask("subscribe", channel="level3", symbol=symbols, depth=depth, token=bought)
        return [frame.get("error") for frame in told if "method" in frame]

    assert begin(0, 42, 10) == [None] * 40 + ["Exceeded msg rate"] * 2
    made.wait(1)
    assert begin(40, 9, 100) == [None] * 8 + ["Exceeded msg rate"]
    for first in range(48, 200, 40):
        made.wait(1)
        assert set(begin(first, min(40, 200 - first), 10)) == {None}
    made.wait(1)
    assert begin(200, 2, 10) == ["Exceeded maximum number of symbols"] * 2


# ---------------------------------------------------------------- the exchange itself


def test_same_seed_same_frames() -> None:
    """Two exchanges of one seed send the same bytes to the same requests; another seed sends others."""

    def frames(seed: int) -> list[bytes]:
        exchange = Exchange(seed=seed, markets=["SOL/USD", "PEPE/USD"])
        number = exchange.connect(now=0.0)
        request = '{"method":"subscribe","params":{"channel":"book","symbol":["SOL/USD","PEPE/USD"]}}'
        exchange.receive(number, request, now=0.0)
        exchange.advance(30.0)
        return exchange.take_outgoing(number)

    assert len(frames(1)) > 100
    assert frames(1) == frames(1)
    assert frames(1) != frames(2)


def test_time_in_one_step_or_in_many() -> None:
    """How often the exchange is advanced changes nothing; `deadline` names the next moment at which anything happens."""
    big, small = (client("SOL/USD", "BTC/USD") for _ in range(2))
    for one in (big, small):
        one.ask("subscribe", channel="book", symbol=["SOL/USD", "BTC/USD"])
    at_once = big.wait(20)
    stepwise: list[Any] = []
    while (due := small.exchange.deadline) is not None and due <= 20:
        small.exchange.advance(due - 1e-6)
        assert small.take() == []
        small.exchange.advance(due)
        stepwise += small.take()
        assert (small.exchange.deadline or 0.0) > due - 1e-9
    assert stepwise == at_once
    assert len(at_once) > 100


def test_unknown_market_and_host_are_errors_of_the_caller() -> None:
    """A market or a host that does not exist, and a market listed twice, are refused before anything begins."""
    with pytest.raises(UsageError):
        Exchange(markets=["XBT/USD"])
    with pytest.raises(UsageError):
        Exchange(markets=["SOL/USD", "SOL/USD"])
    with pytest.raises(UsageError):
        Exchange().connect("futures", now=0.0)


def test_it_begins_later_than_it_was_made() -> None:
    """An exchange that begins an hour after it was made sends the same frames at the same seconds, but for the time in them; once it runs
    it cannot begin again.
    """
    told = []
    for later in (0, 3600):
        exchange = Exchange(seed=5, markets=["SOL/USD"])
        deadline = exchange.deadline
        exchange.begin(EPOCH + later * SECOND)
        assert (exchange.at, exchange.deadline) == (EPOCH + later * SECOND, deadline)
        client = exchange.connect(now=0.0)
        ask = b'{"method":"subscribe","params":{"channel":"book","symbol":["SOL/USD"]}}'
        exchange.receive(client, ask, now=0.0)
        exchange.advance(5.0)
        frames = b"\n".join(exchange.take_outgoing(client))
        assert (b"T09:00:0" in frames, b"T08:00:0" in frames) == (later > 0, later == 0)
        told.append(frames.replace(b"T09:00:0", b"T08:00:0"))
        with pytest.raises(UsageError, match="has begun"):
            exchange.begin(EPOCH)
    assert told[0] == told[1]
    exchange = Exchange()
    exchange.begin(0)
    assert exchange.epoch == EPOCH


def test_http_answers_like_kraken() -> None:
    """REST answers with an error list and a result, and refuses an unknown method with status 200."""
    exchange = Exchange(markets=["SOL/USD"])
    status, body = exchange.rest("GET", "/0/public/SystemStatus", {}, b"", now=1.0)
    assert (status, b'"status":"online"' in body) == (200, True)
    assert exchange.rest("GET", "/0/public/Nothing", {}, b"", now=1.0) == (
        200,
        b'{"error":["EGeneral:Unknown method"]}',
    )


class Meddler(Honest):
    """Faults that drop every third frame of a channel, hear nothing of pings, and refuse one symbol."""

    def __init__(self) -> None:
        self.count = 0

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        self.count += label.channel == "book"
        if label.channel != "book" or self.count % 3:
            connection.emit(frame, label, at)

    def hear(self, connection: Connection, frame: bytes | str, at: int) -> bytes | str | None:
        return None if "ping" in str(frame) else frame

    def refusal(self, connection: Connection, request: Request, symbol: str) -> str | None:
        return "EService:Unavailable" if symbol == "BTC/USD" else None


def test_faults_stand_between_the_exchange_and_its_clients() -> None:
    """Faults decide which frames arrive in either direction, and may refuse a symbol in any words."""
    exchange = Exchange(seed=5, markets=["SOL/USD", "BTC/USD"], rules=AT_ONCE)
    exchange.faults = Meddler()
    made = Client(exchange)
    told = made.ask("subscribe", channel="book", symbol=["SOL/USD", "BTC/USD"])
    assert [frame.get("error") for frame in told if "method" in frame] == [None, "EService:Unavailable"]
    assert made.ask("ping") == []
    books = [frame for frame in told + made.wait(60) if frame.get("channel") == "book"]
    assert len(books) == exchange.faults.count - exchange.faults.count // 3 > 60


def test_disconnected_client_is_forgotten() -> None:
    """Nothing is made for a client that is gone, and his number is not known any more."""
    made = client()
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    made.wait(1)
    made.exchange.disconnect(made.id)
    made.exchange.advance(60.0)
    assert made.exchange.markets["SOL/USD"].streams == []
    with pytest.raises(KeyError):
        made.exchange.take_outgoing(ConnectionId(made.id))
