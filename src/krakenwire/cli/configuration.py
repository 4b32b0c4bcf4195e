"""The configuration of one run: option, then environment, then `./krakenwire.toml`, then the user's file, then the default; and for each
value where it came from.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from krakenwire.cli.errors import CommandError
from krakenwire.cli.exits import Exit
from krakenwire.cli.keys import BY_NAME, KEYS, Key, Wrong
from krakenwire.cli.toml_file import (
    Found,
    Problem,
    others_can_change,
    others_can_read,
    read_file,
)
from krakenwire.net.hosts import Hosts

PROJECT = "./krakenwire.toml"
PAIR = ("credentials.key", "credentials.secret")


class Origin(StrEnum):
    """Where a value came from, the strongest first."""

    OPTION = "option"
    ENVIRONMENT = "environment"
    PROJECT = "project file"
    USER = "user file"
    DEFAULT = "default"


class Setting(Struct, frozen=True):
    """A value and its origin: `where` is the option, the variable or the file, `line` that of the file."""

    key: Key
    value: Any
    origin: Origin = Origin.DEFAULT
    where: str | None = None
    line: int | None = None

    @property
    def place(self) -> str:
        """The origin, for people."""
        if self.where is None:
            return str(self.origin)
        return f"{self.where}{'' if self.line is None else f':{self.line}'} ({self.origin})"


class Configuration(Struct, frozen=True):
    """Every key with its value. `given`: what each source holds, the strongest first."""

    settings: Mapping[str, Setting]
    given: tuple[Mapping[str, Setting], ...]
    allow_readable: bool = False

    def __getitem__(self, name: str) -> Any:
        return self.settings[name].value

    def __iter__(self) -> Iterator[Setting]:
        return iter(self.settings.values())

    def hosts(self) -> Hosts:
        """Where the exchange is."""
        return Hosts(
            public=self["urls.public"],
            private=self["urls.private"],
            level3=self["urls.level3"],
            rest=self["urls.rest"],
        )


class Sources:
    """What a run is configured by. Options are noted while they are parsed; files are read when the first value is wanted."""

    def __init__(self) -> None:
        self.options: dict[str, Setting] = {}
        self.allow_readable = False
        self._read: Configuration | None = None

    def note(self, name: str, value: Any, flag: str) -> None:
        """An option sets a key."""
        self.options[name] = Setting(BY_NAME[name], value, Origin.OPTION, flag)
        self._read = None

    def configuration(self) -> Configuration:
        """Everything together.

        Raises: CommandError, if something is wrong with a file or a variable.
        """
        if self._read is None:
            given, problems = self.given()
            if problems:
                more = f"; {len(problems) - 1} more: krakenwire config check" if len(problems) > 1 else ""
                raise refused(problems[0].told, f"{problems[0].hint}{more}")
            settings = {key.name: Setting(key, key.default) for key in KEYS}
            for source in reversed(given):
                settings |= source
            self._read = Configuration(settings, given, self.allow_readable)
        return self._read

    def given(self) -> tuple[tuple[Mapping[str, Setting], ...], list[Problem]]:
        """What each source holds, the strongest first, and everything that is wrong with them."""
        variables, problems = _variables()
        given = [self.options, variables]
        for origin, path, name in files():
            try:
                found, wrong = read_file(path, name, BY_NAME)
                wrong += _readable(path, name, found, allowed=self.allow_readable)
                wrong += _strange(path, name) if origin is Origin.PROJECT else []
            except FileNotFoundError:
                continue
            problems += wrong
            given.append({each: _setting(each, found[each], origin, path, name) for each in found})
        return tuple(given), problems


def files() -> Iterator[tuple[Origin, Path, str]]:
    """The files that are looked for: which one, where, and as people are told about it."""
    yield Origin.PROJECT, Path(PROJECT), PROJECT
    folder = os.environ.get("XDG_CONFIG_HOME", "")
    # A relative folder is to be ignored, says the specification.
    above = Path(folder) if Path(folder).is_absolute() else _home() / ".config"
    path = above / "krakenwire" / "config.toml"
    yield Origin.USER, path, str(path)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # a user without a name, as in some containers
        return Path("/")


def _variables() -> tuple[dict[str, Setting], list[Problem]]:
    found: dict[str, Setting] = {}
    problems = []
    for key in KEYS:
        value = os.environ.get(key.variable, "") if key.variable else ""
        if not value:
            continue
        try:
            found[key.name] = Setting(key, key.read(value), Origin.ENVIRONMENT, key.variable)
        except Wrong as exc:
            problems.append(
                Problem("the environment", None, f"{key.variable}: {exc}", f"it is for {key.meaning}")
            )
    return found, problems


def _setting(name: str, found: Found, origin: Origin, path: Path, shown: str) -> Setting:
    key, value = BY_NAME[name], found.value
    if key.path and value != "-":
        value = str(path.parent / Path(value).expanduser())
    return Setting(key, value, origin, shown, found.line)


def _readable(path: Path, name: str, found: Mapping[str, Found], *, allowed: bool) -> list[Problem]:
    """A secret in a file that others can read is a secret no more."""
    held = [each for each in PAIR if each in found]
    mode = others_can_read(path) if held and not allowed else None
    if mode is None:
        return []
    return [
        Problem(
            name,
            found[held[0]].line,
            f"{held[0]} stands in a file that others can read (mode {mode})",
            f"chmod 600 {name}; take a new key if somebody may have seen this one",
        )
    ]


def _strange(path: Path, name: str) -> list[Problem]:
    """A file in the folder where we happen to be decides whom we talk to: it must be ours."""
    if not others_can_change(path):
        return []
    return [
        Problem(name, None, "another user can change this file", "own it and chmod 600 it, or work elsewhere")
    ]


def refused(message: str, hint: str) -> CommandError:
    """A configuration that cannot be used."""
    return CommandError("config", message, hint, exit_code=Exit.USAGE)


def sources() -> Sources:
    """Those of the command that runs."""
    found = click.get_current_context().find_object(Sources)
    return Sources() if found is None else found


def configuration() -> Configuration:
    """The configuration of the command that runs.

    Raises: CommandError.
    """
    return sources().configuration()
