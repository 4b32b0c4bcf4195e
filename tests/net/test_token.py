"""Tokens: signed requests, what each refusal means, and other programs' clients as sources."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from krakenwire.errors import (
    AuthFailed,
    ConnectFailed,
    KrakenWireError,
    TokenUnavailable,
    UsageError,
)
from krakenwire.net.token import (
    LOCKOUT_SECONDS,
    TOKEN_PATH,
    Credentials,
    OwnTokens,
    RestTokens,
    TokenDesk,
    TokenLater,
    source_of,
)
from krakenwire.net.transport import BODY_LIMIT, ConnectFailure, HttpReply, Link
from krakenwire.wire.secret import Secret
from tests.net.virtual import run

PUBLISHED = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="
OURS = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="
GOOD = HttpReply(200, b'{"error":[],"result":{"token":"the-token","expires":900}}')


def refusal(text: str) -> HttpReply:
    """An answer of the REST interface that refuses."""
    return HttpReply(200, b'{"error":["' + text.encode() + b'"]}')


class Endpoint:
    """A transport that answers requests for tokens from a list; the last answer repeats."""

    def __init__(self, *answers: HttpReply | ConnectFailed) -> None:
        self.answers = list(answers)
        self.bodies: list[bytes] = []
        self.headers: list[Mapping[str, str]] = []

    async def open(self, url: str) -> Link:
        raise NotImplementedError

    async def fetch(
        self,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = BODY_LIMIT,
    ) -> HttpReply:
        assert url.endswith(TOKEN_PATH)
        await asyncio.sleep(0.1)
        self.bodies.append(body or b"")
        self.headers.append(headers or {})
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, ConnectFailed):
            raise answer
        return answer

    async def close(self) -> None:
        return None


@pytest.fixture(autouse=True)
def no_nonces_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test is a process in which no key was used before."""
    monkeypatch.setattr("krakenwire.net.token._nonces", {})


def tokens(endpoint: Endpoint, wall: Callable[[], int] = lambda: 1_790_000_000_000_000_000) -> RestTokens:
    """Tokens of an endpoint."""
    return RestTokens(endpoint, Credentials("the-key", OURS), "https://api.kraken.com", wall=wall)


@pytest.mark.parametrize(
    ("secret", "path", "nonce", "body", "signature"),
    [
        (
            PUBLISHED,
            "/0/private/AddOrder",
            1616492376594,
            b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25",
            "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ==",
        ),
        (
            OURS,
            TOKEN_PATH,
            1790000000000000000,
            b"nonce=1790000000000000000",
            "bw8mCB/Oxe0EAAcl6rG8T25aYvUjyoi9uFJXWYliIkX+Jniiy6/KzaFV2MVAYkLetS7J6vMhjng+NXB/Nowh2Q==",
        ),
    ],
)
def test_signature(secret: str, path: str, nonce: int, body: bytes, signature: str) -> None:
    """Signatures are those of Kraken's published vector and of our own."""
    assert Credentials("key", secret).sign(path, nonce, body) == signature


@pytest.mark.fault("C10")
def test_nonce_never_goes_back() -> None:
    """Whatever the wall clock does, each nonce is larger than the one before."""
    credentials = Credentials("key", OURS)
    times = [100, 100, 50, 3_600_000_000_000, 1, 3_600_000_000_001]
    nonces = [credentials.nonce(time) for time in times]
    assert nonces == sorted(set(nonces))


@pytest.mark.fault("C10")
def test_nonces_of_a_key_go_on_in_the_next_client() -> None:
    """Credentials made anew for one key, after the wall clock was set back, go on above its last nonce; another key begins by its own."""
    first = Credentials("key", OURS).nonce(3_600_000_000_000)
    assert Credentials("key", OURS).nonce(1) == first + 1
    assert Credentials("another", OURS).nonce(1) == 1


def test_request_is_signed_over_what_is_sent() -> None:
    """The request carries the nonce in its body and the signature of exactly that body."""
    endpoint = Endpoint(GOOD)
    assert run(tokens(endpoint).fetch()) == Secret("the-token")
    assert endpoint.bodies == [b"nonce=1790000000000000000"]
    assert endpoint.headers[0]["API-Key"] == "the-key"
    assert endpoint.headers[0]["API-Sign"].startswith("bw8mCB/Oxe0EAAcl6rG8T25aYvUjyoi9uFJXWYliIkX+")


