"""What the session asks of Kraken leaves through the handler: taken, or handed to a sender; with a token where one is needed."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from krakenwire import BookNotLive, create_kraken_v2_handler
from krakenwire.errors import RequestsIgnored, TokenUnavailable, UsageError
from krakenwire.events import (
    BookDisputed,
    BookLive,
    BookLost,
    PeerSilent,
    ReplyMissing,
    ResyncNeeded,
)
from krakenwire.handler import KrakenV2MessageHandler
from krakenwire.state.book import BookStatus
from krakenwire.wire.subscriptions import BookSubscription, ExecutionsSubscription, Ping
from tests.session.exchange import Exchange
from tests.session.say import ack
from tests.session.server import Server
from tests.vectors import account

CANARY = "token-canary-9c0d"
HEARTBEAT = b'{"channel":"heartbeat"}'


class Clock:
    """Time that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Connection:
    """A handler and Kraken's side of it, joined by two queues as by a socket."""

    def __init__(self, *, asynchronous: bool = False, **options: Any) -> None:
        self.clock = Clock()
        self.server = Server("BTC/USD", "ETH/USD")
        self.incoming: list[bytes] = []
        self.sent: list[dict[str, Any]] = []
        send = self.send_async if asynchronous else self.send
        self.handler = KrakenV2MessageHandler(on_outgoing=send, clock=self.clock, **options)
        self.events: list[Any] = []
        self.errors: list[Any] = []
        self.handler.register_callback("*", self.events.append)
        self.handler.register_error_callback(self.errors.append)

    def send(self, frame: bytes) -> None:
        self.sent.append(json.loads(frame))
        self.incoming += self.server.answers(self.sent[-1])

    async def send_async(self, frame: bytes) -> None:
        await asyncio.sleep(0)
        self.send(frame)

    def run(self, *frames: bytes) -> None:
        self.incoming = [*frames, *self.incoming, HEARTBEAT]
        while self.incoming:
            assert self.handler.process(self.incoming.pop(0))

    async def arun(self, *frames: bytes) -> None:
        self.incoming = [*frames, *self.incoming, HEARTBEAT]
        while self.incoming:
            assert await self.handler.process_message(self.incoming.pop(0))

    def lose_an_update(self) -> bytes:
        """One update never arrives; the frame that shows it."""
        market = self.server.markets["BTC/USD"]
        market.update(asks={"1001": "7"})
        return market.update(bids={"1000.5": "1"})


def of(kind: type, events: list[Any]) -> list[Any]:
    """The events of one kind."""
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.fault("B1")
def test_book_heals_itself() -> None:
    """With a plain sender a subscribed book that loses an update is live again without any help, and the other one never stops."""
    line = Connection()
    line.handler.subscribe(BookSubscription(symbol=("BTC/USD", "ETH/USD")))
    line.run()
    assert line.handler.book("BTC/USD").verified
    line.run(line.lose_an_update())
    assert len(of(BookLost, line.events)) == 1
    assert [request["method"] for request in line.sent] == ["subscribe", "unsubscribe", "subscribe"]
    assert [event.symbol for event in of(BookLive, line.events)] == ["BTC/USD", "ETH/USD", "BTC/USD"]
    assert line.handler.book("BTC/USD").verified
    assert line.errors == []


async def test_book_heals_itself_with_an_async_sender() -> None:
    """The same with an async sender, which is awaited."""
    line = Connection(asynchronous=True)
    line.handler.subscribe(BookSubscription(symbol=("BTC/USD",)))
    await line.arun()
    await line.arun(line.lose_an_update())
    assert [request["method"] for request in line.sent] == ["subscribe", "unsubscribe", "subscribe"]
    assert line.handler.book("BTC/USD").verified
    with pytest.raises(UsageError, match="process_message"):
        line.handler.process(HEARTBEAT)


