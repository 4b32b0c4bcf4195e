"""The command `krakenwire`: its verbs, and how all of them end."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

import click

from krakenwire.cli.bench import bench
from krakenwire.cli.completion import completion
from krakenwire.cli.config import config
from krakenwire.cli.configuration import Sources
from krakenwire.cli.demo import demo
from krakenwire.cli.doctor import doctor
from krakenwire.cli.errors import CommandError, tell, wrong_usage
from krakenwire.cli.exits import Exit
from krakenwire.cli.manual import manual
from krakenwire.cli.options import NEVER_TYPED, Verbs, asked_form, is_secret
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
    commands=[bench, completion, config, demo, doctor, manual, sim, stream, verify, watch],
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


def execute(arguments: Sequence[str]) -> int:
    """Run one command. Its exit code."""
    set_up()
    for name in ("krakenwire", "aiohttp"):
        # What goes wrong is told by the command itself, in its place; a log is for programs that ask for one.
        logging.getLogger(name).addHandler(logging.NullHandler())
    return _run(list(arguments))


def _run(arguments: list[str]) -> int:
    output, configured = sys.stdout, Sources()
    try:
        code = krakenwire.main(arguments, prog_name="krakenwire", standalone_mode=False, obj=configured)
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
    return _told(error, as_json=_wants_json(arguments, configured))


def _told(error: CommandError, *, as_json: bool) -> Exit:
    try:
        tell(error, as_json=as_json)
        sys.stdout.flush()
    except OSError:
        discard_output()
    return error.exit_code


def _wants_json(arguments: Sequence[str], configured: Sources) -> bool:
    """Whether errors are to be told as JSON: because the command line asks for it, or else because the configuration does."""
    asked = asked_form(arguments)
    if asked is None:
        try:
            asked = configured.configuration()["output"]
        except CommandError:
            return False
    return asked in {"json", "ndjson"}


def _usage(exc: click.UsageError) -> CommandError:
    """What was typed cannot be understood, and what to type instead."""
    command = "krakenwire" if exc.ctx is None else exc.ctx.command_path
    hint = getattr(exc, "hint", None)
    near = getattr(exc, "possibilities", None)
    if isinstance(exc, click.NoSuchOption) and is_secret(exc.option_name):
        hint, near = NEVER_TYPED, None
    elif near:
        hint = f"did you mean {' or '.join(near)}?"
    message = exc.message if isinstance(exc, click.NoSuchOption) else exc.format_message()
    return wrong_usage(" ".join(str(message).split()).rstrip("."), hint or f"{command} --help explains it")
