"""One connection's life when things go wrong around it: refused, cut, silent, deaf, slow, and a loop that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from krakenwire import (
    BookSubscription,
    ConnectFailed,
    ConnectFailure,
    ConnectionChanged,
    ConnectionState,
    Gap,
    GapReason,
    Limits,
    OrderBookUpdate,
    TradeSubscription,
    TradeUpdate,
)
from krakenwire.sim import Exchange, invented, listing
from krakenwire.wire.enums import SystemStatus
from tests.net.memory import MemoryLink
from tests.net.virtual import VirtualLoop, run
from tests.net.world import World, collecting, dropping


def failing(
    kind: ConnectFailure, times: int | None = None, **more: Any
) -> Callable[[object], ConnectFailed | None]:
    """Attempts that fail so, the first `times` of them."""
    count = 0

    def refuse(_: object) -> ConnectFailed | None:
        nonlocal count
        count += 1
        return ConnectFailed(kind, "as ordered", **more) if times is None or count <= times else None

    return refuse


@pytest.mark.fault("N1", "N2", "N8", "N9", "N19", "C13")
@pytest.mark.parametrize(
    "kind",
    [
        ConnectFailure.NAME,
        ConnectFailure.REFUSED,
        ConnectFailure.TIMEOUT,
        ConnectFailure.UNAVAILABLE,
        ConnectFailure.HANDSHAKE,
        ConnectFailure.PROXY,
        ConnectFailure.RESOURCES,
    ],
)
def test_failed_attempts_are_tried_again(kind: ConnectFailure) -> None:
    """An attempt that fails is told, tried again with growing waits, and the book lives as soon as one succeeds."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        world.transport.refuse = failing(kind, 4)
        async with (
            world.client() as kraken,
            kraken.book("BTC/USD") as book,
            collecting(kraken, "error") as errors,
        ):
            took = await world.until(lambda: book.verified)
            assert 0.1 < took < 16
            assert len(world.opened()) == 5
            assert [error.kind for error in errors] == [kind] * 4

    run(main(), debug=True)


