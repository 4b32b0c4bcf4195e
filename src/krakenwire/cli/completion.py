"""`krakenwire completion`: the script that teaches a shell our commands, options, channels and symbols."""

from __future__ import annotations

import click
from click.shell_completion import ShellComplete, get_completion_class

from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Named, Verb

SHELLS = ("bash", "zsh", "fish")

VARIABLE = "_KRAKENWIRE_COMPLETE"
"""With it in its environment, the program answers the script instead of running a command."""


@click.command(
    cls=Verb,
    examples=[
        (
            "krakenwire completion bash > krakenwire.bash && source krakenwire.bash",
            "For this shell, bash 4.4 or newer.",
        ),
        ("krakenwire completion zsh > _krakenwire", "For zsh; put it into a folder of $fpath."),
        ("krakenwire completion fish > krakenwire.fish", "For fish; put it into ~/.config/fish/completions."),
    ],
    exits=[Exit.OK, Exit.FAILED, Exit.USAGE, Exit.INTERRUPTED, Exit.TERMINATED],
)
@click.argument("shell", type=Named(SHELLS), metavar="SHELL")
@click.pass_context
def completion(ctx: click.Context, shell: str) -> Exit:
    """Print the script that lets a shell complete what is typed.

    SHELL is bash, zsh or fish. Completed are commands, options, their values, channels, files and common symbols. The script asks the
    program itself what fits, so it never grows old.
    """
    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 (click knows the three shells)
    made = kind(ctx.find_root().command, {}, "krakenwire", VARIABLE)
    # The script alone: what click adds for bash runs bash to ask for its version.
    click.echo(ShellComplete.source(made).rstrip())
    return Exit.OK
