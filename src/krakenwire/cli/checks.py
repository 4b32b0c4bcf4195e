"""What `krakenwire doctor` looks at, one check after the other; what depends on a check that failed is not looked at."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from krakenwire.cli import findings
from krakenwire.cli.configuration import configuration
from krakenwire.cli.credentials import credentials_of
from krakenwire.cli.errors import CommandError
from krakenwire.cli.exits import Exit
from krakenwire.cli.findings import RIGHTS, Finding, failed
from krakenwire.cli.keys import KEY_HINT
from krakenwire.cli.places import Place
from krakenwire.errors import ConnectFailed
from krakenwire.net.plan import Role
from krakenwire.net.proxies import environment_proxy
from krakenwire.net.sockets import SocketTransport
from krakenwire.net.transport import ConnectFailure, Link, LinkClosed, is_loopback
from krakenwire.wire.control import StatusMessage
from krakenwire.wire.secret import Secret

STEP_SECONDS = 10.0
"""For one check."""

Tell = Callable[[Finding], None]


class Checks:
    """All checks of one exchange. Findings are told as they come."""

    def __init__(self, place: Place, tell: Tell) -> None:
        self._place = place
        self._tell = tell
        self._transport = SocketTransport(cafile=place.cafile)
        self._known: dict[tuple[str, int | None], bool] = {}
        """Hosts by name and port, and whether there is a way to them."""

    async def run(self) -> None:
        """Every check."""
        hosts = self._place.hosts
        self._tell(findings.open_files())
        reachable = await self._reachable(hosts.rest)
        if reachable:
            await self._step("rest", hosts.rest, findings.rest(self._transport, hosts.rest))
        token = await self._token(reachable=reachable)
        for role in Role:
            url = hosts.of(role)
            if await self._reachable(url):
                await self._connection(role, url, token)

    async def _connection(self, role: Role, url: str, token: Secret | None) -> None:
        """A connection, and what only it can tell."""
        opened: list[Link] = []
        try:
            check = f"websocket {role}"
            if (await self._step(check, url, self._open(role, url, opened))).result == "fail":
                return
            if role is Role.PUBLIC:
                await self._step("clock", url, findings.clock(opened[0], url))
            elif role is Role.PRIVATE and token is not None:
                for params, right in RIGHTS:
                    looking = findings.permission(opened[0], params, right, token)
                    await self._step("permission", params.channel.value, looking)
        finally:
            for link in opened:
                await link.close()

    async def _step(self, check: str, target: str, looking: Coroutine[Any, Any, Finding]) -> Finding:
        """One check within its time."""
        try:
            async with asyncio.timeout(STEP_SECONDS):
                found = await looking
        except TimeoutError:
            told = f"no answer in {STEP_SECONDS:g} s"
            found = failed(check, target, ConnectFailed(ConnectFailure.TIMEOUT, told))
        except ConnectFailed as exc:
            found = failed(check, target, exc)
        except LinkClosed as exc:
            found = Finding(check, target, "fail", exc.reason, "try again in a minute", Exit.NETWORK)
        self._tell(found)
        return found

    async def _reachable(self, url: str) -> bool:
        """Name and TLS of a host, once each. A proxy does both in our place."""
        parts = urlsplit(url)
        host, secure = parts.hostname or "", parts.scheme in {"wss", "https"}
        known = self._known.get((host, parts.port))
        if known is None:
            known = await self._way(host, parts.port, secure=secure)
            self._known[host, parts.port] = known
        return known

    async def _way(self, host: str, port: int | None, *, secure: bool) -> bool:
        if secure and not is_loopback(host) and environment_proxy(host, port or 443) is not None:
            self._tell(Finding("name", host, "skipped", "a proxy looks it up (HTTPS_PROXY, ALL_PROXY)"))
            return True
        if not _is_address(host) and (await self._step("name", host, findings.name(host))).result == "fail":
            return False
        if not secure:
            self._tell(Finding("tls", host, "skipped", "plain text, which is for this machine only"))
            return True
        looking = findings.tls(host, port, self._place.cafile)
        return (await self._step("tls", f"{host}:{port or 443}", looking)).result != "fail"

    async def _open(self, role: Role, url: str, opened: list[Link]) -> Finding:
        began = time.monotonic()
        opened.append(await self._transport.open(url))
        taken = time.monotonic() - began
        (told, *_) = (await findings.heard(opened[0], StatusMessage)).data
        return findings.status(url, role, told, taken)

    async def _token(self, *, reachable: bool) -> Secret | None:
        """A token, which every private stream needs; None if there is none, and why is told."""
        url = self._place.hosts.rest
        try:
            credentials = self._place.credentials if self._place.sim else credentials_of(configuration())
        except CommandError as exc:
            self._tell(Finding("key", "configuration", "fail", exc.message, exc.hint, Exit.AUTH))
            return None
        if credentials is None:
            told = "no API key; market data needs none"
            self._tell(Finding("key", "configuration", "skipped", told, KEY_HINT))
            return None
        if not reachable:
            self._tell(Finding("key", url, "skipped", "a token cannot be asked for"))
            return None
        tokens: list[Secret] = []
        await self._step("key", url, findings.key(self._transport, credentials, url, tokens))
        return tokens[0] if tokens else None


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
