"""What an order method answers."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from krakenwire.sim.requests import Refusal


class Grant(Struct, frozen=True):
    """A request, or one order of it, is granted. `members` stand beside the result."""

    result: Any = None
    members: dict[str, Any] = {}


Answer = Grant | Refusal
