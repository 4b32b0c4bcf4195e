"""The way of requests from the session to the caller's socket, and the token that some of them need.

The caller takes frames with `take_outgoing()`, or gives `on_outgoing`, which is called with each frame, before the callbacks of the
events that made it necessary have to be awaited. Whoever does neither is told so once; a snapshot that comes by other means heals a book
all the same. A frame may hold the token: it is shown to nobody but the caller's own sender.
"""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from typing import Any, cast

from krakenwire.errors import KrakenWireError, RequestsIgnored, TokenUnavailable, UsageError
from krakenwire.handler.routes import is_async
from krakenwire.session import Session
from krakenwire.wire.secret import Secret

Send = Callable[[bytes], Any]
"""Takes one frame to send; plain or async."""

TokenProvider = Callable[[], Any]
"""Gives a WebSocket token, as text or `Secret`; plain or async."""

IGNORED_SECONDS = 5.0
"""Seconds that requests wait for somebody who takes them, before the caller is told that nobody does."""

RETRY_SECONDS = 5.0
"""Seconds between two attempts to get a token; what is behind the provider has limits of its own."""


class Outgoing:
    """Frames of one session that wait to be sent. Hold `lock` for everything but `push_and_wait`, which must not hold it."""

    def __init__(
        self, session: Session, lock: threading.RLock, send: Send | None, token_provider: TokenProvider | None
    ) -> None:
        for name, given in (("on_outgoing", send), ("token_provider", token_provider)):
            if given is not None and not callable(given):
                raise UsageError("must be a function", field=name)
        self._session = session
        self._lock = lock
        self._send = send
        self._provider = token_provider
        self.asynchronous = any(
            call is not None and is_async(cast("Any", call)) for call in (send, token_provider)
        )
        self._async_provider = token_provider is not None and is_async(cast("Any", token_provider))
        self._told = False
        self._next_token_at = float("-inf")
        self._fetching = False

    def take(self, now: float, errors: list[Any]) -> list[bytes]:
        """Frames to send now, for a caller who sends them himself. What went wrong is added to `errors`."""
        if not self._async_provider and self._fetch_due(
            now
        ):  # an async one is called by the next `process_message`
            token = self._token(now, errors)
            if inspect.isawaitable(token):
                _close(token)
                errors.append(
                    TokenUnavailable("the token provider returns an awaitable: make it an async function")
                )
            else:
                self._supply(token, errors)
        return self._session.take_outgoing(now=now)

    def push(self, now: float, errors: list[Any]) -> None:
        """Hand what waits to a plain `on_outgoing`. Without one: tell once that nobody takes anything."""
        if self._send is None:
            self._complain(now, errors)
            return
        for frame in self.take(now, errors):
            result = self._handed(frame, errors)
            if inspect.isawaitable(result):
                _close(result)
                errors.append(RequestsIgnored("on_outgoing is async: await process_message()"))

    async def push_and_wait(self, now: float, errors: list[Any]) -> None:
        """Hand what waits to `on_outgoing`, plain or async, in order; get a token first if one is needed."""
        await self._fetch(now, errors)
        with self._lock:
            if self._send is None:
                self._complain(now, errors)
                return
            frames = self._session.take_outgoing(now=now)
        for frame in frames:
            result = self._handed(frame, errors)
            if inspect.isawaitable(result):
                try:
                    await result
                except Exception as exc:  # noqa: BLE001 (the time limit of the answer sees to what was not sent)
                    errors.append(_caused(RequestsIgnored, "on_outgoing failed", exc))

    # ---------------------------------------------------------------- inside

    async def _fetch(self, now: float, errors: list[Any]) -> None:
        with self._lock:
            if not self._fetch_due(now):
                return
            self._fetching = True
        try:
            token = self._token(now, errors)
            if inspect.isawaitable(token):
                token = await token
            with self._lock:
                self._supply(token, errors)
        except Exception as exc:  # noqa: BLE001 (the provider is the caller's code)
            errors.append(_caused(TokenUnavailable, "the token provider failed", exc))
        finally:
            self._fetching = False

    def _fetch_due(self, now: float) -> bool:
        return (
            self._provider is not None
            and not self._fetching
            and now >= self._next_token_at
            and self._session.wants_token(now=now)
        )

    def _token(self, now: float, errors: list[Any]) -> Any:
        self._next_token_at = now + RETRY_SECONDS
        try:
            return None if self._provider is None else self._provider()
        except Exception as exc:  # noqa: BLE001 (the provider is the caller's code)
            errors.append(_caused(TokenUnavailable, "the token provider failed", exc))
            return None

    def _supply(self, token: object, errors: list[Any]) -> None:
        if token is None and errors:
            return
        secret = Secret(token) if isinstance(token, str) else token
        if isinstance(secret, Secret) and secret:
            self._session.supply_token(secret)
        else:
            errors.append(TokenUnavailable(f"the token provider gave no token but {type(token).__name__}"))

    def _handed(self, frame: bytes, errors: list[Any]) -> Any:
        try:
            return None if self._send is None else self._send(frame)
        except Exception as exc:  # noqa: BLE001 (the time limit of the answer sees to what was not sent)
            errors.append(_caused(RequestsIgnored, "on_outgoing failed", exc))
            return None

    def _complain(self, now: float, errors: list[Any]) -> None:
        since = self._session.desk.ignored_since
        if self._told or since is None or now - since < IGNORED_SECONDS:
            return
        self._told = True
        errors.append(
            RequestsIgnored(
                "requests wait and nobody sends them: call take_outgoing() after frames, or give on_outgoing"
            )
        )


def _caused(kind: type[KrakenWireError], what: str, cause: Exception) -> KrakenWireError:
    """The error names the type of its cause only: the text may hold the frame, and the frame the token."""
    error = kind(f"{what}: {type(cause).__name__}")
    error.__cause__ = cause
    return error


def _close(awaitable: Any) -> None:
    """Leave nothing behind that was never awaited."""
    end = getattr(awaitable, "close", None) or getattr(awaitable, "cancel", None)
    if end is not None:
        end()
