"""`sim.faults`: what a script does to the frames, requests and attempts of an exchange."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from krakenwire.sim import Exchange
from krakenwire.sim.faults import DAMAGES, FaultScript
from krakenwire.sim.truth import TruthLog
from tests.sim.drive import AT_ONCE, Client

FRAME = (
    b'{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":81776.7,"qty":0.50000000}],'
    b'"asks":[],"checksum":3310070434,"timestamp":"2026-11-22T08:00:01.000000Z"}]}'
)


def faulty(script: str, *, markets: tuple[str, ...] = ("SOL/USD",), seed: int = 3) -> tuple[Client, TruthLog]:
    """A client of an exchange with these faults, and what really happened."""
    truth = TruthLog()
    exchange = Exchange(seed=seed, markets=markets, rules=AT_ONCE, truth=truth)
    FaultScript(script, seed=seed).install(exchange)
    return Client(exchange), truth


def books(frames: list[Any]) -> list[str]:
    """Of each book message, its time within the minute."""
    return [frame["data"][0]["timestamp"][17:26] for frame in frames if frame.get("channel") == "book"]


def follow(script: str, seconds: float = 20.0) -> tuple[list[str], list[str]]:
    """The book messages that arrive under a script, and those that do without it."""
    arrived = []
    for told in (script, ""):
        made, _ = faulty(told)
        made.ask("subscribe", channel="book", symbol=["SOL/USD"])
        arrived.append([time for _ in range(int(seconds * 10)) for time in books(made.wait(0.1))])
    return arrived[0], arrived[1]


def test_drop_takes_the_next_frame_and_no_other() -> None:
    """One statement `at` a time drops exactly the first frame from then on that its target covers."""
    arrived, meant = follow("at 5 s: drop book SOL/USD")
    lost = [time for time in meant if time not in arrived]
    assert len(lost) == 1
    assert lost[0] == next(time for time in meant if time >= "05")


def test_drop_takes_as_many_as_it_is_told() -> None:
    """`N times` is a number of frames, `for` a time in which every frame is taken."""
    arrived, meant = follow("at 5 s: drop book 3 times")
    assert len(meant) - len(arrived) == 3
    arrived, meant = follow("at 5 s: drop book for 4 s")
    assert [time for time in meant if time not in arrived] == [t for t in meant if "05" <= t < "09"]


def test_order_and_number_of_frames_change_as_told() -> None:
    """Duplicate doubles one frame, swap exchanges two neighbours, delay lets others pass; nothing is lost by any of them."""
    arrived, meant = follow("at 5 s: duplicate book")
    assert len(arrived) == len(meant) + 1
    assert sorted(set(arrived)) == meant
    arrived, meant = follow("at 5 s: swap book")
    first = next(number for number, time in enumerate(meant) if time >= "05")
    assert arrived == [*meant[:first], meant[first + 1], meant[first], *meant[first + 2 :]]
    arrived, meant = follow("at 5 s: delay 2 s book")
    assert arrived != meant
    assert sorted(arrived) == meant


def test_hold_keeps_the_order() -> None:
    """While a connection is held nothing arrives on it; then everything does, in its order."""
    made, _ = faulty("at 5 s: hold 3 s book")
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    before = books(made.wait(5))
    first = next(time for time in iter(lambda: made.wait(0.01), None) if books(time) or made.now > 7)
    assert books(first) == []
    after = books(made.wait(3))
    assert before + after == sorted(before + after)
    assert len(after) > 5


def test_a_window_bounds_a_probability() -> None:
    """A probability of one takes every frame of its window, and none outside it."""
    arrived, meant = follow("probability 1 from 5 s to 9 s: drop book")
    assert [time for time in meant if time not in arrived] == [t for t in meant if "05" <= t < "09"]


def test_the_same_seed_does_the_same() -> None:
    """Chance belongs to the seed of the script."""
    script = "probability 0.3: drop book"
    assert follow(script)[0] == follow(script)[0] != follow(script.replace("0.3", "0.2"))[0]


def test_every_kind_of_damage_is_damage() -> None:
    """Each kind of damage changes a book message, always in the same way for the same dice."""
    for name, damage in DAMAGES.items():
        if name == "enum":
            continue  # a book has no word of an enumeration
        damaged = damage(FRAME, Random(1))
        assert damaged != FRAME, name
        assert damaged == damage(FRAME, Random(1)), name
        assert damage.__doc__, name


@pytest.mark.parametrize(
    "name", ["checksum", "exponent", "text", "field", "key", "missing", "nan", "trailing", "utf8"]
)
def test_damage_is_what_its_name_says(name: str) -> None:
    """Damage to the content leaves JSON, damage to the form does not."""
    reads = name not in {"nan", "trailing", "utf8"}
    damaged = DAMAGES[name](FRAME, Random(2))
    try:
        json.loads(damaged, parse_constant=lambda _: 1 / 0)
    except (ValueError, ZeroDivisionError):
        assert not reads
    else:
        assert reads


def test_requests_are_ignored_and_refused() -> None:
    """A request that is ignored gets no answer; one symbol that is refused is refused in the script's words, the others are granted."""
    made, _ = faulty(
        "at 0 s: ignore ping\nat 0 s: refuse subscribe book SOL/USD with EService:Unavailable",
        markets=("SOL/USD", "BTC/USD"),
    )
    assert [frame for frame in made.ask("ping", req_id=1) if "method" in frame] == []
    assert made.ask("ping", req_id=2)[0]["req_id"] == 2
    told = made.ask("subscribe", channel="book", symbol=["SOL/USD", "BTC/USD"])
    assert [frame.get("error") for frame in told if "method" in frame] == ["EService:Unavailable", None]
    told = made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    assert told[0]["success"] is True


