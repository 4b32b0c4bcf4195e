"""What all commands share: how they explain themselves, and the option for the form of their output."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Any

import click

from krakenwire.cli.exits import MEANING, Exit

FORMS = ("auto", "table", "json", "ndjson")


class Verb(click.Command):
    """A command whose help ends with examples and exit codes."""

    def __init__(
        self, *args: Any, examples: Sequence[tuple[str, str]] = (), exits: Sequence[Exit] = (), **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self.examples = examples
        """Pairs of a command line and what it does."""
        self.exits = exits

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Examples, then exit codes."""
        del ctx
        with formatter.section("Examples"):
            for line, meaning in self.examples:
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")
                with formatter.indentation():
                    formatter.write_text(meaning)
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), MEANING[code]) for code in self.exits])


class Verbs(Verb, click.Group):
    """The command of commands. An unknown name is answered with the nearest known one."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if self.get_command(ctx, name) is None and not name.startswith("-"):
            near = difflib.get_close_matches(name, self.list_commands(ctx), n=1)
            known = ", ".join(self.list_commands(ctx))
            raise UnknownCommand(name, f"did you mean {near[0]}?" if near else f"there are: {known}", ctx)
        return super().resolve_command(ctx, args)


class UnknownCommand(click.UsageError):
    """There is no such command. `hint` says which one may be meant."""

    def __init__(self, name: str, hint: str, ctx: click.Context) -> None:
        super().__init__(f"there is no command {name}", ctx)
        self.hint = hint


def output_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`-o`, the same for every command."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(FORMS),
        default="auto",
        show_default=True,
        help="Form of the output. auto: text for people, on a terminal and in a pipe alike; json: one object; "
        "ndjson: one object a line.",
    )(command)


def wants_json(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for JSON. It may be one that cannot be parsed, so only these words are looked at."""
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        if word in {"-o", "--output"}:
            value = following
        elif word.startswith("--output="):
            value = word.removeprefix("--output=")
        elif word.startswith("-o"):
            value = word.removeprefix("-o")
        else:
            continue
        if value in {"json", "ndjson"}:
            return True
    return False