@pytest.mark.fault("N3", "N5")
def test_attempt_that_hangs_ends_in_time() -> None:
    """An attempt that gets no answer at any stage is given up after its limit, and leaves nothing behind."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        opening = world.transport.open

        async def hang(url: str) -> Any:
            if not world.transport.links and world.now < 25:
                await asyncio.sleep(1e9)
            return await opening(url)

        world.transport.open = hang  # type: ignore[method-assign]
        async with world.client() as kraken, collecting(kraken, "connection_changed") as changes:
            kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(40)
            waits = [change for change in changes if change.state is ConnectionState.WAITING]
            assert "timeout" in waits[0].reason
            assert changes[-1].state is ConnectionState.CONNECTED

    run(main(), debug=True)


@pytest.mark.fault("N6")
@pytest.mark.parametrize(("told", "seconds"), [(None, 600.0), (120.0, 120.0)])
def test_too_many_attempts_hold_everybody(told: float | None, seconds: float) -> None:
    """After a refusal for too many attempts no connection of the process tries before the time named, else for ten minutes."""

    async def main() -> None:
        world = World(Exchange(seed=2))
        world.transport.refuse = failing(ConnectFailure.RATE_LIMITED, 1, retry_after=told, status=429)
        async with world.client(public_symbols=1) as kraken:
            kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(1)
            kraken.subscribe(BookSubscription(symbol=("ETH/USD",)))
            await asyncio.sleep(seconds - 2)
            assert len(world.transport.opened) == 1
            retry_in = kraken.status()[0].retry_in
            assert retry_in is not None
            assert retry_in <= 2
            await asyncio.sleep(5)
            assert len(world.transport.links) == 2

    run(main())


@pytest.mark.fault("N7")
def test_forbidden_is_tried_three_times() -> None:
    """A blocked address tries three times, spaced, and then no more; whoever reads gets the reason."""

    async def main() -> None:
        world = World(Exchange(seed=3))
        world.transport.refuse = failing(ConnectFailure.FORBIDDEN, status=403)
        async with world.client() as kraken, kraken.trade("BTC/USD") as trades:
            with pytest.raises(ConnectFailed, match="forbidden"):
                await trades.next()
            attempts = world.opened()
            assert len(attempts) == 3
            assert min(b - a for a, b in pairwise(attempts)) >= 30
            await asyncio.sleep(3600)
            assert len(world.opened()) == 3
            assert kraken.status()[0].state is ConnectionState.FAILED
            world.transport.refuse = lambda _: None  # whoever asks anew may try anew
            async with kraken.trade("ETH/USD") as others:
                await others.next(10)

    run(main(), debug=True)


@pytest.mark.fault("N4")
def test_bad_certificate_is_final() -> None:
    """A peer that cannot prove who it is is tried once; the error says so."""

    async def main() -> None:
        world = World(Exchange(seed=3))
        world.transport.refuse = failing(ConnectFailure.CERTIFICATE)
        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            with pytest.raises(ConnectFailed, match="certificate"):
                await book.next()
            await asyncio.sleep(3600)
            assert len(world.opened()) == 1

    run(main())


@pytest.mark.fault("N10", "N11", "N12")
@pytest.mark.parametrize("code", [1000, 1001, 1012, 1013, 1008, None])
def test_ended_connection_comes_back(code: int | None) -> None:
    """Whatever way a connection ends, there is one gap a subscription, and the book lives again within a second or so."""

    async def main() -> None:
        world = World(Exchange(seed=4))
        async with (
            world.client() as kraken,
            kraken.book("BTC/USD") as book,
            collecting(kraken, "gap") as gaps,
        ):
            kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(40)
            world.link.end("over", code)
            await asyncio.sleep(0.001)
            assert not book.verified
            assert await world.until(lambda: book.verified) < 1.0
            await asyncio.sleep(1)
            assert {(gap.channel, gap.reason) for gap in gaps} >= {
                ("book", GapReason.CONNECTION_LOST),
                ("trade", GapReason.CONNECTION_LOST),
            }
            assert len([gap for gap in gaps if gap.reason is GapReason.CONNECTION_LOST]) == 2

    run(main(), debug=True)


@pytest.mark.fault("N13", "N15")
def test_silent_peer_is_given_up() -> None:
    """A peer that vanishes without a word costs five seconds and the way back."""

    async def main() -> None:
        world = World(Exchange(seed=5))
        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            await asyncio.sleep(40)
            world.link.silent = True
            await world.until(lambda: not book.verified)
            heard = kraken.status()[0]
            assert heard.state in {ConnectionState.CONNECTED, ConnectionState.WAITING}
            assert await world.until(lambda: book.verified) < 1.0
            assert len(world.opened()) == 2
            outage = world.opened()[1] - 40
            assert 4 < outage < 6

    run(main(), debug=True)


@pytest.mark.fault("N13")
def test_peer_that_falls_silent_at_once_is_given_up() -> None:
    """Silence counts from the first answer on, also while longer deadlines are under way."""

    async def main() -> None:
        world = World(Exchange(seed=5))
        limits = Limits(quiet=0.6, dead=1.2)
        async with world.client(limits=limits) as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            world.link.silent = True
            await asyncio.sleep(2)
            assert len(world.opened()) == 2
            assert book.verified

    run(main())


@pytest.mark.fault("N16")
def test_peer_that_does_not_read_is_given_up() -> None:
    """A request that cannot leave within five seconds costs the connection, also while data goes on coming."""

    async def main() -> None:
        world = World(Exchange(seed=6))
        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            world.link.deaf = True
            async with kraken.trade("ETH/USD") as trades:
                await trades.next(10)
                assert len(world.opened()) == 2
                assert book.verified

    run(main(), debug=True)


@pytest.mark.fault("N17")
def test_flapping_stays_within_the_budget() -> None:
    """An exchange that accepts and drops for an hour sees no more than 100 attempts in any ten minutes, and far fewer as a rule."""

    async def main() -> None:
        world = World(Exchange(seed=7, markets=["XMN/USD"]))

        def opened(link: MemoryLink) -> None:
            world.loop.call_later(0.01, link.end, "dropped")

        world.transport.on_open = opened
        async with world.client() as kraken:
            kraken.subscribe(BookSubscription(symbol=("XMN/USD",)))
            await asyncio.sleep(3600)
            attempts = world.opened()
            assert 100 < len(attempts) < 400
            for start in attempts:
                assert sum(start <= at < start + 600 for at in attempts) <= 100

    run(main())


@pytest.mark.fault("N18", "C11")
def test_machine_that_slept() -> None:
    """After ten minutes in which nothing ran and the peer went away, the connection is renewed within seconds, with one gap."""

    async def main() -> None:
        world = World(Exchange(seed=8, markets=["PAXG/USD"]))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        async with (
            world.client() as kraken,
            kraken.book("PAXG/USD") as book,
            collecting(kraken, "gap") as gaps,
        ):
            await asyncio.sleep(40)
            world.link.silent = True
            loop.stand_still(600)
            began = world.now
            await world.until(lambda: len(world.opened()) == 2 and book.verified)
            assert world.now - began < 7
            assert len(gaps) == 1

    run(main())


@pytest.mark.fault("C6", "N21")
def test_loop_that_stood_still_blames_nobody() -> None:
    """Six seconds without a turn of the loop, and requests under way: what was said meanwhile is read first, and nothing is lost."""

    async def main() -> None:
        world = World(Exchange(seed=9))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        async with (
            world.client() as kraken,
            kraken.book("BTC/USD") as book,
            collecting(kraken, "gap") as gaps,
        ):
            await world.until(lambda: book.verified)
            for round_ in range(20):
                kraken.subscribe(TradeSubscription(symbol=(list(world.exchange.markets)[round_ % 5],)))
                await asyncio.sleep(0.001 * round_)
                loop.stand_still(6)
                await asyncio.sleep(3)
            assert gaps == []
            assert len(world.opened()) == 1
            assert kraken.statistics()["stalls"] > 0

    run(main())


@pytest.mark.fault("C6")
def test_answer_that_comes_after_a_standstill_is_in_time() -> None:
    """What was on its way while nothing ran may still take its time: the standstill is added to every deadline."""

    async def main() -> None:
        world = World(Exchange(seed=9))
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        async with (
            world.client() as kraken,
            kraken.book("BTC/USD") as book,
            collecting(kraken, "gap") as gaps,
        ):
            await world.until(lambda: book.verified)
            world.link.held = []
            kraken.subscribe(TradeSubscription(symbol=("ETH/USD",)))
            await asyncio.sleep(0.01)
            loop.stand_still(6)
            await asyncio.sleep(0.5)
            world.link.release()
            await asyncio.sleep(10)
            assert gaps == []
            assert len(world.opened()) == 1
            assert len(world.transport.requests) == 2

    run(main())


@pytest.mark.fault("N21")
def test_delay_below_the_limit_is_no_reason_to_reconnect() -> None:
    """Three seconds in which nothing arrives, then all of it at once, again and again: no reconnect, no gap."""

    async def main() -> None:
        world = World(Exchange(seed=10))
        async with (
            world.client() as kraken,
            kraken.book("BTC/USD") as book,
            collecting(kraken, "gap") as gaps,
        ):
            await world.until(lambda: book.verified)
            for _ in range(20):
                world.link.held = []
                await asyncio.sleep(3)
                world.link.release()
                await asyncio.sleep(0.5)
            assert len(world.opened()) == 1
            assert gaps == []
            assert book.verified

    run(main())


@pytest.mark.fault("N22")
def test_herd_rises_apart() -> None:
    """Twenty connections that drop at one moment come back spread over the first moments, and all come back."""

    async def main() -> None:
        markets = invented(20, rate=0.2)
        world = World(Exchange(seed=11, markets=markets))
        symbols = [market.pair.symbol for market in markets]
        async with world.client(public_symbols=1, connections=20) as kraken, kraken.book(symbols) as books:
            await world.until(lambda: all(books[symbol].verified for symbol in symbols))
            await asyncio.sleep(40)
            for link in list(world.transport.links):
                link.end("all at once")
            await asyncio.sleep(0.001)
            await world.until(lambda: all(books[symbol].verified for symbol in symbols))
            again = [at - world.opened()[20] for at in world.opened()[20:]]
            assert len(again) == 20
            assert max(again) > 0.1
            assert len({round(at, 3) for at in again}) > 10

    run(main())


@pytest.mark.fault("N23")
def test_exchange_away_for_hours() -> None:
    """For two hours it is tried every half a minute or so, called down after ten failures, and back within a minute of the end."""

    async def main() -> None:
        world = World(Exchange(seed=12, markets=["XMN/USD"]))
        async with world.client() as kraken, kraken.book("XMN/USD") as book:
            await world.until(lambda: book.verified)
            world.transport.refuse = failing(ConnectFailure.REFUSED)
            world.link.end("gone")
            async with collecting(kraken, "connection_changed") as changes:
                await asyncio.sleep(7200)
                down = [change for change in changes if change.state is ConnectionState.DOWN]
                assert down[0].attempts == 10
                attempts = world.opened()
                assert 7200 / 30 < len(attempts) < 7200 / 10
                assert max(b - a for a, b in pairwise(attempts)) <= 31
                world.transport.refuse = lambda _: None
                assert await world.until(lambda: book.verified) < 32
                assert isinstance(changes[-1], ConnectionChanged)

    run(main())


@pytest.mark.fault("S11")
def test_maintenance_is_told_and_slows_reconnecting() -> None:
    """The engine's state reaches status and consumers; while it is not online nobody reconnects faster than every five seconds."""

    async def main() -> None:
        world = World(Exchange(seed=13))
        async with (
            world.client() as kraken,
            kraken.book("BTC/USD") as book,
            collecting(kraken, "status") as told,
        ):
            await world.until(lambda: book.verified)
            world.exchange.set_system(SystemStatus.MAINTENANCE, now=world.now)
            await asyncio.sleep(2)
            assert kraken.status()[0].system == "maintenance"
            assert told[-1].system == "maintenance"
            assert book.verified
            for _ in range(5):
                await world.until(lambda: bool(world.transport.links))
                world.link.end("restart", 1012)
            attempts = world.opened()
            assert min(b - a for a, b in pairwise(attempts[1:])) >= 5
            world.exchange.set_system(SystemStatus.ONLINE, now=world.now)
            await world.until(lambda: book.verified)
            assert kraken.status()[0].system == "online"

    run(main())


