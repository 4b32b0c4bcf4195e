"""The real transport over loopback sockets and TLS: every refusal told apart, every broken frame, every way to end."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import resource
import socket
import threading
import time
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from krakenwire import ConnectFailed, ConnectFailure, UsageError
from krakenwire.net.resolver import LOOKUPS_LIMIT, Resolver
from krakenwire.net.sockets import SocketTransport
from krakenwire.net.transport import Link, LinkClosed
from tests.net.peer import AUTHORITY, BINARY, CLOSE, PING, PONG, Peer, Script, frame, serving, stay

HELLO = b'{"channel":"heartbeat"}'


@contextlib.asynccontextmanager
async def linked(script: Script, **options: Any) -> AsyncIterator[Link]:
    """A link to a peer that upgrades and then does as written."""

    async def upgraded(peer: Peer) -> None:
        await peer.upgrade()
        await script(peer)

    async with serving(upgraded) as address:
        link = await SocketTransport(**options).open(f"ws://{address}/v2")
        try:
            yield link
        finally:
            link.abort()
            await link.close()


async def refused(script: Script, certificate: str | None = None, **options: Any) -> ConnectFailed:
    """How an attempt at a peer fails."""
    async with serving(script, certificate) as address:
        scheme = "ws" if certificate is None else "wss"
        with pytest.raises(ConnectFailed) as caught:
            async with asyncio.timeout(5):
                await SocketTransport(**options).open(f"{scheme}://{address}/v2")
        return caught.value


# ---------------------------------------------------------------- connecting


async def test_frames_both_ways() -> None:
    """Text goes both ways as bytes, unchanged; nothing is offered but plain frames."""
    heard: list[tuple[int, bytes]] = []
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        asked.append(peer.request)
        await peer.say(frame(HELLO))
        heard.append(await peer.hear())
        await peer.say(frame("ü".encode()))
        await stay(peer)

    async with linked(script) as link:
        assert await link.receive() == HELLO
        await link.send(b'{"method":"ping"}')
        assert await link.receive() == "ü".encode()
    assert heard == [(1, b'{"method":"ping"}')]
    assert b"extensions" not in asked[0].lower()


async def test_tls_to_a_trusted_peer() -> None:
    """A peer whose certificate its authority signed for this address is connected to."""

    async def script(peer: Peer) -> None:
        await peer.upgrade()
        await peer.say(frame(HELLO))
        await stay(peer)

    async with serving(script, "good") as address:
        link = await SocketTransport(cafile=AUTHORITY).open(f"wss://{address}/v2")
        assert await link.receive() == HELLO
        await link.close()


@pytest.mark.fault("N4")
@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("expired", "expired"),
        ("early", "clock"),
        ("foreign", "IP address mismatch"),
        ("own", "self-signed"),
    ],
)
async def test_bad_certificates(certificate: str, words: str) -> None:
    """A certificate that is expired, not valid yet, somebody else's or nobody's ends the attempt, with the cause."""
    failure = await refused(stay, certificate, cafile=AUTHORITY)
    assert failure.kind is ConnectFailure.CERTIFICATE
    assert words in str(failure)


@pytest.mark.fault("N4")
async def test_unknown_authority() -> None:
    """A certificate of an authority that this machine does not know is refused."""
    failure = await refused(stay, "good")
    assert failure.kind is ConnectFailure.CERTIFICATE


@pytest.mark.fault("N4")
async def test_no_tls_at_all() -> None:
    """Who asked for TLS never goes on without it."""

    async def script(peer: Peer) -> None:
        await peer.answer("400 Bad Request")

    async with serving(script) as address:
        with pytest.raises(ConnectFailed):
            await SocketTransport(cafile=AUTHORITY).open(f"wss://{address}/v2")


@pytest.mark.fault("N2")
async def test_closed_port() -> None:
    """A port on which nobody listens refuses at once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(ConnectFailed, match="ECONNREFUSED") as caught:
        await SocketTransport().open(f"ws://127.0.0.1:{port}/v2")
    assert caught.value.kind is ConnectFailure.REFUSED


