"""Channel `status`: the first frame of every connection, and again when the engine changes."""

from __future__ import annotations

from krakenwire.wire.enums import SystemStatus


def status_frame(version: str, system: SystemStatus, connection_id: int | None) -> bytes:
    """A recorded change of the engine's status had no connection id; the first frame of a connection has."""
    told = "" if connection_id is None else f'"connection_id":{connection_id},'
    return (
        f'{{"channel":"status","type":"update","data":[{{"version":"{version}","system":"{system}","api_version":"v2",'
        f'{told}"upcoming_maintenance":[],"emergency":[]}}]}}'
    ).encode()
