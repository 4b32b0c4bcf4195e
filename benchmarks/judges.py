"""Other libraries before the simulated exchange: `python -m benchmarks.judges`.

An exchange that only our own client understands proves nothing. Here python-kraken-sdk and ccxt.pro, unchanged but for the address, connect
over real sockets: they load markets and tokens by REST, follow books and place an order. The SDK checks every checksum itself; its
verdict about each message has to be that of krakenwire about the same bytes, on right books and on damaged ones. What the books end as
is looked up in the exchange's own record.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.peers import PINS, install, python
from krakenwire.sim import Rules
from krakenwire.sim.background import Simulated
from krakenwire.sim.truth import TruthLog

ROOT = Path(__file__).resolve().parent.parent

# The SDK reads quantities as floats, which have no more than fifteen digits: markets whose quantities have them all.
SYMBOLS = ["BTC/USD", "ETH/USD", "SOL/USD", "LTC/EUR", "ETH/BTC", "PAXG/USD"]

# The SDK cuts a side after each entry of a message, and so may lose its last level; at depth 25 that is none of the ten that count.

RULES = Rules(outgoing_limit=200_000)
"""The slowest reader here is slower than the exchange at its speed."""


SECONDS = 120
"""Within which a client has to do its work."""


class Wrong(Exception):
    """A judge found against us."""


def worker(work: str, **task: Any) -> dict[str, Any]:
    """Run one client to its end.

    Raises: Wrong, if it could not do its work.
    """
    try:
        done = subprocess.run(
            [str(python()), "-m", "benchmarks.judge_worker"],
            cwd=ROOT,
            input=json.dumps({"work": work, "seconds": SECONDS, **task}),
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS + 20,
        )
    except subprocess.TimeoutExpired as exc:
        raise Wrong(f"{work} did not end") from exc
    if done.returncode:
        raise Wrong(f"{work} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def addresses(sim: Simulated) -> dict[str, str]:
    """Where a client finds the exchange."""
    return {"public": sim.urls.public, "private": sim.urls.private, "rest": sim.urls.rest}


def _everything() -> TruthLog:
    """A log of every state, as clients may be far behind."""
    return TruthLog(limit=None, frames=False)


def states(sim: Simulated, symbol: str, depth: int) -> set[Any]:
    """Every state that a book had, of those kept."""
    return {state.texts(depth) for state in sim.truth.states[symbol]}


def sdk_books(updates: int, seed: int) -> str:
    """Right books: every message is valid for both."""
    with Simulated(seed=seed, markets=SYMBOLS, speed=60, rules=RULES, truth=_everything()) as sim:
        began = time.monotonic()
        told = worker("sdk_book", symbols=SYMBOLS, depth=25, updates=updates, **addresses(sim))
        seconds = time.monotonic() - began
    for name in ("theirs_valid", "ours_valid"):
        _require(told.get(name) == told["updates"], f"{name}: {told.get(name)} of {told['updates']}")
    for symbol, book in told["last"].items():
        bids, asks = (tuple(tuple(level) for level in book[side]) for side in ("bid", "ask"))
        _require((bids[:10], asks[:10]) in states(sim, symbol, 10), f"{symbol} ends as it never was: {book}")
    return (
        f"{told['updates']:,} updates of {len(SYMBOLS)} books: {told['theirs_valid']:,} valid for the SDK, {told['ours_valid']:,} for "
        f"krakenwire, {told.get('differ', 0)} differ; all {len(SYMBOLS)} books end as the exchange had them ({seconds:.0f} s)"
    )


def sdk_damaged(seed: int) -> str:
    """Damaged books: both find against the same message of each, and against none before."""
    script = "\n".join(f"at 200 s: corrupt checksum book {symbol} update" for symbol in SYMBOLS)
    with Simulated(seed=seed, markets=SYMBOLS, speed=20, faults=script, rules=RULES) as sim:
        told = worker("sdk_book", symbols=SYMBOLS, depth=25, updates=1_000_000, **addresses(sim))
    _require(told.get("differ", 0) == 0, f"{told['differ']} verdicts differ")
    _require(told["lost"] == sorted(SYMBOLS), f"damage was found in {told['lost']}")
    return (
        f"{told['updates']:,} updates of {len(SYMBOLS)} books, each damaged once: {told['theirs_invalid']} invalid for the SDK, "
        f"{told['ours_invalid']} for krakenwire, {told.get('differ', 0)} differ"
    )


def sdk_orders(seed: int) -> str:
    """A key signs, a token opens the private channels, an order lives and ends."""
    with Simulated(seed=seed, markets=["SOL/USD"]) as sim:
        key = {"key": sim.key.key, "secret": sim.key.secret.reveal()}
        told = worker("sdk_orders", symbol="SOL/USD", price=10.0, **key, **addresses(sim))
    _require(told["exec_types"] == ["pending_new", "new", "canceled"], f"reports: {told['exec_types']}")
    return f"token by a signed request, one order placed and cancelled: {', '.join(told['exec_types'])}"


def ccxt_books(updates: int, seed: int) -> str:
    """Every best bid and ask that ccxt.pro tells was one of the exchange."""
    with Simulated(seed=seed, markets=SYMBOLS, speed=20, rules=RULES, truth=_everything()) as sim:
        told = worker("ccxt_book", symbols=["ETH/USD"], depth=10, updates=updates, **addresses(sim))
    tops = {
        (tuple(map(float, bids[0])), tuple(map(float, asks[0]))) for bids, asks in states(sim, "ETH/USD", 1)
    }
    seen = [(tuple(bid), tuple(ask)) for bid, ask in told["tops"]]
    wrong = [top for top in seen if top not in tops]
    _require(not wrong, f"{len(wrong)} tops never were, the first is {wrong[:1]}")
    return f"{told['markets']} markets loaded by REST; {len(seen):,} best bids and asks of ETH/USD, all of them the exchange's"


def _require(true: bool, words: str) -> None:  # noqa: FBT001 - an assertion that survives -O
    if not true:
        raise Wrong(words)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.judges", description=__doc__)
    parser.add_argument("--updates", type=int, default=10_000, help="book messages (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    failed = install({"python-kraken-sdk", "ccxt"})
    for name, why in failed.items():
        print(f"{name} cannot be installed: {why}", file=sys.stderr)
    judges = {
        f"{PINS['python-kraken-sdk'][0]}, books": lambda: sdk_books(options.updates, options.seed),
        f"{PINS['python-kraken-sdk'][0]}, damaged books": lambda: sdk_damaged(options.seed),
        f"{PINS['python-kraken-sdk'][0]}, orders": lambda: sdk_orders(options.seed),
        f"{PINS['ccxt'][0]}, books": lambda: ccxt_books(500, options.seed),
    }
    wrong = bool(failed)
    for name, judge in judges.items():
        try:
            print(f"{name}\n  {judge()}", flush=True)
        except Wrong as exc:
            wrong = True
            print(f"{name}\n  WRONG: {exc}", flush=True)
    sys.exit(wrong)


if __name__ == "__main__":
    main()
