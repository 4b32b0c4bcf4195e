"""The writing side of a link: what the session wants sent, at a pace Kraken takes, and the token that some of it needs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from krakenwire.net.backoff import Waits
from krakenwire.net.known import Hub
from krakenwire.net.pacing import Pacer
from krakenwire.net.token import TokenLater
from krakenwire.net.transport import Link, LinkClosed
from krakenwire.session import Session
from krakenwire.wire.secret import Secret


class Writer:
    """Sends over one link. `taken` is called when requests were taken, for the time for their answers runs; `token_ended` when a task that
    fetched a token is over: with AuthFailed, if there will be none.
    """

    def __init__(
        self,
        link: Link,
        session: Session,
        hub: Hub,
        *,
        waits: Waits,
        pacer: Pacer,
        tokens: Callable[[], Awaitable[Secret]],
        taken: Callable[[], None],
        token_ended: Callable[[asyncio.Task[None]], None],
    ) -> None:
        self._link = link
        self._session = session
        self._hub = hub
        self._waits = waits
        self._pacer = pacer
        self._tokens = tokens
        self._taken = taken
        self._token_ended = token_ended
        self._loop = asyncio.get_running_loop()
        self._outgoing = asyncio.Event()
        self._over = False
        self.token_task: asyncio.Task[None] | None = None
        """Fetches a token, or waits until there may be one."""

    def wake(self) -> None:
        """Something may have to be sent."""
        self._outgoing.set()

    def stop(self) -> None:
        """The link is to end: nothing more is taken, for what is taken counts as sent."""
        self._over = True

    async def run(self) -> None:
        """Send, until it is cancelled.

        Raises: LinkClosed; TimeoutError, if the peer does not read.
        """
        while True:
            await self._outgoing.wait()
            self._outgoing.clear()
            await self._write_waiting()

    async def _write_waiting(self) -> None:
        session, pacer, clock = self._session, self._pacer, self._loop.time
        while session.desk.waiting and not self._over:
            if self.token_task is None and session.wants_token(now=clock()):
                self.token_task = self._loop.create_task(self._get_token())
                self.token_task.add_done_callback(self._token_ended)
            ready = pacer.ready(clock())
            if not ready:
                await asyncio.sleep(pacer.wait(clock()))
                continue
            frames = session.take_outgoing(now=clock(), limit=ready)
            self._taken()
            if not frames:
                return  # what is left waits for a token, or for its time
            pacer.spend(len(frames))
            for frame in frames:
                async with asyncio.timeout(self._waits.write):
                    await self._send(frame)

    async def _send(self, frame: bytes) -> None:
        """Raises: LinkClosed, also where a transport of the caller's own fails otherwise: what that says may hold the frame, and the frame
        the token.
        """
        try:
            await self._link.send(frame)
        except (LinkClosed, TimeoutError):
            raise
        except Exception as exc:  # noqa: BLE001 (see above)
            failed = type(exc).__name__
        else:
            return
        raise LinkClosed(f"sending failed: {failed}")

    async def _get_token(self) -> None:
        """Raises: AuthFailed."""
        try:
            self._session.supply_token(await self._tokens())
        except TokenLater as exc:
            self._hub.note(exc)
            await asyncio.sleep(exc.wait)
        self.token_task = None
        self._outgoing.set()
