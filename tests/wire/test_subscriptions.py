"""`wire/subscriptions.py`: what we ask for is written as Kraken reads it, and mistakes are found before
sending.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from krakenwire.errors import UsageError
from krakenwire.wire.enums import Channel, EventTrigger, ExecutionVenue
from krakenwire.wire.orders import CancelAll
from krakenwire.wire.secret import Secret, conceal_hook, reveal_hook
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ControlRequest,
    ExecutionsSubscription,
    InstrumentSubscription,
    Level3Subscription,
    OhlcSubscription,
    Ping,
    Subscribe,
    Subscription,
    TickerSubscription,
    TradeSubscription,
    Unsubscribe,
    Unsubscription,
    ending,
    with_token,
)

ENCODER = msgspec.json.Encoder(enc_hook=reveal_hook)
DECODER = msgspec.json.Decoder(ControlRequest, dec_hook=conceal_hook)
TOKEN = Secret("WIRETOKEN")
SOL = ("SOL/USD",)

WRITTEN: list[tuple[ControlRequest, bytes]] = [
    (Ping(), b'{"method":"ping"}'),
    (Ping(req_id=7001), b'{"method":"ping","req_id":7001}'),
    (
        Subscribe(TickerSubscription(symbol=SOL), req_id=1),
        (
            b'{"method":"subscribe","params":{"channel":"ticker","symbol":["SOL/USD"],"snapshot":true,'
            b'"event_trigger":"trades"},"req_id":1}'
        ),
    ),
    (
        Subscribe(BookSubscription(symbol=("SOL/USD", "BTC/USD"), depth=1000), req_id=0),
        (
            b'{"method":"subscribe","params":{"channel":"book","symbol":["SOL/USD","BTC/USD"],"snapshot":true,'
            b'"depth":1000},"req_id":0}'
        ),
    ),
    (
        Subscribe(Level3Subscription(symbol=SOL, depth=100, token=TOKEN)),
        (
            b'{"method":"subscribe","params":{"channel":"level3","symbol":["SOL/USD"],"snapshot":true,"depth":100,'
            b'"token":"WIRETOKEN"}}'
        ),
    ),
    (
        Subscribe(OhlcSubscription(symbol=SOL, interval=1440)),
        b'{"method":"subscribe","params":{"channel":"ohlc","symbol":["SOL/USD"],"snapshot":true,"interval":1440}}',
    ),
    (
        Subscribe(TradeSubscription(symbol=SOL, snapshot=False)),
        b'{"method":"subscribe","params":{"channel":"trade","symbol":["SOL/USD"],"snapshot":false}}',
    ),
    (
        Subscribe(
            InstrumentSubscription(
                include_tokenized_assets=True, execution_venue=ExecutionVenue.BITNOMIAL_EXCHANGE
            )
        ),
        (
            b'{"method":"subscribe","params":{"channel":"instrument","snapshot":true,"include_tokenized_assets":true,'
            b'"execution_venue":"bitnomial-exchange"}}'
        ),
    ),
    (
        Subscribe(
            ExecutionsSubscription(
                snap_trades=True,
                order_status=False,
                ratecounter=True,
                rebased=False,
                users="all",
                token=TOKEN,
            )
        ),
        (
            b'{"method":"subscribe","params":{"channel":"executions","snap_orders":true,"snap_trades":true,'
            b'"order_status":false,"ratecounter":true,"rebased":false,"users":"all","token":"WIRETOKEN"}}'
        ),
    ),
    (
        Subscribe(BalancesSubscription(token=TOKEN)),
        b'{"method":"subscribe","params":{"channel":"balances","snapshot":true,"token":"WIRETOKEN"}}',
    ),
    (
        Unsubscribe(ending(BookSubscription(symbol=("SOL/USD", "BTC/USD"), depth=25)), req_id=2),
        b'{"method":"unsubscribe","params":{"channel":"book","symbol":["SOL/USD","BTC/USD"],"depth":25},"req_id":2}',
    ),
    (
        Unsubscribe(ending(BookSubscription(symbol=("SOL/USD", "BTC/USD")), "BTC/USD")),
        b'{"method":"unsubscribe","params":{"channel":"book","symbol":["BTC/USD"],"depth":10}}',
    ),
    (
        Unsubscribe(ending(TickerSubscription(symbol=SOL, event_trigger=EventTrigger.BBO))),
        b'{"method":"unsubscribe","params":{"channel":"ticker","symbol":["SOL/USD"],"event_trigger":"bbo"}}',
    ),
    (
        Unsubscribe(ending(OhlcSubscription(symbol=SOL, interval=5))),
        b'{"method":"unsubscribe","params":{"channel":"ohlc","symbol":["SOL/USD"],"interval":5}}',
    ),
    (
        Unsubscribe(ending(Level3Subscription(symbol=SOL, token=TOKEN))),
        (
            b'{"method":"unsubscribe","params":{"channel":"level3","symbol":["SOL/USD"],"depth":10,'
            b'"token":"WIRETOKEN"}}'
        ),
    ),
    (
        Unsubscribe(ending(TradeSubscription(symbol=SOL))),
        b'{"method":"unsubscribe","params":{"channel":"trade","symbol":["SOL/USD"]}}',
    ),
    (
        Unsubscribe(ending(InstrumentSubscription())),
        b'{"method":"unsubscribe","params":{"channel":"instrument"}}',
    ),
    (
        Unsubscribe(ending(ExecutionsSubscription(token=TOKEN))),
        b'{"method":"unsubscribe","params":{"channel":"executions","token":"WIRETOKEN"}}',
    ),
]


@pytest.mark.parametrize(("request_", "frame"), WRITTEN, ids=lambda value: type(value).__name__)
def test_requests_are_written(request_: ControlRequest, frame: bytes) -> None:
    """Each request is written as Kraken documents it, with what the documents leave open written out."""
    assert ENCODER.encode(request_) == frame


@pytest.mark.parametrize(("request_", "frame"), WRITTEN, ids=lambda value: type(value).__name__)
def test_requests_are_read(request_: ControlRequest, frame: bytes) -> None:
    """Each request is read back to itself, token and all: a simulated exchange needs that."""
    assert DECODER.decode(frame) == request_


def test_lists_become_tuples() -> None:
    """A list of symbols is stored as a tuple: nobody can change a request afterwards."""
    symbols: Any = ["SOL/USD"]
    assert TradeSubscription(symbol=symbols).symbol == SOL


def test_plain_texts_become_members() -> None:
    """A choice written as plain text is stored as its member."""
    trigger: Any = "bbo"
    assert TickerSubscription(symbol=SOL, event_trigger=trigger).event_trigger is EventTrigger.BBO


@pytest.mark.parametrize(
    ("subscription", "channel"),
    [
        (TickerSubscription(symbol=SOL), Channel.TICKER),
        (BookSubscription(symbol=SOL), Channel.BOOK),
        (Level3Subscription(symbol=SOL), Channel.LEVEL3),
        (OhlcSubscription(symbol=SOL), Channel.OHLC),
        (TradeSubscription(symbol=SOL), Channel.TRADE),
        (InstrumentSubscription(), Channel.INSTRUMENT),
        (ExecutionsSubscription(), Channel.EXECUTIONS),
        (BalancesSubscription(), Channel.BALANCES),
    ],
)
def test_channels(subscription: Subscription, channel: Channel) -> None:
    """A subscription knows its channel, and so does what ends it."""
    assert (subscription.channel, ending(subscription).channel) == (channel, channel)


ANY: Any = 7
NONE: Any = None


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: TickerSubscription(symbol=()), "symbol"),
        (lambda: TickerSubscription(symbol="SOL/USD"), "symbol"),  # type: ignore[arg-type]
        (lambda: TickerSubscription(symbol=("SOL/USD", "")), "symbol"),
        (lambda: TickerSubscription(symbol=(ANY,)), "symbol"),
        (lambda: TickerSubscription(symbol=ANY), "symbol"),
        (lambda: TickerSubscription(symbol=NONE), "symbol"),
        (lambda: TickerSubscription(symbol=SOL, event_trigger=NONE), "event_trigger"),
        (lambda: BookSubscription(symbol=SOL, depth=NONE), "depth"),
        (lambda: OhlcSubscription(symbol=SOL, interval=NONE), "interval"),
        (lambda: Unsubscription(channel=NONE), "channel"),
        (lambda: TickerSubscription(symbol=SOL, event_trigger=EventTrigger("quotes")), "event_trigger"),
        (lambda: TickerSubscription(symbol=SOL, event_trigger=ANY), "event_trigger"),
        (lambda: BookSubscription(symbol=SOL, depth=11), "depth"),
        (lambda: BookSubscription(symbol=SOL, depth=True), "depth"),
        (lambda: Level3Subscription(symbol=SOL, depth=25), "depth"),
        (lambda: Level3Subscription(symbol=SOL, token=ANY), "token"),
        (lambda: OhlcSubscription(symbol=SOL, interval=2), "interval"),
        (lambda: ExecutionsSubscription(users="me"), "users"),
        (lambda: BalancesSubscription(users="me"), "users"),
        (lambda: InstrumentSubscription(execution_venue=ExecutionVenue("moon")), "execution_venue"),
        (lambda: Unsubscription(channel=Channel("spread")), "channel"),
        (lambda: ending(BookSubscription(symbol=SOL), "BTC/USD"), "symbol"),
        (lambda: ending(InstrumentSubscription(), "BTC/USD"), "symbol"),
        (lambda: Ping(req_id=-1), "req_id"),
        (lambda: Ping(req_id=2**53), "req_id"),
        (lambda: Ping(req_id=True), "req_id"),
        (lambda: Subscribe(BookSubscription(symbol=SOL), req_id=-1), "req_id"),
        (lambda: Unsubscribe(ending(BookSubscription(symbol=SOL)), req_id=-1), "req_id"),
        (lambda: with_token(Ping(), TOKEN), "token"),
        (lambda: with_token(Subscribe(BookSubscription(symbol=SOL)), TOKEN), "token"),
    ],
)
def test_mistakes(make: Callable[[], object], field: str) -> None:
    """A request that Kraken would refuse cannot be made; the error names the field and the rule."""
    with pytest.raises(UsageError) as error:
        make()
    assert error.value.field == field
    assert str(error.value) == f"{field}: {error.value.rule}"


def test_a_wrong_request_on_the_wire_is_a_bad_frame() -> None:
    """A rule broken in a frame that we read is a validation error of that frame, with its place."""
    with pytest.raises(msgspec.ValidationError, match=r"depth: must be one of .* at `\$.params`"):
        DECODER.decode(b'{"method":"subscribe","params":{"channel":"book","symbol":["SOL/USD"],"depth":11}}')


@pytest.mark.parametrize(
    "request_",
    [
        Subscribe(ExecutionsSubscription(), req_id=3),
        Unsubscribe(ending(Level3Subscription(symbol=SOL)), req_id=3),
        CancelAll(req_id=3),
    ],
)
def test_with_token(request_: Subscribe | Unsubscribe | CancelAll) -> None:
    """A token is filled in without touching the request it came from."""
    filled = with_token(request_, TOKEN)
    assert type(filled) is type(request_)
    assert filled.req_id == 3
    assert "token=Secret(***)" in repr(filled)
    assert "token=None" in repr(request_)
