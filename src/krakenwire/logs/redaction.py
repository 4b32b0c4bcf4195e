"""No secret in a log, whoever writes the line and whatever form the secret has there.

What is in use now is known and looked for in every form it may take; what looks like a secret is struck out without being known. Losing a
harmless word is no harm.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

from krakenwire.wire.secret import alive

HIDDEN = "***"

SHORTEST = 8
"""Shorter texts are not looked for: they are in every line. Kraken's keys and tokens have 43 characters and more."""

_NAMED = re.compile(
    r"""(?ix)
    ( (?<![a-z]) (?: token | api [-_]? (?: key | sign | secret ) | private [-_]? key | secret | password | otp
           | (?: proxy- )? authorization ) \\* ["']? \s* [:=] \s* (?: b? \\* ["'] )? )
    (?: (?: basic | bearer ) \s+ )? [^\s"',;&}\])\\]+
    """
)
_LOGIN = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)[^/\s@'\"]+@")

_made: tuple[frozenset[str], re.Pattern[str] | None] = (frozenset(), None)
"""The secrets in use when a line was last redacted, and the expression that finds them."""


def redact(text: str) -> str:
    """The text with every secret struck out."""
    found = _pattern()
    if found is not None:
        text = found.sub(HIDDEN, text)
    return _LOGIN.sub(rf"\1{HIDDEN}@", _NAMED.sub(rf"\1{HIDDEN}", text))


def _pattern() -> re.Pattern[str] | None:
    global _made  # noqa: PLW0603 (a cache of one)
    secrets = frozenset([secret.reveal() for secret in alive()])
    if _made[0] != secrets:
        # The longest first: one form may begin with another.
        every = sorted({form for secret in secrets for form in forms(secret)}, key=len, reverse=True)
        _made = secrets, re.compile("|".join(map(re.escape, every))) if every else None
    return _made[1]


def forms(secret: str) -> Iterator[str]:
    """Every text in which a secret could be read: as it is, escaped, encoded, and, if it is Base64, what it encodes."""
    secret = str(secret)  # a revealed one shows itself as ***
    if len(secret) < SHORTEST:
        return
    yield from (secret, quote(secret, safe=""), quote(secret), quote_plus(secret))
    yield from (json.dumps(secret)[1:-1], json.dumps(secret)[1:-1].replace("/", "\\/"), repr(secret)[1:-1])
    yield from _encoded(secret.encode())
    if "=" in secret[-2:]:
        yield secret.rstrip("=")
    yield secret.translate(str.maketrans("+/", "-_")).rstrip("=")
    try:
        raw = base64.b64decode(secret, validate=True)
    except (binascii.Error, ValueError):
        return
    if len(raw) >= SHORTEST:
        yield from (raw.hex(), raw.hex().upper(), repr(raw)[2:-1])


def _encoded(raw: bytes) -> Iterator[str]:
    """In hexadecimal and in Base64, also in the middle of something longer: the characters that do not depend on what stands around it."""
    yield from (raw.hex(), raw.hex().upper())
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw).decode()
        begin = (before * 8 + 5) // 6
        end = (before + len(raw)) * 8 // 6
        yield from (whole[begin:end], whole[begin:end].translate(str.maketrans("+/", "-_")))
