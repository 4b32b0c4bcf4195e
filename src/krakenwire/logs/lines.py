"""Log lines for machines and for people: one a record, redacted, and so many of a kind that a storm fills no disk."""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

import msgspec

from krakenwire.errors import UsageError
from krakenwire.handler.counts import Throttle
from krakenwire.logs.redaction import redact

Form = Literal["text", "json"]

LEVELS = ("debug", "info", "warning", "error")

LOGGERS = ("krakenwire", "aiohttp", "asyncio")
"""Whose records are taken: ours, those of the sockets, and those of the event loop, which tells of tasks that failed."""

LINES = 10
"""Lines of one kind in a minute; what is more is counted."""

MESSAGE = 2_000
TRACE = 20_000
"""Characters at most."""


class LogHandler(logging.Handler):
    """Writes records. A kind is an event of the library by its name, and anything else by the line of code that logged it."""

    def __init__(
        self, form: Form, stream: TextIO | None = None, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._form = form
        self._stream = stream
        self._clock = clock
        self._throttle = Throttle(LINES)
        self._before: list[tuple[logging.Logger, int, bool, list[logging.Handler]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it. Nothing that goes wrong here reaches the program."""
        try:
            now, kind = self._clock(), _kind(record)
            self.flush_counts(now)
            count = self._throttle.admit(kind, now)
            if count:
                self._write(_fields(record, count - 1))
        except Exception:  # noqa: BLE001 (a log that cannot be written must not end a feed)
            self.handleError(record)

    def flush_counts(self, now: float | None = None) -> None:
        """Write how many records of each kind were left out, for those whose minute is over; None: for all."""
        for kind, count in self._throttle.overdue(float("inf") if now is None else now):
            self._write(
                {
                    "time": _time(time.time()),
                    "level": "warning",
                    "logger": "krakenwire",
                    "message": f"{count} more of the kind {kind} were left out",
                    "left_out": count,
                }
            )

    def attach(self, level: str) -> None:
        """Take the records of our loggers from now on, in the place of whoever took them before."""
        for name in LOGGERS:
            logger = logging.getLogger(name)
            self._before.append((logger, logger.level, logger.propagate, list(logger.handlers)))
            logger.handlers[:] = [self]
            logger.setLevel(level.upper())
            logger.propagate = False

    def detach(self) -> None:
        """Write the counts that are left, and leave the loggers as they were found."""
        with contextlib.suppress(
            OSError, ValueError
        ):  # the stream is gone, and with it everybody who could read them
            self.flush_counts()
        while self._before:
            logger, level, propagate, handlers = self._before.pop()
            logger.setLevel(level)
            logger.propagate, logger.handlers[:] = propagate, handlers
        self.close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name of the base class)
        """A record that cannot be written is lost in silence: where it could be told is where it could not be written."""

    def _write(self, fields: dict[str, Any]) -> None:
        text = _json(fields) if self._form == "json" else _text(fields)
        # After the last encoding, so that no form of a secret comes into being behind it.
        stream = sys.stderr if self._stream is None else self._stream
        stream.write(redact(text) + "\n")
        stream.flush()


def configure(form: Form = "text", level: str = "info", stream: TextIO | None = None) -> LogHandler:
    """Write the records of krakenwire, aiohttp and asyncio to a stream; None: stderr. `detach()` of what is returned undoes it.

    `form`: `text`, or `json` for one object a line. `level`: `debug`, `info`, `warning` or `error`.

    Raises: UsageError.
    """
    if form not in {"text", "json"}:
        raise UsageError("must be text or json", field="form")
    if level not in LEVELS:
        raise UsageError(f"must be one of {', '.join(LEVELS)}", field="level")
    made = LogHandler(form, stream)
    made.attach(level)
    return made


class RedactingFilter(logging.Filter):
    """For handlers of your own: strikes secrets out of a record before it is formatted, its traceback included."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
            record.exc_info = None
        return True


def _kind(record: logging.LogRecord) -> str:
    event = getattr(record, "event", None)
    return event if isinstance(event, str) else f"{record.name} {record.module}:{record.lineno}"


def _fields(record: logging.LogRecord, left_out: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "time": _time(record.created),
        "level": record.levelname.lower(),
        "logger": record.name,
        "message": redact(record.getMessage())[:MESSAGE],
    }
    event = getattr(record, "event", None)
    if isinstance(event, str):
        fields["event"] = event
        fields |= getattr(record, "facts", {})
    if left_out:
        fields["left_out"] = left_out
    if record.exc_info:
        fields["exception"] = redact(logging.Formatter().formatException(record.exc_info))[-TRACE:]
    return fields


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(fields: dict[str, Any]) -> str:
    try:
        return msgspec.json.encode(fields).decode()
    except UnicodeEncodeError:
        # Half a character, as in the names of some files: escaped, it is a text like any other.
        return json.dumps(fields)


def _text(fields: dict[str, Any]) -> str:
    """For people, and for a terminal that must obey nothing in it."""
    text = f"{fields['time']} {fields['level'].upper():<7} {fields['logger']}: {fields['message']}"
    if "left_out" in fields and "left out" not in text:
        text += f" ({fields['left_out']} like it were left out)"
    shown = "".join([c if c.isprintable() else c.encode("unicode_escape").decode() for c in text])
    trace = fields.get("exception", "").splitlines()
    return "\n".join(
        [shown, *["    " + "".join([c if c.isprintable() else "?" for c in line]) for line in trace]]
    )
