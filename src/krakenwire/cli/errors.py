"""Errors that talk: two lines on stderr for people, one JSON object on stdout for programs that asked for JSON."""

from __future__ import annotations

import json
import sys
from typing import Any

from krakenwire.cli.exits import Exit
from krakenwire.cli.terminal import paint
from krakenwire.text import shown


class CommandError(Exception):
    """A command cannot do its work. `kind` is for programs; `message` and `hint` are for people."""

    def __init__(
        self,
        kind: str,
        message: str,
        hint: str | None = None,
        *,
        retryable: bool = False,
        exit_code: Exit = Exit.FAILED,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.hint = hint
        self.retryable = retryable
        self.exit_code = exit_code

    def envelope(self) -> dict[str, Any]:
        """The error as programs get it. `retryable`: whether the same command may work later."""
        return {
            "error": self.kind,
            "message": shown(self.message),
            "hint": None if self.hint is None else shown(self.hint),
            "retryable": self.retryable,
        }


def tell(error: CommandError, *, as_json: bool) -> None:
    """Print an error where its reader looks for it."""
    if as_json:
        print(json.dumps(error.envelope()))
        return
    print(paint("error:", "red", sys.stderr), shown(error.message), file=sys.stderr)
    if error.hint is not None:
        print(paint("hint: ", "bold", sys.stderr), shown(error.hint), file=sys.stderr)


def wrong_usage(message: str, hint: str | None = None) -> CommandError:
    """What was asked for makes no sense."""
    return CommandError("usage", message, hint, exit_code=Exit.USAGE)
