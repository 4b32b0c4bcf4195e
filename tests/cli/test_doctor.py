"""`krakenwire doctor`: what it finds, what it says to do about it, and its exit code."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from krakenwire.cli.exits import Exit
from krakenwire.sim import Permissions
from krakenwire.sim.background import Simulated
from krakenwire.wire.enums import SystemStatus
from krakenwire.wire.secret import Secret
from tests.cli.call import Ended, call

SECRET = "c2VjcmV0IG9mIGEgdGVzdA=="  # noqa: S105 (of the test)
OK = ["limits", "rest", "key", "websocket public", "clock", "websocket private"]
OK += ["permission", "permission", "websocket level3"]


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key but those that a test sets."""
    for name in ("KRAKEN_API_KEY", "KRAKEN_API_SECRET", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def exchange() -> Iterator[Simulated]:
    """An exchange with one quiet market."""
    with Simulated(markets=["XMN/USD"]) as simulated:
        yield simulated


def doctor(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[Ended, dict[str, Any]]:
    """Run it, and give the last finding of each check and target that is worth a word."""
    ended = call(capsys, "doctor", *arguments, "-o", "json")
    assert ended.err == ""
    found = {each["check"]: each for each in ended.json["checks"] if each["result"] in {"warn", "fail"}}
    return ended, found


def test_all_is_well(capsys: pytest.CaptureFixture[str]) -> None:
    """Against the simulated exchange every check is well, in an order in which each builds on those before, and every line says SIM."""
    ended = call(capsys, "doctor", "--sim", "-o", "table")
    assert (ended.code, ended.err) == (Exit.OK, "")
    lines = ended.out.splitlines()
    assert all(line.startswith("SIM ") for line in lines)
    assert [line[13:30].rstrip() for line in lines if line.startswith("SIM ok ")] == OK
    assert lines[-1] == "SIM 10 checks: 9 ok, 1 skipped"
    assert "system online" in ended.out


def test_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """-o ndjson gives one object a check, -o json one object with all of them and the worst."""
    rows = [json.loads(line) for line in call(capsys, "doctor", "--sim", "-o", "ndjson").out.splitlines()]
    assert [row["check"] for row in rows if row["result"] == "ok"] == OK
    assert set(rows[0]) == {"sim", "check", "target", "result", "found", "hint", "code"}
    told = call(capsys, "doctor", "--sim", "-o", "json").json
    assert (told["sim"], told["worst"], len(told["checks"])) == (True, "ok", len(rows))


def test_no_key_is_no_failure(exchange: Simulated, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a key market data is checked, and what to set is said."""
    ended, found = doctor(capsys, "--url", exchange.urls.public)
    (key,) = [each for each in ended.json["checks"] if each["check"] == "key"]
    assert (ended.code, found) == (Exit.OK, {})
    assert (key["result"], "KRAKEN_API_SECRET" in key["hint"]) == ("skipped", True)


@pytest.mark.fault("S10")
@pytest.mark.parametrize(
    ("key", "secret", "words", "hint"),
    [
        ("unknown", SECRET, "EAPI:Invalid key", "KRAKEN_API_KEY"),
        ("good", "AAAA", "EAPI:Invalid signature", "KRAKEN_API_SECRET"),
        ("no-tokens", SECRET, "EGeneral:Permission denied", "Access WebSockets API"),
        ("good", "", "set both", "KRAKEN_API_SECRET"),
        ("good", "?", "must be the Base64 text", "KRAKEN_API_SECRET"),
    ],
)
def test_key_that_is_not_accepted(
    exchange: Simulated,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    key: str,
    secret: str,
    words: str,
    hint: str,
) -> None:
    """A key with which no token is to be had is a failure with exit code 3, Kraken's words and what to do; the secret is not shown."""
    accounts, account = exchange.accounts, exchange.key.account
    exchange.call(lambda _exchange, _now: accounts.add_key(account, "good", Secret(SECRET)))
    exchange.call(
        lambda _exchange, _now: accounts.add_key(
            account, "no-tokens", Secret(SECRET), Permissions(websockets=False)
        )
    )
    monkeypatch.setenv("KRAKEN_API_KEY", key)
    monkeypatch.setenv("KRAKEN_API_SECRET", secret)
    ended, found = doctor(capsys, "--url", exchange.urls.public)
    assert ended.code == Exit.AUTH
    assert list(found) == ["key"]
    assert words in found["key"]["found"]
    assert hint in found["key"]["hint"]
    assert SECRET not in ended.out


def test_permission_that_is_missing(
    exchange: Simulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A channel that the key may not follow is a warning that names the permission."""
    less = Permissions(query_funds=False)
    exchange.call(
        lambda _exchange, _now: exchange.accounts.add_key(exchange.key.account, "less", Secret(SECRET), less)
    )
    monkeypatch.setenv("KRAKEN_API_KEY", "less")
    monkeypatch.setenv("KRAKEN_API_SECRET", SECRET)
    ended, found = doctor(capsys, "--url", exchange.urls.public)
    assert ended.code == Exit.OK
    assert list(found) == ["permission"]
    assert found["permission"]["target"] == "balances"
    assert '"Query funds"' in found["permission"]["hint"]


@pytest.mark.parametrize(("wrong", "direction"), [(30, "ahead"), (-30, "behind")])
def test_clock_that_is_wrong(wrong: int, direction: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A clock that differs from the exchange's by more than a second is a warning that says by how much."""
    with Simulated(markets=["XMN/USD"], epoch=time.time_ns() - wrong * 10**9) as simulated:
        ended, found = doctor(capsys, "--url", simulated.urls.public)
    assert ended.code == Exit.OK
    assert list(found) == ["clock"]
    assert f" s {direction}" in found["clock"]["found"]
    assert "NTP" in found["clock"]["hint"]


@pytest.mark.fault("S11")
def test_maintenance(exchange: Simulated, capsys: pytest.CaptureFixture[str]) -> None:
    """An exchange under maintenance is a warning, not a failure of ours."""
    exchange.call(lambda served, now: served.set_system(SystemStatus.MAINTENANCE, now=now))
    ended, found = doctor(capsys, "--url", exchange.urls.public)
    assert ended.code == Exit.OK
    assert set(found) == {"rest", "websocket public", "websocket private", "websocket level3"}
    assert ended.json["worst"] == "warn"


@pytest.mark.fault("N4")
def test_certificate(capsys: pytest.CaptureFixture[str]) -> None:
    """TLS without proof of the host is a failure, and nothing is asked of that host; with its authority the certificate is shown."""
    with Simulated(markets=["XMN/USD"], tls=True) as simulated:
        ended, found = doctor(capsys, "--url", simulated.urls.public)
        assert (ended.code, list(found)) == (Exit.NETWORK, ["tls"])
        assert "--cafile" in found["tls"]["hint"]
        assert simulated.server.connects + simulated.server.requests == 0
        ended, found = doctor(capsys, "--url", simulated.urls.public, "--cafile", simulated.authority)
        (tls,) = [each for each in ended.json["checks"] if each["check"] == "tls"]
        assert (ended.code, found) == (Exit.OK, {})
        assert tls["found"].startswith("TLSv1.3, certificate valid until 20")


@pytest.mark.fault("N2", "N1")
@pytest.mark.parametrize(
    ("url", "check"),
    # No name may have a part of more than 63 letters, so no server is asked for this one.
    [("ws://127.0.0.1:1", "rest"), ("wss://127.0.0.1:1", "tls"), (f"wss://{'a' * 64}.example", "name")],
)
def test_no_way_there(url: str, check: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nobody listens, or the name has no address, the exit code is 4, and the first thing that failed says what to check."""
    ended, found = doctor(capsys, "--url", url)
    assert ended.code == Exit.NETWORK
    assert next(iter(found)) == check
    assert "check the" in found[check]["hint"]
    assert found[check]["code"] == Exit.NETWORK


def test_somebody_else_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """A host that answers, but is no exchange, is a failure that says so."""

    def serve(listening: socket.socket) -> None:
        for _ in range(4):
            there, _ = listening.accept()
            there.recv(65536)
            there.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
            there.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,))
        thread.start()
        ended, found = doctor(capsys, "--url", f"ws://127.0.0.1:{listening.getsockname()[1]}")
        thread.join(10)
    assert ended.code == Exit.NETWORK
    assert list(found) == ["rest", "websocket public", "websocket private", "websocket level3"]
    assert "answered 200 and no status" in found["rest"]["found"]
    assert "handshake" in found["websocket public"]["found"]


@pytest.mark.fault("N19")
def test_a_proxy_is_in_between(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With a proxy, names and TLS are its business; one that is not there is the failure that is told, without its password."""
    monkeypatch.setenv("HTTPS_PROXY", "http://user:password@127.0.0.1:1")
    monkeypatch.setenv("https_proxy", "http://user:password@127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    ended, found = doctor(capsys, "--url", "wss://exchange.example")
    assert ended.code == Exit.NETWORK
    assert "a proxy looks it up" in ended.out
    assert found["rest"]["found"] == "proxy: the proxy cannot be reached"
    assert "password" not in ended.out
