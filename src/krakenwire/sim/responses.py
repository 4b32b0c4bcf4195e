"""HTTP answers of the simulated exchange that are none of its own."""

from __future__ import annotations

from math import ceil

from aiohttp import web

from krakenwire.sim.seams import Refused


class Nothing(web.StreamResponse):
    """No answer: everything that was to be said is said."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Writes nothing."""
        del request
        self.force_close()

    async def write_eof(self, data: bytes = b"") -> None:
        """Writes nothing."""


def refusal(refused: Refused) -> web.Response:
    """A refusal, with how long to wait if it tells."""
    wait = refused.retry_after
    headers = {} if wait is None else {"Retry-After": str(ceil(wait))}
    return web.Response(status=refused.status, headers=headers, body=refused.body)
