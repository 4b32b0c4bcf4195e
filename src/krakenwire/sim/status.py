"""Channel `status`: the first frame of every connection, and again when the engine changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from krakenwire.wire.control import Emergency, Maintenance
from krakenwire.wire.encoding import encode

if TYPE_CHECKING:
    from krakenwire.sim.exchange import Exchange


def status_frame(exchange: Exchange, connection_id: int | None) -> bytes:
    """A recorded change of the engine's status had no connection id; the first frame of a connection has."""
    told = "" if connection_id is None else f'"connection_id":{connection_id},'
    return (
        f'{{"channel":"status","type":"update","data":[{{"version":"{exchange.rules.version}","system":"{exchange.system}",'
        f'"api_version":"v2",{told}"upcoming_maintenance":{_array(exchange.upcoming)},"emergency":{_array(exchange.emergency)}}}]}}'
    ).encode()


def _array(entries: Sequence[Maintenance | Emergency]) -> str:
    return f"[{','.join(encode(entry).decode() for entry in entries)}]"