def test_one_subscription_does_not_cost_the_others_their_connection() -> None:
    """A symbol whose snapshot never comes costs the connection a few times, not for ever: the others go on."""

    async def main() -> None:
        world = World(Exchange(seed=14))

        def opened(link: MemoryLink) -> None:
            link.change = dropping('"type":"snapshot"', "ETH/USD")

        world.transport.on_open = opened
        symbols = list(world.exchange.markets)
        async with world.client() as kraken, kraken.book(symbols) as books:
            await asyncio.sleep(1800)
            assert 1 < len(world.opened()) < 20
            assert not books["ETH/USD"].verified
            trust = kraken.statistics()["verified_time_ratio"]
            assert trust > 0.78
            world.transport.on_open = lambda _: None
            for link in world.transport.links:  # the book in dispute has one of its own
                link.change = lambda frame: frame
            await world.until(lambda: all(books[symbol].verified for symbol in symbols), 120)

    run(main())


def test_gaps_come_before_what_follows_them() -> None:
    """A reader of changes sees every break in its place: nothing after a gap but a snapshot."""

    async def main() -> None:
        world = World(Exchange(seed=15))
        async with world.client() as kraken, kraken.book("BTC/USD") as book, book.updates() as updates:
            for _ in range(10):
                await asyncio.sleep(5)
                await world.until(lambda: book.verified)
                world.link.end("cut")
                await asyncio.sleep(0.001)
            await world.until(lambda: book.verified)
            broken = True
            snapshots = 0
            while updates.waiting:
                event = await anext(updates)
                if isinstance(event, Gap):
                    broken = True
                elif broken:
                    assert event.snapshot
                    snapshots += 1
                    broken = False
            assert snapshots == 11

    run(main())


