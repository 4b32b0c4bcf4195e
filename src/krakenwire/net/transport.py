"""The narrow seam to the network: a transport opens links and answers HTTP requests. The real one, a simulated one and a replayed one are
interchangeable; everything above it knows neither sockets nor TLS.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

from msgspec import Struct

from krakenwire.errors import UsageError

FRAME_LIMIT = 16 * 1024 * 1024
"""Bytes of a message, at most. The snapshot of every market's instrument is some hundred KiB, the deepest book a few MiB."""

BODY_LIMIT = 64 * 1024
"""Bytes of an HTTP answer that are read, unless the caller expects more."""


class ConnectFailure(StrEnum):
    """How an attempt to connect ended."""

    NAME = "name"
    """The name of the host has no address, or nobody tells it."""
    REFUSED = "refused"
    """Nothing listens there, or the way there is broken."""
    TIMEOUT = "timeout"
    """No answer in time, at whatever stage."""
    CERTIFICATE = "certificate"
    """Whoever answers cannot prove to be the exchange. Final: it is never tried without the proof."""
    PROXY = "proxy"
    """The proxy refuses, wants a login or is gone. It is never gone around."""
    RATE_LIMITED = "rate_limited"
    """Too many attempts; `retry_after` tells the seconds to wait, if the answer did."""
    FORBIDDEN = "forbidden"
    """This address or region is blocked."""
    UNAVAILABLE = "unavailable"
    """A server error."""
    HANDSHAKE = "handshake"
    """The answer is no WebSocket."""
    RESOURCES = "resources"
    """This process may open no more files."""
    TRANSPORT = "transport"
    """A transport of the caller's own failed in a way of its own; `__cause__` is what it raised."""


class LinkClosed(Exception):
    """A link ended. `code` is the WebSocket close code, None without a close frame."""

    def __init__(self, reason: str, code: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class HttpReply(Struct, frozen=True):
    """The answer to an HTTP request."""

    status: int
    body: bytes
    retry_after: float | None = None

    def __repr__(self) -> str:
        # The body may be a token.
        return f"HttpReply({self.status}, {len(self.body)} bytes)"


class Link(Protocol):
    """One open WebSocket. `receive` and `send` may be awaited at the same time, each by one task."""

    async def receive(self) -> bytes:
        """The next text message, whole.

        Raises: LinkClosed, once and for all.
        """
        ...

    async def send(self, frame: bytes) -> None:
        """Send a text message; returns when it is on its way.

        Raises: LinkClosed, if there is no way any more.
        """
        ...

    async def close(self) -> None:
        """End it in good order: says goodbye, waits for nothing."""
        ...

    def abort(self) -> None:
        """End it at once. What is not sent yet never is."""
        ...


class Transport(Protocol):
    """Opens links. It never follows a redirect and never opens one whose peer did not prove who it is."""

    async def open(self, url: str) -> Link:
        """A new link. The caller sets the time limit.

        Raises: ConnectFailed. Whatever else it raises counts as such, of kind `transport`.
        """
        ...

    async def fetch(
        self,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = BODY_LIMIT,
    ) -> HttpReply:
        """An HTTP request: a POST if there is a body, else a GET. The caller sets the time limit.

        Raises: ConnectFailed, also if the answer is longer than `limit` bytes.
        """
        ...

    async def close(self) -> None:
        """Let go of everything that is shared between links."""
        ...


def check_url(url: str, *, schemes: tuple[str, str] = ("wss", "ws")) -> str:
    """The URL itself, if it may be connected to: encrypted, or to this machine.

    Raises: UsageError.
    """
    parts = urlsplit(url)
    secure, plain = schemes
    if parts.scheme not in schemes or not parts.hostname:
        raise UsageError(f"must be a URL that begins with {secure}://", field="url")
    if parts.username is not None or parts.password is not None:
        raise UsageError("must hold no user and no password", field="url")
    if parts.scheme == plain and not is_loopback(parts.hostname):
        raise UsageError(f"{plain}:// is for this machine only; use {secure}://", field="url")
    return url


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, without asking anybody."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
