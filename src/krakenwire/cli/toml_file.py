"""A TOML file as keys with values and lines, and everything that is wrong with it."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from krakenwire.cli.keys import Key, Wrong
from krakenwire.cli.nearest import nearest

LARGEST = 10_000
"""Bytes of a file. There are a dozen keys; what is longer is something else."""


class Problem(Struct, frozen=True):
    """What is wrong with a file, where, and what to do about it."""

    file: str
    line: int | None
    message: str
    hint: str

    @property
    def told(self) -> str:
        """The place and the problem, as compilers write them."""
        return f"{self.file}{'' if self.line is None else f':{self.line}'}: {self.message}"


class Found(Struct, frozen=True):
    """A value in a file, fit for its key."""

    value: Any
    line: int


def read_file(path: Path, name: str, keys: Mapping[str, Key]) -> tuple[dict[str, Found], list[Problem]]:
    """The values of a file by key, and its problems. `name`: the file as people are told about it.

    Raises: FileNotFoundError.
    """
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise
    except OSError as exc:
        return {}, [Problem(name, None, f"cannot be read: {exc.strerror or exc}", f"ls -l {name} shows why")]
    return read_bytes(data, name, keys)


def read_bytes(data: bytes, name: str, keys: Mapping[str, Key]) -> tuple[dict[str, Found], list[Problem]]:
    """The same of what a file holds."""
    hint = 'a line of it looks like this: output = "table"'
    try:
        text = data.decode()
        told = tomllib.loads(text) if len(data) <= LARGEST else None
    except tomllib.TOMLDecodeError as exc:
        place = re.search(r"at line (\d+)", str(exc))
        line = int(place[1]) if place else max(1, len(text.splitlines()))
        return {}, [Problem(name, line, "this is no TOML", hint)]
    except UnicodeDecodeError:
        return {}, [Problem(name, None, "this is no UTF-8", hint)]
    if told is None:
        return {}, [Problem(name, None, f"is longer than {LARGEST:,} bytes", hint)]
    values: dict[str, Found] = {}
    problems: list[Problem] = []
    for path, value in _leaves(told, keys):
        dotted, line = ".".join(path), line_of(text, path)
        key = keys.get(dotted)
        if key is None:
            problems.append(_unknown(name, line, dotted, keys))
            continue
        try:
            values[dotted] = Found(key.read(value), line)
        except Wrong as exc:
            problems.append(Problem(name, line, f"{dotted}: {exc}", f"{dotted} is the {key.meaning}"))
    return values, problems


def _leaves(
    table: Mapping[str, Any], keys: Mapping[str, Key], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Each value with its path. A table that no key stands in is one unknown thing, whatever is in it."""
    for name, value in table.items():
        path = (*above, name)
        known_table = any(key.startswith(f"{'.'.join(path)}.") for key in keys)
        if isinstance(value, dict) and known_table:
            yield from _leaves(value, keys, path)
        else:
            yield path, value


def line_of(text: str, path: tuple[str, ...]) -> int:
    """The line on which a key begins.

    The parser tells no lines, but it reads the beginning of a file as well as all of it: the key stands in the first statement with which
    it is there. A beginning that ends inside a statement is no TOML, and the statement began after the last one that is.
    """
    lines, whole = text.splitlines(), 0
    for upto in range(1, len(lines) + 1):
        try:
            told: Any = tomllib.loads("\n".join(lines[:upto]))
        except tomllib.TOMLDecodeError:
            continue
        for name in path:
            told = told.get(name) if isinstance(told, dict) else None
        if told is not None:
            return whole + 1
        whole = upto
    return max(1, len(lines))


def _unknown(file: str, line: int, dotted: str, keys: Mapping[str, Key]) -> Problem:
    last = {key.rpartition(".")[2]: key for key in reversed(list(keys))}
    near = nearest(dotted, keys) or last.get(nearest(dotted.rpartition(".")[2], last) or "")
    hint = f"did you mean {near}?" if near else f"there are: {', '.join(keys)}"
    return Problem(file, line, f"there is no key {dotted}", hint)


def others_can_read(path: Path) -> str | None:
    """The mode of a file that anybody but its owner can read or change, as chmod writes it; None if nobody can."""
    mode = stat.S_IMODE(path.stat().st_mode)
    return f"{mode:04o}" if os.name == "posix" and mode & 0o077 else None


def others_can_change(path: Path) -> bool:
    """Whether a file belongs to another user, other than root, or is open to everybody."""
    if os.name != "posix":
        return False
    found = path.stat()
    return found.st_uid not in {os.geteuid(), 0} or bool(found.st_mode & 0o002)
