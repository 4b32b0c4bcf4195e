"""The dead man's switch of the account: unless this program goes on saying that it is there, Kraken cancels every open order.

It is renewed four times in its time, as long as a connection stands and this program runs. When no renewal was confirmed for half of the
time, that is told; when the time is over Kraken has cancelled, or will. Every doubt ends on that side: nothing here pretends that orders
are guarded when they may not be, and what is left by an exception stays armed.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

from krakenwire.errors import UsageError
from krakenwire.events import SwitchChanged, SwitchState
from krakenwire.net.connection import Connection
from krakenwire.net.router import Router
from krakenwire.wire.order_replies import CancelAllOrdersAfterReply
from krakenwire.wire.orders import CancelAllOrdersAfter, CancelAllOrdersAfterParams

RENEWALS = 4
"""So many times in its time it is renewed."""

SHORTEST, LONGEST = 8, 86_399
"""Seconds that it may be set to. Below the shortest a single late answer would cost every order."""

LOOKS = 16
"""So many times in its time it is looked at."""

ANSWER_SECONDS = 5.0
"""A renewal without an answer for so long is asked for again."""


class Holder(Protocol):
    """Whoever has connections to the account."""

    def hold_private(self, switch: DeadMansSwitch) -> Connection:
        """Keep a connection to the account for a switch."""

    def let_private_go(self, switch: DeadMansSwitch) -> None:
        """Undo `hold_private`."""


class DeadMansSwitch:
    """`async with` arms it and keeps it armed. Leaving the block disarms it; leaving it by an exception does not, so that Kraken cancels.

    Raises: UsageError, if `seconds` is no whole number from 8 to 86,399.
    """

    def __init__(self, holder: Holder, router: Router, seconds: int) -> None:
        if type(seconds) is not int or not SHORTEST <= seconds <= LONGEST:
            raise UsageError(f"must be a whole number from {SHORTEST} to {LONGEST}", field="seconds")
        self._holder = holder
        self._router = router
        self._seconds = seconds
        self._connection: Connection | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._asked: tuple[int, float, int] | None = None
        """The request that has no answer yet: its number, when it was made, and what it sets."""
        self._link = 0
        """The link that it was made over, by its number; the answer comes over no other."""
        self._set_at: float | None = None
        """When the last renewal that was confirmed was asked for: Kraken's time began no earlier."""
        self._wanted = True
        self._answered = asyncio.Event()
        self.state = SwitchState.DISARMED

    @property
    def due_at(self) -> float | None:
        """When Kraken cancels at the earliest, on the loop's clock; None while it is not known to be armed."""
        return None if self._set_at is None else self._set_at + self._seconds

    async def __aenter__(self) -> Self:
        self._connection = self._holder.hold_private(self)
        self._router.name("reply", self._told, facts=False)
        self._look()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.disarm()
        finally:
            self.stop()

    async def disarm(self) -> bool:
        """Tell Kraken that nothing is to be cancelled, as before a maintenance that was announced. False: it did not confirm that within
        five seconds, and may cancel.
        """
        self._wanted = False
        self._answered.clear()
        self._ask(0)
        with suppress(TimeoutError):  # then the state says so
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._answered.wait()
        return self.state is SwitchState.DISARMED

    def arm(self) -> None:
        """Arm it again after `disarm`."""
        self._wanted = True
        self._ask(self._seconds)

    def stop(self) -> None:
        """Renew it no more. What Kraken was told last stands."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._connection is not None:
            self._connection = None
            self._router.unname(self._told)
            self._holder.let_private_go(self)

    # ---------------------------------------------------------------- inside

    def _look(self) -> None:
        """Renew it if it is time to, and say how late it is."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds / LOOKS, self._look)
        now = loop.time()
        if self._wanted and (self._set_at is None or now - self._set_at >= self._seconds / RENEWALS):
            self._ask(self._seconds)
        if self._set_at is None:
            return
        if now - self._set_at >= self._seconds:
            self._change(SwitchState.FALLEN, "its time is over")
        elif now - self._set_at >= self._seconds / 2:
            self._change(SwitchState.LATE, "no renewal was confirmed for half of its time")

    def _ask(self, seconds: int) -> None:
        """Ask, unless the same question waits for its answer, or there is no connection to ask over."""
        now, connection = asyncio.get_running_loop().time(), self._connection
        if connection is None or not connection.stands:
            return
        if self._asked is not None and self._link == connection.connects:
            _, at, asked = self._asked
            if asked == seconds and now - at < min(ANSWER_SECONDS, self._seconds / RENEWALS / 2):
                return
        request = CancelAllOrdersAfter(params=CancelAllOrdersAfterParams(timeout=seconds))
        self._asked = connection.request(request), now, seconds
        self._link = connection.connects

    def _told(self, reply: Any) -> None:
        if not isinstance(reply, CancelAllOrdersAfterReply) or self._asked is None:
            return
        number, at, seconds = self._asked
        if reply.req_id != number:
            return
        self._asked = None
        if reply.rejected:
            self._change(SwitchState.LATE, reply.error or "refused")
        elif seconds:
            self._set_at = at
            self._change(SwitchState.ARMED, "")
        else:
            self._set_at = None
            self._change(SwitchState.DISARMED, "")
        self._answered.set()

    def _change(self, state: SwitchState, reason: str) -> None:
        if state is not self.state:
            self.state = state
            self._router.publish([SwitchChanged(state, reason, self.due_at)])
