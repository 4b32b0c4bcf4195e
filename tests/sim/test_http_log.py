"""`sim/http_log.py`: requests that are none are answered, and hardly logged."""

from __future__ import annotations

import logging

import pytest
from aiohttp.http_exceptions import BadHttpMessage

from krakenwire.sim.http_log import EVERY, ClientErrors
from tests.sim.sockets import bare, serving

NO_REQUESTS = [
    b"GARBAGE\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    b"GET http://[::1 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST /0/private/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40),
]


async def test_what_is_no_request_gets_400_and_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """Each malformed request is answered with status 400; all together leave at most one line in the log, without a traceback."""
    with caplog.at_level(logging.INFO):
        async with serving() as server:
            for told in NO_REQUESTS:
                async with bare(server) as client:
                    client.writer.write(told)
                    head = await client.reader.readuntil(b"\r\n")
                    assert head.split()[1] == b"400", told[:40]
    assert len(caplog.records) <= 1
    assert all(record.exc_info is None for record in caplog.records)
    assert all(record.levelno <= logging.WARNING for record in caplog.records)


def test_lines_are_counted_in_between_and_other_errors_pass() -> None:
    """A later line says how many were left out; an error of our own keeps its traceback."""
    now = 0.0
    seen = ClientErrors(lambda: now)

    def logged(exc: Exception) -> logging.LogRecord | None:
        record = logging.LogRecord(
            "x", logging.ERROR, "", 0, "failed", (), (type(exc), exc, exc.__traceback__)
        )
        return record if seen.filter(record) else None

    first = logged(BadHttpMessage("no"))
    assert first is not None
    assert "BadHttpMessage" in first.getMessage()
    assert logged(BadHttpMessage("no")) is None
    now = EVERY
    later = logged(BadHttpMessage("no"))
    assert later is not None
    assert "1 more" in later.getMessage()
    ours = logged(KeyError("ours"))
    assert ours is not None
    assert ours.exc_info is not None
    assert ours.levelno == logging.ERROR
