"""HTTP of the exchange: signatures, nonces, tokens, trades after an instant, and what clients read before they connect."""

from __future__ import annotations

import json
from typing import Any

import pytest

from krakenwire.sim import STARTER, Account, Accounts, ApiKey, Exchange, Host, Permissions
from krakenwire.sim.rest import TOKEN_PATH, names_of
from krakenwire.sim.signed import OFFENCES, signature
from krakenwire.wire.enums import PairStatus, SystemStatus
from krakenwire.wire.secret import Secret
from krakenwire.wire.timestamps import parse_ns
from tests.sim.drive import AT_ONCE, Client

PUBLISHED = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
OWN = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("secret", "path", "nonce", "body", "expected"),
    [
        (
            PUBLISHED,
            "/0/private/AddOrder",
            "1616492376594",
            b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
        ),
        (
            OWN,
            TOKEN_PATH,
            "1790000000000000000",
            b"nonce=1790000000000000000",
            "bw8mCB/Oxe0EAAcl6rG8T25aYvUjyoi9uFJXWYliIkX+Jniiy6/KzaFV2MVAYkLetS7J6vMhjng+NXB/Nowh2Q==",
        ),
        (
            OWN,
            TOKEN_PATH,
            "1790000000000000000",
            b'{"nonce":"1790000000000000000"}',
            "R89287lU/emTKE5CSzADVwzs3X9ZkAhb/opEqvwGziJrhgw1HwvegafwTh4A+GuRi1MRZ2K0KzU0I8j+NLfGLw==",
        ),
    ],
)
def test_signature_vectors(secret: str, path: str, nonce: str, body: bytes, expected: str) -> None:
    """The published vector of the signature and two of our own."""
    assert signature(secret, path, nonce, body) == expected


class Caller:
    """A key that calls over HTTP."""

    def __init__(self, **key: Any) -> None:
        self.exchange = Exchange(seed=2, markets=["BTC/USD", "SOL/USD", "ETH/BTC"], rules=AT_ONCE)
        self.accounts = Accounts(self.exchange)
        self.account: Account = self.accounts.open("caller", {"USD": 100}, tier=STARTER)
        self.key: ApiKey = self.accounts.add_key(self.account, "public-part", Secret(OWN), **key)
        self.now = 1.0

    def get(self, path: str) -> Any:
        status, body = self.exchange.rest("GET", path, {}, b"", now=self.now)
        assert status == 200
        return json.loads(body)

    def token(
        self, nonce: object, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        """Ask for a token; with headers in the place of the right ones, if any are given."""
        sent = f"nonce={nonce}".encode() if body is None else body
        right = {
            "Api-Key": "public-part",
            "API-SIGN": signature(OWN, TOKEN_PATH, str(nonce), sent),
            "Content-Type": FORM if body is None else "application/json",
        }
        status, told = self.exchange.rest("POST", TOKEN_PATH, right | (headers or {}), sent, now=self.now)
        assert status == 200
        return json.loads(told)


def test_token_opens_the_private_and_the_level3_host() -> None:
    """A signed request, as a form or as JSON, gets a token of 900 seconds, with which both hosts can be used."""
    caller = Caller()
    for answer in (
        caller.token(10),
        caller.token(11, body=b'{"nonce":"11"}'),
        caller.token(12, body=b'{"nonce":12}'),
    ):
        assert answer["error"] == []
        assert answer["result"]["expires"] == 900
        token = answer["result"]["token"]
        client = Client(caller.exchange, Host.PRIVATE, 1.0)
        assert client.ask("subscribe", channel="balances", token=token)[1]["success"]
        client = Client(caller.exchange, Host.LEVEL3, 1.0)
        assert client.ask("subscribe", channel="level3", symbol=["SOL/USD"], token=token)[1]["success"]


def test_nonce_has_to_rise() -> None:
    """A nonce that is not above all before is refused; within the window of the key one that was skipped may follow."""
    caller = Caller()
    assert caller.token(100)["error"] == []
    for stale in (100, 99, 1):
        assert caller.token(stale)["error"] == ["EAPI:Invalid nonce"]
    assert caller.token(101)["error"] == []
    wide = Caller(nonce_window=10)
    assert [wide.token(nonce)["error"] for nonce in (100, 95, 95, 90, 101)] == [
        [],
        [],
        ["EAPI:Invalid nonce"],
        ["EAPI:Invalid nonce"],
        [],
    ]


@pytest.mark.parametrize("nonce", ["", "-5", "1.5", "abc", str(2**64), "9" * 5000])
def test_what_is_no_nonce(nonce: str) -> None:
    """A nonce is a whole number of 64 bits."""
    assert Caller().token(nonce)["error"] == ["EAPI:Invalid nonce"]


@pytest.mark.parametrize("body", [b"", b"nonce", b"\xff", b"{", b"[1]", b'{"nonce":true}', b"[" * 5000])
def test_body_without_a_nonce(body: bytes) -> None:
    """Without a nonce nothing can be signed."""
    assert Caller().token("1", body=body)["error"] == ["EAPI:Invalid nonce"]


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Api-Key": "another"}, "EAPI:Invalid key"),
        ({"Api-Key": ""}, "EAPI:Invalid key"),
        ({"API-SIGN": ""}, "EAPI:Invalid signature"),
        ({"API-SIGN": "ß"}, "EAPI:Invalid signature"),
        ({"API-SIGN": signature(PUBLISHED, TOKEN_PATH, "5", b"nonce=5")}, "EAPI:Invalid signature"),
        ({"API-SIGN": signature(OWN, "/0/private/Balance", "5", b"nonce=5")}, "EAPI:Invalid signature"),
        ({"API-SIGN": signature(OWN, TOKEN_PATH, "6", b"nonce=5")}, "EAPI:Invalid signature"),
    ],
)
def test_wrong_key_and_wrong_signature(headers: dict[str, str], error: str) -> None:
    """Another key, another secret, path or nonce: refused in Kraken's words, and the nonce is not used up."""
    caller = Caller()
    assert caller.token(5, headers=headers)["error"] == [error]
    assert caller.token(5)["error"] == []


