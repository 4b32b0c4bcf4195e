"""What is said about callbacks that go wrong: counts, one line in the log now and then, and a report for the error callbacks.

A report and a line name the callback, the kind of event, the type of the exception and where it was raised. They hold no value of
the event and no text of the exception, because either may be secret.
"""

from __future__ import annotations

import logging
import traceback
from typing import Any

from krakenwire.errors import CallbackFailed, CallbackSlow, CallbackTimeout, KrakenWireError
from krakenwire.handler.counts import CallbackCounts, Throttle
from krakenwire.handler.routes import Callback, name_of
from krakenwire.handler.timeout import EXPIRED

logger = logging.getLogger("krakenwire")


class Reports:
    """Not safe by itself: hold the handler's lock."""

    def __init__(self) -> None:
        self.counts = CallbackCounts()
        self._throttle = Throttle()

    def failed(
        self, error: BaseException, callback: Callback, event: Any, now: float, limit: float | None
    ) -> CallbackFailed:
        """A callback raised `error`, or `EXPIRED`: it was cancelled after `limit` seconds."""
        name, kind = name_of(callback), type(event).__name__
        if error is EXPIRED and limit is not None:
            self.counts.add(name, "timeouts")
            report: CallbackFailed = CallbackTimeout(name, kind, limit)
        else:
            self.counts.add(name, "errors")
            report = CallbackFailed(name, kind, f"raised {type(error).__name__}", _where(error))
            report.__cause__ = error
        self._log(logging.ERROR, type(report.__cause__ or report), report, now)
        return report

    def slow(self, callback: Callback, event: Any, seconds: float, now: float) -> CallbackSlow | None:
        """A callback let nothing else run for `seconds`. None: this one has been reported within the last minute."""
        name = name_of(callback)
        self.counts.add(name, "slow")
        count = self._throttle.admit((CallbackSlow, name), now)
        if not count:
            return None
        report = CallbackSlow(name, type(event).__name__, seconds, count)
        self._log(logging.WARNING, CallbackSlow, report, now)
        return report

    def note(self, error: KrakenWireError, now: float) -> None:
        """Something that is no callback's doing went wrong; its text holds nothing secret."""
        self._log(logging.ERROR, type(error), error, now)

    def _log(self, level: int, kind: type, report: KrakenWireError, now: float) -> None:
        count = self._throttle.admit(kind, now)
        if count:
            logger.log(level, "%s (%d of this kind since the last such line)", report, count)


def _where(error: BaseException) -> str | None:
    """The file and line that raised."""
    frames = traceback.extract_tb(error.__traceback__, limit=-1)
    return f"{frames[0].filename}:{frames[0].lineno}" if frames else None