@pytest.mark.fault("C6", "N10")
def test_nothing_of_a_connection_comes_after_its_end_is_told() -> None:
    """Frames that wait when the end of their connection is told are not read any more: they would come after the gap that covers
    them, and the next connection's would follow them without one.
    """

    async def main() -> None:
        world = World(Exchange(seed=15, markets=[listing("BTC/USD", "81776.7", rate=60.0)]))
        async with world.client() as kraken, collecting(kraken) as heard:
            kraken.subscribe(TradeSubscription(symbol=("BTC/USD",)))
            kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(10)
            link = world.link
            link.held = []
            await asyncio.sleep(4.5)
            assert len(link.held) > 100
            heard.clear()
            link.release()
            link.end("closed by the exchange", 1013)
            kraken.resync("book", "BTC/USD")  # sending shows the end while reading goes on
            await world.until(lambda: any(isinstance(event, ConnectionChanged) for event in heard), 5)
            ended = next(
                place
                for place, event in enumerate(heard)
                if isinstance(event, Gap) and event.reason is GapReason.CONNECTION_LOST
            )
            assert any(isinstance(event, TradeUpdate) for event in heard[:ended])
            assert not any(isinstance(event, TradeUpdate | OrderBookUpdate) for event in heard[ended:])

    run(main())


