"""Waiting for something on the real clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


async def until(true: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for something.

    Raises: AssertionError, if it does not come about.
    """
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < seconds, f"not within {seconds} s"
        await asyncio.sleep(0.01)
