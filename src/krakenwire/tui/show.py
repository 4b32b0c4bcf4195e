"""Showing a board on the terminal of this process, and why that may not be possible."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TextIO

from krakenwire.errors import UsageError
from krakenwire.tui.view import View

INSTALL = "pip install 'krakenwire[tui]'"
"""What brings the package that the dashboard needs."""

SIGNS = "▲▼●◐✗✓│┌█▁…"
"""A terminal whose encoding lacks one of these gets plain lines."""


def missing() -> str | None:
    """Why the dashboard cannot be shown anywhere: its package is not installed. None: it is."""
    if importlib.util.find_spec("textual") is None:
        return f"the dashboard needs the package textual: {INSTALL}"
    return None


def unfit() -> str | None:
    """Why this process has no terminal for a dashboard, so that it prints plain lines; None: it has one."""
    # Keys come from stdin, pictures go to stderr, and what is left when it ends goes to stdout.
    streams: tuple[TextIO | None, ...] = (sys.stdin, sys.stdout, sys.stderr)
    if any(stream is None or not stream.isatty() for stream in streams):
        return "no terminal"
    if os.environ.get("TERM", "") in {"", "dumb", "unknown"}:
        return "the terminal can only print lines"
    try:
        SIGNS.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return f"the terminal's encoding is {sys.stdout.encoding}"
    return None


async def show(view: View) -> str:
    """Show it until somebody has seen enough: `quit`, or `interrupt` if with Ctrl-C. Cancelling this gives the terminal back, too.

    Raises: UsageError, if the package is not installed.
    """
    reason = missing()
    if reason is not None:
        raise UsageError(reason)
    from krakenwire.tui.app import Dashboard  # noqa: PLC0415 (it needs a package that only the dashboard needs)

    colour = os.environ.get("NO_COLOR")
    try:
        ended = await Dashboard(view).run_async()
    finally:
        # The app takes it out of the environment; what is printed afterwards has to know it.
        if colour is not None:
            os.environ["NO_COLOR"] = colour
    return ended or "quit"
