"""What all commands share: how they explain themselves, what they answer to a word that does not exist, and the option for the form of
their output. A new command gets all of it from its class, `Verb`, and from `output_option`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from krakenwire.cli.configuration import sources
from krakenwire.cli.credentials import ALLOW
from krakenwire.cli.exits import MEANING, Exit
from krakenwire.cli.keys import FORMS, VARIABLES
from krakenwire.cli.nearest import nearest

EXCHANGE = (*(name for name in VARIABLES if name.startswith("KRAKEN_")), "HTTPS_PROXY")
"""Variables that say where an exchange is and who asks there."""

LOG = tuple(name for name in VARIABLES if name.startswith("KRAKENWIRE_LOG"))

MANUAL = "docs/command-line.md"


class Verb(click.Command):
    """A command whose help is a whole manual page.

    `examples`: pairs of a command line, which works as it stands, and what it does. `exits`: its exit codes. `see`: commands and pages that
    a reader may want next; the page of all commands always is one. The environment follows from the options.
    """

    def __init__(
        self,
        *args: Any,
        examples: Sequence[tuple[str, str]] = (),
        exits: Sequence[Exit] = (),
        see: Sequence[str] = (),
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.examples = examples
        self.exits = exits
        self.see = (*see, MANUAL)

    @property
    def environment(self) -> tuple[str, ...]:
        """The variables that it reads."""
        connects = isinstance(self, click.Group) or any(option.name == "url" for option in self.params)
        logs = any(option.name == "log_format" for option in self.params)
        return (*(EXCHANGE if connects else ()), *(LOG if logs else ()), "XDG_CONFIG_HOME", "NO_COLOR")

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, exit codes, environment and what to read next."""
        del ctx
        with formatter.section("Examples"):
            for line, meaning in self.examples:
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
                with formatter.indentation():
                    formatter.write_text(meaning)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), MEANING[code]) for code in self.exits])
        with formatter.section("Environment"):
            formatter.write_dl([(name, VARIABLES[name]) for name in self.environment])
        with formatter.section("See also"):
            formatter.write_text(", ".join(self.see))


class Verbs(Verb, click.Group):
    """A command of commands. An unknown name is answered with the nearest known one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            raise unknown_command(name, self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)


class Named(click.Choice[str]):
    """One of some names. Another is answered with the nearest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value in self.choices:
            return str(value)
        near = nearest(str(value), self.choices)
        message = self.get_invalid_choice_message(value, ctx)
        raise Unknown(message, f"did you mean {near}?" if near else None, ctx, param)


class Unknown(click.BadParameter):
    """There is no such name. `hint` says which one may be meant."""

    def __init__(
        self, message: str, hint: str | None, ctx: click.Context | None, param: click.Parameter | None
    ) -> None:
        super().__init__(message, ctx, param)
        self.hint = hint


class UnknownCommand(click.UsageError):
    """There is no such command. `hint` says which one may be meant."""

    def __init__(self, name: str, hint: str, ctx: click.Context) -> None:
        super().__init__(f"there is no command {name}", ctx)
        self.hint = hint


def unknown_command(name: str, known: Sequence[str], ctx: click.Context) -> UnknownCommand:
    """The answer to a command that does not exist."""
    near = nearest(name, known)
    return UnknownCommand(name, f"did you mean {near}?" if near else f"there are: {', '.join(known)}", ctx)


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _output(elsewhere: str, *, terminal: str = "table", from_files: bool = True) -> Decorator:
    where = "text for people" if elsewhere == terminal else f"{terminal} on a terminal, {elsewhere} elsewhere"
    if terminal == "screen":
        where = "the dashboard on a terminal, table elsewhere"

    def form(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
        del param
        if ctx.resilient_parsing:
            return value
        if value is not None:
            sources().note("output", value, "--output")
        wanted = str(sources().configuration()["output"] if from_files else value or "auto")
        return wanted if wanted != "auto" else terminal if sys.stdout.isatty() else elsewhere

    return click.option(
        "-o",
        "--output",
        type=Named(FORMS),
        callback=form,
        help=f"Form of the output. table: text for people; json: one object; ndjson: one object a line; auto: {where}.  "
        "[default: auto]",
    )


output_option = _output("ndjson")
"""`-o`, the same for every command, which gets `table`, `json` or `ndjson`."""

bare_option = _output("ndjson", from_files=False)
"""`-o` of a command that has to run whatever is wrong with the configuration."""

show_option = _output("table")
"""`-o` of a command that is there to be looked at: `auto` is text for people everywhere."""

screen_option = _output("table", terminal="screen")
"""`-o` of a command that has a dashboard, which is what `screen` stands for; only `auto` asks for it."""


def configured(name: str, flag: str, value: Any) -> Any:
    """What an option was given, or else what is configured for it."""
    if value is not None:
        sources().note(name, value, flag)
    return sources().configuration()[name]


def asked_form(arguments: Sequence[str]) -> str | None:
    """The form of output that a command line asks for; None: it says nothing. It may be one that cannot be parsed, so only these words
    are looked at.
    """
    asked = None
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word == "--":
            break
        if word in {"-o", "--output"}:
            asked = following
        elif word.startswith("--output="):
            asked = word.removeprefix("--output=")
        elif word.startswith("-o"):
            asked = word.removeprefix("-o")
    return asked


def any_file(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """For the completion of a shell: a file goes here."""
    del ctx, param
    return [CompletionItem(begun, type="file")]


# -------------------------------------------------------------------- secrets

SECRET_WORDS = ("secret", "key", "password", "token", "credential")
NEVER_TYPED = (
    "what stands on a command line can be read by everybody on the machine: the API key comes from the environment "
    "(KRAKEN_API_KEY, KRAKEN_API_SECRET), a file or standard input (--credentials-file)"
)


def is_secret(option: str) -> bool:
    """Whether an option that does not exist was meant to hold a secret."""
    return any(word in option.lower() for word in SECRET_WORDS)


def credentials_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where the API key is, for every command that may need one. Both are noted in the configuration; the command does not get them."""

    def file(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
        del param
        if value is not None and not ctx.resilient_parsing:
            sources().note("credentials.file", value, "--credentials-file")

    def allow(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001 (as click calls it)
        del param
        if value and not ctx.resilient_parsing:
            sources().allow_readable = True

    for option in (
        click.option(
            ALLOW,
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=allow,
            help="Read an API key from a file that others can read, too.",
        ),
        click.option(
            "--credentials-file",
            metavar="FILE",
            expose_value=False,
            callback=file,
            shell_complete=any_file,
            help="File with the API key, as two lines of TOML, key and secret; its mode must be 0600. - is standard input.",
        ),
    ):
        command = option(command)
    return command
