"""One seed, one scenario: a few markets, what a client wants of them, and a random handful of faults.

Faults are drawn as in swarm testing: few kinds at a time, each strong enough to matter, so that they meet in ever other ways. The script is
text, so that a failing seed can be read.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec import Struct

from krakenwire.sim import Listing, listing
from krakenwire.sim.faults import Statement, parse

SECONDS = 600.0
QUIET = 100.0
"""Seconds at the end in which nothing goes wrong any more, so that everything has to be well again."""

BEGIN = 10.0
SYMBOLS = ("BTC/USD", "PEPE/USD", "XMN/USD")
CROWD = ("BTC/USD", "PEPE/USD", "SOL/USD", "ADA/USD", "LTC/EUR", "XRP/USD")
"""Enough markets that speak all the time to notice that all of them stopped."""
Lines = list[str]

UPDATES = ("book", "level3", "trade", "ticker", "ohlc", "data", "executions", "balances")
SNAPSHOTS = ("book", "book", "trade", "trade", "data", "data", "level3", "executions", "balances")
HARMLESS = (
    "checksum",
    "digit",
    "exponent",
    "text",
    "field",
    "missing",
    "key",
    "enum",
    "empty",
    "null",
    "negative",
    "huge",
)
BROKEN = ("byte", "nan", "utf8", "trailing", "nesting")
CLOSES = ("cut", "close", "close 1001", "close 1012", "close 1013", "close 1008")
JUNK = (
    '{"channel":"weather","type":"update","data":[{"rain":true}]}',
    '{"error":"EGeneral:Internal error"}',
    '{"method":"subscribe","error":"Exceeded msg rate","success":false}',
    '{"method":"pong","req_id":99}',
    "[]",
    "null",
    "",
    "not JSON",
    '{"channel":"book","type":"update","data":[{"symbol":"XX/YY","bids":[],"asks":[],"checksum":1}]}',
)
WORDS = (
    "Exceeded msg rate",
    "EService:Unavailable",
    "ESession:Invalid session",
    "Already subscribed",
    "EGeneral:Internal error",
)


class Scenario(Struct, frozen=True, omit_defaults=True):
    """What one seed comes to. As JSON it can be kept, and plays the same whatever becomes of `scenario`."""

    seed: int
    symbols: tuple[str, ...]
    script: tuple[str, ...] = ()
    """The faults, a statement each."""
    habits: tuple[str, ...] = ()
    """What the program and its machine do meanwhile; `habits.py` knows the words."""
    symbols_a_connection: int = 500
    """Symbols of one public connection, at most."""
    depths: tuple[int, ...] = (10,)
    """Of the book, by market; the last one repeats."""
    extras: tuple[str, ...] = ()
    """Channels beside book and trade; `account`: executions and balances, of an account that trades."""
    seconds: float = SECONDS
    close_at: float | None = None
    """When the program ends, in the middle of everything; None: after the quiet end."""
    slow: bool = False
    """Whether one consumer reads far too slowly."""
    fetches: bool = True
    """Whether missing trades are fetched."""
    dense: bool = False
    """Lively markets, with several times the frames."""
    about: str = ""
    """What it showed once, where it is kept."""

    def markets(self) -> list[Listing]:
        """A lively, a cheap and a quiet market, and others that never pause for long, as far as they are in it."""
        busy = 4.0 if self.dense else 1.0
        known = (
            listing("BTC/USD", "81776.7", rate=5.0 * busy, levels=20, spacing=3, size=8000),
            listing(
                "PEPE/USD", "0.00001234", qty_decimals=5, rate=2.5 * busy, levels=14, spacing=1, size=150
            ),
            listing("XMN/USD", "12.5", rate=0.5 * busy, levels=5, spacing=2, size=120),
            *(
                listing(symbol, price, rate=1.5 * busy, levels=8, spacing=2, size=500)
                for symbol, price in (
                    ("SOL/USD", "141.22"),
                    ("ADA/USD", "0.583120"),
                    ("LTC/EUR", "84.31"),
                    ("XRP/USD", "2.41234"),
                )
            ),
        )
        return [market for market in known if market.pair.symbol in self.symbols]

    def statements(self) -> list[Statement]:
        """The script, read."""
        return parse("\n".join(self.script))

    def depth(self, number: int) -> int:
        """Depth of the book of a market, by its place."""
        return self.depths[min(number, len(self.depths) - 1)]


def scenario(seed: int, *, dense: bool = False, seconds: float = SECONDS) -> Scenario:
    """The scenario of a seed."""
    dice = Random(f"{seed}/scenario")
    crowded = dice.random() < 0.1
    symbols = list(CROWD) if crowded else dice.sample(SYMBOLS, dice.randint(2, 3))
    dread = Dread(dice, symbols, seconds - QUIET)
    kinds = [*dice.sample(KINDS, dice.randint(1, 6)), *([_all_data] if crowded else [])]
    return Scenario(
        seed=seed,
        symbols=tuple(symbols),
        script=tuple([line for kind in kinds for line in kind(dread)]),
        habits=tuple(habits(dread)),
        symbols_a_connection=500 if crowded else dice.choice((500, 500, 1)),
        depths=tuple([dice.choice((10, 10, 10, 25)) for _ in symbols]),
        extras=tuple(
            [name for name in ("ticker", "ohlc", "instrument", "level3", "account") if dice.random() < 0.4]
        ),
        seconds=seconds,
        close_at=round(dice.uniform(1.0, seconds - QUIET), 3) if dice.random() < 0.2 else None,
        slow=dice.random() < 0.2,
        fetches=dice.random() < 0.7,
        dense=dense,
    )


class Dread:
    """The dice, and what they may choose from."""

    def __init__(self, dice: Random, symbols: list[str], end: float) -> None:
        self.dice = dice
        self.symbols = symbols
        self.end = end

    def window(self, longest: float = 200.0) -> str:
        start = self.dice.uniform(BEGIN, self.end - 20)
        stop = min(self.end, start + self.dice.uniform(5, longest))
        return f"from {start:.3f} s to {stop:.3f} s"

    def when(self) -> str:
        return f"at {self.dice.uniform(BEGIN, self.end - 40):.3f} s"

    def often(self) -> str:
        """A trigger that goes off a few times."""
        return self.dice.choice((self.when(), f"every {self.dice.uniform(20, 120):.3f} s {self.window(400)}"))

    def chance(self, low: float = 0.01, high: float = 0.15) -> str:
        return f"probability {self.dice.uniform(low, high):.4f} {self.window()}"

    def target(self) -> str:
        channel = self.dice.choice(UPDATES)
        named = channel not in {"executions", "balances"} and self.dice.random() < 0.5
        symbol = f" {self.dice.choice(self.symbols)}" if named else ""
        return f"{channel}{symbol} update"

    def seconds(self, low: float, high: float) -> str:
        return f"{self.dice.uniform(low, high):.3f} s"


def habits(dread: Dread) -> Lines:
    """A few things that the program or its machine does."""
    if dread.dice.random() < 0.5:
        return []
    made = []
    for _ in range(dread.dice.randint(1, 4)):
        what = dread.dice.choice(("stand still", "deaf", "resync", "leave", "name", "unreachable", "odd"))
        symbol = f" {dread.dice.choice(dread.symbols)}" if what in {"resync", "leave"} else ""
        longest = dread.dice.choice((20, 60)) if what == "stand still" else 20
        made.append(f"{dread.when()}: {what}{symbol} for {dread.seconds(0, longest)}")
    return made


def _content(verb: str) -> Callable[[Dread], Lines]:
    return lambda dread: [f"{dread.chance()}: {verb} {dread.target()}"]


def _damage(dread: Dread) -> Lines:
    return [f"{dread.chance()}: corrupt {dread.dice.choice(HARMLESS)} {dread.target()}"]


def _garbage(dread: Dread) -> Lines:
    kind = dread.dice.choice(BROKEN)
    most = 0.01 if kind == "nesting" else 0.1
    return [
        f"{dread.chance(0.001, most)}: corrupt {kind} {dread.dice.choice(('data', 'anything', dread.target()))}"
    ]


def _snapshots(dread: Dread) -> Lines:
    verb = dread.dice.choice(
        ("drop", "duplicate", "swap", f"delay {dread.seconds(0.1, 15)}", "corrupt checksum", "truncate")
    )
    lines = [f"{dread.chance(0.1, 0.8)}: {verb} {dread.dice.choice(SNAPSHOTS)} snapshot"]
    return [*lines, *_ends(dread)]


def _replies(dread: Dread) -> Lines:
    verb = dread.dice.choice(
        ("drop", "duplicate", "swap", f"delay {dread.seconds(0.1, 8)}", "corrupt byte", "truncate")
    )
    return [f"{dread.chance(0.1, 0.6)}: {verb} reply", *_ends(dread)]


def _deaf(dread: Dread) -> Lines:
    what = dread.dice.choice(("subscribe", "unsubscribe", "ping", "subscribe book"))
    return [f"{dread.chance(0.1, 0.7)}: ignore {what}", *_ends(dread)]


def _refusals(dread: Dread) -> Lines:
    what = dread.dice.choice(
        (
            "subscribe",
            "unsubscribe",
            f"subscribe book {dread.dice.choice(dread.symbols)}",
            f"subscribe {dread.dice.choice(('executions', 'balances'))}",
        )
    )
    words = dread.dice.choice(WORDS[:2]) if dread.dice.random() < 0.7 else dread.dice.choice(WORDS)
    return [f"{dread.chance(0.1, 0.6)}: refuse {what} with {words}", *_ends(dread)]


def _ends(dread: Dread) -> Lines:
    return [f"{dread.often()}: {dread.dice.choice(CLOSES)}"]


def _silence(dread: Dread) -> Lines:
    what = dread.dice.choice(
        ("anything", "data", "heartbeat", f"book {dread.dice.choice(dread.symbols)}", dread.target())
    )
    return [f"{dread.often()}: drop {what} for {dread.seconds(1, 40)}"]


def _stalls(dread: Dread) -> Lines:
    return [
        f"{dread.often()}: hold {dread.seconds(0.2, dread.dice.choice((4, 4, 12)))} {dread.dice.choice(('anything', 'data'))}"
    ]


def _outage(dread: Dread) -> Lines:
    at = dread.dice.uniform(BEGIN, dread.end - 60)
    status = dread.dice.choice(
        ("500", "502", "503", "504", "521", "403 2 times", "429 retry 20 s 1 times", "200", "302")
    )
    lasts = "" if "times" in status else f" for {dread.seconds(1, 50)}"
    return [f"at {at:.3f} s: {dread.dice.choice(CLOSES)}", f"at {at:.3f} s: refuse connects {status}{lasts}"]


def _flapping(dread: Dread) -> Lines:
    return [f"when status {dread.window(60)}: {dread.dice.choice(CLOSES)}", *_ends(dread)]


def _maintenance(dread: Dread) -> Lines:
    mode = dread.dice.choice(("maintenance", "cancel_only", "post_only"))
    return [
        f"{dread.when()}: status {mode} for {dread.seconds(2, 40)}",
        *(_ends(dread) if mode == "maintenance" else []),
    ]


def _lies(dread: Dread) -> Lines:
    """The checksum of one book is wrong for a while."""
    channel = dread.dice.choice(("book", "book", "level3"))
    return [
        f"probability 1 {dread.window(120)}: corrupt checksum {channel} {dread.dice.choice(dread.symbols)}"
    ]


def _second_snapshot(dread: Dread) -> Lines:
    return [f"{dread.often()}: repeat {dread.dice.choice(('book', 'level3', 'ticker', 'trade', 'data'))}"]


def _all_data(dread: Dread) -> Lines:
    """Heartbeats go on, and nothing else does."""
    at = dread.dice.uniform(100.0, dread.end - 90)
    return [f"at {at:.3f} s: drop data for {dread.seconds(33, 80)}"]


def _bytes(dread: Dread) -> Lines:
    """Something happens to the bytes of connections; here, without sockets, what comes nearest."""
    what = dread.dice.choice(
        (
            f"break {dread.dice.choice(('anything', 'data', 'reply', 'heartbeat', dread.target()))}",
            f"stall {dread.seconds(0.2, 6)} {dread.dice.choice(('anything', 'data', 'book snapshot'))}",
            f"late {dread.seconds(0.2, dread.dice.choice((4, 12)))}",
            f"deaf for {dread.seconds(1, 20)}",
            f"end {dread.dice.choice(('fin', 'rst', 'silent', 'silent'))}",
            "goodbye 1012",
            "frame opcode",
            "garbage",
        )
    )
    return [f"{dread.often()}: {what}"]


def _digits(dread: Dread) -> Lines:
    """A market shows other digits, once or a few times, while its books are live."""
    symbol = dread.dice.choice(dread.symbols)
    known = {"price_precision": (0, 1, 2), "qty_precision": (-1, 0, 1, 2)}
    pair = next(
        market.pair for market in Scenario(0, tuple(dread.symbols)).markets() if market.pair.symbol == symbol
    )
    lines = []
    for _ in range(dread.dice.randint(1, 4)):
        field = dread.dice.choice(tuple(known))
        lines.append(
            f"{dread.when()}: pair {symbol} {field} {getattr(pair, field) + dread.dice.choice(known[field])}"
        )
    return lines


KINDS: tuple[Callable[[Dread], Lines], ...] = (
    _content("drop"),
    _content("drop"),
    _content("duplicate"),
    _content("swap"),
    lambda dread: [f"{dread.chance()}: delay {dread.seconds(0.01, 6)} {dread.target()}"],
    lambda dread: [f"{dread.chance(0.001, 0.01)}: truncate {dread.target()}"],
    _damage,
    _damage,
    _garbage,
    _snapshots,
    _replies,
    _deaf,
    _refusals,
    _ends,
    _ends,
    _silence,
    _silence,
    _stalls,
    _outage,
    _flapping,
    _maintenance,
    _lies,
    _second_snapshot,
    lambda dread: [f"{dread.often()}: renumber"],
    lambda dread: [f"{dread.often()}: cross {dread.dice.choice(dread.symbols)}"],
    lambda dread: [f"{dread.often()}: send {dread.dice.choice(JUNK)}"],
    lambda dread: [f"{dread.when()}: expire tokens", *_ends(dread)],
    lambda dread: [
        f"{dread.when()}: pair {dread.dice.choice(dread.symbols)} status {dread.dice.choice(('cancel_only', 'online', 'post_only'))}"
    ],
    lambda dread: [f"probability 0.5 {dread.window()}: refuse http 503 with <html>"],
    _digits,
    _digits,
    _bytes,
    _bytes,
)
