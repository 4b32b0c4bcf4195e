"""Proxies over loopback sockets: which one is asked, which one never, and what of its URL is ever seen."""

from __future__ import annotations

import asyncio
import base64
import gc
import os
import socket
import traceback
import warnings
from typing import Any

import pytest

from krakenwire import ConnectFailed, ConnectFailure, UsageError
from krakenwire.net.proxies import Proxy
from krakenwire.net.resolver import Resolver
from krakenwire.net.sockets import SocketTransport
from tests.net.peer import AUTHORITY, Peer, frame, serving, stay

HELLO = b'{"channel":"heartbeat"}'
HOST = "elsewhere.invalid"
"""A name that the certificate `foreign` is for, and that nobody but a proxy or the resolver of a test can find."""
LOGIN = b"Basic " + base64.b64encode(b"user:can@ry")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy but those that a test sets."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


class Exchange:
    """A host that greets; it remembers every request."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []

    async def script(self, peer: Peer) -> None:
        if (await peer.reader.readexactly(4)) == b"POST":
            self.asked.append(await peer.ask())
            await peer.answer("200 OK", b"{}")
            return
        await peer.upgrade()
        self.asked.append(peer.request)
        await peer.say(frame(HELLO))
        await stay(peer)


class Tunnels:
    """A proxy that leads everybody to one address, whatever name they ask for; it remembers every request."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.asked: list[bytes] = []

    async def script(self, peer: Peer) -> None:
        self.asked.append(await peer.ask())
        reader, writer = await asyncio.open_connection(*self.address.split(":"))
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")

        async def pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()

        try:
            await asyncio.gather(pipe(peer.reader, writer), pipe(reader, peer.writer))
        finally:
            writer.transport.abort()


def leading_to_loopback(host: str, port: int, **options: Any) -> list[Any]:
    """A lookup in which every name is this machine."""
    return socket.getaddrinfo("127.0.0.1", port, **options)


def transport(**options: Any) -> SocketTransport:
    """A transport that finds the exchange also without a proxy."""
    return SocketTransport(cafile=AUTHORITY, resolver=Resolver(leading_to_loopback), **options)


async def greeted(way: SocketTransport, address: str, host: str = HOST) -> None:
    """A link that stands and brings what the exchange says.

    Raises: ConnectFailed.
    """
    link = await way.open(f"wss://{host}:{address.rpartition(':')[2]}/v2")
    assert await link.receive() == HELLO
    await link.close()