def test_take_outgoing() -> None:
    """Without a sender frames are taken after each frame, once each; the numbers are our own."""
    handler = create_kraken_v2_handler()
    exchange = Exchange()
    for frame in (ack("subscribe", depth=25), exchange.snapshot()):
        handler.process(frame)
    exchange.update(asks={"1001": "7"})
    handler.process(exchange.update(bids={"1000.5": "1"}))
    (frame,) = handler.take_outgoing()
    assert json.loads(frame) == {
        "method": "unsubscribe",
        "params": {"channel": "book", "symbol": ["BTC/USD"], "depth": 25},
        "req_id": 2**52,
    }
    assert handler.take_outgoing() == []


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_nobody_takes_them(*, asynchronous: bool) -> None:
    """If nobody ever takes the requests, one error callback says so, once; a snapshot heals the book all the same."""
    clock, errors = Clock(), list[Any]()
    handler = KrakenV2MessageHandler(clock=clock, token_provider=_no_token if asynchronous else None)
    handler.register_error_callback(errors.append)
    exchange = Exchange()

    async def feed(frame: bytes) -> None:
        await handler.process_message(frame)

    for frame in (ack("subscribe"), exchange.snapshot()):
        await feed(frame)
    exchange.update(asks={"1001": "7"})
    await feed(exchange.update(bids={"1000.5": "1"}))
    for _ in range(20):
        clock.now += 1.0
        await feed(HEARTBEAT)
    await feed(HEARTBEAT)
    assert [type(error) for error in errors] == [RequestsIgnored]
    assert "take_outgoing" in str(errors[0])
    await feed(exchange.snapshot())
    assert handler.book("BTC/USD").verified
    assert handler.take_outgoing() == []


_no_arguments: Any = lambda: None  # noqa: E731 (a function that cannot take an event)


async def _no_token() -> str:
    return ""


@pytest.mark.parametrize("style", ["plain", "async"])
async def test_token(style: str, caplog: pytest.LogCaptureFixture) -> None:
    """A hole in a private sequence gets a token and takes the channel anew. The token is in the frames and nowhere else."""
    calls: list[int] = []

    def plain() -> str:
        calls.append(1)
        return CANARY

    async def waiting() -> str:
        await asyncio.sleep(0)
        return plain()

    caplog.set_level(logging.DEBUG)
    sent: list[bytes] = []
    events: list[Any] = []
    handler = create_kraken_v2_handler(
        on_outgoing=sent.append, token_provider=plain if style == "plain" else waiting
    )
    handler.register_callback("*", events.append)
    for frame in (account.EMPTY_SNAPSHOT.frame, account.FILL.frame, HEARTBEAT):
        await handler.process_message(frame)
    (needed,) = of(ResyncNeeded, events)
    assert needed.requested
    assert len(calls) == 1
    assert [json.loads(frame)["params"]["token"] for frame in sent] == [CANARY]
    told = repr(events) + repr(handler.get_statistics()) + repr(handler.get_connection_status()) + caplog.text
    assert CANARY not in told


async def test_token_provider_that_fails() -> None:
    """A provider that fails is reported without its words, and asked again five seconds later, not at every frame."""
    clock, errors, sent = Clock(), list[Any](), list[bytes]()
    answers: list[Any] = [ValueError(CANARY), 7, CANARY]

    async def provider() -> Any:
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    handler = KrakenV2MessageHandler(clock=clock, on_outgoing=sent.append, token_provider=provider)
    handler.register_error_callback(errors.append)
    handler.subscribe(ExecutionsSubscription())
    for _ in range(12):
        await handler.process_message(HEARTBEAT)
        clock.now += 1.0
    await handler.process_message(HEARTBEAT)
    assert [type(error) for error in errors] == [TokenUnavailable, TokenUnavailable]
    assert [str(error) for error in errors] == [
        "the token provider failed: ValueError",
        "the token provider gave no token but int",
    ]
    assert json.loads(sent[0])["params"]["token"] == CANARY


def test_without_token_provider() -> None:
    """Without a provider a private channel cannot be taken anew: the fact says so, and it cannot be subscribed."""
    events: list[Any] = []
    handler = create_kraken_v2_handler()
    handler.register_callback("resync_needed", events.append)
    for frame in (account.EMPTY_SNAPSHOT.frame, account.FILL.frame):
        handler.process(frame)
    (needed,) = events
    assert (needed.channel, needed.requested) == ("executions", False)
    with pytest.raises(UsageError, match="no token provider"):
        handler.subscribe(ExecutionsSubscription())