@pytest.mark.fault("N3", "N5")
@pytest.mark.parametrize("stalls", ["accept", "tls", "request", "line"])
async def test_attempt_that_stalls_can_be_given_up(stalls: str) -> None:
    """Whichever stage an attempt stalls at, it ends when its time is over, and no socket stays open."""

    async def script(peer: Peer) -> None:
        if stalls == "line":
            await peer.ask()
            await peer.say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: web")
        await stay(peer)

    async with serving(script) as address:
        scheme = "wss" if stalls == "tls" else "ws"
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await SocketTransport(cafile=AUTHORITY).open(f"{scheme}://{address}/v2")
        assert time.monotonic() - began < 2


@pytest.mark.fault("N1")
async def test_resolver_that_hangs_or_fails() -> None:
    """A lookup that hangs, fails or finds nothing ends the attempt in time, and blocks neither the loop nor the end of the program."""
    hanging: list[bool] = []
    over = threading.Event()

    def hang(*_: object, **__: object) -> list[Any]:
        hanging.append(True)
        over.wait(3600)
        return []

    def fail(*_: object, **__: object) -> list[Any]:
        raise socket.gaierror(socket.EAI_AGAIN, "SERVFAIL")

    def nothing(*_: object, **__: object) -> list[Any]:
        return []

    for lookup in (fail, nothing):
        with pytest.raises(ConnectFailed, match="name") as caught:
            await SocketTransport(resolver=Resolver(lookup)).open("wss://nowhere.invalid/v2")
        assert caught.value.kind is ConnectFailure.NAME
    transport = SocketTransport(resolver=Resolver(hang))
    for count in range(1, LOOKUPS_LIMIT + 1):
        attempt = asyncio.ensure_future(transport.open("wss://nowhere.invalid/v2"))
        while len(hanging) < count:  # noqa: ASYNC110 (the event would be set in another thread)
            await asyncio.sleep(0.001)
        attempt.cancel()
        await asyncio.wait([attempt], timeout=1)
        assert attempt.cancelled()
    with pytest.raises(ConnectFailed):
        await transport.open("wss://nowhere.invalid/v2")
    over.set()


@pytest.mark.fault("N20")
async def test_one_address_family_is_broken() -> None:
    """Where the first address of a host does not answer, the other one is used."""

    async def script(peer: Peer) -> None:
        await peer.upgrade()
        await peer.say(frame(HELLO))
        await stay(peer)

    async with serving(script) as address:
        port = int(address.split(":")[1])

        def both(*_: object, **__: object) -> list[Any]:
            v6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", port, 0, 0))
            v4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))
            return [v6, v4]

        link = await SocketTransport(resolver=Resolver(both)).open("ws://localhost/v2")
        assert await link.receive() == HELLO
        await link.close()


@pytest.mark.fault("N6", "N7", "N8", "N9")
@pytest.mark.parametrize(
    ("answer", "kind", "retry_after"),
    [
        ("429 Too Many Requests\nRetry-After: 120", ConnectFailure.RATE_LIMITED, 120.0),
        (
            "429 Too Many Requests\nRetry-After: Tue, 24 Nov 2026 12:00:00 GMT",
            ConnectFailure.RATE_LIMITED,
            None,
        ),
        ("429 Too Many Requests", ConnectFailure.RATE_LIMITED, None),
        ("401 Unauthorized", ConnectFailure.FORBIDDEN, None),
        ("403 Forbidden", ConnectFailure.FORBIDDEN, None),
        *[(f"{code} Error", ConnectFailure.UNAVAILABLE, None) for code in (500, 502, 504, *range(520, 527))],
        ("503 Service Unavailable\nRetry-After: 7", ConnectFailure.UNAVAILABLE, 7.0),
        ("200 OK\nContent-Type: text/html", ConnectFailure.HANDSHAKE, None),
        ("404 Not Found", ConnectFailure.HANDSHAKE, None),
    ],
)
async def test_refused_upgrade(answer: str, kind: ConnectFailure, retry_after: float | None) -> None:
    """An upgrade that is answered by anything else is told apart by its status, with the time to wait if there is one."""

    async def script(peer: Peer) -> None:
        await peer.ask()
        await peer.answer(answer, b"<html>blocked</html>")
        await stay(peer)

    failure = await refused(script)
    assert (failure.kind, failure.retry_after) == (kind, retry_after)
    assert failure.status == int(answer[:3])
    if kind is ConnectFailure.FORBIDDEN:
        assert "blocked" in str(failure)


