"""What every command says of itself."""

from __future__ import annotations

import re
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from krakenwire.cli.entry import krakenwire
from krakenwire.cli.exits import MEANING, Exit
from krakenwire.cli.options import MANUAL, Verb
from krakenwire.state.side import COMPILED
from tests.cli.call import call


def commands(command: click.Command, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words after `krakenwire` of every command, the group itself among them."""
    found = [path]
    if isinstance(command, click.Group):
        for name, below in command.commands.items():
            found += commands(below, (*path, name))
    return found


def found(path: tuple[str, ...]) -> click.Command:
    """A command by its words."""
    command: click.Command = krakenwire
    for name in path:
        assert isinstance(command, click.Group)
        command = command.commands[name]
    return command


@pytest.mark.parametrize("path", commands(krakenwire), ids=" ".join)
def test_every_command_explains_itself(path: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """Each command has a help of at most 80 columns: purpose, options, examples, exit codes, environment, what to read next."""
    ended = call(capsys, *path, "--help")
    assert ended.code == Exit.OK
    assert max(map(len, ended.out.splitlines())) <= 80
    heads = ["Examples:", "Exit codes:", "Environment:", "See also:"]
    assert [line for line in ended.out.splitlines() if line in heads] == heads
    examples = ended.out.split("Examples:\n")[1].split("Exit codes:\n")[0]
    assert " ".join(["krakenwire", *path]) in examples
    codes = ended.out.split("Exit codes:\n")[1].split("Environment:\n")[0]
    assert f"0    {MEANING[Exit.OK]}" in codes
    assert "130  " in codes
    assert "143  " in codes
    assert "NO_COLOR" in ended.out
    if path:
        assert call(capsys, "help", *path).out == ended.out


@pytest.mark.parametrize("path", commands(krakenwire), ids=" ".join)
def test_every_option_and_command_has_help(path: tuple[str, ...]) -> None:
    """No command lacks a description or examples that name it, no option a sentence of its own, no argument one in the description."""
    command = found(path)
    assert isinstance(command, Verb)
    assert command.help
    assert command.examples
    assert command.exits
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert [option.name for option in options if not option.help] == []
    for argument in command.params:
        if isinstance(argument, click.Argument):
            name = re.sub(r"\W", "", argument.metavar or "")
            assert re.search(rf"\b{name}\b", command.help), f"{name} is not explained"


@pytest.mark.parametrize("path", commands(krakenwire), ids=" ".join)
def test_every_command_and_option_is_documented(path: tuple[str, ...]) -> None:
    """The page of the command line has a section for each command, which names its options; what all share has sections of its own."""
    page = (Path(__file__).parents[2] / MANUAL).read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+)\n((?:(?!## ).*\n)*)", page, re.MULTILINE))
    shared = "".join(text for head, text in sections.items() if head.startswith("What all"))
    own = sections[path[0]] if path else page
    assert " ".join(path) in own
    for option in found(path).params:
        if isinstance(option, click.Option) and option.name not in {"help", "version"}:
            name = max(option.opts, key=len)
            assert f"`{name}" in own + shared, f"{name} is not mentioned"


def test_every_exit_code_has_a_meaning() -> None:
    """Each exit code is explained, in the one place where they are drawn."""
    assert list(MEANING) == list(Exit)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """--version prints the version of the installed package, and whether its books are compiled."""
    kind = "compiled" if COMPILED else "pure Python"
    assert call(capsys, "--version").out == f"krakenwire, version {version('krakenwire')} ({kind})\n"


def test_no_command_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    """`krakenwire` alone lists the commands."""
    ended = call(capsys)
    assert ended.code == Exit.OK
    assert "Commands:\n  bench " in ended.out


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["verfy", "x"], "there is no command verfy", "did you mean verify?"),
        (["qqq"], "there is no command qqq", "there are: bench, completion, config"),
        (["verify", "--stric", "x"], "No such option '--stric'", "did you mean --strict?"),
        (["verify"], "Missing argument 'FILE...'", "krakenwire verify --help explains it"),
        (["verify", "-o", "xml", "x"], "'xml' is not one of 'auto'", "krakenwire verify --help"),
        (["demo", "--duration", "-1"], "-1.0 is not in the range", "krakenwire demo --help"),
        (["stream", "book", "--count", "x"], "'x' is not a valid integer", "krakenwire stream --help"),
        (["\x1b[2J"], "there is no command \\x1b[2J", "there are: bench, completion, config"),
    ],
)
def test_wrong_usage(arguments: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wrong usage ends with 2, one line that says what is wrong and one that says what to type instead."""
    ended = call(capsys, *arguments)
    assert (ended.code, ended.out) == (Exit.USAGE, "")
    first, second = ended.err.splitlines()
    assert first.startswith("error: ")
    assert error in first
    assert second.startswith("hint:  ")
    assert hint in second


@pytest.mark.parametrize("form", [["-o", "json"], ["-ojson"], ["--output=ndjson"], ["--output", "json"]])
def test_wrong_usage_as_json(form: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever asked for JSON gets the error as one object on stdout, and nothing on stderr."""
    ended = call(capsys, "verify", "--stric", "x", *form)
    assert ended.code == Exit.USAGE
    assert ended.err == ""
    assert ended.json == {
        "error": "usage",
        "message": "No such option '--stric'",
        "hint": "did you mean --strict?",
        "retryable": False,
    }