def test_a_request_without_symbols_is_refused_as_a_whole() -> None:
    """A refusal works for channels without symbols too."""
    made, _ = faulty("at 0 s: refuse subscribe instrument with EService:Unavailable")
    told = [frame for frame in made.ask("subscribe", channel="instrument") if "method" in frame]
    assert [frame["error"] for frame in told] == ["EService:Unavailable"]


def test_attempts_are_refused() -> None:
    """Attempts to connect and HTTP requests are answered with the status, the waiting time and the body of the script."""
    made, _ = faulty(
        "at 1 s: refuse connects 429 retry 30 s on public 2 times with slow down\nat 1 s: refuse http 503 retry 5 s"
    )
    exchange = made.exchange
    assert exchange.refused("public", now=0.5) is None
    refused = exchange.refused("public", now=2.0)
    assert refused is not None
    assert (refused.status, refused.body, refused.retry_after) == (429, b"slow down", 30.0)
    assert exchange.refused("private", now=2.0) is None
    assert exchange.refused("public", now=2.0) is not None
    assert exchange.refused("public", now=2.0) is None
    refused = exchange.refused_http("/0/public/Time", now=2.0)
    assert refused is not None
    assert (refused.status, refused.body, refused.retry_after) == (503, b"", 5.0)
    assert exchange.refused_http("/0/public/Time", now=2.0) is None


@pytest.mark.parametrize(("action", "code"), [("close 1012", 1012), ("close", 1000), ("cut", None)])
def test_connections_end(action: str, code: int | None) -> None:
    """A connection ends with the code told, or with none."""
    made, _ = faulty(f"at 5 s: {action}")
    made.wait(4.9)
    assert made.exchange.closing(made.id) is None
    made.wait(0.2)
    closing = made.exchange.closing(made.id)
    assert closing is not None
    assert closing.code == code


def test_a_connection_may_end_as_soon_as_it_stands() -> None:
    """`when status: cut` accepts every connection and drops it."""
    made, _ = faulty("when status: cut")
    made.wait(0.001)
    assert made.exchange.closing(made.id) is not None


def test_frames_of_its_own() -> None:
    """A script sends any text, and a status that names another connection."""
    made, _ = faulty('at 1 s: send {"error":"EGeneral:Internal error"}\nat 2 s: renumber')
    first = made.take()[0]["data"][0]["connection_id"]
    told = made.wait(3)
    assert told[0] == {"error": "EGeneral:Internal error"}
    assert told[1]["data"][0]["connection_id"] not in {None, first}


def test_the_engine_goes_and_comes_back() -> None:
    """A status holds for its time; without the id of a connection."""
    made, _ = faulty("at 1 s: status maintenance for 5 s")
    made.take()
    told = [frame["data"][0] for frame in made.wait(10)]
    assert [status["system"] for status in told] == ["maintenance", "online"]
    assert all("connection_id" not in status for status in told)


def test_a_book_is_crossed_and_true() -> None:
    """For one message the best bid reaches the best ask, with its true checksum; the next one ends it."""
    made, truth = faulty("at 5 s: cross SOL/USD")
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    made.wait(5)
    states = [state for state in truth.states["SOL/USD"] if state.bids[0][0] >= state.asks[0][0]]
    assert len(states) == 1
    assert truth.states["SOL/USD"][-1].bids[0][0] < truth.states["SOL/USD"][-1].asks[0][0]


def test_a_snapshot_comes_again() -> None:
    """`repeat` sends the present state to those who are subscribed."""
    made, _ = faulty("at 5 s: repeat book SOL/USD")
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    made.wait(0.2)
    told = [frame for frame in made.wait(6) if frame.get("type") == "snapshot"]
    assert [frame["channel"] for frame in told] == ["book"]


def test_a_market_changes_its_terms() -> None:
    """Who follows `instrument` hears of the change that a script makes."""
    made, _ = faulty("at 5 s: pair SOL/USD status cancel_only")
    made.ask("subscribe", channel="instrument")
    told = [frame for frame in made.wait(6) if frame.get("channel") == "instrument"]
    assert told[-1]["data"]["pairs"][0]["status"] == "cancel_only"


def test_tokens_expire() -> None:
    """No token handed out before is good any more."""
    made, _ = faulty("at 5 s: expire tokens")
    token = made.exchange.tokens.issue(made.exchange.at)
    made.wait(6)
    assert not made.exchange.tokens.valid(token, made.exchange.at)


def test_the_truth_log_names_every_fault() -> None:
    """Each fault that acted is written down with its time, its words, its connection and its frame."""
    made, truth = faulty("at 5 s: drop book SOL/USD\nat 6 s: close 1012")
    made.ask("subscribe", channel="book", symbol=["SOL/USD"])
    made.wait(7)
    dropped, closed = truth.faults
    assert (dropped.what, dropped.connection, dropped.label) == (
        "drop book SOL/USD",
        made.id,
        ("book", "update", "SOL/USD"),
    )
    assert 5.0 <= (dropped.at - made.exchange.epoch) / 1e9 < 6.0
    assert (closed.what, closed.connection, closed.label) == ("close 1012", made.id, None)