class Odd(Exception):
    """What no transport of ours raises."""


@pytest.mark.fault("N9")
@pytest.mark.parametrize(
    "odd", [Odd("the-canary-key"), asyncio.CancelledError(), OSError(101, "x"), StopAsyncIteration(), None]
)
def test_foreign_transport_that_fails_in_a_way_of_its_own(odd: BaseException | None) -> None:
    """Whatever a transport of the caller's own raises, or opens nothing, is told with its cause, without its text, and tried again."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        opening, attempts = world.transport.open, 0

        async def fail(url: str) -> Any:
            nonlocal attempts
            attempts += 1
            if attempts <= 3 and odd is not None:
                raise odd
            return None if attempts <= 3 else await opening(url)

        world.transport.open = fail  # type: ignore[method-assign]
        async with (
            world.client() as kraken,
            collecting(kraken, "error") as errors,
            collecting(kraken, "connection_changed") as changes,
            kraken.book("BTC/USD") as book,
        ):
            assert await world.until(lambda: book.verified) < 10
            assert [error.kind for error in errors] == [ConnectFailure.TRANSPORT] * 3
            assert [error.__cause__ for error in errors] == [odd] * 3
            assert "canary" not in "".join(map(repr, [*errors, *changes]))
            assert ConnectionState.IDLE not in {change.state for change in changes}

    run(main(), debug=True)


@pytest.mark.fault("N14")
def test_foreign_link_that_cannot_be_ended() -> None:
    """A link whose `abort` and `close` raise costs its own end and no more: the connection comes back."""

    async def main() -> None:
        world = World(Exchange(seed=1))

        def fail() -> None:
            raise Odd

        async def fail_to_close() -> None:
            raise Odd

        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            await world.until(lambda: book.verified)
            link = world.link
            end, link.silent = link.abort, True
            link.abort, link.close = fail, fail_to_close  # type: ignore[method-assign]
            await world.until(lambda: not book.verified)
            await world.until(lambda: book.verified)
            assert len(world.opened()) == 2
            end()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        assert len(loop.troubles) == 2
        assert all("failed to close" in trouble for trouble in loop.troubles)
        loop.troubles.clear()

    run(main())


@pytest.mark.fault("N14")
@pytest.mark.parametrize("name", ["receive", "send"])
def test_what_is_cancelled_from_elsewhere_ends_the_link_and_not_the_feed(name: str) -> None:
    """A link on which somebody else cancels what is received or sent is replaced at once, so that nothing waits for ever."""

    async def main() -> None:
        world = World(Exchange(seed=1))

        async def cancelled(*_: Any) -> Any:
            raise asyncio.CancelledError

        def opened(link: MemoryLink) -> None:
            if len(world.opened()) < 3:
                setattr(link, name, cancelled)

        world.transport.on_open = opened
        async with world.client() as kraken, kraken.book("BTC/USD") as book:
            assert await world.until(lambda: book.verified) < 3
            assert len(world.opened()) == 3

    run(main())


@pytest.mark.fault("N17")
def test_wait_outlives_the_wish() -> None:
    """Nothing is said to be tried again that is not; and who changes his mind while a connection waits does not shorten the wait by it."""

    async def main() -> None:
        world = World(Exchange(seed=1))
        world.transport.refuse = failing(ConnectFailure.UNAVAILABLE, 1, retry_after=60.0)
        async with world.client() as kraken, collecting(kraken, "connection_changed") as changes:
            kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(1)
            kraken.unsubscribe("book")
            await asyncio.sleep(10)
            assert (changes[-1].state, changes[-1].retry_at) == (ConnectionState.IDLE, None)
            assert kraken.status()[0].retry_in is None
            kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
            await asyncio.sleep(1)
            assert changes[-1].state is ConnectionState.WAITING
            assert changes[-1].retry_at > 60
            await asyncio.sleep(60)
            assert len(world.opened()) == 2
            assert world.opened()[1] > 60

    run(main())
