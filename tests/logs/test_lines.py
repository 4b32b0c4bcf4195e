"""Log lines: what is in them, how many there may be, and that no secret is among them in any form."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
import traceback
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from krakenwire import BookSubscription, Credentials, Secret, UsageError
from krakenwire.handler.counts import KINDS_KEPT
from krakenwire.logs import LogHandler, RedactingFilter, configure, following, redact
from krakenwire.logs.lines import LINES, LOGGERS
from krakenwire.sim import Exchange
from tests.net.virtual import run
from tests.net.world import World, dropping

KEY = "canary/of+the+public/key0123456789"
PRIVATE = base64.b64encode(bytes(range(90, 154))).decode()


class Clock:
    """A clock we turn."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def record(message: str, *args: object, line: int = 1, **extra: Any) -> logging.LogRecord:
    """One record."""
    made = logging.LogRecord("krakenwire", logging.WARNING, "/x/place.py", line, message, args, None)
    vars(made).update(extra)
    return made


# ---------------------------------------------------------------- what a line is


def test_json_line_has_its_facts() -> None:
    """A record becomes one object with time, level, logger and message; an event of the library adds its name and facts."""
    out = io.StringIO()
    handler = LogHandler("json", out)
    handler.emit(record("lost %s", "BTC/USD", event="gap", facts={"channel": "book", "symbol": "BTC/USD"}))
    told = json.loads(out.getvalue())
    assert told.pop("time").endswith("Z")
    assert told == {
        "level": "warning",
        "logger": "krakenwire",
        "message": "lost BTC/USD",
        "event": "gap",
        "channel": "book",
        "symbol": "BTC/USD",
    }


@pytest.mark.fault("J16")
@pytest.mark.parametrize("form", ["text", "json"])
def test_line_is_one_line_and_commands_nothing(form: Any) -> None:
    """Line feeds, terminal escapes and text directions in a message are escaped, and a message is cut."""
    out = io.StringIO()
    LogHandler(form, out).emit(record("a\nb\x1b[2J\u202ec%s", "x" * 100_000))
    assert out.getvalue().count("\n") == 1
    assert "\x1b" not in out.getvalue()
    assert len(out.getvalue()) < 3_000


@given(st.text(max_size=200))
def test_json_stays_json(text: str) -> None:
    """Whatever a message holds, and whatever is struck out of it, the line is one JSON object."""
    key = Secret(KEY)
    out = io.StringIO()
    LogHandler("json", out).emit(record("%s", f"{text}{KEY}{text} token={text} secret: {text}"))
    assert isinstance(json.loads(out.getvalue())["message"], str)
    assert KEY not in out.getvalue()
    assert key


# ---------------------------------------------------------------- how many


@pytest.mark.fault("C15")
@pytest.mark.parametrize("form", ["json", "text"])
def test_half_a_character_loses_no_line(form: Any) -> None:
    """A text that no encoding has, as names of files may be, is escaped; its line is not lost."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    LogHandler(form, out).emit(record("cannot read %s", "\udcff.toml", event="x", facts={"reason": "\udcff"}))
    written = out.buffer.getvalue().decode()
    assert "cannot read \\udcff.toml" in written


def test_storm_is_ten_lines_a_minute_and_a_count() -> None:
    """Ten thousand of one kind a second for more than a minute make ten lines a minute, and every one left out is counted."""
    out, clock = io.StringIO(), Clock()
    handler = LogHandler("json", out, clock=clock)
    storm, total = record("the same again"), 0
    for _ in range(65):
        for _ in range(10_000):
            handler.emit(storm)
            total += 1
            clock.now += 1 / 10_000
    handler.detach()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    told = [line for line in lines if line["message"] == "the same again"]
    assert len(told) == LINES * 2
    assert len(lines) <= len(told) + 3
    assert len(told) + sum(line.get("left_out", 0) for line in lines) == total


@pytest.mark.fault("C15")
def test_storm_of_one_kind_hides_no_other() -> None:
    """While one kind storms, another is written at once; kinds are told apart by event or by line of code, and their number is bounded."""
    out, clock = io.StringIO(), Clock()
    handler = LogHandler("text", out, clock=clock)
    for _ in range(1_000):
        handler.emit(record("storm"))
    handler.emit(record("another", line=2))
    handler.emit(record("an event", event="gap", facts={}))
    assert out.getvalue().count("storm") == LINES
    assert "another" in out.getvalue()
    assert "an event" in out.getvalue()
    for line in range(10 * KINDS_KEPT):
        handler.emit(record("many kinds", line=line))
        handler.emit(record("many kinds", line=line))
    assert out.getvalue().count("many kinds") < 2 * KINDS_KEPT + LINES


def test_what_was_left_out_is_told_when_its_minute_is_over() -> None:
    """The count of a storm that has ended is written with the next line of anything after its minute."""
    out, clock = io.StringIO(), Clock()
    handler = LogHandler("json", out, clock=clock)
    for _ in range(25):
        handler.emit(record("storm"))
    clock.now = 61.0
    handler.emit(record("later", line=2))
    counts = [json.loads(line).get("left_out") for line in out.getvalue().splitlines()]
    assert counts == [None] * 10 + [15, None]


class Broken(io.StringIO):
    """A stream that cannot be written."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(text)