@pytest.mark.fault("S9")
def test_wrong_nonce_is_tried_again_with_a_larger_one() -> None:
    """A refused nonce is followed by a larger one, three times at most."""
    endpoint = Endpoint(refusal("EAPI:Invalid nonce"), refusal("EAPI:Invalid nonce"), GOOD)
    assert run(tokens(endpoint, lambda: 5).fetch()) == Secret("the-token")
    assert endpoint.bodies == [b"nonce=5", b"nonce=6", b"nonce=7"]
    endpoint = Endpoint(refusal("EAPI:Invalid nonce"))
    with pytest.raises(TokenLater, match="another program"):
        run(tokens(endpoint).fetch())
    assert len(endpoint.bodies) == 3


@pytest.mark.fault("S10")
@pytest.mark.parametrize(
    ("error", "hint"),
    [
        ("EAPI:Invalid key", "KRAKEN_API_KEY"),
        ("EAPI:Invalid signature", "KRAKEN_API_SECRET"),
        ("EGeneral:Permission denied", "permission"),
        ("EAuth:Account temporary disabled", "disabled"),
    ],
)
def test_useless_key_is_final(error: str, hint: str) -> None:
    """A key that is not accepted fails with what to do about it, and is asked for once, whoever asks again."""

    async def main() -> None:
        endpoint = Endpoint(refusal(error))
        desk = TokenDesk(tokens(endpoint))
        for _ in range(5):
            with pytest.raises(AuthFailed, match=hint):
                await desk.get()
            await asyncio.sleep(3600)
        assert len(endpoint.bodies) == 1

    run(main())


BROKEN = [
    HttpReply(502, b"<html>"),
    HttpReply(200, b"not json"),
    HttpReply(200, b"[" * 60_000),
    HttpReply(200, b"[]"),
    HttpReply(200, b'{"error":[],"result":{}}'),
    HttpReply(200, b'{"error":[],"result":{"token":""}}'),
    HttpReply(200, b'{"error":[],"result":{"token":7}}'),
    refusal("EService:Unavailable"),
    ConnectFailed(ConnectFailure.HANDSHAKE, "the answer is longer than 65536 bytes"),
    ConnectFailed(ConnectFailure.NAME, "no such name"),
]


@pytest.mark.fault("S9")
@pytest.mark.parametrize("answer", BROKEN, ids=str)
def test_broken_endpoint_is_asked_more_and_more_patiently(answer: HttpReply | ConnectFailed) -> None:
    """While the endpoint fails, nobody gets through to it more often than the waits allow; then it works again."""

    async def main() -> None:
        endpoint = Endpoint(answer)
        desk, loop, refused = TokenDesk(tokens(endpoint)), asyncio.get_running_loop(), 0
        while loop.time() < 600:
            with pytest.raises(TokenLater):
                await desk.get()
            refused += 1
            await asyncio.sleep(0.5)
        assert refused > 500
        assert len(endpoint.bodies) <= 16
        endpoint.answers = [GOOD]
        await asyncio.sleep(60)
        assert await desk.get() == Secret("the-token")

    run(main())


@pytest.mark.fault("S9")
@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(refusal("EGeneral:Temporary lockout"), LOCKOUT_SECONDS), (HttpReply(429, b"", 120.0), 120.0)],
)
def test_lockout_is_waited_out(answer: HttpReply, seconds: float) -> None:
    """After a lockout nothing is asked before its time, whoever wants a token."""

    async def main() -> None:
        endpoint = Endpoint(answer)
        desk = TokenDesk(tokens(endpoint))
        with pytest.raises(TokenLater):
            await desk.get()
        endpoint.answers = [GOOD]
        await asyncio.sleep(seconds - 1)
        with pytest.raises(TokenLater):
            await desk.get()
        assert len(endpoint.bodies) == 1
        await asyncio.sleep(1.1)
        assert await desk.get() == Secret("the-token")

    run(main())


@pytest.mark.fault("S8")
def test_one_request_at_a_time() -> None:
    """Many who want a token at one moment get one each, from requests that never overlap."""

    async def main() -> None:
        under_way = [0, 0]

        class Counting(Endpoint):
            async def fetch(self, url: str, **more: Any) -> HttpReply:
                under_way[0] += 1
                under_way[1] = max(under_way)
                reply = await super().fetch(url, **more)
                under_way[0] -= 1
                return reply

        desk = TokenDesk(tokens(Counting(GOOD)))
        got = await asyncio.gather(*[desk.get() for _ in range(5)])
        assert got == [Secret("the-token")] * 5
        assert under_way == [0, 1]

    run(main())