@pytest.mark.fault("N9")
@pytest.mark.parametrize("code", [301, 302, 307, 308])
async def test_redirect_is_never_followed(code: int) -> None:
    """A redirect of the upgrade ends the attempt; whoever it points to never hears of us."""
    visited: list[bytes] = []

    async def elsewhere(peer: Peer) -> None:
        visited.append(await peer.ask())

    async with serving(elsewhere) as other:

        async def script(peer: Peer) -> None:
            await peer.ask()
            await peer.answer(f"{code} Moved\nLocation: http://{other}/v2")

        failure = await refused(script)
        assert failure.kind is ConnectFailure.HANDSHAKE
        assert "redirect" in str(failure)
        assert visited == []


@pytest.mark.fault("N9")
@pytest.mark.parametrize(
    "junk",
    [
        b"\x00\xff" * 50,
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 101\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000,
    ],
    ids=["bytes", "ssh", "bare", "endless"],
)
async def test_junk_instead_of_an_upgrade(junk: bytes) -> None:
    """Whatever else is spoken there, the attempt fails as a handshake, quickly and with little read."""

    async def script(peer: Peer) -> None:
        await peer.ask()
        await peer.say(junk)
        await asyncio.sleep(0.05)

    assert (await refused(script)).kind is ConnectFailure.HANDSHAKE


@pytest.mark.fault("N9")
async def test_wrong_accept_key() -> None:
    """A peer that answers with the key of another handshake is refused."""
    failure = await refused(lambda peer: peer.upgrade(key=b"another"))
    assert failure.kind is ConnectFailure.HANDSHAKE


@pytest.mark.fault("C13")
async def test_no_descriptors_left() -> None:
    """Without a free descriptor the attempt says so; with one it works."""

    async def script(peer: Peer) -> None:
        await peer.upgrade()
        await stay(peer)

    async with serving(script) as address:
        transport = SocketTransport()
        await (await transport.open(f"ws://{address}/v2")).close()
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket() as lowest:
            free = lowest.fileno()
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
        try:
            with pytest.raises(ConnectFailed) as caught:
                await transport.open(f"ws://{address}/v2")
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert caught.value.kind is ConnectFailure.RESOURCES


# ---------------------------------------------------------------- proxies


@pytest.mark.fault("N19")
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("407 Proxy Authentication Required\nProxy-Authenticate: Basic", ConnectFailure.PROXY),
        ("502 Bad Gateway", ConnectFailure.PROXY),
        ("", ConnectFailure.PROXY),
    ],
)
async def test_proxy_that_refuses_is_never_gone_around(answer: str, kind: ConnectFailure) -> None:
    """A proxy that refuses, wants a login or is gone ends the attempt; the host itself is never asked, the password never shown."""
    direct: list[bytes] = []

    async def host(peer: Peer) -> None:
        direct.append(await peer.ask())

    async def proxy(peer: Peer) -> None:
        await peer.ask()
        await peer.answer(answer)

    async with serving(host, "good") as address, serving(proxy) as proxied:
        where = proxied if answer else "127.0.0.1:9"
        transport = SocketTransport(proxy=f"http://user:canary@{where}", cafile=AUTHORITY)
        with pytest.raises(ConnectFailed) as caught:
            await transport.open(f"wss://{address}/v2")
        assert caught.value.kind is kind
        assert "canary" not in repr(caught.value) + str(caught.value)
        assert caught.value.__suppress_context__
        assert direct == []


@pytest.mark.fault("N19")
async def test_proxy_that_works_and_then_dies() -> None:
    """Through a proxy the peer's own certificate counts; when the proxy dies the link ends."""

    async def host(peer: Peer) -> None:
        await peer.upgrade()
        await peer.say(frame(HELLO))
        await stay(peer)

    async with serving(host, "good") as address:

        async def proxy(peer: Peer) -> None:
            assert address.encode() in await peer.ask()
            reader, writer = await asyncio.open_connection(*address.split(":"))
            await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")

            async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()

            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await asyncio.gather(pipe(peer.reader, writer), pipe(reader, peer.writer))
            writer.transport.abort()

        async with serving(proxy) as proxied:
            link = await SocketTransport(proxy=f"http://{proxied}", cafile=AUTHORITY).open(
                f"wss://{address}/v2"
            )
            assert await link.receive() == HELLO
            with pytest.raises(LinkClosed):
                await link.receive()
            await link.close()


