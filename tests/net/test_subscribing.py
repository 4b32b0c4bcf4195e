"""Subscriptions that are refused, unanswered, too fast or too many, and tokens that are not good any more, through the whole client."""

from __future__ import annotations

import asyncio
import json
import logging

import pytest

from krakenwire import (
    AuthFailed,
    BalanceUpdate,
    BookSubscription,
    CapacityExceeded,
    ConnectionState,
    Credentials,
    ExecutionsSubscription,
    Gap,
    TradeSubscription,
    TradeUpdate,
    UsageError,
)
from krakenwire.net.transport import HttpReply
from krakenwire.sim import Exchange, Host, Rules, invented
from krakenwire.sim.faults import FaultScript, parse
from krakenwire.state.subscriptions import MAX_SUBSCRIPTIONS
from tests.net.memory import MemoryLink
from tests.net.virtual import run
from tests.net.world import World, collecting, dropping

KEYS = Credentials(
    "the-canary-key",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw==",
)


@pytest.mark.fault("S2", "S3")
@pytest.mark.parametrize("lost", ['"method":"subscribe"', '"type":"snapshot"'])
def test_lost_answer_is_asked_for_again(lost: str) -> None:
    """One answer or one snapshot that never comes is asked for once more, on the same connection."""

    async def main() -> None:
        world = World(Exchange(seed=1))

        def opened(link: MemoryLink) -> None:
            link.change = dropping(lost, times=1)

        world.transport.on_open = opened
        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            assert await world.until(lambda: book.verified) < 16
            assert len(world.opened()) == 1

    run(main())


@pytest.mark.fault("S2", "S3")
@pytest.mark.parametrize("lost", ['"method":"subscribe"', '"type":"snapshot"'])
def test_answers_that_never_come_cost_the_connection(lost: str) -> None:
    """A connection on which nothing is answered is given up after the second attempt, and a fresh one heals it."""

    async def main() -> None:
        world = World(Exchange(seed=2))

        def opened(link: MemoryLink) -> None:
            if len(world.opened()) == 1:
                link.change = dropping(lost)

        world.transport.on_open = opened
        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            assert await world.until(lambda: len(world.opened()) == 2 and book.verified) < 30
            await asyncio.sleep(60)
            assert len(world.opened()) == 2

    run(main())


@pytest.mark.fault("S6")
def test_rate_is_learned() -> None:
    """Where the exchange takes two requests a second, all that was refused is asked again until every symbol lives, without a reconnect."""

    async def main() -> None:
        markets = invented(60, rate=0.2)
        symbols = [market.pair.symbol for market in markets]
        world = World(Exchange(seed=3, markets=markets, rules=Rules(message_rate=2, message_burst=3)))
        async with world.client() as kraken:
            for symbol in symbols:
                kraken.subscribe(TradeSubscription(symbol=(symbol,)))
                await asyncio.sleep(0.05)
            assert kraken.status()[0].rate < 15
            async with kraken.book(symbols) as books:
                await world.until(lambda: all(books[symbol].verified for symbol in symbols), 300)
            assert len(world.opened()) == 1
            assert len(world.transport.requests) < 300

    run(main())


@pytest.mark.fault("S15")
def test_a_thousand_subscriptions_are_restored() -> None:
    """After a lost connection a thousand subscriptions are back within thirty seconds, in few requests."""

    async def main() -> None:
        markets = invented(500, rate=0.01)
        symbols = [market.pair.symbol for market in markets]
        world = World(Exchange(seed=4, markets=markets))
        async with world.client() as kraken, kraken.book(symbols) as books:
            kraken.subscribe(TradeSubscription(symbol=tuple(symbols)))
            await world.until(lambda: all(books[symbol].verified for symbol in symbols))
            before = len(world.transport.requests)
            world.link.end("cut")
            await asyncio.sleep(0.01)
            assert await world.until(lambda: all(books[symbol].verified for symbol in symbols)) < 30
            assert kraken.status()[0].subscriptions == 1000
            assert len(world.transport.requests) - before <= 12

    run(main())


