"""Looking up names without letting a resolver that hangs hold up anything: neither the event loop nor the end of the program."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from krakenwire.net.threads import Threads

LOOKUPS_LIMIT = 16
"""Lookups under way at one time. Beyond it a lookup fails at once: those before it hang."""

Lookup = Callable[..., list[Any]]


class Resolver(AbstractResolver):
    """The system's `getaddrinfo`, in threads of its own."""

    def __init__(self, lookup: Lookup = socket.getaddrinfo) -> None:
        self._lookup = lookup
        self._threads = Threads(LOOKUPS_LIMIT)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a host, in the order of the system's preference.

        Raises: OSError, if there are none.
        """
        call = functools.partial(self._lookup, host, port, type=socket.SOCK_STREAM, family=family)
        try:
            rows = await self._threads.call(call)
        except UnicodeError:
            raise OSError("the name cannot be written as one") from None
        if not rows:
            raise OSError("the name has no address")
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=address[1],
                family=kind,
                proto=proto,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for kind, _, proto, _, address in rows
        ]

    async def close(self) -> None:
        """Nothing is held: lookups that still hang end with the process."""
