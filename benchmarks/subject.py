"""The library under measurement: how its layers are driven, and the proof that they did the work.

Every run starts from a new handler or session that has seen the set-up frames. `Proof` counts, once and
untimed, what a workload must yield; every timed run is checked afterwards against the exchange's own final
books, so a handler that refused or skipped frames cannot look fast.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from benchmarks.timing import Case, Measured
from benchmarks.workload import Workload
from krakenwire import OrderBookUpdate, create_kraken_v2_handler
from krakenwire.cli.bare import decode_bare
from krakenwire.session import Session
from krakenwire.wire import codec

CHANNELS = ("book", "ticker", "trade", "ohlc", "executions", "heartbeat", "instrument", "status")


class NotMeasured(AssertionError):
    """The library did not do what the frames ask, so its time means nothing."""


def require(*, fact: bool, otherwise: str) -> None:
    """Raise `NotMeasured` unless `fact`."""
    if not fact:
        raise NotMeasured(otherwise)


def nothing(_event: object) -> None:
    """A plain callback that costs nothing but its call."""


async def nothing_async(_event: object) -> None:
    """An async callback that never suspends."""


class Decoding(Measured):
    """Frames through a decoder that remembers nothing."""

    def __init__(self, decode: Callable[[bytes], object], workload: Workload) -> None:
        self.decode, self.frames = decode, workload.frames

    def run(self) -> None:
        decode = self.decode
        for frame in self.frames:
            decode(frame)


class Core(Measured):
    """`Session.receive` and one plain callback for every event."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.session = Session(now=0.0)
        for frame in workload.setup:
            self.session.receive(frame, now=0.0)

    def run(self) -> None:
        receive, callback = self.session.receive, nothing
        for frame in self.workload.frames:
            for event in receive(frame, now=0.0):
                callback(event)

    def check(self) -> None:
        check_books(self.workload, self.session.book)


class Process(Measured):
    """`handler.process`: a plain callback, statistics, sequence tracking."""

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.handler = new_handler()
        self.handler.register_callback("*", nothing)
        for frame in workload.setup:
            self.handler.process(frame)
        self.before: int = self.handler.get_statistics()["total_messages"]

    def run(self) -> None:
        process = self.handler.process
        for frame in self.workload.frames:
            process(frame)

    def check(self) -> None:
        check_statistics(self.handler.get_statistics(), self.before + len(self.workload.frames))
        check_books(self.workload, self.handler.book)


class Await(Measured):
    """`await handler.process_message` with an async callback that does not suspend, in one running loop."""

    def __init__(self, workload: Workload, *, repeat: int = 1) -> None:
        self.workload, self.repeat = workload, repeat
        self.handler = new_handler()
        self.handler.register_callback("*", nothing_async)
        self.loop = asyncio.new_event_loop()
        self.loop.run_until_complete(self.take(workload.setup))
        self.before: int = self.handler.get_statistics()["total_messages"]

    async def take(self, frames: list[bytes]) -> None:
        process = self.handler.process_message
        for frame in frames:
            await process(frame)

    def run(self) -> None:
        for _ in range(self.repeat):
            self.loop.run_until_complete(self.take(self.workload.frames))

    def check(self) -> None:
        self.loop.close()
        expected = self.before + len(self.workload.frames) * self.repeat
        check_statistics(self.handler.get_statistics(), expected)
        check_books(self.workload, self.handler.book)


class Snapshots(Measured):
    """One depth-1000 snapshot, over and over, through `process`; each replaces the book and is verified."""

    def __init__(self, workload: Workload, *, repeat: int) -> None:
        self.workload, self.repeat = workload, repeat
        self.process = Process(workload)
        self.frame = next(
            frame for frame in reversed(workload.setup) if frame.startswith(b'{"channel":"book"')
        )

    def run(self) -> None:
        process, frame = self.process.handler.process, self.frame
        for _ in range(self.repeat):
            process(frame)

    def check(self) -> None:
        check_statistics(self.process.handler.get_statistics(), self.process.before + self.repeat)
        check_books(self.workload, self.process.handler.book)


def new_handler() -> Any:
    """A handler as the speed targets mean it: with sequence tracking and statistics."""
    return create_kraken_v2_handler(enable_sequence_tracking=True, enable_statistics=True)


def check_statistics(statistics: dict[str, Any], expected: int) -> None:
    """Every frame was counted, none was an error, a duplicate or a gap."""
    require(
        fact=statistics["total_messages"] == expected,
        otherwise=f"{statistics['total_messages']} != {expected}",
    )
    for name in ("error_count", "duplicate_count", "sequence_gaps"):
        require(fact=statistics[name] == 0, otherwise=f"{name} is {statistics[name]}")


def check_books(workload: Workload, book: Callable[[str], Any]) -> None:
    """Every book is live and ends where the exchange's does."""
    if not workload.counts["book"] and not any(b'"channel":"book"' in frame for frame in workload.setup):
        return
    for symbol, (bid, ask, checksum) in workload.books.items():
        view = book(symbol)
        found = (price(view.best_bid), price(view.best_ask), view.checksum)
        require(fact=found == (Decimal(bid), Decimal(ask), checksum), otherwise=f"{symbol} ended as {found}")
        require(fact=bool(view.verified), otherwise=f"{symbol} is not verified")


def price(level: Any) -> Decimal:
    """The price of a level, or the price itself."""
    found: Decimal = getattr(level, "price", level)
    return found


def prove(workload: Workload) -> dict[str, int]:
    """Run a workload once, untimed, and count what was proven; raises `NotMeasured` if anything was not."""
    seen: Counter[str] = Counter()

    def count(event: Any) -> None:
        seen[type(event).__name__] += 1
        if isinstance(event, OrderBookUpdate):
            seen["verified" if event.verified else "unverified"] += 1

    handler = new_handler()
    handler.register_callback("*", count)
    for frame in workload.setup + workload.frames:
        require(fact=handler.process(frame), otherwise=f"refused: {frame[:200]!r}")
    snapshots = sum(b'"book","type":"snapshot"' in frame for frame in workload.setup)
    expected = workload.counts["book"] + snapshots
    require(
        fact=seen["verified"] == expected,
        otherwise=f"{seen['verified']} of {expected} books verified: {seen}",
    )
    for name in ("Gap", "BookLost", "FrameRejected", "SchemaDrift", "Unknown", "ResyncNeeded", "unverified"):
        require(fact=seen[name] == 0, otherwise=f"{seen[name]} events {name}: {seen}")
    check_books(workload, handler.book)
    return {
        "frames": len(workload.setup) + len(workload.frames),
        "books": expected,
        "verified": seen["verified"],
    }


def layers(workload: Workload) -> list[Case]:
    """The unit and every layer above it, on one workload."""
    count = len(workload.frames)
    return [
        Case("unit", "bare msgspec decode", count, lambda: Decoding(decode_bare, workload)),
        Case("decode", "krakenwire.wire.codec.decode", count, lambda: Decoding(codec.decode, workload)),
        Case("core", "Session.receive + callback", count, lambda: Core(workload)),
        Case("process", "handler.process", count, lambda: Process(workload)),
        Case("await", "await process_message", count, lambda: Await(workload)),
    ]
