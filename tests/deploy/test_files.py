"""The image and the unit claim what is true: their commands exist, their user has no rights, their health check finds the server."""

from __future__ import annotations

import asyncio
import configparser
import json
import re
import shlex
import sys
from pathlib import Path

import click
import pytest

from krakenwire import connect
from krakenwire.cli.entry import krakenwire
from krakenwire.cli.exits import Exit
from krakenwire.metrics import serve

ROOT = Path(__file__).resolve().parents[2]
IMAGE = [
    line.replace("\\\n", " ")
    for line in re.findall(
        r"^[A-Z]+ (?:.*\\\n)*.*$", (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
    )
]


def said(instruction: str) -> list[str]:
    """What follows an instruction, wherever it stands."""
    return [line.partition(" ")[2].strip() for line in IMAGE if line.startswith(f"{instruction} ")]


def unit() -> dict[str, list[str]]:
    """The settings of the service."""
    found: dict[str, list[str]] = {}
    for line in (ROOT / "deploy/krakenwire.service").read_text(encoding="utf-8").splitlines():
        if line and line[0] not in "#[":
            name, _, value = line.partition("=")
            found.setdefault(name, []).append(value)
    return found


def parsed(arguments: list[str]) -> click.Context:
    """A command line, understood and not run.

    Raises: click.UsageError.
    """
    command = krakenwire.commands[arguments[0]]
    return command.make_context(arguments[0], arguments[1:])


def test_image_runs_without_rights() -> None:
    """The last stage is slim, has a user that is not root, and holds nothing of the source and no compiler."""
    last = IMAGE[max(number for number, line in enumerate(IMAGE) if line.startswith("FROM ")) :]
    assert last[0] == "FROM python:3.13-slim"
    assert [line for line in last if line.startswith("USER ")] == ["USER 10001:10001"]
    assert [line for line in last if line.startswith("COPY ")] == [
        "COPY --from=build /opt/krakenwire /opt/krakenwire"
    ]
    assert not [line for line in IMAGE if re.search(r"API_KEY|API_SECRET|\bARG\b|--privileged", line)]


def test_image_copies_what_is_there() -> None:
    """Everything the image copies exists, and is let through to the builder."""
    ignored = (ROOT / "deploy/Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert ignored[0] == "*"
    for line in said("COPY"):
        if line.startswith("--from"):
            continue
        for source in line.split()[:-1]:
            assert (ROOT / source).exists()
            assert f"!{source.split('/')[0]}" in ignored


def test_commands_are_understood() -> None:
    """The commands of the image and of the unit are command lines that krakenwire understands, on the port that is exposed."""
    for arguments in (json.loads(said("CMD")[0]), shlex.split(unit()["ExecStart"][0])[1:]):
        context = parsed(arguments)
        assert str(context.params["metrics"]) == said("EXPOSE")[0] == "9464"
    assert (
        json.loads(said("ENTRYPOINT")[0])
        == [Path(shlex.split(unit()["ExecStart"][0])[0]).name]
        == ["krakenwire"]
    )


async def test_health_check_finds_the_server() -> None:
    """The health check of the image is content while the server answers, and not when it is gone."""
    line = said("HEALTHCHECK")[0]
    command = json.loads(line.partition("CMD ")[2])
    assert command[0] == "python"

    async def checked(port: int) -> int:
        code = command[2].replace("9464", str(port))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait()

    async with connect(stall_limit=None) as kraken, serve(kraken, port=0) as server:
        assert server.url is not None
        port = int(server.url.rpartition(":")[2])
        assert await checked(port) == 0
    assert await checked(port) != 0


def test_unit_is_a_unit() -> None:
    """The unit has its three sections, is told when the process is ready, and is watched."""
    file = configparser.ConfigParser(strict=False, interpolation=None)
    file.optionxform = str  # type: ignore[assignment,method-assign]
    file.read(ROOT / "deploy/krakenwire.service")
    assert file.sections() == ["Unit", "Service", "Install"]
    service = unit()
    assert service["Type"] == ["notify"]
    assert int(service["WatchdogSec"][0]) >= 10
    assert int(service["TimeoutStopSec"][0]) > 5, "a command ends within five seconds"
    refused = {int(Exit.USAGE), int(Exit.AUTH), int(Exit.REFUSED)}
    assert set(map(int, service["RestartPreventExitStatus"][0].split())) == refused
    assert set(map(int, service["SuccessExitStatus"][0].split())) == {Exit.INTERRUPTED, Exit.TERMINATED}


@pytest.mark.parametrize(
    "setting",
    [
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateDevices=yes",
        "PrivateTmp=yes",
        "CapabilityBoundingSet=",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "SystemCallFilter=@system-service",
        "UMask=0077",
    ],
)
def test_unit_is_hardened(setting: str) -> None:
    """The service may do what a client needs, and nothing else of what can be taken from it."""
    name, _, value = setting.partition("=")
    assert value in unit()[name]
