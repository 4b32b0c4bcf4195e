"""Whose cancellation it is: that of the task itself, or of something in foreign code that it only waited for."""

from __future__ import annotations

import asyncio


def is_ours(error: BaseException) -> bool:
    """Whether the current task is cancelled, and has to end. Where only what it waited for was, that is a failure like any other."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and (task is None or task.cancelling() > 0)
