"""Where the program begins. It answers signals before it reads the commands, so that a Ctrl-C that comes early brings no traceback of
imports.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

from krakenwire.cli.ending import answered
from krakenwire.cli.exits import Exit


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process with its exit code."""
    with answered(program=arguments is None) as signals:
        try:
            from krakenwire.cli.entry import execute  # noqa: PLC0415 (see above)

            code = signals.end(execute(sys.argv[1:] if arguments is None else arguments))
        except KeyboardInterrupt:
            # Between two steps of ours, where nothing is left to be put in order.
            code = signals.end(Exit.INTERRUPTED)
    sys.exit(code)