@pytest.mark.parametrize("asynchronous", [True, False])
async def test_sender_that_fails(*, asynchronous: bool) -> None:
    """A sender that raises is reported without the frame; what was not sent goes unanswered and is asked for again."""
    line = Connection(asynchronous=asynchronous)
    feed: Callable[[], Any] = line.arun if asynchronous else _as_async(line.run)
    working, line.server.mute = line.send, True

    def broken(frame: bytes) -> None:
        raise OSError(frame)

    line.send = broken  # type: ignore[method-assign]
    handler = KrakenV2MessageHandler(
        on_outgoing=line.send_async if asynchronous else broken, clock=line.clock
    )
    line.handler = handler
    handler.register_error_callback(line.errors.append)
    handler.subscribe(BookSubscription(symbol=("BTC/USD",)))
    await feed()
    assert [str(error) for error in line.errors] == ["on_outgoing failed: OSError"]
    line.send, line.server.mute = working, False  # type: ignore[method-assign]
    if not asynchronous:
        return
    line.clock.now += 5.1
    await feed()
    assert handler.book("BTC/USD").verified


def _as_async(run: Callable[[], None]) -> Callable[[], Any]:
    async def call() -> None:
        run()

    return call


@pytest.mark.fault("B5")
def test_dispute_policy() -> None:
    """A book that stays wrong is disputed after three resyncs, stays unreadable, and its next attempt comes with a frame or a tick."""
    line = Connection()
    line.handler.subscribe(BookSubscription(symbol=("BTC/USD",)))
    line.run()
    line.server.lies.add("BTC/USD")
    line.run(line.lose_an_update())
    assert len(of(BookDisputed, line.events)) == 1
    assert line.handler.book_status("BTC/USD") is BookStatus.DISPUTED
    with pytest.raises(BookNotLive):
        line.handler.book("BTC/USD")
    line.server.lies.clear()
    line.clock.now += 61.0
    line.run()
    assert line.handler.book_status("BTC/USD") is BookStatus.LIVE


@pytest.mark.fault("J14")
def test_request() -> None:
    """A request of the caller's is sent once; a missing answer is told when its time is up."""
    line = Connection()
    line.server.mute = True
    number = line.handler.request(Ping())
    line.run()
    assert line.sent == [{"method": "ping", "req_id": number}]
    line.clock.now += 6.0
    line.run()
    assert len(line.sent) == 1
    assert (
        of(ReplyMissing, line.events) == []
    )  # a ping without an answer is silence, and that has its own limit


def test_tick_notices_silence() -> None:
    """Silence shows in a tick, never in a frame; the deadline says when to look."""
    line = Connection()
    line.handler.subscribe(BookSubscription(symbol=("BTC/USD",)))
    line.run()
    assert line.handler.deadline == 103.0
    line.clock.now = 103.0
    line.handler.tick()
    assert line.sent[-1]["method"] == "ping"
    line.clock.now = 105.0
    line.handler.tick()
    assert of(PeerSilent, line.events) == [PeerSilent(100.0)]
    with pytest.raises(BookNotLive):
        line.handler.book("BTC/USD")


@pytest.mark.fault("C2")
async def test_awaited_callbacks_are_not_silence() -> None:
    """Time in which the caller awaits a callback is not held against Kraken, neither during it nor after it."""
    line = Connection()
    line.handler.subscribe(BookSubscription(symbol=("BTC/USD",)))
    line.run()
    going_on = asyncio.Event()

    async def slow(_event: Any) -> None:
        await going_on.wait()

    line.handler.register_callback("heartbeat", slow)
    call = asyncio.create_task(line.handler.process_message(HEARTBEAT))
    await asyncio.sleep(0)
    line.clock.now += 60.0
    line.handler.tick()
    going_on.set()
    await call
    line.handler.tick()
    assert of(PeerSilent, line.events) == []
    assert line.handler.book("BTC/USD").verified
    line.clock.now += 5.0
    line.handler.tick()
    await line.handler.flush()
    assert len(of(PeerSilent, line.events)) == 1


def test_resync_and_unsubscribe() -> None:
    """The caller can take one book anew, and end a subscription."""
    line = Connection()
    line.handler.subscribe(BookSubscription(symbol=("BTC/USD",)))
    line.run()
    line.handler.resync("book", "BTC/USD")
    assert line.handler.book_status("BTC/USD") is BookStatus.RESYNCING
    line.run()
    assert line.handler.book("BTC/USD").verified
    assert line.handler.unsubscribe("book", "BTC/USD")
    line.run()
    assert line.server.subscribed == set()
    assert line.handler.book_status("BTC/USD") is BookStatus.CLOSED


