"""What a check of `krakenwire doctor` can find out, and what to do about it."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from krakenwire.cli.exits import Exit
from krakenwire.cli.follow import HINTS
from krakenwire.errors import AuthFailed, ConnectFailed, DecodeError, TokenUnavailable
from krakenwire.net.plan import Role
from krakenwire.net.resolver import Resolver
from krakenwire.net.token import Credentials, RestTokens
from krakenwire.net.transport import ConnectFailure, Link, Transport
from krakenwire.text import counted, seconds
from krakenwire.wire.codec import decode
from krakenwire.wire.control import Pong, StatusUpdate, SubscribeReply
from krakenwire.wire.encoding import encode
from krakenwire.wire.secret import Secret
from krakenwire.wire.subscriptions import (
    BalancesSubscription,
    ExecutionsSubscription,
    Ping,
    Subscribe,
    with_token,
)
from krakenwire.wire.timestamps import parse_ns

M = TypeVar("M")

PINGS = 5
"""The one with the shortest way tells the clock."""

OFFSET_SECONDS = 1.0
"""A clock that is wrong by more is worth a word: a deadline of an order is five seconds by default."""

CERTIFICATE_DAYS = 7
"""A certificate that ends sooner is worth a word."""

FILES = 256
"""Files that a process should be able to open: a connection needs one, a program a few dozen."""


class Finding(Struct, frozen=True):
    """What one check found."""

    check: str
    target: str
    result: str
    """`ok`, `warn`, `fail`, or `skipped`: it could not be looked at, or there is nothing to look at."""
    found: str
    hint: str | None = None
    """What to do about it."""
    code: Exit = Exit.OK
    """Of a failure."""


RIGHTS: tuple[tuple[ExecutionsSubscription | BalancesSubscription, str], ...] = (
    (ExecutionsSubscription(snap_orders=False), "Query open orders & trades"),
    (BalancesSubscription(snapshot=False), "Query funds"),
)
"""Private channels, and what Kraken calls the permission that each needs."""


def failed(check: str, target: str, error: ConnectFailed) -> Finding:
    """A check that ended with a failure to connect."""
    return Finding(check, target, "fail", str(error), HINTS[ConnectFailure(error.kind)], Exit.NETWORK)


async def heard(link: Link, kind: type[M]) -> M:
    """The next message of a kind; everything else is passed over."""
    while True:
        try:
            message = decode(await link.receive())
        except DecodeError:
            continue
        if isinstance(message, kind):
            return message


# -------------------------------------------------------------------- this machine and the way there


def open_files() -> Finding:
    """How many files this process may open."""
    try:
        import resource  # noqa: PLC0415 (not on every system)
    except ImportError:
        return Finding("limits", "open files", "skipped", "this system has no such limit")
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return Finding("limits", "open files", "ok", "unlimited")
    told = f"this process may open {counted(soft, 'file')}"
    if soft < FILES:
        return Finding("limits", "open files", "warn", told, HINTS[ConnectFailure.RESOURCES])
    return Finding("limits", "open files", "ok", told)


async def name(host: str) -> Finding:
    """The addresses of a host."""
    try:
        found = await Resolver().resolve(host, 443, socket.AF_UNSPEC)
    except OSError as exc:
        raise ConnectFailed(ConnectFailure.NAME, str(exc.strerror or exc)) from None
    addresses = list(dict.fromkeys(row["host"] for row in found))
    more = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    return Finding("name", host, "ok", f"{addresses[0]}{more}")


async def tls(host: str, port: int | None, cafile: str | None) -> Finding:
    """Whether a host proves to be itself, and until when it can."""
    target = f"{host}:{port or 443}"
    context = ssl.create_default_context(cafile=cafile)
    try:
        _, writer = await asyncio.open_connection(host, port or 443, ssl=context)
    except ssl.SSLCertVerificationError as exc:
        raise ConnectFailed(ConnectFailure.CERTIFICATE, exc.verify_message) from None
    except ssl.SSLError as exc:
        raise ConnectFailed(ConnectFailure.HANDSHAKE, f"TLS failed: {exc.reason}") from None
    except OSError as exc:
        raise ConnectFailed(ConnectFailure.REFUSED, exc.strerror or type(exc).__name__) from None
    connection = writer.get_extra_info("ssl_object")
    writer.transport.abort()
    ends = ssl.cert_time_to_seconds(connection.getpeercert()["notAfter"])
    days = int((ends - time.time()) / 86_400)
    told = f"{connection.version()}, certificate valid until {datetime.fromtimestamp(ends, UTC):%Y-%m-%d}"
    if days < CERTIFICATE_DAYS:
        return Finding("tls", target, "warn", told, "whoever runs that host has to renew it")
    return Finding("tls", target, "ok", told)


# -------------------------------------------------------------------- the exchange


async def rest(transport: Transport, url: str) -> Finding:
    """The status of the exchange over HTTP."""
    reply = await transport.fetch(f"{url.rstrip('/')}/0/public/SystemStatus")
    try:
        told = str(msgspec.json.decode(reply.body)["result"]["status"])
    except (ValueError, LookupError, TypeError):
        told = f"answered {reply.status} and no status"
        hint = "whoever answers there is not the exchange; is a proxy in between?"
        return Finding("rest", url, "fail", told, hint, Exit.NETWORK)
    if told != "online":
        return Finding("rest", url, "warn", f"system status: {told}", HINTS[ConnectFailure.UNAVAILABLE])
    return Finding("rest", url, "ok", "reachable, system status: online")


async def clock(link: Link, url: str) -> Finding:
    """How far this machine's clock is from the exchange's: a ping says when it arrived there, so the middle of its way is known."""
    best: tuple[float, float] | None = None
    for number in range(1, PINGS + 1):
        sent, began = time.time_ns(), time.monotonic()
        await link.send(encode(Ping(number)))
        reply = await heard(link, Pong)
        way = time.monotonic() - began
        there, back = parse_ns(reply.time_in), parse_ns(reply.time_out)
        if there is None or back is None:
            return Finding("clock", url, "skipped", "the pong carries no times")
        offset = (sent + way * 1e9 / 2 - (there + back) / 2) / 1e9
        best = min(best or (way, offset), (way, offset))
    assert best is not None  # noqa: S101 (there is at least one ping)
    way, offset = best
    direction = "ahead" if offset > 0 else "behind"
    told = f"this clock is {seconds(abs(offset))} {direction}, give or take {way * 500:.1f} ms; ping {way * 1e3:.1f} ms"
    if abs(offset) - way / 2 > OFFSET_SECONDS:
        hint = "set the clock by the network (NTP): deadlines of orders, nonces and every latency you measure depend on it"
        return Finding("clock", url, "warn", told, hint)
    return Finding("clock", url, "ok", told)


def status(url: str, role: Role, message: StatusUpdate, taken: float) -> Finding:
    """What the first frame of a connection says of the exchange."""
    check, system = f"websocket {role}", message.system.value
    told = f"open after {taken * 1e3:.0f} ms, system {system}, API {message.api_version}"
    if system != "online":
        return Finding(check, url, "warn", told, HINTS[ConnectFailure.UNAVAILABLE])
    return Finding(check, url, "ok", told)


# -------------------------------------------------------------------- the key


async def key(transport: Transport, credentials: Credentials, url: str, tokens: list[Secret]) -> Finding:
    """Whether Kraken gives a token for the key; the token goes into `tokens`."""
    try:
        tokens.append(await RestTokens(transport, credentials, url).fetch())
    except AuthFailed as exc:
        return Finding("key", url, "fail", exc.reason, exc.hint, Exit.AUTH)
    except TokenUnavailable as exc:
        return Finding("key", url, "fail", str(exc), "try again in a minute", Exit.NETWORK)
    return Finding("key", url, "ok", "accepted; it may ask for WebSocket tokens")


async def permission(
    link: Link, params: ExecutionsSubscription | BalancesSubscription, right: str, token: Secret
) -> Finding:
    """Whether the key may follow a private channel: Kraken says so when it is asked for it."""
    channel = params.channel.value
    await link.send(encode(with_token(Subscribe(params), token)))
    reply = await heard(link, SubscribeReply)
    if reply.rejected:
        hint = f'{channel} needs a key with the permission "{right}"'
        return Finding("permission", channel, "warn", reply.error or "refused", hint)
    return Finding("permission", channel, "ok", "the key may follow it")
