"""WebSocket tokens: fetched for each connection, by one request at a time, and shown to nobody.

A token comes from Kraken's REST interface, for a signed request, or from a program's own client: a ccxt `kraken`, or anything with
`get_websockets_token()`. What went wrong decides what happens: a wrong key is final, because more attempts lock the account; a lockout is
waited out; everything else is tried again, more and more patiently.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import inspect
import os
import re
import time
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from krakenwire.errors import AuthFailed, ConnectFailed, TokenUnavailable, UsageError
from krakenwire.net.cancelling import is_ours
from krakenwire.net.threads import Threads
from krakenwire.net.transport import HttpReply, Transport
from krakenwire.wire.secret import Revealed, RevealedBytes, Secret

TOKEN_PATH = "/0/private/GetWebSocketsToken"  # noqa: S105 (a path)
NONCE_TRIES = 3
LOCKOUT_SECONDS = 900.0
RATE_SECONDS = 15.0
FETCH_SECONDS = 10.0
RETRIES = (1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
"""Seconds between attempts while the endpoint fails; the last figure repeats."""

KEY_VARIABLE = "KRAKEN_API_KEY"
SECRET_VARIABLE = "KRAKEN_API_SECRET"  # noqa: S105 (a name)

_FINAL = {
    "EAPI:Invalid key": f"check the API key ({KEY_VARIABLE})",
    "EAPI:Invalid signature": f"check the private key ({SECRET_VARIABLE})",
    "EGeneral:Permission denied": 'the API key needs the permission "Access WebSockets API"',
    "EAccount:Invalid permissions": "the account may not do this",
    "EAuth:Account": "the account is disabled or not confirmed",
}
_CODE = re.compile(r"E[A-Z][A-Za-z]*:[A-Za-z][A-Za-z ]*")
_nonces: dict[bytes, int] = {}
"""The last nonce of each key in this process, by the hash of the key: a second client must not begin below the first, whatever the wall
clock did between them.
"""

_FINAL_TYPES = frozenset({"AuthenticationError", "PermissionDenied"})
"""What a program's own client calls a key that is not accepted."""


class Credentials:
    """An API key and its private key. They show themselves nowhere.

    Raises: UsageError, if the private key is not what Kraken gives out.
    """

    __slots__ = ("_name", "key", "secret")

    def __init__(self, key: str | Secret, secret: str | Secret) -> None:
        # Under the old names, so that from here on a traceback shows neither.
        key = self.key = key if isinstance(key, Secret) else Secret(key)
        secret = self.secret = secret if isinstance(secret, Secret) else Secret(secret)
        if not self.key or not self.key.reveal().isascii():
            raise UsageError("must be the text that Kraken gave out", field="key")
        try:
            base64.b64decode(self.secret.reveal(), validate=True)
        except (binascii.Error, ValueError):
            raise UsageError("must be the Base64 text that Kraken gave out", field="secret") from None
        self._name = hashlib.sha256(self.key.reveal().encode()).digest()

    @classmethod
    def from_environment(cls) -> Credentials | None:
        """Those of `KRAKEN_API_KEY` and `KRAKEN_API_SECRET`; None if neither is set.

        Raises: UsageError, if only one of them is, or they are no keys.
        """
        key = Revealed(os.environ.get(KEY_VARIABLE, ""))
        secret = Revealed(os.environ.get(SECRET_VARIABLE, ""))
        if not key and not secret:
            return None
        if not key or not secret:
            raise UsageError(
                f"set both {KEY_VARIABLE} and {SECRET_VARIABLE}, or neither", field="credentials"
            )
        return cls(key, secret)

    def __repr__(self) -> str:
        return "Credentials(***)"

    def nonce(self, wall: int) -> int:
        """The next nonce: the time in nanoseconds, or one more than the last of this key where the clock stood still or went back."""
        nonce = _nonces[self._name] = max(_nonces.get(self._name, 0) + 1, wall)
        return nonce

    def sign(self, path: str, nonce: int, body: bytes) -> str:
        """The signature of a request, for its header `API-Sign`."""
        digest = hashlib.sha256(str(nonce).encode() + body).digest()
        key = RevealedBytes(base64.b64decode(self.secret.reveal()))
        return base64.b64encode(hmac.new(key, path.encode() + digest, hashlib.sha512).digest()).decode()