@pytest.mark.fault("N19")
@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize("before", ["http://", "", "http://user:can%40ry@"])
async def test_proxy_of_the_environment(variable: str, before: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A WebSocket and an HTTP request take the way that the environment says; the login is told to the proxy and to nobody else."""
    exchange = Exchange()
    async with serving(exchange.script, "foreign") as address:
        proxy = Tunnels(address)
        async with serving(proxy.script) as proxied:
            monkeypatch.setenv(variable, before + proxied)
            way = transport()
            await greeted(way, address)
            reply = await way.fetch(f"https://{HOST}:{address.rpartition(':')[2]}/0", body=b"{}")
    assert reply.status == 200
    assert len(proxy.asked) == len(exchange.asked) == 2
    for asked in proxy.asked:
        assert asked.startswith(f"CONNECT {HOST}:".encode())
        assert (LOGIN in asked) is ("@" in before)
    assert all(b"proxy" not in asked.lower() for asked in exchange.asked)


@pytest.mark.fault("N19")
@pytest.mark.parametrize("without", [HOST, ".invalid", f"other.example, {HOST}", "*"])
async def test_hosts_without_a_proxy(without: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host in `NO_PROXY` is asked itself."""
    exchange = Exchange()
    async with serving(exchange.script, "foreign") as address:
        proxy = Tunnels(address)
        async with serving(proxy.script) as proxied:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{proxied}")
            monkeypatch.setenv("NO_PROXY", without)
            await greeted(transport(), address)
            assert proxy.asked == []
            monkeypatch.setenv("NO_PROXY", "other.example")
            await greeted(transport(), address)
            assert len(proxy.asked) == 1


@pytest.mark.fault("N19")
async def test_proxy_of_the_option_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that is given is used, whatever the environment says of proxies and of hosts without one."""
    exchange = Exchange()
    async with serving(exchange.script, "foreign") as address:
        given, other = Tunnels(address), Tunnels(address)
        async with serving(given.script) as proxied, serving(other.script) as unwanted:
            monkeypatch.setenv("HTTPS_PROXY", f"http://{unwanted}")
            monkeypatch.setenv("NO_PROXY", "*")
            await greeted(transport(proxy=f"http://{proxied}"), address)
    assert (len(given.asked), len(other.asked)) == (1, 0)


@pytest.mark.fault("N19")
async def test_this_machine_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy is not asked for the way to this machine itself."""
    exchange = Exchange()
    async with serving(exchange.script, "good") as address:
        monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
        monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
        await greeted(transport(), address, "127.0.0.1")
        await greeted(transport(), address, "localhost")


@pytest.mark.fault("N19")
@pytest.mark.parametrize("url", ["socks5://user:canary@127.0.0.1:9", "http://user:cana#ry@127.0.0.1:9"])
async def test_proxy_that_cannot_be_used(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `HTTPS_PROXY` names and cannot be used ends the attempt, unseen, and is not gone around; in `ALL_PROXY`, SOCKS is for others."""
    exchange = Exchange()
    async with serving(exchange.script, "foreign") as address:
        monkeypatch.setenv("HTTPS_PROXY", url)
        with pytest.raises(ConnectFailed) as caught:
            await greeted(transport(), address)
        assert caught.value.kind is ConnectFailure.PROXY
        assert "cana" not in "".join(traceback.format_exception(caught.value))
        assert exchange.asked == []
        monkeypatch.delenv("HTTPS_PROXY")
        monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
        await greeted(transport(), address)
        assert len(exchange.asked) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://user:canary@",
        "http://user:canary@host:port",
        "http://user:cana#ry@host:80",
        "http://user:canary@host:99999",
        "http://user:canary@[host",
        "http://user:canary\u2100@host:80",
        "user:canary@host:80",
        "",
    ],
)
def test_broken_url_is_refused_unseen(url: str) -> None:
    """A URL that is none of an HTTP proxy is refused, and nothing of it is in what is raised, nor in what that came from."""
    with pytest.raises(UsageError, match="proxy") as caught:
        SocketTransport(proxy=url)
    assert caught.value.__context__ is None
    assert "cana" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.fault("N19")
async def test_login_is_in_no_warning() -> None:
    """A link through a proxy that is forgotten, not closed, is warned of without the proxy's login; a proxy shows itself without it."""
    told: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(repr(context)))
    exchange = Exchange()
    async with serving(exchange.script, "foreign") as address:
        proxy = Tunnels(address)
        async with serving(proxy.script) as proxied:
            url = f"http://user:can%40ry@{proxied}"
            way = transport(proxy=url)
            with warnings.catch_warnings(record=True) as warned:
                warnings.simplefilter("always")
                link = await way.open(f"wss://{HOST}:{address.rpartition(':')[2]}/v2")
                assert await link.receive() == HELLO
                del link
                gc.collect()
                told += [str(warning.message) for warning in warned]
    assert LOGIN in proxy.asked[0]
    assert any("Unclosed" in text and proxied in text for text in told), told
    seen = " ".join([*told, repr(Proxy.at(url)), repr(vars(way))])
    assert "can%40ry" not in seen
    assert "can@ry" not in seen
    assert LOGIN.decode() not in seen


async def test_plain_request_through_a_proxy() -> None:
    """What is not encrypted is handed to the given proxy itself, with the login."""
    asked: list[bytes] = []

    async def proxy(peer: Peer) -> None:
        asked.append(await peer.ask())
        await peer.answer("200 OK", b"{}")

    async with serving(proxy) as proxied:
        reply = await SocketTransport(proxy=f"http://user:can%40ry@{proxied}").fetch("http://127.0.0.1:9/0")
    assert reply.body == b"{}"
    assert asked[0].startswith(b"GET http://127.0.0.1:9/0 ")
    assert LOGIN in asked[0]
