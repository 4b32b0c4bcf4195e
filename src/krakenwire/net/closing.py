"""Closing a client: everything ends, in an order that loses least, and nobody can make it take longer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from krakenwire.net.backfill import Backfill
from krakenwire.net.callbacks import Callbacks
from krakenwire.net.connection import Connection
from krakenwire.net.consumers import Queues
from krakenwire.net.transport import Transport


async def close_all(
    connections: Iterable[Connection],
    backfill: Backfill | None,
    queues: Queues,
    callbacks: Callbacks,
    transport: Transport,
    *,
    seconds: float,
) -> None:
    """Half of the time is for connections and back-fills, a quarter for what callbacks still have to do, the rest for whoever has to be
    cancelled, and for the transport.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    ending = [asyncio.ensure_future(connection.stop()) for connection in connections]
    if backfill is not None:
        ending.append(asyncio.ensure_future(backfill.stop()))
    try:
        if ending:
            await asyncio.wait(ending, timeout=seconds / 2)
    finally:
        queues.end()  # also where whoever closes loses patience: readers and callbacks end
    tasks: list[asyncio.Future[Any]] = [*ending, *callbacks.tasks()]
    current = asyncio.current_task()
    await _finish([task for task in tasks if task is not current], seconds / 4, seconds / 8)
    closing = asyncio.ensure_future(transport.close())
    await _finish([closing], deadline - seconds / 16 - clock(), seconds / 16)
    if closing.done() and not closing.cancelled():
        closing.result()


async def _finish(tasks: list[asyncio.Future[Any]], seconds: float, cancelled: float) -> None:
    """Let tasks end by themselves for so long, then cancel what is left, which has so long again; whoever resists that is left behind."""
    pending = set(tasks)
    if pending:
        _, pending = await asyncio.wait(pending, timeout=seconds)
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending, timeout=cancelled)
