"""Which exchange a command talks to: Kraken, one at another address, or a simulated one in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import click
from msgspec import Struct

from krakenwire.cli.configuration import configuration, sources
from krakenwire.cli.credentials import credentials_of
from krakenwire.cli.errors import wrong_usage
from krakenwire.cli.options import any_file, credentials_options
from krakenwire.errors import UsageError
from krakenwire.net.backoff import ConnectGate, Waits
from krakenwire.net.hosts import Hosts
from krakenwire.net.token import Credentials
from krakenwire.net.transport import check_url
from krakenwire.sim.background import Simulated
from krakenwire.sim.catalog import DEFAULT, KNOWN

WAITS = Waits(stop=2.0)
"""As of any client, but for the end: a command is over within five seconds."""


class Place(Struct, frozen=True, kw_only=True):
    """One exchange."""

    hosts: Hosts
    cafile: str | None = None
    credentials: Credentials | None = None
    """None: there are none."""
    exchange: Simulated | None = None
    """The simulated exchange, if it is one in this process."""

    @property
    def sim(self) -> bool:
        """Whether nothing here is real."""
        return self.exchange is not None

    @property
    def mark(self) -> str:
        """What every line begins with, so that nobody takes an invented price for a real one."""
        return "SIM " if self.sim else ""

    def options(self) -> dict[str, Any]:
        """For `krakenwire.connect`."""
        return {
            "public_url": self.hosts.public,
            "private_url": self.hosts.private,
            "level3_url": self.hosts.level3,
            "rest_url": self.hosts.rest,
            "cafile": self.cafile,
            "credentials": self.credentials,
            "waits": WAITS,
            "gate": ConnectGate(),  # a command is the whole process
        }


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--sim`, `--url`, `--cafile` and where the API key is, the same for every command that connects."""
    return click.option(
        "--sim",
        is_flag=True,
        help="A simulated exchange, started in this process: neither network nor account is needed, and every line says SIM.",
    )(exchange_options(command))


def exchange_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where a real exchange is, and the API key for it."""
    for option in (
        click.option(
            "--cafile",
            type=click.Path(exists=True, dir_okay=False),
            metavar="FILE",
            callback=_noted("cafile", "--cafile"),
            shell_complete=any_file,
            help="Certificates to trust instead of the system's, for an exchange of your own.",
        ),
        click.option(
            "--url",
            metavar="URL",
            callback=_note_url,
            help="Another exchange than Kraken, as krakenwire sim serves it: ws://127.0.0.1:8080 or wss://...; its private "
            "hosts are the paths /auth/v2 and /l3/v2 of the same address.",
        ),
    ):
        command = option(command)
    return credentials_options(command)


def _noted(name: str, flag: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    def note(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        del param
        if value is not None and not ctx.resilient_parsing:
            sources().note(name, value, flag)
        return value

    return note


def _note_url(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    del param
    if value is not None and not ctx.resilient_parsing:
        try:
            hosts = hosts_at(value)
        except UsageError as exc:
            raise wrong_usage(f"--url: {exc.rule}") from None
        for name in ("public", "private", "level3", "rest"):
            sources().note(f"urls.{name}", getattr(hosts, name), "--url")
    return value


@contextmanager
def reach(
    *,
    sim: bool,
    url: str | None,
    cafile: str | None,
    symbols: Iterable[str] = (),
    key: bool = True,
) -> Iterator[Place]:
    """The place that options and configuration name; a simulated exchange runs while this is entered. `key`: whether an API key is of use.

    Raises: CommandError, if the options contradict each other, or the API key cannot be read.
    """
    if sim and url is not None:
        raise wrong_usage("--sim and --url name two exchanges", "give one of them, or none for Kraken")
    if sim:
        with simulated(symbols) as exchange:
            yield place_of(exchange)
        return
    found = configuration()
    credentials = credentials_of(found) if key else None
    yield Place(hosts=found.hosts(), cafile=cafile or found["cafile"], credentials=credentials)


def hosts_at(url: str) -> Hosts:
    """All hosts of an exchange that has one address, with the paths of `krakenwire sim`.

    Raises: UsageError.
    """
    parts = urlsplit(check_url(url))
    if parts.path not in {"", "/", "/v2"} or parts.query or parts.fragment:
        raise UsageError("must end with the port, or with /v2", field="url")
    web, at = "https" if parts.scheme == "wss" else "http", parts.netloc
    return Hosts(
        public=f"{parts.scheme}://{at}/v2",
        private=f"{parts.scheme}://{at}/auth/v2",
        level3=f"{parts.scheme}://{at}/l3/v2",
        rest=f"{web}://{at}",
    )


def simulated(symbols: Iterable[str] = ()) -> Simulated:
    """A simulated exchange, not started yet, with those of these markets that it knows."""
    return Simulated(markets=[symbol for symbol in dict.fromkeys(symbols) if symbol in KNOWN] or DEFAULT)


def place_of(exchange: Simulated) -> Place:
    """A running simulated exchange."""
    urls, key = exchange.urls, exchange.key
    return Place(
        hosts=Hosts(public=urls.public, private=urls.private, level3=urls.level3, rest=urls.rest),
        exchange=exchange,
        credentials=Credentials(key.key, key.secret),
    )
