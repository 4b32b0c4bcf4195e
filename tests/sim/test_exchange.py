"""The exchange as its clients see it: the protocol word for word, and books that our own session can prove."""

from __future__ import annotations

from typing import Any

import pytest

from krakenwire.errors import UsageError
from krakenwire.events import Event, TradeUpdate
from krakenwire.sim import Exchange, Rules, invented
from krakenwire.sim.connection import Connection, ConnectionId
from krakenwire.sim.exchange import Refused
from krakenwire.sim.feeds.feed import Label
from krakenwire.sim.requests import Request
from krakenwire.wire.enums import SystemStatus
from krakenwire.wire.subscriptions import BookSubscription, TradeSubscription
from tests.sim.drive import AT_ONCE, Client, Pairing


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


def test_http_answers_like_kraken() -> None:
    """REST answers with an error list and a result, and refuses an unknown method with status 200."""
    exchange = Exchange(markets=["SOL/USD"])
    status, body = exchange.rest("GET", "/0/public/SystemStatus", {}, b"", now=1.0)
    assert (status, b'"status":"online"' in body) == (200, True)
    assert exchange.rest("GET", "/0/public/Nothing", {}, b"", now=1.0) == (
        200,
        b'{"error":["EGeneral:Unknown method"]}',
    )


def test_session_proves_every_book_and_every_trade() -> None:
    """Our own session follows books of all depths in all kinds of markets for ten minutes, and reports nothing but proven data."""
    markets = ["BTC/USD", "ETH/USD", "SOL/USD", "DOGE/USD", "ETH/BTC", "PEPE/USD", "PAXG/USD", "XMN/USD"]
    exchange = Exchange(seed=11, markets=[*markets, *invented(9)])
    pairing = Pairing(exchange)
    incomplete: list[Event] = []

    def look(event: Event) -> None:
        if isinstance(event, TradeUpdate) and not (event.complete or event.snapshot):
            incomplete.append(event)

    pairing.seen = look
    symbols = tuple(exchange.markets)
    for at, depth in enumerate((10, 25, 100, 500, 1000)):
        pairing.session.subscribe(BookSubscription(symbol=symbols[at::5], depth=depth), now=0.0)
    pairing.session.subscribe(TradeSubscription(symbol=symbols), now=0.0)
    pairing.run(600)
    events = pairing.events
    assert events.keys() == {
        "StatusUpdate",
        "SubscribeReply",
        "BookLive",
        "Heartbeat",
        "OrderBookUpdate",
        "TradeUpdate",
    }
    assert events["BookLive"] == len(symbols)
    assert events["OrderBookUpdate"] > 15_000
    assert len(incomplete) <= len(symbols)  # the very first trade of a stream has none before it
    for symbol, market in exchange.markets.items():
        view = pairing.session.book(symbol, 10)
        held = [[(str(level.price), str(level.qty)) for level in side] for side in (view.bids, view.asks)]
        assert held == [
            [(market.pair.price(level.price), market.pair.qty(level.total)) for level in side.window(10)]
            for side in market.engine.sides
        ]


class Meddler:
    """Faults that drop every third frame of a channel, hear nothing of pings, and refuse one symbol."""

    def __init__(self) -> None:
        self.count = 0
        self.later: list[int] = []

    def pass_on(self, connection: Connection, frame: bytes, label: Label, at: int) -> None:
        self.count += label.channel == "book"
        if label.channel != "book" or self.count % 3:
            connection.emit(frame, label, at)

    def hear(self, connection: Connection, frame: bytes | str, at: int) -> bytes | str | None:
        return None if "ping" in str(frame) else frame

    def refusal(self, connection: Connection, request: Request, symbol: str) -> str | None:
        return "EService:Unavailable" if symbol == "BTC/USD" else None

    def admit(self, host: str, at: int) -> Refused | None:
        return None

    def http(self, path: str, at: int) -> Refused | None:
        return None


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