def test_proxy_must_be_http() -> None:
    """A proxy of another kind is refused when it is given."""
    with pytest.raises(UsageError, match="proxy"):
        SocketTransport(proxy="socks5://127.0.0.1:1080")


# ---------------------------------------------------------------- frames


@pytest.mark.fault("F2")
async def test_fragments_become_one_message() -> None:
    """A message in fragments, with a ping between them, arrives whole; the ping is answered."""
    heard: list[tuple[int, bytes]] = []

    async def script(peer: Peer) -> None:
        await peer.say(frame(HELLO[:5], final=False))
        await peer.say(frame(b"are you there", PING))
        await peer.say(frame(HELLO[5:], 0))
        heard.append(await peer.hear())
        await peer.say(frame(b"2"))
        await stay(peer)

    async with linked(script) as link:
        assert await link.receive() == HELLO
        assert await link.receive() == b"2"
    assert heard == [(PONG, b"are you there")]


@pytest.mark.fault("F1", "F2", "F5", "F6")
@pytest.mark.parametrize(
    "broken",
    [
        frame(b"x" * 100_001),
        bytes([0x81, 127]) + (2**62).to_bytes(8, "big") + b"x",
        frame(b"x" * 60_000, final=False) + frame(b"x" * 60_000, 0),
        frame(b"x", reserved=2),
        frame(b"x", 3),
        frame(b"x", 11),
        frame(b"x", 0),
        frame(b"x" * 126, PING),
        frame((999).to_bytes(2, "big"), CLOSE),
        frame(zlib.compress(b"x" * 1000), reserved=4),
    ],
    ids=[
        "long",
        "2^62",
        "sum",
        "reserved",
        "opcode",
        "control",
        "orphan",
        "ping",
        "code",
        "compressed",
    ],
)
async def test_broken_frames_end_the_link(broken: bytes) -> None:
    """A frame that breaks the rules or the bound ends the link; nothing of it is delivered, and nothing is waited for."""

    async def script(peer: Peer) -> None:
        await peer.say(frame(HELLO) + broken)
        await stay(peer)

    async with linked(script, frame_limit=100_000) as link:
        assert await link.receive() == HELLO
        began = time.monotonic()
        with pytest.raises(LinkClosed):
            await link.receive()
        with pytest.raises(LinkClosed):
            await link.receive()
        assert time.monotonic() - began < 3


@pytest.mark.fault("F4", "F7")
async def test_binary_frames_and_floods_of_pings_are_counted() -> None:
    """Binary frames are ignored; of a flood of pings ten a second are answered; data is not delayed by either."""
    pongs = 0

    async def script(peer: Peer) -> None:
        nonlocal pongs
        await peer.say(
            frame(b"\x00" * 10, BINARY) * 5 + frame(b"p" * 125, PING) * 1000 + frame(b"", PONG) + frame(HELLO)
        )
        while True:
            opcode, _ = await peer.hear()
            pongs += opcode == PONG

    async with linked(script) as link:
        assert await link.receive() == HELLO
        await asyncio.sleep(0.1)
        assert link.ignored == 5 + 1000 - 10  # type: ignore[attr-defined]
    assert pongs == 10


@pytest.mark.fault("J15")
async def test_large_legal_message() -> None:
    """A message of fifteen mebibytes arrives whole."""
    large = b'"' + b"x" * (15 * 1024 * 1024) + b'"'

    async def script(peer: Peer) -> None:
        await peer.say(frame(large))
        await stay(peer)

    async with linked(script) as link:
        assert await link.receive() == large


# ---------------------------------------------------------------- ends


@pytest.mark.fault("N10", "N14")
@pytest.mark.parametrize("code", [1000, 1001, 1012, 1013])
async def test_close_frame_is_told_at_once_though_tcp_stays(code: int) -> None:
    """A close frame ends the link at once, with its code and reason, also if the peer leaves the TCP connection open."""

    async def script(peer: Peer) -> None:
        await peer.say(frame(code.to_bytes(2, "big") + b"CloudFlare WebSocket proxy restarting", CLOSE))
        await stay(peer)

    async with linked(script) as link:
        began = time.monotonic()
        with pytest.raises(LinkClosed, match="restarting") as caught:
            await link.receive()
        assert caught.value.code == code
        await link.close()
        assert time.monotonic() - began < 1