def test_too_many_offences_lock_the_key_out() -> None:
    """Wrong nonces in a row lock the key for fifteen minutes; then it is good again."""
    caller = Caller()
    caller.token(100)
    answers = [caller.token(1)["error"][0] for _ in range(OFFENCES)]
    assert set(answers) == {"EAPI:Invalid nonce"}
    assert caller.token(101)["error"] == ["EGeneral:Temporary lockout"]
    caller.now += 899
    assert caller.token(102)["error"] == ["EGeneral:Temporary lockout"]
    caller.now += 2
    assert caller.token(103)["error"] == []


def test_calls_are_counted() -> None:
    """The account's counter of calls fills and is emptied by time."""
    caller = Caller()
    answers = [caller.token(nonce)["error"] for nonce in range(1, 17)]
    assert answers == [[]] * 15 + [["EAPI:Rate limit exceeded"]]
    caller.now += 4
    assert caller.token(17)["error"] == []


def test_rights_of_the_key() -> None:
    """A key without the right to WebSockets gets no token; a revoked one is no key."""
    caller = Caller(permissions=Permissions(websockets=False))
    assert caller.token(1)["error"] == ["EGeneral:Permission denied"]
    caller = Caller()
    caller.accounts.revoke(caller.key)
    assert caller.token(1)["error"] == ["EAPI:Invalid key"]


def test_exchange_without_accounts_knows_no_key() -> None:
    """Without accounts there is nobody who could have signed."""
    exchange = Exchange(markets=["SOL/USD"])
    _, body = exchange.rest("POST", TOKEN_PATH, {"API-Key": "a"}, b"nonce=1", now=0.0)
    assert json.loads(body) == {"error": ["EAPI:Invalid key"]}
    for method, path in (("GET", TOKEN_PATH), ("POST", "/0/private/Balance"), ("PUT", "/0/public/Time")):
        _, body = exchange.rest(method, path, {}, b"", now=0.0)
        assert json.loads(body) == {"error": ["EGeneral:Unknown method"]}


def test_secrets_show_themselves_nowhere() -> None:
    """Neither secret nor public part of a key is in what it shows of itself."""
    caller = Caller()
    shown = f"{caller.key!r} {caller.account!r} {caller.key}"
    assert OWN not in shown
    assert "public-part" not in shown


# ---------------------------------------------------------------- public


