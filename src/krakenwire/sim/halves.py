"""A client may end his half of a connection and read on, or not. The HTTP library does not tell, so somebody listens before it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Halves(asyncio.Protocol):
    """Stands between a transport and the library's protocol and passes everything on. `ended`: the client will say nothing more."""

    def __init__(self, behind: asyncio.Protocol, ended: Callable[[], object]) -> None:
        self._behind = behind
        self._ended = ended

    def data_received(self, data: bytes) -> None:
        """Passed on."""
        self._behind.data_received(data)

    def eof_received(self) -> bool | None:
        """The client's half is over."""
        self._ended()
        return self._behind.eof_received()

    def pause_writing(self) -> None:
        """Passed on."""
        self._behind.pause_writing()

    def resume_writing(self) -> None:
        """Passed on."""
        self._behind.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Passed on."""
        self._behind.connection_lost(exc)
