"""The API key: from the strongest source that names one, whole, and never sent where its owner did not send it."""

from __future__ import annotations

import sys
from pathlib import Path
from urllib.parse import urlsplit

from krakenwire.cli.configuration import PAIR, PROJECT, Configuration, Origin, Setting, refused
from krakenwire.cli.errors import CommandError
from krakenwire.cli.exits import Exit
from krakenwire.cli.keys import BY_NAME, KEY_HINT
from krakenwire.cli.toml_file import LARGEST, others_can_read, read_bytes, read_file
from krakenwire.errors import UsageError
from krakenwire.net.token import Credentials
from krakenwire.net.transport import is_loopback

ALLOW = "--allow-readable-credentials"


def credentials_of(found: Configuration) -> Credentials | None:
    """The API key of the strongest source that names one; None if none does. Halves of different sources never make a pair.

    Raises: CommandError.
    """
    for source in found.given:
        held = [source[name] for name in ("credentials.file", *PAIR) if name in source]
        if not held:
            continue
        _keep_at_home(found, held[0])
        if held[0].key.name != "credentials.file":
            return _pair([setting.value for setting in held], held[0].place, _names(held[0]))
        if len(held) > 1:
            raise refused(
                f"{held[0].place}: credentials.file and {held[1].key.name} name two API keys",
                "keep one of them",
            )
        return _from_file(held[0].value, allow_readable=found.allow_readable)
    return None


def _keep_at_home(found: Configuration, held: Setting) -> None:
    """A file that lies in a folder, as one that came with somebody's repository, must not send away a key that it did not bring.

    Raises: CommandError.
    """
    if held.origin is Origin.OPTION or _is_brought(held):
        return
    for name in ("urls.private", "urls.level3", "urls.rest"):
        setting = found.settings[name]
        own = setting.value == setting.key.default or is_loopback(urlsplit(setting.value).hostname or "")
        if setting.origin is Origin.PROJECT and not own:
            raise refused(
                f"{PROJECT}:{setting.line}: {name} would get the API key of {held.place}",
                "name the host in your own file, or the key on the command line: --credentials-file",
            )


def _is_brought(held: Setting) -> bool:
    """Whether a key came with the project file: it stands there, or in a file of the same folder."""
    if held.origin is not Origin.PROJECT or held.key.name in PAIR:
        return held.origin is Origin.PROJECT
    return Path(held.value).resolve().is_relative_to(Path(PROJECT).resolve().parent)


def _from_file(name: str, *, allow_readable: bool) -> Credentials:
    """The API key of a credentials file; `-` is standard input.

    Raises: CommandError.
    """
    keys = {each.rpartition(".")[2]: BY_NAME[each] for each in PAIR}
    told = "standard input" if name == "-" else name
    try:
        if name == "-":
            if sys.stdin is None or sys.stdin.isatty():
                raise refused(
                    "an API key is not typed on a terminal, where it can be seen", "krakenwire ... < FILE"
                )
            found, problems = read_bytes(sys.stdin.buffer.read(LARGEST + 1), told, keys)
        else:
            mode = None if allow_readable else others_can_read(Path(name))
            if mode is not None:
                raise refused(
                    f"{name}: others can read this API key (mode {mode})",
                    f"chmod 600 {name}; take a new key if somebody may have seen this one; {ALLOW} reads it as it is",
                )
            found, problems = read_file(Path(name), told, keys)
    except OSError as exc:
        raise refused(
            f"{name}: cannot be read: {exc.strerror or exc}", "it has two lines, key and secret"
        ) from None
    if problems:
        raise refused(problems[0].told, problems[0].hint)
    return _pair([found[name].value for name in keys if name in found], told, ("key", "secret"))


def _names(setting: Setting) -> tuple[str, str]:
    """What the two parts of an API key are called where this one was found."""
    key, secret = (BY_NAME[name] for name in PAIR)
    if setting.origin is Origin.ENVIRONMENT:
        return str(key.variable), str(secret.variable)
    return key.name, secret.name


def _pair(held: list[str], place: str, names: tuple[str, str]) -> Credentials:
    if len(held) != len(PAIR):
        raise unfit(f"{place}: set both {names[0]} and {names[1]}, or neither", KEY_HINT)
    try:
        return Credentials(*held)
    except UsageError as exc:
        raise unfit(
            f"{place}: {names[exc.field == 'secret']} {exc.rule}", f"copy it again; {KEY_HINT}"
        ) from None


def unfit(message: str, hint: str) -> CommandError:
    """An API key that cannot be one."""
    return CommandError("auth", message, hint, exit_code=Exit.AUTH)