def test_log_that_cannot_be_written_ends_nothing() -> None:
    """A broken stream, a closed one and a record that cannot be formatted raise nothing into the program."""
    LogHandler("text", Broken()).emit(record("x"))
    closed = io.StringIO()
    closed.close()
    handler = LogHandler("json", closed)
    handler.emit(record("x"))
    handler.detach()
    LogHandler("json", io.StringIO()).emit(record("%d", "no number"))


# ---------------------------------------------------------------- set up and undone


def test_loggers_are_left_as_they_were() -> None:
    """`configure` takes the records of our loggers, and `detach` gives the loggers back with their levels and handlers."""
    before = [(logging.getLogger(n).level, list(logging.getLogger(n).handlers)) for n in LOGGERS]
    out = io.StringIO()
    handler = configure("json", "debug", out)
    logging.getLogger("krakenwire").debug("seen")
    logging.getLogger("aiohttp.client").warning("seen, too")
    handler.detach()
    logging.getLogger("krakenwire").debug("not seen")
    assert [json.loads(line)["logger"] for line in out.getvalue().splitlines()] == [
        "krakenwire",
        "aiohttp.client",
    ]
    assert [(logging.getLogger(n).level, list(logging.getLogger(n).handlers)) for n in LOGGERS] == before
    with pytest.raises(UsageError, match="form"):
        configure("xml")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="level"):
        configure(level="loud")


def test_facts_of_a_client_are_logged() -> None:
    """A lost book, its gap and the connection's states become records with their facts; data does not."""
    out = io.StringIO()

    async def main() -> None:
        world = World(Exchange(seed=4))
        async with world.client() as kraken:
            with following(kraken):
                kraken.subscribe(BookSubscription(symbol=("BTC/USD",)))
                await asyncio.sleep(5)
                world.link.change = dropping('"channel":"book"', '"update"', times=2)
                await asyncio.sleep(5)

    handler = configure("json", stream=out)
    try:
        run(main())
    finally:
        handler.detach()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    events = [line["event"] for line in lines]
    assert {"connection_changed", "book_live", "gap", "book_lost", "resync_needed"} <= set(events)
    assert not {"book", "heartbeat"} & set(events)
    lost = next(line for line in lines if line["event"] == "gap")
    assert (lost["level"], lost["channel"], lost["symbol"], lost["reason"]) == (
        "warning",
        "book",
        "BTC/USD",
        "checksum",
    )


# ---------------------------------------------------------------- secrets

