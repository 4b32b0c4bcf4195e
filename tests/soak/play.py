"""One scenario played to its end: the client against the exchange, with the oracle between them."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections import Counter, deque
from typing import Any

from msgspec import Struct

from krakenwire.errors import ConnectFailed, KrakenWireError
from krakenwire.events import ConnectionState
from krakenwire.net import Client, ConnectFailure
from krakenwire.net.failures import refusal
from krakenwire.sim import Exchange, Host, Rules
from krakenwire.sim.faults import FaultScript
from krakenwire.state.book import BookStatus
from krakenwire.state.subscriptions import Phase
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    BookSubscription,
    ExecutionsSubscription,
    InstrumentSubscription,
    Level3Subscription,
    OhlcSubscription,
    Subscription,
    TickerSubscription,
    TradeSubscription,
)
from tests.net.memory import MemoryLink
from tests.net.virtual import VirtualLoop
from tests.net.world import World
from tests.soak.habits import Habits
from tests.soak.oracle import STALLED, Oracle
from tests.soak.swarm import QUIET, Scenario
from tests.soak.trader import Trader

QUEUE = 50
"""Events that wait for the slow consumer, at most."""

TASKS = 40
MOMENT = 200_000
"""Looks at the clock at one moment, at most: what takes more does not end."""

STOP_SECONDS = 5.0
LONGEST_DISPUTE = 420.0
"""Seconds beyond the quiet end in which a disputed book may still wait for its attempt."""


class Outcome(Struct):
    """What a run came to."""

    seed: int
    broken: list[str]
    seconds: float
    frames: int = 0
    checked: int = 0
    faults: int = 0
    connects: int = 0
    digest: int = 0
    """Of every event with its time: equal where two runs were the same."""
    recoveries: list[tuple[str, float]] = []


def play(scenario: Scenario, *, debug: bool = False) -> Outcome:
    """Play a scenario on virtual time. It never raises for what the client does wrong."""
    outcome = Outcome(scenario.seed, [], scenario.seconds)
    loop = _Loop()
    loop.set_debug(debug)
    try:
        loop.run_until_complete(Play(scenario, outcome).main())
        left = asyncio.all_tasks(loop)
        outcome.broken += [f"a task is left: {task.get_name()}" for task in left]
        if left:
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left, timeout=60.0))
        loop.run_until_complete(loop.shutdown_asyncgens())
    except Exception as exc:  # noqa: BLE001 (whatever goes wrong is a finding about this seed)
        outcome.broken.append(f"{type(exc).__name__}: {exc}")
    finally:
        loop.close()
    outcome.broken += [f"the loop complained: {trouble}" for trouble in loop.troubles]
    return outcome


class _Loop(VirtualLoop):
    """A loop that notices when nothing but the same moment comes again and again."""

    def __init__(self) -> None:
        self._moment = -1.0
        self._looks = 0
        super().__init__()

    def time(self) -> float:
        now = super().time()
        self._looks = self._looks + 1 if now == self._moment else 0
        self._moment = now
        if self._looks > MOMENT:
            raise RuntimeError(f"time stands still at {now:.6f} s")
        return now


class _Log(logging.Handler):
    """What the client logs."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class Play:
    """A run."""

    def __init__(self, scenario: Scenario, outcome: Outcome) -> None:
        self.scenario = scenario
        self.outcome = outcome
        self.links = 0
        """Links that were open at the last look."""

    async def main(self) -> None:
        scenario, loop = self.scenario, asyncio.get_running_loop()
        self.loop = loop
        self.oracle = Oracle(loop.time)
        self.outcome.broken = self.oracle.broken
        self.exchange = Exchange(
            seed=scenario.seed,
            markets=scenario.markets(),
            rules=Rules(message_rate=20.0, message_burst=40),
            truth=self.oracle,
        )
        FaultScript(scenario.statements(), seed=scenario.seed).install(self.exchange)
        self.trader = Trader(self.exchange, scenario.symbols, random.Random(f"{scenario.seed}/trader"))
        self.world = World(self.exchange)
        self.world.transport.on_open = self._watch_link
        self.world.transport.refuse = self._refuse
        self.attempts: deque[float] = deque()
        log = _Log()
        logger = logging.getLogger("krakenwire")
        logger.addHandler(log)
        propagate, logger.propagate = logger.propagate, False
        try:
            await self._use()
        finally:
            logger.removeHandler(log)
            logger.propagate = propagate
        self._check_secrets(log.lines)
        self._check_log(log.lines)
        self._count()

    # ---------------------------------------------------------------- the program

    async def _use(self) -> None:
        scenario, loop = self.scenario, self.loop
        client = self.world.client(
            dice=random.Random(scenario.seed),
            backfill=scenario.fetches,
            credentials=_Tokens(self.trader),
            public_symbols=scenario.symbols_a_connection,
        )
        self.client = client
        consumers: list[asyncio.Task[None]] = []
        async with client:
            client._router.name("*", self.oracle.heard, facts=True)
            client.on("trade", lambda event: self.oracle.received("callback", event))
            consumers = self._consumers(client)
            for params in self._wishes():
                client.subscribe(params)
            depths = {symbol: scenario.depth(number) for number, symbol in enumerate(scenario.symbols)}
            self.habits = Habits(scenario.habits, client, self.world.transport, depths, self.oracle.excuse)
            end = scenario.seconds if scenario.close_at is None else scenario.close_at
            while loop.time() < end:
                await asyncio.sleep(min(1.0, end - loop.time()))
                self._check_bounds()
                if "account" in scenario.extras:
                    self.trader.act(loop.time())
            if scenario.close_at is None:
                await self._recovered()
            self._secret_texts = [repr(client), str(client.status()), str(client.statistics())]
            self.outcome.connects = client.statistics()["connects"]
            self.oracle.ends()
            began = loop.time()
        started = [*consumers, *self.habits.tasks]
        for task in started:
            task.cancel()
        await asyncio.gather(*started, return_exceptions=True)
        if loop.time() - began > STOP_SECONDS:
            self.oracle.breaks(f"closing took {loop.time() - began:.1f} s")

    def _wishes(self) -> list[Subscription]:
        scenario = self.scenario
        made: list[Subscription] = [TradeSubscription(symbol=scenario.symbols)]
        for number, symbol in enumerate(scenario.symbols):
            made.append(BookSubscription(symbol=(symbol,), depth=scenario.depth(number)))
        if "ticker" in scenario.extras:
            made.append(TickerSubscription(symbol=scenario.symbols))
        if "ohlc" in scenario.extras:
            made.append(OhlcSubscription(symbol=scenario.symbols[:1], interval=1))
        if "instrument" in scenario.extras:
            made.append(InstrumentSubscription())
        if "account" in scenario.extras:
            made += [ExecutionsSubscription(snap_orders=True, snap_trades=True), BalancesSubscription()]
        if "level3" in scenario.extras:
            made.append(Level3Subscription(symbol=scenario.symbols[:1], depth=10))
        return made

    def _consumers(self, client: Client) -> list[asyncio.Task[None]]:
        symbols, oracle = self.scenario.symbols, self.oracle

        async def trades(name: str, pause: float, limit: int | None) -> None:
            try:
                async for event in client.trade(symbols, limit=limit):
                    oracle.received(name, event)
                    if pause:
                        await asyncio.sleep(pause)
            except KrakenWireError:
                return

        async def views() -> None:
            try:
                async for view in client.book(symbols[0], depth=self.scenario.depth(0)):
                    oracle.read("views", view)
            except KrakenWireError:
                return

        made = [trades("stream", 0.0, None), views()]
        if self.scenario.slow:
            made.append(trades("slow", 20.0, QUEUE))
        return [self.loop.create_task(each) for each in made]

    # ---------------------------------------------------------------- the wire

    def _watch_link(self, link: MemoryLink) -> None:
        receive, taken, number = link.receive, self.oracle.taken, 0

        async def counted() -> bytes:
            nonlocal number
            frame = await receive()
            number += 1
            taken(link.number, number)
            return frame

        abort = link.abort

        def parted() -> None:
            self.oracle.parted()
            abort()

        link.receive, link.abort = counted, parted  # type: ignore[method-assign]

    def _refuse(self, host: Host) -> Exception | None:
        now = self.loop.time()
        self.attempts.append(now)
        while self.attempts[0] <= now - 600.0 + 1e-6:
            self.attempts.popleft()
        if len(self.attempts) > 100:
            self.oracle.breaks(f"{len(self.attempts)} attempts to connect in ten minutes")
        if self.habits.failure is not None:
            return self.habits.failure
        banned = self.exchange.knock("client", now=now)
        if banned is not None:
            return ConnectFailed(ConnectFailure.RATE_LIMITED, "banned", status=429, retry_after=banned)
        refused = self.exchange.refused(host, now=now)
        if refused is None:
            return None
        headers = {} if refused.retry_after is None else {"Retry-After": f"{refused.retry_after:g}"}
        return refusal(refused.status, "", headers, refused.body.decode()[:100])

    # ---------------------------------------------------------------- at every second

    def _check_bounds(self) -> None:
        oracle, transport, now = self.oracle, self.world.transport, self.loop.time()
        if len(asyncio.all_tasks()) > TASKS:
            oracle.breaks(f"{len(asyncio.all_tasks())} tasks")
        asked, transport.requests = transport.requests, []
        self.frames_asked = asked
        # Links that have ended since may have asked as well.
        links, self.links = max(1, self.links, len(transport.links)), len(transport.links)
        if len(asked) > 25 * links:
            oracle.breaks(f"{len(asked)} requests in a second")
        for link in transport.links:
            if now - self.habits.woke_at > STALLED and oracle.stalled(link.number):
                oracle.breaks("all data stopped, and the connection was not renewed")
        for connection in self.client._plan.all():
            session = connection.session
            heard_at = max(session.heard_at, self.habits.woke_at)
            live = any(book.verified for book in session.books.level2.books.values())
            if live and connection.state is ConnectionState.CONNECTED and now - heard_at > 6.5:
                oracle.breaks(f"books read live {now - heard_at:.1f} s after anything was heard")
            if live and connection.state is not ConnectionState.CONNECTED:
                oracle.breaks(f"books read live while the connection is {connection.state}")
            if len(session.desk.requests) > 100:
                oracle.breaks(f"{len(session.desk.requests)} requests without an answer")
        for _, task in self.client._callbacks._tasks:
            if len(task.inbox) > 1_000:
                oracle.breaks(f"{len(task.inbox)} events wait for a callback that takes no time")

    # ---------------------------------------------------------------- at the end

    async def _recovered(self) -> None:
        """Everything is well again; a book in dispute, or an address that was held off, may wait for its time."""
        for _ in range(int(LONGEST_DISPUTE)):
            if not self._troubles() or not self._may_wait():
                break
            await asyncio.sleep(1.0)
        troubles: list[str] = []
        for _ in range(20):  # what is on its way may arrive
            if not (troubles := self._troubles() + self._differences() + self._account_differences()):
                break
            await asyncio.sleep(0.05)
        for trouble in troubles:
            self.oracle.breaks(f"not recovered: {trouble}")
        self.oracle.trades_complete(self.scenario.symbols, self.scenario.seconds - QUIET)

    def _may_wait(self) -> bool:
        connections = self.client._plan.all()
        disputed = any(
            book.retry_at is not None
            for connection in connections
            for shelf in (connection.session.books.level2, connection.session.books.level3)
            for book in shelf.books.values()
        )
        return disputed or any(connection.retry_at is not None for connection in connections)

    def _troubles(self) -> list[str]:
        found = []
        for connection in self.client._plan.all():
            wishes = [wish for wish in connection.session.desk.subscriptions if wish.wanted]
            if wishes and connection.state is not ConnectionState.CONNECTED:
                found.append(f"{connection.name} is {connection.state}: {connection.reason}")
                continue
            for wish in wishes:
                if wish.phase is not Phase.SUBSCRIBED:
                    found.append(f"{wish.key} is {wish.phase}")
                elif wish.channel in {"book", "level3"}:
                    status = connection.session.book_status(wish.channel, str(wish.symbol))
                    alone = status is BookStatus.UNVERIFIED and self._has_one_row(str(wish.symbol))
                    if status is not BookStatus.LIVE and not alone:
                        found.append(f"{wish.key} is {status}")
        return found

    def _has_one_row(self, symbol: str) -> bool:
        """Whether the book of the exchange has one level and no more: alone it does not show its fraction digits, so nothing proves it."""
        state = self.oracle.states[symbol][-1]
        return len(state.bids) + len(state.asks) == 1

    def _account_differences(self) -> list[str]:
        """Orders that the client takes for open and the exchange does not, or the other way round."""
        followed = any(
            wish.channel == "executions" and wish.phase is Phase.SUBSCRIBED
            for connection in self.client._plan.all()
            for wish in connection.session.desk.subscriptions
        )
        if not followed or self.oracle.misled("executions"):
            return []
        known = {
            order.order_id
            for connection in self.client._plan.all()
            for order in connection.session.account.orders.open_orders()
        }
        real = set(self.trader.account.orders)
        return [f"open orders: {sorted(known ^ real)[:3]}"] if known != real else []

    def _differences(self) -> list[str]:
        """Books that are live and not what the exchange has now."""
        since = self.scenario.seconds - QUIET
        held = [(symbol, self.client.held_book("book", symbol)) for symbol in self.scenario.symbols]
        return [
            f"book {symbol} is not the state of the exchange"
            for symbol, book in held
            if book is not None and book.verified and not self.oracle.is_current(symbol, book, since)
        ]

    def _check_secrets(self, lines: list[str]) -> None:
        tokens = list(self.exchange.tokens._issued)
        texts = [*lines, *self._secret_texts, *map(repr, self.oracle.facts)]
        for text in texts:
            if any(token in text for token in tokens):
                self.oracle.breaks(f"a token in: {text[:80]}")

    def _check_log(self, lines: list[str]) -> None:
        """Ten lines a minute of each kind are too many."""
        kinds = Counter(re.sub(r"[\d.]+", "#", line)[:60] for line in lines)
        minutes = self.loop.time() / 60 + 1
        for kind, count in kinds.items():
            if count > 10 * minutes:
                self.oracle.breaks(f"{count} lines in the log like: {kind}")

    def _count(self) -> None:
        outcome, oracle = self.outcome, self.oracle
        outcome.seconds = self.loop.time()
        outcome.frames = oracle.frames
        outcome.digest = oracle.digest
        outcome.checked = oracle.checked
        outcome.faults = len(oracle.faults)
        outcome.recoveries = oracle.recoveries


class _Tokens:
    """Where the program has its tokens from."""

    def __init__(self, trader: Trader) -> None:
        self._trader = trader

    async def get_websockets_token(self) -> dict[str, Any]:
        await asyncio.sleep(0.05)
        return {"token": self._trader.accounts.issue(self._trader.key), "expires": 900}