def test_private_channel_with_a_token_for_each_connection() -> None:
    """A private stream needs nothing but credentials: one token, asked for once; a new one on the next connection."""

    async def main() -> None:
        world = World(Exchange(seed=5))
        async with world.client(credentials=KEYS) as kraken, kraken.balances() as balances:
            await world.until(lambda: bool(world.account.asked))
            kraken.subscribe(ExecutionsSubscription(snap_trades=True))
            await asyncio.sleep(1)
            assert len(world.account.asked) == 2
            assert len({request.params["token"] for request in world.account.asked}) == 1
            assert len(world.transport.fetched) == 1
            assert world.opened(Host.PUBLIC) == []
            world.link.end("cut")
            await asyncio.sleep(5)
            assert len({request.params["token"] for request in world.account.asked}) == 2
            assert len(world.transport.fetched) == 2
            event = await balances.next(1)
            assert isinstance(event, Gap | BalanceUpdate)

    run(main(), debug=True)


@pytest.mark.fault("S8")
def test_expired_token_is_renewed_once() -> None:
    """A token that is refused at the subscription is replaced, and the next one is taken."""

    async def main() -> None:
        world = World(Exchange(seed=6))
        async with world.client(credentials=KEYS) as kraken:
            fetch = world.transport.fetch

            async def late(url: str, **more: object) -> HttpReply:
                reply = await fetch(url, **more)  # type: ignore[arg-type]
                if len(world.transport.fetched) == 1:
                    world.exchange.tokens.revoke()
                return reply

            world.transport.fetch = late  # type: ignore[method-assign]
            kraken.subscribe(ExecutionsSubscription())
            await world.until(lambda: bool(world.account.asked))
            await asyncio.sleep(60)
            assert len(world.transport.fetched) == 2
            assert len(world.account.asked) == 1
            assert len(world.opened(Host.PRIVATE)) == 1

    run(main())


@pytest.mark.fault("S9")
def test_public_feeds_do_not_notice_a_broken_token_endpoint() -> None:
    """While no token is to be had, public books live; the private stream begins when there is one."""

    async def main() -> None:
        world = World(Exchange(seed=7))
        world.refusal = HttpReply(503, b"<html>")
        async with world.client(credentials=KEYS) as kraken, kraken.book("BTC/USD") as book:
            kraken.subscribe(ExecutionsSubscription())
            await asyncio.sleep(300)
            assert book.verified
            assert len(world.opened(Host.PUBLIC)) == 1
            assert world.account.asked == []
            assert 4 < len(world.transport.fetched) < 15
            world.refusal = None
            assert await world.until(lambda: bool(world.account.asked), 100) < 61

    run(main())


@pytest.mark.fault("S10")
@pytest.mark.parametrize("revoked", [False, True])
def test_useless_key_ends_the_private_side_only(revoked: bool) -> None:
    """A key that is wrong, or is revoked later, ends private streams with what to do, asks once, and leaves public ones alone."""

    async def main() -> None:
        world = World(Exchange(seed=8))
        refusal = HttpReply(200, b'{"error":["EAPI:Invalid key"]}')
        world.refusal = None if revoked else refusal
        async with (
            world.client(credentials=KEYS) as kraken,
            kraken.book("BTC/USD") as book,
            kraken.executions() as executions,
        ):
            if revoked:
                await asyncio.sleep(5)
                world.refusal = refusal
                world.transport.links[-1].end("cut")
                assert isinstance(await executions.next(), Gap)
            fetched = len(world.transport.fetched)
            with pytest.raises(AuthFailed, match="KRAKEN_API_KEY"):
                await executions.next()
            await asyncio.sleep(3600)
            assert len(world.transport.fetched) == fetched + revoked or not revoked
            assert len(world.transport.fetched) <= 2
            assert book.verified
            states = {info.role: info.state for info in kraken.status()}
            assert states == {"public": ConnectionState.CONNECTED, "private": ConnectionState.FAILED}

    run(main())


