"""`krakenwire stream` over the simulated exchange: what it prints, what it counts, and how it ends."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from krakenwire.cli.exits import Exit
from krakenwire.sim import Permissions
from krakenwire.sim.background import Simulated
from krakenwire.wire.secret import Secret
from tests.cli.call import Ended, call

TIME = r"\d\d:\d\d:\d\d\.\d{6}"
SECRET = "c2VjcmV0IG9mIGEgdGVzdA=="  # noqa: S105 (of the test)


@pytest.fixture
def exchange() -> Iterator[Simulated]:
    """A lively exchange in a thread of its own, with one more key."""
    with Simulated(markets=["BTC/USD", "SOL/USD"]) as simulated:
        yield simulated


def at(exchange: Simulated) -> tuple[str, str]:
    """The option that names this exchange."""
    return "--url", exchange.urls.public


def use_key(monkeypatch: pytest.MonkeyPatch, key: str, secret: str) -> None:
    monkeypatch.setenv("KRAKEN_API_KEY", key)
    monkeypatch.setenv("KRAKEN_API_SECRET", secret)


def records(ended: Ended) -> list[dict[str, Any]]:
    """The objects printed, one a line."""
    return [json.loads(line) for line in ended.out.splitlines()]


# -------------------------------------------------------------------- what is printed


def test_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a trade, marked SIM, with its digits and its proof; the summary on stderr states events, proofs and losses."""
    ended = call(capsys, "stream", "trade", "BTC/USD", "--sim", "--count", "52", "-o", "table")
    lines = ended.out.splitlines()
    assert ended.code == Exit.OK
    assert len(lines) == 52
    shape = rf"SIM {TIME}  BTC/USD   (buy |sell) +\d+\.\d{{8}} @ \d+\.\d +#\d+  (complete|first seen)"
    assert [line for line in lines if not re.fullmatch(shape, line)] == []
    assert re.fullmatch(r"SIM 52 events in \S+ s · 51 complete · 1 unproven · lost: 0 gaps\n", ended.err)


def test_records_keep_their_digits(capsys: pytest.CaptureFixture[str]) -> None:
    """-o ndjson: one object an event, marked, numbers as texts with the digits of the wire, the proof beside them."""
    ended = call(
        capsys, "stream", "book", "BTC/USD", "--depth", "25", "--sim", "--count", "5", "-o", "ndjson"
    )
    told = records(ended)
    books = [record for record in told if record["event"] == "book"]
    assert all(record["sim"] for record in told)
    assert [record["event"] for record in told if record["event"] != "book"] == ["book_live"]
    assert len(books) == 5
    assert all(book["verified"] for book in books)
    assert len(books[0]["bids"]) == 25
    levels = [level for book in books for level in book["bids"] + book["asks"]]
    assert all(re.fullmatch(r"\d+\.\d{8}", level["qty"]) for level in levels)
    assert "5 verified" in ended.err


def test_only_the_summary(capsys: pytest.CaptureFixture[str]) -> None:
    """-o json prints the summary alone, as one object."""
    ended = call(capsys, "stream", "trade", "BTC/USD", "--sim", "--count", "51", "-o", "json")
    assert ended.err == ""
    told = ended.json
    assert (told["event"], told["sim"], told["events"], told["lost"]) == ("summary", True, 51, 0)
    assert told["by_channel"] == {"trade": {"unproven": 1, "complete": 50}}