class TokenLater(TokenUnavailable):
    """There is no token now, and none is to be asked for within `wait` seconds."""

    def __init__(self, reason: str, wait: float) -> None:
        super().__init__(reason)
        self.wait = wait


class TokenSource(Protocol):
    """Where tokens come from."""

    async def fetch(self) -> Secret:
        """A new token.

        Raises: AuthFailed, which is final; TokenUnavailable.
        """
        ...


class RestTokens:
    """Tokens from Kraken's REST interface. `wall`: nanoseconds since 1970, for nonces."""

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        url: str,
        *,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._transport = transport
        self._credentials = credentials
        self._url = url.rstrip("/")
        self._wall = wall

    async def fetch(self) -> Secret:
        for _ in range(NONCE_TRIES):
            errors, token = await self._ask()
            if token is not None:
                return token
            if not errors[0].startswith("EAPI:Invalid nonce"):
                raise _verdict(errors[0])
        raise TokenLater("EAPI:Invalid nonce; does another program use this key?", RETRIES[-1])

    async def _ask(self) -> tuple[list[str], Secret | None]:
        nonce = self._credentials.nonce(self._wall())
        body = f"nonce={nonce}".encode()
        headers = {
            "API-Key": self._credentials.key.reveal(),
            "API-Sign": Revealed(self._credentials.sign(TOKEN_PATH, nonce, body)),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            reply = await self._transport.fetch(self._url + TOKEN_PATH, body=body, headers=headers)
        except ConnectFailed as exc:
            raise TokenUnavailable(f"the token endpoint failed: {exc.kind}") from None
        except Exception as exc:  # noqa: BLE001 (a transport of the caller's own; what it says may hold the signed request)
            failed = type(exc).__name__
        else:
            return self._read(reply)
        raise TokenUnavailable(f"the token endpoint failed: {failed}")

    @staticmethod
    def _read(reply: HttpReply) -> tuple[list[str], Secret | None]:
        """Errors, or the token."""
        if reply.status == 429:
            raise TokenLater("the token endpoint wants fewer requests", reply.retry_after or RATE_SECONDS)
        try:
            answer = msgspec.json.decode(reply.body)
            errors = [str(error) for error in answer.get("error") or ()]
            token = None if errors else Secret(answer["result"]["token"])
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
            raise TokenUnavailable(f"the token endpoint answered {reply.status} and no token") from None
        if token is not None and not token:
            raise TokenUnavailable("the token endpoint answered an empty token")
        return errors, token


class OwnTokens:
    """Tokens from a program's own client: sync or async, ccxt's or anything with `get_websockets_token()`.

    Raises: UsageError, if it can give none.
    """

    def __init__(self, client: object) -> None:
        names = ("get_websockets_token", "private_post_getwebsocketstoken", "privatePostGetWebSocketsToken")
        calls = [call for name in names if callable(call := getattr(client, name, None))]
        if not calls:
            raise UsageError(
                "must be Credentials, a ccxt kraken, or an object with get_websockets_token()",
                field="credentials",
            )
        self._call = calls[0]
        self._threads = Threads(1)

    async def fetch(self) -> Secret:
        try:
            if inspect.iscoroutinefunction(self._call):
                answer = await self._call()
            else:
                answer = await self._threads.call(self._call)
                if inspect.isawaitable(answer):
                    answer = await answer
        except (AuthFailed, TokenUnavailable):
            raise
        except asyncio.CancelledError as exc:
            if is_ours(exc):
                raise
            raise TokenUnavailable("what it waited for was cancelled") from None
        except Exception as exc:  # noqa: BLE001 (the caller's code; its text may be secret, so only Kraken's own words are kept)
            raise _own_verdict(exc) from None
        return _token_of(answer)


class TokenDesk:
    """Gives each connection a token of its own: one request at a time, and none while one is known to be useless."""

    def __init__(self, source: TokenSource) -> None:
        self._source = source
        self._lock = asyncio.Lock()
        self._failures = 0
        self._not_before = 0.0
        self.final: AuthFailed | None = None
        """Why there is no token and will be none."""

    async def get(self) -> Secret:
        """A new token.

        Raises: AuthFailed, TokenLater.
        """
        loop = asyncio.get_running_loop()
        async with self._lock:
            if self.final is not None:
                raise AuthFailed(self.final.reason, self.final.hint)
            if loop.time() < self._not_before:
                raise TokenLater("the last attempt failed", self._not_before - loop.time())
            try:
                async with asyncio.timeout(FETCH_SECONDS):
                    token = await self._source.fetch()
            except AuthFailed as exc:
                self.final = exc
                raise
            except TimeoutError:
                raise self._later(f"no token within {FETCH_SECONDS:g} s", loop.time()) from None
            except TokenUnavailable as exc:
                raise self._later(str(exc), loop.time(), getattr(exc, "wait", 0.0)) from None
            self._failures = 0
            return token

    def _later(self, reason: str, now: float, wait: float = 0.0) -> TokenLater:
        wait = max(wait, RETRIES[min(self._failures, len(RETRIES) - 1)])
        self._failures += 1
        self._not_before = now + wait
        return TokenLater(reason, wait)


def _verdict(error: str) -> AuthFailed | TokenUnavailable:
    """What a refusal in Kraken's words means."""
    for prefix, hint in _FINAL.items():
        if error.startswith(prefix):
            return AuthFailed(error, hint)
    if error.startswith("EGeneral:Temporary lockout"):
        return TokenLater(error[:200], LOCKOUT_SECONDS)
    if error.startswith(("EAPI:Rate limit", "EAuth:Rate limit", "EAuth:Too many")):
        return TokenLater(error[:200], RATE_SECONDS)
    return TokenUnavailable(error[:200])


def _own_verdict(exc: Exception) -> AuthFailed | TokenUnavailable:
    """What a failure of the program's own client means, by Kraken's words in it or by the name of its type."""
    code = _CODE.search(str(exc))
    verdict = _verdict(code.group()) if code else TokenUnavailable(type(exc).__name__)
    if isinstance(verdict, TokenLater | AuthFailed):
        return verdict
    if any(kind.__name__ in _FINAL_TYPES for kind in type(exc).__mro__):
        return AuthFailed(code.group() if code else type(exc).__name__)
    return verdict


def _token_of(answer: object) -> Secret:
    """The token in what a client returned: itself, or under `token`, or under `result`."""
    if isinstance(answer, dict):
        answer = answer.get("result", answer)
    if isinstance(answer, dict):
        answer = answer.get("token")
    token = Secret(answer) if isinstance(answer, str) else answer
    if isinstance(token, Secret) and token:
        return token
    raise TokenUnavailable(f"gave no token but {type(answer).__name__}")


def source_of(
    credentials: Any, transport: Transport, url: str, wall: Callable[[], int] = time.time_ns
) -> TokenSource | None:
    """Where tokens come from; None if from nowhere.

    Raises: UsageError, if `credentials` can give none.
    """
    if credentials is None:
        credentials = Credentials.from_environment()
    if credentials is None:
        return None
    if isinstance(credentials, Credentials):
        return RestTokens(transport, credentials, url, wall=wall)
    if callable(getattr(credentials, "fetch", None)) and isinstance(credentials, RestTokens | OwnTokens):
        return credentials
    return OwnTokens(credentials)
