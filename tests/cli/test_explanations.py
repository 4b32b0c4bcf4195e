"""`krakenwire verify`: what it says about what went wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from zlib import crc32

import pytest

from krakenwire.cli import index
from krakenwire.cli.exits import Exit
from tests.cli import capture_of
from tests.cli.call import Ended
from tests.session.exchange import Exchange
from tests.session.say import ack, status

CLEAN = Exchange().stream(20)


def test_failure_is_explained(verify: Callable[..., Ended]) -> None:
    """The first failure of a book names line, time, both checksums, what changed since the last proof, and what healed it."""
    frames = capture_of.lost_update()
    lines = [line.strip() for line in verify(frames).out.splitlines()]
    expected = json.loads(frames[3])["data"][0]["checksum"]
    (first,) = [line for line in lines if line.startswith("first failure")]
    assert first == f"first failure: line 4 · {capture_of.time(1.3)} · checksum"
    at = lines.index(first)
    assert lines[at + 1].startswith(f"expected {expected}, computed ")
    assert lines[at + 2 : at + 6] == [
        "1 update since the last proof (line 3, 0.20 s before) changed:",
        "ask 1001.0 x 6.00000000 at level 1, was x 5.00000000",
        "either that update is not as it was sent, or one before it was lost",
        "healed by a snapshot at line 6 · blind 0.70 s · 1 update discarded",
    ]


def test_failure_as_json(verify: Callable[..., Ended]) -> None:
    """Programs get the same facts: the failure, its changed levels, and the interval."""
    told = verify(capture_of.lost_update(), "-o", "json").json
    book = told["by_symbol"]["BTC/USD"]["book"]
    failure = book["first_failure"]
    assert (failure["line"], failure["proven_line"], failure["seconds_since_proof"]) == (4, 3, 0.2)
    assert failure["changed"] == [
        {"side": "ask", "price": "1001.0", "level": 1, "proven": "5.00000000", "now": "6.00000000"}
    ]
    assert book["first_intervals"] == [
        {
            "reason": failure["reason"],
            "from_line": 4,
            "from_timestamp": capture_of.time(1.3),
            "to_line": 6,
            "to_timestamp": capture_of.time(2),
            "seconds": 0.7,
            "healed_by": "snapshot",
            "discarded": 1,
        }
    ]


def test_a_removed_level_is_one_change(verify: Callable[..., Ended]) -> None:
    """A level that was removed moves all those behind it, and yet is told as one change, with the level that entered."""
    exchange = Exchange(levels=11, depth=10)
    frames = [ack("subscribe"), exchange.snapshot()]
    exchange.update(asks={"1005": "9"})
    frames.append(exchange.update(asks={"1002": "0", "1011": "4"}))
    changed = verify(frames, "-o", "json").json["by_symbol"]["BTC/USD"]["book"]["first_failure"]["changed"]
    assert [(one["price"], one["proven"], one["now"]) for one in changed] == [
        ("1002.0", "2.00000000", None),
        ("1011.0", None, "4.00000000"),
    ]


def test_every_interval_counts(verify: Callable[..., Ended]) -> None:
    """Each time a book is lost is an interval, whole or open to the end; their times add up."""
    again = [frame.replace(b"08:00:0", b"08:01:0") for frame in capture_of.lost_update()]
    told = verify([*capture_of.lost_update(), *again[:4]], "-o", "json").json
    intervals = told["by_symbol"]["BTC/USD"]["book"]["first_intervals"]
    assert [(one["from_line"], one["to_line"]) for one in intervals] == [(4, 6), (11, None)]
    assert told["blind_intervals"] == 2
    assert told["blind_seconds"] == pytest.approx(0.7, abs=1e-6)
    assert "not healed" in verify([*capture_of.lost_update(), *again[:4]]).out


def test_lost_book_touches_no_other(verify: Callable[..., Ended]) -> None:
    """Two books of one capture are judged apart, and the troubled one comes first."""
    lines = verify([*Exchange("AAA/USD").stream(5), *capture_of.lost_update("ZZZ/USD")]).out.splitlines()
    rows = [line.split() for line in lines if line.startswith("  book")]
    assert [row[1] for row in rows] == ["ZZZ/USD", "AAA/USD"]
    assert rows[1][3:] == ["6", "verified", "0", "failed", "0", "unverifiable"]


def test_trades(verify: Callable[..., Ended]) -> None:
    """Trades are complete, missing or repeated, also where only a part of a frame came before."""
    frames = [
        capture_of.trade(10, 11, kind="snapshot"),
        capture_of.trade(12),
        capture_of.trade(12),
        capture_of.trade(11, 12, 13),
        capture_of.trade(20),
    ]
    told = verify(frames, "-o", "json").json
    assert told["by_symbol"]["BTC/USD"]["trade"] == {
        "frames": 4,
        "complete": 3,
        "missing": 6,
        "repeated": 3,
        "gaps": 1,
        "first_gaps": [{"line": 5, "first": 14, "last": 19}],
    }
    assert "before line 5: numbers 14 to 19 are missing" in verify(frames).out


def test_sequences(verify: Callable[..., Ended]) -> None:
    """A hole in a private sequence is named with its channel and numbers; what follows is not in sequence."""
    frames = [capture_of.balances(1, "snapshot"), *map(capture_of.balances, (2, 3, 3, 6, 7))]
    told = verify(frames, "-o", "json").json
    assert told["by_channel"]["balances"] == {
        "frames": 6,
        "in_sequence": 3,
        "missing": 2,
        "repeated": 1,
        "gaps": 1,
        "first_gaps": [{"line": 5, "first": 4, "last": 5}],
    }
    assert (told["sequence_gaps"], told["frames_out_of_sequence"]) == (1, 2)


def test_level3(verify: Callable[..., Ended]) -> None:
    """A level3 book is judged like any other; what changed in it is told with the number of orders."""

    def order(name: str, price: str, qty: str, event: str = "") -> str:
        told = f'"event":"{event}",' if event else ""
        return (
            f'{{{told}"order_id":"{name}","limit_price":{price},"order_qty":{qty},'
            f'"timestamp":"{capture_of.time(0)}"}}'
        )

    def frame(kind: str, asks: str, checksum: int) -> bytes:
        data = f'{{"symbol":"BTC/USD","bids":[],"asks":[{asks}],"checksum":{checksum},"timestamp":"{capture_of.time(1)}"}}'
        return f'{{"channel":"level3","type":"{kind}","data":[{data}]}}'.encode()

    frames = [
        frame("snapshot", f"{order('A', '10.5', '1.0')},{order('Z', '10.7', '9.0')}", crc32(b"1051010790")),
        frame("update", order("B", "10.5", "2.0", "add"), crc32(b"105101052010790")),
        frame("update", order("C", "10.6", "3.0", "add"), 1),
    ]
    ended = verify(frames)
    assert "2 verified  1 failed" in ended.out
    assert "ask 10.6 x 3.0 in 1 order entered as level 2" in ended.out


def test_refused_lines_are_listed_and_bounded(verify: Callable[..., Ended]) -> None:
    """Refused frames are listed with line and reason, the first few of them; the rest is counted."""
    ended = verify([*CLEAN, *[b"{}"] * 30])
    assert "refused  line 22: not a v2 frame" in ended.out
    assert "refused  and 25 more" in ended.out
    told = verify([*CLEAN, *[b"{}"] * 30], "-o", "json").json
    assert told["refused"] == 30
    assert len(told["refused_lines"]) == 20


def test_oddities(verify: Callable[..., Ended]) -> None:
    """Unknown channels, unknown fields, refusals and a new connection are told, and fail nothing."""
    frames = [
        status(1),
        *CLEAN,
        b'{"channel":"weather","type":"update","data":[]}',
        b'{"channel":"heartbeat","mood":1}',
        b'{"method":"subscribe","success":false,"error":"Currency pair not supported XBT/USD","symbol":"XBT/USD"}',
        status(2),
    ]
    ended = verify(frames)
    assert ended.code == Exit.OK
    for words in (
        "unknown  channel weather, 1 frame",
        "drift    field heartbeat: mood",
        "1 reply (1 refused)",
        "break    line 26: new connection",
    ):
        assert words in ended.out
    told = verify(frames, "-o", "json").json
    assert (told["unknown"], told["drift"]) == ({"channel weather": 1}, ["heartbeat: mood"])
    assert told["break_lines"] == [{"line": 26, "reason": "new connection"}]


def test_many_symbols_share_a_row(verify: Callable[..., Ended]) -> None:
    """Of many symbols twenty have rows, those with trouble among them; the others are added up in one."""
    frames = [frame for n in range(40) for frame in Exchange(f"A{n:02}/USD").stream(2)]
    rows = [
        line.split()
        for line in verify([*frames, *capture_of.lost_update("Z/USD")]).out.splitlines()
        if line.startswith("  book")
    ]
    assert len(rows) == 21
    assert rows[0][1] == "Z/USD"
    assert rows[-1] == ["book", "21", "more", "63", "63", "verified", "0", "failed", "0", "unverifiable"]


def test_more_streams_than_are_told_apart(
    verify: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a bound, streams are counted together: nothing is left out of the totals, and memory stays small."""
    monkeypatch.setattr(index, "STREAMS_KEPT", 5)
    frames = [frame for n in range(10) for frame in Exchange(f"A{n:02}/USD").stream(2)]
    told = verify(frames, "-o", "json").json
    assert told["books_verified"] == 30
    assert told["by_symbol"]["(others)"]["book"]["verified"] == 15
