"""The command `krakenwire`: its verbs, and how all of them end."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from krakenwire.cli.demo import demo
from krakenwire.cli.doctor import doctor
from krakenwire.cli.errors import CommandError, tell
from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Verbs, wants_json
from krakenwire.cli.sim import sim
from krakenwire.cli.stream import stream
from krakenwire.cli.terminal import discard_output, set_up
from krakenwire.cli.verify import verify
from krakenwire.cli.watch import watch
from krakenwire.state.side import COMPILED


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    commands=[demo, doctor, sim, stream, verify, watch],
    examples=[
        ("krakenwire demo", "A simulated exchange, and a client that survives what goes wrong there."),
        ("krakenwire stream book BTC/USD --depth 25", "A verified book of Kraken, live."),
        ("krakenwire watch BTC/USD ETH/USD", "Markets of Kraken on a dashboard."),
        ("krakenwire sim", "An exchange on a port of this machine, to try a program on."),
        ("krakenwire verify yesterday.jsonl", "What a recording proves."),
    ],
    exits=list(Exit),
)
@click.version_option(
    package_name="krakenwire",
    prog_name="krakenwire",
    message=f"%(prog)s, version %(version)s ({'compiled' if COMPILED else 'pure Python'})",
)
@click.pass_context
def krakenwire(ctx: click.Context) -> None:
    """Kraken Spot WebSocket v2: frames in, typed, exact, proven events out.

    Data goes to stdout, everything for people alone to stderr. Colour, progress bars and moving pictures appear on a terminal
    only; NO_COLOR turns colour off. Ctrl-C ends a command with what it has found so far.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one command and end the process with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    set_up()
    for name in ("krakenwire", "aiohttp"):
        # What goes wrong is told by the command itself, in its place; a log is for programs that ask for one.
        logging.getLogger(name).addHandler(logging.NullHandler())
    try:
        code = _run(given)
    except KeyboardInterrupt:
        # Once more, while the first one was being answered.
        os._exit(Exit.INTERRUPTED)
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    output = sys.stdout
    try:
        code = krakenwire.main(arguments, prog_name="krakenwire", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
        return Exit.OK
    except SystemExit:
        if sys.stdout is output:
            raise
        # The parser found the pipe broken and put something in the place of stdout.
        sys.stdout = output
        discard_output()
        return Exit.OK
    except click.Abort:
        return Exit.INTERRUPTED
    except click.UsageError as exc:
        error = _usage(exc)
    except CommandError as exc:
        error = exc
    except OSError as exc:
        discard_output()
        error = CommandError("output", f"the output cannot be written: {exc.strerror or exc}")
        tell(error, as_json=False)
        return error.exit_code
    else:
        return Exit.OK if code is None else int(code)
    tell(error, as_json=wants_json(arguments))
    return error.exit_code


def _usage(exc: click.UsageError) -> CommandError:
    """What was typed cannot be understood, and what to type instead."""
    command = "krakenwire" if exc.ctx is None else exc.ctx.command_path
    hint = getattr(exc, "hint", None)
    if near := getattr(exc, "possibilities", None):
        hint = f"did you mean {' or '.join(near)}?"
    message = getattr(exc, "message", None) if near else exc.format_message()
    return CommandError(
        "usage",
        str(message).rstrip("."),
        hint or f"{command} --help explains it",
        exit_code=Exit.USAGE,
    )