async def to_the_end(link: Link) -> tuple[list[bytes], LinkClosed]:
    """Every message that still comes, and the end."""
    messages: list[bytes] = []
    while True:
        try:
            messages.append(await link.receive())
        except LinkClosed as exc:
            return messages, exc


async def send_for_ever(link: Link) -> None:
    """As fast as it goes."""
    while True:
        await link.send(b"x" * 1_000_000)


@pytest.mark.fault("N11", "N12")
@pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
async def test_cut_at_every_byte(reset: bool) -> None:
    """Wherever in a message the connection is cut, what was whole before it is delivered and nothing of the rest."""
    sent = frame(HELLO) + frame(b"z" * 130)

    async def script(peer: Peer) -> None:
        position = int(peer.request.split(b" ")[1].rsplit(b"/", 1)[1])
        await peer.say(sent[:position])
        await asyncio.sleep(0.002)
        peer.cut(reset=reset)

    async def upgraded(peer: Peer) -> None:
        await peer.upgrade()
        await script(peer)

    async with serving(upgraded) as address:
        transport = SocketTransport()
        for position in range(1, len(sent)):
            link = await transport.open(f"ws://{address}/{position}")
            messages, end = await to_the_end(link)
            await link.close()
            assert end.code is None
            assert messages == ([HELLO] if position >= len(frame(HELLO)) else [])


@pytest.mark.fault("N16")
async def test_peer_that_does_not_read_stops_the_sender() -> None:
    """Sending to a peer that reads nothing does not end by itself; it can be given up, and the link closed in a second or so."""
    async with linked(stay) as link:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(send_for_ever(link), 1)
        began = time.monotonic()
        link.abort()
        await link.close()
        assert time.monotonic() - began < 2


async def test_close_says_goodbye() -> None:
    """Closing in good order sends code 1000 and waits for nobody."""
    heard: list[tuple[int, bytes]] = []

    async def script(peer: Peer) -> None:
        heard.append(await peer.hear())
        await stay(peer)

    async with linked(script) as link:
        await link.close()
        await asyncio.sleep(0.05)
    assert heard == [(CLOSE, (1000).to_bytes(2, "big"))]


# ---------------------------------------------------------------- HTTP


async def test_http_post_and_get() -> None:
    """A request with a body is a POST of exactly those bytes; the answer comes with its status."""
    asked: list[bytes] = []

    async def script(peer: Peer) -> None:
        asked.append(await peer.ask())
        if b"POST" in asked[-1]:
            asked.append(await peer.reader.readexactly(7))
        await peer.answer("200 OK", b'{"x":1}')

    async with serving(script, "good") as address:
        transport = SocketTransport(cafile=AUTHORITY)
        reply = await transport.fetch(f"https://{address}/a?b=/", body=b"nonce=1", headers={"API-Key": "k"})
        assert (reply.status, reply.body) == (200, b'{"x":1}')
        assert asked[0].startswith(b"POST /a?b=/ ")
        assert asked[1] == b"nonce=1"
        await transport.fetch(f"https://{address}/b")
        assert asked[2].startswith(b"GET /b ")


@pytest.mark.fault("S9")
async def test_http_answers_that_are_too_long_or_elsewhere() -> None:
    """An answer beyond its bound fails, however it is sent; a redirect is an answer and is not followed."""

    async def long(peer: Peer) -> None:
        await peer.ask()
        await peer.answer("200 OK", b"x" * 1_000_000)

    async def elsewhere(peer: Peer) -> None:
        await peer.ask()
        await peer.answer("302 Found\nLocation: https://elsewhere.invalid/")

    async with serving(long) as address:
        with pytest.raises(ConnectFailed, match="longer"):
            await SocketTransport().fetch(f"http://{address}/")
    async with serving(elsewhere) as address:
        assert (await SocketTransport().fetch(f"http://{address}/")).status == 302
    with pytest.raises(UsageError, match="https"):
        await SocketTransport().fetch("http://api.kraken.com/")


@pytest.fixture(autouse=True)
def nothing_left_open() -> Any:
    """Every test here ends without a socket or transport that nobody closed: the collector would warn, and warnings are errors."""
    yield
    gc.collect()
