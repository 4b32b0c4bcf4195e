"""Signed HTTP requests: whose key it is, and whether the signature is right and the nonce new."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from krakenwire.sim.clock import SECOND
from krakenwire.sim.requests import Refusal
from krakenwire.wire.refusals import TEMPORARY_LOCKOUT

if TYPE_CHECKING:
    from krakenwire.sim.exchange import Exchange
    from krakenwire.sim.private.account import ApiKey

INVALID_KEY = "EAPI:Invalid key"
INVALID_SIGNATURE = "EAPI:Invalid signature"
INVALID_NONCE = "EAPI:Invalid nonce"
CALL_RATE = "EAPI:Rate limit exceeded"

OFFENCES = 20
"""Wrong nonces and signatures in a row until a key is locked out. Kraken publishes no figure."""
LOCKOUT = 900 * SECOND


def signature(secret: str, path: str, nonce: str, body: bytes) -> str:
    """What `API-Sign` has to be. `secret` is Base64; the nonce counts twice, once as a part of the body.

    Raises: ValueError, if the secret is no Base64.
    """
    digest = hashlib.sha256(nonce.encode() + body).digest()
    mac = hmac.new(base64.b64decode(secret, validate=True), path.encode() + digest, hashlib.sha512)
    return base64.b64encode(mac.digest()).decode()


def signed_key(exchange: Exchange, path: str, headers: Mapping[str, str], body: bytes) -> ApiKey:
    """The key that signed this request. Raises: Refusal, in Kraken's words."""
    named = {name.lower(): value for name, value in headers.items()}
    private = exchange.private
    key = None if private is None else private.key(named.get("api-key", ""))
    if key is None:
        raise Refusal(INVALID_KEY)
    at = exchange.at
    if at < key.locked_until:
        raise Refusal(TEMPORARY_LOCKOUT)
    nonce = _nonce(named.get("content-type", ""), body)
    if nonce is None:
        raise Refusal(INVALID_NONCE)
    if not _right(key, path, nonce, body, named.get("api-sign", "")):
        raise _offended(key, INVALID_SIGNATURE, at)
    if not nonce.isdecimal() or len(nonce) > 20 or int(nonce) >= 2**64 or not key.take_nonce(int(nonce)):
        raise _offended(key, INVALID_NONCE, at)
    key.offences = 0
    if key.account.rest_calls.full(at):
        raise Refusal(CALL_RATE)
    key.account.rest_calls.add(1, at)
    return key


def _right(key: ApiKey, path: str, nonce: str, body: bytes, told: str) -> bool:
    try:
        expected = signature(key.secret.reveal(), path, nonce, body)
    except binascii.Error:
        return False
    return hmac.compare_digest(expected.encode(), told.encode())


def _offended(key: ApiKey, words: str, at: int) -> Refusal:
    key.offences += 1
    if key.offences >= OFFENCES:
        key.offences, key.locked_until = 0, at + LOCKOUT
    return Refusal(words)


def _nonce(kind: str, body: bytes) -> str | None:
    """The nonce as the body writes it, in a form or in JSON; None if there is none."""
    try:
        if kind.startswith("application/json"):
            fields: Any = msgspec.json.decode(body)
        else:
            fields = dict(parse_qsl(body.decode()))
    except (ValueError, RecursionError):
        return None
    nonce = fields.get("nonce") if isinstance(fields, dict) else None
    if isinstance(nonce, bool) or not isinstance(nonce, (int, str)):
        return None
    return str(nonce)
