"""The word in a title follows from what is known of the stream, its connection and its book, and nothing stopped is called live."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from krakenwire.events import ConnectionState
from krakenwire.net.status import ConnectionInfo
from krakenwire.state.book import BookStatus
from krakenwire.tui.state import State, Stream

LINK = ConnectionInfo(
    name="public-1",
    role="public",
    state=ConnectionState.CONNECTED,
    reason="",
    system="online",
    connected_for=60.0,
    heard_age=0.4,
    failures=0,
    retry_in=None,
    connects=1,
    subscriptions=4,
    rate=15.0,
    lag=0.0,
)


def link(**changes: Any) -> ConnectionInfo:
    return replace(LINK, **changes)


def stream(**changes: Any) -> Stream:
    made = Stream()
    made.hear(99.0)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


LOST = link(state=ConnectionState.WAITING, reason="cut", heard_age=None, connected_for=None)


@pytest.mark.parametrize(
    ("known", "on", "text"),
    [
        (Stream(), link(), "WAITING"),
        (Stream(), link(state=ConnectionState.CONNECTING, connects=0), "WAITING: connecting"),
        (Stream(), link(state=ConnectionState.WAITING, connects=0, reason="refused"), "WAITING: refused"),
        (stream(), link(), "LIVE 1.0 s"),
        (stream(), None, "LIVE 1.0 s"),
        (stream(quiet=True), link(), "QUIET 1.0 s"),
        (stream(), link(heard_age=3.0), "SILENT 3.0 s: no heartbeat"),
        (stream(), LOST, "STALE 1.0 s: connection lost"),
        (
            stream(lost_at=99.5, broken="sequence numbers missing"),
            link(),
            "STALE 1.0 s: sequence numbers missing",
        ),
        (stream(refused="EQuery: \x1b[2J"), link(), "REFUSED: EQuery: \\x1b[2J"),
    ],
)
def test_stream(known: Stream, on: ConnectionInfo | None, text: str) -> None:
    """Each situation of a stream has its word, its age and its reason."""
    told = known.state(100.0, on)
    assert told.text == text
    assert told.live == text.startswith("LIVE")


@pytest.mark.parametrize(
    ("status", "on", "text"),
    [
        (BookStatus.WANTED, link(), "WAITING"),
        (BookStatus.LIVE, link(), "LIVE 1.0 s"),
        (BookStatus.LIVE, link(heard_age=2.6), "SILENT 2.6 s: no heartbeat"),
        (BookStatus.LIVE, LOST, "STALE 1.0 s: connection lost"),
        (BookStatus.UNVERIFIED, link(), "UNVERIFIED 1.0 s: why"),
        (BookStatus.UNVERIFIED, link(heard_age=3.0), "SILENT 3.0 s: no heartbeat"),
        (BookStatus.RESYNCING, link(), "RESYNCING 1.0 s: why"),
        (BookStatus.DISPUTED, link(), "DISPUTED 1.0 s: why"),
        (BookStatus.STALE, link(), "STALE 1.0 s: why"),
        (BookStatus.CLOSED, link(), "CLOSED 1.0 s: why"),
    ],
)
def test_book(status: BookStatus, on: ConnectionInfo, text: str) -> None:
    """A book says itself whether it can be read; its connection can only make it worse."""
    assert stream().book_state(status, "why", 100.0, on).text == text


def test_late() -> None:
    """What comes is not called live while it is old."""
    assert stream().state(100.0, link(), late=3.25) == State("LATE", 3.25)


def test_a_word_that_is_owed() -> None:
    """A stream is behind if another one told of what concerns it, long after its last word, and its own word does not follow at once."""
    known = stream()
    known.owe(100.5)  # it spoke shortly before: that was its word
    assert not known.behind(110.0)
    known.owe(101.5)
    known.owe(110.0)
    assert [known.behind(now) for now in (101.6, 102.1)] == [False, True]
    known.hear(103.0)
    assert not known.behind(110.0)
    never = Stream()
    never.owe(5.0)
    assert not never.behind(10.0)


def test_data_ends_a_break() -> None:
    """The first reason of a break counts, and what is heard ends it."""
    known = stream()
    known.lose(99.2, "first")
    known.lose(99.4, "second")
    assert known.state(100.0, link()).reason == "first"
    known.hear(99.9)
    assert known.state(100.0, link()).word == "LIVE"
