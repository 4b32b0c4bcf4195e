"""`krakenwire help`: the help of a command, by its name."""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem

from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Verb, unknown_command


def _commands(ctx: click.Context, param: click.Parameter, begun: str) -> list[CompletionItem]:
    """Commands that begin so, after those already typed."""
    command = ctx.find_root().command
    for name in ctx.params.get(param.name or "") or ():
        found = command.get_command(ctx, name) if isinstance(command, click.Group) else None
        if found is None:
            return []
        command = found
    names = command.list_commands(ctx) if isinstance(command, click.Group) else []
    return [CompletionItem(name) for name in names if name.startswith(begun)]


@click.command(
    name="help",
    cls=Verb,
    examples=[
        ("krakenwire help stream", "The same as krakenwire stream --help."),
        ("krakenwire help config show", "The help of a command below another."),
    ],
    exits=[Exit.OK, Exit.FAILED, Exit.USAGE, Exit.INTERRUPTED, Exit.TERMINATED],
)
@click.argument("commands", nargs=-1, metavar="[COMMAND...]", shell_complete=_commands)
@click.pass_context
def manual(ctx: click.Context, commands: tuple[str, ...]) -> Exit:
    """Explain a command.

    What it does, its options, examples, exit codes and environment, as COMMAND --help does. Without COMMAND all commands are listed.
    """
    at = ctx.find_root()
    for name in commands:
        group = at.command
        known = group.list_commands(at) if isinstance(group, click.Group) else []
        found = group.get_command(at, name) if isinstance(group, click.Group) else None
        if found is None:
            raise unknown_command(name, known, at)
        at = click.Context(found, parent=at, info_name=name)
    click.echo(at.get_help())
    return Exit.OK