def test_private_stream_without_credentials_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a key a private stream says what to set, and opens nothing."""
    monkeypatch.delenv("KRAKEN_API_KEY", raising=False)
    monkeypatch.delenv("KRAKEN_API_SECRET", raising=False)

    async def main() -> None:
        world = World(Exchange(seed=9))
        async with world.client() as kraken:
            with pytest.raises(UsageError, match="KRAKEN_API_KEY"):
                kraken.balances().open()
            assert world.transport.opened == []

    run(main())


@pytest.mark.fault("M1")
def test_no_secret_leaves(caplog: pytest.LogCaptureFixture) -> None:
    """Neither key nor token is in a log, an event, a status or an error, whatever goes wrong."""
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    tokens: set[str] = set()

    async def main() -> None:
        world = World(Exchange(seed=10))
        async with (
            world.client(credentials=KEYS) as kraken,
            collecting(kraken) as events,
            collecting(kraken, "error") as errors,
        ):
            for refusal in (
                None,
                HttpReply(500, b"x"),
                None,
                HttpReply(200, b'{"error":["EAPI:Invalid key"]}'),
            ):
                world.refusal = refusal
                kraken.subscribe(ExecutionsSubscription())
                await asyncio.sleep(20)
                for link in list(world.transport.links):
                    link.deaf = not link.deaf
                    link.end("cut")
            await asyncio.sleep(20)
            tokens.update(json.loads(frame)["params"]["token"] for frame in world.transport.requests)
            shown.extend([*map(repr, events), *map(repr, errors), repr(kraken.status()), repr(kraken)])

    run(main(), debug=True)
    text = "".join([*shown, *(record.getMessage() for record in caplog.records)])
    assert tokens
    for secret in (*tokens, "the-canary-key", "AAECAwQF"):
        assert secret not in text


def test_level3_is_paced_and_limited() -> None:
    """No level3 request costs more than a second's counter, one goes out a second, and 200 symbols fill a connection."""

    async def main() -> None:
        markets = invented(250, rate=0.01)
        symbols = [market.pair.symbol for market in markets]
        world = World(Exchange(seed=11, markets=markets))
        times: list[tuple[float, int]] = []
        told = world.transport.told

        def hear(link: MemoryLink, frame: bytes) -> None:
            times.append((world.now, len(json.loads(frame)["params"]["symbol"])))
            told(link, frame)

        world.transport.told = hear  # type: ignore[method-assign]
        async with world.client(credentials=KEYS) as kraken:
            kraken.level3(symbols, depth=10).open()
            books = kraken.level3(symbols, depth=10).open()
            await asyncio.sleep(20)
            assert sum(count for _, count in times) == 250
            assert max(count for _, count in times) == 40
            for at, _ in times:
                assert sum(count * 5 for then, count in times if at <= then < at + 0.99) <= 200
            assert [info.role for info in kraken.status()] == ["level3", "level3"]
            await books.close()

    run(main())


@pytest.mark.fault("S7")
def test_symbols_spread_where_the_exchange_takes_fewer() -> None:
    """Where the exchange allows three symbols a connection, and not two hundred, seven go to three connections and all live; later ones
    find their place at once. What was refused on the way is told as asked for again.
    """

    async def main() -> None:
        markets = invented(9, rate=0.2)
        symbols = [market.pair.symbol for market in markets]
        world = World(Exchange(seed=12, markets=markets, rules=Rules(level3_symbols=3)))
        async with (
            world.client(credentials=KEYS) as kraken,
            collecting(kraken, "subscription_rejected") as refusals,
            kraken.level3(symbols[:7]) as books,
        ):
            await world.until(lambda: all(books[symbol].verified for symbol in symbols[:7]))
            assert sorted(info.subscriptions for info in kraken.status()) == [1, 3, 3]
            assert books.rejected == {}
            asked = len(world.transport.requests)
            async with kraken.level3(symbols[7:]) as more:
                await world.until(lambda: all(more[symbol].verified for symbol in symbols[7:]))
            # One request for both, and at most one to end them.
            assert len(world.transport.requests) - asked <= 2
            assert refusals
            assert all(refusal.retried for refusal in refusals)
            assert not kraken.measures.facts.refused

    run(main())


@pytest.mark.fault("S7")
def test_more_symbols_than_all_connections_take() -> None:
    """When no more connections are allowed a symbol that the exchange has no room for ends with `CapacityExceeded`, and the others live."""

    async def main() -> None:
        markets = invented(5, rate=0.2)
        symbols = [market.pair.symbol for market in markets]
        world = World(Exchange(seed=13, markets=markets, rules=Rules(level3_symbols=2)))
        async with (
            world.client(credentials=KEYS, connections=2) as kraken,
            collecting(kraken, "subscription_rejected") as refusals,
            kraken.level3(symbols[:4]) as books,
            kraken.level3(symbols[4]) as late,
        ):
            with pytest.raises(CapacityExceeded, match="Exceeded maximum"):
                await late.next(30)
            await world.until(lambda: all(books[symbol].verified for symbol in symbols[:4]))
            assert [refusal.symbol for refusal in refusals if not refusal.retried] == [symbols[4]]

    run(main())