def test_endpoint_that_hangs_is_given_up() -> None:
    """A request that nobody answers ends within its time."""

    class Hanging(Endpoint):
        async def fetch(self, url: str, **more: Any) -> HttpReply:
            await asyncio.sleep(1e6)
            return GOOD

    async def main() -> None:
        with pytest.raises(TokenLater, match="within"):
            await TokenDesk(tokens(Hanging(GOOD))).get()
        assert asyncio.get_running_loop().time() < 11

    run(main())


# ---------------------------------------------------------------- other programs' clients


class AuthenticationError(Exception):
    """Named as ccxt names it."""


class AsyncClient:
    """As ccxt's asynchronous client."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    async def private_post_getwebsocketstoken(self) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class SyncClient:
    """As python-kraken-sdk and ccxt's plain client."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def get_websockets_token(self) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("client", [AsyncClient, SyncClient])
@pytest.mark.parametrize(
    "answer",
    [
        "the-token",
        Secret("the-token"),
        {"token": "the-token"},
        {"error": [], "result": {"token": "the-token"}},
    ],
    ids=["text", "secret", "inner", "whole"],
)
async def test_token_of_another_client(client: type, answer: object) -> None:
    """A token comes out of whatever another client returns, whether it has to be awaited or not."""
    assert await OwnTokens(client(answer)).fetch() == Secret("the-token")


@pytest.mark.parametrize("client", [AsyncClient, SyncClient])
@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (AuthenticationError('kraken {"error":["EAPI:Invalid key"]}'), AuthFailed),
        (AuthenticationError("odd"), AuthFailed),
        (RuntimeError("kraken EGeneral:Temporary lockout"), TokenLater),
        (RuntimeError("the-token leaked"), TokenUnavailable),
        (KeyError("result"), TokenUnavailable),
    ],
)
async def test_failure_of_another_client(
    client: type, error: Exception, verdict: type[KrakenWireError]
) -> None:
    """What another client raises is told apart by Kraken's words in it, and nothing else of it is kept."""
    with pytest.raises(verdict) as caught:
        await OwnTokens(client(error)).fetch()
    assert type(caught.value) is verdict
    assert "leaked" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.fault("S9")
async def test_client_whose_own_work_is_cancelled() -> None:
    """A client that is cancelled somewhere inside gives no token this time, which is no end of asking; who asks can be cancelled, too."""

    class Cancelled:
        async def get_websockets_token(self) -> str:
            raise asyncio.CancelledError

    with pytest.raises(TokenUnavailable, match="cancelled"):
        await OwnTokens(Cancelled()).fetch()
    task = asyncio.ensure_future(OwnTokens(Hanging()).fetch())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Hanging:
    """A client that never answers."""

    async def get_websockets_token(self) -> str:
        await asyncio.sleep(1e9)
        return ""


def test_object_that_gives_no_token_is_refused() -> None:
    """An object without any known way to a token is a mistake of the caller's, told at once."""
    with pytest.raises(UsageError, match="credentials"):
        OwnTokens(object())


# ---------------------------------------------------------------- credentials


def test_credentials_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are read from the environment; one without the other, or one that is no key, is refused, and nothing is shown."""
    monkeypatch.delenv("KRAKEN_API_KEY", raising=False)
    monkeypatch.delenv("KRAKEN_API_SECRET", raising=False)
    endpoint = Endpoint(GOOD)
    assert source_of(None, endpoint, "https://api.kraken.com") is None
    monkeypatch.setenv("KRAKEN_API_KEY", "the-key")
    with pytest.raises(UsageError, match="both"):
        Credentials.from_environment()
    monkeypatch.setenv("KRAKEN_API_SECRET", "not base64")
    with pytest.raises(UsageError, match="Base64") as caught:
        Credentials.from_environment()
    assert "not base64" not in "".join(traceback.format_exception(caught.value))
    monkeypatch.setenv("KRAKEN_API_SECRET", OURS)
    assert isinstance(source_of(None, endpoint, "https://api.kraken.com"), RestTokens)


def test_credentials_show_nothing() -> None:
    """Neither the text nor the repr of credentials holds a key."""
    shown = f"{Credentials('the-key', OURS)!r} {Credentials('the-key', OURS)}"
    assert "the-key" not in shown
    assert OURS not in shown