def test_account_and_trust() -> None:
    """Orders, balances and the ledger can be asked for."""
    clock = Clock()
    handler = KrakenV2MessageHandler(clock=clock)
    assert handler.account_live == {"executions": False, "balances": False}
    handler.process(account.PENDING_NEW.frame.replace(b'"update"', b'"snapshot"'))
    handler.process(account.BALANCE_SNAPSHOT.frame)
    assert handler.account_live == {"executions": True, "balances": True}
    assert len(handler.open_orders()) == 1
    assert handler.balances()
    handler.process(Exchange().snapshot())
    clock.now += 10.0
    assert handler.trust("book", "BTC/USD", 100.0, 110.0).verified
    assert not handler.trust("book", "BTC/USD", 90.0, 110.0).verified


async def test_async_provider_is_left_to_process_message() -> None:
    """An async token provider is called by `process_message`, at once, also if frames were taken by hand before."""
    errors: list[Any] = []

    async def provider() -> str:
        return CANARY

    handler = create_kraken_v2_handler(token_provider=provider)
    handler.register_error_callback(errors.append)
    handler.subscribe(ExecutionsSubscription())
    assert handler.take_outgoing() == []
    await handler.process_message(HEARTBEAT)
    (frame,) = handler.take_outgoing()
    assert json.loads(frame)["params"]["token"] == CANARY
    assert errors == []


async def test_ping_through_an_async_sender() -> None:
    """What a tick asks for leaves with `flush`, so that a quiet connection is asked before it is given up."""
    line = Connection(asynchronous=True)
    line.handler.subscribe(BookSubscription(symbol=("BTC/USD",)))
    await line.arun()
    line.clock.now += 3.0
    line.handler.tick()
    await line.handler.flush()
    assert line.sent[-1]["method"] == "ping"


def test_failures_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Without any error callback a sender that fails and a provider that gives nothing stand in the log."""

    def broken(_frame: bytes) -> None:
        raise OSError

    handler = create_kraken_v2_handler(on_outgoing=broken, token_provider=lambda: None)
    handler.subscribe(BookSubscription(symbol=("BTC/USD",)))
    handler.subscribe(ExecutionsSubscription())
    handler.process(HEARTBEAT)
    assert "on_outgoing failed: OSError" in caplog.text
    assert "the token provider gave no token but NoneType" in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: create_kraken_v2_handler(token_provider=7),  # type: ignore[arg-type]
        lambda: create_kraken_v2_handler(on_outgoing="x"),  # type: ignore[arg-type]
        lambda: create_kraken_v2_handler(limits=5),  # type: ignore[arg-type]
        lambda: create_kraken_v2_handler(clock=5),  # type: ignore[arg-type]
        lambda: create_kraken_v2_handler().subscribe("book"),  # type: ignore[arg-type]
        lambda: create_kraken_v2_handler().unsubscribe("books"),
        lambda: create_kraken_v2_handler().resync("nonsense"),
        lambda: create_kraken_v2_handler().trust("nonsense", None, 0.0, 1.0),
        lambda: create_kraken_v2_handler().book_status("BTC/USD", "nonsense"),
        lambda: create_kraken_v2_handler().expect_book("BTC/USD", 7),
        lambda: create_kraken_v2_handler().register_callback("gap", _no_arguments),
    ],
)
def test_wrong_use_is_refused(wrong: Callable[[], Any]) -> None:
    """An option or argument that makes no sense is refused at once, by name."""
    with pytest.raises(UsageError):
        wrong()


def test_book_that_nobody_wants() -> None:
    """A book that was never subscribed is unknown, one that was is wanted, and the error says which."""
    handler = create_kraken_v2_handler()
    assert handler.book_status("BTCUSD") is None
    with pytest.raises(BookNotLive, match="neither subscribed nor seen"):
        handler.book("BTCUSD")
    handler.subscribe(BookSubscription(symbol=("BTC/USD",)))
    assert handler.book_status("BTC/USD", "orderbook") is BookStatus.WANTED
    with pytest.raises(BookNotLive, match="is wanted: no snapshot yet"):
        handler.book("BTC/USD")
    handler.process(Exchange().snapshot())
    for depth in (0, -1, True):
        with pytest.raises(UsageError):
            handler.book("BTC/USD", depth)
