"""`state/subscriptions.py`: which step is due, and what is asked together."""

from __future__ import annotations

import pytest

from krakenwire.errors import UsageError
from krakenwire.state.subscriptions import (
    SYMBOLS_A_REQUEST,
    Phase,
    Step,
    Subscriptions,
)
from krakenwire.wire.control import SubscriptionResult
from krakenwire.wire.enums import Channel
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BookSubscription,
    ExecutionsSubscription,
    OhlcSubscription,
    Subscription,
    TickerSubscription,
)


def grant(wanted: Subscriptions) -> list[tuple[Step, tuple[str, ...]]]:
    """Take every step that is due and have it granted; what was asked, each request with its symbols."""
    asked = []
    for step, wishes in wanted.steps(0.0, authenticated=True):
        params = wanted.asked(step, wishes)
        asked.append((step, getattr(params, "symbol", ())))
        for wish in wishes:
            wish.phase = Phase.SUBSCRIBED if step is Step.SUBSCRIBE else Phase.IDLE
            wanted.settle(wish)
    return asked


def test_like_with_like() -> None:
    """What has the same parameters is asked for in one request; other depths, intervals and channels in their own."""
    wanted = Subscriptions()
    asked: list[Subscription] = [
        BookSubscription(symbol=("A/B", "C/D")),
        BookSubscription(symbol=("E/F",), depth=25),
        OhlcSubscription(symbol=("A/B",), interval=1),
        OhlcSubscription(symbol=("A/B",), interval=60),
        BookSubscription(symbol=("G/H",)),
    ]
    for params in asked:
        wanted.want(params)
    assert grant(wanted) == [
        (Step.SUBSCRIBE, ("A/B", "C/D", "G/H")),
        (Step.SUBSCRIBE, ("E/F",)),
        (Step.SUBSCRIBE, ("A/B",)),
        (Step.SUBSCRIBE, ("A/B",)),
    ]
    assert not wanted.waiting
    assert len(wanted.of("ohlc", "A/B")) == 2


def test_long_lists_are_split() -> None:
    """More symbols than one request may name go into several."""
    wanted = Subscriptions()
    wanted.want(TickerSubscription(symbol=tuple(f"T{n}/USD" for n in range(SYMBOLS_A_REQUEST + 1))))
    assert [len(symbols) for _, symbols in grant(wanted)] == [SYMBOLS_A_REQUEST, 1]


def test_said_once() -> None:
    """Wanting a thing again asks nothing; a step under way is not taken twice."""
    wanted = Subscriptions()
    for _ in range(3):
        wanted.want(TickerSubscription(symbol=("A/B", "A/B")))
    assert grant(wanted) == [(Step.SUBSCRIBE, ("A/B",))]
    wanted.want(TickerSubscription(symbol=("A/B",)))
    assert grant(wanted) == []


def test_taken_anew() -> None:
    """Taking a subscription anew is an unsubscription and then a subscription."""
    wanted = Subscriptions()
    (wish,) = wanted.want(TickerSubscription(symbol=("A/B",)))
    grant(wanted)
    wish.again = True
    wanted.settle(wish)
    assert [step for step, _ in grant(wanted) + grant(wanted) + grant(wanted)] == [
        Step.UNSUBSCRIBE,
        Step.SUBSCRIBE,
    ]


def test_dropped() -> None:
    """What is not wanted any more is unsubscribed, and then forgotten; what was never asked for is forgotten at once."""
    wanted = Subscriptions()
    (asked,) = wanted.want(TickerSubscription(symbol=("A/B",)))
    grant(wanted)
    (waiting,) = wanted.want(TickerSubscription(symbol=("C/D",)))
    wanted.drop(asked)
    wanted.drop(waiting)
    assert grant(wanted) == [(Step.UNSUBSCRIBE, ("A/B",))]
    assert len(wanted) == 0


def test_private_waits_for_a_token() -> None:
    """A private subscription is not due without a token, and none is ever kept in it."""
    wanted = Subscriptions()
    (wish,) = wanted.want(ExecutionsSubscription(token=Secret("canary")))
    assert wish.params.token is None
    assert wanted.steps(0.0, authenticated=False) == []
    assert wanted.wants_token(0.0)
    assert grant(wanted) == [(Step.SUBSCRIBE, ())]


@pytest.mark.parametrize(
    ("result", "params"),
    [
        (
            SubscriptionResult(channel=Channel.BOOK, symbol="A/B", depth=25),
            BookSubscription(symbol=("A/B",), depth=25),
        ),
        (SubscriptionResult(channel=Channel.BOOK, symbol="A/B"), None),
        (SubscriptionResult(channel=Channel.BOOK, symbol="A/B", depth=26), None),
        (SubscriptionResult(channel=Channel.LEVEL3, symbol="A/B"), None),
        (
            SubscriptionResult(channel=Channel.OHLC, symbol="A/B", interval=5),
            OhlcSubscription(symbol=("A/B",), interval=5),
        ),
        (SubscriptionResult(channel=Channel.TICKER, symbol="A/B"), TickerSubscription(symbol=("A/B",))),
        (SubscriptionResult(channel=Channel("brand-new"), symbol="A/B"), None),
        (SubscriptionResult(channel=Channel.TICKER), None),
    ],
)
def test_seen_in_the_stream(result: SubscriptionResult, params: Subscription | None) -> None:
    """A subscription that somebody else asked for is known if Kraken's answer tells how to ask for it again."""
    wanted = Subscriptions()
    wish = wanted.seen(result)
    assert (None if wish is None else wish.held) == params
    assert not wanted.waiting


def test_after_the_connection() -> None:
    """Our own wishes are due again on the next connection; what was only seen is gone."""
    wanted = Subscriptions()
    wanted.want(TickerSubscription(symbol=("A/B",)))
    grant(wanted)
    wanted.seen(SubscriptionResult(channel=Channel.TICKER, symbol="C/D"))
    wanted.lost()
    assert grant(wanted) == [(Step.SUBSCRIBE, ("A/B",))]
    assert len(wanted) == 1


def test_bounded() -> None:
    """There is a largest number of subscriptions; a refused list changes nothing."""
    wanted = Subscriptions(max_subscriptions=3)
    wanted.want(TickerSubscription(symbol=("A/B", "C/D")))
    with pytest.raises(UsageError, match="3 subscriptions"):
        wanted.want(TickerSubscription(symbol=("E/F", "G/H")))
    assert wanted.seen(SubscriptionResult(channel=Channel.TICKER, symbol="E/F")) is not None
    assert wanted.seen(SubscriptionResult(channel=Channel.TICKER, symbol="G/H")) is None
    assert len(wanted) == 3