def test_desired_state_survives_a_quick_change_of_mind() -> None:
    """Subscribing and unsubscribing faster than anybody answers ends in what was wanted last."""

    async def main() -> None:
        world = World(Exchange(seed=12))
        async with world.client() as kraken:
            for _ in range(20):
                kraken.subscribe(BookSubscription(symbol=("BTC/USD",), depth=10))
                await asyncio.sleep(0.013)
                kraken.unsubscribe("book", "BTC/USD")
                kraken.subscribe(BookSubscription(symbol=("BTC/USD",), depth=25))
                await asyncio.sleep(0.007)
                kraken.unsubscribe("book")
            kraken.subscribe(BookSubscription(symbol=("BTC/USD",), depth=100))
            async with kraken.book("BTC/USD", depth=100) as book:
                await world.until(lambda: book.verified and book["BTC/USD"].depth == 100)
            kraken.unsubscribe("book")
            await asyncio.sleep(10)
            assert kraken.status()[0].subscriptions == 0

    run(main())


@pytest.mark.fault("S12")
def test_refused_wish_changes_nothing() -> None:
    """A wish that one connection cannot take leaves everything as it was: nothing of it is wanted, and what was wanted before keeps its
    depth and lives.
    """

    async def main() -> None:
        world = World(Exchange(seed=14))
        many = ("ETH/USD", "BTC/USD", *(f"X{number}/USD" for number in range(MAX_SUBSCRIPTIONS - 1)))
        async with world.client(public_symbols=len(many)) as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            before = len(world.transport.requests)
            with pytest.raises(UsageError, match="20000 subscriptions"):
                kraken.subscribe(BookSubscription(symbol=many, depth=25))
            assert [kraken.carrier("book", symbol) for symbol in many[:3]] == [None, "public-1", None]
            assert kraken.status()[0].subscriptions == 1
            await asyncio.sleep(10)
            assert book.verified
            assert book["BTC/USD"].depth == 10
            assert len(world.transport.requests) == before
            assert not kraken.unsubscribe("book")
            async with kraken.book("ETH/USD", depth=25) as other:
                await world.until(lambda: other.verified)

    run(main())


@pytest.mark.fault("S11")
def test_streams_outlive_an_engine_that_takes_nothing() -> None:
    """While the engine takes no subscription, the account's included, streams wait and do not end; when it does again they live within a
    minute, over the same connection.
    """

    async def main() -> None:
        exchange = Exchange(seed=15)
        FaultScript(parse("at 0 s: refuse subscribe with EService:Unavailable for 90 s"), seed=1).install(
            exchange
        )
        world = World(exchange)
        world.account.refusal = "EService:Unavailable"
        async with (
            world.client(credentials=KEYS) as kraken,
            collecting(kraken, "subscription_rejected") as refusals,
            kraken.book("BTC/USD") as book,
            kraken.executions() as executions,
            kraken.balances() as balances,
        ):
            await asyncio.sleep(90)
            assert {refusal.retried for refusal in refusals} == {True}
            assert {refusal.channel for refusal in refusals} == {"book", "executions", "balances"}
            assert len(refusals) < 30
            world.account.refusal = None
            channels: list[tuple[str, str | None]] = [
                ("book", "BTC/USD"),
                ("executions", None),
                ("balances", None),
            ]
            await world.until(
                lambda: all(kraken.trust(*each, world.now, world.now).verified for each in channels), 61
            )
            assert book.verified
            assert not executions.rejected
            assert not balances.rejected
            assert len(world.transport.opened) == 2

    run(main())


@pytest.mark.fault("S12")
def test_what_is_wanted_again_at_once_stays_on_its_connection() -> None:
    """A market that is unsubscribed and wanted again before the exchange has answered goes on where it was, though another connection has
    room by now: until the answer the old one goes on sending, and the same trades would come from both.
    """

    async def main() -> None:
        world = World(Exchange(seed=5, markets=invented(2, rate=20.0)))
        first, second = world.exchange.markets

        def opened(link: MemoryLink) -> None:
            link.change = dropping('"method":"unsubscribe"', times=1)

        world.transport.on_open = opened
        async with world.client(public_symbols=1) as kraken, collecting(kraken, "trade") as seen:
            for symbol in (first, second):
                kraken.subscribe(TradeSubscription(symbol=(symbol,)))
            await world.until(lambda: len(world.opened()) == 2)
            await asyncio.sleep(5)
            kraken.unsubscribe("trade", first)
            kraken.unsubscribe("trade", second)
            kraken.subscribe(TradeSubscription(symbol=(second,)))
            await asyncio.sleep(30)
        trades = [
            event.trade_id for event in seen if isinstance(event, TradeUpdate) and event.symbol == second
        ]
        assert len(trades) > 100
        assert len(set(trades)) == len(trades)

    run(main())
