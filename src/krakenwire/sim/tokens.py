"""Tokens: what a private or level3 subscription has to show.

A token has to be used within 15 minutes of its creation. Once a subscription was made with it, it stays good for as long as that
connection lives.
"""

from __future__ import annotations

from random import Random

from krakenwire.sim.clock import SECOND

LIFE = 900 * SECOND
KEPT = 10_000
"""Tokens remembered; the oldest are forgotten first."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Tokens:
    """The tokens that were handed out, and to whom."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._issued: dict[str, tuple[int, object]] = {}

    def issue(self, at: int, owner: object = None) -> str:
        """A new token. `owner` is the account it speaks for."""
        token = "".join(self._random.choices(_LETTERS, k=43)) + "="
        self._issued[token] = (at, owner)
        if len(self._issued) > KEPT:
            del self._issued[next(iter(self._issued))]
        return token

    def valid(self, token: object, at: int) -> bool:
        """Whether a subscription may begin with it."""
        issued = self._issued.get(token) if isinstance(token, str) else None
        return issued is not None and at < issued[0] + LIFE

    def owner(self, token: str) -> object:
        """Whom it speaks for; None if it is unknown."""
        return self._issued.get(token, (0, None))[1]

    def revoke(self, token: str | None = None) -> None:
        """Make this token invalid, or all of them."""
        if token is None:
            self._issued.clear()
        else:
            self._issued.pop(token, None)
