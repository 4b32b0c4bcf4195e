"""`krakenwire sim`: the simulated exchange on a port of this machine, for clients in any language."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from krakenwire.cli.ending import Ending, run
from krakenwire.cli.errors import CommandError, wrong_usage
from krakenwire.cli.exits import Exit
from krakenwire.cli.options import Verb, any_file, output_option
from krakenwire.cli.symbols import complete
from krakenwire.cli.terminal import paint
from krakenwire.errors import UsageError
from krakenwire.sim import Listing, invented
from krakenwire.sim.background import Simulated
from krakenwire.sim.catalog import DEFAULT, KNOWN
from krakenwire.sim.places import is_loopback
from krakenwire.text import counted, seconds, shown

MEANINGS = {
    "KRAKEN_WS_PUBLIC_URL": "market data; executions, balances and orders; level3; REST",
    "KRAKEN_API_KEY": "an account with play money",
    "SSL_CERT_FILE": "the authority to trust while this runs",
}
"""What a line means, and those below it."""


@click.command(
    cls=Verb,
    examples=[
        ("krakenwire sim", "Five markets on a free port; prints the addresses to connect to."),
        (
            "krakenwire sim --port 8080 --symbols BTC/USD,ETH/USD --seed 7",
            "A market that is always the same.",
        ),
        ("krakenwire sim --markets 1000 --speed 10", "A thousand invented markets, ten times as fast."),
        ("krakenwire sim --faults script.txt --tls", "What goes wrong is written in a script; over TLS."),
        ("krakenwire sim -o json --duration 60 > sim.json &", "For scripts: addresses as one object."),
    ],
    exits=[Exit.OK, Exit.FAILED, Exit.USAGE, Exit.INTERRUPTED, Exit.TERMINATED],
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port to listen on.  [default: a free one]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--allow-remote",
    is_flag=True,
    help="Let --host be an address that other machines can reach. Anybody there can then use the exchange.",
)
@click.option("--tls", is_flag=True, help="Encrypt, with a certificate made for this run.")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed makes the same market.")
@click.option(
    "--symbols",
    multiple=True,
    metavar="SYMBOL,...",
    shell_complete=complete,
    help=f"Markets by name: any of {', '.join(KNOWN)}.  [default: {', '.join(DEFAULT)}]",
)
@click.option(
    "--markets",
    type=click.IntRange(1, 10_000),
    metavar="COUNT",
    help="So many invented markets, T0000/USD and so on, besides the --symbols.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    default=1.0,
    show_default=True,
    help="Seconds of the exchange in a real one.",
)
@click.option(
    "--faults", metavar="FILE", shell_complete=any_file, help="A fault script: what goes wrong, and when."
)
@click.option(
    "--duration",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="End by itself after so long.  [default: runs until Ctrl-C]",
)
@output_option
def sim(
    *,
    port: int,
    host: str,
    allow_remote: bool,
    tls: bool,
    seed: int,
    symbols: tuple[str, ...],
    markets: int | None,
    speed: float,
    faults: str | None,
    duration: float | None,
    output: str,
) -> Exit:
    """Run a simulated exchange.

    It speaks the protocol of Kraken Spot WebSocket v2 and the parts of REST that belong to it, over a real matching engine and an
    invented order flow: true checksums, true sequences, all order methods for an account with play money. Nothing in it is a real
    price. Everything is on one port of this machine.

    The addresses are printed under the names that programs look for in their environment. -o json prints one object when clients can
    connect, -o ndjson the same and a summary at the end.
    """
    if not (allow_remote or is_loopback(host)):
        raise wrong_usage(
            f"{shown(host)} can be reached from other machines", "--allow-remote lets it; 127.0.0.1 cannot be"
        )
    script = "" if faults is None else _read(faults)
    try:
        simulated = Simulated(
            seed=seed,
            markets=_markets(symbols, markets),
            faults=script,
            speed=speed,
            tls=tls,
            host=host,
            port=port,
            allow_remote=allow_remote,
        )
    except UsageError as exc:
        raise wrong_usage(str(exc), "krakenwire sim --help explains it") from exc
    return run(lambda ending: _serve(ending, simulated, host, duration, output))


async def _serve(
    ending: Ending, simulated: Simulated, host: str, duration: float | None, output: str
) -> Exit:
    try:
        simulated.start()
    except OSError as exc:
        raise CommandError(
            "address",
            f"cannot listen on {shown(host)}: {exc.strerror or exc}",
            "without --port the system picks a free one, without --host it is this machine alone",
            retryable=True,
        ) from exc
    try:
        if not is_loopback(host):
            warning = "whoever can reach this machine can use this exchange, and nothing in it is real"
            print(paint("warning:", "yellow", sys.stderr), warning, file=sys.stderr)
        _begin(simulated, output)
        await ending.wait(duration)
    finally:
        ran = simulated.server.now
        simulated.stop()
    _end(simulated, ran, output)
    return Exit.OK


def _begin(simulated: Simulated, output: str) -> None:
    """Where the exchange is. Whoever waits for it reads it at once, through a pipe too."""
    symbols = list(simulated.exchange.markets)
    if output in {"json", "ndjson"}:
        told = {
            "event": "ready",
            "sim": True,
            "seed": simulated.seed,
            "markets": symbols,
            "environment": simulated.environment,
            "certificate": None if simulated.authority is None else str(simulated.authority),
        }
        print(json.dumps(told), flush=True)
        return
    named = ", ".join(symbols[:8]) + (f" and {len(symbols) - 8:,} more" if len(symbols) > 8 else "")
    badge = paint("SIM", "badge", sys.stdout)
    print(f"{badge} simulated exchange, seed {simulated.seed}: {named}\n")
    for name, value in simulated.environment.items():
        if name in MEANINGS:
            print(paint(f"# {MEANINGS[name]}", "dim", sys.stdout))
        print(f"{name}={value}")
    print(paint("\nCtrl-C ends it.", "dim", sys.stdout), flush=True)


def _end(simulated: Simulated, ran: float, output: str) -> None:
    server, faults = simulated.server, len(simulated.truth.faults)
    if output == "json":
        return
    if output == "ndjson":
        told = {
            "event": "summary",
            "sim": True,
            "seconds": round(ran, 3),
            "connections": server.connects,
            "frames": server.frames,
            "http_requests": server.requests,
            "faults": faults,
        }
        print(json.dumps(told))
        return
    parts = [
        counted(server.connects, "connection"),
        counted(server.frames, "frame"),
        counted(server.requests, "HTTP request"),
        counted(faults, "fault"),
    ]
    print(f"SIM ran {seconds(ran)} · {' · '.join(parts)}")


def _markets(symbols: Sequence[str], count: int | None) -> Sequence[str | Listing]:
    named: list[str | Listing] = [
        name.strip() for text in symbols for name in text.split(",") if name.strip()
    ]
    if count is not None:
        # A thousand markets together are as lively as a hundred are.
        named += invented(count, rate=1.0 if count <= 100 else 100 / count)
    return named or DEFAULT


def _read(name: str) -> str:
    try:
        return Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is no text"
        raise CommandError("input", f"{shown(name)} cannot be read: {why}") from exc
