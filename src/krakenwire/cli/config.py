"""`krakenwire config`: what is configured, where it came from, and what is wrong with it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import click

from krakenwire.cli.configuration import Configuration, Origin, Setting, files, sources
from krakenwire.cli.credentials import credentials_of
from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Verb, Verbs, bare_option, output_option
from krakenwire.cli.places import exchange_options
from krakenwire.cli.terminal import paint
from krakenwire.text import counted, shown

EXITS = [Exit.OK, Exit.FAILED, Exit.USAGE, Exit.INTERRUPTED, Exit.TERMINATED]


@click.command(
    cls=Verb,
    examples=[
        ("krakenwire config show --origin", "Every value, and where it came from."),
        ("krakenwire config show -o json | jq -r '.depth.value'", "One value, for programs."),
        (
            "krakenwire config show --origin --url ws://127.0.0.1:8080",
            "What a command with this option would use.",
        ),
    ],
    exits=EXITS,
    see=["krakenwire config path", "krakenwire config check"],
)
@click.option("--origin", is_flag=True, help="Also say where each value came from.")
@exchange_options
@output_option
def show(*, origin: bool, url: str | None, cafile: str | None, output: str) -> Exit:
    """Print every key with its value.

    An option comes before the environment, that before ./krakenwire.toml, that before the user's file, that before the default. Of a secret
    only is told whether it is set.
    """
    del url, cafile  # they are noted in the configuration
    found = sources().configuration()
    told = {setting.key.name: _as_dict(setting, origin=origin) for setting in found}
    if output == "json":
        print(json.dumps(told, indent=2))
    elif output == "ndjson":
        for name, record in told.items():
            print(json.dumps({"key": name} | record))
    else:
        for line in _lines(found, origin=origin):
            print(line)
    return Exit.OK


def _as_dict(setting: Setting, *, origin: bool) -> dict[str, Any]:
    if setting.key.secret:
        told: dict[str, Any] = {"set": setting.value is not None}
    else:
        told = {"value": shown(setting.value) if isinstance(setting.value, str) else setting.value}
    if origin:
        where = None if setting.where is None else shown(setting.where)
        told |= {"origin": str(setting.origin), "where": where, "line": setting.line}
    return told


def _said(setting: Setting) -> str:
    if setting.value is None:
        return "not set"
    return "set" if setting.key.secret else shown(setting.value)


def _lines(found: Configuration, *, origin: bool) -> Iterator[str]:
    names = max(len(setting.key.name) for setting in found)
    values = max(len(_said(setting)) for setting in found)
    for setting in found:
        text = f"{setting.key.name:<{names}}  {_said(setting):<{values}}"
        style = "dim" if setting.origin is Origin.DEFAULT else "cyan"
        yield f"{text}  {paint(shown(setting.place), style, sys.stdout)}" if origin else text.rstrip()


@click.command(
    cls=Verb,
    examples=[("krakenwire config path", "Which files are looked for, and which are there.")],
    exits=EXITS,
    see=["krakenwire config show"],
)
@output_option
def path(output: str) -> Exit:
    """Print the files that are looked for, the stronger one first."""
    told = [
        {"file": shown(place.absolute()), "origin": str(origin), "exists": place.exists()}
        for origin, place, _ in files()
    ]
    if output == "json":
        print(json.dumps({"files": told}, indent=2))
        return Exit.OK
    for record in told:
        if output == "ndjson":
            print(json.dumps(record))
        else:
            print(f"{record['file']}  {record['origin']}, {'read' if record['exists'] else 'not there'}")
    return Exit.OK


@click.command(
    cls=Verb,
    examples=[("krakenwire config check", "Everything that is wrong, each with its file and line.")],
    exits=EXITS,
    see=["krakenwire config show"],
)
@exchange_options
@bare_option
def check(*, url: str | None, cafile: str | None, output: str) -> Exit:
    """Look for everything that is wrong with files and environment: unknown keys, values of a wrong type, secrets that others can read.

    Other commands stop at the first of these. Nothing is connected to. Exit code 2 means that something is wrong.
    """
    del url, cafile  # they are noted in the configuration
    _, problems = sources().given()
    if not problems:
        # Whether the API key can be read is seen by reading it.
        credentials_of(sources().configuration())
    told = [
        {
            "file": shown(each.file),
            "line": each.line,
            "message": shown(each.message),
            "hint": shown(each.hint),
        }
        for each in problems
    ]
    if output == "json":
        print(json.dumps({"problems": told}, indent=2))
    for each, record in zip(problems, told, strict=True):
        if output == "ndjson":
            print(json.dumps(record))
        elif output == "table":
            print(f"{paint(shown(each.told), 'red', sys.stdout)}\n  {record['hint']}")
    if output == "table":
        print(counted(len(problems), "problem") if problems else "all is well")
    return Exit.USAGE if problems else Exit.OK


@click.group(
    cls=Verbs,
    commands=[show, path, check],
    examples=[
        ("krakenwire config show --origin", "Every value, and where it came from."),
        ("krakenwire config check", "Everything that is wrong, each with its file and line."),
    ],
    exits=EXITS,
)
def config() -> None:
    r"""Show and check the configuration.

    It is read from options, the environment, ./krakenwire.toml, and krakenwire/config.toml in the user's configuration folder, in this
    order. A file looks like this:

    \b
        output = "table"
        depth = 25
        [urls]
        public = "wss://ws.kraken.com/v2"
        [credentials]
        file = "credentials.toml"

    The credentials file has two lines, key = "..." and secret = "...", and the mode 0600. An unknown key, or a value of a wrong type, is an
    error that names file, line and what was meant.
    """
