"""`krakenwire doctor`: why there is no connection, or will be trouble, and what to do about it."""

from __future__ import annotations

import asyncio
import json
import sys

import click
import msgspec

from krakenwire.cli.checks import Checks, Tell
from krakenwire.cli.ending import Ending, run
from krakenwire.cli.exits import Exit
from krakenwire.cli.findings import Finding
from krakenwire.cli.options import Verb, output_option
from krakenwire.cli.places import Place, place_options, reach
from krakenwire.cli.terminal import paint
from krakenwire.text import counted, shown

STYLES = {"ok": "green", "warn": "yellow", "fail": "red", "skipped": "dim"}


@click.command(
    cls=Verb,
    examples=[
        ("krakenwire doctor", "Kraken, with the API key of the environment if there is one."),
        ("krakenwire doctor -o json | jq '.checks[] | select(.result == \"fail\")'", "For programs."),
        ("krakenwire doctor --url ws://127.0.0.1:8080", "What krakenwire sim serves there."),
        ("krakenwire doctor --sim", "What it looks like when all is well."),
    ],
    exits=[Exit.OK, Exit.FAILED, Exit.USAGE, Exit.AUTH, Exit.NETWORK, Exit.INTERRUPTED, Exit.TERMINATED],
)
@place_options
@output_option
def doctor(*, sim: bool, url: str | None, cafile: str | None, output: str) -> Exit:
    """Check everything that a connection needs.

    What is wrong is told with what to do about it. Looked at are the limit of open files; name, TLS and answer of every host; the
    status of the exchange; the clock of this machine against the exchange's, by ping; the API key, and which private channels it may
    follow. It makes three connections and asks for one token; it places no order and changes nothing.

    Each line is ok, warn, fail or skipped. The exit code is that of the worst failure; a warning is none.
    """
    findings: list[Finding] = []

    def tell(found: Finding) -> None:
        findings.append(found)
        if output == "table":
            _print(found, "SIM " if sim else "")
        elif output == "ndjson":
            print(json.dumps(({"sim": True} if sim else {}) | as_dict(found)), flush=True)

    async def work(ending: Ending) -> Exit:
        with reach(sim=sim, url=url, cafile=cafile, key=False) as place:
            await _until(ending, place, tell)
        return max((found.code for found in findings), default=Exit.OK)

    code = run(work)
    if output == "json":
        print(
            json.dumps(
                {"sim": sim, "worst": worst(findings), "checks": list(map(as_dict, findings))}, indent=2
            )
        )
    elif output == "table":
        counts = [sum(found.result == result for found in findings) for result in STYLES]
        told = ", ".join(
            f"{number} {result}" for number, result in zip(counts, STYLES, strict=True) if number
        )
        text = f"{counted(len(findings), 'check')}: {told}"
        print(("SIM " if sim else "") + paint(text, STYLES[worst(findings)], sys.stdout))
    return code


async def _until(ending: Ending, place: Place, tell: Tell) -> None:
    """All checks, or as many as there is patience for."""
    checks = asyncio.ensure_future(Checks(place, tell).run())
    waiting = asyncio.ensure_future(ending.wait())
    await asyncio.wait([checks, waiting], return_when=asyncio.FIRST_COMPLETED)
    done = checks.done()
    for task in (checks, waiting):
        task.cancel()
    await asyncio.wait([checks, waiting])
    if done:
        checks.result()


def worst(findings: list[Finding]) -> str:
    """The worst result of all."""
    results = {found.result for found in findings}
    return next((result for result in ("fail", "warn", "ok") if result in results), "skipped")


def as_dict(found: Finding) -> dict[str, object]:
    """A finding, for programs."""
    told = msgspec.to_builtins(found)
    return {name: shown(value) if isinstance(value, str) else value for name, value in told.items()} | {
        "code": int(found.code)
    }


def _print(found: Finding, mark: str) -> None:
    word = paint(f"{found.result:<7}", STYLES[found.result], sys.stdout)
    print(f"{mark}{word}  {found.check:<17} {shown(found.target)}: {shown(found.found)}", flush=True)
    if found.hint is not None and found.result != "ok":
        print(f"{mark}{'':<9}{'':<17} {paint(shown(found.hint), 'bold', sys.stdout)}", flush=True)