def test_trades_in_pages_without_holes() -> None:
    """Pages of any size, each asked for from the end of the one before, give every trade once, with the numbers of channel `trade`."""
    caller = Caller()
    caller.now = 300.0
    caller.get("/0/public/Time")
    tape = list(caller.exchange.markets["BTC/USD"].tape.trades)
    assert len({trade.at for trade in tape}) < len(tape)
    since, told = "0", []
    while page := (answer := caller.get(f"/0/public/Trades?pair=BTC/USD&since={since}&count=7")["result"])[
        "XXBTZUSD"
    ]:
        assert len(page) <= 7
        told += page
        since = answer["last"]
    assert answer["last"] == since
    pair = caller.exchange.markets["BTC/USD"].pair
    assert [row[:2] + row[3:] for row in told] == [
        [
            pair.price(trade.price),
            pair.qty(trade.qty),
            "s" if trade.side else "b",
            trade.ord_type[0],
            "",
            trade.trade_id,
        ]
        for trade in tape
    ]
    assert [int(row[2] * 1000) for row in told] == pytest.approx([trade.at // 10**6 for trade in tape], abs=1)


def test_last_trades_and_an_instant_in_seconds() -> None:
    """Without an instant come the last trades; an instant may be written in seconds."""
    caller = Caller()
    caller.now = 100.0
    last = caller.get("/0/public/Trades?pair=XBTUSD&count=3")["result"]["XXBTZUSD"]
    ids = [trade.trade_id for trade in caller.exchange.markets["BTC/USD"].tape.latest(3)]
    assert [row[6] for row in last] == ids
    later = caller.get("/0/public/Trades?pair=XBT/USD&since=1795334490.5")["result"]["XXBTZUSD"]
    assert later
    assert all(row[2] > 1795334490.5 for row in later)


@pytest.mark.parametrize(
    ("query", "error"),
    [
        ("pair=NONE", "EQuery:Unknown asset pair"),
        ("", "EQuery:Unknown asset pair"),
        ("pair=XBTUSD&since=yesterday", "EGeneral:Invalid arguments:since"),
        ("pair=XBTUSD&count=0", "EGeneral:Invalid arguments:count"),
        ("pair=XBTUSD&count=1001", "EGeneral:Invalid arguments:count"),
    ],
)
def test_wrong_question_about_trades(query: str, error: str) -> None:
    """Unknown pairs and unreadable instants are refused."""
    assert Caller().get(f"/0/public/Trades?{query}") == {"error": [error]}


def test_pairs_and_assets() -> None:
    """REST has its own names for pairs and assets; digits, minimum and status are those of the market."""
    caller = Caller()
    caller.exchange.change_pair("SOL/USD", status=PairStatus.POST_ONLY, now=1.0)
    pairs = caller.get("/0/public/AssetPairs")["result"]
    assert {
        key: (row["altname"], row["wsname"], row["base"], row["quote"]) for key, row in pairs.items()
    } == {
        "XXBTZUSD": ("XBTUSD", "XBT/USD", "XXBT", "ZUSD"),
        "SOLUSD": ("SOLUSD", "SOL/USD", "SOL", "ZUSD"),
        "XETHXXBT": ("ETHXBT", "ETH/XBT", "XETH", "XXBT"),
    }
    row = pairs["SOLUSD"]
    assert (row["pair_decimals"], row["lot_decimals"], row["tick_size"], row["status"]) == (
        2,
        8,
        "0.01",
        "post_only",
    )
    assert list(caller.get("/0/public/AssetPairs?pair=ETHXBT,SOL/USD")["result"]) == ["XETHXXBT", "SOL/USD"]
    assets = caller.get("/0/public/Assets")["result"]
    assert (assets["XXBT"]["altname"], assets["XXBT"]["decimals"], assets["ZUSD"]["decimals"]) == (
        "XBT",
        10,
        4,
    )
    for market in caller.exchange.markets.values():
        assert names_of(market.pair)[0] in pairs


def test_time_and_status() -> None:
    """The time is that of the exchange, the status that of its engine."""
    caller = Caller()
    assert caller.get("/0/public/Time")["result"]["unixtime"] == 1_795_334_401
    caller.exchange.set_system(SystemStatus.CANCEL_ONLY, now=2.0)
    caller.now = 2.0
    told = caller.get("/0/public/SystemStatus")["result"]
    assert told["status"] == "cancel_only"
    assert parse_ns(told["timestamp"]) == caller.exchange.at