FORMS: dict[str, Callable[[str], str]] = {
    "raw": lambda text: text,
    "url": lambda text: quote(text, safe=""),
    "json": lambda text: json.dumps({"a": text}),
    "json in json": lambda text: json.dumps(json.dumps({"a": text})),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 of a login": lambda text: base64.b64encode(f"user:{text}:".encode()).decode(),
    "url-safe base64": lambda text: base64.urlsafe_b64encode(f"ab{text}".encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "repr of bytes": lambda text: repr(text.encode()),
}


@pytest.mark.fault("M1")
@pytest.mark.parametrize("secret", [KEY, PRIVATE], ids=["key", "private key"])
@pytest.mark.parametrize("form", FORMS)
def test_secret_in_use_is_struck_out_in_any_form(secret: str, form: str) -> None:
    """A secret that is in use is found in a line as it is, escaped or encoded, and nothing else of the line is lost."""
    held = Secret(secret)
    written = FORMS[form](secret)
    assert redact(f"before {written} after").startswith("before ")
    assert redact(f"before {written} after").endswith(" after")
    assert written.strip('"{}a: \\')[4:-4] not in redact(f"before {written} after")
    assert held


@pytest.mark.fault("M1")
@pytest.mark.parametrize("shown", [repr, bytes.hex], ids=["repr", "hex"])
def test_bytes_of_the_private_key_are_struck_out(shown: Any) -> None:
    """What a private key encodes is as secret as the key."""
    credentials = Credentials(KEY, PRIVATE)
    text = shown(base64.b64decode(PRIVATE))
    assert text not in redact(text)
    assert str(credentials) in redact(str(credentials))


@pytest.mark.fault("M1")
@pytest.mark.parametrize(
    "line",
    [
        'sent {"method":"subscribe","params":{"channel":"executions","token":"UNKNOWN1"}}',
        'sent {\\"token\\":\\"UNKNOWN1\\"}',
        "GET /x?token=UNKNOWN1&a=1",
        "headers: {'API-Key': 'UNKNOWN1', 'API-Sign': 'UNKNOWN1'}",
        "Authorization: Bearer UNKNOWN1",
        "Proxy-Authorization: Basic UNKNOWN1",
        "https://user:UNKNOWN1@proxy.example:8080/",
        "api_secret=UNKNOWN1",
        "KRAKEN_API_SECRET=UNKNOWN1",
        "params={'token': b'UNKNOWN1'}",
    ],
)
def test_what_looks_like_a_secret_is_struck_out(line: str) -> None:
    """What is named like a secret is struck out though nobody knows it."""
    assert "UNKNOWN1" not in redact(line)


def test_ordinary_lines_stay_as_they_are() -> None:
    """Lines without secrets are not touched; secrets that are nowhere in use any more, and very short ones, are no reason to."""
    gone = Secret("a text that was a secret once")
    del gone
    short = Secret("key")
    for line in (
        "gap channel=book symbol=BTC/USD reason=checksum",
        "the key of a book is BTC/USD; a text that was a secret once",
        "connected to wss://ws.kraken.com/v2",
        '{"price":"1.5","checksum":123}',
    ):
        assert redact(line) == line
    assert short


@pytest.mark.fault("M1")
def test_handlers_of_others_can_be_filtered() -> None:
    """With the filter on a handler of the program's own, neither message nor arguments nor traceback hold the secret."""
    held = Secret(KEY)
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(RedactingFilter())
    logger = logging.getLogger("tests.logs.own")
    logger.addHandler(handler)
    try:
        int(f"no use for {KEY}")
    except ValueError:
        logger.exception("%s and %r", KEY, [KEY])
    finally:
        logger.removeHandler(handler)
    assert "no use for ***" in out.getvalue()
    assert KEY not in out.getvalue()
    assert held


@pytest.mark.fault("M1")
def test_revealed_text_hides_from_tracebacks() -> None:
    """A revealed secret works as the text that it is, and a traceback with local variables does not show it."""
    secret = Secret(KEY)

    def fails() -> None:
        text, held = secret.reveal(), [secret.reveal()]
        assert (text, str(text), f"{text}", text.encode()) == (KEY, KEY, KEY, KEY.encode())
        raise LookupError(len(held))

    with pytest.raises(LookupError) as caught:
        fails()
    trace = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "text = '***'" in trace
    assert KEY not in trace.replace("KEY", "")