@pytest.mark.parametrize(
    ("arguments", "count", "word"),
    [
        (["book", "SOL/USD", "XRP/USD"], 3, "verified"),
        (["level3", "SOL/USD", "--depth", "100"], 3, "verified"),
        (["ticker", "SOL/USD"], 1, "unprovable"),
        (["ohlc", "SOL/USD", "--interval", "5"], 5, "unprovable"),
        (["instrument"], 1, "unprovable"),
        (["executions"], 4, "in sequence"),
        (["balances"], 8, "in sequence"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else None,
)
@pytest.mark.parametrize("form", ["table", "ndjson"])
def test_every_channel(
    arguments: list[str], count: int, word: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every channel streams from the simulated exchange without a key of the user's, as lines and as records."""
    ended = call(capsys, "stream", *arguments, "--sim", "--count", count, "--duration", "20", "-o", form)
    assert ended.code == Exit.OK
    assert f"{count} {word} · lost: 0 gaps" in ended.err
    if form == "table":
        assert all(line.startswith("SIM ") for line in ended.out.splitlines())
    else:
        assert sum(record["event"] == arguments[0] for record in records(ended)) == count


def test_duration_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    """--duration ends a stream after so long."""
    told = call(capsys, "stream", "book", "SOL/USD", "--sim", "--duration", "0.7", "-o", "json").json
    assert 0.7 <= told["seconds"] < 5
    assert told["verified"] == told["events"] > 0


# -------------------------------------------------------------------- what goes wrong and is survived


@pytest.mark.fault("B1", "N11")
def test_facts_stand_in_their_place(exchange: Simulated, capsys: pytest.CaptureFixture[str]) -> None:
    """A lost update and a cut connection are told where they happened, and so is the healing; both are counted."""
    exchange.fault("at 1 s: drop book BTC/USD update 3 times\nat 2.5 s: cut")
    ended = call(capsys, "stream", "book", "BTC/USD", *at(exchange), "--duration", "4.5", "-o", "ndjson")
    facts = [record for record in records(ended) if record["event"] != "book"]
    told = [fact.get("reason") or fact["event"] for fact in facts]
    expected = ["book_live", "checksum", "checksum", "book_live", "connection_lost"]
    assert told[: len(expected)] == expected
    assert told[len(expected) :] == ["ended without a close frame", "connection_changed", "book_live"]
    assert not any("sim" in record for record in records(ended))
    assert "lost: 2 gaps, 2 healed" in ended.err
    assert ended.code == Exit.OK
    exchange.fault("at 0.5 s: cut")
    assert call(capsys, "stream", "book", "BTC/USD", *at(exchange), "--duration", "1.5", "--strict").code == 6


# -------------------------------------------------------------------- refusals


def test_refused_in_krakens_words(capsys: pytest.CaptureFixture[str]) -> None:
    """A refusal ends with 7 and has Kraken's words; an old name is answered with the new one."""
    ended = call(capsys, "stream", "book", "XBT/USD", "--sim")
    assert ended.code == Exit.REFUSED
    assert ended.err.splitlines()[-2:] == [
        'error: Kraken refused book XBT/USD: "Currency pair not supported XBT/USD"',
        "hint:  WebSocket v2 writes Bitcoin as BTC. Did you mean BTC/USD?",
    ]
    ended = call(capsys, "stream", "book", "btc-usd", "--sim", "-o", "json")
    assert ended.code == Exit.REFUSED
    assert (ended.err, ended.json["error"], ended.json["retryable"]) == ("", "refused", False)
    assert "Did you mean BTC/USD?" in ended.json["hint"]


@pytest.mark.fault("S1")
@pytest.mark.parametrize("strict", [False, True])
def test_one_refused_of_two(strict: bool, capsys: pytest.CaptureFixture[str]) -> None:
    """One refused symbol does not disturb the other; it is told in its place and again at the end, which is 7 only with --strict."""
    arguments = ["stream", "trade", "BTC/USD", "NIX/USD", "--sim", "--count", "60", "-o", "ndjson"]
    ended = call(capsys, *arguments, *(["--strict"] if strict else []))
    told = records(ended)
    assert ended.code == (Exit.REFUSED if strict else Exit.OK)
    assert sum(record["event"] == "trade" for record in told) == 60
    (refused,) = [record for record in told if record["event"] == "subscription_rejected"]
    assert (refused["symbol"], refused["reason"]) == ("NIX/USD", "Currency pair not supported NIX/USD")
    assert 'error: Kraken refused trade NIX/USD: "Currency pair not supported NIX/USD"' in ended.err


@pytest.mark.parametrize("channel", ["executions", "balances"])
def test_no_key(channel: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A private channel without a key ends with 3 before anything is connected, and says which variables to set."""
    monkeypatch.delenv("KRAKEN_API_KEY", raising=False)
    monkeypatch.delenv("KRAKEN_API_SECRET", raising=False)
    ended = call(capsys, "stream", channel, "--url", "ws://127.0.0.1:1")
    assert ended.code == Exit.AUTH
    assert ended.out == ""
    assert "KRAKEN_API_KEY and KRAKEN_API_SECRET" in ended.err.splitlines()[-1]


@pytest.mark.fault("S10")
def test_wrong_key(
    exchange: Simulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A key that is not accepted ends with 3 and Kraken's words; neither key nor secret is printed."""
    use_key(monkeypatch, "unknown-key", SECRET)
    ended = call(capsys, "stream", "balances", *at(exchange), "--duration", "20")
    assert ended.code == Exit.AUTH
    assert 'error: Kraken does not accept the key: "EAPI:Invalid key"' in ended.err
    assert "hint:  check the API key (KRAKEN_API_KEY)" in ended.err
    assert SECRET not in ended.out + ended.err
    assert "unknown-key" not in ended.out + ended.err


def test_key_of_the_environment(
    exchange: Simulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the key of the environment a private channel streams; a permission that is missing ends with 3."""
    use_key(monkeypatch, exchange.key.key, exchange.key.secret.reveal())
    ended = call(capsys, "stream", "balances", *at(exchange), "--count", "5", "-o", "ndjson")
    assert ended.code == Exit.OK
    assert {record["asset"]: record["balance"] for record in records(ended)}["BTC"].startswith("5.0")
    less = Permissions(query_funds=False)
    exchange.call(
        lambda _exchange, _now: exchange.accounts.add_key(exchange.key.account, "less", Secret(SECRET), less)
    )
    use_key(monkeypatch, "less", SECRET)
    ended = call(capsys, "stream", "balances", *at(exchange), "--duration", "20")
    assert ended.code == Exit.AUTH
    assert '"EGeneral:Permission denied"' in ended.err


@pytest.mark.fault("S9")
def test_token_that_is_not_to_be_had_now(
    exchange: Simulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """While the token endpoint fails that is said, and the stream begins when it is back."""
    use_key(monkeypatch, exchange.key.key, exchange.key.secret.reveal())
    exchange.fault("at 0 s: refuse http 503 for 0.5 s")
    ended = call(capsys, "stream", "balances", *at(exchange), "--count", "5", "-o", "json")
    told = "warning: no token for private channels: the token endpoint answered 503 and no token; it is asked for again\n"
    assert (ended.code, ended.err) == (Exit.OK, told)
    assert ended.json["in_sequence"] == 5


def test_more_than_fits(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """More symbols than the connections allowed may carry are wrong usage."""
    use_key(monkeypatch, "key", SECRET)
    symbols = [f"A{number}/USD" for number in range(2001)]
    ended = call(capsys, "stream", "level3", *symbols, "--url", "ws://127.0.0.1:1")
    assert ended.code == Exit.USAGE
    assert "2001 more symbols" in ended.err


# -------------------------------------------------------------------- no way there


@pytest.mark.fault("N2")
def test_nobody_listens(capsys: pytest.CaptureFixture[str]) -> None:
    """An exchange that never was reached is given up after three attempts, with 4 and what to do."""
    ended = call(capsys, "stream", "trade", "BTC/USD", "--url", "ws://127.0.0.1:1", "-o", "table")
    assert ended.code == Exit.NETWORK
    assert ended.out.count("public-1  WAITING: refused") == 3
    assert ended.err.splitlines() == [
        "error: the exchange cannot be reached: ECONNREFUSED",
        "hint:  check the address and the port; krakenwire doctor looks closer",
    ]


def test_nobody_answers(capsys: pytest.CaptureFixture[str]) -> None:
    """A host that takes the connection and says nothing ends with 4 when the duration is over."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"ws://127.0.0.1:{silent.getsockname()[1]}"
        ended = call(capsys, "stream", "trade", "BTC/USD", "--url", url, "--duration", "0.5", "-o", "json")
    assert ended.code == Exit.NETWORK
    assert (ended.json["error"], ended.json["retryable"]) == ("network", True)


@pytest.mark.fault("N6", "N7")
@pytest.mark.parametrize(
    ("status", "hint"), [(429, "wait ten minutes"), (403, "does not serve this address")]
)
def test_not_welcome(
    exchange: Simulated, capsys: pytest.CaptureFixture[str], *, status: int, hint: str
) -> None:
    """Where an address is banned or blocked, one attempt is enough: it ends with 4 at once and says what to do."""
    exchange.fault(f"at 0 s: refuse connects {status} for 60 s")
    ended = call(capsys, "stream", "trade", "BTC/USD", *at(exchange), "-o", "json")
    assert ended.code == Exit.NETWORK
    assert hint in ended.json["hint"]
    assert exchange.server.connects == 0


@pytest.mark.fault("N4")
def test_certificate_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    """Over TLS an exchange that cannot prove itself ends with 4 at once; with its authority in --cafile it streams."""
    with Simulated(markets=["SOL/USD"], tls=True) as secured:
        arguments = ("stream", "book", "SOL/USD", *at(secured), "--count", "1", "-o", "json")
        refused = call(capsys, *arguments)
        assert (refused.code, refused.json["retryable"]) == (Exit.NETWORK, False)
        assert "--cafile" in refused.json["hint"]
        ended = call(capsys, *arguments, "--cafile", secured.authority)
        assert (ended.code, ended.json["verified"]) == (Exit.OK, 1)


# -------------------------------------------------------------------- wrong usage


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["book", "BTC/USD", "--depth", "7"], "--depth"),
        (["level3", "BTC/USD", "--depth", "25"], "--depth"),
        (["trade", "BTC/USD", "--depth", "10"], "--depth"),
        (["ohlc", "BTC/USD", "--interval", "7"], "--interval"),
        (["book", "BTC/USD", "--interval", "1"], "--interval"),
        (["book"], "book needs at least one symbol"),
        (["balances", "BTC/USD"], "balances has no symbols"),
        (["tickr", "BTC/USD"], "tickr"),
        (["book", "BTC/USD", "--count", "0"], "--count"),
        (["book", "BTC/USD", "--duration", "0"], "--duration"),
        (["book", "BTC/USD", "--sim", "--url", "ws://127.0.0.1:1"], "--sim and --url"),
        (["book", "BTC/USD", "--url", "ws://example.com"], "ws:// is for this machine only"),
        (["book", "BTC/USD", "--url", "127.0.0.1:8080"], "must be a URL that begins with wss://"),
        (["book", "BTC/USD", "--url", "wss://127.0.0.1/v1"], "must end with"),
    ],
)
def test_wrong_usage(arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What cannot be meant ends with 2 and names what is wrong, before anything is connected."""
    ended = call(capsys, "stream", *arguments)
    assert (ended.code, ended.out) == (Exit.USAGE, "")
    assert error in ended.err.splitlines()[0]


def test_hosts_of_the_environment(
    exchange: Simulated, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without an option the hosts are those of the environment, where it names some, else Kraken's."""
    for name, value in exchange.environment.items():
        monkeypatch.setenv(name, value)
    assert call(capsys, "stream", "book", "SOL/USD", "--count", "1", "-o", "json").json["verified"] == 1
    assert call(capsys, "stream", "balances", "--count", "1", "-o", "json").json["in_sequence"] == 1
    monkeypatch.setenv("KRAKEN_WS_PUBLIC_URL", "ws://example.com")
    ended = call(capsys, "stream", "book", "SOL/USD")
    assert ended.code == Exit.USAGE
    assert "the environment: KRAKEN_WS_PUBLIC_URL: ws:// is for this machine only" in ended.err
